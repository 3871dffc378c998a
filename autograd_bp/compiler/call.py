"""`compile`: a function recorded once for each signature, and run flat afterwards."""

from __future__ import annotations

import builtins
import contextvars
import functools
import linecache
import operator
import threading
import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp import tensor
from autograd_bp.compiler.arguments import Arguments, Key, separated
from autograd_bp.compiler.interface import Taker, giver, taker
from autograd_bp.compiler.pipeline import prepared
from autograd_bp.compiler.program import Program, Var
from autograd_bp.compiler.scalar import ScalarProgram
from autograd_bp.compiler.source import emitted
from autograd_bp.compiler.surroundings import modules_around
from autograd_bp.compiler.tape import NotScalarError, Tape, record_tape
from autograd_bp.compiler.tracer import record
from autograd_bp.node import Node
from autograd_bp.recording import no_grad, state
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

MANY = 32
"""From this many signatures on, something that varies should be an array or a float."""


class CompiledFunction:
    """A function that is recorded on its first call and runs as a flat program afterwards.

    Attributes
    ----------
    source
        What the last signature runs, as NumPy.
    programs
        The recorded `Program` of each signature, in the order in which they were met.
    """

    def __init__(self, f: Callable[..., Any], donate: tuple[int, ...]) -> None:
        functools.update_wrapper(self, f)
        self._f = f
        self._donate = donate
        self._signatures: dict[Key, _Signature | _ScalarSignature] = {}
        self._lock = threading.Lock()
        self._modules = modules_around(f)
        self._latest: tuple[Taker, _Signature | _ScalarSignature] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result for these arguments."""
        latest = self._latest
        if latest is not None and not kwargs:
            taken, signature = latest
            leaves = taken(args)
            if leaves is not None and (not signature.outside or signature.holds()):
                result = signature.run(leaves)
                return self._careful(args, kwargs) if result is None else signature.given(result)
        arguments = separated((args, kwargs))
        if _is_watched(arguments):
            return self._f(*args, **kwargs)
        leaves = [leaf._value if isinstance(leaf, Node) else leaf for leaf in arguments.leaves]
        modules = [*self._modules, *modules_around(arguments.skeleton)]
        key = (arguments.key, tuple(map(_kind, leaves)), tuple(m.training for m in modules))
        known = self._signatures.get(key)
        if known is not None and known.holds():
            signature = known
        else:
            signature = self._recorded(key, arguments, leaves)
            signature.outside = [*signature.outside, *_modes(modules)]
        result = signature.run(leaves)
        if result is None:
            return self._careful(args, kwargs)
        if arguments.nodes:
            return signature.given([_as_node(leaf) for leaf in result])
        if not kwargs and signature.taken is not None:
            self._latest = signature.taken, signature
        return signature.given(result)

    def _careful(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The function itself, where plain products gave a nan that guarded ones may not give, or
        an index was wrong, of which it says more."""
        with no_grad(), np.errstate(all="ignore"):
            return self._f(*args, **kwargs)

    def _recorded(
        self, key: Key, arguments: Arguments, leaves: list[Any]
    ) -> _Signature | _ScalarSignature:
        with self._lock:
            if key not in self._signatures or not self._signatures[key].holds():
                self._signatures[key] = self._compiled(arguments, leaves)
                if len(self._signatures) == MANY:
                    warnings.warn(
                        f"{_name(self._f)} has been compiled {MANY} times, for {MANY} signatures: "
                        "an int that differs from call to call is better passed as a float or an "
                        "array, and arrays of many shapes padded to few",
                        stacklevel=4,
                    )
            return self._signatures[key]

    def _compiled(self, arguments: Arguments, leaves: list[Any]) -> _Signature | _ScalarSignature:
        if not any(isinstance(leaf, np.ndarray) for leaf in leaves):
            scalar = self._scalar(arguments, leaves, SMALL)
            if scalar is not None:
                return scalar
        program = record(self._f, leaves, arguments.names(self._f), arguments.unflatten)
        donated = [
            var
            for var, (kind, place, *_) in zip(program.inputs, arguments.paths, strict=False)
            if kind == 0 and place in self._donate
        ]
        return _Signature(program, donated, arguments, leaves)

    def _scalar(
        self, arguments: Arguments, leaves: list[Any], least: int
    ) -> _ScalarSignature | None:
        """The function as a tape of at least so many steps; None where it is no such thing."""
        try:
            tape = record_tape(self._f, len(leaves), arguments.unflatten)
            if len(tape.codes) < least:
                return None
            return _ScalarSignature(ScalarProgram(tape), arguments, leaves)
        except NotScalarError:
            return None
        except ModuleNotFoundError as error:
            if len(tape.codes) < MANY_STEPS and least > 0:
                return None
            raise ModuleNotFoundError(
                f"{_name(self._f)} is a scalar program of {len(tape.codes)} steps, and {error}. "
                "Without it, call the function itself",
                name="numba",
            ) from None

    def rows(self, *args: Any) -> Any:
        """The results for many rows at once, of a function of numbers.

        Parameters
        ----------
        args
            As for a call; a number that varies is an array of shape (rows,).

        Returns
        -------
        object
            What a call returns, with an array of shape (rows,) in the place of each number.

        Raises
        ------
        ValueError
            If no argument is an array, or arrays differ in length.
        TypeError
            If the function is more than a scalar program, or takes gradients of gradients.

        Examples
        --------
        >>> import autograd_bp as ab
        >>> slope = compile(ab.grad(lambda x, a: a * x**3))
        >>> slope.rows(np.array([1.0, 2.0, 3.0]), 10.0)  # doctest: +SKIP
        array([ 30., 120., 270.])
        """
        arguments = separated((args, {}))
        given = [leaf._value if isinstance(leaf, Node) else leaf for leaf in arguments.leaves]
        places = [i for i, leaf in enumerate(given) if isinstance(leaf, np.ndarray) and leaf.ndim]
        shapes = {given[i].shape for i in places}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError(
                f"{_name(self._f)}.rows needs arrays of one shape (rows,) for the numbers that "
                f"vary, and was given {sorted(shapes)}"
            )
        numbers = [0.0 if i in places else float(leaf) for i, leaf in enumerate(given)]
        key = ("rows", arguments.key, tuple(float for _ in numbers))
        with self._lock:
            if key not in self._signatures:
                scalar = self._scalar(arguments, numbers, 0)
                if scalar is None:
                    raise TypeError(
                        f"{_name(self._f)}.rows: the function is no program of numbers alone; call "
                        "it on arrays instead"
                    )
                self._signatures[key] = scalar
        signature = self._signatures[key]
        assert isinstance(signature, _ScalarSignature)
        columns = signature.runner.run_rows(
            np.stack([given[i] for i in places], axis=1).astype(float),
            np.array(places, np.int64),
            numbers,
        )
        return signature.given(list(columns.T.copy()))

    @property
    def programs(self) -> list[Program | Tape]:
        """The recorded program of each signature."""
        return [signature.program for signature in self._signatures.values()]

    @property
    def source(self) -> str:
        """What the last signature that was compiled runs, as NumPy.

        Raises
        ------
        RuntimeError
            If the function has not been called yet.
        """
        if not self._signatures:
            raise RuntimeError(
                f"{_name(self._f)} has no source yet: it is recorded when it is first called"
            )
        return next(reversed(self._signatures.values())).source

    def __repr__(self) -> str:
        n = len(self._signatures)
        return f"<compiled {_name(self._f)}, {n} signature{'s' * (n != 1)}>"


Outside = tuple[Callable[[Any], Any], Any, Any]
"""A look at something outside of a function, at what, and what is seen if nothing has changed."""


class _Prepared:
    """What there is for one signature. It holds as long as `outside` is as it was."""

    outside: list[Outside]

    def holds(self) -> bool:
        """Whether what the function depends on besides its arguments is of the same kind."""
        return all(look(at) == seen for look, at, seen in self.outside)


def _modes(modules: Sequence[Any]) -> list[Outside]:
    return [(operator.attrgetter("training"), module, module.training) for module in modules]


def _kinds_of(captured: Sequence[Node]) -> list[Outside]:
    return [(_kind_of, node, _kind_of(node)) for node in captured if isinstance(node, Tensor)]


def _kind_of(node: Node) -> Any:
    return node._value.shape, node._value.dtype


class _Signature(_Prepared):
    """A recorded program, and the one or two ways to run it.

    The bold way takes forms that are right unless they give nan. Where they do, the way that
    takes each row as it is written runs; where plain products give nan even so, the function
    itself must.
    """

    def __init__(
        self, program: Program, donated: Sequence[Var], arguments: Arguments, leaves: list[Any]
    ) -> None:
        self.program = program
        self.outside = _kinds_of(program.captured)
        self.taken = None if arguments.nodes else taker(arguments.skeleton[0], leaves)
        self.given = giver(program.structure)
        self._donated = donated
        self._bold: _Runner | None = _Runner(program, donated, bold=True)
        self._careful: _Runner | None = None
        self._failures = 0

    @property
    def source(self) -> str:
        """What runs."""
        runner = self._bold or self._careful
        assert runner is not None
        return runner.source

    def run(self, leaves: list[Any]) -> tuple[Any, ...] | None:
        """The outputs, or None where the function itself should be run."""
        if self._bold is not None:
            result = self._bold.run(leaves)
            if result is not None:
                return result
            self._failures += 1
        if self._careful is None:
            self._careful = _Runner(self.program, self._donated, bold=False)
        result = self._careful.run(leaves)
        if result is not None and self._failures > _PATIENCE:
            self._bold = None
        return result


_PATIENCE = 3
"""How often the bold way may fail where the other does not before it is given up."""


class _ScalarSignature(_Prepared):
    """A scalar program, ready to run."""

    def __init__(self, runner: ScalarProgram, arguments: Arguments, leaves: list[Any]) -> None:
        self.runner = runner
        self.outside = []
        self.program = runner.tape
        self.source = runner.tape.text()
        self.taken = None if arguments.nodes else taker(arguments.skeleton[0], leaves)
        self.given = giver(runner.tape.structure)
        self.run = runner.run


SMALL = 300
"""Scalar programs of fewer steps run as Python: to load native code takes longer."""
MANY_STEPS = 3000
"""Scalar programs of more steps are not run as Python where there is no numba."""


class _Runner:
    """A program as it runs."""

    def __init__(self, program: Program, donated: Sequence[Var], *, bold: bool) -> None:
        optimised, plan = prepared(program, donated, bold=bold)
        text = emitted(optimised, plan)
        self.source = text.source
        self._function = _compiled_text(text.source, program.name, text.meanings)
        self._plan = plan
        self._memory = text.memory
        self._spaces: list[tuple[contextvars.Context, tuple[Any, ...]]] = []
        self._captured = program.captured
        overwritten = set(plan.overwritten.values())
        self._overwritten = [i for i, var in enumerate(program.inputs) if var in overwritten]
        self._arrays = [i for i, var in enumerate(program.inputs) if not var.weak]

    def run(self, leaves: list[Any]) -> tuple[Any, ...] | None:
        """The outputs, or None after a check that failed."""
        inputs = [*leaves, *(node._value for node in self._captured)]
        if self._overwritten:
            self._make_writable(inputs)
        # Each running call has arrays of its own: several threads may call at once. In its
        # context floating-point warnings are off.
        spaces = self._spaces
        try:
            space = spaces.pop()
        except IndexError:
            space = self._space()
        try:
            return space[0].run(self._function, *inputs, space[1])  # type: ignore[no-any-return]
        except IndexError:  # the function itself says better what is wrong
            return None
        finally:
            spaces.append(space)

    def _make_writable(self, inputs: list[Any]) -> None:
        """Donated arrays that are not safe to write to are copied."""
        owners = set()
        for i in self._arrays:
            array = inputs[i]
            owners.add(id(array if array.base is None else array.base))
        apart = len(owners) == len(self._arrays)
        for i in self._overwritten:
            array = inputs[i]
            flags = array.flags
            if not (flags.c_contiguous and flags.writeable) or not (
                apart or self._is_alone(inputs, i)
            ):
                inputs[i] = array.copy()

    def _is_alone(self, inputs: list[Any], i: int) -> bool:
        return not any(j != i and np.may_share_memory(inputs[i], inputs[j]) for j in self._arrays)

    def _space(self) -> tuple[contextvars.Context, tuple[Any, ...]]:
        context = contextvars.copy_context()
        context.run(np.seterr, all="ignore")
        raw = [np.zeros(size, np.uint8) for size in self._plan.sizes]
        made: dict[Var, Any] = {}
        for var, view in self._memory:
            if view is None:
                made[var] = raw[self._plan.buffer[var]].view(var.dtype).reshape(var.shape)
            else:
                made[var] = view.function(made[view.inputs[0]], *view.params)
        return context, tuple(made.values())


def _compiled_text(source: str, name: str, meanings: dict[str, Any]) -> Callable[..., Any]:
    file = f"<compiled {name} {zlib.crc32(source.encode()):08x}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace = dict(meanings)
    exec(builtins.compile(source, file, "exec"), namespace)  # noqa: S102  (written by `source`)
    function: Callable[..., Any] = namespace[source[4 : source.index("(")]]
    return function


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _kind(leaf: Any) -> Any:
    return (leaf.shape, leaf.dtype) if isinstance(leaf, np.ndarray) else float


def _is_watched(arguments: Arguments) -> bool:
    """Whether derivatives are wanted from outside: then the function itself is run."""
    return arguments.nodes and any(
        isinstance(leaf, Node)
        and (leaf._tracer is not None or (leaf.requires_grad and state.recording))
        for leaf in arguments.leaves
    )


def _as_node(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray | np.generic):
        return tensor.result(leaf)
    return Value(leaf, requires_grad=False) if isinstance(leaf, float) else leaf


def compile(f: Callable[..., Any], donate: int | Sequence[int] = ()) -> CompiledFunction:  # noqa: A001
    """A function that does what `f` does, from a program recorded on its first call.

    `f` is called once for each signature: structure, shapes and dtypes of the arguments, and the
    arguments that are no floats. What it does is recorded, derivatives and updates included,
    simplified, and written as one flat sequence of NumPy calls (`source`), which later calls run.

    Parameters
    ----------
    f
        A function of arrays, floats, and nested lists, tuples and dicts of them, computed with
        `ab` or NumPy, whose result is nested likewise. It may call `value_and_grad`, `hvp`, and
        other transforms. Arguments of other types (ints, bools, strings, None, ...) are static:
        another value is another signature. Tensors and Values that it takes from outside are
        read at every call; other things from outside are as they were when it was recorded.
    donate
        Positions of arguments whose arrays may be overwritten by the results, as in a training
        step whose parameters are not needed afterwards.

    Returns
    -------
    CompiledFunction
        With the arguments of `f`. Results equal those of `f` to rounding. Called on nodes whose
        derivatives are recorded, it runs `f` itself.

    Raises
    ------
    ConcreteValueError
        When called: if the course of `f` depends on a number, as in ``if loss < 1``.
    TypeError
        If `f` cannot be called, or an argument is none of the above.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> def sgd_step(w, x, t):
    ...     loss, slope = ab.value_and_grad(lambda w: ab.mean((x @ w - t) ** 2))(w)
    ...     return w - 0.1 * slope, loss
    >>> step = ab.compile(sgd_step, donate=(0,))
    >>> w, x, t = np.zeros(2), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0])
    >>> for _ in range(3):
    ...     w, loss = step(w, x, t)
    >>> round(float(loss), 4)
    38.858
    """
    if not callable(f):
        raise TypeError(f"compile needs a function, not {type(f).__name__}")
    places = (donate,) if isinstance(donate, int) else tuple(donate)
    return CompiledFunction(f, places)

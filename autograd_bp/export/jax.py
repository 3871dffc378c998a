"""`to_jax`: a function, a module or a training step as a pure function of JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise ImportError("to_jax needs JAX: pip install autograd-bp[export]") from error

from autograd_bp.compiler.arguments import Arguments, separated
from autograd_bp.compiler.passes.dead_code import without_dead_code
from autograd_bp.compiler.program import Instruction, Program, Var, substituted
from autograd_bp.compiler.tracer import record
from autograd_bp.export.errors import ExportError, dropout_of, operation_name
from autograd_bp.export.jax_derivatives import operation
from autograd_bp.export.jax_rows import CONSTANTS, canonical
from autograd_bp.nn import Module
from autograd_bp.node import Node
from autograd_bp.rules import ROWS
from autograd_bp.trees import _mapping_like, _sequence_like

Array = Any


class JaxFunction:
    """What `to_jax` gives: a pure function of JAX's arrays.

    Attributes
    ----------
    params
        Of a module: its parameters as JAX's arrays, by name, as they are when asked for; the first
        argument of the function.
    programs
        The recorded `Program` of each signature, in the order in which they were met.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f, updated=())
        self._f = f
        self._module = f if isinstance(f, Module) else None
        self._name = type(f).__name__ if isinstance(f, Module) else getattr(f, "__name__", "f")
        self.__name__ = self._name
        self._programs: dict[Any, Program] = {}

    @property
    def params(self) -> dict[str, Array]:
        """The parameters of the module."""
        return {name: jnp.asarray(p._value) for name, p in self._named_parameters()}

    def _named_parameters(self) -> list[tuple[str, Any]]:
        if self._module is None:
            raise AttributeError(f"{self._name} is a function: only a module has params")
        return self._module.named_parameters()

    @property
    def programs(self) -> list[Program]:
        """The recorded program of each signature."""
        return list(self._programs.values())

    def __call__(self, *args: Any, key: Array | None = None, **kwargs: Any) -> Any:
        """The result for these arguments; `key` is what random numbers are drawn with."""
        given: dict[int, Array] = {}
        if self._module is not None:
            args, given = self._with_params(args)
        leaves: list[Any] = []
        arguments = separated(_stand_ins((args, kwargs), leaves))
        program = self._program(arguments, leaves)
        captured = [given.get(id(node), node._value) for node in program.captured]
        results = _run(program, [*leaves, *captured], key)
        return program.structure.unflatten(results)

    def _with_params(self, args: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[int, Array]]:
        own = dict(self._named_parameters())
        params = args[0] if args else None
        if not isinstance(params, Mapping) or params.keys() != own.keys():
            found = list(params) if isinstance(params, Mapping) else type(params).__name__
            raise TypeError(
                f"{self._name} from to_jax takes its parameters first, as in f(f.params, x): a "
                f"dict with the names {list(own)}, not {found}"
            )
        for name, parameter in own.items():
            shape, dtype = np.shape(params[name]), canonical(np.asarray(parameter._value).dtype)
            if shape != np.shape(parameter._value) or jnp.result_type(params[name]) != dtype:
                raise ValueError(
                    f"{self._name}: the parameter {name!r} has shape {shape} and dtype "
                    f"{jnp.result_type(params[name])}; it must be "
                    f"{np.shape(parameter._value)} {dtype}"
                )
        return args[1:], {id(own[name]): params[name] for name in own}

    def _program(self, arguments: Arguments, leaves: Sequence[Any]) -> Program:
        modules = [] if self._module is None else self._module.modules()
        # What no derivative passes is worked out while recording: buffers are part of the key.
        mode = (
            *(module.training for module in modules),
            *(np.asarray(b._value).tobytes() for module in modules[:1] for b in module.buffers()),
        )
        kinds = tuple(
            (leaf.shape, leaf.dtype) if isinstance(leaf, np.ndarray) else float
            for leaf in arguments.leaves
        )
        key = (arguments.key, kinds, mode)
        if key not in self._programs:
            examples = [
                _example(leaf, kind) for leaf, kind in zip(leaves, arguments.leaves, strict=True)
            ]
            recorded = record(self._f, examples, arguments.names(self._f), arguments.unflatten)
            self._programs[key] = without_dead_code(recorded)
        return self._programs[key]

    def __repr__(self) -> str:
        return f"<{self._name} on JAX>"


# -- arguments ------------------------------------------------------------------------------------


def _stand_ins(branch: Any, leaves: list[Any]) -> Any:
    """The arguments with an array of the right shape in the place of each leaf, which is listed.

    The order is that of `separated`.
    """
    if isinstance(branch, Mapping):
        return _mapping_like(branch, {k: _stand_ins(v, leaves) for k, v in branch.items()})
    if isinstance(branch, list | tuple):
        return _sequence_like(branch, [_stand_ins(piece, leaves) for piece in branch])
    if isinstance(branch, Node):
        branch = branch._value
    if isinstance(branch, jax.Array):
        leaves.append(branch)
        if branch.weak_type and branch.shape == () and jnp.issubdtype(branch.dtype, jnp.floating):
            return 1.0
        return np.broadcast_to(np.zeros((), branch.dtype), branch.shape)
    if isinstance(branch, np.ndarray | np.generic | float):
        leaves.append(branch)
    return branch


def _example(leaf: Any, stand_in: Any) -> Any:
    """Numbers to record with: the argument's own if they are known."""
    if not isinstance(leaf, jax.core.Tracer):
        return np.asarray(leaf) if isinstance(stand_in, np.ndarray) else float(leaf)
    if not isinstance(stand_in, np.ndarray):
        return 0.5
    if stand_in.dtype.kind != "f":
        return np.zeros(stand_in.shape, stand_in.dtype)
    # Between 0 and 1, no two alike, and symmetric positive definite if square.
    shape, dtype = stand_in.shape, stand_in.dtype
    numbers = ((np.arange(stand_in.size) * 0.618) % 1 * 0.8 + 0.1).reshape(shape)
    if len(shape) > 1 and shape[-1] == shape[-2]:
        numbers = (numbers + np.swapaxes(numbers, -1, -2)) / 2 + shape[-1] * np.eye(shape[-1])
    return numbers.astype(dtype)


# -- running --------------------------------------------------------------------------------------


def _run(program: Program, inputs: Sequence[Any], key: Array | None) -> list[Any]:
    values: dict[Var, Any] = {
        var: jnp.asarray(constant, canonical(constant.dtype))
        if _is_float_array(constant)
        else constant
        for var, constant in program.constants.items()
    }
    for var, given in zip(program.inputs, inputs, strict=True):
        values[var] = jnp.asarray(given) if var.weak else jnp.asarray(given, canonical(var.dtype))
    draws = 0
    for instruction in program.instructions:
        out = instruction.out
        if out is None:  # a check, which lets through what is usual
            continue
        if instruction.op == "draw" or dropout_of(instruction) is not None:
            result = _drawn(instruction, key, draws, program.name)
            draws += 1
        else:
            operands = [substituted(x, values.__getitem__) for x in instruction.operands]
            params = [substituted(x, values.__getitem__) for x in instruction.params]
            result = _applied(instruction, operands, params, program.name)
        values[out] = result if out.weak else _of_dtype(result, canonical(out.dtype))
    return [values[out] if isinstance(out, Var) else out for out in program.outputs]


def _is_float_array(constant: Any) -> bool:
    """Others stay NumPy's: an index that is known should be known to JAX."""
    return isinstance(constant, np.ndarray) and constant.dtype.kind == "f"


def _of_dtype(result: Array, dtype: Any) -> Array:
    if result.dtype == dtype and not getattr(result, "weak_type", False):
        return result
    return jax.lax.convert_element_type(result, dtype)


def _applied(
    instruction: Instruction, operands: list[Any], params: list[Any], function: str
) -> Array:
    op = instruction.op
    if op in ROWS:
        return jnp.asarray(operation(op)(*operands, *params))
    kind, _, name = op.partition(".")
    if kind == "np" and hasattr(jnp, name):
        n = len(params) - len(instruction.keywords)
        named = dict(zip(instruction.keywords, params[n:], strict=True))
        found = getattr(jnp, name)(*operands, *params[:n], **named)
        return jnp.asarray(jax.lax.stop_gradient(found))
    if kind == "rules" and name in CONSTANTS:
        return jnp.asarray(jax.lax.stop_gradient(CONSTANTS[name](*operands, *params)))
    raise ExportError(f"{function}: JAX has no counterpart of {operation_name(instruction)}")


def _drawn(instruction: Instruction, key: Array | None, n: int, function: str) -> Array:
    """Random numbers of the same distribution; not the same numbers as NumPy's."""
    if key is None:
        raise TypeError(
            f"{function} draws random numbers, and a function of JAX is pure: pass a key, as in "
            "f(..., key=jax.random.key(0)), another one at every call"
        )
    assert instruction.out is not None
    shape, dtype = instruction.out.shape, canonical(instruction.out.dtype)
    key = jax.random.fold_in(key, n)
    layer = dropout_of(instruction)
    if layer is not None:
        kept = jax.random.bernoulli(key, 1.0 - layer.p, shape)
        return kept.astype(dtype) * (1.0 / (1.0 - layer.p) if layer.p < 1 else 0.0)
    draws = {"random": jax.random.uniform, "standard_normal": jax.random.normal}
    method = instruction.params[1]
    if method not in draws:
        raise ExportError(f"{function} draws with Generator.{method}, which JAX has not")
    return draws[method](key, shape, dtype)


def to_jax(f: Callable[..., Any]) -> JaxFunction:
    """The recorded program of `f` as a pure function of JAX: to jit, vmap, differentiate, shard.

    `f` is called once for each signature (structure, shapes and dtypes of the arguments, and those
    that are no floats or arrays), also when JAX traces. What it computes is then done by JAX.

    Parameters
    ----------
    f
        A function as `ab.compile` takes it: of arrays, floats, and nested lists, tuples and dicts
        of them; a whole training step too, with the gradients it takes. Or a module: then the
        first argument of the result is a dict of its parameters by name, as in `params`.
        Tensors from outside the function are read at every call; within `jax.jit`, that is when
        JAX traces it. Arguments of other types (ints, bools, strings) are static, unless JAX has
        traced them.

    Returns
    -------
    JaxFunction
        With the arguments of `f`. Values equal those of `f` to rounding, and so do derivatives
        (`jax.grad`, `jax.jvp`, of any order): each row of the sheet brings its own. JAX computes
        in 32 bits unless ``jax.config.update("jax_enable_x64", True)`` was called.

    Raises
    ------
    ImportError
        If JAX is not installed.
    ConcreteValueError
        When called: if the course of `f` depends on a number, as in ``if loss < 1``.
    ExportError
        When called: if an operation has no counterpart in JAX; the message names it.
    TypeError
        If `f` cannot be called; when called, if it draws random numbers (dropout in training) and
        there is no ``key=``.

    Notes
    -----
    What JAX cannot do while it is traced is not done: indices out of range and labels that are no
    class are clipped instead of refused, and derivatives of matrix decompositions at points where
    there are none give nan. A matrix product does not keep zero times infinity zero; all other
    rows do. The derivative of an `ab.Function` is that of its forward pass.

    Examples
    --------
    >>> import jax
    >>> import autograd_bp as ab
    >>> f = to_jax(lambda x: ab.sum(ab.sqrt(x) * x))
    >>> print(jax.jit(jax.grad(f))(np.array([4.0, 1.0])))
    [3.  1.5]
    """
    if not callable(f):
        raise TypeError(f"to_jax needs a function or a module, not {type(f).__name__}")
    return JaxFunction(f)

"""The recorded graph: nodes, their order, and the backward sweep.

An operation on nodes makes a node that knows the rule that made it, its parents and the operands
it was computed from: no closures, and references only from results to operands, so a graph is
freed by reference counting. The sweep visits every node once, after all that use it, with no
recursion. This module knows the rule sheet, and nothing of what `Value` and `Tensor` add.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from autograd_bp.rules import Rule

Array = NDArray[Any]
Number = float | Array
"""What flows along an edge: a float for a Value, an ndarray for a Tensor."""

CONSTANT_SERIAL = -1
_next_serial = itertools.count().__next__
_by_serial = attrgetter("serial")


class Monitor(Protocol):
    """What watches nodes being made and derivatives being taken; see `autograd_bp.debug`."""

    def made(self, node: Node) -> None: ...

    def pulled(self, node: Node, cotangent: Any, contributions: Sequence[Any]) -> None: ...


class _State(threading.local):
    """What recording depends on, by thread; the class attributes are a new thread's values."""

    recording: bool = True
    depth: int = 0
    """How many transforms (`grad` of `grad` of ...) the thread is inside."""
    monitor: Monitor | None = None
    strict: str | None = None
    """Who needs every step to be differentiable now, if anyone: see `differentiable`."""


state = _State()


class OperationRule(Protocol):
    """A rule that is not a row of the sheet: a user's own `Function`.

    Called with the node, the cotangent of its result, and per parent whether it is wanted.
    """

    name: str
    symbol: str

    def pull(self, node: Node, cotangent: Any, wanted: Sequence[bool]) -> Sequence[Any]: ...

    def pull_nodes(
        self, node: Node, cotangent: Any, operands: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]: ...

    def push(self, node: Node, tangents: Sequence[Any]) -> Any: ...


class Node:
    """One value in a graph, and how it was made. The base of `Value` and `Tensor`.

    Attributes
    ----------
    grad
        The gradient, None until a backward pass has reached the node.
    name
        Any text, or None.
    requires_grad
        Whether derivatives flow to this node.
    rule
        The rule that made the node; None for a leaf.
    serial
        Counts up with every node made, so sorting by it is a topological order.
    """

    __slots__ = (
        "__weakref__",
        "_data",
        "_notes",
        "_operands",
        "_params",
        "grad",
        "name",
        "requires_grad",
        "rule",
        "serial",
    )

    _data: Any
    _notes: dict[str, Any] | None
    _operands: tuple[Any, ...]
    _params: tuple[Any, ...]
    grad: Any
    name: str | None
    requires_grad: bool
    rule: Any
    serial: int

    def _start(self, data: Any, name: str | None, requires_grad: bool) -> None:
        """Set up a leaf."""
        self._data = data
        self._notes = None
        self._params = self._operands = ()
        self.grad = None
        self.name = name
        self.requires_grad = requires_grad
        self.rule = None
        self.serial = _next_serial()

    def _made_by(
        self,
        rule: Any,
        operands: tuple[Any, ...],
        params: tuple[Any, ...],
        data: Any,
    ) -> None:
        """Set up the result of an operation.

        `operands` are the parents, None for each that is a constant, and then as many floats or
        arrays: what was computed with. One tuple, since the garbage collector walks every tuple
        that holds a node.
        """
        self._data = data
        self._notes = None
        self._params = params
        self._operands = operands
        self.grad = None
        self.name = None
        self.requires_grad = True
        self.rule = rule
        self.serial = _next_serial()
        if state.monitor is not None:
            state.monitor.made(self)

    # What a node class defines.

    _keeps_grad = False
    """Whether nodes between leaves and output keep their gradient unasked."""

    @classmethod
    def _constant(cls, operand: Any) -> Node:
        """A node for an operand that entered as a plain number or array."""
        raise NotImplementedError

    def _conform(self, contribution: Any) -> Any:
        """A contribution brought to this node's shape and dtype."""
        raise NotImplementedError

    def _zero(self) -> Any:
        """The zero of this node's cotangents."""
        raise NotImplementedError

    def _stand_in(self, operand: Any) -> Node:
        """A node on the recorded operand, whose derivative passes on to this one."""
        raise NotImplementedError

    def _seed(self, cotangent: Any) -> Any:
        """A cotangent for this node, checked; ones where None is given."""
        raise NotImplementedError

    @property
    def _parents(self) -> tuple[Node | None, ...]:
        return self._operands[: len(self._operands) // 2]

    @property
    def args(self) -> tuple[Any, ...]:
        """The operands as they were when the node was made: floats and arrays."""
        return self._operands[len(self._operands) // 2 :]

    @property
    def parents(self) -> tuple[Node, ...]:
        """The operands as nodes, in order; plain numbers and arrays appear as constants."""
        known = self._parents
        parents = tuple(
            self._constant(operand) if parent is None else parent
            for operand, parent in zip(self.args, known, strict=True)
        )
        if any(parent is None for parent in known):
            self._operands = parents + self.args
        return parents

    @property
    def params(self) -> dict[str, Any]:
        """The static parameters of the operation, such as `axis`, by name."""
        return dict(zip(getattr(self.rule, "params", ()), self._params, strict=True))

    # Equality is by value, so hashing by identity has to be asked for.
    __hash__ = object.__hash__

    def __reduce__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} is not pickled: save its data with ab.save, or copy it with "
            "copy.deepcopy"
        )

    def __copy__(self) -> Self:
        """A leaf of the same value and name: the graph before it is not copied."""
        raise NotImplementedError


# -- reading a graph ------------------------------------------------------------------------------


def value(node: Node) -> Number:
    """The value of a node: a float, or a read-only view of a Tensor's array.

    >>> import autograd_bp as ab
    >>> value(ab.Value(2.0))
    2.0
    """
    data: Number = node._data
    if isinstance(data, np.ndarray):
        data = data.view()
        data.flags.writeable = False
    return data


def is_constant(node: Node) -> bool:
    """Whether the node stands for a plain number or array that entered an operation."""
    return node.serial == CONSTANT_SERIAL


def topological_order(
    outputs: Node | Iterable[Node], *, constants: bool = True, limit: int | None = None
) -> list[Node]:
    """All nodes `outputs` depend on and `outputs` themselves, operands before results.

    With `constants=False`, only nodes that require a gradient. Stops with OverflowError past
    `limit` nodes.

    >>> import autograd_bp as ab
    >>> x = ab.Value(3.0, name="x")
    >>> [node.data for node in topological_order(x * x + 1.0)]
    [1.0, 3.0, 9.0, 10.0]
    """
    stack = [outputs] if isinstance(outputs, Node) else list(outputs)
    if not constants:
        stack = [node for node in stack if node.requires_grad]
    found = set(stack)
    while stack:
        node = stack.pop()
        if constants:
            parents: Sequence[Any] = node.parents
        else:
            operands = node._operands
            parents = operands[: len(operands) // 2]
        for parent in parents:
            if (
                parent is not None
                and parent not in found
                and (constants or parent.requires_grad)
            ):
                found.add(parent)
                stack.append(parent)
        if limit is not None and len(found) > limit:
            raise OverflowError(f"the graph has more than {limit} nodes")
    return sorted(found, key=_by_serial)


def accumulated_calls(node: Node) -> int:
    """From how many backward calls the node's `.grad` is the sum; 0 where it is not from one."""
    notes = node._notes
    if notes is None or node.grad is None or notes.get("grad") is not node.grad:
        return 0
    calls: int = notes["calls"]
    return calls


def where_made(node: Node) -> str | None:
    """The line of the user's program that made the node, if `ab.debug()` was on."""
    return None if node._notes is None else node._notes.get("where")


# -- the backward sweep ---------------------------------------------------------------------------


def pull(node: Node, cotangent: Any, path: Container[Node] | None = None) -> list[Any]:
    """What `cotangent`, that of the node, contributes to each parent; None where not needed.

    With `path`, only parents in it need theirs. Must run under `np.errstate(invalid="raise")`:
    the products are taken as they are, and again with zero times infinity kept zero if that
    made something undefined.
    """
    rule = node.rule
    if type(cotangent) is float and type(rule) is Rule:
        return _pull_float(node, cotangent, path)
    parents = node._parents
    flags = [
        parent is not None and parent.requires_grad and (path is None or parent in path)
        for parent in parents
    ]
    if type(rule) is not Rule:
        raw = rule.pull(node, cotangent, flags)
    else:
        operands = (cotangent, node._data, *node.args, *node._params)
        try:
            raw = _products(rule.array.vjp, operands, parents, flags)
        except FloatingPointError:
            with np.errstate(invalid="ignore"):
                raw = _products(rule.array.guarded_vjp, operands, parents, flags)
    return [
        parent._conform(contribution) if flag else None  # type: ignore[union-attr]
        for parent, contribution, flag in zip(parents, raw, flags, strict=True)
    ]


def _products(
    vjp: Any, operands: tuple[Any, ...], parents: tuple[Node | None, ...], flags: list[bool]
) -> list[Any]:
    raw: list[Any] = []
    for i, flag in enumerate(flags):
        if not flag:
            raw.append(None)
        elif (function := vjp[i]) is None:
            raw.append(parents[i]._zero())  # type: ignore[union-attr]
        else:
            raw.append(function(*operands))
    return raw


def _pull_float(node: Node, cotangent: float, path: Container[Node] | None) -> list[Any]:
    """`pull` for a node on floats: a zero cotangent needs no partial at all."""
    contributions: list[Any] = []
    rule, out, params, operands = node.rule, node._data, node._params, node._operands
    n = len(operands) // 2
    vjp = rule.scalar.vjp
    for i in range(n):
        parent = operands[i]
        if parent is None or not parent.requires_grad or (path is not None and parent not in path):
            contributions.append(None)
            continue
        function = vjp[i]
        if function is None or cotangent == 0.0:
            contributions.append(parent._zero())
            continue
        try:
            contribution = function(cotangent, out, *operands[n:], *params)
        except (ArithmeticError, ValueError):
            # Where `math` has no answer, NumPy's is infinite or nan.
            with np.errstate(all="ignore"):
                contribution = rule.array.guarded_vjp[i](
                    *map(np.float64, (cotangent, out, *operands[n:])), *params
                )
        contributions.append(
            contribution if type(contribution) is float else parent._conform(contribution)
        )
    return contributions


class Sweep:
    """The cotangents that one backward sweep leaves, and which of the arrays are nobody else's."""

    def __init__(self) -> None:
        self.cotangents: dict[Node, Any] = {}
        self.owned: set[Node] = set()


def sweep(
    seeds: Mapping[Node, Any], *, wanted: Sequence[Node] | None = None, between: bool = True
) -> Sweep:
    """Carry cotangents from the nodes of `seeds` back through the graph.

    With `wanted`, only what leads to these nodes is computed, and only theirs are kept. With
    `between=False`, those of nodes between leaves and outputs are let go as soon as used, unless
    their class keeps them.
    """
    result = Sweep()
    cotangents, owned = result.cotangents, result.owned
    order = topological_order(seeds, constants=False)
    path = kept = None
    if wanted is not None:
        path, kept = leading_to(order, wanted), set(wanted)
    for node, seed in seeds.items():
        if node.requires_grad and (path is None or node in path):
            cotangents[node] = seed
    monitor = state.monitor
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="raise"):
        while order:
            node = order.pop()
            cotangent = cotangents.get(node)
            if cotangent is None:
                continue
            if node.rule is None:
                if kept is not None and node not in kept:
                    del cotangents[node]
                continue
            contributions = pull(node, cotangent, path)
            if monitor is not None:
                monitor.pulled(node, cotangent, contributions)
            for parent, contribution in zip(node._operands, contributions, strict=False):
                if contribution is None:
                    continue
                known = cotangents.get(parent)
                if known is None:
                    cotangents[parent] = contribution
                    if type(contribution) is not float and _is_fresh(contribution, node, cotangent):
                        owned.add(parent)
                elif type(known) is float:
                    cotangents[parent] = known + contribution
                else:
                    cotangents[parent] = _add(known, contribution, parent in owned)
                    owned.add(parent)
            if node not in kept if kept is not None else not (between or node._keeps_grad):
                del cotangents[node]
    return result


def _is_fresh(contribution: Any, node: Node, cotangent: Any) -> bool:
    """Whether a row just made this array, and nobody else can hold it."""
    return (
        type(node.rule) is Rule
        and contribution is not cotangent
        and contribution.base is None
        and contribution.flags.writeable
    )


def _add(known: Any, contribution: Any, in_place: bool) -> Any:
    if in_place:
        try:
            np.add(known, contribution, out=known)
        except FloatingPointError:  # inf - inf, which has set the entry to nan as it should
            pass
        return known
    try:
        total = known + contribution
    except FloatingPointError:
        with np.errstate(invalid="ignore"):
            total = known + contribution
    return np.asarray(total)


def leading_to(order: Sequence[Node], wanted: Iterable[Node]) -> set[Node]:
    """The nodes of `order`, operands first, from which a node of `wanted` can be reached."""
    path = set(wanted)
    for node in order:
        if node not in path:
            for parent in node._parents:
                if parent is not None and parent in path:
                    path.add(node)
                    break
    return path


def cotangents(output: Node, seed: Any = None) -> dict[Node, Number]:
    """The gradient of `output` (times `seed`) by every node it depends on; `.grad` is untouched.

    `seed` has the output's shape; ones if None. A node the derivative does not reach is missing.

    >>> import autograd_bp as ab
    >>> apple = ab.Value(100.0)
    >>> cotangents(apple * 2.0 * 1.1)[apple]
    2.2
    """
    if seed is None and isinstance(output._data, np.ndarray):
        seed = np.ones(output._data.shape, output._data.dtype)
    return sweep({output: output._seed(seed)}).cotangents


def contributions(node: Node, cotangent: Number) -> tuple[Number | None, ...]:
    """What a node with this cotangent sends to each of `node.parents`; None for a constant.

    >>> import autograd_bp as ab
    >>> x = ab.Value(3.0)
    >>> contributions(x * 2.0, 1.0)
    (2.0, None)
    """
    if node.rule is None:
        return ()
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="raise"):
        return tuple(pull(node, cotangent))


def backward(output: Node, cotangent: Any, *, retain_grads: bool) -> None:
    """Fill `.grad`: add to that of leaves, replace that of the nodes between.

    Everything is computed first, so that an error on the way changes no gradient.
    """
    found = sweep({output: output._seed(cotangent)}, between=retain_grads)
    for node, gradient in found.cotangents.items():
        if node not in found.owned and type(gradient) is not float:
            gradient = gradient.copy()
        if node.rule is None:
            calls = 1
            if node.grad is not None:
                calls += accumulated_calls(node)
                gradient = node._conform(node.grad + gradient)
            node._notes = {**(node._notes or {}), "grad": gradient, "calls": calls}
        node.grad = gradient


# -- recording on and off -------------------------------------------------------------------------


class no_grad(contextlib.ContextDecorator):  # noqa: N801  (PyTorch's name, used like a function)
    """While active in this thread, operations record nothing: results are plain leaves.

    A context manager, and a decorator.

    >>> import autograd_bp as ab
    >>> x = ab.Value(2.0)
    >>> with ab.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __enter__(self) -> None:
        self._before: list[bool] = [*getattr(self, "_before", ()), state.recording]
        state.recording = False

    def __exit__(self, *exc: object) -> None:
        state.recording = self._before.pop()

    def _recreate_cm(self) -> Self:
        # As a decorator: one object per call, or two threads would share what to restore.
        return type(self)()


@contextlib.contextmanager
def recording() -> Iterator[None]:
    """While active in this thread, operations are recorded, `no_grad` or not."""
    before, state.recording = state.recording, True
    try:
        yield
    finally:
        state.recording = before


@contextlib.contextmanager
def differentiable(who: str) -> Iterator[None]:
    """While active in this thread, turning a node into a plain number raises: it would lose the
    derivative that `who` needs."""
    before, state.strict = state.strict, who
    try:
        yield
    finally:
        state.strict = before


def check_conversion(node: Node) -> None:
    """TypeError if a node may not become a plain number now."""
    if state.strict is not None and node.requires_grad:
        raise TypeError(
            f"{state.strict} turned {node!r} into a plain number, and its derivative would be lost:"
            " use ab's operations or NumPy's (ab.exp for math.exp)"
        )

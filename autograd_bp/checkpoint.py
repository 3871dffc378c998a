"""Recompute in the backward sweep instead of storing: memory for time.

Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with sublinear memory cost": of a chain of n
blocks in segments of sqrt(n), only the ends of the segments and one segment at a time are stored.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_bp import tensor, trees, value
from autograd_bp.compiler.randomness import generators_around
from autograd_bp.derivatives import plain_node, pull_back, push_forward
from autograd_bp.errors import brief
from autograd_bp.node import Node
from autograd_bp.operations import apply
from autograd_bp.recording import recording, state
from autograd_bp.rules import ROWS
from autograd_bp.sweep import sweep
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does what `f` does, and stores nothing of what happens inside.

    The backward sweep calls `f` once more, with the same arguments, and goes through what that
    records. Random numbers drawn inside come out the same. Derivatives are right to any order.

    Parameters
    ----------
    f
        A function or a Module, of any arguments. It may use parameters and other nodes from
        outside: gradients reach them. Its results are one node, or nested containers of them; each
        result is recomputed by itself.

    Returns
    -------
    callable
        With the arguments of `f`.

    Raises
    ------
    RuntimeError
        In the backward sweep, if a parameter has changed since `f` was called: the results would
        be those of another function.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> x = ab.Tensor([1.0, 2.0])
    >>> y = checkpoint(lambda x: ab.exp(ab.sin(x)))(x)
    >>> y
    Tensor([2.31977682, 2.48257773], op='checkpoint')
    >>> y.sum().backward()
    >>> x.grad
    array([ 1.25338077, -1.03311687])
    """
    if not callable(f):
        raise TypeError(f"checkpoint needs a function, not {type(f).__name__}")

    @functools.wraps(f, updated=())
    def recomputed(*args: Any, **kwargs: Any) -> Any:
        # What is compiled plans its memory by itself.
        if not state.recording or state.tracer is not None:
            return f(*args, **kwargs)
        return _Segment(f, args, kwargs).outputs()

    return recomputed


class _Segment:
    """One call of a function: its operands, and how to call it again."""

    def __init__(self, f: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.function = f
        self.arguments = (args, kwargs)
        self.given = list(dict.fromkeys(n for n in _nodes(self.arguments) if n.requires_grad))
        self.draws = _Draws(f, self.arguments)
        start = Value(0.0).serial
        inner = [_leaf(node) for node in self.given]
        output = self.call(inner)
        # Nodes from outside that the function used, other than by its arguments.
        self.captured = _used_from_before(output, start)
        self.leaves, self.structure = trees.flatten(output)

    def call(self, inner: Sequence[Node]) -> Any:
        """The function on other nodes in the place of those it was given."""
        args, kwargs = _substituted(self.arguments, dict(zip(self.given, inner, strict=True)))
        with recording():
            return self.function(*args, **kwargs)

    def outputs(self) -> Any:
        """The results, as nodes that remember no more than the operands."""
        parents = (*self.given, *self.captured)
        operands = tuple(
            node._operand() if isinstance(node, Tensor) and node._lent else node._value
            for node in parents
        )
        leaves, self.leaves = self.leaves, []
        results = []
        for i, leaf in enumerate(leaves):
            if isinstance(leaf, Node) and leaf.requires_grad and parents:
                record = value.record if isinstance(leaf, Value) else tensor.record
                rule = _CheckpointRule(self, i)
                results.append(record(rule, operands, parents, (), leaf._value))
            else:
                results.append(leaf)
        return self.structure.unflatten(results)


class _CheckpointRule:
    """The rule of one result of a segment."""

    name = "checkpoint"
    symbol = "checkpoint"
    params = ()
    formula = "checkpoint(f)"

    def __init__(self, segment: _Segment, place: int) -> None:
        self._segment = segment
        self._place = place
        count = len(segment.given) + len(segment.captured)
        self.args = tuple(f"x{i}" for i in range(count))

    def pull(self, node: Node, cotangent: Any, wanted: Sequence[bool]) -> list[Any]:
        """The gradients by the operands, from a second call."""
        inner = [_leaf(parent, arg) for parent, arg in self._given(node)]
        output, parents = self._again(node, inner)
        found = sweep(
            {output: cotangent}, wanted=[p for p, flag in zip(parents, wanted, strict=True) if flag]
        )
        return [
            found.cotangents.get(parent, parent._zero()) if flag else None
            for parent, flag in zip(parents, wanted, strict=True)
        ]

    def pull_nodes(
        self, node: Node, cotangent: Any, operands: Sequence[Any], wanted: Sequence[bool]
    ) -> list[Any]:
        """The same in nodes."""
        inner = [_passing(o, p) for o, (p, _) in zip(operands, self._given(node), strict=False)]
        output, parents = self._again(node, inner)
        found = pull_back(
            {output: cotangent},
            [p for p, flag in zip(parents, wanted, strict=True) if flag],
            ends=set(inner),
        )
        return [
            found.get(parent, plain_node(parent, parent._zero())) if flag else None
            for parent, flag in zip(parents, wanted, strict=True)
        ]

    def push(self, node: Node, tangents: Sequence[Any]) -> Any:
        """The tangent of the result."""
        inner = [_leaf(parent, arg) for parent, arg in self._given(node)]
        return self._pushed(node, inner, tangents, create_graph=False)

    def push_nodes(self, node: Node, tangents: Sequence[Any], operands: Sequence[Any]) -> Any:
        """The same in nodes."""
        inner = [_passing(o, p) for o, (p, _) in zip(operands, self._given(node), strict=False)]
        return self._pushed(node, inner, tangents, create_graph=True)

    def _pushed(
        self, node: Node, inner: Sequence[Node], tangents: Sequence[Any], *, create_graph: bool
    ) -> Any:
        output, parents = self._again(node, inner)
        known = {p: t for p, t in zip(parents, tangents, strict=True) if t is not None}
        return push_forward([output], known, create_graph=create_graph)[0]

    def _given(self, node: Node) -> list[tuple[Node, Any]]:
        count = len(self._segment.given)
        return list(zip(self._segment.given, node.args[:count], strict=True))

    def _again(self, node: Node, inner: Sequence[Node]) -> tuple[Node, list[Node]]:
        """The result of a second call, and the nodes that stand for the operands in it."""
        segment = self._segment
        for captured, arg in zip(segment.captured, node.args[len(inner) :], strict=True):
            if captured._value is not arg and not np.array_equal(captured._value, arg):
                raise RuntimeError(
                    f"{brief(captured)} has changed since the checkpoint that used it was "
                    "computed: run backward before the parameters are updated"
                )
        with segment.draws.repeated():
            output = segment.call(inner)
        leaves, _ = trees.flatten(output)
        return leaves[self._place], [*inner, *segment.captured]

    def __deepcopy__(self, memo: dict[int, Any]) -> _CheckpointRule:
        return self


class _Draws:
    """The state of all generators a function may draw from."""

    def __init__(self, f: Callable[..., Any], arguments: Any) -> None:
        self._generators = list(generators_around(f, arguments))
        self._before = self._states()

    def _states(self) -> list[Any]:
        return [
            random.getstate(),
            np.random.get_state(),  # noqa: NPY002
            *(generator.bit_generator.state for generator in self._generators),
        ]

    def _set(self, states: Sequence[Any]) -> None:
        python, numpy, *others = states
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for generator, its_state in zip(self._generators, others, strict=True):
            generator.bit_generator.state = its_state

    @contextlib.contextmanager
    def repeated(self) -> Iterator[None]:
        """What is drawn inside is what was drawn at first; afterwards all goes on as it was."""
        now = self._states()
        self._set(self._before)
        try:
            yield
        finally:
            self._set(now)


def _nodes(arguments: Any) -> list[Node]:
    return trees.nodes(arguments)


def _substituted(tree: Any, meanings: dict[Node, Node]) -> Any:
    """The same containers, with other nodes."""
    if isinstance(tree, Node):
        return meanings.get(tree, tree)
    if isinstance(tree, dict):
        return trees._mapping_like(tree, {k: _substituted(v, meanings) for k, v in tree.items()})
    if isinstance(tree, list | tuple):
        return trees._sequence_like(tree, [_substituted(piece, meanings) for piece in tree])
    return tree


def _leaf(node: Node, data: Any = None) -> Node:
    """A leaf of the same value, that the graph before it is not seen from."""
    data = node._value if data is None else data
    if isinstance(node, Value):
        return Value(data, name=node.name)
    leaf = tensor.result(data)
    leaf.name = node.name
    leaf.requires_grad = True
    return leaf


def _passing(operand: Any, like: Node) -> Node:
    """A node of its own, which derivatives pass on to the operand."""
    if isinstance(operand, Node):
        return apply(ROWS["identity"], (operand,))  # type: ignore[no-any-return]
    return _leaf(like, operand)


def _used_from_before(output: Any, start: int) -> list[Node]:
    """The nodes that are older than `start` and that newer ones depend on."""
    waiting = [node for node in _nodes(output) if node.requires_grad]
    found: dict[Node, None] = {}
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if node.serial <= start:
            found[node] = None
            continue
        for parent in node._parents:
            if parent is not None and parent.requires_grad and parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return sorted(found, key=lambda node: node.serial)

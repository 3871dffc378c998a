"""Node: one value in a graph, and how it was made.

An operation on nodes makes a node that knows the rule that made it, its parents and the operands
it was computed from: no closures, and references only from results to operands, so a graph is
freed by reference counting. How a node keeps its parents and operands is up to its class.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Protocol, Self, cast

CONSTANT_SERIAL = -1
next_serial = itertools.count().__next__


class OperationRule(Protocol):
    """A rule that is not a row of the sheet: a user's own `Function`."""

    name: str
    symbol: str

    def pull(self, node: Node, cotangent: Any, wanted: Sequence[bool]) -> Sequence[Any]:
        """What the cotangent of the result contributes to each parent that wants it."""

    def pull_nodes(
        self, node: Node, cotangent: Any, operands: Sequence[Any], wanted: Sequence[bool]
    ) -> Sequence[Any]:
        """The same in nodes, from operands and a cotangent that are nodes."""

    def push(self, node: Node, tangents: Sequence[Any]) -> Any:
        """The tangent of the result, from those of the parents."""

    def push_nodes(self, node: Node, tangents: Sequence[Any], operands: Sequence[Any]) -> Any:
        """The same in nodes."""


class Node:
    """One value in a graph, and how it was made. The base of `Value` and `Tensor`.

    Attributes
    ----------
    grad
        The gradient, None until a backward pass has reached the node.
    requires_grad
        Whether derivatives flow to this node.
    rule
        The rule that made the node; None for a leaf.
    serial
        Counts up with every node made, so sorting by it is a topological order.
    """

    __slots__ = ("__weakref__", "_notes", "_value", "grad", "requires_grad", "rule", "serial")

    _value: Any
    _notes: dict[str, Any] | None
    """What only some nodes have: a name, where it was made, how often its gradient was added to."""
    grad: Any
    requires_grad: bool
    rule: Any
    serial: int

    def _start(self, data: Any, name: str | None, requires_grad: bool) -> None:
        """Set up a leaf."""
        self._value = data
        self._notes = None if name is None else {"name": name}
        self.grad = None
        self.requires_grad = requires_grad
        self.rule = None
        self.serial = next_serial()

    # What a node class defines.

    _tracer: Any = None
    """Who records the operations on this node, where its value is not known: see `compiler`."""

    _on_floats = False
    """Whether data and gradients are Python floats; then every node keeps its gradient."""

    _parents: tuple[Node | None, ...]
    """The operands that are nodes, None for each that is a constant."""
    args: tuple[Any, ...]
    """The operands as they were when the node was made: floats and arrays."""
    _params: tuple[Any, ...]
    """The static parameters of the operation, such as `axis`."""

    def _come_from(
        self,
        rule: Any,
        parents: tuple[Node | None, ...],
        args: tuple[Any, ...],
        params: tuple[Any, ...],
    ) -> None:
        """Set how the node was made."""
        raise NotImplementedError

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
    def name(self) -> str | None:
        """Any text, or None; shown on pictures and in messages."""
        notes = self._notes
        return None if notes is None else notes.get("name")

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a name is text, not {type(name).__name__}: {name!r}")
        self._notes = {**(self._notes or {}), "name": name}

    @property
    def parents(self) -> tuple[Node, ...]:
        """The operands as nodes, in order; plain numbers and arrays appear as constants."""
        known = self._parents
        if not any(parent is None for parent in known):
            return cast("tuple[Node, ...]", known)
        parents = tuple(
            self._constant(operand) if parent is None else parent
            for operand, parent in zip(self.args, known, strict=True)
        )
        self._come_from(self.rule, parents, self.args, self._params)
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

"""What in-place changes leave behind in a graph: older versions of the same Tensor.

`x[i] = v` makes the object x the result of an operation on what it was before. The graph recorded
until then still names the object, and means what it was: such an edge leads from a node to one with
a *later* serial number. `repair` turns these edges to the right version before a graph is read.
"""

from __future__ import annotations

from collections.abc import Iterable

from autograd_bp.node import Node


class _Happened:
    """Whether anything was ever changed in place: until then no graph needs repair."""

    ever = False


happened = _Happened()


def version_before(node: Node, serial: int) -> Node:
    """What a Tensor was when the node with that serial number was made."""
    while node.serial > serial:
        before: Node = node._notes["before"]  # type: ignore[index]
        node = before
    return node


def first_version(node: Node, serial: int) -> Node:
    """What a Tensor was before all changes that came after the serial number."""
    while node.serial > serial and node._notes is not None and "before" in node._notes:
        node = node._notes["before"]
    return node


def repair(outputs: Iterable[Node], *, after: int = -1) -> None:
    """Let every edge of the graph lead to the version that was used.

    With `after`, only nodes with a later serial number are looked at.
    """
    stack = list(outputs)
    seen = set(stack)
    while stack:
        node = stack.pop()
        parents, serial = node._parents, node.serial
        if any(parent is not None and parent.serial > serial for parent in parents):
            parents = tuple(
                parent if parent is None else version_before(parent, serial) for parent in parents
            )
            node._come_from(node.rule, parents, node.args, node._params)
        for parent in parents:
            if parent is not None and parent.serial > after and parent not in seen:
                seen.add(parent)
                stack.append(parent)

"""Scopes: which nodes were made inside which call, for pictures that group them.

Nothing is kept per node. When a call ends, the node it returns notes the name of the call and the
serial number at which it began: every node that leads to that output, and is not older than the
call, was made inside it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from autograd_bp.node import CONSTANT_SERIAL, Node, next_serial
from autograd_bp.sweep import topological_order

F = TypeVar("F", bound=Callable[..., Any])
Call = tuple[str, int]
"""The name of a call, and the serial number at which it began."""

begin = next_serial
"""The serial number that nodes made from here on exceed."""


def scope(name: str) -> Callable[[F], F]:
    """A decorator: nodes made in a call of the function belong to the scope `name`.

    Those, that is, on which something that the call returns depends: a node, or nodes in lists,
    tuples and dicts. Pictures draw a scope as a box. A `Module` is a scope of itself.

    Parameters
    ----------
    name
        Any text.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> @ab.scope("affine")
    ... def affine(x, w, b):
    ...     return x * w + b
    >>> y = affine(ab.Value(2.0), ab.Value(3.0), ab.Value(1.0))
    >>> [names for node, names in scopes(ab.tanh(y)).items() if node.rule]
    [('affine',), ('affine',), ()]
    """
    if not isinstance(name, str):
        raise TypeError(
            f"scope needs a name, as in @ab.scope('attention'), not {type(name).__name__}"
        )

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            began = begin()
            output = function(*args, **kwargs)
            end(output, name, began)
            return output

        return cast(F, scoped)

    return decorate


def end(output: Any, name: str, began: int) -> None:
    """Note on what a call returns which call it was."""
    if isinstance(output, Node):
        # An older node was passed through.
        if output.serial > began and output.rule is not None:
            notes = output._notes
            if notes is None:
                output._notes = {"scopes": ((name, began),)}
            else:
                # Of calls that return the same node the outer one ends last, and began first.
                notes["scopes"] = ((name, began), *notes.get("scopes", ()))
    elif isinstance(output, list | tuple):
        for element in output:
            end(element, name, began)
    elif isinstance(output, dict):
        for element in output.values():
            end(element, name, began)


def scopes(output: Node | Iterable[Node]) -> dict[Node, tuple[str, ...]]:
    """The names of the scopes of every node that one or more outputs depend on, outermost first.

    Nodes outside any scope have none, among them leaves that are older than the calls: inputs and
    parameters. A constant belongs where it is used.

    Returns
    -------
    A dict of all nodes, operands before results.
    """
    order = topological_order(output)
    calls: dict[Node, tuple[Call, ...]] = {}
    for node in reversed(order):
        inside = calls.get(node, ())
        if node._notes is not None and "scopes" in node._notes:
            inside = _union(inside, node._notes["scopes"])
        calls[node] = inside
        for parent in node.parents:
            reaching = inside
            if parent.serial != CONSTANT_SERIAL:
                while reaching and reaching[-1][1] > parent.serial:
                    reaching = reaching[:-1]
            known = calls.get(parent)
            calls[parent] = reaching if known is None else _union(known, reaching)
    return {node: tuple(name for name, _ in calls[node]) for node in order}


def _union(left: tuple[Call, ...], right: tuple[Call, ...]) -> tuple[Call, ...]:
    """All calls of both, in the order in which they began."""
    if left is right or not right:
        return left
    if not left:
        return right
    return tuple(sorted({*left, *right}, key=lambda call: call[1]))

"""Copies of nodes and of whole graphs, with no recursion."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from autograd_bp.node import CONSTANT_SERIAL, Node
from autograd_bp.sweep import topological_order

N = TypeVar("N", bound=Node)


def leaf(node: N) -> N:
    """A new leaf of the same value, name and kind; no gradient, no history."""
    copy = type(node).__new__(type(node))
    copy._start(_owned(node._value), node.name, node.requires_grad)
    return copy


def graph(node: N, memo: dict[int, Any]) -> N:
    """A copy of a node and of all it was computed from, gradients included.

    The rules are shared: they are rows of one sheet.
    """
    for original in topological_order(node):
        if id(original) in memo:
            continue
        copy = type(original).__new__(type(original))
        copy._start(_owned(original._value), original.name, original.requires_grad)
        if original.serial == CONSTANT_SERIAL:
            copy.serial = CONSTANT_SERIAL
        if original.rule is not None:
            parents = tuple(memo[id(parent)] for parent in original.parents)
            args = tuple(map(_owned, original.args))
            copy._come_from(original.rule, parents, args, original._params)
        copy.grad = _owned(original.grad)
        memo[id(original)] = copy
    result: N = memo[id(node)]
    return result


def _owned(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) else data

"""Reading a recorded graph: what pictures, explanations and other tools build on.

>>> import autograd_bp as ab
>>> x = ab.Value(3.0, name="x")
>>> y = x * 2.0
>>> [(node.name, node.rule and node.rule.name, value(node)) for node in topological_order(y)]
[(None, None, 2.0), ('x', None, 3.0), (None, 'mul', 6.0)]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.node import CONSTANT_SERIAL, Node
from autograd_bp.scopes import scopes
from autograd_bp.sweep import accumulated_calls, pull, sweep, topological_order

__all__ = [
    "Node",
    "accumulated_calls",
    "contributions",
    "cotangents",
    "cotangents_of_all",
    "is_constant",
    "scopes",
    "seeded",
    "topological_order",
    "value",
    "where_made",
]

Number = float | NDArray[Any]
"""What flows along an edge: a float for a Value, an ndarray for a Tensor."""


def value(node: Node) -> Number:
    """The value of a node: a float, or a read-only view of a Tensor's array.

    >>> import autograd_bp as ab
    >>> value(ab.Value(2.0))
    2.0
    """
    data: Number = node._value
    if isinstance(data, np.ndarray):
        data = data.view()
        data.flags.writeable = False
    return data


def is_constant(node: Node) -> bool:
    """Whether the node stands for a plain number or array that entered an operation."""
    return node.serial == CONSTANT_SERIAL


def where_made(node: Node) -> str | None:
    """The line of the user's program that made the node, if `ab.debug()` was on."""
    return None if node._notes is None else node._notes.get("where")


def cotangents(output: Node, seed: Any = None) -> dict[Node, Number]:
    """The gradient of `output` (times `seed`) by every node it depends on; `.grad` is untouched.

    `seed` has the output's shape; ones if None. A node the derivative does not reach is missing.

    >>> import autograd_bp as ab
    >>> apple = ab.Value(100.0)
    >>> cotangents(apple * 2.0 * 1.1)[apple]
    2.2
    """
    return sweep({output: seeded(output, seed)}).cotangents


def cotangents_of_all(seeds: Mapping[Node, Number]) -> dict[Node, Number]:
    """The same for several outputs in one sweep, their gradients added; seeds as by `seeded`.

    >>> import autograd_bp as ab
    >>> x = ab.Value(3.0)
    >>> square, double = x * x, x * 2.0
    >>> cotangents_of_all({square: 1.0, double: 10.0})[x]
    26.0
    """
    return sweep(seeds).cotangents


def seeded(output: Node, seed: Any = None) -> Number:
    """The cotangent that a sweep from `output` starts with: `seed`, checked, or ones.

    >>> import autograd_bp as ab
    >>> seeded(ab.Value(3.0)), seeded(ab.Tensor([1.0, 2.0]), [3, 4])
    (1.0, array([3., 4.]))
    """
    if seed is None and isinstance(output._value, np.ndarray):
        seed = np.ones(output._value.shape, output._value.dtype)
    start: Number = output._seed(seed)
    return start


def contributions(node: Node, cotangent: Number) -> tuple[Number | None, ...]:
    """What a node with this cotangent sends to each of `node.parents`; None for a constant.

    >>> import autograd_bp as ab
    >>> x = ab.Value(3.0)
    >>> contributions(x * 2.0, 1.0)
    (2.0, None)
    """
    if node.rule is None:
        return ()
    with np.errstate(all="ignore"):
        return tuple(pull(node, cotangent))

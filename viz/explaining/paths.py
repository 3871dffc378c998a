"""Paths through a graph that has no cycles: how many there are, and which carry the most.

There may be astronomically many, so they are never enumerated. A *way* leads from the output to a
node, and knows what it carries there: the product of the local derivatives so far. Of the ways that
meet at a node only the `k` with the largest size are kept. For numbers that loses nothing: whatever
follows multiplies all of them by the same factor. For arrays it is a choice by size on the way.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Vertex = TypeVar("Vertex", bound=Hashable)
Carried = TypeVar("Carried")
# Larger sorts later: (2, 0) for nan, then infinities, numbers by exponent and mantissa, zeros.
Size = tuple[float, float]
NAN: Size = (math.inf, 2.0)
ONE: Size = (1.0, 0.5)


@dataclass(frozen=True, slots=True)
class Way(Generic[Carried]):
    """A way from the output to a node: the last edge, and the way that it prolongs.

    `position` is the place of the last node among the operands of the one before.
    """

    size: Size
    carried: Carried
    position: int = -1
    before: Way[Carried] | None = None

    def positions(self) -> list[int]:
        """The operand taken at every step, from the output on."""
        found: list[int] = []
        way: Way[Carried] = self
        while way.before is not None:
            found.append(way.position)
            way = way.before
        found.reverse()
        return found


def scaled(size: Size, factor: float) -> Size:
    """The size of a product from that of one factor: no product over- or underflows.

    >>> scaled(ONE, 3.0) == size_of(3.0), scaled(size_of(1e300), 1e300) > size_of(1e308)
    (True, True)
    """
    exponent, mantissa = size
    if mantissa == 0.0 or size == NAN:
        return size
    if math.isnan(factor) or (exponent == math.inf and factor == 0.0):
        return NAN
    if exponent == math.inf or math.isinf(factor):
        return (math.inf, 1.0)
    if factor == 0.0:
        return (-math.inf, 0.0)
    # Apart first: the product of a mantissa with a subnormal number would be 0.
    other, power = math.frexp(abs(factor))
    mantissa, more = math.frexp(mantissa * other)
    return (exponent + power + more, mantissa)


def size_of(value: float) -> Size:
    """The absolute value of a number, for comparison."""
    return scaled(ONE, value)


def count_paths(order: Iterable[Vertex], operands: Callable[[Vertex], Sequence[Vertex]]) -> int:
    """How many paths lead from the first vertex of `order` to the last, exactly.

    `order` has every vertex before its operands.

    >>> graph = {"y": ["t", "t"], "t": ["x", "x"], "x": []}
    >>> count_paths("ytx", graph.__getitem__)
    4
    """
    counts: dict[Vertex, int] = {}
    count = 1
    for number, vertex in enumerate(order):
        if number:  # Let go at once: in a deep graph these are long numbers.
            count = counts.pop(vertex)
        for operand in operands(vertex):
            counts[operand] = counts.get(operand, 0) + count
    return count


def largest_ways(
    order: Iterable[Vertex],
    operands: Callable[[Vertex], Sequence[Vertex | None]],
    start: Way[Carried],
    prolonged: Callable[[Vertex, Way[Carried]], Iterable[tuple[Size, Carried]]],
    k: int,
) -> list[Way[Carried]]:
    """The `k` largest ways from the first vertex of `order` to the last, largest first.

    `operands` gives those that lead to the last vertex, None in place of any other; `prolonged` the
    size and what is carried to each operand of a vertex, in order.

    >>> graph = {"y": ["t", "x"], "t": ["x", "x"], "x": []}
    >>> local = {"y": (2.0, 5.0), "t": (3.0, -1.0)}
    >>> def prolonged(vertex, way):
    ...     return [(scaled(way.size, d), way.carried * d) for d in local[vertex]]
    >>> ways = largest_ways("ytx", graph.__getitem__, Way(ONE, 1.0), prolonged, 2)
    >>> [(way.carried, way.positions()) for way in ways]
    [(6.0, [0, 0]), (5.0, [1])]
    """
    waiting: dict[Vertex, list[Way[Carried]]] = defaultdict(list)
    found = [start]
    for number, vertex in enumerate(order):
        if number:
            found = heapq.nlargest(k, waiting.pop(vertex), key=_size)
        targets = operands(vertex)
        if not any(target is not None for target in targets):
            continue
        for way in found:
            results = zip(targets, prolonged(vertex, way), strict=True)
            for position, (target, (size, carried)) in enumerate(results):
                if target is not None:
                    waiting[target].append(Way(size, carried, position, way))
    return found


def _size(way: Way[Carried]) -> Size:
    return way.size

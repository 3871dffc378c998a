"""Gradient flow as shades: how large gradients are, and where they shrink or grow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from viz.numerals import number
from viz.picture import Picture, Quantity
from viz.scene import SHADES, Scale

_NEUTRAL: Final = SHADES // 2
# The least step from one shade to the next, in powers of ten: differences that mean nothing do not
# show.
_LEAST_STEP: Final = 0.25
# From where on a gain is small, smaller, smallest, and as far to the other side.
_STEPS: Final = (2.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True)
class Shading:
    """A shade for the arrow back along each edge and at each node, by id; and what they mean."""

    edges: Mapping[int, int]
    nodes: Mapping[int, int]
    scale: Scale


def shading(picture: Picture, by: Literal["size", "gain"]) -> Shading:
    """How gradients flow in `picture`.

    By "size": the root mean square of each contribution, on a logarithmic scale. By "gain": that of
    what an operation passes back, divided by that of what it got. Neither zero nor what is not
    finite has a shade.
    """
    return _by_size(picture) if by == "size" else _by_gain(picture)


def _by_size(picture: Picture) -> Shading:
    edges = {edge.id: _magnitude(edge.contribution) for edge in picture.edges}
    nodes = {node.id: _magnitude(node.gradient) for node in picture.nodes}
    sizes = [size for size in (*edges.values(), *nodes.values()) if size is not None]
    if not sizes:
        return Shading({}, {}, Scale("size", "no gradients", "", ""))
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    step = max(_LEAST_STEP, (high - low) / SHADES)

    def shade(size: float) -> int:
        return max(0, min(SHADES - 1, SHADES - 1 - int((high - math.log10(size)) / step)))

    return Shading(
        {at: shade(size) for at, size in edges.items() if size is not None},
        {at: shade(size) for at, size in nodes.items() if size is not None},
        Scale("size", "size of gradient", number(min(sizes), 2), number(max(sizes), 2)),
    )


def _by_gain(picture: Picture) -> Shading:
    edges = {}
    for edge in picture.edges:
        sent, got = _magnitude(edge.contribution), _magnitude(picture.nodes[edge.target].gradient)
        if sent is not None and got is not None:
            # As a difference of logarithms: the quotient could overflow.
            gain = math.log10(sent) - math.log10(got)
            steps = sum(abs(gain) >= math.log10(step) for step in _STEPS)
            edges[edge.id] = _NEUTRAL + (steps if gain > 0 else -steps)
    nodes = {node.id: _NEUTRAL for node in picture.nodes if _magnitude(node.gradient) is not None}
    return Shading(edges, nodes, Scale("gain", "gain of each step back", "÷ 100", "× 100"))


def _magnitude(quantity: Quantity | None) -> float | None:
    """A size that has a logarithm: positive and finite."""
    if quantity is None or not quantity.finite:
        return None
    size = quantity.size
    return size if size is not None and 0 < size < math.inf else None

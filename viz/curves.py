"""Plane geometry of arrows: Bezier curves shifted sideways, shortened, and written as SVG paths.

A curve is a list of points: a start, then three for each cubic piece (two controls and an end).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]
Curve = Sequence[Point]

_STEPS = 12
# Puts the control points of a cubic piece where it follows a circle best.
_ROUND = 0.5523


def straight(start: Point, end: Point) -> list[Point]:
    """The straight line from `start` to `end` as a cubic piece."""
    (x0, y0), (x1, y1) = start, end
    return [
        (x0 + (x1 - x0) * step / 3, y0 + (y1 - y0) * step / 3) if step < 3 else end
        for step in range(4)
    ]


def quarter(start: Point, end: Point) -> list[Point]:
    """A quarter of an ellipse from `start`, leaving it horizontally, to `end`."""
    (x0, y0), (x1, y1) = start, end
    return [start, (x0 + (x1 - x0) * _ROUND, y0), (x1, y1 - (y1 - y0) * _ROUND), end]


def offset(curve: Curve, distance: float) -> list[Point]:
    """The curve `distance` to the left of `curve`, seen along it on a screen (where y runs down).

    Each control polygon is moved along the normals at its ends (Tiller and Hanson, "Offsets of
    two-dimensional profiles", 1984), which is exact for lines and close for the gentle bends here.
    """
    shifted: list[Point] = []
    for piece in _pieces(curve):
        start = _normal(piece, distance)
        end = _normal([*reversed(piece)], -distance)
        moved = [
            (x + dx, y + dy)
            for (x, y), (dx, dy) in zip(piece, (start, start, end, end), strict=True)
        ]
        shifted += moved[1:] if shifted else moved
    return shifted


def shortened(curve: Curve, length: float) -> list[Point]:
    """`curve` without the last `length` pixels of it, or its first point if it is not so long."""
    pieces = _pieces(curve)
    while pieces:
        piece = pieces.pop()
        points = [_at(piece, step / _STEPS) for step in range(_STEPS + 1)]
        walked = 0.0
        for step in range(_STEPS, 0, -1):
            stretch = math.dist(points[step - 1], points[step])
            if walked + stretch >= length and stretch > 0:
                rest = (length - walked) / stretch
                kept = _first_part(piece, (step - rest) / _STEPS)
                return [*_joined(pieces), *kept[1:]] if pieces else kept
            walked += stretch
        length -= walked
    return [curve[0]]


def cut(curve: Curve, x: float) -> list[Point] | None:
    """The part of `curve` from where it first reaches `x`, if it starts before and gets there."""
    pieces = _pieces(curve)
    for index, piece in enumerate(pieces):
        if piece[0][0] >= x:
            return list(curve[3 * index :]) if index else None
        for step in range(1, _STEPS + 1):
            share = step / _STEPS
            if _at(piece, share)[0] >= x:
                rest = [*reversed(_first_part([*reversed(piece)], 1 - share))]
                return [*rest, *curve[3 * index + 4 :]]
    return None


def arrowhead(tip: Point, base: Point, width: float) -> tuple[Point, Point, Point]:
    """The triangle of an arrow that ends at `tip`, its other side centred on `base`."""
    length = math.dist(tip, base) or 1.0
    dx = (tip[0] - base[0]) / length * width / 2
    dy = (tip[1] - base[1]) / length * width / 2
    return tip, (base[0] - dy, base[1] + dx), (base[0] + dy, base[1] - dx)


def path(curve: Curve) -> str:
    """`curve` as the `d` attribute of an SVG path.

    >>> path([(0, 0), (1, 0), (2, 0), (3.0, 0.5)])
    'M0 0C1 0 2 0 3 0.5'
    """
    first, *rest = (f"{decimal(x)} {decimal(y)}" for x, y in curve)
    return f"M{first}C{' '.join(rest)}" if rest else f"M{first}"


def decimal(value: float) -> str:
    """A coordinate with at most two decimals.

    >>> decimal(2.0), decimal(-0.001), decimal(1.256)
    ('2', '0', '1.26')
    """
    text = f"{value:.2f}"
    if text[-1] == "0":
        text = text[:-3] if text[-2] == "0" else text[:-1]
    return "0" if text == "-0" else text


def _pieces(curve: Curve) -> list[list[Point]]:
    return [list(curve[start : start + 4]) for start in range(0, len(curve) - 1, 3)]


def _joined(pieces: Sequence[Sequence[Point]]) -> list[Point]:
    return [pieces[0][0], *(point for piece in pieces for point in piece[1:])]


def _normal(piece: Sequence[Point], distance: float) -> Point:
    """The step of length `distance` to the left at the start of a cubic piece."""
    x0, y0 = piece[0]
    for x, y in piece[1:]:  # A control point may coincide with the end it belongs to.
        length = math.dist((x0, y0), (x, y))
        if length > 1e-6:
            return (y - y0) / length * distance, (x0 - x) / length * distance
    return 0.0, 0.0


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _first_part(piece: Sequence[Point], share: float) -> list[Point]:
    """The piece from parameter 0 to `share`, by de Casteljau's construction."""
    points = list(piece)
    kept = [points[0]]
    while len(points) > 1:
        points = [_between(first, second, share) for first, second in pairwise(points)]
        kept.append(points[0])
    return kept


def _at(piece: Sequence[Point], share: float) -> Point:
    rest = 1 - share
    a, b, c, d = rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = piece
    return a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3

"""Parting the arrows that leave one box.

Graphviz lets all arrows out of a box start at one point, where their heads would cover one another.
Each gets a place of its own on that side here, and a bend from there to the way that Graphviz found
for it. The bends are in the channel between two columns, where nothing but arrows is.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from viz.curves import Point, cut, quarter, straight
from viz.scene import SLOT, Link, Scene

# The straight piece at the box, for the arrowhead.
_STUB = 10.0
# A label that begins so close behind the channel is in the next column.
_NEXT = 120.0
_STEEP = 4.0
# Graphviz ends its curves at the outer edge of a box's outline.
_TOUCHING = 2.0


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A box or a label: its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def turned(self) -> "Rectangle":
        """With x and y exchanged."""
        return Rectangle(self.y, self.x, self.height, self.width)


def room_to_part(arrows: int) -> float:
    """The room to keep free on either side of a box that `arrows` arrows leave."""
    return min(8.0 + 4.0 * arrows, 56.0) if arrows > 1 else 0.0


def part_arrows(
    scene: Scene,
    boxes: Sequence[Rectangle],
    labels: Sequence[Rectangle | None],
    curves: list[list[Point]],
) -> None:
    """Change the start of those `curves` that share their tail with others.

    `boxes`, `labels` and `curves` belong to the boxes and links of `scene`, in the same order.
    """
    if scene.direction == "TB":
        turned = [_turned(curve) for curve in curves]
        _part(
            scene.links,
            [box.turned() for box in boxes],
            [None if label is None else label.turned() for label in labels],
            turned,
        )
        curves[:] = [_turned(curve) for curve in turned]
    else:
        _part(scene.links, boxes, labels, curves)


def _part(
    links: Sequence[Link],
    boxes: Sequence[Rectangle],
    labels: Sequence[Rectangle | None],
    curves: list[list[Point]],
) -> None:
    columns = _Columns([*boxes, *filter(None, labels)])
    leaving: dict[int, list[int]] = defaultdict(list)
    for number, link in enumerate(links):
        leaving[link.tail].append(number)
    for number, link in enumerate(links):
        # Room may have been kept free beside the boxes at both ends: it has to be crossed.
        origin, goal, curve = boxes[link.tail], boxes[link.head], curves[number]
        start = origin.x + origin.width / 2, curve[0][1]
        end = goal.x - goal.width / 2, curve[-1][1]
        if curve[0][0] > start[0] + _TOUCHING:
            curve[:1] = straight(start, curve[0])
        if curve[-1][0] < end[0] - _TOUCHING and leaving[link.head]:
            curve[-1:] = straight(curve[-1], end)
    for tail, numbers in leaving.items():
        channel = columns.channel_after(boxes[tail])
        if len(numbers) < 2 or channel is None:
            continue
        rest = {number: _rest(curves[number], labels[number], channel[1]) for number in numbers}
        numbers.sort(key=lambda number: (rest[number][0][1], rest[number][-1][1]))
        box = boxes[tail]
        slot = min(SLOT, box.height / len(numbers))
        for place, number in enumerate(numbers):
            y = box.y + (place - (len(numbers) - 1) / 2) * slot
            begin = max(channel[0], box.x + box.width / 2 + _STUB), y
            curves[number] = [
                *straight((box.x + box.width / 2, y), begin),
                *_bend(begin, rest[number])[1:],
                *rest[number][1:],
            ]


class _Columns:
    """The columns of a layout: things with the same x, and the channels between them."""

    def __init__(self, solid: Sequence[Rectangle]) -> None:
        ends: dict[float, tuple[float, float]] = {}
        for each in solid:
            left, right = each.x - each.width / 2, each.x + each.width / 2
            known = ends.get(round(each.x, 1), (left, right))
            ends[round(each.x, 1)] = min(known[0], left), max(known[1], right)
        self._at = sorted(ends)
        self._ends = [ends[x] for x in self._at]

    def channel_after(self, box: Rectangle) -> tuple[float, float] | None:
        """Where the free room right of the column of `box` begins and ends."""
        after = bisect_right(self._at, round(box.x, 1))
        if after == len(self._at):
            return None
        begin, end = self._ends[after - 1][1], self._ends[after][0]
        return (begin, end) if begin < end else None


def _rest(curve: list[Point], label: Rectangle | None, x: float) -> list[Point]:
    """The part of a link from `x` on, or from its label on if that comes next."""
    if label is not None and label.x - label.width / 2 - x < _NEXT:
        inside = cut(curve, label.x)
        if inside is not None:
            return [*straight((x, label.y), (label.x, label.y)), *inside[1:]]
    return cut(curve, x) or curve


def _bend(begin: Point, rest: Sequence[Point]) -> list[Point]:
    """From `begin`, in the direction of reading, to the start of `rest`, in its direction."""
    end = rest[0]
    run, rise = end[0] - begin[0], end[1] - begin[1]
    ahead = next((point for point in rest[1:] if point != end), end)
    slope = (ahead[1] - end[1]) / max(ahead[0] - end[0], 1.0)
    handle = run * (0.5 if abs(rise) < run else 0.8)
    if abs(rise) <= _STEEP * run:
        drop = handle * max(-1.0, min(1.0, slope))
        return [begin, (begin[0] + handle, begin[1]), (end[0] - handle, end[1] - drop), end]
    # Two round corners: a curve as steep as this would be too tight for two parallel arrows.
    middle, corner = begin[0] + run / 2, math.copysign(run / 2, rise)
    return [
        *quarter(begin, (middle, begin[1] + corner)),
        *straight((middle, begin[1] + corner), (middle, end[1] - corner))[1:],
        *quarter(end, (middle, end[1] - corner))[-2::-1],
    ]


def _turned(curve: Sequence[Point]) -> list[Point]:
    return [(y, x) for x, y in curve]

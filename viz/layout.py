"""Places for everything in a scene, found by Graphviz.

Graphviz is asked for coordinates only. It gets integers and sizes and never a word of the user's
text, so no name can reach it, whatever it holds, and no font it knows or does not know matters. The
text on a link becomes a node of its own that the link runs through: room for it is then kept free
like that of any other node, so nothing overlaps, and it sits in the middle of its arrow.
"""

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from viz.curves import Point, straight
from viz.errors import DrawError, GraphTooLarge, RenderTimeout
from viz.render import GRAPHVIZ
from viz.routing import Rectangle, part_arrows, room_to_part
from viz.scene import Scene, label_size

_POINTS_PER_INCH = 72
_WIDTH_OF_M = 7.2
_FRAME_FONT = "fontname=Courier fontsize=12"
_SMALL = 150
_ADVICE = (
    "Draw a smaller part of it (an earlier result, one sample instead of a batch), allow more time "
    "with viz.draw(..., deadline=60), or save the .dot, which is not laid out, and run a system "
    "Graphviz on it."
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Coordinates in pixels, y downward from the top.

    `centers[i]` belongs to box i of the scene, `curves[i]` to link i, from the edge of its tail to
    the edge of its head; `labels[i]` is the middle of its text, None if it has none; `frames[i]` is
    a frame's left, top, width and height.
    """

    width: float
    height: float
    centers: tuple[Point, ...]
    curves: tuple[tuple[Point, ...], ...]
    labels: tuple[Point | None, ...]
    frames: tuple[tuple[float, float, float, float], ...] = ()


def place(scene: Scene, deadline: float) -> Layout:
    """Lay out `scene`, within `deadline` seconds; `DrawError` says what to do if that fails."""
    size = f"{len(scene.boxes):,} boxes and {len(scene.links):,} arrows"
    try:
        found = GRAPHVIZ.render(_skeleton(scene), "json0", deadline)
    except (RenderTimeout, GraphTooLarge) as error:
        raise type(error)(f"{error}: the picture has {size}. {_ADVICE}") from None
    try:
        return _read(scene, json.loads(found))
    except (KeyError, IndexError, ValueError) as error:
        raise DrawError(f"Graphviz gave no usable layout for {size}. {_ADVICE}") from error


def _skeleton(scene: Scene) -> str:
    """The scene as DOT, with sizes in place of everything that is to be seen."""
    entry, leave = ("w", "e") if scene.direction == "LR" else ("n", "s")
    out = [
        "digraph {",
        f"graph [rankdir={scene.direction} nodesep=0.16 ranksep=0.3 ordering=in {_effort(scene)}]",
        'node [shape=box fixedsize=true label=""]',
        "edge [arrowhead=none]",
    ]
    leaving = Counter(link.tail for link in scene.links)
    arriving = Counter(link.head for link in scene.links)
    reaches = [room_to_part(leaving[number]) for number in range(len(scene.boxes))]
    column = [number for number, box in enumerate(scene.boxes) if box.rank == "first"]
    widest = max((reaches[number] for number in column), default=0.0)
    for number in _order(scene):
        box = scene.boxes[number]
        shape = "ellipse" if box.shape in ("ellipse", "dot") else "box"
        reach = 2 * (widest if box.rank == "first" else reaches[number])
        width = box.width + (reach if scene.direction == "LR" else 0.0)
        height = box.height + (reach if scene.direction == "TB" else 0.0)
        out.append(f"n{number} [shape={shape} {_size(width, height)}]")
    out += _clusters(scene)
    if scene.frames:
        out.insert(1, "graph [newrank=true]")
    for number, link in enumerate(scene.links):
        # Everything leaves in the direction of reading, and a single arrow arrives in it.
        single = arriving[link.head] == 1
        tail = f"n{link.tail}:{leave}"
        head = f"n{link.head}:{entry}" if single else f"n{link.head}"
        if link.above or link.below:
            # Weights: straight lines where they can be had; constants stand aside.
            out += [
                f"t{number} [{_size(*label_size(link, scene.direction))}]",
                f"{tail} -> t{number}:{entry} [id=a{number} weight=4]",
                f"t{number}:{leave} -> {head} [id=b{number} weight={8 if single else 2}]",
            ]
        else:
            weight = 8 if single else 1 if scene.boxes[link.tail].shape == "plain" else 2
            out.append(f"{tail} -> {head} [id=a{number} weight={weight}]")
    if column:
        out.append(f"{{rank=same; {'; '.join(f'n{number}' for number in column)}}}")
    return "\n".join((*out, "}"))


def _order(scene: Scene) -> list[int]:
    """The boxes in the order in which Graphviz should hear of them.

    What hangs together comes in its own order. Parts that do not, Graphviz stacks from the bottom
    up when the picture runs from left to right: so there the last part comes first.
    """
    part = list(range(len(scene.boxes)))

    def root(number: int) -> int:
        while part[number] != number:
            part[number] = part[part[number]]
            number = part[number]
        return number

    for link in scene.links:
        first, second = sorted((root(link.tail), root(link.head)))
        part[second] = first
    upward = -1 if scene.direction == "LR" else 1
    return sorted(range(len(scene.boxes)), key=lambda number: (upward * root(number), number))


def _clusters(scene: Scene) -> list[str]:
    """Frames, each with the boxes that are in it and in no smaller one.

    The text of a link that stays inside a frame is inside it too, or it would pull its ends out.
    """
    boxes: dict[int | None, list[int]] = defaultdict(list)
    for place, box in enumerate(scene.boxes):
        boxes[box.frame].append(place)
    inner: dict[int | None, list[int]] = defaultdict(list)
    for at, frame in enumerate(scene.frames):
        inner[frame.parent].append(at)
    texts: dict[int | None, list[int]] = defaultdict(list)
    for at, link in enumerate(scene.links):
        if link.above or link.below:
            around = _around(scene, scene.boxes[link.tail].frame)
            outer = set(_around(scene, scene.boxes[link.head].frame))
            texts[next((frame for frame in around if frame in outer), None)].append(at)
    out: list[str] = []
    waiting: list[int | None] = [*reversed(inner[None])]
    while waiting:
        number = waiting.pop()
        if number is None:
            out.append("}")
            continue
        # Letters that keep the label's room free: as many as it takes, all the same.
        label = "m" * math.ceil(scene.frames[number].label.width / _WIDTH_OF_M)
        out.append(f'subgraph cluster_{number} {{ graph [label="{label}" {_FRAME_FONT} margin=10]')
        out += [f"n{box}" for box in boxes[number]]
        out += [f"t{text}" for text in texts[number]]
        waiting += (None, *reversed(inner[number]))
    return out


def _around(scene: Scene, frame: int | None) -> list[int]:
    """`frame`, the frame around it, and so on."""
    found = []
    while frame is not None:
        found.append(frame)
        frame = scene.frames[frame].parent
    return found


def _effort(scene: Scene) -> str:
    """How long Graphviz may polish the places: in a large picture, less. 1,500 arrows take 0.6 s
    this way and 4 s without, and look the same from as far away as one has to look at them."""
    links = len(scene.links)
    if links <= _SMALL:
        return ""
    share = _SMALL / links
    return f"nslimit={max(0.05, share):.2f} mclimit={max(0.2, share):.2f}"


def _size(width: float, height: float) -> str:
    return f"width={width / _POINTS_PER_INCH:.4f} height={height / _POINTS_PER_INCH:.4f}"


def _read(scene: Scene, found: dict[str, Any]) -> Layout:
    def point(text: str) -> Point:
        x, y = text.split(",")
        return float(x), -float(y)

    places = {item["name"]: point(item["pos"]) for item in found["objects"] if "pos" in item}
    # A spline may come in several parts; the first is the one from tail to head.
    splines = {
        item["id"]: [point(text) for text in item["pos"].split(";")[0].split()]
        for item in found.get("edges", ())
    }
    boxes = [
        Rectangle(*places[f"n{number}"], box.width, box.height)
        for number, box in enumerate(scene.boxes)
    ]
    curves: list[list[Point]] = []
    labels: list[Rectangle | None] = []
    for number, link in enumerate(scene.links):
        curve = splines[f"a{number}"]
        label = None
        if link.above or link.below:
            rest = splines[f"b{number}"]
            curve += [*straight(curve[-1], rest[0])[1:], *rest[1:]]
            label = Rectangle(*places[f"t{number}"], *label_size(link, scene.direction))
        labels.append(label)
        curves.append(curve)
    part_arrows(scene, boxes, labels, curves)
    corners = {item["name"]: item["bb"] for item in found["objects"] if "bb" in item}
    frames = [
        _rectangle(corners.get(f"cluster_{number}", "0,0,0,0"))
        for number in range(len(scene.frames))
    ]
    return _moved(boxes, labels, curves, frames)


def _rectangle(corners: str) -> Rectangle:
    """A rectangle from its lower left and its upper right corner, y upward."""
    left, low, right, high = map(float, corners.split(","))
    return Rectangle((left + right) / 2, -(low + high) / 2, right - left, high - low)


def _moved(
    boxes: list[Rectangle],
    labels: list[Rectangle | None],
    curves: list[list[Point]],
    frames: list[Rectangle],
) -> Layout:
    """Everything moved so that the picture starts at (0, 0)."""
    solid = [*boxes, *(label for label in labels if label is not None)]
    solid += [frame for frame in frames if frame.width]
    xs = [x for curve in curves for x, _ in curve]
    ys = [y for curve in curves for _, y in curve]
    xs += [each.x + side * each.width / 2 for each in solid for side in (-1, 1)]
    ys += [each.y + side * each.height / 2 for each in solid for side in (-1, 1)]
    left, top = min(xs), min(ys)

    def moved(x: float, y: float) -> Point:
        return x - left, y - top

    return Layout(
        max(xs) - left,
        max(ys) - top,
        tuple(moved(box.x, box.y) for box in boxes),
        tuple(tuple(moved(*point) for point in curve) for curve in curves),
        tuple(None if label is None else moved(label.x, label.y) for label in labels),
        tuple(
            (
                *moved(frame.x - frame.width / 2, frame.y - frame.height / 2),
                frame.width,
                frame.height,
            )
            for frame in frames
        ),
    )

"""A scene with its layout, as SVG.

Written here rather than taken from Graphviz, whose SVG can neither set two colours in one label nor
part the two directions of an edge. The bytes depend on the scene alone, not on the machine.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Literal

from viz.curves import Curve, Point, arrowhead, decimal, offset, path, shortened, straight
from viz.emit.css import shade_width, style_sheet
from viz.layout import Layout
from viz.scene import CLEARANCE, FONTS, SHADES, Box, Line, Link, Scale, Scene, block, line
from viz.text import escape_xml, script
from viz.theme import Theme

Anchor = Literal["start", "middle", "end"]

_MARGIN = 14.0
_TITLE_HEIGHT = 34.0
_WIDEST_TITLE = 640.0
_LEGEND_HEIGHT = 28.0
_LEGEND_ARROW = 34.0
_LEGEND_GAP = 22.0
_SCALE_HEIGHT = 22.0
_SWATCH = 18.0
_CORNER = 6.0
# From the middle of a link to each of its directions.
_APART = 3.0
# The length and the width of the arrowheads.
_FORWARD_HEAD = (8.0, 7.0)
_BACK_HEAD = (9.0, 10.0)


def size(scene: Scene, layout: Layout) -> Point:
    """The width and height of the whole SVG, in pixels."""
    legend = sum(_LEGEND_ARROW + each.width for each in _legend_lines(scene)) + _LEGEND_GAP
    title = _title(scene)
    remarks = _remarks(scene)
    inner = max(
        layout.width,
        legend,
        title.width if title else 0,
        *(each.width for each in remarks),
        _scale_width(scene),
    )
    height = layout.height + _LEGEND_HEIGHT + 2 * _MARGIN + (_TITLE_HEIGHT if title else 0)
    height += block(remarks)[1] + (_SCALE_HEIGHT if scene.scale else 0)
    return inner + 2 * _MARGIN, height


def svg(scene: Scene, layout: Layout, theme: Theme) -> str:
    """The picture as an SVG element, which is a document too."""
    # Two figures on one page must not share ids; two that are the same may.
    content = repr((scene, theme)).encode("utf-8", "backslashreplace")
    figure = f"abp-{hashlib.sha256(content).hexdigest()[:12]}"
    full_width, full_height = (decimal(length) for length in size(scene, layout))
    left = (float(full_width) - layout.width) / 2
    title = _title(scene)
    top = _MARGIN + (_TITLE_HEIGHT if title else 0)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{figure}" class="autograd-bp" role="img" '
        f'aria-labelledby="{figure}-title {figure}-desc" width="{full_width}" '
        f'height="{full_height}" viewBox="0 0 {full_width} {full_height}" xml:space="preserve">',
        f'<title id="{figure}-title">{escape_xml(scene.title or "Computation graph")}</title>',
        f'<desc id="{figure}-desc">{escape_xml(scene.description)}</desc>',
        f"<style>{style_sheet(figure, theme, scene)}</style>",
        f'<rect class="background" width="{full_width}" height="{full_height}"/>',
    ]
    if title:
        out += _block([title], float(full_width) / 2, _MARGIN)
    out.append(f'<g transform="translate({decimal(left)} {decimal(top)})">')
    for number, place in enumerate(layout.frames):
        out += _frame(figure, number, scene.frames[number].label, place)
    for link, curve, label in zip(scene.links, layout.curves, layout.labels, strict=True):
        out += _link(figure, link, curve, label, down=scene.direction == "TB")
    for box, center in zip(scene.boxes, layout.centers, strict=True):
        out += _box(figure, box, center)
    out.append("</g>")
    remarks = _remarks(scene)
    bottom = float(full_height) - _MARGIN - block(remarks)[1]
    out += _block(remarks, float(full_width) / 2, bottom)
    if scene.scale is not None:
        bottom -= _SCALE_HEIGHT
        out += _scale(scene.scale, float(full_width) / 2, bottom)
    out += _legend(scene, float(full_width) / 2, bottom - 8)
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _frame(
    figure: str, number: int, label: Line, place: tuple[float, float, float, float]
) -> list[str]:
    left, top, width, height = place
    if not width:
        return []
    return [
        f'<g id="{figure}-g{number}" class="group">',
        f'<rect class="frame" x="{decimal(left)}" y="{decimal(top)}" width="{decimal(width)}" '
        f'height="{decimal(height)}" rx="{_CORNER:g}"/>',
        *_block([label], left + 8, top + 5, "start"),
        "</g>",
    ]


def _box(figure: str, box: Box, center: Point) -> list[str]:
    x, y = center
    half_width, half_height = box.width / 2, box.height / 2
    out = [f'<g id="{figure}-{box.tag}" class="box {box.classes}">', _tooltip(box.tooltip)]
    if box.shape in ("ellipse", "dot"):
        out.append(
            f'<ellipse class="{box.shape}" cx="{decimal(x)}" cy="{decimal(y)}" '
            f'rx="{decimal(half_width)}" ry="{decimal(half_height)}"/>'
        )
    else:
        corner = min(_CORNER, half_width, half_height)
        if box.shape == "stack":  # Another one behind it.
            out.append(
                f'<rect class="stack" x="{decimal(x - half_width + 4)}" '
                f'y="{decimal(y - half_height - 4)}" width="{decimal(box.width)}" '
                f'height="{decimal(box.height)}" rx="{decimal(corner)}"/>'
            )
        out.append(
            f'<rect class="{box.shape}" x="{decimal(x - half_width)}" '
            f'y="{decimal(y - half_height)}" width="{decimal(box.width)}" '
            f'height="{decimal(box.height)}" rx="{decimal(corner)}"/>'
        )
    return [*out, *_block(box.lines, x, y - block(box.lines)[1] / 2), "</g>"]


def _link(figure: str, link: Link, curve: Curve, label: Point | None, *, down: bool) -> list[str]:
    out = [f'<g id="{figure}-{link.tag}" class="link {link.classes}">', _tooltip(link.tooltip)]
    if link.back is None:
        out += _arrow(curve, "forward", _FORWARD_HEAD)
    else:
        # Forward is above (at the left, when the picture runs downward), and back the other one:
        # a curve walked the other way has its left where its right was.
        apart = -_APART if down else _APART
        classes, head, aside = f"back {link.back}", _BACK_HEAD, apart
        if link.shade is not None:
            classes, wide = f"{classes} shade{link.shade}", shade_width(link.shade)
            head = 8 + wide / 2, 6 + 1.3 * wide
            aside = math.copysign(max(_APART, 1.2 + wide / 2), apart)
        out += _arrow(offset([*reversed(curve)], aside), classes, head)
        out += _arrow(offset(curve, apart), "forward", _FORWARD_HEAD)
    if label is not None:
        x, y = label
        above, below = block(link.above)[1], block(link.below)[1]
        if down:
            aside = CLEARANCE + 1
            out += _block(link.above, x - aside, y - above / 2, "end")
            out += _block(link.below, x + aside, y - below / 2, "start")
        else:
            out += _block(link.above, x, y - CLEARANCE + 2 - above)
            out += _block(link.below, x, y + CLEARANCE - 1)
    return [*out, "</g>"]


def _arrow(curve: Curve, classes: str, head: tuple[float, float]) -> list[str]:
    length, width = head
    shaft = shortened(curve, length)
    corners = arrowhead(curve[-1], shaft[-1], width)
    points = " ".join(f"{decimal(x)},{decimal(y)}" for x, y in corners)
    return [
        f'<path class="{classes}" d="{path(shaft)}"/>',
        f'<polygon class="{classes}" points="{points}"/>',
    ]


def _block(lines: Sequence[Line], x: float, top: float, anchor: Anchor = "middle") -> list[str]:
    """Lines of text under one another, the first with its upper edge at `top`."""
    out = []
    for each in lines:
        # Helvetica's letters stand 0.35 of the font size above and below their middle.
        baseline = top + each.height / 2 + 0.35 * FONTS[each.role].size
        top += each.height
        classes = f"{each.role} {script(each.text)}"
        anchored = "" if anchor == "middle" else f' style="text-anchor:{anchor}"'
        out.append(
            f'<text class="{classes}"{anchored} x="{decimal(x)}" y="{decimal(baseline)}">'
            f"{escape_xml(each.text)}</text>"
        )
    return out


def _tooltip(text: str) -> str:
    return f"<title>{escape_xml(text)}</title>"


def _title(scene: Scene) -> Line | None:
    return line("title", scene.title, room=_WIDEST_TITLE) if scene.title else None


def _remarks(scene: Scene) -> list[Line]:
    return [line("legend", remark, room=_WIDEST_TITLE) for remark in scene.remarks]


def _scale_width(scene: Scene) -> float:
    if scene.scale is None:
        return 0.0
    words = (scene.scale.title, scene.scale.low, scene.scale.high)
    return SHADES * _SWATCH + 40 + sum(Line("legend", word).width for word in words)


def _scale(scale: Scale, middle: float, top: float) -> list[str]:
    """The shades in a row, with words at both ends."""
    title, low, high = (Line("legend", word) for word in (scale.title, scale.low, scale.high))
    width = SHADES * _SWATCH + 24 + title.width + low.width + high.width
    x, y = middle - width / 2, top + 2
    out = ['<g class="legend">', *_block([title], x, y, "start")]
    x += title.width + 12
    out += _block([low], x, y, "start")
    x += low.width + 6
    for shade in range(SHADES):
        out.append(
            f'<rect class="shade{shade}" x="{decimal(x + shade * _SWATCH)}" y="{decimal(y + 1)}" '
            f'width="{_SWATCH:g}" height="11"/>'
        )
    x += SHADES * _SWATCH + 6
    return [*out, *_block([high], x, y, "start"), "</g>"]


def _legend_lines(scene: Scene) -> tuple[Line, ...]:
    if not scene.gradients:
        return (Line("legend", "value, forward (no gradient is wanted here)"),)
    return Line("legend", "value, forward"), Line("legend", "gradient, back")


def _legend(scene: Scene, middle: float, y: float) -> list[str]:
    lines = _legend_lines(scene)
    x = middle - (sum(_LEGEND_ARROW + each.width for each in lines) + _LEGEND_GAP) / 2
    out = ['<g class="legend">']
    for number, each in enumerate(lines):
        ends = [(x, y), (x + _LEGEND_ARROW - 8, y)]
        if number == 0:
            out += _arrow(straight(ends[0], ends[1]), "forward", _FORWARD_HEAD)
        else:
            out += _arrow(straight(ends[1], ends[0]), "back gradient", _BACK_HEAD)
        out += _block([each], x + _LEGEND_ARROW, y - each.height / 2, "start")
        x += _LEGEND_ARROW + each.width + _LEGEND_GAP
    return [*out, "</g>"]

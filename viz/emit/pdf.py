"""An SVG of ours as a PDF, by matplotlib: the same picture, its text as text.

matplotlib is not needed for anything else here, so it is imported when a PDF is asked for.
"""

import io
import logging
import re
import threading
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from viz.errors import DrawError

_SVG: Final = "{http://www.w3.org/2000/svg}"
_POINTS: Final = 0.75  # in one pixel
_MISSING: Final = (
    "a PDF needs matplotlib: pip install matplotlib. Without it, save the .svg, which prints as "
    "sharply, or save the .dot and run a system Graphviz on it (dot -Tpdf)."
)
# matplotlib keeps fonts in caches that two threads must not fill at once.
_LOCK: Final = threading.Lock()

Style = dict[str, str]
# What an element must be, and what must be around it: its tag or "", and its classes.
_Simple = tuple[str, frozenset[str]]


def pdf(svg: str) -> bytes:
    """The PDF of an SVG that `viz.emit.svg` has written. Raises `DrawError` without matplotlib."""
    try:
        from matplotlib.backends.backend_pdf import FigureCanvasPdf
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DrawError(_MISSING) from error
    root = ET.fromstring(svg)  # noqa: S314 - of our own making
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    with _LOCK, warnings.catch_warnings():
        # A character that no font here has is drawn as a box, as everywhere.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(width * _POINTS / 72, height * _POINTS / 72))
        axes: Any = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.set_axis_off()
        for element, style, shift in _styled(root):
            _draw(axes, element, style, shift)
        content = io.BytesIO()
        # No date: the same picture is the same file.
        canvas: Any = FigureCanvasPdf(figure)
        canvas.print_pdf(content, metadata={"CreationDate": None})
    return content.getvalue()


def _styled(root: ET.Element) -> Iterator[tuple[ET.Element, Style, tuple[float, float]]]:
    """What is to be drawn, in order, with its style and how far it is shifted."""
    sheet = root.find(f"{_SVG}style")
    rules = _rules(sheet.text or "" if sheet is not None else "")
    waiting: list[tuple[ET.Element, tuple[_Simple, ...], tuple[float, float]]] = [
        (element, (), (0.0, 0.0)) for element in reversed(root)
    ]
    while waiting:
        element, around, (x, y) = waiting.pop()
        tag = element.tag.removeprefix(_SVG)
        me = tag, frozenset((element.get("class") or "").split())
        if tag == "g":
            moved = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
            if moved:
                x, y = x + float(moved[1]), y + float(moved[2])
            waiting += [(child, (*around, me), (x, y)) for child in reversed(element)]
        elif tag in ("rect", "ellipse", "path", "polygon", "text"):
            style: Style = {}
            for selector, declarations in rules:
                if _matches(selector, me, around):
                    style |= declarations
            style |= _declarations(element.get("style", ""))
            yield element, style, (x, y)


def _rules(sheet: str) -> list[tuple[tuple[_Simple, ...], Style]]:
    """The rules of our style sheet: selectors of tags and classes, the less special ones first."""
    found = []
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        for selector in selectors.split(","):
            parts = tuple(
                (tag, frozenset(filter(None, classes.split("."))))
                for tag, _, classes in (part.partition(".") for part in selector.split()[1:])
            )
            found.append((parts, _declarations(body)))
    return sorted(found, key=lambda rule: _specificity(rule[0]))


def _specificity(selector: Sequence[_Simple]) -> tuple[int, int]:
    return sum(len(classes) for _, classes in selector), sum(bool(tag) for tag, _ in selector)


def _declarations(text: str) -> Style:
    pairs = (declaration.partition(":") for declaration in text.split(";") if ":" in declaration)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _matches(selector: Sequence[_Simple], me: _Simple, around: Sequence[_Simple]) -> bool:
    def fits(wanted: _Simple, found: _Simple) -> bool:
        return wanted[0] in ("", found[0]) and wanted[1] <= found[1]

    if not selector or not fits(selector[-1], me):
        return False
    outer = list(around)
    for wanted in reversed(selector[:-1]):
        while outer and not fits(wanted, outer[-1]):
            outer.pop()
        if not outer:
            return False
        outer.pop()
    return True


def _draw(axes: Any, element: ET.Element, style: Style, shift: tuple[float, float]) -> None:
    from matplotlib import patches
    from matplotlib.path import Path

    def number(name: str) -> float:
        return float(element.get(name, 0))

    x, y = shift
    tag = element.tag.removeprefix(_SVG)
    if tag == "text":
        _draw_text(axes, element, style, shift)
        return
    patch: patches.Patch
    if tag == "rect":
        corner, width, height = number("rx"), number("width"), number("height")
        patch = patches.FancyBboxPatch(
            (x + number("x"), y + number("y")),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={corner}" if corner else "square,pad=0",
        )
    elif tag == "ellipse":
        center = x + number("cx"), y + number("cy")
        patch = patches.Ellipse(center, 2 * number("rx"), 2 * number("ry"))
    elif tag == "polygon":
        corners = [pair.split(",") for pair in element.get("points", "").split()]
        patch = patches.Polygon([(x + float(a), y + float(b)) for a, b in corners])
    else:
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", element.get("d", ""))]
        points = [(x + a, y + b) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
        codes = [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1)]
        patch = patches.PathPatch(Path(points, codes))
    fill, stroke = style.get("fill", "#000000"), style.get("stroke", "none")
    opacity = float(style.get("fill-opacity", 1))
    patch.set(
        facecolor="none" if fill == "none" else (fill, opacity),
        edgecolor=stroke,
        linewidth=float(style.get("stroke-width", "1").removesuffix("px")) * _POINTS,
        linestyle=_dashes(style),
        capstyle="butt",
        joinstyle="miter",
    )
    axes.add_patch(patch)


def _dashes(style: Mapping[str, str]) -> Any:
    """The line style; matplotlib counts dashes in widths of the line."""
    dashes = [float(each) for each in style.get("stroke-dasharray", "").split()]
    if not dashes:
        return "solid"
    width = float(style.get("stroke-width", "1"))
    return 0, tuple(each / width for each in dashes)


def _draw_text(axes: Any, element: ET.Element, style: Style, shift: tuple[float, float]) -> None:
    axes.text(
        shift[0] + float(element.get("x", 0)),
        shift[1] + float(element.get("y", 0)),
        element.text or "",
        fontsize=float(style.get("font-size", "13px").removesuffix("px")) * _POINTS,
        family=_installed(style.get("font-family", "sans-serif")),
        weight=style.get("font-weight", "normal"),
        style=style.get("font-style", "normal"),
        color=style.get("fill", "#000000"),
        horizontalalignment={"start": "left", "end": "right"}.get(
            style.get("text-anchor", "middle"), "center"
        ),
        verticalalignment="baseline",
        parse_math=False,  # A name may have dollar signs in it.
    )


def _installed(families: str) -> list[str]:
    """Those of the families that are there: of each that is not, matplotlib would complain."""
    from matplotlib import font_manager

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    known = {font.name for font in font_manager.fontManager.ttflist}
    wanted = [family.strip(' "') for family in families.split(",")]
    return [family for family in wanted if family in known] + ["DejaVu Sans"]

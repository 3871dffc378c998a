"""What to draw, before it has a place: boxes and links with lines of text, sized in pixels.

A style turns a picture into a scene; the layout places it; the emitters write it down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from viz.text import one_line, shorten, width

Direction = Literal["LR", "TB"]
Shape = Literal["ellipse", "box", "plain", "dot", "bar", "stack"]
Rank = Literal["first", "anywhere"]
Role = Literal[
    "title",
    "name",
    "unnamed",
    "value",
    "gradient",
    "zero",
    "alarm",
    "blocked",
    "note",
    "symbol",
    "word",
    "formula",
    "legend",
    "frame",
]


@dataclass(frozen=True, slots=True)
class Font:
    """How a line of text is set: the size in pixels, bold or not, italic or not."""

    size: float
    bold: bool = False
    italic: bool = False


FONTS: Final[dict[Role, Font]] = {
    "title": Font(16, bold=True),
    "name": Font(14, bold=True),
    "unnamed": Font(13, italic=True),
    "value": Font(13),
    "gradient": Font(13),
    "zero": Font(13),
    "alarm": Font(13, bold=True),
    "blocked": Font(12, italic=True),
    "note": Font(11),
    "symbol": Font(21),
    "word": Font(15),
    "formula": Font(11),
    "legend": Font(11),
    "frame": Font(12, bold=True),
}
LEADING: Final = 1.25
LONGEST: Final = 150.0
# The room that one of several arrows takes on the side of the box that they leave.
SLOT: Final = 14.0
# From the middle of a link to its text: half the distance of the two arrows, and some air.
CLEARANCE: Final = 7.0
SHADES: Final = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text on the picture."""

    role: Role
    text: str

    @property
    def width(self) -> float:
        """In pixels, on the generous side."""
        font = FONTS[self.role]
        return width(self.text, font.size, bold=font.bold)

    @property
    def height(self) -> float:
        """From this line's top to that of the next."""
        return FONTS[self.role].size * LEADING


@dataclass(frozen=True, slots=True)
class Box:
    """A thing with a place: a datum, an operation, a fork.

    `tag` is the element's id in the picture (an integer with a letter before it), `classes` are for
    style sheets, `tooltip` is shown on hover. `rank` asks for a place at one end of the picture.
    """

    tag: str
    shape: Shape
    width: float
    height: float
    lines: tuple[Line, ...]
    classes: str
    tooltip: str
    rank: Rank = "anywhere"
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle around boxes, with a label, inside the frame `parent` or not."""

    label: Line
    parent: int | None


@dataclass(frozen=True, slots=True)
class Scale:
    """What the shades of the arrows back mean: a title, and the words at the two ends of `ramp`."""

    ramp: Literal["size", "gain"]
    title: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Look:
    """What of a picture is to be seen besides its values and gradients."""

    algebra: bool = False
    flow: Literal["size", "gain"] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow from one box to another, and perhaps one back; `tail` and `head` index the boxes.

    `above` is written above the forward arrow, `below` below the one back (left and right of them
    when the picture runs downward). `back` is the class of the arrow back, None if there is none;
    `shade` is its place on the scene's scale, from 0 to `SHADES` - 1.
    """

    tag: str
    tail: int
    head: int
    above: tuple[Line, ...]
    below: tuple[Line, ...]
    back: Role | None
    classes: str
    tooltip: str
    shade: int | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything on one picture; `remarks` are written below it."""

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    direction: Direction
    title: str | None
    description: str
    gradients: bool
    frames: tuple[Frame, ...] = ()
    scale: Scale | None = None
    remarks: tuple[str, ...] = ()


def line(role: Role, content: str, room: float = LONGEST) -> Line:
    """A line of text from anywhere, put on one line and shortened to `room` pixels."""
    font = FONTS[role]
    return Line(role, shorten(one_line(content), room, font.size, bold=font.bold))


def block(lines: Sequence[Line]) -> tuple[float, float]:
    """The width and the height of `lines` under one another."""
    return max((each.width for each in lines), default=0.0), sum(each.height for each in lines)


def label_size(link: Link, direction: Direction) -> tuple[float, float]:
    """The width and height to keep free for a link's text, with the link through its middle."""
    above, below = block(link.above), block(link.below)
    if direction == "LR":
        return max(above[0], below[0]) + 10, 2 * (max(above[1], below[1]) + CLEARANCE)
    return 2 * (max(above[0], below[0]) + CLEARANCE + 2), max(above[1], below[1]) + 10

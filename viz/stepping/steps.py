"""`viz.steps`: from a graph, or a recorded run, to a page."""

from __future__ import annotations

import math
import os
from pathlib import Path

from viz.diagram import Diagram
from viz.files import write
from viz.scene import Direction, Scene
from viz.stepping.events import Event
from viz.stepping.page import page
from viz.stepping.recording import LIMIT, Moment, Recording, moment_of
from viz.styles import STYLES
from viz.text import escape_xml
from viz.theme import LIGHT


class Steps:
    """A computation step by step, as made by `viz.steps`. Shows itself in a notebook.

    `events` are the steps (of the first moment, for a recording): the values forward, then the
    gradients back, use by use. A snapshot: later changes to the graph do not reach it.
    """

    def __init__(
        self,
        diagram: Diagram,
        scene: Scene,
        moments: tuple[Moment, ...],
        digits: int,
        title: str | None,
    ) -> None:
        self.diagram = diagram
        self._scene = scene
        self.moments = moments
        self._digits = digits
        self._title = title
        self._html: str | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        """The steps, in the engine's own order."""
        return self.moments[0].walk.events

    @property
    def svg(self) -> str:
        """The picture that the page steps through."""
        return self.diagram.svg

    def html(self) -> str:
        """The page: one document that needs nothing else, and loads nothing."""
        if self._html is None:
            self._html = page(self.diagram, self._scene, self.moments, self._digits, self._title)
        return self._html

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to `path`, which must end in .html. It appears whole or not at all."""
        target = Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"the steps are a page: name it .html, not {target.name!r}")
        write(target, self.html().encode())
        return target

    def __repr__(self) -> str:
        runs = f" at {len(self.moments)} moments" if len(self.moments) > 1 else ""
        return f"<viz.Steps: {len(self.events)} steps{runs}>"

    def _repr_html_(self) -> str:
        # In a frame of its own: two pages in one notebook share no id, no style and no key.
        return (
            '<iframe sandbox="allow-scripts" style="width:100%;height:44rem;border:0" '
            f'title="The computation step by step" srcdoc="{escape_xml(self.html())}"></iframe>'
        )


def steps(
    output: object,
    *,
    direction: Direction = "LR",
    seed: object = None,
    digits: int = 4,
    title: str | None = None,
    deadline: float = 10.0,
    limit: int = LIMIT,
) -> Steps:
    """A page that goes through the computation of `output` step by step, forward and backward.

    Every step lights its part of the picture, and says what happens in words and in mathematics.
    Gradients arrive use by use, and their running sums grow. There is a quiz in which the reader
    computes them, and a text of all steps. The page is one file, works without a network, on a
    phone, in dark mode, by keyboard (arrows, Home, End, space) and with a screen reader.

    Parameters
    ----------
    output
        A `Value` or a `Tensor`; or a `viz.Recording`, which adds a slider over its moments.
    direction
        "LR" from left to right, "TB" from top to bottom.
    seed
        The gradient fed in at the output; ones when None. (A recording has its own.)
    digits
        Significant digits of the numbers shown, from 1 to 17.
    title
        A heading.
    deadline
        The layout is stopped after this many seconds.
    limit
        The most nodes; more could be drawn, but nobody would step through them.

    Returns
    -------
    Steps
        With `.save(path)`, `.html()`, `.events`; shows itself in a notebook.

    Raises
    ------
    GraphTooLarge
        The graph has more than `limit` nodes.
    TypeError
        `output` is no node and no recording.
    ValueError
        An argument has a value it cannot have.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> import viz
    >>> apple, n = ab.Value(100.0, name="apple"), ab.Value(2.0, name="n")
    >>> page = viz.steps(apple * n * 1.1)
    >>> page
    <viz.Steps: 7 steps>
    >>> [event.kind for event in page.events]
    ['given', 'computed', 'computed', 'seeded', 'passed', 'passed', 'passed']
    """
    if direction not in ("LR", "TB"):
        raise ValueError(f"direction must be LR or TB; got {direction!r}")
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17:
        raise ValueError(f"digits must be from 1 to 17; got {digits!r}")
    if not (deadline > 0 and math.isfinite(deadline)):
        raise ValueError(f"deadline must be a positive number of seconds; got {deadline!r}")
    if isinstance(output, Recording):
        if seed is not None:
            raise ValueError("a recording has its own seeds: give them to Recording.add")
        if not output.moments:
            raise ValueError("the recording is empty: call its add(loss) in the training loop")
        moments = tuple(output.moments)
    else:
        moments = (moment_of(output, seed, "", digits, limit),)
    scene = STYLES["textbook"](moments[0].picture, direction, digits, None)
    diagram = Diagram(moments[0].picture, scene, LIGHT, deadline)
    return Steps(diagram, scene, moments, digits, title)

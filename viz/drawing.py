"""`viz.draw`: from a graph to a diagram."""

import math
from typing import Literal

from viz.diagram import Diagram
from viz.fold import Folding, Open
from viz.picture import Picture
from viz.plan import Plan
from viz.scene import Direction, Look
from viz.styles import STYLES
from viz.theme import Theme, named
from viz.trace import Recording, record
from viz.trouble import leading_to_trouble

# Boxes on a folded picture; and on the one that is drawn if that one takes too long.
_READABLE = 80
_COARSE = 16


def draw(
    output: object,
    *,
    style: Literal["textbook", "nodes"] = "textbook",
    direction: Direction = "LR",
    seed: object = None,
    algebra: bool = False,
    flow: Literal["size", "gain"] | None = None,
    open: Open | None = None,  # noqa: A002 - the plain word for it
    nonfinite: bool = False,
    theme: Theme | str = "light",
    digits: int = 4,
    title: str | None = None,
    deadline: float = 10.0,
    limit: int = 1000,
) -> Diagram:
    """Draw the computation that led to `output`, with its values and gradients.

    The gradients come from a backward sweep of the drawing's own. They are right before
    `output.backward()` was called, and `.grad` is left as it is.

    Args:
        output: a `Value` or a `Tensor`, or a list of them to be drawn in one picture; or a
            `Picture`, which is drawn as it is (then `seed`, `open`, `nonfinite` and `limit` do
            not count).
        style: "textbook" writes values above the arrows forward and derivatives below those back;
            "nodes" puts each value in a box of its own, and formulas on the operations.
        direction: "LR" from left to right, "TB" from top to bottom.
        seed: the gradient fed in at the output, of the output's shape; 1 everywhere when None. For
            a list of outputs, a list of as many.
        algebra: write each derivative as `upstream × local = contribution`, the local derivative
            from the rule sheet, and where arrows meet the sum and how much of it cancels.
        flow: colour and width of the arrows back: "size" of the gradients on a logarithmic scale,
            or "gain", by how much each step back enlarges or shrinks them.
        open: what is drawn open of modules, name scopes (`ab.scope`) and repetitions, the rest as
            closed boxes: so many levels, or a function that is given a path of labels. When None,
            everything, if the graph is no larger than `limit`, otherwise as much as is readable.
        nonfinite: draw only what leads to the first value, or else gradient, that is not finite,
            and mark it.
        theme: "light", "dark", "colour-blind" or "print", or a `Theme` with colours of your own.
        digits: significant digits of the numbers shown, from 1 to 17. Hovering shows all of them.
        title: a heading.
        deadline: the layout is stopped after this many seconds. If there is a coarser picture of
            the graph, it is drawn instead, and says so.
        limit: the most nodes that are drawn one by one (and a quarter of the most edges). A larger
            graph is folded, and the picture says how much.

    Returns:
        A `Diagram`, which has `.svg`, `.dot`, `.png()`, `.pdf()`, `.html()`, `.json`, `.text`,
        `.save(path)`, and shows itself in a notebook.

    Raises:
        GraphTooLarge: the graph has more than some millions of nodes.
        TypeError: `output` is not a node.
        ValueError: an argument has a value it cannot have.

    >>> import autograd_bp as ab
    >>> import viz
    >>> apple, n = ab.Value(100.0, name="apple"), ab.Value(2.0, name="n")
    >>> picture = viz.draw(apple * n * 1.1)
    >>> picture
    <viz.Diagram of 5 nodes and 4 edges>
    >>> apple.grad is None
    True
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}; got {style!r}")
    if direction not in ("LR", "TB"):
        raise ValueError(f"direction must be LR or TB; got {direction!r}")
    if flow not in (None, "size", "gain"):
        raise ValueError(f"flow must be size or gain; got {flow!r}")
    if not (open is None or callable(open) or (type(open) is int and open >= 0)):
        raise ValueError(f"open must be a number of levels or a function of a path; got {open!r}")
    if not 1 <= digits <= 17:
        raise ValueError(f"digits must be from 1 to 17; got {digits!r}")
    if not (deadline > 0 and math.isfinite(deadline)):
        raise ValueError(f"deadline must be a positive number of seconds; got {deadline!r}")
    if limit < 1:
        raise ValueError(f"limit must be a positive number of nodes; got {limit!r}")
    colours = named(theme)
    if isinstance(output, Picture):
        pictures = [output]
    else:
        recording = record(output, seed)
        pictures = [
            recording.picture(plan, algebra=algebra)
            for plan in plans(recording, open, limit, nonfinite=nonfinite)
        ]
    look = Look(algebra, flow)
    scene, *coarser = (
        STYLES[style](picture, direction, digits, title, look) for picture in pictures
    )
    return Diagram(pictures[0], scene, colours, deadline, *coarser, digits=digits)


def plans(
    recording: Recording, opened: Open | None, limit: int, *, nonfinite: bool = False
) -> list[Plan]:
    """What to show, and coarser plans for the case that it takes too long."""
    skeleton = recording.skeleton()
    marks: dict[int, str] = {}
    if nonfinite:
        skeleton, marks = leading_to_trouble(skeleton, *recording.not_finite())
    folding = Folding(skeleton)
    if opened is not None:
        found = [folding.folded(limit, opened)]
    elif skeleton.fits(limit):
        found = [folding.framed()]
    else:
        found = [folding.folded(min(limit, _READABLE))]
    for most in (_READABLE, _COARSE):
        if len(found[-1].items) > 2 * most:
            found.append(folding.folded(most))
    return [plan.marked(marks) for plan in found]

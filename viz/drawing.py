"""`viz.draw`: from a graph to a diagram."""

import math
from typing import Literal

from viz.diagram import Diagram
from viz.scene import Direction
from viz.styles import STYLES
from viz.theme import THEMES, Theme
from viz.trace import trace


def draw(
    output: object,
    *,
    style: Literal["textbook", "nodes"] = "textbook",
    direction: Direction = "LR",
    seed: object = None,
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
        output: a `Value` or a `Tensor`, or a list of them to be drawn in one picture.
        style: "textbook" writes values above the arrows forward and derivatives below those back;
            "nodes" puts each value in a box of its own, and formulas on the operations.
        direction: "LR" from left to right, "TB" from top to bottom.
        seed: the gradient fed in at the output, of the output's shape; 1 everywhere when None. For
            a list of outputs, a list of as many.
        theme: "light" or "dark", or a `Theme` with colours of your own.
        digits: significant digits of the numbers shown, from 1 to 17. Hovering shows all of them.
        title: a heading.
        deadline: the layout is stopped after this many seconds.
        limit: the most nodes that a picture may have (and a quarter of the most edges).

    Returns:
        A `Diagram`, which has `.svg`, `.dot`, `.png()`, `.html()`, `.save(path)`, and shows itself
        in a notebook.

    Raises:
        GraphTooLarge: the graph exceeds the limit. Nothing has been computed then.
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
    if not isinstance(theme, Theme) and theme not in THEMES:
        raise ValueError(f"theme must be a viz.Theme or one of {', '.join(THEMES)}; got {theme!r}")
    if not 1 <= digits <= 17:
        raise ValueError(f"digits must be from 1 to 17; got {digits!r}")
    if not (deadline > 0 and math.isfinite(deadline)):
        raise ValueError(f"deadline must be a positive number of seconds; got {deadline!r}")
    picture = trace(output, seed, limit)
    scene = STYLES[style](picture, direction, digits, title)
    colours = theme if isinstance(theme, Theme) else THEMES[theme]
    return Diagram(picture, scene, colours, deadline)

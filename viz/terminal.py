"""`viz.text`: a computation as a tree of text, for a terminal."""

import os
import sys

from viz.drawing import plans
from viz.emit.tree import tree
from viz.fold import Open
from viz.picture import Picture
from viz.trace import record


class Text(str):
    """Text that shows itself as it is, not as a literal, where it is the result of a line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self).rstrip("\n")


def text(
    output: object,
    *,
    seed: object = None,
    open: Open | None = None,  # noqa: A002 - as in viz.draw
    digits: int = 4,
    colour: bool | None = None,
    limit: int = 200,
) -> Text:
    """The computation that led to `output` as lines of text: a tree of operations.

    Each line has a value and the gradient that arrives there, found as in `viz.draw`. What is used
    several times has a number, and stands for itself where it comes again.

    Args:
        output: a `Value` or a `Tensor`, or a list of them, or a `Picture`.
        seed: the gradient fed in at the output, as in `viz.draw`.
        open: what is open of modules, scopes and repetitions, as in `viz.draw`.
        digits: significant digits.
        colour: with ANSI colours or without. When None, with them if the standard output is a
            terminal and the variable `NO_COLOR` (https://no-color.org) is not set.
        limit: a graph of more nodes is folded.

    >>> import autograd_bp as ab
    >>> x = ab.Value(3.0, name="x")
    >>> text(x * x + 1.0, colour=False)
    +            = 10  grad 1
    ├─ ×         = 9   grad 1
    │  ├─ x      = 3   grad 6  #1, used 2 times, 3 of it from here
    │  └─ x      = 3   grad 6  #1, 3 of it from here
    └─ constant  = 1
    """
    if not 1 <= digits <= 17:
        raise ValueError(f"digits must be from 1 to 17; got {digits!r}")
    if isinstance(output, Picture):
        picture = output
    else:
        recording = record(output, seed)
        picture = recording.picture(plans(recording, open, limit)[0])
    return Text(tree(picture, digits, colour=_has_colours() if colour is None else colour))


def _has_colours() -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout is not None and sys.stdout.isatty()

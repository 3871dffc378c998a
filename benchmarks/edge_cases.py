"""The awkward points that `edges.py` visits, each with what is right there and why.

A case is a function of an engine's operations `m` and of its arguments, and the points to
differentiate it at. What is right is stated in one of three ways: numbers that follow by exact
reasoning (`exactly`), the derivative that mpmath finds numerically with 1500 digits (`by_mpmath`),
or, at a kink, the whole set of subgradients (`within`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Point = tuple[Any, ...]
Gradients = list[np.ndarray]

TOLERANCE = 1e-12
"""The relative error within which a derivative is right."""
SMALLEST = float(np.finfo(np.float64).tiny)
"""An error up to the smallest normal float64 is allowed: engines may flush subnormals to zero."""
DIGITS = 1500


@dataclass(frozen=True)
class Truth:
    """What is right: in words, and as a test of the gradients found at a point."""

    text: str
    accepts: Callable[[Point, Gradients], bool]
    expected: Callable[[Point], list[Any]] | None = None


@dataclass(frozen=True)
class Case:
    """A function and the points to differentiate it at.

    `order` 2 asks for the second derivative, of an array the Hessian. `dtype` asks instead that
    the result and the gradients be of that type.
    """

    group: str
    text: str
    f: Callable[..., Any]
    points: Sequence[Point]
    truth: Truth
    order: int = 1
    how: str = "gradient"

    @property
    def title(self) -> str:
        """The function, the order of the derivative, and where."""
        where = ", ".join(shown_point(point) for point in self.points)
        kind = {"backward twice": ", backward twice", "chain": ", 100,000 nodes deep"}
        prime = "second derivative of " if self.order == 2 else ""
        return f"{prime}`{self.text}` at {where}{kind.get(self.how, '')}"


def shown_point(point: Point) -> str:
    """A point as a reader would write it."""
    pieces = [_shown(np.asarray(argument).tolist()) for argument in point]
    return pieces[0] if len(pieces) == 1 else f"({', '.join(pieces)})"


def _shown(number: Any) -> str:
    if isinstance(number, list):
        return f"[{', '.join(map(_shown, number))}]"
    text = f"{number:.6g}"
    if float(text) == number:
        return text
    near = min((-1.0, 0.0, 1.0), key=lambda whole: abs(number - whole))
    distance = number - near
    power = math.log2(abs(distance))
    sign = "-" if distance < 0 else "+"
    return f"{near:g} {sign} 2^{power:g}" if power == int(power) else repr(number)


# -- what is right --------------------------------------------------------------------------------


def close(found: Any, expected: Any) -> bool:
    """Equal in shape, and in every entry to the tolerance."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return False
    with np.errstate(all="ignore"):
        near = np.abs(found - expected) <= TOLERANCE * np.abs(expected) + SMALLEST
    return bool(np.all(near | (found == expected)))


def exactly(*per_point: Any, why: str = "") -> Truth:
    """One entry for each point: the derivative, or a tuple of them, one for each argument."""
    table = [entry if isinstance(entry, tuple) else (entry,) for entry in per_point]

    def text() -> str:
        shown = [", ".join(_shown(np.asarray(e).tolist()) for e in entry) for entry in table]
        unique = list(dict.fromkeys(shown))
        return "; ".join(unique)

    state: dict[str, Any] = {}

    def expected(point: Point) -> list[Any]:
        return list(table[state[_key(point)]])

    def bind(points: Sequence[Point]) -> None:
        state.update({_key(point): k for k, point in enumerate(points)})

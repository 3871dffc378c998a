"""The awkward points that `edges.py` visits.

A case is a function, the points to differentiate it at, and what is right there. The function is
a text: it is evaluated in each engine's own operations, and in mpmath, whose derivative is the
right one where nothing else is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from edge_truths import TOLERANCE, Point, Truth, any_of, by_mpmath, close, exactly

inf = math.inf


@dataclass(frozen=True)
class Case:
    """A function, the points to differentiate it at, and what is right there.

    `task` is what is asked of the engine: the gradient; the second derivative (of a number the
    gradient of the gradient, of an array the Hessian); the gradient after going backward twice;
    the dtypes of the result and the gradient.
    """

    text: str
    points: Sequence[Point]
    truth: Truth
    task: Literal["gradient", "second", "backward twice", "dtype"] = "gradient"

    @property
    def title(self) -> str:
        """What is differentiated, how often, and where."""
        x = self.points[0][0]
        if self.task == "dtype":
            where = ", x of float32"
        elif np.size(x) == 0:
            where = f", x of shape {np.shape(x)}"
        else:
            where = " at " + ", ".join(map(shown_point, self.points))
        before = {"second": "second derivative of ", "backward twice": "twice backward from "}
        return f"{before.get(self.task, '')}`{self.text}`{where}"


def shown_point(point: Point) -> str:
    """A point as a reader would write it."""
    pieces = [_shown(np.asarray(argument).tolist()) for argument in point]
    return pieces[0] if len(pieces) == 1 else f"({', '.join(pieces)})"


def _shown(number: Any) -> str:
    if isinstance(number, list):
        return f"[{', '.join(map(_shown, number))}]"
    text = f"{number:.11g}"
    if float(text) == number:
        return text.replace("e+", "e")
    near = math.copysign(1.0, number)
    power = math.log2(abs(number - near))
    if power != int(power):
        return repr(number)
    return f"{near:g} {'+' if number > near else '-'} 2^{power:g}"


def at(*numbers: float) -> list[Point]:
    """Points for a function of one number."""
    return [(number,) for number in numbers]


def arrays(*points: Any) -> list[Point]:
    """Points for a function of one array."""
    return [(np.array(point, np.float64),) for point in points]


def first(text: str, points: Sequence[Point], truth: Truth | None = None) -> Case:
    """A case about the gradient."""
    return Case(text, points, truth or by_mpmath(text, 1))


def second(text: str, points: Sequence[Point], truth: Truth | None = None) -> Case:
    """A case about the second derivative."""
    return Case(text, points, truth or by_mpmath(text, 2), "second")


def both(text: str, points: Sequence[Point]) -> list[Case]:
    """Two cases: the gradient and the second derivative."""
    return [first(text, points), second(text, points)]


# -- sets of subgradients -------------------------------------------------------------------------

SLOPE = any_of("any in [-1, 1]", lambda g: -1 <= g <= 1)
SHARE = any_of("any in [0, 1]", lambda g: 0 <= g <= 1)
SIMPLEX = any_of(
    "any shares that sum to 1",
    lambda *g: min(map(float, g)) >= 0 and close(sum(map(float, g)), 1.0),
)
TIED = any_of(
    "any shares of the two largest that sum to 1",
    lambda g: g[0] == 0 and (g >= 0).all() and close(g.sum(), 1.0),
)
UNIT_BALL = any_of(
    "any vector no longer than 1",
    lambda *g: np.linalg.norm(np.stack(g).ravel()) <= 1 + TOLERANCE,
)
CROSS_POLYTOPE = any_of(
    "any vector whose entries' sizes sum to at most 1", lambda g: np.abs(g).sum() <= 1 + TOLERANCE
)
CUBE = any_of("any in [-1, 1] each", lambda g: (np.abs(g) <= 1).all())
CENTRED = any_of(
    "any vector that sums to 0 and is no longer than 1/sqrt(3)",
    lambda g: abs(g.sum()) <= TOLERANCE and np.linalg.norm(g) <= 1 / math.sqrt(3) + TOLERANCE,
)
ONE_SIDED = any_of("0 (from the left) or inf (from the right)", lambda g: g in (0, inf))
ACCUMULATED = any_of("18, or 36 where that is documented", lambda g: g in (18, 36))
FLOAT32 = any_of("float32, result and gradient", lambda *kinds: set(kinds) == {"float32"})

# -- the cases ------------------------------------------------------------------------------------

MATRIX = arrays([[1.0, 2.0], [3.0, 4.0]])

CONTROL = "For control: ordinary points"
"""The group that is not counted."""

CASES: dict[str, list[Case]] = {
    "Zero times infinity, and branches not taken": [
        first("0 * sqrt(x)", at(0.0), exactly(0.0)),
        second("0 * sqrt(x)", at(0.0), exactly(0.0)),
        first("sqrt(0 * x)", at(3.0), exactly(0.0)),
        first("sqrt(x * x)", at(0.0), SLOPE),
        first("where(x > 0, sqrt(x), 0)", at(-1.0), exactly(0.0)),
        first("where(x > 0, sqrt(x), 0)", at(0.0), ONE_SIDED),
        second("where(x > 0, log(x), x * x)", at(-1.0), exactly(2.0)),
        first("where(x > 0, sin(x) / x, 1)", at(0.0), exactly(0.0)),
        first("1 / (1 + exp(-x))", at(-30.0, -800.0)),
        first("1 / cosh(x)", at(800.0)),
    ],
    "Norms and spreads at zero, and far from one": [
        first("norm(x)", arrays([0.0, 0.0, 0.0]), UNIT_BALL),
        first("sqrt(sum(x * x))", arrays([0.0, 0.0, 0.0]), UNIT_BALL),
        first("hypot(x, y)", [(0.0, 0.0)], UNIT_BALL),
        first("norm(x, ord=1)", arrays([0.0, 0.0, 0.0]), CUBE),
        first("norm(x, ord=inf)", arrays([0.0, 0.0, 0.0]), CROSS_POLYTOPE),
        first(
            "norm(x, ord=3)",
            arrays([0.0, 1.0, -2.0]),
            exactly([0.0, 9 ** (-2 / 3), -4 * 9 ** (-2 / 3)]),
        ),
        first("norm(x, ord=3)", arrays([1e150, 2e150], [1e-150, 2e-150])),
        second("norm(x)", arrays([2.0, 0.0])),
        first("norm(x)", arrays([3e200, 4e200], [3e-200, 4e-200])),
        first("std(x)", arrays([2.0, 2.0, 2.0]), CENTRED),
        first("std(x)", arrays([5.0]), exactly([0.0])),
        first("std(x)", arrays([1e200, 2e200, 4e200])),
        first("std(x)", arrays([1e9, 1e9 + 1, 1e9 + 3])),
    ],
    "Products with zeros": [
        first(
            "prod(x)",
            arrays([2.0, 0.0, 3.0], [0.0, 0.0, 3.0]),
            exactly([0.0, 6.0, 0.0], [0.0, 0.0, 0.0]),
        ),
        second(
            "prod(x)",
            arrays([2.0, 0.0, 3.0], [0.0, 0.0, 3.0]),
            exactly(
                [[0.0, 3.0, 0.0], [3.0, 0.0, 2.0], [0.0, 2.0, 0.0]],
                [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
            ),
        ),
        first("prod(x)", arrays([1e300, 1e-200, 1e-200]), exactly([0.0, 1e100, 1e100])),
        first("sum(cumprod(x, 0))", arrays([2.0, 0.0, 3.0]), exactly([1.0, 8.0, 0.0])),
        second(
            "sum(cumprod(x, 0))",
            arrays([2.0, 0.0, 3.0]),
            exactly([[0.0, 4.0, 0.0], [4.0, 0.0, 2.0], [0.0, 2.0, 0.0]]),
        ),
    ],
    "Saturation": [
        *both("tanh(x)", at(-350.0, -20.0, 1e-200, 5.0, 30.0)),
        *both("sigmoid(x)", at(-700.0, -30.0, 5.0, 30.0, 700.0)),
        *both("softplus(x)", at(-700.0, -30.0, 0.0, 15.0, 30.0)),
        *both("silu(x)", at(-700.0, -40.0, 5.0, 40.0)),
        *both("gelu(x)", at(-30.0, -10.0, -5.0, 0.0, 10.0)),
        *both("softmax(x)[0]", arrays([50.0, 0.0], [0.0, 1.0])),
        second("softmax(x)[0]", arrays([20.0, 20.0, -20.0])),
        *both("log_softmax(x)[0]", arrays([50.0, 0.0], [0.0, 600.0])),
        *both("logsumexp(x)", arrays([50.0, 0.0], [1e3, 1e3])),
        first("logaddexp(x, y)", [(50.0, 0.0), (3.0, 3.0), (-1000.0, -992.0)]),
        second("logaddexp(x, array(0))", at(-600.0, 0.0, 30.0)),
        second("logaddexp(x[0], x[1])", arrays([3.0, 3.0])),
    ],
    "Infinite inputs": [
        first("softmax(x)[0]", arrays([0.0, 0.0, -inf]), exactly([0.25, -0.25, 0.0])),
        first("log_softmax(x)[0]", arrays([0.0, 0.0, -inf]), exactly([0.5, -0.5, 0.0])),
        second(
            "log_softmax(x)[0]",
            arrays([0.0, 0.0, -inf]),
            exactly([[-0.25, 0.25, 0.0], [0.25, -0.25, 0.0], [0.0, 0.0, 0.0]]),
        ),
        first("logsumexp(x)", arrays([0.0, 0.0, -inf]), exactly([0.5, 0.5, 0.0])),
        first("logaddexp(x, y)", [(inf, 1.0), (1.0, -inf)], exactly((1.0, 0.0), (1.0, 0.0))),
        first("logaddexp(x, y)", [(inf, inf), (-inf, -inf)], SIMPLEX),
        first("sigmoid(x)", at(-inf, inf), exactly(0.0, 0.0)),
        first("tanh(x)", at(-inf, inf), exactly(0.0, 0.0)),
        first("softplus(x)", at(-inf, inf), exactly(0.0, 1.0)),
    ],
    "Powers and quotients": [
        first("x ** 2", at(0.0), exactly(0.0)),
        second("x ** 2", at(0.0), exactly(2.0)),
        second("x ** 3", at(0.0, -2.0), exactly(0.0, -12.0)),
        first("x ** 1", at(0.0), exactly(1.0)),
        second("x ** 1", at(0.0), exactly(0.0)),
        first("x ** 0", at(0.0), exactly(0.0)),
        first("x ** 0.5", at(0.0), exactly(inf)),
        first("x ** array(3)", at(0.0, -2.0), exactly(0.0, 12.0)),
        second("x ** array(3)", at(0.0, -2.0), exactly(0.0, -12.0)),
        first("x ** y", [(0.0, 2.0)], exactly((0.0, 0.0))),
        first("x[0] ** x[1]", arrays([0.0, 2.0]), exactly([0.0, 0.0])),
        second("x[0] ** x[1]", arrays([0.0, 2.0]), exactly([[2.0, 0.0], [0.0, 0.0]])),
        second("x[0] ** x[1]", arrays([2.0, 0.0])),
        first("x / y", [(1e-200, 1e-200), (1e200, 1e200)]),
        first("x % y", [(7.0, 3.0), (-7.0, 3.0)], exactly((1.0, -2.0), (1.0, 3.0))),
    ],
    "Kinks and ties": [
        first("abs(x)", at(0.0), SLOPE),
        first("sign(x)", at(-3.0), exactly(0.0)),
        first("relu(x)", at(0.0), SHARE),
        first("relu(x) - relu(-x)", at(0.0), exactly(1.0)),
        first("maximum(x, y)", [(2.0, 2.0)], SIMPLEX),
        first("maximum(x, x)", at(2.0), exactly(1.0)),
        first("maximum(x, array(0)) + minimum(x, array(0))", at(0.0), exactly(1.0)),
        first("max(x)", arrays([1.0, 3.0, 3.0]), TIED),
        first("clip(x, -1, 2)", at(-1.0, 2.0), SHARE),
    ],
    "Where textbook formulas cancel or overflow": [
        *both("sinc(x)", at(0.0, 1e-5, 0.1, 1e6)),
        first("hypot(x, y)", [(3e200, 4e200), (3e-200, 4e-200)]),
        second("hypot(x[0], x[1])", arrays([3e150, 4e150], [3e-150, 4e-150])),
        first(
            "arctan2(x, y)",
            [(3e200, 4e200), (3e-200, 4e-200)],
            exactly((1.6e-201, -1.2e-201), (1.6e199, -1.2e199)),
        ),
        *both("tan(x)", at(1.5, math.pi / 2)),
        *both("arctan(x)", at(1e100, 1e-100)),
        *both("arcsinh(x)", at(1e200, 1e110)),
        *both("arccosh(x)", at(1 + 2**-40, 1e110)),
        first("arccosh(x)", at(1e200)),
        *both("arcsin(x)", at(-1 + 2**-40, 1 - 2**-40)),
        *both("arctanh(x)", at(-1 + 2**-40, 1 - 2**-40)),
        *both("log1p(x)", at(-1 + 2**-40, 1e-20)),
        first("cbrt(x)", at(-8.0, 1e-240), exactly(1 / 12, 1e160 / 3)),
    ],
    "Bookkeeping": [
        first("x * x + x", at(3.0), exactly(7.0)),
        first("x - x", at(3.0), exactly(0.0)),
        first("add_to_itself(x, times=60)", at(1.0), exactly(2.0**60)),
        first("add_one(x, times=100_000)", at(1.0), exactly(1.0)),
        Case("3 * (x * x)", at(3.0), ACCUMULATED, "backward twice"),
        first("sum(x[ints(0, 0, 2)])", arrays([1.0, 2.0, 3.0]), exactly([2.0, 0.0, 1.0])),
        first(
            "sum(x[mask(1, 0, 1)] * x[mask(1, 0, 1)])",
            arrays([1.0, 2.0, 3.0]),
            exactly([2.0, 0.0, 6.0]),
        ),
        first("sum(concatenate([x, x]))", arrays([1.0, 2.0]), exactly([2.0, 2.0])),
        first("sum(x)", arrays(np.zeros((0, 3))), exactly(np.zeros((0, 3)))),
        first(
            "sum(x * y)",
            [(np.ones((2, 1)), np.ones((1, 3)))],
            exactly((np.full((2, 1), 3.0), np.full((1, 3), 2.0))),
        ),
        first("einsum('ii', x)", MATRIX, exactly(np.eye(2))),
        first("sum(einsum('ii->i', x))", MATRIX, exactly(np.eye(2))),
        first("einsum('ij->', x)", MATRIX, exactly(np.ones((2, 2)))),
        first("einsum('ij,ij->', x, x)", MATRIX, exactly([[2.0, 4.0], [6.0, 8.0]])),
        *(
            Case(text, [(np.ones(3, np.float32),)], FLOAT32, "dtype")
            for text in ("sum(x)", "2.0 * sum(x)", "sum(x / sum(x))", "norm(x)", "std(x)")
        ),
    ],
    CONTROL: [
        *both("exp(x)", at(0.5, -2.0)),
        *both("log(x)", at(0.5, 2.0)),
        *both("sqrt(x)", at(0.5, 2.0)),
        *both("sin(x)", at(0.5, -2.0)),
        *both("tanh(x)", at(0.5, -2.0)),
        *both("sigmoid(x)", at(0.5, -2.0)),
        *both("softplus(x)", at(0.5, -2.0)),
        *both("gelu(x)", at(0.5, -2.0)),
        *both("x ** 3", at(0.5, -2.0)),
        *both("x * x / (1 + x)", at(0.5, 2.0)),
        first("x * y + x / y", [(0.5, 2.0), (-3.0, 0.7)]),
        first("hypot(x, y)", [(0.5, 2.0), (-3.0, 4.0)]),
        first("arctan2(x, y)", [(0.5, 2.0), (-3.0, 4.0)]),
        *both("norm(x)", arrays([0.5, -2.0, 4.0])),
        *both("std(x)", arrays([0.5, -2.0, 4.0])),
        *both("prod(x)", arrays([0.5, -2.0, 4.0])),
        first("sum(x * x * x)", arrays([0.5, -2.0, 4.0]), exactly([0.75, 12.0, 48.0])),
        *both("logsumexp(x)", arrays([0.5, -2.0, 4.0])),
        *both("softmax(x)[0]", arrays([0.5, -2.0, 1.0])),
        *both("log_softmax(x)[0]", arrays([0.5, -2.0, 1.0])),
    ],
}

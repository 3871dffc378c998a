"""The awkward points that `edges.py` visits.

A case is a function of an engine's operations `m` and of its arguments, the points to
differentiate it at, and what is right there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import mpmath as mp
import numpy as np
from edge_truths import FLUSHED, TOLERANCE, Point, Truth, any_of, by_mpmath, close, exactly

inf = math.inf


@dataclass(frozen=True)
class Case:
    """A function, the points to differentiate it at, and what is right there.

    `task` is what is asked of the engine: the gradient; the second derivative (of a number the
    gradient of the gradient, of an array the Hessian); the gradient after going backward twice;
    the dtypes of the result and the gradient.
    """

    text: str
    f: Callable[..., Any]
    points: Sequence[Point]
    truth: Truth
    task: Literal["gradient", "second", "backward twice", "dtype"] = "gradient"

    @property
    def title(self) -> str:
        """What is differentiated, how often, and where."""
        what = "second derivative of " if self.task == "second" else ""
        if self.task == "dtype":
            where = ", x of float32"
        elif np.size(self.points[0][0]) == 0:
            where = f", x of shape {np.shape(self.points[0][0])}"
        else:
            where = " at " + ", ".join(map(shown_point, self.points))
        return f"{what}`{self.text}`{where}"


def shown_point(point: Point) -> str:
    """A point as a reader would write it."""
    pieces = [_shown(np.asarray(argument).tolist()) for argument in point]
    return pieces[0] if len(pieces) == 1 else f"({', '.join(pieces)})"


def _shown(number: Any) -> str:
    if isinstance(number, list):
        return f"[{', '.join(map(_shown, number))}]"
    text = f"{number:.6g}"
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


def first(text: str, f: Any, points: Sequence[Point], truth: Truth) -> Case:
    """A case about the gradient."""
    return Case(text, f, points, truth)


def second(text: str, f: Any, points: Sequence[Point], truth: Truth) -> Case:
    """A case about the second derivative."""
    return Case(text, f, points, truth, "second")


def both(text: str, f: Any, points: Sequence[Point], written: Callable[..., Any]) -> list[Case]:
    """Two cases: the first and the second derivative, against mpmath."""
    return [
        first(text, f, points, by_mpmath(written)),
        second(text, f, points, by_mpmath(written, 2)),
    ]


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
    lambda *g: float(np.linalg.norm(np.stack(g).ravel())) <= 1 + TOLERANCE,
)
CROSS_POLYTOPE = any_of(
    "any vector whose entries' sizes sum to at most 1",
    lambda g: np.abs(g).sum() <= 1 + TOLERANCE,
)
CUBE = any_of("any in [-1, 1] each", lambda g: (np.abs(g) <= 1).all())
CENTRED = any_of(
    "any vector that sums to 0 and is no longer than 1/sqrt(3)",
    lambda g: np.abs(g.sum()) <= TOLERANCE and np.linalg.norm(g) <= 1 / math.sqrt(3) + TOLERANCE,
)
FLOAT32 = any_of("float32, result and gradient", lambda *kinds: set(kinds) == {"float32"})
ONE_SIDED = any_of("0 (from the left) or inf (from the right)", lambda g: g == 0 or g == inf)


# -- functions: two on any engine, the others in mpmath -------------------------------------------


def doubled(x: Any) -> Any:
    for _ in range(60):
        x = x + x
    return x


def counted(x: Any) -> Any:
    for _ in range(100_000):
        x = x + 1.0
    return x


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x))


def logsumexp(x: Any) -> Any:
    return mp.log(mp.fsum(mp.exp(entry) for entry in x))


def hypot(x: Any, y: Any) -> Any:
    return mp.sqrt(x * x + y * y)


def std(x: Any) -> Any:
    mean = mp.fsum(x) / len(x)
    return mp.sqrt(mp.fsum((entry - mean) ** 2 for entry in x) / len(x))


# -- the cases ------------------------------------------------------------------------------------

ZEROS = np.zeros(3)
TWOS = np.full(3, 2.0)

CASES: dict[str, list[Case]] = {
    "Zero times infinity, and branches not taken": [
        first("0 * sqrt(x)", lambda m, x: m.sqrt(x) * 0.0, at(0.0), exactly(0.0)),
        second("0 * sqrt(x)", lambda m, x: m.sqrt(x) * 0.0, at(0.0), exactly(0.0)),
        first("sqrt(0 * x)", lambda m, x: m.sqrt(x * 0.0), at(3.0), exactly(0.0)),
        first("sqrt(x * x)", lambda m, x: m.sqrt(x * x), at(0.0), SLOPE),
        first(
            "where(x > 0, sqrt(x), 0)",
            lambda m, x: m.where(x > 0, m.sqrt(x), 0.0),
            at(-1.0),
            exactly(0.0),
        ),
        first(
            "where(x > 0, sqrt(x), 0)",
            lambda m, x: m.where(x > 0, m.sqrt(x), 0.0),
            at(0.0),
            ONE_SIDED,
        ),
        second(
            "where(x > 0, log(x), x * x)",
            lambda m, x: m.where(x > 0, m.log(x), x * x),
            at(-1.0),
            exactly(2.0),
        ),
        first(
            "where(x > 0, sin(x) / x, 1)",
            lambda m, x: m.where(x > 0, m.sin(x) / x, 1.0),
            at(0.0),
            exactly(0.0),
        ),
        first(
            "1 / (1 + exp(-x))",
            lambda m, x: 1.0 / (1.0 + m.exp(-x)),
            at(-30.0, -800.0),
            by_mpmath(sigmoid),
        ),
        first("1 / cosh(x)", lambda m, x: 1.0 / m.cosh(x), at(800.0), by_mpmath(mp.sech)),
    ],
    "Norms and spreads at zero, and far from one": [
        first("norm(x)", lambda m, x: m.norm(x), [(ZEROS,)], UNIT_BALL),
        first("sqrt(sum(x * x))", lambda m, x: m.sqrt(m.sum(x * x)), [(ZEROS,)], UNIT_BALL),
        first("hypot(x, y)", lambda m, x, y: m.hypot(x, y), [(0.0, 0.0)], UNIT_BALL),
        first("norm(x, ord=1)", lambda m, x: m.norm(x, ord=1), [(ZEROS,)], CUBE),
        first("norm(x, ord=inf)", lambda m, x: m.norm(x, ord=inf), [(ZEROS,)], CROSS_POLYTOPE),
        first(
            "norm(x, ord=3)",
            lambda m, x: m.norm(x, ord=3),
            arrays([0.0, 1.0, -2.0]),
            exactly([0.0, 9 ** (-2 / 3), -4 * 9 ** (-2 / 3)]),
        ),
        first(
            "norm(x, ord=3)",
            lambda m, x: m.norm(x, ord=3),
            arrays([1e150, 2e150], [1e-150, 2e-150]),
            by_mpmath(lambda x: mp.cbrt(x[0] ** 3 + x[1] ** 3)),
        ),
        second(
            "norm(x)",
            lambda m, x: m.norm(x),
            arrays([2.0, 0.0]),
            exactly([[0.0, 0.0], [0.0, 0.5]]),
        ),
        first(
            "norm(x)",
            lambda m, x: m.norm(x),
            arrays([3e200, 4e200], [3e-200, 4e-200]),
            exactly([0.6, 0.8], [0.6, 0.8]),
        ),
        first("std(x)", lambda m, x: m.std(x), [(TWOS,)], CENTRED),
        first("std(x)", lambda m, x: m.std(x), arrays([5.0]), exactly([0.0])),
        first("std(x)", lambda m, x: m.std(x), arrays([1e200, 2e200, 4e200]), by_mpmath(std)),
        first("std(x)", lambda m, x: m.std(x), arrays([1e9, 1e9 + 1, 1e9 + 3]), by_mpmath(std)),
    ],
    "Products with zeros": [
        first(
            "prod(x)",
            lambda m, x: m.prod(x),
            arrays([2.0, 0.0, 3.0], [0.0, 0.0, 3.0]),
            exactly([0.0, 6.0, 0.0], [0.0, 0.0, 0.0]),
        ),
        second(
            "prod(x)",
            lambda m, x: m.prod(x),
            arrays([2.0, 0.0, 3.0], [0.0, 0.0, 3.0]),
            exactly(
                [[0.0, 3.0, 0.0], [3.0, 0.0, 2.0], [0.0, 2.0, 0.0]],
                [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
            ),
        ),
        first(
            "prod(x)",
            lambda m, x: m.prod(x),
            arrays([1e300, 1e-200, 1e-200]),
            exactly([0.0, 1e100, 1e100]),
        ),
        first(
            "sum(cumprod(x))",
            lambda m, x: m.sum(m.cumprod(x, 0)),
            arrays([2.0, 0.0, 3.0]),
            exactly([1.0, 8.0, 0.0]),
        ),
        second(
            "sum(cumprod(x))",
            lambda m, x: m.sum(m.cumprod(x, 0)),
            arrays([2.0, 0.0, 3.0]),
            exactly([[0.0, 4.0, 0.0], [4.0, 0.0, 2.0], [0.0, 2.0, 0.0]]),
        ),
    ],
    "Saturation": [
        *both("tanh(x)", lambda m, x: m.tanh(x), at(-350.0, -20.0, 1e-200, 5.0, 30.0), mp.tanh),
        *both(
            "sigmoid(x)", lambda m, x: m.sigmoid(x), at(-700.0, -30.0, 5.0, 30.0, 700.0), sigmoid
        ),
        *both(
            "softplus(x)", lambda m, x: m.softplus(x), at(-700.0, -30.0, 0.0, 15.0, 30.0), softplus
        ),
        *both(
            "silu(x)",
            lambda m, x: m.silu(x),
            at(-700.0, -40.0, 5.0, 40.0),
            lambda x: x * sigmoid(x),
        ),
        *both(
            "gelu(x)",
            lambda m, x: m.gelu(x),
            at(-30.0, -10.0, -5.0, 0.0, 10.0),
            lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
        ),
        *both(
            "softmax(x)[0]",
            lambda m, x: m.softmax(x)[0],
            arrays([50.0, 0.0], [0.0, 1.0]),
            lambda x: sigmoid(x[0] - x[1]),
        ),
        second(
            "softmax(x)[0]",
            lambda m, x: m.softmax(x)[0],
            arrays([20.0, 20.0, -20.0]),
            by_mpmath(lambda x: mp.exp(x[0] - logsumexp(x)), 2),
        ),
        *both(
            "log_softmax(x)[0]",
            lambda m, x: m.log_softmax(x)[0],
            arrays([50.0, 0.0], [0.0, 600.0]),
            lambda x: x[0] - logsumexp(x),
        ),
        *both(
            "logsumexp(x)", lambda m, x: m.logsumexp(x), arrays([50.0, 0.0], [1e3, 1e3]), logsumexp
        ),
        first(
            "logaddexp(x, y)",
            lambda m, x, y: m.logaddexp(x, y),
            [(50.0, 0.0), (3.0, 3.0), (-1e3, -1e3 + 8)],
            by_mpmath(lambda x, y: logsumexp([x, y])),
        ),
        second(
            "logaddexp(x, 0)",
            lambda m, x: m.logaddexp(x, m.constant(0.0)),
            at(-600.0, 0.0, 30.0),
            by_mpmath(softplus, 2),
        ),
        second(
            "logaddexp(x[0], x[1])",
            lambda m, x: m.logaddexp(x[0], x[1]),
            arrays([3.0, 3.0]),
            by_mpmath(logsumexp, 2),
        ),
    ],
    "Infinite inputs": [
        first(
            "softmax(x)[0]",
            lambda m, x: m.softmax(x)[0],
            arrays([0.0, 0.0, -inf]),
            exactly([0.25, -0.25, 0.0], why="limit"),
        ),
        first(
            "log_softmax(x)[0]",
            lambda m, x: m.log_softmax(x)[0],
            arrays([0.0, 0.0, -inf]),
            exactly([0.5, -0.5, 0.0], why="limit"),
        ),
        second(
            "log_softmax(x)[0]",
            lambda m, x: m.log_softmax(x)[0],
            arrays([0.0, 0.0, -inf]),
            exactly([[-0.25, 0.25, 0.0], [0.25, -0.25, 0.0], [0.0, 0.0, 0.0]], why="limit"),
        ),
        first(
            "logsumexp(x)",
            lambda m, x: m.logsumexp(x),
            arrays([0.0, 0.0, -inf]),
            exactly([0.5, 0.5, 0.0], why="limit"),
        ),
        first(
            "logaddexp(x, y)",
            lambda m, x, y: m.logaddexp(x, y),
            [(inf, 1.0), (1.0, -inf)],
            exactly((1.0, 0.0), (1.0, 0.0), why="limit"),
        ),
        first(
            "logaddexp(x, y)",
            lambda m, x, y: m.logaddexp(x, y),
            [(inf, inf), (-inf, -inf)],
            SIMPLEX,
        ),
        first(
            "sigmoid(x)", lambda m, x: m.sigmoid(x), at(-inf, inf), exactly(0.0, 0.0, why="limit")
        ),
        first("tanh(x)", lambda m, x: m.tanh(x), at(-inf, inf), exactly(0.0, 0.0, why="limit")),
        first(
            "softplus(x)", lambda m, x: m.softplus(x), at(-inf, inf), exactly(0.0, 1.0, why="limit")
        ),
    ],
    "Powers": [
        first("x ** 2", lambda m, x: x**2, at(0.0), exactly(0.0)),
        second("x ** 2", lambda m, x: x**2, at(0.0), exactly(2.0)),
        second("x ** 3", lambda m, x: x**3, at(0.0, -2.0), exactly(0.0, -12.0)),
        first("x ** 1", lambda m, x: x**1, at(0.0), exactly(1.0)),
        second("x ** 1", lambda m, x: x**1, at(0.0), exactly(0.0)),
        first("x ** 0", lambda m, x: x**0, at(0.0), exactly(0.0)),
        first("x ** 0.5", lambda m, x: x**0.5, at(0.0), exactly(inf, why="limit")),
        first("x ** y", lambda m, x, y: x**y, [(0.0, 2.0)], exactly((0.0, 0.0))),
        first("x[0] ** x[1]", lambda m, x: x[0] ** x[1], arrays([0.0, 2.0]), exactly([0.0, 0.0])),
        second(
            "x[0] ** x[1]",
            lambda m, x: x[0] ** x[1],
            arrays([0.0, 2.0]),
            exactly([[2.0, 0.0], [0.0, 0.0]], why="limit"),
        ),
        second(
            "x[0] ** x[1]",
            lambda m, x: x[0] ** x[1],
            arrays([2.0, 0.0]),
            by_mpmath(lambda x: x[0] ** x[1], 2),
        ),
        first(
            "x ** array(3.0)", lambda m, x: x ** m.constant(3.0), at(0.0, -2.0), exactly(0.0, 12.0)
        ),
        second(
            "x ** array(3.0)", lambda m, x: x ** m.constant(3.0), at(0.0, -2.0), exactly(0.0, -12.0)
        ),
        first(
            "x / y",
            lambda m, x, y: x / y,
            [(1e-200, 1e-200), (1e200, 1e200)],
            exactly((1e200, -1e200), (1e-200, -1e-200)),
        ),
    ],
    "Kinks and ties": [
        first("abs(x)", lambda m, x: m.abs(x), at(0.0), SLOPE),
        first("relu(x)", lambda m, x: m.relu(x), at(0.0), SHARE),
        first("relu(x) - relu(-x)", lambda m, x: m.relu(x) - m.relu(-x), at(0.0), exactly(1.0)),
        first("maximum(x, y)", lambda m, x, y: m.maximum(x, y), [(2.0, 2.0)], SIMPLEX),
        first("maximum(x, x)", lambda m, x: m.maximum(x, x), at(2.0), exactly(1.0)),
        first(
            "maximum(x, 0) + minimum(x, 0)",
            lambda m, x: m.maximum(x, m.constant(0.0)) + m.minimum(x, m.constant(0.0)),
            at(0.0),
            exactly(1.0),
        ),
        first("max(x)", lambda m, x: m.max(x), arrays([1.0, 3.0, 3.0]), TIED),
        first("clip(x, -1, 2)", lambda m, x: m.clip(x, -1.0, 2.0), at(-1.0, 2.0), SHARE),
        first("sign(x)", lambda m, x: m.sign(x), at(-3.0), exactly(0.0)),
        first(
            "x % y",
            lambda m, x, y: x % y,
            [(7.0, 3.0), (-7.0, 3.0)],
            exactly((1.0, -2.0), (1.0, 3.0)),
        ),
    ],
    "Where textbook formulas cancel or overflow": [
        *both("sinc(x)", lambda m, x: m.sinc(x), at(0.0, 1e-5, 0.1, 1e6), mp.sincpi),
        first(
            "hypot(x, y)",
            lambda m, x, y: m.hypot(x, y),
            [(3e200, 4e200), (3e-200, 4e-200)],
            exactly((0.6, 0.8), (0.6, 0.8)),
        ),
        second(
            "hypot(x[0], x[1])",
            lambda m, x: m.hypot(x[0], x[1]),
            arrays([3e150, 4e150], [3e-150, 4e-150]),
            by_mpmath(lambda x: hypot(*x), 2),
        ),
        first(
            "arctan2(x, y)",
            lambda m, x, y: m.arctan2(x, y),
            [(3e200, 4e200), (3e-200, 4e-200)],
            exactly((1.6e-201, -1.2e-201), (1.6e199, -1.2e199)),
        ),
        *both("tan(x)", lambda m, x: m.tan(x), at(1.5, math.pi / 2), mp.tan),
        *both("arctan(x)", lambda m, x: m.arctan(x), at(1e100, 1e-100), mp.atan),
        *both("arcsinh(x)", lambda m, x: m.arcsinh(x), at(1e200, 1e110), mp.asinh),
        *both("arccosh(x)", lambda m, x: m.arccosh(x), at(1 + 2**-40, 1e110), mp.acosh),
        first("arccosh(x)", lambda m, x: m.arccosh(x), at(1e200), by_mpmath(mp.acosh)),
        *both("arcsin(x)", lambda m, x: m.arcsin(x), at(-1 + 2**-40, 1 - 2**-40), mp.asin),
        *both("arctanh(x)", lambda m, x: m.arctanh(x), at(-1 + 2**-40, 1 - 2**-40), mp.atanh),
        *both("log1p(x)", lambda m, x: m.log1p(x), at(-1 + 2**-40, 1e-20), mp.log1p),
        first(
            "cbrt(x)",
            lambda m, x: m.cbrt(x),
            at(-8.0, 1e-240),
            exactly(1 / 12, 1e160 / 3),
        ),
    ],
    "Bookkeeping": [
        first("x * x + x", lambda m, x: x * x + x, at(3.0), exactly(7.0)),
        first("x - x", lambda m, x: x - x, at(3.0), exactly(0.0)),
        first("y = x; 60 times y = y + y", lambda m, x: doubled(x), at(1.0), exactly(2.0**60)),
        first("y = x; 100,000 times y = y + 1", lambda m, x: counted(x), at(1.0), exactly(1.0)),
        Case(
            "y = x * x; z = 3 * y; z.backward() twice",
            lambda m, x: 3.0 * (x * x),
            at(3.0),
            any_of("18, or 36 if documented to accumulate", lambda g: g in (18.0, 36.0)),
            "backward twice",
        ),
        first(
            "sum(x[[0, 0, 2]])",
            lambda m, x: m.sum(x[np.array([0, 0, 2])]),
            arrays([1.0, 2.0, 3.0]),
            exactly([2.0, 0.0, 1.0]),
        ),
        first(
            "sum(x[mask] * x[mask])",
            lambda m, x: m.sum(x[np.array([True, False, True])] * x[np.array([True, False, True])]),
            arrays([1.0, 2.0, 3.0]),
            exactly([2.0, 0.0, 6.0]),
        ),
        first(
            "sum(concatenate(x, x))",
            lambda m, x: m.sum(m.concatenate([x, x])),
            arrays([1.0, 2.0]),
            exactly([2.0, 2.0]),
        ),
        first("sum(x)", lambda m, x: m.sum(x), [(np.zeros((0, 3)),)], exactly(np.zeros((0, 3)))),
        first(
            "sum(x * y)",
            lambda m, x, y: m.sum(x * y),
            [(np.ones((2, 1)), np.ones((1, 3)))],
            exactly((np.full((2, 1), 3.0), np.full((1, 3), 2.0))),
        ),
        first(
            "einsum('ii', x)",
            lambda m, x: m.einsum("ii", x),
            arrays([[1.0, 2.0], [3.0, 4.0]]),
            exactly(np.eye(2)),
        ),
        first(
            "sum(einsum('ii->i', x))",
            lambda m, x: m.sum(m.einsum("ii->i", x)),
            arrays([[1.0, 2.0], [3.0, 4.0]]),
            exactly(np.eye(2)),
        ),
        first(
            "einsum('ij->', x)",
            lambda m, x: m.einsum("ij->", x),
            arrays([[1.0, 2.0], [3.0, 4.0]]),
            exactly(np.ones((2, 2))),
        ),
        first(
            "einsum('ij,ij->', x, x)",
            lambda m, x: m.einsum("ij,ij->", x, x),
            arrays([[1.0, 2.0], [3.0, 4.0]]),
            exactly([[2.0, 4.0], [6.0, 8.0]]),
        ),
        *(
            Case(text, f, [(np.ones(3, np.float32),)], FLOAT32, "dtype")
            for text, f in (
                ("sum(x)", lambda m, x: m.sum(x)),
                ("2.0 * sum(x)", lambda m, x: 2.0 * m.sum(x)),
                ("sum(x / sum(x))", lambda m, x: m.sum(x / m.sum(x))),
                ("norm(x)", lambda m, x: m.norm(x)),
                ("std(x)", lambda m, x: m.std(x)),
            )
        ),
    ],
}

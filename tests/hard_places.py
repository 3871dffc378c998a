"""The known hard places of differentiation: where textbook formulas, and other engines, go wrong.

Every place is an expression, a point, and how often it is differentiated. What is right comes from
mpmath, which differentiates the same expression with hundreds of digits (or `exactly`, another way
to write it, where the first has a -inf or a case that mpmath cannot step across). Or it is given,
order by order, and `why` says what it rests on: a limit, plain reckoning, or a convention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

inf, nan = math.inf, math.nan


@dataclass(frozen=True)
class Place:
    """One hard place.

    Attributes
    ----------
    name
        What is to hold there.
    expression
        A number, in the engine's operations on numbers or on one vector.
    point
        The arguments by name.
    orders
        The highest derivative that is looked at; below 3 the next one overflows on the way.
    exactly
        The expression that mpmath differentiates, if it is not the same.
    right
        The value and the derivatives of each order, if they are not mpmath's; for several
        arguments or a vector nested lists: `right[2][i][j]` by argument i, then j.
    why
        What `right` rests on.
    ulps
        How far off the result may be, by order, in units of the last place of what is right.
    """

    name: str
    expression: str
    point: Mapping[str, Any]
    orders: int = 3
    exactly: str = ""
    right: Sequence[Any] = ()
    why: str = ""
    ulps: tuple[float, ...] = (4, 4, 4, 8)


def place(name: str, expression: str, orders: int = 3, **rest: Any) -> Place:
    """A place that mpmath judges; keywords are its arguments, besides `exactly` and `ulps`."""
    known = {key: rest.pop(key) for key in ("exactly", "ulps") if key in rest}
    return Place(name, expression, rest, orders, **known)


def given(why: str, name: str, expression: str, right: Sequence[Any], **point: Any) -> Place:
    """A place where the derivatives are given, up to the order at which they end."""
    return Place(name, expression, point, len(right) - 1, right=right, why=why)


LIMIT = "the limit from inside the domain"
CONSTANT = "a constant: on that side of the branch, or wherever it is defined"
SERIES = "the Taylor series"
TIE = "ties share equally"
FLAT = "at a kink the middle of the subdifferential, which does not move"
CLOSED = "clip passes the gradient on its closed interval"
ZERO = "the gradient is 0 where all is 0"
NOTHING = "where nothing is left nothing has a share"

Z2, Z3 = [0.0] * 2, [0.0] * 3
Z22, Z33 = [Z2] * 2, [Z3] * 3

POWERS = [
    place("the square of zero has a second derivative", "x**2", x=0.0),
    place("the cube of zero has a third derivative", "x**3", x=0.0),
    place("the first power of zero has slope one", "x**1", x=0.0),
    place("the zeroth power of zero is flat", "x**0", x=0.0),
    place("the fourth power of zero is flat to third order", "x**4.0", x=0.0),
    place("a negative base has whole powers", "x**3", x=-2.0),
    place("a negative base has negative powers", "x**-3", x=-0.5),
    place("a tiny base has a broken power", "x**y", 2, x=1e-200, y=1.5),
    place("an exponent of zero is no constant", "x**y", x=2.5, y=0.0),
    given(LIMIT, "x**0.5 at zero is steep", "x**0.5", (0.0, inf, -inf, inf), x=0.0),
    given(LIMIT, "x**1.5 at zero bends without bound", "x**1.5", (0.0, 0.0, inf, -inf), x=0.0),
    given(LIMIT, "x**2.5 at zero is flat to second order", "x**2.5", (0.0, 0.0, 0.0, inf), x=0.0),
    given(LIMIT, "0**y is flat along y", "x**y", (0.0, Z2, [[2.0, 0.0], Z2]), x=0.0, y=2.0),
    given(LIMIT, "0**y is flat along y, at three", "x**y", (0.0, Z2, Z22), x=0.0, y=3.0),
    given(LIMIT, "x**1 at zero keeps its slope", "x**y", (0.0, [1.0, 0.0]), x=0.0, y=1.0),
    given("0**0 is 1, and flat", "zero to the power zero", "x**y", (1.0, Z2), x=0.0, y=0.0),
    given(LIMIT, "the square root is steep at zero", "sqrt(x)", (0.0, inf, -inf, inf), x=0.0),
    given(LIMIT, "the cube root is steep at zero", "cbrt(x)", (0.0, inf), x=0.0),
]

PRODUCTS = [
    place("a product with one zero", "prod(x)", x=[2.0, 0.0, 3.0]),
    place("a product with two zeros", "prod(x)", x=[0.0, 0.0, 3.0]),
    place("a product of zeros", "prod(x)", x=[0.0, 0.0, 0.0]),
    place("a product by hand", "x[0] * x[1] * x[2]", x=[2.0, 0.0, 3.0]),
    place("a product of squares with a zero", "prod(x * x)", x=[2.0, 0.0, 3.0]),
    place("a product next to an exponential", "prod(x) * exp(x[0])", x=[0.0, 1.5, 0.0]),
    place("running products with one zero", "sum(cumprod(x))", x=[2.0, 0.0, 3.0]),
    place("running products with two zeros", "sum(cumprod(x))", x=[0.0, 0.0, 3.0]),
    place("a running product of zeros", "cumprod(x)[2]", x=[0.0, 0.0, 0.0]),
    place("a running product that begins with zero", "cumprod(x)[2]", x=[0.0, 5.0, -2.0]),
]

_SAFE = "where(x > 0, log(where(x > 0, x, 1.0)), exp(x))"
_LADDER = "where(x > 0, sqrt(x), where(x > -1, log1p(x), cbrt(x)))"
_MASKED = "sum(where([True, False], 1 / x, 0.0))"
BRANCHES = [
    given(CONSTANT, "a root not taken", "where(x > 0, sqrt(x), 0.0)", (0.0,) * 4, x=-1.0),
    given(CONSTANT, "a root not taken, at zero", "where(x > 0, sqrt(x), 0.0)", (0.0,) * 4, x=0.0),
    given(CONSTANT, "x log x not taken", "where(x > 0, x * log(x), 0.0)", (0.0,) * 4, x=0.0),
    given(CONSTANT, "zero times an infinite slope", "0.0 * sqrt(x)", (0.0,) * 4, x=0.0),
    given(CONSTANT, "zero times two infinite slopes", "0.0 * (x**0.5 + x**1.5)", (0.0,) * 4, x=0.0),
    place("a logarithm not taken", "where(x > 0, log(x), x * x)", x=-1.0),
    place("a logarithm of zero not taken", "where(x > 0, log(x), x * x)", exactly="x * x", x=0.0),
    place("an overflow not taken", "where(x < 700, exp(x), x * x)", x=1000.0),
    place("a pole not taken", "where(x < 1, 1 / (1 - x) ** 5, x**3)", exactly="x**3", x=1.0),
    place("a steep end not taken", "where(x < 1, arctanh(x), x * x)", exactly="x * x", x=1.0),
    place("an undefined value not taken", "where(abs(x) < 1, arcsin(x), x * x)", x=2.0),
    place("0/0 not taken", "where(x != 0, x / abs(x), exp(x))", exactly="exp(x)", x=0.0),
    place("a branch inside a branch", _SAFE, x=-2.0),
    place("one of three branches", _LADDER, x=-8.0),
    place("a quotient by zero in a masked entry", _MASKED, exactly="1 / x[0]", x=[2.0, 0.0]),
]

_ENTROPY = "sum(where([True, True, False], softmax(x) * log_softmax(x), 0.0))"
_ENTROPY_OF_TWO = (
    "-sigmoid(x[0] - x[1]) * softplus(x[1] - x[0]) - sigmoid(x[1] - x[0]) * softplus(x[0] - x[1])"
)
_CHOSEN = "where([True, True, False], x, -inf)"
_TWO = "x[0] + softplus(x[1] - x[0])"
MASKS = [
    place("softmax", "softmax(x)[0]", exactly="sigmoid(x[0] - x[1])", x=[0.0, 0.0, -inf]),
    place("softmax, inside", "softmax(x)[0]", exactly="sigmoid(x[0] - x[2])", x=[1.0, -inf, 3.0]),
    place("the masked entry", "softmax(x)[2]", exactly="0 * x[0]", x=[0.0, 0.0, -inf]),
    place("softmax of one", "softmax(x)[1]", exactly="1 + 0 * x[1]", x=[-inf, 2.0, -inf]),
    place("log_softmax", "log_softmax(x)[0]", exactly="-softplus(x[1] - x[0])", x=[0.0, 1.0, -inf]),
    place("log_softmax of one", "log_softmax(x)[1]", exactly="0 * x[1]", x=[-inf, 2.0, -inf]),
    place("logsumexp", "logsumexp(x)", exactly=_TWO, x=[0.0, 1.0, -inf]),
    place("logsumexp of one", "logsumexp(x)", exactly="x[1]", x=[-inf, 2.0, -inf]),
    place(
        "where softmax", f"softmax({_CHOSEN})[0]", exactly="sigmoid(x[0] - x[1])", x=[2.0, 1.0, 9.0]
    ),
    place("where logsumexp", f"logsumexp({_CHOSEN})", exactly=_TWO, x=[0.5, -0.5, 7.0]),
    place(
        "where log_softmax",
        f"log_softmax({_CHOSEN})[1]",
        exactly="-softplus(x[0] - x[1])",
        x=[0.5, -0.5, 7.0],
    ),
    place("entropy", _ENTROPY, exactly=_ENTROPY_OF_TWO, x=[0.5, -0.25, -inf], ulps=(4, 8, 16, 32)),
    given(NOTHING, "softmax of nothing", "softmax(x)[0]", (0.0, Z2, Z22), x=[-inf, -inf]),
    given(NOTHING, "logsumexp of nothing", "logsumexp(x)", (-inf, Z2, Z22), x=[-inf, -inf]),
    given(
        LIMIT, "logaddexp with nothing", "logaddexp(x, y)", (1.0, [0.0, 1.0], Z22), x=-inf, y=1.0
    ),
    given(TIE, "logaddexp of nothing", "logaddexp(x, y)", (-inf, [0.5, 0.5]), x=-inf, y=-inf),
    given(LIMIT, "logaddexp with all", "logaddexp(x, y)", (inf, [1.0, 0.0]), x=inf, y=1.0),
]

_SATURATED = {
    "tanh": (-350.0, -20.0, 5.0, 30.0, 400.0, 1e-200),
    "sigmoid": (-745.0, -700.0, -30.0, 0.0, 30.0, 700.0),
    "softplus": (-700.0, -30.0, 0.0, 15.0, 40.0, 700.0),
    "expm1": (-50.0, -1e-9, 1e-300, 700.0),
    "silu": (-700.0, -40.0, 0.0, 40.0, 700.0),
    "gelu": (-30.0, -10.0, 0.0, 10.0, 30.0),
    "exp": (-745.0, 700.0),
    "sinh": (700.0, 1e-200),
    "cosh": (700.0, 0.0),
    "log1p": (1e-20, -1 + 2**-40),
    "arctan": (1e-100, 1e100, 1e200),
    "arcsinh": (1e-200, 1e110, 1e200),
    "arccosh": (1 + 2**-40, 1e110, 1e200),
    "arcsin": (1e-200, 1 - 2**-40, -1 + 2**-40),
    "arccos": (1 - 2**-40,),
    "arctanh": (1e-200, 1 - 2**-40),
}
SATURATION = [
    *(
        place(f"{function} at {x:g}", f"{function}(x)", x=x)
        for function, points in _SATURATED.items()
        for x in points
    ),
    place("gelu by tanh in its tail", "gelu(x, 'tanh')", x=-10.0, exactly="gelu_tanh(x)"),
    place("gelu by tanh far out", "gelu(x, 'tanh')", x=30.0, exactly="gelu_tanh(x)"),
    place("the logarithm of a sigmoid", "-softplus(-x)", x=-800.0),
    place("the logarithm of a full sigmoid", "-softplus(-x)", x=800.0),
    place("a sigmoid by hand", "1 / (1 + exp(-x))", x=-30.0),
    place("a sigmoid by hand that overflows inside", "1 / (1 + exp(-x))", 1, x=-800.0),
    place("one over an overflow", "1 / cosh(x)", 1, x=800.0),
    place("tanh of a square", "tanh(x * x)", x=25.0),
    place("log cosh", "logaddexp(x, -x)", x=50.0),
    place("logaddexp far apart", "logaddexp(x, y)", x=1000.0, y=0.0),
    place("logaddexp with little to add", "logaddexp(x, y)", x=0.0, y=50.0),
    place("logaddexp2 with little to add", "logaddexp2(x, y)", x=0.0, y=50.0),
    place("logaddexp of two tiny numbers", "logaddexp(x, y)", x=-1000.0, y=-992.0),
    place("softmax, nearly one", "softmax(x)[0]", x=[1000.0, 0.0]),
    place("softmax, nearly nothing", "softmax(x)[0]", x=[0.0, 300.0]),
    place("softmax with two small shares", "softmax(x)[0]", x=[50.0, 0.0, 0.0]),
    place("softmax with a tie", "softmax(x)[0]", x=[700.0, 700.0, -700.0]),
    place("log_softmax, nearly zero", "log_softmax(x)[0]", x=[50.0, 0.0]),
    place("log_softmax, exactly zero", "log_softmax(x)[0]", x=[1000.0, 0.0]),
    place("log_softmax, far down", "log_softmax(x)[0]", x=[0.0, 600.0]),
    place("logsumexp of large equals", "logsumexp(x)", x=[1e3, 1e3]),
    place("logsumexp with little to add", "logsumexp(x)", x=[-600.0, 0.0, 1.0]),
]
SCALES = [
    place("a quotient of tiny numbers", "x / y", x=1e-200, y=1e-200),
    place("a quotient of huge numbers", "x / y", x=1e200, y=1e200),
    place("a quotient that underflows", "x / y", x=1e-200, y=1e200),
    place("nothing over something tiny", "x / y", x=0.0, y=1e-100),
    place("a product of tiny and huge", "x * y", x=1e-200, y=1e200),
    place("one over something tiny", "reciprocal(x)", x=1e-200),
    place("one over something huge", "reciprocal(x)", x=1e200),
    place("the logarithm of something tiny", "log(x)", x=1e-300),
    place("the root of something tiny", "sqrt(x)", x=1e-300),
    place("the root of something huge", "sqrt(x)", x=1e300),
    place("the cube root of something tiny", "cbrt(x)", 2, x=1e-240),
    place("the cube root of a negative number", "cbrt(x)", x=-8.0),
    place("hypot of huge numbers", "hypot(x, y)", x=3e200, y=4e200),
    place("hypot of tiny numbers", "hypot(x, y)", 2, x=3e-200, y=4e-200),
    place("hypot of huge and tiny", "hypot(x, y)", x=1e200, y=1e-200),
    place("hypot on an axis", "hypot(x, y)", x=2.0, y=0.0),
    place("the angle of huge numbers", "arctan2(x, y)", x=3e200, y=4e200),
    place("the angle of tiny numbers", "arctan2(x, y)", 1, x=3e-200, y=4e-200),
    place("the angle on an axis", "arctan2(x, y)", x=0.0, y=2.0),
    place("the angle on the other axis", "arctan2(x, y)", x=2.0, y=0.0),
    place("the norm of huge numbers", "norm(x)", x=[3e200, 4e200]),
    place("the norm of tiny numbers", "norm(x)", 2, x=[3e-200, 4e-200]),
    place("the norm of huge and tiny", "norm(x)", x=[1e200, 1e-200]),
    place("the norm of a unit vector", "norm(x)", x=[2.0, 0.0]),
    place("the 3-norm", "norm(x, 3)", x=[2.0, -1.0]),
    place("a huge vector to length one", "(x / norm(x))[0]", x=[3e200, 4e200]),
    place("a tiny vector to length one", "(x / norm(x))[0]", 1, x=[3e-200, 4e-200]),
    place("the spread of huge numbers", "std(x)", x=[1e200, 2e200, 4e200], ulps=(2, 8, 64, 64)),
    place("the spread of tiny numbers", "std(x)", 2, x=[1e-200, 2e-200, 4e-200], ulps=(2, 8, 64)),
    place("the variance of equals", "var(x)", x=[2.0, 2.0, 2.0]),
    place("log1p of expm1", "log1p(expm1(x))", x=1e-10),
    place("a root near the end", "sqrt((1 - x) * (1 + x))", x=1 - 2**-40),
]

REMOVABLE = [
    *(place(f"sinc at {x:g}", "sinc(x)", x=x) for x in (0.0, 1e-5, 0.1, 1.0, 2.5, 1e8)),
    place("sinc of a fraction of pi", "sinc(x / pi)", x=0.0),
    place("a product of sincs", "sinc(x) * sinc(2 * x)", x=0.0),
    place("sinc of a square", "sinc(x * x)", x=0.0),
    place("the logarithm of sinc", "log(sinc(x))", x=0.0),
    place("logaddexp of equals", "logaddexp(x, y)", x=3.0, y=3.0),
    place("logaddexp2 of equals", "logaddexp2(x, y)", x=3.0, y=3.0),
    given(
        SERIES,
        "expm1(x) / x",
        "where(x != 0, expm1(x) / x, 1 + x / 2 + x * x / 6 + x**3 / 24)",
        (1.0, 1 / 2, 1 / 3, 1 / 4),
        x=0.0,
    ),
    given(
        SERIES,
        "log1p(x) / x",
        "where(x != 0, log1p(x) / x, 1 - x / 2 + x * x / 3 - x**3 / 4)",
        (1.0, -1 / 2, 2 / 3, -3 / 2),
        x=0.0,
    ),
    given(
        SERIES,
        "sin(x) / x",
        "where(x != 0, sin(x) / x, 1 - x * x / 6)",
        (1.0, 0.0, -1 / 3, 0.0),
        x=0.0,
    ),
    given(
        SERIES,
        "(1 - cos(x)) / x**2",
        "where(x != 0, (1 - cos(x)) / x**2, 0.5 - x * x / 24)",
        (1 / 2, 0.0, -1 / 12, 0.0),
        x=0.0,
    ),
    given(
        SERIES,
        "tanh(x) / x",
        "where(x != 0, tanh(x) / x, 1 - x * x / 3)",
        (1.0, 0.0, -2 / 3, 0.0),
        x=0.0,
    ),
]

KINKS = [
    given(FLAT, "abs", "abs(x)", (0.0,) * 4, x=0.0),
    given(FLAT, "sign", "sign(x)", (0.0,) * 4, x=0.0),
    given(FLAT, "x abs(x)", "x * abs(x)", (0.0,) * 4, x=0.0),
    given(FLAT, "the cube of abs", "abs(x) ** 3", (0.0,) * 4, x=0.0),
    given("relu has slope 0 at 0", "relu", "relu(x)", (0.0,) * 4, x=0.0),
    given("the side of x <= 0", "leaky_relu", "leaky_relu(x)", (0.0, 0.01, 0.0, 0.0), x=0.0),
    given(LIMIT, "elu", "elu(x)", (0.0, 1.0), x=0.0),
    given("the side of x <= 0", "elu with a kink", "elu(x, alpha=2.0)", (0.0, 2.0), x=0.0),
    given(TIE, "maximum with zero", "maximum(x, 0.0)", (0.0, 0.5, 0.0, 0.0), x=0.0),
    given(TIE, "maximum of equals", "maximum(x, y)", (2.0, [0.5, 0.5], Z22), x=2.0, y=2.0),
    given(TIE, "minimum of equals", "minimum(x, y)", (2.0, [0.5, 0.5], Z22), x=2.0, y=2.0),
    given(TIE, "maximum of the same", "maximum(x, x)", (2.0, 1.0, 0.0, 0.0), x=2.0),
    given(TIE, "both sides of zero", "maximum(x, 0.0) + minimum(x, 0.0)", (0.0, 1.0, 0.0), x=0.0),
    given(TIE, "max with a tie", "max(x)", (3.0, [0.0, 0.5, 0.5], Z33), x=[1.0, 3.0, 3.0]),
    given(TIE, "min of equals", "min(x)", (1.0, [1 / 3] * 3, Z33), x=[1.0, 1.0, 1.0]),
    given(
        TIE, "the largest entry", "norm(x, inf)", (2.0, [0.5, -0.5, 0.0], Z33), x=[2.0, -2.0, 0.0]
    ),
    given(
        TIE, "a tie times", "maximum(x[0], x[1]) * x[2]", (6.0, [1.5, 1.5, 2.0]), x=[2.0, 2.0, 3.0]
    ),
    given("nan is not chosen", "fmax with nan", "fmax(x, y)", (2.0, [1.0, 0.0]), x=2.0, y=nan),
    given(CLOSED, "clip, low end", "clip(x, -1.0, 2.0)", (-1.0, 1.0, 0.0, 0.0), x=-1.0),
    given(CLOSED, "clip, high end", "clip(x, -1.0, 2.0)", (2.0, 1.0, 0.0, 0.0), x=2.0),
    given(CONSTANT, "floor on a step", "floor(x)", (2.0, 0.0, 0.0, 0.0), x=2.0),
    given(CONSTANT, "rint on a step", "rint(x)", (0.0, 0.0, 0.0), x=0.5),
    given(CONSTANT, "heaviside on its step", "heaviside(x, 0.5)", (0.5, 0.0, 0.0), x=0.0),
    given("the side to the right", "mod on a step", "x % 3.0", (0.0, 1.0, 0.0, 0.0), x=6.0),
    given(ZERO, "hypot of nothing", "hypot(x, y)", (0.0, Z2, Z22), x=0.0, y=0.0),
    given(ZERO, "the angle of nothing", "arctan2(x, y)", (0.0, Z2, Z22), x=0.0, y=0.0),
    given(ZERO, "the norm of zeros", "norm(x)", (0.0, Z3, Z33), x=Z3),
    given(ZERO, "the 3-norm of zeros", "norm(x, 3)", (0.0, Z3, Z33), x=Z3),
    given(
        FLAT,
        "the 1-norm beside zeros",
        "norm(x, 1)",
        (1.0, [0.0, 1.0, 0.0], Z33),
        x=[0.0, 1.0, 0.0],
    ),
    given(ZERO, "the spread of equals", "std(x)", (0.0, Z3, Z33), x=[2.0, 2.0, 2.0]),
    given(ZERO, "the spread of one", "std(x)", (0.0, [0.0], [[0.0]]), x=[5.0]),
    given(LIMIT, "arcsin at its end", "arcsin(x)", (math.pi / 2, inf), x=1.0),
    given(LIMIT, "arccos at its end", "arccos(x)", (0.0, -inf), x=1.0),
    given(LIMIT, "arccosh at its end", "arccosh(x)", (0.0, inf), x=1.0),
    given(LIMIT, "arctanh at its end", "arctanh(x)", (inf, inf), x=1.0),
    given(LIMIT, "the logarithm of zero", "log(x)", (-inf, inf, -inf, inf), x=0.0),
    given(LIMIT, "one over zero", "1 / x", (inf, -inf, inf, -inf), x=0.0),
]

DIAMONDS = [
    place("2**60 paths", "doubled(x, 60)", x=1.5),
    place("3**60 paths, none the same", "folded(x, 60)", x=1.0, ulps=(2, 4, 64, 64)),
    place("2**60 paths of a product", "folded(x[0] * x[1], 60)", x=[1.0, 1.0], ulps=(2, 4, 64, 64)),
    place("2**60 paths to zero", "squared(x, 60)", x=0.0),
    place("2**30 paths that count", "squared(x, 30)", x=1.0),
    place("a diamond of tiny numbers", "squared(x, 3)", x=1e-30, ulps=(8,) * 4),
    place("a diamond on a diamond", "squared(doubled(x, 30), 2)", x=1e-9),
    place("a long chain", "counted(x, 2000)", x=1.5),
]

PLACES: dict[str, list[Place]] = {
    "powers at zero": POWERS,
    "products with zeros": PRODUCTS,
    "branches not taken": BRANCHES,
    "masks of -inf": MASKS,
    "saturation": SATURATION,
    "scales": SCALES,
    "removable singularities": REMOVABLE,
    "kinks, ties and ends": KINKS,
    "diamonds": DIAMONDS,
}

EMPTY: dict[str, tuple[str, tuple[int, ...], float]] = {
    "a sum": ("sum(x)", (0,), 0.0),
    "a product": ("prod(x)", (0,), 1.0),
    "running sums": ("sum(cumsum(x))", (0,), 0.0),
    "running products": ("sum(cumprod(x))", (0,), 0.0),
    "running products along nothing": ("sum(cumprod(x, axis=1))", (3, 0), 0.0),
    "a product along nothing": ("sum(prod(x, axis=0))", (0, 3), 3.0),
    "a norm": ("norm(x)", (0,), 0.0),
    "norms of no rows": ("sum(norm(x, axis=1))", (0, 3), 0.0),
    "spreads of no rows": ("sum(std(x, axis=1))", (0, 3), 0.0),
    "maxima of no rows": ("sum(max(x, axis=1))", (0, 3), 0.0),
    "a maximum with a start": ("max(x, initial=-1.0)", (0,), -1.0),
    "softmax": ("sum(softmax(x))", (0,), 0.0),
    "softmax of empty rows": ("sum(softmax(x, axis=1))", (2, 0), 0.0),
    "log_softmax": ("sum(log_softmax(x))", (0,), 0.0),
    "logsumexp": ("logsumexp(x)", (0,), -inf),
    "a matrix with no columns": ("sum(x @ transpose(x))", (2, 0), 0.0),
    "a matrix with no rows": ("sum(transpose(x) @ x)", (2, 0), 0.0),
    "einsum": ("einsum('ij,ij->', x, x)", (0, 3), 0.0),
    "concatenation": ("sum(concatenate([x, x]))", (0,), 0.0),
    "a root": ("sum(sqrt(x))", (0,), 0.0),
    "branches": ("sum(where(x > 0, x, 1.0))", (0, 2), 0.0),
    "a mask": ("sum(x[x > 0])", (0,), 0.0),
    "nothing of something": ("prod(x[:0])", (3,), 1.0),
    "no rows of some": ("sum(take(x, [], axis=0))", (2, 3), 0.0),
}
"""Of arrays of size 0: the expression, the shape of x, the value; every derivative is zero."""

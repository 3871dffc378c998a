"""The derivative rules of `checkers.py`, written once for every engine: here the right ones.

An `Elementwise` rule is texts: a formula and its partial derivatives. A `Structural` one is two
functions of the engine's operations (`xp`) and arrays. Every engine makes an operation of its own
of them, so that a rule that is wrong is wrong in the same way everywhere.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_bp.rules import Formula
from autograd_bp.rules.formula import compile_formula

Array = Any
"""An engine's array."""
Names = Any
"""The operations of an engine under NumPy's names: see `checker_engines.py`."""
Shape = tuple[int, ...]
Interval = tuple[float, float]

REALS = (-math.inf, math.inf)
POSITIVE = (0.0, math.inf)


@dataclass(frozen=True)
class Pulled:
    """What a VJP may look at: the cotangent g of the result, the result, the operands.

    `right` is what the rule without a fault gives to the operand that is looked at.
    """

    xp: Names
    g: Array
    out: Array
    operands: tuple[Array, ...]
    right: Array = None

    @property
    def x(self) -> Array:
        """The first operand."""
        return self.operands[0]

    @property
    def y(self) -> Array:
        """The second operand."""
        return self.operands[1]


@dataclass(frozen=True)
class Structural:
    """An operation by its forward function of (xp, x, y), and its VJP.

    The VJP gives one cotangent for each operand. A `fixed` rule is for operands of these shapes
    only.
    """

    name: str
    forward: Callable[..., Array]
    vjp: Callable[[Pulled], Sequence[Array]]
    shapes: tuple[Shape, ...]
    domain: tuple[Interval, ...] = ()
    fixed: bool = False

    @property
    def arity(self) -> int:
        """How many operands it takes."""
        return len(self.shapes)

    def structural(self) -> Structural:
        """Itself."""
        return self

    def but(self, argument: int, change: Callable[[Pulled], Array]) -> Structural:
        """With another cotangent of one operand."""

        def vjp(p: Pulled) -> Sequence[Array]:
            cotangents = list(self.vjp(p))
            cotangents[argument] = change(replace(p, right=cotangents[argument]))
            return cotangents

        return replace(self, vjp=vjp)

    def instead(self, *cotangents: Callable[[Pulled], Array]) -> Structural:
        """With another VJP, a function for each operand."""
        return replace(self, vjp=lambda p: [cotangent(p) for cotangent in cotangents])

    def on(self, *shapes: Shape) -> Structural:
        """For operands of these shapes only."""
        return replace(self, shapes=shapes, fixed=True)


@dataclass(frozen=True)
class Elementwise:
    """An operation by its formula, and its partial derivative by each of x and y, as texts."""

    name: str
    d: tuple[str, ...]
    domain: tuple[Interval, ...] = ()
    fixed = False

    @property
    def arity(self) -> int:
        """How many operands it takes."""
        return len(self.d)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the operands."""
        return ("x", "y")[: self.arity]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Ordinary shapes, with broadcasting if there is something to broadcast."""
        return ((3, 4), (4,))[: self.arity]

    def read(self, xp: Names) -> tuple[Callable[..., Array], tuple[Callable[..., Array], ...]]:
        """The formula of the operands and the partials of (out, x, y), in an engine's terms."""

        partials = tuple(_compiled(text, ("out", *self.arguments), xp) for text in self.d)
        return _compiled(self.name, self.arguments, xp), partials

    def structural(self) -> Structural:
        """The same rule as a forward function and a VJP, without its texts."""

        def forward(xp: Names, *operands: Array) -> Array:
            return self.read(xp)[0](*operands)

        def vjp(p: Pulled) -> Sequence[Array]:
            pairs = zip(self.read(p.xp)[1], p.operands, strict=True)
            return [summed_to(p.g * d(p.out, *p.operands), shape_of(x)) for d, x in pairs]

        return Structural(self.name, forward, vjp, self.shapes, self.domain)

    def but(self, argument: int, text: str) -> Elementwise:
        """With another partial by one argument; `{}` in the text is the right one."""
        d = list(self.d)
        d[argument] = text.replace("{}", f"({d[argument]})")
        return replace(self, d=tuple(d))


Rule = Elementwise | Structural


@functools.cache
def _compiled(text: str, parameters: tuple[str, ...], xp: Names) -> Callable[..., Array]:
    return compile_formula(
        Formula(text), parameters, lambda name: getattr(xp, name), name="planted"
    )


def shape_of(x: Array) -> Shape:
    """The shape of an engine's array or of a number."""
    return tuple(getattr(x, "shape", ()))


def size_of(x: Array) -> int:
    """The number of its entries."""
    return math.prod(shape_of(x))


def summed_to(g: Array, shape: Shape) -> Array:
    """The sum over the axes along which an operand of this shape was broadcast."""
    added = len(shape_of(g)) - len(shape)
    if added:
        g = g.sum(axis=tuple(range(added)))
    for axis, n in enumerate(shape):
        if n == 1 and shape_of(g)[axis] != 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


# -- elementwise ----------------------------------------------------------------------------------

CUBE = Elementwise("x * x * x", ("3 * x * x",))
SIN = Elementwise("sin(x)", ("cos(x)",))
EXPM1 = Elementwise("expm1(x)", ("exp(x)",))
TANH = Elementwise("tanh(x)", ("e = exp(-2 * abs(x)); 4 * e / square(1 + e)",))
SIGMOID = Elementwise("1 / (1 + exp(-x))", ("e = exp(-abs(x)); e / square(1 + e)",))
SOFTPLUS = Elementwise("(x if x > 0 else 0) + log1p(exp(-abs(x)))", ("sigmoid(x)",))
SILU = Elementwise("x * sigmoid(x)", ("s = sigmoid(x); s + x * s * sigmoid(-x)",))
LOG = Elementwise("log(x)", ("1 / x",), (POSITIVE,))
LOG10 = Elementwise("log(x) / 2.302585092994046", ("0.4342944819032518 / x",), (POSITIVE,))
SQRT = Elementwise("sqrt(x)", ("0.5 / out",), (POSITIVE,))
ABS = Elementwise("abs(x)", ("sign(x)",))
RELU = Elementwise("x if x > 0 else 0", ("1 if x > 0 else 0",))
LEAKY = Elementwise("x if x > 0 else 0.125 * x", ("1 if x > 0 else 0.125",))
SUB = Elementwise("x - y", ("1", "-1"))
MUL = Elementwise("x * y", ("y", "x"))
DIV = Elementwise("x / y", ("1 / y", "-out / y"), (REALS, POSITIVE))
POW = Elementwise("x ** y", ("y * x ** (y - 1)", "out * log(x)"), ((0.25, 8.0), (-4.0, 4.0)))
MAXIMUM = Elementwise(
    "x if x > y else y",
    ("1 if x > y else (0.5 if x == y else 0)", "1 if y > x else (0.5 if x == y else 0)"),
)
HYPOT = Elementwise(
    "hypot(x, y)",
    (
        "x / (out if out > 0 else 1)",
        "y / (out if out > 0 else 1)",
    ),
)

# -- broadcasting and reductions ------------------------------------------------------------------

IDENTITY = Structural(
    "1 * x, the VJP of which returns the cotangent itself",
    lambda _, x: 1 * x,
    lambda p: [p.g],
    ((3, 4),),
)
ADD = Structural(
    "x + b",
    lambda _, x, b: x + b,
    lambda p: [summed_to(p.g, shape_of(p.x)), summed_to(p.g, shape_of(p.y))],
    ((4, 3), (3,)),
)
SCALE = Structural(
    "x * w",
    lambda _, x, w: x * w,
    lambda p: [summed_to(p.g * p.y, shape_of(p.x)), summed_to(p.g * p.x, shape_of(p.y))],
    ((4, 3), (3,)),
)


def spread(p: Pulled) -> Array:
    """The cotangent along the last axis, which a sum took away."""
    if not shape_of(p.x):
        return 1 * p.g
    return p.xp.broadcast_to(p.g.reshape((*shape_of(p.g), 1)), shape_of(p.x))


SUM = Structural("sum(x, axis=-1)", lambda _, x: x.sum(axis=-1), lambda p: [spread(p)], ((3, 4),))
MEAN = Structural(
    "mean(x, axis=-1)",
    lambda _, x: x.sum(axis=-1) / shape_of(x)[-1],
    lambda p: [spread(p) / shape_of(p.x)[-1]],
    ((3, 4),),
)
SQUARES = Structural("sum(x * x)", lambda _, x: (x * x).sum(), lambda p: [2 * p.g * p.x], ((3, 4),))
VARIANCE = Structural(
    "var(x)",
    lambda _, x: ((x - x.sum() / 5) * (x - x.sum() / 5)).sum() / 5,
    lambda p: [p.g * 0.4 * (p.x - p.x.sum() / 5)],
    ((5,),),
    fixed=True,
)
NORM = Structural(
    "norm(x)",
    lambda xp, x: xp.sqrt((x * x).sum()),
    lambda p: [p.g * p.x / p.xp.where(p.out > 0, p.out, 1 + 0 * p.out)],
    ((5,),),
)


def largest(p: Pulled) -> Array:
    """1 where an entry is the largest, else 0."""
    return p.xp.where(p.x == p.out, 1 + 0 * p.x, 0 * p.x)


MAX = Structural(
    "max(x)", lambda xp, x: xp.amax(x), lambda p: [p.g * largest(p) / largest(p).sum()], ((5,),)
)


def _softmax(xp: Names, x: Array) -> Array:
    assert x.ndim, "a number has no axis"
    e = xp.exp(x - xp.amax(x, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def differences(p: Pulled) -> Array:
    """The sums of out_j * (g_i - g_j) over j: `g - sum(g * out)` without its cancellation."""
    return (p.out[..., None, :] * (p.g[..., :, None] - p.g[..., None, :])).sum(axis=-1)


SOFTMAX = Structural("softmax(x)", _softmax, lambda p: [p.out * differences(p)], ((3, 4),))
LOGSUMEXP = Structural(
    "logsumexp(x)",
    lambda xp, x: xp.amax(x) + xp.log(xp.exp(x - xp.amax(x)).sum()),
    lambda p: [p.g * p.xp.exp(p.x - p.out)],
    ((5,),),
)
PRODUCT = Structural(
    "x[0] * x[1] * x[2]",
    lambda _, x: x[0] * x[1] * x[2],
    lambda p: [p.g * p.xp.stack([p.x[1] * p.x[2], p.x[0] * p.x[2], p.x[0] * p.x[1]])],
    ((3,),),
    fixed=True,
)


def _cumsum(xp: Names, x: Array) -> Array:
    assert x.ndim, "a number has no axis"
    return xp.cumsum(x, axis=-1)


CUMSUM = Structural(
    "cumsum(x, axis=-1)",
    _cumsum,
    lambda p: [summed_from_the_end(p, -1)],
    ((3, 4),),
)


def summed_from_the_end(p: Pulled, axis: int) -> Array:
    """The cumulative sum of the cotangent, backward."""
    return p.xp.flip(p.xp.cumsum(p.xp.flip(p.g, (axis,)), axis=axis), (axis,))


# -- products -------------------------------------------------------------------------------------

MATMUL = Structural(
    "x @ y",
    lambda _, x, y: x @ y,
    lambda p: [p.g @ p.y.T, p.x.T @ p.g],
    ((2, 3), (3, 4)),
    fixed=True,
)
OUTER = Structural(
    "outer(x, y)",
    lambda _, x, y: x.reshape((-1, 1)) * y,
    lambda p: [p.g @ p.y, p.g.T @ p.x],
    ((3,), (3,)),
    fixed=True,
)
A = np.array([[2.0, -1.0, 0.5], [3.0, 1.0, -2.0], [0.25, 4.0, 1.5]])
QUADRATIC = Structural(
    "x @ A @ x",
    lambda xp, x: x @ (xp.constant(A, x) @ x),
    lambda p: [p.g * (p.xp.constant(A + A.T, p.x) @ p.x)],
    ((3,),),
    fixed=True,
)

# -- shapes and indices ---------------------------------------------------------------------------

TRANSPOSE = Structural("x.T", lambda _, x: 1 * x.T, lambda p: [p.g.T], ((3, 3),), fixed=True)
ROLL = Structural(
    "roll(x, 1, axis=0)",
    lambda xp, x: xp.roll(x, 1, 0),
    lambda p: [p.xp.roll(p.g, -1, 0)],
    ((5,),),
)


def put(index: Sequence[int], *, last_only: bool = False) -> Callable[[Pulled], Array]:
    """The cotangent of x where x[index] was taken: by `+=`, or with `last_only` by `=`.

    By a product with a matrix of 0 and 1, which every engine can differentiate.
    """

    def cotangent(p: Pulled) -> Array:
        matrix = np.zeros((shape_of(p.x)[0], len(index)))
        for k, place in enumerate(index):
            if last_only:
                matrix[place] = 0
            matrix[place, k] = 1
        return p.xp.constant(matrix, p.x) @ p.g

    return cotangent


TAKE = Structural(
    "x[[0, 2, 2, 1]]",
    lambda xp, x: x[xp.ints(0, 2, 2, 1)],
    lambda p: [put((0, 2, 2, 1))(p)],
    ((3,),),
)
ROWS = Structural(
    "x[[1, 1, 0], :]",
    lambda xp, x: x[xp.ints(1, 1, 0)],
    lambda p: [put((1, 1, 0))(p)],
    ((3, 2),),
    fixed=True,
)
WINDOWS = Structural(
    "x[:-1] + 2 * x[1:]",
    lambda _, x: x[:-1] + 2 * x[1:],
    lambda p: [
        p.xp.concatenate([p.g, 0 * p.g[:1]]) + 2 * p.xp.concatenate([0 * p.g[:1], p.g]),
    ],
    ((5,),),
    fixed=True,
)

RIGHT: tuple[Rule, ...] = (
    *(CUBE, SIN, EXPM1, TANH, SIGMOID, SOFTPLUS, SILU, LOG, LOG10, SQRT, ABS, RELU, LEAKY),
    *(SUB, MUL, DIV, POW, MAXIMUM, HYPOT),
    *(IDENTITY, ADD, SCALE, SUM, MEAN, SQUARES, VARIANCE, NORM, MAX, SOFTMAX, LOGSUMEXP),
    *(PRODUCT, CUMSUM, MATMUL, OUTER, QUADRATIC, TRANSPOSE, ROLL, TAKE, ROWS, WINDOWS),
)

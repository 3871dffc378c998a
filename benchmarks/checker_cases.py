"""The faults that `checkers.py` plants, each a change of a right rule (`checker_rules.py`)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from checker_rules import (
    ABS,
    ADD,
    CUBE,
    CUMSUM,
    DIV,
    EXPM1,
    HYPOT,
    LEAKY,
    LOG10,
    MATMUL,
    MAX,
    MAXIMUM,
    MEAN,
    MUL,
    OUTER,
    POW,
    PRODUCT,
    QUADRATIC,
    REALS,
    RIGHT,
    ROLL,
    ROWS,
    SCALE,
    SIGMOID,
    SILU,
    SIN,
    SOFTMAX,
    SOFTPLUS,
    SQUARES,
    SUB,
    SUM,
    TAKE,
    TANH,
    TRANSPOSE,
    WINDOWS,
    A,
    Array,
    Elementwise,
    Interval,
    Pulled,
    Rule,
    differences,
    largest,
    put,
    shape_of,
    size_of,
    spread,
    summed_from_the_end,
    summed_to,
)


@dataclass(frozen=True)
class Case:
    """A rule to be checked.

    Attributes
    ----------
    rule
        What the checkers get.
    fault
        What is wrong with it, in words; empty if nothing is.
    right
        The rule without the fault.
    at
        Operands where a derivative is wrong.
    only_there
        Whether it is right at ordinary operands.
    order
        Of which order the wrong derivative is.
    inexpressible
        The engines in which it cannot be written or is no fault, and why.
    """

    rule: Rule
    fault: str = ""
    right: Rule | None = None
    at: tuple[Any, ...] = ()
    only_there: bool = False
    order: int = 1
    inexpressible: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The operation, and the fault."""
        return f"`{self.rule.name}`" + (f": {self.fault}" if self.fault else "")

    @property
    def without_fault(self) -> Case:
        """The right rule, written in the same way."""
        assert self.right is not None
        alike = isinstance(self.rule, Elementwise)
        return replace(self, rule=self.right if alike else self.right.structural(), fault="")

    @property
    def domain(self) -> tuple[Interval, ...]:
        """An interval for each operand."""
        return self.rule.domain or (REALS,) * self.rule.arity


def wrong(right: Rule, fault: str, rule: Rule, *at: Any, **more: Any) -> Case:
    """A rule that is wrong at ordinary operands, among them `at`."""
    return Case(rule, fault, right, at, **more)


def hidden(right: Rule, fault: str, rule: Rule, *at: Any) -> Case:
    """A rule that is right at ordinary operands, and wrong at operands like `at`."""
    return Case(rule, fault, right, at, only_there=True)


# -- changes --------------------------------------------------------------------------------------


def _times(factor: float) -> Callable[[Pulled], Array]:
    return lambda p: factor * p.right


def _first_row(p: Pulled) -> Array:
    """Only the first row of what should be summed for y."""
    g = p.g
    while len(shape_of(g)) > len(shape_of(p.y)):
        g = g[0]
    return summed_to(g, shape_of(p.y))


def _first_slices(p: Pulled) -> Array:
    """For y leading axes are summed; along axes of size 1 only the first slice is taken."""
    shape = shape_of(p.y)
    added = len(shape_of(p.g)) - len(shape)
    g = p.g.sum(axis=tuple(range(added))) if added else p.g
    for axis, n in enumerate(shape):
        if n == 1:
            g = g[(slice(None),) * axis + (slice(0, 1),)]
    return g


def _repeats(p: Pulled) -> float:
    """How often y is repeated in the result."""
    return max(size_of(p.out), 1) / max(size_of(p.y), 1)


def _at_last(factor: float) -> Callable[[Pulled], Array]:
    def change(p: Pulled) -> Array:
        mask = np.ones(shape_of(p.right))
        mask.flat[-1] = factor
        return p.right * p.xp.constant(mask, p.right)

    return change


def _in_float32(factor: float) -> Callable[[Pulled], Array]:
    return lambda p: factor * p.right if "float32" in str(p.g.dtype) else p.right


def _for_length_1(factor: float) -> Callable[[Pulled], Array]:
    return lambda p: factor * p.right if shape_of(p.x)[-1:] == (1,) else p.right


_calls = itertools.count()


def _every_other(p: Pulled) -> Array:
    return p.right if next(_calls) % 2 == 0 else 1.01 * p.right


def _noisy(p: Pulled) -> Array:
    return p.right * (1 + 1e-6 * random.uniform(-1, 1))


def _doubling_cotangent(p: Pulled) -> Array:
    right = 1 * p.right
    p.xp.scale_in_place(p.g, 2.0)
    return right


def _doubling_operand(p: Pulled) -> Array:
    right = 1 * p.right
    p.xp.scale_in_place(p.x, 2.0)
    return right


# -- the faults -----------------------------------------------------------------------------------

_X, _Y = (np.random.default_rng(k).standard_normal((3, 3)) for k in range(2))
_B = np.array([1.0, 2.0, -1.0])
_MANY = np.linspace(-2, 2, 40)
_FIVE = np.arange(5.0)
_SQUARE = MATMUL.on((3, 3), (3, 3))
_SUMS = "no fault there: the engine sums a gradient to the shape of its operand"
_COPIES = "no fault there: the engine gives `backward` a copy"

FAULTS: dict[str, list[Case]] = {
    "Sign": [
        wrong(CUBE, "the sign", CUBE.but(0, "-{}"), 2.0),
        wrong(SUB, "the sign by y", SUB.but(1, "1"), 2.0, 3.0),
        wrong(MATMUL, "the sign by y", MATMUL.but(1, _times(-1.0)), _X[:2], _Y),
    ],
    "A factor of 2": [
        wrong(
            TANH, "twice as much", TANH.but(0, "e = exp(-2 * abs(x)); 8 * e / square(1 + e)"), 1.0
        ),
        wrong(SQUARES, "the 2 forgotten", SQUARES.but(0, _times(0.5)), _X),
    ],
    "A small relative error": [
        wrong(SIN, "1 + 1e-3", SIN.but(0, "1.001 * {}"), 1.0),
        wrong(MATMUL, "1 + 1e-3 by x", MATMUL.but(0, _times(1.001)), _X[:2], _Y),
        wrong(LOG10, "0.4343 for 1 / log(10)", LOG10.but(0, "0.4343 / x"), 2.0),
        wrong(CUMSUM, "1 + 1e-6", CUMSUM.but(0, _times(1 + 1e-6)), _X),
        wrong(MUL, "1 + 1e-9 by y", MUL.but(1, "1.000000001 * {}"), 2.0, 3.0),
        wrong(SUM, "1 + 1e-9", SUM.but(0, _times(1 + 1e-9)), _X),
    ],
    "An argument left out": [
        wrong(MUL, "zero by y", MUL.but(1, "0 * x"), 2.0, 3.0),
        wrong(POW, "zero by y", POW.but(1, "0 * y"), 2.0, 3.0),
        wrong(MATMUL, "zero by x", MATMUL.but(0, _times(0.0)), _X[:2], _Y),
        wrong(SCALE, "zero by w", SCALE.but(1, _times(0.0)), _X, _B),
    ],
    "Arguments swapped": [
        wrong(MUL, "swapped", MUL.but(0, "x").but(1, "y"), 2.0, 3.0),
        wrong(DIV, "swapped", DIV.but(0, DIV.d[1]).but(1, DIV.d[0]), 2.0, 3.0),
        wrong(
            OUTER,
            "swapped",
            OUTER.instead(lambda p: p.g.T @ p.x, lambda p: p.g @ p.y),
            *(_B, _B + 1),
        ),
    ],
    "Transposition": [
        wrong(_SQUARE, "`g @ y` for `g @ y.T`", _SQUARE.but(0, lambda p: p.g @ p.y), _X, _Y),
        wrong(TRANSPOSE, "`g` for `g.T`", TRANSPOSE.but(0, lambda p: 1 * p.g), _X),
        wrong(
            QUADRATIC,
            "`2 * A @ x`, as if A were symmetric",
            QUADRATIC.but(0, lambda p: p.g * (p.xp.constant(2 * A, p.x) @ p.x)),
            _B,
        ),
    ],
    "Broadcasting": [
        wrong(
            ADD,
            "not summed: what b gets has the shape of the result",
            ADD.but(1, lambda p: 1 * p.g),
            *(_X, _B),
            inexpressible={"PyTorch": _SUMS},
        ),
        wrong(ADD, "only the first row counts for b", ADD.but(1, _first_row), _X, _B),
        hidden(
            ADD,
            "for b leading axes are summed, of an axis of size 1 the first slice is taken",
            ADD.but(1, _first_slices),
            *(_X, _B[:, None]),
        ),
        wrong(
            ADD,
            "for b summed twice: times the number of rows",
            ADD.but(1, lambda p: p.right * _repeats(p)),
            *(_X, _B),
        ),
        wrong(ADD, "for b a mean for the sum", ADD.but(1, lambda p: p.right / _repeats(p)), _X, _B),
        wrong(
            SUM,
            "that of a mean",
            SUM.but(0, lambda p: p.right * size_of(p.g) / max(size_of(p.x), 1)),
            _X,
        ),
        wrong(MEAN, "that of a sum", MEAN.but(0, spread), _X),
    ],
    "A wrong axis": [
        wrong(
            SOFTMAX.on((3, 3)),
            "sums over the other axis",
            SOFTMAX.on((3, 3)).but(
                0, lambda p: p.out * (p.g - (p.g * p.out).sum(axis=0, keepdims=True))
            ),
            _X,
        ),
        wrong(
            CUMSUM.on((3, 3)),
            "along the other axis",
            CUMSUM.on((3, 3)).but(0, lambda p: summed_from_the_end(p, 0)),
            _X,
        ),
        wrong(
            SUM.on((3, 3)),
            "spread along the other axis",
            SUM.on((3, 3)).but(0, lambda p: p.xp.broadcast_to(p.g, (3, 3))),
            _X,
        ),
        wrong(ROLL, "in the same direction", ROLL.but(0, lambda p: p.xp.roll(p.g, 1, 0)), _FIVE),
    ],
    "`=` for `+=`": [
        wrong(
            TAKE, "the last of equal indices", TAKE.but(0, put((0, 2, 2, 1), last_only=True)), _B
        ),
        wrong(
            ROWS,
            "the last of equal indices",
            ROWS.but(0, put((1, 1, 0), last_only=True)),
            _X[:, :2],
        ),
        wrong(
            WINDOWS,
            "the last of overlapping places",
            WINDOWS.but(0, lambda p: p.xp.concatenate([p.g[:1], 2 * p.g])),
            _FIVE,
        ),
    ],
    "Not linear in the cotangent": [
        wrong(
            CUBE,
            "of the cotangent clipped to [-1, 1]",
            CUBE.structural().but(0, lambda p: p.xp.clip(p.g, -1, 1) * 3 * p.x * p.x),
            2.0,
        ),
        wrong(
            TANH,
            "times the magnitude of the cotangent",
            TANH.structural().but(0, lambda p: p.right * p.xp.abs(p.g)),
            1.0,
        ),
        wrong(
            SIN,
            "times 1 + 1e-3 times the cotangent",
            SIN.structural().but(0, lambda p: p.right + 1e-3 * p.right * p.g),
            1.0,
        ),
        wrong(SUM, "plus 1e-3 whatever the cotangent", SUM.but(0, lambda p: p.right + 1e-3), _X),
    ],
    "A factor detached: wrong at second order only": [
        wrong(
            CUBE,
            "one x is detached",
            CUBE.structural().but(0, lambda p: p.g * 3 * p.x * p.xp.detached(p.x)),
            2.0,
            order=2,
        ),
        wrong(
            TANH,
            "x is detached",
            TANH.structural().but(
                0, lambda p: p.g * TANH.read(p.xp)[1][0](p.out, p.xp.detached(p.x))
            ),
            1.0,
            order=2,
        ),
        wrong(
            MATMUL,
            "y is detached",
            MATMUL.but(0, lambda p: p.g @ p.xp.detached(p.y).T),
            *(_X[:2], _Y),
            order=2,
        ),
        wrong(
            SOFTMAX,
            "the result is detached",
            SOFTMAX.but(0, lambda p: p.xp.detached(p.out) * differences(p)),
            _X,
            order=2,
        ),
    ],
    "Wrong at zero only": [
        hidden(CUBE, "1 at 0", CUBE.but(0, "{} if x != 0 else 1"), 0.0),
        hidden(CUBE, "`3 * out / x`", CUBE.but(0, "3 * out / x"), 0.0),
        hidden(ABS, "`x / abs(x)`", ABS.but(0, "x / abs(x)"), 0.0),
        hidden(HYPOT, "`x / out`, `y / out`", HYPOT.but(0, "x / out").but(1, "y / out"), 0.0, 0.0),
        hidden(
            PRODUCT,
            "`out / x`",
            PRODUCT.but(0, lambda p: p.g * p.out / p.x),
            np.array([2.0, 0.0, 3.0]),
        ),
    ],
    "Wrong at ties only": [
        hidden(
            MAXIMUM,
            "at a tie all to both",
            MAXIMUM.but(0, "1 if x >= y else 0").but(1, "1 if y >= x else 0"),
            *(2.0, 2.0),
        ),
        hidden(
            MAX,
            "at a tie all to each",
            MAX.but(0, lambda p: p.g * largest(p)),
            np.array([1.0, 2.0, 2.0]),
        ),
        hidden(MUL, "at a tie twice as much by y", MUL.but(1, "2 * x if x == y else x"), 2.0, 2.0),
    ],
    "Wrong far out only": [
        hidden(
            SIGMOID,
            "0 beyond 30",
            SIGMOID.but(0, "e = exp(-abs(x)); e / square(1 + e) if abs(x) <= 30 else 0"),
            31.0,
        ),
        hidden(
            CUBE, "twice as much beyond 30", CUBE.but(0, "(3 if abs(x) <= 30 else 6) * x * x"), 31.0
        ),
        hidden(SIN, "0 beyond 100", SIN.but(0, "{} if abs(x) <= 100 else 0"), 101.0),
    ],
    "Wrong in the last of many entries": [
        wrong(
            CUMSUM.on((40,)),
            "zero in the last of 40",
            CUMSUM.on((40,)).but(0, _at_last(0.0)),
            _MANY,
        ),
        wrong(
            SIN.structural().on((40,)),
            "1 % in the last of 40",
            SIN.structural().on((40,)).but(0, _at_last(1.01)),
            _MANY,
        ),
        wrong(
            MATMUL.on((6, 6), (6, 6)),
            "1 % in the last of 36 by y",
            MATMUL.on((6, 6), (6, 6)).but(1, _at_last(1.01)),
            *(_MANY[:36].reshape(6, 6), _MANY[4:].reshape(6, 6)),
        ),
    ],
    "Wrong in float32 only": [
        hidden(
            TANH,
            "1 % in float32",
            TANH.structural().but(0, _in_float32(1.01)),
            np.array([0.5, 1.0], np.float32),
        ),
        hidden(
            MATMUL,
            "1 + 1e-3 by x in float32",
            MATMUL.but(0, _in_float32(1.001)),
            *(_X[:2].astype(np.float32), _Y.astype(np.float32)),
        ),
    ],
    "Wrong for axes of size 1 only": [
        hidden(
            SUM, "twice as much along an axis of size 1", SUM.but(0, _for_length_1(2.0)), _X[:, :1]
        ),
        hidden(
            CUMSUM, "zero along an axis of size 1", CUMSUM.but(0, _for_length_1(0.0)), _X[:, :1]
        ),
    ],
    "Wrong for negative numbers only": [
        wrong(CUBE, "`3 * x * abs(x)`", CUBE.but(0, "3 * x * abs(x)"), -2.0),
        wrong(LEAKY, "0.1 for 0.125", LEAKY.but(0, "1 if x > 0 else 0.1"), -2.0),
        hidden(
            SILU,
            "0 below -10",
            SILU.but(0, "s = sigmoid(x); s + x * s * sigmoid(-x) if x >= -10 else 0"),
            -11.0,
        ),
    ],
    "Formulas that cancel in saturation": [
        hidden(TANH, "`1 - out * out`", TANH.but(0, "1 - out * out"), 20.0),
        hidden(SIGMOID, "`out * (1 - out)`", SIGMOID.but(0, "out * (1 - out)"), 40.0),
        hidden(SOFTPLUS, "`1 - exp(-out)`", SOFTPLUS.but(0, "1 - exp(-out)"), -40.0),
        hidden(EXPM1, "`out + 1`", EXPM1.but(0, "out + 1"), -40.0),
        hidden(
            SOFTMAX,
            "`out * (g - sum(g * out))`",
            SOFTMAX.but(0, lambda p: p.out * (p.g - (p.g * p.out).sum(axis=-1, keepdims=True))),
            np.array([0.0, 40.0]),
        ),
    ],
    "Impure": [
        wrong(CUBE, "every other call is 1 % off", CUBE.structural().but(0, _every_other), 2.0),
        wrong(CUBE, "noise of 1e-6", CUBE.structural().but(0, _noisy), 2.0),
        wrong(
            CUBE,
            "doubles the cotangent in place",
            CUBE.structural().but(0, _doubling_cotangent),
            2.0,
            inexpressible={"autograd-bp": _COPIES},
        ),
        wrong(
            CUBE, "doubles the operand in place", CUBE.structural().but(0, _doubling_operand), 2.0
        ),
    ],
}
GROUP_OF_RIGHT = "Right rules"
CASES: dict[str, list[Case]] = {**FAULTS, GROUP_OF_RIGHT: [Case(rule) for rule in RIGHT]}
ALL = [case for cases in CASES.values() for case in cases]

"""Right rules that the kit has not seen: nobody may call them wrong.

Kinks, ties, saturation, domains, broadcasting, reductions, layers over batches, and numbers that
are delicate but right. None is a row of the sheet. The wrong ones of `planted_rules` are made from
the same classes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import autograd_bp as ab
from autograd_bp import operations
from autograd_bp.rules import ARRAY, ROWS, SCALAR, Interval

Array = Any


@contextlib.contextmanager
def sheet_as_before() -> Iterator[None]:
    """Rows made inside are whole, but do not stay on the sheet, which other tests read."""
    before = dict(ROWS)
    try:
        yield
        for name in set(ROWS) - set(before):
            for namespace in (ARRAY, SCALAR, operations.NODE):
                reading = ROWS[name].read(namespace)
                _ = (reading.guarded_vjp, reading.guarded_jvp)
    finally:
        for name in set(ROWS) - set(before):
            del ROWS[name]


POSITIVE = Interval(0.0, closed=(False, False))
REAL = Interval(closed=(False, False))


# -- elementwise rows -----------------------------------------------------------------------------

with sheet_as_before():
    softsign = ab.scalar_rule("my_softsign(x)", "x / (1 + abs(x))", d="square(1 / (1 + abs(x)))")
    logcosh = ab.scalar_rule("logcosh(x)", "abs(x) + log1p(exp(-2 * abs(x))) - ln2", d="tanh(x)")
    lorentz = ab.scalar_rule("lorentz(x)", "1 / (1 + x * x)", d="-2 * x * out * out")
    gudermann = ab.scalar_rule("gudermann(x)", "2 * arctan(tanh(x / 2))", d="sech(x)")
    signed_square = ab.scalar_rule("signed_square(x)", "x * abs(x)", d="2 * abs(x)")
    log1mexp = ab.scalar_rule("log1mexp(x)", "log(-expm1(-x))", d="1 / expm1(x)", domain=POSITIVE)
    triangle = ab.scalar_rule(
        "triangle(x)",
        "abs(x - rint(x))",
        d="sign(x - rint(x)) if abs(x - rint(x)) < 0.5 else 0",
        kinks=["x - rint(x)", "x - floor(x) - 0.5"],
        domain=Interval(-1000.0, 1000.0, (False, False)),
    )
    relu6 = ab.scalar_rule(
        "my_relu6(x)", "minimum(maximum(x, 0), 6)", d="0 < x < 6", kinks=["x", "x - 6"]
    )
    swish = ab.scalar_rule(
        "swish(x; beta)",
        "x * sigmoid(beta * x)",
        d="s = sigmoid(beta * x); s + beta * x * s * sigmoid(-beta * x)",
    )
    lerp = ab.scalar_rule("lerp(x, y, w)", "x + w * (y - x)", d=["1 - w", "w", "y - x"])
    damped = ab.scalar_rule("damped(x, y)", "x * exp(-y * y)", d=["exp(-y * y)", "-2 * y * out"])
    quotient = ab.scalar_rule(
        "quotient(x, y)", "x / (1 + y * y)", d=["1 / (1 + y * y)", "-2 * y * out / (1 + y * y)"]
    )
    # Ties are shared.
    larger = ab.scalar_rule(
        "larger(x, y)",
        "x if x > y else y",
        d=["1 if x > y else (0.5 if x == y else 0)", "0 if x > y else (0.5 if x == y else 1)"],
        kinks=["x - y"],
    )
    mean_of_logs = ab.scalar_rule(
        "geometric(x, y)",
        "sqrt(x) * sqrt(y)",
        d=["0.5 * sqrt(y) / sqrt(x)", "0.5 * sqrt(x) / sqrt(y)"],
        domain=[POSITIVE, POSITIVE],
    )
    hinge = ab.scalar_rule(
        "hinge(x, y)",
        "maximum(1 - x * y, 0)",
        d=["-y if x * y < 1 else 0", "-x if x * y < 1 else 0"],
        kinks=["1 - x * y"],
    )


# -- Functions ------------------------------------------------------------------------------------


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """The sum over the axes along which an operand of this shape was repeated."""
    added = np.ndim(g) - len(shape)
    if added:
        g = np.sum(g, axis=tuple(range(added)))
    repeated = tuple(k for k, n in enumerate(shape) if n == 1 and np.shape(g)[k] != 1)
    return np.sum(g, axis=repeated, keepdims=True) if repeated else g


class BroadcastMul(ab.Function):
    def forward(self, x: Array, y: Array) -> Array:
        self.x, self.y = x, y
        return x * y

    def backward(self, g: Array) -> Array:
        x, y = self.x, self.y
        return unbroadcast(g * y, np.shape(x)), unbroadcast(g * x, np.shape(y))


class BroadcastAdd(ab.Function):
    def forward(self, x: Array, y: Array) -> Array:
        self.shapes = np.shape(x), np.shape(y)
        return x + y

    def backward(self, g: Array) -> Array:
        return unbroadcast(g, self.shapes[0]), unbroadcast(g, self.shapes[1])


class SameAdd(ab.Function):
    """Both gradients are the cotangent itself: the engine copies."""

    def forward(self, x: Array, y: Array) -> Array:
        if np.shape(x) != np.shape(y):
            raise ValueError("the shapes differ")
        return x + y

    def backward(self, g: Array) -> Array:
        return g, g


class Affine(ab.Function):
    def forward(self, x: Array, weights: Array, bias: Array) -> Array:
        self.x, self.weights = x, weights
        return x @ weights + bias

    def backward(self, g: Array) -> Array:
        return g @ self.weights.T, self.x.T @ g, np.sum(g, axis=0)


AFFINE = {"args": [np.ones((3, 2)), np.ones((2, 2)), np.ones(2)]}


class BatchedProduct(ab.Function):
    def forward(self, x: Array, y: Array) -> Array:
        self.x, self.y = x, y
        return x @ y

    def backward(self, g: Array) -> Array:
        x, y = self.x, self.y
        return (
            unbroadcast(g @ np.swapaxes(y, -1, -2), np.shape(x)),
            unbroadcast(np.swapaxes(x, -1, -2) @ g, np.shape(y)),
        )


BATCHED = {"args": [np.ones((2, 2, 2)), np.ones((2, 2))]}


class LayerNorm(ab.Function):
    def forward(self, x: Array) -> Array:
        centred = x - np.mean(x, axis=-1, keepdims=True)
        self.deviation = np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + 1e-3)
        self.normal = centred / self.deviation
        return self.normal

    def backward(self, g: Array) -> Array:
        along = np.mean(g * self.normal, axis=-1, keepdims=True)
        return (g - np.mean(g, axis=-1, keepdims=True) - self.normal * along) / self.deviation


class BatchNorm(ab.Function):
    def forward(self, x: Array, gamma: Array, beta: Array) -> Array:
        self.gamma = gamma
        centred = x - np.mean(x, axis=0)
        self.deviation = np.sqrt(np.mean(centred * centred, axis=0) + 1e-3)
        self.normal = centred / self.deviation
        return self.normal * gamma + beta

    def backward(self, g: Array) -> Array:
        of_gamma, of_beta = np.sum(g * self.normal, axis=0), np.sum(g, axis=0)
        n = self.normal.shape[0]
        inner = g - of_beta / n - self.normal * of_gamma / n
        return self.gamma / self.deviation * inner, of_gamma, of_beta


BATCH = {"args": [np.ones((3, 2)), np.ones(2), np.ones(2)]}


class RootMeanSquare(ab.Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        self.size = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-3)
        return x / self.size

    def backward(self, g: Array) -> Array:
        x, size = self.x, self.size
        return (g - x * np.mean(g * x, axis=-1, keepdims=True) / (size * size)) / size


class MySoftmax(ab.Function):
    def forward(self, x: Array) -> Array:
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        self.y = e / np.sum(e, axis=-1, keepdims=True)
        return self.y

    def backward(self, g: Array) -> Array:
        return self.y * (g - np.sum(g * self.y, axis=-1, keepdims=True))


class CrossEntropy(ab.Function):
    """The mean over a batch, of logits against fixed labels."""

    labels = np.array([2, 0])

    def forward(self, logits: Array) -> Array:
        shifted = logits - np.max(logits, axis=-1, keepdims=True)
        log_total = np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
        self.p = np.exp(shifted - log_total)
        self.truth = np.eye(3)[self.labels].astype(logits.dtype)
        return np.sum((log_total - shifted) * self.truth) / len(self.labels)

    def backward(self, g: Array) -> Array:
        return g * (self.p - self.truth) / len(self.labels)


class Gather(ab.Function):
    """Rows by index, some of them twice."""

    rows = np.array([0, 2, 2, 1, 0])

    def forward(self, table: Array) -> Array:
        self.shape, self.dtype = table.shape, table.dtype
        return table[self.rows]

    def backward(self, g: Array) -> Array:
        return ab.at(np.zeros(self.shape, self.dtype), self.rows).add(g)


class RunningSum(ab.Function):
    def forward(self, x: Array) -> Array:
        return np.cumsum(x, axis=-1)

    def backward(self, g: Array) -> Array:
        return np.flip(np.cumsum(np.flip(g, -1), axis=-1), -1)


class MaxPool(ab.Function):
    """The largest of each pair; equals share."""

    def forward(self, x: Array) -> Array:
        pairs = np.reshape(x, (-1, 2))
        largest = np.max(pairs, axis=1, keepdims=True)
        self.shape = x.shape
        self.chosen = np.asarray(
            pairs == largest if isinstance(x, np.ndarray) else _plain(pairs == largest)
        )
        return largest[:, 0]

    def backward(self, g: Array) -> Array:
        share = self.chosen / np.sum(self.chosen, axis=1, keepdims=True)
        return np.reshape(np.reshape(g, (-1, 1)) * share.astype(g.dtype), self.shape)


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, ab.Tensor) else x

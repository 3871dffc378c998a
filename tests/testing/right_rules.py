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
        "triangle_wave(x)",
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
    division = ab.scalar_rule(
        "division(x, y)", "x / y", d=["1 / y", "-out / y"], domain=[REAL, POSITIVE]
    )
    length = ab.scalar_rule(
        "length(x, y)",
        "hypot(x, y)",
        d=["x / (out if out > 0 else 1)", "y / (out if out > 0 else 1)"],
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
        self.chosen = ab.where(pairs == largest, 1.0, 0.0)
        return largest[:, 0]

    def backward(self, g: Array) -> Array:
        share = self.chosen / np.sum(self.chosen, axis=1, keepdims=True)
        return np.reshape(np.reshape(g, (-1, 1)) * share, self.shape)


POOL = {"args": [np.ones(4)]}


class MeanPool(ab.Function):
    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return np.mean(np.reshape(x, (-1, 2)), axis=1)

    def backward(self, g: Array) -> Array:
        return np.reshape(np.repeat(g / 2, 2), self.shape)


class Length(ab.Function):
    """The Euclidean norm, of subgradient 0 at the origin."""

    def forward(self, x: Array) -> Array:
        self.x = x
        self.length = np.sqrt(np.sum(x * x))
        return self.length

    def backward(self, g: Array) -> Array:
        safe = ab.where(self.length > 0, self.length, 1.0)
        return g * self.x / safe


class Product(ab.Function):
    """Of all elements, zero or not: what is left and right of each."""

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.prod(x)

    def backward(self, g: Array) -> Array:
        flat = np.reshape(self.x, (-1,))
        others = [np.prod(flat[:k]) * np.prod(flat[k + 1 :]) for k in range(flat.shape[0])]
        return np.reshape(g * np.stack(others), self.x.shape) if others else 0 * self.x


class HardTanh(ab.Function):
    def forward(self, x: Array) -> Array:
        self.inside = np.abs(x) < 1.5
        return np.minimum(np.maximum(x, -1.5), 1.5)

    def backward(self, g: Array) -> Array:
        return ab.where(self.inside, g, 0.0)


class Huber(ab.Function):
    delta = 0.75

    def forward(self, x: Array) -> Array:
        self.x, size = x, np.abs(x)
        far = self.delta * (size - self.delta / 2)
        return ab.where(size <= self.delta, x * x / 2, far)

    def backward(self, g: Array) -> Array:
        return g * np.minimum(np.maximum(self.x, -self.delta), self.delta)


class Convolution(ab.Function):
    """One channel, no padding: sums of a window, weighted."""

    def forward(self, signal: Array, kernel: Array) -> Array:
        self.signal, self.kernel = signal, kernel
        n = signal.shape[0] - kernel.shape[0] + 1
        self.n = n
        return sum(kernel[k] * signal[k : k + n] for k in range(kernel.shape[0]))

    def backward(self, g: Array) -> Array:
        m, n = self.kernel.shape[0], self.n
        of_signal = sum(np.pad(self.kernel[k] * g, (k, m - 1 - k)) for k in range(m))
        of_kernel = np.stack([np.sum(g * self.signal[k : k + n]) for k in range(m)])
        return of_signal, of_kernel


CONVOLUTION = {"args": [np.ones(5), np.ones(3)]}


class Sorted(ab.Function):
    def forward(self, x: Array) -> Array:
        self.order = _numbers(np.argsort(x, kind="stable"))
        return x[self.order]

    def backward(self, g: Array) -> Array:
        return g[np.argsort(self.order)]


SORTED = {"args": [np.ones(4)]}


class Cross(ab.Function):
    def forward(self, x: Array, y: Array) -> Array:
        self.x, self.y = x, y
        return cross(x, y)

    def backward(self, g: Array) -> Array:
        return cross(self.y, g), cross(g, self.x)


def cross(x: Array, y: Array) -> Array:
    """The cross product of two vectors of space."""
    turned, twice = np.array([1, 2, 0]), np.array([2, 0, 1])
    return x[turned] * y[twice] - x[twice] * y[turned]


CROSS = {"args": [np.ones(3), np.ones(3)]}


class Determinant(ab.Function):
    """Of a 2 by 2 matrix."""

    def forward(self, x: Array) -> Array:
        self.x = x
        return x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]

    def backward(self, g: Array) -> Array:
        x = self.x
        return g * np.stack([np.stack([x[1, 1], -x[1, 0]]), np.stack([-x[0, 1], x[0, 0]])])


SQUARE = {"args": [np.ones((2, 2))]}


class QuadraticForm(ab.Function):
    def forward(self, x: Array, matrix: Array) -> Array:
        self.x, self.matrix = x, matrix
        return x @ matrix @ x

    def backward(self, g: Array) -> Array:
        x, matrix = self.x, self.matrix
        return g * ((matrix + matrix.T) @ x), g * np.outer(x, x)


QUADRATIC = {"args": [np.ones(3), np.ones((3, 3))]}


class LogSumExp(ab.Function):
    def forward(self, x: Array) -> Array:
        largest = np.max(x, axis=-1, keepdims=True)
        self.e = np.exp(x - largest)
        self.total = np.sum(self.e, axis=-1, keepdims=True)
        return np.sum(np.log(self.total) + largest, axis=-1)

    def backward(self, g: Array) -> Array:
        return np.expand_dims(g, -1) * self.e / self.total


VECTORS = {"args": [np.ones((2, 3))]}


class SquaredDistances(ab.Function):
    """Between every row of x and every row of y."""

    def forward(self, x: Array, y: Array) -> Array:
        self.difference = x[:, None, :] - y[None, :, :]
        return np.sum(self.difference * self.difference, axis=-1)

    def backward(self, g: Array) -> Array:
        pulled = 2 * np.expand_dims(g, -1) * self.difference
        return np.sum(pulled, axis=1), -np.sum(pulled, axis=0)


DISTANCES = {"args": [np.ones((2, 2)), np.ones((3, 2))]}


class Variance(ab.Function):
    """Along the first axis, of a sample."""

    def forward(self, x: Array) -> Array:
        self.centred = x - np.mean(x, axis=0)
        self.n = x.shape[0]
        return np.sum(self.centred * self.centred, axis=0) / (self.n - 1)

    def backward(self, g: Array) -> Array:
        return 2 * g * self.centred / (self.n - 1)


COLUMNS = {"args": [np.ones((3, 2))]}


class Reversed(ab.Function):
    def forward(self, x: Array) -> Array:
        return np.flip(x)

    def backward(self, g: Array) -> Array:
        return np.flip(g)


class Shifted(ab.Function):
    def forward(self, x: Array) -> Array:
        return np.roll(x, 1, axis=-1)

    def backward(self, g: Array) -> Array:
        return np.roll(g, -1, axis=-1)


class Spread(ab.Function):
    """The mean of all elements."""

    def forward(self, x: Array) -> Array:
        self.shape, self.size = np.shape(x), max(np.size(x), 1)
        return np.sum(x) / self.size

    def backward(self, g: Array) -> Array:
        return np.broadcast_to(g / self.size, self.shape)


class RowSums(ab.Function):
    def forward(self, x: Array) -> Array:
        self.shape = np.shape(x)
        return np.sum(x, axis=-1)

    def backward(self, g: Array) -> Array:
        return np.broadcast_to(np.expand_dims(g, -1), self.shape)


class Cubed(ab.Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        return x * x * x

    def backward(self, g: Array) -> Array:
        return g * 3 * self.x * self.x


class WeightedSum(ab.Function):
    """x + 2 y + 3 z, of one shape."""

    def forward(self, x: Array, y: Array, z: Array) -> Array:
        if not np.shape(x) == np.shape(y) == np.shape(z):
            raise ValueError("the shapes differ")
        return x + 2 * y + 3 * z

    def backward(self, g: Array) -> Array:
        return g, 2 * g, 3 * g


class FirstOrderOnly(ab.Function):
    """NumPy in place, which cannot be run on nodes."""

    rows = np.array([0, 1, 0])

    def forward(self, x: Array) -> Array:
        self.x = x
        return x[self.rows] * 2

    def backward(self, g: Array) -> Array:
        total = np.zeros_like(self.x)
        np.add.at(total, self.rows, 2 * g)
        return total


def _numbers(x: Any) -> Any:
    return np.asarray(x.data if isinstance(x, ab.Tensor) else x)


# -- plain functions ------------------------------------------------------------------------------


def perceptron(x: Array, weights: Array, bias: Array) -> Array:
    return ab.sum(ab.tanh(x @ weights + bias), axis=0)


def attention(q: Array, k: Array, v: Array) -> Array:
    return ab.softmax(q @ k.T / 1.5, axis=-1) @ v


def masked_root(x: Array) -> Array:
    return ab.where(x > 0, ab.sqrt(ab.where(x > 0, x, 1.0)), 0.0)


def mean_square(x: Array, y: Array) -> Array:
    return ab.mean(ab.square(x - y))


def polynomial(x: Array) -> Array:
    total = 0.0 * x
    for coefficient in (0.5, -1.0, 0.25, 2.0):
        total = total * x + coefficient
    return total


def gram(x: Array) -> Array:
    return x.T @ x


def recurrent(x: Array, h: Array) -> Array:
    for k in range(3):
        h = ab.tanh(0.5 * h + x[k])
    return h


def gaussian(x: Array, mean: Array, log_sigma: Array) -> Array:
    return 0.5 * ab.square((x - mean) * ab.exp(-log_sigma)) + log_sigma


def cosine(x: Array, y: Array) -> Array:
    return ab.sum(x * y) / (ab.linalg.norm(x) * ab.linalg.norm(y))


def largest_of_three(x: Array) -> Array:
    return ab.max(x) - ab.min(x)


def numpy_only(x: Array) -> Array:
    return np.sum(np.exp(-np.square(x)) * np.sin(x))


def bent(x: Array) -> Array:
    return ab.abs(x - 1.25) + ab.relu(x + 0.5)


class Right(NamedTuple):
    """What is checked, and how `check` is told about it."""

    name: str
    checked: Any
    options: dict[str, Any]


def _right(checked: Any, name: str = "", **options: Any) -> Right:
    return Right(name or checked.__name__, checked, options)


RIGHT: list[Right] = [
    *map(
        _right,
        (softsign, logcosh, lorentz, gudermann, signed_square, log1mexp, triangle, relu6, swish),
    ),
    *map(_right, (lerp, damped, quotient, larger, mean_of_logs, hinge)),
    *map(_right, (BroadcastMul, BroadcastAdd, SameAdd, WeightedSum)),
    _right(Affine, **AFFINE),
    _right(BatchedProduct, **BATCHED),
    _right(LayerNorm, **VECTORS),
    _right(BatchNorm, **BATCH),
    _right(RootMeanSquare, **VECTORS),
    _right(MySoftmax, **VECTORS),
    _right(CrossEntropy, **VECTORS),
    _right(Gather, args=[np.ones((3, 2))]),
    _right(RunningSum, **VECTORS),
    _right(MaxPool, **POOL),
    _right(MeanPool, **POOL),
    _right(Length),
    _right(Product),
    _right(HardTanh),
    _right(Huber),
    _right(Convolution, **CONVOLUTION),
    _right(Sorted, **SORTED),
    _right(Cross, **CROSS),
    _right(Determinant, **SQUARE),
    _right(QuadraticForm, **QUADRATIC),
    _right(LogSumExp, **VECTORS),
    _right(SquaredDistances, **DISTANCES),
    _right(Variance, **COLUMNS),
    _right(Reversed),
    _right(Shifted, **VECTORS),
    _right(Spread),
    _right(RowSums, **VECTORS),
    _right(Cubed),
    _right(FirstOrderOnly, args=[np.ones(2)]),
    _right(perceptron, args=[np.ones((2, 2)), np.ones((2, 2)), np.ones(2)]),
    _right(attention, args=[np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 1))]),
    _right(masked_root),
    _right(mean_square),
    _right(polynomial),
    _right(gram, **SQUARE),
    _right(recurrent, args=[np.ones((3, 2)), np.ones(2)]),
    _right(gaussian, domain=[(-1e3, 1e3), (-1e3, 1e3), (-5.0, 5.0)]),
    _right(cosine, args=[np.ones(3), np.ones(3)], domain=(0.0, np.inf)),
    _right(largest_of_three, args=[np.ones(3)]),
    _right(numpy_only),
    _right(bent),
    _right(division),
    _right(length),
]

"""Wrong rules that the kit has not seen, one slip in each: it must find them all.

Every entry says what kind of slip it is. Where a class has a right version, that is in
`right_rules`, and passes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import autograd_bp as ab
from autograd_bp.rules import Interval
from tests.testing import right_rules as right
from tests.testing.right_rules import Array, cross, sheet_as_before, unbroadcast

POSITIVE = Interval(0.0, closed=(False, False))


class Planted(NamedTuple):
    """A wrong rule: its name, the kind of slip, what is checked, and how `check` is told."""

    name: str
    kind: str
    checked: Any
    options: dict[str, Any]


PLANTED: list[Planted] = []


def wrong(kind: str, **options: Any) -> Any:
    """Add what is decorated to the table."""

    def add(checked: Any) -> Any:
        PLANTED.append(Planted(checked.__name__, kind, checked, options))
        return checked

    return add


def row(kind: str, signature: str, formula: str, d: Any, **options: Any) -> None:
    """Add a wrong elementwise row to the table."""
    wrong(kind)(ab.scalar_rule(signature, formula, d, **options))


# -- elementwise rows -----------------------------------------------------------------------------

with sheet_as_before():
    row("sign", "minus_gudermann(x)", "2 * arctan(tanh(x / 2))", "-sech(x)")
    row("sign of one argument", "lerp_back(x, y, w)", "x + w * (y - x)", ["1 - w", "w", "x - y"])
    row("factor 2", "softsign_twice(x)", "x / (1 + abs(x))", "2 * square(1 / (1 + abs(x)))")
    row("factor 2", "log_half(x)", "log(x) / 2", "1 / x", domain=POSITIVE)
    row("1 + 1e-9", "lorentz_off(x)", "1 / (1 + x * x)", "-2.000000002 * x * out * out")
    row(
        "1 + 1e-9",
        "quotient_off(x, y)",
        "x / (1 + y * y)",
        ["1 / (1 + y * y)", "-2.000000002 * y * out / (1 + y * y)"],
    )
    row("1 + 1e-9", "sine_shifted(x)", "sin(3 * x)", "3 * cos(3 * (x + 1e-9))")
    row("argument zeroed", "quotient_one(x, y)", "x / (1 + y * y)", ["1 / (1 + y * y)", "0"])
    row("argument zeroed", "third_less(x, y, z)", "x * y + exp(z)", ["y", "x", "0"])
    row("arguments swapped", "scaled_exp(x, y)", "x * exp(y)", ["out", "exp(y)"])
    row("arguments swapped", "lerp_ends(x, y, w)", "x + w * (y - x)", ["w", "1 - w", "y - x"])
    row(
        "arguments swapped",
        "geometric_swapped(x, y)",
        "sqrt(x) * sqrt(y)",
        ["0.5 * sqrt(x) / sqrt(y)", "0.5 * sqrt(y) / sqrt(x)"],
        domain=[POSITIVE, POSITIVE],
    )
    row("wrong at 0", "signed_square_at_0(x)", "x * abs(x)", "2 * abs(x) if x != 0 else 1")
    row("wrong at 0", "damped_at_0(x, y)", "x * exp(-y * y)", [
        "exp(-y * y)", "-2 * y * out if y != 0 else x"
    ])  # fmt: skip
    row("wrong at 0", "shrink_at_0(x)", "x * x / (1 + x * x)", [
        "2 * x * square(1 / (1 + x * x)) if abs(x) > 0 else 0.5"
    ])  # fmt: skip
    row("wrong at ties", "product_at_ties(x, y)", "x * y + x", [
        "y + 1", "x if x != y else x + 1"
    ])  # fmt: skip
    row(
        "wrong at ties",
        "larger_twice(x, y)",
        "x if x > y else y",
        ["1 if x >= y else 0", "1 if y >= x else 0"],
        kinks=["x - y"],
    )
    row("wrong at ties", "distance_at_ties(x, y)", "square(x - y)", [
        "2 * (x - y) if x != y else 1", "2 * (y - x)"
    ])  # fmt: skip
    row("beyond 30", "softplus_cut(x)", "log1p(exp(-abs(x))) + maximum(x, 0)", [
        "sigmoid(x) if x > -30 else 0"
    ])  # fmt: skip
    row("beyond 30", "cube_far(x)", "x * x * x", "3 * x * x if x < 30 else 3 * x")
    row("beyond 30", "logcosh_far(x)", "abs(x) + log1p(exp(-2 * abs(x))) - ln2", [
        "tanh(x) if abs(x) < 30 else 0.999999999 * sign(x)"
    ])  # fmt: skip
    row("negative x", "cube_below(x)", "x * x * x", "3 * x * x if x > 0 else 2 * x * x")
    row("negative x", "swish_below(x; beta)", "x * sigmoid(beta * x)", [
        "s = sigmoid(beta * x); s + beta * x * s * sigmoid(-beta * x) if x >= 0 else s"
    ])  # fmt: skip
    row("negative y", "slope_below(x, y)", "x * y * y", ["y * y", "2 * x * y if y > 0 else x * y"])
    row("between constants", "band(x)", "x * x", "2 * x if x < 2.5 or x > 2.75 else 2.5 * x")
    row("at one number", "only_there(x)", "exp(x / 4)", "out / 4 if x != 7.25 else out")
    row("parameter left out", "swish_plain(x; beta=1.0)", "x * sigmoid(beta * x)", [
        "s = sigmoid(beta * x); s + x * s * sigmoid(-beta * x)"
    ])  # fmt: skip
    row("kink", "relu6_open(x)", "minimum(maximum(x, 0), 6)", "x > 0", kinks=["x", "x - 6"])
    row("kink", "hinge_late(x, y)", "maximum(1 - x * y, 0)", [
        "-y if x * y < 1 else 0", "-x if x * y < 2 else 0"
    ], kinks=["1 - x * y"])  # fmt: skip
    row("straight through", "staircase(x)", "floor(x)", "1", kinks=["x - floor(x)"])
    ab.scalar_rule("slope_of_sine(x)", "cos(x)", d="sin(x)")
    row("second order", "sine_twice(x)", "sin(x)", "slope_of_sine(x)")
    ab.scalar_rule("constant_sech(x)", "sech(x)", d="0")
    row("second order", "gudermann_twice(x)", "2 * arctan(tanh(x / 2))", "constant_sech(x)")
    ab.scalar_rule("slope_by_y(x, y)", "x * cos(y)", d=["0.5 * cos(y)", "-x * sin(y)"])
    row("second order", "mixed(x, y)", "x * sin(y)", ["sin(y)", "slope_by_y(x, y)"])


# -- the cotangent --------------------------------------------------------------------------------


@wrong("nonlinear in the cotangent")
class GuidedCube(right.Cubed):
    def backward(self, g: Array) -> Array:
        return np.maximum(g, 0) * 3 * self.x * self.x


@wrong("nonlinear in the cotangent")
class ClippedCube(right.Cubed):
    def backward(self, g: Array) -> Array:
        return np.minimum(np.maximum(g, -100), 100) * 3 * self.x * self.x


@wrong("nonlinear in the cotangent")
class SignedCube(right.Cubed):
    def backward(self, g: Array) -> Array:
        return g * np.abs(g) * 3 * self.x * self.x


@wrong("nonlinear in the cotangent")
class CubeWithoutSmall(right.Cubed):
    def backward(self, g: Array) -> Array:
        return ab.where(np.abs(g) > 1e-6, g, 0.0) * 3 * self.x * self.x


@wrong("not zero for a zero cotangent", **right.VECTORS)
class RunningSumDecay(right.RunningSum):
    def backward(self, g: Array) -> Array:
        return super().backward(g) + 1e-7


@wrong("cotangent ignored")
class SpreadOnes(right.Spread):
    def backward(self, g: Array) -> Array:
        return np.broadcast_to(0 * g + 1 / self.size, self.shape)


# -- broadcasting ---------------------------------------------------------------------------------


@wrong("unbroadcast missing")
class MulOfOneShape(right.BroadcastMul):
    def backward(self, g: Array) -> Array:
        return g * self.y, g * self.x


@wrong("unbroadcast missing, by the second only")
class MulOfOneSide(right.BroadcastMul):
    def backward(self, g: Array) -> Array:
        of_x, of_y = super().backward(g)
        shape = np.shape(self.y)
        if np.ndim(g) == 2 and np.shape(g)[0] > 1 and shape[-1:] == np.shape(g)[1:]:
            of_y = np.reshape((g * self.x)[-1:], shape) if np.ndim(self.y) < 2 else of_y
        return of_x, of_y


@wrong("unbroadcast doubled")
class AddTwice(right.BroadcastAdd):
    def backward(self, g: Array) -> Array:
        of_x, of_y = super().backward(g)
        return of_x, of_y * (max(np.size(g), 1) / max(np.prod(self.shapes[1]), 1))


@wrong("mean for the sum of the unbroadcast")
class AddMean(right.BroadcastAdd):
    def backward(self, g: Array) -> Array:
        of_x, of_y = super().backward(g)
        return of_x / (max(np.size(g), 1) / max(np.prod(self.shapes[0]), 1)), of_y


@wrong("axes of length 1")
class MulWithoutSingles(right.BroadcastMul):
    """Sums over the axes that were added; those of length 1 are folded wrongly."""

    def backward(self, g: Array) -> Array:
        x, y = self.x, self.y
        return _folded(g * y, np.shape(x)), unbroadcast(g * x, np.shape(y))


def _folded(g: Array, shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape))
    if np.shape(g) == shape or size == 0 or np.size(g) % size:
        return unbroadcast(g, shape)
    return np.reshape(np.sum(np.reshape(g, (-1, size)), axis=0), shape)


@wrong("axes of length 1")
class ShiftedSingles(right.Cubed):
    def backward(self, g: Array) -> Array:
        single = np.ndim(self.x) == 2 and 1 in np.shape(self.x)
        return super().backward(g) * (2.0 if single else 1.0)


@wrong("0-d only")
class CubeOfScalars(right.Cubed):
    def backward(self, g: Array) -> Array:
        return super().backward(g) * (1.0 if np.ndim(self.x) else 0.5)


@wrong("size 0 only")
class CubeOfNothing(right.Cubed):
    def backward(self, g: Array) -> Array:
        return super().backward(g) * (np.sign(np.min(np.abs(self.x))) ** 0)


@wrong("size 0 only")
class MeanOfNothing(right.Spread):
    def backward(self, g: Array) -> Array:
        return np.broadcast_to(g / self.size, self.shape if 0 not in self.shape else (1,))


# -- layers ---------------------------------------------------------------------------------------


@wrong("transposition", **right.AFFINE)
class AffineTurned(right.Affine):
    def backward(self, g: Array) -> Array:
        return g @ self.weights, self.x.T @ g, np.sum(g, axis=0)


@wrong("transposition", **right.SQUARE)
class DeterminantTurned(right.Determinant):
    def backward(self, g: Array) -> Array:
        return super().backward(g).T


@wrong("transposition", **right.QUADRATIC)
class QuadraticOneSided(right.QuadraticForm):
    def backward(self, g: Array) -> Array:
        return 2 * g * (self.matrix @ self.x), super().backward(g)[1]


@wrong("mean for sum", **right.AFFINE)
class AffineMeanBias(right.Affine):
    def backward(self, g: Array) -> Array:
        of_x, of_weights, _ = super().backward(g)
        return of_x, of_weights, np.mean(g, axis=0)


@wrong("wrong axis", args=[np.ones((2, 2)), np.ones((2, 2)), np.ones(2)])
class AffineWrongBias(right.Affine):
    def backward(self, g: Array) -> Array:
        of_x, of_weights, _ = super().backward(g)
        return of_x, of_weights, np.sum(g, axis=1)


@wrong("only by the third argument", **right.AFFINE)
class AffineNoBias(right.Affine):
    def backward(self, g: Array) -> Array:
        of_x, of_weights, _ = super().backward(g)
        return of_x, of_weights, None


@wrong("only by the second argument", **right.AFFINE)
class AffineHalfWeights(right.Affine):
    def backward(self, g: Array) -> Array:
        of_x, of_weights, of_bias = super().backward(g)
        return of_x, of_weights / self.x.shape[0], of_bias


@wrong("only by the third argument")
class WeightsExchanged(right.WeightedSum):
    def backward(self, g: Array) -> Array:
        return g, 2 * g, 2 * g


@wrong("transposition", **right.BATCHED)
class BatchedTurned(right.BatchedProduct):
    def backward(self, g: Array) -> Array:
        x, y = self.x, self.y
        return unbroadcast(g @ np.swapaxes(y, -1, -2), np.shape(x)), unbroadcast(x @ g, np.shape(y))


@wrong("= for +=", **right.BATCHED)
class BatchedLast(right.BatchedProduct):
    """Of the products that share the second operand, the last one stays."""

    def backward(self, g: Array) -> Array:
        return super().backward(g)[0], (np.swapaxes(self.x, -1, -2) @ g)[-1]


@wrong("term missing", **right.VECTORS)
class LayerNormNoMean(right.LayerNorm):
    def backward(self, g: Array) -> Array:
        along = np.mean(g * self.normal, axis=-1, keepdims=True)
        return (g - self.normal * along) / self.deviation


@wrong("sum for mean", **right.VECTORS)
class LayerNormSum(right.LayerNorm):
    def backward(self, g: Array) -> Array:
        along = np.sum(g * self.normal, axis=-1, keepdims=True)
        return (g - np.mean(g, axis=-1, keepdims=True) - self.normal * along) / self.deviation


@wrong("wrong axis", args=[np.ones((3, 3))])
class LayerNormAcross(right.LayerNorm):
    def backward(self, g: Array) -> Array:
        along = np.mean(g * self.normal, axis=-1, keepdims=True)
        return (g - np.mean(g, axis=0, keepdims=True) - self.normal * along) / self.deviation


@wrong("constant taken for granted", **right.BATCH)
class BatchNormFixed(right.BatchNorm):
    def backward(self, g: Array) -> Array:
        _, of_gamma, of_beta = super().backward(g)
        return self.gamma / self.deviation * (g - np.mean(g, axis=0)), of_gamma, of_beta


@wrong("arguments swapped", **right.BATCH)
class BatchNormSwapped(right.BatchNorm):
    def backward(self, g: Array) -> Array:
        of_x, of_gamma, of_beta = super().backward(g)
        return of_x, of_beta, of_gamma


@wrong("factor missing", **right.VECTORS)
class RootMeanSquareOnce(right.RootMeanSquare):
    def backward(self, g: Array) -> Array:
        x, size = self.x, self.size
        return (g - x * np.mean(g * x, axis=-1, keepdims=True) / size) / size


@wrong("term missing", **right.VECTORS)
class SoftmaxDiagonal(right.MySoftmax):
    def backward(self, g: Array) -> Array:
        return g * self.y * (1 - self.y)


@wrong("wrong axis", args=[np.ones((2, 2))])
class SoftmaxAcross(right.MySoftmax):
    def backward(self, g: Array) -> Array:
        return self.y * (g - np.sum(g * self.y, axis=0))


@wrong("sum for mean", **right.VECTORS)
class CrossEntropySum(right.CrossEntropy):
    def backward(self, g: Array) -> Array:
        return g * (self.p - self.truth)


@wrong("last index", **right.VECTORS)
class CrossEntropyLast(right.CrossEntropy):
    def backward(self, g: Array) -> Array:
        keep = np.array([1.0, 1.0, 0.0])
        return g * (self.p - self.truth * keep) / len(self.labels)


# -- indices --------------------------------------------------------------------------------------


@wrong("= for += in scatter", args=[np.ones((3, 2))])
class GatherAssigned(right.Gather):
    def backward(self, g: Array) -> Array:
        return ab.at(np.zeros(self.shape, self.dtype), self.rows).set(g)


@wrong("repeated indices", args=[np.ones((3, 2))])
class GatherShared(right.Gather):
    def backward(self, g: Array) -> Array:
        times = np.bincount(self.rows, minlength=self.shape[0]).reshape(-1, 1)
        return super().backward(g) / times


@wrong("last index", args=[np.ones((3, 2))])
class GatherLastColumn(right.Gather):
    def backward(self, g: Array) -> Array:
        return super().backward(g) * np.array([1.0, 1.0 + 1e-8])


@wrong("last index", **right.VECTORS)
class RunningSumShort(right.RunningSum):
    def backward(self, g: Array) -> Array:
        n = np.shape(g)[-1]
        return super().backward(g) * (1.0 - 0.5 * (np.arange(n) == n - 1))


@wrong("not reversed", **right.VECTORS)
class RunningSumForward(right.RunningSum):
    def backward(self, g: Array) -> Array:
        return np.cumsum(g, axis=-1)


@wrong("wrong at ties", **right.POOL)
class MaxPoolTwice(right.MaxPool):
    def backward(self, g: Array) -> Array:
        return np.reshape(np.reshape(g, (-1, 1)) * self.chosen, self.shape)


@wrong("wrong at ties", **right.POOL)
class MaxPoolNone(right.MaxPool):
    def backward(self, g: Array) -> Array:
        alone = np.sum(self.chosen, axis=1, keepdims=True) == 1
        chosen = ab.where(alone, self.chosen, 0.0)
        return np.reshape(np.reshape(g, (-1, 1)) * chosen, self.shape)


@wrong("sum for mean", **right.POOL)
class MeanPoolSum(right.MeanPool):
    def backward(self, g: Array) -> Array:
        return np.reshape(np.repeat(g, 2), self.shape)


@wrong("order of the result", **right.SORTED)
class SortedForward(right.Sorted):
    def backward(self, g: Array) -> Array:
        return g[self.order]


@wrong("shift the wrong way", **right.VECTORS)
class ShiftedTwice(right.Shifted):
    def backward(self, g: Array) -> Array:
        return np.roll(g, 1, axis=-1)


@wrong("wrong axis", args=[np.ones((2, 2))])
class ReversedHalf(right.Reversed):
    def backward(self, g: Array) -> Array:
        return np.flip(g, 0)


@wrong("wrong axis", args=[np.ones((2, 2))])
class RowSumsDown(right.RowSums):
    def backward(self, g: Array) -> Array:
        return np.broadcast_to(g, self.shape)


@wrong("not flipped", **right.CONVOLUTION)
class ConvolutionFlipped(right.Convolution):
    def backward(self, g: Array) -> Array:
        of_signal, of_kernel = super().backward(g)
        return of_signal, np.flip(of_kernel)


@wrong("last index", **right.CONVOLUTION)
class ConvolutionShort(right.Convolution):
    def backward(self, g: Array) -> Array:
        m = self.kernel.shape[0]
        of_signal = sum(np.pad(self.kernel[k] * g, (k, m - 1 - k)) for k in range(m - 1))
        return of_signal, super().backward(g)[1]


# -- one place ------------------------------------------------------------------------------------


@wrong("wrong at 0")
class LengthAtOrigin(right.Length):
    """At the origin, a vector longer than any subgradient."""

    def backward(self, g: Array) -> Array:
        return super().backward(g) + ab.where(self.length > 0, 0.0, 1.5) * g


@wrong("wrong at 0")
class ProductByQuotient(right.Product):
    def backward(self, g: Array) -> Array:
        x = self.x
        return g * ab.where(x == 0, 0.0, np.prod(x) / ab.where(x == 0, 1.0, x))


@wrong("wrong at 0")
class ProductNan(right.Product):
    def backward(self, g: Array) -> Array:
        return g * np.prod(self.x) / self.x


@wrong("wrong at ties", **right.DISTANCES)
class DistancesAtTies(right.SquaredDistances):
    def backward(self, g: Array) -> Array:
        of_x, of_y = super().backward(g)
        tied = ab.where(self.difference == 0, 1.0, 0.0)
        return of_x, of_y + np.sum(np.expand_dims(g, -1) * tied, axis=0)


@wrong("branch wrong")
class HardTanhLeaks(right.HardTanh):
    def backward(self, g: Array) -> Array:
        return ab.where(self.inside, g, 0.01 * g)


@wrong("factor missing beyond a constant")
class HuberUnscaled(right.Huber):
    def backward(self, g: Array) -> Array:
        x = self.x
        return g * ab.where(np.abs(x) <= self.delta, x, np.sign(x))


@wrong("at one number")
class CubeAtOneNumber(right.Cubed):
    def backward(self, g: Array) -> Array:
        return super().backward(g) + ab.where(self.x == 5.625, 1.0, 0.0) * g


@wrong("beyond 30")
class CubeBeyond(right.Cubed):
    def backward(self, g: Array) -> Array:
        return super().backward(g) + ab.where(np.abs(self.x) > 30, 1e-3, 0.0) * g


@wrong("beyond 300")
class CubeFarBeyond(right.Cubed):
    def backward(self, g: Array) -> Array:
        return super().backward(g) * ab.where(self.x > 300, 1.001, 1.0)


@wrong("negative x")
class CubeBelow(right.Cubed):
    def backward(self, g: Array) -> Array:
        return super().backward(g) * np.sign(self.x)


@wrong("sign of one term", **right.CROSS)
class CrossTurned(right.Cross):
    def backward(self, g: Array) -> Array:
        return cross(self.y, g), cross(self.x, g)


@wrong("factor n / (n - 1)", **right.COLUMNS)
class VarianceOfAll(right.Variance):
    def backward(self, g: Array) -> Array:
        return 2 * g * self.centred / self.n


@wrong("overflow", **right.VECTORS)
class LogSumExpUnshifted(right.LogSumExp):
    def forward(self, x: Array) -> Array:
        result = super().forward(x)
        self.e = np.exp(x)
        self.total = np.sum(self.e, axis=-1, keepdims=True)
        return result


# -- float32, dtypes, shapes ----------------------------------------------------------------------


@wrong("float32 only")
class CubeInSingle(right.Cubed):
    def backward(self, g: Array) -> Array:
        factor = 1.01 if self.x.dtype == np.float32 else 1.0
        return super().backward(g) * factor


@wrong("float32 only", **right.AFFINE)
class AffineInHalf(right.Affine):
    """float32 goes through float16."""

    def backward(self, g: Array) -> Array:
        of_x, of_weights, of_bias = super().backward(g)
        if self.x.dtype == np.float32:
            of_weights = np.round(of_weights, 1)
        return of_x, of_weights, of_bias


@wrong("rounded to float32")
class CubeRounded(right.Cubed):
    def backward(self, g: Array) -> Array:
        return super().backward(g) * (1 + 3e-8)


@wrong("wrong dtype")
class DoubledHalf(right.Spread):
    def forward(self, x: Array) -> Array:
        return super().forward(x) * np.array([1.0])[0]


@wrong("wrong shape", args=[np.ones((2, 3))])
class RowSumsKept(right.RowSums):
    def backward(self, g: Array) -> Array:
        return np.expand_dims(g, -1)


@wrong("one gradient too few", **right.CROSS)
class CrossHalf(right.Cross):
    def backward(self, g: Array) -> Array:
        return cross(self.y, g)


# -- state, aliases, chance -----------------------------------------------------------------------


@wrong("impure: every second sweep")
class CountingCube(right.Cubed):
    sweeps = 0

    def backward(self, g: Array) -> Array:
        self.sweeps += 1
        return super().backward(g) * self.sweeps


@wrong("impure: what was saved is changed")
class ConsumingCube(right.Cubed):
    def forward(self, x: Array) -> Array:
        self.slope = 3 * x * x
        return x * x * x

    def backward(self, g: Array) -> Array:
        if isinstance(self.slope, np.ndarray):
            self.slope *= g
            return self.slope
        return g * self.slope


@wrong("impure: the cotangent is changed")
class GreedySum(right.SameAdd):
    def backward(self, g: Array) -> Array:
        of_x = 1 * g
        if isinstance(g, np.ndarray):
            g *= 2
        return of_x, of_x


@wrong("aliasing: one array for two arguments", **right.CROSS)
class CrossBuffer(right.Cross):
    def backward(self, g: Array) -> Array:
        of_x, of_y = super().backward(g)
        if isinstance(of_x, np.ndarray):
            buffer = np.empty(3, of_x.dtype)
            buffer[:] = of_x
            first = buffer
            buffer[:] = of_y
            return first, buffer
        return of_x, of_y


@wrong("aliasing: a buffer of the class")
class SharedBuffer(right.Cubed):
    buffers: dict[Any, Any] = {}  # noqa: RUF012  (that is the slip)

    def forward(self, x: Array) -> Array:
        if isinstance(x, np.ndarray):
            self.x = self.buffers.setdefault((x.shape, x.dtype), np.empty(x.shape, x.dtype))
            self.x[...] = x
        else:
            self.x = x
        return self.x * self.x * self.x


@wrong("by chance in the backward")
class NoisyCube(right.Cubed):
    chance = np.random.default_rng(0)

    def backward(self, g: Array) -> Array:
        return super().backward(g) * (1 + 1e-13 * self.chance.uniform())


@wrong("by chance in the forward")
class Dropout(ab.Function):
    chance = np.random.default_rng(0)

    def forward(self, x: Array) -> Array:
        self.mask = self.chance.integers(0, 2, np.shape(x)) * 2
        return x * self.mask

    def backward(self, g: Array) -> Array:
        return g * self.mask


@wrong("memory layout")
class CubeOfMemory(right.Cubed):
    def backward(self, g: Array) -> Array:
        if isinstance(self.x, np.ndarray):
            return g * 3 * (self.x.ravel(order="K") ** 2).reshape(self.x.shape)
        return super().backward(g)


@wrong("writes to its operand")
class CubeInPlace(right.Cubed):
    def backward(self, g: Array) -> Array:
        if isinstance(self.x, np.ndarray) and self.x.ndim:
            self.x[...] = 3 * self.x * self.x
            return g * self.x
        return super().backward(g)


# -- second order ---------------------------------------------------------------------------------


@wrong("detached at second order")
class CubeDetached(right.Cubed):
    def forward(self, x: Array) -> Array:
        self.slope = 3 * right._numbers(x) ** 2
        return x * x * x

    def backward(self, g: Array) -> Array:
        return g * self.slope


@wrong("detached at second order", **right.VECTORS)
class SoftmaxDetached(right.MySoftmax):
    def backward(self, g: Array) -> Array:
        y = self.y
        frozen = y.detach() if isinstance(y, ab.Tensor) else y
        return y * (g - np.sum(g * frozen, axis=-1, keepdims=True))


# -- plain functions with something wrong inside --------------------------------------------------


with sheet_as_before():
    wrong_tanh = ab.scalar_rule("wrong_tanh(x)", "tanh(x)", d="1 - out")
    late_relu = ab.scalar_rule("late_relu(x)", "maximum(x, 0)", d="x > 1", kinks=["x"])
    half_root = ab.scalar_rule("half_root(x)", "sqrt(x)", d="1 / out", domain=POSITIVE)


@wrong("an operation inside", args=[np.ones((2, 2)), np.ones((2, 2)), np.ones(2)])
def wrong_perceptron(x: Array, weights: Array, bias: Array) -> Array:
    return ab.sum(wrong_tanh(x @ weights + bias), axis=0)


@wrong("an operation inside", args=[np.ones((3, 2)), np.ones(2)])
def wrong_recurrent(x: Array, h: Array) -> Array:
    for k in range(3):
        h = wrong_tanh(0.5 * h + x[k]) if k == 1 else ab.tanh(0.5 * h + x[k])
    return h


@wrong("an operation inside")
def bent_late(x: Array) -> Array:
    return ab.abs(x - 1.25) + late_relu(x + 0.5)


@wrong("an operation inside", domain=(0.0, np.inf))
def deviation(x: Array) -> Array:
    return half_root(ab.mean(ab.square(x)) + 1.0)


@wrong("a factor detached")
def detached_gate(x: Array) -> Array:
    return x * ab.tanh(x.detach())


@wrong("a factor detached", args=[np.ones((2, 3))])
def detached_softmax(x: Array) -> Array:
    e = ab.exp(ab.tanh(x))
    return e / e.sum(axis=-1, keepdims=True).detach()


@wrong("an argument detached")
def without_second(x: Array, y: Array) -> Array:
    with ab.no_grad():
        squared = y * y
    return x + squared


@wrong("a branch without gradient")
def masked(x: Array) -> Array:
    return ab.where(x > 0, ab.sin(x), ab.sin(x).detach())

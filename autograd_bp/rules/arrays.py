"""What the names in a formula mean on NumPy arrays.

Functions take the arguments and then the parameters of the row of the same name, by position.
The names in `CONSTANTS` have no derivative of their own: they look at shapes, signs and
positions, and on nodes they are read on the nodes' arrays.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from autograd_bp.rules import matrices, special, transforms
from autograd_bp.rules.readings import COMPOSITES, Namespace

Array = NDArray[Any]
Shape = tuple[int, ...]
Axis = int | tuple[int, ...] | None
Index = Any


F = TypeVar("F", bound=Callable[..., Any])


def quiet(function: F) -> F:
    """Run with floating-point warnings off: the function sees to what would cause them."""

    @functools.wraps(function)
    def silent(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args)

    return cast(F, silent)


# -- products with a cotangent ------------------------------------------------------------------


def chain(cotangent: Any, partial: Any) -> Any:
    """The product of a cotangent and a local derivative; a zero cotangent stays zero.

    Multiplication by an infinite (or undefined) partial must not turn a zero cotangent into nan:
    that is the untaken branch of a `where`. Where the partial is a truth value it selects.
    The product stays linear in the cotangent.
    """
    partial = np.asarray(partial) if not isinstance(partial, float | int) else partial
    if isinstance(partial, bool) or getattr(partial, "dtype", None) == np.bool_:
        return np.where(partial, cotangent, np.zeros((), np.asarray(cotangent).dtype))
    product = cotangent * partial
    if np.isfinite(partial).all():
        return product
    return np.where(np.equal(cotangent, 0), np.zeros((), np.asarray(product).dtype), product)


def chain_both(x: Any, y: Any) -> Any:
    """The product of two numbers, zero if either is, whatever the other."""
    product = x * y
    if not np.isnan(product).any():
        return product
    zero = np.equal(x, 0) | np.equal(y, 0)
    return np.where(zero, np.zeros((), np.asarray(product).dtype), product)


def chain_matmul(cotangent: Array, matrix: Array) -> Array:
    """`cotangent @ matrix` where a zero of the cotangent stays zero whatever it meets."""
    finite = np.isfinite(matrix)
    if finite.all():
        return np.asarray(cotangent @ matrix)
    result = np.asarray(cotangent @ np.where(finite, matrix, 0))
    up, down = cotangent > 0, cotangent < 0
    high, low, undefined = matrix == np.inf, matrix == -np.inf, np.isnan(matrix)
    to_high = (up @ high) | (down @ low)
    to_low = (up @ low) | (down @ high)
    lost = ((up | down) @ undefined) | (to_high & to_low)
    result = np.where(to_high, np.inf, np.where(to_low, -np.inf, result)).astype(result.dtype)
    return np.where(lost, np.nan, result).astype(result.dtype)


def chain_matmul_both(x: Array, y: Array) -> Array:
    """`x @ y` where a zero of either stays zero whatever it meets."""
    if np.isfinite(x).all() and np.isfinite(y).all():
        return np.asarray(x @ y)
    left = x[None, :] if x.ndim == 1 else x
    right = y[:, None] if y.ndim == 1 else y
    total = chain_both(left[..., :, :, None], right[..., None, :, :]).sum(axis=-2)
    if y.ndim == 1:
        total = total[..., 0]
    return np.asarray(
        total[..., 0, :] if x.ndim == 1 and y.ndim > 1 else total[..., 0] if x.ndim == 1 else total
    )


_MANY = 8192
"""From so many elements on, einsum makes an outer product faster than multiply."""


def matmul(x: Array, y: Array) -> Array:
    """`x @ y`. A column times a row is an elementwise product, which BLAS takes longer for."""
    if (
        isinstance(x, np.ndarray)
        and isinstance(y, np.ndarray)
        and x.ndim == y.ndim == 2
        and x.shape[1] == y.shape[0] == 1
    ):
        return column_times_row(x, y)
    return np.asarray(np.matmul(x, y))


def column_times_row(column: Array, row: Array) -> Array:
    """Their products, an array with a row for each element of the column."""
    if column.size * row.size < _MANY:
        return np.multiply(column, row)
    # The loops of einsum have less to do for each row than those of a ufunc that broadcasts.
    products: Array = np.einsum("ik,kj->ij", column, row)
    return products


def matmul_left(g: Array, x: Array, y: Array) -> Array:
    """The adjoint of `x @ y` in x; with no more axes than most have, without the detours."""
    if y.ndim == 2:
        if x.ndim == 2:
            return matmul(g, y.T)
        if x.ndim == 1:
            return np.asarray(np.matmul(y, g))
    elif x.ndim == 2 and y.ndim == 1:
        return column_times_row(g[:, None], y[None, :])
    return np.asarray(COMPOSITES["matmul_left"](ARRAY, g, x, y))


def matmul_right(g: Array, x: Array, y: Array) -> Array:
    """The adjoint of `x @ y` in y, likewise."""
    if y.ndim == 2:
        if x.ndim == 2:
            return matmul(x.T, g)
        if x.ndim == 1:
            return column_times_row(x[:, None], g[None, :])
    elif x.ndim == 2 and y.ndim == 1:
        return np.asarray(np.matmul(g, x))
    return np.asarray(COMPOSITES["matmul_right"](ARRAY, g, x, y))


# -- shapes ---------------------------------------------------------------------------------------


def normalized_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes as a tuple of distinct numbers from 0 on; AxisError or ValueError if wrong."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(np.lib.array_utils.normalize_axis_tuple(axis, ndim))


def reduced_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The same for a reduction, where NumPy lets a scalar have an axis 0."""
    return () if ndim == 0 and axis in (0, -1) else normalized_axes(axis, ndim)


def shape_of(x: Any) -> Shape:
    """The shape of an array, a node or a number."""
    shape: Shape = x.shape if hasattr(x, "shape") else np.shape(x)
    return shape


def count(x: Any, axis: Axis) -> int:
    """How many elements are combined into one by a reduction of x along `axis`."""
    shape = shape_of(x)
    return math.prod(shape[a] for a in reduced_axes(axis, len(shape)))


def kept_shape(shape: Shape, axis: Axis) -> Shape:
    """The shape after a reduction along `axis` that keeps the axes with length 1."""
    axes = reduced_axes(axis, len(shape))
    return tuple(1 if a in axes else n for a, n in enumerate(shape))


def sum_to(operand: Any, shape: Shape) -> Array:
    """Sum over the axes along which `shape` was broadcast to the operand's."""
    x: Array = np.asarray(operand)
    if x.shape == shape:
        return x
    added = x.ndim - len(shape)
    if x.shape[added:] == shape:
        if added == 1 and x.ndim == 2 and x.dtype.kind == "f":
            # The sum of rows as a product with ones: BLAS is faster than NumPy's reduction.
            total: Array = np.dot(ones(len(x), x.dtype), x)
            return total
        return np.asarray(np.add.reduce(x, axis=tuple(range(added))))
    stretched = tuple(
        a for a in range(x.ndim) if a < added or (shape[a - added] == 1 and x.shape[a] != 1)
    )
    summed: Array = np.add.reduce(x, axis=stretched, keepdims=True)
    summed = summed.reshape(summed.shape[added:])
    return summed if summed.shape == shape else np.broadcast_to(summed, shape)


@functools.lru_cache(64)
def ones(n: int, dtype: np.dtype[Any]) -> Array:
    """n ones, read-only."""
    made = np.ones(n, dtype)
    made.flags.writeable = False
    return made


def spread(x: Any, shape: Shape, axis: Axis, keepdims: bool) -> Array:
    """Lay a reduced array out along the axes it was reduced over: the adjoint of `sum`."""
    x = np.asarray(x)
    if not keepdims:
        x = x.reshape(kept_shape(shape, axis))
    return np.broadcast_to(x, shape)


def inverse_permutation(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(a) for a in np.argsort(axes))


def negated(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, tuple) else -shift


def inner_block(x: Any, width: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    """Where x lies inside an array padded by `width`."""
    return tuple(slice(a, a + n) for n, (a, _) in zip(np.shape(x), width, strict=True))


def filled(xs: Sequence[Any], ts: Sequence[Any]) -> tuple[Any, ...]:
    """The tangents, with zeros where there is none."""
    return tuple(np.zeros(shape_of(x)) if t is None else t for x, t in zip(xs, ts, strict=True))


def replaced(xs: Sequence[Any], i: int, t: Any) -> tuple[Any, ...]:
    """The operands with `t` in place i."""
    return tuple(t if j == i else x for j, x in enumerate(xs))


def all_finite(x: Any) -> bool:
    """Whether no element is infinite or nan; may say no where squares overflow."""
    flat = np.ravel(x)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))


def scatter(x: Any, index: Index, shape: Shape) -> Array:
    """Zeros of `shape` with x added at `index`, repeated positions summed: getitem's adjoint."""
    x = np.asarray(x)
    result = np.zeros(shape, x.dtype)
    if has_repeats(index):
        np.add.at(result, index, x)
    else:
        result[index] = x
    return result


def has_repeats(index: Index) -> bool:
    """Whether an index may name a position twice (only integer arrays can)."""
    pieces = index if isinstance(index, tuple) else (index,)
    return any(
        p.dtype != np.bool_ and p.size > 1
        for p in pieces
        if hasattr(p, "dtype")  # an array, or what will be one
    )


def index_set(x: Any, v: Any, index: Index) -> Array:
    """A copy of x with v written at `index`; at a repeated position the last one stays."""
    result = np.array(x, np.result_type(x, v))
    result[index] = v
    return result


def indexed_shape(shape: Shape, index: Index) -> Shape:
    """The shape of what `index` picks from an array of `shape`."""
    return np.broadcast_to(np.zeros((), bool), shape)[index].shape


def winners(shape: Shape, index: Index) -> Array | bool:
    """Where a write at `index` stays: at a repeated position only the last one does."""
    if not has_repeats(index):
        return True
    order = np.arange(math.prod(indexed_shape(shape, index))).reshape(indexed_shape(shape, index))
    place = np.full(shape, -1)
    place[index] = order
    kept: Array = place[index] == order
    return kept


def flipped(x: Array, axis: int) -> Array:
    return np.flip(x, axis)


def concatenated(xs: Sequence[Any], axis: int) -> Array:
    return np.concatenate([np.asarray(x) for x in xs], axis=axis)


def einsum(xs: Sequence[Any], subscripts: str) -> Array:
    return np.asarray(np.einsum(subscripts, *xs, optimize=len(xs) > 1))


def convolve(x: Array, y: Array) -> Array:
    """The full convolution; of an empty vector zeros."""
    if x.size and y.size:
        return np.convolve(x, y)
    return np.zeros(max(len(x) + len(y) - 1, 0), np.result_type(x, y))


# -- reductions ---------------------------------------------------------------------------------


@quiet
def norm2(x: Array, axis: Axis, keepdims: bool) -> Array:
    """The square root of the sum of squares, without overflow or underflow on the way."""
    result = np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    floor = 1e-12 if np.asarray(x).dtype == np.float32 else 1e-140
    if np.all((result == 0) & (np.sum(np.abs(x)) == 0) | (result > floor) & (result < 1 / floor)):
        return np.asarray(result)
    scale = power_of_two_scale(x, axis)
    scaled = x / scale
    total = np.sqrt(np.sum(scaled * scaled, axis=axis, keepdims=keepdims))
    return np.asarray(total * scale.reshape(np.shape(total)))


def power_of_two_scale(x: Array, axis: Axis) -> Array:
    """A power of two next to the largest magnitude along `axis`, axes kept; 1 where that is 0
    or not finite. Dividing by it is exact."""
    return _power_of_two(np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0))


def _power_of_two(size: Array) -> Array:
    _, exponent = np.frexp(size)
    usable = (size > 0) & np.isfinite(size)
    return np.ldexp(np.ones((), size.dtype), np.where(usable, exponent - 1, 0))


@quiet
def norm_p(x: Array, p: float, axis: Axis, keepdims: bool) -> Array:
    """(sum |x|**p)**(1/p), scaled by the magnitude that counts most: the smallest for p < 0."""
    magnitude = np.abs(x)
    if p < 0:
        scale = _power_of_two(np.min(magnitude, axis=axis, keepdims=True, initial=np.inf))
    else:
        scale = power_of_two_scale(x, axis)
    total = np.sum((magnitude / scale) ** p, axis=axis, keepdims=keepdims) ** (1.0 / p)
    return np.asarray(total * scale.reshape(np.shape(total)))


@quiet
def std(x: Array, axis: Axis, ddof: float, keepdims: bool) -> Array:
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    deviation = deviation - np.mean(deviation, axis=axis, keepdims=True)
    n = count(x, axis)
    # The size is a Python number, so that float32 stays float32.
    return np.asarray(norm2(deviation, axis, keepdims) / degrees_of_freedom(n, ddof) ** 0.5)


def degrees_of_freedom(n: int, ddof: float) -> float:
    """n - ddof, nan where nothing is left: NumPy's answer there too."""
    return n - ddof if n - ddof > 0 else math.nan


@quiet
def logsumexp(x: Array, axis: Axis, keepdims: bool) -> Array:
    """log(sum(exp(x))), shifted by the largest element."""
    total, shift, _ = _log_of_sum(x, axis)
    total = total + shift
    return np.asarray(total if keepdims else total.reshape(_dropped(np.shape(x), axis)))


def _log_of_sum(x: Array, axis: Axis) -> tuple[Array, Array, Array]:
    """log(sum(exp(x - shift))), the shift, and x - shift; axes kept.

    The largest term is exactly 1, so the logarithm is log1p of the others: right to the last digit
    when they are small.
    """
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0).astype(largest.dtype)
    shifted = x - shift
    terms = np.exp(shifted)
    if np.isfinite(largest).all() and x.size:
        if isinstance(axis, int | np.integer):
            place = np.argmax(shifted, axis=axis, keepdims=True)
            np.put_along_axis(terms, place, 0.0, axis=axis)
        else:
            terms = np.where(top_mask(shifted, axis), 0, terms)
        return np.log1p(np.sum(terms, axis=axis, keepdims=True)), shift, shifted
    return np.log(np.sum(terms, axis=axis, keepdims=True)), shift, shifted


@quiet
def softmax(x: Array, axis: Axis) -> Array:
    """exp(x) / sum(exp(x)), shifted by the largest element.

    Infinite elements share the whole equally; a slice with nothing but -inf gives zeros.
    """
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    finite = np.isfinite(largest)
    shift = np.where(finite, largest, 0).astype(largest.dtype)
    weight = np.exp(np.where(finite, x - shift, -np.inf)).astype(x.dtype)
    weight = np.where(np.isposinf(largest), np.isposinf(x), weight).astype(x.dtype)
    weight = np.where(np.isnan(largest), largest, weight)
    total = np.sum(weight, axis=axis, keepdims=True)
    return np.asarray(weight / np.where(total == 0, 1, total).astype(total.dtype))


@quiet
def log_softmax(x: Array, axis: Axis) -> Array:
    """x - logsumexp(x); a slice with nothing but -inf stays -inf."""
    total, _, shifted = _log_of_sum(x, axis)
    return np.asarray(np.where(np.isneginf(shifted), shifted, shifted - total))


def _dropped(shape: Shape, axis: Axis) -> Shape:
    axes = reduced_axes(axis, len(shape))
    return tuple(n for a, n in enumerate(shape) if a not in axes)


def tie_share(x: Array, out: Array, axis: Axis, keepdims: bool) -> Array:
    """1/k where x is one of the k elements equal to the result, 0 elsewhere; nan meets nan."""
    laid_out = spread(out, x.shape, axis, keepdims)
    chosen = (x == laid_out) | (np.isnan(x) & np.isnan(laid_out))
    return np.asarray(chosen / np.sum(chosen, axis=axis, keepdims=True))


def top_mask(x: Array, axis: Axis) -> Array:
    """True at the first largest element along `axis`."""
    axes = reduced_axes(axis, x.ndim)
    rest = tuple(a for a in range(x.ndim) if a not in axes)
    moved = np.transpose(x, (*rest, *axes))
    rows = moved.reshape(*moved.shape[: len(rest)], math.prod(moved.shape[len(rest) :]))
    mask = np.zeros(rows.shape, bool)
    if rows.size:
        np.put_along_axis(mask, np.argmax(rows, axis=-1)[..., None], True, axis=-1)
    return np.transpose(mask.reshape(moved.shape), inverse_permutation((*rest, *axes)))


def linear_recurrence(a: Array, b: Array, axis: int) -> Array:
    """s_i = b_i + a_i s_{i-1} along `axis`, with s_{-1} = 0."""
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    result = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    previous: Any = 0.0
    for i in range(len(result)):
        previous = result[i] = b[i] + (chain(previous, a[i]) if i else 0.0)
    return np.moveaxis(result, 0, axis)


# -- elementwise ----------------------------------------------------------------------------------


def elementwise_float(function: Callable[..., float]) -> Callable[..., Any]:
    """A function of one float (and static parameters), applied to every element of an array."""

    def apply(x: Any, *params: Any) -> Any:
        x = np.asarray(x)
        dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
        values = [function(v, *params) for v in x.ravel().tolist()]
        return np.array(values, dtype).reshape(x.shape)

    return apply


@quiet
def pow_less(x: Any, y: Any, n: int) -> Any:
    """x ** (y - n), corrected for the rounding of y - n (Knuth's two-sum)."""
    power = y - n
    shift = power - y
    error = (y - (power - shift)) - (n + shift)
    result = x**power
    if np.any(error):
        positive = np.greater(x, 0)
        correction = error * np.log(np.where(positive, x, 1))
        usable = np.isfinite(correction) & np.isfinite(result)
        result = result * (1 + np.where(usable, correction, 0))
    return result


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)). Where exp(-x) overflows the result is exp(x), next to zero."""
    with np.errstate(over="ignore", under="ignore"):
        power = np.exp(-x)
        result = 1.0 / (1.0 + power)
        if np.count_nonzero(result) < result.size:  # it is 0 only there
            result = np.where(power == np.inf, np.exp(x), result)
    return result


CONSTANTS: dict[str, Any] = {
    "shape_of": shape_of,
    "count": count,
    "kept_shape": kept_shape,
    "inverse_permutation": inverse_permutation,
    "negated": negated,
    "inner_block": inner_block,
    "winners": winners,
    "degrees_of_freedom": degrees_of_freedom,
    "power_of_two_scale": power_of_two_scale,
    "tie_share": tie_share,
    "top_mask": top_mask,
    "all_finite": all_finite,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "pi": math.pi,
    "inf": math.inf,
    "nan": math.nan,
    "ln2": math.log(2.0),
    "ln10": math.log(10.0),
    "log2_e": math.log2(math.e),
    "log10_e": math.log10(math.e),
    **matrices.OBSERVATIONS,
    "length_along": transforms.length_along,
}

_UFUNCS = (
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan arcsin arccos arctan arctan2 sinh "
    "cosh tanh arcsinh arccosh arctanh hypot logaddexp logaddexp2 maximum minimum fmax fmin floor "
    "ceil trunc rint sign copysign fmod heaviside"
).split()

ARRAY = Namespace(
    "array",
    {
        **CONSTANTS,
        **{name: getattr(np, name) for name in _UFUNCS},
        "abs": np.abs,
        "pow": np.power,
        "where": np.where,
        "chain": chain,
        "chain_both": chain_both,
        "chain_matmul": chain_matmul,
        "chain_matmul_both": chain_matmul_both,
        "normal_cdf": elementwise_float(special.normal_cdf),
        "normal_pdf": elementwise_float(special.normal_pdf),
        "bessel": elementwise_float(special.bessel),
        "sum": lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims),
        "mean": lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims),
        "prod": lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
        "max": lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
        "min": lambda x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims),
        "var": lambda x, axis, ddof, keepdims: np.var(x, axis=axis, ddof=ddof, keepdims=keepdims),
        "std": std,
        "norm2": norm2,
        "norm_p": norm_p,
        "logsumexp": logsumexp,
        "softmax": softmax,
        "log_softmax": log_softmax,
        "cumsum": lambda x, axis: np.cumsum(x, axis=axis),
        "cumprod": lambda x, axis: np.cumprod(x, axis=axis),
        "linear_recurrence": linear_recurrence,
        "sum_to": sum_to,
        "spread": spread,
        "broadcast_to": np.broadcast_to,
        "reshape": np.reshape,
        "transpose": np.transpose,
        "flip": flipped,
        "roll": np.roll,
        "getitem": lambda x, index: x[index],
        "scatter": scatter,
        "index_set": index_set,
        "astype": lambda x, dtype: np.asarray(x).astype(dtype),
        "stack": lambda xs, axis: np.stack([np.asarray(x) for x in xs], axis=axis),
        "pow_less": pow_less,
        "sigmoid": sigmoid,
        "sinc": elementwise_float(functools.partial(special.bessel, order=0)),
        "pad": lambda x, width, value: np.pad(x, width, constant_values=value),
        "concatenate": concatenated,
        "filled": filled,
        "replaced": replaced,
        "matmul": matmul,
        "matmul_left": matmul_left,
        "matmul_right": matmul_right,
        "einsum": einsum,
        "convolve": convolve,
        **matrices.MEANINGS,
        **transforms.MEANINGS,
    },
)

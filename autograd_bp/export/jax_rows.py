"""The rule sheet on JAX's arrays: one more namespace.

Elementwise formulas are read as they are; what is a primitive there (NumPy's functions, and ours of
`rules.arrays`) has its counterpart in `FORWARD`. Nothing here looks at numbers, so all of it can be
traced: where ours takes a shortcut for usual numbers, this takes the general way.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from autograd_bp.rules import arrays, transforms
from autograd_bp.rules.arrays import has_repeats, indexed_shape, kept_shape, reduced_axes
from autograd_bp.rules.readings import Namespace
from autograd_bp.rules.windows import window_counts

Array = Any


def canonical(dtype: Any) -> Any:
    """The dtype that JAX has for this one: of 32 bits, unless `jax_enable_x64` is set."""
    return jax.dtypes.canonicalize_dtype(dtype)


# -- moving elements ------------------------------------------------------------------------------


def sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """The adjoint of a broadcast from `shape`."""
    added = x.ndim - len(shape)
    axes = tuple(k for k, n in enumerate(x.shape) if k < added or (shape[k - added] == 1 != n))
    return jnp.broadcast_to(jnp.sum(x, axis=axes).reshape(_fitted(x, axes, shape)), shape)


def _fitted(x: Array, axes: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    return kept[len(kept) - len(shape) :]


def spread(x: Array, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Array:
    """The adjoint of a sum."""
    return jnp.broadcast_to(x if keepdims else x.reshape(kept_shape(shape, axis)), shape)


def _index(index: Any) -> Any:
    """An index as JAX takes it: no lists, and static arrays as NumPy's."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    return np.asarray(index) if isinstance(index, list) else index


def getitem(x: Array, index: Any) -> Array:
    """The row `getitem`."""
    return x[_index(index)]


def scatter(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """The row `scatter`."""
    return jnp.zeros(shape, x.dtype).at[_index(index)].add(x)


def index_set(x: Array, v: Array, index: Any) -> Array:
    """Writes in JAX have no order, so for repeated positions the last one is looked up."""
    index = _index(index)
    x, v = jnp.asarray(x), jnp.asarray(v)
    x = x.astype(jnp.result_type(x, v))
    if not has_repeats(index) or not _is_static(index):
        return x.at[index].set(v.astype(x.dtype))
    written = indexed_shape(x.shape, index)
    place = np.full(x.shape, -1)
    place[index] = np.arange(math.prod(written)).reshape(written)
    flat = jnp.broadcast_to(v, written).ravel()
    return jnp.where(place >= 0, flat[np.maximum(place, 0)], x) if flat.size else x


def _is_static(index: Any) -> bool:
    pieces = index if isinstance(index, tuple) else (index,)
    return not any(isinstance(piece, jax.Array) for piece in pieces)


def windows(x: Array, size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """A strided slice for each place in a window."""
    k = len(size)
    first = x.ndim - k
    counts = window_counts(x.shape[first:], tuple(size), tuple(stride), tuple(dilation))
    parts = [
        x[(..., *_places(offsets, counts, stride, dilation))]
        for offsets in itertools.product(*map(range, size))
    ]
    shape = (*x.shape[:first], *counts, *size)
    return jnp.stack(parts, axis=-1).reshape(shape) if parts else jnp.zeros(shape, x.dtype)


def overlap_add(
    x: Array,
    shape: tuple[int, ...],
    size: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Array:
    """The adjoint of `windows`."""
    first = len(shape) - len(size)
    counts = window_counts(shape[first:], tuple(size), tuple(stride), tuple(dilation))
    result = jnp.zeros(shape, x.dtype)
    if math.prod(counts):
        for offsets in itertools.product(*map(range, size)):
            places = _places(offsets, counts, stride, dilation)
            result = result.at[(..., *places)].add(x[(..., *offsets)])
    return result


def _places(
    offsets: Sequence[int], counts: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[slice, ...]:
    return tuple(
        slice(offset * d, offset * d + s * (count - 1) + 1 if count else offset * d, s)
        for offset, d, s, count in zip(offsets, dilation, stride, counts, strict=True)
    )


def convolve(x: Array, y: Array) -> Array:
    """The row `convolve`."""
    if x.size and y.size:
        return jnp.convolve(x, y)
    return jnp.zeros(max(len(x) + len(y) - 1, 0), jnp.result_type(x, y))


def concatenate(xs: Sequence[Array], axis: int) -> Array:
    """The row `concatenate`."""
    return jnp.concatenate([jnp.asarray(x) for x in xs], axis=axis)


def _pair(z: Array, dtype: Any) -> Array:
    return jnp.stack([z.real, z.imag]).astype(dtype)


def dft(x: Array, axis: int, sign: int) -> Array:
    """The row `dft`."""
    n = x.shape[axis]
    if n == 0:
        return x
    z = x[0] + 1j * x[1]
    found = jnp.fft.fft(z, axis=axis - 1) if sign < 0 else jnp.fft.ifft(z, axis=axis - 1) * n
    return _pair(found, x.dtype)


def rfft(x: Array, axis: int) -> Array:
    """The row `rfft`."""
    if x.shape[axis] == 0:
        return jnp.zeros((2, *x.shape[:axis], 1, *x.shape[axis + 1 :]), x.dtype)
    return _pair(jnp.fft.rfft(x, axis=axis), x.dtype)


def rfft_adjoint(x: Array, n: int, axis: int) -> Array:
    """The row `rfft_adjoint`."""
    lengths = x.shape[1:]
    if n == 0:
        return jnp.zeros((*lengths[:axis], 0, *lengths[axis + 1 :]), x.dtype)
    weights = np.full(lengths[axis], n / 2)
    weights[0] = n
    if n % 2 == 0:
        weights[-1] = n
    shape = (-1, *(1,) * (len(lengths) - axis - 1))
    z = (x[0] + 1j * x[1]) * weights.reshape(shape)
    return jnp.fft.irfft(z, n, axis=axis).astype(x.dtype)


# -- reductions -----------------------------------------------------------------------------------


def _power_of_two(size: Array) -> Array:
    _, exponent = jnp.frexp(size)
    usable = (size > 0) & jnp.isfinite(size)
    return jnp.ldexp(jnp.ones((), size.dtype), jnp.where(usable, exponent - 1, 0))


def power_of_two_scale(x: Array, axis: Any) -> Array:
    """A power of two next to the largest magnitude."""
    return _power_of_two(jnp.max(jnp.abs(x), axis=axis, keepdims=True, initial=0.0))


def norm2(x: Array, axis: Any, keepdims: bool) -> Array:
    """The row `norm2`."""
    scale = power_of_two_scale(x, axis)
    scaled = x / scale
    total = jnp.sqrt(jnp.sum(scaled * scaled, axis=axis, keepdims=keepdims))
    return total * scale.reshape(total.shape)


def norm_p(x: Array, p: float, axis: Any, keepdims: bool) -> Array:
    """The row `norm_p`."""
    magnitude = jnp.abs(x)
    if p < 0:
        scale = _power_of_two(jnp.min(magnitude, axis=axis, keepdims=True, initial=jnp.inf))
    else:
        scale = power_of_two_scale(x, axis)
    total = jnp.sum((magnitude / scale) ** p, axis=axis, keepdims=keepdims) ** (1.0 / p)
    return total * scale.reshape(total.shape)


def std(x: Array, axis: Any, ddof: float, keepdims: bool) -> Array:
    """The row `std`."""
    deviation = x - jnp.mean(x, axis=axis, keepdims=True)
    deviation = deviation - jnp.mean(deviation, axis=axis, keepdims=True)
    left = arrays.degrees_of_freedom(arrays.count(x, axis), ddof)
    return norm2(deviation, axis, keepdims) / left**0.5


def var(x: Array, axis: Any, ddof: float, keepdims: bool) -> Array:
    """The row `var`."""
    deviation = x - jnp.mean(x, axis=axis, keepdims=True)
    n = arrays.count(x, axis)
    left = max(n - ddof, 0)
    total = jnp.sum(deviation * deviation, axis=axis, keepdims=keepdims)
    return total / left if left else total / jnp.zeros((), x.dtype)


def top_mask(x: Array, axis: Any) -> Array:
    """True at the first largest element along `axis`."""
    axes = reduced_axes(axis, x.ndim)
    rest = tuple(a for a in range(x.ndim) if a not in axes)
    moved = jnp.transpose(x, (*rest, *axes))
    n = math.prod(moved.shape[len(rest) :])
    rows = moved.reshape(*moved.shape[: len(rest)], n)
    if rows.size == 0:
        return jnp.zeros(x.shape, bool)
    mask = jnp.arange(n) == jnp.argmax(rows, axis=-1)[..., None]
    return jnp.transpose(mask.reshape(moved.shape), arrays.inverse_permutation((*rest, *axes)))


def tie_share(x: Array, out: Array, axis: Any, keepdims: bool) -> Array:
    """1/k at each of the k elements equal to the result."""
    laid_out = spread(out, x.shape, axis, keepdims)
    chosen = (x == laid_out) | (jnp.isnan(x) & jnp.isnan(laid_out))
    return chosen / jnp.sum(chosen, axis=axis, keepdims=True)


def _log_of_sum(x: Array, axis: Any) -> tuple[Array, Array, Array]:
    """log(sum(exp(x - shift))), the shift, and x - shift: see `rules.arrays`."""
    largest = jnp.max(x, axis=axis, keepdims=True, initial=-jnp.inf)
    finite = jnp.isfinite(largest)
    shift = jnp.where(finite, largest, 0)
    shifted = x - shift
    terms = jnp.exp(shifted)
    others = jnp.where(top_mask(shifted, axis), 0, terms)
    small = jnp.log1p(jnp.sum(others, axis=axis, keepdims=True))
    total = jnp.where(finite, small, jnp.log(jnp.sum(terms, axis=axis, keepdims=True)))
    return total, shift, shifted


def logsumexp(x: Array, axis: Any, keepdims: bool) -> Array:
    """The row `logsumexp`."""
    total, shift, _ = _log_of_sum(x, axis)
    total = total + shift
    axes = reduced_axes(axis, x.ndim)
    dropped = tuple(n for k, n in enumerate(x.shape) if k not in axes)
    return total if keepdims else total.reshape(dropped)


def softmax(x: Array, axis: Any) -> Array:
    """The row `softmax`."""
    largest = jnp.max(x, axis=axis, keepdims=True, initial=-jnp.inf)
    finite = jnp.isfinite(largest)
    weight = jnp.exp(jnp.where(finite, x - jnp.where(finite, largest, 0), -jnp.inf))
    weight = jnp.where(jnp.isposinf(largest), jnp.isposinf(x).astype(x.dtype), weight)
    weight = jnp.where(jnp.isnan(largest), largest, weight)
    total = jnp.sum(weight, axis=axis, keepdims=True)
    return weight / jnp.where(total == 0, 1, total)


def log_softmax(x: Array, axis: Any) -> Array:
    """The row `log_softmax`."""
    total, _, shifted = _log_of_sum(x, axis)
    return jnp.where(jnp.isneginf(shifted), shifted, shifted - total)


def linear_recurrence(a: Array, b: Array, axis: int) -> Array:
    """s_i = b_i + a_i s_{i-1} along `axis`, with s_{-1} = 0."""
    a, b = jnp.broadcast_arrays(a, b)
    a, b = jnp.moveaxis(a, axis, 0), jnp.moveaxis(b, axis, 0)
    if len(a) == 0:
        return jnp.moveaxis(b, 0, axis)

    def step(previous: Array, factors: tuple[Array, Array]) -> tuple[Array, Array]:
        result = factors[1] + factors[0] * previous
        return result, result

    _, rest = jax.lax.scan(step, b[0], (a[1:], b[1:]))
    return jnp.moveaxis(jnp.concatenate([b[:1], rest]), 0, axis)


# -- losses ---------------------------------------------------------------------------------------


def _terms(x: Array) -> tuple[Array, Array, Array, Array, Array]:
    """The logits, where the largest is, that one, exp of the others, and their sum."""
    largest = jnp.max(x, axis=-1, keepdims=True)
    share = jnp.where(x == largest, 0, -jnp.inf).astype(x.dtype)
    rows = jnp.where(jnp.isinf(largest), share, x)
    top = jnp.argmax(rows, axis=-1)
    largest = jnp.max(rows, axis=-1)
    is_top = jnp.arange(x.shape[-1]) == top[..., None]
    terms = jnp.where(is_top, 0, jnp.exp(rows - largest[..., None]))
    return rows, is_top, largest, terms, jnp.sum(terms, axis=-1)


def cross_entropy(x: Array, labels: Array, weights: Any) -> Array:
    """The row `cross_entropy`."""
    rows, _, largest, _, others = _terms(x)
    labels = jnp.asarray(labels)
    right = jnp.take_along_axis(rows, labels[..., None], axis=-1)[..., 0]
    most = np.finfo(x.dtype).max
    losses = jnp.minimum(jnp.log1p(others) + (largest - right), most)
    if weights is None:
        return losses
    weight = jnp.reshape(weights, labels.shape) if jnp.ndim(weights) else weights
    return jnp.minimum(jnp.sum(losses * weight), most).astype(x.dtype)


def label_errors(x: Array, labels: Array, weights: Any) -> Array:
    """The row `label_errors`."""
    _, is_top, _, terms, others = _terms(x)
    labels = jnp.asarray(labels)
    weight = jnp.reshape(weights, labels.shape) if jnp.ndim(weights) else weights
    scale = (weight / (1 + others))[..., None]
    weight = jnp.asarray(weight, x.dtype)
    weight = weight[..., None] if weight.ndim else weight
    errors = jnp.where(is_top, scale, terms * scale)
    is_label = jnp.arange(x.shape[-1]) == labels[..., None]
    at_label = jnp.where(is_top, -others[..., None] * scale, errors - weight)
    return jnp.where(is_label, at_label, errors).astype(x.dtype)


def soft_cross_entropy(x: Array, p: Array) -> Array:
    """The row `soft_cross_entropy`."""
    rows, _, largest, _, others = _terms(x)
    less = jnp.minimum(largest[..., None] - rows, np.finfo(x.dtype).max)
    less = less + jnp.log1p(others)[..., None]
    return jnp.sum(jnp.where(p == 0, 0, p * less), axis=-1)


# -- special functions ----------------------------------------------------------------------------


def pow_less(x: Array, y: Array, n: int) -> Array:
    """The row `pow_less`."""
    power = y - n
    shift = power - y
    error = (y - (power - shift)) - (n + shift)
    result = jnp.power(x, power)
    correction = error * jnp.log(jnp.where(x > 0, x, 1))
    usable = jnp.isfinite(correction) & jnp.isfinite(result)
    return jnp.where(usable, result * (1 + correction), result)


def normal_pdf(x: Array) -> Array:
    """The row `normal_pdf`."""
    high, low = _split(jnp.clip(x, -40.0, 40.0))
    density = jnp.exp(-0.5 * high * high) * jnp.exp(-0.5 * low * (high + low + high))
    return jnp.where(jnp.abs(x) > 40.0, 0.0, 0.3989422804014327 * density)


def _split(x: Array) -> tuple[Array, Array]:
    """x in two pieces whose squares are exact: by its bits, which no compiler may rearrange."""
    wide = x.dtype == jnp.float64
    bits = jax.lax.bitcast_convert_type(x, jnp.uint64 if wide else jnp.uint32)
    low_bits = 27 if wide else 12
    high = jax.lax.bitcast_convert_type((bits >> low_bits) << low_bits, x.dtype)
    return high, x - high


def normal_cdf(x: Array) -> Array:
    """erfc corrected for the rounding of x / sqrt(2): see `rules.special`."""
    z = x * math.sqrt(0.5)
    near = jnp.clip(x, -40.0, 40.0)
    x_high, x_low = _split(near)
    c_high, c_low = _split(jnp.asarray(math.sqrt(0.5), x.dtype))
    product = near * math.sqrt(0.5)
    error = ((x_high * c_high - product) + x_high * c_low + x_low * c_high) + x_low * c_low
    error = error + near * -4.833646656726457e-17
    value = 0.5 * jax.scipy.special.erfc(-z)
    corrected = value + math.sqrt(2.0) * normal_pdf(near) * error
    return jnp.where(jnp.abs(x) < 40.0, corrected, value)


def bessel(x: Array, order: int) -> Array:
    """The spherical Bessel function j_order(pi x): see `rules.special`."""
    order = int(order)
    z = math.pi * x
    near = jnp.clip(z, -order - 1.5, order + 1.5)
    term = jnp.ones_like(x)
    for k in range(1, order + 1):
        term = term * (near / (2 * k + 1))
    total = jnp.zeros_like(x)
    for k in range(1, 30 + 2 * order):
        total = total + term
        term = term * (-0.5 * near * near) / (k * (2 * order + 2 * k + 1))
    safe = jnp.where(jnp.abs(z) < order + 1.5, 1.0, x)
    remainder = jnp.where(jnp.abs(safe) < 2.0**53, safe - 2.0 * jnp.round(0.5 * safe), 0.0)
    quarter = jnp.round(2.0 * remainder)
    angle = math.pi * (remainder - 0.5 * quarter)
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    turn = jnp.mod(quarter, 4)
    turns = [turn == 0, turn == 1, turn == 2]
    sines = jnp.select(turns, [sine, cosine, -sine], -cosine)
    cosines = jnp.select(turns, [cosine, -sine, -cosine], sine)
    previous, current = cosines / math.pi / safe, sines / math.pi / safe
    for n in range(order):
        # This order, so that pi x may overflow.
        previous, current = current, (2 * n + 1) / (math.pi * safe) * current - previous
    far = jnp.where(jnp.isinf(x), 0.0, current)
    return jnp.where(jnp.isnan(x), x, jnp.where(jnp.abs(z) < order + 1.5, total, far))


# -- matrices -------------------------------------------------------------------------------------


def _t(x: Array) -> Array:
    return jnp.swapaxes(x, -1, -2)


def cofactor(x: Array) -> Array:
    """The row `cofactor`."""
    n = x.shape[-1]
    if n == 0:
        return x
    if n == 1:
        return jnp.ones_like(x)
    if n == 2:
        return jnp.flip(x, (-1, -2)) * np.array([[1, -1], [-1, 1]], x.dtype)
    if n == 3:
        return _crosses(x, x)
    u, s, vh, sign = _oriented_svd(x)
    apart = jnp.broadcast_to(s[..., None, :], (*s.shape, n))
    others = jnp.where(np.eye(n, dtype=bool), 1, apart).prod(axis=-1)[..., None, :]
    return sign * (u * others) @ vh


def cofactor_slope(x: Array, t: Array) -> Array:
    """The row `cofactor_slope`."""
    n = x.shape[-1]
    if n < 2:
        return jnp.zeros(jnp.broadcast_shapes(x.shape, t.shape), jnp.result_type(x, t))
    if n == 2:
        return cofactor(t) + jnp.zeros_like(x)
    if n == 3:
        return _crosses(x, t) + _crosses(t, x)
    u, s, vh, sign = _oriented_svd(x)
    e = _t(u) @ t @ _t(vh)
    here = np.eye(n, dtype=bool)
    gone = here[:, None, :] | here[None, :, :]
    pairs = jnp.where(gone, 1, s[..., None, None, :]).prod(axis=-1)
    pairs = jnp.where(here, 0, pairs)
    diagonal = jnp.einsum("...ii->...i", e)
    on_diagonal = jnp.einsum("...ij,...j->...i", pairs, diagonal)
    mixed = jnp.where(here, on_diagonal[..., None], -_t(e) * pairs)
    return sign * (u @ mixed @ vh)


def _crosses(x: Array, y: Array) -> Array:
    return jnp.cross(jnp.roll(x, -1, axis=-2), jnp.roll(y, -2, axis=-2))


def _oriented_svd(x: Array) -> tuple[Array, Array, Array, Array]:
    u, s, vh = jnp.linalg.svd(x)
    sign = jnp.sign(jnp.linalg.det(u) * jnp.linalg.det(vh))
    return u, s, vh, sign[..., None, None]


def solve(a: Array, b: Array) -> Array:
    """`b` is a matrix, or a stack of them: NumPy's reading, where JAX takes a vector."""
    shape = (*jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])
    if 0 in shape or 0 in a.shape:
        return jnp.zeros(shape, jnp.result_type(a, b))
    return jnp.linalg.solve(a, b)


def eigh(x: Array, lower: bool) -> Array:
    """The row `eigh`."""
    w, v = jnp.linalg.eigh(x if lower else _t(x), UPLO="L", symmetrize_input=False)
    return jnp.concatenate([w[..., None, :], v], axis=-2)


def eigvalsh(x: Array, lower: bool) -> Array:
    """The row `eigvalsh`."""
    return eigh(x, lower)[..., 0, :]


def svd(x: Array) -> Array:
    """The row `svd`."""
    u, s, vh = jnp.linalg.svd(x, full_matrices=False)
    batch = x.shape[:-2]
    flat = [
        u.reshape(*batch, math.prod(u.shape[-2:])),
        s,
        vh.reshape(*batch, math.prod(vh.shape[-2:])),
    ]
    return jnp.concatenate(flat, axis=-1)


def qr(x: Array) -> Array:
    """The row `qr`."""
    q, r = jnp.linalg.qr(x)
    return jnp.concatenate([q, r], axis=-2)


def coincident(w: Array) -> Array:
    """Which pairs of numbers cannot be told apart."""
    size = jnp.max(jnp.abs(w), axis=-1, keepdims=True, initial=0.0)[..., None]
    gap = jnp.abs(w[..., :, None] - w[..., None, :])
    return gap <= 4 * w.shape[-1] * np.finfo(w.dtype).eps * size


_UFUNCS = (
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan arcsin arccos arctan arctan2 sinh "
    "cosh tanh arcsinh arccosh arctanh hypot logaddexp logaddexp2 maximum minimum fmax fmin floor "
    "ceil trunc rint sign copysign fmod heaviside abs where"
).split()

CONSTANTS: dict[str, Any] = {
    **{
        name: meaning
        for name, meaning in arrays.CONSTANTS.items()
        if name
        in (
            "shape_of count kept_shape inverse_permutation negated inner_block winners "
            "degrees_of_freedom pi inf nan ln2 ln10 log2_e log10_e triangle identity_like"
        ).split()
    },
    "length_along": transforms.length_along,
    "power_of_two_scale": power_of_two_scale,
    "tie_share": tie_share,
    "top_mask": top_mask,
    "isnan": jnp.isnan,
    "isfinite": jnp.isfinite,
    "logical_and": jnp.logical_and,
    "logical_or": jnp.logical_or,
    "logical_not": jnp.logical_not,
    "coincident": coincident,
    "determinant_sign": lambda x: jnp.linalg.slogdet(x)[0],
    "columns_of_zeros": lambda x: (x == 0).all(axis=-2, keepdims=True),
    # What looks at numbers to choose a way, or to refuse: the usual way is taken.
    "all_finite": lambda _: True,
    "all_zero": lambda _: False,
    "dependent": lambda _: False,
    "deficient": lambda _x, _rcond: False,
    **{name: lambda *_: None for name in arrays.CONSTANTS if name.startswith("refuse_")},
}
"""What has no derivative of its own."""


def filled(xs: Sequence[Any], ts: Sequence[Any]) -> tuple[Any, ...]:
    """The tangents, with zeros where there is none."""
    return tuple(jnp.zeros(jnp.shape(x)) if t is None else t for x, t in zip(xs, ts, strict=True))


def _reduction(name: str) -> Callable[..., Array]:
    function = getattr(jnp, name)
    return lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims)


FORWARD = Namespace(
    "JAX array",
    {
        **CONSTANTS,
        **{name: getattr(jnp, name) for name in _UFUNCS},
        "pow": jnp.power,
        "pow_less": pow_less,
        "normal_cdf": normal_cdf,
        "normal_pdf": normal_pdf,
        "bessel": bessel,
        "sinc": functools.partial(bessel, order=0),
        **{name: _reduction(name) for name in ("sum", "mean", "prod", "max", "min")},
        "var": var,
        "std": std,
        "norm2": norm2,
        "norm_p": norm_p,
        "logsumexp": logsumexp,
        "softmax": softmax,
        "log_softmax": log_softmax,
        "cumsum": lambda x, axis: jnp.cumsum(x, axis=axis),
        "cumprod": lambda x, axis: jnp.cumprod(x, axis=axis),
        "linear_recurrence": linear_recurrence,
        "sum_to": sum_to,
        "spread": spread,
        "broadcast_to": jnp.broadcast_to,
        "reshape": jnp.reshape,
        "transpose": jnp.transpose,
        "flip": jnp.flip,
        "roll": jnp.roll,
        "getitem": getitem,
        "scatter": scatter,
        "index_set": index_set,
        "astype": lambda x, dtype: jnp.asarray(x).astype(canonical(dtype)),
        "stack": lambda xs, axis: jnp.stack([jnp.asarray(x) for x in xs], axis=axis),
        "pad": lambda x, width, value: jnp.pad(x, width, constant_values=value) if width else x,
        "concatenate": concatenate,
        "filled": filled,
        "replaced": arrays.replaced,
        "matmul": jnp.matmul,
        "chain_matmul": jnp.matmul,
        "chain_matmul_both": jnp.matmul,
        "einsum": lambda xs, subscripts: jnp.einsum(subscripts, *xs),
        "convolve": convolve,
        "windows": windows,
        "overlap_add": overlap_add,
        "dft": dft,
        "rfft": rfft,
        "rfft_adjoint": rfft_adjoint,
        "cross_entropy": cross_entropy,
        "label_errors": label_errors,
        "soft_cross_entropy": soft_cross_entropy,
        "inv": jnp.linalg.inv,
        "solve": solve,
        "det": jnp.linalg.det,
        "logabsdet": lambda x: jnp.linalg.slogdet(x)[1],
        "cofactor": cofactor,
        "cofactor_slope": cofactor_slope,
        "cholesky": lambda x: jnp.linalg.cholesky(x, symmetrize_input=False),
        "eigh": eigh,
        "eigvalsh": eigvalsh,
        "svd": svd,
        "svdvals": lambda x: jnp.linalg.svd(x, compute_uv=False),
        "qr": qr,
        "pinv": lambda x, rcond: jnp.linalg.pinv(x, rtol=rcond),
    },
)
"""The rows on JAX's arrays, without derivatives."""

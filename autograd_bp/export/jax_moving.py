"""Rows that move elements, add them up, and transform them, on JAX's arrays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from autograd_bp.rules.arrays import has_repeats, indexed_shape, kept_shape
from autograd_bp.rules.transforms import irfft_weights
from autograd_bp.rules.windows import window_counts

Array = Any


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
    z = (x[0] + 1j * x[1]) * irfft_weights(lengths, n, axis)
    return jnp.fft.irfft(z, n, axis=axis).astype(x.dtype)

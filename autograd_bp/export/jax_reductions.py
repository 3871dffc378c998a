"""Sums, norms, softmax and their like on JAX's arrays."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from autograd_bp.export.jax_moving import spread
from autograd_bp.rules import arrays
from autograd_bp.rules.arrays import reduced_axes

Array = Any


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

"""Losses of classes and special functions on JAX's arrays."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Array = Any


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

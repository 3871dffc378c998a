"""Decompositions, determinants and linear equations on JAX's arrays."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

Array = Any


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

"""What the rows of linear algebra mean on NumPy arrays, and what their derivatives look at.

A matrix is the last two axes; axes before them are batches. A decomposition gives one array that
holds all its parts, since an operation has one result: see `rules/linalg.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def transposed(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


# -- determinants ---------------------------------------------------------------------------------


def cofactor(x: Array) -> Array:
    """The matrix of cofactors, the derivative of the determinant: right for singular matrices too.

    For x = U S V^T it is det(U V^T) U P V^T, where P has the products of all other singular values.
    """
    n = x.shape[-1]
    if n == 0:
        return np.zeros(x.shape, x.dtype)
    if n == 1:
        return np.ones_like(x)
    if n == 2:
        return np.asarray(np.flip(x, (-1, -2)) * np.array([[1, -1], [-1, 1]], x.dtype))
    if n == 3:
        return _crosses(x, x)
    u, s, vh, sign = _oriented_svd(x)
    return np.asarray(sign * (u * _without(s, 1)) @ vh)


def cofactor_slope(x: Array, t: Array) -> Array:
    """The derivative of `cofactor` in the direction t: bilinear in what is left of x, and t."""
    n = x.shape[-1]
    if n < 2:
        return np.zeros(np.broadcast_shapes(x.shape, t.shape), np.result_type(x, t))
    if n == 2:
        return cofactor(t) + np.zeros_like(x)
    if n == 3:
        return _crosses(x, t) + _crosses(t, x)
    u, s, vh, sign = _oriented_svd(x)
    e = transposed(u) @ t @ transposed(vh)
    pairs = _without(s, 2)
    diagonal = np.einsum("...ii->...i", e)
    mixed = -transposed(e) * pairs
    on_diagonal = np.einsum("...ij,...j->...i", pairs, diagonal)
    mixed = np.where(np.eye(n, dtype=bool), on_diagonal[..., None], mixed)
    return np.asarray(sign * (u @ mixed @ vh))


def _crosses(x: Array, y: Array) -> Array:
    """Rows that are vector products of the next row of x and the one after it of y."""
    result = np.cross(np.roll(x, -1, axis=-2), np.roll(y, -2, axis=-2))
    return result if x is y else (result - 0.0)


def _oriented_svd(x: Array) -> tuple[Array, Array, Array, Array]:
    u, s, vh = np.linalg.svd(x)
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vh))
    return u, s, vh, sign[..., None, None]


def _without(s: Array, left_out: int) -> Array:
    """Products of all numbers but one, [..., 1, i], or but two, [..., i, j]; 0 for i = j."""
    n = s.shape[-1]
    if left_out == 1:
        apart = np.broadcast_to(s[..., None, :], (*s.shape, n))
        one = np.where(np.eye(n, dtype=bool), 1, apart).prod(axis=-1)
        return np.asarray(one[..., None, :])
    here = np.eye(n, dtype=bool)
    gone = here[:, None, :] | here[None, :, :]
    both = np.where(gone, 1, s[..., None, None, :]).prod(axis=-1)
    return np.where(here, 0, both)


def logabsdet(x: Array) -> Array:
    return np.asarray(np.linalg.slogdet(x)[1])


# -- decompositions: all parts in one array -------------------------------------------------------


def eigh(x: Array, lower: bool) -> Array:
    """The eigenvalues as a first row, and below it the matrix of eigenvectors."""
    w, v = np.linalg.eigh(x, "L" if lower else "U")
    return np.concatenate([w[..., None, :], v], axis=-2)


def svd(x: Array) -> Array:
    """U, the singular values and V^T, each as one axis, one after the other."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    batch = x.shape[:-2]
    return np.concatenate(
        [
            u.reshape(*batch, math.prod(u.shape[-2:])),
            s,
            vh.reshape(*batch, math.prod(vh.shape[-2:])),
        ],
        axis=-1,
    )


def eigvalsh(x: Array, lower: bool) -> Array:
    return np.linalg.eigvalsh(x, "L" if lower else "U")


def svdvals(x: Array) -> Array:
    return np.linalg.svd(x, compute_uv=False)


def qr(x: Array) -> Array:
    """Q, and below it R."""
    q, r = np.linalg.qr(x)
    return np.concatenate([q, r], axis=-2)


def pinv(x: Array, rcond: float) -> Array:
    return np.linalg.pinv(x, rcond)


# -- what derivatives look at ---------------------------------------------------------------------


def triangle(x: Any, k: int) -> Array:
    """True on and below the k-th diagonal."""
    rows, columns = x.shape[-2:]
    return np.tri(rows, columns, k, dtype=bool)


def identity_like(x: Any) -> Array:
    return np.eye(x.shape[-1], dtype=bool)


def coincident(w: Array) -> Array:
    """Which pairs of numbers cannot be told apart, given how they were computed."""
    n = w.shape[-1]
    size = np.max(np.abs(w), axis=-1, keepdims=True, initial=0.0)[..., None]
    gap = np.abs(w[..., :, None] - w[..., None, :])
    return np.asarray(gap <= 4 * n * np.finfo(w.dtype).eps * size)


def columns_of_zeros(x: Array) -> Array:
    return np.asarray((x == 0).all(axis=-2, keepdims=True))


def all_zero(x: Any) -> bool:
    return not np.any(x)


def refuse_undetermined(close: Array, vectors: tuple[Array, ...], what: str) -> None:
    """LinAlgError if a cotangent reaches vectors, the columns, of coinciding numbers."""
    pairs = close & ~np.eye(close.shape[-1], dtype=bool)
    undetermined = pairs.any(axis=-2, keepdims=True)
    if undetermined.any() and any(np.any(undetermined & (g != 0)) for g in vectors):
        raise np.linalg.LinAlgError(
            f"{what} that coincide leave their vectors undetermined, so these have no derivative "
            "there: differentiate something that does not depend on the choice of vectors (a "
            "function of the values, det, solve), or move the matrix away from this point"
        )


def refuse_mixed(close: Array, moved: Array, what: str) -> None:
    """LinAlgError if a tangent turns vectors that belong to coinciding numbers."""
    if np.any(close & ~np.eye(close.shape[-1], dtype=bool) & (moved != 0)):
        refuse_undetermined(close, (np.ones_like(moved),), what)


def refuse_zeros(s: Array, part: Array, what: str) -> None:
    """LinAlgError if a cotangent reaches the vectors of a singular value that is zero."""
    size = np.max(s, axis=-1, keepdims=True, initial=0.0)
    zero = s <= 4 * s.shape[-1] * np.finfo(s.dtype).eps * size
    if np.any(zero[..., None, :] & (part != 0)):
        raise np.linalg.LinAlgError(
            f"{what}: the singular vectors of a singular value 0 have no derivative"
        )


def determinant_sign(x: Array) -> Array:
    """The signs of determinants: 1, -1, or 0."""
    return np.asarray(np.linalg.slogdet(x)[0])


def refuse_singular(logabsdet: Array) -> None:
    """LinAlgError if the logarithm of a determinant is that of zero."""
    if np.isneginf(logabsdet).any():
        raise np.linalg.LinAlgError(
            "slogdet of a singular matrix: the logarithm of its determinant is -inf, and has no "
            "derivative. det has one"
        )


def dependent(r: Array) -> bool:
    """Whether a triangular factor is singular, or not finite."""
    if not np.isfinite(r).all():
        return True
    diagonal = np.abs(np.einsum("...ii->...i", r))
    size = np.max(np.abs(r), axis=(-2, -1), initial=0.0)
    return bool(np.any(diagonal <= 4 * r.shape[-1] * np.finfo(r.dtype).eps * size[..., None]))


def refuse_dependent(r: Array, what: str) -> None:
    """LinAlgError if a triangular factor is singular."""
    if dependent(r):
        raise np.linalg.LinAlgError(
            f"{what} of a matrix with dependent columns has no derivative: the factors are not "
            "determined there"
        )


def deficient(x: Array, rcond: float) -> bool:
    """Whether a matrix is not of full rank."""
    if 0 in x.shape:
        return False
    s = np.linalg.svd(x, compute_uv=False)
    return not bool(np.all(s[..., -1] > rcond * s[..., 0]))


def refuse_deficient(x: Array, rcond: float, what: str) -> None:
    """LinAlgError unless the rank is full: elsewhere a pseudo-inverse is not even continuous."""
    if deficient(x, rcond):
        raise np.linalg.LinAlgError(
            f"{what} of a matrix without full rank has no derivative: the smallest change of the "
            "matrix changes the result without limit. Add a small multiple of the identity (ridge)"
        )


MEANINGS = {
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "det": np.linalg.det,
    "logabsdet": logabsdet,
    "cofactor": cofactor,
    "cofactor_slope": cofactor_slope,
    "cholesky": np.linalg.cholesky,
    "eigh": eigh,
    "eigvalsh": eigvalsh,
    "svd": svd,
    "svdvals": svdvals,
    "qr": qr,
    "pinv": pinv,
}
"""The rows on arrays."""

OBSERVATIONS = {
    "triangle": triangle,
    "identity_like": identity_like,
    "coincident": coincident,
    "columns_of_zeros": columns_of_zeros,
    "all_zero": all_zero,
    "refuse_undetermined": refuse_undetermined,
    "refuse_mixed": refuse_mixed,
    "refuse_zeros": refuse_zeros,
    "determinant_sign": determinant_sign,
    "refuse_singular": refuse_singular,
    "dependent": dependent,
    "deficient": deficient,
    "refuse_dependent": refuse_dependent,
    "refuse_deficient": refuse_deficient,
}
"""Names with no derivative of their own."""

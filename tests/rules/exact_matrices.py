"""Linear algebra on arrays of mpmath's numbers, by textbook definitions; matrices come last.

Signs that a definition leaves open (of eigenvectors, singular vectors, columns of Q) are those that
LAPACK gives for the numbers rounded to floats.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.rules import matrices
from autograd_bp.testing.exact import MP, UndefinedError

Array = Any  # an ndarray of MP's numbers


def _each(function: Callable[..., Array], *stacks: Array) -> Array:
    """A function of matrices applied to every one of a batch."""
    if any(x.ndim < 2 for x in stacks):
        raise ValueError([x.shape for x in stacks])
    batch = np.broadcast_shapes(*(x.shape[:-2] for x in stacks))
    laid_out = [np.broadcast_to(x, batch + x.shape[-2:]) for x in stacks]
    shape = np.shape(_floats_of(function, laid_out))
    result = np.empty(batch + shape, object)
    for place in np.ndindex(batch):
        result[place] = function(*(x[place] for x in laid_out))
    return result


def _floats_of(function: Callable[..., Array], stacks: list[Array]) -> Array:
    example = [np.full(x.shape[-2:], MP.zero) for x in stacks]
    for x in example:
        if x.shape[0] == x.shape[1]:
            for k in range(len(x)):
                x[k, k] = MP.mpf(k + 1)
        else:
            x[...] = MP.one
            for i, j in np.ndindex(x.shape):
                x[i, j] = MP.mpf(1) / (i + j + 1)
    return function(*example)


def _square(x: Array) -> int:
    if x.shape[0] != x.shape[1]:
        raise ValueError(x.shape)
    return len(x)


def _solve(a: Array, b: Array) -> Array:
    """Gaussian elimination with the largest pivots."""
    n = _square(a)
    if b.shape[0] != n:
        raise ValueError(a.shape, b.shape)
    a, b = a.copy(), b.copy()
    for k in range(n):
        best = max(range(k, n), key=lambda i: abs(a[i, k]))
        if a[best, k] == 0:
            raise UndefinedError
        for x in (a, b):
            x[[k, best]] = x[[best, k]]
        for i in range(n):
            if i != k:
                factor = a[i, k] / a[k, k]
                a[i] = a[i] - factor * a[k]
                b[i] = b[i] - factor * b[k]
    for k in range(n):
        b[k] = b[k] / a[k, k]
    return b


def _identity(n: int) -> Array:
    one = np.full((n, n), MP.zero)
    for k in range(n):
        one[k, k] = MP.one
    return one


def _inv(a: Array) -> Array:
    return _solve(a, _identity(_square(a)))


def _det(a: Array) -> Any:
    n = _square(a)
    total = MP.zero
    for order in itertools.permutations(range(n)):
        sign = (-1) ** sum(i > j for i, j in itertools.combinations(order, 2))
        product = MP.mpf(sign)
        for i, j in enumerate(order):
            product *= a[i, j]
        total += product
    return total


def _logabsdet(a: Array) -> Any:
    size = abs(_det(a))
    if size == 0:
        raise UndefinedError
    return MP.log(size)


def _minor(a: Array, i: int, j: int) -> Array:
    return np.delete(np.delete(a, i, 0), j, 1)


def _cofactor(a: Array) -> Array:
    n = _square(a)
    result = np.empty((n, n), object)
    for i, j in np.ndindex(n, n):
        result[i, j] = (-1) ** (i + j) * _det(_minor(a, i, j))
    return result


def _cofactor_slope(a: Array, v: Array) -> Array:
    """A determinant is linear in each row."""
    n = _square(a)
    if v.shape != a.shape:
        raise ValueError(a.shape, v.shape)
    result = np.empty((n, n), object)
    for i, j in np.ndindex(n, n):
        own, moved = _minor(a, i, j), _minor(v, i, j)
        total = MP.zero
        for k in range(n - 1):
            changed = own.copy()
            changed[k] = moved[k]
            total += _det(changed)
        result[i, j] = (-1) ** (i + j) * total
    return result


def _cholesky(a: Array) -> Array:
    n = _square(a)
    low = np.full((n, n), MP.zero)
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j] - sum((low[i, k] * low[j, k] for k in range(j)), start=MP.zero)
            if i == j and rest <= 0:
                raise UndefinedError
            low[i, j] = MP.sqrt(rest) if i == j else rest / low[j, j]
    return low


def _as_floats(a: Array) -> Any:
    return np.array(a, float).reshape(a.shape)


def _aligned(columns: Array, like: Any) -> Array:
    """Each column with the sign of the one it should be."""
    columns = columns.copy()
    for k in range(columns.shape[1]):
        if sum(float(x) * y for x, y in zip(columns[:, k], like[:, k], strict=True)) < 0:
            columns[:, k] = -columns[:, k]
    return columns


def _array(matrix: Any) -> Array:
    result = np.empty((matrix.rows, matrix.cols), object)
    for i, j in np.ndindex(result.shape):
        result[i, j] = matrix[i, j]
    return result


def _eigh(a: Array, lower: bool) -> Array:
    n = _square(a)
    if n == 0:
        return np.empty((1, 0), object)
    known = _as_floats(a)
    low = a if lower else a.T
    whole = MP.matrix(n, n)
    for i, j in np.ndindex(n, n):
        whole[i, j] = low[max(i, j), min(i, j)]
    w, v = MP.eigsy(whole)
    order = sorted(range(n), key=lambda k: w[k])
    vectors = _aligned(_array(v)[:, order], np.linalg.eigh(known, "L" if lower else "U")[1])
    return np.concatenate([np.array([[w[k] for k in order]], object), vectors])


def _svd(a: Array) -> Array:
    m, n = a.shape
    if 0 in a.shape:
        return np.empty((1, 0), object)
    known = np.linalg.svd(_as_floats(a), full_matrices=False)
    # The eigenvectors of the smaller of a a^T and a^T a; the other vectors follow.
    tall = m >= n
    small = a.T @ a if tall else a @ a.T
    packed = _eigh(small, True)[:, ::-1]
    s = np.array([MP.sqrt(max(x, MP.zero)) for x in packed[0]], object)
    if any(x == 0 for x in s):
        raise UndefinedError
    near = _aligned(packed[1:], known[2].T if tall else known[0])
    far = (a @ near if tall else a.T @ near) / s
    u, v = (far, near) if tall else (near, far)
    return np.concatenate([u.ravel(), s, v.T.ravel()])[None, :]


def _singular_values(a: Array) -> Array:
    k = min(a.shape)
    return _svd(a)[:, a.shape[0] * k : a.shape[0] * k + k]


def _qr(a: Array) -> Array:
    """Gram and Schmidt, with the signs of LAPACK's diagonal."""
    m, n = a.shape
    if m < n:
        raise ValueError(a.shape)
    signs = np.sign(np.diagonal(np.linalg.qr(_as_floats(a))[1]))
    q, r = np.full((m, n), MP.zero), np.full((n, n), MP.zero)
    for k in range(n):
        left = a[:, k].copy()
        for j in range(k):
            r[j, k] = sum((q[i, j] * a[i, k] for i in range(m)), start=MP.zero)
            left = left - r[j, k] * q[:, j]
        size = MP.sqrt(sum((x * x for x in left), start=MP.zero))
        if size == 0:
            raise UndefinedError
        r[k, k] = size * MP.mpf(float(signs[k]))
        q[:, k] = left / r[k, k]
    return np.concatenate([q, r])


def _pinv(a: Array, _: float) -> Array:
    m, n = a.shape
    if 0 in a.shape:
        return np.empty((n, m), object)
    return _solve(a.T @ a, a.T) if m >= n else _solve(a @ a.T, a).T


def _numbers(function: Callable[[Array], Any]) -> Callable[[Array], Array]:
    """A number for each matrix."""

    def of_each(x: Array) -> Array:
        return _each(lambda a: np.array([[function(a)]], object), x)[..., 0, 0]

    return of_each


MATRICES: dict[str, Callable[..., Array]] = {
    "inv": lambda x: _each(_inv, x),
    "solve": lambda a, b: _each(_solve, a, b),
    "det": _numbers(_det),
    "logabsdet": _numbers(_logabsdet),
    "cofactor": lambda x: _each(_cofactor, x),
    "cofactor_slope": lambda x, v: _each(_cofactor_slope, x, v),
    "cholesky": lambda x: _each(_cholesky, x),
    "eigh": lambda x, lower: _each(lambda a: _eigh(a, lower), x),
    "svd": lambda x: _each(_svd, x)[..., 0, :],
    "eigvalsh": lambda x, lower: _each(lambda a: _eigh(a, lower)[:1], x)[..., 0, :],
    "svdvals": lambda x: _each(_singular_values, x)[..., 0, :],
    "qr": lambda x: _each(_qr, x),
    "pinv": lambda x, rcond: _each(lambda a: _pinv(a, rcond), x),
}

assert MATRICES.keys() == matrices.MEANINGS.keys()

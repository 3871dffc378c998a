"""Decompositions of matrices into factors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.shapes import concatenate, matrix_transpose, reshape
from autograd_bp.linalg.matrices import matrix, square
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import shape_of


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Left singular vectors as columns, singular values in descending order, right ones as rows."""

    U: Any
    S: Any
    Vh: Any


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The lower triangle L with ``L @ L.T = a``, for a symmetric positive definite matrix.

    As in NumPy only the lower triangle of `a` is read (the upper one, and the transpose of L given,
    if `upper`), so the gradient is zero above it.

    >>> import autograd_bp as ab
    >>> a = ab.Tensor([[4.0, 2.0], [2.0, 5.0]])
    >>> cholesky(a).sum().backward()
    >>> a.grad
    array([[0.1875, 0.    ],
           [0.25  , 0.25  ]])
    """
    a = square(a, "cholesky")
    if upper:
        return matrix_transpose(cholesky(matrix_transpose(a)))
    try:
        return apply(ROWS["cholesky"], (a,))
    except ValueError as error:
        raise np.linalg.LinAlgError(
            f"cholesky: the matrix of shape {shape_of(a)} is not positive definite; a small "
            "multiple of the identity added to it may help"
        ) from error


def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """The eigenvalues and eigenvectors of a symmetric matrix.

    As in NumPy only the lower triangle is read ("U": the upper one), so the gradient is zero in the
    other. Eigenvectors of equal eigenvalues are not determined: a derivative that depends on them
    raises `numpy.linalg.LinAlgError`; that of the eigenvalues does not.

    >>> import autograd_bp as ab
    >>> a = ab.Tensor([[2.0, 1.0], [1.0, 2.0]])
    >>> eigh(a).eigenvalues[0].backward()
    >>> a.grad
    array([[ 0.5,  0. ],
           [-1. ,  0.5]])
    """
    packed = apply(ROWS["eigh"], (square(a, "eigh"),), (_reads_lower(UPLO, "eigh"),))
    return EighResult(
        getitem(packed, (..., 0, slice(None))),
        getitem(packed, (..., slice(1, None), slice(None))),
    )


def _reads_lower(UPLO: str, name: str) -> bool:
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"{name}: UPLO is 'L' or 'U', not {UPLO!r}")
    return UPLO.upper() == "L"


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """The eigenvalues of a symmetric matrix, in ascending order; see `eigh`."""
    return apply(ROWS["eigvalsh"], (square(a, "eigvalsh"),), (_reads_lower(UPLO, "eigvalsh"),))


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """The singular value decomposition ``a = U @ diag(S) @ Vh``.

    Parameters
    ----------
    a
        Shape (..., m, n).
    full_matrices
        NumPy's default; the vectors beyond the first min(m, n) are not determined by the matrix, so
        for a matrix that is not square `full_matrices=False` has to be given.
    compute_uv
        If False only the singular values are returned.
    hermitian
        NumPy's way of computing it for symmetric matrices; the result is the same.

    Raises
    ------
    ValueError
        If the vectors are not determined by the shape.
    numpy.linalg.LinAlgError
        In a backward pass: if vectors of equal singular values are differentiated.

    >>> import autograd_bp as ab
    >>> s = svd(ab.Tensor([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), full_matrices=False).S
    >>> s.data.tolist()
    [3.0, 2.0]
    """
    del hermitian
    a = matrix(a, "svd")
    *batch, m, n = shape_of(a)
    k = min(m, n)
    if compute_uv and full_matrices and m != n:
        raise ValueError(
            f"svd of a {m} x {n} matrix: the last {max(m, n) - k} vectors are not determined, so "
            "they have no derivative: say full_matrices=False"
        )
    if not compute_uv:
        return apply(ROWS["svdvals"], (a,))
    packed = apply(ROWS["svd"], (a,))
    s = getitem(packed, (..., slice(m * k, m * k + k)))
    u = reshape(getitem(packed, (..., slice(0, m * k))), (*batch, m, k))
    vh = reshape(getitem(packed, (..., slice(m * k + k, None))), (*batch, k, n))
    return SVDResult(u, s, vh)


def svdvals(x: Any, /) -> Any:
    """The singular values, in descending order."""
    return svd(x, compute_uv=False)


def qr(a: Any, mode: str = "reduced") -> Any:
    """The factors ``a = Q @ R``: orthonormal columns and an upper triangle.

    `mode` is "reduced", "complete" (the same for a matrix with at least as many columns as rows),
    or "r" for R alone.

    >>> import autograd_bp as ab
    >>> q, r = qr(ab.Tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> np.allclose((q @ r).data, [[3.0, 1.0], [4.0, 2.0]])
    True
    """
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr: mode is 'reduced', 'complete' or 'r', not {mode!r}")
    a = matrix(a, "qr")
    *_, m, n = shape_of(a)
    if mode == "complete" and m > n:
        raise ValueError(
            f"qr of a {m} x {n} matrix with mode='complete': the last {m - n} columns of Q are not "
            "determined, so they have no derivative: use mode='reduced'"
        )
    k = min(m, n)
    packed = apply(ROWS["qr"], (getitem(a, (..., slice(0, k))) if n > k else a,))
    q = getitem(packed, (..., slice(0, m), slice(None)))
    r = getitem(packed, (..., slice(m, None), slice(None)))
    if n > k:  # the further columns of R follow from Q
        r = concatenate([r, matrix_transpose(q) @ getitem(a, (..., slice(k, None)))], axis=-1)
    return r if mode == "r" else QRResult(q, r)

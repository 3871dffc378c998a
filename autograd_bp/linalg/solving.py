"""Inverses, linear equations and determinants."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from autograd_bp.functions.arranging import one_axis
from autograd_bp.functions.reductions import floating
from autograd_bp.functions.reductions import sum as total
from autograd_bp.functions.shapes import asarray, moveaxis, reshape
from autograd_bp.linalg.decompositions import qr, svdvals
from autograd_bp.linalg.matrices import matrix, square
from autograd_bp.operations import apply, on_data, plain, without_history
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import shape_of
from autograd_bp.rules.matrices import determinant_sign


class SlogdetResult(NamedTuple):
    """The sign of a determinant and the logarithm of its magnitude."""

    sign: Any
    logabsdet: Any


def inv(a: Any) -> Any:
    """The inverse of a square matrix.

    Parameters
    ----------
    a
        Shape (..., n, n), float32 or float64.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.
    ValueError
        If the matrices are not square.

    >>> import autograd_bp as ab
    >>> a = ab.Tensor([[2.0, 0.0], [0.0, 4.0]])
    >>> inv(a).sum().backward()
    >>> a.grad
    array([[-0.25  , -0.125 ],
           [-0.125 , -0.0625]])
    """
    a = square(a, "inv")
    try:
        return apply(ROWS["inv"], (a,))
    except ValueError as error:
        raise _singular(error, f"inv: the matrix of shape {shape_of(a)}", "pinv") from error


def _singular(error: ValueError, which: str, other: str) -> ValueError:
    """NumPy's error for an exactly singular matrix, saying which; any other as it is."""
    if not isinstance(error, np.linalg.LinAlgError) and "ingular" not in str(error):
        return error
    return np.linalg.LinAlgError(
        f"{which} is singular: there is no inverse, nor one solution. {other} has the answer for a "
        "matrix of any rank, and det a derivative"
    )


def solve(a: Any, b: Any) -> Any:
    """The x with ``a @ x = b``.

    Parameters
    ----------
    a
        Shape (..., n, n).
    b
        One vector of shape (n,), or the columns of a matrix, shape (..., n, k).

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.
    ValueError
        If the shapes do not fit.

    >>> import autograd_bp as ab
    >>> b = ab.Tensor([2.0, 4.0])
    >>> solve([[2.0, 0.0], [0.0, 4.0]], b).sum().backward()
    >>> b.grad
    array([0.5 , 0.25])
    """
    a, b = square(a, "solve"), floating(asarray(b))
    if not shape_of(b):
        raise ValueError("solve: b is a vector or a matrix, not a number")
    vector = len(shape_of(b)) == 1
    columns = reshape(b, (*shape_of(b), 1)) if vector else b
    if shape_of(columns)[-2] != shape_of(a)[-1]:
        raise ValueError(
            f"solve: a of shape {shape_of(a)} and b of shape {shape_of(b)} do not have the same "
            "number of rows"
        )
    try:
        x = apply(ROWS["solve"], (a, columns))
    except ValueError as error:
        raise _singular(error, f"solve: the matrix of shape {shape_of(a)}", "lstsq") from error
    return reshape(x, shape_of(x)[:-1]) if vector else x


def det(a: Any) -> Any:
    """The determinant; its derivative is the matrix of cofactors, of a singular matrix too.

    >>> import autograd_bp as ab
    >>> a = ab.Tensor([[1.0, 2.0], [2.0, 4.0]])
    >>> det(a).backward()
    >>> a.grad
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return apply(ROWS["det"], (square(a, "det"),))


def slogdet(a: Any) -> SlogdetResult:
    """The sign of the determinant (no derivative) and the logarithm of its magnitude.

    At a singular matrix the logarithm is -inf, and asking for its derivative raises
    `numpy.linalg.LinAlgError`.
    """
    a = square(a, "slogdet")
    sign = on_data("determinant_sign", determinant_sign)(a)
    return SlogdetResult(without_history(sign, (a,)), apply(ROWS["logabsdet"], (a,)))


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The Moore-Penrose pseudo-inverse, from the singular value decomposition.

    Singular values up to `rcond` (or `rtol`) times the largest count as zero. A matrix without
    full rank has the value, but no derivative: asking for it raises `numpy.linalg.LinAlgError`.
    """
    del hermitian  # only a way to compute it
    a = matrix(a, "pinv")
    tolerance = rcond if rtol is None else rtol
    if tolerance is None:
        tolerance = 1e-15 if rtol is None else 0.0
    return apply(ROWS["pinv"], (a,), (float(plain(tolerance)),))


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The number of singular values that are not zero: a whole number, with no derivative."""
    a = np.asarray(plain(asarray(A)))
    return np.linalg.matrix_rank(a, plain(tol), hermitian, rtol=plain(rtol))


def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """The x that makes ``a @ x`` nearest to b, the sums of squares left, the rank, singular values.

    Derivatives pass x, the sums of squares and the singular values. Where `a` does not have full
    rank x is the shortest, and has no derivative.
    """
    a, b = matrix(a, "lstsq"), floating(asarray(b))
    if len(shape_of(a)) != 2 or len(shape_of(b)) not in (1, 2):
        raise ValueError(
            f"lstsq: a is a matrix and b a vector or a matrix, not of shapes {shape_of(a)} and "
            f"{shape_of(b)}"
        )
    m, n = shape_of(a)
    if shape_of(b)[0] != m:
        raise ValueError(
            f"lstsq: a of shape {shape_of(a)} and b of shape {shape_of(b)} do not have the same "
            "number of rows"
        )
    numbers = np.asarray(plain(a))
    eps = float(np.finfo(numbers.dtype).eps)
    cut = eps * max(m, n) if rcond is None else eps if rcond < 0 else float(rcond)
    s = svdvals(a)
    size = np.asarray(plain(s))
    rank = int(np.sum(size > cut * (size[0] if size.size else 0.0)))
    if rank < min(m, n) or 0 in (m, n):
        x = apply(ROWS["pinv"], (a,), (cut,)) @ b
    elif m >= n:
        q, r = qr(a)
        x = solve(r, q.T @ b)
    else:
        q, r = qr(a.T)
        x = q @ solve(r.T, b)
    left = a @ x - b
    if rank == n and m > n:
        residuals = total(left * left, 0, keepdims=len(shape_of(b)) == 1)
    else:
        residuals = without_history(np.zeros(0, numbers.dtype), (a, b))
    return x, residuals, rank, s


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x with ``tensordot(a, x, x.ndim) = b``."""
    a, b = asarray(a), asarray(b)
    if axes is not None:
        ndim = len(shape_of(a))
        places = tuple(one_axis(k, ndim) for k in axes)
        a = moveaxis(a, places, tuple(range(ndim - len(places), ndim)))
    shape = shape_of(a)[len(shape_of(b)) :]
    n = math.prod(shape)
    if math.prod(shape_of(a)) != n * n:
        raise ValueError(
            f"tensorsolve: a of shape {shape_of(a)} is not square for b of shape {shape_of(b)}"
        )
    return reshape(solve(reshape(a, (n, n)), reshape(b, (n,))), shape)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse with respect to ``tensordot(a, x, ind)``."""
    a = asarray(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind is positive, not {ind}")
    first, last = shape_of(a)[:ind], shape_of(a)[ind:]
    n, m = math.prod(first), math.prod(last)
    if n != m:
        raise ValueError(
            f"tensorinv: the axes {first} and {last} of shape {shape_of(a)} do not have the same "
            "number of elements"
        )
    return reshape(inv(reshape(a, (n, m))), (*last, *first))

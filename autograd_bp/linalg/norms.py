"""Norms of vectors and matrices."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autograd_bp.functions.elementwise import ELEMENTWISE
from autograd_bp.functions.reductions import floating, plain_axis
from autograd_bp.functions.reductions import max as largest
from autograd_bp.functions.reductions import min as smallest
from autograd_bp.functions.reductions import sum as total
from autograd_bp.functions.shapes import asarray, astype, moveaxis, reshape, squeeze
from autograd_bp.linalg.decompositions import svdvals
from autograd_bp.linalg.matrices import matrix, square
from autograd_bp.linalg.solving import inv
from autograd_bp.operations import apply, plain, without_history
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import normalized_axes, shape_of


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """A vector or matrix norm; the derivative is 0 where all elements are.

    Parameters
    ----------
    x
        An array.
    ord
        For vectors: 2 (as None), 1, 0, inf, -inf or any other number p, which means
        ``sum(abs(x)**p)**(1/p)``. For matrices: "fro" (as None), 1, -1, inf or -inf; or of
        the singular values "nuc" (the sum), 2 (the largest) or -2 (the smallest).
    axis
        The axis of the vectors, or the two axes of the matrices. If None: of a vector or matrix
        all of it; for other shapes all elements as one vector, and `ord` must be None.
    keepdims
        Keep the reduced axes with length 1.

    Raises
    ------
    ValueError
        For an `ord` or `axis` that makes no sense.

    >>> import autograd_bp as ab
    >>> norm(ab.Tensor([3.0, 4.0]))
    Tensor(5., op='norm2')
    """
    x = floating(x)
    ndim = len(shape_of(x))
    keepdims = bool(keepdims)
    if axis is None:
        if ord is None or (ord == 2 and ndim == 1) or (ord in ("fro", "f") and ndim == 2):
            return apply(ROWS["norm2"], (x,), (tuple(range(ndim)), keepdims))
        if ndim not in (1, 2):
            raise ValueError(
                f"norm: ord={ord!r} is for vectors and matrices; say which axes of shape "
                f"{shape_of(x)} they are in"
            )
        axes = tuple(range(ndim))
    else:
        axes = normalized_axes(plain_axis(axis), ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(f"norm: axis is one axis or two, not {axis!r}")


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:  # noqa: A002
    if ord is None or ord == 2:
        return apply(ROWS["norm2"], (x,), (axis, keepdims))
    if isinstance(ord, str) or not isinstance(ord, int | float | np.number):
        raise ValueError(f"norm: ord={ord!r} is not a norm of vectors")
    p = float(ord)
    magnitude = ELEMENTWISE["abs"]
    if p == 1:
        return total(magnitude(x), axis, keepdims=keepdims)
    if math.isinf(p):
        extreme = largest if p > 0 else smallest
        return extreme(magnitude(x), axis, keepdims=keepdims)
    if p == 0:
        nonzero = without_history(np.not_equal(plain(x), 0), (x,))
        dtype = x.dtype if hasattr(x, "dtype") else float
        return total(astype(nonzero, dtype), axis, keepdims=keepdims)
    return apply(ROWS["norm_p"], (x,), (p, axis, keepdims))


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002
    if ord is None or ord in ("fro", "f"):
        return apply(ROWS["norm2"], (x,), (axes, keepdims))
    if ord in (2, -2, "nuc"):
        return _spectral_norm(x, ord, axes, keepdims)
    sums = {1: axes[0], -1: axes[0], math.inf: axes[1], -math.inf: axes[1]}
    if ord not in sums:
        raise ValueError(
            f"norm: ord={ord!r} is not a norm of matrices; there are 'fro', 'nuc', 1, -1, 2, -2, "
            "inf, -inf"
        )
    extreme = largest if ord > 0 else smallest
    other = axes[1] if sums[ord] == axes[0] else axes[0]
    result = extreme(
        total(ELEMENTWISE["abs"](x), sums[ord], keepdims=True), operator.index(other), keepdims=True
    )
    return result if keepdims else squeeze(result, axes)


def _spectral_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002
    """Norms of the singular values: the largest, the smallest, their sum."""
    s = svdvals(moveaxis(x, axes, (-2, -1)))
    result = total(s, -1) if ord == "nuc" else (largest if ord == 2 else smallest)(s, -1)
    if not keepdims:
        return result
    return reshape(result, tuple(1 if k in axes else n for k, n in enumerate(shape_of(x))))


def vector_norm(
    x: Any,
    /,
    *,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,  # noqa: A002
) -> Any:
    """The norm of vectors along `axis`: of all elements, or of several axes as one vector."""
    x = floating(asarray(x))
    shape = shape_of(x)
    axes = normalized_axes(plain_axis(axis), len(shape))
    moved = moveaxis(x, axes, tuple(range(-len(axes), 0))) if axes else reshape(x, (*shape, 1))
    rest = tuple(n for k, n in enumerate(shape) if k not in axes)
    rows = reshape(moved, (*rest, math.prod(shape[k] for k in axes)))
    result = norm(rows, ord, -1)
    if not keepdims:
        return result
    return reshape(result, tuple(1 if k in axes else n for k, n in enumerate(shape)))


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    """The norm of the matrices in the last two axes; see `norm` for `ord`."""
    return norm(matrix(x, "matrix_norm"), ord, (-2, -1), keepdims)


def cond(x: Any, p: Any = None) -> Any:
    """The condition number: the norm `p` of a matrix times that of its inverse.

    For p = None or 2 the largest singular value over the smallest (-2: the other way round).
    """
    if p in (None, 2, -2):
        s = svdvals(matrix(x, "cond"))
        first, last = s[..., 0], s[..., -1]
        return last / first if p == -2 else first / last
    x = square(x, "cond")
    return norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))

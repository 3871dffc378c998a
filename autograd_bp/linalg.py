"""Linear algebra under numpy.linalg's names."""

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
from autograd_bp.functions.shapes import astype, ravel
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
        ``sum(abs(x)**p)**(1/p)``. For matrices: "fro" (as None), 1, -1, inf or -inf.
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
    sums = {1: axes[0], -1: axes[0], math.inf: axes[1], -math.inf: axes[1]}
    if ord not in sums:
        raise ValueError(
            f"norm: ord={ord!r} is not a norm of matrices here; there are 'fro', 1, -1, inf, -inf"
        )
    extreme = largest if ord > 0 else smallest
    other = axes[1] if sums[ord] == axes[0] else axes[0]
    result = extreme(
        total(ELEMENTWISE["abs"](x), sums[ord], keepdims=True), operator.index(other), keepdims=True
    )
    if keepdims:
        return result
    shape = shape_of(x)
    kept = tuple(n for k, n in enumerate(shape) if k not in axes)
    return ravel(result).reshape(kept) if kept else result.reshape(())


__all__ = ["norm"]

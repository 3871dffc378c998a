"""Products and powers of matrices, and the exponential."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.functions.elementwise import where
from autograd_bp.functions.products import dot, matmul
from autograd_bp.functions.shapes import asarray, reshape
from autograd_bp.linalg.matrices import square
from autograd_bp.linalg.solving import inv, solve
from autograd_bp.operations import plain
from autograd_bp.rules.arrays import shape_of


def matrix_power(a: Any, n: int) -> Any:
    """The n-th power of a square matrix, by repeated squaring; of the inverse for n < 0."""
    a = square(a, "matrix_power")
    n = operator.index(n)
    if n < 0:
        a, n = inv(a), -n
    if n == 0:
        return a * 0.0 + np.eye(shape_of(a)[-1], dtype=a.dtype)
    result: Any = None
    while n:
        if n % 2:
            result = a if result is None else matmul(result, a)
        n //= 2
        a = matmul(a, a) if n else a
    return result


def multi_dot(arrays: Sequence[Any], *, out: None = None) -> Any:
    """The product of two or more matrices, multiplied in the cheapest order.

    The first may be a row vector and the last a column vector, with one axis.
    """
    if out is not None:
        raise TypeError("multi_dot cannot write to out=: use the result")
    factors = [asarray(a) for a in arrays]
    if len(factors) < 2:
        raise ValueError("multi_dot: at least two arrays are needed")
    starts_with_vector = len(shape_of(factors[0])) == 1
    ends_with_vector = len(shape_of(factors[-1])) == 1
    if starts_with_vector:
        factors[0] = reshape(factors[0], (1, -1))
    if ends_with_vector:
        factors[-1] = reshape(factors[-1], (-1, 1))
    for factor in factors:
        if len(shape_of(factor)) != 2:
            raise np.linalg.LinAlgError(
                f"multi_dot: {shape_of(factor)} is not the shape of a matrix"
            )
    product = _in_order(
        factors, _cheapest_splits([shape_of(f) for f in factors]), 0, len(factors) - 1
    )
    if starts_with_vector and ends_with_vector:
        return reshape(product, ())
    if starts_with_vector or ends_with_vector:
        return reshape(product, (-1,))
    return product


def _cheapest_splits(shapes: list[tuple[int, ...]]) -> dict[tuple[int, int], int]:
    """Where to split each run of factors (Cormen et al., Introduction to Algorithms, 15.2)."""
    n = len(shapes)
    lengths = [shapes[0][0], *(shape[1] for shape in shapes)]
    cost = {(i, i): 0 for i in range(n)}
    splits: dict[tuple[int, int], int] = {}
    for span in range(1, n):
        for i in range(n - span):
            j = i + span
            splits[i, j] = min(
                range(i, j),
                key=lambda k: (
                    cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1]
                ),
            )
            k = splits[i, j]
            cost[i, j] = cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1]
    return splits


def _in_order(factors: list[Any], splits: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return factors[i]
    k = splits[i, j]
    return dot(_in_order(factors, splits, i, k), _in_order(factors, splits, k + 1, j))


# The numerator of the Pade approximant of order 13 to exp, and the norm up to which it is exact
# to double precision: Higham, "The scaling and squaring method for the matrix exponential
# revisited" (2005), table 2.3.
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0,
    40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_REACH = 5.371920351148152


def expm(a: Any) -> Any:
    """The matrix exponential of a square matrix (scipy.linalg.expm), by scaling and squaring.

    All steps are products and one solve, so it has derivatives of every order.

    >>> import autograd_bp as ab
    >>> expm(ab.Tensor([[0.0, 1.0], [0.0, 0.0]])).data.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    a = square(a, "expm")
    n = shape_of(a)[-1]
    sizes = np.abs(np.asarray(plain(a))).sum(axis=-2).max(axis=-1, initial=0.0)
    if not np.isfinite(sizes).all():
        return a * np.nan
    # Each matrix of a batch is halved as often as it needs.
    halvings = np.ceil(np.log2(np.maximum(sizes / _REACH, 1.0))).astype(int)
    most = int(halvings.max(initial=0))
    dtype = a.dtype
    a = a * np.ldexp(np.ones((), dtype), -halvings).astype(dtype)[..., None, None]
    one = np.eye(n, dtype=dtype)
    c = [float(x) / _PADE[0] for x in _PADE]
    a2 = matmul(a, a)
    a4 = matmul(a2, a2)
    a6 = matmul(a4, a2)
    odd = matmul(a6, c[13] * a6 + c[11] * a4 + c[9] * a2)
    odd = matmul(a, odd + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * one)
    even = matmul(a6, c[12] * a6 + c[10] * a4 + c[8] * a2)
    even = even + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * one
    result = solve(even - odd, even + odd)
    for k in range(most):
        squared = matmul(result, result)
        again = (halvings > k)[..., None, None]
        result = squared if again.all() else where(again, squared, result)
    return result

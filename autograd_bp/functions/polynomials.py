"""Polynomials by their coefficients, highest power first, as numpy.poly1d has them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_bp.functions.calculus import convolve
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.shapes import (
    asarray,
    astype,
    atleast_1d,
    concatenate,
    ravel,
    reshape,
    stack,
)
from autograd_bp.operations import apply, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import shape_of


def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients p at x, by Horner's rule.

    >>> import autograd_bp as ab
    >>> polyval([1.0, 0.0, -2.0], ab.Tensor([3.0]))
    Tensor([7.], op='add')
    """
    coefficients, x = _vector(p), asarray(x)
    result: Any = x * 0.0
    for k in range(shape_of(coefficients)[0]):
        result = result * x + getitem(coefficients, k)
    return result


def _vector(p: Any) -> Any:
    p = atleast_1d(asarray(p))
    if len(shape_of(p)) != 1:
        raise ValueError(f"the coefficients of a polynomial are a vector, not shape {shape_of(p)}")
    return p


def _padded(p: Any, n: int) -> Any:
    missing = n - shape_of(p)[0]
    return concatenate([np.zeros(missing, getattr(p, "dtype", float)), p]) if missing else p


def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials."""
    a, b = _vector(a1), _vector(a2)
    n = max(shape_of(a)[0], shape_of(b)[0])
    return _padded(a, n) + _padded(b, n)


def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials."""
    a, b = _vector(a1), _vector(a2)
    n = max(shape_of(a)[0], shape_of(b)[0])
    return _padded(a, n) - _padded(b, n)


def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials: their coefficients convolved."""
    return convolve(_vector(a1), _vector(a2))


def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """The quotient and the remainder of two polynomials."""
    u, v = _vector(u) + 0.0, _vector(v) + 0.0
    n = shape_of(v)[0]
    steps = shape_of(u)[0] - n + 1
    if float(np.asarray(plain(v))[0]) == 0.0:
        raise ValueError("polydiv: the first coefficient of the divisor is 0")
    if steps <= 0:
        return getitem(u, slice(0, 1)) * 0.0, u
    quotient = []
    rest = u
    for _ in range(steps):
        factor = getitem(rest, 0) / getitem(v, 0)
        quotient.append(factor)
        head = getitem(rest, slice(1, n)) - factor * getitem(v, slice(1, None))
        rest = concatenate([head, getitem(rest, slice(n, None))])
    numbers = np.asarray(plain(rest))
    # NumPy leaves out the leading coefficients that came out as zeros.
    first = next((k for k, c in enumerate(numbers) if not np.isclose(c, 0, rtol=1e-14)), None)
    rest = getitem(u, slice(0, 1)) * 0.0 if first is None else getitem(rest, slice(first, None))
    return stack(quotient), rest


def polyder(p: Any, m: int = 1) -> Any:
    """The coefficients of the m-th derivative."""
    p = _vector(p)
    m = operator.index(m)
    if m < 0:
        raise ValueError(f"polyder: m is from 0 on, not {m}")
    for _ in range(m):
        n = shape_of(p)[0] - 1
        p = getitem(p, slice(0, -1)) * np.arange(n, 0, -1)
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The coefficients of the m-th integral, with constants `k` (zeros if None)."""
    p = _vector(p)
    m = operator.index(m)
    if m < 0:
        raise ValueError(f"polyint: m is from 0 on, not {m}")
    constants = atleast_1d(asarray(np.zeros(m) if k is None else k))
    if shape_of(constants) == (1,) and m > 1:
        constants = getitem(constants, np.zeros(m, int))
    if shape_of(constants)[0] < m:
        raise ValueError(f"polyint: {m} constants are needed, not {shape_of(constants)[0]}")
    for i in range(m):
        n = shape_of(p)[0]
        p = p / np.arange(n, 0, -1)
        p = concatenate([p, getitem(constants, slice(i, i + 1))])
    return p


def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: None = None,
    full: bool = False,
    w: Any = None,
    cov: bool = False,
) -> Any:
    """The coefficients of the polynomial of degree `deg` that is nearest to the points (x, y).

    `w` are weights of the distances. There must be more points than the degree; `rcond`, `full` and
    `cov` are not supported.

    >>> polyfit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 1).round(12).tolist()
    [2.0, 1.0]
    """
    if full or cov or rcond is not None:
        raise TypeError("polyfit: rcond=, full= and cov= are not supported; see ab.linalg.lstsq")
    x, y = asarray(x) + 0.0, asarray(y) + 0.0
    powers, distances = vander(x, operator.index(deg) + 1), y
    several = len(shape_of(y)) == 2
    distances = y if several else reshape(y, (-1, 1))
    if w is not None:
        weights = reshape(asarray(w), (-1, 1))
        powers, distances = powers * weights, distances * weights
    n, k = shape_of(powers)
    if n < k or len(np.unique(np.asarray(plain(x)))) < k:
        raise ValueError(f"polyfit: {n} points, not all apart, do not determine {k} coefficients")
    # Columns of one size, for the sake of the conditioning.
    sizes = np.sqrt(np.square(np.asarray(plain(powers))).sum(axis=0))
    factors = apply(ROWS["qr"], (powers / sizes,))
    q, r = getitem(factors, slice(0, n)), getitem(factors, slice(n, None))
    found = apply(ROWS["solve"], (r, apply(ROWS["matmul"], (q.T, distances)))) / sizes[:, None]
    return found if several else ravel(found)


def poly(seq_of_zeros: Any) -> Any:
    """The coefficients of the polynomial with these roots; the first is 1."""
    roots = atleast_1d(asarray(seq_of_zeros))
    if len(shape_of(roots)) != 1:
        raise TypeError(
            "poly of a matrix needs its eigenvalues, which may be complex: there is no derivative "
            "rule; pass the roots"
        )
    p: Any = np.ones(1, getattr(roots, "dtype", float))
    for k in range(shape_of(roots)[0]):
        root = getitem(roots, slice(k, k + 1))
        p = concatenate([p, root * 0.0]) - concatenate([root * 0.0, root * p])
    return p


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of a vector as columns: from the highest down, or `increasing`."""
    x = asarray(x)
    if len(shape_of(x)) != 1:
        raise ValueError(f"vander: a vector is needed, not shape {shape_of(x)}")
    n = shape_of(x)[0] if N is None else operator.index(N)
    x = astype(x, np.result_type(getattr(x, "dtype", float), int, float))
    powers = [x**k if k else x * 0.0 + 1.0 for k in range(n)]
    if not powers:
        return ravel(x)[:0] + np.zeros((shape_of(x)[0], 0), getattr(x, "dtype", float))
    return stack(powers if increasing else powers[::-1], axis=1)

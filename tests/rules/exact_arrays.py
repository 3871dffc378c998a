"""The rule sheet read on arrays of mpmath's numbers: textbook definitions of what rows are made of.

Operands are NumPy arrays of dtype object. Where a row is only meant for some operands (the public
functions see to that), the definition here says so with a ValueError.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp.rules import Rule
from autograd_bp.testing.exact import EXACT, MP, ExactNamespace, UndefinedError
from tests.rules.exact_matrices import MATRICES

Array = Any  # an ndarray of MP's numbers
Axis = Any


class _ExactArrays(ExactNamespace):
    """Elementwise rows are those on numbers, element by element."""

    def row(self, rule: Rule) -> Callable[..., Any]:
        if rule.kind != "elementwise":
            return super().row(rule)
        n, function = len(rule.args), EXACT.resolve(rule.name)

        def apply(*values: Any) -> Array:
            operands, params = values[:n], values[n:]
            return np.frompyfunc(lambda *xs: function(*xs, *params), n, 1)(*operands)

        return apply


def exact_array(numbers: Any) -> Array:
    """Floats as an array of MP's numbers, of the same shape."""
    numbers = np.asarray(numbers)
    result = np.empty(numbers.shape, object)
    for place in np.ndindex(numbers.shape):
        result[place] = MP.mpf(float(numbers[place]))
    return result


@functools.lru_cache(maxsize=10_000)
def _known_exp(x: Any, precision: int) -> Any:
    assert precision == MP.prec
    return MP.exp(x)


# Differences move one element or two, and the others stay.
_exp = np.frompyfunc(lambda x: _known_exp(x, MP.prec), 1, 1)
_log = np.frompyfunc(MP.log, 1, 1)
_sqrt = np.frompyfunc(MP.sqrt, 1, 1)


def _power(x: Array, p: float) -> Array:
    return np.frompyfunc(lambda element: EXACT.resolve("pow")(element, MP.mpf(p)), 1, 1)(x)


def _count(x: Array, axis: Axis) -> int:
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return math.prod(x.shape[a] for a in axes)


def _sum(x: Array, axis: Axis, keepdims: bool) -> Array:
    return np.sum(x, axis=axis, keepdims=keepdims)


def _mean(x: Array, axis: Axis, keepdims: bool) -> Array:
    return _sum(x, axis, keepdims) / _some(_count(x, axis))


def _some(n: float) -> float:
    if n <= 0:
        raise UndefinedError
    return n


def _var(x: Array, axis: Axis, ddof: float, keepdims: bool) -> Array:
    deviation = x - _mean(x, axis, True)
    return _sum(deviation * deviation, axis, keepdims) / _some(_count(x, axis) - ddof)


def _norm_p(x: Array, p: float, axis: Axis, keepdims: bool) -> Array:
    return _power(_sum(_power(abs(x), p), axis, keepdims), MP.one / MP.mpf(p))


def _softmax(x: Array, axis: Axis) -> Array:
    return _exp(x) / _sum(_exp(x), axis, True)


def _forward(axis: Any, ndim: int) -> int:
    """The axis of a row that takes one, counted from 0."""
    if axis not in range(ndim):
        raise ValueError(axis)
    return int(axis)


def _linear_recurrence(a: Array, b: Array, axis: int) -> Array:
    if a.shape != b.shape:
        raise ValueError(a.shape, b.shape)
    a, b = np.moveaxis(a, _forward(axis, a.ndim), 0), np.moveaxis(b, axis, 0)
    result = b.copy()
    for i in range(1, len(b)):
        result[i] = b[i] + a[i] * result[i - 1]
    return np.moveaxis(result, 0, axis)


def _sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    if np.broadcast_shapes(x.shape, shape) != x.shape:
        raise ValueError(x.shape, shape)
    result = np.full(shape, MP.zero)
    whole = np.broadcast_to(np.arange(result.size).reshape(shape), x.shape)
    for place in np.ndindex(x.shape):
        result.reshape(-1)[whole[place]] += x[place]
    return result


def _spread(x: Array, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    if np.shape(np.sum(np.zeros(shape), axis=axis, keepdims=keepdims)) != x.shape:
        raise ValueError(x.shape, shape, axis)
    laid_out = x if keepdims else x.reshape(np.sum(np.zeros(shape), axis, keepdims=True).shape)
    return np.broadcast_to(laid_out, shape)


def _scatter(x: Array, index: Any, shape: tuple[int, ...]) -> Array:
    result = np.full(shape, MP.zero)
    if np.shape(result[index]) != np.shape(x):
        raise ValueError(np.shape(x), index)
    np.add.at(result, index, x)
    return result


def _index_set(x: Array, v: Array, index: Any) -> Array:
    result = x.copy()
    result[index] = v[()]
    return result


def _pad(x: Array, width: tuple[tuple[int, int], ...], value: float) -> Array:
    if len(width) != x.ndim:
        raise ValueError(width)
    result = np.full(
        tuple(a + n + b for n, (a, b) in zip(x.shape, width, strict=True)), MP.mpf(value)
    )
    result[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, width, strict=True))] = x[()]
    return result


def _einsum(xs: Sequence[Array], subscripts: str) -> Array:
    terms, result = subscripts.split("->")
    labels = terms.split(",")
    lengths: dict[str, int] = {}
    for x, own in zip(xs, labels, strict=True):
        if len(own) != x.ndim:
            raise ValueError(subscripts)
        for k, n in zip(own, x.shape, strict=True):
            if lengths.setdefault(k, n) != n:
                raise ValueError(subscripts)
    every = sorted(lengths)
    total = np.full(tuple(lengths[k] for k in result), MP.zero)
    for place in itertools.product(*(range(lengths[k]) for k in every)):
        at = dict(zip(every, place, strict=True))
        factors = (x[tuple(at[k] for k in own)] for x, own in zip(xs, labels, strict=True))
        total[tuple(at[k] for k in result)] += math.prod(factors, start=MP.one)
    return total


def _rows_of_logits(x: Array, labels: Any, weights: Any) -> Array:
    if x.ndim == 0 or np.shape(labels) != x.shape[:-1]:
        raise ValueError(x.shape, labels)
    if isinstance(weights, np.ndarray) and weights.shape != (*x.shape[:-1], 1):
        raise ValueError(x.shape, weights)
    chosen = np.full(x.shape, False)
    if labels.size:
        np.put_along_axis(chosen, labels[..., None], True, -1)
    return chosen


def _cross_entropy(x: Array, labels: Any, weights: Any) -> Array:
    chosen = _rows_of_logits(x, labels, weights)
    logs = x - _log(_sum(_exp(x), -1, True))
    losses = -_sum(np.where(chosen, logs, MP.zero), -1, True)
    return losses[..., 0] if weights is None else _sum(losses * weights, None, False)


def _label_errors(x: Array, labels: Any, weights: Any) -> Array:
    if weights is None:
        raise ValueError(weights)
    chosen = _rows_of_logits(x, labels, weights)
    return (_softmax(x, -1) - np.where(chosen, MP.one, MP.zero)) * weights


def _soft_cross_entropy(x: Array, p: Array) -> Array:
    if x.ndim == 0 or x.shape != p.shape:
        raise ValueError(x.shape, p.shape)
    return -_sum(p * (x - _log(_sum(_exp(x), -1, True))), -1, False)


def _convolve(x: Array, y: Array) -> Array:
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(x.shape, y.shape)
    result = np.full(max(len(x) + len(y) - 1, 0), MP.zero)
    for i, j in itertools.product(range(len(x)), range(len(y))):
        result[i + j] += x[i] * y[j]
    return result


def _windows(x: Array, size: Any, stride: Any, dilation: Any) -> Array:
    k = len(size)
    outer = x.shape[: x.ndim - k]
    counts = [
        (n - d * (m - 1) - 1) // s + 1
        for n, m, s, d in zip(x.shape[x.ndim - k :], size, stride, dilation, strict=True)
    ]
    result = np.empty((*outer, *counts, *size), object)
    for place in np.ndindex(*counts, *size):
        at = (
            p * s + q * d for p, q, s, d in zip(place[:k], place[k:], stride, dilation, strict=True)
        )
        result[(..., *place)] = x[(..., *at)]
    return result


def _overlap_add(x: Array, shape: Any, size: Any, stride: Any, dilation: Any) -> Array:
    places = np.arange(math.prod(shape)).reshape(shape)
    result = np.full(math.prod(shape), MP.zero)
    np.add.at(result, _windows(places, size, stride, dilation).astype(int), x)
    return result.reshape(shape)


def _waves(k: int, n: int) -> tuple[Array, Array]:
    """cos and sin of 2 pi j t / n, j < k in rows and t < n in columns."""
    angles = [[2 * MP.pi * j * t / n for t in range(n)] for j in range(k)]
    cosines, sines = np.empty((k, n), object), np.empty((k, n), object)
    for j, t in np.ndindex(k, n):
        cosines[j, t], sines[j, t] = MP.cos(angles[j][t]), MP.sin(angles[j][t])
    return cosines, sines


def _along(matrix: Array, x: Array, axis: int) -> Array:
    if matrix.shape[1] == 0:
        lengths = (*x.shape[:axis], matrix.shape[0], *x.shape[axis + 1 :])
        return np.full(lengths, MP.zero)
    return np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)


def _dft(x: Array, axis: int, sign: int) -> Array:
    if x.ndim < 2 or x.shape[0] != 2 or axis not in range(1, x.ndim):
        raise ValueError(x.shape, axis)
    cosines, sines = _waves(x.shape[axis], x.shape[axis])
    re, im = x[0], x[1]
    return np.stack(
        [
            _along(cosines, re, axis - 1) - sign * _along(sines, im, axis - 1),
            _along(cosines, im, axis - 1) + sign * _along(sines, re, axis - 1),
        ]
    )


def _rfft(x: Array, axis: int) -> Array:
    n = x.shape[_forward(axis, x.ndim)]
    cosines, sines = _waves(n // 2 + 1, n)
    return np.stack([_along(cosines, x, axis), -_along(sines, x, axis)])


def _rfft_adjoint(x: Array, n: int, axis: int) -> Array:
    if x.shape[0] != 2 or x.shape[1 + axis] != n // 2 + 1:
        raise ValueError(x.shape, n)
    cosines, sines = _waves(n // 2 + 1, n)
    return _along(cosines.T, x[0], axis) - _along(sines.T, x[1], axis)


EXACT_ARRAYS = _ExactArrays(
    "array of mpmath numbers",
    {
        "sum": _sum,
        "mean": _mean,
        "prod": lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
        "max": lambda x, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
        "min": lambda x, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims),
        "var": _var,
        "std": lambda x, axis, ddof, keepdims: _sqrt(_var(x, axis, ddof, keepdims)),
        "norm2": lambda x, axis, keepdims: _sqrt(_sum(x * x, axis, keepdims)),
        "norm_p": _norm_p,
        "logsumexp": lambda x, axis, keepdims: _log(_sum(_exp(x), axis, keepdims)),
        "softmax": _softmax,
        "log_softmax": lambda x, axis: x - _log(_sum(_exp(x), axis, True)),
        "windows": _windows,
        "overlap_add": _overlap_add,
        "cross_entropy": _cross_entropy,
        "label_errors": _label_errors,
        "soft_cross_entropy": _soft_cross_entropy,
        "cumsum": lambda x, axis: np.cumsum(x, axis=_forward(axis, x.ndim)),
        "cumprod": lambda x, axis: np.cumprod(x, axis=_forward(axis, x.ndim)),
        "linear_recurrence": _linear_recurrence,
        "broadcast_to": np.broadcast_to,
        "sum_to": _sum_to,
        "spread": _spread,
        "getitem": lambda x, index: x[index],
        "scatter": _scatter,
        "index_set": _index_set,
        "reshape": np.reshape,
        "transpose": np.transpose,
        "flip": np.flip,
        "roll": np.roll,
        "astype": lambda x, _: x,  # what rounding to a dtype takes away is the tolerance
        "pad": _pad,
        "concatenate": lambda xs, axis: np.concatenate(xs, axis=_forward(axis, xs[0].ndim)),
        "stack": lambda xs, axis: np.stack(xs, axis=_forward(axis, xs[0].ndim + 1)),
        "matmul": np.matmul,
        "chain_matmul": np.matmul,
        "chain_matmul_both": np.matmul,
        "einsum": _einsum,
        "convolve": _convolve,
        **MATRICES,
        "dft": _dft,
        "rfft": _rfft,
        "rfft_adjoint": _rfft_adjoint,
    },
)

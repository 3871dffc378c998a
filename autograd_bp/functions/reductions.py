"""Reductions, running sums and products, and the softmax family."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_bp.functions.elementwise import refuse_out
from autograd_bp.functions.elementwise import where as choose
from autograd_bp.functions.shapes import astype, ravel
from autograd_bp.operands import as_operand
from autograd_bp.operations import apply, joined, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import kept_shape, normalized_axes, reduced_axes, shape_of
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

Axis = int | tuple[int, ...] | None


def plain_axis(axis: Any) -> Axis:
    """An axis, or a tuple of them, as Python numbers."""
    if axis is None:
        return None
    if isinstance(axis, tuple | list):
        return tuple(operator.index(a) for a in axis)
    return operator.index(axis)


def _masked(a: Any, condition: Any, neutral: float) -> Any:
    return a if condition is True else choose(condition, a, neutral)


def sum(  # noqa: A001
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: float = 0,
    where: Any = True,
) -> Any:
    """The sum of the elements along `axis`, or of all.

    >>> import autograd_bp as ab
    >>> ab.sum(ab.Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4., 6.], op='sum')
    """
    refuse_out(out, "sum")
    a = joined(a) if dtype is None else astype(a, dtype)
    total = apply(ROWS["sum"], (_masked(a, where, 0.0),), (plain_axis(axis), bool(keepdims)))
    return total if isinstance(initial, int | float) and initial == 0 else total + initial


def prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: float = 1,
    where: Any = True,
) -> Any:
    """The product of the elements along `axis`, or of all; right with zeros, to any order."""
    refuse_out(out, "prod")
    a = joined(a) if dtype is None else astype(a, dtype)
    total = apply(ROWS["prod"], (_masked(a, where, 1.0),), (plain_axis(axis), bool(keepdims)))
    return total if isinstance(initial, int | float) and initial == 1 else total * initial


def mean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """The arithmetic mean along `axis`, or of all."""
    refuse_out(out, "mean")
    a = joined(a) if dtype is None else astype(a, dtype)
    if where is not True:
        return sum(a, axis, keepdims=keepdims, where=where) / _selected(a, where, axis, keepdims)
    return apply(ROWS["mean"], (a,), (plain_axis(axis), bool(keepdims)))


def _selected(a: Any, where: Any, axis: Axis, keepdims: bool) -> Any:
    """How many elements of each slice the condition selects, in the dtype of a."""
    dtype = getattr(a, "dtype", np.dtype(float))
    return np.sum(
        np.broadcast_to(plain(where), shape_of(a)),
        axis=axis,
        keepdims=keepdims,
        dtype=dtype if dtype.kind == "f" else float,
    )


def var(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    correction: float | None = None,
) -> Any:
    """The variance along `axis`, or of all: mean squared deviation with n - `ddof` for n."""
    refuse_out(out, "var")
    a = joined(a) if dtype is None else astype(a, dtype)
    ddof = ddof if correction is None else correction
    if where is not True:
        deviation = a - mean(a, axis, keepdims=True, where=where)
        n = _selected(a, where, axis, keepdims)
        return sum(deviation * deviation, axis, keepdims=keepdims, where=where) / (n - ddof)
    return apply(ROWS["var"], (a,), (plain_axis(axis), ddof, bool(keepdims)))


def std(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    correction: float | None = None,
) -> Any:
    """The standard deviation along `axis`, or of all; the derivative is 0 where it is 0."""
    refuse_out(out, "std")
    a = joined(a) if dtype is None else astype(a, dtype)
    ddof = ddof if correction is None else correction
    if where is not True:
        deviation = choose(where, a - mean(a, axis, keepdims=True, where=where), 0.0)
        size = apply(ROWS["norm2"], (deviation,), (plain_axis(axis), bool(keepdims)))
        return size / (_selected(a, where, axis, keepdims) - ddof) ** 0.5
    return apply(ROWS["std"], (a,), (plain_axis(axis), ddof, bool(keepdims)))


def max(  # noqa: A001
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The largest element along `axis`, or of all; elements that tie share the derivative."""
    return _extreme("max", "maximum", -np.inf, a, axis, out, keepdims, initial, where)


def min(  # noqa: A001
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The smallest element along `axis`, or of all; elements that tie share the derivative."""
    return _extreme("min", "minimum", np.inf, a, axis, out, keepdims, initial, where)


def _extreme(
    name: str,
    pairwise: str,
    neutral: float,
    a: Any,
    axis: Any,
    out: None,
    keepdims: bool,
    initial: Any,
    where: Any,
) -> Any:
    refuse_out(out, name)
    a = joined(a)
    if where is not True and initial is None:
        raise ValueError(f"{name}(..., where=...) needs initial=, for slices where nothing is left")
    shape = shape_of(a)
    if initial is not None and 0 in (shape[k] for k in reduced_axes(axis, len(shape))):
        kept = kept_shape(shape, axis)
        gone = () if keepdims else plain_axis(axis)
        return (
            sum(a, axis, keepdims=keepdims)
            + np.zeros(kept, getattr(a, "dtype", float)).sum(axis=gone)
            + initial
        )
    found = apply(ROWS[name], (_masked(a, where, neutral),), (plain_axis(axis), bool(keepdims)))
    return found if initial is None else apply(ROWS[pairwise], (found, initial))


def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The sum of all elements up to each one, along `axis` or of the flattened array."""
    return _cumulative("cumsum", a, axis, dtype, out)


def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The product of all elements up to each one; right with zeros, to any order."""
    return _cumulative("cumprod", a, axis, dtype, out)


def _cumulative(name: str, a: Any, axis: int | None, dtype: Any, out: None) -> Any:
    refuse_out(out, name)
    a = joined(a) if dtype is None else astype(a, dtype)
    if axis is None:
        a, axis = ravel(a), 0
    if not shape_of(a):  # as in NumPy, a scalar is a vector here
        a = ravel(a)
    (axis,) = normalized_axes(operator.index(axis), len(shape_of(a)))
    return apply(ROWS[name], (a,), (axis,))


def floating(a: Any) -> Any:
    """The operand as floats: integers and booleans are converted."""
    a = joined(a)
    if isinstance(a, Value):
        return a
    if not isinstance(a, Tensor):
        a = np.asarray(as_operand(a))
    return a if a.dtype.kind == "f" else astype(a, float)


def logsumexp(a: Any, axis: Axis = -1, keepdims: bool = False) -> Any:
    """log(sum(exp(a))) along `axis`, without overflow."""
    return apply(ROWS["logsumexp"], (floating(a),), (plain_axis(axis), bool(keepdims)))


def softmax(x: Any, axis: Axis = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`: positive, and its sum is 1.

    >>> import autograd_bp as ab
    >>> ab.softmax(ab.Tensor([0.0, 0.0, 1000.0]))
    Tensor([0., 0., 1.], op='softmax')
    """
    return apply(ROWS["softmax"], (floating(x),), (plain_axis(axis),))


def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """The logarithm of `softmax`, right where that is 0 or 1 to the last bit."""
    return apply(ROWS["log_softmax"], (floating(x),), (plain_axis(axis),))

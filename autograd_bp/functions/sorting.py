"""Order: sorting, and the statistics that read elements off a sorted array.

A sorted array is the array at other places. The places are found on the numbers, so a derivative
goes to where each element came from; among equal elements the order is that of NumPy's stable
sort, a subgradient.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from autograd_bp.functions.arranging import one_axis, take_along_axis
from autograd_bp.functions.elementwise import refuse_out, where
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.reductions import max as largest
from autograd_bp.functions.reductions import mean, plain_axis
from autograd_bp.functions.reductions import min as smallest
from autograd_bp.functions.shapes import asarray, expand_dims, moveaxis, ravel, reshape
from autograd_bp.operations import apply, joined, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import normalized_axes, shape_of


def sort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,  # noqa: ARG001  (all kinds give the same numbers)
    order: None = None,
    *,
    stable: bool | None = None,  # noqa: ARG001
) -> Any:
    """The elements along `axis` in ascending order, nan last; None sorts them all.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([3.0, 1.0, 2.0])
    >>> (sort(x) * [1.0, 10.0, 100.0]).sum().backward()
    >>> x.grad
    array([100.,   1.,  10.])
    """
    _refuse_order(order, "sort")
    a, axis = _flat_if_none(asarray(a), axis)
    axis = one_axis(axis, len(shape_of(a)))
    return take_along_axis(a, np.argsort(plain(a), axis=axis, kind="stable"), axis)


def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None
) -> Any:
    """The elements with the `kth` smallest in its place, smaller ones before, larger after."""
    _refuse_order(order, "partition")
    a, axis = _flat_if_none(asarray(a), axis)
    axis = one_axis(axis, len(shape_of(a)))
    places = np.argpartition(plain(a), plain(kth), axis=axis, kind=kind)  # type: ignore[arg-type]
    return take_along_axis(a, places, axis)


def _refuse_order(order: Any, name: str) -> None:
    if order is not None:
        raise TypeError(f"{name}: order= names the fields of a structured array; there are none")


def _flat_if_none(a: Any, axis: int | None) -> tuple[Any, int]:
    return (ravel(a), 0) if axis is None else (a, axis)


def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """The largest element less the smallest, along `axis` or of all."""
    refuse_out(out, "ptp")
    a = joined(a)
    return largest(a, axis, keepdims=keepdims) - smallest(a, axis, keepdims=keepdims)


# -- quantiles ------------------------------------------------------------------------------------


def median(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,  # noqa: ARG001
    keepdims: bool = False,
) -> Any:
    """The middle element, or the mean of the two, along `axis` or of all."""
    refuse_out(out, "median")
    rows, restore = _rows(a, axis, keepdims)
    n = shape_of(rows)[-1]
    if n == 0:
        return restore(mean(rows, -1))
    ordered = sort(rows)
    middle = mean(getitem(ordered, (..., slice((n - 1) // 2, n // 2 + 1))), -1)
    return restore(_nan_where_any(rows, middle))


def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """The `q`-th quantiles along `axis` or of all, by any of NumPy's methods.

    `q` is one number from 0 to 1 or an array of them, which becomes the first axes of the result.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([4.0, 1.0, 3.0])
    >>> quantile(x, 0.25).backward()
    >>> x.grad
    array([0. , 0.5, 0.5])
    """
    del overwrite_input
    return _quantile("quantile", a, q, 1.0, axis, out, method, keepdims, weights, skip_nan=False)


def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """`quantile` with `q` from 0 to 100."""
    del overwrite_input
    return _quantile(
        "percentile", a, q, 100.0, axis, out, method, keepdims, weights, skip_nan=False
    )


def nanmedian(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    """`median` of the elements that are not nan."""
    return nanquantile(a, 0.5, axis, out, overwrite_input, "averaged_inverted_cdf", keepdims)


def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """`quantile` of the elements that are not nan; nan where there is none."""
    del overwrite_input
    return _quantile("nanquantile", a, q, 1.0, axis, out, method, keepdims, weights, skip_nan=True)


def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """`percentile` of the elements that are not nan; nan where there is none."""
    del overwrite_input
    name = "nanpercentile"
    return _quantile(name, a, q, 100.0, axis, out, method, keepdims, weights, skip_nan=True)


def _quantile(
    name: str,
    a: Any,
    q: Any,
    whole: float,
    axis: Any,
    out: Any,
    method: str,
    keepdims: bool,
    weights: Any,
    *,
    skip_nan: bool,
) -> Any:
    refuse_out(out, name)
    if weights is not None:
        raise TypeError(f"{name}: weights= has no derivative rule here: sort and cumsum say it")
    rows, restore = _rows(a, axis, keepdims)
    share = np.asarray(plain(q), float) / whole
    ordered = sort(rows)
    n = shape_of(rows)[-1]
    if skip_nan:
        counts = n - np.isnan(np.asarray(plain(rows))).sum(axis=-1)
    else:
        counts = np.full(shape_of(rows)[:-1], n)
    # Where a quantile lies among 0, 1, 2, ... by NumPy's method is where it lies among the sorted.
    places = np.empty(share.shape + counts.shape)
    for count in np.unique(counts):
        ranks = np.arange(float(builtins.max(count, 1)))
        at_these = np.quantile(ranks, share, method=method)  # type: ignore[call-overload]
        places[..., counts == count] = np.asarray(at_these)[..., None]
    below = np.floor(places).astype(int)
    between = places - below
    above = below + (between > 0)
    dtype = getattr(rows, "dtype", np.dtype(float))
    if n == 0:
        raise ValueError(f"{name}: there are no elements along the axis")
    many = (1,) * share.ndim + shape_of(ordered)
    spread = apply(
        ROWS["broadcast_to"], (reshape(ordered, many),), (share.shape + many[share.ndim :],)
    )
    low, high = (
        reshape(take_along_axis(spread, index[..., None], -1), index.shape)
        for index in (below, above)
    )
    # As in NumPy, an array of q is float64 and one number is weak.
    fraction = between if share.ndim or dtype.kind != "f" else between.astype(dtype)
    found = low + (high - low) * fraction
    if skip_nan:
        found = where(counts == 0, np.nan, found) if (counts == 0).any() else found
    else:
        found = _nan_where_any(rows, found)
    return restore(found)


def _nan_where_any(rows: Any, found: Any) -> Any:
    undefined = np.isnan(np.asarray(plain(rows), float)).any(axis=-1)
    return where(undefined, np.nan, found) if undefined.any() else found


def _rows(a: Any, axis: Any, keepdims: bool) -> tuple[Any, Any]:
    """The array with the axes to reduce as one last axis, and what puts the result in shape."""
    a = asarray(a)
    shape = shape_of(a)
    if not shape:
        a, shape = reshape(a, (1,)), (1,)
        keepdims, axis = False, None
    axes = normalized_axes(plain_axis(axis), len(shape))
    kept = tuple(k for k in range(len(shape)) if k not in axes)
    moved = moveaxis(a, axes, tuple(range(-len(axes), 0))) if axes else expand_dims(a, -1)
    rest = tuple(shape[k] for k in kept)
    rows = reshape(moved, (*rest, int(np.prod([shape[k] for k in axes]))))

    def restore(found: Any) -> Any:
        if not keepdims:
            return found
        added = len(shape_of(found)) - len(rest)
        full = tuple(1 if k in axes else n for k, n in enumerate(shape))
        return reshape(found, shape_of(found)[:added] + full)

    return rows, restore

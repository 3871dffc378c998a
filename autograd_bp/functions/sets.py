"""Sets of elements: the distinct ones, and those that two arrays share or do not.

Which elements these are depends on comparisons only; derivatives go to where each was found first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_bp.functions.arranging import along, one_axis
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.shapes import asarray, concatenate, ravel
from autograd_bp.operations import plain
from autograd_bp.rules.arrays import shape_of


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,  # noqa: A002, ARG001
) -> Any:
    """The distinct elements (or slices along `axis`) in order.

    With the flags also where each was first, how to put the array together again, and how often
    each is there: integers without derivative.
    """
    ar = asarray(ar)
    place = 0 if axis is None else one_axis(axis, len(shape_of(ar)))
    found: Any = np.unique(  # type: ignore[call-overload]
        plain(ar), True, return_inverse, return_counts, axis=axis, equal_nan=equal_nan
    )
    values = getitem(ravel(ar) if axis is None else ar, along(place, found[1]))
    rest = [found[1]] if return_index else []
    rest += found[2:]
    return (values, *rest) if rest else values


def unique_values(x: Any, /) -> Any:
    """The distinct elements, in order."""
    return unique(x, equal_nan=False)


def unique_counts(x: Any, /) -> Any:
    """The distinct elements, and how often each is there."""
    return _with_values(np.unique_counts, x)


def unique_inverse(x: Any, /) -> Any:
    """The distinct elements, and which of them each element is."""
    return _with_values(np.unique_inverse, x)


def unique_all(x: Any, /) -> Any:
    """The distinct elements, where each was first, which each element is, and how often."""
    return _with_values(np.unique_all, x)


def _with_values(function: Any, x: Any) -> Any:
    x = asarray(x)
    return function(np.asarray(plain(x)))._replace(values=unique_values(x))


def union1d(ar1: Any, ar2: Any) -> Any:
    """The distinct elements of both arrays, in order."""
    return unique(concatenate([ravel(asarray(ar1)), ravel(asarray(ar2))]))


def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """The elements that are in both arrays, in order; derivatives go to the first array."""
    ar1, ar2 = asarray(ar1), asarray(ar2)
    _, first, second = np.intersect1d(plain(ar1), plain(ar2), assume_unique, True)
    values = getitem(ravel(ar1), first)
    return (values, first, second) if return_indices else values


def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The elements of the first array that are not in the second."""
    ar1 = ravel(asarray(ar1)) if assume_unique else unique(ar1)
    return getitem(ar1, np.flatnonzero(np.isin(plain(ar1), plain(ar2), invert=True)))


def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The elements that are in one of the arrays only, in order."""
    ar1, ar2 = (ravel(asarray(a)) if assume_unique else unique(a) for a in (ar1, ar2))
    both = concatenate([ar1, ar2])
    values, first, counts = np.unique(plain(both), return_index=True, return_counts=True)
    return getitem(both, first[counts == 1]) if values.size else both

"""Numbers evenly spread between operands, and counts in bins."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_bp.functions.elementwise import ELEMENTWISE
from autograd_bp.functions.reductions import max as largest
from autograd_bp.functions.reductions import min as smallest
from autograd_bp.functions.shapes import asarray, astype, concatenate, expand_dims, moveaxis, ravel
from autograd_bp.operations import apply, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import shape_of


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: None = None,  # noqa: ARG001  (there is one)
) -> Any:
    """`num` numbers evenly spread from `start` to `stop`; with `retstep` also their distance.

    >>> import autograd_bp as ab
    >>> end = ab.Tensor(2.0)
    >>> linspace(0.0, end, 3).sum().backward()
    >>> end.grad
    array(1.5)
    """
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"linspace: there are {num} numbers asked for")
    pieces = num - 1 if endpoint else num
    start, stop = asarray(start) * 1.0, asarray(stop) * 1.0
    step = (stop - start) / pieces if pieces > 0 else (stop - start) * np.nan
    steps = np.arange(num, dtype=getattr(step, "dtype", float)).reshape(
        -1, *(1,) * len(shape_of(step))
    )
    numbers = expand_dims(start, 0) + (
        steps * expand_dims(step, 0) if pieces > 0 else steps * expand_dims(stop - start, 0)
    )
    if endpoint and num > 1:  # exactly the end, whatever the rounding of the steps
        numbers = concatenate([numbers[:-1], expand_dims(stop + 0.0 * start, 0)])
    numbers = moveaxis(numbers, 0, axis)
    numbers = numbers if dtype is None else astype(numbers, dtype)
    return (numbers, step) if retstep else numbers


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Powers of `base`, with exponents evenly spread from `start` to `stop`."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    base = float(base) if isinstance(base, int | float) else asarray(base) * 1.0
    if shape_of(base):
        base = expand_dims(base, axis)
    numbers = ELEMENTWISE["power"](base, exponents)
    return numbers if dtype is None else astype(numbers, dtype)


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Numbers from `start` to `stop`, each the same multiple of the one before."""
    # As in NumPy, in double precision.
    start, stop = astype(asarray(start), float), astype(asarray(stop), float)
    first, last = np.asarray(plain(start)), np.asarray(plain(stop))
    if np.any(first * last <= 0):
        raise ValueError("geomspace: start and stop have the same sign, and neither is 0")
    log = ELEMENTWISE["log"]
    ratio = linspace(0.0 * start, log(stop / start), num, endpoint, axis=axis)
    numbers = expand_dims(start, axis) * ELEMENTWISE["exp"](ratio) if shape_of(ratio) else start
    return numbers if dtype is None else astype(numbers, dtype)


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:  # noqa: A002
    """The edges of the bins of `histogram`: from the smallest element to the largest."""
    a = ravel(asarray(a))
    if np.ndim(plain(bins)) == 1:
        edges = asarray(bins)
        np.histogram_bin_edges(np.asarray(plain(a)), np.asarray(plain(edges)))  # refuses bad ones
        return edges
    if isinstance(bins, str):
        raise TypeError(
            f"histogram: bins={bins!r} lets their number depend on the elements; give a number"
        )
    if range is not None or not shape_of(a)[0]:
        low, high = (0.0, 1.0) if range is None else (asarray(end) * 1.0 for end in range)
    else:
        low, high = smallest(a), largest(a)
    del weights
    if float(np.asarray(plain(low))) == float(np.asarray(plain(high))):
        low, high = low - 0.5, high + 0.5
    return linspace(low, high, operator.index(bins) + 1)


def histogram(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Any]:
    """How many elements lie in each bin, or the sum of their `weights`, and the edges of the bins.

    Counts have no derivative; sums of weights have that by the weights, and edges made from the
    smallest and largest element that by these.
    """
    a = ravel(asarray(a))
    edges = histogram_bin_edges(a, bins, range)
    places, numbers = np.asarray(plain(edges)), np.asarray(plain(a))
    n = len(places) - 1
    if weights is None:
        counts: Any = np.histogram(numbers, places)[0]
    else:
        bin_of = np.searchsorted(places, numbers, side="right") - 1
        bin_of = np.where(numbers == places[-1], n - 1, bin_of)
        inside = (bin_of >= 0) & (bin_of < n)
        counts = bincount(bin_of[inside], ravel(asarray(weights))[np.flatnonzero(inside)], n)
    if density:
        counts = counts / (edges[1:] - edges[:-1]) / counts.sum()
    return counts, edges


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """How often each whole number is in x; with `weights`, the sum of theirs.

    >>> import autograd_bp as ab
    >>> bincount([0, 2, 0], ab.Tensor([1.0, 2.0, 3.0]))
    Tensor([4., 0., 2.], op='scatter')
    """
    places = np.asarray(plain(x))
    if weights is None:
        return np.bincount(places, minlength=minlength)
    counts = np.bincount(places, minlength=minlength)  # refuses what is no vector of such numbers
    weights = astype(asarray(weights), float)
    if shape_of(weights) != places.shape:
        raise ValueError(
            f"bincount: weights of shape {shape_of(weights)} for numbers of shape {places.shape}"
        )
    return apply(ROWS["scatter"], (weights,), (places.astype(int), counts.shape))

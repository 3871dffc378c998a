"""Numbers and arrays, reduced to what a picture keeps of them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viz.picture import FEW, Quantity, Summary

_BINS = 12
_MOST_JOINED = 10**7


def snapshot(value: ArrayLike) -> Quantity:
    """A number or an array of any shape and dtype, as a `Quantity`.

    >>> snapshot(2.5)
    Quantity(dtype='float64', shape=None, entries=(2.5,), summary=None, joined=1)
    >>> snapshot(np.arange(30.0).reshape(5, 6)).summary.mean
    14.5
    """
    # By its type: a NumPy scalar is a float too, with a dtype of its own.
    kind: type = type(value)
    if kind is float:
        return Quantity("float64", None, (cast(float, value),))
    array = np.asarray(value)
    shape = array.shape if isinstance(value, np.ndarray) else None
    dtype = str(array.dtype)
    if array.dtype.kind not in "biuf":  # Complex numbers and objects: the shape is all we can say.
        return Quantity(dtype, array.shape)
    entries = tuple(array.ravel().tolist()) if array.size <= FEW else ()
    return Quantity(dtype, shape, entries, _summary(array) if array.size > 1 else None)


def all_finite(value: ArrayLike) -> bool:
    """Whether no entry is infinite or NaN; what is not made of numbers counts as finite.

    >>> all_finite(2.0), all_finite([1.0, math.inf]), all_finite("text")
    (True, False, True)
    """
    kind: type = type(value)
    if kind is float:
        return math.isfinite(cast(float, value))
    array = np.asarray(value)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def joined(values: Sequence[ArrayLike]) -> Quantity:
    """Several numbers or arrays as one quantity: all their entries, one after another.

    >>> joined([1.0, 2.0]).entries
    (1.0, 2.0)
    """
    if len(values) == 1:
        return snapshot(values[0])
    arrays = [np.asarray(value).ravel() for value in values]
    size = sum(array.size for array in arrays)
    if size > _MOST_JOINED or any(array.dtype.kind not in "biuf" for array in arrays):
        return Quantity(str(arrays[0].dtype), (size,), joined=len(values))
    return replace(snapshot(np.concatenate(arrays)), joined=len(values))


def _summary(array: NDArray[np.generic]) -> Summary:
    wide = array.astype(np.float64).ravel()
    finite = wide[np.isfinite(wide)]
    if not finite.size:
        return Summary(math.nan, math.nan, math.nan, math.nan, 0, wide.size)
    # Scaled first, so that entries near the ends of the range neither overflow nor vanish.
    scale = float(np.max(np.abs(finite))) or 1.0
    small = finite / scale
    low, high = float(small.min()), float(small.max())
    histogram: tuple[int, ...] = ()
    if low < high:
        # By hand: numpy.histogram refuses ranges so narrow that their bins have no width.
        bins = np.minimum((small - low) / (high - low) * _BINS, _BINS - 1).astype(np.intp)
        histogram = tuple(np.bincount(bins, minlength=_BINS).tolist())
    with np.errstate(over="ignore", under="ignore"):
        return Summary(
            minimum=float(finite.min()),
            maximum=float(finite.max()),
            mean=float(np.float64(small.mean()) * scale),
            norm=float(np.float64(np.sqrt(np.square(small).sum())) * scale),
            zeros=int(finite.size - np.count_nonzero(finite)),
            nonfinite=int(wide.size - finite.size),
            histogram=histogram,
        )

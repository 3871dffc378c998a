"""Numbers and arrays, reduced to what a picture keeps of them."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viz.picture import FEW, Quantity, Summary


def snapshot(value: ArrayLike) -> Quantity:
    """A number or an array of any shape and dtype, as a `Quantity`.

    >>> snapshot(2.5)
    Quantity(dtype='float64', shape=None, entries=(2.5,), summary=None)
    >>> snapshot(np.arange(30.0).reshape(5, 6)).summary.mean
    14.5
    """
    array = np.asarray(value)
    shape = array.shape if isinstance(value, np.ndarray) else None
    dtype = str(array.dtype)
    if array.dtype.kind not in "biuf":  # Complex numbers and objects: the shape is all we can say.
        return Quantity(dtype, array.shape)
    if array.size <= FEW:
        return Quantity(dtype, shape, tuple(array.ravel().tolist()))
    return Quantity(dtype, shape, summary=_summary(array))


def _summary(array: NDArray[np.generic]) -> Summary:
    wide = array.astype(np.float64).ravel()
    finite = wide[np.isfinite(wide)]
    if not finite.size:
        return Summary(math.nan, math.nan, math.nan, math.nan, 0, wide.size)
    # Scaled first, so that entries near the ends of the range neither overflow nor vanish.
    scale = float(np.max(np.abs(finite))) or 1.0
    small = finite / scale
    with np.errstate(over="ignore", under="ignore"):
        return Summary(
            minimum=float(finite.min()),
            maximum=float(finite.max()),
            mean=float(np.float64(small.mean()) * scale),
            norm=float(np.float64(np.sqrt(np.square(small).sum())) * scale),
            zeros=int(finite.size - np.count_nonzero(finite)),
            nonfinite=int(wide.size - finite.size),
        )

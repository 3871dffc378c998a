"""How much the values of a function scatter about a smooth curve: the noise of its computation.

A value may be known to far fewer digits than it has: `exp` of a product as large as 1e6 carries
the rounding of the product, which is nowhere to be seen in the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_POINTS = 21
_ORDERS = (3, 4, 5)
"""The differences that are looked at: of these orders a smooth curve leaves nothing."""
_STEPS = (1.3e-7, 1.7e-10)
"""As parts of the scale: no powers of two, at which products would be exact."""
_AGREEMENT = 4.0
_MEDIAN = 0.6745
"""Of the magnitudes of normally distributed numbers, in standard deviations."""


@np.errstate(all="ignore")  # where a value is not finite, nothing is found
def scatter(at: Callable[[Any], Array], scale: float) -> Array | float:
    """The standard deviation of the values `at(h)` for small h, elementwise (Moré & Wild 2011).

    Differences of high order of values in a row are nothing but noise: those of order k have a
    variance of (2 k)! / (k!)**2 times that of the values. Their median counts, so that a kink or
    jump on the way does not. Three orders that agree are believed. Either side of h = 0 is looked
    at by itself: there may be a kink between them.
    """
    found: Array | float = 0.0
    for step in _STEPS:
        for sign in (1, -1):
            h = np.longdouble(sign * step * scale)
            values = np.stack([at(k * h) for k in range(1, _POINTS + 1)])
            found = np.maximum(found, _deviation(values))
    return found


def _deviation(values: Array) -> Array:
    """Of the values along axis 0; 0 where the orders do not agree, or there is none."""
    sizes = []
    for order in _ORDERS:
        middle = np.median(np.abs(np.diff(values, n=order, axis=0)), axis=0)
        sizes.append(middle / (_MEDIAN * math.sqrt(math.comb(2 * order, order))))
    least, most = np.min(sizes, axis=0), np.max(sizes, axis=0)
    believed = np.isfinite(most) & (most <= _AGREEMENT * least)
    return np.asarray(np.where(believed, most, 0.0))

"""What is right at an awkward point, and whether what an engine found there is.

Three kinds: numbers that follow by exact reasoning (`exactly`), the derivative that mpmath finds
with 1500 digits (`by_mpmath`), and at a kink the whole set of subgradients (`any_of`).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

Point = tuple[Any, ...]
Arrays = Sequence[Any]
"""One NumPy array for each argument."""

TOLERANCE = 1e-12
"""The relative error within which a derivative is right."""
FLUSHED = float(np.finfo(np.float64).tiny)
"""An error of up to the smallest normal float64 is allowed: some engines flush subnormals to 0."""
DIGITS = 1500
"""Enough for tanh at 700, which differs from 1 in the 608th digit."""


@dataclass(frozen=True)
class Truth:
    """What is right, in words, and as a test of the gradients found at the k-th point.

    `expected` gives the right numbers, one array for each argument, where there is one answer.
    """

    text: str
    accepts: Callable[[int, Point, Arrays], bool]
    expected: Callable[[int, Point], list[np.ndarray]] | None = None


def close(found: Any, expected: Any) -> bool:
    """Equal in shape, and in every entry to the tolerance."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return False
    with np.errstate(all="ignore"):
        near = np.abs(found - expected) <= TOLERANCE * np.abs(expected) + FLUSHED
    return bool(np.all(near | (found == expected)))


def _all_close(
    expected: Callable[[int, Point], list[np.ndarray]], k: int, point: Point, found: Arrays
) -> bool:
    pairs = itertools.zip_longest(found, expected(k, point), fillvalue=np.nan)
    return all(close(gradient, right) for gradient, right in pairs)


def exactly(*per_point: Any, why: str = "exact") -> Truth:
    """The derivative at each point in turn, or a tuple of them, one for each argument."""
    table = [entry if isinstance(entry, tuple) else (entry,) for entry in per_point]

    def expected(k: int, _: Point) -> list[np.ndarray]:
        return [np.asarray(entry, np.float64) for entry in table[k]]

    return Truth(why, functools.partial(_all_close, expected), expected)


def any_of(text: str, member: Callable[..., bool]) -> Truth:
    """Any gradient of a set: `member` tells, from the gradient by each argument."""

    def accepts(_k: int, _point: Point, found: Arrays) -> bool:
        return bool(member(*found))

    return Truth(text, accepts)


def by_mpmath(f: Callable[..., Any], order: int = 1) -> Truth:
    """The derivative of the same function written in mpmath; of an array, entry by entry."""

    @functools.cache
    def at(flat: tuple[float, ...], sizes: tuple[int, ...]) -> list[list[float]]:
        with mpmath.workdps(DIGITS):
            numbers = [mpmath.mpf(number) for number in flat]
            ends = list(itertools.accumulate(sizes))
            starts = [end - abs(size) for end, size in zip(ends, sizes, strict=True)]

            def on_flat(*x: Any) -> Any:
                return f(*(_argument(x, *bounds) for bounds in zip(starts, ends, strict=True)))

            n = len(numbers)
            units = [tuple(int(i == j) for i in range(n)) for j in range(n)]
            if order == 1:
                return [[_partial(on_flat, numbers, unit) for unit in units]]
            return [
                [_partial(on_flat, numbers, tuple(map(sum, zip(u, v, strict=True)))) for v in units]
                for u in units
            ]

    def expected(_: int, point: Point) -> list[np.ndarray]:
        arrays = [np.asarray(argument, np.float64) for argument in point]
        flat = tuple(float(number) for array in arrays for number in array.ravel())
        found = at(flat, tuple(array.size for array in arrays))
        if order == 2:  # of one argument
            return [np.reshape(found, arrays[0].shape * 2)]
        pieces = np.split(np.asarray(found[0]), np.cumsum([array.size for array in arrays])[:-1])
        return [piece.reshape(array.shape) for piece, array in zip(pieces, arrays, strict=True)]

    return Truth("mpmath", functools.partial(_all_close, expected), expected)


def _argument(x: Sequence[Any], start: int, end: int) -> Any:
    return x[start] if end - start == 1 else list(x[start:end])


def _partial(f: Callable[..., Any], at: Sequence[Any], orders: tuple[int, ...]) -> float:
    if len(at) == 1:
        return float(mpmath.diff(f, at[0], orders[0]))
    return float(mpmath.diff(f, tuple(at), orders))

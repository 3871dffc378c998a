"""What is right at an awkward point, and whether what an engine found there is.

Three kinds: numbers that follow by exact reasoning (`exactly`), the derivative that mpmath finds
with 700 digits (`by_mpmath`), and at a kink the whole set of subgradients (`any_of`).
"""

from __future__ import annotations

import functools
import itertools
import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np

Point = tuple[Any, ...]
"""The arguments x, y of a function: Python floats and NumPy arrays."""

TOLERANCE = 1e-12
"""The relative error, of each entry, within which a derivative is right."""
FLUSHED = float(np.finfo(np.float64).tiny)
"""An error of up to the smallest normal float64 is allowed: some engines flush subnormals to 0."""
DIGITS = 700
"""Twice what is needed: tanh at 350 differs from 1 in the 304th digit."""


@dataclass(frozen=True)
class Truth:
    """What is right, in words, and as a test of the gradients found at the k-th point.

    `expected` gives the right numbers, one array for each argument, where there is one answer.
    """

    text: str
    accepts: Callable[[int, Point, Sequence[Any]], bool]
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
    expected: Callable[[int, Point], list[np.ndarray]], k: int, point: Point, found: Sequence[Any]
) -> bool:
    pairs = itertools.zip_longest(found, expected(k, point), fillvalue=np.nan)
    return all(close(gradient, right) for gradient, right in pairs)


def exactly(*per_point: Any) -> Truth:
    """The derivative at each point in turn, or a tuple of them, one for each argument."""
    table = [entry if isinstance(entry, tuple) else (entry,) for entry in per_point]

    def expected(k: int, _: Point) -> list[np.ndarray]:
        return [np.asarray(entry, np.float64) for entry in table[k]]

    return Truth("exact", functools.partial(_all_close, expected), expected)


def any_of(text: str, member: Callable[..., Any]) -> Truth:
    """Any gradient of a set: `member` tells, from the gradient by each argument."""
    return Truth(text, lambda _k, _point, found: bool(member(*found)))


# -- the derivative in mpmath ---------------------------------------------------------------------


class Names(Mapping[str, Any]):
    """The names in the text of a case: the arguments, and operations looked up in `operations`."""

    def __init__(self, operations: Any, xs: Sequence[Any]) -> None:
        self._operations = operations
        self._arguments = dict(zip("xy", xs, strict=False))

    def __getitem__(self, name: str) -> Any:
        if name in self._arguments:
            return self._arguments[name]
        return np.inf if name == "inf" else getattr(self._operations, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._arguments)

    def __len__(self) -> int:
        return len(self._arguments)


def evaluate(text: str, operations: Any, xs: Sequence[Any]) -> Any:
    """The value of the text of a case, in the operations of an engine or of mpmath."""
    return eval(text, {}, Names(operations, xs))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _logsumexp(x: Any) -> Any:
    return mp.log(mp.fsum(map(mp.exp, x)))


def _softmax(x: Any) -> Any:
    powers = [mp.exp(entry) for entry in x]
    total = mp.fsum(powers)
    return [power / total for power in powers]


def _std(x: Any) -> Any:
    mean = mp.fsum(x) / len(x)
    return mp.sqrt(mp.fsum((entry - mean) ** 2 for entry in x) / len(x))


MPMATH = types.SimpleNamespace(
    **{
        name: getattr(mp, name)
        for name in "exp log log1p sqrt sin tan cosh tanh sech hypot".split()
    },
    **{f"arc{name}": getattr(mp, f"a{name}") for name in "sin cos tan tan2 sinh cosh tanh".split()},
    array=mp.mpf,
    prod=mp.fprod,
    sinc=mp.sincpi,
    sigmoid=_sigmoid,
    softplus=lambda x: mp.log1p(mp.exp(x)),
    silu=lambda x: x * _sigmoid(x),
    gelu=lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    logaddexp=lambda x, y: _logsumexp([x, y]),
    logsumexp=_logsumexp,
    softmax=_softmax,
    log_softmax=lambda x: list(map(mp.log, _softmax(x))),
    std=_std,
    norm=lambda x, **ord: mp.norm(x, *ord.values()),
)


def by_mpmath(text: str, order: int) -> Truth:
    """The derivative that mpmath finds for the text of a case; of arrays, entry by entry."""

    @functools.cache
    def at(flat: tuple[float, ...], shapes: tuple[tuple[int, ...], ...]) -> list[np.ndarray]:
        ends = list(itertools.accumulate(map(math.prod, shapes)))
        slices = [slice(end - math.prod(s), end) for end, s in zip(ends, shapes, strict=True)]

        def on_flat(*numbers: Any) -> Any:
            pairs = zip(slices, shapes, strict=True)
            xs = [numbers[here] if shape else numbers[here][0] for here, shape in pairs]
            return evaluate(text, MPMATH, xs)

        units = np.eye(len(flat), dtype=int)
        with mp.workdps(DIGITS):
            if order == 2:  # of one argument
                rows = [[_partial(on_flat, flat, u + v) for v in units] for u in units]
                return [np.reshape(rows, shapes[0] * 2)]
            found = np.array([_partial(on_flat, flat, unit) for unit in units])
        pairs = zip(slices, shapes, strict=True)
        return [found[here].reshape(shape) for here, shape in pairs]

    def expected(_: int, point: Point) -> list[np.ndarray]:
        arrays = [np.asarray(argument, np.float64) for argument in point]
        flat = tuple(number for array in arrays for number in array.ravel().tolist())
        return at(flat, tuple(array.shape for array in arrays))

    return Truth("mpmath", functools.partial(_all_close, expected), expected)


def _partial(f: Callable[..., Any], at: Sequence[float], orders: np.ndarray) -> float:
    exact = tuple(map(mp.mpf, at))
    if len(exact) == 1:
        return float(mp.diff(f, exact[0], int(orders[0])))
    return float(mp.diff(f, exact, tuple(orders.tolist())))

"""Derivatives of a function of mpmath numbers by central differences, with digits to spare.

Nothing is assumed about the function but that it is smooth next to the point, on a scale that is
given roughly. The step shrinks and the precision grows until two results agree to 18 digits; an
entry is taken for zero only when everything above 1e-330, less than any float, would have shown.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_bp.testing.exact import MP, Number, UndefinedError

_AGREEMENT = 1e-18
_NOTHING = MP.mpf(10) ** -330
_STEPS = (18, 36, 72, 144, 288, 576, 1152)
"""Decimal digits by which the step is below the scale of the point."""
_MOST_DIGITS = 4000


@dataclass(frozen=True)
class Derivatives:
    """The value of a function at a point, and its partial derivatives of first and second order."""

    value: Number
    first: tuple[Number, ...]
    second: tuple[tuple[Number, ...], ...]


class UnsettledError(AssertionError):
    """No two results agreed: the point is no place for a derivative."""


@dataclass(frozen=True)
class _Entry:
    """A difference quotient, and how much of it may be rounding."""

    quotient: Number
    noise: Number

    @property
    def is_noise(self) -> bool:
        return bool(abs(self.quotient) <= 1e6 * self.noise)

    def settles(self, coarser: _Entry) -> bool:
        if abs(self.quotient) < _NOTHING:
            return bool(self.noise < _NOTHING and (coarser.is_noise or _is_nothing(coarser)))
        return bool(abs(coarser.quotient - self.quotient) <= _AGREEMENT * abs(self.quotient))


def _is_nothing(entry: _Entry) -> bool:
    return bool(abs(entry.quotient) < _NOTHING)


def derivatives(
    function: Callable[..., Number], point: Sequence[float], scales: Sequence[Number]
) -> Derivatives:
    """All derivatives up to the second of `function` at `point`.

    `scales` bounds from above, per argument, how far the nearest kink or pole may be.
    """
    (found,) = derivatives_of_each(lambda *args: [function(*args)], point, scales)
    return found


def derivatives_of_each(
    function: Callable[..., Sequence[Number]],
    point: Sequence[float],
    scales: Sequence[Number],
    patience: int = len(_STEPS),
) -> list[Derivatives]:
    """The same for every result of a function with many; `patience` is how many steps are tried."""
    guard = 0
    before: list[_Entry] | None = None
    for digits in _STEPS[:patience]:
        values, entries = _differences(function, point, scales, digits, guard)
        if before is not None and all(e.settles(b) for e, b in zip(entries, before, strict=True)):
            return _arranged(values, [entry.quotient for entry in entries], len(point))
        noise = max((entry.noise for entry in entries if entry.is_noise), default=MP.zero)
        if noise > _NOTHING / 1e4:
            guard = min(guard + int(MP.log10(noise)) + 336, _MOST_DIGITS)
        before = entries
    raise UnsettledError(f"the derivatives at {point} do not settle")


def _differences(
    function: Callable[..., Sequence[Number]],
    point: Sequence[float],
    scales: Sequence[Number],
    digits: int,
    guard: int,
) -> tuple[list[Number], list[_Entry]]:
    """The values; per value the first derivatives, then the second by rows."""
    n = len(point)
    with MP.workdps(3 * digits + spread_of(point, scales) + guard + 12):
        x = [MP.mpf(coordinate) for coordinate in point]
        steps = [_power_of_two(scale * MP.mpf(10) ** -digits) for scale in scales]

        def at(*moves: tuple[int, int]) -> list[Number]:
            moved = list(x)
            for k, direction in moves:
                moved[k] += direction * steps[k]
            return [finite(result) for result in function(*moved)]

        here = at()
        up, down = [at((k, 1)) for k in range(n)], [at((k, -1)) for k in range(n)]
        corners = {
            (i, j): [at((i, a), (j, b)) for a, b in ((1, 1), (-1, 1), (1, -1), (-1, -1))]
            for i in range(n)
            for j in range(i)
        }
        entries = []
        for m, value in enumerate(here):
            # Numbers on the way, such as exp(x) next to x = 0, may be 1 where the value is less.
            largest = max(MP.one, *(abs(values[m]) for values in (here, *up, *down)))
            rounding = largest * MP.eps * 8
            for k, step in enumerate(steps):
                entries.append(_Entry((up[k][m] - down[k][m]) / (2 * step), rounding / step))
            for i, j in itertools.product(range(n), repeat=2):
                area = steps[i] * steps[j]
                if i == j:
                    second = (up[i][m] - 2 * value + down[i][m]) / area
                else:
                    a, b, c, d = (corner[m] for corner in corners[max(i, j), min(i, j)])
                    second = ((a - b) - (c - d)) / (4 * area)
                entries.append(_Entry(second, rounding / area))
    return here, entries


def finite(number: Any) -> Number:
    """A value of a function as a number; UndefinedError where there is none."""
    result = MP.mpf(number)
    if not MP.isfinite(result):
        raise UndefinedError
    return result


def spread_of(point: Iterable[float], scales: Iterable[Number]) -> int:
    """How many digits it takes to tell neighbours at these scales apart."""
    largest = max((abs(MP.mpf(x)) for x in point), default=MP.zero)
    smallest = min(scales, default=MP.one)
    return max(0, int(MP.log10(largest / smallest))) if largest else 0


def _power_of_two(x: Number) -> Number:
    """The largest power of two up to x: added to a float it rounds nothing away."""
    return MP.ldexp(MP.one, int(MP.floor(MP.log(x, 2))))


def _arranged(values: list[Number], entries: list[Number], n: int) -> list[Derivatives]:
    found = []
    for m, value in enumerate(values):
        own = entries[m * (n + n * n) : (m + 1) * (n + n * n)]
        rows = [tuple(own[n + i * n : n + (i + 1) * n]) for i in range(n)]
        found.append(Derivatives(value, tuple(own[:n]), tuple(rows)))
    return found


# -- kinks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slopes:
    """The least and the largest derivative along a direction at a point and next to it.

    From either side at the point itself, and at neighbours on all sides: where a function has a
    kink, a subgradient is between these; at a jump so is the slope beside it.
    """

    low: float
    high: float
    continuous: bool


def slopes_around(
    function: Callable[..., Number], point: Sequence[float], direction: Sequence[float]
) -> Slopes:
    """How steep the function is around a point, along a direction."""
    n = len(point)
    scale = min(abs(MP.mpf(x)) for x in (*point, 1.0) if x)
    # As small a slope as there is must show in a value of about 1, over the shortest step.
    depth = 60 - int(MP.log10(scale * _NOTHING))
    with MP.workdps(depth + 50 + spread_of(point, [scale])):
        reach, step = scale * MP.mpf(10) ** -20, scale * MP.mpf(10) ** -50
        x = [MP.mpf(coordinate) for coordinate in point]

        def along(start: Sequence[Number], h: Number) -> list[Number]:
            return [a + h * d for a, d in zip(start, direction, strict=True)]

        def slope(start: Sequence[Number], side: int) -> Number | None:
            """None where the function jumps, or has no value."""
            try:
                values = [finite(function(*along(start, side * h))) for h in (0, step / 1024, step)]
            except (UndefinedError, ZeroDivisionError):
                return None
            near, far = (values[1] - values[0]) / step * 1024, (values[2] - values[0]) / step
            return None if abs(near - far) > 1e-6 * abs(far) + _NOTHING else side * far

        found = [slope(x, 1), slope(x, -1)]
        continuous = None not in found
        for moves in (direction, [-d for d in direction], *_all_around(n)):
            start = [a + reach * move for a, move in zip(x, moves, strict=True)]
            found.append(slope(start, 1))
    slopes = [s for s in found if s is not None]
    assert slopes, f"nothing around {point} has a slope"
    return Slopes(float(min(slopes)), float(max(slopes)), continuous)


def _all_around(n: int) -> list[tuple[float, ...]]:
    """Directions into every region between n crossing kinks: all signs, all orders of size."""
    turns = 5 * n
    return [
        tuple(math.cos(2 * math.pi * (turn + 0.4) * (k + 1) / turns + k) for k in range(n))
        for turn in range(turns)
    ]

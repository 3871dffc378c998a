"""Derivatives of a function of mpmath numbers by central differences, with digits to spare.

Nothing is assumed about the function but that it is smooth next to the point, on a scale that is
given roughly. The step shrinks and the precision grows until two results agree to 18 digits; an
entry is taken for zero only when everything above 1e-330, less than any float, would have shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.rules.exact import MP, Number, Undefined

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


class Unsettled(AssertionError):
    """No two results agreed: the point is no place for a derivative."""


def derivatives(
    function: Callable[..., Number], point: Sequence[float], scales: Sequence[Number]
) -> Derivatives:
    """All derivatives up to the second of `function` at `point`.

    `scales` bounds from above, per argument, the distance to the nearest kink or pole.
    """
    guard = 0
    before: list[tuple[Number, Number]] | None = None
    for digits in _STEPS:
        entries, value = _differences(function, point, scales, digits, guard)
        if before is not None and all(map(_agree, before, entries)):
            return _arranged(value, [entry for entry, _ in entries], len(point))
        noise = max(
            (noise for entry, noise in entries if abs(entry) <= 1e6 * noise), default=MP.zero
        )
        if noise > _NOTHING / 1e4:
            guard = min(guard + int(MP.log10(noise)) + 336, _MOST_DIGITS)
        before = entries
    raise Unsettled(f"the derivatives at {point} do not settle: {entries}")


def _agree(before: tuple[Number, Number], after: tuple[Number, Number]) -> bool:
    (coarse, coarse_noise), (fine, noise) = before, after
    if abs(fine) < _NOTHING:
        return noise < _NOTHING and abs(coarse) <= max(1e6 * coarse_noise, _NOTHING)
    return abs(coarse - fine) <= _AGREEMENT * abs(fine)


def _differences(
    function: Callable[..., Number],
    point: Sequence[float],
    scales: Sequence[Number],
    digits: int,
    guard: int,
) -> tuple[list[tuple[Number, Number]], Number]:
    """First derivatives, then second by rows, each with the size of its rounding error."""
    n = len(point)
    largest = max(abs(MP.mpf(x)) for x in point)
    smallest = min(scales)
    spread = max(0, int(MP.log10(largest / smallest))) if largest else 0
    with MP.workdps(3 * digits + spread + guard + 12):
        x = [MP.mpf(coordinate) for coordinate in point]
        steps = [_power_of_two(scale * MP.mpf(10) ** -digits) for scale in scales]
        largest_value = MP.zero

        def at(*moves: tuple[int, int]) -> Number:
            nonlocal largest_value
            moved = list(x)
            for k, direction in moves:
                moved[k] += direction * steps[k]
            result = MP.mpf(function(*moved))
            if not MP.isfinite(result):
                raise Undefined
            largest_value = max(largest_value, abs(result))
            return result

        here = at()
        up, down = [at((k, 1)) for k in range(n)], [at((k, -1)) for k in range(n)]
        first = [(up[k] - down[k]) / (2 * steps[k]) for k in range(n)]
        second: dict[tuple[int, int], Number] = {}
        for i in range(n):
            second[i, i] = (up[i] - 2 * here + down[i]) / steps[i] ** 2
            for j in range(i):
                corners = (
                    at((i, 1), (j, 1)) - at((i, 1), (j, -1)) - at((i, -1), (j, 1))
                ) + at((i, -1), (j, -1))
                second[i, j] = second[j, i] = corners / (4 * steps[i] * steps[j])
        rounding = largest_value * MP.eps * 8
        entries = [(first[k], rounding / steps[k]) for k in range(n)]
        entries += [
            (second[i, j], rounding / (steps[i] * steps[j])) for i in range(n) for j in range(n)
        ]
    return entries, here


def _power_of_two(x: Number) -> Number:
    """The largest power of two up to x: added to a float it rounds nothing away."""
    return MP.ldexp(MP.one, int(MP.floor(MP.log(x, 2))))


def _arranged(value: Number, entries: list[Any], n: int) -> Derivatives:
    rows = [tuple(entries[n + i * n : n + (i + 1) * n]) for i in range(n)]
    return Derivatives(value, tuple(entries[:n]), tuple(rows))

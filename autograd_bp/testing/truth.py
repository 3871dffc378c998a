"""What is true of an elementwise row at a point, by its formula on mpmath's numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd_bp.rules import Formula, Rule
from autograd_bp.rules.formula import compile_formula
from autograd_bp.testing.differences import (
    Derivatives,
    Slopes,
    UnsettledError,
    derivatives,
    slopes_around,
)
from autograd_bp.testing.exact import EXACT, MP, Number, UndefinedError

Point = tuple[float, ...]

EXTREME = 10**6
"""Beyond 2**(+-this) a value is not followed: it is an infinity, or nothing, by far."""


def is_known(rule: Rule) -> bool:
    """Whether mpmath has a meaning for everything in the row's formula."""
    try:
        exact(rule, ())
    except NameError:
        return False
    return True


def exact(rule: Rule, params: tuple[Any, ...]) -> Callable[..., Number]:
    """The row on mpmath's numbers, with its parameters given."""
    forward = EXACT.primitives.get(rule.name) or rule.read(EXACT).forward
    return lambda *args: forward(*args, *params)


@functools.lru_cache(maxsize=100_000)
def true_derivatives(rule: Rule, params: tuple[Any, ...], point: Point) -> Derivatives | None:
    """Value and derivatives; None outside the domain, at a kink or pole, and far beyond floats.

    Points of the boundary table are not for this: what is right there is a promise.
    """
    if not in_domain(rule, point) or point in rule.boundary:
        return None
    function = exact(rule, params)
    try:
        scales = _scales(rule, params, point)
        if min(scales) == 0:
            return None
        if is_far_beyond(rule, params, point):
            return None
        return derivatives(function, point, scales)
    except (UndefinedError, ZeroDivisionError, UnsettledError):
        return None


def is_far_beyond(rule: Rule, params: tuple[Any, ...], point: Point) -> bool:
    """Whether the value is one that no float is near, or so close to 0."""
    try:
        with MP.workdps(60):
            size = MP.mag(exact(rule, params)(*map(MP.mpf, point)))
    except (UndefinedError, ZeroDivisionError):
        return False
    return size not in (MP.inf, MP.ninf) and abs(size) > EXTREME


@functools.lru_cache(maxsize=100_000)
def true_slopes(rule: Rule, params: tuple[Any, ...], point: Point, argument: int) -> Slopes | None:
    """How steep the function is around a kink, by one argument; None where nothing is."""
    return slopes_along(rule, params, point, tuple(float(k == argument) for k in range(len(point))))


def slopes_along(
    rule: Rule, params: tuple[Any, ...], point: Point, direction: Point
) -> Slopes | None:
    """The same in any direction."""
    try:
        return slopes_around(exact(rule, params), point, direction)
    except (UndefinedError, ZeroDivisionError, AssertionError, ValueError):
        return None


def in_domain(rule: Rule, point: Point) -> bool:
    """Whether every argument is in its interval."""
    return all(x in interval for x, interval in zip(point, rule.domain, strict=True))


def kink_functions(rule: Rule, namespace: Any) -> list[Callable[..., Any]]:
    """The row's kinks as functions of its arguments and parameters, zero at a kink."""
    return [_compiled(rule, kink, namespace) for kink in rule.kinks]


@functools.cache
def _compiled(rule: Rule, kink: Formula, namespace: Any) -> Callable[..., Any]:
    return compile_formula(
        kink,
        [*rule.args, *rule.params],
        namespace.resolve,
        name=f"{rule.name}_kink",
        on_floats=True,
    )


def _scales(rule: Rule, params: tuple[Any, ...], point: Sequence[float]) -> list[Number]:
    """Per argument, how far a step may go: to zero, a kink, an end of the domain, at most 1."""
    largest = max(map(abs, point))
    with MP.workdps(700):
        sizes = [abs(MP.mpf(x)) for x in point if x]
        kinks = [abs(kink(*map(MP.mpf, point), *params)) for kink in kink_functions(rule, EXACT)]
        scales = []
        for x, interval in zip(point, rule.domain, strict=True):
            # A kink moves as fast as the largest argument does: x % y jumps x / y times as y
            # passes from y to 2 y.
            share = abs(MP.mpf(x)) / largest if x else MP.one
            bounds = [MP.one, *(kink * share for kink in kinks)]
            bounds += [abs(MP.mpf(x))] if x else sizes
            bounds += [
                abs(MP.mpf(x) - end) for end in (interval.low, interval.high) if math.isfinite(end)
            ]
            scales.append(min(bounds))
    return scales


def error_in_ulp(found: float, true: Number, size: Number = 0) -> float:
    """The distance, in units in the last place of the truth, or of `size` if that is larger.

    Infinity for a nan, an infinity that should not be, or the wrong one. A truth beyond the
    largest float is an infinity; the unit of what is below the smallest is the smallest.
    """
    if math.isnan(found):
        return math.inf
    largest = 1.7976931348623157e308
    if math.isinf(found) or abs(true) > 2 * largest:
        beyond = abs(true) >= largest * (1 - 16 * 2.0**-52)
        return 0.0 if beyond and math.isinf(found) and (found > 0) == (true > 0) else math.inf
    size = max(abs(true), size)
    _, exponent = MP.frexp(size) if size else (0, -1022)
    ulp = MP.ldexp(MP.one, max(int(exponent) - 1, -1022) - 52)
    return float(abs(MP.mpf(found) - true) / ulp)


def size_around_a_zero(rule: Rule, params: tuple[Any, ...], point: Point, argument: int) -> Number:
    """The size of a derivative nearby, where it passes through zero: digits cancel there whatever
    one does. 0 where it does not."""
    sizes = [MP.zero]
    for k, x in enumerate(point):
        for step in {abs(x) / 4, min(abs(x), 1.0) / 4}:
            sides = [
                true_derivatives(rule, params, (*point[:k], x + side, *point[k + 1 :]))
                for side in (step, -step)
            ]
            firsts = [truth.first[argument] for truth in sides if truth is not None]
            if len(firsts) == 2 and firsts[0] * firsts[1] < 0:
                sizes += map(abs, firsts)
    return max(sizes)

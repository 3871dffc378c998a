"""Points at which an elementwise row is tried, and what is true there.

A row brings its own domain and kinks; from them come points of every size, in saturation, next to
the ends of the domain and on both sides of every kink, and the kinks themselves.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from autograd_bp.rules import ROWS, SCALAR, Formula, Rule
from autograd_bp.rules.formula import compile_formula
from autograd_bp.testing.differences import Derivatives, derivatives
from autograd_bp.testing.exact import EXACT, MP, Number, UndefinedError

Point = tuple[float, ...]
T = TypeVar("T")

SIZES = (
    5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-160, 1e-40, 1e-20, 1e-8, 1e-3, 0.1, 0.3,
    0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 36.7, 100.0, 300.0, 700.0, 745.0, 1e3, 1e5,
    2.0**53, 1e22, 1e100, 1e160, 1e300, 1.7976931348623157e308,
)  # fmt: skip
EVERYDAY = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, -0.5, -1.0, -1.5, -2.0, -3.0)
NUDGES = (5e-324, 1e-300, 1e-16, 1e-10, 1e-5, 1e-2)
EXTREME = 10**6
"""Beyond 2**(+-this) a value is not followed: it is an infinity, or nothing, by far."""

PARAMETERS: dict[str, tuple[float, ...]] = {
    "n": (1, 2),
    "order": (0, 1, 2),
    "negative_slope": (0.01, -0.5),
    "alpha": (1.0, 1.6732632423543772),
}
"""Values for the parameters of elementwise rows, by name."""


@dataclass(frozen=True)
class Case:
    """A row with its parameters, and points at which all derivatives are known."""

    row: Rule
    params: tuple[Any, ...]
    points: tuple[Point, ...]
    truths: tuple[Derivatives, ...]

    def pairs(self) -> Iterator[tuple[Point, Derivatives]]:
        """Each point with the truth there."""
        return zip(self.points, self.truths, strict=True)

    def column(self, k: int) -> list[float]:
        """Argument k at every point."""
        return [point[k] for point in self.points]


def parameters(row: Rule) -> list[tuple[Any, ...]]:
    """All combinations of the values declared for the row's parameters."""
    choices = []
    for name in row.params:
        if name not in PARAMETERS:
            raise AssertionError(
                f"{row.name} has a parameter {name!r}: say in tests/rules/points.py, PARAMETERS, "
                "with which values to test it"
            )
        choices.append(PARAMETERS[name])
    return list(itertools.product(*choices))


@functools.cache
def case(name: str, params: tuple[Any, ...]) -> Case:
    """The standing points of a row, and the truth there."""
    row = ROWS[name]
    points, truths = [], []
    for point in dict.fromkeys(_points(row, params, random.Random(name))):
        truth = true_derivatives(row, params, point)
        if truth is not None:
            points.append(point)
            truths.append(truth)
    return Case(row, params, tuple(points), tuple(truths))


@functools.lru_cache(maxsize=100_000)
def true_derivatives(row: Rule, params: tuple[Any, ...], point: Point) -> Derivatives | None:
    """Value and derivatives; None outside the domain, at a kink or pole, and far beyond floats.

    Points of the boundary table are not for this: what is right there is a promise.
    """
    if not in_domain(row, point) or point in row.boundary:
        return None
    function = exact(row, params)
    try:
        scales = _scales(row, params, point)
        if min(scales) == 0:
            return None
        with MP.workdps(60):
            size = MP.mag(function(*map(MP.mpf, point)))
        if size not in (MP.inf, MP.ninf) and abs(size) > EXTREME:
            return None
        return derivatives(function, point, scales)
    except (UndefinedError, ZeroDivisionError):
        return None


def exact(row: Rule, params: tuple[Any, ...]) -> Callable[..., Number]:
    """The row on mpmath's numbers, with its parameters given."""
    forward = EXACT.resolve(row.name)
    return lambda *args: forward(*args, *params)


def in_domain(row: Rule, point: Point) -> bool:
    return all(x in interval for x, interval in zip(point, row.domain, strict=True))


def _scales(row: Rule, params: tuple[Any, ...], point: Point) -> list[Number]:
    """Per argument, how far a step may go: to zero, a kink, an end of the domain, at most 1."""
    largest = max(map(abs, point))
    with MP.workdps(700):
        sizes = [abs(MP.mpf(x)) for x in point if x]
        kinks = [abs(kink(*map(MP.mpf, point), *params)) for kink in kink_functions(row, EXACT)]
        scales = []
        for x, interval in zip(point, row.domain, strict=True):
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


@functools.cache
def _compiled(row: Rule, kink: Formula, namespace: Any) -> Callable[..., Any]:
    return compile_formula(
        kink,
        [*row.args, *row.params],
        namespace.resolve,
        name=f"{row.name}_kink",
        on_floats=True,
    )


def kink_functions(row: Rule, namespace: Any) -> list[Callable[..., Any]]:
    """The row's kinks as functions of its arguments and parameters, zero at a kink."""
    return [_compiled(row, kink, namespace) for kink in row.kinks]


# -- where ----------------------------------------------------------------------------------------


def _points(row: Rule, params: tuple[Any, ...], rng: random.Random) -> Iterator[Point]:
    n = len(row.args)
    signed = [sign * size for size in SIZES for sign in (1.0, -1.0)]
    wanted: list[Point] = [(0.0,) * n]
    if n == 1:
        wanted += [(x,) for x in signed]
    else:
        wanted += [tuple(rng.choice(signed) for _ in range(n)) for _ in range(60)]
        wanted += [tuple(rng.choice(EVERYDAY) for _ in range(n)) for _ in range(30)]
        wanted += [_alike(rng, n) for _ in range(20)]
    wanted += [tuple(rng.gauss(0, 3) for _ in range(n)) for _ in range(20)]
    wanted += [tuple(_any_size(rng) for _ in range(n)) for _ in range(30)]
    for _ in range(12):
        others = [rng.gauss(0, 3) for _ in range(n)]
        k = rng.randrange(n)
        wanted.append((*others[:k], rng.uniform(-745, 745), *others[k + 1 :]))
    wanted += _next_to(itertools.islice(kink_points(row, params), 6))
    for k, interval in enumerate(row.domain):
        for end in (interval.low, interval.high):
            if math.isfinite(end):
                for nudge in NUDGES:
                    others = [_any_size(rng) for _ in range(n)]
                    for x in {end + nudge, end - nudge, *_neighbours(end)}:
                        wanted.append((*others[:k], x, *others[k + 1 :]))
    for i, point in enumerate(wanted):
        point = tuple(map(_folded, point, row.domain))
        yield tuple(float(np.float32(x)) for x in point) if i % 2 and _fits(point) else point


def _folded(x: float, interval: Any) -> float:
    """x brought into a half-line by its sign; what is still outside is dropped later."""
    return abs(x) if interval.low >= 0 and interval.high == math.inf else x


def _any_size(rng: random.Random) -> float:
    return rng.choice((1.0, -1.0)) * 10 ** rng.uniform(-9, 4)


def _alike(rng: random.Random, n: int) -> Point:
    """Numbers that differ late."""
    centre = _any_size(rng)
    return tuple(centre * (1 + rng.gauss(0, 1) * 10 ** rng.uniform(-15, -1)) for _ in range(n))


def _neighbours(x: float) -> tuple[float, float]:
    return math.nextafter(x, -math.inf), math.nextafter(x, math.inf)


def _next_to(points: Iterable[Point]) -> Iterator[Point]:
    for point in points:
        for k, x in enumerate(point):
            for other in (*_neighbours(x), x + 1e-6, x - 1e-6):
                yield (*point[:k], other, *point[k + 1 :])


def _fits(point: Point) -> bool:
    """Whether float32 holds these numbers with all its digits."""
    return all(x == 0 or 1e-30 < abs(x) < 1e30 for x in point)


def in_float32(point: Point) -> bool:
    """Whether the point is one of float32's, with room for a few operations."""
    return _fits(point) and all(float(np.float32(x)) == x for x in point)


def kink_points(row: Rule, params: tuple[Any, ...]) -> Iterator[Point]:
    """Points in the domain where one of the row's kinks is zero, the simplest first."""
    kinks = kink_functions(row, SCALAR)
    scales = (1.0, 1e-300, 1e300)
    for scale in scales:
        for point in itertools.product(EVERYDAY, repeat=len(row.args)):
            point = tuple(scale * x for x in point)
            if in_domain(row, point) and any(_is_zero(kink, point, params) for kink in kinks):
                yield point


def _is_zero(kink: Callable[..., float], point: Sequence[float], params: tuple[Any, ...]) -> bool:
    try:
        return kink(*point, *params) == 0
    except (ArithmeticError, ValueError):
        return False


def spread_out(things: Sequence[T], most: int) -> list[T]:
    """At most so many of the things, evenly; the first always."""
    return list(things[:: max(1, -(-len(things) // most))])

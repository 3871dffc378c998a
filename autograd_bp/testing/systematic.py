"""The inputs every check begins with, and how a failing one is made simple.

What is drawn at random may miss a single number, or a single shape. So every shape that the
subject takes is tried once with ordinary numbers, and every number at which rules are wrong (zero,
kinks, constants in the code, far out) is tried in every argument.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.rules import Interval
from autograd_bp.testing.cases import LAYOUTS, Case, Shape
from autograd_bp.testing.drawing import kink_points, usable_shapes
from autograd_bp.testing.slack import ordinary
from autograd_bp.testing.subject import Subject

Array = NDArray[Any]

_MOST_SHAPES, _MOST_NUMBERS, _MOST_FILLED, _MOST_TUPLES = 20, 16, 10, 36
_COMMON = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0)
_SIMPLE = (1.0, 2.0, 0.5, -1.0, -2.0, -0.5, 0.0)


def first_cases(about: Subject, seed: int | None) -> list[Case]:
    """A few inputs with everything in them that rules are wrong at; `seed` is for the rest."""
    if about.rule is not None and not about.is_elementwise:
        return []  # what shapes and parameters such a row takes is known where it is drawn
    rng = np.random.default_rng([3, seed or 0])
    shapes = usable_shapes(about)
    half = _MOST_SHAPES // 2  # those that broadcast come first; of the others, some
    chosen = shapes[:half] + shapes[half :: max(1, math.ceil(len(shapes) / half) - 1)]
    numbers = [_telling(about, interval) for interval in about.domain]
    operands = [ordinary(about.domain, each, rng) for each in chosen]
    if about.is_elementwise:
        operands.append(_all_together(about.domain, numbers))
    else:
        operands += _one_by_one(about.domain, chosen, numbers, rng)
    return [
        Case(about, tuple(xs), k % 8, LAYOUTS[k % len(LAYOUTS)]) for k, xs in enumerate(operands)
    ]


def _telling(about: Subject, interval: Interval) -> list[float]:
    """Zero, what the subject compares its arguments with, ends of the domain, and far out."""
    ends = [end for end in (interval.low, interval.high) if math.isfinite(end)]
    named = [x for x in about.constants if x not in _COMMON]
    pool = [0.0, *kink_points(about), *named, *ends, 40.0, -40.0, 1.5, *_COMMON]
    found = dict.fromkeys(x + 0.0 for x in pool if x in interval)  # one zero of two
    return list(found)[:_MOST_NUMBERS]


def _all_together(domain: Sequence[Interval], numbers: list[list[float]]) -> list[Array]:
    """For an operation on corresponding elements: all numbers, or tuples of them, at once."""
    most = max(2, int(_MOST_TUPLES ** (1 / len(numbers)))) if len(numbers) > 1 else _MOST_NUMBERS
    tuples = list(itertools.product(*(each[:most] for each in numbers)))
    if len(numbers) > 1:
        alike = set(numbers[0]).intersection(*numbers[1:])
        tuples += [(x,) * len(domain) for x in sorted(alike)]
    return [np.array(column) for column in zip(*dict.fromkeys(tuples), strict=True)]


def _one_by_one(
    domain: Sequence[Interval],
    shapes: Sequence[tuple[Shape, ...]],
    numbers: list[list[float]],
    rng: np.random.Generator,
) -> Iterator[list[Array]]:
    """One number everywhere; and once in each argument, among ordinary ones and twice."""
    full = [each for each in shapes if all(map(math.prod, each))]
    if not full:
        return
    largest = max(full, key=lambda each: sum(map(math.prod, each)))
    for k in range(min(max(map(len, numbers)), _MOST_FILLED)):
        for each in dict.fromkeys((full[k % len(full)], largest)):
            yield [
                np.full(shape, pool[k % len(pool)])
                for shape, pool in zip(each, numbers, strict=True)
            ]
        mixed = ordinary(domain, largest, rng)
        for i, (x, pool) in enumerate(zip(mixed, numbers, strict=True)):
            if x.size:
                x.flat[(k + i) % x.size] = pool[(k + i) % len(pool)]
                x.flat[(k + i + 1) % x.size] = pool[(k + i) % len(pool)]
        yield mixed


# -- making a failing input simple -----------------------------------------------------------------


def simplest(case: Case, fails: Callable[[Case], bool], seconds: float) -> Case:
    """The case with as many simple numbers, and as few elements, as still fail."""
    stop = time.monotonic() + seconds

    def better(candidate: Case) -> bool:
        return time.monotonic() < stop and fails(candidate)

    if case.subject.is_elementwise:
        whole = np.broadcast_arrays(*case.operands)
        for place in np.ndindex(whole[0].shape):
            alone = replace(case, operands=tuple(np.asarray(x[place]) for x in whole))
            if better(alone):
                case = alone
                break
    for plain in (replace(case, layout="C"), replace(case, layout="C", seed=0)):
        case = plain if better(plain) else case
    for i, x in enumerate(case.operands):
        for k in range(x.size):
            for number in _SIMPLE:
                if x.flat[k] == number:
                    break
                if number in case.subject.domain[i]:
                    tried = case.operands[i].copy()
                    tried.flat[k] = number
                    operands = (*case.operands[:i], tried, *case.operands[i + 1 :])
                    candidate = replace(case, operands=operands)
                    if better(candidate):
                        case = candidate
                        break
    return case

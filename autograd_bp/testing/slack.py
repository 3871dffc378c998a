"""How far an answer may be off without being wrong: rounding inside, and the choice at a kink.

None of this is looked at where an answer agrees as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.rules import Interval
from autograd_bp.testing.oracles import Column, Discontinuous, FarBeyond, Undecided, column
from autograd_bp.testing.subject import Subject

Array = NDArray[Any]
Shape = tuple[int, ...]
Answers = Callable[[Sequence[Array]], Sequence[Array]]

ROUNDING = 32 * float(np.finfo(float).eps)
_NEAR = 1e-6
_AROUND = 1e-4
_NEIGHBOURS = 48


def ordinary(
    domain: Sequence[Interval], shapes: Sequence[Shape], rng: np.random.Generator
) -> list[Array]:
    """Numbers well inside a domain, in which nothing is tied, zero, large or saturated."""
    operands = []
    for interval, shape in zip(domain, shapes, strict=True):
        low, high = max(interval.low, -1.0), min(interval.high, 1.0)
        if high - low < 0.5:  # the domain lies elsewhere, or is narrow
            low, high = interval.low, interval.high
            if np.isfinite(low):
                high = min(high, low + 2.0)
            else:
                low = high - 2.0
        operands.append(np.asarray(low + (high - low) * rng.uniform(0.2, 0.8, shape)))
    return operands


def rounding(answers: Answers, subject: Subject, operands: Sequence[Array]) -> list[Array]:
    """What rounding inside a computation may do to its answers, element by element.

    Terms that cancel, as they do at ties or where a softmax saturates, leave the rounding of their
    own size. That is looked for where nothing cancels. And an answer that is sensitive to its
    input is as uncertain as the input's last digits; the input itself is left out of that, so that
    a fault at one number is no excuse.
    """
    rng = np.random.default_rng(0)
    near = [
        [np.asarray(x * (1 + _NEAR * rng.uniform(-1, 1, x.shape))) for x in operands]
        for _ in range(4)
    ]
    found = [_tried(answers, moved) for moved in near]
    found = [answer for answer in found if answer]
    elsewhere = [_tried(answers, others) for others in _elsewhere(subject, operands, rng)]
    allowed = []
    for i in range(max(map(len, (*found, *elsewhere)), default=0)):
        size = max((_largest(answer[i]) for answer in elsewhere if answer), default=0.0)
        change = np.zeros(())
        if found:
            stacked = np.stack([answer[i] for answer in found])
            change = (stacked.max(axis=0) - stacked.min(axis=0)) / _NEAR
        allowed.append(ROUNDING * (size + np.where(np.isfinite(change), change, 0.0)))
    return allowed


def size_inside(subject: Subject, operands: Sequence[Array]) -> float:
    """How large numbers get inside the function, as its values elsewhere show."""
    rng = np.random.default_rng(0)
    values = [
        _tried(lambda xs: [subject.value(xs)], others)
        for others in _elsewhere(subject, operands, rng)
    ]
    return max((_largest(value[0]) for value in values if value), default=0.0)


def _tried(answers: Answers, operands: Sequence[Array]) -> Sequence[Array]:
    try:
        return answers(operands)
    except Exception:  # somewhere else the function may not be defined
        return []


def _largest(answer: Array) -> float:
    return float(np.max(np.abs(answer), initial=0.0, where=np.isfinite(answer)))


def _elsewhere(
    subject: Subject, operands: Sequence[Array], rng: np.random.Generator
) -> Iterator[list[Array]]:
    """Inputs of the same shapes: ordinary ones, ones of the same magnitude, and mixtures."""
    usual = ordinary(subject.domain, [x.shape for x in operands], rng)
    like = [np.asarray(x * rng.uniform(0.5, 1.0, x.shape)) for x in operands]
    yield usual
    yield like
    if 1 < len(operands) < 5:
        for i in range(len(operands)):
            yield [*like[:i], usual[i], *like[i + 1 :]]
            yield [*usual[:i], like[i], *usual[i + 1 :]]


def slopes_nearby(
    subject: Subject, operands: Sequence[Array], direction: Sequence[Array]
) -> Iterator[Column]:
    """Derivatives at points around a kink: what a rule may choose from (Clarke 1975).

    The one-sided derivatives at the point are not all there is where the function is neither
    convex nor concave: the middle one of three equal numbers can stay the middle one.
    """
    rng = np.random.default_rng(1)
    for _ in range(_NEIGHBOURS):
        around = [
            np.asarray(x + _AROUND * np.maximum(np.abs(x), 1.0) * rng.uniform(-1, 1, x.shape))
            for x in operands
        ]
        try:
            yield column(subject, around, direction)
        except (Undecided, Discontinuous, FarBeyond):
            continue

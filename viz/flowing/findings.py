"""What the figures say, in words. The thresholds are here, and nowhere else."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from viz import numerals
from viz.flowing.measurements import Course, Measurements

Kind = Literal["no gradient", "vanishing", "growing", "exploding", "non-finite", "updates", "dead"]

VANISHING: Final = 0.01
"""A layer's gradient has vanished when its norm, in the median over all steps, is below this share
of that of the layer after it with the largest one."""
GROWING: Final = 100.0
"""Gradients grow on the way back when the first layer's norm is this many times the last one's."""
EXPLODING: Final = 100.0
"""A gradient explodes at a step where its norm is this many times the median of those before."""
BEFORE: Final = 50
"""So many steps before are looked at, ..."""
SETTLED: Final = 5
"""... and at least so many are needed."""
SMALL_UPDATE: Final = 1e-5
"""A layer hardly learns when its updates are below this share of its weights; 1e-3 is usual."""
LARGE_UPDATE: Final = 0.1
"""It forgets what it knew when they are above this share."""
DEAD_UNITS: Final = 0.2
"""A ReLU is conspicuous when this share of its units is zero for the whole batch, ..."""
ZEROS: Final = 0.9
"""... or, where only zeros were counted, when this share of its output is zero. Half is usual."""
LAST: Final = 0.1
"""Dead units are judged by this last part of the training."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something conspicuous: of which kind, in which layer, at which step (counted from 0)."""

    kind: Kind
    words: str
    layer: str
    step: int | None = None
    value: float | None = None


def judged(measurements: Measurements) -> tuple[Finding, ...]:
    """All that is conspicuous, the gravest first."""
    return (
        *_non_finite(measurements),
        *_exploding(measurements),
        *_by_layer(measurements),
        *_updates(measurements),
        *_dead(measurements),
    )


def typical(course: Course) -> float:
    """The median of what is finite (the lower of two); nan if nothing is."""
    return _median([number for number in course.tolist() if math.isfinite(number)])


def _median(numbers: list[float]) -> float:
    return sorted(numbers)[(len(numbers) - 1) // 2] if numbers else math.nan


def _non_finite(measurements: Measurements) -> list[Finding]:
    first: tuple[int, str] | None = None
    for name, course in reversed(list(measurements.norms.items())):
        bad = np.flatnonzero(~np.isfinite(course))
        if bad.size and (first is None or bad[0] < first[0]):
            first = int(bad[0]), name
    if first is None:
        return []
    step, name = first
    return [Finding("non-finite", f"not finite from step {step}, in {name}", name, step)]


def _exploding(measurements: Measurements) -> list[Finding]:
    """The first step at which some layer's norm jumps, and the layer where it jumps the most."""
    found: Finding | None = None
    for name, course in measurements.norms.items():
        jumps = _jumps(course)
        places = np.flatnonzero(jumps > EXPLODING)
        if not places.size:
            continue
        step, times = int(places[0]), float(jumps[places[0]])
        if found is None or (step, -times) < (found.step, -(found.value or 0.0)):
            words = (
                f"exploding at step {step}: the gradient of {name} has "
                f"{numerals.number(times, 2)} times the norm it had before"
            )
            found = Finding("exploding", words, name, step, times)
    return [] if found is None else [found]


def _jumps(course: Course) -> Course:
    """By step: the norm, by the median of the steps before."""
    jumps = np.zeros(len(course))
    before: deque[float] = deque(maxlen=BEFORE)
    for step, norm in enumerate(course.tolist()):
        if not math.isfinite(norm):
            continue
        # The median is looked for only where it can matter.
        if len(before) >= SETTLED and norm > EXPLODING * min(before):
            usual = _median(list(before))
            jumps[step] = norm / usual if usual > 0 else 0.0
        before.append(norm)
    return jumps


def _by_layer(measurements: Measurements) -> list[Finding]:
    """Where gradients die on their way from the last layer to the first, or grow."""
    names = list(measurements.norms)
    sizes = [typical(measurements.norms[name]) for name in names]
    if not any(size > 0 for size in sizes):
        return [Finding("no gradient", "no gradient arrives anywhere: every norm is 0", names[-1])]
    faded = 0
    while faded < len(sizes) - 1 and _faded(sizes[faded], sizes[faded + 1 :]):
        faded += 1
    if faded:
        strong = int(np.nanargmax(sizes))
        lost = sizes[faded - 1] / sizes[strong]
        words = (
            f"vanishing below layer {faded + 1} ({names[faded]}): the gradient of layer {faded} "
            f"({names[faded - 1]}) is {_percent(lost)} of that of layer {strong + 1}"
        )
        if faded > 1:
            words += f", that of layer 1 {_percent(sizes[0] / sizes[strong])}"
        return [Finding("vanishing", words, names[faded - 1], value=lost)]
    if len(sizes) > 1 and sizes[-1] > 0 and sizes[0] > GROWING * sizes[-1]:
        times = sizes[0] / sizes[-1]
        words = (
            f"growing on the way back: the gradient of layer 1 ({names[0]}) is "
            f"{numerals.number(times, 2)} times that of the last layer ({names[-1]})"
        )
        return [Finding("growing", words, names[0], value=times)]
    return []


def _faded(size: float, after: list[float]) -> bool:
    return size < VANISHING * max((other for other in after if other == other), default=0.0)


def _updates(measurements: Measurements) -> list[Finding]:
    ratios = {name: typical(course) for name, course in measurements.ratios.items()}
    small = {name: ratio for name, ratio in ratios.items() if ratio < SMALL_UPDATE}
    large = {name: ratio for name, ratio in ratios.items() if ratio > LARGE_UPDATE}
    return [
        *_together(small, "hardly learns", "hardly learn"),
        *_together(large, "jumps", "jump"),
    ]


def _together(ratios: dict[str, float], one: str, many: str) -> list[Finding]:
    """One sentence on all layers whose updates are conspicuous in the same way."""
    if not ratios:
        return []
    first, *others = ratios
    worst = min(ratios.values()) if one == "hardly learns" else max(ratios.values())
    shown = numerals.number(worst, 2)
    if not others:
        words = f"{first} {one}: an update is {shown} of its weights"
    else:
        named = f"{', '.join([first, *others[:-1]])} and {others[-1]}"
        words = f"{named} {many}: an update is {shown} of the weights at the worst"
    return [Finding("updates", words, first, value=worst)]


def _dead(measurements: Measurements) -> list[Finding]:
    found = []
    for name, course in measurements.dead.items():
        share = float(np.nanmean(course[-max(1, round(LAST * len(course))) :]))
        if measurements.units and share >= DEAD_UNITS:
            words = f"dead ReLUs {_percent(share)} in {name}: zero for every sample of the batch"
        elif not measurements.units and share >= ZEROS:
            words = f"dead ReLUs in {name}: {_percent(share)} of its output is zero"
        else:
            continue
        found.append(Finding("dead", words, name, value=share))
    return found


def _percent(share: float) -> str:
    return f"{numerals.number(100 * share, 2)} %"

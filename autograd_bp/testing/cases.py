"""Inputs for a check, as Hypothesis strategies derived from what the subject declares.

Kinks, zeros, ties, saturation, huge and tiny scales are drawn on purpose. Every list goes from
simple to strange, so that a failure shrinks to the simplest input that shows it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd_bp.rules import Interval
from autograd_bp.testing.subject import Subject

Array = NDArray[Any]
Shape = tuple[int, ...]

_ORDINARY = (1.0, 2.0, 0.5, -1.0, -2.0, -0.5, 3.0, 0.25, -3.0, 1.5, -0.75, 0.1, -0.1, 10.0, -10.0)
_SPECIAL = (0.0, -0.0, 5.5, -5.5, 31.0, -31.0, 40.0, -40.0, 1e-3, -1e-3, 1e-8, -1e-8, 100.0, -100.0)
_FAR = (700.0, -700.0, 1e-30, -1e-30, 1e6, -1e6, 1e-200, -1e-200, 1e150, -1e150, 1e-300)

LAYOUTS = ("C", "Fortran", "reversed", "strided", "read-only")


@dataclass(frozen=True)
class Case:
    """One input: the operands, the cotangent's weights, and how the operands lie in memory.

    Operands are float64 arrays in C order; `operands_in` lays them out.
    """

    subject: Subject
    operands: tuple[Array, ...]
    seed: int
    layout: str = "C"

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells this case from others of its subject."""
        operands = tuple((x.shape, x.tobytes()) for x in self.operands)
        return (*operands, self.seed, self.layout, repr(self.subject.params))

    @property
    def has_subnormals(self) -> bool:
        """Whether an operand has numbers that are rounded about as coarsely as they are large: no
        difference near them says what a slope is, and their reciprocals overflow."""
        tiny = np.finfo(float).tiny
        return any(bool(((x != 0) & (np.abs(x) < tiny)).any()) for x in self.operands)

    def laid_out(self) -> tuple[Array, ...]:
        """The operands in the layout of the case."""
        return tuple(lay_out(x, self.layout) for x in self.operands)

    def weights(self, shape: Shape, k: int) -> Array:
        """The k-th fixed array of ordinary numbers, for cotangents and directions."""
        rng = np.random.default_rng([self.seed, k])
        return rng.choice(np.array([1.0, -1.0, 0.5, 2.0, -0.75, 1.25, 0.3]), size=shape)


def lay_out(x: Array, layout: str) -> Array:
    """The same numbers in another memory layout."""
    x = np.asarray(x)
    if layout == "Fortran":
        return x.copy(order="F")
    if layout == "reversed" and x.ndim:
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    if layout == "strided" and x.ndim:
        wide = np.repeat(x, 2, axis=-1)
        return wide[..., ::2]
    x = x.copy()
    if layout == "read-only":
        x.flags.writeable = False
    return x


def numbers(
    interval: Interval, constants: Sequence[float] = (), *, far: bool = False
) -> st.SearchStrategy[float]:
    """Numbers of an interval: ordinary ones, its ends, zero, constants and their neighbours."""
    pool = [*_ORDINARY, *_SPECIAL]
    near = []
    for constant in constants:
        near += [constant, np.nextafter(constant, math.inf), np.nextafter(constant, -math.inf)]
        near += [constant + 0.125, constant - 0.125]
    for end in (interval.low, interval.high):
        if math.isfinite(end):
            width = interval.high - interval.low
            step = 0.125 if math.isinf(width) else width / 8
            near += [end, end + step, end - step, end + step / 1e6, end - step / 1e6]
    pool += near
    if far:
        pool += _FAR
    usable = list(dict.fromkeys(float(x) for x in pool if x in interval and math.isfinite(x)))
    low = interval.low if math.isfinite(interval.low) else -1e3
    high = interval.high if math.isfinite(interval.high) else 1e3
    if low >= high:
        low, high = (
            (interval.low, interval.low + 1e3)
            if math.isfinite(interval.low)
            else (interval.high - 1e3, interval.high)
        )
    # Small numbers are in the pool; between it and zero there is only underflow to find.
    anywhere = st.floats(low, high, allow_subnormal=False).filter(
        lambda x: x in interval and (x == 0 or abs(x) > 1e-6)
    )
    usable = usable or [0.5 * (low + high)]
    telling = [x for x in (0.0, *constants) if x in interval]
    return st.one_of(*map(st.sampled_from, filter(None, (usable, telling))), anywhere)


SHAPES: tuple[Shape, ...] = ((), (1,), (2,), (3,), (2, 2), (2, 3), (1, 3), (3, 1), (0,))

PAIRS: tuple[tuple[Shape, Shape], ...] = (
    ((), ()),
    ((3,), (3,)),
    ((3,), ()),
    ((), (3,)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((1,), (3,)),
    ((2, 3), (2, 1)),
    ((2, 2), (2, 2)),
    ((0,), (1,)),
)


def elementwise_shapes(n: int) -> list[tuple[Shape, ...]]:
    """Shapes for n operands that broadcast together."""
    if n == 1:
        return [(shape,) for shape in SHAPES]
    if n == 2:
        return list(PAIRS)
    return [
        pair + ((3,) if pair != ((0,), (1,)) else (),) * (n - 2)
        for pair in PAIRS
        if pair[0] in ((), (3,), (1,), (0,))
    ]


@st.composite
def arrays(
    draw: st.DrawFn, shape: Shape, element: st.SearchStrategy[float], *, ties: bool
) -> Array:
    """An array of drawn numbers; with `ties`, a few of them repeated all over."""
    n = math.prod(shape)
    if ties and n > 1:
        few = draw(st.lists(element, min_size=1, max_size=2))
        picks = draw(st.lists(st.integers(0, len(few) - 1), min_size=n, max_size=n))
        values = [few[i] for i in picks]
    else:
        values = draw(st.lists(element, min_size=n, max_size=n))
    return np.array(values, float).reshape(shape)

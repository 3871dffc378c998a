"""Every row of the sheet that is not elementwise, against mpmath; no code per row.

A row is tried on every shape, with every value of its parameters, that make sense for it; see
`samples`. What comes out is compared element by element: the whole Jacobian, from backward and from
forward mode, and the Hessian of every element of the result.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS, Rule, matrices, transforms
from autograd_bp.testing.differences import Derivatives, UnsettledError, slopes_around
from autograd_bp.testing.exact import MP, Number, UndefinedError
from tests.rules.accuracy import Verdicts, alike, error_in_ulp
from tests.rules.points import spread_out
from tests.rules.samples import (
    DEGENERATE,
    REGULAR,
    Fill,
    Sample,
    filled,
    flat,
    samples,
    scales,
    truth,
)

VALUE_ULP = FIRST_ULP = 8
SECOND_ULP = 32
SINGLE_ULP = 16
FAST = 12
"""So many calls of a row are tried in every run of the tests; all of them in the slow ones."""

ARRAY_ROWS = [pytest.param(row, id=row.name) for row in ROWS.values() if row.kind != "elementwise"]
every_row = pytest.mark.parametrize("row", ARRAY_ROWS)


def with_fills(calls: Sequence[Sample]) -> Iterator[tuple[Sample, str, Fill, int]]:
    """Every call with numbers near 1, and in turn with the others."""
    others = itertools.cycle(list(REGULAR.items())[1:])
    for seed, sample in enumerate(calls):
        yield sample, "numbers near 1", REGULAR["numbers near 1"], seed
        name, fill = next(others)
        yield sample, name, fill, seed


# -- the engine on one call -----------------------------------------------------------------------


class Engine:
    """A call of a row on Tensors, and what the engine says of it."""

    def __init__(self, sample: Sample, operands: Sequence[Any], dtype: Any = np.float64) -> None:
        self.sample = sample
        self.xs = [Tensor(np.asarray(operand, dtype)) for operand in operands]
        self.y = apply(sample.row, tuple(self.xs), sample.params)

    def unit(self, i: int) -> Any:
        """The cotangent that picks element i of the result."""
        cotangent = np.zeros(self.y.shape, self.y.dtype)
        cotangent.reshape(-1)[i] = 1
        return cotangent

    def gradient(self, cotangent: Any) -> list[Any]:
        return list(ab.gradients(self.y, self.xs, cotangent=cotangent))

    def pushed(self, tangents: Sequence[Any]) -> Any:
        """The derivative of the result in a direction, in forward mode."""

        def f(*operands: Any) -> Any:
            return apply(self.sample.row, operands, self.sample.params)

        return ab.jvp(f, tuple(x.data for x in self.xs), tuple(tangents))[1]

    def directions(self) -> Iterator[list[Any]]:
        """The tangents that move one element of the operands."""
        for k in range(len(self.xs)):
            for place in np.ndindex(self.xs[k].shape):
                tangents = [np.zeros(x.shape) for x in self.xs]
                tangents[k][place] = 1
                yield tangents

    def hessian(self, i: int) -> list[list[float]]:
        """The second derivatives of element i of the result."""
        rows = []
        gradient = ab.gradients(self.y, self.xs, create_graph=True, cotangent=self.unit(i))
        for part in gradient:
            for place in np.ndindex(part.shape):
                if part.requires_grad:
                    unit = np.zeros(part.shape)
                    unit[place] = 1
                    rows.append(flat(ab.gradients(part, self.xs, cotangent=unit)))
                else:
                    rows.append([0.0] * sum(x.size for x in self.xs))
        return rows


class Comparison(Verdicts):
    """The engine's answers and the truth.

    An entry may be some ulp off, or what it would be for operands one ulp off: sums and
    differences round.
    """

    def __init__(self, sample: Sample, operands: Sequence[Any], dtype: Any = np.float64) -> None:
        super().__init__()
        self.sample, self.dtype = sample, dtype
        self.point = flat(operands)

    def value(self, found: float, true: Derivatives, dtype: Any, ulp: float) -> None:
        error = error_in_ulp(found, true.value, dtype, self._moved(true.first) / ulp)
        self.note(error, ulp, f"{self.sample} at {self.point}", found, true.value)

    def first(self, found: float, true: Derivatives, k: int, ulp: float, where: str) -> None:
        size = self._moved(true.second[k]) / ulp
        error = error_in_ulp(found, true.first[k], self.dtype, size)
        what = f"{self.sample} at {self.point}, by element {k}, {where},"
        self.note(error, ulp, what, found, true.first[k])

    def second(self, found: float, true: Derivatives, j: int, k: int, ulp: float) -> None:
        """Terms of a second derivative may cancel: they have the size of slope over distance."""
        entry = true.second[j][k]
        distances = scales(self.point)
        size = max(
            abs(true.first[j]) / distances[k],
            abs(true.first[k]) / distances[j],
            abs(entry) * max(map(self._growth, true.first, true.second)) / ulp,
        )
        error = error_in_ulp(found, entry, self.dtype, size)
        self.note(error, ulp, f"{self.sample} at {self.point}, by {j} and {k},", found, entry)

    def _moved(self, slopes: Sequence[Number]) -> Number:
        return MP.fsum(abs(x * slope) for x, slope in zip(self.point, slopes, strict=True))

    def _growth(self, size: Number, slopes: Sequence[Number]) -> Number:
        return self._moved(slopes) / abs(size) if size else MP.zero


class NormwiseComparison(Comparison):
    """For factorizations of matrices: a small element is as right as the largest ones are.

    LAPACK promises the exact answer for a matrix off by some ulp of its norm (Higham, "Accuracy
    and stability of numerical algorithms", 2002), which is no promise for each element.
    """

    def __init__(
        self,
        sample: Sample,
        operands: Sequence[Any],
        true: Sequence[Derivatives],
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(sample, operands, dtype)

        def largest(numbers: Any) -> Number:
            return max(map(abs, numbers), default=MP.zero)

        flatten = itertools.chain.from_iterable
        x = largest(map(MP.mpf, self.point))
        v = largest(e.value for e in true)
        f = largest(flatten(e.first for e in true))
        s = largest(flatten(flatten(e.second) for e in true))
        # Of a quotient, a derivative grows at most as those before it have grown.
        growth = max(x * f / v if v else 0, x * s / f if f else 0, 1)
        self.sizes = (growth * v, growth * growth * f, growth**3 * s)

    def value(self, found: float, true: Derivatives, dtype: Any, ulp: float) -> None:
        self._compare(0, found, true.value, dtype, ulp, "the value")

    def first(self, found: float, true: Derivatives, k: int, ulp: float, where: str) -> None:
        self._compare(1, found, true.first[k], self.dtype, ulp, f"by element {k}, {where}")

    def second(self, found: float, true: Derivatives, j: int, k: int, ulp: float) -> None:
        self._compare(2, found, true.second[j][k], self.dtype, ulp, f"by {j} and {k}")

    def _compare(
        self, order: int, found: float, true: Number, dtype: Any, ulp: float, what: str
    ) -> None:
        error = error_in_ulp(found, true, dtype, self.sizes[order])
        self.note(error, ulp, f"{self.sample} at {self.point}, {what}", found, true)


def comparison_for(
    sample: Sample, operands: Sequence[Any], true: Sequence[Derivatives], dtype: Any = np.float64
) -> Comparison:
    """The comparison that what the row is computed by deserves."""
    if sample.row.name in {**matrices.MEANINGS, **transforms.MEANINGS}:
        return NormwiseComparison(sample, operands, true, dtype)
    return Comparison(sample, operands, dtype)


def fits_floats(elements: Sequence[Derivatives], dtype: Any = np.float64) -> bool:
    """Whether nothing that is true here is near the end of the floats."""
    largest = float(np.finfo(dtype).max) / 1e6
    numbers = (
        number
        for e in elements
        for number in (e.value, *e.first, *itertools.chain.from_iterable(e.second))
    )
    return all(abs(number) < largest for number in numbers)


def compare(sample: Sample, operands: Sequence[Any], true: Sequence[Derivatives]) -> Comparison:
    """Value, Jacobian both ways and Hessians, element by element."""
    engine, comparison = Engine(sample, operands), comparison_for(sample, operands, true)
    n = len(comparison.point)
    values, dtype = flat([engine.y.data]), engine.y.dtype
    forward = [flat([engine.pushed(tangents)]) for tangents in engine.directions()]
    for i, element in enumerate(true):
        comparison.value(values[i], element, dtype, VALUE_ULP)
        gradient = flat(engine.gradient(engine.unit(i)))
        hessian = engine.hessian(i)
        for k in range(n):
            comparison.first(gradient[k], element, k, FIRST_ULP, "backward")
            comparison.first(forward[k][i], element, k, FIRST_ULP, "forward")
            for j in range(n):
                comparison.second(hessian[j][k], element, j, k, SECOND_ULP)
    return comparison


# -- against the truth ----------------------------------------------------------------------------


@every_row
def test_there_are_calls_of_every_kind(row: Rule) -> None:
    found = samples(row.name)
    where = f"list more in CALLS[{row.name!r}], in autograd_bp/testing/calls.py"
    assert len(found) >= 4, where
    sizes = {math.prod(shape) for sample in found for shape in sample.shapes}
    assert 0 in sizes, where
    assert sizes & {1, 2}, where  # a pair of numbers is the least for some
    assert max(sizes) >= 3, where


@every_row
def test_value_jacobian_and_hessian_are_right(row: Rule, remember_worst: Any) -> None:
    check_calls(spread_out(samples(row.name), FAST), remember_worst)


@pytest.mark.slow
@every_row
def test_every_call_is_right(row: Rule, remember_worst: Any) -> None:
    check_calls(list(samples(row.name)), remember_worst)


def check_calls(calls: Sequence[Sample], remember_worst: Any) -> None:
    compared, worst = 0, 0.0
    for sample, _, fill, seed in with_fills(calls):
        operands = filled(sample, fill, seed)
        try:
            true = truth(sample, operands)
        except UndefinedError:
            continue
        if fits_floats(true):
            comparison = compare(sample, operands, true)
            comparison.verdict()
            worst = max(worst, comparison.worst)
            compared += 1
    assert compared >= len(calls)
    remember_worst(worst)


@every_row
def test_with_zeros_and_ties_it_is_right_or_at_a_kink_a_subgradient(row: Rule) -> None:
    small = [sample for sample in samples(row.name) if sum(map(math.prod, sample.shapes)) <= 6]
    for seed, (sample, fill) in enumerate(
        itertools.product(spread_out(small, 6), DEGENERATE.values())
    ):
        operands = filled(sample, fill, seed)
        try:
            true = truth(sample, operands, patience=3)
        except UndefinedError:
            continue
        except UnsettledError:
            check_subgradient(sample, operands)
            continue
        if fits_floats(true):
            compare(sample, operands, true).verdict()


def check_subgradient(sample: Sample, operands: Sequence[Any]) -> None:
    """Along every axis, and along the operands and all ones, the gradient is among the slopes."""
    engine, point = Engine(sample, operands), flat(operands)
    n = len(point)
    directions = [*np.eye(n).tolist(), [1.0] * n, point]
    for i in range(engine.y.size):
        gradient = flat(engine.gradient(engine.unit(i)))
        element = functools.partial(lambda i, *xs: sample.exact(*xs).ravel()[i], i)
        for direction in directions:
            slopes = slopes_around(element, point, direction)
            along = math.fsum(g * d for g, d in zip(gradient, direction, strict=True))
            slack = 1e-14 * max(1, abs(slopes.low), abs(slopes.high))
            assert slopes.low - slack <= along <= slopes.high + slack, (
                str(sample),
                point,
                gradient,
            )
        for line in engine.hessian(i):
            assert all(map(math.isfinite, line)), (str(sample), point, line)


REDUCTIONS = [param for param in ARRAY_ROWS if param.values[0].kind == "reduction"]


@pytest.mark.parametrize("row", REDUCTIONS)
def test_equal_elements_share_equally(row: Rule) -> None:
    for sample in samples(row.name):
        (operand,) = filled(sample, DEGENERATE["equal numbers"], 0)
        engine = Engine(sample, [operand])
        (gradient,) = engine.gradient(np.ones(engine.y.shape))
        assert len(set(flat([gradient]))) <= 1, (str(sample), gradient)


@every_row
def test_float32_stays_float32_and_is_as_right(row: Rule) -> None:
    for seed, sample in enumerate(spread_out(samples(row.name), 8)):
        operands = [x.astype(np.float32) for x in filled(sample, REGULAR["numbers near 1"], seed)]
        try:
            true = truth(sample, operands)
        except UndefinedError:
            continue
        engine = Engine(sample, operands, np.float32)
        comparison = comparison_for(sample, operands, true, np.float32)
        assert engine.y.dtype == dict(zip(row.params, sample.params, strict=True)).get(
            "dtype", np.float32
        )
        values = flat([engine.y.data])
        for i, element in enumerate(true):
            gradient = engine.gradient(engine.unit(i))
            assert {part.dtype for part in gradient} == {np.dtype(np.float32)}
            comparison.value(values[i], element, np.float32, SINGLE_ULP)
            for k, slope in enumerate(flat(gradient)):
                comparison.first(slope, element, k, SINGLE_ULP, "in float32")
        comparison.verdict()


# -- properties -----------------------------------------------------------------------------------


@every_row
def test_backward_and_forward_mode_are_adjoint(row: Rule) -> None:
    rng = np.random.default_rng(0)
    for seed, sample in enumerate(samples(row.name)):
        engine = Engine(sample, filled(sample, REGULAR["numbers near 1"], seed))
        v = rng.normal(size=engine.y.shape)
        us = [rng.normal(size=x.shape) for x in engine.xs]
        pulled, pushed = engine.gradient(v), engine.pushed(us)
        left = [float(a) for a in np.ravel(v * pushed)]
        right = [float(a) for u, g in zip(us, pulled, strict=True) for a in np.ravel(u * g)]
        size = math.fsum(map(abs, (*left, *right)))
        eps = float(np.finfo(engine.y.dtype).eps)
        assert abs(math.fsum(left) - math.fsum(right)) <= 32 * eps * size, str(sample)


@every_row
def test_the_gradient_is_linear_in_the_cotangent(row: Rule) -> None:
    rng = np.random.default_rng(1)
    for seed, sample in enumerate(samples(row.name)):
        engine = Engine(sample, filled(sample, REGULAR["numbers near 1"], seed))
        v = rng.normal(size=engine.y.shape)
        for once, scaled in zip(engine.gradient(v), engine.gradient(-4 * v), strict=True):
            assert alike(scaled, -4 * once), str(sample)


@every_row
def test_a_zero_cotangent_stays_zero_whatever_it_meets(row: Rule) -> None:
    for seed, sample in enumerate(samples(row.name)):
        operands = filled(sample, REGULAR["numbers near 1"], seed)
        for k, operand in enumerate(operands):
            for special in (math.inf, -math.inf, math.nan, 0.0):
                if not operand.size:
                    continue
                changed = [x.copy() for x in operands]
                changed[k].reshape(-1)[seed % operand.size] = special
                try:
                    engine = Engine(sample, changed)
                except np.linalg.LinAlgError:  # no such factors: there is no result at all
                    continue
                zero = Tensor(np.zeros(engine.y.shape))
                gradient = ab.gradients(engine.y, engine.xs, create_graph=True, cotangent=zero)
                for plain, part in zip(engine.gradient(zero.data), gradient, strict=True):
                    assert (plain == 0).all(), (str(sample), changed, plain)
                    assert (part.data == 0).all(), (str(sample), changed, part)
                    if part.requires_grad:
                        ones = np.ones(part.shape)
                        for second in ab.gradients(part, engine.xs, cotangent=ones):
                            assert (second == 0).all(), (str(sample), changed, second)

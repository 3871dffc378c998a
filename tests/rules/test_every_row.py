"""Every elementwise row of the sheet, against mpmath; made by a factory, with no code per row.

A new row is tested by being on the sheet: its formula is the truth, its domain says where, its
kinks and its boundary table what is promised there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS, Interval, Rule
from tests.rules.accuracy import Judge, error_in_ulp, first_order, second_order
from tests.rules.exact import MP
from tests.rules.oracle import slopes_around
from tests.rules.points import (
    EVERYDAY,
    SIZES,
    Case,
    Point,
    case,
    exact,
    in_float32,
    kink_points,
    parameters,
    true_derivatives,
)

# Units in the last place. What a few roundings cost, and no more: exp, log and their like are
# right to 1 or so, and a derivative is made of a handful of them.
VALUE_ULP = 8
FIRST_ULP = 8
SECOND_ULP = 16
SINGLE_ULP = 16
PATHS_ULP = 8
"""How far the readings on floats (math) and on arrays (NumPy) may be apart."""

ELEMENTWISE = [
    pytest.param(row, params, id=f"{row.name}{list(params) or ''}")
    for row in ROWS.values()
    if row.kind == "elementwise"
    for params in parameters(row)
]
# With this scope pytest puts the tests of a row together, and its truth is found once.
every_row = pytest.mark.parametrize(("row", "params"), ELEMENTWISE, scope="module")


@pytest.fixture(autouse=True)
def _quiet_arithmetic() -> Iterator[None]:
    """Infinities are among the answers here."""
    with np.errstate(all="ignore"):
        yield


# -- the engine at many points --------------------------------------------------------------------


def tensors(columns: Sequence[Sequence[float]], dtype: Any = np.float64) -> list[Tensor]:
    return [Tensor(np.array(column, dtype)) for column in columns]


def values(point: Point) -> list[Value]:
    return [Value(x) for x in point]


def seconds(y: Any, xs: Sequence[Any]) -> list[list[Any]]:
    """All second derivatives of y, elementwise; zeros where a gradient is constant."""
    ones = None if isinstance(y, Value) else np.ones(y.shape, y.dtype)
    rows = []
    for gradient in ab.gradients(y, xs, create_graph=True, cotangent=ones):
        if gradient.requires_grad:
            rows.append(list(ab.gradients(gradient, xs, cotangent=ones)))
        else:
            rows.append([0.0 if ones is None else np.zeros_like(ones) for _ in xs])
    return rows


# -- against the truth ----------------------------------------------------------------------------


@every_row
def test_there_are_points_enough_to_judge_by(row: Rule, params: tuple[Any, ...]) -> None:
    known = case(row.name, params)
    assert len(known.points) >= 40
    assert sum(map(in_float32, known.points)) >= 15
    for k, interval in enumerate(row.domain):
        column = known.column(k)
        for end in (interval.low, interval.high):
            if math.isfinite(end):
                assert min(abs(x - end) for x in column) < 1e-15
            else:
                assert max(math.copysign(x, end * x) for x in column) > 30


@every_row
def test_the_value_is_the_formulas(row: Rule, params: tuple[Any, ...], record_property: Any) -> None:
    known = case(row.name, params)
    judge = Judge(row, params, VALUE_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    array = apply(row, tuple(xs), params).data
    for i, (point, truth) in enumerate(zip(known.points, known.truths, strict=True)):
        number = apply(row, tuple(values(point)), params).data
        judge.compare("the value on floats", point, number, truth, lambda t: t.value)
        judge.compare("the value on arrays", point, array[i], truth, lambda t: t.value)
    record_property("worst_ulp", judge.worst)
    judge.verdict()


@every_row
def test_backward_gives_the_first_derivatives(
    row: Rule, params: tuple[Any, ...], record_property: Any
) -> None:
    known = case(row.name, params)
    judge = Judge(row, params, FIRST_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    y = apply(row, tuple(xs), params)
    y.backward(np.ones(y.shape))
    for i, (point, truth) in enumerate(zip(known.points, known.truths, strict=True)):
        numbers = values(point)
        apply(row, tuple(numbers), params).backward()
        for k, entry in first_order(len(row.args)):
            what = f"the derivative by {row.args[k]}"
            judge.compare(f"{what} on floats", point, numbers[k].grad, truth, entry)
            judge.compare(f"{what} on arrays", point, xs[k].grad[i], truth, entry)
    record_property("worst_ulp", judge.worst)
    judge.verdict()


@every_row
def test_forward_mode_gives_the_first_derivatives(row: Rule, params: tuple[Any, ...]) -> None:
    known = case(row.name, params)
    judge = Judge(row, params, FIRST_ULP)
    n = len(row.args)

    def f(*args: Any) -> Any:
        return apply(row, args, params)

    columns = tuple(np.array(known.column(k)) for k in range(n))
    for k, entry in first_order(n):
        what = f"the derivative by {row.args[k]}, forward,"
        unit = tuple(np.full(len(known.points), float(j == k)) for j in range(n))
        _, pushed = ab.jvp(f, columns, unit)
        for i, (point, truth) in enumerate(zip(known.points, known.truths, strict=True)):
            judge.compare(f"{what} on arrays", point, pushed[i], truth, entry)
            if i % 4 == 0:
                _, slope = ab.jvp(f, point, tuple(float(j == k) for j in range(n)))
                judge.compare(f"{what} on floats", point, slope, truth, entry)
    judge.verdict()


@every_row
def test_gradients_of_gradients_are_the_second_derivatives(
    row: Rule, params: tuple[Any, ...], record_property: Any
) -> None:
    known = case(row.name, params)
    judge = Judge(row, params, SECOND_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    arrays = seconds(apply(row, tuple(xs), params), xs)
    for i, point in enumerate(known.points):
        numbers = values(point)
        found = seconds(apply(row, tuple(numbers), params), numbers)
        compare_seconds(judge, "on floats", point, found)
        compare_seconds(judge, "on arrays", point, [[a[i] for a in line] for line in arrays])
    record_property("worst_ulp", judge.worst)
    judge.verdict()


def compare_seconds(judge: Judge, where: str, point: Point, found: list[list[Any]]) -> None:
    """Where some second derivative is beyond the floats, only that it is infinite is asked."""
    truth = true_derivatives(judge.row, judge.params, point)
    assert truth is not None
    largest = float(np.finfo(judge.dtype).max)
    n = len(point)
    if n > 1 and any(abs(entry) > largest for entry in truth.first):
        return
    overflows = any(abs(entry) > largest for line in truth.second for entry in line)
    # The size that a second derivative has on the scale of the point itself.
    typical = abs(truth.value) / min(abs(MP.mpf(x)) for x in (*point, 1.0) if x) ** 2
    for i, j, entry in second_order(n):
        if overflows and abs(truth.second[i][j]) <= largest:
            continue
        if n > 1 and typical > largest and not math.isfinite(found[i][j]):
            continue
        what = f"the derivative by {judge.row.args[i]} and {judge.row.args[j]} {where}"
        judge.compare(what, point, found[i][j], truth, entry)


@every_row
def test_float32_stays_float32_and_is_as_right(
    row: Rule, params: tuple[Any, ...], record_property: Any
) -> None:
    known = case(row.name, params)
    places = [i for i, point in enumerate(known.points) if in_float32(point)]
    points = [known.points[i] for i in places]
    truths = [known.truths[i] for i in places]
    judge = Judge(row, params, SINGLE_ULP, np.float32)
    xs = tensors([[p[k] for p in points] for k in range(len(row.args))], np.float32)
    y = apply(row, tuple(xs), params)
    y.backward(np.ones(y.shape))
    arrays = seconds(y, xs)
    assert y.dtype == np.float32
    for x, line in zip(xs, arrays, strict=True):
        assert {x.grad.dtype, *(a.dtype for a in line)} == {np.dtype(np.float32)}
    for i, (point, truth) in enumerate(zip(points, truths, strict=True)):
        judge.compare("the value", point, y.data[i], truth, lambda t: t.value)
        for k, entry in first_order(len(row.args)):
            judge.compare(f"the derivative by {row.args[k]}", point, xs[k].grad[i], truth, entry)
        compare_seconds(judge, "", point, [[a[i] for a in line] for line in arrays])
    record_property("worst_ulp", judge.worst)
    judge.verdict()

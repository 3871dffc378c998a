"""Every elementwise row of the sheet, against mpmath; made by a factory, with no code per row.

A new row is tested by being on the sheet: its formula is the truth, its domain says where, its
kinks and its boundary table what is promised there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from autograd_bp.functions.elementwise import ELEMENTWISE as PUBLIC
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS, Interval, Rule
from tests.rules.accuracy import Judge, alike, first_order, second_order
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
    judge = Judge(row, params, SINGLE_ULP, np.float32, backward=0.5)
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


# -- kinks, boundaries, zeros ---------------------------------------------------------------------


KINKED = [param for param in ELEMENTWISE if param.values[0].kinks]


@pytest.mark.parametrize(("row", "params"), KINKED)
def test_at_a_kink_the_gradient_is_a_subgradient(row: Rule, params: tuple[Any, ...]) -> None:
    points = spread_out(list(kink_points(row, params)), 60)
    assert len(points) >= 3, f"no kinks found: where is {[k.text for k in row.kinks]} zero?"
    n = len(row.args)
    xs = tensors([[p[k] for p in points] for k in range(n)])
    y = apply(row, tuple(xs), params)
    y.backward(np.ones(y.shape))
    along_axes = [tuple(float(j == k) for j in range(n)) for k in range(n)]
    together = (1.0,) * n  # ties do not part that way: their shares must add up
    for i, point in enumerate(points):
        numbers = values(point)
        apply(row, tuple(numbers), params).backward()
        gradients = [[v.grad for v in numbers], [float(x.grad[i]) for x in xs]]
        for direction in (*along_axes, together):
            slopes = slopes_around(exact(row, params), point, direction)
            if direction == together and not slopes.continuous:
                continue
            slack = 1e-14 * max(abs(slopes.low), abs(slopes.high))
            for gradient in gradients:
                along = math.fsum(g * d for g, d in zip(gradient, direction, strict=True))
                assert slopes.low - slack <= along <= slopes.high + slack, (point, gradient)


SYMMETRIC = [param for param in ELEMENTWISE if len(param.values[0].args) == 2]


@pytest.mark.parametrize(("row", "params"), SYMMETRIC)
def test_equal_operands_of_a_symmetric_row_share_equally(
    row: Rule, params: tuple[Any, ...]
) -> None:
    formula = exact(row, params)
    pairs = [(1.0, 2.0), (3.0, 0.5), (2.0, 3.0), (0.25, 0.125)]
    symmetric = all(formula(MP.mpf(x), MP.mpf(y)) == formula(MP.mpf(y), MP.mpf(x)) for x, y in pairs)
    for tie in (1.0, -2.0, 0.0, 1e300, 5e-324):
        x, y = values((tie, tie))
        apply(row, (x, y), params).backward()
        s, t = tensors([[tie], [tie]])
        apply(row, (s, t), params).backward()
        assert not symmetric or x.grad == y.grad == s.grad[0] == t.grad[0]


BOUNDED = [param for param in ELEMENTWISE if param.values[0].boundary]


@pytest.mark.parametrize(("row", "params"), BOUNDED)
def test_the_boundary_table_is_kept_to_the_letter(row: Rule, params: tuple[Any, ...]) -> None:
    for point, promised in row.boundary.items():
        numbers, arrays = values(point), tensors([[x] for x in point])
        apply(row, tuple(numbers), params).backward()
        apply(row, tuple(arrays), params).backward()
        for k, expected in enumerate(promised):
            for found in (numbers[k].grad, float(arrays[k].grad[0])):
                kept = math.isnan(found) if math.isnan(expected) else found == expected
                assert kept, f"{row.name}{point}: by {row.args[k]} {found}, not {expected}"


def edges(row: Rule, params: tuple[Any, ...]) -> list[Point]:
    """Where partial derivatives are most likely infinite or undefined, in the domain or not."""
    ends = [
        {*EVERYDAY, 5e-324, 1e300, -1e300, *filter(math.isfinite, (i.low, i.high))}
        for i in row.domain
    ]
    corners = list(itertools.product(*map(sorted, ends)))
    kinks = list(kink_points(row, params))
    return [*row.boundary, *spread_out(corners, 150), *spread_out(kinks, 20)]


def spread_out(points: list[Point], most: int) -> list[Point]:
    """At most so many of the points, evenly; the first always."""
    return points[:: max(1, -(-len(points) // most))]


@every_row
def test_a_zero_cotangent_stays_zero_at_every_edge(row: Rule, params: tuple[Any, ...]) -> None:
    points = edges(row, params)
    xs = tensors([[p[k] for p in points] for k in range(len(row.args))])
    y = apply(row, tuple(xs), params)
    y.backward(np.zeros(y.shape))
    for x in xs:
        assert (x.grad == 0).all(), [p for p, g in zip(points, x.grad, strict=True) if g != 0]
    for point in points:
        numbers = values(point)
        apply(row, tuple(numbers), params).backward(0.0)
        assert [v.grad for v in numbers] == [0.0] * len(numbers), point


@every_row
def test_the_gradient_is_linear_in_the_cotangent_even_where_it_is_infinite(
    row: Rule, params: tuple[Any, ...]
) -> None:
    points = edges(row, params)
    xs = tensors([[p[k] for p in points] for k in range(len(row.args))])
    y = apply(row, tuple(xs), params)
    ones, zero = np.ones(len(points)), Tensor(np.zeros(len(points)))
    slopes = ab.gradients(y, xs, cotangent=ones)
    for slope, scaled in zip(slopes, ab.gradients(y, xs, cotangent=-2 * ones), strict=True):
        np.testing.assert_allclose(scaled, -2 * slope, rtol=1e-15, atol=1e-320, equal_nan=True)
    vanishing = ab.gradients(y, xs, create_graph=True, cotangent=zero)
    for slope, gradient in zip(slopes, vanishing, strict=True):
        assert (gradient.data == 0).all()
        if not gradient.requires_grad:
            assert (slope == 0).all()
            continue
        *by_xs, by_cotangent = ab.gradients(gradient, [*xs, zero], cotangent=ones)
        assert alike(by_cotangent, slope)
        for second in by_xs:
            wrong = [p for p, s in zip(points, second, strict=True) if s != 0]
            assert not wrong, f"a zero cotangent has a second derivative at {wrong}"


@every_row
def test_second_derivatives_of_values_vanish_with_the_cotangent(
    row: Rule, params: tuple[Any, ...]
) -> None:
    for point in edges(row, params):
        numbers, zero = values(point), Value(0.0)
        y = apply(row, tuple(numbers), params)
        slopes = ab.gradients(y, numbers)
        for slope, gradient in zip(
            slopes, ab.gradients(y, numbers, create_graph=True, cotangent=zero), strict=True
        ):
            assert gradient.data == 0, point
            if not gradient.requires_grad:
                assert slope == 0, point
                continue
            *by_numbers, by_cotangent = ab.gradients(gradient, [*numbers, zero])
            assert alike(by_cotangent, slope), point
            assert by_numbers == [0.0] * len(numbers), point


# -- one row, many readings -----------------------------------------------------------------------


@every_row
def test_floats_and_arrays_agree(row: Rule, params: tuple[Any, ...], record_property: Any) -> None:
    known = case(row.name, params)
    judge = Judge(row, params, PATHS_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    y = apply(row, tuple(xs), params)
    y.backward(np.ones(y.shape))
    for i, (point, truth) in enumerate(zip(known.points, known.truths, strict=True)):
        numbers = values(point)
        number = apply(row, tuple(numbers), params)
        number.backward()
        judge.same("the value", point, number.data, y.data[i], truth, lambda t: t.value)
        for k, entry in first_order(len(row.args)):
            what = f"the derivative by {row.args[k]}"
            judge.same(what, point, numbers[k].grad, xs[k].grad[i], truth, entry)
    record_property("worst_ulp", judge.worst)
    judge.verdict()


NUMPYS = [
    pytest.param(name, id=name)
    for name, function in PUBLIC.items()
    if hasattr(np, name) and not function.rule.params
]


@pytest.mark.parametrize("name", NUMPYS)
def test_the_values_are_those_of_numpys_function_of_that_name(name: str) -> None:
    ours, numpys = PUBLIC[name], getattr(np, name)
    row: Rule = ours.rule
    known = case(row.name, ())
    judge = Judge(row, (), PATHS_ULP, backward=1.0)  # NumPy's sinc rounds pi x
    columns = [np.array(known.column(k)) for k in range(len(row.args))]
    expected, found = numpys(*columns), ours(*tensors(columns)).data
    for i, (point, truth) in enumerate(zip(known.points, known.truths, strict=True)):
        if math.isnan(expected[i]):  # NumPy's sinc of the largest float
            continue
        judge.same("the value on arrays", point, found[i], expected[i], truth, lambda t: t.value)
        number = ours(*values(point)).data
        judge.same("the value on floats", point, number, expected[i], truth, lambda t: t.value)
    judge.verdict()
    for point in edges(row, ()):
        numpys_answer = pytest.approx(float(numpys(*point)), rel=1e-15, abs=1e-16, nan_ok=True)
        assert ours(*values(point)).data == numpys_answer, point
        assert float(ours(*tensors([[x] for x in point])).data[0]) == numpys_answer, point


# -- with time ------------------------------------------------------------------------------------


def arguments(interval: Interval) -> st.SearchStrategy[float]:
    """Floats of every size in an interval, with those that are special more often."""
    low, high = (end if math.isfinite(end) else None for end in (interval.low, interval.high))
    sizes = [x for size in SIZES for x in (size, -size) if x in interval]
    bounds = {"allow_nan": False, "allow_infinity": False}
    usual = st.floats(-40, 40).filter(interval.__contains__)
    return st.floats(low, high, **bounds) | usual | st.sampled_from(sizes)


@pytest.mark.slow
@every_row
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_values_and_derivatives_are_right_wherever_hypothesis_looks(
    row: Rule, params: tuple[Any, ...], data: st.DataObject
) -> None:
    point = data.draw(st.tuples(*map(arguments, row.domain)), label="point")
    truth = true_derivatives(row, params, point)
    assume(truth is not None)
    assert truth is not None
    judge, loose = Judge(row, params, 2 * FIRST_ULP), Judge(row, params, 2 * SECOND_ULP)
    for where, xs in (("on floats", values(point)), ("on arrays", tensors([[x] for x in point]))):
        y = apply(row, tuple(xs), params)
        judge.compare(f"the value {where}", point, y.data, truth, lambda t: t.value)
        y.backward()
        for k, entry in first_order(len(xs)):
            what = f"the derivative by {row.args[k]} {where}"
            judge.compare(what, point, xs[k].grad, truth, entry)
        compare_seconds(loose, where, point, seconds(y, xs))
    judge.verdict()
    loose.verdict()

"""Every elementwise row of the sheet, against mpmath; made by a factory, with no code per row.

A new row is tested by being on the sheet: its formula is the truth, its domain says where, its
kinks and its boundary table what is promised there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
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
from autograd_bp.testing.differences import Derivatives, slopes_around
from autograd_bp.testing.exact import MP, UndefinedError
from tests.rules.accuracy import Entry, Judge, alike
from tests.rules.points import (
    EVERYDAY,
    SIZES,
    Point,
    case,
    exact,
    in_float32,
    kink_points,
    parameters,
    spread_out,
    true_derivatives,
)

# Units in the last place. What a few roundings cost, and no more: exp, log and their like are
# right to 1 or so, and a derivative is made of a handful of them.
VALUE_ULP = 8
FIRST_ULP = 8
SECOND_ULP = 24
SINGLE_ULP, SINGLE_SECOND_ULP = 16, 48
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

VALUE = Entry()


def first_order(row: Rule) -> list[Entry]:
    """The entries of a gradient."""
    return [Entry((k,)) for k in range(len(row.args))]


def second_order(row: Rule) -> list[Entry]:
    """The entries of a Hessian."""
    return [Entry(by) for by in itertools.product(range(len(row.args)), repeat=2)]


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
def test_the_value_is_the_formulas(row: Rule, params: tuple[Any, ...], remember_worst: Any) -> None:
    known = case(row.name, params)
    judge = Judge(row=row, params=params, ulp=VALUE_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    array = apply(row, tuple(xs), params).data
    for i, (point, truth) in enumerate(known.pairs()):
        number = apply(row, tuple(values(point)), params).data
        judge.compare(point, truth, VALUE, number, "on floats")
        judge.compare(point, truth, VALUE, array[i], "on arrays")
    remember_worst(judge.worst)
    judge.verdict()


@every_row
def test_backward_gives_the_first_derivatives(
    row: Rule, params: tuple[Any, ...], remember_worst: Any
) -> None:
    known = case(row.name, params)
    judge = Judge(row=row, params=params, ulp=FIRST_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    y = apply(row, tuple(xs), params)
    y.backward(np.ones(y.shape))
    for i, (point, truth) in enumerate(known.pairs()):
        numbers = values(point)
        apply(row, tuple(numbers), params).backward()
        for entry, number, x in zip(first_order(row), numbers, xs, strict=True):
            judge.compare(point, truth, entry, number.grad, "on floats")
            judge.compare(point, truth, entry, x.grad[i], "on arrays")
    remember_worst(judge.worst)
    judge.verdict()


@every_row
def test_forward_mode_gives_the_first_derivatives(row: Rule, params: tuple[Any, ...]) -> None:
    known = case(row.name, params)
    judge = Judge(row=row, params=params, ulp=FIRST_ULP)
    n = len(row.args)

    def f(*args: Any) -> Any:
        return apply(row, args, params)

    columns = tuple(np.array(known.column(k)) for k in range(n))
    for k, entry in enumerate(first_order(row)):
        unit = tuple(float(j == k) for j in range(n))
        _, pushed = ab.jvp(f, columns, tuple(np.full(len(known.points), u) for u in unit))
        for i, (point, truth) in enumerate(known.pairs()):
            judge.compare(point, truth, entry, pushed[i], "forward, on arrays")
            if i % 4 == 0:
                _, slope = ab.jvp(f, point, unit)
                judge.compare(point, truth, entry, slope, "forward, on floats")
    judge.verdict()


@every_row
def test_gradients_of_gradients_are_the_second_derivatives(
    row: Rule, params: tuple[Any, ...], remember_worst: Any
) -> None:
    known = case(row.name, params)
    judge = Judge(row=row, params=params, ulp=SECOND_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    arrays = seconds(apply(row, tuple(xs), params), xs)
    for i, (point, truth) in enumerate(known.pairs()):
        numbers = values(point)
        found = seconds(apply(row, tuple(numbers), params), numbers)
        compare_seconds(judge, point, truth, found, "on floats")
        compare_seconds(judge, point, truth, [[a[i] for a in line] for line in arrays], "on arrays")
    remember_worst(judge.worst)
    judge.verdict()


def compare_seconds(
    judge: Judge, point: Point, truth: Derivatives, found: list[list[Any]], where: str
) -> None:
    """Compare a Hessian, as far as it is within the floats.

    Where an entry is beyond them, the others may be undefined. With several arguments so may be
    all, where a first derivative is beyond them.
    """
    largest = float(np.finfo(judge.dtype).max)
    if len(point) > 1 and any(abs(slope) > largest for slope in truth.first):
        return
    overflows = any(abs(entry) > largest for line in truth.second for entry in line)
    for entry in second_order(judge.row):
        if overflows and abs(entry.of(truth)) <= largest:
            continue
        i, j = entry.by
        judge.compare(point, truth, entry, found[i][j], where)


@every_row
def test_float32_stays_float32_and_is_as_right(
    row: Rule, params: tuple[Any, ...], remember_worst: Any
) -> None:
    known = [(p, truth) for p, truth in case(row.name, params).pairs() if in_float32(p)]
    judge, loose = (
        Judge(row=row, params=params, ulp=ulp, dtype=np.float32, backward=0.5)
        for ulp in (SINGLE_ULP, SINGLE_SECOND_ULP)
    )
    xs = tensors([[p[k] for p, _ in known] for k in range(len(row.args))], np.float32)
    y = apply(row, tuple(xs), params)
    y.backward(np.ones(y.shape))
    arrays = seconds(y, xs)
    assert y.dtype == np.float32
    for x, line in zip(xs, arrays, strict=True):
        assert {x.grad.dtype, *(a.dtype for a in line)} == {np.dtype(np.float32)}
    for i, (point, truth) in enumerate(known):
        judge.compare(point, truth, VALUE, y.data[i], "in float32")
        for entry, x in zip(first_order(row), xs, strict=True):
            judge.compare(point, truth, entry, x.grad[i], "in float32")
        second = [[a[i] for a in line] for line in arrays]
        compare_seconds(loose, point, truth, second, "in float32")
    remember_worst(judge.worst)
    judge.verdict()
    loose.verdict()


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
    symmetric = is_symmetric(row, params)
    for tie in (1.0, -2.0, 0.0, 1e300, 5e-324):
        x, y = values((tie, tie))
        apply(row, (x, y), params).backward()
        s, t = tensors([[tie], [tie]])
        apply(row, (s, t), params).backward()
        assert not symmetric or x.grad == y.grad == s.grad[0] == t.grad[0]


def is_symmetric(row: Rule, params: tuple[Any, ...]) -> bool:
    """Whether the formula stays the same when its two arguments change places."""
    formula = exact(row, params)
    pairs = [(1.0, 2.0), (-3.0, 0.5), (2.0, -3.0), (-0.25, -0.5)]
    try:
        return all(formula(MP.mpf(x), MP.mpf(y)) == formula(MP.mpf(y), MP.mpf(x)) for x, y in pairs)
    except UndefinedError:
        return False


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
def test_floats_and_arrays_agree(row: Rule, params: tuple[Any, ...], remember_worst: Any) -> None:
    known = case(row.name, params)
    judge = Judge(row=row, params=params, ulp=PATHS_ULP)
    xs = tensors([known.column(k) for k in range(len(row.args))])
    y = apply(row, tuple(xs), params)
    y.backward(np.ones(y.shape))
    for i, (point, truth) in enumerate(known.pairs()):
        numbers = values(point)
        number = apply(row, tuple(numbers), params)
        number.backward()
        judge.same(point, truth, VALUE, number.data, y.data[i], "on floats and arrays")
        for entry, v, x in zip(first_order(row), numbers, xs, strict=True):
            judge.same(point, truth, entry, v.grad, x.grad[i], "on floats and arrays")
    remember_worst(judge.worst)
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
    judge = Judge(row=row, params=(), ulp=PATHS_ULP, backward=1.0)  # NumPy's sinc rounds pi x
    columns = [np.array(known.column(k)) for k in range(len(row.args))]
    expected, found = numpys(*columns), ours(*tensors(columns)).data
    for i, (point, truth) in enumerate(known.pairs()):
        if math.isnan(expected[i]):  # NumPy's sinc of the largest float
            continue
        judge.same(point, truth, VALUE, found[i], expected[i], "and in NumPy")
        number = ours(*values(point)).data
        judge.same(point, truth, VALUE, number, expected[i], "on floats and in NumPy")
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


def as_float(result: Any) -> float:
    """A float, or the only element of an array."""
    return float(np.asarray(result).reshape(()))


@pytest.mark.slow
@every_row
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_values_and_derivatives_are_right_wherever_hypothesis_looks(
    row: Rule, params: tuple[Any, ...], data: st.DataObject
) -> None:
    point = data.draw(st.tuples(*map(arguments, row.domain)), label="point")
    truth = true_derivatives(row, params, point)
    assume(truth is not None)
    assert truth is not None
    judge = Judge(row=row, params=params, ulp=2 * FIRST_ULP)
    loose = Judge(row=row, params=params, ulp=2 * SECOND_ULP)
    for where, xs in (("on floats", values(point)), ("on arrays", tensors([[x] for x in point]))):
        y = apply(row, tuple(xs), params)
        judge.compare(point, truth, VALUE, as_float(y.data), where)
        y.backward()
        for entry, x in zip(first_order(row), xs, strict=True):
            judge.compare(point, truth, entry, as_float(x.grad), where)
        found = [[as_float(entry) for entry in line] for line in seconds(y, xs)]
        compare_seconds(loose, point, truth, found, where)
    judge.verdict()
    loose.verdict()

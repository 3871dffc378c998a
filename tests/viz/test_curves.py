"""The geometry of arrows."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from viz import curves

COORDINATE = st.floats(-500, 500)
POINT = st.tuples(COORDINATE, COORDINATE)


@given(POINT, POINT, st.floats(-20, 20))
def test_a_shifted_line_is_parallel_at_that_distance(start, end, distance):
    assume(math.dist(start, end) > 1)
    shifted = curves.offset(curves.straight(start, end), distance)
    across = [math.dist(a, b) for a, b in zip(curves.straight(start, end), shifted, strict=True)]
    assert across == pytest.approx([abs(distance)] * 4, abs=1e-6)


def test_left_of_an_arrow_to_the_right_is_above_it():
    shifted = curves.offset(curves.straight((0, 0), (10, 0)), 3)
    assert [y for _, y in shifted] == pytest.approx([-3] * 4)


def test_both_directions_of_a_link_are_on_opposite_sides():
    curve = [(0, 0), (10, 0), (20, 30), (30, 30)]
    there = curves.offset(curve, 3)
    back = curves.offset([*reversed(curve)], 3)
    assert there[0][1] == pytest.approx(-3)
    assert back[-1][1] == pytest.approx(3)


@given(st.floats(0.5, 90), st.integers(1, 4))
def test_a_shortened_line_ends_that_much_earlier(length, pieces):
    stops = [(100 * step / pieces, 0.0) for step in range(pieces + 1)]
    line = [stops[0]]
    for start, end in pairwise(stops):
        line += curves.straight(start, end)[1:]
    assert curves.shortened(line, length)[-1] == pytest.approx((100 - length, 0.0), abs=0.1)


def test_a_line_shorter_than_what_is_taken_away_leaves_its_start():
    assert curves.shortened(curves.straight((0, 0), (3, 0)), 8) == [(0, 0)]


@given(st.lists(POINT, min_size=4, max_size=4), st.floats(-10, 10))
def test_no_curve_however_degenerate_breaks_the_arithmetic(curve, distance):
    shifted = curves.offset(curve, distance)
    for x, y in (*shifted, *curves.shortened(shifted, 8)):
        assert math.isfinite(x)
        assert math.isfinite(y)


def test_a_cut_curve_starts_where_it_was_cut():
    curve = [*curves.straight((0, 0), (10, 0)), *curves.straight((10, 0), (30, 0))[1:]]
    rest = curves.cut(curve, 20)
    assert rest[0] == pytest.approx((20, 0), abs=2)
    assert rest[-1] == (30, 0)
    assert curves.cut(curve, 40) is None


def test_an_arrowhead_points_at_its_tip():
    tip, left, right = curves.arrowhead((10, 0), (2, 0), 6)
    assert tip == (10, 0)
    assert {left, right} == {(2, 3), (2, -3)}

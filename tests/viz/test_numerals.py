"""Numbers and arrays as short text."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz import numerals
from viz.snapshots import snapshot


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (220.0, "220"),
        (2.2, "2.2"),
        (1.1000000000000001, "1.1"),
        (650.0000000000001, "650"),
        (0.0123, "0.0123"),
        (1.23e-5, "1.23e-05"),
        (123456.7, "123457"),
        (1e7, "1e+07"),
        (-0.34, "-0.34"),
        (-0.0, "0"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (True, "True"),
    ],
)
def test_a_number_is_shown_with_no_more_digits_than_it_needs(value, shown):
    assert numerals.number(value, 4) == shown


@given(st.floats(-1e308, 1e308), st.integers(1, 17))
def test_what_is_shown_is_as_near_as_the_digits_allow(value, digits):
    assert float(numerals.number(value, digits)) == pytest.approx(value, rel=10.0 ** (1 - digits))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(8, 17))
def test_a_float32_is_not_shown_with_digits_it_does_not_have(value, digits):
    (shown,) = numerals.lines(snapshot(np.array(value, dtype=np.float32)), digits)
    significant = shown.split("e")[0].lstrip("-0.").replace(".", "")
    assert len(significant.rstrip("0")) <= 8
    assert float(shown) == pytest.approx(value, rel=1e-6)


def test_float32_one_tenth_is_shown_as_that():
    assert numerals.lines(snapshot(np.float32([0.1])), 17) == ("[0.1]",)
    assert "0.1]" in numerals.exact(snapshot(np.float32([0.1])))


def test_small_arrays_are_written_out_and_others_summarised():
    assert numerals.lines(snapshot(np.array([[1.0, 2.5], [3.0, 4.0]])), 4) == ("[1  2.5]", "[3  4]")
    assert numerals.lines(snapshot(np.arange(100.0)), 4) == ("0 … 99",)
    assert numerals.lines(snapshot(np.arange(5.0)), 4) == ("0 … 4",)
    assert numerals.lines(snapshot(np.ones((20, 20))), 4) == ("all 1",)
    assert numerals.lines(snapshot(np.zeros((0, 3))), 4) == ("empty",)
    assert numerals.lines(snapshot(np.array(2.5)), 4) == ("2.5",)


def test_what_is_not_finite_is_counted_and_does_not_spoil_the_rest():
    array = np.arange(100.0)
    array[[3, 7]] = np.nan, np.inf
    assert numerals.lines(snapshot(array), 4) == ("0 … 99, 2 not finite",)
    assert numerals.lines(snapshot(np.full(100, np.nan)), 4) == ("nothing finite",)
    assert not snapshot(array).finite


def test_statistics_are_right_at_the_ends_of_the_range():
    large = snapshot(np.full(100, 1e308)).summary
    assert large.mean == pytest.approx(1e308)
    assert large.norm == math.inf
    small = snapshot(np.full(100, 5e-324)).summary
    assert small.mean == 5e-324
    assert small.norm == 5e-323


def test_every_digit_of_a_number_is_in_its_exact_form():
    assert numerals.exact(snapshot(0.1 + 0.2)) == "0.30000000000000004"


def test_zero_is_only_what_is_exactly_zero():
    assert snapshot(0.0).zero
    assert snapshot(np.zeros((50, 50))).zero
    assert not snapshot(1e-300).zero
    assert not snapshot(np.array([0.0, 1e-300])).zero
    assert not snapshot(np.array([])).zero

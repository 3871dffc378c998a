"""What is said of the noise of a function, and that differences of it admit to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp.testing import Report
from autograd_bp.testing.cases import Case
from autograd_bp.testing.checking import try_case
from autograd_bp.testing.differences import slopes_around
from autograd_bp.testing.exact import MP
from autograd_bp.testing.noise import scatter
from autograd_bp.testing.oracles import ridders
from autograd_bp.testing.subject import subject
from tests.testing.right_rules import length, sheet_as_before

Array = Any
CURVES: dict[str, Callable[[Array], Array]] = {
    "line": lambda h: 3 + 2 * h,
    "wave": np.sin,
    "steep": lambda h: np.exp(1e3 * h),
    "kink": np.abs,
    "jump": lambda h: np.where(h > 5e-7, 1.0, 0.0) + h * h,
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("size", [1e-15, 1e-10])
def test_the_noise_on_a_curve_is_measured(name: str, size: float) -> None:
    rng = np.random.default_rng(0)

    def at(h: Array) -> Array:
        return CURVES[name](h) + size * rng.normal(size=50)

    found = scatter(at, 1.0)
    known = found > 0
    assert known.mean() > 0.9
    assert (found[known] > size / 4).all()
    assert (found[known] < 4 * size).all()


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_itself_is_no_noise(name: str) -> None:
    eps = float(np.finfo(np.longdouble).eps)
    found = scatter(lambda h: np.asarray(CURVES[name](h)), 1.0)
    assert found <= 4 * eps


def test_values_that_are_not_finite_have_no_noise() -> None:
    assert scatter(lambda h: np.asarray([np.nan, np.inf]) + h, 1.0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("large", [1e3, 1e5, 3e6])
@pytest.mark.parametrize("x", [1.0, 0.3, -1.7])
def test_differences_admit_to_the_rounding_that_exp_makes_large(large: float, x: float) -> None:
    """As in an attention whose products are large: no number that is seen from outside is."""

    def gate(operands: Sequence[Array]) -> Array:
        (t,) = operands
        return 1 / (1 + np.exp(large * t - large * x))

    seen = ridders(gate, [np.asarray(x)], [np.asarray(1.0)], size=0.0)
    assert abs(seen.right + large / 4) <= 2 * seen.error
    assert seen.error <= 1e-6 * large


@pytest.mark.parametrize("tiny", [3e-6, 1.25e-7, 1e-8, 3e-9])
def test_a_derivative_of_nothing_is_known_at_tiny_numbers(tiny: float) -> None:
    """The cosine of two vectors of the same direction has no slope, whatever their lengths are."""

    def cosine(operands: Sequence[Array]) -> Array:
        x, y = map(ab.Tensor, operands)
        return np.asarray((ab.sum(x * y) / (ab.linalg.norm(x) * ab.linalg.norm(y)))._value)

    x, y = np.full(3, tiny), np.ones(3)
    seen = ridders(cosine, [x, y], [np.array([1.0, 0.0, 0.0]), np.zeros(3)])
    assert abs(seen.right) <= 2 * seen.error
    assert seen.error <= 1e-12 / tiny


def test_a_tiny_slope_of_a_value_that_is_not_tiny_is_seen() -> None:
    def value(x: Array, p: Array) -> Array:
        return MP.log1p(MP.exp(x)) - p * x

    slopes = slopes_around(value, (1e-200, 1.0), (0.0, 1.0))
    assert (slopes.low, slopes.high, slopes.continuous) == (-1e-200, -1e-200, True)


def test_what_cancels_between_results_is_rounding_at_second_order() -> None:
    """The sum of the eigenvalues is linear, whatever they do where they are close together."""
    near = np.array([[6.3e-08, 5.2e-09], [5.2e-09, 1.17e-07]])
    about = subject(ab.linalg.eigvalsh, args=[near])
    for seed in range(8):
        report = Report(about.name, about.args)
        try_case(Case(about, (near,), seed), report)
        assert report.examples == 1


def test_what_is_rounded_among_subnormals_is_no_fault() -> None:
    """The length of (5e-324, 5e-324) is 5e-324, so that x / length is 1."""
    tiny = np.asarray(5e-324)
    with sheet_as_before():
        about = subject(length)
        report = Report(about.name, about.args)
        try_case(Case(about, (tiny, tiny), 0), report)

"""Operations with results of which some have no derivative, or that are called in other ways."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor


def test_the_mantissa_has_a_derivative_and_the_exponent_none() -> None:
    x = Tensor([0.75, -12.0, 1e300])
    mantissa, exponent = np.frexp(x)
    expected = np.frexp(x.data)
    np.testing.assert_array_equal(mantissa.data, expected[0])
    np.testing.assert_array_equal(exponent.data, expected[1])
    assert not exponent.requires_grad
    mantissa.sum().backward()
    np.testing.assert_array_equal(x.grad, np.ldexp(1.0, -expected[1]))


def test_a_vectorized_function_sees_one_number_at_a_time() -> None:
    @ab.vectorize
    def soft(x: object, top: float) -> object:
        return x * x if x < top else np.sqrt(x)

    x = Tensor([[0.5, 4.0], [9.0, 1.5]])
    y = soft(x, 2.0)
    np.testing.assert_array_equal(y.data, [[0.25, 2.0], [3.0, 2.25]])
    y.sum().backward()
    np.testing.assert_allclose(x.grad, [[1.0, 0.25], [1 / 6, 3.0]])


def test_a_vectorized_function_may_give_several_results_and_exclude_arguments() -> None:
    both = ab.vectorize(lambda x, powers: (x ** powers[0], x ** powers[1]), excluded={1})
    x = Tensor([1.0, 2.0])
    square, cube = both(x, [2, 3])
    assert square.data.tolist() == [1.0, 4.0]
    assert cube.data.tolist() == [1.0, 8.0]


def test_numpys_own_vectorize_refuses_rather_than_lose_the_gradient() -> None:
    with pytest.raises(TypeError):
        np.vectorize(lambda x: x * 2)(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("name", ["unique_counts", "unique_inverse", "unique_all"])
def test_distinct_elements_keep_their_derivative_and_counts_have_none(name: str) -> None:
    numbers = np.array([3.0, 1.0, 3.0, 2.0])
    x = Tensor(numbers)
    for function in (getattr(np, name), getattr(ab, name)):
        found, expected = function(x), getattr(np, name)(numbers)
        assert type(found) is type(expected)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(getattr(one, "data", one), other)
        assert found.values.requires_grad
    assert ab.grad(lambda x: (np.unique(x) * [1.0, 10.0, 100.0]).sum())(numbers).tolist() == [
        100.0, 1.0, 0.0, 10.0,
    ]  # fmt: skip


def test_unique_gives_what_its_flags_ask_for() -> None:
    numbers = np.array([3.0, 1.0, 3.0])
    found, expected = (
        np.unique(Tensor(numbers), True, True, True),
        np.unique(numbers, True, True, True),
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(getattr(one, "data", one), other)


def test_shared_elements_are_those_of_the_first_array() -> None:
    numbers, others = np.array([3.0, 1.0, 2.0]), np.array([2.0, 5.0, 3.0])
    for indices in (False, True):
        found = np.intersect1d(Tensor(numbers), others, return_indices=indices)
        expected = np.intersect1d(numbers, others, return_indices=indices)
        for one, other in zip(
            *([[r] if not indices else r for r in (found, expected)]), strict=True
        ):
            np.testing.assert_array_equal(getattr(one, "data", one), other)
    gradient = ab.grad(lambda x: (ab.intersect1d(x, others) * [1.0, 10.0]).sum())(numbers)
    assert gradient.tolist() == [10.0, 0.0, 1.0]


def test_counts_have_no_derivative_and_sums_of_weights_that_by_the_weights() -> None:
    numbers = np.array([0.1, 0.9, 0.4, 0.35])
    counts, edges = np.histogram(Tensor(numbers), 3)
    expected = np.histogram(numbers, 3)
    np.testing.assert_array_equal(counts, expected[0])
    np.testing.assert_allclose(edges.data, expected[1], rtol=1e-15)
    weights = Tensor([1.0, 2.0, 3.0, 4.0])
    sums, _ = np.histogram(numbers, bins=[0.0, 0.35, 0.5, 0.9], weights=weights)
    np.testing.assert_array_equal(
        sums.data, np.histogram(numbers, bins=[0.0, 0.35, 0.5, 0.9], weights=weights.data)[0]
    )
    (sums * [1.0, 10.0, 100.0]).sum().backward()
    assert weights.grad.tolist() == [1.0, 100.0, 10.0, 10.0]


def test_zeros_at_the_ends_are_trimmed_and_have_no_derivative() -> None:
    numbers = np.array([0.0, 1.5, 0.0, 2.0, 0.0])
    for trim in ("f", "b", "fb"):
        x = Tensor(numbers)
        y = np.trim_zeros(x, trim)
        np.testing.assert_array_equal(y.data, np.trim_zeros(numbers, trim))
        y.sum().backward()
        assert x.grad.sum() == y.size


@pytest.mark.parametrize("name", ["subtract", "fmax", "hypot", "logaddexp2", "divide"])
@pytest.mark.parametrize("axis", [0, 1])
def test_any_ufunc_of_two_numbers_reduces_and_accumulates(name: str, axis: int) -> None:
    ufunc = getattr(np, name)
    numbers = np.array([[1.5, 2.1, 0.6], [3.0, 1.1, 1.2]])
    for method in ("reduce", "accumulate"):
        x = Tensor(numbers)
        y = getattr(ufunc, method)(x, axis=axis)
        expected = getattr(ufunc, method)(numbers, axis=axis)
        np.testing.assert_allclose(y.data, expected, rtol=1e-14)
        y.sum().backward()
        step = 1e-6 * np.eye(6).reshape(6, 2, 3)
        slopes = [
            (getattr(ufunc, method)(numbers + h, axis=axis).sum()
             - getattr(ufunc, method)(numbers - h, axis=axis).sum()) / 2e-6
            for h in step
        ]  # fmt: skip
        np.testing.assert_allclose(x.grad.ravel(), slopes, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "subtract"])
def test_reduceat_reduces_piece_by_piece(name: str) -> None:
    ufunc = getattr(np, name)
    numbers = np.arange(1.0, 13.0).reshape(6, 2)
    for indices in ([0, 2, 5], [3, 1], [0, 0, 4]):
        x = Tensor(numbers)
        y = ufunc.reduceat(x, indices)
        np.testing.assert_array_equal(y.data, ufunc.reduceat(numbers, indices))
        y.sum().backward()
        assert x.grad is not None


def test_a_full_array_passes_the_derivative_to_its_number() -> None:
    x = Tensor(3.0)
    y = np.full_like(Tensor(np.zeros((2, 2))), x)
    y.sum().backward()
    assert y.data.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert x.grad == 4.0


def test_infinities_have_a_broken_part_of_zero() -> None:
    x = np.array([np.inf, -np.inf, 1.5, -2.25])
    with np.errstate(invalid="ignore"):
        for one, other in zip(np.modf(Tensor(x)), np.modf(x), strict=True):
            np.testing.assert_array_equal(one.data, other)


def test_i0_is_right_over_the_whole_range() -> None:
    x = np.array([0.0, 1e-8, 0.5, 3.0, 20.0, -100.0, 700.0])
    np.testing.assert_allclose(ab.i0(x), np.i0(x), rtol=3e-14)
    assert np.i0(Tensor([0.0])).data == 1.0

"""Exercise 4: its figures with the given weights, and nets trained to the article's result."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_bp import datasets
from examples import digits_exercise4
from examples.digits_exercise4 import (
    COST,
    COST_REGULARISED,
    by_digit,
    conjugate_gradients,
    cost,
    gradient_check,
    gradient_descent,
    one_hot,
    read_labels,
    rolled,
    small_weights,
    unrolled,
)

SIZES = (64, 25, 10)


@pytest.fixture(scope="module")
def digits():
    x, y = datasets.digits()
    return datasets.Data(x[:600], np.where(y[:600] == 0, 10, y[:600]))


def test_the_figures_with_the_given_weights_are_exact(data_folder):
    x, y = datasets.exercise4(data_folder)
    thetas = datasets.exercise4_weights(data_folder)
    wanted = one_hot(y)
    assert cost(thetas, x, wanted) == pytest.approx(COST, abs=1e-14)
    assert cost(thetas, x, wanted, 1.0) == pytest.approx(COST_REGULARISED, abs=1e-14)
    assert np.mean(read_labels(thetas, x) == y) == 0.9752


def test_the_figures_are_the_same_on_data_made_again_from_mnist(data_folder):
    x, y = datasets.exercise4(data_folder, rebuild=True)
    thetas = datasets.exercise4_weights(data_folder)
    assert cost(thetas, x, one_hot(y)) == pytest.approx(COST, abs=1e-13)


def test_the_penalty_leaves_the_biases_out():
    rng = np.random.default_rng(0)
    thetas = small_weights((3, 4, 2), rng)
    x, wanted = rng.normal(size=(5, 3)), np.eye(2)[[0, 1, 1, 0, 1]]
    added = cost(thetas, x, wanted, 2.0) - cost(thetas, x, wanted)
    squares = sum(np.sum(theta[:, 1:] ** 2) for theta in thetas)
    assert added == pytest.approx(squares / len(x), rel=1e-12)


def test_the_cost_is_finite_where_every_answer_is_wrong_and_certain():
    thetas = [np.full((10, 65), 1e5)]
    x, wanted = np.ones((4, 64)), np.zeros((4, 10))
    assert cost(thetas, x, wanted) == pytest.approx(10 * 65e5)


@pytest.mark.parametrize("sizes", [(4, 3), (3, 5, 3), (3, 5, 4, 3), (2, 3, 3, 3, 2)])
def test_the_gradients_agree_with_numerical_ones_for_any_number_of_layers(sizes):
    assert gradient_check(1, sizes) < 1e-9


@given(st.lists(st.integers(1, 5), min_size=2, max_size=5))
def test_rolling_undoes_unrolling(sizes):
    thetas = small_weights(sizes, np.random.default_rng(0))
    again = rolled(unrolled(thetas), sizes)
    assert all(np.array_equal(*pair) for pair in zip(thetas, again, strict=True))


def test_gradient_descent_lowers_the_cost_at_every_step(digits):
    start = small_weights(SIZES, np.random.default_rng(0))
    run = gradient_descent(start, digits.x, one_hot(digits.y), steps=60, rate=1.0)
    assert run.costs == sorted(run.costs, reverse=True)
    assert run.costs[-1] < 0.6 * run.costs[0]


def test_conjugate_gradients_learn_the_bundled_digits(digits):
    start = small_weights(SIZES, np.random.default_rng(0))
    run = conjugate_gradients(start, digits.x, one_hot(digits.y), SIZES, steps=60)
    answers = read_labels(run.thetas, digits.x)
    assert np.mean(answers == digits.y) >= 0.98
    assert list(by_digit(answers, digits.y)) == [str(digit) for digit in range(10)]
    assert run.costs[-1] < 1.0


def test_it_runs_alone_on_the_bundled_digits_and_says_so(run_example):
    printed, written = run_example("digits_exercise4.py", "--descent", 20, "--cg", 30)
    assert "Exercise 4 is not here" in printed
    assert "relative difference" in printed
    assert "Read right by digit" in printed
    assert set(digits_exercise4.pictures()) < set(written)
    assert {"exercise4-cost.png", "exercise4-by-digit.png", "exercise4-weights.png",
            "exercise4-misread.png"} < set(written)  # fmt: skip


@pytest.mark.slow
def test_from_small_weights_it_reaches_the_articles_result(run_example, data_folder):
    printed, _ = run_example("digits_exercise4.py", "--data", data_folder)
    assert printed.count(f"{COST:.15f}") == printed.count(f"{COST_REGULARISED:.15f}") == 2
    assert printed.count("97.52%") == 2
    assert float(re.search(r"relative difference (\S+)", printed)[1]) < 1e-9
    reached, right = re.search(r"conjugate gradients, \d+ steps +(\S+) +(\S+)%", printed).groups()
    assert float(reached) <= 0.3145
    assert float(right) >= 99.4

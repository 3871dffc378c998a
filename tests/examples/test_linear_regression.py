"""The figures of linear regression by hand, to every digit the article prints."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from examples import linear_regression
from examples.linear_regression import (
    LOSSES,
    PREDICTIONS,
    TARGET,
    gradient_by_hand,
    predict,
    squared_error,
    start,
    train,
)


def test_the_predictions_and_losses_are_the_articles_to_every_digit():
    run = train(seed=0)
    assert f"{run.predictions[0]:.8f}" == "3.35507743"
    assert [f"{p:.8f}" for p in run.predictions[1:4]] == [f"{p:.8f}" for p in PREDICTIONS]
    assert run.losses[:2] == pytest.approx(list(LOSSES), rel=1e-15)
    assert len(run.losses) == 201


@given(st.integers(0, 1000))
def test_every_start_with_that_prediction_goes_the_same_way(seed):
    run, other = train(seed, 20), train(0, 20)
    assert run.predictions == pytest.approx(other.predictions, rel=1e-12)


def test_every_error_is_0_97_of_the_one_before():
    errors = [prediction - TARGET for prediction in train(seed=0).predictions]
    ratios = [after / before for before, after in itertools.pairwise(errors)]
    assert ratios == pytest.approx([0.97] * 200, rel=1e-10)


@given(st.integers(0, 1000))
def test_the_engines_gradient_is_the_one_found_by_hand(seed):
    parameters = start(seed)
    prediction = predict(parameters)
    found = ab.gradients(squared_error(prediction), parameters)
    assert list(found) == pytest.approx(gradient_by_hand(prediction.data), rel=1e-14)


def test_it_runs_alone_and_prints_its_figures(run_example):
    printed, written = run_example("linear_regression.py", "--seed", 3)
    for figure in ("3.35507743", "3.28442511", "3.21589235", "3.14941558", "5.546389698793334",
                   "5.218598067594647", "0.97"):  # fmt: skip
        assert figure in printed
    assert written == sorted([*linear_regression.pictures(), "linear-regression-loss.png"])

"""The four equations hold to 1e-12, and saturated neurons learn slowly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import four_equations
from examples.four_equations import (
    by_the_engine,
    cross_entropy,
    differences,
    learn,
    quadratic_cost,
    random_net,
    sigmoid,
    sigmoid_prime,
)


@given(st.integers(0, 10_000), st.lists(st.integers(1, 6), min_size=2, max_size=6))
def test_the_engines_gradients_are_what_the_four_equations_say(seed, sizes):
    found = differences_of(seed, sizes)
    assert all(difference <= 1e-12 for difference in found.values())


def differences_of(seed, sizes):
    net = random_net(seed, sizes)
    if len(sizes) > 2:
        return differences(net)
    # One layer has no layer before it: equation 2 says nothing.
    engine = by_the_engine(net)
    z = net.weights[0] @ net.x + net.biases[0]
    delta = (sigmoid(z) - net.y) * sigmoid_prime(z)
    return {"1": np.abs(engine.deltas[0] - delta).max()}


def test_a_saturated_neuron_learns_slowly_with_the_quadratic_cost_only():
    mild, badly = (learn(quadratic_cost, *at)[0] for at in ((0.6, 0.9), (2.0, 2.0)))
    assert mild[0] == pytest.approx(0.82, abs=0.005)
    assert badly[0] == pytest.approx(0.98, abs=0.005)
    assert mild[50] < 0.5 < 0.95 < badly[50]
    quick = learn(cross_entropy, 2.0, 2.0)[0]
    assert quick[50] < 0.15


def test_with_cross_entropy_the_error_of_the_output_is_the_answer_itself():
    answers, gradients = learn(cross_entropy, 2.0, 2.0, rounds=10)
    assert gradients == pytest.approx(answers, rel=1e-12)


def test_it_runs_alone_and_prints_its_figures(run_example):
    printed, written = run_example("four_equations.py")
    for figure in ("(1) delta^L", "(4) dC/dW^l", "differ by at most", "answers 0.98"):
        assert figure in printed
    assert set(four_equations.pictures()) < set(written)
    assert sum(name.startswith("slow-learning") for name in written) == 3

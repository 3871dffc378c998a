"""micrograd's demo on our Values: the two moons are told apart."""

import numpy as np
import pytest

import autograd_bp as ab
from examples.moons import Moons, loss, moons, new_model, small_graph, train


def test_the_moons_are_two_half_circles():
    x, y = moons(40, 0.0, np.random.default_rng(0))
    assert np.linalg.norm(x[y == -1], axis=1) == pytest.approx(np.ones(20))
    assert np.linalg.norm(x[y == 1] - [1, 0.5], axis=1) == pytest.approx(np.ones(20))


def test_the_model_is_micrograds_with_337_parameters():
    assert len(new_model(1).parameters()) == 337
    first, second = (new_model(1).parameters() for _ in range(2))
    assert [p.data for p in first] == [p.data for p in second]


def test_the_gradient_of_the_loss_agrees_with_central_differences():
    data = moons(6, 0.1, np.random.default_rng(0))
    model = new_model(3)
    total, _ = loss(model, data)
    parameters = model.parameters()
    exact = ab.gradients(total, parameters)
    for i in range(0, len(parameters), 40):
        p, kept = parameters[i], parameters[i].data
        p.data = kept + 1e-6
        above = loss(model, data)[0].data
        p.data = kept - 1e-6
        below = loss(model, data)[0].data
        p.data = kept
        assert exact[i] == pytest.approx((above - below) / 2e-6, abs=1e-7)


def test_descending_lowers_the_loss_of_a_few_points():
    data = moons(20, 0.1, np.random.default_rng(0))
    history = train(new_model(1337), data, steps=20)
    assert len(history.losses) == 21
    assert history.losses[-1] < 0.5 * history.losses[0]
    assert history.accuracies[-1] >= 0.8


def test_the_small_graph_is_that_of_one_point():
    assert small_graph().name == "loss"


def test_the_accuracy_counts_points_on_the_right_side():
    model = new_model(1337)
    x = np.array([[0.3, 0.2]])
    sign = 1 if model([0.3, 0.2]).data > 0 else -1
    assert loss(model, Moons(x, np.array([sign])))[1] == 1
    assert loss(model, Moons(x, np.array([-sign])))[1] == 0


def test_it_runs_alone_and_draws_the_boundary(run_example):
    printed, written = run_example("moons.py", "--steps", 2)
    assert "337 parameters" in printed
    assert written == ["moons-boundary.png", "moons-curves.png", "moons-small-net.svg"]


@pytest.mark.slow
def test_all_moons_are_told_apart(run_example):
    printed, _ = run_example("moons.py")
    assert "At last 100% on the right side" in printed

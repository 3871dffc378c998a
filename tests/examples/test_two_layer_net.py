"""The two-layer net: its gradient check, its accuracy, and the article's errors caught."""

import re

import numpy as np
import pytest

from autograd_bp import datasets
from examples.two_layer_net import TwoLayerNet, errors_of_the_article, gradient_check, train


@pytest.fixture(scope="module")
def digits():
    return datasets.train_test_split(*datasets.digits(np.float32), 0.2, rng=0)


def test_the_gradients_agree_with_numerical_ones(digits):
    checked = gradient_check(digits.train.x[:3], digits.train.y[:3], seed=1)
    assert list(checked) == ["W1", "b1", "W2", "b2"]
    assert max(checked.values()) < 1e-9


def test_it_learns_to_read_the_bundled_digits(digits):
    net, history = train(digits, seed=0, iterations=2000)
    assert len(history.losses) == 2000
    assert history.test[-1] >= 0.95
    assert history.train[0] < 0.3
    assert history.test[-1] == net.accuracy(*digits.test)
    assert all(parameter.dtype == np.float32 for parameter in net.params.values())


def test_the_same_seed_gives_the_same_net(digits):
    nets = [train(digits, seed=5, iterations=50)[0] for _ in range(2)]
    first, second = ([p.numpy() for p in net.params.values()] for net in nets)
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_the_checks_catch_each_error_of_the_article():
    bias, weights, answers = (said for _, said in errors_of_the_article())
    off = [dict(re.findall(r"(\w) (\S+?)(?:,|$)", said)) for said in (bias, weights)]
    assert float(off[0]["b"]) > 0.1 > 1e-9 > max(float(off[0]["x"]), float(off[0]["W"]))
    assert float(off[1]["W"]) > 0.1 > 1e-9 > max(float(off[1]["x"]), float(off[1]["b"]))
    assert "moves by 0.0 when" in answers


def test_the_weights_start_as_the_article_says():
    net = TwoLayerNet(784, 50, 10, np.random.default_rng(0))
    assert [p.shape for p in net.params.values()] == [(784, 50), (50,), (50, 10), (10,)]
    assert net.params["W1"].data.std() == pytest.approx(0.01, rel=0.02)
    assert not net.params["b1"].data.any()


def test_it_runs_alone_on_the_bundled_digits_and_says_so(run_example):
    printed, written = run_example("two_layer_net.py", "--iterations", 800)
    assert "MNIST is not here" in printed
    assert re.search(r"W1 \d\.\d{3}e-1\d", printed)
    assert float(re.search(r"Test accuracy (\S+)", printed)[1]) > 0.9
    assert {"two-layer-net.svg", "two-layer-net-accuracy.png", "two-layer-net-loss.png",
            "two-layer-net-weights.png", "two-layer-net-misread.png"} == set(written)  # fmt: skip


@pytest.mark.slow
def test_on_mnist_it_reads_96_percent(run_example, data_folder):
    printed, _ = run_example("two_layer_net.py", "--data", data_folder)
    differences = [float(d) for d in re.findall(r"[Wb][12] (\d\.\d{3}e-\d\d)", printed)]
    assert len(differences) == 4
    assert max(differences) < 1e-9
    assert float(re.search(r"Test accuracy (\S+)", printed)[1]) >= 0.96

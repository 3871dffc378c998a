"""One sample at a time: the gradient check finds the article's wrong factor, and what it costs."""

import re

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, datasets
from examples.mnist_one_by_one import (
    RULES,
    Plan,
    SigmoidAsPrinted,
    accuracy,
    gradient_check,
    new_weights,
    train,
)

PRINTED, RIGHT = RULES


@pytest.fixture(scope="module")
def digits():
    return datasets.train_test_split(*datasets.digits(np.float32), 0.2, rng=0)


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_check_catches_the_articles_rule_in_the_hidden_layers_only(digits, seed):
    (x, t), _ = digits
    printed = gradient_check(x[seed], int(t[seed]), RULES[PRINTED], seed)
    assert printed["W3"] < 1e-8
    assert min(printed["W1"], printed["W2"]) > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_check_passes_the_right_gradient(digits, seed):
    (x, t), _ = digits
    assert max(gradient_check(x[seed], int(t[seed]), RULES[RIGHT], seed).values()) < 1e-8


def test_the_articles_rule_goes_forward_as_a_sigmoid_and_back_as_a_softmax():
    z = Tensor([0.5, -1.0, 2.0])
    y = SigmoidAsPrinted()(z)
    assert y.data == pytest.approx(1 / (1 + np.exp(-z.data)), rel=1e-15)
    s = np.exp(z.data) / np.exp(z.data).sum()
    (gradient,) = ab.gradients(y, [z], cotangent=[1.0, 2.0, 3.0])
    assert gradient == pytest.approx([1, 2, 3] * s * (1 - s), rel=1e-14)


def test_both_rules_start_alike_and_the_right_one_learns(digits):
    part = datasets.Split(datasets.Data(*(a[:700] for a in digits.train)), digits.test)
    runs = {title: train(part, Plan(5, 0.02), title, seed=0) for title in RULES}
    assert runs[PRINTED].read_right[0] == runs[RIGHT].read_right[0]
    assert len(runs[RIGHT].read_right) == 6
    assert runs[RIGHT].read_right[-1] > 0.7 > 0.5 > runs[PRINTED].read_right[-1]
    assert all(w.dtype == np.float32 for w in runs[RIGHT].weights)


def test_the_weights_have_the_articles_sizes():
    shapes = [w.shape for w in new_weights(784, np.random.default_rng(0))]
    assert shapes == [(128, 784), (64, 128), (10, 64)]


def test_it_runs_alone_saves_and_loads(run_example, tmp_path, digits):
    printed, written = run_example("mnist_one_by_one.py", "--epochs", 2, "--samples", 400)
    assert "MNIST is not here" in printed
    assert re.search(r"the article's rule: .*WRONG", printed)
    assert re.search(r"the right gradient: .*right", printed)
    saved = ab.load(tmp_path / "out" / "one-by-one.safetensors")
    again = accuracy(list(saved.values()), digits.test)
    assert f"loaded again it reads {again:.2%}" in printed
    assert {"one-by-one.svg", "one-by-one-accuracy.png", "one-by-one-weights.png",
            "one-by-one-misread.png", "one-by-one.safetensors"} == set(written)  # fmt: skip


@pytest.mark.slow
def test_on_mnist_the_right_gradient_reads_far_more_in_one_epoch(run_example, data_folder):
    printed, _ = run_example("mnist_one_by_one.py", "--data", data_folder, "--epochs", 1)
    reached = {
        title: float(re.search(rf"{title}: .*at last (\S+)%", printed)[1]) for title in RULES
    }
    assert reached[RIGHT] >= 83
    assert reached[PRINTED] <= 65

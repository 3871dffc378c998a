"""The figures of the layers taken apart: the formulas come out of the single nodes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from examples import layers_as_graphs
from examples.layers_as_graphs import (
    SCORES,
    TARGET,
    affine_batch,
    affine_gradients,
    batch_softmax_with_loss,
    bias_gradient_as_printed,
    numerical_bias_gradient,
    sigmoid,
    softmax_with_loss,
)


@given(st.floats(-30, 30))
def test_the_gradient_of_sigmoid_is_y_times_one_minus_y(at):
    x = Value(at)
    y = sigmoid(x)
    (gradient,) = ab.gradients(y, [x])
    # 1 - y loses digits as y nears 1, so the formula is compared in the size of y.
    assert gradient == pytest.approx(y.data * (1 - y.data), rel=1e-12, abs=1e-15)


def test_sigmoid_at_zero_is_one_half_with_gradient_one_quarter():
    x = Value(0.0)
    y = sigmoid(x)
    y.backward()
    assert (y.data, x.grad) == (0.5, 0.25)


def test_the_gradients_of_affine_are_exact_integers():
    x, w, b = affine_gradients(*affine_batch())
    assert x.tolist() == [[14, 32], [32, 77]]
    assert w.tolist() == [[9, 12, 15], [-4, -5, -6]]
    assert b.tolist() == [5, 7, 9]


def test_the_bias_gradient_agrees_with_central_differences_and_the_printed_rule_does_not():
    square = np.arange(9.0).reshape(3, 3)
    arguments = (square, np.eye(3), np.ones(3), square)
    checked = numerical_bias_gradient(*arguments)
    assert affine_gradients(*arguments).b == pytest.approx(checked, abs=1e-12)
    assert np.abs(bias_gradient_as_printed(square) - checked).max() > 1


def test_the_printed_weight_rule_does_not_even_have_the_shape_of_the_weights():
    x, w, b, upstream = affine_batch()
    printed = x.T @ affine_gradients(x, w, b, upstream).x
    assert printed.shape != w.shape


def test_the_gradient_of_softmax_with_loss_is_y_minus_t():
    scores = [Value(score) for score in SCORES]
    loss = softmax_with_loss(scores, TARGET)
    assert loss.data == pytest.approx(-np.log(0.2), rel=1e-14)
    found = list(ab.gradients(loss, scores))
    assert found == pytest.approx([0.3, -0.8, 0.5], rel=0, abs=1e-12)


def test_a_nearly_certain_answer_has_a_small_gradient():
    scores = [Value(score) for score in np.log([0.01, 0.99, 1e-300])]
    loss = softmax_with_loss(scores, TARGET)
    found = list(ab.gradients(loss, scores))
    assert found == pytest.approx([0.01, -0.01, 0.0], rel=0, abs=1e-12)


@given(
    st.lists(st.lists(st.floats(-20, 20), min_size=3, max_size=3), min_size=1, max_size=5),
    st.data(),
)
def test_over_a_batch_it_is_y_minus_t_over_the_batch_size(rows, data):
    classes = data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
    targets = np.eye(3)[classes]
    scores = Tensor(rows)
    (gradient,) = ab.gradients(batch_softmax_with_loss(scores, targets), [scores])
    powers = np.exp(scores.data)
    answers = powers / powers.sum(axis=1, keepdims=True)
    assert gradient == pytest.approx((answers - targets) / len(rows), rel=1e-9, abs=1e-14)


def test_it_runs_alone_and_prints_its_figures(run_example):
    printed, written = run_example("layers_as_graphs.py")
    for figure in ("0.196611933241", "[5, 7, 9]", "[0.3, -0.8, 0.5]", "off by at most"):
        assert figure in printed
    assert written == sorted(layers_as_graphs.pictures())

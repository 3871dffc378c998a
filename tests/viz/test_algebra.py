"""Upstream times local on every arrow, sums where arrows meet, and what cancels in them."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz.trace import trace

SVG = "{http://www.w3.org/2000/svg}"
UNARY = [ab.tanh, ab.exp, ab.sigmoid, ab.sqrt, ab.square, ab.log, ab.abs, ab.relu, ab.sin]
BINARY = [ab.add, ab.subtract, ab.multiply, ab.divide, ab.maximum, ab.hypot, ab.power]


def shown(picture):
    return [text.text for text in ET.fromstring(picture.svg).iter(f"{SVG}text")]


def tooltips(picture):
    return [title.text for title in ET.fromstring(picture.svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_every_arrow_shows_upstream_times_local(style):
    apple, n, tax = Value(100.0, name="apple"), Value(2.0, name="n"), Value(1.1, name="tax")
    found = shown(viz.draw(apple * n * tax, algebra=True, style=style))
    for product in ("1.1 × 2 = 2.2", "1.1 × 100 = 110", "1 × 1.1 = 1.1", "1 × 200 = 200"):
        assert product in found
    assert not any("×" in text and "=" in text for text in shown(viz.draw(apple * n * tax)))


@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_where_arrows_meet_the_sum_and_what_cancels_are_shown(style):
    x = Value(1.0, name="x")
    found = shown(viz.draw(x * 0.3 - x * 0.12, algebra=True, style=style))
    assert "0.3 − 0.12 = 0.18" in found
    # 0.42 in all, of which 0.18 is left.
    assert "57% cancels" in found
    assert not any("cancels" in text for text in shown(viz.draw(x + x, algebra=True, style=style)))


def test_a_sum_in_the_middle_of_a_graph_is_shown_too():
    x = Value(2.0, name="x")
    square = x * x
    assert "5 − 1 = 4" in shown(viz.draw(square * 5.0 - square, algebra=True))


def test_the_local_derivative_is_told_as_the_rule_sheet_has_it():
    x, y = Value(3.0, name="x"), Value(4.0, name="y")
    found = "\n".join(tooltips(viz.draw(x / y, algebra=True)))
    assert "local derivative: 1 / y = 0.25" in found
    assert "local derivative: -out / y = -0.1875" in found


def test_what_a_product_of_matrices_sends_back_is_told_in_matrices():
    x, w = Tensor(np.ones((2, 3)), name="x"), Tensor(np.ones((3, 2)), name="w")
    found = shown(viz.draw(ab.mean(x @ w), algebra=True))
    assert {"g @ yᵀ", "xᵀ @ g", "g / n for every entry"} <= set(found)
    assert "g × y" in shown(viz.draw(x * x, algebra=True))
    assert "g × (1 / y)" in shown(viz.draw(x / x, algebra=True))


def test_what_was_broadcast_is_said_to_be_summed():
    x, b = Tensor(np.ones((2, 3)), name="x"), Tensor(np.ones(3), name="b")
    found = shown(viz.draw(ab.sum(x * b), algebra=True))
    assert "g × x, summed" in found
    assert "g × y" in found


def test_what_cancels_in_arrays_is_counted_entry_by_entry():
    x = Tensor([1.0, 1.0], name="x")
    up, down = np.array([1.0, 1.0]), np.array([1.0, -1.0])
    assert "50% cancels" in shown(viz.draw(ab.sum(x * up + x * down), algebra=True))
    side, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    beside = shown(viz.draw(ab.sum(x * side + x * other), algebra=True))
    assert not any("cancels" in text for text in beside)


@settings(max_examples=150)
@given(st.data())
def test_upstream_times_local_is_the_contribution(data):
    numbers = st.floats(0.1, 3.0)
    nodes = [Value(data.draw(numbers)) for _ in range(3)]
    for _ in range(data.draw(st.integers(1, 8))):
        first, second = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
        rule = data.draw(st.sampled_from(UNARY + BINARY))
        with np.errstate(all="ignore"):
            node = rule(first) if rule in UNARY else rule(first, second)
        if 1e-3 < abs(float(node)) < 1e3 and not (rule is ab.power and float(first) < 0):
            nodes.append(node)
    picture = trace(nodes[-1], algebra=True)
    for edge in picture.edges:
        if edge.contribution is not None:
            upstream = picture.nodes[edge.target].gradient.entries[0]
            (local,) = edge.local.value.entries
            assert upstream * local == pytest.approx(
                edge.contribution.entries[0], rel=1e-12, abs=1e-300, nan_ok=True
            )


def test_local_derivatives_of_arrays_have_the_shape_of_the_result():
    x, b = Tensor(np.arange(6.0).reshape(2, 3), name="x"), Tensor(np.ones(3), name="b")
    picture = trace(x * b, algebra=True)
    assert [edge.local.value.shape for edge in picture.edges] == [(3,), (2, 3)]


def test_a_function_of_the_users_own_has_its_name_for_a_derivative():
    class Double(ab.Function):
        def forward(self, x):
            return 2.0 * x

        def backward(self, g):
            return 2.0 * g

    picture = trace(Double()(Value(3.0)), algebra=True)
    assert picture.edges[0].local.formula == "backward of Double"
    assert viz.draw(Double()(Value(3.0)), algebra=True).svg


def test_a_derivative_where_math_has_no_answer_is_numpys():
    with np.errstate(all="ignore"):
        y = ab.sqrt(Value(0.0, name="x"))
    assert trace(y, algebra=True).edges[0].local.value.entries == (math.inf,)

"""The backward pass as a graph of its own: a computation whose results are the gradients."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz.backward import backward_picture
from viz.trace import trace

SVG = "{http://www.w3.org/2000/svg}"


def price():
    apple, n, tax = Value(100.0, name="apple"), Value(2.0, name="n"), Value(1.1, name="tax")
    result = apple * n * tax
    result.name = "price"
    return result


def gradients(picture):
    return {
        picture.nodes[output.node].name: picture.nodes[output.node].value.entries
        for output in picture.outputs
        if picture.nodes[output.node].of_gradient
    }


def test_what_comes_out_are_the_gradients_of_the_inputs():
    found = gradients(viz.backward_graph(price()).picture)
    assert found == {
        "∂price/∂apple": (pytest.approx(2.2),),
        "∂price/∂n": (pytest.approx(110),),
        "∂price/∂tax": (pytest.approx(200),),
    }


def test_both_passes_are_framed_and_share_no_arrow():
    picture = viz.backward_graph(price()).picture
    assert [group.label for group in picture.groups] == ["forward", "backward"]
    for edge in picture.edges:
        assert picture.nodes[edge.source].group == picture.nodes[edge.target].group


def test_each_step_is_upstream_times_the_operand_it_is():
    picture = viz.backward_graph(price()).picture
    factors = {
        node.name
        for node in picture.nodes
        if node.group == 1 and node.kind == "detached" and not node.of_gradient
    }
    assert factors == {"apple", "n", "tax", "x"}  # x: the unnamed 200 of the first product


def test_a_value_used_twice_has_a_sum():
    x = Value(3.0, name="x")
    picture = viz.backward_graph(x * x).picture
    sums = [n for n in picture.nodes if n.group == 1 and n.operation and n.operation.symbol == "+"]
    assert [node.value.entries for node in sums] == [(6.0,)]
    assert sums[0].name == "∂output/∂x"


@settings(max_examples=80)
@given(st.integers(0, 10**6), st.integers(1, 20))
def test_the_backward_graph_computes_what_it_shows(seed, size):
    rng = np.random.default_rng(seed)
    nodes = [Value(float(v), name=f"v{i}") for i, v in enumerate(rng.uniform(0.5, 1.5, 3))]
    for _ in range(size):
        a, b = (nodes[-1 - int(rng.integers(min(5, len(nodes))))] for _ in "ab")
        nodes.append([a * b, a + b, ab.tanh(a), a - b][int(rng.integers(4))])
    output = nodes[-1] * 1.0
    forward = trace(output, algebra=True)
    picture = backward_picture(forward)
    operands = {node.id: [] for node in picture.nodes}
    for edge in picture.edges:
        assert edge.source != edge.target
        operands[edge.target].append(picture.nodes[edge.source].value.entries[0])
    for node in picture.nodes:
        if node.group == 1 and node.operation is not None:
            values = operands[node.id]
            total = sum(values) if node.operation.symbol == "+" else float(np.prod(values))
            assert node.value.entries[0] == pytest.approx(total, rel=1e-9, abs=1e-12)
    named = {node.name: node.gradient.entries for node in forward.nodes if node.kind == "leaf"}
    assert {name.partition("/∂")[2]: value for name, value in gradients(picture).items()} == named


@pytest.mark.parametrize("style", ["textbook", "nodes"])
def test_gradients_are_drawn_as_gradients(style):
    root = ET.fromstring(viz.backward_graph(price(), style=style).svg)
    assert [text.text for text in root.iter(f"{SVG}text")].count("∂price/∂apple") == 1
    assert any("gradient-use" in (g.get("class") or "") for g in root.iter(f"{SVG}g"))
    texts = {
        text.text: text.get("class").split()[0]
        for text in root.iter(f"{SVG}text")
        if text.text in ("2.2", "220")
    }
    assert texts == {"2.2": "gradient", "220": "value"}


def test_matrices_say_what_becomes_of_the_gradient():
    x, w = Tensor(np.ones((2, 3)), requires_grad=False), Tensor(np.ones((3, 2)), name="W")
    picture = viz.backward_graph(ab.mean(ab.tanh(x @ w))).picture
    symbols = {node.operation.symbol for node in picture.nodes if node.operation}
    assert {"xᵀ @ g", "g / n for every entry"} <= symbols
    assert gradients(picture).keys() == {"∂output/∂W"}


def test_several_outputs_start_one_backward_pass():
    x = Value(3.0, name="x")
    picture = viz.backward_graph([x * x, x * 2.0]).picture
    assert gradients(picture) == {"∂output/∂x": (8.0,)} or gradients(picture) == {
        "∂outputs/∂x": (8.0,)
    }


def test_an_input_is_its_own_gradients_graph():
    assert viz.backward_graph(Value(3.0, name="x")).svg


def test_where_nothing_wants_a_gradient_there_is_no_backward_pass():
    with pytest.raises(ValueError, match="nothing here requires a gradient"):
        viz.backward_graph(Value(3.0, requires_grad=False))


def test_a_graph_past_the_limit_is_refused():
    x = Value(1.0)
    for _ in range(400):
        x = x * 1.0
    with pytest.raises(viz.GraphTooLarge):
        viz.backward_graph(x)

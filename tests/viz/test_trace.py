"""From the engine's graph to a frozen picture."""

import dataclasses
import time

import numpy as np
import pytest

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz.trace import trace


def by_name(picture):
    return {node.name: node for node in picture.nodes if node.name is not None}


def gradient(picture, name):
    return by_name(picture)[name].gradient.entries


def contributions(picture, name):
    source = by_name(picture)[name].id
    return [edge.contribution.entries for edge in picture.edges if edge.source == source]


@pytest.fixture
def fruit():
    apple, apples = Value(100.0, name="apple"), Value(2.0, name="apples")
    orange, oranges = Value(150.0, name="orange"), Value(3.0, name="oranges")
    tax = Value(1.1, name="tax")
    price = (apple * apples + orange * oranges) * tax
    price.name = "price"
    return price


def test_values_and_gradients_are_those_of_the_article(fruit):
    picture = trace(fruit)
    found = {name: node.gradient.entries[0] for name, node in by_name(picture).items()}
    assert found == pytest.approx(
        {"apple": 2.2, "apples": 110, "orange": 3.3, "oranges": 165, "tax": 650, "price": 1}
    )
    assert by_name(picture)["price"].value.entries == pytest.approx([715])


def test_gradients_are_right_before_backward_and_grad_is_left_alone(fruit):
    before = trace(fruit)
    leaves = [node for node in ab.graph.topological_order(fruit) if node.name]
    assert all(leaf.grad is None for leaf in leaves)
    fruit.backward()
    kept = [leaf.grad for leaf in leaves]
    assert trace(fruit) == before
    assert all(leaf.grad is grad for leaf, grad in zip(leaves, kept, strict=True))
    fruit.backward()
    assert trace(fruit) == before


def test_x_times_x_has_two_edges_which_add_up():
    x = Value(3.0, name="x")
    picture = trace(x * x)
    assert [(edge.source, edge.target, edge.position) for edge in picture.edges] == [
        (0, 1, 0),
        (0, 1, 1),
    ]
    assert contributions(picture, "x") == [(3.0,), (3.0,)]
    assert gradient(picture, "x") == (6.0,)


def test_two_uses_have_the_same_value_and_contributions_of_their_own():
    x = Value(2.0, name="x")
    picture = trace(x * 3.0 + x * x * x)
    assert gradient(picture, "x") == (15.0,)
    assert sorted(part for (part,) in contributions(picture, "x")) == [3.0, 4.0, 4.0, 4.0]


def test_leaves_constants_and_detached_values_are_told_apart():
    x = Value(2.0, name="x")
    fixed = Value(5.0, name="fixed", requires_grad=False)
    picture = trace(x * fixed + 7.0)
    kinds = {node.name or node.value.entries[0]: node.kind for node in picture.nodes}
    assert kinds == {
        "x": "leaf",
        "fixed": "detached",
        7.0: "constant",
        10.0: "result",
        17.0: "result",
    }


def test_no_gradient_is_shown_where_none_is_wanted():
    x = Value(2.0, name="x")
    picture = trace(x * Value(5.0, name="fixed", requires_grad=False))
    fixed = by_name(picture)["fixed"]
    assert (fixed.flow, fixed.gradient) == ("constant", None)
    assert [edge.contribution is None for edge in picture.edges] == [False, True]


def test_a_zero_gradient_is_a_gradient():
    x = Value(0.0, name="x")
    picture = trace(x * x)
    assert by_name(picture)["x"].flow == "flows"
    assert gradient(picture, "x") == (0.0,)


def test_a_rule_that_sends_nothing_back_blocks_the_gradient(monkeypatch):
    x = Value(2.0, name="x")
    y = x * 3.0
    monkeypatch.setattr(ab.graph, "contributions", lambda *_: (None, None))
    monkeypatch.setattr(ab.graph, "cotangents", lambda output, _: {output: 1.0})
    picture = trace(y)
    assert by_name(picture)["x"].flow == "blocked"
    assert [edge.flow for edge in picture.edges] == ["blocked", "constant"]


def test_without_any_gradient_the_values_are_still_drawn():
    k = Value(2.0, name="k", requires_grad=False)
    picture = trace(k)
    assert picture.nodes[0].gradient is None
    assert picture.outputs[0].seed is None


def test_operands_keep_their_order_and_come_before_results():
    x, y = Value(6.0, name="x"), Value(3.0, name="y")
    picture = trace((x / y) - (y / x))
    assert all(edge.source < edge.target for edge in picture.edges)
    assert [node.id for node in picture.nodes] == list(range(len(picture.nodes)))
    division = [edge for edge in picture.edges if edge.target == 2]
    assert [picture.nodes[edge.source].name for edge in division] == ["x", "y"]


def test_a_tensor_is_kept_with_its_shape_and_the_gradient_with_its_own():
    weights = Tensor(np.ones((3, 2)), name="W")
    inputs = Tensor(np.arange(12.0).reshape(4, 3), name="X", requires_grad=False)
    bias = Tensor(np.zeros(2), name="b")
    picture = trace(inputs @ weights + bias)
    assert by_name(picture)["W"].gradient.shape == (3, 2)
    assert gradient(picture, "W") == (18.0, 18.0, 22.0, 22.0, 26.0, 26.0)
    assert gradient(picture, "b") == (4.0, 4.0)
    assert by_name(picture)["X"].kind == "detached"


def test_the_seed_scales_the_gradients():
    x = Value(3.0, name="x")
    assert gradient(trace(x * x, seed=10.0), "x") == (60.0,)


def test_gradients_of_several_outputs_add_up():
    x = Value(3.0, name="x")
    square = x * x
    picture = trace([square, square + x], seed=[1.0, 10.0])
    assert gradient(picture, "x") == (6.0 + 10 * 7.0,)
    assert [output.seed.entries for output in picture.outputs] == [(1.0,), (10.0,)]


def test_the_wrong_number_of_seeds_is_refused():
    x = Value(3.0)
    with pytest.raises(ValueError, match="2 outputs need 2 seeds"):
        trace([x, x * 2.0], seed=[1.0])


@pytest.mark.parametrize("thing", [3.0, "x", None, [], [3.0], np.ones(3)], ids=repr)
def test_what_is_not_a_node_is_refused(thing):
    with pytest.raises(TypeError, match=r"viz\.draw needs"):
        trace(thing)


def test_parameters_of_an_operation_are_kept_as_they_are_written():
    x = Tensor(np.arange(12.0).reshape(3, 4), name="x")
    picture = trace(ab.sum(x[1:, 0], axis=0))
    told = [dict(node.operation.parameters) for node in picture.nodes if node.operation]
    assert told[0]["index"] == "[1:, 0]"
    assert told[1]["axis"] == "0"


def test_a_picture_cannot_be_changed_and_keeps_no_graph_alive():
    x = Value(3.0, name="x")
    picture = trace(x * x)
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture.nodes = ()
    x.name = "renamed"
    assert picture.nodes[0].name == "x"


def test_a_graph_past_the_limit_is_refused_with_its_size_and_advice():
    x = Value(1.0)
    total = x
    for _ in range(30):
        total = total + 1.0
    with pytest.raises(
        viz.GraphTooLarge, match=r"61 nodes and 60 edges.*limit is 50.*smaller part"
    ):
        trace(total, limit=50)
    assert len(trace(total, limit=61).nodes) == 61


def test_edges_count_towards_the_limit_too():
    stacked = ab.concatenate([Tensor([1.0])] * 100)
    with pytest.raises(viz.GraphTooLarge, match="100 edges"):
        trace(stacked, limit=10)


def test_a_graph_of_a_million_nodes_is_refused_at_once():
    x = Value(1.0)
    for _ in range(1_000_000):
        x = x + 1.0
    start = time.perf_counter()
    with pytest.raises(viz.GraphTooLarge, match="more than 10,0"):
        trace(x)
    assert time.perf_counter() - start < 1


def test_a_deep_chain_is_traced_without_recursion():
    x = Value(1.0)
    for _ in range(20_000):
        x = -x
    assert len(trace(x, limit=50_000).nodes) == 20_001

"""Reading a recorded graph, graphs of great length, and that a graph is freed with its last use."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from autograd_bp.graph import (
    Node,
    accumulated_calls,
    contributions,
    cotangents,
    is_constant,
    topological_order,
    value,
)

# -- order ----------------------------------------------------------------------------------------


def assert_operands_first(order: list[Node]) -> None:
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    for node in order:
        for parent in node.parents:
            assert place[parent] < place[node]


def test_operands_come_before_results_and_every_node_once() -> None:
    x, y = Value(2.0, name="x"), Value(3.0, name="y")
    shared = x * y
    z = shared * shared + x / shared
    order = topological_order(z)
    assert_operands_first(order)
    assert {x, y, shared, z} <= set(order)
    assert order[-1] is z


def test_several_outputs_share_one_order() -> None:
    x = Value(2.0)
    a, b = x * 2.0, x + 1.0
    order = topological_order([a, b])
    assert_operands_first(order)
    assert {x, a, b} <= set(order)
    assert topological_order([a, a]) == topological_order(a)
    assert topological_order([]) == []


def test_constants_are_in_the_order_or_not_as_asked() -> None:
    x = Value(2.0)
    y = x * 3.0 + 4.0
    numbers = [node.data for node in topological_order(y) if is_constant(node)]
    assert sorted(numbers) == [3.0, 4.0]
    without = topological_order(y, constants=False)
    assert not any(map(is_constant, without))
    assert [node.data for node in without] == [2.0, 6.0, 10.0]


def test_what_requires_no_gradient_is_left_out_with_the_constants() -> None:
    x, c = Tensor([1.0]), Tensor([2.0], requires_grad=False)
    y = x * c
    assert c in topological_order(y)
    assert topological_order(y, constants=False) == [x, y]
    assert topological_order(c, constants=False) == []


def test_too_many_nodes_stop_the_walk() -> None:
    y = Value(1.0)
    for _ in range(100):
        y = y + 1.0
    with pytest.raises(OverflowError, match="50"):
        topological_order(y, limit=50)
    assert len(topological_order(y, limit=201)) == 201


ORDER = """
import autograd_bp as ab
x = ab.Value(2.0)
junk = [object() for _ in range({size})]
y = ((x * 3.0 + 4.0) / 5.0 - 6.0) ** 2.0 + (7.0 - x) * 8.0
print([node.data for node in ab.graph.topological_order(y)])
"""


def test_the_order_is_the_same_in_every_process() -> None:
    orders = {
        subprocess.run(
            [sys.executable, "-c", ORDER.format(size=size)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for size in (0, 37, 1001)
    }
    assert len(orders) == 1


@given(data=st.data())
def test_any_graph_is_in_order_and_its_gradient_is_the_sum_over_all_paths(
    data: st.DataObject,
) -> None:
    leaves = [Value(1.0) for _ in range(3)]
    nodes: list[Value] = list(leaves)
    # By how much each node changes with each leaf, carried along with every operation.
    slopes = [[float(i == j) for j in range(3)] for i in range(3)]
    for _ in range(data.draw(st.integers(1, 12))):
        i = data.draw(st.integers(0, len(nodes) - 1))
        j = data.draw(st.integers(0, len(nodes) - 1))
        kind = data.draw(st.sampled_from("+-*"))
        x, y = nodes[i].data, nodes[j].data
        if abs(x) > 1e6 or abs(y) > 1e6:
            kind = "-"
        by_x, by_y = {"+": (1.0, 1.0), "-": (1.0, -1.0), "*": (y, x)}[kind]
        result = {"+": nodes[i] + nodes[j], "-": nodes[i] - nodes[j], "*": nodes[i] * nodes[j]}
        nodes.append(result[kind])
        slopes.append([by_x * a + by_y * b for a, b in zip(slopes[i], slopes[j], strict=True)])
    output = nodes[-1]
    assert_operands_first(topological_order(output))
    # Whole numbers: everything is exact.
    assert ab.gradients(output, leaves) == tuple(slopes[-1])
    output.backward()
    assert [leaf.grad or 0.0 for leaf in leaves] == slopes[-1]
    tangents = [3.0, -2.0, 5.0]
    (second,) = ab.gradients(output, [leaves[0]], create_graph=True)
    assert second.data == slopes[-1][0]
    found = cotangents(output)
    assert sum(t * found.get(leaf, 0.0) for t, leaf in zip(tangents, leaves, strict=True)) == sum(
        t * s for t, s in zip(tangents, slopes[-1], strict=True)
    )


# -- what a node tells ----------------------------------------------------------------------------


def test_value_is_a_float_or_a_read_only_view() -> None:
    assert value(Value(2.0)) == 2.0
    x = Tensor([1.0, 2.0])
    view = value(x)
    assert isinstance(view, np.ndarray)
    assert view.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 5.0


def test_parents_args_and_params_say_how_a_node_was_made() -> None:
    x = Tensor([[1.0, 2.0]], name="x")
    y = x.sum(axis=1, keepdims=True)
    assert y.parents == (x,)
    assert y.rule.name == "sum"
    assert y.params == {"axis": 1, "keepdims": True}
    z = 3.0 * y
    assert z.rule.name == "mul"
    assert [float(parent) for parent in z.parents] == [3.0, 3.0]
    assert is_constant(z.parents[0])
    assert not is_constant(z.parents[1])
    assert not is_constant(x)
    assert (x.parents, x.params, x.rule) == ((), {}, None)


def test_cotangents_leave_every_grad_alone_and_reach_every_node() -> None:
    x, y = Value(2.0), Value(3.0)
    product = x * y
    z = product + 1.0
    found = cotangents(z)
    assert found == {z: 1.0, product: 1.0, x: 3.0, y: 2.0}
    assert [node.grad for node in (x, y, product, z)] == [None] * 4
    assert cotangents(z, 10.0)[x] == 30.0
    t = Tensor([1.0, 2.0])
    square = t * t
    found = cotangents(square)
    assert found[t].tolist() == [2.0, 4.0]
    assert cotangents(square, np.array([1.0, 0.0]))[t].tolist() == [2.0, 0.0]
    assert t.grad is None
    with pytest.raises(ValueError, match="cotangent"):
        cotangents(square, np.ones(3))


def test_a_node_the_derivative_does_not_reach_is_missing_from_the_cotangents() -> None:
    x, c = Value(2.0), Value(3.0, requires_grad=False)
    assert c not in cotangents(x * c)
    steps = ab.floor(x)
    assert cotangents(steps).get(x, 0.0) == 0.0


def test_contributions_are_per_parent_even_where_the_parents_are_one_node() -> None:
    x = Value(3.0)
    assert contributions(x * x, 1.0) == (3.0, 3.0)
    assert contributions(x - x, 2.0) == (2.0, -2.0)
    assert contributions(x * 2.0, 5.0) == (10.0, None)
    assert contributions(x, 1.0) == ()
    t, row = Tensor(np.ones((2, 3))), Tensor(np.arange(3.0))
    y = t * row
    left, right = contributions(y, np.ones((2, 3)))
    np.testing.assert_array_equal(left, np.tile(np.arange(3.0), (2, 1)))
    np.testing.assert_array_equal(right, [2.0, 2.0, 2.0])


def test_contributions_keep_zero_times_infinity_zero() -> None:
    with np.errstate(all="ignore"):
        for x in (Value(0.0), Tensor(0.0), Tensor([0.0, 0.0])):
            y = ab.sqrt(x)
            zero = 0.0 if isinstance(x, Value) else np.zeros(x.shape)
            (found,) = contributions(y, zero)
            assert np.all(np.asarray(found) == 0.0)


def test_contributions_summed_over_all_nodes_are_the_cotangents() -> None:
    x = Tensor([0.5, 1.5], name="x")
    y = (ab.exp(x * x) * x + x.sum()).sum()
    found = cotangents(y)
    total: dict[Node, Any] = {y: np.ones(())}
    for node in reversed(topological_order(y, constants=False)):
        for parent, piece in zip(node.parents, contributions(node, found[node]), strict=True):
            if piece is not None:
                total[parent] = total.get(parent, 0.0) + piece
    assert set(total) == set(found)
    for node, cotangent in found.items():
        np.testing.assert_allclose(total[node], cotangent, rtol=1e-14)


def test_accumulated_calls_counts_the_sweeps_in_a_gradient() -> None:
    x = Value(2.0)
    y = x * 3.0
    assert accumulated_calls(x) == 0
    y.backward()
    assert accumulated_calls(x) == 1
    y.backward()
    (x * 5.0).backward()
    assert accumulated_calls(x) == 3
    x.zero_grad()
    assert accumulated_calls(x) == 0
    y.backward()
    assert accumulated_calls(x) == 1
    x.grad = 7.0
    assert accumulated_calls(x) == 0
    t = Tensor([1.0])
    for _ in range(2):
        (t * 2.0).sum().backward()
    assert accumulated_calls(t) == 2
    t.grad = t.grad * 1.0
    assert accumulated_calls(t) == 0


# -- great length ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_collector")
def test_a_chain_of_a_million_values_runs_backward_and_is_freed() -> None:
    limit = sys.getrecursionlimit()
    x = Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    assert y.data == 1_000_001.0
    y.backward()
    assert x.grad == 1.0
    seen = weakref.ref(y.parents[0])
    del y
    assert seen() is None
    assert sys.getrecursionlimit() == limit


@pytest.mark.usefixtures("no_collector")
def test_a_chain_of_100_000_tensors_runs_backward_and_is_freed() -> None:
    x = Tensor([1.0, 2.0])
    y = x
    for _ in range(50_000):
        y = -y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    seen = weakref.ref(y.parents[0])
    del y
    assert seen() is None


def test_long_chains_can_be_differentiated_twice_and_forward() -> None:
    def chain(x: Any) -> Any:
        y = x
        for _ in range(20_000):
            y = y * 1.0
        return y * x

    assert ab.grad(ab.grad(chain))(3.0) == 2.0
    assert ab.jvp(chain, (3.0,), (1.0,)) == (9.0, 6.0)


def test_a_node_may_have_thousands_of_operands() -> None:
    x, t = Value(2.0), Tensor([2.0])
    (ab.stack([x * float(i) for i in range(3_000)]).sum()).backward()
    (ab.concatenate([t * float(i) for i in range(3_000)]).sum()).backward()
    assert x.grad == t.grad[0] == sum(range(3_000))


def test_heavy_sharing_is_walked_once_per_node_not_once_per_path() -> None:
    x = Value(1.0)
    y = x
    for _ in range(2_000):  # 2**2000 paths
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad == 1.0
    t = Tensor(1.0)
    z = t
    for _ in range(500):
        z = z * 0.5 + z * 0.5
    assert ab.gradients(z, [t], create_graph=True)[0].data == 1.0


# -- memory ---------------------------------------------------------------------------------------


class Multiply(ab.Function):
    """x * y with a backward of its own."""

    def forward(self, x: Any, y: Any) -> Any:
        self.x, self.y = x, y
        return x * y

    def backward(self, g: Any) -> Any:
        return g * self.y, g * self.x


def values_and_backward() -> None:
    x = Value(2.0)
    y = (x * x + 3.0).exp() / x
    y.backward()
    y.backward()


def tensors_and_backward() -> None:
    W, b = Tensor(np.ones((3, 2)), name="W"), Tensor(np.ones(2))
    loss = ab.log_softmax(np.ones((4, 3)) @ W + b)[np.arange(4), [0, 1, 0, 1]].mean()
    loss.backward(retain_grads=True)
    W.data -= 0.1 * W.grad


def parents_of_constants() -> None:
    y = Tensor([1.0]) * 2.0 + Value(1.0)
    assert len(topological_order(y)) == 5


def second_order() -> None:
    x = Tensor([1.0, 2.0])
    (slope,) = ab.gradients((x**3).sum(), [x], create_graph=True)
    slope.sum().backward()


def transforms() -> None:
    def f(p: Any) -> Any:
        return (p["w"] ** 2).sum() * p["b"]

    p = {"w": np.ones(2), "b": 2.0}
    ab.value_and_grad(f)(p)
    ab.hessian(lambda x: (x**3).sum())(np.ones(2))
    ab.hvp(f, p, p)
    _, pullback = ab.vjp(f, p)
    pullback(1.0)


def functions() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    z = Multiply()(x, y).sum()
    (slope,) = ab.gradients(z, [x], create_graph=True)
    slope.sum().backward()
    ab.jvp(Multiply(), (np.ones(2), np.ones(2)), (np.ones(2), np.ones(2)))


def errors() -> None:
    x = Tensor([1.0, 2.0], name="x")
    for act in (
        lambda: x @ np.ones((3, 3)),
        lambda: (x * 2.0).backward(),
        lambda: ab.sum(x, axis=5),
        lambda: ab.grad(lambda x: x * 2.0)(np.ones(2)),
    ):
        with pytest.raises((ValueError, TypeError)):
            act()


def debugging() -> None:
    x = Tensor([1.0, 0.0])
    with ab.debug():
        (x * 2.0).sum().backward()
    with ab.debug(), np.errstate(all="ignore"), pytest.raises(ab.NonFiniteError):
        ab.log(x)


def deep_copies() -> None:
    import copy

    x = Tensor([1.0])
    copy.deepcopy((x * x).sum()).backward()


def no_recording() -> None:
    x = Tensor([1.0])
    with ab.no_grad():
        (x * x).sum()


@pytest.mark.parametrize(
    "work",
    [
        values_and_backward,
        tensors_and_backward,
        parents_of_constants,
        second_order,
        transforms,
        functions,
        errors,
        debugging,
        deep_copies,
        no_recording,
    ],
    ids=lambda work: work.__name__,
)
def test_nothing_is_left_alive_and_nothing_is_left_to_the_garbage_collector(
    work: Callable[[], None],
) -> None:
    work()  # whatever is kept for good is kept now
    gc.collect()
    gc.disable()
    try:
        before = sum(issubclass(type(thing), Node) for thing in gc.get_objects())
        work()
        after = sum(issubclass(type(thing), Node) for thing in gc.get_objects())
        assert after == before
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        module = Node.__module__.partition(".")[0]
        assert [
            thing for thing in gc.garbage if type(thing).__module__.partition(".")[0] == module
        ] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_a_result_keeps_its_operands_alive_and_not_the_other_way_round() -> None:
    x = Value(2.0)
    y = x * 3.0
    middle = weakref.ref(y)
    z = y + 1.0
    del y
    assert middle() is not None
    z.backward()
    del z
    assert middle() is None
    assert x.grad == 3.0


def test_a_result_without_history_keeps_nothing_alive() -> None:
    x = Tensor(np.ones(3))
    seen = weakref.ref(x)
    with ab.no_grad():
        y = x * 2.0
    mask, place, cut = x > 0, ab.argmax(x), x.detach()
    del x
    assert seen() is None
    assert (y.data.sum(), mask.data.all(), int(place), math.fsum(cut.data)) == (6.0, True, 0, 3.0)

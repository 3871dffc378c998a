"""ab.gradients: gradients as a tuple, and as nodes that can be differentiated in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, Value

MAKERS = [Value, Tensor]


def test_gradients_leave_every_grad_as_it_was() -> None:
    x, y = Value(2.0), Tensor([1.0, 2.0])
    z = (x * y * y).sum()
    z.backward(retain_grads=True)
    before = [
        (node, np.copy(node.grad))
        for node in ab.graph.topological_order(z)
        if node.grad is not None
    ]
    for create_graph in (False, True):
        ab.gradients(z, [x, y], create_graph)
    for node, gradient in before:
        np.testing.assert_array_equal(node.grad, gradient)
    assert ab.graph.accumulated_calls(x) == 1


def test_gradients_come_in_the_order_asked_for_and_with_repetitions() -> None:
    x, y = Value(2.0), Value(3.0)
    z = x * y
    assert ab.gradients(z, [y, x, y]) == (2.0, 3.0, 2.0)
    assert ab.gradients(z, x) == (3.0,)
    assert ab.gradients(z, []) == ()
    assert ab.gradients(z, (node for node in (x, y))) == (3.0, 2.0)


def test_gradients_by_nodes_between_and_by_the_output_itself() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 3.0
    z = (y * y).sum()
    by_x, by_y, by_z = ab.gradients(z, [x, y, z])
    assert by_x.tolist() == [18.0, 36.0]
    assert by_y.tolist() == [6.0, 12.0]
    assert by_z == 1.0


def test_the_gradient_by_an_unrelated_node_is_zero_of_its_shape_and_dtype() -> None:
    x, stranger = Tensor([1.0, 2.0]), Tensor(np.ones((2, 3), np.float32))
    y = x.sum()
    for create_graph in (False, True):
        _, zero = ab.gradients(y, [x, stranger], create_graph)
        assert zero.shape == (2, 3)
        assert zero.dtype == np.float32
        assert not np.asarray(getattr(zero, "data", zero)).any()
    assert ab.gradients(Value(2.0) * 3.0, [Value(1.0)]) == (0.0,)
    # What depends on the output is unrelated to it too.
    later = y * 2.0
    assert ab.gradients(y, [later])[0] == 0.0


@pytest.mark.parametrize(
    ("wrt", "error"),
    [
        ([2.0], TypeError),
        (["x"], TypeError),
        ([None], TypeError),
        ([np.ones(2)], TypeError),
        ([Value(1.0, requires_grad=False)], ValueError),
        ([Tensor([1], requires_grad=False)], ValueError),
    ],
    ids=repr,
)
def test_gradients_by_what_can_have_none_are_refused(wrt: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        ab.gradients(Value(2.0) * 3.0, wrt)


def test_gradients_of_what_is_no_node_are_refused() -> None:
    for output in (2.0, np.ones(2), None, "y"):
        with pytest.raises(TypeError, match="node"):
            ab.gradients(output, [Value(1.0)])  # type: ignore[arg-type]


def test_gradients_of_several_elements_need_a_cotangent() -> None:
    x = Tensor([1.0, 2.0])
    for create_graph in (False, True):
        with pytest.raises(ValueError, match="cotangent"):
            ab.gradients(x * 2.0, [x], create_graph)
        (g,) = ab.gradients(x * 2.0, [x], create_graph, cotangent=[1.0, 10.0])
        assert np.asarray(getattr(g, "data", g)).tolist() == [2.0, 20.0]
        with pytest.raises(ValueError, match="cotangent"):
            ab.gradients(x * 2.0, [x], create_graph, cotangent=np.ones(3))


def test_a_cotangent_that_is_a_node_is_differentiated_too() -> None:
    x, v = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    (g,) = ab.gradients(x * x, [x], create_graph=True, cotangent=v)
    assert g.data.tolist() == [6.0, 16.0]
    by_x, by_v = ab.gradients(g.sum(), [x, v])
    assert by_x.tolist() == [6.0, 8.0]
    assert by_v.tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="cotangent"):
        ab.gradients(x * x, [x], create_graph=True, cotangent=Tensor([1.0]))


@pytest.mark.parametrize("make", MAKERS)
def test_gradients_of_gradients_to_any_order(make: Any) -> None:
    x = make(2.0)
    y = x**5
    for factor, power in [(5.0, 4), (20.0, 3), (60.0, 2), (120.0, 1), (120.0, 0)]:
        (y,) = ab.gradients(y, [x], create_graph=True)
        assert type(y) is make
        assert float(y) == factor * 2.0**power
    (y,) = ab.gradients(y, [x], create_graph=True) if y.requires_grad else (make(0.0),)
    assert float(y) == 0.0


def test_a_gradient_of_a_gradient_can_be_taken_with_backward() -> None:
    x = Value(3.0)
    (slope,) = ab.gradients(x**3, [x], create_graph=True)
    (slope * slope).backward()
    assert x.grad == 2 * 27.0 * 18.0


def test_values_and_tensors_mix_to_the_second_order() -> None:
    v, t = Value(2.0), Tensor([1.0, 3.0])
    y = (v * v * t * t).sum()
    by_v, by_t = ab.gradients(y, [v, t], create_graph=True)
    assert type(by_v) is Value
    assert type(by_t) is Tensor
    assert by_v.data == 40.0
    assert by_t.data.tolist() == [8.0, 24.0]
    assert ab.gradients(by_v, [v])[0] == 20.0
    assert ab.gradients(by_v, [t])[0].tolist() == [8.0, 24.0]
    assert ab.gradients(by_t, [v], cotangent=np.ones(2))[0] == 32.0
    (by_v + by_t.sum()).backward()
    assert v.grad == 20.0 + 32.0
    assert t.grad.tolist() == [8.0 + 8.0, 24.0 + 8.0]
    third = ab.gradients(ab.gradients(by_v, [t], create_graph=True)[0].sum(), [v, t])
    assert third[0] == 4 * (1.0 + 3.0)
    assert third[1].tolist() == [8.0, 8.0]

"""Changes in place, one by one: what differentiates, what is refused, and what stays as it was."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor
from tests.expressions import evaluate


def test_an_array_is_filled_element_by_element() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    out = np.zeros_like(x)
    for i in range(3):
        out[i] = x[i] ** 2 if i == 0 else out[i - 1] * x[i]
    assert out.data.tolist() == [1.0, 2.0, 6.0]
    out[2].backward()
    assert x.grad.tolist() == [12.0, 3.0, 2.0]


def test_a_graph_recorded_before_keeps_the_old_numbers() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 3.0
    z = (y * y).sum()
    y[0] = 100.0
    assert z.item() == 45.0
    z.backward()
    assert x.grad.tolist() == [18.0, 36.0]
    x.zero_grad()
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 36.0]


def test_views_of_views_see_a_change_and_pass_one_on() -> None:
    x = Tensor(np.arange(6.0).reshape(2, 3))
    y = x * 1.0
    turned, row = y.T, y.T[1]
    row[:] = [10.0, 20.0]
    assert y.data.tolist() == [[0.0, 10.0, 2.0], [3.0, 20.0, 5.0]]
    assert turned.data.tolist() == y.data.T.tolist()
    y *= 2.0
    assert row.data.tolist() == [20.0, 40.0]
    (turned * turned).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0, 16.0], [24.0, 0.0, 40.0]]


def test_numbers_are_bound_anew_as_in_numpy() -> None:
    total = start = Tensor(0.0)
    x = Tensor([1.0, 2.0])
    for k in range(2):
        total += x[k] * x[k]
    assert start.item() == 0.0
    total.backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    "change",
    [
        "x.__setitem__(0, 1.0)",
        "x.__iadd__(1.0)",
        "x[1:].__iadd__(1.0)",
        "x.T.__setitem__(0, 5.0)",
        "np.add(x, 1.0, out=x)",
        "np.copyto(x, 0.0)",
        "np.add.at(x, [0], 1.0)",
        "np.put(x, [0], 1.0)",
        "x.fill(0.0)",
        "x.sort()",
    ],
)
def test_a_leaf_that_a_derivative_is_wanted_by_is_not_changed(change: str) -> None:
    x = Tensor([1.0, 2.0, 3.0], name="w")
    y = (x * x).sum()
    with pytest.raises(TypeError, match=r"'w'.*leaf.*copy"):
        evaluate(change, x=x)
    assert x.data.tolist() == [1.0, 2.0, 3.0]
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("y.__setitem__(5, 1.0)", IndexError),
        ("y.__setitem__(0, [1.0, 2.0])", ValueError),
        ("y.__setitem__(0, 'text')", (TypeError, ValueError)),
        ("y.__setitem__(0, 1j)", TypeError),
        ("y.__setitem__(0, None)", TypeError),
        ("y.__iadd__(np.ones((2, 3)))", ValueError),
        ("np.broadcast_to(y, (2, 3)).__setitem__(0, 1.0)", ValueError),
        ("np.copyto(y, np.ones(4))", ValueError),
        ("counts.__setitem__(0, y[0])", TypeError),
        ("np.add(y, y, out=np.zeros(3))", TypeError),
        ("np.zeros(3).__iadd__(y)", TypeError),
        ("np.multiply.at(y, [0, 0], 2.0)", TypeError),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_changes(change: str, error: Any) -> None:
    x = Tensor([1.0, 2.0, 3.0])
    y = x * 2.0
    view = y[1:]
    counts = Tensor([1, 2, 3], requires_grad=False)
    with pytest.raises(error):
        evaluate(change, y=y, counts=counts)
    assert y.data.tolist() == [2.0, 4.0, 6.0]
    assert view.data.tolist() == [4.0, 6.0]
    assert counts.data.tolist() == [1, 2, 3]
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("make", [lambda: Tensor([1.0, 2.0])[0], lambda: ab.Value(2.0) * 3.0])
def test_an_element_of_a_plain_array_does_not_lose_a_derivative_in_silence(make: Any) -> None:
    node, array = make(), np.zeros(3)
    with pytest.raises((TypeError, ValueError)) as caught:
        array[0] = node
    assert "zeros_like" in str(caught.value.__cause__ or caught.value)
    assert array.tolist() == [0.0, 0.0, 0.0]
    array[0] = float(node)
    array[1] = node.item()
    assert array[0] == array[1] != 0.0


def test_a_gradient_by_what_was_changed_since_is_refused_not_zero() -> None:
    x = Tensor([1.0, 2.0])
    y = x * 2.0
    z = (y * y).sum()
    y[0] = 7.0
    with pytest.raises(ValueError, match="changed in place"):
        ab.gradients(z, [y])
    (by_new,) = ab.gradients((y * y).sum(), [y])
    assert by_new.tolist() == [14.0, 8.0]


def test_with_recording_off_a_leaf_changes_and_a_result_does_not() -> None:
    w = Tensor([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward()
    with ab.no_grad():
        w -= 0.5 * w.grad
    assert w.rule is None
    assert w.requires_grad
    assert w.data.tolist() == [0.0, 0.0]
    (old,) = ab.gradients(loss, [w])
    assert old.tolist() == [2.0, 4.0]
    y = w * 2.0
    with ab.no_grad(), pytest.raises(TypeError, match="history"):
        y += 1.0


def test_the_dtype_stays_what_it_is() -> None:
    x = Tensor(np.ones(2, np.float32)) * 2.0
    x += np.array([0.1, 0.2])
    assert x.dtype == np.float32
    x[0] = Tensor(3.0)
    assert x.dtype == np.float32
    counts = Tensor([1, 2], requires_grad=False)
    counts[0] = 7
    assert counts.data.tolist() == [7, 2]
    assert counts.dtype.kind == "i"


@pytest.mark.parametrize(
    "write",
    [
        lambda y, v: np.copyto(y, v),
        lambda y, v: np.copyto(y, v, where=np.array([True, False, True])),
        lambda y, v: np.put(y, [2, 0], v),
        lambda y, v: np.place(y, np.array([True, False, True]), v),
        lambda y, v: np.putmask(y, np.array([False, True, True]), v),
        lambda y, v: np.put_along_axis(y, np.array([1, 0]), v[:2], 0),
        lambda y, v: np.add.at(y, [0, 0, 1], v),
        lambda y, v: np.subtract.at(y, [0, 0, 1], v),
        lambda y, v: np.multiply.at(y, [0, 2], v[:2]),
        lambda y, v: (np.negative.at(y, [0, 2]), v),
        lambda y, v: np.multiply(y, v, out=y),
        lambda y, v: np.divide(v, y, out=y, where=np.array([True, False, True])),
        lambda y, v: np.exp(v, out=y),
        lambda y, v: np.cumsum(v) + np.add.accumulate(v, out=y),
        lambda y, v: (y.sort(), v),
        lambda y, v: y.fill(v[1]),
        lambda y, v: np.fill_diagonal(y[:2].reshape(1, 2), v[0]),
    ],
)
def test_functions_that_write_do_what_they_do_to_arrays(write: Any) -> None:
    def f(x: Any, v: Any) -> Any:
        y = x * 1.0
        write(y, v)
        return y * y

    x, v = np.array([3.0, 1.0, 2.0]), np.array([0.5, -0.4, 0.7])
    found = f(Tensor(x), Tensor(v))
    np.testing.assert_allclose(found.data, f(x, v), rtol=1e-14)
    gradients = ab.grad(lambda x, v: f(x, v).sum(), (0, 1))(x, v)
    h = 1e-6
    for i, operand in enumerate((x, v)):
        for k in range(3):
            moved = [x.copy(), v.copy()]
            moved[i][k] += h
            ahead = f(*moved).sum()
            moved[i][k] -= 2 * h
            slope = (ahead - f(*moved).sum()) / (2 * h)
            np.testing.assert_allclose(gradients[i][k], slope, rtol=1e-7, atol=1e-8)
        assert operand is not None


def test_second_derivatives_pass_through_changes() -> None:
    def f(x: Any) -> Any:
        x[1:] *= x[:-1]
        x[0] += x[2]
        return (x**2).sum()

    start = np.array([0.5, 1.5, -0.7])
    hessian = ab.hessian(f)(start)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)
    h = 1e-6
    for k in range(3):
        moved = np.eye(3)[k] * h
        slope = (ab.grad(f)(start + moved) - ab.grad(f)(start - moved)) / (2 * h)
        np.testing.assert_allclose(hessian[k], slope, rtol=1e-6, atol=1e-7)


def test_changed_tensors_are_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = Tensor([1.0, 2.0, 3.0])
        y = x * 2.0
        watched = weakref.ref(y)
        for k in range(3):
            y[k] = y[k - 1] * 0.5
        y += 1.0
        y.sum().backward()
        del y
        assert watched() is None
    finally:
        gc.enable()


def test_a_flattened_copy_and_a_picked_one_are_arrays_of_their_own() -> None:
    x = Tensor(np.ones((2, 2))) * 1.0
    for own in (x.flatten(), x[[0, 1]], x.copy(), x * 1.0):
        own *= 5.0
        assert x.data.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    x.ravel()[0] = 5.0
    assert x.data.tolist() == [[5.0, 1.0], [1.0, 1.0]]


def test_in_a_function_that_is_compiled_a_change_is_refused_by_name() -> None:
    @ab.compile
    def f(x: Any) -> Any:
        y = x * 2.0
        y[0] = 1.0
        return y.sum()

    with pytest.raises(TypeError, match=r"compiled.*ab\.at"):
        f(np.ones(3))

"""The backward sweep: what is added up, what is overwritten, what is left alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, Value

MAKERS = [Value, Tensor]


@pytest.mark.parametrize("make", MAKERS)
def test_a_diamond_adds_up_both_ways(make: Any) -> None:
    x = make(3.0)
    left, right = x * 2.0, x * x
    (left * right).backward()
    assert x.grad == 6 * 9.0  # d 2x^3
    assert left.grad is None or left.grad == 9.0


@pytest.mark.parametrize("zero", [0.0, Value(0.0), Tensor(0.0)], ids=["number", "Value", "Tensor"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_division_of_a_tensor_by_any_kind_of_zero_has_a_gradient(zero: Any) -> None:
    x = Tensor([0.0, 1.0])
    (gradient,) = ab.gradients(ab.sum(x / zero * 0.0), [x])
    assert gradient.shape == (2,)


@pytest.mark.parametrize("make", MAKERS)
def test_diamonds_within_diamonds(make: Any) -> None:
    x = make(2.0)
    y = x
    for _ in range(5):
        y = y + y * y
    expected, slope = 2.0, 1.0
    for _ in range(5):
        slope, expected = slope * (1 + 2 * expected), expected + expected * expected
    y.backward()
    assert y.data == expected
    assert x.grad == slope


@pytest.mark.parametrize("make", MAKERS)
def test_an_operand_used_on_both_sides_counts_twice(make: Any) -> None:
    for expression, slope in [
        (lambda x: x * x, 6.0),
        (lambda x: x + x, 2.0),
        (lambda x: x - x, 0.0),
        (lambda x: x / x, 0.0),
        (lambda x: x**x, 27.0 * (1 + math.log(3.0))),
        (lambda x: ab.hypot(x, x), math.sqrt(2.0)),
        (lambda x: ab.arctan2(x, x), 0.0),
    ]:
        x = make(3.0)
        expression(x).backward()
        assert float(x.grad) == pytest.approx(slope, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("make", MAKERS)
def test_leaves_add_up_over_calls_and_nodes_between_are_overwritten(make: Any) -> None:
    x = make(3.0)
    y = x * x
    z = y * 2.0
    options = {} if make is Value else {"retain_grads": True}
    for calls in (1, 2, 3):
        z.backward(**options)
        assert x.grad == 12.0 * calls
        assert y.grad == 2.0
        assert z.grad == 1.0
    x.zero_grad()
    assert x.grad is None
    z.backward(**options)
    assert x.grad == 12.0


@pytest.mark.parametrize("make", MAKERS)
def test_a_second_graph_on_the_same_leaf_adds_to_its_gradient(make: Any) -> None:
    x = make(3.0)
    (x * 2.0).backward()
    (x * x).backward()
    assert x.grad == 8.0


def test_backward_through_part_of_a_graph_that_was_swept_before_is_right() -> None:
    x = Value(2.0)
    y = x * x
    z = y * y
    z.backward()
    assert (x.grad, y.grad) == (4 * 8.0, 8.0)
    y.backward()
    assert (x.grad, y.grad) == (32.0 + 4.0, 1.0)
    assert z.grad == 1.0


def test_a_tensor_keeps_the_gradients_of_nodes_between_only_when_asked() -> None:
    x = Tensor([1.0, 2.0])
    y = x * x
    z = y.sum()
    z.backward()
    assert y.grad is None
    assert z.grad is None
    z.backward(retain_grads=True)
    assert y.grad.tolist() == [1.0, 1.0]
    assert z.grad == 1.0


def test_backward_of_a_leaf_gives_it_the_cotangent() -> None:
    x, t = Value(2.0), Tensor([1.0, 2.0])
    x.backward()
    x.backward(5.0)
    assert x.grad == 6.0
    t.backward([3.0, 4.0])
    assert t.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("make", MAKERS)
def test_what_requires_no_gradient_gets_none(make: Any) -> None:
    x, frozen = make(2.0), make(3.0, requires_grad=False)
    y = x * frozen
    y.backward()
    assert x.grad == 3.0
    assert frozen.grad is None


@pytest.mark.parametrize("make", MAKERS)
def test_backward_where_nothing_requires_a_gradient_says_what_to_do(make: Any) -> None:
    x = make(2.0, requires_grad=False)
    with ab.no_grad():
        silent = make(2.0) * 3.0
    for node in (x, x * 3.0, silent, make(2.0).detach() * 2.0):
        with pytest.raises(ValueError, match="requires_grad=True"):
            node.backward()


def test_an_error_on_the_way_changes_no_gradient() -> None:
    class Broken(ab.Function):
        def forward(self, x: Any) -> Any:
            return x * 1.0

        def backward(self, _: Any) -> Any:
            raise ArithmeticError("no such derivative")

    x, y = Value(2.0), Value(3.0)
    y.backward(7.0)
    z = y * 2.0 + Broken()(x)
    with pytest.raises(ArithmeticError, match="no such derivative"):
        z.backward()
    assert x.grad is None
    assert y.grad == 7.0


# -- zero times infinity --------------------------------------------------------------------------

# (name, f singular at 0 or where its second argument says, the slope where the branch is taken)
SINGULAR: dict[str, tuple[Callable[[Any], Any], Callable[[float], float], Callable[[float], float]]]
SINGULAR = {
    "sqrt": (ab.sqrt, lambda x: 0.5 / x**0.5, lambda x: -0.25 * x**-1.5),
    "log": (ab.log, lambda x: 1 / x, lambda x: -1 / x**2),
    "reciprocal": (ab.reciprocal, lambda x: -1 / x**2, lambda x: 2 / x**3),
    "x ** 0.5": (lambda x: x**0.5, lambda x: 0.5 / x**0.5, lambda x: -0.25 * x**-1.5),
    "x ** -1": (lambda x: x**-1.0, lambda x: -1 / x**2, lambda x: 2 / x**3),
    "1 / x": (lambda x: 1.0 / x, lambda x: -1 / x**2, lambda x: 2 / x**3),
    "cbrt": (ab.cbrt, lambda x: x ** (-2 / 3) / 3, lambda x: -2 / 9 * x ** (-5 / 3)),
    "x log x": (lambda x: x * ab.log(x), lambda x: math.log(x) + 1, lambda x: 1 / x),
    "sin(x) / x": (
        lambda x: ab.sin(x) / x,
        lambda x: math.cos(x) / x - math.sin(x) / x**2,
        lambda x: -math.sin(x) / x - 2 * math.cos(x) / x**2 + 2 * math.sin(x) / x**3,
    ),
    "sqrt(log(1 + x))": (
        lambda x: ab.sqrt(ab.log(1.0 + x)),
        lambda x: 0.5 / math.sqrt(math.log1p(x)) / (1 + x),
        lambda x: -(0.25 * math.log1p(x) ** -1.5 + 0.5 * math.log1p(x) ** -0.5) / (1 + x) ** 2,
    ),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_an_untaken_branch_adds_nothing_at_any_order_in_either_direction(name: str) -> None:
    singular, slope, curve = SINGULAR[name]

    def f(x: Any) -> Any:
        return ab.where(x > 0, singular(x), 0.0)

    x = np.array([0.0, 4.0])
    slopes, curves = [0.0, slope(4.0)], [0.0, curve(4.0)]
    with np.errstate(all="ignore"):
        _, forward = ab.jvp(f, (x,), (np.ones(2),))
        found = {
            "reverse": ab.grad(lambda x: f(x).sum())(x),
            "forward": forward,
            "jacobian": np.diag(ab.jacobian(f)(x)),
            "of a value at 0": [ab.grad(f)(0.0), slopes[1]],
            "of a value at 4": [0.0, ab.grad(f)(4.0)],
            "forward of a value": [ab.jvp(f, (0.0,), (1.0,))[1], ab.jvp(f, (4.0,), (1.0,))[1]],
        }
        seconds = {
            "forward over reverse": ab.hvp(lambda x: f(x).sum(), x, np.ones(2)),
            "reverse over reverse": ab.grad(lambda x: ab.grad(lambda x: f(x).sum())(x).sum())(x),
            "hessian": np.diag(ab.hessian(lambda x: f(x).sum())(x)),
            "of values": [ab.grad(ab.grad(f))(0.0), ab.grad(ab.grad(f))(4.0)],
            "forward over forward": ab.jvp(
                lambda x: ab.jvp(f, (x,), (np.ones(2),))[1], (x,), (np.ones(2),)
            )[1],
        }
    for way, result in found.items():
        np.testing.assert_allclose(result, slopes, rtol=1e-12, atol=0.0, err_msg=way)
    for way, result in seconds.items():
        np.testing.assert_allclose(result, curves, rtol=1e-12, atol=0.0, err_msg=way)


@pytest.mark.parametrize("name", ["sqrt", "log", "reciprocal", "x ** 0.5", "cbrt"])
@pytest.mark.parametrize("make", MAKERS)
def test_a_singular_result_times_zero_has_gradient_zero(name: str, make: Any) -> None:
    singular, *_ = SINGULAR[name]
    x = make(0.0)
    with np.errstate(all="ignore"):
        y = singular(x) * 0.0
        (first,) = ab.gradients(y, [x], create_graph=True)
        y.backward()
        assert x.grad == 0.0
        assert float(first) == 0.0
        if first.requires_grad:
            assert ab.gradients(first, [x])[0] == 0.0


def test_a_value_behind_tensors_gets_nothing_from_the_untaken_branch_either() -> None:
    array = np.array([0.0, 4.0])

    def f(v: Any) -> Any:
        return ab.where(array > 0, ab.sqrt(v * array), 0.0).sum()  # 2 sqrt(v)

    with np.errstate(all="ignore"):
        v = Value(1.0)
        f(v).backward()
        assert v.grad == 1.0
        assert ab.gradients(f(v), [v]) == (1.0,)
        assert ab.grad(f)(1.0) == 1.0
        assert ab.jvp(f, (1.0,), (1.0,))[1] == 1.0
        assert ab.grad(ab.grad(f))(1.0) == -0.5
        assert ab.hessian(f)(1.0) == -0.5
        assert ab.hvp(f, 1.0, 1.0) == -0.5


def test_a_mask_keeps_out_what_it_excludes() -> None:
    scores = Tensor([[1.0, -np.inf, 2.0]])
    mask = np.array([[True, False, True]])
    y = ab.log_softmax(scores)
    with np.errstate(all="ignore"):
        loss = -ab.where(mask, y, 0.0).sum()
        loss.backward()
    assert np.isfinite(scores.grad).all()
    assert scores.grad[0, 1] == 0.0


def test_a_true_infinity_is_not_hidden() -> None:
    x = Tensor([0.0, 1.0])
    with np.errstate(all="ignore"):
        ab.sqrt(x).sum().backward()
        assert x.grad.tolist() == [np.inf, 0.5]
        v = Value(0.0)
        v.log().backward()
    assert v.grad == math.inf


def test_infinities_of_both_signs_that_meet_are_nan_not_an_error() -> None:
    both = np.array([np.inf, -np.inf])
    x = Tensor(2.0)
    y = x * both
    y.backward(np.ones(2))
    assert np.isnan(x.grad)
    for create_graph in (False, True):
        (g,) = ab.gradients(y, [x], create_graph, cotangent=np.ones(2))
        assert np.isnan(float(g))
    z = Tensor([1.0, 2.0])
    total = ab.stack([z * np.inf, z * -np.inf])
    total.backward(np.ones((2, 2)))
    assert np.isnan(z.grad).all()
    v = Value(1.0)
    w = v * math.inf + v * -math.inf
    w.backward()
    assert math.isnan(v.grad)


def test_a_sweep_leaves_numpys_error_state_as_it_was() -> None:
    with np.errstate(all="warn"):
        before = np.geterr()
        x = Tensor([1.0, 2.0])
        (x * x).sum().backward()
        with pytest.raises(ValueError, match="cotangent"):
            (x * x).backward(np.ones(3))
        ab.hessian(lambda x: (x**3).sum())(np.ones(2))
        assert np.geterr() == before


def test_a_sweep_gives_no_warnings_of_its_own_where_the_answer_is_infinite() -> None:
    # Warnings are errors in this test suite.
    x = Tensor([0.0, 1e-320])
    y = ab.sqrt(x)
    y.sum().backward()
    assert x.grad[0] == np.inf
    z = Tensor([1e200])
    w = z * 1e100
    w.backward([1e250])
    assert z.grad[0] == np.inf


def test_a_whole_python_number_that_divides_gives_what_numpy_gives() -> None:
    x = ab.Tensor([1.0, 2.0])
    with np.errstate(all="ignore"):
        (gradient,) = ab.gradients(x / 0, [x], cotangent=[1.0, 0.0])
    assert gradient.tolist() == [np.inf, 0.0]

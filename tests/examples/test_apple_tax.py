"""The figures of the apple-tax example, exactly as the article has them."""

import pytest

from examples import apple_tax
from examples.apple_tax import AddLayer, MulLayer, apples, apples_and_oranges, gradients

EXACT = {"rel": 0, "abs": 1e-12}
both_ways = pytest.mark.parametrize("layers", [False, True], ids=["plain", "layers"])


@both_ways
def test_two_apples_cost_220_and_the_gradients_are_2_2_and_110_and_200(layers):
    price, leaves = apples(layers=layers)
    assert price.data == pytest.approx(220, **EXACT)
    assert gradients(price, leaves) == pytest.approx(
        {"apple": 2.2, "apple number": 110, "tax": 200}, **EXACT
    )


@both_ways
def test_with_three_oranges_the_price_is_715(layers):
    price, leaves = apples_and_oranges(layers=layers)
    assert price.data == pytest.approx(715, **EXACT)
    assert gradients(price, leaves) == pytest.approx(
        {
            "apple": 2.2,
            "apple number": 110,
            "orange": 3.3,
            "orange number": 165,
            "tax": 650,
        },
        **EXACT,
    )


@both_ways
@pytest.mark.parametrize("problem", [apples, apples_and_oranges])
def test_backward_fills_in_the_same_gradients(problem, layers):
    price, leaves = problem(layers=layers)
    wanted = gradients(price, leaves)
    price.backward()
    assert {name: leaf.grad for name, leaf in leaves.items()} == wanted


def test_layers_called_by_hand_give_the_same_figures():
    price, found = apple_tax.apples_by_hand()
    assert price == pytest.approx(220, **EXACT)
    assert found == pytest.approx((2.2, 110, 200), **EXACT)


def test_the_square_of_a_sum_has_gradient_14():
    z, leaves = apple_tax.square_of_a_sum()
    assert z.data == 49
    assert gradients(z, leaves) == {"x": 14, "y": 14}


def test_a_layer_used_twice_keeps_each_use_apart():
    x, y = apple_tax.Value(2.0), apple_tax.Value(3.0)
    product = MulLayer()(x, y)
    total = AddLayer()(product, MulLayer()(x, x))
    assert gradients(total, {"x": x, "y": y}) == {"x": 7, "y": 2}


def test_it_runs_alone_and_prints_every_figure(run_example):
    printed, written = run_example("apple_tax.py")
    for figure in ("220", "715", "2.2", "3.3", "110", "165", "200", "650", "49", "14"):
        assert figure in printed
    assert written == sorted(apple_tax.pictures())

"""grad, value_and_grad, vjp, jvp, jacobian, hessian and hvp."""

from __future__ import annotations

import math
from collections import OrderedDict, namedtuple
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests import differences
from tests.expressions import evaluate


class Layer(NamedTuple):
    W: Any
    b: Any


Pair = namedtuple("Pair", "first second")

# -- grad and value_and_grad ----------------------------------------------------------------------


def test_a_number_gives_a_number() -> None:
    for x in (3.0, np.float64(3.0)):
        slope = ab.grad(lambda x: x**2)(x)
        assert isinstance(slope, float)
        assert slope == 6.0
        value, slope = ab.value_and_grad(lambda x: x**2)(x)
        assert (value, slope) == (9.0, 6.0)
        assert isinstance(value, float)


def test_an_array_gives_an_array_of_its_shape_and_dtype() -> None:
    for dtype in (np.float32, np.float64):
        for shape in ((), (3,), (2, 2), (0,), (1, 0)):
            x = np.ones(shape, dtype)
            value, slope = ab.value_and_grad(lambda x: (x**2).sum())(x)
            assert type(slope) is np.ndarray
            assert (slope.shape, slope.dtype) == (shape, dtype)
            np.testing.assert_array_equal(slope, 2 * x)
            assert np.asarray(value).dtype == dtype
            assert not isinstance(value, ab.node.Node)


def test_a_float32_number_gives_a_float32_number() -> None:
    slope = ab.grad(lambda x: x**2)(np.float32(3))
    assert isinstance(slope, np.float32)
    assert slope == 6


def test_containers_of_every_kind_come_back_with_their_gradients() -> None:
    parameters = {
        "layers": [Layer(np.ones((2, 2)), 1.0), Layer(W=np.full((2, 2), 2.0), b=2.0)],
        "pair": Pair(3.0, None),
        "nothing": None,
        "empty": [{}, (), []],
        "tuple": (4.0, [5.0]),
    }

    def f(p: Any) -> Any:
        total = p["pair"].first * p["tuple"][0] * p["tuple"][1][0]
        for layer in p["layers"]:
            total = total + (layer.W**2).sum() * layer.b
        return total

    slope = ab.grad(f)(parameters)
    assert list(slope) == list(parameters)
    first, second = slope["layers"]
    assert type(first) is Layer
    np.testing.assert_array_equal(first.W, np.full((2, 2), 2.0))
    np.testing.assert_array_equal(second.W, np.full((2, 2), 8.0))
    assert (first.b, second.b) == (4.0, 16.0)
    assert slope["pair"] == Pair(20.0, None)
    assert type(slope["pair"]) is Pair
    assert slope["nothing"] is None
    assert slope["empty"] == [{}, (), []]
    assert slope["tuple"] == (15.0, [12.0])


def test_an_ordered_dict_comes_back_as_one() -> None:
    slope = ab.grad(lambda p: p["b"] * p["a"])(OrderedDict(b=2.0, a=3.0))
    assert type(slope) is OrderedDict
    assert list(slope.items()) == [("b", 3.0), ("a", 2.0)]


def test_one_array_in_two_places_counts_in_each_place_for_itself() -> None:
    w = np.array([2.0])
    slope = ab.grad(lambda p: (p[0] * p[0] * p[1]).sum())([w, w])
    assert [g.tolist() for g in slope] == [[8.0], [4.0]]
    assert not np.shares_memory(*slope)


def three(x: Any, y: Any, z: Any, scale: float = 1.0) -> Any:
    return x * y**2 * z**3 * scale


def test_argnums_picks_arguments_by_position_from_either_end() -> None:
    at = (2.0, 3.0, 1.0)
    assert ab.grad(three, 0)(*at) == 9.0
    assert ab.grad(three, 1)(*at) == 12.0
    assert ab.grad(three, -1)(*at) == 54.0
    assert ab.grad(three, (0, 2))(*at) == (9.0, 54.0)
    assert ab.grad(three, [2, 0])(*at) == (54.0, 9.0)
    assert ab.grad(three, (-1, 0))(*at) == (54.0, 9.0)
    assert ab.grad(three, (1,))(*at) == (12.0,)
    assert ab.grad(three, np.int64(1))(*at) == 12.0
    assert ab.value_and_grad(three, (0, 1))(*at) == (18.0, (9.0, 12.0))
    assert ab.grad(three, ())(*at) == ()


@pytest.mark.parametrize(
    ("argnums", "error"),
    [
        (3, ValueError),
        (-4, ValueError),
        ((0, 3), ValueError),
        (0.0, TypeError),
        ("x", TypeError),
        (None, TypeError),
        ((0, "x"), TypeError),
        ((0, 0), ValueError),
        ((0, -3), ValueError),
    ],
    ids=repr,
)
def test_argnums_that_name_no_argument_or_one_twice_are_refused(
    argnums: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ab.grad(three, argnums)(2.0, 3.0, 1.0)


def test_keywords_are_passed_on() -> None:
    assert ab.grad(three)(2.0, 3.0, 1.0, scale=10.0) == 90.0
    assert ab.grad(three, 1)(2.0, 3.0, z=1.0) == 12.0


def test_arguments_that_are_not_differentiated_may_be_anything() -> None:
    def f(x: Any, labels: Any, mode: str, nothing: None) -> Any:
        assert (mode, nothing) == ("train", None)
        return x[labels].sum()

    slope = ab.grad(f)(np.ones(3), np.array([0, 0, 2]), "train", None)
    assert slope.tolist() == [2.0, 0.0, 1.0]


def test_the_derivative_function_keeps_the_name_of_the_function() -> None:
    assert ab.grad(three).__name__ == "three"
    assert ab.jacobian(three).__name__ == "three"
    ab.grad(Layer(1, 2)._replace)  # a callable of any kind


@pytest.mark.parametrize("transform", [ab.grad, ab.value_and_grad, ab.jacobian, ab.hessian])
def test_what_is_no_function_is_refused(transform: Any) -> None:
    for wrong in (3.0, None, "f", Value(1.0)):
        with pytest.raises(TypeError, match="function"):
            transform(wrong)(1.0)


@pytest.mark.parametrize(
    "argument",
    [3, True, np.int64(3), np.array([1, 2]), np.array([True]), [1.0, 2], {"w": 3}],
    ids=repr,
)
@pytest.mark.parametrize(
    "use",
    [
        lambda f, x: ab.grad(f)(x),
        lambda f, x: ab.vjp(f, x),
        lambda f, x: ab.jacobian(f)(x),
        lambda f, x: ab.hvp(f, x, x),
        lambda f, x: ab.jvp(f, (x,), (x,)),
    ],
    ids="grad vjp jacobian hvp jvp".split(),
)
def test_integers_are_refused_with_the_remedy(argument: Any, use: Any) -> None:
    with pytest.raises(TypeError, match=r"\.0|astype|float"):
        use(lambda x: 1.0 * x if not isinstance(x, list | dict) else 1.0, argument)


@pytest.mark.parametrize("argument", ["text", None, 1j, np.array([1j]), object(), {1.0}], ids=type)
def test_an_argument_that_is_no_number_is_refused_or_has_nothing_in_it(argument: Any) -> None:
    if argument is None:
        assert ab.grad(lambda _: 1.0)(None) is None
        return
    with pytest.raises(TypeError):
        ab.grad(lambda _: 1.0)(argument)


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ("x * np.ones(2)", ValueError),
        ("(x, x)", (TypeError, ValueError)),
        ("[x]", (TypeError, ValueError)),
        ('{"loss": x}', (TypeError, ValueError)),
        ("None", TypeError),
        ('"text"', (TypeError, ValueError)),
        ("x * 1j", TypeError),
        ("np.ones(2)", ValueError),
        ("1j", TypeError),
    ],
)
def test_a_result_that_is_no_scalar_is_refused(result: str, error: Any) -> None:
    for x in (2.0, np.array(2.0)):
        with pytest.raises(error):
            ab.grad(lambda x: evaluate(result, x=x))(x)


def test_the_message_for_an_array_result_says_what_to_do() -> None:
    def loss_of_each(x: Any) -> Any:
        return x * 2.0

    with pytest.raises(ValueError, match=r"loss_of_each.*\(3,\).*sum"):
        ab.grad(loss_of_each)(np.ones(3))


@pytest.mark.parametrize(
    "expression",
    [
        "5.0",
        "5",
        "np.float64(5.0)",
        "np.array(5.0)",
        "Value(5.0)",
        "Tensor(5.0)",
        "x.detach() * 0.0 + 5.0",
        "ab.floor(x) * 0.0 + 5.0",
    ],
)
def test_a_result_that_does_not_depend_on_the_input_has_gradient_zero(expression: str) -> None:
    def result(x: Any) -> Any:
        return evaluate(expression, x=x)

    value, slope = ab.value_and_grad(result)(2.0)
    assert (float(value), slope) == (5.0, 0.0)
    value, slope = ab.value_and_grad(result)(np.array(2.0))
    assert (float(value), slope.tolist()) == (5.0, 0.0)
    slopes = ab.grad(lambda p: result(p["a"]), 0)({"a": 2.0, "b": np.ones(2)})
    assert slopes["a"] == 0.0
    assert slopes["b"].tolist() == [0.0, 0.0]


def test_an_input_that_is_not_used_has_gradient_zero() -> None:
    assert ab.grad(lambda x, _: x * 2.0, (0, 1))(2.0, 3.0) == (2.0, 0.0)
    slope = ab.grad(lambda p: p[0] * 2.0)([1.0, np.ones((2, 2), np.float32)])
    assert slope[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert slope[1].dtype == np.float32


def test_a_result_that_is_the_input_itself_has_gradient_one() -> None:
    assert ab.grad(lambda x: x)(2.0) == 1.0
    x = np.array([2.0])
    value, slope = ab.value_and_grad(lambda x: x)(x)
    assert (np.asarray(value).tolist(), slope.tolist()) == ([2.0], [1.0])
    assert not np.shares_memory(value, x)


@pytest.mark.parametrize(
    "expression",
    [
        "math.exp(x)",
        "float(x) ** 2",
        "math.sqrt(x) + 1.0",
        "x.item() * 2",
        "np.square(float(x))",
        "x.detach().item() + math.sin(x)",
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda f: ab.grad(f)(1.0),
        lambda f: ab.grad(f)(np.array(1.0)),
        lambda f: ab.jvp(f, (1.0,), (1.0,)),
        lambda f: ab.vjp(f, 1.0)[1](1.0),
        lambda f: ab.jacobian(f)(1.0),
    ],
    ids="grad grad_array jvp vjp jacobian".split(),
)
def test_a_derivative_lost_in_a_plain_number_is_an_error_and_not_zero(
    expression: str, use: Any
) -> None:
    def f(x: Any) -> Any:
        return evaluate(expression, x=x)

    with pytest.raises(TypeError, match=r"derivative|gradient"):
        use(f)


def test_a_derivative_lost_in_all_of_a_container_is_an_error_and_in_part_of_it_not() -> None:
    def lost(x: Any) -> Any:
        return [math.exp(x), (1.0,)]

    def logged(x: Any) -> Any:
        return [ab.exp(x), float(x)]

    for use in (
        lambda f: ab.jvp(f, (1.0,), (1.0,)),
        lambda f: ab.vjp(f, 1.0),
        lambda f: ab.jacobian(f)(1.0),
    ):
        with pytest.raises(TypeError, match=r"derivative|gradient"):
            use(lost)
        use(logged)
    assert ab.jacobian(logged)(1.0) == [math.e, 0.0]


def test_looking_at_a_number_on_the_way_is_allowed() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(float(x))
        return x**2 if x > 0 else -x

    assert ab.grad(f)(3.0) == 6.0
    assert ab.grad(f)(-3.0) == -1.0
    assert seen == [3.0, -3.0]


def test_the_arguments_are_neither_changed_nor_kept() -> None:
    x = np.array([1.0, 2.0])

    def f(x: Any) -> Any:
        return (x * x).sum()

    value, pullback = ab.vjp(f, x)
    x[:] = 50.0
    assert pullback(1.0)[0].tolist() == [2.0, 4.0]
    assert float(value) == 5.0


# -- nodes as arguments, closures, nesting --------------------------------------------------------


def test_nodes_as_arguments_give_nodes_that_can_be_differentiated() -> None:
    x, t = Value(3.0, name="x"), Tensor([1.0, 2.0])
    slope = ab.grad(lambda x: x**3)(x)
    assert type(slope) is Value
    assert slope.data == 27.0
    assert ab.gradients(slope, [x]) == (18.0,)
    slopes = ab.grad(lambda t: (t**3).sum())(t)
    assert type(slopes) is Tensor
    slopes.sum().backward()
    assert t.grad.tolist() == [6.0, 12.0]
    assert x.grad is None


def test_nodes_that_require_no_gradient_are_plain_arguments() -> None:
    x = Tensor([1.0, 2.0], requires_grad=False)
    slope = ab.grad(lambda x: (x**2).sum())(x)
    assert np.asarray(getattr(slope, "data", slope)).tolist() == [2.0, 4.0]


def test_a_node_among_the_other_arguments_keeps_its_derivative() -> None:
    w = Value(3.0)
    slope = ab.grad(lambda x, w: x * w * w)(2.0, w)
    assert type(slope) is Value
    assert slope.data == 9.0
    assert ab.gradients(slope, [w]) == (6.0,)
    slope = ab.grad(lambda x, *, w: x * w * w)(2.0, w=w)
    assert type(slope) is Value


def test_nested_gradients_of_a_closure_keep_the_variables_apart() -> None:
    # d/dx [x * d/dy (x + y)] = 1: Siskind and Pearlmutter's example of perturbation confusion.
    assert ab.grad(lambda x: x * ab.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    # d/dx [x * d/dy (x * y)] = 2 x.
    assert ab.grad(lambda x: x * ab.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    forward = ab.jvp(lambda x: x * ab.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))
    assert forward[1] == 1.0
    mixed = ab.grad(lambda x: x * ab.jvp(lambda y: x * y, (2.0,), (1.0,))[1])(3.0)
    assert mixed == 6.0
    other = ab.jvp(lambda x: x * ab.grad(lambda y: x * y)(2.0), (3.0,), (1.0,))
    assert other == (9.0, 6.0)


def test_the_same_node_outside_and_inside_is_two_variables() -> None:
    # At the inner gradient only the inner x varies: d/dx [x * (d/dy y^2 x at y = x)] = 6 x^2.
    assert ab.grad(lambda x: x * ab.grad(lambda y: y * y * x)(x))(2.0) == 24.0
    x = np.array([1.0, 2.0])
    slope = ab.grad(lambda x: (x * ab.grad(lambda y: (y * y * x).sum())(x)).sum())(x)
    np.testing.assert_array_equal(slope, 6 * x**2)


def test_three_levels_of_closures() -> None:
    def f(x: Any) -> Any:
        return ab.grad(lambda y: ab.grad(lambda z: x * y * z**2 * y)(y) * x)(x)

    # d/dy [x * 2 x y^2 z at z = y] = d/dy 2 x^2 y^3 = 6 x^2 y^2; at y = x: 6 x^4.
    assert ab.grad(f)(2.0) == 24 * 8.0


def test_a_gradient_step_inside_a_loss_can_be_differentiated() -> None:
    def after_a_step(rate: Any) -> Any:
        w = np.array([1.0, -2.0])
        w = w - rate * ab.grad(lambda w: (w**2).sum())(w)
        return (w**2).sum()

    # w (1 - 2 rate): d/drate |w|^2 (1 - 2 rate)^2 = -4 |w|^2 (1 - 2 rate).
    assert ab.grad(after_a_step)(0.25) == pytest.approx(-4 * 5 * 0.5, rel=1e-15)


def test_vjp_and_hessian_inside_gradients() -> None:
    def f(x: Any) -> Any:
        _, pullback = ab.vjp(lambda y: y**3, x)
        return pullback(x)[0]  # 3 x^3

    assert ab.grad(f)(2.0) == 36.0
    assert ab.grad(lambda x: ab.hessian(lambda y: y**4)(x))(2.0) == 48.0
    assert ab.grad(lambda x: ab.hvp(lambda y: y**4, x, x))(2.0) == 12 * 3 * 4.0
    slope = ab.grad(lambda x: ab.jacobian(lambda y: y**3)(x).sum())(np.array([1.0, 2.0]))
    assert slope.tolist() == [6.0, 12.0]


# -- many ways to one derivative ------------------------------------------------------------------

ANALYTIC: dict[str, tuple[Any, float]] = {
    "exp(sin x)": (lambda x: ab.exp(ab.sin(x)), 0.7),
    "x^5": (lambda x: x**5, 1.3),
    "x^2.5": (lambda x: x**2.5, 1.3),
    "1 / (1 + x^2)": (lambda x: 1.0 / (1.0 + x * x), 0.4),
    "log(1 + e^x)": (ab.softplus, 0.3),
    "tanh": (ab.tanh, 0.6),
    "sigmoid(2x) x": (lambda x: ab.sigmoid(2.0 * x) * x, -0.4),
    "x^x": (lambda x: x**x, 1.2),
    "sqrt(log x)": (lambda x: ab.sqrt(ab.log(x)), 2.5),
    "arctan2": (lambda x: ab.arctan2(x, 1.0 + x), 0.5),
    "hypot": (lambda x: ab.hypot(x, 2.0), 0.9),
    "logaddexp": (lambda x: ab.logaddexp(x, -x), 0.4),
    "gelu": (ab.gelu, 0.8),
    "silu": (ab.silu, -1.1),
    "sinc": (ab.sinc, 0.6),
    "cumprod": (lambda x: ab.cumprod(ab.stack([x, x + 1.0, x * x]))[-1], 0.7),
    "norm": (lambda x: ab.linalg.norm(ab.stack([x, x * x, 1.0])), 0.7),
    "logsumexp": (lambda x: ab.logsumexp(ab.stack([x, -x, x * x])), 0.5),
    "softmax": (lambda x: ab.softmax(ab.stack([x, x * x, 0.3]))[0], 0.5),
    "std": (lambda x: ab.std(ab.stack([x, x * x, 2.0])), 0.5),
    "einsum": (lambda x: ab.einsum("i,i,i->", *(ab.stack([x, ab.sin(x)]),) * 3), 0.5),
    "matmul": (lambda x: ab.stack([x, x * x]) @ ab.stack([ab.exp(x), x]), 0.5),
}


def reverse(f: Any) -> Any:
    return ab.grad(f)


def forward(f: Any) -> Any:
    return lambda x: ab.jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize("name", ANALYTIC)
def test_every_mixture_of_modes_gives_the_same_derivatives_to_the_fourth_order(name: str) -> None:
    f, at = ANALYTIC[name]
    numbers = f
    for order in range(1, 5):
        lower = numbers
        ways = [
            reverse(lower),
            forward(lower),
        ]
        found = [float(way(at)) for way in ways]
        expected = float(differences.derivative(lambda x, g=lower: float(g(x)), at))
        assert found[0] == pytest.approx(expected, rel=1e-8, abs=1e-8)
        assert found[1] == pytest.approx(found[0], rel=1e-11, abs=1e-12)
        numbers = ways[order % 2]
    pure_forward = forward(forward(forward(forward(f))))(at)
    pure_reverse = reverse(reverse(reverse(reverse(f))))(at)
    mixed = forward(forward(reverse(reverse(f))))(at)
    other = reverse(forward(reverse(forward(f))))(at)
    for found in (pure_reverse, mixed, other):
        assert float(found) == pytest.approx(float(pure_forward), rel=1e-10, abs=1e-11)


@given(
    x=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3),
    v=st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3),
)
def test_hessian_vector_products_agree_in_every_mode_and_the_hessian_is_symmetric(
    x: list[float], v: list[float]
) -> None:
    def f(x: Any) -> Any:
        return ab.exp(x[0] * x[1]) * ab.sin(x[2]) + ab.logsumexp(x * x)

    point, direction = np.array(x), np.array(v)
    hessian = ab.hessian(f)(point)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-13, atol=1e-14)
    expected = hessian @ direction
    ways = [
        ab.hvp(f, point, direction),
        ab.grad(lambda x: (ab.grad(f)(x) * direction).sum())(point),
        ab.jvp(ab.grad(f), (point,), (direction,))[1],
        ab.grad(lambda x: ab.jvp(f, (x,), (direction,))[1])(point),
        ab.vjp(ab.grad(f), point)[1](direction)[0],
    ]
    for way in ways:
        np.testing.assert_allclose(way, expected, rtol=1e-12, atol=1e-13)


# -- vjp and jvp ----------------------------------------------------------------------------------


def test_vjp_of_several_arguments_and_nested_results() -> None:
    def f(x: Any, p: Any) -> Any:
        return {"product": x * p["w"], "sum": [x.sum() + p["b"], None]}

    x, p = np.array([1.0, 2.0]), {"w": np.array([3.0, 4.0]), "b": 5.0}
    value, pullback = ab.vjp(f, x, p)
    assert value["product"].tolist() == [3.0, 8.0]
    assert value["sum"][0] == 8.0
    assert value["sum"][1] is None
    by_x, by_p = pullback({"product": np.array([1.0, 10.0]), "sum": [100.0, None]})
    assert by_x.tolist() == [103.0, 140.0]
    assert by_p["w"].tolist() == [1.0, 20.0]
    assert by_p["b"] == 100.0


def test_a_cotangent_is_matched_by_key_and_not_by_the_order_of_keys() -> None:
    _, pullback = ab.vjp(lambda x: {"a": x * 2.0, "b": x * 3.0}, 1.0)
    assert pullback({"b": 0.0, "a": 1.0}) == (2.0,)
    assert pullback({"a": 0.0, "b": 1.0}) == (3.0,)
    tangents = ab.jvp(
        lambda p: p["a"] * 2.0 + p["b"] * 3.0, ({"a": 1.0, "b": 1.0},), ({"b": 10.0, "a": 1.0},)
    )
    assert tangents == (5.0, 32.0)


@pytest.mark.parametrize(
    "cotangent",
    [
        1.0,
        [1.0, 2.0],
        {"a": 1.0},
        {"a": 1.0, "c": 1.0},
        {"a": 1.0, "b": 1.0, "c": 1.0},
        {"a": 1.0, "b": [1.0]},
        {"a": 1.0, "b": None},
        None,
        {"a": 1.0, "b": np.ones(2)},
        {"a": "text", "b": 1.0},
        ({"a": 1.0, "b": 1.0},),
    ],
    ids=repr,
)
def test_a_cotangent_of_another_structure_or_shape_is_refused(cotangent: Any) -> None:
    _, pullback = ab.vjp(lambda x: {"a": x * 2.0, "b": x * 3.0}, 1.0)
    with pytest.raises((ValueError, TypeError)):
        pullback(cotangent)


def test_a_pullback_can_be_called_again_and_its_results_are_ones_own() -> None:
    x = np.array([1.0, 2.0])
    value, pullback = ab.vjp(lambda x: x * 3.0, x)
    value[:] = 99.0
    (first,) = pullback(np.ones(2))
    first[:] = 99.0
    (second,) = pullback(np.ones(2))
    assert second.tolist() == [3.0, 3.0]
    cotangent = np.array([1.0, 10.0])
    (third,) = pullback(cotangent)
    assert third.tolist() == [3.0, 30.0]
    assert cotangent.tolist() == [1.0, 10.0]


def test_a_pullback_through_identity_gives_a_copy_of_the_cotangent() -> None:
    _, pullback = ab.vjp(lambda x, y: (x, y, x), np.ones(2), 2.0)
    cotangent = np.array([1.0, 2.0])
    by_x, by_y = pullback((cotangent, 7.0, cotangent))
    assert by_x.tolist() == [2.0, 4.0]
    assert by_y == 7.0
    assert not np.shares_memory(by_x, cotangent)
    _, pullback = ab.vjp(lambda x: x, np.ones(2))
    (by_x,) = pullback(cotangent)
    assert not np.shares_memory(by_x, cotangent)


def test_vjp_of_constants_and_unused_arguments_gives_zeros() -> None:
    value, pullback = ab.vjp(lambda x, _: (5.0, np.ones(2), x * 2.0), 1.0, np.ones(3))
    assert value[0] == 5.0
    assert value[1].tolist() == [1.0, 1.0]
    by_x, by_y = pullback((1.0, np.ones(2), 1.0))
    assert by_x == 2.0
    assert by_y.tolist() == [0.0, 0.0, 0.0]
    value, pullback = ab.vjp(lambda: 3.0)
    assert (value, pullback(1.0)) == (3.0, ())


def test_jvp_of_several_arguments_and_nested_results() -> None:
    def f(x: Any, p: Any) -> Any:
        return Layer(W=x * p["w"], b=(x.sum() + p["b"], 3.0, None))

    x, p = np.array([1.0, 2.0]), {"w": np.array([3.0, 4.0]), "b": 5.0}
    value, pushed = ab.jvp(f, (x, p), (np.array([1.0, 10.0]), {"w": np.zeros(2), "b": 100.0}))
    assert type(value) is type(pushed) is Layer
    assert value.W.tolist() == [3.0, 8.0]
    assert pushed.W.tolist() == [3.0, 40.0]
    assert pushed.b == (111.0, 0.0, None)


def test_jvp_takes_one_argument_bare_and_several_in_a_list() -> None:
    assert ab.jvp(lambda x: x**2, 3.0, 1.0) == (9.0, 6.0)
    assert ab.jvp(lambda x, y: x * y, [3.0, 2.0], [1.0, 0.0]) == (6.0, 2.0)
    assert ab.jvp(lambda x: x**2, (3.0,), (2,)) == (9.0, 12.0)


@pytest.mark.parametrize(
    ("xs", "tangents"),
    [
        ((1.0,), (1.0, 2.0)),
        ((1.0, 2.0), (1.0,)),
        ((np.ones(2),), (np.ones(3),)),
        ((np.ones(2),), (1.0,)),
        ((1.0,), (np.ones(2),)),
        (({"a": 1.0},), ({"b": 1.0},)),
        (([1.0],), ((1.0, 2.0),)),
        ((1.0,), (None,)),
        ((1.0,), ("text",)),
        ((1.0,), (1j,)),
    ],
    ids=repr,
)
def test_tangents_of_another_structure_or_shape_are_refused(xs: Any, tangents: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        ab.jvp(lambda *_: 1.0, xs, tangents)


def test_jvp_of_float32_stays_float32() -> None:
    x = np.ones(2, np.float32)
    value, pushed = ab.jvp(lambda x: x * 2.0, (x,), (np.ones(2),))
    assert value.dtype == pushed.dtype == np.float32


def test_jvp_and_vjp_are_adjoint_on_nested_arguments() -> None:
    rng = np.random.default_rng(0)

    def f(p: Any) -> Any:
        hidden = ab.tanh(p["x"] @ p["W"])
        return [hidden, ab.softmax(hidden, axis=0) * p["s"]]

    p = {"x": rng.normal(size=(2, 3)), "W": rng.normal(size=(3, 2)), "s": 1.5}
    t = {"x": rng.normal(size=(2, 3)), "W": rng.normal(size=(3, 2)), "s": 0.5}
    g = [rng.normal(size=(2, 2)), rng.normal(size=(2, 2))]
    _, pushed = ab.jvp(f, (p,), (t,))
    (pulled,) = ab.vjp(f, p)[1](g)
    left = sum(np.sum(a * b) for a, b in zip(g, pushed, strict=True))
    right = sum(np.sum(pulled[key] * t[key]) for key in p)
    assert left == pytest.approx(right, rel=1e-13)


# -- jacobian, hessian, hvp -----------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [(), (2,), (2, 3), (1,), (0,)], ids=str)
@pytest.mark.parametrize("outputs", [(), (4,), (3, 5), (1, 1), (0, 2)], ids=str)
def test_a_jacobian_has_the_shape_of_the_result_and_then_that_of_the_argument(
    inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(*outputs, *inputs))

    def f(x: Any) -> Any:
        return ab.sum(weights * x * x, axis=tuple(range(len(outputs), len(outputs) + len(inputs))))

    x = rng.normal(size=inputs)
    found = ab.jacobian(f)(x)
    assert np.shape(found) == outputs + inputs
    np.testing.assert_allclose(found, 2 * weights * x, rtol=1e-14)


def test_jacobians_of_numbers_are_numbers() -> None:
    found = ab.jacobian(lambda x: x**3)(2.0)
    assert isinstance(found, float)
    assert found == 12.0
    assert ab.jacobian(lambda x: ab.stack([x, x * x]))(3.0).tolist() == [1.0, 6.0]


def test_jacobians_of_nested_results_by_nested_arguments_nest_likewise() -> None:
    def f(p: Any, s: Any) -> Any:
        return {"square": p["w"] ** 2, "total": (p["w"].sum() * s, 7.0)}

    p, s = {"w": np.array([1.0, 2.0]), "b": np.ones((1, 2))}, 3.0
    found = ab.jacobian(f, argnums=(0, 1))(p, s)
    by_p, by_s = found["square"]
    np.testing.assert_array_equal(by_p["w"], np.diag([2.0, 4.0]))
    np.testing.assert_array_equal(by_p["b"], np.zeros((2, 1, 2)))
    np.testing.assert_array_equal(by_s, [0.0, 0.0])
    total, constant = found["total"]
    assert total[0]["w"].tolist() == [3.0, 3.0]
    assert float(total[1]) == 3.0
    assert np.asarray(constant[0]["w"]).tolist() == [0.0, 0.0]
    assert float(constant[1]) == 0.0


def test_forward_and_backward_jacobians_agree() -> None:
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(3, 2)), rng.normal(size=(2, 2))

    def wide(x: Any) -> Any:
        return ab.sin(A @ x), ab.exp(B @ x)

    x = rng.normal(size=2)
    more_outputs = ab.jacobian(wide)(x)
    fewer_outputs = [
        ab.jacobian(lambda x, i=i, j=j: wide(x)[i][j])(x)
        for i, n in ((0, 3), (1, 2))
        for j in range(n)
    ]
    np.testing.assert_allclose(np.concatenate(more_outputs), fewer_outputs, rtol=1e-13)


def test_a_jacobian_of_float32_is_float32() -> None:
    x = np.ones(2, np.float32)
    for f in (lambda x: x * 2.0, lambda x: x.sum(), lambda x: ab.concatenate([x, x])):
        assert ab.jacobian(f)(x).dtype == np.float32


def test_jacobians_can_be_differentiated() -> None:
    x = np.array([1.0, 2.0])
    third = ab.jacobian(ab.jacobian(ab.jacobian(lambda x: (x**4).sum())))(x)
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 0], expected[1, 1, 1] = 24.0, 48.0
    np.testing.assert_array_equal(third, expected)
    slope = ab.grad(lambda x: ab.jacobian(lambda y: ab.stack([y, y * y, y * x]))(x).sum())(2.0)
    assert slope == pytest.approx(2.0 + 1.0)


def test_the_hessian_of_several_arguments_has_a_block_for_each_pair() -> None:
    def f(x: Any, y: Any) -> Any:
        return (x**2 * y).sum()

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    (xx, xy), (yx, yy) = ab.hessian(f, argnums=(0, 1))(x, y)
    np.testing.assert_array_equal(xx, np.diag(2 * y))
    np.testing.assert_array_equal(xy, np.diag(2 * x))
    np.testing.assert_array_equal(yx, np.diag(2 * x))
    np.testing.assert_array_equal(yy, np.zeros((2, 2)))


def test_the_hessian_of_a_dict_has_a_block_for_each_pair_of_keys() -> None:
    found = ab.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 5.0})
    assert found == {"a": {"a": 10.0, "b": 6.0}, "b": {"a": 6.0, "b": 0.0}}


def test_the_hessian_of_a_linear_or_constant_function_is_zero() -> None:
    x = np.ones(2)
    for f in (lambda x: x.sum() * 3.0, lambda _: 5.0, lambda x: ab.floor(x).sum()):
        np.testing.assert_array_equal(ab.hessian(f)(x), np.zeros((2, 2)))
        np.testing.assert_array_equal(ab.hvp(f, x, x), np.zeros(2))


def test_the_hessian_of_what_is_no_scalar_is_refused() -> None:
    for transform in (ab.hessian, lambda f: lambda x: ab.hvp(f, x, x)):
        with pytest.raises(ValueError, match="scalar"):
            transform(lambda x: x * 2.0)(np.ones(2))


def test_hvp_takes_and_gives_containers() -> None:
    p = {"a": 3.0, "b": [5.0]}
    found = ab.hvp(lambda p: p["a"] ** 2 * p["b"][0], p, {"a": 1.0, "b": [10.0]})
    assert found == {"a": 10.0 + 60.0, "b": [6.0]}
    with pytest.raises((ValueError, TypeError)):
        ab.hvp(lambda x: x**2, 1.0, np.ones(2))


def test_a_function_may_change_its_argument_in_place_and_the_caller_keeps_the_old() -> None:
    def careless(x: Any) -> Any:
        x[0] = 5.0
        x *= 3.0
        return x.sum()

    given = np.ones(2)
    assert ab.grad(careless)(given).tolist() == [0.0, 3.0]
    assert given.tolist() == [1.0, 1.0]


def test_an_error_inside_the_function_leaves_no_trace() -> None:
    def broken(x: Any) -> Any:
        raise KeyError(float(x))

    for transform in (ab.grad, ab.jacobian, ab.hessian):
        with pytest.raises(KeyError):
            transform(broken)(2.0)
    result = ab.grad(lambda x: x**2)(2.0)
    assert type(result) is float


def test_containers_given_as_arguments_are_not_changed_by_the_function() -> None:
    def f(p: Any) -> Any:
        p["w"] = p["w"] * 2.0
        p["more"] = p["layers"].pop()
        return p["w"].sum() * p["more"]

    parameters: dict[str, Any] = {"w": np.ones(2), "layers": [3.0]}
    slope = ab.grad(f)(parameters)
    assert slope["w"].tolist() == [6.0, 6.0]
    assert slope["layers"] == [4.0]
    assert parameters["layers"] == [3.0]
    assert parameters["w"].tolist() == [1.0, 1.0]
    assert list(parameters) == ["w", "layers"]


def test_subclasses_of_the_node_classes_work_as_arguments_and_operands() -> None:
    class Parameter(Tensor):
        pass

    class Weight(Value):
        pass

    w, v = Parameter(np.ones(2), name="w"), Weight(3.0)
    y = (w * 2.0 * v + v * v).sum()
    y.backward()
    assert w.grad.tolist() == [6.0, 6.0]
    assert v.grad == 2.0 + 2.0 + 6.0 + 6.0
    slope = ab.grad(lambda w: (w * w).sum())(w)
    assert np.asarray(getattr(slope, "data", slope)).tolist() == [2.0, 2.0]
    w.data -= 0.5
    assert w.data.tolist() == [0.5, 0.5]

"""A user's own operations: `Function`, and `scalar_rule`."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import FormulaError, Function, Tensor, Value
from autograd_bp.rules import ROWS
from tests import differences


class MulLayer(Function):
    """The layer of the book: forward keeps what backward needs."""

    def __init__(self) -> None:
        self.x: Any = None
        self.y: Any = None

    def forward(self, x: Any, y: Any) -> Any:
        self.x, self.y = x, y
        return x * y

    def backward(self, g: Any) -> Any:
        return g * self.y, g * self.x


class AddLayer(Function):
    def forward(self, x: Any, y: Any) -> Any:
        return x + y

    def backward(self, g: Any) -> Any:
        return g, g


class Relu(Function):
    """The book's: changes arrays in place, the cotangent too."""

    def forward(self, x: Any) -> Any:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: Any) -> Any:
        dout[self.mask] = 0
        return dout


class Cube(Function):
    symbol = "^3"

    def forward(self, x: Any) -> Any:
        self.x = x
        return x**3

    def backward(self, g: Any) -> Any:
        return 3.0 * g * self.x**2


class Scale(Function):
    def forward(self, x: Any, *, by: float = 2.0) -> Any:
        self.by = by
        return x * by

    def backward(self, g: Any) -> Any:
        return g * self.by


class Product(Function):
    """Any number of operands."""

    def forward(self, *xs: Any) -> Any:
        self.xs = xs
        result = xs[0]
        for x in xs[1:]:
            result = result * x
        return result

    def backward(self, g: Any) -> Any:
        gradients = []
        for i in range(len(self.xs)):
            piece = g
            for j, x in enumerate(self.xs):
                if i != j:
                    piece = piece * x
            gradients.append(piece)
        return gradients


# -- by hand, and on nodes ------------------------------------------------------------------------


def test_layers_can_be_used_by_hand_as_ordinary_objects() -> None:
    apple, tax = MulLayer(), MulLayer()
    price = tax.forward(apple.forward(100.0, 2.0), 1.1)
    assert price == pytest.approx(220.0)
    d_apples, d_tax = tax.backward(1.0)
    d_apple, d_number = apple.backward(d_apples)
    assert (d_apple, d_tax) == (2.2, 200.0)
    assert d_number == pytest.approx(110.0)
    relu = Relu()
    assert relu.forward(np.array([1.0, -1.0])).tolist() == [1.0, 0.0]
    assert relu.backward(np.array([5.0, 5.0])).tolist() == [5.0, 0.0]


def test_a_call_on_plain_numbers_gives_plain_numbers() -> None:
    assert MulLayer()(3.0, 4.0) == 12.0
    assert MulLayer()(np.ones(2), 2.0).tolist() == [2.0, 2.0]


def test_a_call_on_values_records() -> None:
    x, y = Value(3.0), Value(4.0)
    z = MulLayer()(x, y)
    assert type(z) is Value
    assert z.parents == (x, y)
    assert z.rule.name == "MulLayer"
    assert repr(z) == "Value(12.0, op='MulLayer')"
    z.backward()
    assert (x.grad, y.grad) == (4.0, 3.0)
    assert type(x.grad) is float


def test_a_call_on_tensors_records() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    z = MulLayer()(x, y)
    assert type(z) is Tensor
    z.backward([1.0, 10.0])
    assert x.grad.tolist() == [3.0, 40.0]
    assert y.grad.tolist() == [1.0, 20.0]


def test_constants_may_stand_beside_nodes() -> None:
    x = Value(3.0)
    z = MulLayer()(2.0, x)
    z.backward()
    assert x.grad == 2.0
    assert z.parents[0].data == 2.0
    t, array = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    z = MulLayer()(t, array)
    array[:] = 99.0
    z.sum().backward()
    assert t.grad.tolist() == [3.0, 4.0]


def test_values_and_tensors_may_be_mixed() -> None:
    class Times(Function):
        def forward(self, v: Any, t: Any) -> Any:
            self.v, self.t = v, t
            return v * t

        def backward(self, g: Any) -> Any:
            return (g * self.t).sum(), g * self.v

    v, t = Value(2.0), Tensor([1.0, 3.0])
    z = Times()(v, t)
    assert type(z) is Tensor
    z.sum().backward()
    assert v.grad == 4.0
    assert t.grad.tolist() == [2.0, 2.0]


def test_settings_go_to_forward() -> None:
    x = Value(3.0)
    Scale()(x, by=5.0).backward()
    assert x.grad == 5.0
    assert ab.grad(ab.grad(lambda x: Scale()(x * x, by=5.0)))(1.0) == 10.0


def test_any_number_of_operands() -> None:
    xs = [Value(2.0), Value(3.0), Value(4.0)]
    Product()(*xs).backward()
    assert [x.grad for x in xs] == [12.0, 8.0, 6.0]


def test_one_operand_twice() -> None:
    x = Value(3.0)
    y = MulLayer()(x, x)
    y.backward()
    assert x.grad == 6.0
    assert ab.grad(ab.grad(lambda x: MulLayer()(x, x)))(3.0) == 2.0


def test_one_instance_may_be_used_many_times_in_a_graph() -> None:
    cube = Cube()
    x = Value(2.0)
    y = cube(cube(x)) + cube(x + 1.0)
    assert y.data == 512.0 + 27.0
    y.backward()
    assert x.grad == 9 * 2.0**8 + 27.0
    assert not hasattr(cube, "x")
    t = Tensor([1.0, 2.0])
    (cube(t) + cube(t * 2.0)).sum().backward()
    np.testing.assert_array_equal(t.grad, 3 * t.data**2 + 24 * t.data**2)


def test_without_recording_nothing_is_recorded() -> None:
    x = Value(3.0)
    with ab.no_grad():
        y = Cube()(x)
    assert not y.requires_grad
    frozen = Cube()(Tensor([1.0], requires_grad=False))
    assert not frozen.requires_grad


def test_the_symbol_and_the_names_of_the_operands_can_be_read() -> None:
    z = Cube()(Value(2.0))
    assert z.rule.symbol == "^3"
    assert z.rule.args == ("x",)
    assert AddLayer()(Value(1.0), 2.0).rule.symbol == "AddLayer"


def test_float32_operands_get_float32_gradients() -> None:
    x = Tensor(np.ones(2, np.float32))
    y = Cube()(x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32
    wide = MulLayer()(x, np.ones(2))
    wide.sum().backward()
    assert wide.dtype == np.float64
    assert x.grad.dtype == np.float32


# -- nobody's arrays are changed ------------------------------------------------------------------


def test_a_backward_that_changes_its_cotangent_in_place_harms_nobody() -> None:
    x = Tensor([1.0, -1.0])
    y = x * 1.0
    z = Relu()(y) + y * 10.0
    z.backward([1.0, 1.0], retain_grads=True)
    assert z.grad.tolist() == [1.0, 1.0]
    assert y.grad.tolist() == [11.0, 10.0]
    assert x.grad.tolist() == [11.0, 10.0]
    z.backward([1.0, 1.0])
    assert x.grad.tolist() == [22.0, 20.0]


def test_gradients_that_are_one_array_do_not_become_one() -> None:
    class Both(Function):
        def forward(self, x: Any, y: Any) -> Any:
            self.kept = np.ones(2)
            return x + y

        def backward(self, _: Any) -> Any:
            return self.kept, self.kept

    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    z = Both()(x, y)
    z.sum().backward()
    (z + x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert y.grad.tolist() == [2.0, 2.0]
    assert not np.shares_memory(x.grad, y.grad)


def test_a_gradient_that_is_the_cotangent_itself_is_copied() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    cotangent = np.ones(2)
    AddLayer()(x, y).backward(cotangent)
    x.grad[0] = 99.0
    assert y.grad.tolist() == cotangent.tolist() == [1.0, 1.0]


def test_forward_cannot_change_its_operands_nor_the_graph_its_result() -> None:
    class Writes(Function):
        def forward(self, x: Any) -> Any:
            x[0] = 99.0
            return x

        def backward(self, g: Any) -> Any:
            return g

    x = Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        Writes()(x)
    assert x.data.tolist() == [1.0, 2.0]

    class Identity(Function):
        def forward(self, x: Any) -> Any:
            self.result = x * 1.0
            return self.result

        def backward(self, g: Any) -> Any:
            return g * self.result

    identity = Identity()
    y = identity(x)
    x.data[:] = 5.0
    assert y.data.tolist() == [1.0, 2.0]
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]


# -- higher derivatives and forward mode ----------------------------------------------------------


@pytest.mark.parametrize("make", [Value, Tensor])
def test_derivatives_of_every_order_come_from_forward_and_backward_run_on_nodes(make: Any) -> None:
    x = make(2.0)
    y = Cube()(x)
    (first,) = ab.gradients(y, [x], create_graph=True)
    (second,) = ab.gradients(first, [x], create_graph=True)
    (third,) = ab.gradients(second, [x], create_graph=True)
    assert [float(n) for n in (y, first, second, third)] == [8.0, 12.0, 12.0, 6.0]
    assert type(third) is make


def test_second_derivatives_by_both_operands() -> None:
    (xx, xy), (yx, yy) = ab.hessian(lambda x, y: MulLayer()(x, y) ** 2, (0, 1))(2.0, 3.0)
    assert (xx, xy, yx, yy) == (18.0, 24.0, 24.0, 8.0)


def test_jvp_of_a_function_is_derived_from_its_backward() -> None:
    assert ab.jvp(Cube(), (2.0,), (10.0,)) == (8.0, 120.0)
    value, pushed = ab.jvp(
        lambda x, y: MulLayer()(x, y * np.ones(2)),
        (np.array([1.0, 2.0]), 3.0),
        (np.array([1.0, 0.0]), 10.0),
    )
    assert value.tolist() == [3.0, 6.0]
    assert pushed.tolist() == [3.0 + 10.0, 20.0]
    assert ab.hvp(lambda x: Cube()(x).sum(), np.array([1.0, 2.0]), np.ones(2)).tolist() == [
        6.0,
        12.0,
    ]
    assert ab.jacobian(Cube())(np.array([1.0, 2.0])).tolist() == [[3.0, 0.0], [0.0, 12.0]]
    assert ab.jvp(ab.grad(ab.grad(Cube())), (2.0,), (1.0,)) == (12.0, 6.0)


def test_a_second_derivative_through_math_is_an_error_and_not_zero() -> None:
    class Exp(Function):
        def forward(self, x: Any) -> Any:
            self.out = math.exp(x)
            return self.out

        def backward(self, g: Any) -> Any:
            return g * self.out

    x = Value(1.0)
    y = Exp()(x)
    (slope,) = ab.gradients(y, [x])
    assert slope == math.e
    for second in (
        lambda: ab.gradients(y, [x], create_graph=True),
        lambda: ab.grad(ab.grad(Exp()))(1.0),
        lambda: ab.hvp(Exp(), 1.0, 1.0),
    ):
        with pytest.raises(TypeError, match=r"Exp.*ab\.exp"):
            second()


def test_a_function_inside_longer_chains_agrees_with_differences() -> None:
    def f(x: Any) -> Any:
        return ab.sin(Cube()(x)) * MulLayer()(x, ab.exp(x))

    def plain(x: float) -> float:
        return math.sin(x**3) * x * math.exp(x)

    assert ab.grad(f)(0.7) == pytest.approx(float(differences.derivative(plain, 0.7)), rel=1e-10)
    second = differences.derivative(lambda x: ab.grad(f)(float(x)), 0.7)
    assert ab.grad(ab.grad(f))(0.7) == pytest.approx(float(second), rel=1e-9)


def test_none_is_a_zero_gradient() -> None:
    class First(Function):
        def forward(self, x: Any, y: Any) -> Any:
            return x + 0.0 * y

        def backward(self, g: Any) -> Any:
            return g, None

    x, y = Tensor([1.0, 2.0]), Tensor(np.ones(2, np.float32))
    First()(x, y).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert y.grad is None or (y.grad.tolist(), y.grad.dtype) == ([0.0, 0.0], np.float32)
    assert ab.grad(First(), (0, 1))(1.0, 2.0) == (1.0, 0.0)
    assert ab.hessian(lambda x, y: First()(x, y) ** 2, (0, 1))(1.0, 2.0) == ((2.0, 0.0), (0.0, 0.0))
    assert ab.jvp(First(), (1.0, 2.0), (1.0, 1.0)) == (1.0, 1.0)


# -- errors ---------------------------------------------------------------------------------------


def with_backward(backward: Any, forward: Any = None) -> Function:
    class Custom(Function):
        def forward(self, x: Any, y: Any) -> Any:
            return forward(x, y) if forward else x * y

        def backward(self, g: Any) -> Any:
            return backward(g)

    return Custom()


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (lambda g: g, ValueError, ["Custom", "1", "2"]),
        (lambda g: (g,), ValueError, ["Custom", "1", "2"]),
        (lambda g: (g, g, g), ValueError, ["Custom", "3", "2"]),
        (lambda _: None, (ValueError, TypeError), ["Custom"]),
        (lambda g: (g, "text"), TypeError, ["Custom", "y", "str"]),
        (lambda g: (g, [1.0, 2.0]), TypeError, ["Custom", "y", "list"]),
        (lambda g: ({}, g), TypeError, ["Custom", "x", "dict"]),
        (lambda g: (g, np.ones(3)), ValueError, ["Custom", "y", "(3,)", "(2,)"]),
        (lambda g: (1.0, g), ValueError, ["Custom", "x", "()", "(2,)"]),
        (lambda g: (g, np.ones((2, 2))), ValueError, ["Custom", "y", "(2, 2)"]),
        (lambda g: (g, g * 1j), TypeError, ["complex"]),
        (lambda g: (g, np.array(["a", "b"])), TypeError, ["text"]),
        (lambda g: (g, np.array([None, None])), TypeError, ["objects"]),
    ],
)
def test_a_wrong_gradient_is_refused_by_name_and_changes_nothing(
    returned: Any, error: Any, words: list[str]
) -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    z = with_backward(returned)(x, y)
    for differentiate in (
        lambda: z.backward(np.ones(2)),
        lambda: ab.gradients(z, [x, y], create_graph=True, cotangent=np.ones(2)),
    ):
        with pytest.raises(error) as caught:
            differentiate()
        for word in words:
            assert word in str(caught.value)
    assert x.grad is None
    assert y.grad is None


@pytest.mark.parametrize(
    "result", [None, "text", (1.0, 2.0), [1.0, 2.0], {}, 1j, np.array([1j, 2j]), object()], ids=type
)
def test_a_forward_that_returns_no_number_or_array_is_refused(result: Any) -> None:
    function = with_backward(lambda g: (g, g), forward=lambda *_: result)
    for make in (Value, Tensor):
        with pytest.raises(TypeError):
            function(make(1.0), make(2.0))


def test_a_class_without_forward_or_backward_says_so() -> None:
    class Nothing(Function):
        pass

    class OnlyForward(Function):
        def forward(self, x: Any) -> Any:
            return x * 2.0

    with pytest.raises(NotImplementedError, match=r"Nothing.*forward"):
        Nothing()(Value(1.0))
    y = OnlyForward()(Value(1.0))
    with pytest.raises(NotImplementedError, match=r"OnlyForward.*backward"):
        y.backward()


def test_a_node_that_is_no_operand_is_refused_since_its_gradient_would_be_lost() -> None:
    weight = Value(3.0)

    class Closure(Function):
        def forward(self, x: Any) -> Any:
            return x * weight

        def backward(self, g: Any) -> Any:
            return g * 3.0

    with pytest.raises(TypeError, match="operand"):
        Closure()(Value(2.0))
    with pytest.raises(TypeError, match="operand"):
        Scale()(Value(2.0), by=weight)


@pytest.mark.parametrize("operand", ["text", None, 1j, np.array([1j]), object()], ids=type)
def test_an_operand_that_is_no_number_is_refused(operand: Any) -> None:
    with pytest.raises(TypeError):
        MulLayer()(Value(1.0), operand)
    with pytest.raises(TypeError):
        MulLayer()(Tensor([1.0]), operand)


def test_an_error_in_the_users_code_comes_through_as_it_is() -> None:
    class Broken(Function):
        def forward(self, _: Any) -> Any:
            raise KeyError("forward")

        def backward(self, g: Any) -> Any:
            return g

    with pytest.raises(KeyError, match="forward"):
        Broken()(Value(1.0))


def test_floating_point_errors_in_a_users_backward_are_numpys_warnings() -> None:
    class Log(Function):
        def forward(self, x: Any) -> Any:
            self.x = x
            with np.errstate(divide="ignore"):
                return np.log(x)

        def backward(self, g: Any) -> Any:
            return g / self.x

    x = Tensor([0.0, 1.0])
    y = Log()(x)
    with pytest.warns(RuntimeWarning, match="divide"):
        y.backward(np.ones(2))
    assert x.grad.tolist() == [np.inf, 1.0]


def test_a_recorded_function_can_be_deep_copied() -> None:
    x = Value(2.0)
    y = Cube()(x)
    twin = copy.deepcopy(y)
    twin.backward()
    assert twin.parents[0].grad == 12.0
    assert x.grad is None


# -- scalar_rule ----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def clean_sheet() -> Iterator[None]:
    """Rows that a test adds are taken off again."""
    before = dict(ROWS)
    yield
    for name in set(ROWS) - set(before):
        del ROWS[name]


def assert_right(operation: Any, plain: Any, *xs: float) -> None:
    """On values, tensors, arrays and numbers; first and second derivatives; forward."""
    places = tuple(range(len(xs)))
    assert float(operation(*xs)) == pytest.approx(plain(*xs), rel=1e-14)
    np.testing.assert_allclose(operation(*(np.array([x]) for x in xs)), [plain(*xs)], rtol=1e-14)
    assert type(operation(*map(Value, xs))) is Value
    assert type(operation(*map(Tensor, xs))) is Tensor
    expected = differences.gradients(plain, [np.array(x) for x in xs], np.array(1.0))
    np.testing.assert_allclose(ab.grad(operation, places)(*xs), expected, rtol=1e-9, atol=1e-10)
    arrays = ab.grad(operation, places)(*(np.array(x) for x in xs))
    np.testing.assert_allclose(arrays, expected, rtol=1e-9, atol=1e-10)
    pushed = ab.jvp(operation, xs, (1.0,) * len(xs))[1]
    assert float(pushed) == pytest.approx(float(sum(expected)), rel=1e-9, abs=1e-9)
    curves = ab.hessian(operation, places)(*xs)
    for i in places:
        column = differences.derivative(
            lambda h, i=i: np.array(
                ab.grad(operation, places)(*(x + h * (i == j) for j, x in enumerate(xs)))
            ),
            0.0,
        )
        np.testing.assert_allclose([curves[j][i] for j in places], column, rtol=1e-8, atol=1e-9)


def test_a_rule_of_one_argument() -> None:
    operation = ab.scalar_rule("softsign_(x)", "x / (1 + abs(x))", d="1 / (1 + abs(x)) ** 2")
    assert_right(operation, lambda x: x / (1 + abs(x)), 0.7)
    assert operation.__name__ == "softsign_"
    assert operation.rule is ROWS["softsign_"]
    assert operation(Value(1.0)).rule.name == "softsign_"


def test_a_rule_of_two_arguments_with_bindings_conditions_and_other_rows() -> None:
    operation = ab.scalar_rule(
        "swish_of(x, y)",
        "s = sigmoid(y * x); x * s if x > -100 else 0.0",
        d=[
            "s = sigmoid(y * x); s + x * y * s * (1 - s)",
            "x * x * sigmoid(y * x) * sigmoid(-y * x)",
        ],
    )
    assert_right(operation, lambda x, y: x / (1 + np.exp(-y * x)), 0.7, 1.3)


def test_a_rule_may_name_itself_and_its_result() -> None:
    growth = ab.scalar_rule("growth(x)", "exp(2 * x)", d="2 * growth(x)")
    assert_right(growth, lambda x: np.exp(2 * x), 0.3)
    decay = ab.scalar_rule("decay(x)", "exp(-x)", d="-out")
    assert_right(decay, lambda x: np.exp(-x), 0.3)


def test_a_name_alone_takes_its_arguments_from_the_formula() -> None:
    operation = ab.scalar_rule("slope_of", "b * sin(a) + pi", d=["sin(a)", "b * cos(a)"])
    assert operation.rule.args == ("b", "a")
    assert_right(operation, lambda b, a: b * np.sin(a) + np.pi, 2.0, 0.7)


def test_parameters_are_not_differentiated_and_can_be_given_by_name() -> None:
    swish = ab.scalar_rule(
        "swish_(x; beta)",
        "x * sigmoid(beta * x)",
        d="sigmoid(beta * x) + out * (1 - sigmoid(beta * x)) * beta",
    )
    assert swish(Value(1.0), 2.0).data == swish(Value(1.0), beta=2.0).data
    assert swish(Value(1.0), 2.0).params == {"beta": 2.0}
    assert_right(lambda x: swish(x, 2.0), lambda x: x / (1 + np.exp(-2 * x)), 0.7)
    for wrong in (lambda: swish(1.0), lambda: swish(1.0, 2.0, 3.0), lambda: swish(1.0, gamma=2.0)):
        with pytest.raises(TypeError, match="swish_"):
            wrong()
    with pytest.raises(TypeError):
        swish(1.0, Value(2.0))


def test_a_rule_broadcasts_and_sums() -> None:
    scaled = ab.scalar_rule("scaled_sum(x, y)", "x + 3 * y", d=["1", "3"])
    x, y = Tensor(np.ones((2, 3))), Value(2.0)
    z = scaled(x, y)
    assert z.shape == (2, 3)
    z.sum().backward()
    assert y.grad == 18.0
    assert scaled([1.0, 2.0], 1.0).tolist() == [4.0, 5.0]


def test_a_rule_can_be_written_again_and_graphs_keep_the_old_one() -> None:
    old = ab.scalar_rule("changing(x)", "2 * x", d="2")
    x = Value(1.0)
    y = old(x)
    new = ab.scalar_rule("changing(x)", "5 * x", d="5")
    y.backward()
    assert x.grad == 2.0
    assert new(1.0) == 5.0


def test_the_wrong_number_of_operands_is_told_by_name() -> None:
    operation = ab.scalar_rule("pair_of(x, y)", "x + y", d=["1", "1"])
    with pytest.raises(TypeError, match=r"pair_of\(x, y"):
        operation(1.0)


def test_the_operations_of_the_engine_are_not_replaced() -> None:
    before = ROWS["exp"]
    for name in ("exp", "add", "sigmoid", "identity", "chain"):
        with pytest.raises(ValueError, match=name):
            ab.scalar_rule(f"{name}(x)", "x", d="1")
    assert ROWS["exp"] is before


@pytest.mark.parametrize(
    ("signature", "formula", "d", "words"),
    [
        ("f_(x)", "x +", "1", ["x +"]),
        ("f_(x)", "import os", "1", ["import os"]),
        ("f_(x)", "__import__('os')", "1", ["'os'"]),
        ("f_(x)", "x.real", "1", ["x.real"]),
        ("f_(x)", "(lambda: x)()", "1", []),
        ("f_(x)", "[x for x in x]", "1", []),
        ("f_(x)", "x if x else 'a'", "1", ["'a'"]),
        ("f_(x)", "f'{x}'", "1", []),
        ("f_(x)", "(y := x)", "1", []),
        ("f_(x)", "x & 1", "1", []),
        ("f_(x)", "x; x", "1", []),
        ("f_(x)", "", "1", []),
        ("f_(x)", "x", "1 +", ["1 +"]),
        ("f_(x)", "x", "", []),
        ("f_(x)", "nonesuch(x)", "1", ["nonesuch"]),
        ("f_(x)", "x", "nonesuch(x)", ["nonesuch"]),
        ("f_(x)", "x * z", "z", ["z"]),
        ("f_(x)", "x", "z", ["z"]),
        ("f_(x)", "out * x", "1", ["out"]),
        ("f_(x, y)", "x * y", "y", ["2", "1", "f_"]),
        ("f_(x, y)", "x * y", ["y"], ["2", "1", "f_"]),
        ("f_(x)", "x", ["1", "1"], ["1", "2"]),
        ("f_(x)", "x", [], ["1", "0"]),
        ("f_(x, x)", "x", ["1", "1"], ["f_(x, x)"]),
        ("f_()", "1.0", [], ["f_()"]),
        ("f_(g)", "g", "1", ["g"]),
        ("f_(out)", "out", "1", ["out"]),
        ("f_(*xs)", "x", "1", ["xs"]),
        ("f_(x", "x", "1", ["f_(x"]),
        ("1f(x)", "x", "1", ["1f"]),
        ("f_(x; x)", "x", "1", []),
        ("f_(lambda)", "x", "1", ["lambda"]),
        ("f_(sin)", "sin(sin)", "1", ["sin"]),
    ],
)
def test_a_bad_formula_is_refused_where_it_is_written_and_leaves_no_row(
    signature: str, formula: str, d: Any, words: list[str]
) -> None:
    before = dict(ROWS)
    with pytest.raises(FormulaError) as caught:
        ab.scalar_rule(signature, formula, d=d)
    for word in words:
        assert word in str(caught.value)
    assert dict(ROWS) == before


def test_a_failed_rewrite_leaves_the_old_rule_in_place() -> None:
    old = ab.scalar_rule("kept(x)", "2 * x", d="2")
    with pytest.raises(FormulaError):
        ab.scalar_rule("kept(x)", "nonesuch(x)", d="2")
    assert ROWS["kept"] is old.rule


def test_a_rule_keeps_zero_times_infinity_zero_as_the_engines_do() -> None:
    root = ab.scalar_rule("root_of(x)", "sqrt(x)", d="0.5 / out")
    x = np.array([0.0, 4.0])
    with np.errstate(all="ignore"):
        slope = ab.grad(lambda x: ab.where(x > 0, root(x), 0.0).sum())(x)
        curve = ab.hvp(lambda x: ab.where(x > 0, root(x), 0.0).sum(), x, np.ones(2))
    assert slope.tolist() == [0.0, 0.25]
    assert curve.tolist() == [0.0, -0.03125]


def test_what_a_function_computes_underflows_as_quietly_as_numpy_does() -> None:
    class Cube(ab.Function):
        def forward(self, x: Any) -> Any:
            self.x = x
            return x * x * x

        def backward(self, g: Any) -> Any:
            return g * 3 * self.x * self.x

    x = ab.Tensor(np.array([1e-30, 1.0], np.float32))
    y = Cube()(x)
    (gradient,) = ab.gradients(y.sum(), [x])
    assert y.data.tolist() == [0.0, 1.0]
    assert gradient.tolist() == [0.0, 3.0]


@pytest.mark.parametrize("name", ["triangle", "exclusive_product", "shape_of", "pi"])
def test_a_rule_cannot_take_a_name_that_formulas_use_for_something_else(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' means something else in formulas"):
        ab.scalar_rule(f"{name}(x)", "x * x", d="2 * x")

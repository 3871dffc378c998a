"""Value: a scalar node that behaves like a Python float and remembers how it was computed."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests.expressions import evaluate

# -- construction ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (2, 2.0),
        (2.5, 2.5),
        (True, 1.0),
        (np.float64(2.5), 2.5),
        (np.float32(2.5), 2.5),
        (np.float16(2.5), 2.5),
        (np.int64(-3), -3.0),
        (np.bool_(True), 1.0),
        (np.array(2.5), 2.5),
        (np.array([[2.5]]), 2.5),
        (np.array([7]), 7.0),
        (Fraction(1, 4), 0.25),
        (Decimal("0.5"), 0.5),
        (math.inf, math.inf),
        (-0.0, -0.0),
        (2**53 + 2, 2.0**53 + 2),
    ],
    ids=repr,
)
def test_any_real_number_becomes_a_python_float(data: Any, number: float) -> None:
    value = Value(data)
    assert type(value.data) is float
    assert value.data == number
    assert math.copysign(1.0, value.data) == math.copysign(1.0, number)


@pytest.mark.parametrize(
    "data",
    [
        "2",
        b"2",
        None,
        1j,
        np.complex128(1),
        [1.0],
        (1.0,),
        {},
        object(),
        np.array([1.0, 2.0]),
        np.array([]),
        np.array("a"),
        np.array([1j]),
        np.datetime64("2024-01-01"),
        slice(1),
        np.array([None]),
        np.ma.array([1.0], mask=[True]),
        lambda: 1.0,
    ],
    ids=lambda data: type(data).__name__,
)
def test_what_is_no_real_number_is_refused(data: Any) -> None:
    with pytest.raises(TypeError, match=r"Value is|masked"):
        Value(data)


def test_a_node_is_refused_since_its_history_would_be_lost() -> None:
    for node in (Value(1.0), Tensor(1.0), Value(1.0) * 2.0):
        with pytest.raises(TypeError, match=r"\.data"):
            Value(node)


def test_an_integer_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(OverflowError):
        Value(10**400)


def test_a_name_is_any_text_or_none() -> None:
    for name in ("x", "", "苹果", 'a"b\\c\n<script>', None):
        assert Value(1.0, name=name).name == name
    for name in (5, b"x", ["x"], True):
        with pytest.raises(TypeError, match="name"):
            Value(1.0, name=name)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="name"):
            Value(1.0).name = name  # type: ignore[assignment]


def test_a_value_is_a_scalar_to_whoever_asks_for_its_shape() -> None:
    x = Value(2.0)
    assert (x.shape, x.ndim, x.size) == ((), 0, 1)
    assert np.shape(x) == ()
    assert np.ndim(x) == 0
    assert np.size(x) == 1


# -- arithmetic -----------------------------------------------------------------------------------

# Per operator: the result's derivatives by its operands.
BINARY: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "+": (operator.add, lambda *_: (1.0, 1.0)),
    "-": (operator.sub, lambda *_: (1.0, -1.0)),
    "*": (operator.mul, lambda x, y: (y, x)),
    "/": (operator.truediv, lambda x, y: (1 / y, -x / y / y)),
    "//": (operator.floordiv, lambda *_: (0.0, 0.0)),
    "%": (operator.mod, lambda x, y: (1.0, -(x // y))),
    "**": (operator.pow, lambda x, y: (y * x ** (y - 1), x**y * math.log(x))),
}
PAIRS = [(2.5, 1.5), (0.75, 3.25), (7.0, 2.0), (1.0, 1.0)]
SIGNED_PAIRS = [(-2.5, 1.5), (2.5, -1.5), (-7.0, -2.0), (-0.5, 3.0)]


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_two_values_give_pythons_result_and_both_derivatives(
    symbol: str, x: float, y: float
) -> None:
    compute, derivatives = BINARY[symbol]
    a, b = Value(x), Value(y)
    result = compute(a, b)
    assert type(result) is Value
    assert result.data == compute(x, y)
    result.backward()
    assert (a.grad, b.grad) == pytest.approx(derivatives(x, y), rel=1e-15, abs=0.0)
    assert type(a.grad) is type(b.grad) is float


@pytest.mark.parametrize("symbol", [symbol for symbol in BINARY if symbol != "**"])
@pytest.mark.parametrize(("x", "y"), SIGNED_PAIRS)
def test_signs_are_as_in_python(symbol: str, x: float, y: float) -> None:
    compute, derivatives = BINARY[symbol]
    a, b = Value(x), Value(y)
    result = compute(a, b)
    assert result.data == compute(x, y)
    result.backward()
    assert (a.grad, b.grad) == pytest.approx(derivatives(x, y), rel=1e-15, abs=0.0)


NUMBERS: list[Callable[[float], Any]] = [
    float,
    int,
    bool,
    np.float64,
    np.float32,
    np.float16,
    np.int32,
    np.uint8,
    np.bool_,
]


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize("kind", NUMBERS, ids=lambda kind: kind.__name__)
def test_a_plain_number_may_stand_on_either_side(symbol: str, kind: Any) -> None:
    compute, derivatives = BINARY[symbol]
    number = kind(3)
    plain = float(number)
    x = Value(2.5)
    right = compute(x, number)
    assert type(right) is Value
    assert right.data == compute(2.5, plain)
    right.backward()
    assert x.grad == pytest.approx(derivatives(2.5, plain)[0], rel=1e-15)
    x = Value(2.5)
    left = compute(number, x)
    assert type(left) is Value
    assert left.data == compute(plain, 2.5)
    left.backward()
    assert x.grad == pytest.approx(derivatives(plain, 2.5)[1], rel=1e-15, abs=0.0)


@pytest.mark.parametrize("symbol", BINARY)
def test_an_array_on_either_side_gives_a_tensor(symbol: str) -> None:
    compute, derivatives = BINARY[symbol]
    array = np.array([1.5, 2.0, 4.0])
    x = Value(2.5)
    right = compute(x, array)
    assert type(right) is Tensor
    np.testing.assert_array_equal(right.data, compute(2.5, array))
    right.backward(np.ones(3))
    assert x.grad == pytest.approx(sum(derivatives(2.5, y)[0] for y in array), rel=1e-14)
    x = Value(2.5)
    left = compute(array, x)
    assert type(left) is Tensor
    np.testing.assert_array_equal(left.data, compute(array, 2.5))
    left.backward(np.ones(3))
    assert x.grad == pytest.approx(sum(derivatives(y, 2.5)[1] for y in array), rel=1e-14)


@pytest.mark.parametrize("symbol", BINARY)
def test_a_tensor_on_either_side_gives_a_tensor_and_both_gradients(symbol: str) -> None:
    compute, derivatives = BINARY[symbol]
    x, t = Value(2.5), Tensor([1.5, 2.0])
    result = compute(x, t)
    assert type(result) is Tensor
    result.sum().backward()
    both = [derivatives(2.5, y) for y in (1.5, 2.0)]
    assert x.grad == pytest.approx(both[0][0] + both[1][0], rel=1e-14)
    np.testing.assert_allclose(t.grad, [both[0][1], both[1][1]], rtol=1e-14)
    x, t = Value(2.5), Tensor([1.5, 2.0])
    compute(t, x).sum().backward()
    both = [derivatives(y, 2.5) for y in (1.5, 2.0)]
    assert x.grad == pytest.approx(both[0][1] + both[1][1], rel=1e-14)
    np.testing.assert_allclose(t.grad, [both[0][0], both[1][0]], rtol=1e-14)


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize(
    "other",
    [None, "2", 1j, np.complex128(1j), [1j], object(), Decimal(2), {}, lambda: 1.0],
    ids=lambda other: type(other).__name__,
)
def test_an_operand_that_is_no_real_number_is_a_type_error(symbol: str, other: Any) -> None:
    compute, _ = BINARY[symbol]
    x = Value(2.0)
    with pytest.raises(TypeError):
        compute(x, other)
    if not (symbol == "%" and isinstance(other, str)):  # "2" % x is text formatting
        with pytest.raises(TypeError):
            compute(other, x)


def test_unary_operators_and_abs_and_divmod_and_round() -> None:
    x = Value(-2.5)
    assert (+x) is x
    assert (-x).data == 2.5
    assert abs(x).data == 2.5
    assert [part.data for part in divmod(x, 2.0)] == list(divmod(-2.5, 2.0))
    assert [part.data for part in divmod(7.0, x)] == list(divmod(7.0, -2.5))
    assert round(x) == round(-2.5)
    assert round(Value(2.567), 2) == 2.57
    (-x + abs(x)).backward()
    assert x.grad == -2.0


def test_a_third_argument_of_pow_is_refused() -> None:
    with pytest.raises(TypeError, match="pow"):
        pow(Value(2.0), 3, 5)


def test_a_value_used_twice_has_two_edges() -> None:
    x = Value(3.0)
    y = x * x
    assert y.parents == (x, x)
    assert all(parent is x for parent in y.parents)
    y.backward()
    assert x.grad == 6.0


@given(x=st.floats(), y=st.floats())
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%"])
def test_arithmetic_is_that_of_python_floats_and_where_python_refuses_that_of_numpy(
    symbol: str, x: float, y: float
) -> None:
    compute, _ = BINARY[symbol]
    with np.errstate(all="ignore"):
        found = compute(Value(x), Value(y)).data
        try:
            expected = compute(x, y)
        except ZeroDivisionError:
            expected = float(compute(np.float64(x), np.float64(y)))
    assert found == expected or (math.isnan(found) and math.isnan(expected))
    assert math.isnan(found) or math.copysign(1.0, found) == math.copysign(1.0, expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Value(1.0) / 0.0", math.inf),
        ("-1.0 / Value(0.0)", -math.inf),
        ("Value(0.0) / 0.0", math.nan),
        ("Value(0.0) ** -1.0", math.inf),
        ("Value(-8.0) ** (1 / 3)", math.nan),
        ("Value(1e200) ** 2", math.inf),
        ("Value(5.0) % 0.0", math.nan),
        ("Value(0.0).log()", -math.inf),
        ("Value(-1.0).log()", math.nan),
        ("Value(-1.0).sqrt()", math.nan),
        ("Value(1000.0).exp()", math.inf),
        ("ab.arctanh(Value(1.0))", math.inf),
        ("ab.arcsin(Value(2.0))", math.nan),
        ("ab.sinh(Value(1000.0))", math.inf),
        ("ab.log1p(Value(-1.0))", -math.inf),
    ],
)
def test_where_math_raises_the_result_is_numpys_with_numpys_warning(
    expression: str, expected: float
) -> None:
    with pytest.warns(RuntimeWarning):
        result = evaluate(expression)
    assert type(result.data) is float
    assert result.data == expected or (math.isnan(result.data) and math.isnan(expected))


@pytest.mark.parametrize("name", "exp log sqrt sin cos tanh sigmoid relu".split())
def test_common_functions_are_methods(name: str) -> None:
    x, y = Value(0.7), Value(0.7)
    method, function = getattr(x, name)(), getattr(ab, name)(y)
    assert method.data == function.data
    method.backward()
    function.backward()
    assert x.grad == y.grad != 0.0


def test_pythons_sum_max_min_and_sorted_work() -> None:
    x, y, z = Value(3.0), Value(1.0), Value(2.0)
    total = sum([x, y, z])
    assert total.data == 6.0
    assert max(x, y, z) is x
    assert min(x, y, z) is y
    assert sorted([x, y, z]) == [1.0, 2.0, 3.0]
    assert math.prod([x, y, z]).data == 6.0  # type: ignore[type-var]


# -- comparison, hashing, conversion --------------------------------------------------------------

COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(("x", "y"), [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (math.nan, 1.0)])
def test_comparison_is_by_value_and_gives_a_bool(compare: Any, x: float, y: float) -> None:
    expected = compare(x, y)
    for left, right in [(Value(x), Value(y)), (Value(x), y), (x, Value(y))]:
        assert compare(left, right) is expected
    for kind in (np.float64, np.float32):
        assert compare(Value(x), kind(y)) == expected
        assert isinstance(compare(kind(x), Value(y)), bool | np.bool_)
        assert compare(kind(x), Value(y)) == expected


def test_a_value_equals_nothing_that_is_no_number() -> None:
    x = Value(1.0)
    for other in ("1.0", None, [1.0], object(), 1j + 1):
        assert (x == other) is False
        assert (x != other) is True
        with pytest.raises(TypeError):
            _ = x < other


def test_hashing_is_by_identity_so_equal_values_are_different_keys() -> None:
    x, y = Value(1.0), Value(1.0)
    assert x == y
    assert len({x, y}) == 2
    assert {x: "x", y: "y"}[x] == "x"
    before = hash(x)
    x.data = 5.0
    assert hash(x) == before


def test_a_comparison_with_an_array_is_elementwise() -> None:
    result = Value(2.0) > np.array([1.0, 3.0])
    assert np.asarray(getattr(result, "data", result)).tolist() == [True, False]
    assert not getattr(result, "requires_grad", False)


def test_conversion_to_plain_numbers() -> None:
    x = Value(2.75)
    assert float(x) == 2.75
    assert type(float(x)) is float
    assert int(x) == 2
    assert x.item() == 2.75
    assert bool(x) is True
    assert bool(Value(0.0)) is False
    assert f"{float(x):.1f}" == "2.8"
    assert math.floor(x) == 2
    assert math.ceil(x) == 3


@pytest.mark.parametrize(
    "use",
    [len, iter, list, lambda x: 1.0 in x, lambda x: x[0], operator.index, range],
    ids="len iter list in getitem index range".split(),
)
def test_a_value_is_no_container_and_no_index(use: Any) -> None:
    with pytest.raises(TypeError):
        use(Value(2.0))


def test_a_value_does_not_turn_into_an_array_in_silence() -> None:
    x = Value(2.0)
    for convert in (
        lambda: np.asarray(x),
        lambda: np.array([x, 1.0]),
        lambda: np.array([x], dtype=float),
        lambda: np.full(3, x),
        lambda: np.exp([x]),
    ):
        with pytest.raises(TypeError, match="gradient"):
            convert()
    assert np.asarray(x.detach()) == 2.0


def test_repr_shows_number_name_and_operation() -> None:
    x = Value(2.0, name="x")
    assert repr(x) == "Value(2.0, name='x')"
    assert repr(x * 3) == "Value(6.0, op='mul')"
    assert repr(Value(-0.5, requires_grad=False)) == "Value(-0.5, requires_grad=False)"
    product = x * 3
    product.name = 'the "product"\n苹果'
    assert repr(product) == "Value(6.0, name='the \"product\"\\n苹果', op='mul')"
    assert str(x) == repr(x)


# -- the graph ------------------------------------------------------------------------------------


def test_every_node_keeps_its_gradient_as_a_float() -> None:
    x = Value(2.0)
    y = x * 3.0
    z = y.exp() + y
    z.backward()
    assert z.grad == 1.0
    assert y.grad == math.exp(6.0) + 1.0
    assert x.grad == 3.0 * y.grad
    assert {type(node.grad) for node in (x, y, z)} == {float}


def test_a_constant_is_a_parent_without_gradient() -> None:
    x = Value(2.0)
    y = 3.0 * x
    constant, parent = y.parents
    assert parent is x
    assert constant.data == 3.0
    assert not constant.requires_grad
    y.backward()
    assert constant.grad is None
    assert y.parents[0] is constant


def test_detach_stops_the_derivative() -> None:
    x = Value(3.0, name="x")
    cut = x.detach()
    assert (cut.data, cut.name, cut.requires_grad) == (3.0, "x", False)
    (x * cut).backward()
    assert x.grad == 3.0


def test_operations_on_values_that_need_no_gradient_record_nothing() -> None:
    x = Value(3.0, requires_grad=False)
    y = x * 2.0
    assert not y.requires_grad
    assert y.rule is None
    assert y.parents == ()
    with pytest.raises(ValueError, match="requires_grad"):
        y.backward()


@pytest.mark.parametrize("cotangent", ["a", None, 1j, [1.0], np.ones(2)], ids=repr)
def test_a_cotangent_is_a_number(cotangent: Any) -> None:
    x = Value(2.0)
    y = x * 3.0
    if cotangent is None:
        y.backward(cotangent)
        assert x.grad == 3.0
    else:
        with pytest.raises(TypeError):
            y.backward(cotangent)
        assert x.grad is None


def test_backward_multiplies_by_the_cotangent() -> None:
    x = Value(2.0)
    (x * 3.0).backward(np.float32(10))
    assert x.grad == 30.0


# -- changing data --------------------------------------------------------------------------------


def test_a_graph_keeps_the_numbers_it_was_recorded_with() -> None:
    x, y = Value(2.0), Value(3.0)
    z = x * x * y
    x.data = 100.0
    y.data = 100.0
    z.backward()
    assert (x.grad, y.grad) == (2 * 2.0 * 3.0, 2.0 * 2.0)
    assert (x * x * y).data == 1e6


def test_second_derivatives_too_are_of_the_numbers_at_the_time_of_recording() -> None:
    x = Value(2.0)
    y = x * x * x
    x.data = 100.0
    (slope,) = ab.gradients(y, [x], create_graph=True)
    assert slope.data == 12.0
    assert ab.gradients(slope, [x]) == (12.0,)


def test_only_a_leaf_can_be_set_and_only_to_a_number() -> None:
    x = Value(2.0)
    y = x * 2.0
    with pytest.raises(TypeError, match="mul"):
        y.data = 5.0
    assert y.data == 4.0
    for wrong in ("5", None, 1j, Value(1.0), np.ones(2)):
        with pytest.raises(TypeError):
            x.data = wrong
    assert x.data == 2.0
    x.data = np.float32(1.5)
    assert type(x.data) is float


def test_augmented_assignment_makes_a_new_value() -> None:
    x = leaf = Value(2.0)
    x += 1.0
    x *= 3.0
    assert x.data == 9.0
    assert leaf.data == 2.0
    x.backward()
    assert leaf.grad == 3.0


def test_unknown_attributes_cannot_be_set_by_a_slip() -> None:
    with pytest.raises(AttributeError):
        Value(1.0).gard = 5.0  # type: ignore[attr-defined]


# -- copying --------------------------------------------------------------------------------------


def test_copy_is_a_leaf_of_the_same_number_and_name() -> None:
    x = Value(2.0, name="x")
    y = x * 3.0
    y.name = "y"
    y.backward()
    for node in (x, y):
        twin = copy.copy(node)
        assert twin is not node
        assert (twin.data, twin.name, twin.rule, twin.grad) == (node.data, node.name, None, None)
    assert not copy.copy(Value(1.0, requires_grad=False)).requires_grad


def test_deepcopy_copies_the_graph_with_its_sharing_and_gradients() -> None:
    x = Value(2.0, name="x")
    y = x * x
    z = y + y * 3.0
    z.backward()
    twin_x, twin_z = copy.deepcopy([x, z])
    assert twin_z.parents[0] is twin_z.parents[1].parents[0]
    assert twin_z.parents[0].parents == (twin_x, twin_x)
    assert twin_z.parents[0].parents[0] is twin_x
    assert (twin_x.name, twin_x.grad, twin_z.data) == ("x", x.grad, z.data)
    assert twin_z.rule is z.rule
    twin_x.zero_grad()
    twin_z.backward()
    assert twin_x.grad == x.grad == 16.0
    twin_x.data = 5.0
    assert x.data == 2.0


@pytest.mark.usefixtures("no_collector")
def test_deepcopy_of_a_chain_of_100_000_values_needs_no_recursion() -> None:
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    assert sys.getrecursionlimit() <= 10_000
    twin = copy.deepcopy(y)
    assert twin.data == y.data
    del y
    twin.backward()
    assert x.grad is None


def test_a_value_is_not_pickled() -> None:
    for node in (Value(1.0), Value(1.0) * 2.0):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(node)

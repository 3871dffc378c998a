"""Elementwise operations, against NumPy and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given as given_by
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests import differences
from tests.function_cases import (
    Case,
    assert_same,
    between,
    claims,
    given,
    plain,
    positive,
    reals,
)

# Names by where their argument may lie.
EVERYWHERE = (
    "negative positive absolute abs fabs square deg2rad rad2deg radians degrees cbrt exp exp2 "
    "expm1 sin cos arctan atan sinh cosh tanh arcsinh asinh sinc sign reciprocal"
).split()
POSITIVE = "sqrt log log2 log10 log1p".split()
INSIDE_UNIT = "arcsin asin arccos acos arctanh atanh tan".split()
ABOVE_ONE = "arccosh acosh".split()
STEPS = "floor ceil trunc rint".split()
TWO = (
    "add subtract multiply divide true_divide logaddexp logaddexp2 arctan2 atan2 hypot copysign "
    "maximum minimum fmax fmin"
).split()
OF_TWO_SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((1,), ()), ((), ())]


def gelu_by_scipy(x: Any, approximate: str = "none") -> Any:
    if approximate == "none":
        return x * scipy.special.ndtr(x)
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


# Names of the sheet that NumPy has under another.
OURS = {"neg": np.negative, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
# What NumPy has not.
ACTIVATIONS = {
    "sigmoid": scipy.special.expit,
    "relu": lambda x: np.maximum(x, 0.0),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "silu": lambda x: x * scipy.special.expit(x),
    "leaky_relu": lambda x, slope=0.01: np.where(x > 0, x, slope * x),
    "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0))),
    "gelu": gelu_by_scipy,
}
FRACTIONS = [-2.7, -1.3, -0.6, 0.3, 0.8, 1.4, 2.6]
DIVIDENDS, DIVISORS = [5.3, -2.2, 7.4, -6.1, 0.7], [1.7, 1.5, -2.1, -1.3, 2.0]

CASES = [
    *(Case(name, operand) for name in EVERYWHERE for operand in (reals(2, 3), reals())),
    *(Case(name, positive(2, 3)) for name in POSITIVE),
    *(Case(name, between(0.1, 0.8, 5, signed=True)) for name in INSIDE_UNIT),
    *(Case(name, between(1.4, 3.0, 5)) for name in ABOVE_ONE),
    *(Case(name, given(FRACTIONS)) for name in STEPS),
    *(Case(name, reals(*x), reals(*y)) for name in TWO for x, y in OF_TWO_SHAPES),
    *(Case(name, given(DIVIDENDS), given(DIVISORS)) for name in ("mod", "remainder", "fmod")),
    Case("floor_divide", given(DIVIDENDS), given(DIVISORS)),
    Case("heaviside", reals(4), reals(4)),
    Case("heaviside", given([-1.0, 2.0]), given(0.5)),
    *(Case(name, positive(*x), reals(*y)) for name in ("power", "pow") for x, y in OF_TWO_SHAPES),
    *(Case("power", reals(5), n) for n in (2, 3, -1, -2, 0, 1)),
    Case("power", positive(5), 0.5),
    *(Case(n, reals(2, 3), reference=f) for n, f in OURS.items() if n == "neg"),
    *(Case(n, reals(2, 3), positive(3), reference=f) for n, f in OURS.items() if n != "neg"),
    *(
        Case(n, operand, reference=f)
        for n, f in ACTIVATIONS.items()
        for operand in (reals(2, 3), reals())
    ),
    Case("leaky_relu", reals(6), 0.2, reference=ACTIVATIONS["leaky_relu"]),
    Case(
        "leaky_relu",
        reals(6),
        negative_slope=0.2,
        reference=lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
    ),
    Case("elu", reals(6), 0.7, reference=ACTIVATIONS["elu"]),
    Case("elu", reals(6), alpha=0.7, reference=ACTIVATIONS["elu"]),
    Case("gelu", reals(6), approximate="tanh", reference=gelu_by_scipy),
    Case("clip", reals(6), -1.0, 1.0),
    Case("clip", reals(6), None, 1.0),
    Case("clip", reals(6), -1.0, None),
    Case("clip", reals(6), a_min=-1.0, a_max=1.0),
    Case("clip", reals(2, 3), given(-1.11), given(1.07)),
    Case("clip", reals(2, 3), given([-1.11, -1.03, 0.01]), given([[1.07], [0.53]])),
    Case("where", np.array([True, False, True]), reals(3), reals(3)),
    Case("where", np.array([[True], [False]]), reals(3), reals()),
    Case("where", True, reals(2), reals(2)),
    Case("where", [1, 0, 2], reals(3), 0.0),
    Case("where", np.array([True, False]), 1.0, reals(2)),
    Case("round", given(FRACTIONS)),
    Case("round", given(FRACTIONS), 0),
    Case("round", given([-27.3, 11.8, 44.1]), -1),
    Case("round", given([0.3, -4.6]), decimals=1),
]


@pytest.mark.parametrize(("claim", "case"), claims(CASES))
def test_every_call_is_as_claimed(claim: Any, case: Case) -> None:
    claim(case)


ONE_OPERAND = [case for case in CASES if len(case.operands) == 1 and len(case.args) == 1]
TWO_OPERANDS = [case for case in CASES if len(case.operands) == 2 and len(case.args) == 2]


def scalars(case: Case) -> list[float]:
    return [float(array.flat[0]) for array in case.numbers()]


@pytest.mark.parametrize("case", ONE_OPERAND + TWO_OPERANDS, ids=repr)
class TestOnValues:
    def test_a_value_gives_a_value_with_the_result_of_numpy(self, case: Case) -> None:
        numbers = scalars(case)
        result = case.ours(*map(Value, numbers))
        assert type(result) is Value
        np.testing.assert_allclose(result.data, case.numpys(*numbers), rtol=1e-13, atol=1e-15)

    def test_a_number_gives_a_number(self, case: Case) -> None:
        numbers = scalars(case)
        result = case.ours(*numbers)
        assert isinstance(result, float)
        np.testing.assert_allclose(result, case.numpys(*numbers), rtol=1e-13, atol=1e-15)

    def test_its_gradients_agree_with_differences(self, case: Case) -> None:
        numbers = scalars(case)
        values = [Value(number) for number in numbers]
        case.ours(*values).backward()
        expected = differences.gradients(
            case.numpys, [np.array(number) for number in numbers], np.array(1.0)
        )
        for value, gradient in zip(values, expected, strict=True):
            assert type(value.grad) is float
            np.testing.assert_allclose(value.grad, gradient, rtol=1e-9, atol=1e-10)

    def test_a_value_and_a_tensor_of_one_element_agree_to_the_second_order(
        self, case: Case
    ) -> None:
        numbers = scalars(case)
        places = tuple(range(len(numbers)))
        of_values = ab.hessian(case.ours, places)(*numbers)
        of_tensors = ab.hessian(case.ours, places)(*(np.array(n) for n in numbers))
        np.testing.assert_allclose(of_values, of_tensors, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", [*TWO, "power", "fmod", "remainder", "floor_divide"])
@given_by(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_side=0)
)
def test_a_broadcast_operand_gets_the_sum_of_the_gradients_of_its_copies(
    name: str, shapes: Any
) -> None:
    x_shape, y_shape = shapes.input_shapes
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.5, 2.0, x_shape), rng.uniform(0.5, 2.0, y_shape)
    weight = rng.uniform(0.5, 1.5, shapes.result_shape)
    a, b = Tensor(x), Tensor(y)
    wide_a, wide_b = (Tensor(np.broadcast_to(z, shapes.result_shape)) for z in (x, y))
    result = ab.PUBLIC[name](a, b)
    assert_same(result, getattr(np, name)(x, y))
    found = ab.gradients((result * weight).sum(), [a, b])
    copies = ab.gradients((ab.PUBLIC[name](wide_a, wide_b) * weight).sum(), [wide_a, wide_b])
    for gradient, of_copies, shape in zip(found, copies, (x_shape, y_shape), strict=True):
        assert gradient.shape == shape
        summed = of_copies.sum(axis=tuple(range(of_copies.ndim - len(shape))))
        stretched = tuple(k for k, n in enumerate(shape) if n == 1)
        np.testing.assert_allclose(
            gradient, summed.sum(axis=stretched, keepdims=True), rtol=1e-12, atol=1e-14
        )


@pytest.mark.parametrize("name", [*TWO, "power"])
def test_the_same_tensor_on_both_sides_gets_both_gradients(name: str) -> None:
    x = Tensor([0.7, 1.9])
    operation = ab.PUBLIC[name]
    (gradient,) = ab.gradients(operation(x, x).sum(), [x])
    if name in ("maximum", "minimum", "fmax", "fmin"):  # ties share equally
        expected = np.ones(2)
    else:
        reference = getattr(np, name)
        (expected,) = differences.gradients(lambda x: reference(x, x), [x.data.copy()], np.ones(2))
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
@pytest.mark.parametrize("make", [Tensor, Value], ids=["tensor", "value"])
def test_operands_that_tie_share_the_gradient_equally(name: str, make: Any) -> None:
    x, y = make(1.5), make(1.5)
    ab.PUBLIC[name](x, y).backward()
    assert float(x.grad) == float(y.grad) == 0.5


@pytest.mark.parametrize(
    ("expression", "gradient"),
    [
        (lambda x: ab.abs(x), 0.0),
        (lambda x: ab.relu(x), 0.0),
        (lambda x: ab.maximum(x, 0.0), 0.5),
        (lambda x: ab.minimum(x, 0.0), 0.5),
        (lambda x: ab.clip(x, 0.0, 1.0), 1.0),
        (lambda x: ab.clip(x, -1.0, 0.0), 1.0),
        (lambda x: ab.hypot(x, 0.0), 0.0),
        (lambda x: ab.sign(x), 0.0),
        (lambda x: ab.floor(x), 0.0),
    ],
    ids="abs relu maximum minimum clip_low clip_high hypot sign floor".split(),
)
@pytest.mark.parametrize("make", [Tensor, Value], ids=["tensor", "value"])
def test_the_gradient_at_a_kink_is_the_documented_subgradient(
    expression: Any, gradient: float, make: Any
) -> None:
    x = make(0.0)
    expression(x).backward()
    assert float(x.grad) == gradient


def test_clip_takes_the_array_api_names_of_its_bounds() -> None:
    x = Tensor([-2.0, 0.5, 3.0])
    result = ab.clip(x, min=-1.0, max=1.0)
    assert result.data.tolist() == [-1.0, 0.5, 1.0]
    assert np.clip(x, min=-1.0, max=1.0).data.tolist() == [-1.0, 0.5, 1.0]


def test_clip_with_crossed_bounds_gives_the_upper_one_as_numpy_does() -> None:
    x, low, high = Tensor([0.0, 5.0]), Tensor(2.0), Tensor(1.0)
    result = ab.clip(x, low, high)
    assert result.data.tolist() == np.clip([0.0, 5.0], 2.0, 1.0).tolist()
    gradients = ab.gradients(result.sum(), [x, low, high])
    assert [g.tolist() for g in gradients] == [[0.0, 0.0], 0.0, 2.0]


def test_bounds_that_are_given_twice_are_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        ab.clip(Tensor([1.0]), 0.0, 1.0, min=0.5, max=2.0)


@given_by(
    x=st.floats(allow_nan=True, allow_infinity=True),
    y=st.floats(allow_nan=True, allow_infinity=True),
)
@pytest.mark.parametrize("name", [*TWO, "power", "fmod", "remainder", "floor_divide", "heaviside"])
def test_a_value_and_an_array_agree_on_any_two_floats(name: str, x: float, y: float) -> None:
    with np.errstate(all="ignore"):
        expected = float(getattr(np, name)(x, y))
        found = ab.PUBLIC[name](Value(x), Value(y)).data
    if math.isnan(expected):
        assert math.isnan(found)
    else:
        assert found == pytest.approx(expected, rel=1e-14, abs=0.0)
        if x != 0 or y != 0:  # of two zeros, NumPy takes either
            assert math.copysign(1.0, found) == math.copysign(1.0, expected)


@given_by(x=st.floats(allow_nan=True, allow_infinity=True))
@pytest.mark.parametrize("name", [*EVERYWHERE, *POSITIVE, *INSIDE_UNIT, *ABOVE_ONE, *STEPS])
def test_a_value_and_an_array_agree_on_any_float(name: str, x: float) -> None:
    if name == "sinc" and abs(x) > 1e3:
        return  # NumPy's own sinc is inexact there
    with np.errstate(all="ignore"):
        expected = float(getattr(np, name)(x))
        found = ab.PUBLIC[name](Value(x)).data
    if math.isnan(expected):
        assert math.isnan(found)
    else:
        assert found == pytest.approx(expected, rel=4e-15, abs=1e-15 if name == "sinc" else 0.0)


PREDICATES = {
    "greater greater_equal less less_equal equal not_equal logical_and logical_or logical_xor": 2,
    "logical_not isnan isinf isfinite signbit": 1,
    "any all argmax argmin argsort count_nonzero": 1,
    "bitwise_and bitwise_or bitwise_xor": 2,
    "invert": 1,
}
X = np.array([[1.0, 0.0, np.nan], [-2.0, np.inf, 1.0]])
Y = np.array([1.0, 0.0, 2.0])
PREDICATE_CALLS = [(name, count) for names, count in PREDICATES.items() for name in names.split()]


@pytest.mark.parametrize(("name", "count"), PREDICATE_CALLS)
def test_a_predicate_gives_what_numpy_gives_and_no_history(name: str, count: int) -> None:
    operands = (X > 0, Y > 0) if name.startswith(("bitwise", "invert")) else (X, Y)
    operands = operands[:count]
    expected = getattr(np, name)(*operands)
    for function in (ab.PUBLIC[name], getattr(np, name)):
        tensors = [Tensor(o, requires_grad=o.dtype != bool) for o in operands]
        for mixed in (tensors, [tensors[0], *operands[1:]]):
            result = function(*mixed)
            assert not getattr(result, "requires_grad", False)
            np.testing.assert_array_equal(plain(result), expected)
            assert plain(result).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(ab.PUBLIC[name](*operands), expected)
    assert not isinstance(ab.PUBLIC[name](*operands), Tensor)


@pytest.mark.parametrize(
    ("name", "count"),
    [call for call in PREDICATE_CALLS if not call[0].startswith(("bitwise", "invert"))],
)
def test_a_predicate_of_values_gives_a_plain_answer(name: str, count: int) -> None:
    numbers = (1.5, 0.0)[:count]
    result = ab.PUBLIC[name](*map(Value, numbers))
    assert isinstance(result, bool | int | np.bool_ | np.integer | np.ndarray)
    assert result == getattr(np, name)(*numbers)


@pytest.mark.parametrize("name", "any all argmax argmin".split())
def test_a_predicate_takes_axis_and_keepdims(name: str) -> None:
    x = np.where(np.isfinite(X), X, 0.5)
    for options in ({"axis": 0}, {"axis": -1}, {"axis": 1, "keepdims": True}, {"axis": None}):
        expected = getattr(np, name)(x, **options)
        assert_same(ab.PUBLIC[name](Tensor(x), **options), expected)
        assert_same(getattr(np, name)(Tensor(x), **options), expected)
        assert_same(getattr(Tensor(x), name)(**options), expected)


def test_where_passes_nothing_to_the_branch_that_is_not_taken() -> None:
    x = Tensor([0.0, 4.0, -1.0])
    with np.errstate(invalid="ignore", divide="ignore"):
        y = ab.where(x > 0, ab.sqrt(x) + ab.log(x), 0.0)
        y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.5, 0.0]


def test_a_condition_that_is_a_tensor_gets_no_gradient() -> None:
    condition, x = Tensor([1.0, 0.0]), Tensor([3.0, 4.0])
    result = ab.where(condition, x, 0.0)
    assert result.data.tolist() == [3.0, 0.0]
    result.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]
    assert condition.grad is None or not condition.grad.any()

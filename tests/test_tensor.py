"""Tensor: an array node that behaves like an ndarray and remembers how it was computed."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests.expressions import evaluate

# -- construction ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        2.5,
        [1.0, 2.0],
        [[1.0], [2.0]],
        (1.0, 2),
        np.float32(2.5),
        np.ones((2, 3), np.float32),
        np.ones((2, 3)),
        np.ones(2, np.float16),
        np.ones(2, np.longdouble),
        np.ones((2, 0)),
        [],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6.0)[::-2],
        np.arange(3.0).astype(">f8"),
        range(0),
    ],
    ids=repr,
)
def test_data_is_what_numpy_makes_of_it_copied(data: Any) -> None:
    tensor = Tensor(data)
    expected = np.array(data)
    assert tensor.shape == expected.shape
    assert tensor.dtype == expected.dtype
    assert (tensor.ndim, tensor.size) == (expected.ndim, expected.size)
    assert type(tensor.data) is np.ndarray
    np.testing.assert_array_equal(tensor.data, expected)
    assert not np.shares_memory(tensor.data, data) if isinstance(data, np.ndarray) else True


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (2, "2.0"),
        (True, "1.0"),
        ([1, 2], "[1.0, 2.0]"),
        (np.arange(100), "astype(float)"),
        (np.ones((2, 2), np.uint8), "astype(float)"),
    ],
    ids=repr,
)
def test_integers_and_truth_values_need_floats_or_no_gradient(data: Any, advice: str) -> None:
    with pytest.raises(TypeError) as caught:
        Tensor(data)
    assert advice in str(caught.value)
    assert "requires_grad=False" in str(caught.value)
    plain = Tensor(data, requires_grad=False)
    assert plain.dtype == np.asarray(data).dtype
    assert not plain.requires_grad


@pytest.mark.parametrize(
    "data",
    [
        "text",
        b"text",
        ["a", "b"],
        None,
        1j,
        [1j],
        {},
        {1.0},
        object(),
        [None, 1.0],
        np.array([1.0, None]),
        np.array(["2024-01-01"], "M8[D]"),
        np.array([(1.0, 2)], "f8,i4"),
        np.ma.array([1.0, 2.0], mask=[True, False]),
        lambda: 1.0,
        slice(1),
    ],
    ids=lambda data: type(data).__name__,
)
def test_what_is_no_array_of_real_numbers_is_refused(data: Any) -> None:
    for requires_grad in (True, False):
        with pytest.raises(TypeError, match=r"Tensor"):
            Tensor(data, requires_grad=requires_grad)


def test_rows_of_different_lengths_are_refused_with_a_reason() -> None:
    with pytest.raises(ValueError, match="same length"):
        Tensor([[1.0, 2.0], [3.0]])


def test_a_list_of_nodes_is_refused_and_stack_suggested() -> None:
    x = Tensor(1.0)
    for data in ([x, x], [Value(1.0)], [[Value(1.0), 2.0]], (x, 1.0)):
        with pytest.raises(TypeError, match="stack"):
            Tensor(data)  # type: ignore[arg-type]


def test_a_name_is_any_text_or_none() -> None:
    for name in ("W", "", "苹果", "<b>\n", None):
        assert Tensor(1.0, name=name).name == name
    with pytest.raises(TypeError, match="name"):
        Tensor(1.0, name=5)  # type: ignore[arg-type]


def test_changing_the_array_it_was_made_from_changes_nothing() -> None:
    array = np.array([1.0, 2.0])
    x = Tensor(array)
    y = (x * x).sum()
    array[:] = 100.0
    assert x.data.tolist() == [1.0, 2.0]
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


# -- operators ------------------------------------------------------------------------------------

OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]
FLOATS = [np.float32, np.float64]
# Everything that may stand beside a tensor.
OTHERS: list[Callable[[], Any]] = [
    lambda: 2,
    lambda: 2.0,
    lambda: True,
    lambda: np.float32(2),
    lambda: np.float64(2),
    lambda: np.int64(2),
    lambda: np.int8(2),
    lambda: np.bool_(True),
    lambda: np.array(2.0),
    lambda: np.array(2.0, np.float32),
    lambda: np.array([2.0, 3.0]),
    lambda: np.array([2.0, 3.0], np.float32),
    lambda: np.array([2, 3]),
    lambda: np.array([[2], [3]], np.int16),
    lambda: np.array([True, True]),
    lambda: [2.0, 3.0],
    lambda: [[1], [2]],
    lambda: (2.0, 3.0),
]


def other_name(make: Callable[[], Any]) -> str:
    other = make()
    what = f"{type(other).__name__} {getattr(other, 'dtype', '')} {np.shape(other)}"
    return "_".join(what.split())


@pytest.mark.parametrize("compute", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("make", OTHERS, ids=other_name)
@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
@pytest.mark.parametrize("shape", [(), (2,), (2, 2)], ids=str)
def test_values_dtypes_and_shapes_are_numpys_on_either_side(
    compute: Any, make: Callable[[], Any], dtype: Any, shape: tuple[int, ...]
) -> None:
    array = (np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape) * 1.5).astype(dtype)
    other = make()
    as_numpy = np.asarray(other) if isinstance(other, list | tuple) else other
    for ours, numpys in [
        (lambda t: compute(t, other), lambda a: compute(a, as_numpy)),
        (lambda t: compute(other, t), lambda a: compute(as_numpy, a)),
    ]:
        tensor = Tensor(array)
        result, expected = ours(tensor), numpys(array)
        assert type(result) is Tensor
        assert result.shape == np.shape(expected)
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result.data, expected)
        result.sum().backward()
        assert tensor.grad.shape == shape
        assert tensor.grad.dtype == dtype
        assert type(tensor.grad) is np.ndarray


@pytest.mark.parametrize("compute", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("left", FLOATS, ids=lambda d: d.__name__)
@pytest.mark.parametrize("right", FLOATS, ids=lambda d: d.__name__)
def test_two_tensors_promote_as_in_numpy_and_each_gradient_keeps_its_own_dtype(
    compute: Any, left: Any, right: Any
) -> None:
    x, y = Tensor(np.array([1.5, 2.5], left)), Tensor(np.array([[2.0], [3.0]], right))
    result = compute(x, y)
    assert result.dtype == np.result_type(left, right)
    result.sum().backward()
    for tensor, dtype in ((x, left), (y, right)):
        assert tensor.grad.dtype == dtype
        assert tensor.grad.shape == tensor.shape


@pytest.mark.parametrize("compute", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.__name__)
def test_a_value_beside_a_tensor_is_a_weak_number(compute: Any, dtype: Any) -> None:
    x, v = Tensor(np.array([1.5, 2.5], dtype)), Value(2.0)
    for result in (compute(x, v), compute(v, x)):
        assert type(result) is Tensor
        assert result.dtype == dtype
        result.sum().backward()
    assert x.grad.dtype == dtype
    assert type(v.grad) is float


def test_results_without_axes_stay_arrays_of_the_same_dtype() -> None:
    for dtype in FLOATS:
        x = Tensor(np.array([1.0, 2.0], dtype))
        for y in (x.sum(), x.mean(), x[0], x.max(), x @ x, x.std(), ab.linalg.norm(x), x.sum() * 2):
            assert type(y.data) is np.ndarray
            assert (y.shape, y.dtype) == ((), dtype)
            assert (y * np.pi).dtype == dtype


def test_matrix_products_on_either_side() -> None:
    A, B = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    for left, right in [
        (Tensor(A), Tensor(B)),
        (Tensor(A), B),
        (A, Tensor(B)),
        (Tensor(A), B.tolist()),
        (A.tolist(), Tensor(B)),
    ]:
        product = left @ right
        assert type(product) is Tensor
        np.testing.assert_array_equal(product.data, A @ B)
        product.sum().backward()
        if isinstance(left, Tensor):
            np.testing.assert_array_equal(left.grad, np.ones((2, 4)) @ B.T)
        if isinstance(right, Tensor):
            np.testing.assert_array_equal(right.grad, A.T @ np.ones((2, 4)))


@pytest.mark.parametrize("compute", [*OPERATORS, operator.matmul], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "other",
    [
        None,
        "text",
        1j,
        np.complex128(1),
        np.array([1j, 2.0]),
        np.array(["a", "b"]),
        np.array([None, 1.0]),
        object(),
        {},
        [None, 1.0],
        ["a", "b"],
        [1j, 2.0],
        np.ma.array([1.0, 2.0], mask=[True, False]),
    ],
    ids=lambda other: type(other).__name__,
)
def test_an_operand_that_is_no_array_of_real_numbers_is_a_type_error(
    compute: Any, other: Any
) -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        compute(x, other)
    if not (compute is operator.mod and isinstance(other, str)):  # "text" % x formats text
        with pytest.raises(TypeError):
            compute(other, x)


def test_unary_operators_abs_divmod_and_augmented_assignment() -> None:
    x = leaf = Tensor([-2.5, 4.0])
    assert (+x) is x
    assert (-x).data.tolist() == [2.5, -4.0]
    assert abs(x).data.tolist() == [2.5, 4.0]
    assert [part.data.tolist() for part in divmod(x, 2.0)] == [[-2.0, 2.0], [1.5, 0.0]]
    assert [part.data.tolist() for part in divmod(9.0, x)] == [[-4.0, 2.0], [-1.0, 1.0]]
    x = leaf.copy()
    x += 1.0
    x *= np.array([2.0, 3.0])
    x -= x
    assert leaf.data.tolist() == [-2.5, 4.0]
    (x + leaf).sum().backward()
    assert leaf.grad.tolist() == [1.0, 1.0]


def test_an_array_is_not_changed_in_place_by_a_tensor() -> None:
    array, x = np.array([1.0, 2.0]), Tensor([10.0, 20.0])
    for change in (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow):
        with pytest.raises(TypeError, match="gradient"):
            change(array, x)
    assert array.tolist() == [1.0, 2.0]
    with pytest.raises(TypeError):
        array[:] = x
    assert array.tolist() == [1.0, 2.0]


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3, min_side=0))
def test_gradients_of_broadcast_operands_have_their_operands_shapes(shapes: Any) -> None:
    a, b, c = (Tensor(np.full(shape, 2.0)) for shape in shapes.input_shapes)
    result = a * b + c
    assert result.shape == shapes.result_shape
    result.backward(np.ones(shapes.result_shape))
    copies = result.size
    for tensor, slope in ((a, 2.0), (b, 2.0), (c, 1.0)):
        assert tensor.grad.shape == tensor.shape
        if tensor.size:
            np.testing.assert_array_equal(tensor.grad, slope * copies / tensor.size)


# -- comparison, hashing, containers, conversion --------------------------------------------------

COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
def test_comparison_is_elementwise_on_either_side_and_has_no_gradient(compare: Any) -> None:
    array, other = np.array([1.0, 2.0, np.nan]), np.array([1.0, 1.5, 1.0])
    x, y = Tensor(array), Tensor(other)
    for result in (compare(x, y), compare(x, other), compare(array, y), compare(x, other.tolist())):
        assert type(result) is Tensor
        assert result.dtype == bool
        assert not result.requires_grad
        np.testing.assert_array_equal(result.data, compare(array, other))
    for number in (1, 1.5, np.float32(2), Value(2.0)):
        plain = float(number)
        np.testing.assert_array_equal(compare(x, number).data, compare(array, plain))
        np.testing.assert_array_equal(compare(number, x).data, compare(plain, array))


def test_a_tensor_equals_nothing_that_is_no_array() -> None:
    x = Tensor([1.0])
    for other in (None, "a", object(), {}):
        assert (x == other) is False
        assert (x != other) is True
        with pytest.raises(TypeError):
            _ = x < other


def test_masks_combine_with_logical_operators() -> None:
    x = Tensor([-1.0, 0.5, 2.0])
    assert ((x > 0) & (x < 1)).data.tolist() == [False, True, False]
    assert ((x < 0) | (x > 1)).data.tolist() == [True, False, True]
    assert ((x < 0) ^ (x < 1)).data.tolist() == [False, True, False]
    assert (~(x > 0)).data.tolist() == [True, False, False]
    assert (np.array([True, True, False]) & (x > 0)).data.tolist() == [False, True, False]
    assert (True | (x > 0)).data.tolist() == [True, True, True]
    with pytest.raises(TypeError):
        _ = ~x
    with pytest.raises(TypeError):
        _ = x & x


def test_hashing_is_by_identity() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    assert {x: "x", y: "y"}[y] == "y"
    assert len({x, y, x}) == 2


def test_length_iteration_and_unpacking_follow_the_first_axis() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    first, second = x
    assert type(first) is Tensor
    (first * 10.0 + second).sum().backward()
    assert x.grad.tolist() == [[10.0, 10.0], [1.0, 1.0]]
    assert [row.data.tolist() for row in reversed(list(x))] == [[3.0, 4.0], [1.0, 2.0]]
    assert list(Tensor(np.zeros((0, 2)))) == []
    for use in (len, iter, list):
        with pytest.raises(TypeError):
            use(Tensor(1.0))


def test_membership_is_by_value() -> None:
    x = Tensor([1.0, 2.0])
    assert 2.0 in x
    assert 3.0 not in x
    assert Tensor(2.0) in x
    for other in ("a", None):
        assert other not in x


def test_conversion_of_one_element_to_a_plain_number() -> None:
    for x in (Tensor(2.75), Tensor([2.75]), Tensor([[2.75]])):
        assert float(x) == 2.75
        assert type(float(x)) is float
        assert int(x) == 2
        assert x.item() == 2.75
        assert type(x.item()) is float
        assert bool(x) is True
    assert bool(Tensor(0.0)) is False
    assert Tensor([1.0, 2.0]).item(1) == 2.0
    assert Tensor([[1.0, 2.0]]).item(0, 1) == 2.0
    assert Tensor([[1.0, 2.0]]).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    "convert", [float, int, bool, lambda x: x.item()], ids=["float", "int", "bool", "item"]
)
def test_several_elements_or_none_do_not_convert(convert: Any) -> None:
    for data in ([1.0, 2.0], np.zeros((0,))):
        with pytest.raises((TypeError, ValueError)):
            convert(Tensor(data))


def test_only_a_whole_number_is_an_index() -> None:
    letters = "abc"
    assert letters[Tensor(1, requires_grad=False)] == "b"
    assert list(range(Tensor(2, requires_grad=False))) == [0, 1]
    for data in (1.0, [1.0]):
        with pytest.raises(TypeError):
            _ = letters[Tensor(data)]


def test_it_turns_into_an_array_only_where_no_gradient_is_lost() -> None:
    x = Tensor([1.0, 2.0])
    for convert in (
        np.asarray,
        np.array,
        lambda t: np.array([t, t]),
        lambda t: np.asarray(t, "f4"),
    ):
        with pytest.raises(TypeError, match="gradient"):
            convert(x)
    plain = x.detach()
    array = np.asarray(plain)
    array[0] = 100.0
    assert plain.data.tolist() == [1.0, 2.0]
    assert np.asarray(plain, np.float32).dtype == np.float32
    numbers = x.numpy()
    numbers[0] = 100.0
    assert x.data.tolist() == [1.0, 2.0]


def test_repr_shows_numbers_name_operation_and_is_short_for_large_arrays() -> None:
    x = Tensor([1.0, 2.0], name="x")
    assert repr(x) == "Tensor([1., 2.], name='x')"
    assert repr(x * 3.0) == "Tensor([3., 6.], op='mul')"
    assert repr(Tensor(1.5)) == "Tensor(1.5)"
    assert repr(Tensor([1.5], requires_grad=False)) == "Tensor([1.5], requires_grad=False)"
    assert repr(Tensor(np.float32(1.5))) == "Tensor(1.5, dtype=float32)"
    assert "shape=(0, 3)" in repr(Tensor(np.zeros((0, 3))))
    large = Tensor(np.random.default_rng(0).normal(size=(100, 784)).astype(np.float32), name="W")
    text = repr(large)
    assert len(text) < 200
    assert "shape=(100, 784)" in text
    assert "float32" in text
    assert "name='W'" in text
    assert repr(x > 1.5) == "Tensor([False,  True])"


# -- changing data --------------------------------------------------------------------------------


def test_the_data_of_a_leaf_can_be_written_to_and_of_a_result_not() -> None:
    x = Tensor([1.0, 2.0])
    x.data[0] = 5.0
    x.data += 1.0
    x.data *= np.array([1.0, 2.0])
    assert x.data.tolist() == [6.0, 6.0]
    y = x * 2.0
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 1.0
    with pytest.raises((TypeError, ValueError)):
        y.data += 1.0
    with pytest.raises(TypeError, match="mul"):
        y.data = np.zeros(2)
    assert y.data.tolist() == [12.0, 12.0]


def test_new_data_is_copied_and_keeps_dtype_and_shape() -> None:
    x = Tensor(np.ones(2, np.float32))
    new = np.array([3.0, 4.0])
    x.data = new
    new[:] = 0.0
    assert x.data.tolist() == [3.0, 4.0]
    assert x.dtype == np.float32
    x.data = [5, 6]
    assert (x.data.tolist(), x.dtype) == ([5.0, 6.0], np.float32)
    with pytest.raises(ValueError, match="shape"):
        x.data = np.zeros(3)
    with pytest.raises(ValueError, match="shape"):
        x.data = 0.0
    for wrong in ("a", None, [1j, 0j]):
        with pytest.raises((TypeError, ValueError)):
            x.data = wrong
    assert x.data.tolist() == [5.0, 6.0]


def test_assigning_to_elements_is_refused_with_the_remedy() -> None:
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError, match=r"ab\.at"):
        x[0] = 5.0
    with pytest.raises((TypeError, AttributeError)):
        del x[0]  # type: ignore[attr-defined]
    assert x.data.tolist() == [1.0, 2.0]


CHANGES: dict[str, Callable[[Tensor], None]] = {
    "element": lambda x: x.data.__setitem__(0, 100.0),
    "all": lambda x: x.data.fill(100.0),
    "in place": lambda x: setattr(x, "data", operator.isub(x.data, 100.0)),
    "new array": lambda x: setattr(x, "data", np.full(x.shape, 100.0)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("held", ["nothing", "the array", "a view"])
def test_a_recorded_graph_keeps_the_numbers_it_was_computed_with(change: str, held: str) -> None:
    def f(x: Any) -> Any:
        return (x * x * x + ab.exp(x) + x.reshape(2, 1) @ x.reshape(1, 2)).sum()

    numbers = np.array([0.5, 1.5])
    expected_slope = ab.grad(f)(numbers)
    expected_curve = ab.hessian(f)(numbers) @ np.ones(2)
    x = Tensor(numbers)
    array = {"nothing": None, "the array": x.data, "a view": x.data[::-1]}[held]
    y = f(x)
    CHANGES[change](x)
    (slope,) = ab.gradients(y, [x], create_graph=True)
    np.testing.assert_array_equal(slope.data, expected_slope)
    np.testing.assert_allclose(
        ab.gradients(slope, [x], cotangent=np.ones(2))[0], expected_curve, rtol=1e-14
    )
    if array is not None:
        array[:] = -7.0
    y.backward()
    np.testing.assert_array_equal(x.grad, expected_slope)
    assert f(x).data != y.data


def test_a_view_taken_before_recording_can_not_change_the_graph_either() -> None:
    x = Tensor([1.0, 2.0])
    view = x.data[:1]
    y = (x * x).sum()
    view[0] = 50.0
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]
    assert x.data.tolist() == [50.0, 2.0]


def test_results_computed_without_recording_do_not_follow_the_leaf() -> None:
    x = Tensor([[1.0, 2.0]])
    with ab.no_grad():
        views = [x.T, x.reshape(2), x[0], x * 1.0, x.copy()]
    detached = x.detach()
    x.data[:] = 9.0
    for view in (*views, detached):
        assert 9.0 not in view.data
    views[0].data[:] = 7.0
    assert x.data.tolist() == [[9.0, 9.0]]


# A constant operand, an index, a mask... : what is computed with it must not change afterwards.
MUTABLE: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "x * a": (lambda x, a: x * a, [2.0, 3.0, 4.0]),
    "a * x": (lambda x, a: a * x, [2.0, 3.0, 4.0]),
    "x + a": (lambda x, a: (x + a) ** 2, [2.0, 3.0, 4.0]),
    "x / a": (lambda x, a: x / a, [2.0, 3.0, 4.0]),
    "a / x": (lambda x, a: a / x, [2.0, 3.0, 4.0]),
    "x ** a": (lambda x, a: x**a, [2.0, 3.0, 4.0]),
    "a ** x": (lambda x, a: a**x, [2.0, 3.0, 4.0]),
    "x % a": (lambda x, a: x % a, [2.0, 3.0, 0.4]),
    "x @ a": (lambda x, a: x @ a, [2.0, 3.0, 4.0]),
    "dot": (lambda x, a: ab.dot(a, x), [2.0, 3.0, 4.0]),
    "outer": (lambda x, a: ab.outer(a, x), [2.0, 3.0, 4.0]),
    "einsum": (lambda x, a: ab.einsum("i,j->ij", x, a), [2.0, 3.0, 4.0]),
    "a list": (lambda x, a: x * a, None),
    "maximum": (lambda x, a: ab.maximum(x, a), [0.0, 3.0, 0.0]),
    "hypot": (lambda x, a: ab.hypot(x, a), [2.0, 3.0, 4.0]),
    "arctan2": (lambda x, a: ab.arctan2(a, x), [2.0, 3.0, 4.0]),
    "clip": (lambda x, a: ab.clip(x, None, a), [0.0, 9.0, 9.0]),
    "where": (lambda x, a: ab.where(a, x, -x), [True, False, True]),
    "sum where": (lambda x, a: ab.sum(x, where=a), [True, False, True]),
    "mean where": (lambda x, a: ab.mean(x, where=a), [True, False, True]),
    "max where": (lambda x, a: ab.max(x, where=a, initial=-9.0), [True, False, True]),
    "index": (lambda x, a: x[a], [0, 0, 2]),
    "index in a tuple": (lambda x, a: x[None, :][:, a], [0, 0, 2]),
    "mask": (lambda x, a: x[a], [True, False, True]),
    "take": (lambda x, a: ab.take(x, a), [0, 0, 2]),
    "repeat": (lambda x, a: ab.repeat(x, a), [1, 0, 2]),
    "at set": (lambda x, a: ab.at(x, a).set(0.0), [0, 0, 2]),
    "at add": (lambda x, a: ab.at(x, [0, 1, 1]).add(a) ** 2, [2.0, 3.0, 4.0]),
    "at values": (lambda x, a: ab.at(x * 1.0, [0]).set(a[:1]) ** 2, [2.0, 3.0, 4.0]),
    "concatenate": (lambda x, a: ab.concatenate([x, a]) ** 2, [2.0, 3.0, 4.0]),
    "stack": (lambda x, a: ab.prod(ab.stack([a, x]), axis=0), [2.0, 3.0, 4.0]),
    "pad": (lambda x, a: ab.prod(ab.pad(x, 1, constant_values=a[0])), [2.0, 3.0, 4.0]),
    "np.multiply": (lambda x, a: np.multiply(a, x), [2.0, 3.0, 4.0]),
}


def _mutate(a: Any) -> None:
    if isinstance(a, list):
        a[:] = [9.0, 9.0, 9.0]
    elif a.dtype == bool:
        a[...] = ~a
    elif a.dtype.kind == "i":
        a[...] = 1
    else:
        a[...] = 90.0


@pytest.mark.parametrize("name", MUTABLE)
@pytest.mark.parametrize("form", ["array", "view", "frozen view", "strided", "list"])
def test_changing_an_operand_after_use_changes_no_gradient(name: str, form: str) -> None:
    f, data = MUTABLE[name]
    data = [2.0, 3.0, 4.0] if data is None else data
    numbers = np.array([0.5, 1.5, 2.5])

    def gradients(change: bool) -> list[Any]:
        base = np.array(data)
        if form == "view":
            operand: Any = base[:]
        elif form == "frozen view":
            operand = base.view()
            operand.flags.writeable = False
        elif form == "strided":
            operand = np.lib.stride_tricks.sliding_window_view(base, 3)[0]
        elif form == "list" and name not in ("where", "at add", "at values", "pad"):
            operand = base = list(data)
        else:
            operand = base
        x = Tensor(numbers)
        y = f(x, operand)
        z = (y * y).sum()
        if change:
            _mutate(base)
        (first,) = ab.gradients(z, [x], create_graph=True)
        second = ab.gradients(first, [x], cotangent=np.ones(3))[0] if first.requires_grad else 0.0
        z.backward()
        return [z.data, first.data, second, x.grad]

    for found, expected in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_a_graph_says_it_was_computed_from_does_not_change_either() -> None:
    x = Tensor([1.0, 2.0])
    constant = np.array([3.0, 4.0])
    y = x + constant
    constant[:] = 99.0
    assert y.parents[1].data.tolist() == [3.0, 4.0]
    assert [np.asarray(arg).tolist() for arg in y.args] == [[1.0, 2.0], [3.0, 4.0]]


def test_a_cotangent_is_neither_kept_nor_changed() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    z = x + y
    cotangent = np.array([3.0, 4.0])
    z.backward(cotangent, retain_grads=True)
    assert cotangent.tolist() == [3.0, 4.0]
    cotangent[:] = 0.0
    assert [node.grad.tolist() for node in (x, y, z)] == [[3.0, 4.0]] * 3


# -- gradients are arrays of one's own ------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "x + y",
        "(x + y).reshape(4)",
        "(x + y).T",
        "x - y + x.T",
        "ab.stack([x, y])",
        "ab.concatenate([x, y, x])",
        "(x + y).sum() + (x + y)[0, 0]",
        "ab.broadcast_to(x + y, (3, 2, 2))",
        "ab.where(np.eye(2) > 0, x, y)",
    ],
)
def test_no_gradient_shares_memory_with_another_array(expression: str) -> None:
    x, y = Tensor(np.ones((2, 2))), Tensor(np.ones((2, 2)))
    z = evaluate(expression, x=x, y=y)
    cotangent = np.ones(z.shape)
    for _ in range(2):
        z.backward(cotangent, retain_grads=True)
        nodes = [node for node in ab.graph.topological_order(z) if node.grad is not None]
        arrays = [node.grad for node in nodes] + [node.data for node in nodes] + [cotangent]
        for i, one in enumerate(arrays):
            for j, other in enumerate(arrays[:i]):
                if i >= len(nodes) and j >= len(nodes):
                    continue  # data of a view may share memory with data
                assert not np.shares_memory(one, other)
        for node in nodes:
            assert node.grad.flags.writeable
    before = y.grad.copy()
    x.grad *= 100.0
    np.testing.assert_array_equal(y.grad, before)
    returned = ab.gradients(z, [x, y, z], cotangent=cotangent)
    for gradient in returned:
        assert gradient.flags.writeable
        gradient *= 0.0
    again = ab.gradients(z, [x, y, z], cotangent=cotangent)
    assert again[0].any()
    assert again[1].any()


def test_a_gradient_changed_by_the_user_is_added_to_as_it_is() -> None:
    x = Tensor([1.0, 2.0])
    (x * 2.0).sum().backward()
    x.grad *= 10.0
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [22.0, 22.0]
    x.grad = np.zeros(2)
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


# -- the graph ------------------------------------------------------------------------------------


def test_detach_copies_and_stops_the_derivative() -> None:
    x = Tensor([1.0, 2.0], name="x")
    cut = x.detach()
    assert not cut.requires_grad
    assert cut.name == "x"
    assert not np.shares_memory(cut.data, x.data)
    (x * cut).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0]


def test_copy_passes_the_derivative_and_has_its_own_array() -> None:
    x = Tensor([1.0, 2.0])
    y = x.copy()
    (y * 3.0).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    x.data[:] = 9.0
    assert y.data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("cotangent", "error"),
    [
        (np.ones(3), ValueError),
        (np.ones((1, 2)), ValueError),
        (1.0, ValueError),
        (np.float64(1.0), ValueError),
        ("ab", TypeError),
        (["a", "b"], TypeError),
        ([1j, 0j], TypeError),
        ([None, None], TypeError),
        ([[1.0], [1.0, 2.0]], ValueError),
        (Tensor([1.0]), ValueError),
        (Value(1.0), ValueError),
    ],
    ids=repr,
)
def test_a_cotangent_of_another_shape_or_kind_is_refused_before_anything_changes(
    cotangent: Any, error: type[Exception]
) -> None:
    x = Tensor([1.0, 2.0])
    y = x * 3.0
    with pytest.raises(error, match="cotangent"):
        y.backward(cotangent)
    assert x.grad is None


@pytest.mark.parametrize("cotangent", [[1, 2], np.array([1, 2], np.float32), Tensor([1.0, 2.0])])
def test_a_cotangent_of_any_real_dtype_serves(cotangent: Any) -> None:
    x = Tensor([1.0, 2.0])
    (x * 3.0).backward(cotangent)
    assert x.grad.tolist() == [3.0, 6.0]
    assert x.grad.dtype == np.float64


def test_a_single_element_of_any_shape_needs_no_cotangent() -> None:
    for shape in ((), (1,), (1, 1, 1)):
        x = Tensor(np.full(shape, 2.0))
        (x * 3.0).backward()
        np.testing.assert_array_equal(x.grad, np.full(shape, 3.0))


def test_several_elements_need_a_cotangent() -> None:
    for shape in ((2,), (0,), (1, 2)):
        y = Tensor(np.ones(shape)) * 2.0
        with pytest.raises(ValueError, match=r"sum\(\)"):
            y.backward()


# -- copying --------------------------------------------------------------------------------------


def test_copy_of_the_copy_module_is_a_leaf_with_its_own_array() -> None:
    x = Tensor([1.0, 2.0], name="x")
    y = x * 2.0
    for node in (x, y):
        twin = copy.copy(node)
        assert twin.rule is None
        assert twin.name == node.name
        assert twin.requires_grad == node.requires_grad
        assert not np.shares_memory(twin.data, node.data)
        twin.data[0] = 100.0
        assert 100.0 not in node.data


def test_deepcopy_copies_graph_sharing_gradients_and_arrays() -> None:
    x = Tensor([1.0, 2.0], name="x")
    y = x * x
    z = (y + y * 3.0).sum()
    z.backward(retain_grads=True)
    twins = copy.deepcopy({"x": x, "z": z})
    twin_x, twin_z = twins["x"], twins["z"]
    total = twin_z.parents[0]
    assert total.parents[0] is total.parents[1].parents[0]
    assert total.parents[0].parents[0] is twin_x
    np.testing.assert_array_equal(twin_x.grad, x.grad)
    assert not np.shares_memory(twin_x.grad, x.grad)
    assert not np.shares_memory(twin_x.data, x.data)
    twin_x.zero_grad()
    twin_z.backward()
    np.testing.assert_array_equal(twin_x.grad, x.grad)
    second = ab.gradients(twin_z, [twin_x], create_graph=True)[0]
    np.testing.assert_array_equal(ab.gradients(second.sum(), [twin_x])[0], [8.0, 8.0])
    twin_x.data[:] = 50.0
    assert x.data.tolist() == [1.0, 2.0]


@pytest.mark.usefixtures("no_collector")
def test_deepcopy_of_a_chain_of_100_000_tensors_needs_no_recursion() -> None:
    x = Tensor(1.0)
    y = x
    for _ in range(100_000):
        y = -y
    twin = copy.deepcopy(y)
    twin.backward()
    assert x.grad is None
    assert twin.data == 1.0


def test_a_tensor_is_not_pickled() -> None:
    for node in (Tensor([1.0]), Tensor([1.0]) * 2.0):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(node)


def test_unknown_attributes_cannot_be_set_by_a_slip() -> None:
    x = Tensor([1.0])
    with pytest.raises(AttributeError):
        x.requires_gard = False  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        x.shape = (1, 1)  # type: ignore[misc]


@given(
    array=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_a_chain_of_views_and_copies_gives_back_the_same_array_and_gradient(
    array: np.ndarray,
) -> None:
    x = Tensor(array)
    y = x.T.reshape(x.T.shape).copy().T
    np.testing.assert_array_equal(y.data, array)
    y.backward(np.ones(array.shape))
    np.testing.assert_array_equal(x.grad, np.ones(array.shape))
    assert x.grad.dtype == array.dtype


def test_requiring_a_gradient_can_be_switched_on_and_off_for_a_leaf_of_floats() -> None:
    x = Tensor([1.0, 2.0], requires_grad=False)
    x.requires_grad = True
    (x * 3.0).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    x.requires_grad = False
    assert not (x * 3.0).requires_grad


def test_whole_numbers_never_get_a_truncated_gradient() -> None:
    x = Tensor([1, 2], requires_grad=False)

    def switch_on_and_run() -> None:
        x.requires_grad = True
        (x * 2.5).sum().backward()

    with pytest.raises(TypeError, match="gradient"):
        switch_on_and_run()
    assert x.grad is None


def test_a_gradient_of_another_shape_that_was_put_there_is_an_error_that_changes_nothing() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    for leaf, other in ((x, y), (y, x)):
        leaf.grad, other.grad = np.zeros(3), np.ones(2)
        with pytest.raises((ValueError, TypeError)):
            (x * y).sum().backward()
        assert other.grad.tolist() == [1.0, 1.0]
        assert leaf.grad.tolist() == [0.0, 0.0, 0.0]
        x.zero_grad()
        y.zero_grad()

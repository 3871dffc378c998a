"""Reading by every kind of index, `take`, and functional updates with `at`, against NumPy."""

from __future__ import annotations

import array as array_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests.expressions import evaluate
from tests.function_cases import Case, claims, reals

CASES = [
    Case("take", reals(5), [0, 3, 3]),
    Case("take", reals(5), -1),
    Case("take", reals(2, 3), [0, 5, 1]),
    Case("take", reals(2, 3), np.array([[0, 2], [2, 2]]), axis=1),
    Case("take", reals(2, 3), 1, axis=-1),
    Case("take", reals(2, 3), [[1]], 0),
    Case("take", reals(4), [5, -6, 2], mode="wrap"),
    Case("take", reals(4), [5, -6, 2], mode="clip"),
    Case("take", reals(2, 3), [-4, 4], axis=1, mode="wrap"),
    Case("take", reals(3), np.zeros((0,), int)),
]


@pytest.mark.parametrize(("claim", "case"), claims(CASES))
def test_every_call_is_as_claimed(claim: Any, case: Case) -> None:
    claim(case)


def whole_numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Floats with whole values: sums of them are exact."""
    return np.random.default_rng(seed).integers(-9, 9, shape).astype(float)


def counted(shape: tuple[int, ...], index: Any, weight: np.ndarray) -> np.ndarray:
    """Where each element of a picked array came from gets its weight: the adjoint, by positions."""
    positions = np.arange(int(np.prod(shape))).reshape(shape)[index]
    gradient = np.zeros(int(np.prod(shape)))
    for position, w in zip(np.ravel(positions), np.ravel(weight), strict=True):
        gradient[position] += w
    return gradient.reshape(shape)


def assert_reads_like_numpy(shape: tuple[int, ...], index: Any) -> None:
    x = whole_numbers(shape)
    expected = np.asarray(x[index])
    tensor = Tensor(x)
    result = tensor[index]
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result.data, expected)
    weight = whole_numbers(expected.shape, 1)
    result.backward(weight)
    np.testing.assert_array_equal(tensor.grad, counted(shape, index, weight))
    tangent = whole_numbers(shape, 2)
    _, pushed = ab.jvp(lambda x: x[index], (x,), (tangent,))
    np.testing.assert_array_equal(pushed, tangent[index])
    second = ab.hvp(lambda x: (x[index] * x[index] * weight).sum(), x, tangent)
    np.testing.assert_array_equal(second, counted(shape, index, 2.0 * weight * tangent[index]))


A_SHAPE = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@given_by(data=st.data(), shape=A_SHAPE)
def test_slices_integers_ellipsis_and_newaxis(data: st.DataObject, shape: tuple[int, ...]) -> None:
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    assert_reads_like_numpy(shape, index)


@given_by(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
def test_integer_arrays_with_repetitions_and_broadcasting(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    index = data.draw(
        hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=4))
    )
    assert_reads_like_numpy(shape, index)
    as_lists = tuple(piece.tolist() for piece in index)
    assert_reads_like_numpy(shape, as_lists)


@given_by(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
def test_masks_of_all_or_of_the_leading_axes(data: st.DataObject, shape: tuple[int, ...]) -> None:
    leading = data.draw(st.integers(1, len(shape)))
    mask = data.draw(hnp.arrays(bool, shape[:leading]))
    assert_reads_like_numpy(shape, mask)
    assert_reads_like_numpy(shape, (mask,))
    assert_reads_like_numpy(shape, (mask, ...))


@given_by(data=st.data(), shape=hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=3))
def test_arrays_masks_slices_and_newaxis_together(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    length = data.draw(st.integers(1, 3))
    pieces: list[Any] = []
    for n in shape:
        positions = st.lists(st.integers(-n, n - 1), min_size=length, max_size=length)
        kind = data.draw(st.sampled_from(["slice", "integer", "array", "list", "new"]))
        if kind == "new":
            pieces.append(None)
            kind = "slice"
        pieces.append(
            {
                "slice": st.slices(n),
                "integer": st.integers(-n, n - 1),
                "array": positions.map(np.array),
                "list": positions,
            }[kind]
        )
    index = tuple(
        data.draw(piece) if isinstance(piece, st.SearchStrategy) else piece for piece in pieces
    )
    assert_reads_like_numpy(shape, index)


@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((3,), ((0, 0, 1),)),
        ((3, 2), ((0, 0, 1), slice(None))),
        ((3, 2), ((0, 0), [1, 1])),
        ((3, 2), (((0, 1), (0, 0)), 1)),
        ((3,), array_module.array("l", [0, 0, 1])),
        ((3,), range(2)),
        ((3,), True),
        ((3,), False),
        ((3,), np.True_),
        ((3,), np.array(True)),
        ((), True),
        ((), ()),
        ((), None),
        ((), ...),
        ((3,), np.int64(1)),
        ((3,), np.array(1)),
        ((3,), np.uint8(2)),
        ((3,), np.array([0, 0], np.uint8)),
        ((3,), []),
        ((3,), np.zeros((2, 0), int)),
        ((3,), [[0, 1], [0, 0]]),
        ((2, 3), ([[0], [1]], [[0, 0, 2]])),
        ((3,), [True, False, True]),
        ((2, 3), (slice(None, None, -1), slice(None, None, -2))),
        ((2, 3), (..., 0)),
        ((2, 3), (0, ..., None, [1, 1])),
        ((2, 3, 2), (0, slice(None), [1, 1])),
        ((2, 3, 2), ([1, 1], slice(None), [0, 0])),
        ((2, 3), np.array([[True, False, True], [False, False, True]])),
        ((0, 3), slice(None)),
    ],
    ids=repr,
)
def test_an_index_of_every_other_kind(shape: tuple[int, ...], index: Any) -> None:
    assert_reads_like_numpy(shape, index)


def test_a_tensor_can_be_an_index_or_a_mask() -> None:
    x = Tensor([1.0, -2.0, 3.0])
    assert x[x > 0].data.tolist() == [1.0, 3.0]
    order = Tensor([2, 0, 0], requires_grad=False)
    x[order].backward([1.0, 10.0, 100.0])
    assert x.grad.tolist() == [110.0, 0.0, 1.0]
    x.zero_grad()
    x.data[x > 2] = 0.0  # a mask of a plain array, too
    assert x.data.tolist() == [1.0, -2.0, 0.0]


def test_argsort_of_a_tensor_sorts_it_with_the_gradient() -> None:
    x = Tensor([3.0, 1.0, 2.0])
    smallest_first = x[ab.argsort(x)]
    assert smallest_first.data.tolist() == [1.0, 2.0, 3.0]
    smallest_first.backward([10.0, 20.0, 30.0])
    assert x.grad.tolist() == [30.0, 10.0, 20.0]


@pytest.mark.parametrize(
    "index",
    [
        3,
        -4,
        (0, 0),
        1.0,
        "a",
        [0, 3],
        [True, False],
        np.array([0.0]),
        (..., ...),
        Value(1.0),
        slice(0.5),
        Tensor([1.0]),
    ],
    ids=repr,
)
def test_a_wrong_index_is_refused_as_by_numpy(index: Any) -> None:
    with pytest.raises((IndexError, TypeError)):
        Tensor([1.0, 2.0, 3.0])[index]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("ab.take(x, [3])", IndexError),
        ("ab.take(x, [0.0])", TypeError),
        ("ab.take(x, [0], axis=1)", ValueError),
        ('ab.take(x, [0], mode="raised")', ValueError),
        ("ab.take(x, [0], out=np.zeros(1))", TypeError),
        ("ab.at(x, 5).set(0.0)", IndexError),
        ("ab.at(x, [0, 1]).set([1.0, 2.0, 3.0])", ValueError),
        ("ab.at(x, [0, 1]).add([1.0, 2.0, 3.0])", ValueError),
        ('ab.at(x, 0).set("a")', TypeError),
        ("ab.at(x, 0).set(None)", TypeError),
    ],
)
def test_what_makes_no_sense_is_refused(call: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        evaluate(call, x=Tensor([1.0, 2.0, 3.0]))


# -- at -------------------------------------------------------------------------------------------


def assert_updates_like_numpy(shape: tuple[int, ...], index: Any) -> None:
    """set and add, value and both gradients, against element-by-element assignment."""
    x, weight = whole_numbers(shape), whole_numbers(shape, 1)
    v = whole_numbers(np.asarray(x[index]).shape, 2)
    written = x.copy()
    written[index] = v
    tensor, values = Tensor(x), Tensor(v)
    result = ab.at(tensor, index).set(values)
    np.testing.assert_array_equal(result.data, written)
    np.testing.assert_array_equal(tensor.data, x)
    result.backward(weight)
    # Which value stayed at each position, if any: the last one written there.
    positions = np.full(shape, -1)
    positions[index] = np.arange(v.size).reshape(v.shape)
    np.testing.assert_array_equal(tensor.grad, np.where(positions < 0, weight, 0.0))
    expected = np.zeros(v.size)
    for position, w in zip(positions.ravel(), weight.ravel(), strict=True):
        if position >= 0:
            expected[position] += w
    np.testing.assert_array_equal(values.grad, expected.reshape(v.shape))

    tensor, values = Tensor(x), Tensor(v)
    result = ab.at(tensor, index).add(values)
    np.testing.assert_array_equal(result.data, x + counted(shape, index, v))
    result.backward(weight)
    np.testing.assert_array_equal(tensor.grad, weight)
    np.testing.assert_array_equal(values.grad, weight[index])

    np.testing.assert_array_equal(ab.at(Tensor(x), index).get().data, x[index])


@given_by(data=st.data(), shape=A_SHAPE)
def test_updates_at_slices_and_integers(data: st.DataObject, shape: tuple[int, ...]) -> None:
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    assert_updates_like_numpy(shape, index)


@given_by(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
def test_updates_at_integer_arrays_with_repetitions(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    index = data.draw(
        hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=4))
    )
    assert_updates_like_numpy(shape, index)


@given_by(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
def test_updates_at_masks(data: st.DataObject, shape: tuple[int, ...]) -> None:
    assert_updates_like_numpy(shape, data.draw(hnp.arrays(bool, shape)))


@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((3,), ((0, 0, 1),)),
        ((3, 2), ((0, 0), slice(None))),
        ((3,), range(2)),
        ((), ...),
        ((2,), []),
    ],
    ids=repr,
)
def test_updates_at_an_index_of_every_other_kind(shape: tuple[int, ...], index: Any) -> None:
    assert_updates_like_numpy(shape, index)


def test_a_written_value_broadcasts_and_gets_the_sum_of_the_gradients() -> None:
    x, v = Tensor(np.zeros((2, 3))), Value(5.0)
    result = ab.at(x, (slice(None), [0, 2])).set(v)
    assert result.data.tolist() == [[5.0, 0.0, 5.0]] * 2
    result.backward(np.arange(6.0).reshape(2, 3))
    assert v.grad == 0 + 2 + 3 + 5
    assert x.grad.tolist() == [[0.0, 1.0, 0.0], [0.0, 4.0, 0.0]]


def test_second_derivatives_pass_through_updates() -> None:
    x = np.array([2.0, 3.0])
    # f = (x0 x1)^2 + x1: written where x0 was.
    found = ab.hessian(lambda x: (ab.at(x, 0).set(x[0] * x[1]) ** np.array([2.0, 1.0])).sum())(x)
    np.testing.assert_allclose(found, [[2 * 9, 4 * 6], [4 * 6, 2 * 4]], rtol=1e-14)


def test_updates_keep_the_dtype_of_a_float_array() -> None:
    x = Tensor(np.zeros(2, np.float32))
    assert ab.at(x, 0).set(1.5).dtype == np.float32
    assert ab.at(x, 0).add(1.5).dtype == np.float32


@pytest.mark.parametrize("update", ["set", "add"])
def test_a_node_written_into_whole_numbers_is_not_truncated(update: str) -> None:
    v = Value(2.5)
    try:
        result = getattr(ab.at(np.zeros(3, int), 0), update)(v)
    except TypeError:
        return
    assert result.data.tolist() == [2.5, 0.0, 0.0]
    result.backward([1.0, 1.0, 1.0])
    assert v.grad == 1.0


def test_multiply_at_scales_each_named_position() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    assert ab.at(x, [0, 2]).multiply(10.0).data.tolist() == [10.0, 2.0, 30.0]


def test_multiply_at_a_position_named_twice_is_refused_or_right() -> None:
    x = Tensor([1.0, 2.0])
    try:
        result = ab.at(x, [0, 0]).multiply(2.0)
    except ValueError:
        return
    assert result.data.tolist() == [4.0, 2.0]


def test_at_works_on_plain_arrays_and_leaves_them_alone() -> None:
    x = np.array([1.0, 2.0])
    assert ab.at(x, 0).set(9.0).tolist() == [9.0, 2.0]
    assert x.tolist() == [1.0, 2.0]
    assert ab.at([1.0, 2.0], 1).add(1.0).tolist() == [1.0, 3.0]


def test_at_says_what_and_where() -> None:
    assert repr(ab.at(Tensor([1.0]), 0)) == "at(Tensor([1.]), 0)"

"""Operations that move, join, split and repeat elements, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests.expressions import evaluate
from tests.function_cases import Case, assert_same, claims, pieces, plain, reals

CASES = [
    Case("asarray", reals(2, 3), reference=np.asarray),
    Case("asarray", reals(), reference=np.asarray),
    Case("astype", reals(2, 3), np.float64, accepts_lists=False),
    Case("reshape", reals(2, 3), (3, 2)),
    Case("reshape", reals(2, 3), (-1,)),
    Case("reshape", reals(2, 3), -1),
    Case("reshape", reals(2, 3), 6),
    Case("reshape", reals(2, 3), [3, -1]),
    Case("reshape", reals(2, 3), (3, 2), order="F"),
    Case("reshape", reals(2, 3), (1, 6, 1), order="C"),
    Case("reshape", reals(1, 1), ()),
    Case("reshape", reals(), (1, 1)),
    Case("reshape", reals(0, 2), (3, 0)),
    Case("ravel", reals(2, 3)),
    Case("ravel", reals(2, 3), order="F"),
    Case("ravel", reals()),
    *(
        Case(name, reals(2, 3, 2), *axes)
        for name in ("transpose", "permute_dims")
        for axes in ((), ((2, 0, 1),), ((0, -1, 1),), ([1, 0, 2],))
        if name == "transpose" or axes
    ),
    Case("transpose", reals(2, 3)),
    Case("transpose", reals(3)),
    Case("transpose", reals()),
    Case("matrix_transpose", reals(2, 3, 2)),
    Case("swapaxes", reals(2, 3, 2), 0, 2),
    Case("swapaxes", reals(2, 3, 2), -1, 1),
    Case("moveaxis", reals(2, 3, 1), 0, -1),
    Case("moveaxis", reals(2, 3, 1), (0, 1), (2, 0)),
    Case("moveaxis", reals(2, 3, 1), [-1], [0]),
    Case("expand_dims", reals(2, 3), 0),
    Case("expand_dims", reals(2, 3), -1),
    Case("expand_dims", reals(2, 3), (0, 3)),
    Case("expand_dims", reals(2, 3), axis=1),
    Case("squeeze", reals(1, 3, 1)),
    Case("squeeze", reals(1, 3, 1), 0),
    Case("squeeze", reals(1, 3, 1), axis=(0, -1)),
    Case("squeeze", reals(1, 1)),
    Case("squeeze", reals(3)),
    *(Case(n, reals(*s)) for n in ("atleast_1d", "atleast_2d") for s in ((), (3,), (2, 3))),
    Case("atleast_1d", reals(), reals(2), accepts_lists=False),
    Case("atleast_2d", reals(), reals(2), reals(1, 2), accepts_lists=False),
    Case("broadcast_to", reals(3), (2, 3)),
    Case("broadcast_to", reals(2, 1), (3, 2, 4)),
    Case("broadcast_to", reals(), (2, 2)),
    Case("broadcast_to", reals(), 3),
    Case("broadcast_to", reals(1), (0,)),
    Case("broadcast_to", reals(2, 3), (2, 3)),
    Case("broadcast_arrays", reals(2, 1), reals(3)),
    Case("broadcast_arrays", reals(), reals(2, 2), reals(1, 2)),
    *(
        Case(name, [reals(2, 3), reals(1, 3)], accepts_lists=False)
        for name in ("concatenate", "concat", "vstack")
    ),
    Case("concatenate", (reals(2, 3), reals(2, 1)), axis=1),
    Case("concatenate", (reals(2, 3), reals(2, 1)), axis=-1),
    Case("concatenate", [reals(2, 2), reals(3)], axis=None),
    Case("concatenate", [reals(2), reals(0), reals(1)]),
    Case("concatenate", [reals(2), [1.0, 2.0], np.array([3.0])]),
    Case("concatenate", [reals(3)]),
    Case("stack", [reals(2), reals(2)]),
    Case("stack", (reals(2), reals(2), reals(2)), axis=1),
    Case("stack", [reals(2, 3), reals(2, 3)], axis=-1),
    Case("stack", [reals(), reals()]),
    Case("stack", [reals(), 1.0]),
    Case("hstack", [reals(2), reals(3)]),
    Case("hstack", [reals(2, 1), reals(2, 3)]),
    Case("hstack", [reals(), reals(2)]),
    Case("vstack", [reals(2), reals(2)]),
    Case("split", reals(6), 3),
    Case("split", reals(2, 4), 2, axis=1),
    Case("split", reals(6), [1, 4]),
    Case("split", reals(4), (2, 2, 3)),
    Case("split", reals(4), np.array([-1])),
    Case("array_split", reals(5), 3),
    Case("array_split", reals(2, 5), 2, axis=-1),
    Case("array_split", reals(2), 3),
    Case("array_split", reals(5), [2]),
    Case("flip", reals(2, 3)),
    Case("flip", reals(2, 3), 0),
    Case("flip", reals(2, 3), axis=-1),
    Case("flip", reals(2, 3, 1), (0, 1)),
    Case("roll", reals(5), 2),
    Case("roll", reals(2, 3), -1),
    Case("roll", reals(2, 3), 7, axis=1),
    Case("roll", reals(2, 3), (1, -1), axis=(0, 1)),
    Case("roll", reals(2, 3), 1, axis=(0, 1)),
    Case("roll", reals(2, 3), (1, 1), axis=0),
    Case("tile", reals(2), 3),
    Case("tile", reals(2, 3), (2, 1)),
    Case("tile", reals(2), (2, 2)),
    Case("tile", reals(2, 2), [2]),
    Case("tile", reals(), (2, 2)),
    Case("tile", reals(2), 0),
    Case("repeat", reals(3), 2),
    Case("repeat", reals(2, 2), 3),
    Case("repeat", reals(2, 2), 3, axis=1),
    Case("repeat", reals(3), [1, 0, 2], accepts_lists=True),
    Case("repeat", reals(2, 3), np.array([2, 1]), axis=0),
    Case("repeat", reals(3), 0),
    Case("repeat", reals(), 3),
    Case("pad", reals(3), 2),
    Case("pad", reals(3), (1, 2)),
    Case("pad", reals(2, 2), ((1, 0), (0, 2))),
    Case("pad", reals(2, 2), 1, constant_values=1.5),
    Case("pad", reals(2, 2), 1, mode="constant", constant_values=((1.0, 2.0), (3.0, 4.0))),
    Case("pad", reals(2, 2), {-1: (1, 2)}),
    *(
        Case("pad", reals(3, 2), width, mode)
        for mode in ("edge", "reflect", "symmetric", "wrap")
        for width in (1, ((2, 0), (1, 3)), ((4, 5), (0, 0)))
    ),
    *(Case("diagonal", reals(3, 4), k) for k in (-3, -1, 0, 2, 4)),
    Case("diagonal", reals(2, 3, 2), axis1=0, axis2=2),
    Case("diagonal", reals(2, 3, 2), 1, -2, 0),
    *(Case("diag", reals(3, 4), k) for k in (-1, 0, 2)),
    *(Case("diag", reals(2), k=k) for k in (-1, 0, 2)),
    *(Case("trace", reals(3, 4), k) for k in (-1, 0, 2, 5)),
    Case("trace", reals(2, 3, 2), offset=1, axis1=-1, axis2=0),
    *(Case(name, reals(3, 4), k) for name in ("tril", "triu") for k in (-4, -1, 0, 2)),
    Case("tril", reals(2, 2, 3)),
    Case("triu", reals(2, 2, 3), k=1),
    Case("tril", reals(3)),
]


@pytest.mark.parametrize(("claim", "case"), claims(CASES))
def test_every_call_is_as_claimed(claim: Any, case: Case) -> None:
    claim(case)


@pytest.mark.parametrize(
    ("method", "arguments", "expected"),
    [
        ("reshape", (3, 2), (3, 2)),
        ("reshape", ((3, 2),), (3, 2)),
        ("reshape", (-1,), (6,)),
        ("reshape", ([1, 6],), (1, 6)),
        ("transpose", (), (3, 2)),
        ("transpose", (1, 0), (3, 2)),
        ("transpose", ((1, 0),), (3, 2)),
        ("transpose", (None,), (3, 2)),
        ("flatten", (), (6,)),
        ("ravel", (), (6,)),
        ("swapaxes", (0, 1), (3, 2)),
        ("repeat", (2, 0), (4, 3)),
        ("diagonal", (), (2,)),
    ],
)
def test_methods_take_what_numpys_methods_take(
    method: str, arguments: tuple[Any, ...], expected: tuple[int, ...]
) -> None:
    array = np.arange(6.0).reshape(2, 3)
    result = getattr(Tensor(array), method)(*arguments)
    assert_same(result, getattr(array, method)(*arguments))
    assert result.shape == expected


def test_reshape_without_a_shape_is_refused() -> None:
    with pytest.raises(TypeError):
        Tensor([1.0, 2.0]).reshape()


def test_t_and_mt_are_transposes() -> None:
    array = np.arange(12.0).reshape(2, 3, 2)
    assert_same(Tensor(array).T, array.T)
    assert_same(Tensor(array).mT, array.mT)
    with pytest.raises(ValueError, match=r"axis|axes|dim"):
        _ = Tensor([1.0]).mT


# -- on any shape: these operations are linear, so their derivative is known exactly ------------


def whole_numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Floats with whole values: sums of them are exact."""
    return np.random.default_rng(seed).integers(-9, 9, shape).astype(float)


def assert_linear_and_exact(ours: Any, numpys: Any, shape: tuple[int, ...]) -> None:
    """The result and its Jacobian to the last bit: its columns are `numpys` of unit arrays."""
    x = whole_numbers(shape)
    expected = [np.asarray(piece) for piece in pieces(numpys(x))]
    tensor = Tensor(x)
    result = pieces(ours(tensor))
    for one, other in zip(result, expected, strict=True):
        assert one.shape == other.shape
        np.testing.assert_array_equal(one.data, other)
    weights = [whole_numbers(piece.shape, k + 1) for k, piece in enumerate(expected)]
    total = sum(((p * w).sum() for p, w in zip(result, weights, strict=True)), start=Tensor(0.0))
    (gradient,) = ab.gradients(total, [tensor])
    origin = [np.asarray(piece) for piece in pieces(numpys(np.zeros(shape)))]
    for k in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[k] = 1.0
        columns = [np.asarray(piece) for piece in pieces(numpys(unit))]
        slope = sum(np.sum(w * (c - o)) for w, c, o in zip(weights, columns, origin, strict=True))
        assert gradient[k] == slope
    _, pushed = ab.jvp(ours, (x,), (whole_numbers(shape, 99),))
    along = [np.asarray(piece) for piece in pieces(numpys(whole_numbers(shape, 99)))]
    for one, other, start in zip(pieces(pushed), along, origin, strict=True):
        np.testing.assert_array_equal(one, other - start)


SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
NOT_SCALAR = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3)
FILLED = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)


@given_by(data=st.data(), shape=SHAPES)
def test_any_permutation_of_axes_moves_the_gradient_back(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    axes = data.draw(st.permutations(range(len(shape))))
    signed = [a - len(shape) if data.draw(st.booleans()) else a for a in axes]
    assert_linear_and_exact(
        lambda x: ab.transpose(x, signed), lambda x: np.transpose(x, signed), shape
    )


@given_by(data=st.data(), shape=NOT_SCALAR)
def test_moveaxis_follows_numpy_for_any_axes(data: st.DataObject, shape: tuple[int, ...]) -> None:
    n = len(shape)
    count = data.draw(st.integers(1, n))
    source = data.draw(st.permutations(range(n)))[:count]
    destination = data.draw(st.permutations(range(-n, 0)))[:count]
    assert_linear_and_exact(
        lambda x: ab.moveaxis(x, source, destination),
        lambda x: np.moveaxis(x, source, destination),
        shape,
    )


@given_by(data=st.data(), shape=SHAPES)
def test_reshape_to_any_shape_of_the_same_size_and_back(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    order = data.draw(st.sampled_from("CF"))
    target = data.draw(st.permutations(shape))
    if target and data.draw(st.booleans()) and 0 not in target:
        target[data.draw(st.integers(0, len(target) - 1))] = -1
    assert_linear_and_exact(
        lambda x: ab.reshape(x, target, order=order),
        lambda x: np.reshape(x, target, order=order),
        shape,
    )


@given_by(data=st.data(), shape=NOT_SCALAR)
def test_flip_and_roll_along_any_axes(data: st.DataObject, shape: tuple[int, ...]) -> None:
    axes = data.draw(hnp.valid_tuple_axes(len(shape), min_size=1))
    shifts = tuple(data.draw(st.integers(-5, 5)) for _ in axes)
    assert_linear_and_exact(lambda x: ab.flip(x, axes), lambda x: np.flip(x, axes), shape)
    assert_linear_and_exact(
        lambda x: ab.roll(x, shifts, axes), lambda x: np.roll(x, shifts, axes), shape
    )
    assert_linear_and_exact(lambda x: ab.roll(x, shifts[0]), lambda x: np.roll(x, shifts[0]), shape)


@given_by(data=st.data(), shape=SHAPES)
def test_broadcast_to_sums_the_gradient_over_the_copies(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    target = data.draw(hnp.broadcastable_shapes(shape, max_dims=4, max_side=3))
    target = np.broadcast_shapes(shape, target)
    assert_linear_and_exact(
        lambda x: ab.broadcast_to(x, target), lambda x: np.broadcast_to(x, target), shape
    )


@given_by(data=st.data(), shape=SHAPES)
def test_tile_with_any_repetitions(data: st.DataObject, shape: tuple[int, ...]) -> None:
    reps = tuple(data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=4)))
    assert_linear_and_exact(lambda x: ab.tile(x, reps), lambda x: np.tile(x, reps), shape)


@given_by(data=st.data(), shape=NOT_SCALAR)
def test_repeat_with_any_counts(data: st.DataObject, shape: tuple[int, ...]) -> None:
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    counts = data.draw(
        st.integers(0, 3) | st.lists(st.integers(0, 2), min_size=length, max_size=length)
    )
    if counts == []:
        counts = 1
    assert_linear_and_exact(
        lambda x: ab.repeat(x, counts, axis), lambda x: np.repeat(x, counts, axis), shape
    )


@given_by(data=st.data(), shape=FILLED)
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_pad_with_any_widths(mode: str, data: st.DataObject, shape: tuple[int, ...]) -> None:
    width = tuple((data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))) for _ in shape)
    assert_linear_and_exact(
        lambda x: ab.pad(x, width, mode), lambda x: np.pad(x, width, mode), shape
    )


@given_by(data=st.data(), shape=NOT_SCALAR)
def test_concatenate_stack_and_split_along_any_axis(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    new = data.draw(st.integers(-len(shape) - 1, len(shape)))
    other = whole_numbers(shape, 5)
    assert_linear_and_exact(
        lambda x: ab.concatenate([x, other, x], axis),
        lambda x: np.concatenate([x, other, x], axis),
        shape,
    )
    assert_linear_and_exact(
        lambda x: ab.stack([other, x, x], new), lambda x: np.stack([other, x, x], new), shape
    )
    cuts = sorted(data.draw(st.lists(st.integers(-4, 4), max_size=3)))
    assert_linear_and_exact(
        lambda x: ab.array_split(x, cuts, axis), lambda x: np.array_split(x, cuts, axis), shape
    )
    sections = data.draw(st.integers(1, 4))
    assert_linear_and_exact(
        lambda x: ab.array_split(x, sections, axis),
        lambda x: np.array_split(x, sections, axis),
        shape,
    )


@given_by(data=st.data(), shape=hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3))
def test_diagonals_of_any_two_axes(data: st.DataObject, shape: tuple[int, ...]) -> None:
    first, second = data.draw(st.permutations(range(len(shape))))[:2]
    offset = data.draw(st.integers(-4, 4))
    for ours, numpys in ((ab.diagonal, np.diagonal), (ab.trace, np.trace)):
        assert_linear_and_exact(
            lambda x, f=ours: f(x, offset, first, second),
            lambda x, f=numpys: f(x, offset, first, second),
            shape,
        )
    for ours, numpys in ((ab.tril, np.tril), (ab.triu, np.triu)):
        assert_linear_and_exact(
            lambda x, f=ours: f(x, offset), lambda x, f=numpys: f(x, offset), shape
        )


@given_by(
    data=st.data(),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=2),
)
def test_squeeze_undoes_expand_dims(data: st.DataObject, shape: tuple[int, ...]) -> None:
    axes = data.draw(hnp.valid_tuple_axes(len(shape) + 2, min_size=2, max_size=2))
    assert_linear_and_exact(
        lambda x: ab.expand_dims(x, axes), lambda x: np.expand_dims(x, axes), shape
    )
    wide = np.expand_dims(np.zeros(shape), axes).shape
    assert_linear_and_exact(lambda x: ab.squeeze(x, axes), lambda x: np.squeeze(x, axes), wide)
    assert_linear_and_exact(ab.squeeze, np.squeeze, wide)


# -- joining nodes of several kinds ---------------------------------------------------------------


def test_values_tensors_arrays_and_numbers_stack_to_one_tensor() -> None:
    v, t = Value(1.0), Tensor(2.0)
    result = ab.stack([v, t, np.array(3.0), 4.0])
    assert result.data.tolist() == [1.0, 2.0, 3.0, 4.0]
    result.backward([10.0, 20.0, 30.0, 40.0])
    assert v.grad == 10.0
    assert t.grad == 20.0


def test_one_node_may_be_joined_to_itself() -> None:
    x = Tensor([1.0, 2.0])
    ab.concatenate([x, x, x]).backward(np.arange(6.0))
    assert x.grad.tolist() == [0 + 2 + 4, 1 + 3 + 5]


def test_joining_different_dtypes_gives_numpys_dtype_and_each_its_own_gradient() -> None:
    x, y = Tensor(np.ones(2, np.float32)), Tensor(np.ones(2))
    result = ab.concatenate([x, y])
    assert result.dtype == np.float64
    result.sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)


def test_a_tensor_can_be_taken_apart_and_put_together_row_by_row() -> None:
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert_same(ab.stack(list(x)), x.data)
    assert_same(ab.concatenate(x), np.concatenate(x.data))
    assert_same(np.vstack(list(x)), x.data)
    ab.stack([2.0 * row for row in x]).sum().backward()
    assert x.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_asarray_of_nested_lists_of_nodes_is_a_tensor_that_gradients_pass() -> None:
    a, b = Value(1.0), Value(2.0)
    matrix = ab.asarray([[a, b], [b, 0.0]])
    assert matrix.data.tolist() == [[1.0, 2.0], [2.0, 0.0]]
    matrix.sum().backward()
    assert (a.grad, b.grad) == (1.0, 2.0)


def test_ragged_lists_of_nodes_are_refused() -> None:
    a = Value(1.0)
    with pytest.raises(ValueError, match=r"shape|length"):
        ab.asarray([[a, a], [a]])


def test_astype_passes_the_gradient_between_floats_and_none_to_integers() -> None:
    x = Tensor([1.5, -2.5])
    single = x.astype(np.float32)
    assert single.dtype == np.float32
    single.sum().backward()
    assert x.grad.dtype == np.float64
    whole = x.astype(int)
    assert whole.data.tolist() == [1, -2]
    assert not whole.requires_grad
    assert not x.astype(bool).requires_grad


def test_one_hot_follows_the_labels() -> None:
    labels = np.array([[0, 2], [1, 0]])
    assert_same(ab.one_hot(labels, 3), np.eye(3)[labels])
    assert_same(ab.one_hot(Tensor(labels, requires_grad=False), 3), np.eye(3)[labels])
    assert ab.one_hot([1], 2, dtype=np.float32).dtype == np.float32
    assert ab.one_hot(1, 3).tolist() == [0.0, 1.0, 0.0]
    assert ab.one_hot(np.zeros((0,), int), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("labels", "error"), [([3], ValueError), ([-1], ValueError), ([0.0], TypeError)]
)
def test_one_hot_refuses_what_is_no_label(labels: list[float], error: type[Exception]) -> None:
    with pytest.raises(error, match="one_hot"):
        ab.one_hot(labels, 3)


X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("ab.reshape(x, (4, 2))", ValueError),
        ("ab.reshape(x, (-1, -1))", ValueError),
        ('ab.reshape(x, (2, 3), order="K")', ValueError),
        ("ab.reshape(x, (2.0, 3))", TypeError),
        ("ab.transpose(x, (0, 0))", ValueError),
        ("ab.transpose(x, (0,))", ValueError),
        ("ab.transpose(x, (0, 2))", ValueError),
        ("ab.swapaxes(x, 0, 2)", ValueError),
        ("ab.moveaxis(x, (0, 1), 0)", ValueError),
        ("ab.squeeze(x, 0)", ValueError),
        ("ab.expand_dims(x, 4)", ValueError),
        ("ab.broadcast_to(x, (3, 2))", ValueError),
        ("ab.concatenate([])", ValueError),
        ("ab.concatenate([x, x[0]])", ValueError),
        ("ab.concatenate([x[0, 0], x[0, 1]])", ValueError),
        ("ab.concatenate([x, x], axis=2)", ValueError),
        ("ab.concatenate([x, x], out=np.zeros((4, 3)))", TypeError),
        ("ab.stack([])", ValueError),
        ("ab.stack([x, x[0]])", ValueError),
        ("ab.split(x, 2, axis=1)", ValueError),
        ("ab.array_split(x, 0)", ValueError),
        ("ab.repeat(x, -1)", ValueError),
        ("ab.repeat(x, [1, 2], axis=1)", ValueError),
        ("ab.pad(x, -1)", ValueError),
        ("ab.pad(x, 1.5)", (TypeError, ValueError)),
        ('ab.pad(x, 1, "mean")', ValueError),
        ('ab.pad(x, 1, "reflect", reflect_type="odd")', TypeError),
        ('ab.pad(x, 1, "edge", constant_values=0.0)', TypeError),
        ("ab.diagonal(x[0])", ValueError),
        ("ab.diagonal(x, 0, 1, 1)", ValueError),
        ("ab.diag(x[None])", ValueError),
        ("ab.astype(x, complex)", TypeError),
        ('ab.astype(x, "S")', TypeError),
    ],
)
def test_what_makes_no_sense_is_refused(call: str, error: Any) -> None:
    with pytest.raises(error):
        evaluate(call, x=Tensor(X))


@pytest.mark.parametrize(
    "call",
    [
        "ns.cumsum(x, 0)",
        "ns.cumsum(x)",
        "ns.cumprod(x, axis=-1)",
        "ns.repeat(x, 2, 0)",
        "ns.take(x, 0, 0)",
        "ns.take(x, [0, 0])",
        "ns.pad(x, 1)",
        "ns.flip(x)",
        "ns.roll(x, 1)",
        "ns.tile(x, 2)",
        "ns.squeeze(x, 0)",
        "ns.sum(x, axis=0)",
        "ns.max(x, axis=-1)",
        "ns.expand_dims(x, 0)",
    ],
)
def test_without_axes_it_goes_as_in_numpy(call: str) -> None:
    expected = evaluate(call, ns=np, x=np.array(2.0))
    x = Tensor(2.0)
    result = evaluate(call, ns=ab, x=x)
    assert_same(result, expected)
    result.sum().backward()
    assert x.grad.shape == ()
    assert x.grad == np.size(expected)


@pytest.mark.parametrize(
    "call",
    [
        "ab.mean(x, axis=0)",
        "ab.flip(x, 0)",
        "ab.roll(x, 1, 0)",
        "ab.swapaxes(x, 0, 0)",
        "ab.moveaxis(x, 0, 0)",
        "ab.split(x, 1)",
        "ab.tril(x)",
        "ab.diagonal(x)",
        "ab.diag(x)",
        "ab.concatenate([x, x])",
        "x[0]",
        "x.sum(axis=1)",
    ],
)
def test_an_axis_that_a_single_number_has_not_is_refused_with_a_reason(call: str) -> None:
    with pytest.raises((ValueError, IndexError)) as caught:
        evaluate(call, x=Tensor(2.0))
    assert "unpack" not in str(caught.value)


def test_padding_with_a_node_as_constant_is_refused_rather_than_losing_its_gradient() -> None:
    with pytest.raises(TypeError, match=r"constant_values|gradient"):
        ab.pad(Tensor(X), 1, constant_values=Value(2.0))


def test_results_do_not_share_memory_with_a_leaf_that_can_be_written_to() -> None:
    x = Tensor(X)
    views = [x.reshape(3, 2), x.T, x[0], x[:, ::2], ab.broadcast_to(x, (2, 2, 3)), ab.flip(x)]
    before = [view.data.copy() for view in views]
    x.data[:] = 100.0
    for view, numbers in zip(views, before, strict=True):
        np.testing.assert_array_equal(plain(view), numbers)

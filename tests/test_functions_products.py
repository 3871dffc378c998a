"""Products of arrays and einsum, against NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import given as given_by
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests.expressions import evaluate
from tests.function_cases import Case, assert_same, claims, reals

SUBSCRIPTS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("i->i", [(3,)]),
    ("i->", [(3,)]),
    ("ij->ji", [(2, 3)]),
    ("ij->j", [(2, 3)]),
    ("ba", [(2, 3)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("iii->i", [(2, 2, 2)]),
    ("iij->ji", [(2, 2, 3)]),
    ("iijj->ij", [(2, 2, 3, 3)]),
    ("ij,jk->ik", [(2, 3), (3, 2)]),
    ("ij,jk", [(2, 3), (3, 2)]),
    ("ij,jk->", [(2, 3), (3, 2)]),
    ("ij,ij->ij", [(2, 3), (2, 3)]),
    ("i,i", [(3,), (3,)]),
    ("i,j->ij", [(2,), (3,)]),
    ("i,j->ji", [(2,), (3,)]),
    ("i,j->i", [(2,), (3,)]),
    (",i->i", [(), (3,)]),
    (",", [(), ()]),
    ("ij,kj,ki->", [(2, 3), (2, 3), (2, 2)]),
    ("ij,jk,kl->il", [(2, 2), (2, 3), (3, 2)]),
    ("ii,ij,j->i", [(2, 2), (2, 3), (3,)]),
    ("i,i,i->i", [(3,), (3,), (3,)]),
    ("bij,bjk->bik", [(2, 2, 2), (2, 2, 2)]),
    ("...ij,...jk->...ik", [(2, 2, 3), (3, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 2), (3, 2, 2)]),
    ("i...,i...->...", [(2, 3), (2, 3)]),
    ("...,...", [(2, 3), (3,)]),
    ("...i->...", [(2, 3)]),
    ("...ii->...i", [(2, 2, 2)]),
    ("i...j->j...i", [(2, 2, 3)]),
    ("ij,ij->ij", [(1, 3), (2, 3)]),
    ("ij,jk->ik", [(2, 1), (3, 2)]),
    ("i,i->", [(1,), (3,)]),
    ("i,i->i", [(1,), (1,)]),
    ("ij->i", [(2, 0)]),
    ("ij,jk->ik", [(2, 0), (0, 3)]),
    (" i j , j k -> i k ", [(2, 3), (3, 2)]),
    ("iJ,Jk->ik", [(2, 3), (3, 2)]),
    ("Zab->aZb", [(2, 2, 3)]),
]
MATRICES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 2)),
    ((2, 2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 1, 2, 2), (3, 2, 1)),
    ((1, 2, 2), (3, 2, 2)),
    ((2, 0), (0, 3)),
    ((0, 2), (2, 3)),
    ((1, 1), (1, 1)),
]

CASES = [
    *(Case("matmul", reals(*x), reals(*y)) for x, y in MATRICES),
    *(
        Case(name, reals(*x), reals(*y))
        for name in ("dot", "inner")
        for x, y in [
            ((), ()),
            ((), (2, 2)),
            ((3,), ()),
            ((3,), (3,)),
        ]
    ),
    *(
        Case("dot", reals(*x), reals(*y))
        for x, y in [
            ((2, 3), (3,)),
            ((2, 3), (3, 2)),
            ((3,), (3, 2)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
            ((2, 3), (2, 3, 2)),
            ((2, 2, 2), (2, 2, 2)),
            ((2, 2, 3), (3, 2)),
        ]
    ),
    *(
        Case("inner", reals(*x), reals(*y))
        for x, y in [
            ((2, 3), (3,)),
            ((3,), (2, 3)),
            ((2, 3), (2, 3)),
            ((2, 2, 2), (3, 2)),
        ]
    ),
    *(Case("vdot", reals(*x), reals(*y)) for x, y in [((3,), (3,)), ((2, 3), (3, 2)), ((), ())]),
    *(Case("outer", reals(*x), reals(*y)) for x, y in [((2,), (3,)), ((2, 2), (3,)), ((), (2,))]),
    Case("tensordot", reals(2, 3, 2), reals(3, 2, 2)),
    Case("tensordot", reals(2, 3), reals(3, 2), axes=1),
    Case("tensordot", reals(2), reals(3), axes=0),
    Case("tensordot", reals(2, 3), reals(2, 3), 2),
    Case("tensordot", reals(2, 3, 2), reals(2, 3), ((0, 1), (0, 1))),
    Case("tensordot", reals(2, 3, 2), reals(2, 3), ([1, -1], [-1, 0])),
    Case("tensordot", reals(2, 3), reals(3, 2), (1, 0)),
    Case("tensordot", reals(2, 0), reals(0, 3), 1),
    *(Case("einsum", text, *(reals(*shape) for shape in shapes)) for text, shapes in SUBSCRIPTS),
    Case("einsum", reals(2, 3), [0, 1], reals(3, 2), [1, 2]),
    Case("einsum", reals(2, 3), [0, 1], reals(3, 2), [1, 2], [2, 0]),
    Case("einsum", reals(2, 3), [Ellipsis, 1], [1, Ellipsis]),
    Case("einsum", reals(2, 2), [30, 30], [30]),
    Case("einsum", reals(2, 3), (5, 1)),
    Case("einsum", "ij,jk->ik", reals(2, 3), reals(3, 2), optimize=True),
    Case("einsum", "ij,jk->ik", reals(2, 3), reals(3, 2), optimize="greedy"),
]


@pytest.mark.parametrize(("claim", "case"), claims(CASES))
def test_every_call_is_as_claimed(claim: Any, case: Case) -> None:
    claim(case)


def whole_numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Floats with whole values: sums of products of them are exact."""
    return np.random.default_rng(seed).integers(-9, 9, shape).astype(float)


def assert_multilinear_and_exact(ours: Any, numpys: Any, shapes: list[tuple[int, ...]]) -> None:
    """The result, and its derivative by each operand, which is the product with a unit there."""
    arrays = [whole_numbers(shape, k) for k, shape in enumerate(shapes)]
    expected = np.asarray(numpys(*arrays))
    tensors = [Tensor(array) for array in arrays]
    result = ours(*tensors)
    assert_same(result, expected, rtol=0.0, atol=0.0)
    weight = whole_numbers(expected.shape, 77)
    gradients = ab.gradients((result * weight).sum(), tensors)
    total = np.zeros(expected.shape)
    tangents = [whole_numbers(shape, 50 + k) for k, shape in enumerate(shapes)]
    for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        assert gradient.shape == array.shape
        for place in np.ndindex(array.shape):
            unit = np.zeros(array.shape)
            unit[place] = 1.0
            slope = numpys(*(unit if i == j else other for j, other in enumerate(arrays)))
            assert gradient[place] == np.sum(weight * slope)
        total += numpys(*(tangents[i] if i == j else other for j, other in enumerate(arrays)))
    _, pushed = ab.jvp(ours, arrays, tangents)
    np.testing.assert_array_equal(pushed, total)


@given_by(
    shapes=hnp.mutually_broadcastable_shapes(
        signature=np.matmul.signature, min_side=0, max_side=3, max_dims=2
    )
)
def test_matmul_of_any_shapes_that_go_together(shapes: Any) -> None:
    assert_multilinear_and_exact(lambda x, y: x @ y, lambda x, y: x @ y, list(shapes.input_shapes))


@st.composite
def contractions(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """Subscripts with repeated, missing and broadcasting labels, and shapes that fit them."""
    labels = "ijkl"
    lengths = {label: draw(st.integers(1, 3)) for label in labels}
    terms = draw(
        st.lists(st.text(labels, max_size=3), min_size=1, max_size=3).filter(
            lambda terms: all(terms) or len(terms) > 1
        )
    )
    shapes = []
    for term in terms:
        shortened = {label: draw(st.integers(0, 4)) == 0 for label in set(term)}
        shapes.append(tuple(1 if shortened[label] else lengths[label] for label in term))
    present = sorted(set("".join(terms)))
    inputs = ",".join(terms)
    if draw(st.booleans()):
        return inputs, shapes
    chosen = draw(st.lists(st.sampled_from(present), unique=True)) if present else []
    return f"{inputs}->{''.join(chosen)}", shapes


@given_by(contraction=contractions())
def test_einsum_with_any_subscripts(contraction: tuple[str, list[tuple[int, ...]]]) -> None:
    text, shapes = contraction
    try:
        np.einsum(text, *(np.zeros(shape) for shape in shapes))
    except ValueError:
        with pytest.raises(ValueError, match="einsum"):
            ab.einsum(text, *(Tensor(np.zeros(shape)) for shape in shapes))
        return
    assert_multilinear_and_exact(
        lambda *xs: ab.einsum(text, *xs), lambda *xs: np.einsum(text, *xs), shapes
    )


@given_by(
    data=st.data(),
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, min_side=1, max_side=2),
)
def test_einsum_with_ellipses(data: st.DataObject, shapes: Any) -> None:
    left, right = shapes.input_shapes
    places = [data.draw(st.integers(0, 1)) for _ in range(2)]
    terms = [("i...", "...i")[places[0]], ("ij...", "...ij")[places[1]]]
    x_shape = (2, *left) if places[0] == 0 else (*left, 2)
    y_shape = (2, 3, *right) if places[1] == 0 else (*right, 2, 3)
    ending = data.draw(st.sampled_from(["->...j", "->j...", "->...", "", "->...ij"]))
    text = ",".join(terms) + ending
    try:
        np.einsum(text, np.zeros(x_shape), np.zeros(y_shape))
    except ValueError:
        assume(False)
    assert_multilinear_and_exact(
        lambda x, y: ab.einsum(text, x, y),
        lambda x, y: np.einsum(text, x, y),
        [x_shape, y_shape],
    )


def test_einsum_of_one_tensor_with_itself_gets_both_gradients() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    (gradient,) = ab.vjp(lambda x: ab.einsum("ij,jk->", x, x), x)[1](1.0)
    # sum_ijk x_ij x_jk: by x_ab, the sum of row b and of column a.
    rows, columns = x.sum(axis=1), x.sum(axis=0)
    np.testing.assert_array_equal(gradient, rows[None, :] + columns[:, None])


@pytest.mark.parametrize(
    ("operands", "words"),
    [
        (("ij,jk", np.ones((2, 3))), ["ij,jk", "2", "1"]),
        (("ij", np.ones(3)), ["ij", "1"]),
        (("i", np.ones((2, 3))), ["i", "2"]),
        (("ij,jk->ik", np.ones((2, 3)), np.ones((2, 3))), ["j", "3", "2"]),
        (("ii", np.ones((2, 3))), ["i", "2", "3"]),
        (("i->j", np.ones(2)), ["j"]),
        (("i->ii", np.ones(2)), ["ii"]),
        (("i1", np.ones((2, 2))), ["i1"]),
        (("i->i->i", np.ones(2)), ["->"]),
        (("......", np.ones(2)), ["..."]),
        (("...i->i", np.ones((2, 2))), ["..."]),
        ((), ["subscripts"]),
        (("",), []),
        ((np.ones(2), [99]), ["99"]),
    ],
)
def test_subscripts_that_do_not_fit_are_refused_by_name(
    operands: tuple[Any, ...], words: list[str]
) -> None:
    operands = tuple(Tensor(o) if isinstance(o, np.ndarray) else o for o in operands)
    with pytest.raises((ValueError, TypeError)) as caught:
        ab.einsum(*operands)
    message = str(caught.value)
    assert "einsum" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("A @ B", ["matmul", "'A'", "(2, 3)", "'B'", "(2, 2)", ".T"]),
        ("A @ B[0]", ["matmul", "(2, 3)", "(2,)"]),
        ("A @ 2.0", ["matmul", "*"]),
        ("2.0 @ A", ["matmul", "*"]),
        ("ab.dot(A, B)", ["(2, 3)", "(2, 2)"]),
        ("ab.inner(A, B)", ["(2, 3)", "(2, 2)"]),
        ("ab.vdot(A, B)", ["6", "4"]),
        ("ab.tensordot(A, B, 1)", ["tensordot", "(2, 3)", "(2, 2)"]),
        ("ab.tensordot(A, B, 3)", ["axis"]),
        ("ab.tensordot(A, B, ((0, 0), (0, 1)))", ["ax"]),
        ("ab.tensordot(A, B, ((0,), (0, 1)))", ["tensordot"]),
        ("ab.matmul(A, B, out=np.zeros((2, 2)))", ["out"]),
        ("ab.outer(A, B, out=np.zeros((6, 4)))", ["out"]),
    ],
)
def test_shapes_that_do_not_go_together_are_named(call: str, words: list[str]) -> None:
    A, B = Tensor(np.ones((2, 3)), name="A"), Tensor(np.ones((2, 2)), name="B")
    with pytest.raises((ValueError, TypeError)) as caught:
        evaluate(call, A=A, B=B)
    for word in words:
        assert word in str(caught.value)


# -- zero times infinity --------------------------------------------------------------------------

INF = np.inf
PRODUCTS = {
    "matmul": (lambda x, c: x @ c, (2, 3), (3, 2)),
    "reversed matmul": (lambda x, c: c @ x, (3, 2), (2, 3)),
    "matrix times vector": (lambda x, c: x @ c, (2, 3), (3,)),
    "vector times matrix": (lambda x, c: x @ c, (3,), (3, 2)),
    "vector times vector": (lambda x, c: x @ c, (3,), (3,)),
    "batch": (lambda x, c: x @ c, (2, 2, 3), (3, 2)),
    "dot": (ab.dot, (2, 3), (3, 2)),
    "inner": (ab.inner, (2, 3), (2, 3)),
    "outer": (ab.outer, (2,), (3,)),
    "tensordot": (lambda x, c: ab.tensordot(x, c, 1), (2, 3), (3, 2)),
    "einsum": (lambda x, c: ab.einsum("ij,jk->ik", x, c), (2, 3), (3, 2)),
    "einsum elementwise": (lambda x, c: ab.einsum("ij,ij->ij", x, c), (2, 3), (2, 3)),
    "einsum of three": (lambda x, c: ab.einsum("ij,jk,jk->ik", x, c, c), (2, 3), (3, 2)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_zero_cotangent_stays_zero_where_the_other_operand_is_infinite(name: str) -> None:
    product, x_shape, c_shape = PRODUCTS[name]
    x, c = np.ones(x_shape), np.full(c_shape, 2.0)
    c.flat[0] = INF
    tensor = Tensor(x)
    with np.errstate(invalid="ignore"):  # BLAS may meet infinities in lanes it does not use
        y = product(tensor, c)
    for create_graph in (False, True):
        with np.errstate(invalid="ignore"):
            (gradient,) = ab.gradients(y, [tensor], create_graph, cotangent=np.zeros(y.shape))
        np.testing.assert_array_equal(np.asarray(getattr(gradient, "data", gradient)), 0.0)


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_zero_tangent_stays_zero_where_the_other_operand_is_infinite(name: str) -> None:
    product, x_shape, c_shape = PRODUCTS[name]
    x, c = np.ones(x_shape), np.full(c_shape, 2.0)
    c.flat[0] = INF
    with np.errstate(invalid="ignore"):
        _, pushed = ab.jvp(lambda x: product(x, c), (x,), (np.zeros(x_shape),))
    np.testing.assert_array_equal(pushed, 0.0)


def test_a_value_times_a_matrix_product_gets_its_gradient() -> None:
    v, A = Value(2.0), Tensor([[1.0, 2.0], [3.0, 4.0]])
    y = (v * A) @ np.array([1.0, 1.0])
    y.sum().backward()
    assert v.grad == 10.0


MANY_THREADS = """
import numpy as np, autograd_bp as ab
n = 300
for place in (0, n // 2, n - 1):
    W = np.ones((n, n))
    W[place, place] = np.inf
    x = ab.Tensor(np.ones((n, n)))
    with np.errstate(all="ignore"):
        y = x @ W
    (gradient,) = ab.gradients(y, [x], cotangent=np.zeros((n, n)))
    assert (gradient == 0).all(), (place, np.isnan(gradient).sum())
"""


def test_zero_times_infinity_is_zero_however_many_threads_blas_has() -> None:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", MANY_THREADS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

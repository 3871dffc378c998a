"""Reductions, running sums and products and the softmax family, against NumPy and SciPy."""

from __future__ import annotations

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
from tests.expressions import evaluate
from tests.function_cases import Case, assert_same, claims, given, reals

AXES: list[dict[str, Any]] = [
    {},
    {"axis": None, "keepdims": True},
    {"axis": 0},
    {"axis": -1, "keepdims": True},
    {"axis": (0, 2)},
    {"axis": (-1, 0), "keepdims": True},
    {"axis": ()},
]
ALONG_ONE = [{}, {"axis": 0}, {"axis": -1}, {"axis": 1}]
MASK = np.array([[[True, False]], [[True, True]]])


def logsumexp_by_scipy(a: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    return scipy.special.logsumexp(a, axis=axis, keepdims=keepdims)


def softmax_by_scipy(x: Any, axis: Any = -1) -> Any:
    return scipy.special.softmax(x, axis=axis)


def log_softmax_by_scipy(x: Any, axis: Any = -1) -> Any:
    return scipy.special.log_softmax(x, axis=axis)


NORMS: list[tuple[Any, ...]] = [
    ((), {}),
    ((3,), {}),
    ((3,), {"ord": 1}),
    ((3,), {"ord": 2}),
    ((3,), {"ord": np.inf}),
    ((3,), {"ord": -np.inf}),
    ((3,), {"ord": 3}),
    ((3,), {"ord": 2.5}),
    ((3,), {"ord": -1}),
    ((2, 3), {}),
    ((2, 3), {"ord": "fro"}),
    ((2, 3), {"ord": 1}),
    ((2, 3), {"ord": -1, "keepdims": True}),
    ((2, 3), {"ord": np.inf}),
    ((2, 3), {"ord": -np.inf}),
    ((2, 3), {"axis": 0}),
    ((2, 3), {"axis": -1, "ord": 3, "keepdims": True}),
    ((2, 3), {"axis": (1,), "ord": 1}),
    ((2, 2, 3), {}),
    ((2, 2, 3), {"keepdims": True}),
    ((2, 2, 3), {"axis": (0, 2)}),
    ((2, 2, 3), {"axis": (2, 0), "ord": 1}),
    ((2, 2, 3), {"axis": (-1, 1), "ord": np.inf, "keepdims": True}),
    ((2, 2, 3), {"axis": (0, 1), "ord": "fro", "keepdims": True}),
    ((2, 2, 3), {"axis": 1, "ord": np.inf}),
]

CASES = [
    *(
        Case(name, reals(2, 3, 2), **options)
        for name in ("sum", "mean", "var", "std", "max", "min", "prod")
        for options in AXES
        if not (name in ("var", "std") and options.get("axis") == ())
    ),
    *(Case(name, reals(3), 0) for name in ("sum", "mean", "max", "min", "prod", "var", "std")),
    *(Case(name, reals()) for name in ("sum", "mean", "max", "min", "prod")),
    *(Case(name, reals(2, 3), axis=1) for name in ("amax", "amin")),
    *(
        Case(name, reals(2, 3, 2), axis=axis, where=MASK, **also)
        for name, also in [
            ("sum", {}),
            ("prod", {}),
            ("mean", {}),
            ("sum", {"initial": 1.5, "keepdims": True}),
            ("prod", {"initial": 1.5}),
            ("max", {"initial": -9.0}),
            ("min", {"initial": 9.0, "keepdims": True}),
            ("var", {}),
            ("var", {"keepdims": True}),
            ("std", {}),
        ]
        for axis in (0, None)
    ),
    Case("sum", reals(2, 3), initial=2.0),
    Case("prod", reals(2, 3), 1, initial=2.0),
    Case("max", reals(2, 3), axis=1, initial=1.11),
    Case("min", reals(2, 3), axis=0, initial=-1.11, keepdims=True),
    Case("max", reals(2, 0), axis=1, initial=1.0),
    Case("min", reals(0, 2), axis=0, initial=1.0, keepdims=True),
    *(Case(name, reals(2, 0), **options) for name in ("sum", "prod") for options in AXES[:4]),
    *(
        Case(name, reals(3, 2), **options)
        for name in ("var", "std")
        for options in (
            {"ddof": 1},
            {"axis": 0, "ddof": 1},
            {"axis": 0, "correction": 1},
            {"axis": 0, "ddof": 0.5, "keepdims": True},
            {"axis": 0, "ddof": 1, "where": np.array([[True], [False], [True]])},
        )
    ),
    *(
        Case(name, reals(2, 3, 2), **options)
        for name in ("cumsum", "cumprod")
        for options in ALONG_ONE
    ),
    *(Case(name, reals(*s)) for name in ("cumsum", "cumprod") for s in ((), (1,), (0,), (2, 0))),
    Case("cumprod", given([[0.0, 2.0, 3.0], [2.0, 0.0, 0.0]]), axis=1),
    Case("prod", given([[0.0, 2.0, 3.0], [2.0, 0.0, 0.0], [1.5, 2.5, 0.5]]), axis=1),
    *(
        Case("logsumexp", reals(2, 3, 2), reference=logsumexp_by_scipy, **options)
        for options in AXES[:6]
    ),
    *(
        Case("softmax", reals(2, 3), reference=softmax_by_scipy, **options)
        for options in ({}, {"axis": 0}, {"axis": (0, 1)}, {"axis": None})
    ),
    *(
        Case("log_softmax", reals(2, 3), reference=log_softmax_by_scipy, **options)
        for options in ({}, {"axis": 0}, {"axis": (0, 1)}, {"axis": None})
    ),
    *(
        Case(
            "linalg.norm",
            reals(*shape),
            function=ab.linalg.norm,
            reference=np.linalg.norm,
            **options,
        )
        for shape, options in NORMS
    ),
]


@pytest.mark.parametrize(("claim", "case"), claims(CASES))
def test_every_call_is_as_claimed(claim: Any, case: Case) -> None:
    claim(case)


def test_numpys_norm_of_a_tensor_records() -> None:
    x = Tensor([3.0, 4.0])
    np.linalg.norm(x).backward()
    np.testing.assert_allclose(x.grad, [0.6, 0.8], rtol=1e-15)


@st.composite
def reductions(draw: st.DrawFn) -> tuple[tuple[int, ...], dict[str, Any]]:
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    n = len(shape)
    axes: list[st.SearchStrategy[Any]] = [st.none()]
    if n:
        axes.append(st.integers(-n, n - 1))
        axes.append(hnp.valid_tuple_axes(n))
    return shape, {"axis": draw(st.one_of(axes)), "keepdims": draw(st.booleans())}


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std"])
@given_by(call=reductions(), seed=st.integers(0, 2**32 - 1))
def test_any_axes_of_any_shape_reduce_as_in_numpy(
    name: str, call: tuple[tuple[int, ...], dict[str, Any]], seed: int
) -> None:
    shape, options = call
    rng = np.random.default_rng(seed)
    x = rng.permutation(np.prod(shape, dtype=int)).reshape(shape) + 0.5
    with np.errstate(all="ignore"):
        try:
            expected = getattr(np, name)(x, **options)
        except ValueError:  # nothing to choose from
            with pytest.raises(ValueError, match=name):
                getattr(ab, name)(Tensor(x), **options)
            return
        except RuntimeWarning:
            return
    tensor = Tensor(x)
    result = getattr(ab, name)(tensor, **options)
    assert_same(result, expected, rtol=1e-13)
    weight = rng.uniform(0.5, 1.5, np.shape(expected))
    result.backward(weight)
    assert tensor.grad.shape == shape
    laid_out = np.broadcast_to(
        weight
        if options["keepdims"]
        else np.reshape(weight, np.shape(np.sum(x, axis=options["axis"], keepdims=True))),
        shape,
    )
    count = x.size / max(np.size(expected), 1)
    if name == "sum":
        np.testing.assert_array_equal(tensor.grad, laid_out)
    elif name == "mean":
        np.testing.assert_allclose(tensor.grad, laid_out / count, rtol=1e-14)
    elif name in ("max", "min"):
        whole = getattr(np, name)(x, axis=options["axis"], keepdims=True)
        np.testing.assert_array_equal(tensor.grad, np.where(x == whole, laid_out, 0.0))
    elif name == "prod":
        whole = np.prod(x, axis=options["axis"], keepdims=True)
        np.testing.assert_allclose(tensor.grad, laid_out * whole / x, rtol=1e-12)
    elif name == "var":
        centred = x - np.mean(x, axis=options["axis"], keepdims=True)
        np.testing.assert_allclose(
            tensor.grad, laid_out * 2 * centred / count, rtol=1e-12, atol=1e-13
        )


@pytest.mark.parametrize("name", ["max", "min"])
def test_elements_that_tie_share_the_gradient_equally(name: str) -> None:
    x = Tensor([[2.0, 2.0, 1.0], [3.0, 3.0, 3.0]])
    y = x if name == "max" else -x
    getattr(ab, name)(y, axis=1).sum().backward()
    sign = 1.0 if name == "max" else -1.0
    np.testing.assert_allclose(sign * x.grad, [[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-15)


@pytest.mark.parametrize("name", ["max", "maximum"])
def test_ties_are_shared_alike_by_max_and_maximum(name: str) -> None:
    x = Tensor([1.0, 1.0])
    (ab.max(x) if name == "max" else ab.maximum(x[0], x[1])).backward()
    assert x.grad.tolist() == [0.5, 0.5]


def test_an_initial_value_that_ties_takes_its_share() -> None:
    x = Tensor([1.0, 0.0])
    initial = Tensor(1.0)
    ab.max(x, initial=initial).backward()
    assert x.grad.tolist() == [0.5, 0.0]
    assert initial.grad == 0.5


def test_initial_may_be_a_node_that_gets_a_gradient() -> None:
    x, start = Tensor([1.0, 2.0]), Value(3.0)
    total = ab.sum(x, initial=start) + ab.prod(x, initial=start)
    assert total.data == 6.0 + 6.0
    total.backward()
    assert start.grad == 1.0 + 2.0


@pytest.mark.parametrize(
    "expression",
    [
        lambda x: ab.std(x),
        lambda x: ab.std(x, ddof=1),
        lambda x: ab.linalg.norm(x - x.data),
        lambda x: ab.linalg.norm(x - x.data, 3),
        lambda x: ab.linalg.norm(x - x.data, 1),
        lambda x: ab.sqrt(ab.sum((x - x.data) ** 2)) * 0.0,
        lambda x: ab.std(x, where=[True, True, False]),
    ],
    ids="std ddof norm norm3 norm1 zero_times_sqrt where".split(),
)
def test_a_norm_or_deviation_of_zero_has_gradient_zero_to_the_second_order(expression: Any) -> None:
    x = np.array([2.0, 2.0, 2.0])
    assert ab.grad(expression)(x).tolist() == [0.0, 0.0, 0.0]
    second = ab.hvp(expression, x, np.array([1.0, 2.0, 3.0]))
    assert second.tolist() == [0.0, 0.0, 0.0]


def test_mean_of_integers_and_truth_values_is_as_in_numpy() -> None:
    counts = Tensor([1, 2, 4], requires_grad=False)
    assert_same(counts.mean(), np.mean([1, 2, 4]))
    assert_same(counts.sum(), np.sum([1, 2, 4]))
    hits = Tensor([1.0, -1.0, 2.0]) > 0
    assert_same(hits.mean(), np.mean([True, False, True]))
    assert_same(hits.sum(), np.sum([True, False, True]))
    assert_same(hits.astype(np.float32).mean(), np.float32(2 / 3))


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "cumsum", "cumprod"])
def test_dtype_sets_the_dtype_and_passes_the_gradient(name: str) -> None:
    x = Tensor(np.array([1.5, 2.5, 3.0], np.float32))
    result = getattr(ab, name)(x, dtype=np.float64)
    assert_same(result, getattr(np, name)(x.data, dtype=np.float64), rtol=1e-7)
    assert result.dtype == np.float64
    result.sum().backward()
    assert x.grad.dtype == np.float32
    (expected,) = differences.gradients(
        lambda v: np.sum(getattr(np, name)(v)), [x.data.astype(float)], np.array(1.0)
    )
    np.testing.assert_allclose(x.grad, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ab.softmax([1, 2, 3]),
        lambda: ab.softmax(np.array([1, 2, 3])),
        lambda: np.exp(ab.log_softmax([1, 2, 3])),
        lambda: ab.softmax(Tensor([1, 2, 3], requires_grad=False)).data,
        lambda: np.exp(np.array([1.0, 2.0, 3.0]) - ab.logsumexp([1, 2, 3])),
    ],
    ids="list array log tensor logsumexp".split(),
)
def test_the_softmax_family_takes_integers(call: Any) -> None:
    np.testing.assert_allclose(call(), scipy.special.softmax([1.0, 2.0, 3.0]), rtol=1e-14)


@pytest.mark.parametrize(
    "x",
    [
        [1e4, 0.0, -1e4],
        [-1e308, 1e308],
        [-np.inf, 0.0, 1.0],
        [-np.inf, -np.inf],
        [np.inf, 0.0],
        [5.0],
    ],
)
def test_softmax_of_extreme_scores_is_a_distribution_with_a_finite_gradient(x: list[float]) -> None:
    scores = Tensor(x)
    with np.errstate(all="ignore"):
        y = ab.softmax(scores)
        y.backward(np.arange(1.0, len(x) + 1))
    if np.isneginf(x).all():
        assert y.data.tolist() == [0.0] * len(x)
    else:
        assert y.data.sum() == pytest.approx(1.0, abs=1e-15)
    assert (y.data >= 0).all()
    assert np.isfinite(scores.grad).all()


def test_log_softmax_is_right_where_the_probability_is_nearly_one() -> None:
    x = np.array([40.0, 0.0])
    found = ab.log_softmax(x)
    # -log1p(exp(-40)), and that minus 40.
    assert found[0] == pytest.approx(-4.248354255291589e-18, rel=1e-12)
    gradient = ab.grad(lambda x: -ab.log_softmax(x)[0])(x)
    assert gradient[0] == pytest.approx(-4.248354255291589e-18, rel=1e-12)
    assert gradient[1] == pytest.approx(4.248354255291589e-18, rel=1e-12)


def test_norms_neither_overflow_nor_underflow() -> None:
    for scale in (1e200, 1e-200, 1e-320):
        x = Tensor(np.array([3.0, 4.0]) * scale)
        for order in (None, 2, 3, 2.5):
            norm = ab.linalg.norm(x, order)
            exponent = 2.0 if order is None else float(order)
            unit = (3**exponent + 4**exponent) ** (1 / exponent)
            relative = 1e-13 if scale > 1e-300 else 1e-3
            assert float(norm) == pytest.approx(unit * scale, rel=relative)
            (gradient,) = ab.gradients(norm, [x])
            np.testing.assert_allclose(
                gradient, (np.array([3.0, 4.0]) / unit) ** (exponent - 1), rtol=max(relative, 1e-12)
            )


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("ab.sum(x, axis=2)", np.exceptions.AxisError),
        ("ab.sum(x, axis=-3)", np.exceptions.AxisError),
        ("ab.sum(x, axis=(0, 0))", ValueError),
        ("ab.sum(x, axis=1.5)", TypeError),
        ("ab.cumsum(x, axis=2)", np.exceptions.AxisError),
        ("ab.softmax(x, axis=2)", np.exceptions.AxisError),
        ("ab.max(x, where=x > 0)", ValueError),
        ("ab.max(x[:0])", ValueError),
        ("ab.argmax(x[:0])", ValueError),
        ("ab.linalg.norm(x, 3)", ValueError),
        ('ab.linalg.norm(x, "nuclear")', ValueError),
        ('ab.linalg.norm(x, "fro", axis=0)', ValueError),
        ("ab.linalg.norm(x, axis=(0, 1, 1))", ValueError),
        ("ab.sum(x, out=np.zeros(()))", TypeError),
        ("ab.max(x, out=np.zeros(()))", TypeError),
        ("ab.sum(x, where=[True, False, True, False])", ValueError),
    ],
)
def test_what_makes_no_sense_is_refused(call: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        evaluate(call, x=Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))


def test_a_mask_given_as_a_tensor_works_as_one_given_as_an_array() -> None:
    x = Tensor([1.0, -2.0, 3.0])
    for name, also in [
        ("sum", {}),
        ("mean", {}),
        ("var", {}),
        ("std", {}),
        ("prod", {}),
        ("max", {"initial": -9.0}),
    ]:
        of_tensor = getattr(ab, name)(x, where=x > 0, **also)
        of_array = getattr(ab, name)(x, where=x.data > 0, **also)
        assert (
            float(of_tensor)
            == float(of_array)
            == getattr(np, name)(x.data, where=x.data > 0, **also)
        )


def test_prod_and_cumprod_have_right_second_derivatives_at_zeros() -> None:
    x = np.array([0.0, 2.0, 3.0, 0.0])
    # d2/dx0dx3 of the product is the product of the rest.
    hessian = ab.hessian(lambda x: ab.prod(x))(x)
    expected = np.zeros((4, 4))
    expected[0, 3] = expected[3, 0] = 6.0
    np.testing.assert_array_equal(hessian, expected)
    np.testing.assert_array_equal(ab.hessian(lambda x: ab.cumprod(x)[-1])(x), expected)


def test_positive_reductions_of_a_value_treat_it_as_a_tensor_without_axes() -> None:
    v = Value(3.0)
    for name in ("sum", "mean", "prod", "max", "min"):
        result = getattr(ab, name)(v)
        assert float(result) == 3.0
        assert ab.gradients(result, [v]) == (1.0,)
    assert float(ab.var(v)) == 0.0
    assert ab.gradients(ab.std(v), [v]) == (0.0,)


def test_the_zero_norm_counts_and_has_no_derivative() -> None:
    x = Tensor([3.0, 0.0, -1.0])
    norm = ab.linalg.norm(x, 0)
    assert_same(norm, np.linalg.norm(x.data, 0))
    assert ab.gradients(norm + 0.0 * x.sum(), [x])[0].tolist() == [0.0, 0.0, 0.0]

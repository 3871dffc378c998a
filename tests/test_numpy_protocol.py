"""NumPy's own functions on nodes: they record, or they refuse; no gradient is lost in silence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, Value
from autograd_bp.node import Node
from tests.expressions import evaluate

# -- ufuncs ---------------------------------------------------------------------------------------

UFUNCS = sorted(
    name
    for name in set(dir(np)) & set(ab.PUBLIC)
    if isinstance(getattr(np, name), np.ufunc) and "d" in "".join(getattr(np, name).types)
    # Those on vectors, and those with results in pairs, have their calls in tests/numpy.
    if getattr(np, name).nout == 1 and name not in ("vecdot", "matvec", "vecmat", "ldexp")
)


@pytest.mark.parametrize("name", UFUNCS)
def test_a_ufunc_does_what_the_operation_of_its_name_does(name: str) -> None:
    ufunc, operation = getattr(np, name), ab.PUBLIC[name]
    for make in (Tensor, Value):
        operands = [0.4, 0.7][: ufunc.nin] if name not in ("arccosh", "acosh") else [1.5]
        if name == "matmul":
            operands = [[0.4, 0.7], [0.1, 0.2]]
            if make is Value:
                continue
        nodes, others = [make(o) for o in operands], [make(o) for o in operands]
        found, expected = ufunc(*nodes), operation(*others)
        assert type(found) is type(expected)
        assert np.all(
            np.asarray(getattr(found, "data", found) == getattr(expected, "data", expected))
        )
        if isinstance(found, Node) and found.requires_grad:
            assert found.rule is expected.rule
            found.backward()
            expected.backward()
            for node, other in zip(nodes, others, strict=True):
                np.testing.assert_array_equal(node.grad, other.grad)


@pytest.mark.parametrize("name", ["add", "multiply", "power", "maximum", "arctan2", "hypot"])
def test_a_node_among_plain_operands_is_enough_in_either_place(name: str) -> None:
    ufunc, array = getattr(np, name), np.array([1.5, 2.5])
    for node, kind in ((Tensor([0.5, 3.0]), Tensor), (Value(0.5), Tensor)):
        for result in (ufunc(node, array), ufunc(array, node)):
            assert type(result) is kind
            assert result.requires_grad
    for number in (2.0, np.float64(2.0), np.float32(2.0)):
        assert type(ufunc(number, Value(0.5))) is Value
        assert type(ufunc(Value(0.5), number)) is Value
        assert type(ufunc(number, Tensor(0.5))) is Tensor


X = np.array([[1.5, -2.0, 0.5], [3.0, 1.0, -1.0]])
REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": 1},
        {"axis": None},
        {"axis": (0, 1)},
        {"axis": -1, "keepdims": True},
        {"axis": 0, "initial": 2.0},
        {"axis": 1, "initial": 0.5, "where": X > -1.5},
    ],
    ids=str,
)
def test_reduce_is_the_reduction(name: str, options: dict[str, Any]) -> None:
    ufunc = getattr(np, name)
    x = Tensor(X)
    result = ufunc.reduce(x, **options)
    expected = ufunc.reduce(X, **options)
    assert type(result) is Tensor
    assert result.shape == np.shape(expected)
    np.testing.assert_allclose(result.data, expected, rtol=1e-14)
    assert result.requires_grad
    other = Tensor(X)
    getattr(ab, REDUCTIONS[name])(other, **{"axis": 0, **options}).sum().backward()
    result.sum().backward()
    np.testing.assert_array_equal(x.grad, other.grad)


def test_logaddexp_reduces_to_logsumexp() -> None:
    for axis in (0, 1):
        result = np.logaddexp.reduce(Tensor(X), axis=axis)
        np.testing.assert_allclose(result.data, np.logaddexp.reduce(X, axis=axis), rtol=1e-14)
        assert result.requires_grad


@pytest.mark.parametrize("name", ["add", "multiply"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_accumulate_is_the_running_sum_or_product(name: str, axis: int) -> None:
    ufunc = getattr(np, name)
    result = ufunc.accumulate(Tensor(X), axis=axis)
    np.testing.assert_allclose(result.data, ufunc.accumulate(X, axis=axis), rtol=1e-14)
    assert result.requires_grad
    np.testing.assert_allclose(ufunc.accumulate(Tensor(X)).data, ufunc.accumulate(X), rtol=1e-14)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "power", "divide", "hypot"])
def test_outer_combines_every_element_with_every_other(name: str) -> None:
    ufunc = getattr(np, name)
    a, b = np.array([[1.5, 2.0]]), np.array([0.5, 1.0, 2.5])
    for left, right in ((Tensor(a), Tensor(b)), (Tensor(a), b), (a, Tensor(b)), (Tensor(a), 2.0)):
        plain = [
            operand.data if isinstance(operand, Tensor) else operand for operand in (left, right)
        ]
        result = ufunc.outer(left, right)
        assert type(result) is Tensor
        np.testing.assert_array_equal(result.data, ufunc.outer(*plain))
        result.sum().backward()
        for operand in (left, right):
            if isinstance(operand, Tensor):
                assert operand.grad.shape == operand.shape
                assert operand.grad.all()


@pytest.mark.parametrize(
    "call",
    [
        "np.add.at(x, [0], 1.0)",
        "np.add.at(np.zeros(3), [0], x)",
        "np.nextafter(x, 1.0)",
    ],
)
def test_a_ufunc_without_a_rule_is_refused_and_says_what_to_do(call: str) -> None:
    x = Tensor([1.5, 2.0, 3.0])
    with pytest.raises(TypeError, match=r"detach|\.data|use") as caught:
        evaluate(call, x=x)
    assert "np." in str(caught.value)
    assert x.data.tolist() == [1.5, 2.0, 3.0]
    assert call.partition("(")[0] in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        "np.add(t, 1.0, out=a)",
        "np.add(a, t, out=a)",
        "np.add(a, t, a)",
        "np.exp(t, out=a)",
        "np.exp(a, out=t)",
        "np.exp(a, t)",
        "np.abs(a, out=t)",
        "np.add.reduce(t, out=np.zeros(()))",
        "np.add.accumulate(t, out=a)",
        "np.add.reduce(a, out=t[0])",
        "np.multiply.outer(t, a, out=np.zeros((2, 2)))",
        "np.sum(t, out=np.zeros(()))",
        "np.sum(t, None, None, np.zeros(()))",
        "np.matmul(t, a, out=np.zeros(()))",
        "np.concatenate([t, a], out=np.zeros(4))",
        "np.clip(t, 0, 1, out=a)",
        "np.round(t, out=a)",
        "np.dot(t, a, out=np.zeros(()))",
        "np.greater(t, 1.0, out=np.zeros(2, bool))",
        "np.isnan(a, out=t)",
        "ab.isnan(a, t)",
        "ab.greater(a, 1.0, t)",
        "np.isposinf(a, t)",
        "np.any(a, None, t[0])",
        "np.copyto(a, t)",
        "np.copyto(t, a)",
        "np.put(a, [0], t[0])",
        "np.put(t, [0], 5.0)",
        "np.place(a, a > 0, t)",
        "np.putmask(a, a > 0, t)",
        "np.fill_diagonal(t, 0.0)",
        "np.add.at(a, [0], t[0])",
    ],
)
def test_nothing_is_written_into_an_array_or_a_node(call: str) -> None:
    t, a = Tensor([1.0, 2.0]), np.array([3.0, 4.0])
    y = (t * t).sum()
    with pytest.raises((TypeError, ValueError)):
        evaluate(call, t=t, a=a)
    assert t.data.tolist() == [1.0, 2.0]
    assert a.tolist() == [3.0, 4.0]
    y.backward()
    assert t.grad.tolist() == [2.0, 4.0]


def test_the_refusal_of_out_explains_itself() -> None:
    with pytest.raises(TypeError, match=r"np\.add.*zeros_like"):
        np.add(np.ones(2), Tensor([1.0, 2.0]), out=np.zeros(2))


def test_where_in_a_ufunc_is_refused_and_ab_where_suggested() -> None:
    with pytest.raises(TypeError, match=r"ab\.where"):
        np.exp(Tensor([1.0, 2.0]), where=np.array([True, False]))
    assert np.exp(Tensor([1.0]), where=True).requires_grad


@pytest.mark.parametrize(
    "options", [{"dtype": np.float32}, {"casting": "no"}, {"order": "F"}], ids=str
)
def test_other_options_of_a_ufunc_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(options))):
        np.exp(Tensor([1.0, 2.0]), **options)


@pytest.mark.parametrize("left", [np.array([True, False]), True])
def test_masks_combine_on_either_side(left: Any) -> None:
    mask = Tensor([1.0, -1.0]) > 0
    for combine in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_and, np.logical_or):
        for result in (combine(left, mask), combine(mask, left), combine(mask, mask)):
            assert type(result) is Tensor
            assert result.dtype == bool
            assert not result.requires_grad
    assert (~mask).data.tolist() == [False, True]
    assert np.invert(mask).data.tolist() == [False, True]
    assert (left & mask).data.tolist() == [True, False]


# -- other functions ------------------------------------------------------------------------------


def test_functions_of_numpy_record() -> None:
    x = Tensor(X)
    for function in (
        lambda x: np.sum(x),
        lambda x: np.mean(x, axis=0),
        lambda x: np.linalg.norm(x),
        lambda x: np.concatenate([x, X]),
        lambda x: np.where(X > 0, x, 0.0),
        lambda x: np.einsum("ij->j", x),
        lambda x: np.tensordot(x, X.T, 1),
        lambda x: np.clip(x, 0, 1),
        lambda x: np.stack([X, x]),
        lambda x: np.pad(x, 1),
        lambda x: np.transpose(x),
        lambda x: np.broadcast_to(x, (2, 2, 3)),
        lambda x: np.split(x, 2)[0],
        lambda x: np.max(x),
        lambda x: np.hstack([x, 2.0 * x]),
        lambda x: np.squeeze(x[None]),
        lambda x: np.dot(x, X.T),
    ):
        result = function(x)
        assert type(result) is Tensor
        assert result.requires_grad


def test_what_only_reads_the_shape_or_compares_gives_plain_answers() -> None:
    x = Tensor(X)
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 0)) == ((2, 3), 2, 6, 2)
    assert np.allclose(x, X)
    assert np.array_equal(x, X)
    assert np.isclose(x, X).all()
    assert np.iterable(x)
    assert np.result_type(Tensor(np.ones(1, np.float32)), 1.0) == np.float32
    assert [i.tolist() for i in np.nonzero(x > 2)] == [[1], [0]]
    assert [i.tolist() for i in np.where(x > 2)] == [[1], [0]]
    assert np.argwhere(x > 2).tolist() == [[1, 0]]
    assert np.searchsorted(np.array([0.0, 1.0, 2.0]), Tensor([0.5, 1.5])).tolist() == [1, 2]
    for like in (np.zeros_like, np.ones_like, np.empty_like):
        result = like(x)
        assert np.shape(result) == (2, 3)
        assert not getattr(result, "requires_grad", False)
    assert "Tensor" in np.array2string(Tensor([1.0])) or "1." in np.array2string(Tensor([1.0]))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("np.linalg.eig(x)", "np.linalg.eig"),
        ("np.roots(x[0])", "np.roots"),
    ],
)
def test_a_function_without_a_rule_is_refused_by_name_with_three_ways_out(
    call: str, name: str
) -> None:
    with pytest.raises(TypeError) as caught:
        evaluate(call, x=Tensor(np.eye(2)))
    message = str(caught.value)
    assert name in message
    for way_out in ("PUBLIC", "scalar_rule", "Function", ".data", "detach"):
        assert way_out in message


@pytest.mark.parametrize(
    "call",
    [
        "np.bincount([0, 1, 1], weights=t)",
        "np.histogram([0.0, 1.0, 2.0], weights=t)",
        "np.full_like(t, t[0])",
        "np.full_like(np.zeros(3), t[0])",
        "np.full(3, t[0])",
        "np.ma.multiply(t, np.ones(3))",
        "np.ma.array([1.0, 2.0, 3.0], mask=[True, False, False]) * t",
        "np.ma.array(t)",
        "np.array(list(t))",
        "np.array([t[0], 1.0], float)",
        "np.asarray(t, float)",
        "np.linspace(0.0, t[0], 3)",
        "np.arange(t[0])",
        "np.random.default_rng(0).normal(t)",
        "np.vectorize(lambda x: x)(t)",
        "np.frompyfunc(lambda x: x, 1, 1)(t)",
        "np.polyval([1.0, 2.0], t)",
        "np.r_[t, 1.0]",
        "np.asfortranarray(t)",
    ],
)
def test_a_gradient_is_never_lost_in_an_array(call: str) -> None:
    t = Tensor([1.0, 2.0, 3.0])
    try:
        result = evaluate(call, t=t)
    except TypeError:
        return
    result = result[0] if isinstance(result, tuple) else result
    assert isinstance(result, Node), f"the gradient is gone: {result!r}"
    assert result.requires_grad


# Callables of NumPy with side effects, or that want files and terminals.
NOT_CALLED = set(
    "test show_config show_runtime info load save savez savez_compressed savetxt fromfile loadtxt "
    "genfromtxt memmap DataSource setbufsize seterr seterrcall set_printoptions fromregex "
    "get_include get_state set_state seed set_bit_generator errstate printoptions lookfor source "
    "who".split()
)
# What comes out holds no number of the node: an array like it, a property of its dtype, a matrix
# of that size, a value for what is missing.
NO_NUMBER_OF_THE_NODE = set(
    "np.empty_like np.ones_like np.zeros_like np.full_like np.finfo np.tri np.identity np.eye "
    "np.ma.empty_like np.ma.ones_like np.ma.zeros_like np.ma.masked_all_like "
    "np.ma.clump_unmasked np.ma.clump_masked np.ma.notmasked_contiguous "
    "np.ma.flatnotmasked_contiguous np.ma.common_fill_value np.ma.default_fill_value "
    "np.ma.maximum_fill_value np.ma.minimum_fill_value".split()
)
# Conversions to plain numbers, asked for by name, as float(t) is.
CONVERSIONS = set(
    "fromiter double float64 float32 float16 single half longdouble cdouble complex128 "
    "complex64 csingle clongdouble clongcomplex".split()
)
SPACES = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "np.random": np.random,
    "np.ma": np.ma,
    "np.lib.stride_tricks": np.lib.stride_tricks,
    "np.polynomial.polynomial": np.polynomial.polynomial,
}


def callables() -> Iterator[Any]:
    for space, module in SPACES.items():
        for name in sorted(dir(module)):
            function = getattr(module, name)
            if name.startswith("_") or name in NOT_CALLED | CONVERSIONS or not callable(function):
                continue
            if inspect.isclass(function) and issubclass(function, BaseException):
                continue
            yield pytest.param(function, f"{space}.{name}", id=f"{space}.{name}")


def numbers_of_the_node(result: Any) -> Any:
    """Whatever in a result is a plain float, or a plain array of floats or objects."""
    if isinstance(result, np.ndarray):
        return result if result.dtype.kind in "fcO" and result.size else None
    if isinstance(result, float | complex | np.inexact):
        return result
    if isinstance(result, list | tuple):
        return next((n for n in map(numbers_of_the_node, result) if n is not None), None)
    if isinstance(result, dict):
        return numbers_of_the_node(list(result.values()))
    return None


CALLS: dict[str, Callable[[Callable[..., Any], Any], Any]] = {
    "f(t)": lambda f, t: f(t),
    "f(t, t)": lambda f, t: f(t, t),
    "f(t, 1)": lambda f, t: f(t, 1),
    "f([t, t])": lambda f, t: f([t, t]),
    "f(t, t, t)": lambda f, t: f(t, t, t),
}
NODES: dict[str, Callable[[], Any]] = {
    "vector": lambda: Tensor([1.5, 2.0, 3.0]),
    "matrix": lambda: Tensor([[2.0, 1.0], [1.0, 3.0]]),
    "0-d tensor": lambda: Tensor(2.0),
    "value": lambda: Value(2.0),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "name"), list(callables()))
def test_no_function_of_numpy_loses_a_gradient_in_silence(
    function: Callable[..., Any], name: str
) -> None:
    for kind, make in NODES.items():
        for how, call in CALLS.items():
            node = make()
            before = np.array(node.data)
            y = node * node
            where = f"{how} of {name}, t a {kind}"
            with np.errstate(all="ignore"):
                try:
                    result = call(function, node)
                except Exception as error:
                    # Most calls make no sense; NumPy or the engine says so in one way or other.
                    assert not isinstance(error, StopIteration | RecursionError | SystemError)
                    result = None
            assert np.array_equal(node.data, before), f"{where} changed t"
            found = numbers_of_the_node(result)
            if name not in NO_NUMBER_OF_THE_NODE:
                assert found is None, f"{where} is {result!r}"
            elif isinstance(found, np.ndarray):
                assert found.dtype != object, where
            (again,) = ab.gradients(y, [node], cotangent=np.ones(before.shape)[()])
            assert np.array_equal(again, 2 * before), f"{where} changed a graph that holds t"

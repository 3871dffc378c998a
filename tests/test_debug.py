"""ab.debug(): the first bad number, and the line of the user's program it came from."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import NonFiniteError, Tensor, Value
from autograd_bp.graph import where_made


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """NumPy's own warnings are not what is tested here."""
    with np.errstate(all="ignore"):
        yield


def line_here() -> str:
    """The line that calls this function, as a message shows it."""
    frame = inspect.currentframe()
    assert frame is not None
    caller = frame.f_back
    assert caller is not None
    return f"{__file__}:{caller.f_lineno}"


@pytest.mark.parametrize("make", [Value, Tensor])
def test_a_node_remembers_the_line_that_made_it_only_while_debug_is_on(make: Any) -> None:
    x = make(2.0)
    before = x * 3.0
    with ab.debug():
        here, y = line_here(), x * 3.0
        z = ab.exp(y)
        w = np.sin(z)
    after = x * 3.0
    assert where_made(before) is where_made(after) is where_made(x) is None
    assert where_made(y).startswith(f"{here} in test_a_node_remembers")
    assert "x * 3.0" in where_made(y)
    assert "ab.exp(y)" in where_made(z)
    assert "np.sin(z)" in where_made(w)


def test_the_first_bad_result_raises_with_operation_place_operands_and_line() -> None:
    x = Tensor([1.0, 0.0, -1.0], name="scores")
    with ab.debug():
        y = x * 2.0
        with pytest.raises(NonFiniteError) as caught:
            ab.log(y)
    message = str(caught.value)
    for word in ("log", "-inf", "[1]", "(3,)", "between -2 and 2", "ab.log(y)", __file__):
        assert word in message
    assert isinstance(caught.value, FloatingPointError)
    assert caught.value.node.rule.name == "log"
    assert caught.value.node.parents == (y,)


def test_the_name_of_the_operand_is_told() -> None:
    x = Tensor([1.0, 0.0], name="scores")
    v = Value(-1.0, name="rate")
    with ab.debug():
        with pytest.raises(NonFiniteError, match="'scores'"):
            ab.log(x)
        with pytest.raises(NonFiniteError, match=r"sqrt gave nan.*'rate'.*-1\.0"):
            ab.sqrt(v)
        with pytest.raises(NonFiniteError, match=r"div gave inf"):
            1.0 / (v + 1.0)


@pytest.mark.parametrize(
    ("work", "operation"),
    [
        (lambda x: ab.sqrt(x).sum(), "sqrt"),
        (lambda x: ab.log(x + 1e-310).sum(), "log"),
        (lambda x: (x**0.5).sum(), "pow"),
    ],
    ids=["sqrt", "log", "pow"],
)
def test_the_first_bad_derivative_raises_and_changes_no_gradient(work: Any, operation: str) -> None:
    x = Tensor([4.0, 0.0], name="x")
    with ab.debug():
        y = work(x)
        with pytest.raises(NonFiniteError, match=operation) as caught:
            y.backward()
    assert x.grad is None
    assert "derivative" in str(caught.value)
    assert "made at" in str(caught.value)
    assert __file__ in str(caught.value)


def test_a_bad_derivative_of_a_graph_made_before_is_found_too() -> None:
    x = Value(0.0)
    y = ab.sqrt(x)
    with ab.debug(), pytest.raises(NonFiniteError, match="before"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda x: ab.gradients(ab.sqrt(x).sum(), [x]),
        lambda x: ab.gradients(ab.sqrt(x).sum(), [x], create_graph=True),
        lambda _: ab.grad(lambda x: ab.sqrt(x).sum())(np.array([4.0, 0.0])),
        lambda _: ab.jvp(ab.sqrt, (np.array([4.0, 0.0]),), (np.ones(2),)),
        lambda _: ab.jvp(ab.sqrt, (0.0,), (1.0,)),
        lambda _: ab.hvp(lambda x: (x**1.5).sum(), np.array([4.0, 0.0]), np.ones(2)),
    ],
    ids="gradients create_graph grad jvp jvp_of_a_number hvp".split(),
)
def test_every_way_to_a_derivative_is_watched(differentiate: Any) -> None:
    x = Tensor([4.0, 0.0])
    with ab.debug(), pytest.raises(NonFiniteError):
        differentiate(x)


@pytest.mark.parametrize("make", [Value, Tensor])
def test_a_sum_of_finite_derivatives_that_overflows_is_found(make: Any) -> None:
    x = make(0.5)
    with ab.debug():
        y = x * 1e308 + x * 1e308
        with pytest.raises(NonFiniteError):
            y.backward()
    assert x.grad is None


def test_finite_computations_are_left_alone() -> None:
    x, v = Tensor([1.0, 2.0]), Value(0.0)
    with ab.debug():
        y = ab.where(x > 1.5, ab.log(x), 0.0).sum() + v * v
        y.backward()
        assert ab.hessian(lambda x: (x**3).sum())(np.ones(2)).shape == (2, 2)
        assert (x.astype(int) * 2).data.tolist() == [2, 4]
        assert ab.argmax(x) == 1
    assert x.grad.tolist() == [0.0, 0.5]


def test_the_place_in_a_matrix_is_told_by_row_and_column() -> None:
    x = np.ones((3, 4))
    x[1, 2] = 0.0
    with ab.debug(), pytest.raises(NonFiniteError, match=r"\[1, 2\]"):
        1.0 / Tensor(x)


def test_contexts_nest_and_end_even_after_an_error() -> None:
    x = Value(0.0)
    watch = ab.debug()
    with watch, watch:
        with ab.debug(), pytest.raises(NonFiniteError):
            ab.log(x)
        with pytest.raises(NonFiniteError):
            ab.log(x)
    assert ab.log(x).data == -math.inf
    with pytest.raises(KeyError), ab.debug():
        raise KeyError
    assert where_made(x * 2.0) is None


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_an_operation_of_the_users_own_is_named_with_the_line_that_called_it() -> None:
    class Inverse(ab.Function):
        def forward(self, x: Any) -> Any:
            self.out = np.divide(1.0, x)
            return self.out

        def backward(self, g: Any) -> Any:
            return -g * self.out * self.out

    x = Tensor([0.0])
    with ab.debug(), pytest.raises(NonFiniteError, match="Inverse gave inf") as caught:
        Inverse()(x)
    assert "Inverse()(x)" in str(caught.value)


def test_the_users_line_is_found_below_a_directory_called_numpy() -> None:
    source = "import autograd_bp as ab\nx = ab.Value(2.0)\nwith ab.debug():\n    y = x * 3.0\n"
    scope: dict[str, Any] = {}
    exec(compile(source, "/home/me/numpy/model.py", "exec"), scope)
    assert where_made(scope["y"]).startswith("/home/me/numpy/model.py:4")


def test_a_result_that_is_infinite_by_intention_can_be_kept_out_of_the_watch() -> None:
    x = Tensor([1.0, 2.0])
    masked = ab.where(np.array([True, False]), x, -np.inf)
    with ab.debug():
        y = ab.softmax(masked)
        y[0].backward()
    assert np.isfinite(x.grad).all()

"""Errors name the operation, the operands by name and shape, and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, Value
from autograd_bp.errors import explained
from autograd_bp.rules import ROWS

W = Tensor(np.ones((2, 3)), name="W")
B = Tensor(np.ones((4, 3)), name="b")
X = Tensor(np.ones(3), name="x")
N = Tensor(np.ones((2, 2)))
V = Value(2.0, name="v")
EMPTY = Tensor(np.ones((0, 3)), name="empty")

# The call, its error, and words the message must have: operation, names, shapes, what to do.
MESSAGES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: W + B, ValueError, "add 'W' (2, 3) 'b' (4, 3) 1 expand_dims"),
    (lambda: W * np.ones(5), ValueError, "mul 'W' (2, 3) (5,)"),
    (lambda: np.ones(5) / W, ValueError, "div (5,) 'W' (2, 3)"),
    (lambda: ab.maximum(W, B), ValueError, "maximum 'W' 'b'"),
    (lambda: ab.where(np.ones(4) > 0, W, 0.0), ValueError, "where (4,) bool 'W' (2, 3) 0.0"),
    (lambda: ab.clip(W, np.zeros(5), 1.0), ValueError, "clip 'W' (2, 3) (5,)"),
    (lambda: W @ B, ValueError, "matmul 'W' (2, 3) 'b' (4, 3) .T 3 4"),
    (lambda: X @ B, ValueError, "matmul 'x' (3,) 'b' (4, 3)"),
    (lambda: W @ 2.0, ValueError, "matmul 'W' (2, 3) 2.0 *"),
    (lambda: W @ V, ValueError, "matmul 'W' 'v' *"),
    (lambda: W.reshape(4, 2), ValueError, "reshape 'W' (2, 3) (4, 2) number of elements"),
    (lambda: W.sum(axis=2), np.exceptions.AxisError, "sum 'W' (2, 3) axis 2 0 1 -1"),
    (lambda: W.max(axis=-3), np.exceptions.AxisError, "max 'W' (2, 3) axis -3"),
    (lambda: W.cumsum(axis=2), np.exceptions.AxisError, "axis 2"),
    (lambda: ab.softmax(W, axis=5), np.exceptions.AxisError, "softmax 'W' (2, 3) axis 5"),
    (lambda: EMPTY.max(), ValueError, "max 'empty' (0, 3) initial="),
    (lambda: EMPTY.min(axis=0), ValueError, "min 'empty' (0, 3) initial="),
    (lambda: W[5], IndexError, "'W' (2, 3) 5 axis 0"),
    (lambda: W[0, 0, 0], IndexError, "'W' (2, 3) 2 (0, 0, 0)"),
    (lambda: W[1.0], IndexError, "'W' (2, 3) integer"),
    (lambda: W[np.array([True, False, True])], IndexError, "'W' (2, 3) 3"),
    (lambda: ab.concatenate([W, X]), ValueError, "concatenate 'W' (2, 3) 'x' (3,) axis=0"),
    (lambda: ab.concatenate([W, N]), ValueError, "concatenate 'W' (2, 3) (2, 2)"),
    (lambda: ab.stack([W, B]), ValueError, "stack 'W' (2, 3) 'b' (4, 3)"),
    (lambda: ab.broadcast_to(W, (3, 2)), ValueError, "broadcast_to 'W' (2, 3) (3, 2)"),
    (lambda: ab.squeeze(W, 0), ValueError, "squeeze (2, 3) 0 1"),
    (lambda: ab.transpose(W, (0,)), ValueError, "transpose (0,) 2"),
    (lambda: ab.split(X, 2), ValueError, "split 3 2 array_split"),
    (lambda: ab.einsum("ij,jk", W, B), ValueError, "einsum 'j' 3 4 (2, 3) (4, 3)"),
    (lambda: ab.einsum("ijk", W), ValueError, "einsum ijk 2"),
    (lambda: ab.tensordot(W, B, 1), ValueError, "tensordot (2, 3) (4, 3)"),
    (lambda: ab.at(W, 0).set(np.ones(5)), ValueError, "'W' (2, 3) (5,)"),
    (lambda: (W * 2.0).backward(), ValueError, "(2, 3) cotangent sum() backward(np.ones"),
    (lambda: (W * 2.0).backward(np.ones(2)), ValueError, "cotangent (2,) (2, 3)"),
    (lambda: (W * 2.0).backward("abc"), TypeError, "cotangent"),
    (lambda: V.detach().backward(), ValueError, "requires_grad=True no_grad detach"),
    (lambda: Tensor([1, 2]), TypeError, "int64 [1.0, 2.0] requires_grad=False"),
    (lambda: Tensor(3), TypeError, "int64 3.0 requires_grad=False"),
    (lambda: Tensor("text"), TypeError, "text 'text'"),
    (lambda: Tensor([[1.0], [1.0, 2.0]]), ValueError, "same length"),
    (lambda: Tensor([V, V]), TypeError, "stack"),
    (lambda: Value("2"), TypeError, "str '2'"),
    (lambda: Value(np.ones(2)), TypeError, "(2,) Tensor"),
    (lambda: Value(V), TypeError, "'v' .data"),
    (lambda: W.__setitem__(0, 1.0), TypeError, "ab.at .set .data"),
    (lambda: np.asarray(W), TypeError, "'W' gradient .data detach"),
    (lambda: float(W), TypeError, "float 'W'"),
    (lambda: ab.gradients(W, [W, 2.0]), TypeError, "nodes float 2.0"),
    (lambda: ab.gradients(V * 2.0, [V.detach()]), ValueError, "'v' requires_grad=True"),
    (lambda: ab.grad(lambda x: x)(3), TypeError, "3.0 3"),
    (lambda: ab.grad(lambda x: x)({"w": 3}), TypeError, "3.0 ['w']"),
    (lambda: ab.grad(lambda x: x)({"w": np.array([3])}), TypeError, "['w'] int64"),
    (lambda: ab.grad(lambda x: x * np.ones(3))(3.0), ValueError, "scalar (3,) sum jacobian"),
    (lambda: ab.grad(lambda x: x, 2)(3.0), ValueError, "argnums=2 1"),
    (lambda: ab.exp("text"), TypeError, "text"),
    (lambda: ab.exp(None), TypeError, "None"),
    (lambda: W + None, TypeError, "NoneType Tensor"),
    (lambda: V + "text", TypeError, "str Value"),
    (lambda: W + np.array([1j]), TypeError, "complex"),
    (lambda: np.roots(W), TypeError, "np.roots scalar_rule Function detach"),
    (lambda: np.add(W, 1.0, out=np.ones((2, 3))), TypeError, "np.add 'W' result"),
    (lambda: ab.sum(W, out=np.ones(())), TypeError, "sum out="),
    (lambda: ab.leaky_relu(X, V), TypeError, "negative_slope"),
    (lambda: ab.elu(X, V), TypeError, "alpha"),
    (lambda: ab.pad(X, 1, constant_values=V), TypeError, "pad 'v' gradient"),
    (lambda: ab.one_hot([3], 3), ValueError, "one_hot 2 3"),
    (lambda: ab.gelu(X, "fast"), ValueError, "gelu 'fast' 'tanh'"),
    (lambda: ab.norm, AttributeError, "norm linalg"),
    (lambda: ab.sigmiod, AttributeError, "sigmiod sigmoid"),
    (lambda: ab.add(1.0), TypeError, "add y"),
    (lambda: ab.linalg.norm(W, "max"), ValueError, "norm 'max' fro"),
]


def words_of(text: str) -> list[str]:
    """The words of a message to look for; shapes, quoted names and brackets hold together."""
    words: list[str] = []
    depth = 0
    for piece in text.split(" "):
        if depth:
            words[-1] += " " + piece
        else:
            words.append(piece)
        depth += piece.count("(") + piece.count("[") - piece.count(")") - piece.count("]")
        if words[-1].startswith(("backward(", "cotangent")) or depth < 0:
            depth = 0
    return words


@pytest.mark.parametrize(
    ("call", "error", "words"), MESSAGES, ids=[words for _, _, words in MESSAGES]
)
def test_the_message_says_what_where_and_what_to_do(
    call: Callable[[], Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    missing = [word for word in words_of(words) if word not in message]
    assert missing == [], message


@pytest.mark.parametrize(("call", "error", "words"), MESSAGES, ids=[w for _, _, w in MESSAGES])
def test_the_message_is_a_sentence_of_reasonable_length(
    call: Callable[[], Any], error: type[Exception], words: str
) -> None:
    del words
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert 15 < len(message) < 420
    assert "object at 0x" not in message
    assert "<locals>" not in message


def test_a_message_about_a_large_array_stays_short() -> None:
    large = Tensor(np.random.default_rng(0).normal(size=(500, 500)), name="large")
    for call in (
        lambda: (large * 2.0).backward(),
        lambda: float(large),
        lambda: np.asarray(large),
        lambda: large + np.ones(3),
        lambda: ab.gradients(large, [large]),
        lambda: Tensor([["text"] * 500] * 500),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            call()
        assert len(str(caught.value)) < 500


def test_the_error_of_numpy_is_kept_as_the_cause() -> None:
    with pytest.raises(ValueError, match="add") as caught:
        W + B
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_axis_error_is_both_an_index_error_and_a_value_error_as_in_numpy() -> None:
    for kind in (IndexError, ValueError, np.exceptions.AxisError):
        with pytest.raises(kind):
            W.sum(axis=7)


def test_names_of_any_text_stay_readable_in_messages() -> None:
    odd = Tensor(np.ones(2), name='苹果 "quoted"\n<b>')
    with pytest.raises(ValueError, match="苹果") as caught:
        odd + np.ones(3)
    assert "\n" not in str(caught.value)


def test_a_failed_operation_leaves_its_operands_usable() -> None:
    x = Tensor([1.0, 2.0])
    for call in (lambda: x + np.ones(3), lambda: x @ np.ones((3, 3)), lambda: x[7]):
        with pytest.raises((ValueError, IndexError)):
            call()
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_an_error_of_linear_algebra_stays_one() -> None:
    """Whoever catches NumPy's LinAlgError for a singular matrix catches it here too."""
    singular = np.linalg.LinAlgError("Singular matrix")
    error = explained(singular, ROWS["exp"], [np.eye(2)], [None], [])
    assert isinstance(error, np.linalg.LinAlgError)
    assert "exp(shape (2, 2)): Singular matrix" in str(error)

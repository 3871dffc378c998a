"""One table row per call of an operation, and what must hold for every row.

A `Case` is a call such as ``sum(<3x4>, axis=1)``. `claims` pairs every case with every claim about
it: that it agrees with NumPy, and its derivatives with differences of *NumPy's* function.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor
from tests import differences

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Operand:
    """A differentiable operand: its shape, and where its numbers lie.

    Magnitudes are a shuffled grid from `low` to `high`, so that no two elements tie and none is
    near zero: a kink is further off than the steps of the differences. `signed` gives signs.
    """

    shape: tuple[int, ...]
    low: float = 0.3
    high: float = 2.5
    signed: bool = True
    numbers: Any = None

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __repr__(self) -> str:
        return f"<{'x'.join(map(str, self.shape)) or 'scalar'}>"


def reals(*shape: int) -> Operand:
    return Operand(shape)


def positive(*shape: int) -> Operand:
    return Operand(shape, signed=False)


def between(low: float, high: float, *shape: int, signed: bool = False) -> Operand:
    return Operand(shape, low, high, signed)


def given(numbers: Any) -> Operand:
    numbers = np.array(numbers, float)
    return Operand(numbers.shape, numbers=numbers)


class Case:
    """``name(*args, **kwargs)``, where the operands to differentiate by are `Operand`s.

    `reference` is the NumPy function (of the same name unless given) on the same arguments.
    """

    def __init__(
        self,
        name: str,
        *args: Any,
        reference: Callable[..., Any] | None = None,
        function: Callable[..., Any] | None = None,
        accepts_lists: bool = True,
        **kwargs: Any,
    ) -> None:
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.operands = [*_operands(args), *_operands(kwargs)]
        self.accepts_lists = accepts_lists
        self.function = function or ab.PUBLIC[name]
        self.numpy_function = None if reference else getattr(np, name)
        self._reference = reference or self.numpy_function

    def __repr__(self) -> str:
        pieces = [*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.kwargs.items())]
        text = " ".join(f"{self.name}({', '.join(pieces)})".split())
        # Where a function lies in memory is another place in every process.
        text = re.sub(r" at 0x[0-9a-f]+", "", text)
        return text if len(text) < 90 else f"{text[:80]}...{zlib.crc32(text.encode()):08x}"

    @property
    def rng(self) -> np.random.Generator:
        """The same numbers in every run and every process."""
        return np.random.default_rng(zlib.crc32(repr(self).encode()))

    def numbers(self) -> list[Array]:
        rng = self.rng
        total = sum(operand.size for operand in self.operands)
        grid = rng.permutation((np.arange(total) + 0.5) / max(total, 1))
        arrays = []
        for operand in self.operands:
            if operand.numbers is not None:
                arrays.append(operand.numbers.copy())
                continue
            part, grid = grid[: operand.size], grid[operand.size :]
            magnitude = operand.low + (operand.high - operand.low) * part
            sign = rng.choice([-1.0, 1.0], operand.size) if operand.signed else 1.0
            arrays.append((magnitude * sign).reshape(operand.shape))
        return arrays

    def call(self, function: Callable[..., Any], operands: Any) -> Any:
        """``function`` on the operands in their places among the other arguments."""
        rest = iter(operands)
        args = _filled(self.args, rest)
        return function(*args, **_filled(self.kwargs, rest))

    def ours(self, *operands: Any) -> Any:
        return self.call(self.function, operands)

    def numpys(self, *operands: Any) -> Any:
        return self.call(self._reference, operands)


def _operands(argument: Any) -> Iterator[Operand]:
    if isinstance(argument, Operand):
        yield argument
    elif isinstance(argument, list | tuple):
        for element in argument:
            yield from _operands(element)
    elif isinstance(argument, dict):
        for element in argument.values():
            yield from _operands(element)


def _filled(argument: Any, operands: Iterator[Any]) -> Any:
    if isinstance(argument, Operand):
        return next(operands)
    if isinstance(argument, dict):
        return {key: _filled(element, operands) for key, element in argument.items()}
    if isinstance(argument, list | tuple):
        return type(argument)([_filled(element, operands) for element in argument])
    return argument


def pieces(result: Any) -> list[Any]:
    """The arrays of a result that may be one, or a list or tuple of them."""
    return list(result) if isinstance(result, list | tuple) else [result]


def plain(result: Any) -> Array:
    return np.asarray(result.data if isinstance(result, Tensor) else result)


def assert_same(result: Any, expected: Any, rtol: float = 1e-13, atol: float = 1e-14) -> None:
    """The same container, shapes, dtypes, and numbers but for rounding."""
    ours, theirs = pieces(result), pieces(expected)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        found, wanted = plain(one), np.asarray(other)
        assert found.shape == wanted.shape
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)


def weighted_sum(results: Any, weights: list[Array]) -> Any:
    """A scalar that every element of every result takes part in."""
    total: Any = 0.0
    for result, weight in zip(pieces(results), weights, strict=True):
        total = total + ab.sum(result * weight)
    return total


def weights_for(case: Case, arrays: list[Array], rng: np.random.Generator) -> list[Array]:
    return [rng.uniform(0.5, 1.5, np.shape(r)) for r in pieces(case.numpys(*arrays))]


def _like(results: Any, replaced: list[Any]) -> Any:
    kind = type(results)
    return kind(*replaced) if hasattr(kind, "_fields") else kind(replaced)


def joined(arrays: Any) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])


_CLAIMS: list[tuple[Callable[[Case], None], Callable[[Case], bool]]] = []


def claims(cases: list[Case]) -> list[Any]:
    """Every claim with every case it is about, as parameters of a test."""
    return [
        pytest.param(claim, case, id=f"{claim.__name__}-{case!r}")
        for claim, concerns in _CLAIMS
        for case in cases
        if concerns(case)
    ]


def about(
    concerns: Callable[[Case], bool],
) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """A claim about the cases that `concerns` picks."""

    def add(claim: Callable[[Case], None]) -> Callable[[Case], None]:
        _CLAIMS.append((claim, concerns))
        return claim

    return add


about_all = about(lambda _: True)


@about_all
def the_result_is_that_of_numpy(case: Case) -> None:
    arrays = case.numbers()
    result = case.ours(*map(Tensor, arrays))
    assert_same(result, case.numpys(*arrays))
    assert all(isinstance(piece, Tensor) for piece in pieces(result))
    assert all(piece.requires_grad for piece in pieces(result))


@about(lambda case: case.numpy_function is not None)
def numpys_own_function_on_a_tensor_records_the_same(case: Case) -> None:
    arrays = case.numbers()
    result = case.call(case.numpy_function, map(Tensor, arrays))
    assert_same(result, case.numpys(*arrays))
    assert all(isinstance(piece, Tensor) for piece in pieces(result))
    assert all(piece.requires_grad for piece in pieces(result))


# As in NumPy, the method of that name sorts in place.
@about(
    lambda case: (
        hasattr(Tensor, case.name) and isinstance(case.args[0], Operand) and case.name != "sort"
    )
)
def the_method_does_the_same(case: Case) -> None:
    method = getattr(Tensor, case.name)
    arrays = case.numbers()
    assert_same(case.call(method, map(Tensor, arrays)), case.numpys(*arrays))


@about_all
def plain_arrays_give_plain_arrays(case: Case) -> None:
    arrays = case.numbers()
    result = case.ours(*arrays)
    assert_same(result, case.numpys(*arrays))
    assert not any(isinstance(piece, ab.node.Node) for piece in pieces(result))


@about(lambda case: case.accepts_lists and all(o.size for o in case.operands))
def lists_are_as_good_as_arrays(case: Case) -> None:
    arrays = case.numbers()
    result = case.ours(*(array.tolist() for array in arrays))
    for one, other in zip(pieces(result), pieces(case.numpys(*arrays)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-14)


@about(lambda case: case.accepts_lists and all(o.size for o in case.operands))
def a_list_of_lists_of_values_is_as_good_as_a_tensor(case: Case) -> None:
    arrays = case.numbers()
    values = [_as_values(array) for array in arrays]
    result = case.ours(*values)
    assert_same(
        [plain(_as_tensor(piece)) for piece in pieces(result)],
        [np.asarray(piece) for piece in pieces(case.numpys(*arrays))],
    )
    assert all(piece.requires_grad for piece in pieces(result))


@about_all
def float32_stays_float32_and_so_do_the_gradients(case: Case) -> None:
    arrays = [array.astype(np.float32) for array in case.numbers()]
    tensors = [Tensor(array) for array in arrays]
    result = case.ours(*tensors)
    assert_same(result, case.numpys(*arrays), rtol=3e-6, atol=3e-6)
    total = sum((piece.sum() for piece in pieces(result)), start=0.0)
    gradients = ab.gradients(total, tensors)
    nodes = ab.gradients(total, tensors, create_graph=True)
    for gradient, node, array in zip(gradients, nodes, arrays, strict=True):
        assert gradient.dtype == node.dtype == np.float32
        assert gradient.shape == node.shape == array.shape


@about_all
def gradients_by_every_operand_agree_with_differences(case: Case) -> None:
    arrays, rng = case.numbers(), case.rng
    weights = weights_for(case, arrays, rng)
    tensors = [Tensor(array) for array in arrays]
    weighted_sum(case.ours(*tensors), weights).backward()
    flat = joined(weights)
    expected = differences.gradients(lambda *xs: joined(pieces(case.numpys(*xs))), arrays, flat)
    for tensor, gradient in zip(tensors, expected, strict=True):
        found = tensor.grad if tensor.grad is not None else np.zeros(tensor.shape)
        assert found.shape == gradient.shape
        np.testing.assert_allclose(found, gradient, rtol=1e-8, atol=1e-9)


@about(lambda case: len(case.operands) > 1)
def one_operand_alone_may_be_a_tensor(case: Case) -> None:
    arrays, rng = case.numbers(), case.rng
    weights = weights_for(case, arrays, rng)
    together = ab.grad(
        lambda *xs: weighted_sum(case.ours(*xs), weights), tuple(range(len(arrays)))
    )(*arrays)
    for i, array in enumerate(arrays):
        tensor = Tensor(array)
        operands = [tensor if i == j else other for j, other in enumerate(arrays)]
        result = case.ours(*operands)
        assert_same(result, case.numpys(*arrays))
        (alone,) = ab.gradients(weighted_sum(result, weights), [tensor])
        np.testing.assert_allclose(alone, together[i], rtol=1e-13, atol=1e-14)


@about_all
def forward_and_backward_are_transposes_of_each_other(case: Case) -> None:
    arrays, rng = case.numbers(), case.rng
    tangents = [rng.uniform(-1, 1, array.shape) for array in arrays]

    def f(*xs: Any) -> Any:
        return case.ours(*xs)

    result, pullback = ab.vjp(f, *arrays)
    cotangents = [rng.uniform(-1, 1, np.shape(piece)) for piece in pieces(result)]
    single = not isinstance(result, list | tuple)
    pulled = pullback(cotangents[0] if single else _like(result, cotangents))
    _, pushed = ab.jvp(f, arrays, tangents)
    assert [np.shape(piece) for piece in pieces(pushed)] == [c.shape for c in cotangents]
    left = sum(np.sum(c * p) for c, p in zip(cotangents, pieces(pushed), strict=True))
    right = sum(np.sum(p * t) for p, t in zip(pulled, tangents, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-11, atol=1e-12)
    expected = differences.along(lambda *xs: joined(pieces(case.numpys(*xs))), arrays, tangents)
    np.testing.assert_allclose(joined(pieces(pushed)), expected, rtol=1e-8, atol=1e-9)


@about_all
def second_derivatives_agree_however_they_are_taken(case: Case) -> None:
    arrays, rng = case.numbers(), case.rng
    weights = weights_for(case, arrays, rng)
    directions = [rng.uniform(-1, 1, array.shape) for array in arrays]
    places = tuple(range(len(arrays)))

    def curved(*xs: Any) -> Any:
        # The square makes the second derivatives of linear operations differ from zero.
        return weighted_sum([piece * piece for piece in pieces(case.ours(*xs))], weights)

    gradient = ab.grad(curved, places)
    _, forward = ab.jvp(gradient, arrays, directions)
    tensors = [Tensor(array) for array in arrays]
    slopes = ab.gradients(curved(*tensors), tensors, create_graph=True)
    slope = sum((ab.sum(s * d) for s, d in zip(slopes, directions, strict=True)), start=0.0)
    reverse = (
        ab.gradients(slope, tensors)
        if slope.requires_grad
        else [np.zeros(array.shape) for array in arrays]
    )
    expected = differences.along(lambda *xs: joined(gradient(*xs)), arrays, directions)
    np.testing.assert_allclose(joined(reverse), expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(joined(forward), joined(reverse), rtol=1e-11, atol=1e-11)


@about_all
def without_recording_the_numbers_are_the_same(case: Case) -> None:
    arrays = case.numbers()
    tensors = [Tensor(array) for array in arrays]
    with ab.no_grad():
        result = case.ours(*tensors)
    assert_same(result, case.numpys(*arrays))
    for piece in pieces(result):
        assert any(piece is tensor for tensor in tensors) or not piece.requires_grad


@about_all
def operands_are_left_as_they_were(case: Case) -> None:
    arrays = case.numbers()
    originals = [array.copy() for array in arrays]
    weights = weights_for(case, arrays, case.rng)
    ab.grad(lambda *xs: weighted_sum(case.ours(*xs), weights), tuple(range(len(arrays))))(*arrays)
    case.ours(*arrays)
    for array, original in zip(arrays, originals, strict=True):
        np.testing.assert_array_equal(array, original)


def _as_values(array: Array) -> Any:
    if array.ndim == 0:
        return ab.Value(array)
    return [_as_values(element) for element in array]


def _as_tensor(piece: Any) -> Any:
    return ab.asarray(piece) if isinstance(piece, ab.Value) else piece

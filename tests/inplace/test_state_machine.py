"""Random sequences of NumPy's changes in place, on Tensors and on plain arrays side by side.

The same program runs on plain arrays of complex numbers, so that values are compared with NumPy and
gradients with the complex step; and second derivatives with the complex step of gradients' own
differences. A program is a list of steps on numbered arrays; views and aliases arise as they do in
NumPy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import autograd_bp as ab

INDICES: dict[int, list[Any]] = {
    1: [0, -1, slice(1, None), slice(None, None, -1), slice(0, 2), ..., np.array([0, 2]), [1, 1, 0],
        np.array([True, False, True])],
    2: [0, (slice(None), 1), (slice(1, None), slice(0, 2)), (..., slice(None, None, 2)), (1, 1),
        (np.array([0, 1]), np.array([2, 0])), (slice(None), None, 0), slice(None, None, -1)],
}  # fmt: skip
VIEWS: dict[str, Callable[[Any], Any]] = {
    "first": lambda x: x[:2],
    "reversed": lambda x: x[::-1],
    "transposed": lambda x: x.T,
    "flat": lambda x: x.reshape(-1),
    "row": lambda x: x[0] if x.ndim > 1 else x[1:],
    "column": lambda x: x[:, :1] if x.ndim > 1 else x[None, :],
    "ravel": np.ravel,
    "flip": np.flip,
    "swapped": lambda x: np.swapaxes(x, 0, -1),
    "raised": lambda x: np.expand_dims(x, 0),
    "copy": lambda x: x.copy(),
    "alias": lambda x: x,
    "picked": lambda x: x[np.array([0, 0])],
    "flattened": lambda x: x.flatten(),
    "broadcast": lambda x: np.broadcast_to(x, (2, *x.shape)),
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "square": lambda x: x * x,
    "sin": np.sin,
    "exp": lambda x: np.exp(0.1 * x),
    "shifted": lambda x: x + 0.3,
    "summed": np.cumsum,
    "like zeros": np.zeros_like,
}
OPERATORS = ["+=", "-=", "*=", "/="]


def change(x: Any, symbol: str, y: Any) -> Any:
    """``x += y`` and its like; the object that the name is bound to afterwards."""
    if symbol == "+=":
        x += y
    elif symbol == "-=":
        x -= y
    elif symbol == "*=":
        x *= y
    else:
        x /= y
    return x


class Stopped(Exception):  # noqa: N818
    """A step that makes no sense for these arrays."""


def step(arrays: list[Any], what: tuple[Any, ...]) -> None:
    """One step of a program, the same for arrays and Tensors."""
    kind, i, *rest = what
    x = arrays[i % len(arrays)]
    if kind == "view":
        arrays.append(VIEWS[rest[0]](x))
    elif kind == "apply":
        arrays.append(FUNCTIONS[rest[0]](x))
    elif kind == "operate":
        symbol, j = rest
        y = arrays[j % len(arrays)]
        arrays[i % len(arrays)] = change(x, symbol, y if symbol != "/=" else 2.0 + y * y)
    elif kind == "operate at":
        symbol, j, k = rest
        y = arrays[j % len(arrays)].sum()
        index = INDICES[x.ndim][k % len(INDICES[x.ndim])]
        if symbol == "/=":
            y = 2.0 + y * y
        x[index] = change(x[index], symbol, y)
    elif kind == "set":
        j, k = rest
        index = INDICES[x.ndim][k % len(INDICES[x.ndim])]
        x[index] = np.sin(arrays[j % len(arrays)].sum())
    elif kind == "copy to":
        (j,) = rest
        np.copyto(x, arrays[j % len(arrays)])
    elif kind == "out":
        (j,) = rest
        np.multiply(x, arrays[j % len(arrays)], out=x)


REFUSED = (ValueError, IndexError, KeyError, AttributeError, TypeError)


def sensible(arrays: list[Any], what: tuple[Any, ...]) -> bool:
    """Whether the step is worth trying: the arrays are small, and can be written to."""
    x = arrays[what[1] % len(arrays)]
    if what[0] == "copy to" and not x.flags.writeable:
        return False  # which NumPy allows if both are the same memory, and does nothing
    if x.ndim not in INDICES or x.size > 12:
        return what[0] in ("view", "apply") and x.ndim < 3 and x.size <= 12
    return True


def run(program: list[tuple[Any, ...]], start: list[Any]) -> list[Any]:
    """The arrays after the program."""
    arrays = list(start)
    for what in program:
        step(arrays, what)
    return arrays


def outcome(arrays: list[Any]) -> Any:
    """A number in which every element of every array counts."""
    total: Any = 0.0
    for k, x in enumerate(arrays):
        weights = np.cos(np.arange(x.size) + k).reshape(x.shape)
        total = total + (weights * x).sum() + 0.1 * (x * x).sum()
    return total


def value_of(x: Any) -> Any:
    return getattr(x, "_value", x)


STARTS = [np.array([0.3, -0.7, 1.1]), np.array([[0.5, 1.2, -0.4], [0.8, -0.2, 0.6]])]


class InPlace(RuleBasedStateMachine):
    """Builds a program step by step; NumPy says which steps make sense."""

    @initialize()
    def begin(self) -> None:
        self.program: list[tuple[Any, ...]] = []
        self.leaves = [ab.Tensor(x) for x in STARTS]
        self.tensors: list[Any] = [x.copy() for x in self.leaves]
        self.arrays: list[Any] = [x.copy() for x in STARTS]
        self.kept: list[tuple[Any, Any]] = []

    def do(self, *what: Any) -> None:
        if not sensible(self.arrays, what):
            return
        trial = [x.copy() for x in STARTS]
        try:
            with np.errstate(all="raise"):
                after = run([*self.program, what], trial)
            if max(np.max(np.abs(x), initial=0.0) for x in after) > 100.0:
                return  # where large numbers cancel, rounding is all there is to compare
        except (*REFUSED, FloatingPointError):
            before = [np.array(value_of(x)) for x in self.tensors]
            count = len(self.tensors)
            with contextlib.suppress(*REFUSED):
                step(self.tensors, what)
            # Refused by NumPy: whatever ours did, it did not change what was there.
            del self.tensors[count:]
            for x, old in zip(self.tensors, before, strict=True):
                np.testing.assert_array_equal(value_of(x), old)
            return
        self.program.append(what)
        step(self.arrays, what)
        step(self.tensors, what)

    @rule(i=st.integers(0, 5), name=st.sampled_from(sorted(VIEWS)))
    def view(self, i: int, name: str) -> None:
        self.do("view", i, name)

    @rule(i=st.integers(0, 5), name=st.sampled_from(sorted(FUNCTIONS)))
    def apply(self, i: int, name: str) -> None:
        self.do("apply", i, name)

    @rule(i=st.integers(0, 5), j=st.integers(0, 5), symbol=st.sampled_from(OPERATORS))
    def operate(self, i: int, j: int, symbol: str) -> None:
        self.do("operate", i, symbol, j)

    @rule(
        i=st.integers(0, 5),
        j=st.integers(0, 5),
        k=st.integers(0, 8),
        symbol=st.sampled_from(OPERATORS),
    )
    def operate_at(self, i: int, j: int, k: int, symbol: str) -> None:
        self.do("operate at", i, symbol, j, k)

    @rule(i=st.integers(0, 5), j=st.integers(0, 5), k=st.integers(0, 8))
    def set(self, i: int, j: int, k: int) -> None:
        self.do("set", i, j, k)

    @rule(i=st.integers(0, 5), j=st.integers(0, 5))
    def copy_to(self, i: int, j: int) -> None:
        self.do("copy to", i, j)

    @rule(i=st.integers(0, 5), j=st.integers(0, 5))
    def out(self, i: int, j: int) -> None:
        self.do("out", i, j)

    @rule()
    def keep(self) -> None:
        """A result recorded now keeps its derivatives, whatever is changed later."""
        if len(self.kept) < 2:
            self.kept.append((outcome(self.tensors), list(self.program)))

    @invariant()
    def values_are_those_of_numpy(self) -> None:
        assert len(self.tensors) == len(self.arrays)
        for ours, theirs in zip(self.tensors, self.arrays, strict=True):
            np.testing.assert_allclose(value_of(ours), theirs, rtol=1e-12, atol=1e-12)

    def teardown(self) -> None:
        if not hasattr(self, "program"):
            return
        results = [*self.kept, (outcome(self.tensors), self.program)]
        for result, program in results:
            self.check(result, program)

    def check(self, result: Any, program: list[tuple[Any, ...]]) -> None:
        gradients = ab.gradients(result, self.leaves)
        for k, gradient in enumerate(gradients):
            for place in np.ndindex(gradient.shape):
                start = [x.astype(complex) for x in STARTS]
                start[k][place] += 1e-30j
                slope = np.imag(outcome(run(program, start))) * 1e30
                np.testing.assert_allclose(gradient[place], slope, rtol=1e-8, atol=1e-8)


TestInPlace = InPlace.TestCase
TestInPlace.settings = settings(
    max_examples=120, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.slow
class TestInPlaceAtLength(InPlace.TestCase):  # type: ignore[misc, valid-type]
    """The same, longer and more often."""

    settings = settings(
        max_examples=600,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_functions_that_change_their_arguments_have_the_derivatives_of_the_complex_step(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    symbols = rng.choice(OPERATORS, 4)

    def f(x: Any) -> Any:
        for k, symbol in enumerate(symbols):
            x[k % 2 :] = change(x[k % 2 :], str(symbol), 2.0 + np.sin(x[k % 3]))
            y = x[::-1]
            y *= 0.5 + np.cos(x)
        return np.sin(x).sum()

    start = rng.uniform(0.5, 1.5, 3)
    gradient = ab.grad(f)(start.copy())
    hessian = ab.hessian(f)(start.copy())
    for k in range(3):
        moved = start.astype(complex)
        moved[k] += 1e-30j
        slope = np.imag(f(moved)) * 1e30
        np.testing.assert_allclose(gradient[k], slope, rtol=1e-10)
    v = np.ones(3)
    h = 1e-6
    bend = (ab.grad(f)(start + h * v) - ab.grad(f)(start - h * v)) / (2 * h)
    np.testing.assert_allclose(hessian @ v, bend, rtol=1e-5, atol=1e-6 * np.abs(bend).max())

"""What the recording machine's model is made of: entries, numbers, and graphs computed anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_bp as ab
from tests.testing import naive
from tests.testing.naive import Made

Array = Any

UNARY: dict[str, Callable[[Any], Any]] = {
    "sin": ab.sin,
    "tanh": ab.tanh,
    "square": ab.square,
    "neg": lambda x: -x,
    "abs": abs,
    "relu": ab.relu,
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "mul": lambda x, y: x * y,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "maximum": ab.maximum,
}
REDUCING: dict[str, Callable[..., Any]] = {"sum": ab.sum, "mean": ab.mean, "max": ab.max}
SMOOTH = frozenset("sin tanh square neg mul add sub sum mean getitem stack".split())


@dataclass(eq=False)
class Entry:
    """A node, and what the model knows of it."""

    node: Any
    made: Made
    requires_grad: bool
    grad: Array = None
    calls: int = 0

    @property
    def is_leaf(self) -> bool:
        return not self.made.operands

    @property
    def is_value(self) -> bool:
        return isinstance(self.node, ab.Value)


def ramp(shape: tuple[int, ...], start: float, step: float) -> Array:
    steps = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    return np.array(start + step * steps)


def fit(x: Array, y: Array) -> bool:
    try:
        return bool(np.broadcast_shapes(x.shape, y.shape) is not None)
    except ValueError:
        return False


def assert_close(got: Any, want: Any) -> None:
    off = np.abs(np.asarray(got) - want).max()
    assert off <= 1e-12 * (1.0 + np.abs(want).max()), f"{got!r} is not {want!r}"


def replayed(made: Made, leaf: Made, shift: Array, memo: dict[Made, Made]) -> Made:
    """The model's graph with a leaf moved, at every value it was used with."""
    if made is leaf or not made.operands:
        return made
    if made not in memo:
        operands, args = [], []
        for operand, arg in zip(made.operands, made.args, strict=True):
            if operand is leaf:
                arg = arg + shift
            elif isinstance(operand, Made) and operand.operands:
                operand = replayed(operand, leaf, shift, memo)
                arg = operand.value
            operands.append(operand)
            args.append(arg)
        value = naive.FORWARD[str(made.name)](*args, **made.settings)
        memo[made] = Made(value, made.name, operands, made.settings, args)
    return memo[made]


def check_second_derivative(output: Entry, leaf: Entry, cotangent: Array) -> None:
    """Against a complex step of the naive engine, at the values the graph was recorded with."""
    given = float(cotangent) if output.is_value else cotangent
    (slope,) = ab.gradients(output.node, [leaf.node], create_graph=True, cotangent=given)
    direction = ramp(leaf.made.value.shape, 1.0, -0.25)
    second: Any = np.zeros(direction.shape)
    if slope.requires_grad:
        seed = float(direction) if leaf.is_value else direction
        (second,) = ab.gradients(slope, [leaf.node], cotangent=seed)
    moved = replayed(output.made, leaf.made, 1e-30j * direction, {})
    (stepped,) = naive.derivative(moved, [leaf.made], cotangent)
    assert_close(slope.data, np.real(stepped))
    assert_close(second, np.imag(stepped) / 1e-30)

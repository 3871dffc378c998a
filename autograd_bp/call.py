"""One call of a function on nodes: what every transform begins with."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_bp import tensor, trees, value
from autograd_bp.derivatives import conformed, plain_node, pull_back, push_forward
from autograd_bp.functions.shapes import stack
from autograd_bp.node import Node
from autograd_bp.operands import as_floats
from autograd_bp.operations import apply
from autograd_bp.recording import recording, state
from autograd_bp.rules import ROWS
from autograd_bp.sweep import sweep
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value
from autograd_bp.versions import first_version, happened

Argnums = int | Sequence[int]


class Call:
    """One call of a function on nodes: the nodes of the arguments, and the output."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: Argnums,
        also: Sequence[Any] = (),
    ) -> None:
        if not callable(f):
            raise TypeError(f"a function is needed, not {type(f).__name__}")
        self._single = isinstance(argnums, int | np.integer)
        wanted = (argnums,) if self._single else tuple(argnums)  # type: ignore[arg-type]
        places = [_place(n, len(args)) for n in wanted]
        if len(set(places)) < len(places):
            raise ValueError(f"argnums={argnums!r} names an argument twice")
        leaves, self._structure = trees.flatten(tuple(args[place] for place in places))
        self._leaves = leaves
        self.nested = state.depth > 0 or any(
            isinstance(leaf, Node) and leaf.requires_grad
            for leaf in trees.nodes((*leaves, *also, args, kwargs))
        )
        with recording():
            self.inputs = [
                _inner(leaf, path) for leaf, path in zip(leaves, self._structure.paths, strict=True)
            ]
        inner = self._structure.unflatten(self.inputs)
        made = max((node.serial for node in self.inputs), default=-1)
        call_args = list(args)
        for place, argument in zip(places, inner, strict=True):
            call_args[place] = argument
        converted = state.conversions
        with recording(), _deeper():
            self.output = f(*call_args, **kwargs)
        if happened.ever:  # an argument changed in place: derivatives are by what it was
            self.inputs = [first_version(node, made) for node in self.inputs]
        if state.conversions > converted and not trees.nodes(self.output):
            raise TypeError(
                f"{getattr(f, '__name__', 'the function')} turned a node into a plain number and "
                f"returned {self.output!r}: the derivative is lost. Use ab's operations or NumPy's "
                "(ab.exp for math.exp)"
            )

    def pull(self, seeds: dict[Node, Any], nested: bool | None = None) -> list[Any]:
        """The cotangents of the inputs; None where none arrives."""
        if self.nested if nested is None else nested:
            as_nodes = {
                node: seed if isinstance(seed, Node) else plain_node(node, seed)
                for node, seed in seeds.items()
            }
            found: dict[Node, Any] = pull_back(as_nodes, self.inputs)
            return [found.get(node) for node in self.inputs]
        swept = sweep(seeds, wanted=self.inputs)
        return [
            g.copy() if isinstance(g := swept.cotangents.get(node), np.ndarray) else g
            for node in self.inputs
        ]

    def push(
        self,
        outputs: Sequence[Any],
        directions: Sequence[Any],
        nonzero: Sequence[int] | None = None,
    ) -> list[Any]:
        """The tangents of the outputs for those of the inputs; zeros where none arrives."""
        tangents: dict[Node, Any] = {}
        for i, (node, direction) in enumerate(zip(self.inputs, directions, strict=True)):
            if nonzero is not None and i not in nonzero:
                continue
            seed = node._seed(direction)  # checks the shape
            if self.nested:
                seed = direction if isinstance(direction, Node) else plain_node(node, seed)
                seed = conformed(seed, node)
            tangents[node] = seed
        pushed = push_forward(outputs, tangents, create_graph=self.nested)
        return [
            self._zero(output) if tangent is None else self._outward(tangent)
            for output, tangent in zip(outputs, pushed, strict=True)
        ]

    def _zero(self, output: Any) -> Any:
        if isinstance(output, Node):
            zero = output._zero()
            return plain_node(output, zero) if self.nested else self._outward(zero)
        return 0.0 if np.ndim(output) == 0 else np.zeros(np.shape(output))

    @staticmethod
    def _outward(tangent: Any) -> Any:
        if isinstance(tangent, np.ndarray):
            return tangent[()] if tangent.ndim == 0 else tangent.copy()
        return tangent

    def given(self, output: Any) -> Any:
        """The output as the caller gets it: a node inside a transform, numbers outside."""
        if self.nested or not isinstance(output, Node):
            return output
        data = output._value
        return data.copy()[()] if isinstance(data, np.ndarray) else data

    def zero_like(self, node: Node) -> Any:
        """The zero of an input's gradients."""
        return plain_node(node, node._zero()) if self.nested else node._zero()

    def like_inputs(
        self, gradients: Sequence[Any], nested: bool | None = None, *, finished: bool = False
    ) -> Any:
        """Gradients in the structure of the arguments, zeros where there is none."""
        nested = self.nested if nested is None else nested
        filled: list[Any] = [
            (plain_node(node, node._zero()) if nested else node._zero()) if g is None else g
            for node, g in zip(self.inputs, gradients, strict=True)
        ]
        if not nested and not finished:
            filled = [
                gradient[()]
                if isinstance(leaf, np.generic) and not isinstance(gradient, float)
                else gradient
                for leaf, gradient in zip(self._leaves, filled, strict=True)
            ]
        result = self._structure.unflatten(filled)
        return result[0] if self._single else result

    def arranged(self, pieces: list[Any], shape: tuple[int, ...], node: Node) -> Any:
        """Pieces in row-major order as one array, or node."""
        if self.nested:
            if not pieces:
                return tensor.result(np.zeros(shape))
            if shape == ():
                return pieces[0]
            whole = stack(pieces)
            return apply(ROWS["reshape"], (whole,), (shape,)) if whole.shape != shape else whole
        if shape == ():
            return pieces[0]
        dtype = node._value.dtype if isinstance(node, Tensor) else float
        return np.array(pieces, dtype).reshape(shape)


def _place(n: Any, count: int) -> int:
    place = operator.index(n)
    if not -count <= place < count:
        raise ValueError(
            f"argnums={n}, but the function was called with {count} positional "
            f"argument{'s' * (count != 1)}"
        )
    return place % count


def _inner(leaf: Any, path: str) -> Node:
    """The node that stands for an argument inside the function."""
    if isinstance(leaf, Node):
        if leaf.requires_grad:
            # A node of its own, so that only the inner dependence counts, and derivatives of the
            # result pass on to the argument.
            apply_in = value.apply if isinstance(leaf, Value) else tensor.apply
            inner: Node = apply_in(ROWS["identity"], (leaf,))
            inner.name = leaf.name
            return inner
        if leaf._tracer is not None:
            traced: Node = leaf._tracer.leaf(leaf)
            return traced
        leaf = leaf._value
    if isinstance(leaf, bool | int | np.integer | np.bool_):
        raise TypeError(
            f"an integer has no derivative: write {float(leaf)!r} for {leaf!r} in argument {path}"
        )
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iub":
        raise TypeError(
            f"an array of {leaf.dtype} has no derivative: give argument {path} as floats, as in "
            f"{as_floats(leaf)}"
        )
    if isinstance(leaf, float):
        return Value(leaf)
    argument = Tensor(leaf)
    argument._notes = {"input": True}  # which may be changed in place: see `inplace`
    return argument


@contextlib.contextmanager
def _deeper() -> Iterator[None]:
    state.depth += 1
    try:
        yield
    finally:
        state.depth -= 1

"""A loss as a function of one flat vector: its value, its gradient, its curvature, all exact."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence, Set, ValuesView
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp import trees
from autograd_bp.derivatives import gradients, push_forward
from autograd_bp.errors import brief
from autograd_bp.node import Node
from autograd_bp.operands import as_floats
from autograd_bp.optim.optimizer import checked_parameters
from autograd_bp.optim.slots import Parameter
from autograd_bp.recording import recording
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

Vector = NDArray[np.float64]


def loss_number(loss: Any) -> float:
    """A loss as a number; TypeError or ValueError if there is nothing to minimise in it."""
    if not isinstance(loss, Node):
        raise TypeError(
            f"the loss function gave a {type(loss).__name__}: it must compute with ab's "
            "operations, or no gradient passes"
        )
    if np.size(loss._value) != 1:
        raise ValueError(
            f"the loss must be one number, and it has shape {np.shape(loss._value)}: take its mean"
        )
    if not loss.requires_grad:
        raise ValueError(
            f"the loss {brief(loss)} does not depend on a parameter that requires a gradient"
        )
    return float(loss._value.item() if isinstance(loss._value, np.ndarray) else loss._value)


def is_true(answer: Any) -> bool:
    """Whether a callback says True, Python's or NumPy's; any other answer means to go on."""
    return isinstance(answer, bool | np.bool_) and bool(answer)


class Objective:
    """The loss of parameters that are moved about.

    Attributes
    ----------
    start
        Where the parameters are to begin with.
    best, least
        The point with the least loss so far, and that loss.
    losses
        The loss of every point since `forget`.
    """

    def __init__(self, loss_fn: Callable[..., Any], params: Any) -> None:
        if not callable(loss_fn):
            raise TypeError(f"a loss function is needed, not {type(loss_fn).__name__}")
        self.nodes, self._given, self._structure = _nodes(params)
        self._call = _caller(loss_fn, self._given)
        self._sizes = [int(np.size(node._value)) for node in self.nodes]
        self.start = self._joined([node._value for node in self.nodes])
        self.best, self.least = self.start, np.inf
        self.losses: dict[bytes, float] = {}
        # What is known of the point that was looked at last.
        self._place = b""
        self._recorded: Any = None
        self._gradient: Vector | None = None
        self._slopes: Sequence[Any] | None = None

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        """The loss and its gradient at a point."""
        place = x.tobytes()
        if place != self._place or self._gradient is None:
            loss = self._loss_at(x)
            self._gradient = self._joined(gradients(loss, self.nodes))
        return loss_number(self._recorded), self._gradient.copy()

    def hessian_product(self, x: Vector, v: Vector) -> Vector:
        """The Hessian at x times v: forward through the recorded gradient."""
        loss = self._loss_at(x)
        if self._slopes is None:
            self._slopes = gradients(loss, self.nodes, create_graph=True)
        tangents: dict[Node, Any] = {
            node: node._seed(piece[0] if isinstance(node, Value) else piece.reshape(node.shape))
            for node, piece in zip(self.nodes, self._split(v), strict=True)
        }
        pushed = push_forward(self._slopes, tangents)
        return self._joined(
            [
                node._zero() if tangent is None else tangent
                for node, tangent in zip(self.nodes, pushed, strict=True)
            ]
        )

    def hessian(self, x: Vector) -> Vector:
        """The Hessian at x, symmetric to the last bit."""
        rows: Vector = np.array([self.hessian_product(x, unit) for unit in np.eye(x.size)])
        symmetric: Vector = (rows + rows.T) / 2.0
        return symmetric

    def move(self, x: Vector) -> None:
        """Set the parameters to a point."""
        for node, piece in zip(self.nodes, self._split(x), strict=True):
            if isinstance(node, Value):
                node.data = piece[0]
            else:
                node.data[...] = piece.reshape(node.shape)

    def forget(self) -> None:
        """Drop the losses of the points so far."""
        self.losses.clear()

    def result(self) -> Any:
        """The parameters, as they were given."""
        if self._structure is None:
            return self._given
        return self._structure.unflatten(
            [node.data if isinstance(node, Value) else node.numpy() for node in self.nodes]
        )

    def _loss_at(self, x: Vector) -> Node:
        """The loss at a point, recorded once for all that is asked about the point."""
        place = x.tobytes()
        if self._recorded is None or place != self._place:
            self._recorded = self._gradient = self._slopes = None
            self.move(x)
            with recording():
                loss = self._call()
            number = loss_number(loss)
            self.losses[place] = number
            if number < self.least:
                self.best, self.least = x.copy(), number
            self._recorded, self._place = loss, place
        recorded: Node = self._recorded
        return recorded

    def _split(self, x: Vector) -> list[Vector]:
        return np.split(x, np.cumsum(self._sizes)[:-1])

    def _joined(self, pieces: Sequence[Any]) -> Vector:
        return np.concatenate([np.asarray(piece, np.float64).ravel() for piece in pieces])


def _nodes(params: Any) -> tuple[list[Parameter], Any, trees.Structure | None]:
    """The nodes to move, what the loss function gets, and the structure of arrays."""
    if callable(getattr(params, "parameters", None)):
        return [p for _, p in checked_parameters(params.parameters())], params, None
    if isinstance(params, Iterator | Set | ValuesView):
        params = list(params)
    inside = trees.nodes(params)
    leaves, structure = trees.flatten(params)
    if not leaves:
        raise ValueError("there are no parameters to move")
    if inside:
        if len(inside) < len(leaves):
            raise TypeError("Tensors and plain arrays are mixed: make the parameters one kind")
        checked = [p for _, p in checked_parameters(inside)]
        if len({id(node) for node in checked}) < len(checked):
            raise ValueError("a parameter is given twice")
        return checked, params, None
    nodes = [_leaf(leaf, path) for leaf, path in zip(leaves, structure.paths, strict=True)]
    return nodes, structure.unflatten(nodes), structure


def _leaf(leaf: Any, path: str) -> Parameter:
    if isinstance(leaf, float):
        return Value(leaf)
    if np.asarray(leaf).dtype.kind != "f":
        raise TypeError(
            f"the parameter {path or leaf!r} is of integers: write {as_floats(np.asarray(leaf))}"
        )
    return Tensor(leaf)


def _caller(loss_fn: Callable[..., Any], given: Any) -> Callable[[], Any]:
    """The loss function with its argument; one that takes none computes from the nodes."""
    try:
        inspect.signature(loss_fn).bind()
    except TypeError:
        return lambda: loss_fn(given)
    except ValueError:  # not written in Python
        pass
    return loss_fn

"""Applying a row of the sheet to whatever the operands are, and reading the sheet on nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp import tensor, value
from autograd_bp.graph import value as value_of
from autograd_bp.node import Node
from autograd_bp.operands import as_operand, tracer_of
from autograd_bp.recording import state
from autograd_bp.rules import ROWS, Namespace, Rule
from autograd_bp.rules.arrays import CONSTANTS, filled, replaced
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value, is_number

_PLAIN = frozenset({float, int, np.ndarray})


def apply(rule: Rule, operands: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """Apply a rule: to Tensors if there is one, else to Values, else to plain arrays.

    A list or tuple that holds nodes counts as the Tensor it stacks to.
    """
    found = False
    for operand in operands:
        if type(operand) is Tensor:
            found = True
        elif type(operand) not in _PLAIN:
            break
    else:
        if found:  # the common case, with nothing to bring into shape
            return tensor.apply(rule, operands, params)
    operands = tuple(
        joined(operand) if isinstance(operand, list | tuple) else operand for operand in operands
    )
    nodes = [operand for operand in operands if isinstance(operand, Node)]
    if not nodes:
        return np.asarray(rule.array.forward(*map(as_operand, operands), *params))[()]
    if rule.kind != "elementwise" and rule.name not in ("reshape", "stack"):
        operands = tuple(
            tensor.apply(ROWS["reshape"], (operand,), ((),))
            if isinstance(operand, Value)
            else operand
            for operand in operands
        )
    if (
        rule.kind == "elementwise"
        and all(isinstance(node, Value) for node in nodes)
        and all(isinstance(operand, Node) or is_number(operand) for operand in operands)
    ):
        return value.apply(rule, operands, params)
    return tensor.apply(rule, operands, params)


def joined(operand: Any) -> Any:
    """A nested list of nodes as one Tensor that derivatives pass; anything else as it is."""
    if isinstance(operand, list | tuple) and _holds_node(operand):
        return apply(ROWS["stack"], tuple(joined(element) for element in operand), (0,))
    return operand


def _holds_node(elements: Any) -> bool:
    return any(
        isinstance(element, Node) or (isinstance(element, list | tuple) and _holds_node(element))
        for element in elements
    )


def plain(operand: Any) -> Any:
    """The numbers of a node (also inside lists and tuples); anything else as it is."""
    if isinstance(operand, Node):
        if state.tracer is not None:
            return state.tracer.symbol_of(operand)
        return operand._value
    if isinstance(operand, list):
        return [plain(element) for element in operand]
    if type(operand) is tuple:
        return tuple(map(plain, operand))
    return operand


def read_only(operand: Any) -> Any:
    """Like `plain`, for code that is not ours: it may look at arrays of nodes, not write."""
    if isinstance(operand, Node):
        if state.tracer is not None:
            return state.tracer.symbol_of(operand)
        return value_of(operand)
    if isinstance(operand, list):
        return [read_only(element) for element in operand]
    return tuple(map(read_only, operand)) if type(operand) is tuple else operand


def on_data(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that has no derivative, applied to the numbers of nodes."""

    def apply_to_data(*operands: Any) -> Any:
        if (tracer := tracer_of(operands)) is not None:
            return tracer.constant_function(name, function, operands)
        return function(*map(plain, operands))

    return apply_to_data


class _NodeNamespace(Namespace):
    """The sheet on nodes: a row is the operation that records, so derivatives have derivatives."""

    defines_rows = True

    def row(self, rule: Rule) -> Callable[..., Any]:
        if rule.variadic:
            return lambda xs, *params: apply(rule, tuple(xs), params)
        n = len(rule.args)
        return lambda *values: apply(rule, values[:n], values[n:])


NODE = _NodeNamespace(
    "node",
    {
        **{
            name: on_data(name, meaning) if callable(meaning) else meaning
            for name, meaning in CONSTANTS.items()
        },
        "filled": filled,
        "replaced": replaced,
    },
    guarded=True,
)


def to_value(node: Node) -> Value:
    """A Value from a Tensor with one element; a Value as it is."""
    if isinstance(node, Value):
        return node
    if node._tracer is not None:
        traced: Value = node._tracer.to_value(node)
        return traced
    assert isinstance(node, Tensor)
    number = float(node._value.reshape(()))
    if not node.requires_grad:
        return Value(number, requires_grad=False)
    return value.record(ROWS["item"], (node._operand(),), (node,), (), number)


def without_history(array: Any, like: tuple[Any, ...]) -> Any:
    """The result of something that has no derivative: a Tensor if a Tensor came in."""
    if isinstance(array, Node):  # what `compiler` recorded
        return array
    if any(isinstance(operand, Tensor) for operand in like):
        return tensor.result(array)
    if any(isinstance(operand, Value) for operand in like) and np.ndim(array) == 0:
        return array.item() if isinstance(array, np.generic | np.ndarray) else array
    return array

"""Losses of classes in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError

Emit = Callable[[Any, Instruction], str]


def _column(graph: Any, labels: Any, axis: int) -> str:
    """The right classes, with an axis of length 1 for the classes."""
    places = graph.values[labels] if isinstance(labels, Var) else graph.array(labels)
    return str(graph.add("Unsqueeze", graph.cast(places, np.int64), graph.ints([axis])))


def _weights(graph: Any, weights: Any, dtype: Any) -> str:
    return str(
        graph.array(weights) if isinstance(weights, np.ndarray) else graph.operand(weights, dtype)
    )


def _cross_entropy(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    labels, weights = instruction.params
    last = len(x.shape) - 1
    logs = graph.add("LogSoftmax", name, axis=last)
    column = _column(graph, labels, last)
    losses = graph.add("Neg", graph.add("GatherElements", logs, column, axis=last))
    if weights is None:
        return str(graph.add("Squeeze", losses, graph.ints([last])))
    weighted = graph.add("Mul", losses, _weights(graph, weights, x.dtype))
    axes = graph.ints(range(len(x.shape)))
    found: str = graph.add("ReduceSum", weighted, axes, keepdims=0)
    return found


def _soft_cross_entropy(graph: Any, instruction: Instruction) -> str:
    x, p = instruction.operands
    assert isinstance(x, Var)
    last = len(x.shape) - 1
    logs = graph.add("LogSoftmax", graph.operand(x), axis=last)
    total = graph.add(
        "ReduceSum", graph.add("Mul", logs, graph.operand(p)), graph.ints([last]), keepdims=0
    )
    found: str = graph.add("Neg", total)
    return found


def _label_errors(graph: Any, instruction: Instruction) -> str:
    """(softmax(x) - one_hot(labels)) * weights."""
    name, x = graph.first(instruction)
    labels, weights = instruction.params
    last = len(x.shape) - 1
    if isinstance(graph.shape(x)[last], Size):
        raise ExportError("ONNX: 'label_errors' with as many classes as there are samples")
    classes = graph.array(np.arange(x.shape[last]), "classes")
    chosen = graph.cast(graph.add("Equal", _column(graph, labels, last), classes), x.dtype)
    errors = graph.add("Sub", graph.add("Softmax", name, axis=last), chosen)
    return str(graph.add("Mul", errors, _weights(graph, weights, x.dtype)))


EMITTERS: dict[str, Emit] = {
    "cross_entropy": _cross_entropy,
    "soft_cross_entropy": _soft_cross_entropy,
    "label_errors": _label_errors,
}

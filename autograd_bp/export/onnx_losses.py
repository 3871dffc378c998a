"""Losses of classes in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError

Emit = Callable[[Any, Instruction], str]


def _cross_entropy(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    labels, weights = instruction.params
    logs = graph.add("LogSoftmax", name, axis=len(x.shape) - 1)
    places = graph.values[labels] if isinstance(labels, Var) else graph.array(labels)
    column = graph.add("Unsqueeze", graph.cast(places, np.int64), graph.ints([len(x.shape) - 1]))
    losses = graph.add("Neg", graph.add("GatherElements", logs, column, axis=len(x.shape) - 1))
    if weights is None:
        return str(graph.add("Squeeze", losses, graph.ints([len(x.shape) - 1])))
    if isinstance(weights, np.ndarray):
        weight = graph.array(weights)
    else:
        weight = graph.operand(weights, x.dtype)
    weighted = graph.add("Mul", losses, weight)
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
    places = graph.values[labels] if isinstance(labels, Var) else graph.array(labels)
    column = graph.add("Unsqueeze", graph.cast(places, np.int64), graph.ints([last]))
    classes = graph.array(np.arange(x.shape[last]), "classes")
    chosen = graph.cast(graph.add("Equal", column, classes), x.dtype)
    errors = graph.add("Sub", graph.add("Softmax", name, axis=last), chosen)
    if isinstance(weights, np.ndarray):
        weight = graph.array(weights)
    else:
        weight = graph.operand(weights, x.dtype)
    return str(graph.add("Mul", errors, weight))


EMITTERS: dict[str, Emit] = {
    "cross_entropy": _cross_entropy,
    "soft_cross_entropy": _soft_cross_entropy,
    "label_errors": _label_errors,
}

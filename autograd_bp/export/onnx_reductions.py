"""Sums, norms, softmax and their like in ONNX."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError
from autograd_bp.rules.arrays import reduced_axes

Emit = Callable[[Any, Instruction], str]


def _reduction(op: str) -> Emit:
    def make(graph: Any, instruction: Instruction) -> str:
        name, x = graph.first(instruction)
        axis, keepdims = instruction.params[-2:]
        return _reduced(graph, op, name, x, axis, keepdims)

    return make


def _reduced(graph: Any, op: str, name: str, x: Var, axis: Any, keepdims: bool) -> str:
    axes = reduced_axes(axis, len(x.shape))
    if not axes:
        name = graph.reshaped(name, [1, *graph.shape(x)])
        return str(graph.add(op, name, graph.ints([0]), keepdims=0))
    return str(graph.add(op, name, graph.ints(axes), keepdims=int(keepdims)))


def _variance(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    axis, ddof, keepdims = instruction.params
    axes = reduced_axes(axis, len(x.shape))
    apart = graph.add("Sub", name, _reduced(graph, "ReduceMean", name, x, axes, True))
    squares = graph.add("Mul", apart, apart)
    lengths = [graph.shape(x)[k] for k in axes]
    if not any(isinstance(n, Size) for n in lengths):
        total = _reduced(graph, "ReduceSum", squares, x, axes, keepdims)
        left = max(math.prod(lengths) - ddof, 0)
        return str(graph.add("Div", total, graph.number(float(left))))
    if ddof:
        raise ExportError("var with ddof over the samples of a batch of any size")
    return _reduced(graph, "ReduceMean", squares, x, axes, keepdims)


def _std(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add("Sqrt", _variance(graph, instruction))
    return found


def _norm_p(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    p, axis, keepdims = instruction.params
    powers = graph.add("Pow", graph.add("Abs", name), graph.number(float(p)))
    total = _reduced(graph, "ReduceSum", powers, x, axis, keepdims)
    found: str = graph.add("Pow", total, graph.number(1.0 / p))
    return found


def _softmax(op: str) -> Emit:
    def make(graph: Any, instruction: Instruction) -> str:
        name, x = graph.first(instruction)
        axes = reduced_axes(instruction.params[0], len(x.shape))
        if len(axes) == 1:
            return str(graph.add(op, name, axis=axes[0]))
        largest = _reduced(graph, "ReduceMax", name, x, axes, True)
        shifted = graph.add("Sub", name, largest)
        power = graph.add("Exp", shifted)
        total = _reduced(graph, "ReduceSum", power, x, axes, True)
        if op == "Softmax":
            return str(graph.add("Div", power, total))
        return str(graph.add("Sub", shifted, graph.add("Log", total)))

    return make


def _cumsum(graph: Any, instruction: Instruction) -> str:
    name, _ = graph.first(instruction)
    axis = graph.array(np.array(instruction.params[0], np.int64), "axis")
    found: str = graph.add("CumSum", name, axis)
    return found


EMITTERS: dict[str, Emit] = {
    "sum": _reduction("ReduceSum"),
    "mean": _reduction("ReduceMean"),
    "prod": _reduction("ReduceProd"),
    "max": _reduction("ReduceMax"),
    "min": _reduction("ReduceMin"),
    "norm2": _reduction("ReduceL2"),
    "logsumexp": _reduction("ReduceLogSumExp"),
    "norm_p": _norm_p,
    "var": _variance,
    "std": _std,
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "cumsum": _cumsum,
}

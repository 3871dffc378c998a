"""The rows of the sheet as nodes of ONNX.

A row that ONNX has is one node; an elementwise one that it has not is written out by its formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.passes.expand import NotExpressibleError, written
from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export import (
    onnx_elementwise,
    onnx_fourier,
    onnx_linalg,
    onnx_losses,
    onnx_reductions,
    onnx_shapes,
    onnx_writing,
)
from autograd_bp.export.errors import ExportError, operation_name
from autograd_bp.rules import ROWS

Emit = Callable[[Any, Instruction], str]

_SIMPLE = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "chain": "Mul",
    "chain_both": "Mul",
    "div": "Div",
    "neg": "Neg",
    "abs": "Abs",
    "sign": "Sign",
    "pow": "Pow",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "arcsin": "Asin",
    "arccos": "Acos",
    "arctan": "Atan",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "tanh": "Tanh",
    "arcsinh": "Asinh",
    "arccosh": "Acosh",
    "arctanh": "Atanh",
    "floor": "Floor",
    "ceil": "Ceil",
    "rint": "Round",
    "reciprocal": "Reciprocal",
    "maximum": "Max",
    "minimum": "Min",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "softplus": "Softplus",
    "identity": "Identity",
    "matmul": "MatMul",
    "chain_matmul": "MatMul",
    "chain_matmul_both": "MatMul",
    "det": "Det",
    "np.add": "Add",
    "np.subtract": "Sub",
    "np.multiply": "Mul",
    "np.true_divide": "Div",
    "np.negative": "Neg",
    "np.power": "Pow",
    "np.maximum": "Max",
    "np.minimum": "Min",
    "np.absolute": "Abs",
    "np.greater": "Greater",
    "np.greater_equal": "GreaterOrEqual",
    "np.less": "Less",
    "np.less_equal": "LessOrEqual",
    "np.equal": "Equal",
    "np.logical_and": "And",
    "np.logical_or": "Or",
    "np.logical_not": "Not",
    "np.bitwise_and": "And",
    "np.bitwise_or": "Or",
    "np.invert": "Not",
    "np.isnan": "IsNaN",
    "np.sqrt": "Sqrt",
    "np.exp": "Exp",
    "np.log": "Log",
    "np.sign": "Sign",
    "np.floor": "Floor",
    "np.ceil": "Ceil",
    "np.rint": "Round",
    "np.tanh": "Tanh",
    "np.sin": "Sin",
    "np.cos": "Cos",
}
"""One node, with the operands as inputs."""


def emit(graph: Any, instruction: Instruction) -> str:
    """The name of the result of an instruction; ExportError, naming it, if ONNX has none such."""
    op = instruction.op
    if op in EMITTERS:
        return EMITTERS[op](graph, instruction)
    if op in _SIMPLE:
        found: str = graph.add(_SIMPLE[op], *graph.operands(instruction))
        return found
    rule = ROWS.get(op)
    if rule is not None and rule.kind == "elementwise":
        return _written_out(graph, instruction)
    name = operation_name(instruction)
    raise ExportError(f"{graph.recorded.program.name}: ONNX has no counterpart of {name}")


def has_counterpart(name: str) -> bool:
    """Whether a row can be written in ONNX, as far as can be told without its operands."""
    if name in EMITTERS or name in _SIMPLE:
        return True
    rule = ROWS.get(name)
    if rule is None or rule.kind != "elementwise":
        return False
    build = Builder()
    meanings: dict[str, Any] = {arg: Var((2,), np.float64) for arg in rule.args}
    meanings.update(dict.fromkeys(rule.params, 1.0))
    try:
        written(build, rule.formula, meanings)
    except (NotExpressibleError, KeyError, RecursionError):
        return False
    return all(i.op in EMITTERS or i.op in _SIMPLE for i in build.instructions)


def node_of(name: str) -> str | None:
    """The one kind of node that a row is; None if it is several."""
    return _SIMPLE.get(name)


def _written_out(graph: Any, instruction: Instruction) -> str:
    """An elementwise row by its formula."""
    rule = ROWS[instruction.op]
    build = Builder()
    meanings: dict[str, Any] = dict(zip(rule.args, instruction.operands, strict=True))
    meanings.update(zip(rule.params, instruction.params, strict=True))
    try:
        result = written(build, rule.formula, meanings)
    except (NotExpressibleError, KeyError, RecursionError):
        raise ExportError(
            f"{graph.recorded.program.name}: ONNX has no counterpart of {rule.name!r}"
        ) from None
    for step in build.instructions:
        assert step.out is not None
        graph.values[step.out] = emit(graph, step)
    found: str = graph.operand(result)
    return found


EMITTERS: dict[str, Emit] = {
    **onnx_elementwise.EMITTERS,
    **onnx_shapes.EMITTERS,
    **onnx_writing.EMITTERS,
    **onnx_reductions.EMITTERS,
    **onnx_linalg.EMITTERS,
    **onnx_fourier.EMITTERS,
    **onnx_losses.EMITTERS,
}
"""What is written in another way than as one node with the operands as inputs."""

"""Products and determinants in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_bp.compiler.program import Instruction
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError
from autograd_bp.export.onnx_indexing import END, sliced

Emit = Callable[[Any, Instruction], str]


def _einsum(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add("Einsum", *graph.operands(instruction), equation=instruction.params[0])
    return found


def _convolve(graph: Any, instruction: Instruction) -> str:
    """Conv with one operand turned round: one whose length is known, if there is one."""
    assert instruction.out is not None
    shapes = [graph.shape(x) for x in instruction.operands]
    (n,), (m,) = shapes
    if 0 in (n, m):
        return str(graph.expanded(graph.number(0.0), graph.shape(instruction.out)))
    if instruction.out.dtype.kind != "f":
        raise ExportError("ONNX: 'convolve' of whole numbers")
    x, y = graph.operands(instruction)
    if isinstance(m, Size):
        x, y, n, m = y, x, m, n
    if isinstance(m, Size):
        raise ExportError("ONNX: 'convolve' of two arrays whose lengths are that of the batch")
    turned = sliced(graph, y, 0, -1, -END, -1)
    kernel = graph.reshaped(turned, (1, 1, m))
    found = graph.add("Conv", graph.reshaped(x, (1, 1, n)), kernel, pads=[m - 1, m - 1])
    return str(graph.reshaped(found, (-1,)))


def _scaled(graph: Any, instruction: Instruction) -> tuple[str, str]:
    """The matrices with rows of norm 1, and the logarithm of what that divides determinants by.

    Their determinants are at most 1, and that of the matrix itself may be beyond all floats.
    """
    name, _ = graph.first(instruction)
    logs = []
    for norm in ("ReduceMax", "ReduceL2"):  # the largest first, so that no square overflows
        size = graph.add(norm, graph.add("Abs", name), graph.ints([-1]), keepdims=1)
        size = graph.add(
            "Where", graph.add("Equal", size, graph.number(0.0)), graph.number(1.0), size
        )
        name = graph.add("Div", name, size)
        logs.append(graph.add("Log", size))
    total = graph.add("ReduceSum", graph.add("Add", *logs), graph.ints([-2, -1]), keepdims=0)
    return name, total


def _logabsdet(graph: Any, instruction: Instruction) -> str:
    assert instruction.out is not None
    if instruction.operands[0].shape[-1] == 0:  # type: ignore[union-attr]
        return str(graph.expanded(graph.number(0.0), graph.shape(instruction.out)))
    rows, total = _scaled(graph, instruction)
    return str(graph.add("Add", graph.add("Log", graph.add("Abs", graph.add("Det", rows))), total))


def _determinant_sign(graph: Any, instruction: Instruction) -> str:
    assert instruction.out is not None
    if instruction.operands[0].shape[-1] == 0:  # type: ignore[union-attr]
        return str(graph.expanded(graph.number(1.0), graph.shape(instruction.out)))
    return str(graph.add("Sign", graph.add("Det", _scaled(graph, instruction)[0])))


EMITTERS: dict[str, Emit] = {
    "einsum": _einsum,
    "convolve": _convolve,
    "logabsdet": _logabsdet,
    "rules.determinant_sign": _determinant_sign,
}

"""Rows that move and repeat elements, in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_bp.compiler.program import Instruction
from autograd_bp.export.onnx_indexing import flipped, indexed, rolled, windows
from autograd_bp.rules.arrays import reduced_axes

Emit = Callable[[Any, Instruction], str]


def _broadcast(graph: Any, instruction: Instruction) -> str:
    return str(graph.expanded(graph.operand(instruction.operands[0]), instruction.params[0]))


def _spread(graph: Any, instruction: Instruction) -> str:
    name, _ = graph.first(instruction)
    shape, axis, keepdims = instruction.params
    if not keepdims:
        axes = reduced_axes(axis, len(shape))
        name = graph.reshaped(name, [1 if k in axes else n for k, n in enumerate(shape)])
    return str(graph.expanded(name, shape))


def _sum_to(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    (shape,) = instruction.params
    added = len(x.shape) - len(shape)
    axes = [k for k in range(len(x.shape)) if k < added or (shape[k - added] == 1)]
    if axes:
        name = graph.add("ReduceSum", name, graph.ints(axes), keepdims=1)
    return str(graph.reshaped(name, shape))


def _transpose(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    axes = instruction.params[0] or range(len(x.shape))
    found: str = graph.add("Transpose", name, perm=[int(k) % len(x.shape) for k in axes]) \
        if len(x.shape) else name  # fmt: skip
    return found


def _reshape(graph: Any, instruction: Instruction) -> str:
    return str(graph.reshaped(graph.operand(instruction.operands[0]), instruction.params[0]))


def _concatenate(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add("Concat", *graph.operands(instruction), axis=int(instruction.params[0]))
    return found


def _stack(graph: Any, instruction: Instruction) -> str:
    assert instruction.out is not None
    axis = int(instruction.params[0]) % len(instruction.out.shape)
    axes = graph.ints([axis])
    parts = [graph.add("Unsqueeze", x, axes) for x in graph.operands(instruction)]
    found: str = graph.add("Concat", *parts, axis=axis)
    return found


def _pad(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    width, value = instruction.params
    if not width:
        return str(name)
    widths = [a for a, _ in width] + [b for _, b in width]
    found: str = graph.add("Pad", name, graph.ints(widths), graph.number(float(value), x.dtype))
    return found


def _astype(graph: Any, instruction: Instruction) -> str:
    name, _ = graph.first(instruction)
    return str(graph.cast(name, instruction.params[0]))


def _item(graph: Any, instruction: Instruction) -> str:
    return str(graph.reshaped(graph.first(instruction)[0], ()))


def _full(graph: Any, instruction: Instruction) -> str:
    shape, value, dtype = instruction.params
    return str(graph.expanded(graph.operand(value, dtype), shape))


EMITTERS: dict[str, Emit] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast,
    "spread": _spread,
    "sum_to": _sum_to,
    "flip": flipped,
    "roll": rolled,
    "getitem": indexed,
    "windows": windows,
    "concatenate": _concatenate,
    "stack": _stack,
    "pad": _pad,
    "astype": _astype,
    "item": _item,
    "np.full": _full,
}

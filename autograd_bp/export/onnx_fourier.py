"""Fourier transforms in ONNX: its DFT, which has the two parts of complex numbers last, not first.

They are computed in float64. In float32 ONNX Runtime loses four digits where the length is no power
of two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError
from autograd_bp.export.onnx_graph import onnx_type

Emit = Callable[[Any, Instruction], str]


def _transformed(graph: Any, x: str, length: str, axis: int, **attributes: int) -> str:
    """A transform of numbers whose parts are last; `length` is a name, or empty for that of x."""
    wide = graph.add("Cast", x, to=onnx_type(np.float64))
    place = graph.array(np.array(axis, np.int64), "axis")
    return str(graph.cast(graph.add("DFT", wide, length, place, **attributes), graph.kind))


def _parts_last(graph: Any, x: str, ndim: int) -> str:
    return str(graph.add("Transpose", x, perm=[*range(1, ndim), 0]))


def _parts_first(graph: Any, x: str, ndim: int) -> str:
    return str(graph.add("Transpose", x, perm=[ndim - 1, *range(ndim - 1)]))


def _dft(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    axis, sign = instruction.params
    ndim = len(x.shape)
    parts = _parts_last(graph, name, ndim)
    found = _transformed(graph, parts, "", axis - 1, inverse=int(sign > 0))
    if sign > 0:  # ONNX divides by the length
        found = graph.add("Mul", found, graph.number(graph.shape(x)[axis], graph.kind))
    return _parts_first(graph, found, ndim)


def _rfft(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    (axis,) = instruction.params
    ndim = len(x.shape)
    column = graph.add("Unsqueeze", name, graph.ints([ndim]))
    return _parts_first(graph, _transformed(graph, column, "", axis, onesided=1), ndim + 1)


def _rfft_adjoint(graph: Any, instruction: Instruction) -> str:
    """The real part of the inverse transform of what zeros make n numbers."""
    name, x = graph.first(instruction)
    n, axis = instruction.params
    if isinstance(n, Size):
        raise ExportError("ONNX: 'rfft_adjoint' along the samples of a batch of any size")
    parts = _parts_last(graph, name, len(x.shape))
    length = graph.array(np.array(n, np.int64), "length")
    found = _transformed(graph, parts, length, axis, inverse=1)
    real = graph.array(np.array(0, np.int64), "place")
    found = graph.add("Gather", found, real, axis=len(x.shape) - 1)
    return str(graph.add("Mul", found, graph.number(float(n))))


EMITTERS: dict[str, Emit] = {"dft": _dft, "rfft": _rfft, "rfft_adjoint": _rfft_adjoint}

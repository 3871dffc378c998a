"""Writing and adding at an index in ONNX, and adding up windows.

ScatterND writes along the first axes, at places that are written out. So the axes that an index
takes whole, which are those that may follow the batch, go last, the others become one, and NumPy
says at which places of that one an index is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError
from autograd_bp.export.onnx_places import Places, places_first, places_of, transposed
from autograd_bp.rules.windows import window_counts

Array = NDArray[Any]
Emit = Callable[[Any, Instruction], str]


def _scattered(
    graph: Any, data: str | None, values: str, dtype: Any, shape: Any, at: Places
) -> str:
    """`values` written into `data`, or, if it is None, added up in zeros of a dtype."""
    others = [k for k in range(len(shape)) if k not in at.whole]
    kept = [shape[k] for k in at.whole]
    count = math.prod(shape[k] for k in others)
    order = [k for k in range(len(at.shape)) if k not in at.along] + list(at.along)
    rows = graph.reshaped(transposed(graph, values, order), [len(at.flat), *kept])
    if data is None:
        zero = graph.number(0.0, dtype)
        rows, flat = _summed(graph, rows, at.flat, graph.expanded(zero, [1, *kept]))
        start = graph.expanded(zero, [count, *kept])
    else:
        # Of several values for a place the last one stays.
        backwards, last = np.unique(at.flat[::-1], return_index=True)
        flat = at.flat
        if len(last) < len(flat):
            chosen = graph.array(len(flat) - 1 - last, "places")
            rows, flat = graph.add("Gather", rows, chosen, axis=0), backwards
        start = places_first(graph, data, shape, at)
    found = graph.add("ScatterND", start, graph.array(flat[:, None], "places"), rows)
    found = graph.reshaped(found, [shape[k] for k in [*others, *at.whole]])
    return transposed(graph, found, np.argsort([*others, *at.whole]).tolist())


def _summed(graph: Any, rows: str, flat: Array, zero: str) -> tuple[str, Array]:
    """The rows for every place added up: ONNX Runtime may lose one of two for the same place."""
    places, group, counts = np.unique(flat, return_inverse=True, return_counts=True)
    if len(places) == len(flat):
        return rows, flat
    # For every place the numbers of its rows, filled up with one more row of zeros.
    numbers = np.full((len(places), counts.max()), len(flat))
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(counts) - counts
    numbers[group[order], np.arange(len(flat)) - starts[group[order]]] = order
    rows = graph.add("Concat", rows, zero, axis=0)
    each = graph.add("Gather", rows, graph.array(numbers, "places"), axis=0)
    return str(graph.add("ReduceSum", each, graph.ints([1]), keepdims=0)), places


def _scatter(graph: Any, instruction: Instruction) -> str:
    name, x = graph.first(instruction)
    index, shape = instruction.params
    at = places_of(index, shape, "scatter")
    if not len(at.flat) or 0 in shape:
        return str(graph.expanded(graph.number(0.0, x.dtype), shape))
    return _scattered(graph, None, name, x.dtype, shape, at)


def _index_set(graph: Any, instruction: Instruction) -> str:
    x, value = instruction.operands
    (index,) = instruction.params
    assert instruction.out is not None
    dtype = instruction.out.dtype
    shape = graph.shape(instruction.out)
    data, values = (graph.operand_as(operand, dtype) for operand in (x, value))
    if not isinstance(x, Var):
        data = graph.expanded(data, shape)
    mask = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if isinstance(mask, Var) and mask.dtype.kind == "b" and len(mask.shape) == len(shape):
        if isinstance(value, Var) and math.prod(value.shape) != 1:
            raise ExportError("ONNX: 'index_set' of an array at a mask that is computed")
        return str(graph.add("Where", graph.values[mask], graph.reshaped(values, ()), data))
    at = places_of(index, shape, "index_set")
    if not len(at.flat) or 0 in shape:
        return str(data)
    # NumPy lets what is written have more axes in front, of length 1.
    if isinstance(value, Var) and (more := len(value.shape) - len(at.shape)) > 0:
        values = graph.reshaped(values, graph.shape(value)[more:])
    return _scattered(graph, data, graph.expanded(values, at.shape), dtype, shape, at)


def _overlap_add(graph: Any, instruction: Instruction) -> str:
    """Col2Im, which takes the windows as (rest, places in a window, windows)."""
    name, x = graph.first(instruction)
    shape, size, stride, dilation = instruction.params
    k = len(size)
    if not k:
        return str(name)
    first = len(shape) - k
    if any(isinstance(n, Size) for n in shape[first:]):
        raise ExportError("ONNX: 'overlap_add' along the samples of a batch of any size")
    if 0 in x.shape or 0 in shape:
        return str(graph.expanded(graph.number(0.0), shape))
    counts = window_counts(shape[first:], size, stride, dilation)
    order = [*range(first), *range(first + k, first + 2 * k), *range(first, first + k)]
    columns = transposed(graph, name, order)
    columns = graph.add("Reshape", columns, graph.ints([-1, math.prod(size), math.prod(counts)]))
    image, block = graph.ints(shape[first:]), graph.ints(size)
    found = graph.add(
        "Col2Im", columns, image, block, strides=list(stride), dilations=list(dilation)
    )
    return str(graph.reshaped(found, shape))


EMITTERS: dict[str, Emit] = {
    "scatter": _scatter,
    "index_set": _index_set,
    "overlap_add": _overlap_add,
}

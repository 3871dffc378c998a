"""Indexing in ONNX: what NumPy writes between brackets, as slices and gathers."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError
from autograd_bp.export.onnx_places import pieces_of, places_first, places_of, transposed
from autograd_bp.rules.arrays import normalized_axes
from autograd_bp.rules.windows import window_counts

END = 2**31 - 1


def sliced(graph: Any, x: str, axis: int, start: Any, stop: Any, step: int) -> str:
    """x along one axis from `start` to `stop`."""
    found: str = graph.add(
        "Slice", x, graph.ints([start]), graph.ints([stop]), graph.ints([axis]), graph.ints([step])
    )
    return found


def flipped(graph: Any, instruction: Instruction) -> str:
    """`flip`."""
    x = instruction.operands[0]
    assert isinstance(x, Var)
    name: str = graph.values[x]
    for axis in normalized_axes(instruction.params[0], len(x.shape)):
        name = sliced(graph, name, axis, -1, -END, -1)
    return name


def rolled(graph: Any, instruction: Instruction) -> str:
    """`roll`, along one axis after the other."""
    x = instruction.operands[0]
    assert isinstance(x, Var)
    name: str = graph.values[x]
    shift, axis = instruction.params
    shape = graph.shape(x)
    if axis is None:
        name = graph.reshaped(name, (-1,))
        axis, lengths = 0, [math.prod(x.shape)]
        if any(isinstance(n, Size) for n in shape):
            raise ExportError("ONNX: roll of all samples of a batch of any size as one")
    else:
        lengths = list(shape)
    shifts = shift if isinstance(shift, tuple) else (shift,)
    axes = axis if isinstance(axis, tuple) else (axis,)
    n = max(len(shifts), len(axes))
    pairs = zip(
        shifts * n if len(shifts) == 1 else shifts,
        axes * n if len(axes) == 1 else axes,
        strict=False,
    )
    for by, along in itertools.islice(pairs, n):
        k = along % len(lengths)
        length = lengths[k]
        if isinstance(length, Size):
            raise ExportError("ONNX: roll along the samples of a batch of any size")
        if length and by % length:
            cut = length - by % length
            parts = (
                sliced(graph, name, k, cut, END, 1),
                sliced(graph, name, k, 0, cut, 1),
            )
            name = graph.add("Concat", *parts, axis=k)
    return str(graph.reshaped(name, shape)) if instruction.params[1] is None else name


def windows(graph: Any, instruction: Instruction) -> str:
    """The windows of the last axes: each axis gathered as two, the second ones put last."""
    x = instruction.operands[0]
    assert isinstance(x, Var)
    size, stride, dilation = instruction.params
    name: str = graph.values[x]
    k = len(size)
    first = len(x.shape) - k
    counts = window_counts(x.shape[first:], size, stride, dilation)
    for j in range(k):
        places = np.arange(counts[j])[:, None] * stride[j] + np.arange(size[j]) * dilation[j]
        name = graph.add("Gather", name, graph.array(places, "places"), axis=first + 2 * j)
    order = [
        *range(first),
        *(first + 2 * j for j in range(k)),
        *(first + 2 * j + 1 for j in range(k)),
    ]
    found: str = graph.add("Transpose", name, perm=order)
    return found


def indexed(graph: Any, instruction: Instruction) -> str:
    """`x[index]`."""
    x = instruction.operands[0]
    assert isinstance(x, Var)
    pieces = pieces_of(instruction.params[0], len(x.shape))
    name: str = graph.values[x]
    axes = _axes(pieces)
    arrays = [(a, p) for a, p in zip(axes, pieces, strict=True) if _is_array(p)]
    numbers = [(a, p) for a, p in zip(axes, pieces, strict=True) if _is_number(p)]
    together = bool(arrays) and len(arrays) + len(numbers) > 1
    if (arrays and any(p is None for p in pieces)) or (
        together and not _are_of_the_first_axes(arrays + numbers)
    ):
        return _gathered(graph, name, instruction)
    name = _slices(graph, name, pieces, axes)
    if together:
        name = _gathered_together(graph, name, arrays + numbers)
    elif arrays:
        axis, places = arrays[0]
        name = graph.add("Gather", name, _places(graph, places), axis=axis)
    else:
        for axis, number in reversed(numbers):
            if isinstance(number, Var):
                place = graph.values[number]
            else:
                place = graph.array(np.array(number, np.int64), "place")
            name = graph.add("Gather", name, place, axis=axis)
    if any(p is None for p in pieces):
        kept = [p for p in pieces if not _is_number(p)]
        new = [k for k, p in enumerate(kept) if p is None]
        name = graph.add("Unsqueeze", name, graph.ints(new))
    return name


def _axes(pieces: list[Any]) -> list[int]:
    """The axis of x that each piece is for."""
    counts = itertools.accumulate((piece is not None for piece in pieces), initial=0)
    return list(itertools.islice(counts, len(pieces)))


def _slices(graph: Any, name: str, pieces: list[Any], axes: list[int]) -> str:
    for axis, piece in zip(axes, pieces, strict=True):
        if isinstance(piece, slice) and piece != slice(None):
            if isinstance(piece.start, Var) or isinstance(piece.stop, Var):
                raise ExportError("ONNX: a slice whose ends are computed")
            step = 1 if piece.step is None else int(piece.step)
            ends = (0, END) if step > 0 else (END, -END)
            start = ends[0] if piece.start is None else piece.start
            stop = ends[1] if piece.stop is None else piece.stop
            name = sliced(graph, name, axis, start, stop, step)
    return name


def _is_array(piece: Any) -> bool:
    return isinstance(piece, np.ndarray | Var) and len(piece.shape) > 0


def _is_number(piece: Any) -> bool:
    if isinstance(piece, Var | np.ndarray):
        return len(piece.shape) == 0
    return isinstance(piece, int | np.integer)


def _places(graph: Any, places: Any) -> str:
    if not isinstance(places, Var):
        return str(graph.array(np.asarray(places, np.int64), "places"))
    found: str = graph.values[places]
    return found


def _are_of_the_first_axes(indices: list[tuple[int, Any]]) -> bool:
    axes = sorted(axis for axis, _ in indices)
    return axes == list(range(len(axes))) and not any(isinstance(p, Var) for _, p in indices)


def _gathered_together(graph: Any, name: str, indices: list[tuple[int, Any]]) -> str:
    """Several arrays that go together, of the first axes."""
    indices = sorted(indices, key=lambda pair: pair[0])
    together = np.stack(np.broadcast_arrays(*(np.asarray(p) for _, p in indices)), axis=-1)
    found: str = graph.add("GatherND", name, graph.array(together.astype(np.int64), "places"))
    return found


def _gathered(graph: Any, name: str, instruction: Instruction) -> str:
    """What an index picks in any other way, as long as it takes the axis of the batch whole."""
    x, out = instruction.operands[0], instruction.out
    assert isinstance(x, Var)
    assert out is not None
    shape = graph.shape(x)
    at = places_of(instruction.params[0], shape, "getitem")
    if 0 in shape or not len(at.flat):
        return str(graph.expanded(graph.number(0, x.dtype), graph.shape(out)))
    places = graph.array(at.flat, "places")
    found = graph.add("Gather", places_first(graph, name, shape, at), places, axis=0)
    order = [k for k in range(len(at.shape)) if k not in at.along] + list(at.along)
    found = graph.reshaped(found, [at.shape[k] for k in order])
    return transposed(graph, found, np.argsort(order).tolist())

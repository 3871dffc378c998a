"""Where an index is, for ONNX: NumPy says so.

The axes that an index takes whole, which are those that may follow the batch, go last; the others
become one, in which an index is a list of places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.compiler.program import Var
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError

Array = NDArray[Any]


def pieces_of(index: Any, ndim: int) -> list[Any]:
    """One for each axis, `...` written out, masks as the places where they are true."""
    pieces: list[Any] = []
    for piece in index if isinstance(index, tuple) else (index,):
        if isinstance(piece, list):
            piece = np.asarray(piece)
        if isinstance(piece, bool | np.bool_) or (
            isinstance(piece, Var) and piece.dtype.kind == "b"
        ):
            raise ExportError("ONNX: an index that is a truth value, or a computed mask")
        if isinstance(piece, np.ndarray) and piece.dtype == np.bool_:
            pieces.extend(np.nonzero(piece))
        else:
            pieces.append(piece)
    used = sum(piece is not None and piece is not Ellipsis for piece in pieces)
    rest = [slice(None)] * (ndim - used)
    places = [k for k, piece in enumerate(pieces) if piece is Ellipsis]
    if places:
        return pieces[: places[0]] + rest + pieces[places[0] + 1 :]
    return pieces + rest


@dataclass(frozen=True)
class Places:
    """What an index is about.

    Attributes
    ----------
    whole
        The axes of the array that are taken whole.
    shape
        The shape of what the index picks.
    along
        The axes of `shape` that are those of `whole`.
    flat
        For all else in `shape`, in order: where it is when the other axes of the array are one.
    """

    whole: tuple[int, ...]
    shape: tuple[Any, ...]
    along: tuple[int, ...]
    flat: Array


def places_of(index: Any, shape: tuple[Any, ...], op: str) -> Places:
    """Where an index is in an array of a shape; ExportError, naming the operation, if unknown."""
    pieces = pieces_of(index, len(shape))
    if any(_is_computed(piece) for piece in pieces):
        raise ExportError(f"ONNX: {op!r} at an index that is computed")
    own = [piece for piece in pieces if piece is not None]
    whole = tuple(k for k, n in enumerate(shape) if _is_whole(own[k], n))
    if any(isinstance(n, Size) and k not in whole for k, n in enumerate(shape)):
        raise ExportError(f"ONNX: {op!r} at some samples of a batch of any size")
    for axis in whole:
        own[axis] = slice(None)
    rest = iter(own)
    static = tuple(None if piece is None else next(rest) for piece in pieces)
    # A whole axis of length 0 shows where it is in what the index picks.
    lengths: list[Any] = [1 if k in whole else n for k, n in enumerate(shape)]
    flat = np.arange(math.prod(lengths)).reshape(lengths)[static]
    along: list[int] = []
    if flat.size:
        for axis in whole:
            shown = np.zeros([0 if k == axis else n for k, n in enumerate(lengths)], bool)
            along.append(shown[static].shape.index(0))
    lengths = list(flat.shape)
    for place, axis in zip(along, whole, strict=False):
        lengths[place] = shape[axis]
    return Places(whole, tuple(lengths), tuple(along), flat.ravel())


def _is_computed(piece: Any) -> bool:
    if isinstance(piece, slice):
        return any(isinstance(end, Var) for end in (piece.start, piece.stop, piece.step))
    return isinstance(piece, Var)


def _is_whole(piece: Any, n: Any) -> bool:
    return isinstance(piece, slice) and (
        piece.start in (None, 0) and piece.step in (None, 1) and piece.stop in (None, n)
    )


def places_first(graph: Any, x: str, shape: Any, at: Places) -> str:
    """x with one axis for the places, and then those that are whole."""
    others = [k for k in range(len(shape)) if k not in at.whole]
    x = transposed(graph, x, [*others, *at.whole])
    count = math.prod(shape[k] for k in others)
    return str(graph.reshaped(x, [count, *(shape[k] for k in at.whole)]))


def transposed(graph: Any, x: str, order: list[int]) -> str:
    """x with its axes in this order."""
    if order == list(range(len(order))):
        return x
    return str(graph.add("Transpose", x, perm=order))

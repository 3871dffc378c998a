"""Plain operands: what can stand beside a Tensor, and as what it enters an operation."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.node import Node

Array = NDArray[Any]


def leaf_array(data: Any) -> Array:
    """A new array of real numbers."""
    if isinstance(data, Node):
        if data.requires_grad:
            raise TypeError(
                f"{data!r} is a node already, and copying its numbers would lose its gradient: use "
                "it as it is, or .data or .detach() for the numbers"
            )
        data = data._value
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("a masked array has no Tensor: fill it first, as in data.filled(0.0)")
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(
            f"these rows do not make an array: {str(error).rstrip('.')}. All rows must have the "
            "same length"
        ) from None
    check_dtype(array, data)
    return array


def check_dtype(array: Array, data: Any) -> None:
    """TypeError unless the array holds real numbers or booleans."""
    kind = array.dtype.kind
    if kind in "fiub":
        return
    if kind == "O" and any(isinstance(element, Node) for element in array.flat):
        raise TypeError(
            "for an array of Values or Tensors use ab.stack([...]): derivatives pass it"
        )
    what = {"c": "complex numbers", "U": "text", "S": "bytes", "O": "Python objects"}.get(
        kind, f"{array.dtype}"
    )
    raise TypeError(f"a Tensor holds real numbers, not {what}: {_short(data)}")


def _short(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."


def as_floats(array: Array) -> str:
    """How to write an array of integers as floats, for a message."""
    if array.ndim == 0:
        return repr(float(array))
    if array.ndim == 1 and 0 < array.size <= 5:
        return repr([float(element) for element in array])
    return "data.astype(float)"


def is_operand(operand: Any) -> bool:
    """Whether a plain operand can stand beside a Tensor in an operator."""
    return isinstance(operand, float | int | np.ndarray | list | tuple | Node) or (
        isinstance(operand, np.generic) and operand.dtype.kind in "biuf"
    )


def as_operand(operand: Any) -> Any:
    """A plain operand as NumPy takes it, Python numbers weak; TypeError for what is no number."""
    if isinstance(operand, bool | int | float):
        return operand
    if isinstance(operand, np.ndarray) and not isinstance(operand, np.ma.MaskedArray):
        check_dtype(operand, operand)
        return operand if type(operand) is np.ndarray else np.asarray(operand)
    if operand is None:
        raise TypeError("an operand is None, not a number or an array")
    return leaf_array(operand)


def tracer_of(operand: Any) -> Any:
    """Who records what has no known value yet, if anything in nested tuples has none."""
    if isinstance(operand, tuple):
        return next((t for piece in operand if (t := tracer_of(piece)) is not None), None)
    return getattr(operand, "_tracer", None)


def plain_index(index: Any) -> Any:
    """An index with its own copies of arrays, Tensors as their numbers, lists as arrays."""
    return tuple(map(_index_part, index)) if type(index) is tuple else _index_part(index)


def _index_part(part: Any) -> Any:
    if isinstance(part, Node):
        if part._tracer is not None:
            return part._value
        part = part._value
    # NumPy says what is wrong with a float.
    if part is None or part is Ellipsis or isinstance(part, bool | int | np.integer | float):
        return part
    if isinstance(part, slice):
        return slice(*(None if k is None else operator.index(k) for k in _bounds(part)))
    if isinstance(part, np.bool_):
        return bool(part)
    # NumPy reads any other sequence as an array.
    array = np.array(part)
    return array.astype(int) if array.size == 0 and array.dtype.kind == "f" else array


def _bounds(part: slice) -> tuple[Any, Any, Any]:
    return part.start, part.stop, part.step

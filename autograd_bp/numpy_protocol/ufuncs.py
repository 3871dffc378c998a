"""NumPy's ufuncs on nodes, and the methods of ufuncs: reduce, accumulate, outer, reduceat."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp.functions import PUBLIC
from autograd_bp.functions.arranging import along, one_axis
from autograd_bp.functions.shapes import asarray, concatenate, expand_dims, stack
from autograd_bp.node import Node
from autograd_bp.numpy_protocol.writing import ufunc_at, written
from autograd_bp.operations import apply, read_only, without_history
from autograd_bp.rules import Rule
from autograd_bp.rules.arrays import shape_of

UFUNCS: dict[Any, Callable[..., Any]] = {
    numpy_function: operation
    for name, operation in PUBLIC.items()
    if isinstance(numpy_function := getattr(np, name, None), np.ufunc)
}
"""The operation for each of NumPy's ufuncs."""

# Most of them are one row: then nothing needs to be asked on the way.
_RULES: dict[Any, Rule] = {
    ufunc: rule
    for ufunc, operation in UFUNCS.items()
    if (rule := getattr(operation, "rule", None)) is not None and not rule.params
}

# The methods of ufuncs that are operations of their own.
_METHODS: dict[tuple[Any, str], Callable[..., Any]] = {
    (np.add, "reduce"): PUBLIC["sum"],
    (np.multiply, "reduce"): PUBLIC["prod"],
    (np.maximum, "reduce"): PUBLIC["max"],
    (np.minimum, "reduce"): PUBLIC["min"],
    (np.logaddexp, "reduce"): PUBLIC["logsumexp"],
    (np.add, "accumulate"): PUBLIC["cumsum"],
    (np.multiply, "accumulate"): PUBLIC["cumprod"],
}

# Ufuncs on vectors and matrices take axis= (or axes=) where others take nothing.
_ON_VECTORS = {np.vecdot: {"axis"}}


def array_ufunc(_: Node, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's hook for ufuncs."""
    if method == "__call__" and not kwargs:
        if (rule := _RULES.get(ufunc)) is not None:
            return apply(rule, inputs)
        if (operation := UFUNCS.get(ufunc)) is not None:
            return operation(*inputs)
    out = kwargs.pop("out", None)
    if out is not None:
        where = kwargs.pop("where", True) if method == "__call__" else True

        def compute() -> Any:
            return getattr(ufunc, method)(*inputs, **kwargs)

        return written(out, compute, where, f"np.{ufunc.__name__}", inputs)
    if method == "at":
        return ufunc_at(ufunc, *inputs)
    if method == "__call__":
        return _called(ufunc, inputs, kwargs)
    operation = _METHODS.get((ufunc, method))
    if operation is not None:
        kwargs = {k: v for k, v in kwargs.items() if v is not None or k == "axis"}
        kwargs.setdefault("axis", 0)
        return operation(*inputs, **kwargs)
    if ufunc in UFUNCS and ufunc.nin == 2 and not ufunc.signature:
        if _is_predicate(ufunc):
            return _numbers(ufunc, method, inputs, kwargs)
        if method in _FOLDS:
            return _FOLDS[method](ufunc, *inputs, **kwargs)
    raise TypeError(no_rule(f"{ufunc.__name__}.{method}"))


def _called(ufunc: Any, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    where = kwargs.pop("where", True)
    settings = {k: kwargs.pop(k) for k in _ON_VECTORS.get(ufunc, ()) if k in kwargs}
    _refuse(ufunc.__name__, kwargs)
    if where is not True:
        raise TypeError(
            f"np.{ufunc.__name__}(..., where=...) leaves the other elements undefined: use "
            "ab.where(condition, result, something), or give a Tensor to write to as out="
        )
    if ufunc in UFUNCS:
        return UFUNCS[ufunc](*inputs, **settings)
    if ufunc.nin and _is_predicate(ufunc):
        return _numbers(ufunc, "__call__", inputs, {})
    raise TypeError(no_rule(ufunc.__name__))


def _numbers(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What has no derivative, of the numbers."""
    numbers = {k: read_only(v) for k, v in kwargs.items()}
    return without_history(getattr(ufunc, method)(*map(read_only, inputs), **numbers), inputs)


def _is_predicate(ufunc: Any) -> bool:
    """Whether the ufunc gives truth values or integers for floats: it has no derivative."""
    loops = [types.split("->") for types in ufunc.types if "O" not in types]
    outcomes = {result for operands, result in loops if "d" in operands}
    outcomes = outcomes or {result for _, result in loops}
    return bool(outcomes) and all(set(outcome) <= set("?bBhHiIlLqQ") for outcome in outcomes)


# -- methods --------------------------------------------------------------------------------------


def _elements(a: Any, axis: int) -> tuple[list[Any], int]:
    """The slices along an axis."""
    a = asarray(a)
    axis = one_axis(axis, len(shape_of(a)))
    return [a[along(axis, k)] for k in range(shape_of(a)[axis])], axis


def _reduce(
    ufunc: Any,
    a: Any,
    axis: Any = 0,
    dtype: None = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    _refuse(f"{ufunc.__name__}.reduce", {"dtype": dtype})
    if where is not True or isinstance(axis, tuple) or (axis is None and len(shape_of(a)) > 1):
        raise TypeError(f"np.{ufunc.__name__}.reduce on a node goes along one axis, with no where=")
    elements, place = _elements(a, 0 if axis is None else axis)
    if initial is not None:
        elements.insert(0, initial)
    if not elements:
        raise ValueError(f"np.{ufunc.__name__}.reduce of an axis of length 0 has no value")
    found = functools.reduce(UFUNCS[ufunc], elements)
    return expand_dims(found, place) if keepdims else found


def _accumulate(ufunc: Any, array: Any, axis: int = 0, dtype: None = None) -> Any:
    _refuse(f"{ufunc.__name__}.accumulate", {"dtype": dtype})
    elements, place = _elements(array, axis)
    for k in range(1, len(elements)):
        elements[k] = UFUNCS[ufunc](elements[k - 1], elements[k])
    return stack(elements, place) if elements else array


def _outer(ufunc: Any, left: Any, right: Any, **kwargs: Any) -> Any:
    _refuse(f"{ufunc.__name__}.outer", kwargs)
    left, right = asarray(left), asarray(right)
    return UFUNCS[ufunc](left.reshape(left.shape + (1,) * right.ndim), right)


def _reduceat(
    ufunc: Any, array: Any, indices: Sequence[Any], axis: int = 0, dtype: None = None
) -> Any:
    _refuse(f"{ufunc.__name__}.reduceat", {"dtype": dtype})
    a = asarray(array)
    axis = one_axis(axis, len(shape_of(a)))
    n = shape_of(a)[axis]
    starts = [operator.index(k) for k in np.asarray(read_only(indices)).ravel()]
    if any(not 0 <= k < n for k in starts):
        raise IndexError(f"np.{ufunc.__name__}.reduceat: the places are from 0 to {n - 1}")
    pieces = []
    for start, stop in zip(starts, [*starts[1:], n], strict=True):
        piece = a[along(axis, slice(start, stop if stop > start else start + 1))]
        method = _METHODS.get((ufunc, "reduce")) or functools.partial(_reduce, ufunc)
        pieces.append(method(piece, axis=axis, keepdims=True))
    return concatenate(pieces, axis) if pieces else a[along(axis, slice(0, 0))]


_FOLDS: dict[str, Callable[..., Any]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "outer": _outer,
    "reduceat": _reduceat,
}


# -- refusals -------------------------------------------------------------------------------------


def no_rule(name: str, module: str = "np") -> str:
    """What to do about a function that has no derivative rule here."""
    return (
        f"{module}.{name} has no derivative rule here. Write it in operations that have (see "
        "ab.functions.PUBLIC), give it a rule of your own with ab.scalar_rule or ab.Function, or "
        "take the numbers out of the graph with t.data or t.detach()"
    )


def _refuse(name: str, kwargs: dict[str, Any]) -> None:
    left = {k: v for k, v in kwargs.items() if v is not None}
    if left:
        raise TypeError(f"np.{name} on a node does not take {', '.join(left)}")

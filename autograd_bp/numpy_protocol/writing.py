"""NumPy's functions that write into an array, on Tensors; and `out=`.

Only a Tensor can be written to: a plain array has no place for a derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp.errors import brief
from autograd_bp.functions import PUBLIC
from autograd_bp.functions.arranging import along_axis
from autograd_bp.functions.indexing import at
from autograd_bp.functions.shapes import asarray, broadcast_to, ravel, reshape
from autograd_bp.inplace import overwrite, set_item
from autograd_bp.node import Node
from autograd_bp.operands import plain_index
from autograd_bp.operations import apply, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import indexed_shape, shape_of
from autograd_bp.tensor import Tensor


def refuse_plain(target: Any, name: str, operands: Sequence[Any] = ()) -> None:
    """TypeError unless a Tensor is written to."""
    if not isinstance(target, Tensor):
        nodes = [operand for operand in operands if isinstance(operand, Node)]
        what = f"the result from {brief(nodes[0])}" if nodes else "what has a gradient"
        raise TypeError(
            f"{name} cannot write {what} into {type(target).__name__}: a plain array has no place "
            "for a gradient. Make the array with np.zeros_like(t), which gives a Tensor, or use "
            "ab.at(x, index).set(v), ab.where or ab.put_along_axis"
        )


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """The elements of `src` into `dst`, where the condition holds."""
    refuse_plain(dst, "np.copyto")
    if src is dst:
        return
    new = apply(ROWS["index_set"], (dst, asarray(src)), (...,))
    if casting not in ("same_kind", "unsafe", "safe"):
        raise TypeError(f"np.copyto: casting is 'same_kind' or 'unsafe', not {casting!r}")
    overwrite(dst, new if where is True else PUBLIC["where"](where, new, dst), "np.copyto")


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """The numbers `v`, repeated as needed, at places of the flattened array."""
    refuse_plain(a, "np.put")
    places = np.asarray(plain_index(ind)).ravel()
    n = shape_of(ravel(a))[0]
    places = np.take(np.arange(n), places, mode=mode)  # type: ignore[call-overload]
    if not places.size:
        return
    values = ravel(asarray(v))
    values = values[np.arange(places.size) % shape_of(values)[0]]
    overwrite(a, reshape(at(ravel(a), places).set(values), shape_of(a)), "np.put")


def place(arr: Any, mask: Any, vals: Any) -> None:
    """The numbers `vals`, repeated as needed, one after another where the mask holds."""
    refuse_plain(arr, "np.place")
    put(arr, np.flatnonzero(np.asarray(plain(mask))), vals)


def putmask(a: Any, mask: Any, values: Any) -> None:
    """The numbers `values`, repeated as needed, where the mask holds: each at its own place."""
    refuse_plain(a, "np.putmask")
    places = np.flatnonzero(np.asarray(plain(mask)))
    values = ravel(asarray(values))
    if places.size:
        put(a, places, values[places % shape_of(values)[0]])


def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    """The numbers `values` at `indices` along `axis`."""
    refuse_plain(arr, "np.put_along_axis")
    if axis is None:
        put(arr, indices, values)
    else:
        set_item(arr, along_axis(indices, axis, shape_of(arr), "put_along_axis"), values)


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """One number, or several in turn, on the main diagonal."""
    refuse_plain(a, "np.fill_diagonal")
    marked = np.zeros(shape_of(a), int)
    np.fill_diagonal(marked, 1, wrap)
    put(a, np.flatnonzero(marked), val)


WRITING: dict[Any, Callable[..., Any]] = {
    np.copyto: copyto,
    np.put: put,
    np.place: place,
    np.putmask: putmask,
    np.put_along_axis: put_along_axis,
    np.fill_diagonal: fill_diagonal,
}
"""The functions that write, by NumPy's."""


def ufunc_at(ufunc: Any, a: Any, indices: Any, *others: Any) -> None:
    """``ufunc.at``: every place named is changed, as often as it is named."""
    refuse_plain(a, f"np.{ufunc.__name__}.at")
    index = plain_index(indices)
    if ufunc is np.add:
        new = at(a, index).add(others[0])
    elif ufunc is np.subtract:
        new = at(a, index).add(-asarray(others[0]))
    elif _names_a_place_twice(shape_of(a), index):
        raise TypeError(
            f"np.{ufunc.__name__}.at where a place is named twice depends on the order: use "
            "np.add.at, or a loop"
        )
    else:
        new = at(a, index).set(PUBLIC[ufunc.__name__](at(a, index).get(), *others))
    overwrite(a, new, f"np.{ufunc.__name__}.at")


def _names_a_place_twice(shape: tuple[int, ...], index: Any) -> bool:
    places = np.arange(int(np.prod(shape))).reshape(shape)[index]
    return bool(np.unique(places).size < np.prod(indexed_shape(shape, index)))


def written(
    out: tuple[Any, ...],
    compute: Callable[[], Any],
    where: Any,
    name: str,
    operands: Sequence[Any],
) -> Any:
    """What a ufunc gives for its operands, in the Tensor that was given for it."""
    target = out[0]
    refuse_plain(target, name, operands)
    if len(out) != 1 or not shape_of(target):
        raise TypeError(f"{name}: out= is one Tensor with at least one axis")
    new = asarray(compute())
    if isinstance(new, Node) and shape_of(new) != shape_of(target):
        new = broadcast_to(new, shape_of(target))
    if where is not True:
        new = PUBLIC["where"](where, new, target)
    overwrite(target, new, f"{name}(..., out=...)")
    return target

"""More operations that move elements: splitting, joining, turning, inserting and leaving out."""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np

from autograd_bp.functions.indexing import at, getitem
from autograd_bp.functions.shapes import (
    asarray,
    broadcast_to,
    concatenate,
    diag,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    reshape,
    split,
    swapaxes,
)
from autograd_bp.node import Node
from autograd_bp.operands import plain_index
from autograd_bp.operations import apply, joined, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import normalized_axes, shape_of
from autograd_bp.tensor import Tensor

Shape = tuple[int, ...]


def one_axis(axis: Any, ndim: int) -> int:
    """The axis counted from 0; AxisError where there is none."""
    (found,) = normalized_axes(operator.index(axis), ndim)
    return found


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that is `index` on one axis and takes all of those before it."""
    return (*(slice(None),) * axis, index)


# -- views in other shapes ------------------------------------------------------------------------


def atleast_3d(*arys: Any) -> Any:
    """Each array with at least three axes: a vector gets one on either side."""
    results = []
    for a in map(asarray, arys):
        n = len(shape_of(a))
        places = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}.get(n)
        results.append(a if places is None else expand_dims(a, places))
    return results[0] if len(results) == 1 else tuple(results)


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """An axis moved back until it lies before the place `start`."""
    a = joined(a)
    n = len(shape_of(a))
    axis = one_axis(axis, n)
    start = operator.index(start)
    if not -n <= start <= n:
        raise np.exceptions.AxisError(f"rollaxis: start is from {-n} to {n}, not {start}")
    start += n if start < 0 else 0
    return moveaxis(a, axis, start - 1 if axis < start else start)


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """The plane of two axes turned by `k` right angles, from the first towards the second."""
    m = joined(m)
    places = tuple(one_axis(axis, len(shape_of(m))) for axis in axes)
    if len(set(places)) != 2:
        raise ValueError(f"rot90: axes are two different axes, not {tuple(axes)!r}")
    first, second = places
    turns = operator.index(k) % 4
    if turns == 0:
        return apply(ROWS["identity"], (m,))
    if turns == 2:
        return flip(m, places)
    if turns == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


def flipud(m: Any) -> Any:
    """The first axis reversed."""
    return flip(m, 0)


def fliplr(m: Any) -> Any:
    """The second axis reversed."""
    m = joined(m)
    if len(shape_of(m)) < 2:
        raise ValueError(f"fliplr: at least two axes are needed, not shape {shape_of(m)}")
    return flip(m, 1)


def resize(a: Any, new_shape: Any) -> Any:
    """The elements in order in another shape, repeated from the start as often as needed."""
    a = ravel(asarray(a))
    target = (new_shape,) if isinstance(new_shape, int | np.integer) else tuple(new_shape)
    if builtins.any(n < 0 for n in target):
        raise ValueError(f"resize: lengths are from 0 on, not {target}")
    size, n = int(np.prod(target)), shape_of(a)[0]
    if n == 0 and size:
        return broadcast_to(asarray(np.zeros((), getattr(a, "dtype", float))), target)
    return reshape(getitem(a, np.arange(size) % builtins.max(n, 1)), target)


# -- joining and splitting ------------------------------------------------------------------------


def column_stack(tup: Any) -> Any:
    """Vectors as columns, and matrices, beside each other."""
    columns = [asarray(a) for a in _several(tup, "column_stack")]
    return concatenate(
        [a if len(shape_of(a)) > 1 else reshape(a, (-1, 1)) for a in columns], axis=1
    )


def dstack(tup: Any) -> Any:
    """The arrays behind each other, along the third axis."""
    return concatenate([atleast_3d(a) for a in _several(tup, "dstack")], axis=2)


def _several(arrays: Any, name: str) -> list[Any]:
    if isinstance(arrays, Tensor | np.ndarray):
        return list(arrays)
    if not isinstance(arrays, list | tuple):
        raise TypeError(f"{name} takes a list or tuple of arrays, not {type(arrays).__name__}")
    return list(arrays)


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """The values after the array along `axis`; both flattened if that is None."""
    if axis is None:
        return concatenate([ravel(asarray(arr)), ravel(asarray(values))])
    return concatenate([asarray(arr), asarray(values)], axis)


def block(arrays: Any) -> Any:
    """An array from nested lists of blocks: the innermost lists join along the last axis.

    >>> import autograd_bp as ab
    >>> block([[ab.Tensor([1.0, 2.0]), np.array([3.0])]])
    Tensor([[1., 2., 3.]], op='concatenate')
    """
    depth = _depth(arrays)
    widest = builtins.max(depth, _widest(arrays))
    return _blocks(arrays, depth, widest, 1)


def _depth(blocks: Any) -> int:
    if not isinstance(blocks, list):
        if isinstance(blocks, tuple):
            raise TypeError("block takes nested lists of arrays: a tuple is none")
        return 0
    depths = {_depth(part) for part in blocks}
    if len(depths) != 1:
        raise ValueError("block: the lists must be nested equally deep, and none be empty")
    return 1 + depths.pop()


def _widest(blocks: Any) -> int:
    if isinstance(blocks, list):
        return builtins.max(map(_widest, blocks))
    return len(shape_of(asarray(blocks)))


def _blocks(blocks: Any, depth: int, ndim: int, level: int) -> Any:
    if not isinstance(blocks, list):
        a = asarray(blocks)
        shape = shape_of(a)
        return reshape(a, (1,) * (ndim - len(shape)) + shape)
    parts = [_blocks(part, depth, ndim, level + 1) for part in blocks]
    return concatenate(parts, axis=-(depth - level + 1))


def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Pieces along the second axis, or the only one."""
    ary = joined(ary)
    if not shape_of(ary):
        raise ValueError("hsplit: a 0-d array has no axis to split")
    return split(ary, indices_or_sections, 1 if len(shape_of(ary)) > 1 else 0)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Pieces along the first of at least two axes."""
    ary = joined(ary)
    if len(shape_of(ary)) < 2:
        raise ValueError(f"vsplit: at least two axes are needed, not shape {shape_of(ary)}")
    return split(ary, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Pieces along the third of at least three axes."""
    ary = joined(ary)
    if len(shape_of(ary)) < 3:
        raise ValueError(f"dsplit: at least three axes are needed, not shape {shape_of(ary)}")
    return split(ary, indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along `axis`, which goes."""
    x = joined(x)
    if not shape_of(x):
        raise ValueError("unstack: a 0-d array has no axis to unstack along")
    axis = one_axis(axis, len(shape_of(x)))
    return tuple(getitem(x, along(axis, i)) for i in range(shape_of(x)[axis]))


# -- inserting and leaving out --------------------------------------------------------------------


def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """The slices along `axis` (or the elements) where the condition holds."""
    _refuse_out(out, "compress")
    a = joined(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = one_axis(axis, len(shape_of(a)))
    kept = np.asarray(plain(condition), bool)
    if kept.ndim != 1:
        raise ValueError(f"compress: the condition is a vector, not of shape {kept.shape}")
    return getitem(a, along(axis, np.flatnonzero(kept)))


def extract(condition: Any, arr: Any) -> Any:
    """The elements where the condition holds."""
    return getitem(ravel(joined(arr)), np.flatnonzero(np.asarray(plain(condition))))


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """The array without the slices at `obj` (a place, several, a slice or a mask)."""
    arr = joined(arr)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = one_axis(axis, len(shape_of(arr)))
    left = np.delete(np.arange(shape_of(arr)[axis]), plain_index(obj))
    return getitem(arr, along(axis, left))


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The array with `values` put in before the places `obj` along `axis`."""
    arr, values = asarray(arr), asarray(values)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = one_axis(axis, len(shape_of(arr)))
    n = shape_of(arr)[axis]
    # NumPy's own answer for the places says where the old ones go, and that -1 is new.
    places = plain_index(obj)
    count = np.insert(np.arange(n), places, -1).size - n
    lengths = (*shape_of(arr)[:axis], count, *shape_of(arr)[axis + 1 :])
    if np.ndim(places) == 0 and not isinstance(places, slice) and count == 1:
        # For one place NumPy lets the first axis of the values be the inserted one.
        shape = (1,) * (len(lengths) - len(shape_of(values))) + shape_of(values)
        values = moveaxis(reshape(values, shape), 0, axis)
        count = shape_of(values)[axis]
        places = [operator.index(places)] * count
        lengths = (*lengths[:axis], count, *lengths[axis + 1 :])
    order = np.insert(np.arange(n), places, n + np.arange(count))
    laid_out = apply(ROWS["broadcast_to"], (values,), (lengths,))
    dtype = np.result_type(getattr(arr, "dtype", float))
    if getattr(laid_out, "dtype", dtype) != dtype:
        laid_out = apply(ROWS["astype"], (laid_out,), (dtype,))
    return getitem(concatenate([arr, laid_out], axis), along(axis, order))


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """The array without the zeros around it: in front ("f"), behind ("b"), or both."""
    filt = joined(filt)
    numbers = np.asarray(plain(filt))
    sides = trim.lower()
    if sides not in ("f", "b", "fb", "bf"):
        raise ValueError(f"trim_zeros: trim is 'f', 'b' or 'fb', not {trim!r}")
    axes = normalized_axes(axis, numbers.ndim)
    found = np.nonzero(numbers)
    index: list[slice] = []
    for k, n in enumerate(numbers.shape):
        some = found[k].size
        first = found[k].min() if some else n
        last = found[k].max() + 1 if some else (n if "f" in sides else 0)
        cut = slice(int(first) if "f" in sides else 0, int(last) if "b" in sides else n)
        index.append(cut if k in axes else slice(None))
    return getitem(filt, tuple(index))


def diagflat(v: Any, k: int = 0) -> Any:
    """A matrix with all elements of v on its k-th diagonal."""
    return diag(ravel(asarray(v)), k)


def _refuse_out(out: Any, name: str) -> None:
    if out is not None:
        raise TypeError(f"{name} cannot write to out=: use the result")


# -- along axes -----------------------------------------------------------------------------------


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """The elements at `indices`, which has a place along `axis` for every element of the result.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([[3.0, 1.0], [2.0, 4.0]])
    >>> take_along_axis(x, np.argsort(x.data, axis=1), axis=1)
    Tensor([[1., 3.],
           [2., 4.]], op='getitem')
    """
    arr = joined(arr)
    if axis is None:
        arr, axis = ravel(arr), 0
    return getitem(arr, along_axis(indices, axis, shape_of(arr), "take_along_axis"))


def along_axis(indices: Any, axis: int, shape: Shape, name: str) -> tuple[Any, ...]:
    """`indices` along one axis as an index of all axes."""
    places = np.asarray(plain_index(indices))
    axis = one_axis(axis, len(shape))
    if places.dtype.kind not in "iu":
        raise IndexError(f"{name}: indices are integers, not {places.dtype}")
    if places.ndim != len(shape):
        raise ValueError(
            f"{name}: indices of shape {places.shape} and an array of shape {shape} must have the "
            "same number of axes"
        )
    index: list[Any] = [
        np.arange(n).reshape(*(1,) * k, n, *(1,) * (len(shape) - k - 1))
        for k, n in enumerate(shape)
    ]
    index[axis] = places
    return tuple(index)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:  # noqa: ARG001
    """The coordinates of a grid, from those along each of its axes."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    vectors = [ravel(asarray(x)) for x in xi]
    n = len(vectors)
    order = list(range(n))
    if indexing == "xy" and n > 1:
        order[:2] = [1, 0]
    shape = [0] * n
    for k, vector in zip(order, vectors, strict=True):
        shape[k] = shape_of(vector)[0]
    grids = []
    for k, vector in zip(order, vectors, strict=True):
        laid_out = reshape(vector, tuple(-1 if j == k else 1 for j in range(n)))
        grids.append(laid_out if sparse else broadcast_to(laid_out, tuple(shape)))
    return tuple(grids)


def ix_(*args: Any) -> tuple[Any, ...]:
    """Vectors laid out along an axis each, so that together they index or span a grid."""
    vectors = [asarray(a) for a in args]
    laid_out = []
    for k, v in enumerate(vectors):
        if len(shape_of(v)) != 1:
            raise ValueError(f"ix_: vectors are needed, not shape {shape_of(v)}")
        if getattr(v, "dtype", None) == np.bool_:
            v = np.flatnonzero(np.asarray(plain(v)))
        elif not shape_of(v)[0] and not isinstance(v, Node):
            v = v.astype(int)
        laid_out.append(reshape(v, tuple(-1 if j == k else 1 for j in range(len(vectors)))))
    return tuple(laid_out)


def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> Any:
    """The array with `values` at `indices` along `axis`: a new one, which derivatives pass.

    NumPy's function of that name writes in place and returns nothing.
    """
    arr = joined(arr)
    flat = ravel(arr) if axis is None else arr
    place = along_axis(indices, 0 if axis is None else axis, shape_of(flat), "put_along_axis")
    return at(flat, place).set(values)


def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: b times every element of a, in blocks.

    >>> import autograd_bp as ab
    >>> kron(ab.Tensor([1.0, 10.0]), [1.0, 2.0])
    Tensor([ 1.,  2., 10., 20.], op='reshape')
    """
    a, b = asarray(a), asarray(b)
    n = builtins.max(len(shape_of(a)), len(shape_of(b)))
    left = (1,) * (n - len(shape_of(a))) + shape_of(a)
    right = (1,) * (n - len(shape_of(b))) + shape_of(b)
    product = apply(
        ROWS["mul"],
        (
            reshape(a, tuple(k for m in left for k in (m, 1))),
            reshape(b, tuple(k for m in right for k in (1, m))),
        ),
    )
    return reshape(product, tuple(m * k for m, k in zip(left, right, strict=True)))

"""Operations that move elements: shapes, order, joining, splitting, repeating."""

from __future__ import annotations

import builtins
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_bp import tensor
from autograd_bp.functions.elementwise import refuse_out, where
from autograd_bp.functions.indexing import getitem
from autograd_bp.node import Node
from autograd_bp.operands import check_dtype
from autograd_bp.operations import apply, joined
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import normalized_axes, reduced_axes, shape_of
from autograd_bp.tensor import Tensor

Shape = tuple[int, ...]


def _ndim(a: Any) -> int:
    return len(shape_of(a))


def _axis(axis: Any, ndim: int) -> int:
    (found,) = normalized_axes(operator.index(axis), ndim)
    return found


def asarray(a: Any, dtype: DTypeLike | None = None) -> Any:
    """A node, a list of nodes or an array as one Tensor (or array) that derivatives pass."""
    a = joined(a)
    if not isinstance(a, Node):
        array = np.asarray(a, dtype)
        check_dtype(array, a)
        return array
    a = a if isinstance(a, Tensor) else reshape(a, ())
    return a if dtype is None else astype(a, dtype)


def astype(a: Any, dtype: DTypeLike) -> Any:
    """The elements in another dtype. To integers or booleans no derivative passes."""
    a = joined(a)
    target = np.dtype(dtype)
    if target.kind not in "fiub":
        raise TypeError(f"a Tensor holds real numbers: there is no astype({target})")
    if not isinstance(a, Node):
        return np.asarray(a).astype(target)
    if target.kind != "f":
        return tensor.result(np.asarray(a._value).astype(target))
    return apply(ROWS["astype"], (a,), (target,)) if _dtype(a) != target else a


def _dtype(a: Node) -> Any:
    return a._value.dtype if isinstance(a, Tensor) else None


def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:  # noqa: ARG001
    """The elements of a in another shape; one length may be -1."""
    a = joined(a)
    if isinstance(shape, int | np.integer):
        shape = (shape,)
    target = tuple(operator.index(n) for n in shape)
    if order not in ("C", "F"):
        raise ValueError(f"reshape: order is 'C' or 'F', not {order!r}")
    if order == "F":
        return transpose(reshape(transpose(a), target[::-1]))
    if target.count(-1) == 1:
        size = math.prod(shape_of(a))
        known = math.prod(n for n in target if n != -1)
        if known and size % known == 0:
            target = tuple(size // known if n == -1 else n for n in target)
    return apply(ROWS["reshape"], (a,), (target,))


def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one axis."""
    a = joined(a)
    flat = reshape(a, (math.prod(shape_of(a)),), order)
    if isinstance(a, Tensor) and a._tracer is None:
        layout = a._value.flags
        if not (layout.f_contiguous if order == "F" else layout.c_contiguous):
            return tensor.not_a_view(flat)
    return flat


def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in the order `axes`, or reversed."""
    a = joined(a)
    n = _ndim(a)
    if axes is None:
        order = tuple(range(n))[::-1]
    else:
        if len(axes) != n:
            raise ValueError(f"transpose: axes {tuple(axes)} do not name the {n} axes of the array")
        order = normalized_axes(tuple(axes), n)
    return apply(ROWS["transpose"], (a,), (order,))


def permute_dims(a: Any, axes: Sequence[int] | None = None) -> Any:
    """Another of NumPy's names for `transpose`."""
    return transpose(a, axes)


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged."""
    return swapaxes(x, -1, -2)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    a = joined(a)
    order = list(range(_ndim(a)))
    i, j = _axis(axis1, len(order)), _axis(axis2, len(order))
    order[i], order[j] = order[j], order[i]
    return transpose(a, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the others keep their order."""
    a = joined(a)
    n = _ndim(a)
    sources, destinations = normalized_axes(source, n), normalized_axes(destination, n)
    if len(sources) != len(destinations):
        raise ValueError(f"moveaxis: {len(sources)} axes cannot move to {len(destinations)} places")
    order = [axis for axis in range(n) if axis not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, axis)
    return transpose(a, order)


def expand_dims(a: Any, axis: Any) -> Any:
    """New axes of length 1, at the places `axis` of the result."""
    a = joined(a)
    shape = shape_of(a)
    count = len(axis) if isinstance(axis, tuple | list) else 1
    places = normalized_axes(tuple(axis) if isinstance(axis, list) else axis, len(shape) + count)
    lengths = iter(shape)
    return reshape(a, tuple(1 if k in places else next(lengths) for k in range(len(shape) + count)))


def squeeze(a: Any, axis: Any = None) -> Any:
    """Without the axes of length 1, or without those of them in `axis`."""
    a = joined(a)
    shape = shape_of(a)
    if axis is None:
        gone = tuple(k for k, n in enumerate(shape) if n == 1)
    else:
        gone = reduced_axes(axis, len(shape))
        if any(shape[k] != 1 for k in gone):
            raise ValueError(
                f"squeeze: axis {axis} of an array of shape {shape} does not have length 1"
            )
    return reshape(a, tuple(n for k, n in enumerate(shape) if k not in gone))


def atleast_1d(*arrays: Any) -> Any:
    """With at least one axis."""
    return _at_least(1, arrays)


def atleast_2d(*arrays: Any) -> Any:
    """With at least two axes; new ones come first."""
    return _at_least(2, arrays)


def _at_least(n: int, arrays: tuple[Any, ...]) -> Any:
    results = []
    for a in map(asarray, arrays):
        shape = shape_of(a)
        results.append(reshape(a, (1,) * (n - len(shape)) + shape) if len(shape) < n else a)
    return results[0] if len(results) == 1 else tuple(results)


def broadcast_to(array: Any, shape: Any) -> Any:
    """The array repeated, without copies, to a shape it broadcasts to."""
    target = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    return apply(ROWS["broadcast_to"], (array,), (target,))


def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    """All arrays broadcast to one shape."""
    operands = [joined(a) for a in arrays]
    shape = np.broadcast_shapes(*map(shape_of, operands))
    return tuple(broadcast_to(a, shape) for a in operands)


# -- joining and splitting ----------------------------------------------------------------------


def _sequence(arrays: Any) -> list[Any]:
    if isinstance(arrays, Tensor | np.ndarray):
        return [arrays[i] for i in range(len(arrays))]
    return [joined(a) for a in arrays]


def concatenate(
    arrays: Any,
    /,
    axis: int | None = 0,
    out: None = None,
    dtype: Any = None,
    casting: str = "same_kind",  # noqa: ARG001  (between floats all casting is that)
) -> Any:
    """The arrays one after another along an existing axis; None joins the flattened arrays."""
    refuse_out(out, "concatenate")
    operands = _sequence(arrays)
    if not operands:
        raise ValueError("concatenate: need at least one array")
    if axis is None:
        operands, axis = [ravel(a) for a in operands], 0
    if _ndim(operands[0]) == 0:
        raise ValueError("concatenate: a 0-d array has no axis to join along; use stack")
    axis = _axis(axis, _ndim(operands[0]))
    result = apply(ROWS["concatenate"], tuple(operands), (axis,))
    return result if dtype is None else astype(result, dtype)


def stack(
    arrays: Any,
    axis: int = 0,
    out: None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",  # noqa: ARG001
) -> Any:
    """The arrays side by side along a new axis; also Values.

    >>> import autograd_bp as ab
    >>> ab.stack([ab.Value(1.0), ab.Value(2.0)])
    Tensor([1., 2.], op='stack')
    """
    refuse_out(out, "stack")
    operands = _sequence(arrays)
    if not operands:
        raise ValueError("stack: need at least one array")
    axis = _axis(axis, _ndim(operands[0]) + 1)
    result = apply(ROWS["stack"], tuple(operands), (axis,))
    return result if dtype is None else astype(result, dtype)


def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:  # noqa: ARG001
    """The arrays beside each other: along the second axis, or the only one."""
    operands = [atleast_1d(a) for a in _sequence(tup)]
    return concatenate(operands, 0 if operands and _ndim(operands[0]) == 1 else 1, dtype=dtype)


def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:  # noqa: ARG001
    """The arrays below each other: along the first of at least two axes."""
    return concatenate([atleast_2d(a) for a in _sequence(tup)], 0, dtype=dtype)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Pieces along `axis`: that many of the same length, or cut at these places."""
    ary = joined(ary)
    if isinstance(indices_or_sections, int | np.integer):
        n = shape_of(ary)[_axis(axis, _ndim(ary))]
        if indices_or_sections <= 0 or n % indices_or_sections:
            raise ValueError(
                f"split: an axis of length {n} has no {indices_or_sections} pieces of the same "
                "length; array_split makes nearly equal ones"
            )
    return array_split(ary, indices_or_sections, axis)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Pieces along `axis`, nearly equal in length if a number of them is asked for."""
    ary = joined(ary)
    axis = _axis(axis, _ndim(ary))
    n = shape_of(ary)[axis]
    if isinstance(indices_or_sections, int | np.integer):
        sections = int(indices_or_sections)
        if sections <= 0:
            raise ValueError(f"array_split: the number of pieces is positive, not {sections}")
        short, longer = divmod(n, sections)
        lengths = [short + 1] * longer + [short] * (sections - longer)
        cuts = np.cumsum([0, *lengths]).tolist()
    else:
        cuts = [0, *(int(cut) for cut in indices_or_sections), n]
    before = (slice(None),) * axis
    return [getitem(ary, (*before, slice(start, end))) for start, end in itertools.pairwise(cuts)]


# -- order and repetition -----------------------------------------------------------------------


def flip(m: Any, axis: Any = None) -> Any:
    """The elements in reverse order along `axis`, or along all axes."""
    m = joined(m)
    return apply(ROWS["flip"], (m,), (normalized_axes(axis, _ndim(m)),))


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """The elements moved on by `shift` places along `axis`; those past the end come first."""

    def number(n: Any) -> Any:
        return tuple(map(operator.index, n)) if isinstance(n, tuple | list) else operator.index(n)

    return apply(ROWS["roll"], (a,), (number(shift), None if axis is None else number(axis)))


def tile(A: Any, reps: Any) -> Any:
    """The array repeated as a whole, `reps` times along each axis."""
    a = joined(A)
    times = (reps,) if isinstance(reps, int | np.integer) else tuple(reps)
    shape = shape_of(a)
    n = builtins.max(len(times), len(shape))
    times = (1,) * (n - len(times)) + tuple(operator.index(t) for t in times)
    shape = (1,) * (n - len(shape)) + shape
    apart = tuple(k for length in shape for k in (1, length))
    repeated = tuple(k for pair in zip(times, shape, strict=True) for k in pair)
    whole = tuple(t * length for t, length in zip(times, shape, strict=True))
    return reshape(broadcast_to(reshape(a, apart), repeated), whole)


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated, `repeats` times or as often as its entry there says."""
    a = joined(a)
    if axis is None:
        a, axis = ravel(a), 0
    a = a if shape_of(a) else ravel(a)
    axis = _axis(axis, _ndim(a))
    places = np.repeat(np.arange(shape_of(a)[axis]), repeats)
    return getitem(a, (*(slice(None),) * axis, places))


_PAD_BY_INDEX = ("edge", "reflect", "symmetric", "wrap")


def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """The array with a border: constant, or repeating its elements.

    Modes: constant (with `constant_values`), edge, reflect, symmetric, wrap.
    """
    array = joined(array)
    n = _ndim(array)
    if n == 0:
        return array
    if isinstance(pad_width, dict):
        widths = np.zeros((n, 2), int)
        for k, w in pad_width.items():
            widths[k] = w
    else:
        widths = np.broadcast_to(np.asarray(pad_width), (n, 2))
    if widths.dtype.kind not in "iu" or (widths < 0).any():
        raise ValueError(f"pad: widths are whole numbers from 0 on, not {pad_width!r}")
    width = tuple((int(before), int(after)) for before, after in widths)
    if mode == "constant":
        constant = kwargs.pop("constant_values", 0.0)
        _refuse_extra(kwargs, mode)
        return apply(ROWS["pad"], (array,), (width, constant))
    if mode not in _PAD_BY_INDEX:
        raise ValueError(
            f"pad: mode {mode!r} has no derivative rule here; there are constant, "
            f"{', '.join(_PAD_BY_INDEX)}"
        )
    _refuse_extra({k: v for k, v in kwargs.items() if (k, v) != ("reflect_type", "even")}, mode)
    for axis, w in enumerate(width):
        if w != (0, 0):
            places = np.pad(np.arange(shape_of(array)[axis]), w, mode=mode)  # type: ignore[call-overload]
            array = getitem(array, (*(slice(None),) * axis, places))
    return array


def _refuse_extra(kwargs: dict[str, Any], mode: str) -> None:
    if kwargs:
        raise TypeError(f"pad: mode {mode!r} does not take {', '.join(kwargs)}")


# -- diagonals and triangles ----------------------------------------------------------------------


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements at (i, i + offset) of two axes, as a last axis."""
    a = joined(a)
    n = _ndim(a)
    if n < 2:
        raise ValueError("diagonal: an array with at least two axes is needed")
    a = moveaxis(a, (axis1, axis2), (n - 2, n - 1))
    rows, columns = _diagonal_places(shape_of(a)[-2:], operator.index(offset))
    return getitem(a, (..., rows, columns))


def _diagonal_places(shape: Shape, offset: int) -> tuple[Any, Any]:
    first_row, first_column = builtins.max(-offset, 0), builtins.max(offset, 0)
    n = builtins.max(builtins.min(shape[0] - first_row, shape[1] - first_column), 0)
    return np.arange(n) + first_row, np.arange(n) + first_column


def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with v on its k-th diagonal."""
    v = joined(v)
    if _ndim(v) == 2:
        return diagonal(v, k)
    if _ndim(v) != 1:
        raise ValueError(f"diag: one or two axes are needed, not shape {shape_of(v)}")
    size = shape_of(v)[0] + builtins.abs(k)
    places = _diagonal_places((size, size), k)
    return apply(ROWS["scatter"], (v,), (places, (size, size)))


def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Any:
    """The sum along a diagonal."""
    refuse_out(out, "trace")
    total = apply(ROWS["sum"], (diagonal(a, offset, axis1, axis2),), (-1, False))
    return total if dtype is None else astype(total, dtype)


def tril(m: Any, k: int = 0) -> Any:
    """The elements on and below the k-th diagonal of the last two axes; 0 above."""
    m = joined(m)
    return where(_below(m, k), m, 0.0)


def triu(m: Any, k: int = 0) -> Any:
    """The elements on and above the k-th diagonal of the last two axes; 0 below."""
    m = joined(m)
    return where(_below(m, k - 1), 0.0, m)


def _below(m: Any, k: int) -> Any:
    shape = shape_of(m)
    if not shape:
        raise ValueError("tril and triu need an array with at least one axis, not a single number")
    # NumPy takes a vector for the rows of a square.
    rows, columns = shape[-2:] if len(shape) > 1 else shape * 2
    return np.tri(rows, columns, k, dtype=bool)


def one_hot(labels: Any, classes: int, dtype: DTypeLike = float) -> Any:
    """Rows of zeros with a 1 at each label; no derivative.

    Parameters
    ----------
    labels
        Integers from 0 to `classes` - 1, of any shape.
    classes
        The length of the new last axis.

    >>> one_hot([0, 2], 3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    if isinstance(labels, Node):
        if labels._tracer is not None:
            return labels._tracer.constant_function("one_hot", _one_hot, (labels, classes, dtype))
        return tensor.result(_one_hot(labels._value, classes, dtype))
    return _one_hot(labels, classes, dtype)


def _one_hot(labels: Any, classes: int, dtype: DTypeLike) -> Any:
    places = np.asarray(labels)
    if places.dtype.kind not in "iu":
        raise TypeError(f"one_hot: labels are integers, not {places.dtype}")
    if places.size and not (places.min() >= 0 and places.max() < classes):
        raise ValueError(
            f"one_hot: labels go from 0 to {classes - 1}; there is "
            f"{places.max() if places.max() >= classes else places.min()}"
        )
    return (places[..., None] == np.arange(classes)).astype(dtype)

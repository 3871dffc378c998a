"""Products of arrays: matmul and what reduces to it, and einsum."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.functions.elementwise import ELEMENTWISE, refuse_out
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.shapes import (
    asarray,
    expand_dims,
    moveaxis,
    ravel,
    reshape,
    stack,
    transpose,
)
from autograd_bp.functions.subscripts import parse
from autograd_bp.operations import apply, joined
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import normalized_axes, shape_of

multiply = ELEMENTWISE["multiply"]


def matmul(x1: Any, x2: Any, /) -> Any:
    """The matrix product ``x1 @ x2``, with NumPy's rules for vectors and batches."""
    return apply(ROWS["matmul"], (x1, x2))


def dot(a: Any, b: Any, out: None = None) -> Any:
    """The sum of products over the last axis of a and the second to last of b."""
    refuse_out(out, "dot")
    a, b = joined(a), joined(b)
    rows, columns = len(shape_of(a)), len(shape_of(b))
    if rows == 0 or columns == 0:
        return multiply(a, b)
    if rows == 1 or columns <= 2:
        return matmul(a, b)
    return tensordot(a, b, ((-1,), (-2,)))


def vdot(a: Any, b: Any, /) -> Any:
    """The sum of all products of corresponding elements, whatever the shapes."""
    return matmul(ravel(a), ravel(b))


def inner(a: Any, b: Any, /) -> Any:
    """The sum of products over the last axes of both."""
    a, b = joined(a), joined(b)
    if not shape_of(a) or not shape_of(b):
        return multiply(a, b)
    return tensordot(a, b, ((-1,), (-1,)))


def outer(a: Any, b: Any, out: None = None) -> Any:
    """The product of every element of a with every element of b."""
    refuse_out(out, "outer")
    return multiply(reshape(ravel(a), (-1, 1)), reshape(ravel(b), (1, -1)))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum of products over the given axes of a and b: a number of them, or two lists."""
    a, b = joined(a), joined(b)
    left, right = shape_of(a), shape_of(b)
    if isinstance(axes, int | np.integer):
        n = operator.index(axes)
        summed_left: Sequence[int] = range(len(left) - n, len(left))
        summed_right: Sequence[int] = range(n)
    else:
        summed_left, summed_right = (
            (pair,) if isinstance(pair, int | np.integer) else tuple(pair) for pair in axes
        )
    of_left = normalized_axes(tuple(summed_left), len(left))
    of_right = normalized_axes(tuple(summed_right), len(right))
    if [left[k] for k in of_left] != [right[k] for k in of_right]:
        raise ValueError(
            f"tensordot: axes {of_left} of shape {left} and {of_right} of shape {right} do not "
            "have the same lengths"
        )
    free_left = [k for k in range(len(left)) if k not in of_left]
    free_right = [k for k in range(len(right)) if k not in of_right]
    n = math.prod(left[k] for k in of_left)
    rows = [left[k] for k in free_left]
    columns = [right[k] for k in free_right]
    product = matmul(
        reshape(transpose(a, [*free_left, *of_left]), (math.prod(rows), n)),
        reshape(transpose(b, [*of_right, *free_right]), (n, math.prod(columns))),
    )
    return reshape(product, (*rows, *columns))


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The sum of products along one axis of both, with broadcasting of the others."""
    x1, x2 = asarray(x1), asarray(x2)
    left, right = (moveaxis(x, axis, -1) for x in (x1, x2))
    if shape_of(left)[-1] != shape_of(right)[-1]:
        raise ValueError(
            f"vecdot: shapes {shape_of(x1)} and {shape_of(x2)} differ in length along axis {axis}"
        )
    return apply(ROWS["sum"], (multiply(left, right),), (-1, False))


def matvec(x1: Any, x2: Any, /) -> Any:
    """Matrices times vectors: over the last axis of both."""
    product = matmul(asarray(x1), expand_dims(asarray(x2), -1))
    return reshape(product, shape_of(product)[:-1])


def vecmat(x1: Any, x2: Any, /) -> Any:
    """Vectors times matrices: over the last axis of the first, the second to last of the other."""
    product = matmul(expand_dims(asarray(x1), -2), asarray(x2))
    return reshape(product, (*shape_of(product)[:-2], shape_of(product)[-1]))


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The vector product of vectors with three components.

    >>> import autograd_bp as ab
    >>> cross(ab.Tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    Tensor([0., 0., 1.], op='transpose')
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    left, right = moveaxis(asarray(a), axisa, -1), moveaxis(asarray(b), axisb, -1)
    if shape_of(left)[-1] != 3 or shape_of(right)[-1] != 3:
        raise ValueError(
            f"cross: vectors have three components, not {shape_of(left)[-1]} and "
            f"{shape_of(right)[-1]}"
        )
    x, y, z = (getitem(left, (..., k)) for k in range(3))
    u, v, w = (getitem(right, (..., k)) for k in range(3))
    components = [
        multiply(y, w) - multiply(z, v),
        multiply(z, u) - multiply(x, w),
        multiply(x, v) - multiply(y, u),
    ]
    return moveaxis(stack(components, -1), -1, axisc)


def einsum(*operands: Any, out: None = None, optimize: Any = True) -> Any:  # noqa: ARG001
    """The sum of products that `subscripts` describe, in either of NumPy's forms.

    Labels may be repeated in an operand (its diagonal) and missing in the result (summed);
    an ellipsis stands for axes that broadcast. `optimize` is NumPy's; the order of contraction is
    always its best.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> ab.einsum("ii", x)
    Tensor(5., op='sum')
    """
    refuse_out(out, "einsum")
    arrays, labels, result = parse(operands, lambda x: len(shape_of(joined(x))))
    arrays = [asarray(array) for array in arrays]
    lengths = _lengths([shape_of(array) for array in arrays], labels)
    distinct = [_distinct(array, own, lengths) for array, own in zip(arrays, labels, strict=True)]
    simple = []
    for i, (array, own) in enumerate(distinct):
        elsewhere = set(result).union(*(other for j, (_, other) in enumerate(distinct) if j != i))
        simple.append(_without_lone(array, own, elsewhere))
    terms = [own for _, own in simple]
    present = set().union(*terms)
    # A label of length 1 everywhere may be left in nothing but the result.
    kept = "".join(label for label in result if label in present)
    total = apply(
        ROWS["einsum"],
        tuple(array for array, _ in simple),
        (f"{','.join(terms)}->{kept}",),
    )
    if len(simple) == 1 and terms[0] == kept:
        total = simple[0][0]
    return total if kept == result else reshape(total, tuple(lengths[k] for k in result))


def _lengths(shapes: Sequence[tuple[int, ...]], labels: Sequence[str]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for shape, own in zip(shapes, labels, strict=True):
        for label, n in zip(own, shape, strict=True):
            known = lengths.get(label, 1)
            if n != 1 and known != 1 and n != known:
                raise ValueError(
                    f"einsum: label {label!r} stands for lengths {known} and {n}; shapes "
                    f"{', '.join(map(str, shapes))}"
                )
            lengths[label] = n if known == 1 else known
    return lengths


def _distinct(array: Any, own: str, lengths: dict[str, int]) -> tuple[Any, str]:
    """An operand whose labels are distinct and of full length."""
    shape = shape_of(array)
    full = [k for k, label in enumerate(own) if shape[k] == lengths[label]]
    if len(full) < len(own):  # axes of length 1 that broadcast
        array = reshape(array, tuple(shape[k] for k in full))
        own = "".join(own[k] for k in full)
    for label in dict.fromkeys(own):
        places = [k for k, other in enumerate(own) if other == label]
        if len(places) > 1:
            rest = [k for k in range(len(own)) if k not in places]
            array = transpose(array, [*places, *rest])
            array = getitem(array, (np.arange(lengths[label]),) * len(places))
            own = label + "".join(own[k] for k in rest)
    return array, own


def _without_lone(array: Any, own: str, elsewhere: set[str]) -> tuple[Any, str]:
    """An operand summed over the labels that are nowhere else."""
    lone = tuple(k for k, label in enumerate(own) if label not in elsewhere)
    if not lone:
        return array, own
    kept = "".join(label for k, label in enumerate(own) if k not in lone)
    return apply(ROWS["sum"], (array,), (lone, False)), kept

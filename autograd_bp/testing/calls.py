"""Calls of rows that are not elementwise: shapes of the operands, and static parameters.

Operands of one shape, with every `axis`, `keepdims`, `ddof`, `p`, are tried of themselves, as far
as the row takes them. A row whose operands must fit each other, or whose parameters mean something
of their own, has its calls in `CALLS`; one whose operands must be matrices of a kind has a function
in `FITTED`. The kit, the tests in tests/rules and random programs all read these two.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_bp.rules import Rule
from autograd_bp.rules.arrays import indexed_shape, kept_shape, normalized_axes
from autograd_bp.rules.windows import windows

Array = NDArray[Any]
Shape = tuple[int, ...]


class Call(NamedTuple):
    """The shapes of the operands, and the static parameters in the order of the row's."""

    shapes: tuple[Shape, ...]
    params: tuple[Any, ...] = ()


class NoCallsError(ValueError):
    """Nothing says with which operands and parameters a row can be tried."""


def calls_of(rule: Rule) -> list[Call]:
    """The calls with which a row that is not elementwise is tried, the simplest first.

    Raises
    ------
    NoCallsError
        If they are not listed, and cannot be made from the names of its parameters.

    >>> from autograd_bp.rules import ROWS
    >>> calls_of(ROWS["matmul"])[0]
    Call(shapes=((2, 3), (3, 2)), params=())
    >>> calls_of(ROWS["var"])[0]
    Call(shapes=((3,),), params=(None, 0, False))
    """
    found = list(CALLS[rule.name]) if rule.name in CALLS else list(_generated(rule))
    if not any(all(map(math.prod, call.shapes)) for call in found):
        raise NoCallsError(
            f"no call of the row {rule.name!r} is known: list some in CALLS, in "
            f"autograd_bp/testing/calls.py, as in CALLS[{rule.name!r}] = [Call(((2, 2),) * "
            f"{len(rule.args)}, {rule.params!r})] with shapes for {', '.join(rule.args)} and "
            "values in place of these names"
        )
    return found


# -- made from names of parameters ----------------------------------------------------------------

SHAPES: tuple[Shape, ...] = ((3,), (2, 3), (), (1,), (2, 2), (3, 1), (2, 1, 3), (0,), (2, 0))
WITH_AXES = tuple(shape for shape in SHAPES if shape)


def axes_of(shape: Shape) -> list[Any]:
    """All, each one, the last, and several at once."""
    n = len(shape)
    several = [tuple(range(n)), (0, n - 1)] if n > 1 else []
    return [None, *range(n), -1, *several]


_BY_NAME: Mapping[str, Callable[[Shape], Sequence[Any]]] = {
    "axis": axes_of,
    "keepdims": lambda _: (False, True),
    "ddof": lambda shape: (0, 1) if min(shape) > 1 else (0,),
    "p": lambda _: (3.0, 1.5, 4.0, 2.5),
}
"""Values of parameters that mean the same in every row, for an operand of a shape."""


def _generated(rule: Rule) -> Iterator[Call]:
    if rule.variadic or not set(rule.params) <= {*_BY_NAME, *rule.defaults}:
        return
    by_name = dict(_BY_NAME)
    if "keepdims" not in rule.params:  # then it runs along one axis, counted from 0
        by_name["axis"] = lambda shape: range(len(shape))
    for shape in WITH_AXES if rule.params else SHAPES:
        choices = [
            by_name[name](shape) if name in by_name else (rule.defaults[name],)
            for name in rule.params
        ]
        for params in itertools.product(*choices):
            call = Call((shape,) * len(rule.args), params)
            if _is_taken(rule, call):
                yield call


def _is_taken(rule: Rule, call: Call) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
            rule.array.forward(*map(np.ones, call.shapes), *call.params)
    except (TypeError, ValueError, IndexError):
        return False
    return True


# -- listed ---------------------------------------------------------------------------------------

_BROADCASTS: tuple[tuple[Shape, Shape], ...] = (
    ((3,), (2, 3)), ((), (3,)), ((1,), (3,)), ((2, 1), (2, 3)), ((1, 3), (2, 3)), ((3,), (3,)),
    ((1, 1), (2, 3)), ((2, 1, 3), (2, 2, 3)), ((1,), (0,)),
)  # fmt: skip

_INDICES: tuple[tuple[Shape, Any], ...] = (
    ((3,), 1), ((3,), slice(None, None, -1)), ((3,), np.array([0, 2, 0])), ((3,), ...),
    ((2, 3), (slice(None), 1)), ((2, 3), (1, slice(0, 2))), ((2, 3), (None, 0, slice(2, None))),
    ((2, 3), (np.array([0, 1, 0]), np.array([2, 2, 2]))), ((3,), np.array([True, False, True])),
    ((2, 3), (slice(None), np.array([[0, 0], [1, 2]]))), ((2, 3), (..., slice(None, None, 2))),
    ((3,), slice(1, 1)), ((2, 2), np.array([[True, False], [False, True]])), ((), ()),
)  # fmt: skip

_PRODUCTS: tuple[tuple[Shape, Shape], ...] = (
    ((2, 3), (3, 2)), ((2, 2), (2, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)),
    ((2, 2, 3), (3, 2)), ((2, 1, 3), (2, 3, 1)), ((1, 2, 2), (2, 2, 1)), ((3,), (2, 3, 1)),
    ((0, 3), (3, 2)), ((2, 0), (0, 2)),
)  # fmt: skip

_SQUARES: tuple[Shape, ...] = ((2, 2), (1, 1), (3, 3), (2, 2, 2), (0, 0), (2, 1, 1))
_MATRICES: tuple[Shape, ...] = ((2, 2), (1, 1), (3, 2), (2, 3), (0, 2), (2, 2, 1))

_WIDTHS = ((1, 0), (0, 0), (2, 1), (0, 1))

_LABELLED: tuple[tuple[Shape, Array], ...] = (
    ((3,), np.array(1)), ((2, 3), np.array([2, 0])), ((1,), np.array(0)),
    ((0, 2), np.zeros(0, int)), ((2, 1, 2), np.array([[0], [1]])),
)  # fmt: skip


# The array, and size, stride and dilation of windows of its last axes.
_WINDOWS: tuple[tuple[Shape, tuple[Shape, Shape, Shape]], ...] = (
    ((3,), ((2,), (1,), (1,))), ((2, 3), ((2,), (1,), (2,))), ((5,), ((2,), (3,), (1,))),
    ((3, 3), ((2, 2), (1, 1), (1, 1))), ((1,), ((1,), (1,), (1,))), ((4,), ((3,), (1,), (1,))),
    ((2, 4), ((1, 2), (1, 2), (1, 1))), ((3, 3), ((2, 1), (1, 2), (2, 1))),
    ((0, 3), ((2,), (1,), (1,))),
)  # fmt: skip


def _reshapes() -> Iterator[Call]:
    for shape in SHAPES:
        n = math.prod(shape)
        targets: list[Shape] = [(n,), (1, n), (n, 1)] if n else [shape, (0, 1)]
        targets += [(3, 2), (2, 3), (1, 2, 3)] if n == 6 else []
        yield from (Call((shape,), (target,)) for target in targets)


def _spreads() -> Iterator[Call]:
    for shape in WITH_AXES:
        for axis in axes_of(shape):
            gone = normalized_axes(axis, len(shape))
            reduced = tuple(n for k, n in enumerate(shape) if k not in gone)
            yield Call((reduced,), (shape, axis, False))
            yield Call((kept_shape(shape, axis),), (shape, axis, True))


def _index_sets() -> Iterator[Call]:
    for shape, index in _INDICES:
        for written in dict.fromkeys((indexed_shape(shape, index), ())):
            yield Call((shape, written), (index,))


CALLS: dict[str, Sequence[Call]] = {
    "reshape": [*_reshapes()],
    "broadcast_to": [Call((small,), (large,)) for small, large in _BROADCASTS],
    "sum_to": [Call((large,), (small,)) for small, large in _BROADCASTS],
    "spread": [*_spreads()],
    "getitem": [Call((shape,), (index,)) for shape, index in _INDICES],
    "scatter": [Call((indexed_shape(s, index),), (index, s)) for s, index in _INDICES],
    "index_set": [*_index_sets()],
    "transpose": [
        Call((shape,), (axes,))
        for shape in ((2, 3), (3,), (2, 1, 3), ())
        for axes in itertools.permutations(range(len(shape)))
    ],
    **{
        name: [Call((shape,), (axis,)) for shape in WITH_AXES for axis in axes_of(shape)]
        for name in ("flip", "softmax", "log_softmax")
    },
    "roll": [
        Call((shape,), params)
        for shape in ((3,), (2, 3))
        for params in ((1, None), (-2, 0), (4, -1))
    ],
    "pad": [
        Call((shape,), (width, value))
        for shape in ((3,), (2, 3))
        for width in itertools.product(_WIDTHS, repeat=len(shape))
        for value in (0.0, 1.5)
    ],
    "concatenate": [
        Call(tuple((n, 2) if axis == 0 else (2, n) for n in lengths), (axis,))
        for lengths in ((1,), (2, 1), (1, 1, 2), (0, 2), (2,), (1, 0, 1))
        for axis in (0, 1)
    ],
    "stack": [
        Call((shape,) * n, (axis,))
        for shape in ((3,), (), (2, 2))
        for n in (1, 2, 3)
        for axis in range(len(shape) + 1)
    ],
    "matmul": [Call(shapes) for shapes in _PRODUCTS],
    "chain_matmul": [Call(shapes) for shapes in _PRODUCTS],
    "chain_matmul_both": [Call(shapes) for shapes in _PRODUCTS],
    "einsum": [
        Call(((2, 3), (3, 2)), ("ij,jk->ik",)),
        Call(((3,), (3,)), ("i,i->",)),
        Call(((2, 3),), ("ij->ji",)),
        Call(((2,), (3,)), ("i,j->ij",)),
        Call(((2, 2, 3), (2, 3, 1)), ("bij,bjk->bik",)),
        Call(((2, 3), (3, 2), (2,)), ("ij,jk,k->i",)),
        Call(((), (3,)), (",i->i",)),
        Call(((2, 3),) * 2, ("ij,ij->j",)),
    ],
    "cross_entropy": [
        Call((shape,), (labels, weights))
        for shape, labels in _LABELLED
        for weights in (None, 1.0, np.full((*shape[:-1], 1), 0.75))
    ],
    "soft_cross_entropy": [
        Call((shape, shape)) for shape in ((3,), (2, 3), (1,), (2, 2), (2, 1, 2), (0, 2))
    ],
    "label_errors": [
        Call((shape,), (labels, weights)) for shape, labels in _LABELLED for weights in (1.0, 0.5)
    ],
    "windows": [Call((shape,), params) for shape, params in _WINDOWS],
    "overlap_add": [
        Call((windows(np.ones(shape), *params).shape,), (shape, *params))
        for shape, params in _WINDOWS
    ],
    "astype": [Call((shape,), (np.dtype(float),)) for shape in SHAPES],
    "convolve": [Call(((n,), (m,))) for n, m in ((3, 2), (1, 1), (2, 3), (3, 3), (1, 3), (0, 2))],
    **{
        name: [Call((shape,)) for shape in _SQUARES]
        for name in ("inv", "det", "logabsdet", "cofactor", "cholesky")
    },
    "cofactor_slope": [Call((shape, shape)) for shape in _SQUARES if shape != (3, 3)],
    "solve": [
        Call(shapes)
        for shapes in (((2, 2), (2, 1)), ((1, 1), (1, 3)), ((2, 2), (2, 2)), ((0, 0), (0, 2)))
    ],
    **{
        name: [Call((shape,), (lower,)) for shape in _SQUARES for lower in (True, False)]
        for name in ("eigh", "eigvalsh")
    },
    **{name: [Call((shape,)) for shape in _MATRICES] for name in ("svd", "svdvals")},
    "dft": [
        Call((shape,), (axis, sign))
        for shape, axis in (((2, 3), 1), ((2, 1), 1), ((2, 2, 2), 2), ((2, 2, 2), 1), ((2, 0), 1))
        for sign in (-1, 1)
    ],
    "rfft": [
        Call((shape,), (axis,))
        for shape, axis in (((3,), 0), ((4,), 0), ((1,), 0), ((2, 3), 1), ((2, 3), 0), ((2, 0), 0))
    ],
    "rfft_adjoint": [
        Call((shape,), (n, axis))
        for shape, n, axis in (
            ((2, 2), 3, 0),
            ((2, 2), 2, 0),
            ((2, 1), 1, 0),
            ((2, 2, 2), 3, 1),
            ((2, 0, 2), 2, 1),
        )
    ],
    "qr": [Call((shape,)) for shape in ((2, 2), (1, 1), (3, 2), (3, 0), (2, 1), (2, 2, 1))],
    "pinv": [Call((shape,), (1e-15,)) for shape in _MATRICES],
}
"""By row: calls that make sense, the simplest first; size 0 and size 1 among them where they do."""


# -- operands of a kind ----------------------------------------------------------------------------

Fit = Callable[..., Sequence[Array]]


def _largest(x: Array) -> Array:
    """The largest magnitude in each matrix, 1 if that is 0."""
    sizes = np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0.0)
    return np.where(sizes > 0, sizes, 1.0)


def invertible(x: Array) -> Array:
    """A square matrix made invertible, and well so, at its own scale: the diagonal dominates."""
    return np.asarray(x + (2.0 + x.shape[-1]) * _largest(x) * np.eye(x.shape[-1]))


def positive_definite(x: Array) -> Array:
    """A square matrix made symmetric and positive definite, at its own scale."""
    return invertible((x + np.swapaxes(x, -1, -2)) / 2)


def full_rank(x: Array) -> Array:
    """A matrix made of full rank, with singular values that are apart, at its own scale."""
    m, n = x.shape[-2:]
    k = np.arange(1.0, min(m, n) + 1)
    # Something everywhere, so that it does not matter which sign LAPACK gives to nothing.
    spread = 0.3 * np.cos(np.arange(m * n).reshape(m, n))
    return np.asarray(x + _largest(x) * (3.0 * max(m, n) * np.eye(m, n) * np.resize(k, n) + spread))


def symmetric(x: Array) -> Array:
    """A square matrix made symmetric, with eigenvalues that are apart, at its own scale."""
    x = full_rank(x)
    return (x + np.swapaxes(x, -1, -2)) / 2


def of_matrices(kind: Callable[[Array], Array], square: bool = True) -> Fit:
    """The first operand made into a matrix of that kind, if it is one that can be."""

    def fit(x: Array, *others: Array) -> Sequence[Array]:
        can_be = x.ndim > 1 and (not square or x.shape[-1] == x.shape[-2])
        return (kind(x) if can_be else x, *others)

    return fit


FITTED: dict[str, Fit] = {
    **{name: of_matrices(invertible) for name in ("inv", "logabsdet", "solve", "cofactor_slope")},
    "cholesky": of_matrices(positive_definite),
    **{name: of_matrices(symmetric) for name in ("eigh", "eigvalsh")},
    **{name: of_matrices(full_rank, square=False) for name in ("svd", "svdvals", "pinv")},
    # At scale 1: what cancels in the derivative of Q has the size of 1 / x, and nothing shows it.
    "qr": of_matrices(lambda x: full_rank(x / _largest(x)), square=False),
}
"""By row: drawn operands made into ones that the row takes, as in
``"inv": lambda x: (invertible(x),)``; for rows that have no value for most arrays."""


def fitted(rule: Rule, operands: Sequence[Array]) -> tuple[Array, ...]:
    """The operands made into ones that the row takes; numbers of float32 stay such."""
    if rule.name not in FITTED:
        return tuple(operands)
    made = tuple(np.asarray(x) for x in FITTED[rule.name](*operands))
    if all(map(_in_float32, operands)):
        made = tuple(x.astype(np.float32).astype(x.dtype) for x in made)
    return made


def _in_float32(x: Array) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.array_equal(x, np.asarray(x).astype(np.float32)))

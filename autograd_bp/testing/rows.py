"""Operand shapes and static parameters for rows that are not elementwise.

A parameter is drawn by its name; where a row's own differ, by ``row.parameter``. What the shapes
must have to do with the parameters is said for each row that has such parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from autograd_bp.rules import Rule
from autograd_bp.rules.arrays import indexed_shape, kept_shape, normalized_axes

Shape = tuple[int, ...]
Drawn = tuple[tuple[Shape, ...], tuple[Any, ...]]

SHAPES: tuple[Shape, ...] = ((3,), (2, 3), (), (1,), (2, 2), (3, 1), (2, 1, 3), (0,), (2, 0))
WITH_AXES = tuple(shape for shape in SHAPES if shape)


PARAMETERS: dict[str, tuple[Any, ...]] = {
    "n": (1, 2),
    "order": (0, 1, 2),
    "negative_slope": (0.01, -0.5),
    "alpha": (1.0, 1.6732632423543772),
}
"""Values for the parameters of elementwise rows, by name."""


def elementwise_params(draw: st.DrawFn, rule: Rule) -> tuple[Any, ...]:
    """Static parameters of an elementwise row: declared values, a default, or ordinary numbers."""
    drawn = []
    for name in rule.params:
        default = (rule.defaults[name],) if name in rule.defaults else ()
        drawn.append(draw(st.sampled_from([*default, *PARAMETERS.get(name, (1.0, 2.0, 0.5))])))
    return tuple(drawn)


class NoSamples(ValueError):  # noqa: N818  (the caller decides)
    """A row has a parameter that nothing here says how to draw."""


def draw_row(draw: st.DrawFn, rule: Rule) -> Drawn:
    """Shapes of the operands, and the static parameters."""
    special = _ROWS.get(rule.name)
    if special is not None:
        return special(draw)
    if not rule.params:
        return (draw(st.sampled_from(SHAPES)),) * len(rule.args), ()
    if rule.params[0] in ("axis", "p") or rule.params == ("axis",):
        shape = draw(st.sampled_from(WITH_AXES))
        params = tuple(draw(_parameter(rule, name, shape)) for name in rule.params)
        return (shape,) * len(rule.args), params
    raise NoSamples(f"nothing says how to draw {', '.join(rule.params)} of {rule.name}")


def _parameter(rule: Rule, name: str, shape: Shape) -> st.SearchStrategy[Any]:
    if name == "axis":
        return _one_axis(shape) if rule.name in _ALONG_ONE_AXIS else _axes(shape)
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "keepdims": st.booleans(),
        "ddof": st.sampled_from([0, 1] if min(shape) > 1 else [0]),
        "p": st.sampled_from([3.0, 1.5, 4.0, 2.5]),
    }
    if name not in drawn:
        raise NoSamples(f"nothing says how to draw {name} of {rule.name}")
    return drawn[name]


_ALONG_ONE_AXIS = frozenset({"cumsum", "cumprod", "linear_recurrence"})


def _one_axis(shape: Shape) -> st.SearchStrategy[int]:
    return st.integers(0, len(shape) - 1)


def _axes(shape: Shape) -> st.SearchStrategy[Any]:
    n = len(shape)
    several = [tuple(range(n)), (0, n - 1)] if n > 1 else []
    return st.sampled_from([None, *range(n), -1, *several])


def _reshape(draw: st.DrawFn) -> Drawn:
    shape = draw(st.sampled_from(SHAPES))
    n = math.prod(shape)
    targets = [(n,), (1, n), (n, 1)] if n else [shape, (0, 1)]
    targets += [(3, 2), (2, 3), (1, 2, 3)] if n == 6 else []
    return (shape,), (draw(st.sampled_from(targets)),)


_BROADCASTS: tuple[tuple[Shape, Shape], ...] = (
    ((3,), (2, 3)), ((), (3,)), ((1,), (3,)), ((2, 1), (2, 3)), ((1, 3), (2, 3)), ((3,), (3,)),
    ((1, 1), (2, 3)), ((2, 1, 3), (2, 2, 3)), ((1,), (0,)),
)  # fmt: skip


def _broadcast_to(draw: st.DrawFn) -> Drawn:
    small, large = draw(st.sampled_from(_BROADCASTS))
    return (small,), (large,)


def _sum_to(draw: st.DrawFn) -> Drawn:
    small, large = draw(st.sampled_from(_BROADCASTS))
    return (large,), (small,)


def _spread(draw: st.DrawFn) -> Drawn:
    shape = draw(st.sampled_from(WITH_AXES))
    axis, keepdims = draw(_axes(shape)), draw(st.booleans())
    gone = normalized_axes(axis, len(shape))
    reduced = tuple(n for k, n in enumerate(shape) if k not in gone)
    return (kept_shape(shape, axis) if keepdims else reduced,), (shape, axis, keepdims)


def _index(draw: st.DrawFn) -> tuple[Shape, Any]:
    choices: list[tuple[Shape, Any]] = [
        ((3,), 1), ((3,), slice(None, None, -1)), ((3,), np.array([0, 2, 0])), ((3,), ...),
        ((2, 3), (slice(None), 1)), ((2, 3), (1, slice(0, 2))), ((2, 3), (None, 0, slice(2, None))),
        ((2, 3), (np.array([0, 1, 0]), np.array([2, 2, 2]))), ((3,), np.array([True, False, True])),
        ((2, 3), (slice(None), np.array([[0, 0], [1, 2]]))), ((2, 3), (..., slice(None, None, 2))),
        ((3,), slice(1, 1)), ((2, 2), np.array([[True, False], [False, True]])), ((), ()),
    ]  # fmt: skip
    return choices[draw(st.integers(0, len(choices) - 1))]


def _getitem(draw: st.DrawFn) -> Drawn:
    shape, index = _index(draw)
    return (shape,), (index,)


def _scatter(draw: st.DrawFn) -> Drawn:
    shape, index = _index(draw)
    return (indexed_shape(shape, index),), (index, shape)


def _index_set(draw: st.DrawFn) -> Drawn:
    shape, index = _index(draw)
    return (shape, draw(st.sampled_from([indexed_shape(shape, index), ()]))), (index,)


def _transpose(draw: st.DrawFn) -> Drawn:
    shape = draw(st.sampled_from(((2, 3), (3,), (2, 1, 3), ())))
    return (shape,), (tuple(draw(st.permutations(range(len(shape))))),)


def _flip(draw: st.DrawFn) -> Drawn:
    shape = draw(st.sampled_from(WITH_AXES))
    return (shape,), (draw(_axes(shape)),)


def _roll(draw: st.DrawFn) -> Drawn:
    shape = draw(st.sampled_from(((3,), (2, 3))))
    return (shape,), draw(st.sampled_from([(1, None), (-2, 0), (4, -1)]))


def _pad(draw: st.DrawFn) -> Drawn:
    shape = draw(st.sampled_from(((3,), (2, 3))))
    width = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 1))) for _ in shape)
    return (shape,), (width, draw(st.sampled_from([0.0, 1.5])))


def _joined(draw: st.DrawFn) -> Drawn:
    axis = draw(st.integers(0, 1))
    lengths = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    return tuple((n, 2) if axis == 0 else (2, n) for n in lengths), (axis,)


def _stacked(draw: st.DrawFn) -> Drawn:
    shape = draw(st.sampled_from(((3,), (), (2, 2))))
    return (shape,) * draw(st.integers(1, 3)), (draw(st.integers(0, len(shape))),)


_PRODUCTS: tuple[tuple[Shape, Shape], ...] = (
    ((2, 3), (3, 2)), ((2, 2), (2, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)),
    ((2, 2, 3), (3, 2)), ((2, 1, 3), (2, 3, 1)), ((1, 2, 2), (2, 2, 1)), ((3,), (2, 3, 1)),
    ((0, 3), (3, 2)), ((2, 0), (0, 2)),
)  # fmt: skip


def _matmul(draw: st.DrawFn) -> Drawn:
    return draw(st.sampled_from(_PRODUCTS)), ()


def _einsum(draw: st.DrawFn) -> Drawn:
    choices: list[tuple[str, tuple[Shape, ...]]] = [
        ("ij,jk->ik", ((2, 3), (3, 2))), ("i,i->", ((3,), (3,))), ("ij->ji", ((2, 3),)),
        ("i,j->ij", ((2,), (3,))), ("bij,bjk->bik", ((2, 2, 3), (2, 3, 1))),
        ("ij,jk,k->i", ((2, 3), (3, 2), (2,))), (",i->i", ((), (3,))), ("ij,ij->j", ((2, 3),) * 2),
    ]  # fmt: skip
    subscripts, shapes = choices[draw(st.integers(0, len(choices) - 1))]
    return shapes, (subscripts,)


_ROWS: dict[str, Callable[[st.DrawFn], Drawn]] = {
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "sum_to": _sum_to,
    "spread": _spread,
    "getitem": _getitem,
    "scatter": _scatter,
    "index_set": _index_set,
    "transpose": _transpose,
    "flip": _flip,
    "roll": _roll,
    "pad": _pad,
    "concatenate": _joined,
    "stack": _stacked,
    "matmul": _matmul,
    "chain_matmul": _matmul,
    "chain_matmul_both": _matmul,
    "einsum": _einsum,
    "astype": lambda draw: ((draw(st.sampled_from(SHAPES)),), (np.dtype(float),)),
}

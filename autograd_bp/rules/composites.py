"""Pieces of derivatives that need a case on shapes or a few steps, written once in operations.

Each takes as `ops` the namespace it is read in, so the same lines serve arrays and nodes: a
gradient of a gradient goes through these too. Names and signatures are those of the sheet.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd_bp.rules.arrays import Axis, reduced_axes
from autograd_bp.rules.readings import COMPOSITES, Namespace

Operand = Any


def composite(function: Callable[..., Operand]) -> Callable[..., Operand]:
    """Make a function available to formulas under its name, without its `ops`."""
    COMPOSITES[function.__name__] = function
    return function


# -- joining --------------------------------------------------------------------------------------


@composite
def blocks(ops: Namespace, g: Operand, xs: Sequence[Operand], axis: int) -> tuple[Operand, ...]:
    """The parts of g that lie where the operands of a concatenation do."""
    lengths = [ops.shape_of(x)[axis] for x in xs]
    before = (slice(None),) * axis
    ends = itertools.accumulate(lengths)
    return tuple(
        ops.getitem(g, (*before, slice(end - n, end))) for n, end in zip(lengths, ends, strict=True)
    )


@composite
def slots(ops: Namespace, g: Operand, xs: Sequence[Operand], axis: int) -> tuple[Operand, ...]:
    """The slices of g that lie where the operands of a stack do."""
    before = (slice(None),) * axis
    return tuple(ops.getitem(g, (*before, i)) for i in range(len(xs)))


# -- matmul ---------------------------------------------------------------------------------------


@composite
def matmul_left(ops: Namespace, g: Operand, x: Operand, y: Operand) -> Operand:
    """The adjoint of `x @ y` in x: g @ y^T, and what that means for vectors."""
    return _matmul_left(ops, ops.matmul, g, x, y)


@composite
def matmul_right(ops: Namespace, g: Operand, x: Operand, y: Operand) -> Operand:
    """The adjoint of `x @ y` in y: x^T @ g, and what that means for vectors."""
    rows, columns = len(ops.shape_of(x)), len(ops.shape_of(y))
    if rows == 1 and columns == 1:
        return g * x
    if rows == 1:
        return _append_axis(ops, x) * _insert_row(ops, g)
    transposed = _transposed(ops, x)
    if columns == 1:
        return _drop_last(ops, ops.matmul(transposed, _append_axis(ops, g)))
    return ops.matmul(transposed, g)


@composite
def matmul_left_guarded(ops: Namespace, g: Operand, x: Operand, y: Operand) -> Operand:
    """`matmul_left` in which a zero of the cotangent stays zero whatever it meets."""
    return _matmul_left(ops, ops.chain_matmul, g, x, y)


@composite
def matmul_right_guarded(ops: Namespace, g: Operand, x: Operand, y: Operand) -> Operand:
    """`matmul_right` likewise: the adjoint in y is that of y^T @ x^T in its left argument."""
    rows, columns = len(ops.shape_of(x)), len(ops.shape_of(y))
    if rows == 1 and columns == 1:
        return ops.chain(g, x)
    if rows == 1:
        return ops.chain(_insert_row(ops, g), _append_axis(ops, x))
    if columns == 1:
        return _drop_first(ops, ops.chain_matmul(_insert_row(ops, g), x))
    return _transposed(ops, ops.chain_matmul(_transposed(ops, g), x))


@composite
def matmul_right_both(ops: Namespace, g: Operand, x: Operand, y: Operand) -> Operand:
    """`matmul_right` in which a zero of g or x stays zero: both are cotangents."""
    rows, columns = len(ops.shape_of(x)), len(ops.shape_of(y))
    if rows == 1 and columns == 1:
        return ops.chain_both(g, x)
    if rows == 1:
        return ops.chain_both(_insert_row(ops, g), _append_axis(ops, x))
    if columns == 1:
        return _drop_first(ops, ops.chain_matmul_both(_insert_row(ops, g), x))
    return _transposed(ops, ops.chain_matmul_both(_transposed(ops, g), x))


@composite
def matmul_left_both(ops: Namespace, g: Operand, x: Operand, y: Operand) -> Operand:
    """`matmul_left` in which a zero of g or y stays zero: both are cotangents."""
    return _matmul_left(ops, ops.chain_matmul_both, g, x, y, ops.chain_both)


def _matmul_left(
    ops: Namespace,
    matrix_product: Callable[..., Operand],
    g: Operand,
    x: Operand,
    y: Operand,
    product: Callable[..., Operand] | None = None,
) -> Operand:
    rows, columns = len(ops.shape_of(x)), len(ops.shape_of(y))
    if columns == 1:
        return (product or ops.chain)(g if rows == 1 else _append_axis(ops, g), y)
    transposed = _transposed(ops, y)
    if rows == 1:
        return _drop_first(ops, matrix_product(_insert_row(ops, g), transposed))
    return matrix_product(g, transposed)


def _transposed(ops: Namespace, x: Operand) -> Operand:
    n = len(ops.shape_of(x))
    return ops.transpose(x, (*range(n - 2), n - 1, n - 2))


def _append_axis(ops: Namespace, x: Operand) -> Operand:
    return ops.reshape(x, (*ops.shape_of(x), 1))


def _insert_row(ops: Namespace, x: Operand) -> Operand:
    shape = ops.shape_of(x)
    return ops.reshape(x, (*shape[:-1], 1, shape[-1]))


def _drop_last(ops: Namespace, x: Operand) -> Operand:
    return ops.reshape(x, ops.shape_of(x)[:-1])


def _drop_first(ops: Namespace, x: Operand) -> Operand:
    shape = ops.shape_of(x)
    return ops.reshape(x, (*shape[:-2], shape[-1]))


# -- einsum ---------------------------------------------------------------------------------------


@composite
def einsum_adjoints(
    ops: Namespace, g: Operand, wanted: Sequence[bool], xs: Sequence[Operand], subscripts: str
) -> tuple[Operand, ...]:
    """The adjoint of a contraction in each operand: contract g with the others.

    Holds for the form that `einsum` brings every call to: within an operand no label is
    repeated, and each of its labels is in the result or in another operand.
    """
    return tuple(
        _einsum_adjoint(ops, g, xs, i, subscripts) if flag else None
        for i, flag in enumerate(wanted)
    )


def _einsum_adjoint(
    ops: Namespace, g: Operand, xs: Sequence[Operand], i: int, subscripts: str
) -> Operand:
    labels, result = _einsum_labels(subscripts)
    others = [label for j, label in enumerate(labels) if j != i]
    operands = (g, *(x for j, x in enumerate(xs) if j != i))
    return ops.einsum(operands, f"{','.join([result, *others])}->{labels[i]}")


@composite
def einsum_adjoints_guarded(
    ops: Namespace, g: Operand, wanted: Sequence[bool], xs: Sequence[Operand], subscripts: str
) -> tuple[Operand, ...]:
    """`einsum_adjoints` in which a zero of the cotangent stays zero whatever it meets."""
    labels, result = _einsum_labels(subscripts)
    return tuple(
        None
        if not flag
        else _einsum_adjoint(ops, g, xs, i, subscripts)
        if _others_finite(ops, xs, i)
        else _product_laid_out(ops, g, result, xs, i, labels, labels[i])
        for i, flag in enumerate(wanted)
    )


@composite
def einsum_pushforward(
    ops: Namespace, ts: Sequence[Operand], xs: Sequence[Operand], subscripts: str
) -> Operand:
    """The sum of the contractions with one operand replaced by its tangent."""
    return _sum_of(
        ops.einsum(ops.replaced(xs, i, t), subscripts) for i, t in enumerate(ts) if t is not None
    )


@composite
def einsum_pushforward_guarded(
    ops: Namespace, ts: Sequence[Operand], xs: Sequence[Operand], subscripts: str
) -> Operand:
    """`einsum_pushforward` in which a zero of a tangent stays zero whatever it meets."""
    labels, result = _einsum_labels(subscripts)
    return _sum_of(
        ops.einsum(ops.replaced(xs, i, t), subscripts)
        if _others_finite(ops, xs, i)
        else _product_laid_out(ops, t, labels[i], xs, i, labels, result)
        for i, t in enumerate(ts)
        if t is not None
    )


def _sum_of(terms: Iterable[Operand]) -> Operand:
    return functools.reduce(operator.add, terms)


def _einsum_labels(subscripts: str) -> tuple[list[str], str]:
    inputs, result = subscripts.split("->")
    return inputs.split(","), result


def _others_finite(ops: Namespace, xs: Sequence[Operand], i: int) -> bool:
    return all(ops.all_finite(x) for j, x in enumerate(xs) if j != i)


def _product_laid_out(
    ops: Namespace,
    g: Operand,
    own: str,
    xs: Sequence[Operand],
    i: int,
    labels: Sequence[str],
    target: str,
) -> Operand:
    """Products of g, one by one guarded, with all operands but i, and only then summed."""
    every = target + "".join(sorted(set("".join(labels) + own) - set(target)))

    def laid_out(x: Operand, names: str) -> Operand:
        order = sorted(range(len(names)), key=lambda k: every.index(names[k]))
        lengths = dict(zip(names, ops.shape_of(x), strict=True))
        return ops.reshape(ops.transpose(x, order), tuple(lengths.get(k, 1) for k in every))

    product = laid_out(g, own)
    for j, x in enumerate(xs):
        if j != i:
            product = ops.chain(product, laid_out(x, labels[j]))
    return ops.sum(product, tuple(range(len(target), len(every))), False)


@composite
def matmul_tangent_right_guarded(ops: Namespace, x: Operand, t: Operand) -> Operand:
    """`x @ t` in which a zero of the tangent t stays zero whatever it meets."""
    rows, columns = len(ops.shape_of(x)), len(ops.shape_of(t))
    if rows == 1 and columns == 1:
        return ops.chain_matmul(t, x)
    if columns == 1:
        return _drop_first(ops, ops.chain_matmul(_insert_row(ops, t), _transposed(ops, x)))
    if rows == 1:
        product = ops.chain_matmul(_transposed(ops, t), _append_axis(ops, x))
        return _drop_last(ops, product)
    return _transposed(ops, ops.chain_matmul(_transposed(ops, t), _transposed(ops, x)))


# -- products along an axis -----------------------------------------------------------------------


@composite
def exclusive_product(ops: Namespace, x: Operand, axis: Axis) -> Operand:
    """For every element the product of all *others* along `axis`: no division, zeros are safe."""
    shape = ops.shape_of(x)
    axes = reduced_axes(axis, len(shape))
    rest = tuple(a for a in range(len(shape)) if a not in axes)
    order = (*rest, *axes)
    moved = ops.transpose(x, order)
    moved_shape = ops.shape_of(moved)
    n = 1
    for a in axes:
        n *= shape[a]
    rows = ops.reshape(moved, (*moved_shape[: len(rest)], n))
    last = len(rest)
    before = exclusive_cumprod(ops, rows, last)
    after = ops.flip(exclusive_cumprod(ops, ops.flip(rows, last), last), last)
    return ops.transpose(ops.reshape(before * after, moved_shape), ops.inverse_permutation(order))


@composite
def exclusive_cumprod(ops: Namespace, x: Operand, axis: int) -> Operand:
    """The product of all elements before each one."""
    return shifted(ops, ops.cumprod(x, axis), axis, 1.0)


def shifted(ops: Namespace, x: Operand, axis: int, value: float) -> Operand:
    """x moved on by one place along `axis`, with `value` in the first."""
    shape = ops.shape_of(x)
    if shape[axis] == 0:
        return x
    kept = ops.getitem(x, (slice(None),) * axis + (slice(0, shape[axis] - 1),))
    return ops.pad(kept, tuple((int(a == axis), 0) for a in range(len(shape))), value)


@composite
def previous(ops: Namespace, x: Operand, axis: int) -> Operand:
    """x moved on by one place, from zero."""
    return shifted(ops, x, axis, 0.0)


@composite
def reverse_recurrence(ops: Namespace, a: Operand, g: Operand, axis: int) -> Operand:
    """s_i = g_i + a_{i+1} s_{i+1}: the adjoint of `linear_recurrence` in b."""
    coefficient = shifted(ops, ops.flip(a, axis), axis, 0.0)
    return ops.flip(ops.linear_recurrence(coefficient, ops.flip(g, axis), axis), axis)


@composite
def centred(ops: Namespace, x: Operand, axis: Axis) -> Operand:
    """x without its mean. Taken twice: the first mean is rounded, which counts far from zero."""
    once = x - ops.mean(x, axis, True)
    return once - ops.mean(once, axis, True)


# -- softmax --------------------------------------------------------------------------------------


# Each is there twice: with products as they are, and guarded, with a zero of the cotangent kept.


@composite
def softmax_product(ops: Namespace, v: Operand, out: Operand, axis: Axis) -> Operand:
    """(diag(y) - y y^T) v for y = softmax(x): the Jacobian is symmetric."""
    return _softmax_product(ops, operator.mul, v, out, axis)


@composite
def softmax_product_guarded(ops: Namespace, v: Operand, out: Operand, axis: Axis) -> Operand:
    return _softmax_product(ops, ops.chain, v, out, axis)


def _softmax_product(
    ops: Namespace, product: Callable[..., Operand], v: Operand, out: Operand, axis: Axis
) -> Operand:
    # Taking the entry of v at the largest y from all of v first changes nothing in exact
    # arithmetic, and saves every digit when y is nearly one-hot.
    top = ops.sum(ops.where(ops.top_mask(out, axis), v, 0.0), axis, True)
    difference = v - top
    return product(difference - ops.sum(product(difference, out), axis, True), out)


@composite
def log_softmax_pullback(ops: Namespace, g: Operand, x: Operand, axis: Axis) -> Operand:
    """g - softmax(x) sum(g)."""
    return _log_softmax_pullback(ops, operator.mul, g, x, axis)


@composite
def log_softmax_pullback_guarded(ops: Namespace, g: Operand, x: Operand, axis: Axis) -> Operand:
    return _log_softmax_pullback(ops, ops.chain, g, x, axis)


def _log_softmax_pullback(
    ops: Namespace, product: Callable[..., Operand], g: Operand, x: Operand, axis: Axis
) -> Operand:
    # The entries sum to zero, which gives the one at the largest x without the cancellation of
    # 1 - y for y near 1.
    y = ops.softmax(x, axis)
    top = ops.top_mask(x, axis)
    rest = ops.where(top, 0.0, g - product(ops.sum(g, axis, True), y))
    return rest - ops.where(top, ops.sum(rest, axis, True), 0.0)


@composite
def log_softmax_pushforward(ops: Namespace, t: Operand, x: Operand, axis: Axis) -> Operand:
    """t - sum(softmax(x) t), relative to the entry of t at the largest x."""
    return _log_softmax_pushforward(ops, operator.mul, t, x, axis)


@composite
def log_softmax_pushforward_guarded(ops: Namespace, t: Operand, x: Operand, axis: Axis) -> Operand:
    return _log_softmax_pushforward(ops, ops.chain, t, x, axis)


def _log_softmax_pushforward(
    ops: Namespace, product: Callable[..., Operand], t: Operand, x: Operand, axis: Axis
) -> Operand:
    y = ops.softmax(x, axis)
    difference = t - ops.sum(ops.where(ops.top_mask(x, axis), t, 0.0), axis, True)
    return difference - ops.sum(product(difference, y), axis, True)

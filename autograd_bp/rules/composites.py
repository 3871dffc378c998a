"""Pieces of derivatives that need a case on shapes or a few steps, written once in operations.

Each takes as `ops` the namespace it is read in, so the same lines serve arrays and nodes: a
gradient of a gradient goes through these too. Names and signatures are those of the sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_bp.rules.arrays import Axis, normalized_axes
from autograd_bp.rules.readings import COMPOSITES, Namespace

Operand = Any


def composite(function: Callable[..., Operand]) -> Callable[..., Operand]:
    """Make a function available to formulas under its name, without its `ops`."""
    COMPOSITES[function.__name__] = function
    return function


# -- matmul ---------------------------------------------------------------------------------------


@composite
def matmul_left(ops: Namespace, g: Operand, x: Operand, y: Operand, out: Operand) -> Operand:
    """The adjoint of `x @ y` in x: g @ y^T, and what that means for vectors.

    BLAS may work in other threads, whose floating-point flags nobody sees. But an operand that is
    not finite shows in the result.
    """
    product = ops.matmul if ops.all_finite(out) else ops.chain_matmul
    return _matmul_left(ops, product, g, x, y)


@composite
def matmul_right(ops: Namespace, g: Operand, x: Operand, y: Operand, out: Operand) -> Operand:
    """The adjoint of `x @ y` in y: x^T @ g, and what that means for vectors."""
    if not ops.all_finite(out):
        return matmul_right_guarded(ops, g, x, y)
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


def _matmul_left(
    ops: Namespace, product: Callable[..., Operand], g: Operand, x: Operand, y: Operand
) -> Operand:
    rows, columns = len(ops.shape_of(x)), len(ops.shape_of(y))
    if columns == 1:
        return ops.chain(g if rows == 1 else _append_axis(ops, g), y)
    transposed = _transposed(ops, y)
    if rows == 1:
        return _drop_first(ops, product(_insert_row(ops, g), transposed))
    return product(g, transposed)


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
def einsum_adjoint(
    ops: Namespace, g: Operand, xs: Sequence[Operand], i: int, subscripts: str
) -> Operand:
    """The adjoint of a contraction in operand i: contract g with the other operands.

    Holds for the form that `einsum` brings every call to: within an operand no label is
    repeated, and each of its labels is in the result or in another operand.
    """
    inputs, result = subscripts.split("->")
    labels = inputs.split(",")
    others = [label for j, label in enumerate(labels) if j != i]
    operands = (g, *(x for j, x in enumerate(xs) if j != i))
    return ops.einsum(operands, f"{','.join([result, *others])}->{labels[i]}")


@composite
def einsum_pullback(
    ops: Namespace, g: Operand, xs: Sequence[Operand], i: int, subscripts: str, out: Operand
) -> Operand:
    """`einsum_adjoint` if all is finite, as the result tells, else the guarded one."""
    adjoint = einsum_adjoint if ops.all_finite(out) else einsum_adjoint_guarded
    return adjoint(ops, g, xs, i, subscripts)


@composite
def einsum_adjoint_guarded(
    ops: Namespace, g: Operand, xs: Sequence[Operand], i: int, subscripts: str
) -> Operand:
    """`einsum_adjoint` in which a zero of the cotangent stays zero whatever it meets.

    Where another operand is not finite, all products are laid out before they are summed.
    """
    if all(ops.all_finite(x) for j, x in enumerate(xs) if j != i):
        return einsum_adjoint(ops, g, xs, i, subscripts)
    inputs, result = subscripts.split("->")
    labels = inputs.split(",")
    target = labels[i]
    every = target + "".join(sorted(set(inputs.replace(",", "") + result) - set(target)))

    def laid_out(x: Operand, own: str) -> Operand:
        order = sorted(range(len(own)), key=lambda k: every.index(own[k]))
        lengths = dict(zip(own, ops.shape_of(x), strict=True))
        return ops.reshape(ops.transpose(x, order), tuple(lengths.get(k, 1) for k in every))

    product = laid_out(g, result)
    for j, x in enumerate(xs):
        if j != i:
            product = ops.chain(product, laid_out(x, labels[j]))
    return ops.sum(product, tuple(range(len(target), len(every))), False)


# -- products along an axis -----------------------------------------------------------------------


@composite
def exclusive_product(ops: Namespace, x: Operand, axis: Axis) -> Operand:
    """For every element the product of all *others* along `axis`: no division, zeros are safe."""
    shape = ops.shape_of(x)
    axes = normalized_axes(axis, len(shape))
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
def cumprod_pullback(ops: Namespace, g: Operand, x: Operand, axis: int) -> Operand:
    return exclusive_cumprod(ops, x, axis) * reverse_recurrence(ops, x, g, axis)


@composite
def cumprod_pushforward(ops: Namespace, t: Operand, x: Operand, axis: int) -> Operand:
    return ops.linear_recurrence(x, t * exclusive_cumprod(ops, x, axis), axis)


# -- softmax --------------------------------------------------------------------------------------


@composite
def softmax_product(ops: Namespace, v: Operand, out: Operand, axis: Axis) -> Operand:
    """(diag(y) - y y^T) v for y = softmax(x): the Jacobian is symmetric.

    Taking the entry of v at the largest y from all of v first changes nothing in exact
    arithmetic, and saves every digit when y is nearly one-hot.
    """
    top = ops.sum(ops.where(ops.top_mask(out, axis), v, 0.0), axis, True)
    difference = v - top
    return out * (difference - ops.sum(out * difference, axis, True))


@composite
def log_softmax_pullback(ops: Namespace, g: Operand, x: Operand, axis: Axis) -> Operand:
    """g - softmax(x) sum(g).

    The entries sum to zero, which gives the one at the largest x without the cancellation
    of 1 - y for y near 1.
    """
    y = ops.softmax(x, axis)
    top = ops.top_mask(x, axis)
    rest = ops.where(top, 0.0, g - y * ops.sum(g, axis, True))
    return rest - ops.where(top, ops.sum(rest, axis, True), 0.0)


@composite
def log_softmax_pushforward(ops: Namespace, t: Operand, x: Operand, axis: Axis) -> Operand:
    """t - sum(softmax(x) t), relative to the entry of t at the largest x."""
    y = ops.softmax(x, axis)
    difference = t - ops.sum(ops.where(ops.top_mask(x, axis), t, 0.0), axis, True)
    return difference - ops.sum(y * difference, axis, True)

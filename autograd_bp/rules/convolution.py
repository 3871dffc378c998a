"""The adjoint of a convolution, and what zeros of a cotangent mean in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_bp.rules.composites import composite
from autograd_bp.rules.readings import Namespace

Operand = Any


@composite
def convolve_adjoint(ops: Namespace, g: Operand, other: Operand, shape: tuple[int, ...]) -> Operand:
    """The adjoint of a full convolution with `other`: g correlated with it where it fits."""
    if 0 in (*shape, *ops.shape_of(other)):
        return ops.broadcast_to(0.0, shape)
    n, m = ops.shape_of(g)[0], ops.shape_of(other)[0]
    return ops.getitem(ops.convolve(g, ops.flip(other, 0)), slice(m - 1, n))


@composite
def convolve_adjoint_guarded(
    ops: Namespace, g: Operand, other: Operand, shape: tuple[int, ...]
) -> Operand:
    """`convolve_adjoint` in which a zero of the cotangent stays zero whatever it meets."""
    if ops.all_finite(other):
        return convolve_adjoint(ops, g, other, shape)
    n, m = ops.shape_of(g)[0], ops.shape_of(other)[0]
    windows = np.arange(n - m + 1)[:, None] + np.arange(m)
    return ops.chain_matmul(ops.getitem(g, windows), other)


@composite
def convolve_guarded(ops: Namespace, t: Operand, other: Operand) -> Operand:
    """A convolution in which a zero of the tangent stays zero whatever it meets."""
    if ops.all_finite(other):
        return ops.convolve(t, other)
    n, m = ops.shape_of(t)[0], ops.shape_of(other)[0]
    bordered = ops.pad(t, ((m - 1, m - 1),), 0.0)
    windows = np.arange(n + m - 1)[:, None] + np.arange(m)
    return ops.chain_matmul(ops.getitem(bordered, windows), ops.flip(other, 0))

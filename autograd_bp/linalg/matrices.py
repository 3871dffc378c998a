"""What linear algebra asks of its operands."""

from __future__ import annotations

from typing import Any

from autograd_bp.functions.reductions import floating
from autograd_bp.functions.shapes import asarray
from autograd_bp.rules.arrays import shape_of


def matrix(a: Any, name: str) -> Any:
    """The operand as a matrix of floats, or a batch of them; ValueError for fewer axes."""
    a = floating(asarray(a))
    if len(shape_of(a)) < 2:
        raise ValueError(f"{name}: a matrix (two axes or more) is needed, not shape {shape_of(a)}")
    return a


def square(a: Any, name: str) -> Any:
    """The operand as a square matrix, or a batch of them."""
    a = matrix(a, name)
    m, n = shape_of(a)[-2:]
    if m != n:
        raise ValueError(f"{name}: a square matrix is needed, not {m} x {n} (shape {shape_of(a)})")
    return a

"""Diagonals of the last two axes: numpy.linalg's, where numpy's own are of the first two."""

from __future__ import annotations

from typing import Any

from autograd_bp.functions import shapes


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The elements at (i, i + offset) of each matrix."""
    return shapes.diagonal(x, offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sum along a diagonal of each matrix."""
    return shapes.trace(x, offset, -2, -1, dtype)

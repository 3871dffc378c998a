"""Which results share memory with an operand."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction

_VIEWS = frozenset("reshape transpose broadcast_to identity flip spread astype".split())


def is_view(instruction: Instruction) -> bool:
    """Whether the result may be a view of the first operand."""
    if instruction.op == "getitem":
        return is_basic(instruction.params[0])
    return instruction.op in _VIEWS or instruction.op in _MAY_RETURN_ITS_OPERAND


# Functions that give an operand back, or a view of it, in special cases.
_MAY_RETURN_ITS_OPERAND = frozenset(
    "sum_to roll pad np.broadcast_to np.asarray np.squeeze np.ravel np.reshape np.transpose "
    "np.swapaxes np.moveaxis np.expand_dims np.diagonal np.real np.atleast_1d".split()
)


def is_basic(index: Any) -> bool:
    """Whether an index picks a view: numbers, slices, None and ... only."""
    pieces = index if isinstance(index, tuple) else (index,)
    return all(
        piece is None
        or piece is Ellipsis
        or isinstance(piece, slice)
        or (isinstance(piece, int | np.integer) and not isinstance(piece, bool | np.bool_))
        for piece in pieces
    )

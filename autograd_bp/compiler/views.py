"""Which results may share memory with an operand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.compiler.build import UFUNCS
from autograd_bp.compiler.program import Instruction, Program, Var

VIEWS = frozenset("reshape transpose broadcast_to identity".split())
"""Results that are views of the first operand, or new arrays of the same numbers."""

_NEW = frozenset(
    "np.where matmul chain_matmul chain_matmul_both sum prod max min mean var std norm2 norm_p "
    "logsumexp softmax log_softmax cumsum cumprod linear_recurrence concatenate stack scatter "
    "index_set put take cross_entropy label_errors soft_cross_entropy accumulate rules.top "
    "rules.top_mask rules.tie_share np.full".split()
)


def shared_with(instruction: Instruction) -> Sequence[Var]:
    """The operands whose memory the result may lie in: of an unknown function, all."""
    if instruction.op in UFUNCS or instruction.op in _NEW:
        return ()
    operands = [operand for operand in instruction.operands if isinstance(operand, Var)]
    if instruction.op in VIEWS:
        return operands[:1]
    if instruction.op == "getitem":
        return operands[:1] if is_basic(instruction.params[0]) else ()
    return instruction.inputs


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


def owners(program: Program) -> dict[Var, frozenset[Var]]:
    """For each variable the ones in whose memory it may lie, itself if it has its own."""
    found: dict[Var, frozenset[Var]] = {}
    for instruction in program.instructions:
        if instruction.out is not None:
            shared = shared_with(instruction)
            found[instruction.out] = (
                frozenset().union(*(found.get(var, frozenset({var})) for var in shared))
                if shared
                else frozenset({instruction.out})
            )
    return found

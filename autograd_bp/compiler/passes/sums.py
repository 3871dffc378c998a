"""Sums along an axis of a matrix as products with ones, which BLAS takes many times faster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.program import Instruction, Program, Var

LONGEST = 1024
"""Longer rows are summed by NumPy, in pairs, which rounds less."""


def with_sums_as_products(program: Program) -> Program:
    """``x @ ones`` for sums of short rows, ``ones @ x`` for sums of columns."""
    build = Builder()
    ones: dict[tuple[int, Any], Var] = {}
    for instruction in program.instructions:
        if not _is_sum_of_matrix(instruction):
            build.keep(instruction)
            continue
        x, out = instruction.operands[0], instruction.out
        axes, keepdims = instruction.params
        assert isinstance(x, Var)
        assert out is not None
        (axis,) = axes
        key = (x.shape[axis], x.dtype)
        one = ones.setdefault(key, Var((key[0],), x.dtype, name="ones"))
        factors = (x, one) if axis == 1 else (one, x)
        if keepdims:
            total = Var((x.shape[1 - axis],), x.dtype)
            build.row("matmul", *factors, params=(), out=total)
            build.row("reshape", total, params=(out.shape,), out=out)
        else:
            build.row("matmul", *factors, params=(), out=out)
    made = {var: np.ones(n, dtype) for (n, dtype), var in ones.items()}
    for array in made.values():
        array.flags.writeable = False
    return replace(
        program,
        instructions=tuple(build.instructions),
        constants={**program.constants, **made},
        fixed=program.fixed | made.keys(),
    )


def _is_sum_of_matrix(instruction: Instruction) -> bool:
    x = instruction.operands[0] if instruction.op == "sum" else None
    return (
        isinstance(x, Var)
        and len(x.shape) == 2
        and x.dtype in (np.float32, np.float64)
        and instruction.out is not None
        and instruction.out.dtype == x.dtype
        and instruction.params[0] in ((0,), (1,))
        and x.size > 0
        and (instruction.params[0] == (0,) or x.shape[1] <= LONGEST)
    )

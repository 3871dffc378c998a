"""Constant folding: what depends on Python numbers and constant arrays alone is computed now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autograd_bp.compiler.build import UFUNCS
from autograd_bp.compiler.program import Instruction, Operand, Program, Var, substituted

LARGEST = 10_000
"""Larger results than this many elements are computed at every call rather than kept."""


def folded(program: Program) -> Program:
    """Instructions whose operands are all known are replaced by their result.

    Known are Python numbers and the fixed constants of the program; an array that the caller
    still holds may have other numbers at the next call.
    """
    known: dict[Var, Any] = {var: program.constants[var] for var in program.fixed}
    constants = dict(program.constants)
    renamed: dict[Var, Operand] = {}
    kept: list[Instruction] = []
    for instruction in program.instructions:
        instruction = instruction.reading(renamed)
        out = instruction.out
        if (
            out is None
            or out.size > LARGEST
            or instruction.draws
            or any(var not in known for var in instruction.inputs)
        ):
            kept.append(instruction)
            continue
        read = (
            substituted(value, known.__getitem__)
            for value in (*instruction.operands, *instruction.params)
        )
        with np.errstate(all="ignore"):
            result = instruction.function(*read)
        if out.weak:
            renamed[out] = np.asarray(result).item()
            continue
        constants[out] = known[out] = np.asarray(result)
    made = constants.keys() - program.constants.keys()
    return replace(program.renamed(renamed, kept), constants=constants, fixed=program.fixed | made)


def with_numbers_for_uniform_constants(program: Program) -> Program:
    """A constant array whose elements are all the same is a number where the result does not
    depend on its shape or dtype."""
    numbers = {
        var: number
        for var in program.fixed
        if (number := _uniform(program.constants[var])) is not None
    }
    kept = []
    for instruction in program.instructions:
        out = instruction.out
        if out is not None and instruction.op in UFUNCS and len(instruction.operands) == 2:
            for i, operand in enumerate(instruction.operands):
                other = instruction.operands[1 - i]
                if operand in numbers and _carries(other, operand, out):
                    instruction = instruction.reading({operand: numbers[operand]})
                    break
        kept.append(instruction)
    return program.with_instructions(kept)


def _uniform(array: Any) -> float | None:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or not array.size > 0:
        return None
    first = array.flat[0]
    same = not any(array.strides) or bool((array == first).all())
    return float(first) if same and np.isfinite(first) else None


def _carries(other: Operand, constant: Operand, out: Var) -> bool:
    """Whether the other operand alone makes the shape and dtype of the result."""
    return (
        isinstance(other, Var)
        and isinstance(constant, Var)
        and other is not constant
        and not other.weak
        and other.dtype == constant.dtype
        and other.shape == out.shape
    )

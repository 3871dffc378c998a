"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction, Operand, Program, Var


def with_common_subexpressions_shared(program: Program) -> Program:
    """Each operation on the same operands and parameters once. Draws of random numbers stay."""
    known: dict[Any, Var] = {}
    renamed: dict[Var, Operand] = {}
    kept: list[Instruction] = []
    for instruction in program.instructions:
        instruction = instruction.reading(renamed)
        key = None if instruction.draws else _key(instruction)
        if key is not None and key in known:
            if instruction.out is not None:
                renamed[instruction.out] = known[key]
            continue
        if key is not None:
            known[key] = instruction.out  # type: ignore[assignment]
        kept.append(instruction)
    return program.renamed(renamed, kept)


def _key(instruction: Instruction) -> Any:
    out = instruction.out
    kind = None if out is None else (out.shape, out.dtype)
    return (
        instruction.op,
        tuple(map(_hashable, instruction.operands)),
        tuple(map(_hashable, instruction.params)),
        instruction.keywords,
        kind,
    )


def _hashable(value: Any) -> Any:
    """1, 1.0 and True are equal but not the same; nor are 0.0 and -0.0."""
    if isinstance(value, tuple):
        return tuple(map(_hashable, value))
    if isinstance(value, slice):
        return (slice, *map(_hashable, (value.start, value.stop, value.step)))
    if isinstance(value, float):
        return (float, value.hex())
    if isinstance(value, np.ndarray):
        return (np.ndarray, id(value))
    if isinstance(value, Var):
        return value
    try:
        hash(value)
    except TypeError:
        return (type(value), id(value))
    return (type(value), value)

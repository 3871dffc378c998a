"""Without instructions whose result nobody reads."""

from __future__ import annotations

from autograd_bp.compiler.program import Instruction, Program, Var


def without_dead_code(program: Program) -> Program:
    """Only what the outputs need, and the checks."""
    needed = {out for out in program.outputs if isinstance(out, Var)}
    kept: list[Instruction] = []
    for instruction in reversed(program.instructions):
        if instruction.out is None or instruction.out in needed:
            kept.append(instruction)
            needed.update(instruction.inputs)
    return program.with_instructions(kept[::-1])

"""Results written over arguments that were donated."""

from __future__ import annotations

from collections.abc import Collection

from autograd_bp.compiler.build import UFUNCS
from autograd_bp.compiler.program import Instruction, Program, Var
from autograd_bp.compiler.views import owners


def with_updates_last(program: Program, donated: Collection[Var]) -> tuple[Program, dict[Var, Var]]:
    """Everything else first, then what is written over donated inputs; and what is.

    A check that fails must find the arguments as they were, so no update comes before one.
    """
    updates = _candidates(program, donated)
    while True:
        ordered = _ordered(program, updates)
        wrong = _wrong(ordered, updates)
        if not wrong:
            return ordered, updates
        for out in wrong:
            del updates[out]


def _candidates(program: Program, donated: Collection[Var]) -> dict[Var, Var]:
    """A donated input of the same kind for each output that can be written there."""
    makers = program.makers()
    free = [var for var in donated if var not in program.outputs]
    updates: dict[Var, Var] = {}
    for out in program.outputs:
        if not isinstance(out, Var) or out in updates or out not in makers or not out.shape:
            continue
        maker = makers[out]
        fitting = [
            var
            for var in maker.operands
            if isinstance(var, Var)
            and var in free
            and (var.shape, var.dtype) == (out.shape, out.dtype)
        ]
        if fitting and (maker.op in UFUNCS or maker.op == "accumulate"):
            updates[out] = fitting[0]
            free.remove(fitting[0])
    return updates


def _ordered(program: Program, updates: dict[Var, Var]) -> Program:
    late: set[Var] = set(updates)
    first: list[Instruction] = []
    last: list[Instruction] = []
    for instruction in program.instructions:
        if instruction.out in late or any(var in late for var in instruction.inputs):
            last.append(instruction)
            if instruction.out is not None:
                late.add(instruction.out)
        else:
            first.append(instruction)
    return program.with_instructions([*first, *last])


def _wrong(program: Program, updates: dict[Var, Var]) -> set[Var]:
    """Updates after which the old value is still needed, or a check comes."""
    owner = owners(program)

    def within(var: object) -> frozenset[Var]:
        return owner.get(var, frozenset({var})) if isinstance(var, Var) else frozenset()

    wrong: set[Var] = set()
    done: dict[Var, Var] = {}  # by the input that is overwritten, the variable that holds it
    for instruction in program.instructions:
        if instruction.out is None:
            wrong.update(done.values())
            continue
        for var in instruction.inputs:
            wrong.update(done[base] for base in within(var) if base in done)
        target = updates.get(instruction.out)
        if target is not None:
            read = instruction.operands[2:] if instruction.op == "accumulate" else ()
            if any(target in within(operand) for operand in read):
                wrong.add(instruction.out)
            done[target] = instruction.out
    for out in program.outputs:
        wrong.update(done[base] for base in within(out) if base in done)
    return wrong

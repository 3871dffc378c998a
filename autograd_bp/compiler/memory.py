"""Where results are written: arrays made once and used again, in place where that is safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autograd_bp.compiler.build import UFUNCS
from autograd_bp.compiler.program import Instruction, Program, Var
from autograd_bp.compiler.views import is_view

NEVER = 1 << 60


@dataclass
class Plan:
    """Where each result goes.

    Attributes
    ----------
    buffer
        The number of the buffer a variable is written to; a variable that has none is a new array
        at every call.
    sizes
        The bytes of each buffer.
    overwritten
        The input whose array a variable is written over, since it was donated.
    """

    buffer: dict[Var, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    overwritten: dict[Var, Var] = field(default_factory=dict)


def can_write(instruction: Instruction) -> bool:
    """Whether the operation can write its result into a given array."""
    return instruction.op in UFUNCS or instruction.op in (
        "np.where",
        "index_set",
        "matmul",
        "sum",
        "accumulate",
    )


def roots(program: Program) -> dict[Var, Var]:
    """For each variable that is a view of another's memory, the one that owns it."""
    owner: dict[Var, Var] = {}
    for instruction in program.instructions:
        if instruction.out is not None and is_view(instruction):
            base = instruction.operands[0]
            if isinstance(base, Var):
                owner[instruction.out] = owner.get(base, base)
    return owner


def last_uses(program: Program, owner: Mapping[Var, Var]) -> dict[Var, int]:
    """The place of the last instruction that reads the memory of a variable."""
    last: dict[Var, int] = {}
    for i, instruction in enumerate(program.instructions):
        for var in instruction.inputs:
            last[owner.get(var, var)] = i
    for out in program.outputs:
        if isinstance(out, Var):
            last[owner.get(out, out)] = NEVER
    return last


def planned(program: Program, overwritten: Mapping[Var, Var]) -> Plan:
    """A plan for the results of a program; `overwritten` are settled already."""
    owner = roots(program)
    last = last_uses(program, owner)
    plan = Plan(overwritten=dict(overwritten))
    free: list[int] = []
    for i, instruction in enumerate(program.instructions):
        out = instruction.out
        if (
            out is not None
            and out.shape
            and not out.weak
            and can_write(instruction)
            and out not in overwritten
            and last.get(out, i) != NEVER
        ):
            place = _in_place(instruction, i, plan, owner, last)
            if place is None:
                place = _taken(free, plan, out)
            plan.buffer[out] = place
        for var in {owner.get(var, var) for var in instruction.inputs} | ({out} if out else set()):
            number = plan.buffer.get(var)
            done = last.get(var, i) <= i
            if number is not None and done and not _still_used(number, var, i, plan, last):
                if number not in free:
                    free.append(number)
    return plan


def _still_used(number: int, var: Var, i: int, plan: Plan, last: Mapping[Var, int]) -> bool:
    """Whether a later variable lives in the same buffer."""
    return any(
        other is not var and n == number and last.get(other, i) > i
        for other, n in plan.buffer.items()
    )


def _in_place(
    instruction: Instruction, i: int, plan: Plan, owner: Mapping[Var, Var], last: Mapping[Var, int]
) -> int | None:
    """The buffer of an operand that is read here for the last time, of the same layout."""
    out = instruction.out
    assert out is not None
    candidates = instruction.operands
    if instruction.op == "np.where":
        candidates = candidates[2:]
    elif instruction.op in ("index_set", "accumulate"):
        candidates = candidates[:1]
    elif instruction.op not in UFUNCS:
        return None
    for operand in candidates:
        if (
            isinstance(operand, Var)
            and operand in plan.buffer
            and operand not in owner
            and last[operand] == i
            and (operand.shape, operand.dtype) == (out.shape, out.dtype)
        ):
            shared = [
                other
                for other in instruction.inputs
                if other is not operand and owner.get(other, other) is operand
            ]
            if not shared:
                return plan.buffer[operand]
    return None


def _taken(free: list[int], plan: Plan, out: Var) -> int:
    size = out.size * out.dtype.itemsize
    for number in free:
        if plan.sizes[number] == size:
            free.remove(number)
            return number
    plan.sizes.append(size)
    return len(plan.sizes) - 1

"""Where results are written: arrays made once and used again, in place where that is safe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autograd_bp.compiler.build import UFUNCS
from autograd_bp.compiler.program import Instruction, Program, Var
from autograd_bp.compiler.views import owners, shared_with

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


def planned(program: Program, overwritten: Mapping[Var, Var]) -> Plan:
    """A plan for the results of a program; `overwritten` are settled already."""
    last = last_uses(program)
    owner = owners(program)
    plan = Plan(overwritten=dict(overwritten))
    free: list[int] = []
    ends: dict[int, int] = {}  # by buffer, where what is in it is read for the last time
    for i, instruction in enumerate(program.instructions):
        out = instruction.out
        for number, end in list(ends.items()):
            if end < i:
                free.append(number)
                del ends[number]
        if out is None or not _can_be_planned(instruction, out) or out in overwritten:
            continue
        end = last.get(out, i)
        if end == NEVER:
            continue
        place = _in_place(instruction, i, plan, owner, last)
        if place is None:
            place = _taken(free, plan, out)
        plan.buffer[out] = place
        ends[place] = end
    return plan


def last_uses(program: Program) -> dict[Var, int]:
    """The place of the last instruction that reads the memory of a variable."""
    last: dict[Var, int] = {out: NEVER for out in program.outputs if isinstance(out, Var)}
    for i in range(len(program.instructions) - 1, -1, -1):
        instruction = program.instructions[i]
        for var in instruction.inputs:
            last[var] = max(last.get(var, i), i)
        if instruction.out is not None:
            for var in shared_with(instruction):
                last[var] = max(last[var], last.get(instruction.out, i))
    return last


def _can_be_planned(instruction: Instruction, out: Var) -> bool:
    """Whether the operation can write its result into a given array."""
    can = instruction.op in UFUNCS or instruction.op in (
        "np.where",
        "index_set",
        "put",
        "matmul",
        "sum",
        "accumulate",
    )
    return can and out.shape != () and not out.weak


def _in_place(
    instruction: Instruction,
    i: int,
    plan: Plan,
    owner: Mapping[Var, frozenset[Var]],
    last: Mapping[Var, int],
) -> int | None:
    """The buffer of an operand that is read here for the last time, of the same layout."""
    out = instruction.out
    assert out is not None
    candidates = instruction.operands
    if instruction.op == "np.where":
        candidates = candidates[2:]
    elif instruction.op in ("index_set", "put", "accumulate"):
        candidates = candidates[:1]
    elif instruction.op not in UFUNCS:
        return None
    for operand in candidates:
        if (
            isinstance(operand, Var)
            and operand in plan.buffer
            and last[operand] == i
            and (operand.shape, operand.dtype) == (out.shape, out.dtype)
            and not any(
                other is not operand and operand in owner.get(other, ())
                for other in instruction.inputs
            )
            and (instruction.op in UFUNCS or instruction.inputs.count(operand) == 1)
        ):
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

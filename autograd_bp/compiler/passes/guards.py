"""Products with a cotangent: plain, and looked at afterwards.

`chain(g, d)` keeps a zero of g zero whatever d is, which costs a look at every d. A plain product
is the same unless it gives nan. So the program takes plain products, and `check` instructions see
to it that no nan of theirs reaches a result; should one, the caller runs the function itself, as
it would without a compiler. A check may stand anywhere between the products and the results, and
is put where little has to be looked at: behind sums and matrix products, before an update.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.passes.activations import CHEAP
from autograd_bp.compiler.program import Instruction, Operand, Program, Var

_PLAIN = {
    "chain": "np.multiply",
    "chain_both": "np.multiply",
    "chain_matmul": "matmul",
    "chain_matmul_both": "matmul",
}
# A nan of theirs may come out as a number, so it has to be seen before.
_HIDES_NAN = frozenset("fmax fmin pow pow_less hypot copysign heaviside one_hot".split())
_MOVES = frozenset("reshape transpose spread broadcast_to identity astype".split())


def with_plain_products(program: Program, *, bold: bool = True) -> Program:
    """Plain products, and the checks that these need, and, if `bold`, those of `activations`."""
    sources = {i.out for i in program.instructions if _is_source(i, bold)}
    tainted = _tainted(program, sources)
    looked_at = _cut(program, tainted, sources)
    build = Builder()
    for instruction in program.instructions:
        build.instructions.append(_plain(instruction))
        if instruction.out in looked_at:
            build.call("check", _no_check, (instruction.out,), (), None)
    return program.with_instructions(build.instructions)


def _plain(instruction: Instruction) -> Instruction:
    name = _PLAIN.get(instruction.op)
    build = Builder()
    out = instruction.out
    if out is not None and _selects(instruction):
        condition, x, _ = instruction.operands
        build.ufunc("np.multiply", x, condition, into=out)
        return build.instructions[0]
    if name is None or out is None:
        return instruction
    if name == "matmul":
        build.row("matmul", *instruction.operands, params=(), out=out)
    else:
        build.ufunc(name, *instruction.operands, into=out)
    return build.instructions[0]


def _no_check(_value: object) -> None:
    """What the interpreter does for a check: nothing; see `source`."""


def _selects(instruction: Instruction) -> bool:
    """Whether it is ``where(condition, x, 0)``: a product is many times faster, and the same
    unless x is infinite or nan."""
    if instruction.op != "where" or instruction.out is None or instruction.out.weak:
        return False
    condition, x, zero = instruction.operands
    return (
        isinstance(condition, Var)
        and condition.dtype == np.bool_
        and isinstance(x, Var)
        and x.shape == instruction.out.shape
        and x.dtype == instruction.out.dtype
        and not isinstance(zero, Var)
        and zero == 0
    )


def _is_source(instruction: Instruction, bold: bool) -> bool:
    """Whether the plain form may give nan where the guarded one does not."""
    if (bold and instruction.op in CHEAP) or _selects(instruction):
        return True
    if instruction.op not in _PLAIN:
        return False
    return not any(isinstance(operand, int | float) for operand in instruction.operands)


def _tainted(program: Program, sources: Collection[Var | None]) -> set[Var]:
    """The variables that may hold a nan of a plain product."""
    tainted: set[Var] = set()
    for instruction in program.instructions:
        out = instruction.out
        if (
            out is not None
            and (out.dtype.kind == "f")
            and (out in sources or any(var in tainted for var in instruction.inputs))
        ):
            tainted.add(out)
    return tainted


def _cut(program: Program, tainted: Collection[Var], sources: Collection[Var | None]) -> set[Var]:
    """Variables between the sources and whatever must not see a nan of theirs."""
    makers = program.makers()
    waiting: list[Operand] = [out for out in program.outputs if out in tainted]
    for instruction in program.instructions:
        waiting.extend(operand for operand in _hidden(instruction) if operand in tainted)
    looked_at: set[Var] = set()
    seen: set[Var] = set()
    while waiting:
        var = waiting.pop()
        if not isinstance(var, Var) or var in seen:
            continue
        seen.add(var)
        maker = makers[var]
        if maker.op in ("transpose", "reshape") and not _passes_on(makers[maker.inputs[0]]):
            looked_at.add(var)  # a product that is transposed will be computed that way round
        elif _passes_on(maker) and maker.out not in sources:
            waiting.extend(operand for operand in maker.inputs if operand in tainted)
        else:
            looked_at.add(var)
    return looked_at


def _passes_on(instruction: Instruction) -> bool:
    rule = instruction.rule
    return instruction.op in _MOVES or (rule is not None and rule.kind == "elementwise")


def _hidden(instruction: Instruction) -> list[Var]:
    """What an instruction reads in a way that may hide a nan."""
    rule = instruction.rule
    if _selects(instruction):
        return [instruction.operands[0]]  # type: ignore[list-item]
    if instruction.op == "where":
        return [operand for operand in instruction.operands[:1] if isinstance(operand, Var)]
    if rule is None or instruction.op in _HIDES_NAN:
        return instruction.inputs if instruction.out is not None else []
    return [var for var in instruction.inputs if var not in instruction.operands]

"""Checks in as few places as can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autograd_bp.compiler.program import Instruction, Program, Var

SMALL = 8192
"""Larger arrays are looked at where they are made: to keep them would cost memory."""


def with_wide_factors_seen_in_products(program: Program) -> Program:
    """A product is finite only if its factors are, so a wide factor need not be looked at."""
    smaller: dict[Var, Instruction] = {}
    for instruction in program.instructions:
        if instruction.op == "matmul" and instruction.out is not None:
            for factor in instruction.operands:
                if isinstance(factor, Var) and 2 * instruction.out.size <= factor.size:
                    smaller.setdefault(factor, instruction)
    moved: dict[Var, Instruction] = {}
    kept: list[Instruction] = []
    for instruction in program.instructions:
        wide = instruction.operands[0] if instruction.op == "check_finite" else None
        if isinstance(wide, Var) and wide in smaller:
            product = smaller[wide]
            assert product.out is not None
            moved[product.out] = instruction.reading({wide: product.out})
        else:
            kept.append(instruction)
    placed: list[Instruction] = []
    for instruction in kept:
        placed.append(instruction)
        if instruction.out in moved:
            placed.append(moved[instruction.out])
    return program.with_instructions(placed)


def without_implied_checks(program: Program) -> Program:
    """A result that is bounded can only be nan, and then what is made of it is nan as well: a look
    at that is enough."""
    makers = program.makers()
    seen = {i.operands[0] for i in program.instructions if i.op in ("check", "check_finite")}
    shows: set[Var] = set()  # variables whose nan is seen in another
    for instruction in reversed(program.instructions):
        out = instruction.out
        if out is not None and instruction.op in _KEEPS_NAN and (out in seen or out in shows):
            shows.update(operand for operand in instruction.operands if isinstance(operand, Var))
    return program.with_instructions(
        [
            instruction
            for instruction in program.instructions
            if not (
                instruction.op == "check_finite"
                and instruction.operands[0] in shows
                and _is_bounded(instruction.operands[0], makers)
            )
        ]
    )


_KEEPS_NAN = frozenset(
    "np.add np.subtract np.multiply np.true_divide np.negative np.exp np.maximum np.minimum "
    "np.tanh np.log1p np.sqrt np.square np.reciprocal matmul sum".split()
)


def _is_bounded(var: Var, makers: Mapping[Var, Instruction]) -> bool:
    """Whether it is e / (e + 1) with e = exp(...), or a tanh."""
    maker = makers.get(var)
    if maker is None or maker.op != "np.true_divide":
        return maker is not None and maker.op == "np.tanh"
    grown, more = maker.operands
    exp = makers.get(grown) if isinstance(grown, Var) else None
    add = makers.get(more) if isinstance(more, Var) else None
    if exp is None or exp.op != "np.exp" or add is None or add.op != "np.add":
        return False
    return grown in add.operands and 1.0 in add.operands


def with_checks_joined(program: Program) -> Program:
    """Small arrays looked at all together, as late as can be: see `passes.updates`."""
    joined: dict[str, list[Var]] = {"check_finite": [], "check": []}
    function: Callable[..., object] | None = None
    kept: list[Instruction] = []
    for instruction in program.instructions:
        looked_at = instruction.operands[0] if instruction.op in joined else None
        if isinstance(looked_at, Var) and looked_at.size <= SMALL:
            joined[instruction.op].append(looked_at)
            function = instruction.function
        else:
            kept.append(instruction)
    for op, variables in joined.items():
        finite = joined["check_finite"] if op == "check" else []
        each = tuple(dict.fromkeys(var for var in variables if var not in finite))
        if each and function is not None:
            kept.append(Instruction(op, each, (), None, function))
    return program.with_instructions(kept)

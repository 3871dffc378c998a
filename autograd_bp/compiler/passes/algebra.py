"""Algebraic clean-up: what changes nothing is left out, what cancels is cancelled."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.program import Instruction, Operand, Program, Var

Makers = Mapping[Var, Instruction]


def simplified(program: Program) -> Program:
    """One round of the rewritings below; each leaves every bit as it was, signs of zero aside."""
    build = Builder()
    makers: dict[Var, Instruction] = {}
    renamed: dict[Var, Operand] = {}
    for instruction in program.instructions:
        instruction = instruction.reading(renamed)
        out = instruction.out
        simpler = None
        if out is not None and instruction.op in _REWRITINGS:
            before = len(build.instructions)
            simpler = _REWRITINGS[instruction.op](build, instruction, makers)
            for made in build.instructions[before:]:
                if made.out is not None:
                    makers[made.out] = made
        if simpler is not None and out is not None:
            renamed[out] = simpler
            continue
        build.keep(instruction)
        if out is not None:
            makers[out] = instruction
    return program.renamed(renamed, build.instructions)


def _is_number(operand: Operand, number: float) -> bool:
    return not isinstance(operand, Var) and type(operand) is not bool and operand == number


def _same_kind(operand: Operand, out: Var | None) -> Operand | None:
    """The operand, if it may stand for the result."""
    if not isinstance(operand, Var) or out is None:
        return None
    same = (operand.shape, operand.dtype, operand.weak) == (out.shape, out.dtype, out.weak)
    return operand if same else None


def _negated(operand: Operand, makers: Makers) -> Operand | None:
    """What the operand is the negative of, if it was made so."""
    maker = makers.get(operand) if isinstance(operand, Var) else None
    return maker.operands[0] if maker is not None and maker.op == "np.negative" else None


def _multiply(build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    x, y = instruction.operands
    out = instruction.out
    for one, other in ((x, y), (y, x)):
        if _is_number(one, 1):
            return _same_kind(other, out)
        if _is_number(one, -1) and _same_kind(other, out) is not None:
            return build.ufunc("np.negative", other)
    for product, factor in ((x, y), (y, x)):  # -a * b = -(a * b); numbers meet
        inner = _negated(product, makers)
        if inner is not None and isinstance(factor, int | float):
            return _same_kind(build.ufunc("np.multiply", inner, -factor), out)
    return None


def _divide(build: Builder, instruction: Instruction, _makers: Makers) -> Operand | None:
    x, y = instruction.operands
    if _is_number(y, 1):
        return _same_kind(x, instruction.out)
    if isinstance(y, int | float) and y != 0 and np.frexp(y)[0] == 0.5 and abs(y) < 2.0**60:
        return _same_kind(build.ufunc("np.multiply", x, 1.0 / y), instruction.out)
    return None


def _add(build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    x, y = instruction.operands
    for zero, other in ((x, y), (y, x)):
        if _is_number(zero, 0):
            return _same_kind(other, instruction.out)
    for negative, other in ((y, x), (x, y)):
        inner = _negated(negative, makers)
        if inner is not None:
            return build.ufunc("np.subtract", other, inner)
    return None


def _subtract(build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    x, y = instruction.operands
    if _is_number(y, 0):
        return _same_kind(x, instruction.out)
    inner = _negated(y, makers)
    return None if inner is None else build.ufunc("np.add", x, inner)


def _negative(_build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    inner = _negated(instruction.operands[0], makers)
    return None if inner is None else _same_kind(inner, instruction.out)


def _absolute(build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    inner = _negated(instruction.operands[0], makers)
    return None if inner is None else build.ufunc("np.absolute", inner)


def _greater(build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    """``x > 0`` where ``maximum(x, 0)`` is known: that is positive in the same places."""
    x, zero = instruction.operands
    if not _is_number(zero, 0) or not isinstance(x, Var):
        return None
    for out, maker in makers.items():
        if maker.op == "np.maximum" and maker.operands[0] is x and _is_number(maker.operands[1], 0):
            return build.ufunc("np.greater", out, 0.0)
    return None


def _power(build: Builder, instruction: Instruction, _makers: Makers) -> Operand | None:
    """What ``x ** y`` computes, which `np.power` does not, where the exponent is simple."""
    x, y = instruction.operands
    if not isinstance(x, Var) or x.dtype.kind != "f" or not isinstance(y, int | float):
        return None
    if y == 1:
        return _same_kind(x, instruction.out)
    simple = {2: "np.square", 0.5: "np.sqrt", -1: "np.reciprocal"}.get(y)
    return None if simple is None else _same_kind(build.ufunc(simple, x), instruction.out)


def _pow_less(build: Builder, instruction: Instruction, _makers: Makers) -> Operand | None:
    """``x ** (y - n)``, where the difference of two numbers is exact."""
    x, y = instruction.operands
    (n,) = instruction.params
    if not isinstance(x, Var) or not isinstance(y, int | float):
        return None
    power = y - n
    if not math.isfinite(power) or Fraction(power) != Fraction(y) - Fraction(n):
        return None
    return _same_kind(build.ufunc("np.power", x, power), instruction.out)


def _reshape(build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    x, out = instruction.operands[0], instruction.out
    assert isinstance(x, Var)
    assert out is not None
    if x.weak:
        return None
    if x.shape == out.shape:
        return x
    maker = makers.get(x)
    if maker is not None and maker.op == "reshape":
        first = maker.operands[0]
        if isinstance(first, Var) and not first.weak:
            return build.row("reshape", first, params=(out.shape,), out=Var(out.shape, out.dtype))
    return None


def _transpose(build: Builder, instruction: Instruction, makers: Makers) -> Operand | None:
    x, out = instruction.operands[0], instruction.out
    (axes,) = instruction.params
    assert isinstance(x, Var)
    assert out is not None
    if tuple(axes) == tuple(range(len(axes))):
        return x
    maker = makers.get(x)
    if maker is None:
        return None
    if maker.op == "transpose":
        (inner,) = maker.params
        both = tuple(inner[a] for a in axes)
        return build.row(
            "transpose", maker.operands[0], params=(both,), out=Var(out.shape, out.dtype)
        )
    if maker.op == "matmul" and tuple(axes) == (1, 0):  # (a b)^T = b^T a^T
        a, b = maker.operands
        if isinstance(a, Var) and isinstance(b, Var) and len(a.shape) == len(b.shape) == 2:
            left = build.row("transpose", b, params=((1, 0),), out=Var(b.shape[::-1], b.dtype))
            right = build.row("transpose", a, params=((1, 0),), out=Var(a.shape[::-1], a.dtype))
            return build.row("matmul", left, right, params=(), out=Var(out.shape, out.dtype))
    return None


def _broadcast_to(_build: Builder, instruction: Instruction, _makers: Makers) -> Operand | None:
    return _same_kind(instruction.operands[0], instruction.out)


def _astype(_build: Builder, instruction: Instruction, _makers: Makers) -> Operand | None:
    return _same_kind(instruction.operands[0], instruction.out)


_REWRITINGS: dict[str, Callable[[Builder, Instruction, Makers], Operand | None]] = {
    "np.multiply": _multiply,
    "np.true_divide": _divide,
    "np.add": _add,
    "np.subtract": _subtract,
    "np.negative": _negative,
    "np.absolute": _absolute,
    "np.greater": _greater,
    "np.power": _power,
    "pow_less": _pow_less,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "astype": _astype,
}


def without_needless_broadcasts(program: Program) -> Program:
    """An elementwise function takes an operand before it is broadcast, where that is the same."""
    makers = program.makers()
    kept: list[Instruction] = []
    for instruction in program.instructions:
        out = instruction.out
        if out is not None and instruction.op.startswith("np.") and not instruction.params:
            operands = list(instruction.operands)
            for i, operand in enumerate(operands):
                maker = makers.get(operand) if isinstance(operand, Var) else None
                if maker is None or maker.op != "broadcast_to":
                    continue
                narrow = [*operands[:i], maker.operands[0], *operands[i + 1 :]]
                shapes = [o.shape for o in narrow if isinstance(o, Var)]
                if np.broadcast_shapes(*shapes) == out.shape:
                    operands = narrow
            operands = [_number(operand, operands, out, kept) for operand in operands]
            # Place by place: the same variable may be read twice, and stay as it is in one place.
            instruction = replace(instruction, operands=tuple(operands))
        kept.append(instruction)
    return program.with_instructions(kept)


def _number(
    operand: Operand, operands: Sequence[Operand], out: Var, kept: list[Instruction]
) -> Operand:
    """An operand of one element without axes: NumPy has a short way for these."""
    if not isinstance(operand, Var) or operand.shape == () or operand.size != 1 or out.size == 1:
        return operand
    others = [o.shape for o in operands if isinstance(o, Var) and o is not operand]
    if not others or np.broadcast_shapes(*others) != out.shape:
        return operand
    build = Builder()
    number = build.row("reshape", operand, params=((),), out=Var((), operand.dtype))
    kept.extend(build.instructions)
    return number

"""Updates by a matrix product as one step: ``w - lr * (a @ b)`` is added up in place by BLAS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.program import Instruction, Operand, Program, Var

Makers = Mapping[Var, Instruction]


def with_accumulated_products(program: Program) -> Program:
    """``accumulate(w, scale, a, b)`` for ``w + scale * (a @ b)`` where nothing else reads the
    product."""
    makers, uses = program.makers(), program.uses()
    looked_at = {i.operands[0] for i in program.instructions if i.op == "check"}
    replaced: dict[Var, tuple[Var, Operand, bool, Instruction]] = {}
    for instruction in program.instructions:
        found = _update(instruction, makers, uses, looked_at)
        if found is not None and instruction.out is not None:
            replaced[instruction.out] = found
    products = {found[3].out for found in replaced.values()}
    build = Builder()
    for instruction in program.instructions:
        found = replaced.get(instruction.out) if instruction.out is not None else None
        if found is not None:
            w, scale, negative, product = found
            if negative:
                scale = build.ufunc("np.negative", scale)
            operands = (w, scale, *product.operands)
            build.call("accumulate", accumulate, operands, (), instruction.out)
        elif instruction.op == "check" and instruction.operands[0] in products:
            product = makers[instruction.operands[0]]
            for factor in product.operands:
                maker = makers.get(factor) if isinstance(factor, Var) else None
                if maker is not None and maker.op in ("transpose", "reshape"):
                    factor = maker.operands[0]
                build.call("check_finite", _looked, (factor,), (), None)
        else:
            build.keep(instruction)
    return program.with_instructions(build.instructions)


def accumulate(w: Any, scale: Any, a: Any, b: Any) -> Any:
    """w + scale * (a @ b)."""
    return w + np.asarray(scale, w.dtype) * (a @ b)


def _looked(_value: object) -> None:
    """What the interpreter does for a check: nothing; see `source`."""


def _update(
    instruction: Instruction, makers: Makers, uses: Mapping[Var, int], looked_at: set[Operand]
) -> tuple[Var, Operand, bool, Instruction] | None:
    """w, the scale, whether it is to be negated, and the product."""
    if instruction.op not in ("np.subtract", "np.add"):
        return None
    w, change = instruction.operands
    negative = instruction.op == "np.subtract"
    for target, term in ((w, change), (change, w)) if not negative else ((w, change),):
        if not isinstance(target, Var) or not isinstance(term, Var):
            continue
        scale: Operand = 1.0
        maker = makers.get(term)
        if maker is not None and maker.op == "np.multiply" and uses[term] == 1:
            first, second = maker.operands
            scale, term = (first, second) if _is_scalar(first) else (second, first)
            if not _is_scalar(scale) or not isinstance(term, Var):
                continue
            maker = makers.get(term)
        maker = None if maker is None else _as_matmul(maker)
        if (
            maker is not None
            and uses[term] == 1 + (term in looked_at)
            and _fits(target, maker, instruction.out)
        ):
            return target, scale, negative, maker
    return None


def _as_matmul(maker: Instruction) -> Instruction | None:
    """A matrix product; also a column times a row, element by element."""
    if maker.op != "np.multiply":
        return maker if maker.op == "matmul" else None
    for column, row in (maker.operands, maker.operands[::-1]):
        if (
            isinstance(column, Var)
            and isinstance(row, Var)
            and column.shape[1:] == (1,)
            and row.shape[:1] == (1,)
        ):
            return replace(maker, op="matmul", operands=(column, row))
    return None


def _is_scalar(operand: Operand) -> bool:
    return not isinstance(operand, Var) or operand.shape == ()


def _fits(w: Var, product: Instruction, out: Var | None) -> bool:
    a, b = product.operands
    return (
        isinstance(a, Var)
        and isinstance(b, Var)
        and out is not None
        and len(a.shape) == len(b.shape) == len(w.shape) == 2
        and w.shape == out.shape == (a.shape[0], b.shape[1])
        and w.dtype == a.dtype == b.dtype == out.dtype
        and w.dtype in (np.float32, np.float64)
        and a.shape[1] > 0
    )

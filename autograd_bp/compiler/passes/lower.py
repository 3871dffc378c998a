"""Rows that move or combine elements, as few kinds of steps: reshape, broadcast_to, sum."""

from __future__ import annotations

from collections.abc import Callable

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.program import Instruction, Program, Var
from autograd_bp.rules.arrays import kept_shape, reduced_axes


def lowered(program: Program) -> Program:
    """`mean`, `spread` and `sum_to` in terms of `sum`, `reshape` and `broadcast_to`."""
    build = Builder()
    for instruction in program.instructions:
        lower = _LOWER.get(instruction.op)
        if lower is None:
            build.keep(instruction)
        else:
            lower(build, instruction)
    return program.with_instructions(build.instructions)


def _mean(build: Builder, instruction: Instruction) -> None:
    x, out = instruction.operands[0], instruction.out
    axis, keepdims = instruction.params
    if not isinstance(x, Var) or out is None or x.dtype != out.dtype or x.size == 0:
        build.keep(instruction)
        return
    total = build.row("sum", x, params=(axis, keepdims), out=Var(out.shape, out.dtype))
    n = x.size // max(out.size, 1)
    build.ufunc("np.true_divide", total, n, into=out)


def _spread(build: Builder, instruction: Instruction) -> None:
    x, out = instruction.operands[0], instruction.out
    shape, axis, keepdims = instruction.params
    if not isinstance(x, Var) or out is None:
        build.keep(instruction)
        return
    if not keepdims:
        kept = kept_shape(shape, axis)
        x = build.row("reshape", x, params=(kept,), out=Var(kept, x.dtype))
    build.row("broadcast_to", x, params=(shape,), out=out)


def _sum_to(build: Builder, instruction: Instruction) -> None:
    x, out = instruction.operands[0], instruction.out
    (shape,) = instruction.params
    if not isinstance(x, Var) or out is None or len(x.shape) < len(shape):
        build.keep(instruction)
        return
    added = len(x.shape) - len(shape)
    gone = tuple(range(added))
    stretched = tuple(
        k for k in range(added, len(x.shape)) if shape[k - added] == 1 and x.shape[k] != 1
    )
    if stretched:
        kept = tuple(1 if k in stretched else n for k, n in enumerate(x.shape))
        last = not gone
        x = build.row("sum", x, params=(stretched, True), out=out if last else Var(kept, x.dtype))
        if last:
            return
    build.row("sum", x, params=(gone, False), out=out)


def _sum(build: Builder, instruction: Instruction) -> None:
    x, out = instruction.operands[0], instruction.out
    axis, keepdims = instruction.params
    assert isinstance(x, Var)
    assert out is not None
    axes = reduced_axes(axis, len(x.shape))
    if x.dtype == out.dtype and all(x.shape[k] == 1 for k in axes):
        build.row("reshape", x, params=(out.shape,), out=out)
    else:
        build.row("sum", x, params=(axes, keepdims), out=out)


_LOWER: dict[str, Callable[[Builder, Instruction], None]] = {
    "mean": _mean,
    "spread": _spread,
    "sum_to": _sum_to,
    "sum": _sum,
}

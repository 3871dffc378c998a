"""Elementwise rows as functions of NumPy, one step each: what they share is then seen."""

from __future__ import annotations

import ast
import functools
from typing import Any

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.program import Operand, Program, Var
from autograd_bp.rules import ARRAY, ROWS, Rule
from autograd_bp.rules.formula import Formula

_BINARY = {
    ast.Add: "np.add",
    ast.Sub: "np.subtract",
    ast.Mult: "np.multiply",
    ast.Div: "np.true_divide",
    ast.FloorDiv: "np.floor_divide",
    ast.Mod: "np.remainder",
    ast.Pow: "np.power",
}
_COMPARE = {
    ast.Gt: "np.greater",
    ast.GtE: "np.greater_equal",
    ast.Lt: "np.less",
    ast.LtE: "np.less_equal",
    ast.Eq: "np.equal",
    ast.NotEq: "np.not_equal",
}
_ALIASES = {"abs": "np.absolute", "pow": "np.power", "square": "np.square"}


class NotExpressibleError(Exception):
    """A formula that calls what is no function of NumPy."""


def expanded(program: Program) -> Program:
    """Every elementwise row written out, if its formula can be."""
    build = Builder()
    renamed: dict[Var, Operand] = {}
    for instruction in program.instructions:
        instruction = instruction.reading(renamed)
        rule = instruction.rule
        if (
            instruction.op == "item"
            or rule is None
            or rule.kind != "elementwise"
            or not _is_writable(rule)
        ):
            build.keep(instruction)
            continue
        out = instruction.out
        assert out is not None
        meanings = dict(zip(rule.args, instruction.operands, strict=True))
        meanings.update(zip(rule.params, instruction.params, strict=True))
        result = written(build, rule.formula, meanings)
        renamed[out] = _like(build, result, out)
    return program.renamed(renamed, build.instructions)


def _like(build: Builder, result: Operand, out: Var) -> Operand:
    """The result, in the shape and dtype the row gives."""
    if not isinstance(result, Var):
        return (
            result
            if out.weak
            else build.call("np.full", np.full, (), (out.shape, result, out.dtype), out)
        )
    if result.weak and not out.weak:
        return build.call("np.full", np.full, (), (out.shape, result, out.dtype), out)  # type: ignore[no-any-return]
    if result.shape != out.shape:
        result = build.row(
            "broadcast_to", result, params=(out.shape,), out=Var(out.shape, result.dtype)
        )
    if result.dtype != out.dtype and not out.weak:
        result = build.row("astype", result, params=(out.dtype,), out=Var(out.shape, out.dtype))
    return result


def written(build: Builder, formula: Formula, meanings: dict[str, Any]) -> Operand:
    """The result of a formula, as instructions.

    >>> build = Builder()
    >>> x = Var((3,), "float64")
    >>> _ = written(build, Formula("t = x * x; t + exp(t)"), {"x": x})
    >>> [instruction.op for instruction in build.instructions]
    ['np.multiply', 'np.exp', 'np.add']
    """
    meanings = dict(meanings)
    for name, expression in formula.bindings:
        meanings[name] = _expression(build, expression, meanings)
    result: Operand = _expression(build, formula.expression, meanings)
    return result


def _expression(build: Builder, node: ast.expr, meanings: dict[str, Any]) -> Any:
    def read(part: ast.expr) -> Any:
        return _expression(build, part, meanings)

    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return meanings[node.id] if node.id in meanings else ARRAY.primitives[node.id]
        case ast.UnaryOp(ast.USub(), operand):
            return build.ufunc("np.negative", read(operand))
        case ast.UnaryOp(ast.Not(), operand):
            return build.ufunc("np.logical_not", read(operand))
        case ast.UnaryOp(ast.UAdd(), operand):
            return read(operand)
        case ast.BinOp():
            return build.ufunc(_BINARY[type(node.op)], read(node.left), read(node.right))
        case ast.Compare():
            operands = [read(part) for part in (node.left, *node.comparators)]
            pairs = [
                build.ufunc(_COMPARE[type(symbol)], left, right)
                for left, symbol, right in zip(operands, node.ops, operands[1:], strict=False)
            ]
            return functools.reduce(functools.partial(build.ufunc, "np.logical_and"), pairs)
        case ast.BoolOp():
            name = "np.logical_and" if isinstance(node.op, ast.And) else "np.logical_or"
            return functools.reduce(
                functools.partial(build.ufunc, name), [read(value) for value in node.values]
            )
        case ast.IfExp():
            condition = read(node.test)
            if isinstance(condition, bool):  # a parameter decides
                return read(node.body if condition else node.orelse)
            return build.ufunc("np.where", condition, read(node.body), read(node.orelse))
        case ast.Call(ast.Name(name), arguments):
            return _called(build, name, [read(argument) for argument in arguments])
    raise NotExpressibleError(ast.dump(node))


def _called(build: Builder, name: str, operands: list[Any]) -> Any:
    if name == "where":
        return build.ufunc("np.where", *operands)
    ufunc = _ufunc_name(name)
    if ufunc is not None:
        return build.ufunc(ufunc, *operands)
    rule = ROWS[name]
    meanings = dict(zip((*rule.args, *rule.params), operands, strict=True))
    return written(build, rule.formula, meanings)


def _ufunc_name(name: str) -> str | None:
    if name in _ALIASES:
        return _ALIASES[name]
    meaning = ARRAY.primitives.get(name)
    if isinstance(meaning, np.ufunc):
        return f"np.{meaning.__name__}"
    return None


def _is_writable(rule: Rule) -> bool:
    """Whether a formula, and all it calls, comes down to functions of NumPy."""
    return _writable(rule.formula, frozenset({rule.name}))


def _writable(formula: Formula, inside: frozenset[str]) -> bool:
    for expression in (*(value for _, value in formula.bindings), formula.expression):
        for node in ast.walk(expression):
            if isinstance(node, ast.Tuple | ast.keyword | ast.MatMult):
                return False
            if not isinstance(node, ast.Call):
                continue
            assert isinstance(node.func, ast.Name)
            name = node.func.id
            if name == "where" or _ufunc_name(name) is not None:
                continue
            if name in ARRAY.primitives or name not in ROWS or name in inside:
                return False
            if ROWS[name].kind != "elementwise":
                return False
            if not _writable(ROWS[name].formula, inside | {name}):
                return False
    return True

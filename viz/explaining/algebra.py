"""Formulas of the rule sheet as mathematics: names put in, pieces simplified, text and LaTeX.

An expression is a Python syntax tree whose names have been replaced: by a `Leaf`, which knows how a
node of the graph is called, or by a number. A formula is written for accuracy first; what a row has
only for that sake (`square`, `one_minus_square`, `chain`) is written here as what it means.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Expression = ast.expr


@dataclass(frozen=True, slots=True)
class Written:
    """The same thing as text, as LaTeX (for math mode) and as MathML (for inside a `math`)."""

    text: str
    latex: str
    mathml: str


class Leaf(ast.expr):
    """A name in an expression."""

    _fields = ()

    def __init__(self, written: Written) -> None:
        super().__init__()
        self.written = written


# What names that exist for the sake of accuracy mean, by argument.
_MEANINGS: Final = {
    "square": "{0} ** 2",
    "chain": "{0} * {1}",
    "chain_both": "{0} * {1}",
    "pow_less": "{0} ** ({1} - {2})",
    "one_minus_square": "1 - {0} ** 2",
    "unit": "{0} / hypot({0}, {1})",
    "logistic": "sigmoid({0} - {1})",
    "sigmoid_slope": "sigmoid({0}) * (1 - sigmoid({0}))",
    "half_sech": "sech(({0} - {1}) / 2)",
}


def number(value: float) -> Expression:
    """A number as an expression; a negative one is the negative of a number."""
    if value < 0 or (value == 0 and math.copysign(1.0, value) < 0):
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def product(factors: Sequence[Expression]) -> Expression:
    """The product of `factors`, without those that are 1; 1 if there are none."""
    kept = [factor for factor in factors if not _is(factor, 1)]
    if not kept:
        return ast.Constant(1)
    result = kept[0]
    for factor in kept[1:]:
        result = ast.BinOp(result, ast.Mult(), factor)
    return result


def formula_tree(bindings: Sequence[tuple[str, ast.expr]], expression: ast.expr) -> Expression:
    """A formula as one expression: bindings put in where they are used, odd names explained."""
    known: dict[str, Expression] = {}
    for name, value in bindings:
        known[name] = _Substitution(known).visit(_copy(value))
    tree: Expression = _Meanings().visit(_Substitution(known).visit(_copy(expression)))
    return tree


def put_in(tree: Expression, meanings: Mapping[str, Expression]) -> Expression:
    """`tree` with expressions in place of names."""
    result: Expression = _Substitution(meanings).visit(_copy(tree))
    return result


def simplified(tree: Expression, *, fractions: bool = False) -> Expression:
    """Without factors and exponents of 1; sums and products of whole numbers computed.

    With `fractions`, products and quotients of other numbers too, which rounds.
    """
    result: Expression = _Simplification(fractions).visit(_copy(tree))
    return result


def decided(tree: Expression, values: Mapping[str, float], because: list[Expression]) -> Expression:
    """`tree` with the branch of each `a if c else b` that `values` choose.

    The conditions that held are appended to `because`. A condition that cannot be decided stays.
    """
    while isinstance(tree, ast.IfExp):
        try:
            holds = bool(_evaluate(tree.test, values))
        except (_UndecidedError, ArithmeticError, ValueError):
            break
        because.append(tree.test if holds else _negated(tree.test))
        tree = tree.body if holds else tree.orelse
    return tree


_ARITHMETIC: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class _Substitution(ast.NodeTransformer):
    def __init__(self, meanings: Mapping[str, Expression]) -> None:
        self.meanings = meanings

    def visit_Name(self, node: ast.Name) -> Expression:
        return self.meanings.get(node.id, node)


class _Meanings(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> Expression:
        self.generic_visit(node)
        assert isinstance(node.func, ast.Name)
        meaning = _MEANINGS.get(node.func.id)
        if meaning is None:
            return node
        names = [f"_{position}" for position in range(len(node.args))]
        tree = ast.parse(meaning.format(*names), mode="eval").body
        return put_in(tree, dict(zip(names, node.args, strict=True)))


class _Simplification(ast.NodeTransformer):
    def __init__(self, fractions: bool) -> None:
        self.fractions = fractions

    def visit_BinOp(self, node: ast.BinOp) -> Expression:
        left, right = self.visit(node.left), self.visit(node.right)
        computed = _computed(node.op, left, right, self.fractions)
        if computed is not None:
            return computed
        if isinstance(node.op, ast.Mult) and _is(left, 1):
            result: Expression = right
        elif isinstance(node.op, (ast.Mult, ast.Div, ast.Pow)) and _is(right, 1):
            result = left
        elif isinstance(node.op, ast.Add) and _is(left, 0):
            result = right
        elif isinstance(node.op, (ast.Add, ast.Sub)) and _is(right, 0):
            result = left
        elif (
            isinstance(node.op, ast.Mult)
            and isinstance(right, ast.BinOp)
            and isinstance(right.op, ast.Mult)
            and (together := _computed(node.op, left, right.left, self.fractions)) is not None
        ):
            result = ast.BinOp(together, ast.Mult(), right.right)
        else:
            result = ast.BinOp(left, node.op, right)
        return result


def _computed(
    op: ast.operator, left: Expression, right: Expression, fractions: bool
) -> Expression | None:
    """The result of adding, subtracting or multiplying two numbers, if they are whole."""
    function = _ARITHMETIC.get(type(op))
    a, b = _number_of(left), _number_of(right)
    if function is None or a is None or b is None:
        return None
    whole = a == int(a) and b == int(b) and not isinstance(op, ast.Div)
    if whole or (fractions and isinstance(op, (ast.Mult, ast.Div)) and b):
        return number(function(a, b))
    return None


def _number_of(tree: Expression) -> float | None:
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inner = _number_of(tree.operand)
        return None if inner is None else -inner
    if isinstance(tree, ast.Constant) and isinstance(tree.value, (int, float)):
        if isinstance(tree.value, bool):
            return None
        return tree.value if math.isfinite(tree.value) else None
    return None


def _is(tree: Expression, value: float) -> bool:
    return isinstance(tree, ast.Constant) and tree.value == value


def _copy(tree: Expression) -> Expression:
    """A copy that shares its leaves. `ast.NodeTransformer` writes into what it walks."""
    if isinstance(tree, Leaf):
        return tree
    fields: dict[str, Any] = {}
    for name, value in ast.iter_fields(tree):
        if isinstance(value, ast.expr):
            fields[name] = _copy(value)
        elif isinstance(value, list):
            fields[name] = [_copy(item) if isinstance(item, ast.expr) else item for item in value]
        else:
            fields[name] = value
    return type(tree)(**fields)


# -- deciding conditions --------------------------------------------------------------------------


class _UndecidedError(Exception):
    pass


_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OPPOSITES: Final = {
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "isnan": math.isnan,
    "abs": abs,
    "hypot": math.hypot,
}


def _evaluate(tree: Expression, values: Mapping[str, float]) -> Any:
    match tree:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Name(id="inf"):
            return math.inf
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, values)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, values)
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, values) for part in parts)
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(_evaluate(part, values) for part in parts)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            sides = [_evaluate(side, values) for side in (left, *rest)]
            pairs = zip(ops, sides, sides[1:], strict=False)
            return all(_COMPARISONS[type(op)](a, b) for op, a, b in pairs)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_evaluate(argument, values) for argument in arguments))
    raise _UndecidedError


def _negated(test: Expression) -> Expression:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return ast.Compare(test.left, [_OPPOSITES[type(test.ops[0])]()], test.comparators)
    return ast.UnaryOp(ast.Not(), test)

"""Formulas: the texts a rule is written in, and how a text becomes a function.

A formula is one Python expression, with optional bindings before it::

    x * y
    y * x ** (y - 1) if y != 0 else 0
    t = exp(-abs(x)); 2 * t / (1 + t * t)

It is parsed once. A *reading* of it (on Python floats, on arrays, on nodes) resolves the names
of the functions in a namespace and compiles the text to a plain function; this module knows
nothing of what the names mean.

Formulas come from the rule sheet and from people who write rules in Python (`scalar_rule`),
never from data; they are still parsed against an allow-list, so that a slip is reported where
it was made and every reader, printers and provers included, meets only the forms it knows.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any


class FormulaError(ValueError):
    """A formula that is not one of the forms a rule may be written in."""


_EXPRESSIONS = (
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.BoolOp,
    ast.IfExp,
    ast.Call,
    ast.Name,
    ast.Constant,
    ast.Tuple,
    ast.keyword,
)
_OPERATORS = (
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.boolop,
    ast.expr_context,
)
_REFUSED_OPERATORS = (
    ast.BitAnd,
    ast.BitOr,
    ast.BitXor,
    ast.LShift,
    ast.RShift,
    ast.Invert,
    ast.Is,
    ast.IsNot,
    ast.In,
    ast.NotIn,
)


@dataclass(frozen=True)
class Formula:
    """A parsed formula: bindings in order, then the expression.

    >>> Formula("t = x * x; t + 1").names
    frozenset({'x'})
    >>> Formula("x if x > 0 else import os")
    Traceback (most recent call last):
        ...
    autograd_bp.rules.formula.FormulaError: 'x if x > 0 else import os' is not a formula: ...
    """

    text: str

    def __post_init__(self) -> None:
        self._parsed  # noqa: B018  (a bad formula is refused where it is written)

    @cached_property
    def _parsed(self) -> tuple[tuple[tuple[str, ast.expr], ...], ast.expr]:
        try:
            statements = ast.parse(self.text.strip()).body
        except (SyntaxError, ValueError) as error:
            raise FormulaError(f"{self.text!r} is not a formula: {error}") from None
        bindings = []
        for statement in statements[:-1]:
            if not (
                isinstance(statement, ast.Assign)
                and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name)
            ):
                raise FormulaError(f"{self.text!r}: only `name = expression;` may come first")
            bindings.append((statement.targets[0].id, self._checked(statement.value)))
        if not statements or not isinstance(statements[-1], ast.Expr):
            raise FormulaError(f"{self.text!r} must end in an expression")
        return tuple(bindings), self._checked(statements[-1].value)

    def _checked(self, expression: ast.expr) -> ast.expr:
        for node in ast.walk(expression):
            allowed = isinstance(node, _EXPRESSIONS) or (
                isinstance(node, _OPERATORS) and not isinstance(node, _REFUSED_OPERATORS)
            )
            if isinstance(node, ast.Call):
                allowed = isinstance(node.func, ast.Name)
            elif isinstance(node, ast.Constant):
                allowed = node.value is None or isinstance(node.value, bool | int | float)
            if not allowed:
                piece = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
                raise FormulaError(
                    f"{self.text!r}: {piece!r} is not allowed; a formula has numbers, names, "
                    "+ - * / // % ** @, comparisons, and/or/not, `a if c else b`, and calls"
                )
        return expression

    @property
    def bindings(self) -> tuple[tuple[str, ast.expr], ...]:
        """The `name = expression` pairs before the result, in order."""
        return self._parsed[0]

    @property
    def expression(self) -> ast.expr:
        """The syntax tree of the result."""
        return self._parsed[1]

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name the formula takes from outside: arguments, parameters, functions."""
        free: set[str] = set()
        bound: set[str] = set()
        for name, expression in self.bindings:
            free |= _loaded(expression) - bound
            bound.add(name)
        return frozenset(free | (_loaded(self.expression) - bound))

    def with_result(self, template: str) -> Formula:
        """The formula `template` with this one's result in place of `{}`.

        >>> Formula("t = x * x; t + 1").with_result("g * {}").text
        't = x * x; g * (t + 1)'
        """
        result = f"({ast.unparse(self.expression)})"
        lines = [f"{name} = {ast.unparse(value)}" for name, value in self.bindings]
        return Formula("; ".join([*lines, template.replace("{}", result)]))


def _loaded(expression: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


def is_condition(formula: Formula) -> bool:
    """Whether the result is a truth value: as a partial it selects, rather than scales."""
    expression = formula.expression
    if isinstance(expression, ast.UnaryOp):
        return isinstance(expression.op, ast.Not)
    return isinstance(expression, ast.Compare | ast.BoolOp)


class _OnArrays(ast.NodeTransformer):
    """`a if c else b` becomes `where(c, a, b)`, and/or/not become logical functions."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return _call("where", *map(self.visit, (node.test, node.body, node.orelse)))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        function = "logical_and" if isinstance(node.op, ast.And) else "logical_or"
        return _fold(function, [self.visit(value) for value in node.values])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return _call("logical_not", operand)
        return ast.UnaryOp(node.op, operand)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        operands = [self.visit(value) for value in (node.left, *node.comparators)]
        pairs: list[ast.expr] = [
            ast.Compare(left, [operator], [right])
            for left, operator, right in zip(operands, node.ops, operands[1:], strict=False)
        ]
        return _fold("logical_and", pairs)


class _OnFloats(ast.NodeTransformer):
    """`x ** y` becomes `pow(x, y)`: Python's own gives a complex number for (-2.0) ** 0.5."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Pow):
            return _call("pow", left, right)
        return ast.BinOp(left, node.op, right)


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), list(arguments), [])


def _fold(function: str, values: list[ast.expr]) -> ast.expr:
    result = values[0]
    for value in values[1:]:
        result = _call(function, result, value)
    return result


def translated(formula: Formula, *, on_floats: bool) -> tuple[list[str], str]:
    """The source of a formula: the lines of its bindings, and its result.

    With `on_floats` the ternaries and comparisons stay Python's own; otherwise they act
    elementwise.

    >>> translated(Formula("t = x * x; t if x > 0 else 1"), on_floats=False)
    (['t = x * x'], 'where(x > 0, t, 1)')
    """
    transform: ast.NodeTransformer = _OnFloats() if on_floats else _OnArrays()
    lines = [
        f"{bound} = {ast.unparse(transform.visit(_copy(value)))}"
        for bound, value in formula.bindings
    ]
    return lines, ast.unparse(transform.visit(_copy(formula.expression)))


def compile_formula(
    formula: Formula,
    parameters: Iterable[str],
    resolve: Callable[[str], Any],
    *,
    name: str,
    on_floats: bool = False,
) -> Callable[..., Any]:
    """Compile `formula` to a function of `parameters`, by position.

    `resolve(name)` gives the meaning of every other name. With `on_floats` the ternaries and
    comparisons stay Python's own; otherwise they act elementwise.

    >>> import math
    >>> f = compile_formula(Formula("exp(x) if x > 0 else 1"), ["x"],
    ...                     {"exp": math.exp}.__getitem__, name="f", on_floats=True)
    >>> f(0.0), f(1.0)
    (1, 2.718281828459045)
    """
    parameters = list(parameters)
    lines, result = translated(formula, on_floats=on_floats)
    defined = f"rule_{name}"  # not a name a formula can call
    head = f"def {defined}({', '.join(parameters)}):"
    source = "\n    ".join([head, *lines, f"return {result}"]) + "\n"
    own = {parameter.lstrip("*").partition("=")[0] for parameter in parameters}
    meanings = {free: resolve(free) for free in free_names(source) - own}
    function = compile_source(source, defined, meanings, title=f"rule {name}: {formula.text}")
    return _direct(formula, parameters, meanings) or function


def free_names(source: str) -> set[str]:
    """The names that a function's source only reads."""
    names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names} - stored


def compile_source(
    source: str, defined: str, meanings: Mapping[str, Any], *, title: str
) -> Callable[..., Any]:
    """The function `defined` of a source that was made of checked formulas.

    A traceback through it shows the source, under the title.
    """
    scope = dict(meanings)
    file = f"<{title}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    exec(compile(source, file, "exec"), scope)  # noqa: S102  (checked against the allow-list)
    function: Callable[..., Any] = scope[defined]
    return function


def _direct(
    formula: Formula, parameters: list[str], meanings: Mapping[str, Any]
) -> Callable[..., Any] | None:
    """For a formula that only passes its arguments on, `f(x, y)`: f itself."""
    expression = formula.expression
    if (
        not formula.bindings
        and isinstance(expression, ast.Call)
        and isinstance(expression.func, ast.Name)
        and not expression.keywords
        and [ast.unparse(argument) for argument in expression.args] == parameters
    ):
        function: Callable[..., Any] | None = meanings.get(expression.func.id)
        return function
    return None


def _copy(expression: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(expression), mode="eval").body

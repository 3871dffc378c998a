"""Expressions typed by a person, computed with the engine's operations: never run as Python.

    evaluate("apple * n * tax", {"apple": Value(100.0), "n": Value(2.0), "tax": Value(1.1)})

What may stand in the text is decided in `expression_syntax`; this module gives it its meaning.
"""

import ast
import difflib
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from autograd_bp import graph
from autograd_bp.expression_syntax import (
    CONSTANTS,
    OPERATIONS,
    Expression,
    ExpressionError,
    function_name,
    parse,
)
from autograd_bp.graph import Node
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

__all__ = ["OPERATIONS", "Expression", "ExpressionError", "constant", "evaluate", "parse"]

MAX_ENTRIES: Final = 10_000_000
EXACT_INTEGERS: Final = 2**53

ARITHMETIC: Final[Mapping[type[ast.AST], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
# The operations whose result grows with a number that is written out.
GROWING: Final = frozenset({"broadcast_to", "one_hot", "pad", "repeat", "tile"})


def evaluate(expression: str | Expression, variables: Mapping[str, Node]) -> Value | Tensor:
    """The node that `expression` computes from the named nodes.

    Raises `ExpressionError`, with a pointer into the text, for anything not allowed, for a name
    without a value, and for an operation that fails (wrong shapes, an overflow).

    >>> price = evaluate("apple * n", {"apple": Value(100.0), "n": Value(2.0)})
    >>> price.data
    200.0
    """
    if isinstance(expression, str):
        expression = parse(expression)
    with np.errstate(all="ignore"):
        result = _Evaluation(expression, variables).operand(expression.tree)
    if isinstance(result, (list, tuple)):
        expression.refuse(f"this gives {len(result)} results, not one", expression.tree)
    data = graph.value(result) if isinstance(result, Node) else result
    if np.asarray(data).dtype.kind not in "fiu":
        hint = "A truth value chooses: where(x > 0, x, 0)."
        expression.refuse("this gives no number", expression.tree, hint)
    if isinstance(result, (Value, Tensor)):
        return result
    return Tensor(result) if isinstance(result, np.ndarray) else Value(float(result))


def constant(text: str) -> float | NDArray[np.float64]:
    """The number or array that `text` spells: `2`, `-1e3`, `pi / 2`, `inf`, `[[1, 2], [3, 4]]`.

    >>> constant("3 * 2 / 4")
    1.5
    >>> constant("[[1, 2], [3, 4]]")
    array([[1., 2.],
           [3., 4.]])
    """
    expression = parse(text)
    with np.errstate(all="ignore"):
        result = _Evaluation(expression, {"nan": math.nan}).operand(expression.tree)
    if isinstance(result, np.ndarray) and result.dtype.kind in "fiu":
        return result.astype(np.float64)
    if isinstance(result, (int, float)) and not isinstance(result, bool):
        return float(result)
    expression.refuse("this is neither a number nor an array of numbers", expression.tree)


class _Evaluation:
    """One walk over one tree. An operand is a node, a plain number or an array."""

    def __init__(self, expression: Expression, variables: Mapping[str, Any]) -> None:
        self.expression = expression
        # The parser gives names in this normal form.
        self.variables = {normalize("NFKC", name): value for name, value in variables.items()}

    def operand(self, part: ast.expr) -> Any:
        match part:
            case ast.Constant():
                return self.number(part)
            case ast.Name():
                return self.name(part)
            case ast.UnaryOp(op=sign, operand=inner):
                value = self.operand(inner)
                return (
                    self.apply(part, operator.neg, value) if isinstance(sign, ast.USub) else value
                )
            case ast.BinOp():
                return self.chain(part)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.combine(part, op, self.operand(left), right)
            case ast.Call():
                return self.call(part)
            case ast.Subscript(value=value, slice=index):
                array = self.operand(value)
                return self.apply(part, operator.getitem, array, self.index(index))
            case _:
                return self.array(part)

    def number(self, part: ast.Constant) -> Any:
        value = part.value
        if isinstance(value, int) and abs(value) > EXACT_INTEGERS:
            return self.apply(part, float, value)
        return value

    def name(self, part: ast.Name) -> Any:
        known = {**CONSTANTS, **self.variables}
        if part.id in known:
            return known[part.id]
        if part.id in OPERATIONS:
            reason = f"'{part.id}' is an operation"
            self.expression.refuse(reason, part, f"Give it an operand: {part.id}(x).")
        close = difflib.get_close_matches(part.id, known, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Give it one: {part.id}=2."
        self.expression.refuse(f"no value is given for '{part.id}'", part, hint)

    def chain(self, part: ast.expr) -> Any:
        """A chain of operators from its left end on, so that a long sum needs no deep recursion."""
        operations = []
        while isinstance(part, ast.BinOp):
            operations.append(part)
            part = part.left
        result = self.operand(part)
        for operation in reversed(operations):
            result = self.combine(operation, operation.op, result, operation.right)
        return result

    def combine(self, part: ast.expr, op: ast.AST, left: Any, right: ast.expr) -> Any:
        function = ARITHMETIC[type(op)]
        operands = (left, self.operand(right))
        if all(type(operand) in (int, float) for operand in operands):
            return self.apply(part, _plain, function, *operands)
        return self.apply(part, function, *operands)

    def array(self, part: ast.expr) -> NDArray[np.float64]:
        entries = self.entries(part)
        result: NDArray[np.float64] = self.apply(part, np.array, entries, dtype=np.float64)
        return result

    def entries(self, part: ast.expr) -> Any:
        if isinstance(part, (ast.List, ast.Tuple)):
            return [self.entries(entry) for entry in part.elts]
        value = self.operand(part)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        hint = "To join values that are not plain numbers write stack([x, y])."
        self.expression.refuse("an array is written with plain numbers", part, hint)

    def call(self, part: ast.Call) -> Any:
        name = function_name(part)
        if name in self.variables:
            self.expression.refuse(f"'{name}' is a value here, not an operation", part.func)
        arguments = [self.argument(argument) for argument in part.args]
        keywords = {str(word.arg): self.argument(word.value) for word in part.keywords}
        if name in GROWING:
            self.check_growth(part, [*arguments, *keywords.values()])
        return self.apply(part, OPERATIONS[name], *arguments, **keywords)

    def argument(self, part: ast.expr) -> Any:
        """An argument of a call: an operand, or a flag, a word, a tuple, a list of operands."""
        match part:
            case ast.Constant(value=bool() | str() | None as value):
                return value
            case ast.Tuple(elts=entries):
                return tuple(self.argument(entry) for entry in entries)
            case ast.List(elts=entries):
                values = [self.argument(entry) for entry in entries]
                plain = all(isinstance(value, (int, float, np.ndarray)) for value in values)
                return self.array(part) if plain else values
            case _:
                return self.operand(part)

    def index(self, part: ast.expr) -> Any:
        match part:
            case ast.Constant(value=value):
                return value
            case ast.Tuple(elts=entries):
                return tuple(self.index(entry) for entry in entries)
            case ast.List(elts=entries):
                return [self.index(entry) for entry in entries]
            case ast.Slice(lower=lower, upper=upper, step=step):
                bounds = (lower, upper, step)
                return slice(*(None if bound is None else self.index(bound) for bound in bounds))
        value = self.operand(part)
        if isinstance(value, int):
            return value
        self.expression.refuse("an index is a whole number", part, "Such as x[0], x[-1], x[1:3].")

    def apply(
        self, part: ast.expr, function: Callable[..., Any], *operands: Any, **words: Any
    ) -> Any:
        """`function` of the operands; whatever goes wrong is reported at `part`."""
        try:
            result = function(*operands, **words)
        except MemoryError:
            self.expression.refuse("this needs more memory than there is", part)
        except OverflowError:
            self.expression.refuse("this is too large for a floating-point number", part)
        except (ValueError, TypeError, ArithmeticError, LookupError) as error:
            self.expression.refuse(str(error) or type(error).__name__, part)
        if isinstance(result, complex):
            self.expression.refuse("this is not a real number", part)
        self.check_size(part, np.size(graph.value(result)) if isinstance(result, Node) else 0)
        return result

    def check_growth(self, part: ast.expr, arguments: list[Any]) -> None:
        """Refuse a result that is far too large before it is made."""
        sizes = [np.size(graph.value(a)) for a in arguments if isinstance(a, Node)]
        factors = [max(1, abs(number)) for number in _numbers(arguments)]
        self.check_size(part, math.prod(factors) * max(sizes, default=1))

    def check_size(self, part: ast.expr, entries: float) -> None:
        if entries > MAX_ENTRIES:
            reason = f"this has some {entries:.0e} entries; at most {MAX_ENTRIES:.0e} are computed"
            self.expression.refuse(reason, part)


def _plain(function: Callable[[Any, Any], Any], left: float, right: float) -> Any:
    """Arithmetic on two plain numbers in floating point, so that no power runs away.

    Two integers give an integer where that is exact: a shape may be written `(2 * 3, 4)`.
    """
    result = function(float(left), float(right))
    whole = isinstance(left, int) and isinstance(right, int) and isinstance(result, float)
    if whole and result.is_integer() and abs(result) <= EXACT_INTEGERS:
        return int(result)
    return result


def _numbers(argument: Any) -> list[float]:
    if isinstance(argument, (list, tuple)):
        return [number for entry in argument for number in _numbers(entry)]
    return [argument] if type(argument) in (int, float) else []

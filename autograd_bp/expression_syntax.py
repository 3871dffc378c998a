"""Which expressions are allowed: the text is parsed and every part held against an allow-list.

Nothing is computed here. What is not on the list is refused with an `ExpressionError` that shows
the text, points at the part, and says what would do instead.
"""

import ast
import difflib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Never

from autograd_bp import linalg
from autograd_bp.functions import PUBLIC
from autograd_bp.text_width import text_width

MAX_LENGTH: Final = 10_000
MAX_DEPTH: Final = 100

CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi, "e": math.e, "inf": math.inf}
OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **PUBLIC,
    **{f"linalg.{name}": getattr(linalg, name) for name in linalg.__all__},
}
ALLOWED: Final = """\
Allowed: names with a value, numbers, pi, e, inf, + - * / // % ** @, comparisons,
arrays such as [[1, 2], [3, 4]], x[0], x[1:3], and operations such as exp(x), sum(x, axis=0)."""
OPERATORS: Final = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
    ast.MatMult,
)
SIGNS: Final = (ast.USub, ast.UAdd)
COMPARISONS: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
NAMES_OF_THE_REFUSED: Final[Mapping[type[ast.AST], str]] = {
    ast.Attribute: "a dot after a value",
    ast.BoolOp: "'and' or 'or'",
    ast.Compare: "a chain of comparisons",
    ast.IfExp: "'if ... else'",
    ast.Lambda: "'lambda'",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "':='",
    ast.Starred: "a star before an argument",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.Slice: "a slice",
    ast.Tuple: "a tuple",
    ast.BitXor: "'^'",
    ast.BitAnd: "'&'",
    ast.BitOr: "'|'",
    ast.LShift: "'<<'",
    ast.RShift: "'>>'",
    ast.Not: "'not'",
    ast.Invert: "'~'",
}
INSTEAD: Final[Mapping[type[ast.AST], str]] = {
    ast.Attribute: "An operation takes its operand in brackets: sum(x), transpose(x).",
    ast.BitXor: "A power is written x ** 2.",
    ast.BoolOp: "To choose between two values write where(condition, a, b).",
    ast.Compare: "A comparison has two sides: x > 0.",
    ast.IfExp: "To choose between two values write where(condition, a, b).",
}

# Where a part of the tree stands: as a value, as an argument of a call, or in square brackets.
Place = Literal["operand", "argument", "index"]


class ExpressionError(ValueError):
    """An expression that cannot be computed: says why, points at the place, says what would do.

    `reason`, `text`, the span `start`..`end` in it and `hint` are the pieces of the message.
    """

    def __init__(self, reason: str, text: str, start: int, end: int, hint: str = "") -> None:
        self.reason, self.text, self.start, self.end, self.hint = reason, text, start, end, hint
        super().__init__("\n".join(filter(None, (reason, _pointer(text, start, end), hint))))


@dataclass(frozen=True)
class Expression:
    """An expression that passed the allow-list: its text, its tree, and the names in it."""

    text: str
    tree: ast.expr
    names: tuple[str, ...]

    def refuse(self, reason: str, part: ast.expr, hint: str = "") -> Never:
        """Raise an `ExpressionError` that points at `part`."""
        _refuse(self.text, reason, part, hint)


def parse(text: str) -> Expression:
    """Read an expression; raises `ExpressionError` where it holds anything not allowed.

    >>> parse("apple * n * tax").names
    ('apple', 'n', 'tax')
    >>> parse("apple ^ 2")
    Traceback (most recent call last):
    autograd_bp.expression_syntax.ExpressionError: '^' is not allowed here
      apple ^ 2
            ^
    A power is written x ** 2.
    """
    text = text.translate(dict.fromkeys(map(ord, "\t\n\v\f\r"), " ")).strip()
    tree = _syntax_tree(text)
    names: dict[str, None] = {}
    waiting: list[tuple[ast.expr, Place, int]] = [(tree, "operand", 0)]
    while waiting:
        part, place, depth = waiting.pop()
        if depth > MAX_DEPTH:
            _refuse(text, f"this is nested more than {MAX_DEPTH} deep", part)
        if isinstance(part, ast.Name):
            names.setdefault(part.id)
        children = list(_children(text, part, place))
        # A long sum is a chain down its left side; it is as shallow as it looks.
        flat = isinstance(part, ast.BinOp)
        waiting.extend(
            (child, where, depth if flat and child is children[0][0] else depth + 1)
            for child, where in reversed(children)
        )
    return Expression(text, tree, tuple(names))


def function_name(call: ast.Call) -> str:
    """The name that a call is made by, with its dots (`linalg.norm`), or "" if it has none."""
    parts = []
    function = call.func
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    return ".".join([function.id, *reversed(parts)]) if isinstance(function, ast.Name) else ""


def _syntax_tree(text: str) -> ast.expr:
    if not text:
        raise ExpressionError("the expression is empty", text, 0, 0, ALLOWED)
    if len(text) > MAX_LENGTH:
        reason = f"the expression has {len(text)} characters; at most {MAX_LENGTH} are read"
        raise ExpressionError(reason, text, MAX_LENGTH, len(text))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        start = min(max((error.offset or 1) - 1, 0), len(text) - 1)
        hint = ""
        if "=" in text[start : start + 2] or "'='" in error.msg:
            hint = "Values stand after the expression, each as an argument: name=2."
        reason = f"this is not an expression: {error.msg.partition('. ')[0]}"
        raise ExpressionError(reason, text, start, start + 1, hint or ALLOWED) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("this is nested too deeply", text, 0, len(text)) from None
    except ValueError as error:  # null characters, lone surrogates
        raise ExpressionError(f"this text cannot be read: {error}", text, 0, len(text)) from None


def _children(text: str, part: ast.expr, place: Place) -> Iterator[tuple[ast.expr, Place]]:
    """The parts of an allowed part; anything not allowed raises."""
    match part:
        case ast.Constant(value=value):
            _check_constant(text, part, value, place)
        case ast.Name():
            pass
        case ast.BinOp(left=left, op=op, right=right):
            if not isinstance(op, OPERATORS):
                _refuse_kind(text, op, _between(text, left, right))
            yield from ((left, "operand"), (right, "operand"))
        case ast.UnaryOp(op=op, operand=operand):
            if not isinstance(op, SIGNS):
                _refuse_kind(text, op, _span(text, part))
            yield operand, "operand"
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if not isinstance(op, COMPARISONS):
                _refuse_kind(text, op, _between(text, left, right))
            yield from ((left, "operand"), (right, "operand"))
        case ast.List(elts=entries) | ast.Tuple(elts=entries):
            yield from ((entry, place) for entry in entries)
        case ast.Call(args=arguments, keywords=keywords):
            _check_function(text, part)
            yield from ((argument, "argument") for argument in arguments)
            for keyword in keywords:
                if keyword.arg is None:
                    _refuse(text, "'**' before an argument is not allowed", keyword.value)
                yield keyword.value, "argument"
        case ast.Subscript(value=value, slice=index):
            yield from ((value, "operand"), (index, "index"))
        case ast.Slice(lower=lower, upper=upper, step=step) if place == "index":
            yield from ((bound, "index") for bound in (lower, upper, step) if bound is not None)
        case _:
            _refuse_kind(text, part, _span(text, part))


def _check_constant(text: str, part: ast.expr, value: object, place: Place) -> None:
    allowed: tuple[type, ...] = (int, float)
    if place == "argument":
        allowed += (str, bool, type(None))
    elif place == "index":
        allowed = (int, type(None), type(...))
    if not isinstance(value, allowed) or (isinstance(value, bool) and place != "argument"):
        what = ast.unparse(part)
        shown = what if len(what) <= 20 else f"{what[:17]}..."
        _refuse(text, f"{shown} is not allowed here: this place takes a number", part)


def _check_function(text: str, call: ast.Call) -> None:
    name = function_name(call)
    if name in OPERATIONS:
        return
    if not name:
        _refuse(text, "only an operation can be called, by its name", call.func, ALLOWED)
    last = name.rpartition(".")[2]
    same = [known for known in OPERATIONS if known.rpartition(".")[2] == last]
    close = same or difflib.get_close_matches(name, OPERATIONS, n=3)
    hint = f"Did you mean {' or '.join(close)}?" if close else ALLOWED
    _refuse(text, f"there is no operation '{name}'", call.func, hint)


def _refuse_kind(text: str, kind: ast.AST, span: tuple[int, int]) -> Never:
    name = NAMES_OF_THE_REFUSED.get(type(kind), f"'{type(kind).__name__.lower()}'")
    hint = INSTEAD.get(type(kind), ALLOWED)
    raise ExpressionError(f"{name} is not allowed here", text, *span, hint)


def _refuse(text: str, reason: str, part: ast.expr, hint: str = "") -> Never:
    raise ExpressionError(reason, text, *_span(text, part), hint)


def _span(text: str, part: ast.expr) -> tuple[int, int]:
    """Where a part begins and ends, in characters (the tree counts bytes)."""
    data = text.encode()
    start, end = data[: part.col_offset], data[: part.end_col_offset]
    return len(start.decode()), len(end.decode())


def _between(text: str, left: ast.expr, right: ast.expr) -> tuple[int, int]:
    """Where the operator between two operands stands."""
    start, end = _span(text, left)[1], _span(text, right)[0]
    between = text[start:end]
    start += len(between) - len(between.lstrip(" )"))
    return start, start + len(between.strip(" ()"))


def _pointer(text: str, start: int, end: int, room: int = 76) -> str:
    """The part of `text` around `start`, and below it a line of carets up to `end`."""
    first = max(0, min(start - room // 3, len(text) - room))
    last = min(len(text), first + room)
    end = min(end, last)
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    lead, tail = "..." * (first > 0), "..." * (last < len(text))
    indent = " " * text_width(lead + shown[first:start])
    carets = "^" * max(1, text_width(shown[start:end]))
    return f"  {lead}{shown[first:last]}{tail}\n  {indent}{carets}"

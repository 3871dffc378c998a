"""Values given on a command line: `apple=100 x=[1,2,3]` becomes named leaves of a graph."""

import keyword
from collections.abc import Iterable
from difflib import get_close_matches
from unicodedata import normalize

from autograd_bp import Tensor, Value
from autograd_bp.expression import Expression, ExpressionError, constant

CONSTANTS = ("pi", "e")


class AssignmentError(ValueError):
    """A `name=value` that cannot be used; the message says which and what would do."""


def leaves(expression: Expression, assignments: Iterable[str]) -> dict[str, Value | Tensor]:
    """The named leaf for each `name=value`: a `Value` for a number, a `Tensor` for an array.

    Every name must stand in the expression, and none may be given twice. (A name in the
    expression that has no value is reported when it is computed, where it stands.)

    >>> from autograd_bp.expression import parse
    >>> given = leaves(parse("apple * x"), ["apple=100", "x=[1, 2]"])
    >>> given["apple"].data, given["x"].shape
    (100.0, (2,))
    """
    given: dict[str, Value | Tensor] = {}
    for assignment in assignments:
        name, leaf = _leaf(assignment)
        if name in given:
            raise AssignmentError(f"{name} is given twice: the second time as {assignment}")
        if name not in expression.names:
            raise AssignmentError(_unused(name, expression))
        given[name] = leaf
    return given


def _leaf(assignment: str) -> tuple[str, Value | Tensor]:
    name, equals, text = (part.strip() for part in assignment.partition("="))
    name = normalize("NFKC", name)
    if not equals:
        raise AssignmentError(
            f"'{assignment}' is not of the form name=value. "
            "(Is the expression in quotes? A shell reads a bare * as file names.)"
        )
    if not name.isidentifier():
        raise AssignmentError(f"'{name}' is not a name: use letters, digits and _, as in x1=2")
    if keyword.iskeyword(name):
        raise AssignmentError(f"'{name}' has a meaning of its own in an expression: use {name}_")
    if not text:
        raise AssignmentError(f"{name} has no value: write {name}=2 or {name}=[1,2,3]")
    try:
        value = constant(text)
    except ExpressionError as error:
        raise AssignmentError(f"the value of {name}: {error}") from None
    return name, Value(value, name=name) if isinstance(value, float) else Tensor(value, name=name)


def _unused(name: str, expression: Expression) -> str:
    wanted = [known for known in expression.names if known not in CONSTANTS]
    close = get_close_matches(name, wanted, n=1)
    if close:
        return f"the expression has no '{name}'; did you mean {close[0]}?"
    names = ", ".join(wanted) or "no names"
    return f"the expression has no '{name}'; it has {names}"

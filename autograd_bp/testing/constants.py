"""The numbers that a rule's formulas or a function's code mention: what it may compare with."""

from __future__ import annotations

import ast
import math
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from autograd_bp.function import Function
from autograd_bp.rules import Rule

_LARGEST = 1e6
_DEEPEST = 4


def constants_of_row(rule: Rule) -> tuple[float, ...]:
    """The numbers in a row's formula and partials, of either sign."""
    return _of_either_sign(_in_row(rule))


def constants_in_code(checked: Any) -> tuple[float, ...]:
    """The numbers in a function's code, in what it calls, and in the attributes of a `Function`."""
    return _of_either_sign(_in_anything(checked, 0, set()))


def _of_either_sign(numbers: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted({sign * number for number in numbers for sign in (1.0, -1.0)}))


def _in_row(rule: Rule) -> Iterator[float]:
    for formula in (rule.formula, *rule.partials):
        if formula is not None:
            expressions = [value for _, value in formula.bindings] + [formula.expression]
            for expression in expressions:
                for node in ast.walk(expression):
                    if isinstance(node, ast.Constant):
                        yield from _as_number(node.value)


def _as_number(value: Any) -> Iterator[float]:
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if is_number and not isinstance(value, bool) and math.isfinite(value):
        yield float(value)


def _in_anything(value: Any, depth: int, seen: set[int]) -> Iterator[float]:
    if id(value) in seen or depth > _DEEPEST:
        return
    seen.add(id(value))
    if isinstance(value, types.FunctionType):
        rule = getattr(value, "rule", None)
        if isinstance(rule, Rule):
            yield from _in_row(rule)
        elif not _is_the_engine(value.__module__):
            yield from _in_function(value, depth, seen)
    elif isinstance(value, types.MethodType):
        yield from _in_anything(value.__func__, depth, seen)
        yield from _in_anything(value.__self__, depth, seen)
    elif isinstance(value, Function):
        for owner in (value, *type(value).__mro__):
            if owner is Function:
                break
            for attribute in vars(owner).values():
                yield from _in_anything(attribute, depth + 1, seen)
    else:
        yield from (number for number in _as_number(value) if abs(number) <= _LARGEST)


def _in_function(function: types.FunctionType, depth: int, seen: set[int]) -> Iterator[float]:
    codes = [function.__code__]
    for code in codes:  # grows as functions inside are found
        codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        for constant in code.co_consts:
            yield from (x for x in _as_number(constant) if abs(x) <= _LARGEST)
        for name in code.co_names:
            if name in function.__globals__:
                yield from _in_anything(function.__globals__[name], depth + 1, seen)
    inside = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for value in (*inside, *defaults):
        yield from _in_anything(value, depth + 1, seen)


def _is_filled(cell: types.CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _is_the_engine(module: str | None) -> bool:
    return (module or "").partition(".")[0] in ("autograd_bp", "numpy")

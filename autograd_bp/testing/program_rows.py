"""Which rows of the sheet can stand in a random program, and how each is written as a call."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_bp.functions import PUBLIC
from autograd_bp.rules import ARRAY, ROWS, Formula, Rule
from autograd_bp.testing.calls import CALLS

OPERATORS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "floor_divide": "{0} // {1}",
    "mod": "{0} % {1}",
    "pow": "{0} ** {1}",
    "matmul": "{0} @ {1}",
    "neg": "-{0}",
    "abs": "abs({0})",
}
"""Rows that are also written as an operator, whose method on a node is a path of its own."""

# Calls of another form than `ab.name(operands, parameter=...)`.
_CALLS = {
    "getitem": "{0}[{index}]",
    "index_set": "ab.at({0}, np.s_[{index}]).set({1})",
    "pad": "ab.pad({0}, {width}, constant_values={value})",
    "norm2": "ab.linalg.norm({0}, axis={axis}, keepdims={keepdims})",
    "norm_p": "ab.linalg.norm({0}, {p}, axis={axis}, keepdims={keepdims})",
    "einsum": "ab.einsum({subscripts}, {all})",
}

# How operands and parameters are drawn, for rows that have a way of their own.
_OWN_WAY = frozenset(
    "matmul chain_matmul chain_matmul_both linear_recurrence einsum index_set getitem pad norm2 "
    "norm_p broadcast_to reshape transpose roll flip cumsum cumprod softmax log_softmax "
    "concatenate stack".split()
)

COMMUTATIVE = frozenset("add mul maximum minimum hypot logaddexp logaddexp2".split())
"""Rows whose two operands can change places without changing a bit of the result."""


@dataclass(frozen=True)
class Operation:
    """A row that a program may use.

    Attributes
    ----------
    rule
        The row.
    call
        The call, with places for the operands and parameters.
    group
        What kind of step it makes: arithmetic, elementwise, flat (all derivatives are zero),
        selection, reduction, structure or product.
    """

    rule: Rule
    call: str
    group: str


def operations(names: Iterable[str] | None = None) -> dict[str, Operation]:
    """The rows a program may use, by name; all that can be, or those of `names`.

    Raises
    ------
    ValueError
        If a name is not a row, or one that cannot stand in a program: see `left_out`.

    >>> operations()["sum"].call
    'ab.sum({all}, axis={axis}, keepdims={keepdims})'
    """
    reasons = left_out()
    if names is None:
        usable = [name for name in ROWS if name not in reasons]
    else:
        usable = list(names)
        for name in usable:
            if name not in ROWS or name in reasons:
                raise ValueError(f"{name!r}: {reasons.get(name, 'not a row of the sheet')}")
    return {name: Operation(ROWS[name], _call(ROWS[name]), _group(ROWS[name])) for name in usable}


def left_out() -> dict[str, str]:
    """The rows that cannot stand in a program, each with the reason.

    A new elementwise row joins by itself, and so does a new reduction along `axis` with
    `keepdims` (and perhaps `ddof`), a linear row with an `axis` or no parameter, and any row with
    calls in `CALLS`.
    """
    reasons = {}
    for name, rule in ROWS.items():
        unknown = [p for p in rule.params if p not in ("axis", "keepdims", "ddof", *rule.defaults)]
        if name in _OWN_WAY:
            continue
        if name in ("spread", "sum_to", "scatter"):
            reasons[name] = "an adjoint: it comes in with gradients of gradients"
        elif name in ("astype", "item"):
            reasons[name] = "changes the kind of a result, not its numbers"
        elif name in CALLS:
            continue
        elif unknown:
            reasons[name] = f"nobody knows what to draw for {', '.join(unknown)}"
        elif rule.kind != "elementwise" and (len(rule.args) > 1 or rule.variadic):
            reasons[name] = "nobody knows which shapes fit together"
        elif rule.kind == "general" and rule.params != ("axis",):
            reasons[name] = "nobody knows what shapes it takes"
    return reasons


def _call(rule: Rule) -> str:
    if rule.name in _CALLS:
        return _CALLS[rule.name]
    operands = "[{all}]" if rule.variadic else "{all}"
    public = PUBLIC.get(rule.name)
    if public is None or not set(rule.params) <= inspect.signature(public).parameters.keys():
        params = "".join(f"{{{name}}}, " for name in rule.params)
        return f'ab.operations.apply(ab.rules.ROWS["{rule.name}"], ({{all}},), ({params}))'
    return f"ab.{rule.name}({', '.join([operands, *(f'{p}={{{p}}}' for p in rule.params)])})"


def _group(rule: Rule) -> str:
    if rule.kind == "elementwise":
        if all(vjp is None for vjp in rule.vjp):
            return "flat"
        if rule.args[0] == "condition":
            return "selection"
        smooth = rule.name in OPERATORS and len(rule.args) == 2 and is_analytic(rule)
        return "arithmetic" if smooth else "elementwise"
    if rule.name in ("matmul", "chain_matmul", "chain_matmul_both", "einsum"):
        return "product"
    return "reduction" if "keepdims" in rule.params else "structure"


# -- analytic rows --------------------------------------------------------------------------------

_ANALYTIC_FUNCTIONS = frozenset(
    "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan arcsin arccos arctan sinh cosh tanh "
    "arcsinh arccosh arctanh sum mean prod cumsum cumprod linear_recurrence matmul einsum "
    "broadcast_to reshape transpose flip roll getitem index_set pad concatenate stack where "
    "pi ln2 ln10 log2_e log10_e".split()
)
"""NumPy's functions that are analytic on complex arrays. Not: abs, sign, hypot, arctan2, cbrt and
what compares or conjugates (max, var, norm). `where` chooses by a condition on real parts."""

_ANALYTIC_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd)


def is_analytic(rule: Rule) -> bool:
    """Whether the row's array reading is right on complex numbers, as its formula tells.

    >>> is_analytic(ROWS["tanh"]), is_analytic(ROWS["abs"]), is_analytic(ROWS["var"])
    (True, False, False)
    """
    formula = rule.formula
    expressions = [*(value for _, value in formula.bindings), formula.expression]
    return all(map(_uses_analytic_operators, expressions)) and all(
        _is_analytic_name(name) for name in _functions(rule, formula)
    )


def _functions(rule: Rule, formula: Formula) -> frozenset[str]:
    return formula.names - {*rule.args, *rule.params} - {name for name, _ in formula.bindings}


def _is_analytic_name(name: str) -> bool:
    if name in _ANALYTIC_FUNCTIONS:
        return True
    return name not in ARRAY.primitives and name in ROWS and is_analytic(ROWS[name])


def _uses_analytic_operators(expression: ast.expr) -> bool:
    return all(
        not isinstance(node, ast.IfExp | ast.Compare | ast.BoolOp)
        and (
            not isinstance(node, ast.operator | ast.unaryop)
            or isinstance(node, _ANALYTIC_OPERATORS)
        )
        for node in ast.walk(expression)
    )


# -- texts ----------------------------------------------------------------------------------------


def written(call: str, operands: Iterable[str], params: Mapping[str, Any]) -> str:
    """The call with operands and parameters in their places.

    >>> written("{0}[{index}]", ["x"], {"index": (slice(None, None, -1), 0)})
    'x[::-1, 0]'
    """
    texts = list(operands)
    settings = {
        name: index_text(setting) if name == "index" else _setting_text(setting)
        for name, setting in params.items()
    }
    return call.format(*texts, all=", ".join(texts), **settings)


def _setting_text(setting: Any) -> str:
    if not isinstance(setting, np.ndarray):
        return repr(setting)
    return f"np.array({setting.tolist()!r}, np.{setting.dtype})"


def constant_text(constant: Any) -> str:
    """A number or an array as Python text.

    >>> constant_text(-2.0), constant_text(np.array([1.0, 2.0], np.float32))
    ('(-2.0)', 'np.array([1.0, 2.0], np.float32)')
    """
    if not isinstance(constant, np.ndarray):
        return f"({constant!r})" if constant < 0 else repr(constant)
    dtype = "" if constant.dtype == np.float64 else f", np.{constant.dtype}"
    return f"np.array({constant.tolist()!r}{dtype})"


def index_text(index: tuple[Any, ...]) -> str:
    """What stands between the brackets.

    >>> index_text((Ellipsis, slice(1, 2), None, [0, -1])), index_text(())
    ('..., 1:2, None, [0, -1]', '()')
    """
    return ", ".join(map(_part_text, index)) or "()"


def _part_text(part: Any) -> str:
    if part is Ellipsis:
        return "..."
    if isinstance(part, slice):
        ends = [part.start, part.stop] + ([part.step] if part.step is not None else [])
        return ":".join("" if end is None else str(end) for end in ends)
    return repr(part)

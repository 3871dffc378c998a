"""Rules of the sheet as source for Values: a method that records, and the step backward.

A graph of Values has millions of nodes that each do next to nothing, so a call and a tuple more or
less per node is what counts. The formula and the derivatives of a rule are therefore written out
in one function each, on the slots of the nodes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from autograd_bp.node import next_serial
from autograd_bp.recording import unusual
from autograd_bp.rules import SCALAR, Rule
from autograd_bp.rules.formula import Formula, compile_source, free_names, translated

_ARITHMETIC = (ast.BinOp, ast.UnaryOp)

_RECORD = """
    if not _unusual.threads:
        if {needed}:
            _node = _new(_class)
            _node._value = {data}
            _node._left = {left}
            _node._right = {right}
            _node._x = {x}{y}
            _node.rule = _rule
            _node.serial = _next_serial()
            _node.requires_grad = True
            _node.grad = _node._notes = None
            return _node
        return _class({data}, None, False)
    return _result(_rule, ({x},{other}), ({left}, {right})[:{count}], (), {data})
"""

_UNARY = """
def {defined}(_left):
    {x} = _left._value
    try:
        {compute}
    except (ArithmeticError, ValueError):
        _data = _compute(_rule, ({x},))
{record}"""

_REFLECTED = """
def {defined}(_right, _left):
    _left, {x} = _operand(_left)
    if {x} is NotImplemented:
        return NotImplemented
    {y} = _right._value
    try:
        {compute}
    except (ArithmeticError, ValueError):
        _data = _compute(_rule, ({x}, {y}))
{record}"""

_BINARY = """
def {defined}(_left, _right):
    if type(_right) is _class:
        {y} = _right._value
    else:
        _right, {y} = _operand(_right)
        if {y} is NotImplemented:
            return NotImplemented
    {x} = _left._value
    try:
        {compute}
    except (ArithmeticError, ValueError):
        _data = _compute(_rule, ({x}, {y}))
{record}"""


def method(
    cls: type,
    rule: Rule,
    *,
    operand: Callable[[Any], tuple[Any, Any]],
    compute: Callable[..., float],
    result: Callable[..., Any],
    reflected: bool = False,
) -> Callable[..., Any]:
    """The method of `cls`, the class of Values, that applies a rule with one or two arguments.

    `operand` takes what is no `cls` and gives a parent, or None, and its number, NotImplemented for
    what cannot be one; `compute` knows what a rule gives where floats raise; `result` makes the
    node when somebody watches, or a leaf when nothing is recorded. `reflected` is for `__radd__`
    and its like.
    """
    lines, expression = translated(rule.formula, on_floats=True)
    if not isinstance(rule.formula.expression, _ARITHMETIC):
        expression = f"float({expression})"
    x, *others = rule.args
    y = others[0] if others else ""
    needed = "_left.requires_grad"
    if others:
        needed += " or (_right is not None and _right.requires_grad)"
    if reflected:
        needed = "_right.requires_grad or (_left is not None and _left.requires_grad)"
    record = _RECORD.format(
        needed=needed,
        data="_data",
        left="_left",
        right="_right" if others else "None",
        x=x,
        y=f"\n            _node._y = {y}" if others else "",
        other=f" {y}" if others else "",
        count=len(rule.args),
    )
    defined = f"value_{rule.name}"
    template = _REFLECTED if reflected else _BINARY if others else _UNARY
    source = template.format(
        defined=defined,
        x=x,
        y=y,
        compute="\n        ".join([*lines, f"_data = {expression}"]),
        record=record,
    )
    given = {
        "_class": cls,
        "_new": cls.__new__,
        "_unusual": unusual,
        "_rule": rule,
        "_next_serial": next_serial,
        "_operand": operand,
        "_compute": compute,
        "_result": result,
    }
    return _compiled(source, defined, given, f"rule {rule.name} on Values: {rule.formula.text}")


def step_back(rule: Rule) -> Callable[[Any], None]:
    """The function that adds what a node made by `rule` sends back to the `.grad` of its parents.

    The rule has one or two arguments and no parameters; `.grad` of the node and of its parents are
    floats. May raise ArithmeticError or ValueError, having done half of its work, where floats do.
    """
    body: list[str] = []
    for slot, vjp in zip(("_left", "_right"), rule.vjp, strict=False):
        if vjp is not None:
            body += _sent(slot, vjp)
    used = free_names("\n".join(["def _():", *body, "    pass"]))
    known = {"g": "grad", "out": "_value", **dict(zip(rule.args, ("_x", "_y"), strict=False))}
    read = [f"    {name} = _node.{slot}" for name, slot in known.items() if name in used]
    defined = f"step_back_{rule.name}"
    source = "\n".join([f"def {defined}(_node):", *read, *body, "    return None", ""])
    return _compiled(source, defined, {}, f"rule {rule.name} backward on Values")


def _sent(slot: str, vjp: Formula) -> list[str]:
    lines, expression = translated(vjp, on_floats=True)
    return [
        f"    _parent = _node.{slot}",
        "    if _parent is not None and _parent.requires_grad:",
        *(f"        {line}" for line in lines),
        f"        _parent.grad += {expression}",
    ]


def _compiled(source: str, defined: str, given: dict[str, Any], title: str) -> Callable[..., Any]:
    python = {kind.__name__: kind for kind in (float, type, ArithmeticError, ValueError)}
    meanings = {"NotImplemented": NotImplemented, **python, **given}
    parameters = {node.arg for node in ast.walk(ast.parse(source)) if isinstance(node, ast.arg)}
    for name in free_names(source) - parameters - meanings.keys():
        meanings[name] = SCALAR.resolve(name)
    return compile_source(source, defined, meanings, title=title)

"""Elementwise operations under NumPy's names, made from the rows of the sheet."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.node import Node
from autograd_bp.operations import apply, joined, plain, read_only, without_history
from autograd_bp.rules import ROWS, Rule

# NumPy's names for rows that are called otherwise on the sheet.
_OTHER_NAMES = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "remainder": "mod",
    "power": "pow",
    "negative": "neg",
    "positive": "identity",
    "absolute": "abs",
    "fabs": "abs",
    "radians": "deg2rad",
    "degrees": "rad2deg",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
}


def operation(rule: Rule, name: str) -> Callable[..., Any]:
    """The public function of an elementwise row."""
    n = len(rule.args)
    positional, either = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter(argument, positional) for argument in rule.args]
        + [
            inspect.Parameter(
                parameter, either, default=rule.defaults.get(parameter, inspect.Parameter.empty)
            )
            for parameter in rule.params
        ]
    )

    def function(*operands: Any, **settings: Any) -> Any:
        if not rule.params and len(operands) == n and not settings:
            return apply(rule, operands)
        try:
            bound = signature.bind(*operands, **settings)
        except TypeError as error:
            raise TypeError(f"{name}{signature}: {error}") from None
        bound.apply_defaults()
        for parameter in rule.params:
            if isinstance(bound.arguments[parameter], Node):
                raise TypeError(f"{name}: {parameter} is a plain number; no derivative is by it")
        return apply(rule, bound.args[:n], bound.args[n:])

    function.__name__ = function.__qualname__ = name
    function.__module__ = "autograd_bp"
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__doc__ = describe(rule)
    function.rule = rule  # type: ignore[attr-defined]
    return function


def describe(rule: Rule) -> str:
    """A docstring from a row."""
    lines = [
        f"``{rule.formula.text}``, elementwise, with broadcasting.",
        "",
        "Derivatives, from the rule sheet (`out` is the result):",
        "",
        *(
            f"- by {argument}: ``{'0' if partial is None else partial.text}``"
            for argument, partial in zip(rule.args, rule.partials, strict=True)
        ),
    ]
    restricted = [
        f"{argument} in {interval}"
        for argument, interval in zip(rule.args, rule.domain, strict=True)
        if str(interval) != "(-inf, inf)"
    ]
    if restricted:
        lines += ["", f"Defined for {', '.join(restricted)}; nan elsewhere, as in NumPy."]
    return "\n".join(lines)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{
        name: operation(rule, name)
        for name, rule in ROWS.items()
        if rule.kind == "elementwise" and rule.public
    },
    **{name: operation(ROWS[row], name) for name, row in _OTHER_NAMES.items()},
}
"""Every elementwise operation by its public name."""


def where(condition: Any, *branches: Any) -> Any:
    """``where(condition, x, y)``: x where the condition holds, y elsewhere.

    No derivative comes from the branch not taken. With the condition alone, the places where it
    holds, as `numpy.nonzero`.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([0.0, 4.0])
    >>> ab.where(x > 0, ab.sqrt(x), 0.0).sum().backward()
    >>> x.grad
    array([0.  , 0.25])
    """
    if not branches:
        return np.nonzero(plain(condition))
    if len(branches) != 2:
        raise TypeError("where takes a condition, or a condition and two operands")
    return apply(ROWS["where"], (condition, *branches))


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    """a limited to the interval from `a_min` to `a_max`; None is no limit.

    The derivative passes on the closed interval.
    """
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise ValueError("clip: a limit is given twice, as a_min or a_max and as min or max")
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    return apply(
        ROWS["clip"], (a, -np.inf if low is None else low, np.inf if high is None else high)
    )


def round(a: Any, decimals: int = 0, out: None = None) -> Any:  # noqa: A001
    """a to `decimals` decimals, halves to even; the derivative is zero."""
    refuse_out(out, "round")
    a = joined(a)
    if not isinstance(a, Node):
        return np.round(a, decimals)
    x: Any = a
    if decimals == 0:
        return apply(ROWS["rint"], (x,))
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return apply(ROWS["rint"], (x * scale,)) / scale
    return apply(ROWS["rint"], (x / scale,)) * scale


def gelu(x: Any, approximate: str = "none") -> Any:
    """x times the standard normal distribution function at x (Hendrycks & Gimpel 2016).

    `approximate` is ``"none"``, or ``"tanh"`` for their approximation.
    """
    rows = {"none": "gelu", "tanh": "gelu_tanh"}
    if approximate not in rows:
        raise ValueError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}")
    return apply(ROWS[rows[approximate]], (x,))


def refuse_out(out: Any, name: str) -> None:
    """TypeError if a result array was given."""
    if out is not None:
        raise TypeError(
            f"{name} cannot write to out=: a recorded graph may need what is there. Use the result"
        )


# -- no derivative --------------------------------------------------------------------------------


def predicate(name: str) -> Callable[..., Any]:
    """NumPy's function of that name on the numbers of nodes; its result has no history."""
    numpy_function = getattr(np, name)

    def function(*operands: Any, **keywords: Any) -> Any:
        refuse_out(keywords.pop("out", None), name)
        settings = {k: read_only(v) for k, v in keywords.items()}
        result = numpy_function(*map(read_only, operands), **settings)
        return without_history(result, operands)

    function.__name__ = function.__qualname__ = name
    function.__module__ = "autograd_bp"
    function.__doc__ = f"`numpy.{name}` of the numbers; no derivative."
    return function


PREDICATES: dict[str, Callable[..., Any]] = {
    name: predicate(name)
    for name in (
        "greater greater_equal less less_equal equal not_equal logical_and logical_or logical_not "
        "logical_xor bitwise_and bitwise_or bitwise_xor invert isnan isinf isfinite "
        "signbit argmax argmin argsort any all count_nonzero"
    ).split()
}

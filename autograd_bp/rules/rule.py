"""A rule: one operation and its derivative, as data.

Two kinds of row cover most of the sheet. An *elementwise* row is a formula and one partial
derivative per argument. A *linear* row is a formula and, per argument it is linear in, the
adjoint. Reductions give the derivative of the result by one element. What is left gives its VJP
and JVP as formulas of their own. From the row come the VJP and the JVP, so they cannot disagree.

In every formula `out` is the result; in a VJP `g` is the cotangent of the result, in a JVP `t`
the tangent of the argument.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from autograd_bp.rules.arrays import ARRAY
from autograd_bp.rules.formula import Formula, FormulaError, is_condition
from autograd_bp.rules.readings import ROWS, Namespace, Reading
from autograd_bp.rules.scalar import SCALAR

Kind = Literal["elementwise", "reduction", "linear", "general"]


@dataclass(frozen=True)
class Interval:
    """The reals from `low` to `high` on which an argument has a value; ends closed or open."""

    low: float = -math.inf
    high: float = math.inf
    closed: tuple[bool, bool] = (True, True)

    def __contains__(self, x: float) -> bool:
        above = x > self.low or (x == self.low and self.closed[0])
        below = x < self.high or (x == self.high and self.closed[1])
        return above and below

    def __str__(self) -> str:
        left, right = "[" if self.closed[0] else "(", "]" if self.closed[1] else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


REAL = Interval(closed=(False, False))
NON_NEGATIVE = Interval(low=0.0, closed=(True, False))
POSITIVE = Interval(low=0.0, closed=(False, False))


@dataclass(frozen=True, eq=False)
class Rule:
    """One row of the sheet.

    Parameters
    ----------
    name
        The operation's name, NumPy's where NumPy has it.
    args
        The names of the differentiable arguments, in order. A variadic rule has one name, which
        stands for the tuple of all operands; see `Reading`.
    formula
        The result.
    partials
        Per argument: the local derivative, elementwise (by one element, for a reduction).
    vjp, jvp
        Per argument: see `Reading`. None where the derivative is zero.
    params
        The names of static parameters such as `axis`, after the arguments.
    defaults
        The values of parameters that may be left out.
    symbol
        How the operation is written on a picture.
    public
        Whether it is an operation for everyone, under its name, or serves other rows.
    domain
        Per argument: where the operation has a value.
    kinks
        Formulas that are zero where the operation has no derivative and a subgradient is chosen.
    boundary
        Arguments at which the partials have promised values: `{(x, y): (dx, dy)}`.
    keeps
        A function of arrays, by its name in the namespace, that gives the result and what is worth
        keeping for the way back. The VJP and the JVP get that as `kept`; None where it is gone.
    """

    name: str
    args: tuple[str, ...]
    formula: Formula
    partials: tuple[Formula | None, ...]
    vjp: tuple[Formula | None, ...]
    jvp: tuple[Formula | None, ...]
    guarded_vjp: tuple[Formula | None, ...]
    guarded_jvp: tuple[Formula | None, ...]
    kind: Kind
    params: tuple[str, ...] = ()
    defaults: Mapping[str, float] = field(default_factory=dict)
    symbol: str = ""
    public: bool = True
    variadic: bool = False
    domain: tuple[Interval, ...] = ()
    kinks: tuple[Formula, ...] = ()
    boundary: Mapping[tuple[float, ...], tuple[float, ...]] = field(default_factory=dict)
    keeps: str = ""
    _readings: dict[str, Reading] = field(default_factory=dict, repr=False)

    def read(self, namespace: Namespace) -> Reading:
        """This rule in `namespace`; the same object every time."""
        # Two threads may both make one; either will do, so long as all then use the same.
        found = self._readings.get(namespace.name)
        return found or self._readings.setdefault(namespace.name, Reading(self, namespace))

    @cached_property
    def array(self) -> Reading:
        """This rule on NumPy arrays."""
        return self.read(ARRAY)

    @cached_property
    def scalar(self) -> Reading:
        """This rule on Python floats."""
        return self.read(SCALAR)

    def __repr__(self) -> str:
        return f"<rule {self.name}: {self.formula.text}>"

    # A rule is one row of one sheet: copying a graph does not copy the sheet.
    def __copy__(self) -> Rule:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Rule:
        return self


def elementwise(
    signature: str,
    formula: str,
    *,
    d: Iterable[str],
    symbol: str = "",
    public: bool = True,
    domain: Iterable[Interval] = (),
    kinks: Iterable[str] = (),
    boundary: Mapping[tuple[float, ...], tuple[float, ...]] | None = None,
) -> Rule:
    """A row for an operation on corresponding elements, with one partial per argument.

    >>> elementwise("mul(x, y)", "x * y", d=["y", "x"]).vjp[0].text
    'g * (y)'
    >>> elementwise("div(x, y)", "x / y", d=["1 / y", "-out / y"]).vjp[0].text
    'g / (y)'
    """
    name, args, params, _, defaults = parse_signature(signature)
    partials = tuple(Formula(text) for text in d)
    if len(partials) != len(args):
        raise FormulaError(
            f"{name} has {len(args)} arguments ({', '.join(args)}) but {len(partials)} partial "
            f"derivatives: `d` needs one for each"
        )
    allowed_domain = tuple(domain) or (REAL,) * len(args)
    if len(allowed_domain) != len(args):
        raise FormulaError(f"{name}: `domain` needs one interval for each argument")
    return Rule(
        name=name,
        args=args,
        formula=Formula(formula),
        partials=partials,
        vjp=tuple(_product("g", partial) for partial in partials),
        jvp=tuple(_product("t", partial) for partial in partials),
        guarded_vjp=tuple(_guarded("g", partial) for partial in partials),
        guarded_jvp=tuple(_guarded("t", partial) for partial in partials),
        kind="elementwise",
        params=params,
        defaults=defaults,
        symbol=symbol or name,
        public=public,
        domain=allowed_domain,
        kinks=tuple(Formula(kink) for kink in kinks),
        boundary=boundary or {},
    )


def reduction(
    signature: str,
    formula: str,
    *,
    d: str,
    symbol: str = "",
    domain: Iterable[Interval] = (),
    kinks: Iterable[str] = (),
) -> Rule:
    """A row for an operation that combines the elements of x along `axis`.

    `d` is the derivative of the result by one element of x, an array like x; in it `spread(v)`
    is a value like the result, laid out along the reduced axes again.
    """
    name, args, params, *_ = parse_signature(signature)
    partial = Formula(d)
    spread = "spread(g, shape_of(x), axis, keepdims)"
    return Rule(
        name=name,
        args=args,
        formula=Formula(formula),
        partials=(partial,),
        vjp=(_product(spread, partial),),
        jvp=(_product("t", partial, "sum({}, axis, keepdims)"),),
        guarded_vjp=(_guarded(spread, partial),),
        guarded_jvp=(_guarded("t", partial, "sum({}, axis, keepdims)"),),
        kind="reduction",
        params=params,
        symbol=symbol or name,
        domain=tuple(domain) or (REAL,),
        kinks=tuple(Formula(kink) for kink in kinks),
    )


def linear(signature: str, formula: str, *, adjoint: Iterable[str], symbol: str = "") -> Rule:
    """A row for an operation that is linear in each argument, with its adjoints in `g`.

    The JVP is the operation itself with the tangent in the argument's place.
    """
    name, args, params, variadic, _ = parse_signature(signature)
    result = Formula(formula)
    adjoints = tuple(Formula(text) for text in adjoint)
    if variadic:
        raise FormulaError(f"{name}: a rule with any number of operands gives its VJP and JVP")
    tangents = tuple(_with_argument(result, argument) for argument in args)
    return Rule(
        name=name,
        args=args,
        formula=result,
        partials=(None,) * len(args),
        vjp=adjoints,
        jvp=tangents,
        guarded_vjp=adjoints,
        guarded_jvp=tangents,
        kind="linear",
        params=params,
        symbol=symbol or name,
        variadic=variadic,
        domain=(REAL,) * len(args),
    )


def general(
    signature: str,
    formula: str,
    *,
    vjp: Iterable[str],
    jvp: Iterable[str],
    symbol: str = "",
    guarded_vjp: Iterable[str] | None = None,
    guarded_jvp: Iterable[str] | None = None,
    keeps: str = "",
) -> Rule:
    """A row that gives its VJP and its JVP as formulas."""
    name, args, params, variadic, _ = parse_signature(signature)
    pull = tuple(Formula(text) for text in vjp)
    push = tuple(Formula(text) for text in jvp)
    return Rule(
        name=name,
        args=args,
        formula=Formula(formula),
        partials=(None,) * len(args),
        vjp=pull,
        jvp=push,
        guarded_vjp=tuple(map(Formula, guarded_vjp)) if guarded_vjp else pull,
        guarded_jvp=tuple(map(Formula, guarded_jvp)) if guarded_jvp else push,
        kind="general",
        params=params,
        symbol=symbol or name,
        variadic=variadic,
        domain=(REAL,) * len(args),
        keeps=keeps,
    )


def add_to_sheet(*rules: Rule) -> None:
    """Put rows on the sheet; a name can be there once."""
    for rule in rules:
        if rule.name in ROWS:
            raise ValueError(f"the rule sheet already has a row {rule.name!r}")
        ROWS[rule.name] = rule


_SIGNATURE = re.compile(
    r"\s*(?P<name>[^\W\d]\w*)\s*\((?P<args>[^;()]*)(;(?P<params>[^;()]*))?\)\s*"
)


class Signature(NamedTuple):
    """The name of an operation, and what it takes."""

    name: str
    args: tuple[str, ...]
    params: tuple[str, ...]
    variadic: bool
    defaults: dict[str, float]


def parse_signature(signature: str) -> Signature:
    """Take `"name(x, y; parameter=0.1)"` apart.

    >>> parse_signature("leaky_relu(x; negative_slope=0.01)")[:3]
    ('leaky_relu', ('x',), ('negative_slope',))
    >>> parse_signature("concatenate(*xs; axis)").variadic
    True
    """
    match = _SIGNATURE.fullmatch(signature)
    if match is None:
        raise FormulaError(
            f"{signature!r} is not a signature; write 'name(x, y)' or 'name(x; parameter)'"
        )
    args = _names(match["args"])
    variadic = len(args) == 1 and args[0].startswith("*")
    args = tuple(argument.lstrip("*") for argument in args)
    params, defaults = _with_defaults(_names(match["params"] or ""), signature)
    taken = {"g", "t", "out", "wanted", "ts"}
    for argument in (*args, *params):
        if not argument.isidentifier() or keyword.iskeyword(argument) or argument in taken:
            raise FormulaError(f"{signature!r}: {argument!r} cannot name an argument")
    if not args or len(set(args + params)) < len(args + params):
        raise FormulaError(f"{signature!r} needs arguments, each with a name of its own")
    return Signature(match["name"], args, params, variadic, defaults)


def _with_defaults(
    pieces: tuple[str, ...], signature: str
) -> tuple[tuple[str, ...], dict[str, float]]:
    defaults = {}
    names = []
    for piece in pieces:
        name, given, number = (part.strip() for part in piece.partition("="))
        names.append(name)
        if given:
            try:
                defaults[name] = float(number)
            except ValueError:
                raise FormulaError(f"{signature!r}: {number!r} is not a number") from None
        elif defaults:
            raise FormulaError(f"{signature!r}: after a default every parameter needs one")
    return tuple(names), defaults


def _names(text: str) -> tuple[str, ...]:
    return tuple(piece.strip() for piece in text.split(",") if piece.strip())


def _constant(formula: Formula) -> float | None:
    try:
        value = ast.literal_eval(formula.expression)
    except ValueError:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _product(cotangent: str, partial: Formula, template: str = "{}") -> Formula | None:
    """The product of a cotangent and a partial, with one rounding where one is enough."""
    constant = _constant(partial)
    if constant == 0:
        return None
    expression = partial.expression
    if constant == 1:
        product = cotangent
    elif constant == -1:
        product = f"-{cotangent}"
    elif (
        isinstance(expression, ast.BinOp)
        and isinstance(expression.op, ast.Div)
        and isinstance(expression.left, ast.Constant)
        and expression.left.value == 1
    ):
        product = f"{cotangent} / ({ast.unparse(expression.right)})"
    else:
        return partial.with_result(template.replace("{}", f"{cotangent} * {{}}"))
    return Formula("; ".join([*_lines(partial), template.replace("{}", product)]))


def _guarded(cotangent: str, partial: Formula, template: str = "{}") -> Formula | None:
    if _constant(partial) in (0, 1, -1):
        return _product(cotangent, partial, template)
    if is_condition(partial):  # a product would keep the nan of a branch not taken
        return partial.with_result(template.replace("{}", f"{cotangent} if {{}} else 0.0"))
    # Forward, the partial nearest the output is met last: a zero there stays zero too.
    guard = "chain_both" if cotangent == "t" else "chain"
    return partial.with_result(template.replace("{}", f"{guard}({cotangent}, {{}})"))


def _lines(formula: Formula) -> list[str]:
    return [f"{name} = {ast.unparse(value)}" for name, value in formula.bindings]


def _with_argument(formula: Formula, argument: str) -> Formula:
    """The formula with the tangent `t` in the place of one argument."""
    tree = ast.parse(formula.text.strip())
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == argument:
            node.id = "t"
    return Formula("; ".join(ast.unparse(statement) for statement in tree.body))

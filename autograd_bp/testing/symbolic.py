"""The rule sheet read on SymPy's expressions, one region at a time.

Functions are what mathematics says they are; rows that exist for the sake of accuracy are read
through their formulas. Numbers are exact: 0.1 is one tenth, and a constant written to the last
digit of a float is the number it was rounded from, where that is one of the well-known ones.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from autograd_bp.rules import ROWS, Formula, Namespace, Rule
from autograd_bp.rules.formula import compile_formula
from autograd_bp.testing.regions import Expression, Region, Symbol, regions

_LONG = 14
"""A constant with more significant digits than this is taken for a rounded one."""

_KNOWN = (
    sympy.Integer(1),
    sympy.pi,
    1 / sympy.pi,
    sympy.sqrt(2),
    sympy.sqrt(3),
    sympy.sqrt(5),
    sympy.sqrt(sympy.pi),
    1 / sympy.sqrt(sympy.pi),
    sympy.sqrt(2 / sympy.pi),
    sympy.sqrt(2 * sympy.pi),
    sympy.log(2),
    1 / sympy.log(2),
    sympy.log(10),
    1 / sympy.log(10),
    sympy.E,
    1 / sympy.E,
    sympy.EulerGamma,
)


class NotElementwise(TypeError):  # noqa: N818  (what it says, as NotImplementedError does)
    """A formula that is about arrays: there is no one expression to differentiate."""


class Term:
    """An expression in a formula that is being run: it computes, and compares by region."""

    __slots__ = ("expression", "reader")
    __hash__ = None  # type: ignore[assignment]  (equality is mathematical)

    def __init__(self, expression: Expression, reader: Reader) -> None:
        self.expression = sympy.sympify(expression)
        self.reader = reader

    def _with(self, function: str, *operands: Any) -> Any:
        return self.reader.primitives[function](*operands)

    def __add__(self, other: Any) -> Any:
        return self._with("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._with("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._with("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._with("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._with("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._with("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._with("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with("div", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._with("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with("floor_divide", other, self)

    def __mod__(self, other: Any) -> Any:
        return self._with("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._with("mod", other, self)

    def __neg__(self) -> Any:
        return self._with("neg", self)

    def __pos__(self) -> Any:
        return self

    def __gt__(self, other: Any) -> bool:
        return self.reader.compare(self, other) > 0

    def __ge__(self, other: Any) -> bool:
        return self.reader.compare(self, other) >= 0

    def __lt__(self, other: Any) -> bool:
        return self.reader.compare(self, other) < 0

    def __le__(self, other: Any) -> bool:
        return self.reader.compare(self, other) <= 0

    def __eq__(self, other: object) -> bool:
        return self.reader.compare(self, other, equality=True) == 0

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return self != 0


@dataclass(frozen=True)
class Branch:
    """A rule in one region: what its formula is there, and what is to be shown.

    Attributes
    ----------
    region, conditions
        The region, and what holds in it as text.
    formula
        The result.
    pairs
        Per argument that has a derivative there: the formula's, and the partial of the rule.
    """

    region: Region
    conditions: tuple[str, ...]
    formula: Expression
    pairs: dict[str, tuple[Expression, Expression]]


class Reader(Namespace):
    """The namespace of a proof; `region` is the one that the formula is being run in."""

    def __init__(self, rule: Rule, whole_numbers: Sequence[str]) -> None:
        super().__init__("symbol", {}, on_floats=True)
        self.rule = rule
        self.region: Region
        self.constants: dict[str, Expression] = {}
        self.rounded = False
        self._arguments = tuple(sympy.Symbol(name, real=True) for name in rule.args)
        self._params = tuple(
            sympy.Symbol(name, integer=True, nonnegative=True)
            if name in whole_numbers
            else sympy.Symbol(name, real=True)
            for name in rule.params
        )
        self._rows: dict[str, Callable[..., Any]] = {}
        self.primitives.update(
            {name: self._lifted(function) for name, function in _FUNCTIONS.items()}
        )
        self.primitives.update({name: Term(value, self) for name, value in _NAMED.items()})
        self.primitives |= {name: function.__get__(self) for name, function in _BY_REGION.items()}

    # -- the rule in question ---------------------------------------------------------------------

    def branches(self) -> Iterator[Branch]:
        """The rule in every region of its arguments."""
        rule = self.rule
        names = (*rule.args, *rule.params)
        formula = self.compiled(rule.formula, names)
        partials = [
            None if text is None else self.compiled(text, ("out", *names)) for text in rule.partials
        ]

        def run(region: Region) -> tuple[Any, list[Any]]:
            self.region = region
            operands = [Term(s, self) for s in self._arguments]
            at_numbers = ((s, region.at(s)) for s in self._params)
            operands += [Term(n if n.is_number else s, self) for s, n in at_numbers]
            out = formula(*operands)
            return out, [0 if d is None else d(out, *operands) for d in partials]

        for given in self._settings():

            def start(choices: tuple[int, ...], given: dict[Symbol, Expression] = given) -> Region:
                return Region(self._arguments, self._params, rule.domain, choices, given)

            for region, (out, slopes) in regions(run, start):
                result = self.plain(out)
                pairs = {
                    argument.name: (sympy.diff(result, argument), self.plain(slope))
                    for argument, slope in zip(self._arguments, slopes, strict=True)
                    if argument in region.free
                }
                yield Branch(region, (*_shown(given), *region.conditions), result, pairs)

    def assumptions(self) -> Iterator[str]:
        """What is taken for granted of arguments, parameters and constants, as text."""
        for argument, interval in zip(self.rule.args, self.rule.domain, strict=True):
            bounded = str(interval) != "(-inf, inf)"
            yield f"{argument} is in {interval}" if bounded else f"{argument} is real"
        for param in self._params:
            yield f"{param} is {'a whole number' if param.is_integer else 'real'}"
        for text, exact in self.constants.items():
            yield f"{text} stands for {exact}"

    def _settings(self) -> Iterator[dict[Symbol, Expression]]:
        """Values of the whole-number parameters: 0, 1, and any other."""
        counted = [param for param in self._params if param.is_integer]
        more = [sympy.Dummy(f"m{k}", integer=True, nonnegative=True) for k in range(len(counted))]
        choices = [(sympy.Integer(0), sympy.Integer(1), 2 + m) for m in more]
        for values in itertools.product(*choices):
            yield dict(zip(counted, values, strict=True))

    # -- meanings ---------------------------------------------------------------------------------

    def compare(self, left: Any, right: Any, *, equality: bool = False) -> int:
        """The sign of left - right where the formula is being run."""
        return self.region.compare(self.plain(left), self.plain(right), equality=equality)

    def plain(self, operand: Any) -> Expression:
        """The expression of a term, a truth value or a number."""
        if isinstance(operand, Term):
            return operand.expression
        if isinstance(operand, bool):
            return sympy.Integer(int(operand))
        return self._exact(operand)

    def resolve(self, name: str) -> Any:
        if name in self.primitives:
            return self.primitives[name]
        if name in ROWS and ROWS[name].kind == "elementwise":
            return self.row(ROWS[name])
        raise NotElementwise(f"{name!r} is not a function of single numbers")

    def row(self, rule: Rule) -> Callable[..., Any]:
        if rule.name not in self._rows:
            self._rows[rule.name] = self.compiled(rule.formula, (*rule.args, *rule.params))
        return self._rows[rule.name]

    def compiled(self, formula: Formula, parameters: tuple[str, ...]) -> Callable[..., Any]:
        """A formula as a function of terms."""
        exact = "; ".join(
            [
                *(f"{name} = {_with_numbers(value)}" for name, value in formula.bindings),
                _with_numbers(formula.expression),
            ]
        )
        return compile_formula(
            Formula(exact), parameters, self.resolve, name="of_symbols", on_floats=True
        )

    def _lifted(self, function: Callable[..., Expression]) -> Callable[..., Term]:
        return lambda *operands: Term(function(*map(self.plain, operands)), self)

    def _exact(self, number: float) -> Expression:
        """The number that stands in a formula, exactly."""
        if math.isinf(number) or math.isnan(number):
            return sympy.sympify(number)
        if number == int(number):
            return sympy.Integer(int(number))
        text = repr(number)
        digits = text.split("e")[0].replace(".", "").replace("-", "").lstrip("0")
        if len(digits) <= _LONG:
            return sympy.Rational(text)
        for known in _KNOWN:
            factor = _simple(sympy.N(number / known, 30))
            if factor is not None and _rounds_to(factor * known, number):
                self.constants[text] = factor * known
                return factor * known
        self.rounded = True
        return sympy.Rational(text)

    # -- what depends on the region -------------------------------------------------------------

    def _abs(self, x: Any) -> Any:
        return x if self.compare(x, 0) >= 0 else -x

    def _sign(self, x: Any) -> Any:
        return Term(self.compare(x, 0), self)

    def _copysign(self, x: Any, y: Any) -> Any:
        return self._abs(x) if self.compare(y, 0) >= 0 else -self._abs(x)

    def _larger(self, x: Any, y: Any) -> Any:
        return x if self.compare(x, y) >= 0 else y

    def _smaller(self, x: Any, y: Any) -> Any:
        return x if self.compare(x, y) <= 0 else y

    def _where(self, condition: Any, x: Any, y: Any) -> Any:
        return x if condition != 0 else y

    def _heaviside(self, x: Any, y: Any) -> Any:
        sign = self.compare(x, 0)
        return y if sign == 0 else Term(int(sign > 0), self)

    def _floor(self, x: Any) -> Any:
        return Term(self.region.floor(self.plain(x)), self)

    def _ceil(self, x: Any) -> Any:
        return -self._floor(-x)

    def _trunc(self, x: Any) -> Any:
        return self._floor(x) if self.compare(x, 0) >= 0 else self._ceil(x)

    def _rint(self, x: Any) -> Any:
        if self.plain(x).is_integer:
            return x
        return self._floor(x + Term(sympy.Rational(1, 2), self))

    def _floor_divide(self, x: Any, y: Any) -> Any:
        return self._floor(Term(self.plain(x) / self.plain(y), self))

    def _mod(self, x: Any, y: Any) -> Any:
        return x - y * self._floor_divide(x, y)

    def _fmod(self, x: Any, y: Any) -> Any:
        return x - y * self._trunc(Term(self.plain(x) / self.plain(y), self))

    def _cbrt(self, x: Any) -> Any:
        root = self._lifted(sympy.cbrt)
        return root(x) if self.compare(x, 0) >= 0 else -root(-x)


_BY_REGION: dict[str, Any] = {
    "abs": Reader._abs,
    "sign": Reader._sign,
    "copysign": Reader._copysign,
    "maximum": Reader._larger,
    "minimum": Reader._smaller,
    "fmax": Reader._larger,
    "fmin": Reader._smaller,
    "where": Reader._where,
    "heaviside": Reader._heaviside,
    "floor": Reader._floor,
    "ceil": Reader._ceil,
    "trunc": Reader._trunc,
    "rint": Reader._rint,
    "floor_divide": Reader._floor_divide,
    "mod": Reader._mod,
    "fmod": Reader._fmod,
    "cbrt": Reader._cbrt,
    "isnan": lambda _reader, _x: False,
    "isfinite": lambda _reader, _x: True,
}


def _bessel(x: Expression, order: Expression) -> Expression:
    """The spherical Bessel function j_order(pi x), those of nearby orders in terms of two.

    By recurrence (DLMF 10.51.1), so that relations between three orders are seen.
    """
    z = sympy.pi * x
    steps, base = sympy.sympify(order).as_coeff_Add()
    below, here = sympy.cos(z) / z, sympy.sin(z) / z
    if base != 0:
        below, here = sympy.jn(base - 1, z), sympy.jn(base, z)
    n = base
    for _ in range(max(0, int(steps))):
        below, here, n = here, (2 * n + 1) / z * here - below, n + 1
    for _ in range(max(0, -int(steps))):
        below, here, n = (2 * n - 1) / z * below - here, below, n - 1
    return here


_FUNCTIONS: dict[str, Callable[..., Expression]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "chain": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": lambda x, y: x**y,
    "pow_less": lambda x, y, n: x ** (y - n),
    "sqrt": sympy.sqrt,
    "exp": sympy.exp,
    "exp2": lambda x: sympy.exp(x * sympy.log(2)),
    "expm1": lambda x: sympy.exp(x) - 1,
    "log": sympy.log,
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "log1p": lambda x: sympy.log(1 + x),
    "logaddexp": lambda x, y: sympy.log(sympy.exp(x) + sympy.exp(y)),
    "logaddexp2": lambda x, y: (
        sympy.log(sympy.exp(x * sympy.log(2)) + sympy.exp(y * sympy.log(2))) / sympy.log(2)
    ),
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "arctan2": sympy.atan2,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "arcsinh": sympy.asinh,
    "arccosh": sympy.acosh,
    "arctanh": sympy.atanh,
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "normal_pdf": lambda x: sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi),
    "normal_cdf": lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "sinc": lambda x: sympy.sin(sympy.pi * x) / (sympy.pi * x),
    "bessel": _bessel,
    "number": lambda x: x,
}

_NAMED: dict[str, Expression] = {
    "pi": sympy.pi,
    "inf": sympy.oo,
    "nan": sympy.nan,
    "ln2": sympy.log(2),
    "ln10": sympy.log(10),
    "log2_e": 1 / sympy.log(2),
    "log10_e": 1 / sympy.log(10),
}


class _Numbers(ast.NodeTransformer):
    """Every number becomes `number(...)`: Python's own arithmetic on them would round."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, bool) or node.value is None:
            return node
        return ast.Call(ast.Name("number", ast.Load()), [node], [])


def _with_numbers(expression: ast.expr) -> str:
    copied = ast.parse(ast.unparse(expression), mode="eval").body
    return ast.unparse(_Numbers().visit(copied))


def _shown(given: Mapping[Symbol, Expression]) -> list[str]:
    return [f"{s} = {v}" if v.is_number else f"{s} ≥ 2" for s, v in given.items()]


def _simple(ratio: Expression) -> Expression | None:
    """A fraction with a small denominator, or a short decimal, next to the ratio."""
    nearby = sympy.Rational(str(ratio))
    fraction = nearby.limit_denominator(360)
    decimal = sympy.Rational(f"{float(ratio):.7g}")
    for candidate in (fraction, decimal):
        if candidate and abs(candidate / nearby - 1) < 4e-16:
            return candidate
    return None


def _rounds_to(exact: Expression, number: float) -> bool:
    return abs(float(exact) - number) <= 2 * math.ulp(number)

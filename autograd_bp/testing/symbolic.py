"""The rule sheet read on SymPy's expressions, one region at a time.

Functions are what mathematics says they are; rows that exist for the sake of accuracy are read
through their formulas. Numbers are exact: 0.1 is one tenth, and a constant written to the last
digit of a float is the number it was rounded from, where that is one of the well-known ones.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from autograd_bp.rules import ROWS, Formula, Namespace, Rule
from autograd_bp.rules.formula import compile_formula
from autograd_bp.testing.meanings import FUNCTIONS, MEANINGS, NAMED, exact_number
from autograd_bp.testing.regions import Expression, Region, Symbol, regions


class NotElementwise(TypeError):  # noqa: N818  (what it says, as NotImplementedError does)
    """A formula that is about arrays: there is no one expression to differentiate."""


class Term:
    """An expression in a formula that is being run: it computes, and compares by region."""

    __slots__ = ("expression", "reader")
    __hash__ = None  # type: ignore[assignment]  # equality is mathematical

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
        self._read_as: dict[str, str] = {}
        self.primitives.update(
            {name: self._lifted(function) for name, function in FUNCTIONS.items()}
        )
        self.primitives.update({name: Term(value, self) for name, value in NAMED.items()})
        self.primitives |= {name: function.__get__(self) for name, function in _BY_REGION.items()}

    # -- the rule in question ---------------------------------------------------------------------

    def branches(self) -> Iterator[Branch]:
        """The rule in every region of its arguments."""
        rule = self.rule
        names = (*rule.args, *rule.params)
        own = rule.name in rule.formula.names
        formula = self.compiled(rule.formula, names) if own else self.row(rule)
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
        for name, text in self._read_as.items():
            yield f"{name} is read as {text}"

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
        """The meaning of `name`; NotElementwise if it is not about single numbers."""
        if name in self.primitives:
            return self.primitives[name]
        if name in ROWS and ROWS[name].kind == "elementwise":
            return self.row(ROWS[name])
        raise NotElementwise(f"{name!r} is not a function of single numbers")

    def row(self, rule: Rule) -> Callable[..., Any]:
        """The function that `rule` is in this namespace."""
        if rule.name not in self._rows:
            if rule.name in rule.formula.names:
                raise NotElementwise(
                    f"{rule.name!r} means nothing to a proof: a function that has no formula in "
                    "other functions must be given one in SymPy's, in autograd_bp.testing.symbolic"
                )
            formula = rule.formula
            if rule.name in MEANINGS:
                formula = Formula(MEANINGS[rule.name])
                self._read_as[rule.name] = formula.text
            self._rows[rule.name] = self.compiled(formula, (*rule.args, *rule.params))
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
        exact, kind = exact_number(number)
        if kind == "known":
            self.constants[repr(number)] = exact
        self.rounded |= kind == "rounded"
        return exact

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

"""The open pieces of the space of arguments on which a piecewise formula is one expression.

A formula is run on symbols. Where it compares two of them the run goes on in one of the regions
that the comparison makes, and the others are run after it, so that every branch is taken and every
run ends in an expression without cases. A region is kept as a change of variables: in x > y, x
becomes y + p with a positive p. So what follows from the conditions taken so far is read off
SymPy's assumptions, and every choice of the new variables is a point of the region.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sympy

from autograd_bp.rules import Interval

Expression = Any  # a sympy.Expr
Symbol = Any

MOST_REGIONS = 200


class TooManyRegions(Exception):  # noqa: N818  (the name says it)
    """A formula has more cases than are worth looking at."""


class Impossible(Exception):  # noqa: N818
    """The conditions taken contradict each other."""


class Region:
    """One piece, as far as it has been narrowed down.

    Parameters
    ----------
    arguments, params
        The symbols of the rule.
    domain
        Per argument, where the operation has a value.
    choices
        What to choose at the first comparisons that are open; later ones take the first outcome.
    given
        Values of parameters.

    Attributes
    ----------
    alternatives
        The choices that lead to the regions not taken.
    lost
        Arguments that an equation binds: on the thin piece where it holds there is no derivative
        by them to speak of.
    """

    def __init__(
        self,
        arguments: Sequence[Symbol],
        params: Sequence[Symbol],
        domain: Sequence[Interval],
        choices: tuple[int, ...] = (),
        given: Mapping[Symbol, Expression] | None = None,
    ) -> None:
        self.arguments = tuple(arguments)
        self.params = tuple(params)
        self._conditions: list[tuple[str, Expression]] = []
        self.alternatives: list[tuple[int, ...]] = []
        self.lost: set[Symbol] = set()
        self.cells: dict[Symbol, Expression] = {}
        self._choices = choices
        self._made = 0
        self._variables = 0
        self._solved: dict[Symbol, Expression] = dict(given or {})
        self._positive: list[Expression] = []
        self._nonzero: list[Expression] = []
        for argument, interval in zip(arguments, domain, strict=True):
            if not math.isinf(interval.low):
                self._assume(argument - sympy.Rational(repr(float(interval.low))))
            if not math.isinf(interval.high):
                self._assume(sympy.Rational(repr(float(interval.high))) - argument)

    # -- asking ---------------------------------------------------------------------------------

    def compare(self, left: Expression, right: Expression, *, equality: bool = False) -> int:
        """1 where left > right in this region, -1 where left < right, 0 where they are equal.

        With `equality` it matters only whether they are: 1 is "not equal".
        """
        if right in (sympy.oo, -sympy.oo) and left.is_finite:
            return 1 if equality else (-1 if right is sympy.oo else 1)
        if left in (sympy.oo, -sympy.oo) and right.is_finite:
            return 1 if equality else (1 if left is sympy.oo else -1)
        difference = left - right
        known = self._sign(difference)
        if known is not None:
            return abs(known) if equality else known
        if equality and self._is_nonzero(difference):
            return 1
        outcomes = [1, 0] if equality else [1, -1, 0]
        if not self._can_vanish(difference):
            outcomes.remove(0)
        chosen = self._choose(outcomes)
        if right == 0 and not equality:
            left = difference = self._stripped(difference)
        self._note(self._told(left, right, chosen, equality), chosen * difference)
        if chosen == 0:
            self._vanish(difference)
        elif equality:
            self._assume_nonzero(difference)
        else:
            self._assume(chosen * difference)
        return chosen

    def floor(self, x: Expression) -> Expression:
        """The largest whole number below x, which is a constant on an open cell."""
        x = sympy.expand(x)
        if x.is_integer:
            return x
        if self.at(x).is_number:
            return sympy.floor(self.at(x))
        for whole, inside in self.cells.items():
            if sympy.expand(inside - x).is_zero:
                return whole
            if sympy.expand(inside + x).is_zero:
                return -whole - 1
            shift = sympy.expand(inside - x)
            if shift.is_integer:
                return whole - shift
        whole = sympy.Dummy(f"n{len(self.cells)}", integer=True)
        self.cells[whole] = x
        self._nonzero.append(x - whole)
        self._note(f"{self.shown(x)} is not a whole number", sympy.nan)
        return whole

    def at(self, expression: Expression) -> Expression:
        """The expression in this region's variables."""
        return sympy.sympify(expression).xreplace(self._solved)

    def shown(self, expression: Expression) -> str:
        """The expression in the names of the rule."""
        floors = {whole: sympy.Function("floor")(inside) for whole, inside in self.cells.items()}
        back = {
            **floors,
            **{s: sympy.Symbol(s.name) for s in (*self.arguments, *self.params)},
        }
        written = sympy.sympify(expression).xreplace(back)
        fine = [r for r in written.atoms(sympy.Rational) if r.q > 10**6]
        return str(written.xreplace({r: sympy.Symbol(f"{float(r):g}") for r in fine}))

    @property
    def conditions(self) -> tuple[str, ...]:
        """The comparisons taken, as text, in order."""
        return tuple(text for text, _ in self._conditions)

    @property
    def free(self) -> tuple[Symbol, ...]:
        """The arguments that have a derivative here."""
        return tuple(argument for argument in self.arguments if argument not in self.lost)

    def holds_at(self, point: dict[Symbol, Expression]) -> bool:
        """Whether the conditions that are not built into the variables hold at a point of them."""
        signs = [self.at(e).xreplace(point) for e in self._positive]
        others = [self.at(e).xreplace(point) for e in self._nonzero]
        return all(_number(e) > 0 for e in signs) and all(_number(e) != 0 for e in others)

    def whole_numbers(self, point: dict[Symbol, Expression]) -> dict[Symbol, Expression]:
        """The point with the whole numbers of the cells it lies in."""
        for whole, inside in self.cells.items():
            point = {**point, whole: sympy.floor(self.at(inside).xreplace(point))}
        return point

    # -- narrowing ------------------------------------------------------------------------------

    def _choose(self, outcomes: list[int]) -> int:
        """The next choice; the other ones are for later runs."""
        k = self._made
        self._made += 1
        if k < len(self._choices):
            return self._choices[k]
        self.alternatives += [(*self._choices, other) for other in outcomes[1:]]
        self._choices = (*self._choices, outcomes[0])
        return outcomes[0]

    def _told(self, left: Expression, right: Expression, chosen: int, equality: bool) -> str:
        if left.could_extract_minus_sign() and right.is_number:
            left, right, chosen = -left, -right, chosen if equality else -chosen
        sign = {1: "≠" if equality else ">", -1: "<", 0: "="}[chosen]
        return f"{self.shown(left)} {sign} {self.shown(right)}"

    def _note(self, text: str, positive: Expression) -> None:
        """Add a condition; one that it implies goes: x > 0, when x > 1 comes."""
        self._conditions = [
            (other, larger)
            for other, larger in self._conditions
            if not sympy.expand(larger - positive).is_nonnegative
        ]
        self._conditions.append((text, positive))

    def _sign(self, expression: Expression) -> int | None:
        """1, -1 or 0 if the sign follows from what is known, by the cheap ways first."""
        here = self.at(expression)
        known = _evident_sign(here)
        if known is None:
            known = self._sign_by_what_is_known(here)
        if known is None:
            here = self.at(self._stripped(expression))
            forms = (sympy.expand(here), sympy.factor(here))
            known = next((s for s in map(_evident_sign, forms) if s is not None), None)
        return known

    def _sign_by_what_is_known(self, here: Expression) -> int | None:
        """From a positive expression that differs by a number, or from a multiple of one."""
        for known in map(self.at, self._positive):
            more, less = here - known, here + known
            if more.is_Number and more >= 0:
                return 1
            if less.is_Number and less <= 0:
                return -1
            if here.is_polynomial() and known.is_polynomial():
                ratio = sympy.cancel(here / known)
                if ratio.is_positive or ratio.is_negative:
                    return 1 if ratio.is_positive else -1
        return None

    def _can_vanish(self, expression: Expression) -> bool:
        """Whether the piece where it is zero is one that can be written down and looked at."""
        lost = self.lost | self._bound_by(expression)
        return self._solution(self.at(expression)) is not None and len(lost) < len(self.arguments)

    def _bound_by(self, expression: Expression) -> set[Symbol]:
        symbols = set(expression.free_symbols)
        for whole, inside in reversed(self.cells.items()):
            if whole in symbols:
                symbols |= inside.free_symbols
        return symbols & set(self.arguments)

    def _vanish(self, expression: Expression) -> None:
        self.lost |= self._bound_by(expression)
        solution = self._solution(self.at(expression))
        assert solution is not None
        symbol, value = solution
        if symbol.is_positive and not value.is_positive:
            self._assume(value)
            value = self.at(value)
        self._solve(symbol, value)

    def _solution(self, here: Expression) -> tuple[Symbol, Expression] | None:
        """A variable and the value of it that makes the expression, linear in it, zero."""
        for symbol, slope, rest in _linear(here):
            value = sympy.expand(-rest / slope)
            if not (symbol.is_positive and value.is_nonpositive):
                return symbol, value
        return None

    def _assume(self, expression: Expression) -> None:
        """Narrow the region to where the expression is positive."""
        known = self._sign(expression)
        if known == 1:
            return
        if known is not None:
            raise Impossible
        here = sympy.expand(self._stripped(self.at(self._stripped(expression))))
        self._variables += 1
        new = sympy.Dummy(f"p{self._variables:03}", positive=True)
        for symbol, slope, rest in _linear(here):
            bound = sympy.expand(-rest / slope)
            if not symbol.is_positive:
                self._solve(symbol, bound + new if slope.is_positive else bound - new)
                return
            if bound.is_positive:  # beyond the bound, or between zero and it
                value = bound + new if slope.is_positive else bound * new / (1 + new)
                self._solve(symbol, value)
                return
            if bound.is_nonpositive and slope.is_negative:
                raise Impossible
        self._positive.append(expression)

    def _assume_nonzero(self, expression: Expression) -> None:
        here = self.at(expression)
        for symbol, slope, rest in _linear(here):
            if not symbol.is_positive and not symbol.is_nonzero:
                new = sympy.Dummy(symbol.name, real=True, nonzero=True)
                self._solve(symbol, sympy.expand(-rest / slope) + new)
                return
        self._nonzero.append(expression)

    def _is_nonzero(self, expression: Expression) -> bool:
        here = self.at(expression)
        if here.is_zero is False or sympy.expand(here).is_zero is False:
            return True
        ratios = (sympy.cancel(here / self.at(known)) for known in self._nonzero)
        return any(ratio.is_number for ratio in ratios)

    def _stripped(self, expression: Expression) -> Expression:
        """The expression without the factors whose sign is known: its own sign is the same."""
        kept = sympy.Integer(1)
        for factor in sympy.Mul.make_args(sympy.factor(expression)):
            here = self.at(factor)
            if here.is_negative:
                kept = -kept
            elif not here.is_positive:
                kept *= factor
        return kept

    def _solve(self, symbol: Symbol, value: Expression) -> None:
        replaced = {symbol: value}
        self._solved = {s: v.xreplace(replaced) for s, v in self._solved.items()}
        if symbol in self.arguments or symbol in self.params:
            self._solved[symbol] = value
        else:
            # A variable of the region's own: whatever was written with it has been rewritten.
            self._solved = {s: sympy.expand(v) if v.is_Add else v for s, v in self._solved.items()}


def _evident_sign(here: Expression) -> int | None:
    if here.is_zero:
        return 0
    if here.is_positive:
        return 1
    return -1 if here.is_negative else None


def _linear(here: Expression) -> Iterator[tuple[Symbol, Expression, Expression]]:
    """Each variable the expression is linear in with a plain number for slope, and the rest."""
    expanded = sympy.expand(here)
    for symbol in sorted(expanded.free_symbols, key=str):
        if symbol.is_integer:
            continue
        slope = sympy.diff(expanded, symbol)
        if slope.is_number and not slope.is_zero and slope.is_real:
            yield symbol, slope, sympy.expand(expanded - slope * symbol)


def _number(expression: Expression) -> Any:
    value = sympy.N(expression, 30)
    return value if value.is_real else sympy.nan


def regions(
    run: Callable[[Region], Any], start: Callable[[tuple[int, ...]], Region]
) -> Iterator[tuple[Region, Any]]:
    """Run a function in every region its comparisons make."""
    waiting: list[tuple[int, ...]] = [()]
    made = 0
    while waiting:
        region = start(waiting.pop())
        try:
            result = run(region)
        except Impossible:
            result = None
        waiting += reversed(region.alternatives)
        made += 1
        if made > MOST_REGIONS:
            raise TooManyRegions
        if result is not None:
            yield region, result

"""Proofs that the partial derivatives of an elementwise rule are those of its formula.

    >>> import autograd_bp as ab
    >>> print(prove(ab.tanh))
    tanh(x) = tanh(x): proved by cases
    where x is real
      by x, square(sech(x)): proved by cases
        x > 0: proved
        x < 0: proved

The formula is differentiated by SymPy, with exact numbers, and the difference to the partial is
rewritten until it is 0. A formula with cases (a ternary, `abs`, `maximum`, `floor`) is proved on
each of the open regions that its comparisons make, and on the surfaces between them by the
arguments that do not leave the surface. What happens across a surface, at a kink or a tie, is for
the checks of numbers.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from autograd_bp.rules import Rule

if TYPE_CHECKING:
    from autograd_bp.testing.regions import Expression
    from autograd_bp.testing.symbolic import Branch, Reader
    from autograd_bp.testing.vanishing import Point

Verdict = Literal["proved", "undecided", "refuted"]
Status = Literal["proved", "proved by cases", "undecided", "refuted"]

UNDECIDED: Mapping[str, str] = {}
"""The rows of the sheet that are not proved, and why; a test holds this to what `prove` finds."""

SECONDS = 10.0
_LAST_SECONDS = 2.0
"""For a last look for a counterexample, and for the rest when one has been found."""
WHOLE_NUMBERS = ("order", "n")
"""Parameters of rows that count something: proved for 0, for 1 and for every one from 2 on."""


@dataclass(frozen=True)
class Counterexample:
    """A point where the derivative of the formula and the partial are different numbers.

    Attributes
    ----------
    point
        The arguments and parameters, exact: fractions or formulas as text.
    derivative, partial
        The two numbers, to twelve digits.
    """

    point: Mapping[str, str]
    derivative: str
    partial: str

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {number}" for name, number in self.point.items())
        return f"at {where} the derivative is {self.derivative} and the partial {self.partial}"


@dataclass(frozen=True)
class Piece:
    """What was found about one partial in one region.

    Attributes
    ----------
    conditions
        The comparisons that hold there; none if it is the whole domain.
    verdict
        ``"proved"``, ``"undecided"`` or ``"refuted"``.
    difference
        The derivative minus the partial as far as it was rewritten; empty if proved.
    counterexample
        Given if refuted.
    """

    conditions: tuple[str, ...]
    verdict: Verdict
    difference: str = ""
    counterexample: Counterexample | None = None

    def __str__(self) -> str:
        where = ", ".join(self.conditions) or "everywhere"
        found = {
            "proved": "proved",
            "undecided": f"undecided, {self.difference}",
            "refuted": f"refuted: {self.counterexample}",
        }
        return f"{where}: {found[self.verdict]}"


@dataclass(frozen=True)
class ArgumentProof:
    """What was found about the partial derivative by one argument."""

    argument: str
    partial: str
    pieces: tuple[Piece, ...]

    @property
    def status(self) -> Status:
        """The worst verdict of any region; "proved by cases" if there was more than one."""
        verdicts = {piece.verdict for piece in self.pieces}
        if "refuted" in verdicts:
            return "refuted"
        if "undecided" in verdicts or not self.pieces:
            return "undecided"
        return "proved by cases" if any(piece.conditions for piece in self.pieces) else "proved"

    @property
    def counterexample(self) -> Counterexample | None:
        """The first that was found, if any."""
        return next((p.counterexample for p in self.pieces if p.counterexample), None)

    def __str__(self) -> str:
        lines = [f"by {self.argument}, {self.partial}: {self.status}"]
        if self.status != "proved":
            lines += [f"  {piece}" for piece in self.pieces]
        return "\n".join(lines)


@dataclass(frozen=True)
class Proof:
    """What was found about a rule.

    Attributes
    ----------
    rule
        The rule.
    arguments
        One entry for each differentiable argument.
    assumptions
        What is assumed of the arguments and parameters, and which constants stand for what.
    """

    rule: Rule
    arguments: tuple[ArgumentProof, ...]
    assumptions: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every partial is proved."""
        return self.status in ("proved", "proved by cases")

    @property
    def status(self) -> Status:
        """The worst of the arguments'."""
        order: tuple[Status, ...] = ("refuted", "undecided", "proved by cases", "proved")
        return min((argument.status for argument in self.arguments), key=order.index)

    def __getitem__(self, argument: str) -> ArgumentProof:
        return next(entry for entry in self.arguments if entry.argument == argument)

    def __str__(self) -> str:
        names = ", ".join(self.rule.args)
        params = "; " + ", ".join(self.rule.params) if self.rule.params else ""
        lines = [f"{self.rule.name}({names}{params}) = {self.rule.formula.text}: {self.status}"]
        lines += [f"where {', '.join(self.assumptions)}"] if self.assumptions else []
        for argument in self.arguments:
            lines += [f"  {line}" for line in str(argument).splitlines()]
        return "\n".join(lines)


def prove(
    rule: Any, *, whole_numbers: Iterable[str] = WHOLE_NUMBERS, seconds: float = SECONDS
) -> Proof:
    """Prove or refute every partial derivative of an elementwise rule.

    Parameters
    ----------
    rule
        A row of the sheet, or an operation made from one: ``ab.tanh``, what `ab.scalar_rule`
        returned.
    whole_numbers
        The static parameters that are whole numbers from 0 on; the others are any real number.
    seconds
        What is not decided after this time is undecided.

    Raises
    ------
    TypeError
        If it is no elementwise rule, or its formulas use something that is not a function of
        single numbers.
    ImportError
        If SymPy is not installed.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> right = ab.scalar_rule("cube(x)", "x * x * x", d="3 * x * x")
    >>> prove(right).status
    'proved'
    >>> wrong = ab.scalar_rule("cube(x)", "x * x * x", d="3 * x * abs(x)")
    >>> print(prove(wrong))
    cube(x) = x * x * x: refuted
    where x is real
      by x, 3 * x * abs(x): refuted
        x > 0: proved
        x < 0: refuted: at x = -2 the derivative is 12.0000000000 and the partial -12.0000000000
    """
    row = getattr(rule, "rule", rule)
    if not isinstance(row, Rule) or row.kind != "elementwise":
        raise TypeError(
            f"{rule!r} is no elementwise rule: a proof needs a formula of single numbers and a "
            "partial derivative by each argument, as ab.scalar_rule takes them"
        )
    return _Prover(row, tuple(whole_numbers), seconds).proof()


class _Prover:
    """One proof being made."""

    def __init__(self, rule: Rule, whole_numbers: Sequence[str], seconds: float) -> None:
        try:
            # SymPy takes a while to import, and only proofs need it.
            from autograd_bp.testing import symbolic, vanishing
        except ImportError as error:
            if error.name != "sympy":
                raise
            message = "a proof needs SymPy: pip install 'autograd-bp[testing]'"
            raise ImportError(message, name="sympy") from error
        self.rule = rule
        self.reader: Reader = symbolic.Reader(rule, whole_numbers)
        self._vanishing = vanishing
        self._end = time.monotonic() + seconds

    def proof(self) -> Proof:
        """Refutations first: they are quick, and a proof that takes too long must not hide one."""
        branches, excuse = self._branches()
        refuted = {
            (k, argument): self._within_time(
                functools.partial(self._counterexample, branch, argument), None
            )
            for k, branch in enumerate(branches)
            for argument in branch.pairs
        }
        if any(refuted.values()):  # what else holds matters less
            self._end = min(self._end, time.monotonic() + _LAST_SECONDS)
        found: dict[str, list[Piece]] = {argument: [] for argument in self.rule.args}
        for (k, argument), counterexample in refuted.items():
            found[argument].append(self._piece(branches[k], argument, counterexample))
        if excuse:
            for pieces in found.values():
                pieces.append(Piece((), "undecided", excuse))
        return Proof(
            self.rule,
            tuple(
                ArgumentProof(argument, "0" if partial is None else partial.text, tuple(pieces))
                for (argument, pieces), partial in zip(
                    found.items(), self.rule.partials, strict=True
                )
            ),
            tuple(self.reader.assumptions()),
        )

    def _branches(self) -> tuple[list[Branch], str]:
        """The regions and what is to be shown in each; and why they are not all, if so."""
        from autograd_bp.testing.regions import TooManyRegions

        found: list[Branch] = []

        def find() -> str:
            try:
                found.extend(self.reader.branches())
            except TooManyRegions:
                return "there are too many cases"
            return ""

        excuse = self._within_time(find, "the other cases took too long to find")
        self._end = max(self._end, time.monotonic() + _LAST_SECONDS)
        return list(found), excuse

    def _piece(self, branch: Branch, argument: str, counterexample: Counterexample | None) -> Piece:
        if counterexample is not None:
            return Piece(branch.conditions, "refuted", "", counterexample)
        derivative, partial = branch.pairs[argument]
        difference = derivative - partial
        forms = (difference, branch.region.at(difference))
        if self._within_time(lambda: self._vanishing.vanishes(*forms), False):
            return Piece(branch.conditions, "proved")
        self._end = max(self._end, time.monotonic() + _LAST_SECONDS)
        counterexample = self._within_time(
            lambda: self._counterexample(branch, argument, thorough=True), None
        )
        if counterexample is not None:
            return Piece(branch.conditions, "refuted", "", counterexample)
        return Piece(branch.conditions, "undecided", branch.region.shown(difference))

    def _counterexample(
        self, branch: Branch, argument: str, *, thorough: bool = False
    ) -> Counterexample | None:
        here = [branch.region.at(e) for e in (branch.formula, *branch.pairs[argument])]
        for point in self._vanishing.points(branch.region, thorough=thorough):
            try:
                told = self._told_at(point, *here, thorough=thorough)
            except self._vanishing.SYMPY_FAILED:
                continue
            if told is not None:
                return Counterexample(
                    {
                        symbol.name: str(branch.region.at(symbol).xreplace(point))
                        for symbol in (*branch.region.arguments, *branch.region.params)
                    },
                    *told,
                )
        return None

    def _told_at(
        self,
        point: Point,
        formula: Expression,
        derivative: Expression,
        partial: Expression,
        *,
        thorough: bool,
    ) -> tuple[str, str] | None:
        """The derivative and the partial at a point, if they are two numbers there."""
        value_at = self._vanishing.value_at
        formula, derivative, partial = (e.xreplace(point) for e in (formula, derivative, partial))
        slope, claimed = value_at(derivative), value_at(partial)
        if value_at(formula) is None or slope is None or not slope.is_finite:
            return None  # the operation has no value or no derivative there
        same = claimed is not None and claimed.is_finite
        if same and (thorough or not self._vanishing.agree(slope, claimed)):
            # A constant that was rounded to a float moves the derivative as much.
            rounding = abs(slope) / 10**13 if self.reader.rounded else 0
            same = not self._vanishing.is_not_zero(derivative - partial, rounding)
        return None if same else _told_apart(slope, claimed)

    def _within_time(self, compute: Callable[[], Any], otherwise: Any) -> Any:
        remaining = self._end - time.monotonic()
        return self._vanishing.within(remaining, compute, otherwise)


def _told_apart(slope: Any, claimed: Any) -> tuple[str, str]:
    """Two different numbers, with digits enough to see it."""
    if claimed is None:
        return str(slope.evalf(12)), "no real number"
    shown = ("", "")
    for digits in (12, 24, 40):
        shown = str(slope.evalf(digits)), str(claimed.evalf(digits))
        if shown[0] != shown[1]:
            break
    return shown

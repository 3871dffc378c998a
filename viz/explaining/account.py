"""What an explanation knows: plain facts, with no node of the graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viz.explaining.algebra import Written
from viz.picture import Quantity

Number = float | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Term:
    """A value that the explanation mentions: its name, how it was computed, what it is.

    `formula` is None for what was not computed, or not on any path shown.
    """

    symbol: Written
    formula: Written | None
    numbers: Written | None
    value: Quantity


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of the chain rule: how `result` depends on `operand`.

    `formula` and `numbers` are the local derivative as the rule sheet has it, None where it has
    none or where it is about arrays; `because` are the conditions under which it is that one, and
    `also` is how books write it, where the sheet has another form for accuracy.
    `value` is the number, None for arrays. `pull` says what is done with a cotangent G of the
    result, `words` says it in words. Of very many factors the last ones have a value only.
    """

    result: Written
    operand: Written
    value: float | None
    formula: Written | None = None
    numbers: Written | None = None
    because: tuple[Written, ...] = ()
    also: Written | None = None
    pull: Written | None = None
    words: str = ""

    @property
    def derivative(self) -> Written:
        """The factor's name."""
        return derivative(self.result, self.operand)


@dataclass(frozen=True, slots=True)
class Step:
    """A node that a path meets, and what arrives there along the path."""

    symbol: Written
    carried: Quantity


@dataclass(frozen=True, slots=True)
class Path:
    """A path from the output to the node asked about.

    Attributes
    ----------
    steps
        The nodes it meets, the output first.
    factors
        One local derivative for each step between them.
    product
        What the path contributes to the gradient: the product of its factors, of the shape of the
        node asked about.
    formula, inputs, numbers
        The product in names; in names that somebody gave, with no t1; and in numbers. None for a
        path too long to read; the latter two also for arrays.
    """

    steps: tuple[Step, ...]
    factors: tuple[Factor, ...] = field(repr=False)
    product: Number
    formula: Written | None = field(repr=False)
    inputs: Written | None = field(repr=False)
    numbers: Written | None = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the nodes it meets, the output first."""
        return tuple(step.symbol.text for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Account:
    """The facts.

    Attributes
    ----------
    gradient
        The derivative of `output` by `wrt`, as the engine's sweep finds it: the sum of the products
        of all paths.
    count
        How many paths there are, exactly.
    paths
        All of them, or those with the largest products (by absolute value or norm), largest first.
    mass
        The sum of the absolute values of the products of all paths; None for arrays.
    scalar
        Whether every value on the paths is a number.
    untold
        How many values are mentioned for which there is no term: they are too many.
    summed, seeded
        Whether the gradient is that of the sum of the output's entries; whether another gradient
        than ones was fed in.
    """

    output: Written
    wrt: Written
    gradient: Number
    terms: tuple[Term, ...]
    untold: int
    factors: tuple[Factor, ...]
    paths: tuple[Path, ...]
    count: int
    mass: float | None
    scalar: bool
    summed: bool
    seeded: bool
    digits: int

    @property
    def shown(self) -> Number:
        """The sum of the products of `paths`."""
        total: Any = np.zeros_like(self.gradient) if isinstance(self.gradient, np.ndarray) else 0.0
        for path in self.paths:
            total = total + path.product
        shown: Number = total
        return shown

    @property
    def share(self) -> float | None:
        """How much of the gradient `paths` make up: their sum along it; None if it is zero.

        1 if they are all, unless rounding shows; more than 1 where other paths take back from them.
        """
        gradient = np.asarray(self.gradient, np.float64)
        peak = float(np.max(np.abs(gradient), initial=0.0))
        if not peak or not np.isfinite(peak):
            return None
        scaled = gradient / peak
        along = float(np.sum(np.asarray(self.shown, np.float64) / peak * scaled))
        return along / float(np.sum(scaled * scaled))

    @property
    def mass_share(self) -> float | None:
        """How much `paths` make up of the sum of absolute values of all; None where unknown."""
        if not self.mass or not np.isfinite(self.mass):
            return None
        return sum(abs(float(path.product)) for path in self.paths) / self.mass


def derivative(result: Written, operand: Written) -> Written:
    """The name of a derivative.

    >>> derivative(Written("y", "y", "<mi>y</mi>"), Written("x", "x", "<mi>x</mi>")).text
    'd y / d x'
    """
    return Written(
        f"d {result.text} / d {operand.text}",
        rf"\frac{{\partial {result.latex}}}{{\partial {operand.latex}}}",
        f"<mfrac><mrow><mo>&#8706;</mo>{result.mathml}</mrow>"
        f"<mrow><mo>&#8706;</mo>{operand.mathml}</mrow></mfrac>",
    )

"""Derivatives of a whole program from outside the engine, and how far rounding may carry them.

The oracles run the array readings of the rows: the complex step, differences of it for second
derivatives, and the naive engine. How sensitive a derivative is to rounding is measured, by
nudging every operand by a known amount.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp import graph
from autograd_bp.rules import ARRAY, ROWS
from autograd_bp.rules.formula import compile_formula
from autograd_bp.testing.program import Condition, Program, Ref, Step, Use
from tests.testing import naive

Array = Any
NUDGE = 2.0**-24


def complex_step(
    program: Program, nudged: Use | None = None, exponents: Sequence[int] = (-100, -80)
) -> list[Array]:
    """Im f(x + ih) / h for every element of the inputs: to the last digits, with no subtraction.

    nan where two steps do not agree: at a branch point, such as x ** x at 0.
    """
    found = []
    for i, x in enumerate(program.inputs):
        gradient = np.zeros(np.shape(x))
        for k in np.ndindex(np.shape(x)):
            slopes = []
            for exponent in exponents:
                moved = [np.array(other, complex) for other in program.inputs]
                h = 2.0**exponent * max(abs(moved[i][k]), 2.0**-10)
                moved[i][k] += 1j * h
                slopes.append(np.imag(program.run(moved, nudged)) / h)
            agree = abs(slopes[0] - slopes[-1]) <= 1e-12 * abs(slopes[0]) + 1e-25
            gradient[k] = slopes[0] if agree else np.nan
        found.append(gradient)
    return found


def nudges(seed: int) -> Use:
    """Multiply every operand, and its tangent, by 1 + a small number, the same in every run."""

    def nudged(step: int, operand: int, result: Any) -> Any:
        rng = random.Random(1_000_003 * seed + 101 * step + operand)

        def factor() -> Array:
            sizes = [rng.uniform(-1, 1) for _ in range(np.size(result))]
            return 1 + NUDGE * np.reshape(sizes, np.shape(result))

        real = np.real(result) * factor()
        return real + 1j * np.imag(result) * factor() if np.iscomplexobj(result) else real

    return nudged


def sensitivity(gradient: Sequence[Array], again: Callable[[Any], Sequence[Array]]) -> list[Array]:
    """How much each entry changes, relative to a nudge of every operand in the program."""
    scale = [np.abs(g) for g in gradient]
    for seed in (1, 2, 3):
        nudged = again(nudges(seed))
        with np.errstate(all="ignore"):
            scale = [
                np.maximum(s, np.abs(n - g) / NUDGE)
                for s, n, g in zip(scale, nudged, gradient, strict=True)
            ]
    return scale


def value_beside(program: Program, inputs: Sequence[Array], nudged: Use | None = None) -> Any:
    """The result near the drawn point; nan where LAPACK has no answer there, so undecided."""
    try:
        return program.run(inputs, nudged)
    except np.linalg.LinAlgError:
        return np.nan


def differenced(program: Program, direction: Sequence[Array], nudged: Use | None = None) -> float:
    """A rough derivative along `direction`, for `sensitivity` only."""

    def beside(sign: int) -> Any:
        moved = [x + sign * h * u for x, u in zip(wide, direction, strict=True)]
        return value_beside(program, moved, nudged)

    h = np.longdouble(1e-8)
    wide = [np.asarray(x, np.longdouble) for x in program.inputs]
    try:
        ahead, behind = beside(1), beside(-1)
    except TypeError:  # LAPACK has no long double
        h, wide = np.float64(1e-6), [np.asarray(x) for x in program.inputs]
        ahead, behind = beside(1), beside(-1)
    with np.errstate(all="ignore"):  # a nudge may carry it over a jump, to an infinity
        return float((ahead - behind) / (2 * h))


def at_a_kink(program: Program) -> bool:
    """Whether a step that matters is where its row says it has a kink, or compares equals.

    There the rows promise a subgradient each, and their products are not the derivative of the
    whole: copysign(x, x) is x, and smooth.
    """
    results = program.results(program.inputs)
    matters = set(program.outputs)
    for number, step in reversed([*enumerate(program.steps, len(program.inputs))]):
        if number not in matters:
            continue
        matters |= step.used
        rule, operands = ROWS[step.row], step.operands_on(results)
        for operand in step.operands:
            if isinstance(operand, Condition):
                sides = Step("sub", (operand.left, operand.right), {}).operands_on(results)
                if np.any(np.abs(np.subtract(*sides)) < 1e-9):
                    return True
        for kink in rule.kinks if rule.name != "where" else ():
            names = (*rule.args, *rule.params)
            distance = compile_formula(kink, names, ARRAY.resolve, name="kink")
            if np.any(np.abs(distance(*operands, *step.params.values())) < 1e-9):
                return True
    return False


def path_sums(output: Any) -> dict[Any, Array]:
    """For every node the sum over all paths from the output of the absolute products.

    Adding up the same contributions in another order can change a gradient by a few ulp of this.
    """
    sums: dict[Any, Array] = {output: np.ones(output.shape)}
    for node in reversed(graph.topological_order(output)):
        for k in np.ndindex(np.shape(node.data)) if node in sums else ():
            unit = np.zeros(node.shape)
            unit[k] = sums[node][k]
            given = unit.astype(node.dtype) if isinstance(node, ab.Tensor) else float(unit)
            for parent, sent in zip(node.parents, graph.contributions(node, given), strict=False):
                if sent is not None:
                    sums[parent] = sums.get(parent, 0.0) + np.abs(sent)
    return sums


def second_by_differences(program: Program, v: Sequence[Any]) -> list[tuple[Array, Array, Array]]:
    """H v by differences of the complex step, extrapolated; its error, and its sensitivity."""

    def quotient(t: float, nudged: Use | None = None) -> Array:
        sides = []
        for sign in (1.0, -1.0):
            moved = [x + sign * t * u for x, u in zip(program.inputs, v, strict=True)]
            shifted = Program(tuple(moved), program.steps, program.outputs)
            slopes = complex_step(shifted, nudged, (-100,))
            sides.append(np.concatenate([np.ravel(g) for g in slopes]))
        return (sides[0] - sides[1]) / (2 * t)

    table = [quotient(2.0**-k) for k in (8, 9, 10, 11)]
    simplest = table[-1]
    for order in (4.0, 16.0, 64.0):
        previous = table[-1]
        table = [(order * b - a) / (order - 1) for a, b in itertools.pairwise(table)]
    (size,) = sensitivity([simplest], lambda nudged: [quotient(2.0**-11, nudged)])
    error = 4 * np.abs(table[0] - previous) + 1e-11 * size
    # Where the simplest difference is far off, the steps are too long to trust the estimate.
    settled = (error <= 1e-5 * np.abs(table[0]) + 1e-9 * size) & (
        np.abs(table[0] - simplest) <= 0.1 * np.abs(table[0]) + 1e-4 * size
    )
    columns = (np.where(settled, table[0], np.nan), error, size)
    ends = np.cumsum([np.size(x) for x in program.inputs])[:-1]
    by_input = zip(*(np.split(column, ends) for column in columns), strict=True)
    return [
        tuple(piece.reshape(np.shape(x)) for piece in pieces)  # type: ignore[misc]
        for pieces, x in zip(by_input, program.inputs, strict=True)
    ]


def as_naive(program: Program) -> list[naive.Made]:
    """The program on the naive engine, which computes every value anew."""
    made: list[naive.Made] = [naive.Made(x) for x in program.inputs]

    def operand(given: Any) -> Any:
        if isinstance(given, Ref):
            return made[given.index]
        if isinstance(given, Condition):
            left, right = (
                getattr(operand(side), "value", side) for side in (given.left, given.right)
            )
            return np.asarray(naive.COMPARE[given.symbol](left, right))
        return given

    for step in program.steps:
        result = naive.apply(step.row, *map(operand, step.operands), **step.params)
        made.append(result)
    return made

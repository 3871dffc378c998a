"""Random programs: a Hypothesis strategy that draws whole graphs from the rule sheet.

>>> from hypothesis import given
>>> @given(programs())
... def test_it_runs_backward(program):
...     program.run(program.leaves()).backward()
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd_bp.rules import Interval, Rule
from autograd_bp.testing.calls import FITTED, fitted
from autograd_bp.testing.program import Condition, Operand, Program, Ref, Step
from autograd_bp.testing.program_draws import LARGEST, Shape, array, numbers, operands_of
from autograd_bp.testing.program_rows import OPERATORS, Operation, is_analytic, operations

__all__ = ["Condition", "Program", "Ref", "Step", "programs"]

Array = NDArray[Any]

BOUND = 100.0
"""No result is larger."""
STEEPEST = 1000.0
"""No step has a larger derivative, if operands can be found for that."""

# How often each kind of step is drawn, in parts.
_PARTS = {
    "arithmetic": 5,
    "elementwise": 6,
    "structure": 3,
    "reduction": 2,
    "product": 2,
    "selection": 1,
    "flat": 1,
}

_SHAPES: tuple[Shape, ...] = ((), (2,), (3,), (1,), (2, 3), (3, 2), (2, 2), (1, 3), (2, 1, 3))
# Values have sweeps of their own, which a Tensor anywhere in the graph would keep from being used.
_ONLY_VALUES = (None, None)


def programs(
    rows: Iterable[str] | None = None,
    *,
    analytic: bool = False,
    max_steps: int = 25,
) -> st.SearchStrategy[Program]:
    """A strategy for programs.

    Parameters
    ----------
    rows
        The names of the rows to draw from; if None, all of the sheet that can be used. `sin`,
        `tanh`, `add` and `mul` are added where operands must be brought into a row's domain.
    analytic
        Only rows that are right on complex numbers: then a complex step is an oracle for the
        whole program.
    max_steps
        At most as many steps are drawn; more are put in to keep values finite and moderate.

    Raises
    ------
    ValueError
        If a row cannot stand in a program, or there is none to draw from.

    >>> programs(["mul", "astype"])
    Traceback (most recent call last):
        ...
    ValueError: 'astype': changes the kind of a result, not its numbers
    """
    pool = operations(rows)
    if analytic:
        pool = {name: op for name, op in pool.items() if is_analytic(op.rule)}
    if not pool:
        raise ValueError("programs: there is no row to draw from")
    return _programs(tuple(pool), max_steps)


@st.composite
def _programs(draw: st.DrawFn, rows: tuple[str, ...], max_steps: int) -> Program:
    pool = operations(rows).values()
    builder = _Builder(draw, pool)
    on_values = any(op.rule.kind == "elementwise" for op in pool)
    base = draw(st.sampled_from((*_SHAPES, *_ONLY_VALUES) if on_values else _SHAPES))
    for _ in range(draw(st.integers(1, 4))):
        builder.add_input(base)
    for _ in range(draw(st.integers(1, max_steps))):
        builder.add_step()
    outputs = {len(builder.values) - 1}
    if draw(st.booleans()):  # else what nothing uses is a dead branch
        outputs |= set(builder.unused)
    return Program(
        tuple(builder.inputs), tuple(builder.steps), tuple(sorted(outputs)), builder.dropped
    )


class _Builder:
    """A program while it is drawn. It is computed on the way, to know shapes and sizes."""

    def __init__(self, draw: st.DrawFn, pool: Collection[Operation]) -> None:
        self.draw = draw
        groups = {group: [op for op in pool if op.group == group] for group in _PARTS}
        self.groups = [
            groups[group] for group, parts in _PARTS.items() for _ in range(parts) if groups[group]
        ]
        self.inputs: list[float | Array] = []
        self.steps: list[Step] = []
        self.values: list[Any] = []
        self.scalars: set[int] = set()
        self.unused: list[int] = []
        self.dropped = 0

    # What operands are chosen from; see `program_draws.Results`.

    def ref(self, fits: Callable[[int], bool]) -> Ref | None:
        """A result that fits, often one that nothing uses yet."""
        choice = [i for i in reversed(range(len(self.values))) if fits(i)]
        fresh = [i for i in choice if i in self.unused]
        prefer_fresh = self.draw(st.booleans())
        if fresh and prefer_fresh:
            choice = fresh
        return Ref(self.draw(st.sampled_from(choice))) if choice else None

    def shape(self, result: Ref | int) -> Shape:
        return np.shape(self.values[result.index if isinstance(result, Ref) else result])

    def is_value(self, index: int) -> bool:
        return index in self.scalars

    # Inputs and steps.

    def add_input(self, base: Shape | None) -> None:
        """A Value, or a Tensor whose shape broadcasts with `base`; a Value if that is None."""
        draw = self.draw
        shape = tuple(1 if draw(st.integers(0, 4)) == 4 else n for n in base or ())
        if draw(st.booleans()) and shape:
            shape = shape[draw(st.integers(0, len(shape))) :]
        if base is None or (shape == () and draw(st.booleans())):
            self.scalars.add(len(self.values))
            self.inputs.append(draw(numbers))
        else:
            self.inputs.append(array(draw, shape, numbers))
        self.unused.append(len(self.values))
        self.values.append(np.asarray(self.inputs[-1]))

    def add_step(self) -> None:
        """A drawn step, after the steps its operands need; nothing if no operands fit."""
        op = self.draw(st.sampled_from(self.draw(st.sampled_from(self.groups))))
        rule = op.rule
        drawn = operands_of(self, rule)
        if drawn is None:
            return
        as_operator = rule.name in OPERATORS and self.draw(st.booleans())
        step = Step(rule.name, tuple(drawn[0]), drawn[1], as_operator)
        if rule.name in FITTED:
            step = Step(rule.name, self.fitted(rule, step.operands), drawn[1], as_operator)
        domains = rule.domain * len(step.operands) if rule.variadic else rule.domain
        for attempt in ("as drawn", "inside", "well inside"):
            if attempt == "as drawn":
                tamed = step
            else:
                limits = domains if attempt == "inside" else tuple(map(_well_inside, domains))
                operands = self.tamed(step.operands, limits, constants=attempt == "well inside")
                tamed = Step(step.row, operands, step.params, as_operator)
            value = self.value(tamed)
            if value is not None and (attempt == "well inside" or self.is_tame(tamed, op, value)):
                self.append(tamed, value, op)
                return
            if rule.name in FITTED:  # inside a domain they would no longer fit
                break
        self.dropped += 1

    def append(self, step: Step, value: Any, op: Operation | None = None) -> Ref:
        index = len(self.values)
        if op is None or op.rule.kind == "elementwise":
            entering = [o for o in step.operands if not isinstance(o, Condition)]
            if all(
                self.is_value(o.index) if isinstance(o, Ref) else not isinstance(o, np.ndarray)
                for o in entering
            ):
                self.scalars.add(index)
        self.steps.append(step)
        self.values.append(value)
        self.unused = [i for i in self.unused if i not in step.used] + [index]
        return Ref(index)

    def value(self, step: Step) -> Any:
        """The value, or None if there is none, or it is not finite or too large."""
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(step.applied(step.operands_on(self.values)))
        except (ValueError, TypeError, IndexError):
            return None
        moderate = 0 < value.size <= LARGEST and bool(np.all(np.abs(value) <= BOUND))
        return value if moderate else None

    def is_tame(self, step: Step, op: Operation, value: Any) -> bool:
        """Whether the derivatives by the operands are moderate, as far as the row tells."""
        if op.rule.kind != "elementwise":
            return True
        operands = step.operands_on(self.values)
        with np.errstate(all="ignore"):
            return all(
                partial is None
                or not isinstance(operand, Ref)
                or bool(np.all(np.abs(partial(value, *operands, *step.params.values())) < STEEPEST))
                for partial, operand in zip(op.rule.array.partials, step.operands, strict=True)
            )

    # Bringing operands into a domain.

    def fitted(self, rule: Rule, operands: Sequence[Operand]) -> tuple[Operand, ...]:
        """Operands that the row takes: what a result lacks is added to it."""
        own, made = self.made_to_fit(rule, operands)
        if any(np.any(np.abs(x) > BOUND) for x in made):  # what is added grows with the operand
            anything = Interval(-math.inf, math.inf)
            operands = self.tamed(operands, [anything] * len(operands), constants=True)
            own, made = self.made_to_fit(rule, operands)
        results: list[Operand] = []
        for operand, x, wanted in zip(operands, own, made, strict=True):
            if isinstance(operand, Ref) and not np.array_equal(x, wanted):
                results.append(self.then("add", operand, wanted - x))
            else:
                results.append(operand if isinstance(operand, Ref) else wanted)
        return tuple(results)

    def made_to_fit(
        self, rule: Rule, operands: Sequence[Operand]
    ) -> tuple[list[Array], Sequence[Array]]:
        """The numbers of the operands, and the nearest ones that the row takes."""
        own = [np.asarray(self.values[o.index] if isinstance(o, Ref) else o) for o in operands]
        return own, fitted(rule, own)

    def tamed(
        self, operands: Sequence[Operand], domains: Sequence[Interval], *, constants: bool
    ) -> tuple[Operand, ...]:
        """Steps that bring the operands into the domains; the operands then."""
        known: dict[tuple[int, Interval], Ref] = {}
        results: list[Operand] = []
        for operand, domain in zip(operands, domains, strict=True):
            if isinstance(operand, Ref):
                key = (operand.index, domain)
                if key not in known:
                    known[key] = self.brought_into(operand, domain)
                results.append(known[key])
            elif isinstance(operand, Condition) or (
                not constants and all(x in domain for x in np.ravel(operand))
            ):
                results.append(operand)
            else:
                center, radius = _middle(domain)
                moved = center + radius * np.sin(operand)
                results.append(moved if isinstance(operand, np.ndarray) else float(moved))
        return tuple(results)

    def brought_into(self, ref: Ref, domain: Interval) -> Ref:
        center, radius = _middle(domain)
        how = self.draw(st.sampled_from(["sin", "tanh", "rational"]))
        if how == "rational" and np.any(np.square(self.values[ref.index]) > BOUND - 1.0):
            how = "sin"  # the square alone would be too large
        if how == "rational":  # x / (1 + x * x)
            square = self.then("mul", ref, ref)
            ref = self.then("div", ref, self.then("add", square, 1.0))
        else:
            ref = self.then(how, ref)
        if radius != 1.0:
            ref = self.then("mul", ref, radius)
        return ref if center == 0.0 else self.then("add", ref, center)

    def then(self, row: str, *operands: Operand) -> Ref:
        step = Step(row, operands, {}, as_operator=row in OPERATORS)
        return self.append(step, np.asarray(step.applied(step.operands_on(self.values))))


def _middle(domain: Interval) -> tuple[float, float]:
    """A point and a radius such that all within is inside."""
    if math.isinf(domain.low) and math.isinf(domain.high):
        return 0.0, 1.0
    if math.isinf(domain.high):
        return domain.low + 1.25, 1.0
    if math.isinf(domain.low):
        return domain.high - 1.25, 1.0
    return (domain.low + domain.high) / 2, 0.4 * (domain.high - domain.low)


def _well_inside(domain: Interval) -> Interval:
    """The positive part, if there is one: away from poles at zero."""
    return Interval(max(domain.low, 0.0), domain.high) if domain.high > 0.5 else domain

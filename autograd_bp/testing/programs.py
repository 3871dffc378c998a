"""Random programs: a Hypothesis strategy that draws whole graphs from the rule sheet.

>>> from hypothesis import given
>>> @given(programs())
... def test_it_runs_backward(program):
...     program.run(program.leaves()).backward()
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd_bp.rules import Interval, Rule
from autograd_bp.testing.program import Condition, Operand, Program, Ref, Step
from autograd_bp.testing.program_rows import OPERATORS, Operation, is_analytic, operations

__all__ = ["Condition", "Program", "Ref", "Step", "programs"]

Array = NDArray[Any]
Shape = tuple[int, ...]

LARGEST = 24
"""No result has more elements."""
BOUND = 100.0
"""No result is larger, and no derivative of a step is, where operands can be found for that."""

# How often each kind of step is drawn, in parts.
_PARTS = {
    "arithmetic": 5,
    "elementwise": 6,
    "reduction": 2,
    "structure": 3,
    "product": 2,
    "flat": 1,
}

_SHAPES: tuple[Shape, ...] = ((), (2,), (3,), (1,), (2, 3), (3, 2), (2, 2), (1, 3), (2, 1, 3))

# On a grid, so that a failure shows short numbers; a tie or a kink is drawn now and then.
_ordinary = st.integers(-3000, 3000).map(lambda n: n / 1000)
_special = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -0.5])
_numbers = st.one_of(_ordinary, _ordinary, _ordinary, _ordinary, _ordinary, _ordinary, _special)
_constants = st.one_of(st.sampled_from([2.0, 0.5, 1.0, -1.0, 3.0, 2, -2, 1, 0.0]), _ordinary)


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
        The names of the rows to draw from; if None, all of the sheet that can be used. Among them
        should be `sin` or `tanh`, or else steps whose operands are too large are left out.
    analytic
        Only rows that are right on complex numbers: then a complex step is an oracle for the
        whole program.
    max_steps
        At most as many steps are drawn; a few more are put in to keep values finite and moderate.

    >>> isinstance(programs(["mul", "sin"]).example(), Program)
    True
    """
    pool = operations(rows)
    if analytic:
        pool = {name: op for name, op in pool.items() if is_analytic(op.rule)}
    if not pool:
        raise ValueError("programs: there is no row to draw from")
    return _programs(pool, max_steps)


@st.composite
def _programs(draw: st.DrawFn, pool: dict[str, Operation], max_steps: int) -> Program:
    base = draw(st.sampled_from(_SHAPES))
    builder = _Builder(draw, pool)
    for _ in range(draw(st.integers(1, 4))):
        builder.add_input(base)
    for _ in range(draw(st.integers(1, max_steps))):
        builder.add_step()
    last = len(builder.values) - 1
    outputs = {last}
    if draw(st.integers(0, 3)) == 3:
        outputs.add(draw(st.integers(0, last)))
    return Program(
        tuple(builder.inputs), tuple(builder.steps), tuple(sorted(outputs)), builder.dropped
    )


class _Builder:
    """A program while it is drawn: it is run on the way, to know shapes and sizes."""

    def __init__(self, draw: st.DrawFn, pool: dict[str, Operation]) -> None:
        self.draw = draw
        self.pool = pool
        self.groups = {
            group: [op for op in pool.values() if op.group == group]
            for group, parts in _PARTS.items()
            for _ in range(parts)
        }
        self.inputs: list[float | Array] = []
        self.steps: list[Step] = []
        self.values: list[Any] = []
        self.is_value: list[bool] = []
        self.unused: list[int] = []
        self.dropped = 0

    # -- inputs and operands ----------------------------------------------------------------------

    def add_input(self, base: Shape) -> None:
        """A Value, or a Tensor whose shape broadcasts with `base`."""
        draw = self.draw
        shape = tuple(1 if draw(st.integers(0, 4)) == 4 else n for n in base)
        shape = shape[draw(st.integers(0, len(shape))) if draw(st.booleans()) else 0 :]
        if shape == () and draw(st.booleans()):
            self.inputs.append(draw(_numbers))
        else:
            self.inputs.append(self.array(shape, _numbers))
        self.values.append(np.asarray(self.inputs[-1]))
        self.is_value.append(isinstance(self.inputs[-1], float))
        self.unused.append(len(self.values) - 1)

    def array(self, shape: Shape, elements: st.SearchStrategy[Any]) -> Array:
        n = int(np.prod(shape, dtype=int))
        return np.array(
            self.draw(st.lists(elements, min_size=n, max_size=n)), dtype=float
        ).reshape(shape)

    def ref(self, fits: Callable[[int], bool] = lambda _: True) -> Ref | None:
        """A result that fits, often one that nothing uses yet."""
        everything = [i for i in reversed(range(len(self.values))) if fits(i)]
        fresh = [i for i in reversed(self.unused) if fits(i)][:3]
        return Ref(self.draw(st.sampled_from(fresh + everything))) if everything else None

    def shape(self, ref: Ref) -> Shape:
        return np.shape(self.values[ref.index])

    def beside(self, first: Ref, shape: Shape) -> Operand:
        """An operand that broadcasts with `shape`: the same again, another result, a constant."""
        how = self.draw(st.sampled_from(["other", "same", "number", "array"]))
        if how == "other":
            other = self.ref(lambda i: _broadcast(shape, np.shape(self.values[i])) is not None)
            return other or first
        if how == "same":
            return first
        if how == "number":
            return self.draw(_constants)
        drop = self.draw(st.integers(0, len(shape)))
        return self.array(shape[drop:], _ordinary)

    # -- steps --------------------------------------------------------------------------------

    def add_step(self) -> None:
        """Draw a step; nothing if no result fits."""
        named = [group for group, parts in _PARTS.items() for _ in range(parts)]
        group = self.draw(st.sampled_from([g for g in named if self.groups[g]]))
        op = self.draw(st.sampled_from(self.groups[group]))
        drawn = _draw_operands(self, op.rule)
        if drawn is None:
            return
        operands, params = drawn
        as_operator = op.rule.name in OPERATORS and self.draw(st.booleans())
        self.add(Step(op.rule.name, tuple(operands), params, as_operator), op.rule)

    def add(self, step: Step, rule: Rule) -> None:
        """Append the step, its operands tamed if its result or a derivative is out of bounds."""
        for domains in (None, rule.domain, tuple(map(_benign, rule.domain))):
            operands = step.operands
            if domains is not None:
                operands = self.tamed(operands, domains)
            tamed = Step(step.row, operands, step.params, step.as_operator)
            value = self.evaluated(tamed, rule)
            if value is not None and (
                domains is not None and domains != rule.domain or self.is_tame(tamed, rule, value)
            ):
                self.append(tamed, value)
                return
        self.dropped += 1

    def append(self, step: Step, value: Any) -> Ref:
        rule = self.pool[step.row].rule
        self.steps.append(step)
        self.values.append(value)
        self.is_value.append(
            rule.kind == "elementwise"
            and all(
                self.is_value[operand.index]
                if isinstance(operand, Ref)
                else not isinstance(operand, np.ndarray)
                for operand in step.operands
                if not isinstance(operand, Condition)
            )
        )
        self.unused = [i for i in self.unused if i not in step.used]
        self.unused.append(len(self.values) - 1)
        return Ref(len(self.values) - 1)

    def evaluated(self, step: Step, rule: Rule) -> Any:
        """The value, or None if there is none, it is not finite, or too large."""
        program = Program((), (), ())
        try:
            with np.errstate(all="ignore"):
                value = rule.array.forward(
                    *program.operands(step, self.values), *step.params.values()
                )
        except (ValueError, TypeError, IndexError):
            return None
        size = np.size(value)
        if not 0 < size <= LARGEST or not np.all(np.abs(value) <= BOUND):
            return None
        return np.asarray(value)

    def is_tame(self, step: Step, rule: Rule, value: Any) -> bool:
        """Whether the derivatives by the operands are moderate, as far as the row tells."""
        return True

    def tamed(self, operands: Sequence[Operand], domains: Sequence[Interval]) -> tuple[Any, ...]:
        return tuple(operands)


def _benign(domain: Interval) -> Interval:
    return domain


def _broadcast(*shapes: Shape) -> Shape | None:
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    return shape if np.prod(shape, dtype=int) <= LARGEST else None


def _draw_operands(builder: _Builder, rule: Rule) -> Any:
    return itertools.count(), rule

"""Programs for any batch: what of a program depends on the number of samples, and how.

A program has the shapes it was recorded with. Recorded with three batches of different sizes, it
shows which numbers follow the batch: those become a `Size`, a multiple of it plus a constant, or a
`Share`, a constant divided by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.compiler.passes.dead_code import without_dead_code
from autograd_bp.compiler.program import Instruction, Program, Var
from autograd_bp.compiler.tracer import trace
from autograd_bp.export.errors import ExportError
from autograd_bp.node import Node
from autograd_bp.scopes import Call
from autograd_bp.sweep import topological_order

Array = NDArray[Any]
BATCHES = (3, 5, 7)
"""Sizes to record with: no size 1, which broadcasts, and no two with the same multiples."""


@dataclass(frozen=True)
class Size:
    """``times * batch + plus``, a whole number."""

    times: int
    plus: int


@dataclass(frozen=True)
class Share:
    """``over / batch``."""

    over: float


@dataclass(frozen=True, eq=False)
class Rows:
    """A constant array with the same row for every sample."""

    row: Array


@dataclass(frozen=True)
class Recorded:
    """A program for any batch.

    Attributes
    ----------
    program
        With sizes and shares among its numbers, as recorded for the first of `BATCHES`.
    shapes
        The shape of every variable, with sizes in it.
    calls
        The calls in which every variable was computed, the outermost first: the name of the scope,
        and when it began.
    """

    program: Program
    shapes: dict[Var, tuple[int | Size, ...]]
    calls: dict[Var, tuple[Call, ...]]


def recorded_for_any_batch(f: Callable[..., Any], args: Sequence[Array]) -> Recorded:
    """`f` on arrays whose first axis is that of the samples; ExportError if it does not scale."""
    found = [_recorded(f, [_of_batch(x, n) for x in args]) for n in BATCHES]
    programs = [program for program, _ in found]
    if len({tuple(i.op for i in program.instructions) for program in programs}) > 1:
        raise ExportError(
            f"{programs[0].name} does other things for a batch of another size, so it cannot be "
            "exported for all sizes"
        )
    shapes: dict[Var, tuple[int | Size, ...]] = {}
    instructions = []
    for same in zip(*(program.instructions for program in programs), strict=True):
        first: Instruction = same[0]
        what = f"{programs[0].name}: {first.op}"
        operands = tuple(_joined(x, what) for x in zip(*(i.operands for i in same), strict=True))
        params = tuple(_joined(x, what) for x in zip(*(i.params for i in same), strict=True))
        instructions.append(replace(first, operands=operands, params=params))
        if first.out is not None:
            shapes[first.out] = _joined(tuple(i.out.shape for i in same if i.out), what)
    for inputs in zip(*(program.inputs for program in programs), strict=True):
        shapes[inputs[0]] = _joined(tuple(var.shape for var in inputs), "an input")
    constants = {}
    for entries in zip(*(program.constants.items() for program in programs), strict=True):
        var = entries[0][0]
        constants[var] = _constant([array for _, array in entries], programs[0].name)
        shapes[var] = _joined(tuple(array.shape for _, array in entries), "a constant")
    program = replace(programs[0], instructions=tuple(instructions), constants=constants)
    return Recorded(program, shapes, found[0][1])


def _of_batch(x: Array, n: int) -> Array:
    """The samples again and again, until there are n."""
    return np.resize(x, (n, *x.shape[1:])) if x.ndim else x


def _recorded(
    f: Callable[..., Any], args: Sequence[Array]
) -> tuple[Program, dict[Var, tuple[Call, ...]]]:
    outputs: list[Any] = []

    def noted(*xs: Any) -> Any:
        outputs.append(f(*xs))
        return outputs[0]

    noted.__name__ = getattr(f, "__name__", type(f).__name__)
    program = without_dead_code(trace(noted, *args))
    calls = _calls(_nodes(outputs[0]))
    # What no derivative passes has no history: it was computed where it is read.
    for instruction in reversed(program.instructions):
        for var in instruction.inputs:
            if instruction.out is not None and var not in calls:
                calls[var] = calls.get(instruction.out, ())
    return program, calls


def _calls(outputs: Sequence[Node]) -> dict[Var, tuple[Call, ...]]:
    """What `scopes.scopes` says, of nodes whose constants have no numbers yet."""
    found: dict[Node, tuple[Call, ...]] = {}
    for node in reversed(topological_order(outputs, constants=False)):
        inside = found.get(node, ())
        if node._notes is not None:
            inside = tuple(sorted({*inside, *node._notes.get("scopes", ())}, key=_began))
        found[node] = inside
        for parent in node._parents:
            if parent is not None:
                reaching = tuple(call for call in inside if call[1] < parent.serial)
                found[parent] = tuple(sorted({*found.get(parent, ()), *reaching}, key=_began))
    return {node._value.var: calls for node, calls in found.items() if node._tracer is not None}


def _began(call: Call) -> int:
    return call[1]


def _nodes(output: Any) -> list[Node]:
    if isinstance(output, Node):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    if isinstance(output, list | tuple):
        return [node for piece in output for node in _nodes(piece)]
    return []


def _joined(same: tuple[Any, ...], what: str) -> Any:
    """One value for the three, with what follows the batch as such."""
    first = same[0]
    if isinstance(first, Var):
        return first
    if isinstance(first, tuple):
        if len({len(piece) for piece in same}) > 1:
            raise ExportError(f"{what} takes another number of things for another batch")
        return tuple(_joined(pieces, what) for pieces in zip(*same, strict=True))
    if isinstance(first, slice):
        ends = [_joined(tuple(getattr(s, end) for s in same), what) for end in _ENDS]
        return slice(*ends)
    if isinstance(first, np.ndarray):
        if all(np.array_equal(first, other) for other in same):
            return first
        raise ExportError(f"{what} has an array that depends on the size of the batch")
    if all(type(other) is type(first) and other == first for other in same):
        return first
    if all(isinstance(x, int | np.integer) for x in same):
        times, rest = divmod(int(same[1]) - int(first), BATCHES[1] - BATCHES[0])
        plus = int(first) - times * BATCHES[0]
        if rest == 0 and int(same[2]) == times * BATCHES[2] + plus:
            return Size(times, plus)
    if all(isinstance(x, float) for x in same):
        products = [x * n for x, n in zip(same, BATCHES, strict=True)]
        if np.allclose(products, products[0], rtol=1e-12, atol=0):
            return Share(products[0])
    raise ExportError(f"{what} depends on the size of the batch in a way that is not known: {same}")


_ENDS = ("start", "stop", "step")


def _constant(arrays: Sequence[Array], name: str) -> Array | Rows:
    first = arrays[0]
    if all(a.shape == first.shape and np.array_equal(a, first, equal_nan=True)
           if a.dtype.kind == "f" else a.shape == first.shape and np.array_equal(a, first)
           for a in arrays):  # fmt: skip
        return first
    row = first[:1]
    if [len(a) for a in arrays] == list(BATCHES) and all(
        a.shape[1:] == first.shape[1:] and (a == row).all() for a in arrays
    ):
        return Rows(row)
    raise ExportError(f"{name} uses an array that depends on the size of the batch")

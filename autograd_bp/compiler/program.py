"""A program: what a function does, as a list of instructions on variables.

The compiler records a function as a program, passes turn programs into programs, and emitters
(NumPy here, JAX and ONNX in `export`) read them. A program is plain data: no nodes, no closures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autograd_bp.rules import ROWS, Rule
from autograd_bp.trees import Structure

Shape = tuple[int, ...]


class Var:
    """A variable: assigned once, by one instruction, or an input or a constant of the program.

    Attributes
    ----------
    shape, dtype
        Of its value.
    weak
        Whether it is a Python float, which takes the dtype of what it meets.
    name
        What the user called it, or None.
    """

    __slots__ = ("dtype", "name", "shape", "weak")

    def __init__(
        self, shape: Shape, dtype: Any, *, weak: bool = False, name: str | None = None
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.weak = weak
        self.name = name

    @classmethod
    def like(cls, value: Any, name: str | None = None) -> Var:
        """A variable for values of the kind of this one."""
        if isinstance(value, np.ndarray | np.generic):
            return cls(value.shape, value.dtype, name=name)
        return cls((), np.asarray(value).dtype, weak=True, name=name)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __repr__(self) -> str:
        kind = "float" if self.weak else f"{self.dtype}{list(self.shape)}"
        return f"<{self.name or 'var'} {kind}>"


Operand = Var | float | int | bool
"""What an instruction is applied to; arrays enter as constants of the program."""


@dataclass(frozen=True, eq=False)
class Instruction:
    """``out = op(*operands, *params)``.

    Attributes
    ----------
    op
        The name of a row of the rule sheet (``"exp"``, ``"matmul"``); or, for what has no
        derivative, ``"np.greater"``: a function of NumPy, or ``"rules.top_mask"``: one of
        `autograd_bp.rules.arrays`.
    operands
        Variables and Python numbers, in the order of the row's arguments.
    params
        The row's static parameters in order. A variable may stand anywhere in them, in nested
        tuples and slices: an index that is computed.
    out
        The variable that is assigned; None for an instruction that only looks: ``"check"`` and
        ``"check_finite"`` (no nan, no infinity), ``"assume"`` (the function gives the first of
        params), ``"refuse"`` (the function raises what it raises).
    function
        The operation on arrays: ``function(*operands, *params)``.
    keywords
        The names by which the last params are given, where the function wants names.
    """

    op: str
    operands: tuple[Operand, ...]
    params: tuple[Any, ...]
    out: Var | None
    function: Callable[..., Any]
    keywords: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule | None:
        """The row of the sheet, if the operation is one."""
        return ROWS.get(self.op)

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers: two such are never one, and none is done in advance."""
        return self.op == "draw" or self.op.startswith("rules.dropout")

    @property
    def inputs(self) -> list[Var]:
        """Every variable that is read, in order; one that is read twice is there twice."""
        return [operand for operand in self.operands if isinstance(operand, Var)] + list(
            variables_in(self.params)
        )

    def reading(self, renamed: Mapping[Var, Operand]) -> Instruction:
        """The same on other variables."""
        if not any(var in renamed for var in self.inputs):
            return self
        return replace(
            self,
            operands=tuple(_renamed(operand, renamed) for operand in self.operands),
            params=tuple(_renamed(param, renamed) for param in self.params),
        )

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, (*self.operands, *self.params)))
        return f"{self.out!r} = {self.op}({inside})"


def variables_in(param: Any) -> Iterator[Var]:
    """The variables in a parameter, nested tuples and slices included."""
    if isinstance(param, Var):
        yield param
    elif isinstance(param, tuple):
        for piece in param:
            yield from variables_in(piece)
    elif isinstance(param, slice):
        yield from variables_in((param.start, param.stop, param.step))


def _renamed(value: Any, renamed: Mapping[Var, Any]) -> Any:
    return substituted(value, lambda var: renamed.get(var, var))


def substituted(value: Any, meaning: Callable[[Var], Any]) -> Any:
    """An operand or parameter with a meaning in the place of each variable."""
    if isinstance(value, Var):
        return meaning(value)
    if type(value) is tuple:
        return tuple(substituted(piece, meaning) for piece in value)
    if isinstance(value, slice):
        return slice(
            *(substituted(piece, meaning) for piece in (value.start, value.stop, value.step))
        )
    return value


@dataclass(frozen=True, eq=False)
class Program:
    """A function as instructions.

    Attributes
    ----------
    name
        That of the function.
    inputs
        The variables of the arguments, then of what the function captured (see `captured`).
    captured
        Tensors and Values the function took from outside; their data is read at every call, and
        given after the arguments.
    constants
        Arrays the function used, by variable.
    instructions
        In an order in which they can run.
    outputs
        Variables and Python numbers, in the order of `structure`.
    structure
        How the outputs are nested; see `autograd_bp.trees.Structure`.
    fixed
        The constants that nobody can change; of the others the program sees the numbers they have
        when it runs.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_bp.compiler import trace
    >>> program = trace(lambda x: (x * 2.0).sum(), np.ones(3))
    >>> [instruction.op for instruction in program.instructions]
    ['mul', 'sum']
    >>> program.run([np.array([1.0, 2.0, 3.0])])
    [np.float64(12.0)]
    """

    name: str
    inputs: tuple[Var, ...]
    captured: tuple[Any, ...]
    constants: Mapping[Var, Any]
    instructions: tuple[Instruction, ...]
    outputs: tuple[Operand, ...]
    structure: Structure = field(repr=False)
    fixed: frozenset[Var] = frozenset()

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """The outputs, one instruction after another: what every pass must leave the same."""
        values: dict[Var, Any] = {**self.constants, **dict(zip(self.inputs, inputs, strict=True))}
        with np.errstate(all="ignore"):
            for instruction in self.instructions:
                if instruction.out is None and instruction.op != "refuse":
                    continue
                read = (
                    substituted(value, values.__getitem__)
                    for value in (*instruction.operands, *instruction.params)
                )
                result = instruction.function(*read)
                if instruction.out is None:
                    continue
                weak = instruction.out.weak
                values[instruction.out] = np.asarray(result).item() if weak else result
        return [values[out] if isinstance(out, Var) else out for out in self.outputs]

    def with_instructions(self, instructions: Sequence[Instruction]) -> Program:
        """The same inputs and outputs, computed in another way."""
        return replace(self, instructions=tuple(instructions))

    def renamed(self, renamed: Mapping[Var, Operand], keep: Sequence[Instruction]) -> Program:
        """The instructions `keep`, reading what is renamed; the outputs too."""
        return replace(
            self,
            instructions=tuple(instruction.reading(renamed) for instruction in keep),
            outputs=tuple(
                renamed.get(out, out) if isinstance(out, Var) else out for out in self.outputs
            ),
        )

    def makers(self) -> dict[Var, Instruction]:
        """The instruction that assigns each variable."""
        return {
            instruction.out: instruction
            for instruction in self.instructions
            if instruction.out is not None
        }

    def uses(self) -> dict[Var, int]:
        """How often each variable is read, the outputs counted as reads."""
        counts: dict[Var, int] = {}
        for instruction in self.instructions:
            for var in instruction.inputs:
                counts[var] = counts.get(var, 0) + 1
        for out in self.outputs:
            if isinstance(out, Var):
                counts[out] = counts.get(out, 0) + 1
        return counts

    def __repr__(self) -> str:
        return "\n".join([f"<program {self.name}>", *map(repr, self.instructions)])

"""A graph of ONNX while it is put together: names, numbers and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Recorded, Share, Size
from autograd_bp.export.errors import ExportError


class Graph:
    """Nodes of ONNX that are being put together.

    Attributes
    ----------
    kind
        The dtype of all floats.
    scope
        In which call the next nodes are: the first part of their names.
    """

    def __init__(self, recorded: Recorded, dtype: np.dtype[Any]) -> None:
        self.recorded = recorded
        self.kind = dtype
        self.scope = ""
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.values: dict[Var, str] = {}
        self.batch = ""
        self._taken: dict[str, int] = {}
        self._constants: dict[Any, str] = {}

    # -- names and numbers ------------------------------------------------------------------------

    def fresh(self, name: str) -> str:
        """A name nobody has yet."""
        n = self._taken.get(name, 0)
        self._taken[name] = n + 1
        return f"{name}_{n}" if n else name

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A node; the names of its outputs."""
        name = self.fresh(f"{self.scope}/{op}" if self.scope else op)
        outs = [f"{name}_output_{k}" if outputs > 1 else f"{name}_output" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), outs, name=name, **attributes))
        return outs if outputs > 1 else outs[0]

    def cast_dtype(self, dtype: Any) -> np.dtype[Any]:
        """The dtype in the file of what is of this dtype here."""
        found: np.dtype[Any] = np.dtype(dtype)
        return self.kind if found.kind == "f" else found

    def array(self, array: Any, name: str = "constant") -> str:
        """An array of numbers that are known."""
        array = np.asarray(array)
        array = np.ascontiguousarray(array, self.cast_dtype(array.dtype)).reshape(array.shape)
        name = self.fresh(name)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def number(self, number: Any, dtype: Any = None) -> str:
        """A number as an array of no axes, of the dtype of what it meets."""
        dtype = self.kind if dtype is None else self.cast_dtype(dtype)
        if isinstance(number, Share):
            batch = self.add("Cast", self.size_of(Size(1, 0)), to=onnx_type(dtype))
            share = self.add("Div", self.number(number.over, dtype), batch)
            return self.reshaped(share, ())
        if isinstance(number, Size):
            return self.reshaped(self.add("Cast", self.size_of(number), to=onnx_type(dtype)), ())
        key = (repr(number), str(dtype))
        if key not in self._constants:
            with np.errstate(over="ignore"):
                self._constants[key] = self.array(np.asarray(number).astype(dtype), "number")
        return self._constants[key]

    def ints(self, numbers: Sequence[Any]) -> str:
        """Whole numbers, some of which may follow the batch, along one axis."""
        if not any(isinstance(n, Size) for n in numbers):
            key = ("ints", tuple(map(int, numbers)))
            if key not in self._constants:
                self._constants[key] = self.array(np.array(numbers, np.int64), "ints")
            return self._constants[key]
        pieces = [self.size_of(n) if isinstance(n, Size) else self.ints([n]) for n in numbers]
        return str(pieces[0] if len(pieces) == 1 else self.add("Concat", *pieces, axis=0))

    def size_of(self, size: Size) -> str:
        """A number that follows the batch, with one axis."""
        found = self.batch
        if size.times != 1:
            found = self.add("Mul", found, self.ints([size.times]))
        return str(self.add("Add", found, self.ints([size.plus])) if size.plus else found)

    # -- operands ---------------------------------------------------------------------------------

    def operand(self, operand: Any, dtype: Any = None) -> str:
        """The name of a variable or number."""
        return self.values[operand] if isinstance(operand, Var) else self.number(operand, dtype)

    def operands(self, instruction: Instruction) -> list[str]:
        """The operands of an instruction; numbers in the dtype of the arrays they meet."""
        dtype = next(
            (x.dtype for x in instruction.operands if isinstance(x, Var) and x.dtype.kind == "f"),
            next((x.dtype for x in instruction.operands if isinstance(x, Var)), None),
        )
        if dtype is not None and dtype.kind == "b" and instruction.op not in _LOGICAL:
            dtype = np.dtype(float)
        return [self.operand_as(x, dtype) for x in instruction.operands]

    def operand_as(self, operand: Any, dtype: Any) -> str:
        """The name of a variable or number, of the kind of a dtype; None for the kind it has."""
        name = self.operand(operand, dtype)
        if isinstance(operand, Var) and dtype is not None and operand.dtype.kind != dtype.kind:
            return self.cast(name, dtype)
        return name

    def first(self, instruction: Instruction) -> tuple[str, Var]:
        """The name of the first operand, and the operand, which must be an array."""
        x = instruction.operands[0]
        if not isinstance(x, Var):
            raise ExportError(f"{self.recorded.program.name}: {instruction.op!r} of a number")
        return self.values[x], x

    def shape(self, var: Var) -> tuple[Any, ...]:
        """The shape of a variable, with what follows the batch in it."""
        return self.recorded.shapes.get(var, var.shape)

    def reshaped(self, x: str, shape: Sequence[Any]) -> str:
        """x in another shape."""
        sizes = [k for k, n in enumerate(shape) if isinstance(n, Size)]
        if len(sizes) == 1 and 0 not in shape:
            shape = [-1 if k == sizes[0] else n for k, n in enumerate(shape)]
        return str(self.add("Reshape", x, self.ints(shape), allowzero=int(0 in shape)))

    def expanded(self, x: str, shape: Sequence[Any]) -> str:
        """x broadcast to a shape."""
        return str(self.add("Expand", x, self.ints(shape)))

    def cast(self, x: str, dtype: Any) -> str:
        """x in what is this dtype in the file."""
        return str(self.add("Cast", x, to=onnx_type(self.cast_dtype(dtype))))


_LOGICAL = frozenset(
    f"np.{name}"
    for name in "logical_and logical_or logical_not bitwise_and bitwise_or invert".split()
)


def onnx_type(dtype: Any) -> int:
    """The number that ONNX has for a dtype."""
    found: int = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return found

"""Making instructions: what a pass writes in the place of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp.compiler.program import Instruction, Operand, Var
from autograd_bp.rules import ROWS

UFUNCS: dict[str, np.ufunc] = {
    f"np.{name}": ufunc for name, ufunc in vars(np).items() if isinstance(ufunc, np.ufunc)
}
UFUNCS["np.abs"] = np.abs


class Builder:
    """A list of instructions that grows.

    >>> build = Builder()
    >>> x = Var((2, 3), "float32")
    >>> build.ufunc("np.add", x, 1.0)
    <var float32[2, 3]>
    """

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []

    def ufunc(self, name: str, *operands: Operand, into: Var | None = None) -> Operand:
        """An elementwise function of NumPy, or `where`; of Python numbers alone, its result."""
        if not any(isinstance(operand, Var) for operand in operands):
            with np.errstate(all="ignore"):
                result: Any = np.asarray(_function(name)(*operands)).item()
            return result  # type: ignore[no-any-return]
        out = into or elementwise_var(name, operands)
        self.instructions.append(Instruction(name, operands, (), out, _weakly(name, out)))
        return out

    def row(self, name: str, *operands: Operand, params: tuple[Any, ...], out: Var) -> Var:
        """A row of the sheet that is not elementwise, with the variable for its result."""
        function = ROWS[name].array.forward
        self.instructions.append(Instruction(name, operands, params, out, function))
        return out

    def call(
        self,
        name: str,
        function: Callable[..., Any],
        operands: tuple[Operand, ...],
        params: tuple[Any, ...],
        out: Var | None,
    ) -> Any:
        """Any other function."""
        self.instructions.append(Instruction(name, operands, params, out, function))
        return out

    def keep(self, instruction: Instruction) -> None:
        """An instruction as it is."""
        self.instructions.append(instruction)


def _function(name: str) -> Callable[..., Any]:
    return np.where if name == "np.where" else UFUNCS[name]


def _weakly(name: str, out: Var) -> Callable[..., Any]:
    function = _function(name)
    if not out.weak:
        return function
    return lambda *args: np.asarray(function(*args)).item()


def elementwise_var(name: str, operands: Sequence[Operand]) -> Var:
    """The variable for the result of an elementwise function."""
    weak = all(not isinstance(operand, Var) or operand.weak for operand in operands)
    shape = np.broadcast_shapes(*(o.shape for o in operands if isinstance(o, Var)))
    kinds = [_kind(operand) for operand in operands]
    if name == "np.where":
        samples = [kind if isinstance(kind, np.dtype) else kind() for kind in kinds[1:]]
        dtype = np.result_type(*samples)
    else:
        ufunc = UFUNCS[name]
        try:
            dtype = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout))[-1]
        except TypeError:  # Python's bool, where there is no weak kind
            samples = [np.ones((), k) if isinstance(k, np.dtype) else k(1) for k in kinds]
            dtype = np.asarray(ufunc(*samples)).dtype
    return Var(shape, dtype, weak=weak)


def _kind(operand: Operand) -> Any:
    """A dtype, or the Python type of a weak number."""
    if isinstance(operand, Var):
        if operand.weak:
            return {"b": bool, "i": int}.get(operand.dtype.kind, float)
        return operand.dtype
    return type(operand)

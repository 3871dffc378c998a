"""What cannot be exported."""

from autograd_bp.compiler.program import Instruction
from autograd_bp.nn import Dropout


class ExportError(ValueError):
    """Something in a model has no counterpart in the format that is asked for."""


def dropout_of(instruction: Instruction) -> Dropout | None:
    """The layer that an instruction draws for, if it is dropout."""
    layer = getattr(instruction.function, "__self__", None)
    return layer if isinstance(layer, Dropout) else None


def operation_name(instruction: Instruction) -> str:
    """An operation in a message."""
    if dropout_of(instruction) is not None:
        return "dropout in training (call eval() first)"
    return repr(instruction.op)

"""Predictions beside their targets: what losses have in common."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from autograd_bp.functions.reductions import mean
from autograd_bp.functions.reductions import sum as total
from autograd_bp.functions.shapes import astype
from autograd_bp.node import Node
from autograd_bp.operands import as_operand, tracer_of
from autograd_bp.operations import joined
from autograd_bp.rules.arrays import shape_of
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

Reduction = Literal["mean", "sum", "batchmean", "none"]
REDUCTIONS = ("mean", "sum", "batchmean", "none")


def pair(name: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Both operands as nodes or arrays of floats, of the same shape and dtype."""
    prediction, target = floats(prediction), joined(target)
    if not isinstance(target, Node):
        target = np.asarray(as_operand(target))
    if shape_of(target) not in (shape_of(prediction), ()):
        raise ValueError(
            f"{name}: the prediction has shape {shape_of(prediction)} and the target "
            f"{shape_of(target)}; they must be the same, so reshape one of them"
        )
    return prediction, matching(target, dtype_of(prediction))


def floats(prediction: Any) -> Any:
    """A prediction as a node or an array, of floats."""
    prediction = joined(prediction)
    if isinstance(prediction, Value):
        return prediction
    if not isinstance(prediction, Tensor):
        prediction = np.asarray(as_operand(prediction))
    return prediction if prediction.dtype.kind == "f" else astype(prediction, float)


def matching(target: Any, dtype: Any) -> Any:
    """A target in the dtype of the prediction; a node with a derivative is what it is."""
    if isinstance(target, Value):
        return target
    if isinstance(target, Tensor):
        return target if target.dtype == dtype or target.requires_grad else astype(target, dtype)
    return target.astype(dtype) if target.ndim else float(target)


def is_traced(operand: Any) -> bool:
    """Whether the numbers are not known yet: `ab.compile` records. Checks of them wait."""
    return tracer_of(operand) is not None


def numbers_of(operand: Any) -> Any:
    """The float or array of an operand."""
    return operand._value if isinstance(operand, Node) else operand


def dtype_of(operand: Any) -> np.dtype[Any]:
    """The dtype of an operand; of a number that of Python's floats."""
    return operand.dtype if hasattr(operand, "dtype") else np.dtype(float)


def check_unit(name: str, what: str, operand: Any, hint: str = "") -> None:
    """ValueError for numbers that are not from 0 to 1, as far as they are known."""
    if is_traced(operand):
        return
    numbers = numbers_of(operand)
    if np.size(numbers) and not (np.min(numbers) >= 0 and np.max(numbers) <= 1):
        if np.isnan(numbers).any():  # nan is for the loss to show
            return
        raise ValueError(
            f"{name}: {what} are numbers from 0 to 1; there are some from {np.min(numbers):g} to "
            f"{np.max(numbers):g}{hint}"
        )


def check_reduction(name: str, reduction: str) -> None:
    """ValueError for a reduction that is none."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{name}: reduction is one of {REDUCTIONS}, not {reduction!r}")


def reduced(name: str, losses: Any, reduction: str) -> Any:
    """The losses as `reduction` says; the mean is finite where they are."""
    check_reduction(name, reduction)
    shape = shape_of(losses)
    if reduction == "none" or not shape:
        return losses
    if reduction == "sum":
        return total(losses)
    if 0 in shape:
        raise ValueError(f"{name}: there is no mean of losses of shape {shape}")
    if reduction == "batchmean" and len(shape) > 1:
        return total(losses) * (1.0 / shape[0])
    if is_traced(losses):
        return mean(losses)
    with np.errstate(over="ignore"):
        average = mean(losses)
    if not np.isfinite(numbers_of(average)) and np.isfinite(numbers_of(losses)).all():
        return total(losses * (1.0 / math.prod(shape)))  # their sum alone is too large
    return average

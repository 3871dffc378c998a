"""Gradient clipping: no step larger than wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.optim.hyperparameters import nonnegative
from autograd_bp.optim.slots import Parameter
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value


def clip_grad_norm(parameters: Iterable[Parameter] | Parameter, max_norm: float) -> float:
    """Scale all gradients together so that their norm, as one long vector, is at most `max_norm`.

    Pascanu et al. 2013, algorithm 1. Gradients that are not finite are left as they are.

    Parameters
    ----------
    parameters
        Tensors and Values; those with no gradient are passed over.
    max_norm
        The largest norm.

    Returns
    -------
    float
        The norm before.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> x = ab.Tensor([0.0, 0.0])
    >>> (x * np.array([3.0, 4.0])).sum().backward()
    >>> clip_grad_norm([x], 1.0), x.grad.tolist()
    (5.0, [0.6000000000000001, 0.8])
    """
    max_norm = nonnegative("max_norm", max_norm)
    known = _with_gradient(parameters)
    norm = math.hypot(*(_norm(np.asarray(parameter.grad)) for parameter in known))
    if norm > max_norm and math.isfinite(norm):
        scale = max_norm / norm
        for parameter in known:
            _set(parameter, parameter.grad * scale)
    return norm


def clip_grad_value(parameters: Iterable[Parameter] | Parameter, max_value: float) -> float:
    """Limit every entry of every gradient to between -max_value and max_value.

    Parameters
    ----------
    parameters
        Tensors and Values; those with no gradient are passed over.
    max_value
        The largest absolute value.

    Returns
    -------
    float
        The largest absolute value before; nan if an entry is nan, which stays.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> x = ab.Tensor([0.0, 0.0])
    >>> (x * np.array([3.0, -0.5])).sum().backward()
    >>> clip_grad_value([x], 1.0), x.grad.tolist()
    (3.0, [1.0, -0.5])
    """
    max_value = nonnegative("max_value", max_value)
    largest = 0.0
    for parameter in _with_gradient(parameters):
        gradient = np.asarray(parameter.grad)
        largest = float(np.maximum(largest, np.abs(gradient).max(initial=0.0)))
        _set(parameter, np.clip(gradient, -max_value, max_value))
    return largest


def _with_gradient(parameters: Iterable[Parameter] | Parameter) -> list[Parameter]:
    given = [parameters] if isinstance(parameters, Tensor | Value) else list(parameters)
    for parameter in given:
        if not isinstance(parameter, Tensor | Value):
            raise TypeError(f"a gradient is clipped of Tensors and Values, not {parameter!r}")
    return [parameter for parameter in given if parameter.grad is not None]


def _norm(gradient: NDArray[Any]) -> float:
    """The Euclidean norm; the squares of entries far from 1 may not overflow or underflow."""
    square = float(np.vdot(gradient, gradient))
    if 1e-30 < square < 1e30:
        return math.sqrt(square)
    largest = float(np.abs(gradient).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    scaled = gradient.astype(np.float64) / largest
    return largest * math.sqrt(float(np.vdot(scaled, scaled)))


def _set(parameter: Parameter, gradient: Any) -> None:
    if isinstance(parameter, Value):
        parameter.grad = float(gradient)
    else:
        parameter.grad = np.asarray(gradient, parameter.grad.dtype)

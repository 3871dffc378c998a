"""RMSProp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from autograd_bp.optim.hyperparameters import Check, flag, fraction, nonnegative
from autograd_bp.optim.optimizer import Array, Optimizer
from autograd_bp.optim.slots import Slot


class RMSprop(Optimizer):
    """RMSProp (Hinton 2012, lecture 6e): ``w -= lr * g / (sqrt(running average of g**2) + eps)``.

    Parameters
    ----------
    params
        Tensors or Values, as they are or as ``(name, parameter)``; or groups: dicts of ``params``
        and settings of their own.
    lr
        The learning rate.
    alpha
        How much of the averages stays from step to step, in [0, 1).
    eps
        Added to the root, so that nothing is divided by zero.
    weight_decay
        Adds ``weight_decay * w`` to the gradient.
    momentum
        How much of the velocity stays from step to step, in [0, 1).
    centered
        Divide by the standard deviation: subtract the square of the running average of g
        (Graves 2013, equation 38).

    Raises
    ------
    ValueError, TypeError
        As `SGD` does.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> w = ab.Tensor([1.0, -2000.0])
    >>> optimizer = RMSprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6).tolist()
    [0.0, -1999.0]
    """

    checks: ClassVar[Mapping[str, Check]] = {
        "lr": nonnegative,
        "alpha": fraction,
        "eps": nonnegative,
        "weight_decay": nonnegative,
        "momentum": fraction,
        "centered": flag,
    }

    def __init__(
        self,
        params: Any,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )

    def _update(
        self,
        group: Mapping[str, Any],
        slot: Slot,
        gradient: Array,
        weights: Array,
        step: Array,
        new: Array,
    ) -> None:
        alpha = group["alpha"]
        square = slot.buffer("square", weights)
        if decay := group["weight_decay"]:
            np.multiply(weights, decay, out=step)
            gradient = np.add(step, gradient, out=slot.scratch(weights, 1))
        np.multiply(square, alpha, out=square)
        np.multiply(gradient, gradient, out=step)
        np.multiply(step, 1.0 - alpha, out=step)
        np.add(square, step, out=square)
        if group["centered"]:
            mean = slot.buffer("mean", weights)
            np.multiply(mean, alpha, out=mean)
            np.multiply(gradient, 1.0 - alpha, out=step)
            np.add(mean, step, out=mean)
            np.multiply(mean, mean, out=step)
            np.subtract(square, step, out=step)
            np.maximum(step, 0.0, out=step)  # rounding may take a variance of zero below it
            np.sqrt(step, out=step)
        else:
            np.sqrt(square, out=step)
        np.add(step, group["eps"], out=step)
        np.divide(gradient, step, out=step)
        if momentum := group["momentum"]:
            velocity = slot.buffer("velocity", weights)
            np.multiply(velocity, momentum, out=velocity)
            np.add(velocity, step, out=velocity)
            np.multiply(velocity, group["lr"], out=step)
        else:
            np.multiply(step, group["lr"], out=step)
        np.subtract(weights, step, out=new)

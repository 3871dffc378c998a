"""Stochastic gradient descent, with momentum and Nesterov's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from autograd_bp.optim.hyperparameters import Check, flag, fraction, nonnegative
from autograd_bp.optim.optimizer import Array, Optimizer
from autograd_bp.optim.slots import Slot


class SGD(Optimizer):
    """Gradient descent: ``w -= lr * g``, with momentum ``v = momentum * v + g; w -= lr * v``.

    Parameters
    ----------
    params
        Tensors or Values, as they are or as ``(name, parameter)``; or groups: dicts of ``params``
        and settings of their own.
    lr
        The learning rate.
    momentum
        How much of the velocity stays from step to step, in [0, 1).
    nesterov
        Look ahead: ``w -= lr * (g + momentum * v)`` (Sutskever et al. 2013, as PyTorch writes it).
    weight_decay
        Adds ``weight_decay * w`` to the gradient.
    dampening
        Takes ``1 - dampening`` of the gradient into the velocity, after the first step.

    Raises
    ------
    ValueError
        If a setting is out of range, a parameter is given twice, is no leaf, or there are none.
    TypeError
        If something given is no parameter, or no number.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> w = ab.Tensor([1.0, -2.0])
    >>> optimizer = SGD([w], lr=0.1)
    >>> for _ in range(3):
    ...     loss = (w * w).sum()
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    >>> w.data.round(6).tolist()
    [0.512, -1.024]
    """

    checks: ClassVar[Mapping[str, Check]] = {
        "lr": nonnegative,
        "momentum": fraction,
        "nesterov": flag,
        "weight_decay": nonnegative,
        "dampening": nonnegative,
    }

    def __init__(
        self,
        params: Any,
        lr: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
            dampening=dampening,
        )

    def _check_group(self, group: Mapping[str, Any]) -> None:
        if group["nesterov"] and (group["momentum"] == 0.0 or group["dampening"] != 0.0):
            raise ValueError("nesterov=True needs a momentum above 0 and no dampening")

    def _update(
        self,
        group: Mapping[str, Any],
        slot: Slot,
        gradient: Array,
        weights: Array,
        step: Array,
        new: Array,
    ) -> None:
        lr, momentum = group["lr"], group["momentum"]
        if decay := group["weight_decay"]:
            np.multiply(weights, decay, out=step)
            gradient = np.add(step, gradient, out=slot.scratch(weights, 1))
        direction = gradient
        if momentum:
            velocity = direction = slot.buffer("velocity", weights)
            np.multiply(velocity, momentum, out=velocity)
            if slot.steps > 1 and (dampening := group["dampening"]):
                gradient = np.multiply(gradient, 1.0 - dampening, out=step)
            np.add(velocity, gradient, out=velocity)
            if group["nesterov"]:
                np.multiply(velocity, momentum, out=step)
                direction = np.add(step, gradient, out=step)
        np.multiply(direction, lr, out=step)
        np.subtract(weights, step, out=new)

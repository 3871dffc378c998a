"""AdaGrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from autograd_bp.optim.hyperparameters import Check, nonnegative
from autograd_bp.optim.optimizer import Array, Optimizer
from autograd_bp.optim.slots import Slot


class Adagrad(Optimizer):
    """AdaGrad (Duchi et al. 2011): ``w -= lr * g / (sqrt(sum of all g**2) + eps)``.

    Parameters
    ----------
    params
        Tensors or Values, as they are or as ``(name, parameter)``; or groups: dicts of ``params``
        and settings of their own.
    lr
        The learning rate.
    lr_decay
        Divides the rate by ``1 + n * lr_decay`` after n steps.
    weight_decay
        Adds ``weight_decay * w`` to the gradient.
    initial_accumulator_value
        What the sum of squares begins with.
    eps
        Added to the root, so that nothing is divided by zero.

    Raises
    ------
    ValueError, TypeError
        As `SGD` does.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> w = ab.Tensor([1.0, -2000.0])
    >>> optimizer = Adagrad([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6).tolist()
    [0.5, -1999.5]
    """

    checks: ClassVar[Mapping[str, Check]] = {
        "lr": nonnegative,
        "lr_decay": nonnegative,
        "weight_decay": nonnegative,
        "initial_accumulator_value": nonnegative,
        "eps": nonnegative,
    }

    def __init__(
        self,
        params: Any,
        lr: float = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
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
        total = slot.buffer("sum_of_squares", weights, group["initial_accumulator_value"])
        if decay := group["weight_decay"]:
            np.multiply(weights, decay, out=step)
            gradient = np.add(step, gradient, out=slot.scratch(weights, 1))
        np.multiply(gradient, gradient, out=step)
        np.add(total, step, out=total)
        np.sqrt(total, out=step)
        np.add(step, group["eps"], out=step)
        np.divide(gradient, step, out=step)
        rate = group["lr"] / (1.0 + (slot.steps - 1) * group["lr_decay"])
        np.multiply(step, rate, out=step)
        np.subtract(weights, step, out=new)

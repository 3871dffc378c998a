"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from autograd_bp.optim.hyperparameters import Check, flag, fractions, nonnegative
from autograd_bp.optim.optimizer import Array, Optimizer
from autograd_bp.optim.slots import Slot


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1): steps of about `lr`, whatever the gradient's scale.

    ``m`` and ``v`` are running averages of the gradient and its square, and after step t::

        w -= lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    params
        Tensors or Values, as they are or as ``(name, parameter)``; or groups: dicts of ``params``
        and settings of their own.
    lr
        The learning rate.
    betas
        How much of the averages stays from step to step, each in [0, 1).
    eps
        Added to the root, so that nothing is divided by zero.
    weight_decay
        Adds ``weight_decay * w`` to the gradient. `AdamW` decays the weights themselves.
    amsgrad
        Divide by the largest ``v`` so far (Reddi et al. 2018).

    Raises
    ------
    ValueError
        If a setting is out of range, a parameter is given twice, is no leaf, or there are none.
    TypeError
        If something given is no parameter, or no number.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> w = ab.Tensor([1.0, -2000.0])
    >>> optimizer = Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data.round(6).tolist()
    [0.9, -1999.9]
    """

    checks: ClassVar[Mapping[str, Check]] = {
        "lr": nonnegative,
        "betas": fractions,
        "eps": nonnegative,
        "weight_decay": nonnegative,
        "amsgrad": flag,
    }
    _decoupled = False

    def __init__(
        self,
        params: Any,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad
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
        lr, (beta1, beta2) = group["lr"], group["betas"]
        mean, square = slot.buffer("mean", weights), slot.buffer("square", weights)
        decay = group["weight_decay"]
        if decay and not self._decoupled:
            np.multiply(weights, decay, out=step)
            gradient = np.add(step, gradient, out=slot.scratch(weights, 1))
        np.multiply(mean, beta1, out=mean)
        np.multiply(gradient, 1.0 - beta1, out=step)
        np.add(mean, step, out=mean)
        np.multiply(square, beta2, out=square)
        np.multiply(gradient, gradient, out=step)
        np.multiply(step, 1.0 - beta2, out=step)
        np.add(square, step, out=square)
        if group["amsgrad"]:
            largest = slot.buffer("largest_square", weights)
            square = np.maximum(largest, square, out=largest)
        # sqrt(v / c) + eps = (sqrt(v) + eps * sqrt(c)) / sqrt(c): one pass over the array less.
        root = math.sqrt(1.0 - beta2**slot.steps)
        np.sqrt(square, out=step)
        np.add(step, group["eps"] * root, out=step)
        np.divide(mean, step, out=step)
        np.multiply(step, lr * root / (1.0 - beta1**slot.steps), out=step)
        if decay and self._decoupled:
            weights = np.multiply(weights, 1.0 - lr * decay, out=slot.scratch(weights, 1))
        np.subtract(weights, step, out=new)


class AdamW(Adam):
    """Adam whose weight decay is not part of the gradient: ``w -= lr * weight_decay * w``.

    Loshchilov and Hutter 2019, algorithm 2. The parameters are those of `Adam`.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> w = ab.Tensor([1.0])
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> w.grad = np.array([0.0])
    >>> optimizer.step()
    >>> w.data
    array([0.95])
    """

    _decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)

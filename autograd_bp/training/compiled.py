"""The forward and the backward of a training step as one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_bp.compiler import compile as compiled
from autograd_bp.derivatives import gradients
from autograd_bp.node import Node
from autograd_bp.sweep import topological_order


class CompiledGradients:
    """Fills the gradients of parameters, as a backward call would.

    The parameters are read at every call, so the optimiser steps as ever.
    """

    def __init__(
        self,
        model: Callable[[Any], Any],
        loss: Callable[[Any, Any], Any],
        parameters: Sequence[Node],
    ) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]

        def step(x: Any, targets: Any) -> Any:
            output = model(x)
            number = loss(output, targets)
            reached = set(topological_order(number, constants=False))
            slopes = gradients(number, self._parameters)
            # A parameter that the loss does not depend on has no gradient, rather than zero.
            return (
                output,
                number,
                [
                    slope if parameter in reached else None
                    for parameter, slope in zip(self._parameters, slopes, strict=True)
                ],
            )

        self._step = compiled(step)

    def __call__(self, x: Any, targets: Any) -> tuple[Any, float]:
        """The output and the loss of a batch; `.grad` of every parameter is that of the batch."""
        output, number, slopes = self._step(x, targets)
        for parameter, slope in zip(self._parameters, slopes, strict=True):
            parameter.grad = slope
        return output, float(number)

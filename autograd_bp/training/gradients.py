"""Looking at gradients while a model trains: are they finite, and how large are they."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.graph import topological_order
from autograd_bp.node import Node
from autograd_bp.training.history import History


def all_finite(parameters: Sequence[Node]) -> bool:
    """Whether every gradient is free of nan and inf."""
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is None:
            continue
        if isinstance(gradient, float):
            if not math.isfinite(gradient):
                return False
        # The product with itself is one quick pass; it may overflow where nothing is infinite.
        elif not math.isfinite(np.vdot(gradient, gradient)) and not np.isfinite(gradient).all():
            return False
    return True


class Watch:
    """Records, step by step, the gradient norm and the update of every parameter."""

    def __init__(self, named_parameters: Sequence[tuple[str, Node]], history: History) -> None:
        self._named = named_parameters
        self._history = history
        self._before: list[Any] = []

    def before(self, loss: Node) -> None:
        """Note the gradients, the weights, and the zeros of every ReLU that led to the loss."""
        history = self._history
        for name, parameter in self._named:
            gradient = parameter.grad
            norm = 0.0 if gradient is None else _norm(gradient)
            history.gradient_norms.setdefault(name, []).append(norm)
        self._before = [np.array(parameter._value) for _, parameter in self._named]
        seen: dict[str, int] = {}
        for node in topological_order(loss):
            if node.rule is not None and node.rule.name == "relu":
                name = _place(node)
                seen[name] = seen.get(name, 0) + 1
                if seen[name] > 1:
                    name = f"{name} ({seen[name]})"
                share = 1.0 - np.count_nonzero(node._value) / max(np.size(node._value), 1)
                history.zero_shares.setdefault(name, []).append(share)

    def after(self) -> None:
        """Note how far the weights moved, by how large they were."""
        for (name, parameter), before in zip(self._named, self._before, strict=True):
            size = _norm(before)
            moved = _norm(np.asarray(parameter._value) - before)
            ratio = moved / size if size else math.nan
            self._history.update_ratios.setdefault(name, []).append(ratio)
        self._before = []


def _norm(array: Any) -> float:
    return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))


def _place(node: Node) -> str:
    """The innermost scope that a node is the result of, or its own name."""
    scopes = (node._notes or {}).get("scopes")
    return scopes[0][0] if scopes else node.name or "relu"

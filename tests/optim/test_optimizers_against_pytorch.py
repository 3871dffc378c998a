"""Every optimiser gives PyTorch's parameters at every step, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_bp as ab

from .problems import gradients, run, start

pytestmark = pytest.mark.slow

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.4, "weight_decay": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.3}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.8), "eps": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.3}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "betas": (0.1, 0.2)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.5, "amsgrad": True}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_every_step_is_pytorchs(name: str, settings: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    ours = [ab.Tensor(array) for array in start()]
    theirs = [torch.tensor(array, requires_grad=True) for array in start()]
    given = gradients(steps=40)
    course = run(getattr(ab.optim, name)(ours, **settings), ours, given)
    peer = getattr(torch.optim, name)(theirs, **settings)
    for step, reached in zip(given, course, strict=True):
        for parameter, gradient in zip(theirs, step, strict=True):
            parameter.grad = torch.tensor(gradient)
        peer.step()
        for mine, parameter in zip(reached, theirs, strict=True):
            np.testing.assert_allclose(mine, parameter.detach().numpy(), rtol=1e-12, atol=1e-14)

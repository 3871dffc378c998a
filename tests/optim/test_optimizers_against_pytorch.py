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
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.3}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.1, "alpha": 0.7, "eps": 0.1, "weight_decay": 0.3}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.8}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.8, "centered": True, "eps": 0.01}),
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


def test_a_float32_course_stays_with_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    given = [[np.asarray(g, np.float32) for g in step] for step in gradients(steps=20)]
    for name, settings in CASES:
        ours = [ab.Tensor(np.asarray(array, np.float32)) for array in start()]
        theirs = [torch.tensor(array, dtype=torch.float32, requires_grad=True) for array in start()]
        course = run(getattr(ab.optim, name)(ours, **settings), ours, given)
        peer = getattr(torch.optim, name)(theirs, **settings)
        for step in given:
            for parameter, gradient in zip(theirs, step, strict=True):
                parameter.grad = torch.tensor(gradient)
            peer.step()
        for mine, parameter in zip(course[-1], theirs, strict=True):
            assert mine.dtype == np.float32
            np.testing.assert_allclose(mine, parameter.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_groups_and_missing_gradients_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    ours = [ab.Tensor(array) for array in start()]
    theirs = [torch.tensor(array, requires_grad=True) for array in start()]
    mine = ab.optim.Adam([{"params": ours[:2], "lr": 0.1}, {"params": ours[2:]}], lr=0.01)
    peer = torch.optim.Adam([{"params": theirs[:2], "lr": 0.1}, {"params": theirs[2:]}], lr=0.01)
    for k, step in enumerate(gradients(steps=12)):
        for i, gradient in enumerate(step):
            missing = (k + i) % 3 == 0
            ours[i].grad = None if missing else gradient
            theirs[i].grad = None if missing else torch.tensor(gradient)
        mine.step()
        peer.step()
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_small_model_learns_as_pytorchs_does(name: str, settings: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, targets = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    model = ab.nn.Sequential(ab.nn.Linear(4, 8, rng=1), ab.nn.Tanh(), ab.nn.Linear(8, 3, rng=2))
    theirs = [torch.tensor(p.numpy(), requires_grad=True) for p in model.parameters()]
    mine = getattr(ab.optim, name)(model.parameters(), **settings)
    peer = getattr(torch.optim, name)(theirs, **settings)
    for _ in range(25):
        loss = ab.nn.cross_entropy(model(x), targets)
        mine.zero_grad()
        loss.backward()
        mine.step()
        w1, b1, w2, b2 = theirs
        logits = torch.tanh(torch.tensor(x) @ w1 + b1) @ w2 + b2
        other = torch.nn.functional.cross_entropy(logits, torch.tensor(targets))
        peer.zero_grad()
        other.backward()
        peer.step()
        assert loss.item() == pytest.approx(other.item(), rel=1e-9)
    for a, b in zip(model.parameters(), theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-7, atol=1e-9)

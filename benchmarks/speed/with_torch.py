"""The workloads on PyTorch, eager, on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (as everybody calls it)

torch.set_num_threads(1)
NAME = f"PyTorch {torch.__version__}"


def _leaves(arrays: Any) -> list[Any]:
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def classifier(data: dict[str, Any], activation: Any, biased: bool) -> Callable[[], float]:
    weights = _leaves(data["weights"])
    biases = _leaves(data["biases"]) if biased else []
    x, labels = torch.tensor(data["x"]), torch.tensor(data["labels"])
    optimizer = torch.optim.SGD(weights + biases, lr=float(data["rate"]))

    def step() -> float:
        z = x
        for layer, w in enumerate(weights):
            z = torch.addmm(biases[layer], z, w) if biased else z @ w
            if layer < len(weights) - 1:
                z = activation(z)
        loss = F.cross_entropy(z, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def exercise_4(data: dict[str, Any]) -> Callable[[], float]:
    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    w1, w2, b1, b2 = parameters = _leaves((*data["weights"], *data["biases"]))

    def step() -> float:
        logits = torch.sigmoid(x @ w1 + b1) @ w2 + b2
        cost = F.binary_cross_entropy_with_logits(logits, y, reduction="sum") / len(x)
        torch.autograd.grad(cost, parameters)
        return cost.item()

    return step


def characters(data: dict[str, Any]) -> Callable[[], float]:
    (embedding,), (w1, w2), (b1, b2) = (
        _leaves([data["embedding"]]),
        _leaves(data["weights"]),
        _leaves(data["biases"]),
    )
    x, labels = torch.tensor(data["x"]), torch.tensor(data["labels"])
    optimizer = torch.optim.SGD([embedding, w1, w2, b1, b2], lr=float(data["rate"]))

    def step() -> float:
        h = torch.tanh(F.embedding(x, embedding).reshape(len(x), -1) @ w1 + b1)
        loss = F.cross_entropy(h @ w2 + b2, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def small_operations(data: dict[str, Any]) -> Callable[[], float]:
    (w,), x = _leaves([data["w"]]), torch.tensor(data["x"])

    def step() -> float:
        z = x
        for _ in range(25):
            z = torch.tanh(z @ w + z) * 0.9
        loss = z.sum()
        torch.autograd.grad(loss, [w])
        return loss.item()

    return step


def curvature(data: dict[str, Any]) -> Callable[[], float]:
    x, t = torch.tensor(data["x"]), torch.tensor(data["t"])
    weights, v = _leaves(data["weights"]), [torch.tensor(each) for each in data["v"]]

    def step() -> float:
        loss = ((torch.tanh(x @ weights[0]) @ weights[1] - t) ** 2).mean()
        gradient = torch.autograd.grad(loss, weights, create_graph=True)
        products = torch.autograd.grad(gradient, weights, grad_outputs=v)
        return float(sum(product.sum() for product in products))

    return step


STEPS = {
    "T1": lambda data: classifier(data, torch.relu, biased=True),
    "T2": lambda data: classifier(data, torch.sigmoid, biased=False),
    "T3": lambda data: classifier(data, torch.relu, biased=True),
    "exercise 4": exercise_4,
    "characters": characters,
    "small": small_operations,
    "curvature": curvature,
}

"""The workloads on MyGrad, without its guards of memory, as its documentation advises for speed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import mygrad as mg
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.losses import softmax_crossentropy

mg.turn_memory_guarding_off()
NAME = f"MyGrad {version('mygrad')}"


def classifier(data: dict[str, Any], activation: Any, biased: bool) -> Callable[[], float]:
    weights = [mg.tensor(w.copy()) for w in data["weights"]]
    biases = [mg.tensor(b.copy()) for b in data["biases"]] if biased else []
    x, labels, rate = data["x"], data["labels"], data["rate"]

    def step() -> float:
        z = x
        for layer, w in enumerate(weights):
            z = mg.matmul(z, w)
            if biased:
                z = z + biases[layer]
            if layer < len(weights) - 1:
                z = activation(z)
        loss = softmax_crossentropy(z, labels)
        loss.backward()
        for p in weights + biases:
            p.data -= rate * p.grad
        return float(loss.item())

    return step


def exercise_4(data: dict[str, Any]) -> Callable[[], float]:
    x, y = data["x"], data["y"]
    parameters = [mg.tensor(p.copy()) for p in (*data["weights"], *data["biases"])]

    def step() -> float:
        w1, w2, b1, b2 = parameters
        logits = mg.matmul(sigmoid(mg.matmul(x, w1) + b1), w2) + b2
        cost = mg.sum(mg.logaddexp(0, logits) - y * logits) / len(x)
        cost.backward()
        return float(cost.item())

    return step


def characters(data: dict[str, Any]) -> Callable[[], float]:
    parameters = [
        mg.tensor(p.copy()) for p in (data["embedding"], *data["weights"], *data["biases"])
    ]
    x, labels, rate = data["x"], data["labels"], data["rate"]

    def step() -> float:
        embedding, w1, w2, b1, b2 = parameters
        h = mg.tanh(mg.matmul(embedding[x].reshape(len(x), -1), w1) + b1)
        loss = softmax_crossentropy(mg.matmul(h, w2) + b2, labels)
        loss.backward()
        for p in parameters:
            p.data -= rate * p.grad
        return float(loss.item())

    return step


def small_operations(data: dict[str, Any]) -> Callable[[], float]:
    w, x = mg.tensor(data["w"].copy()), data["x"]

    def step() -> float:
        z = x
        for _ in range(25):
            z = mg.tanh(mg.matmul(z, w) + z) * 0.9
        loss = mg.sum(z)
        loss.backward()
        return float(loss.item())

    return step


STEPS = {
    "T1": lambda data: classifier(data, relu, biased=True),
    "T2": lambda data: classifier(data, sigmoid, biased=False),
    "T3": lambda data: classifier(data, relu, biased=True),
    "exercise 4": exercise_4,
    "characters": characters,
    "small": small_operations,
}

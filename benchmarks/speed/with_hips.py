"""The workloads on HIPS autograd."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad

NAME = f"HIPS autograd {version('autograd')}"


def _cross_entropy(logits: Any, places: Any, labels: Any) -> Any:
    shifted = logits - anp.max(logits, axis=1, keepdims=True)
    logs = shifted - anp.log(anp.sum(anp.exp(shifted), axis=1, keepdims=True))
    return -anp.sum(logs[places, labels]) / len(labels)


def training(loss: Callable[..., Any], parameters: list[Any], rate: Any) -> Callable[[], float]:
    state = [p.copy() for p in parameters]
    both = value_and_grad(loss)

    def step() -> float:
        value, gradients = both(state)
        for p, g in zip(state, gradients, strict=True):
            p -= rate * g
        return float(value)

    return step


def classifier(data: dict[str, Any], activation: Any, biased: bool) -> Callable[[], float]:
    layers = len(data["weights"])
    x, labels, places = data["x"], data["labels"], np.arange(len(data["x"]))

    def loss(p: list[Any]) -> Any:
        z = x
        for layer in range(layers):
            z = anp.dot(z, p[layer])
            if biased:
                z = z + p[layers + layer]
            if layer < layers - 1:
                z = activation(z)
        return _cross_entropy(z, places, labels)

    return training(loss, data["weights"] + (data["biases"] if biased else []), data["rate"])


def sigmoid(x: Any) -> Any:
    return 1 / (1 + anp.exp(-x))


def exercise_4(data: dict[str, Any]) -> Callable[[], float]:
    x, y = data["x"], data["y"]

    def cost(p: list[Any]) -> Any:
        w1, w2, b1, b2 = p
        logits = anp.dot(sigmoid(anp.dot(x, w1) + b1), w2) + b2
        return anp.sum(anp.logaddexp(0, logits) - y * logits) / len(x)

    both = value_and_grad(cost)
    parameters = [*data["weights"], *data["biases"]]
    return lambda: float(both(parameters)[0])


def characters(data: dict[str, Any]) -> Callable[[], float]:
    x, labels, places = data["x"], data["labels"], np.arange(len(data["x"]))

    def loss(p: list[Any]) -> Any:
        embedding, w1, w2, b1, b2 = p
        h = anp.tanh(anp.dot(anp.reshape(embedding[x], (len(x), -1)), w1) + b1)
        return _cross_entropy(anp.dot(h, w2) + b2, places, labels)

    return training(loss, [data["embedding"], *data["weights"], *data["biases"]], data["rate"])


def small_operations(data: dict[str, Any]) -> Callable[[], float]:
    x = data["x"]

    def hundred(w: Any) -> Any:
        z = x
        for _ in range(25):
            z = anp.tanh(anp.dot(z, w) + z) * 0.9
        return anp.sum(z)

    both = value_and_grad(hundred)
    return lambda: float(both(data["w"])[0])


def curvature(data: dict[str, Any]) -> Callable[[], float]:
    x, t = data["x"], data["t"]

    def loss(p: list[Any]) -> Any:
        return anp.mean((anp.dot(anp.tanh(anp.dot(x, p[0])), p[1]) - t) ** 2)

    first = grad(loss)

    def along(p: list[Any], v: list[Any]) -> Any:
        return sum(anp.sum(g * each) for g, each in zip(first(p), v, strict=True))

    product = grad(along)  # its own hessian_vector_product takes one array
    return lambda: float(sum(each.sum() for each in product(data["weights"], data["v"])))


STEPS = {
    "T1": lambda data: classifier(data, lambda z: anp.maximum(z, 0), biased=True),
    "T2": lambda data: classifier(data, sigmoid, biased=False),
    "T3": lambda data: classifier(data, lambda z: anp.maximum(z, 0), biased=True),
    "exercise 4": exercise_4,
    "characters": characters,
    "small": small_operations,
    "curvature": curvature,
}

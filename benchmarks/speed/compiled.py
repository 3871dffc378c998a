"""The workloads on autograd-bp, compiled: the whole step is one program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp import nn
from speed import ours
from speed.ours import COMPILED as NAME

__all__ = ["NAME", "STEPS"]


def training(
    loss: Callable[..., Any], parameters: dict[str, Any], rate: Any, *arguments: Any
) -> Callable[[], float]:
    """A step of gradient descent as one program that writes over its parameters."""
    rate = float(rate)

    def update(p: dict[str, Any], *args: Any) -> tuple[dict[str, Any], Any]:
        value, gradient = ab.value_and_grad(loss)(p, *args)
        return {name: p[name] - rate * gradient[name] for name in p}, value

    program = ab.compile(update, donate=(0,))
    state = {name: array.copy() for name, array in parameters.items()}

    def step() -> float:
        nonlocal state
        state, value = program(state, *arguments)
        return float(value)

    return step


def _net(activation: Any, layers: int, biased: bool) -> Callable[..., Any]:
    def loss(p: dict[str, Any], x: Any, labels: Any) -> Any:
        z = x
        for layer in range(layers):
            z = z @ p[f"w{layer}"]
            if biased:
                z = z + p[f"b{layer}"]
            if layer < layers - 1:
                z = activation(z)
        return nn.cross_entropy(z, labels)

    return loss


def _parameters(data: dict[str, Any], biased: bool) -> dict[str, Any]:
    parameters = {f"w{k}": w for k, w in enumerate(data["weights"])}
    if biased:
        parameters |= {f"b{k}": b for k, b in enumerate(data["biases"])}
    return parameters


def relu_net(data: dict[str, Any]) -> Callable[[], float]:
    loss = _net(ab.relu, len(data["weights"]), biased=True)
    return training(loss, _parameters(data, True), data["rate"], data["x"], data["labels"])


def one_by_one(data: dict[str, Any]) -> Callable[[], float]:
    loss = _net(ab.sigmoid, len(data["weights"]), biased=False)
    return training(loss, _parameters(data, False), data["rate"], data["x"], data["labels"])


def characters(data: dict[str, Any]) -> Callable[[], float]:
    def loss(p: dict[str, Any], x: Any, labels: Any) -> Any:
        h = ab.tanh(p["e"][x].reshape(len(labels), -1) @ p["w0"] + p["b0"])
        return nn.cross_entropy(h @ p["w1"] + p["b1"], labels)

    parameters = {**_parameters(data, True), "e": data["embedding"]}
    return training(loss, parameters, data["rate"], data["x"], data["labels"])


def exercise_4(data: dict[str, Any]) -> Callable[[], float]:
    def cost(p: dict[str, Any], x: Any, y: Any) -> Any:
        logits = ab.sigmoid(x @ p["w0"] + p["b0"]) @ p["w1"] + p["b1"]
        return nn.binary_cross_entropy_with_logits(logits, y, reduction="sum") / len(x)

    program = ab.compile(ab.value_and_grad(cost))
    parameters = _parameters(data, True)
    return lambda: float(program(parameters, data["x"], data["y"])[0])


def small_operations(data: dict[str, Any]) -> Callable[[], float]:
    program = ab.compile(ab.value_and_grad(ours.hundred))
    return lambda: float(program(data["w"], data["x"])[0])


def curvature(data: dict[str, Any]) -> Callable[[], float]:
    def product(w: Any, v: Any, x: Any, t: Any) -> Any:
        return ab.hvp(lambda weights: ours._loss(weights, x, t), w, v)

    program = ab.compile(product)

    def step() -> float:
        first, second = program(data["weights"], data["v"], data["x"], data["t"])
        return float(np.sum(first) + np.sum(second))

    return step


def moons(data: dict[str, Any]) -> Callable[[], float]:
    """The scalar net as a function of floats: one flat tape."""

    def total(weights: Any, points: Any) -> Any:
        scores = [ours.scalar_net(weights, point) for point in points]
        losses = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        flat = [w for layer in weights for row in layer for w in row]
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(w * w for w in flat)

    signs, points, rate = data["y"].tolist(), data["x"].tolist(), data["rate"]
    weights = [[[0.0, *map(float, row)] for row in layer] for layer in data["weights"]]
    program = ab.compile(ab.value_and_grad(total))

    def step() -> float:
        nonlocal weights
        value, gradient = program(weights, points)
        weights = [
            [
                [w - rate * g for w, g in zip(row, of_row, strict=True)]
                for row, of_row in zip(layer, of_layer, strict=True)
            ]
            for layer, of_layer in zip(weights, gradient, strict=True)
        ]
        return float(value)

    return step


STEPS = {
    "T1": relu_net,
    "T2": one_by_one,
    "T3": relu_net,
    "exercise 4": exercise_4,
    "characters": characters,
    "small": small_operations,
    "curvature": curvature,
    "moons": moons,
    "moons, collector off": moons,
}

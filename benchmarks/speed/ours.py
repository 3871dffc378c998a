"""The workloads on autograd-bp: recorded anew at every step, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value, nn, optim

NAME = "autograd-bp"
COMPILED = "autograd-bp, compiled"


def fixed(array: Any) -> Any:
    """A copy that is read-only: a constant that a graph need not copy."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def classifier(data: dict[str, Any], activation: Any, biased: bool) -> Callable[[], float]:
    weights = list(map(Tensor, data["weights"]))
    biases = list(map(Tensor, data["biases"])) if biased else []
    x, labels = fixed(data["x"]), fixed(data["labels"])
    optimizer = optim.SGD(weights + biases, lr=float(data["rate"]))

    def step() -> float:
        z: Any = x
        for layer, w in enumerate(weights):
            z = z @ w
            if biased:
                z = z + biases[layer]
            if layer < len(weights) - 1:
                z = activation(z)
        loss = nn.cross_entropy(z, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def relu_net(data: dict[str, Any]) -> Callable[[], float]:
    return classifier(data, ab.relu, biased=True)


def one_by_one(data: dict[str, Any]) -> Callable[[], float]:
    return classifier(data, ab.sigmoid, biased=False)


def exercise_4(data: dict[str, Any]) -> Callable[[], float]:
    x, y = fixed(data["x"]), fixed(data["y"])
    parameters = list(map(Tensor, (*data["weights"], *data["biases"])))

    def step() -> float:
        w1, w2, b1, b2 = parameters
        logits = ab.sigmoid(x @ w1 + b1) @ w2 + b2
        cost = nn.binary_cross_entropy_with_logits(logits, y, reduction="sum") / len(x)
        ab.gradients(cost, parameters)
        return float(cost.item())

    return step


def characters(data: dict[str, Any]) -> Callable[[], float]:
    embedding = Tensor(data["embedding"])
    (w1, w2), (b1, b2) = map(Tensor, data["weights"]), map(Tensor, data["biases"])
    x, labels = data["x"], fixed(data["labels"])
    optimizer = optim.SGD([embedding, w1, w2, b1, b2], lr=float(data["rate"]))

    def step() -> float:
        h = ab.tanh(embedding[x].reshape(len(x), -1) @ w1 + b1)
        loss = nn.cross_entropy(h @ w2 + b2, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def hundred(w: Any, x: Any) -> Any:
    z = x
    for _ in range(25):
        z = ab.tanh(z @ w + z) * 0.9
    return ab.sum(z)


def small_operations(data: dict[str, Any]) -> Callable[[], float]:
    w, x = Tensor(data["w"]), fixed(data["x"])

    def step() -> float:
        loss = hundred(w, x)
        ab.gradients(loss, [w])
        return float(loss.item())

    return step


def _loss(weights: Any, x: Any, t: Any) -> Any:
    w1, w2 = weights
    return ab.mean((ab.tanh(x @ w1) @ w2 - t) ** 2)


def curvature(data: dict[str, Any]) -> Callable[[], float]:
    x, t, weights, v = fixed(data["x"]), fixed(data["t"]), data["weights"], data["v"]

    def step() -> float:
        first, second = ab.hvp(lambda w: _loss(w, x, t), weights, v)
        return float(first.sum() + second.sum())

    return step


def scalar_net(weights: list[list[list[Any]]], x: Any) -> Any:
    """micrograd's MLP on scalars: ReLU but for the last layer."""
    for layer, rows in enumerate(weights):
        last = layer == len(weights) - 1
        sums = [sum((w * z for w, z in zip(row[1:], x, strict=True)), row[0]) for row in rows]
        x = sums if last else [s.relu() for s in sums]
    return x[0]


def scalar_step(new: Callable[[float], Any], data: dict[str, Any]) -> Callable[[], float]:
    """A step of micrograd's demo, on whatever class of scalars: hinge loss, L2, SGD."""
    weights = [
        [[new(0.0), *(new(float(w)) for w in row)] for row in layer] for layer in data["weights"]
    ]
    parameters = [p for layer in weights for row in layer for p in row]
    points, signs, rate = data["x"].tolist(), data["y"].tolist(), data["rate"]

    def step() -> float:
        scores = [scalar_net(weights, [new(number) for number in point]) for point in points]
        losses = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)
        for p in parameters:
            p.grad = 0.0
        total.backward()
        for p in parameters:
            p.data -= rate * p.grad
        return float(total.data)

    return step


def moons(data: dict[str, Any]) -> Callable[[], float]:
    return scalar_step(Value, data)


def chain(data: dict[str, Any]) -> Callable[[], float]:
    def step() -> float:
        x = y = Value(data["x"])
        for _ in range(data["n"]):
            y = y * 1.000001
        y.backward()
        return float(x.grad)

    return step


def drawing(data: dict[str, Any]) -> Callable[[], float]:
    y = x = Value(1.0, name="x")
    others = [Value(float(k), name=f"w{k}") for k in range(data["n"] // 3)]
    for w in others:
        y = y * w + x
    viz.draw(x * 2.0).svg  # noqa: B018  (the layout engine starts once)

    def step() -> float:
        return float(len(viz.draw(y, limit=10 * data["n"]).svg) > 0)

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
    "chain": chain,
    "drawing": drawing,
}

"""The workloads in plain NumPy, forward and backward written out as the articles do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

NAME = "NumPy by hand"


def softmax(a: Any) -> Any:
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def relu_net(data: dict[str, Any]) -> Callable[[], float]:
    weights, biases = [w.copy() for w in data["weights"]], [b.copy() for b in data["biases"]]
    x, labels, one_hot, rate = data["x"], data["labels"], data["one_hot"], data["rate"]
    n, places = len(x), np.arange(len(x))

    def step() -> float:
        z, inputs, sums = x, [], []
        for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
            inputs.append(z)
            a = z @ w + b
            sums.append(a)
            z = np.maximum(a, 0) if layer < len(weights) - 1 else a
        y = softmax(z)
        loss = -np.log(y[places, labels]).sum() / n
        delta = (y - one_hot) / n
        for layer in reversed(range(len(weights))):
            weight_gradient, bias_gradient = inputs[layer].T @ delta, delta.sum(axis=0)
            if layer:
                delta = delta @ weights[layer].T
                delta[sums[layer - 1] <= 0] = 0
            weights[layer] -= rate * weight_gradient
            biases[layer] -= rate * bias_gradient
        return float(loss)

    return step


def one_by_one(data: dict[str, Any]) -> Callable[[], float]:
    w1, w2, w3 = (w.copy() for w in data["weights"])
    x, label, one_hot, rate = data["x"], data["labels"][0], data["one_hot"], data["rate"]

    def step() -> float:
        nonlocal w1, w2, w3
        h1 = 1 / (1 + np.exp(-(x @ w1)))
        h2 = 1 / (1 + np.exp(-(h1 @ w2)))
        y = softmax(h2 @ w3)
        loss = -np.log(y[0, label])
        d3 = y - one_hot
        g3 = h2.T @ d3
        d2 = (d3 @ w3.T) * h2 * (1 - h2)
        g2 = h1.T @ d2
        d1 = (d2 @ w2.T) * h1 * (1 - h1)
        g1 = x.T @ d1
        w1 -= rate * g1
        w2 -= rate * g2
        w3 -= rate * g3
        return float(loss)

    return step


def exercise_4(data: dict[str, Any]) -> Callable[[], float]:
    x, y, (w1, w2), (b1, b2) = data["x"], data["y"], data["weights"], data["biases"]
    n = len(x)

    def step() -> float:
        h = 1 / (1 + np.exp(-(x @ w1 + b1)))
        p = 1 / (1 + np.exp(-(h @ w2 + b2)))
        cost = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum() / n
        d2 = (p - y) / n
        _, _ = h.T @ d2, d2.sum(axis=0)
        d1 = (d2 @ w2.T) * h * (1 - h)
        _, _ = x.T @ d1, d1.sum(axis=0)
        return float(cost)

    return step


def characters(data: dict[str, Any]) -> Callable[[], float]:
    embedding = data["embedding"].copy()
    (w1, w2), (b1, b2) = (w.copy() for w in data["weights"]), (b.copy() for b in data["biases"])
    x, labels, rate = data["x"], data["labels"], data["rate"]
    n, places = len(x), np.arange(len(x))

    def step() -> float:
        nonlocal w1, w2, b1, b2
        letters = embedding[x].reshape(n, -1)
        h = np.tanh(letters @ w1 + b1)
        y = softmax(h @ w2 + b2)
        loss = -np.log(y[places, labels]).sum() / n
        d2 = y.copy()
        d2[places, labels] -= 1
        d2 /= n
        g2, c2 = h.T @ d2, d2.sum(axis=0)
        d1 = (d2 @ w2.T) * (1 - h * h)
        g1, c1 = letters.T @ d1, d1.sum(axis=0)
        g = np.zeros_like(embedding)
        np.add.at(g, x, (d1 @ w1.T).reshape(*x.shape, -1))
        w1 -= rate * g1
        w2 -= rate * g2
        b1 -= rate * c1
        b2 -= rate * c2
        embedding[...] -= rate * g
        return float(loss)

    return step


def small_operations(data: dict[str, Any]) -> Callable[[], float]:
    w, x = data["w"], data["x"]

    def step() -> float:
        z, tape = x, []
        for _ in range(25):
            a = z @ w
            b = a + z
            t = np.tanh(b)
            tape.append((z, t))
            z = t * 0.9
        loss = z.sum()
        g, total = np.ones_like(z), np.zeros_like(w)
        for z, t in reversed(tape):
            db = g * 0.9 * (1 - t * t)
            total += z.T @ db
            g = db @ w.T + db
        return float(loss) + 0 * float(total[0, 0])

    return step


def curvature(data: dict[str, Any]) -> Callable[[], float]:
    x, t, (w1, w2), (v1, v2) = data["x"], data["t"], data["weights"], data["v"]
    n = len(x)

    def step() -> float:
        # Pearlmutter 1994: the derivative of the gradient in the direction v.
        h = np.tanh(x @ w1)
        error = h @ w2 - t
        slope = 1 - h * h
        dh = slope * (x @ v1)
        derror = dh @ w2 + h @ v2
        d2, dd2 = 2 * error / n, 2 * derror / n
        r2 = dh.T @ d2 + h.T @ dd2
        back, dback = d2 @ w2.T, dd2 @ w2.T + d2 @ v2.T
        r1 = x.T @ (dback * slope - 2 * back * h * dh)
        return float(r1.sum() + r2.sum())

    return step


STEPS = {
    "T1": relu_net,
    "T2": one_by_one,
    "T3": relu_net,
    "exercise 4": exercise_4,
    "characters": characters,
    "small": small_operations,
    "curvature": curvature,
}

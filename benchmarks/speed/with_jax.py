"""The workloads on JAX, jitted: the whole step is one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")
NAME = f"JAX {jax.__version__}, jit"


def _on_device(tree: Any) -> Any:
    return jax.tree.map(jnp.asarray, tree)


def _cross_entropy(logits: Any, labels: Any) -> Any:
    logs = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(logs, labels[:, None], axis=1).mean()


def training(
    loss: Callable[..., Any], parameters: Any, rate: Any, *arguments: Any
) -> Callable[[], float]:
    def update(p: Any, *args: Any) -> Any:
        value, gradient = jax.value_and_grad(loss)(p, *args)
        return jax.tree.map(lambda w, g: w - rate * g, p, gradient), value

    program = jax.jit(update, donate_argnums=0)
    state, given = _on_device(parameters), _on_device(arguments)

    def step() -> float:
        nonlocal state
        state, value = program(state, *given)
        return float(value)

    return step


def classifier(data: dict[str, Any], activation: Any, biased: bool) -> Callable[[], float]:
    layers = len(data["weights"])

    def loss(p: Any, x: Any, labels: Any) -> Any:
        z = x
        for layer in range(layers):
            z = z @ p[0][layer]
            if biased:
                z = z + p[1][layer]
            if layer < layers - 1:
                z = activation(z)
        return _cross_entropy(z, labels)

    parameters = (data["weights"], data["biases"] if biased else [])
    return training(loss, parameters, data["rate"], data["x"], data["labels"])


def characters(data: dict[str, Any]) -> Callable[[], float]:
    def loss(p: Any, x: Any, labels: Any) -> Any:
        embedding, (w1, w2), (b1, b2) = p
        h = jnp.tanh(embedding[x].reshape(len(x), -1) @ w1 + b1)
        return _cross_entropy(h @ w2 + b2, labels)

    parameters = (data["embedding"], data["weights"], data["biases"])
    return training(loss, parameters, data["rate"], data["x"], data["labels"])


def exercise_4(data: dict[str, Any]) -> Callable[[], float]:
    def cost(p: Any, x: Any, y: Any) -> Any:
        (w1, w2), (b1, b2) = p
        logits = jax.nn.sigmoid(x @ w1 + b1) @ w2 + b2
        return (jax.nn.softplus(logits) - y * logits).sum() / len(x)

    program = jax.jit(jax.value_and_grad(cost))
    parameters = _on_device((data["weights"], data["biases"]))
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])
    return lambda: float(jax.block_until_ready(program(parameters, x, y))[0])


def small_operations(data: dict[str, Any]) -> Callable[[], float]:
    def hundred(w: Any, x: Any) -> Any:
        z = x
        for _ in range(25):
            z = jnp.tanh(z @ w + z) * 0.9
        return z.sum()

    program = jax.jit(jax.value_and_grad(hundred))
    w, x = jnp.asarray(data["w"]), jnp.asarray(data["x"])
    return lambda: float(jax.block_until_ready(program(w, x))[0])


def curvature(data: dict[str, Any]) -> Callable[[], float]:
    def loss(p: Any, x: Any, t: Any) -> Any:
        return ((jnp.tanh(x @ p[0]) @ p[1] - t) ** 2).mean()

    def product(p: Any, v: Any, x: Any, t: Any) -> Any:
        return jax.jvp(lambda w: jax.grad(loss)(w, x, t), (p,), (v,))[1]

    program = jax.jit(product)
    given = _on_device((data["weights"], data["v"], data["x"], data["t"]))
    return lambda: float(sum(each.sum() for each in program(*given)))


STEPS = {
    "T1": lambda data: classifier(data, jax.nn.relu, biased=True),
    "T2": lambda data: classifier(data, jax.nn.sigmoid, biased=False),
    "T3": lambda data: classifier(data, jax.nn.relu, biased=True),
    "exercise 4": exercise_4,
    "characters": characters,
    "small": small_operations,
    "curvature": curvature,
}

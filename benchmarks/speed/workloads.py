"""The workloads: their data and their sizes, the same for every engine.

Every engine makes from the data a function that takes one step and returns the loss before it; the
losses of the first steps are compared, so that all do the same work.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """What is timed.

    Parameters
    ----------
    name, title
        What it is called, and what it is.
    data
        Makes the arrays, by name: the weights are under "params".
    base
        The engine that the others are related to.
    tolerance
        How far losses may be apart, relatively.
    """

    name: str
    title: str
    data: Callable[[], Arrays]
    base: str = "NumPy by hand"
    tolerance: float = 1e-4


def _weights(rng: np.random.Generator, sizes: list[int], scale: float | None) -> list[Any]:
    return [
        ((scale or 1 / np.sqrt(n)) * rng.normal(size=(n, m))).astype(np.float32)
        for n, m in itertools.pairwise(sizes)
    ]


def _classifier(sizes: list[int], batch: int, rate: float, scale: float | None) -> Arrays:
    rng = np.random.default_rng(0)
    weights = _weights(rng, sizes, scale)
    labels = rng.integers(0, sizes[-1], batch)
    return {
        "weights": weights,
        "biases": [np.zeros(w.shape[1], np.float32) for w in weights],
        "x": rng.random((batch, sizes[0])).astype(np.float32),
        "labels": labels,
        "one_hot": np.eye(sizes[-1], dtype=np.float32)[labels],
        "rate": np.float32(rate),
    }


def two_layers() -> Arrays:
    return _classifier([784, 50, 10], 100, 0.1, 0.01)


def one_by_one() -> Arrays:
    return _classifier([784, 128, 64, 10], 1, 0.001, None)


def wide() -> Arrays:
    return _classifier([512, 512, 512, 10], 4096, 0.01, None)


def moons() -> Arrays:
    """The net and the data of micrograd's demo: MLP(2, [16, 16, 1]) and 100 points."""
    rng = np.random.default_rng(1)
    angle = np.pi * rng.random(50)
    outer = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inner = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    sizes = [2, 16, 16, 1]
    return {
        "x": np.concatenate([outer, inner]) + 0.1 * rng.normal(size=(100, 2)),
        "y": np.repeat([-1.0, 1.0], 50),
        "weights": [rng.uniform(-1, 1, size=(m, n)) for n, m in itertools.pairwise(sizes)],
        "rate": 0.1,
    }


def exercise_4() -> Arrays:
    """The shapes of exercise 4: the gradient of a sigmoid net's cost on 5000 samples."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 10, 5000)
    return {
        "x": rng.random((5000, 400)),
        "y": np.eye(10)[labels],
        "weights": [0.1 * rng.normal(size=(400, 25)), 0.1 * rng.normal(size=(25, 10))],
        "biases": [np.zeros(25), np.zeros(10)],
    }


def characters() -> Arrays:
    """A character model: three letters, an embedding of 10, 200 units of tanh, 27 letters."""
    rng = np.random.default_rng(3)
    return {
        "x": rng.integers(0, 27, (32, 3)),
        "labels": rng.integers(0, 27, 32),
        "embedding": rng.normal(size=(27, 10)).astype(np.float32),
        "weights": _weights(rng, [30, 200, 27], None),
        "biases": [np.zeros(200, np.float32), np.zeros(27, np.float32)],
        "rate": np.float32(0.1),
    }


def small_operations() -> Arrays:
    """A hundred small operations on 8 x 8 arrays, one after the other."""
    rng = np.random.default_rng(4)
    return {"w": 0.3 * rng.normal(size=(8, 8)), "x": rng.normal(size=(8, 8))}


def curvature() -> Arrays:
    """A Hessian-vector product of the loss of a net 20-64-1 with tanh, on 256 samples."""
    rng = np.random.default_rng(5)
    return {
        "x": rng.normal(size=(256, 20)),
        "t": rng.normal(size=(256, 1)),
        "weights": [rng.normal(size=(20, 64)) / 4, rng.normal(size=(64, 1)) / 8],
        "v": [rng.normal(size=(20, 64)), rng.normal(size=(64, 1))],
    }


def chain() -> Arrays:
    """A chain of a million operations on scalars."""
    return {"x": 1.0, "n": 1_000_000}


def drawing() -> Arrays:
    """A graph of 1,000 nodes."""
    return {"n": 1_000}


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("T1", "784-50-10, ReLU, batches of 100, SGD", two_layers),
        Workload("T2", "784-128-64-10, sigmoid, no bias, one by one, SGD", one_by_one),
        Workload("T3", "512-512-512-10, ReLU, batches of 4096, SGD", wide),
        Workload("exercise 4", "400-25-10, sigmoid, 5000 samples, gradient", exercise_4),
        Workload("characters", "embedding, tanh, 27 letters, batches of 32, SGD", characters),
        Workload("small", "100 operations on 8 x 8 arrays, gradient", small_operations),
        Workload("curvature", "Hessian-vector product, 20-64-1, tanh", curvature),
        Workload("moons", "micrograd's demo: 2-16-16-1, 100 points, SGD", moons, base="micrograd"),
        Workload(
            "moons, collector off",
            "the same without Python's garbage collector",
            moons,
            base="micrograd",
        ),
        Workload("chain", "a million scalars in a row, gradient", chain, base="autograd-bp"),
        Workload("drawing", "1,000 nodes drawn", drawing, base="autograd-bp"),
    )
}

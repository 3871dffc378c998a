"""What training takes in memory: what the graph stores, and nothing more after many steps."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, nn, optim

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 5))
LABELS = rng.integers(0, 3, 8)


def test_the_peak_of_a_deep_net_is_what_it_stores_and_one_adjoint() -> None:
    width, samples, layers = 64, 500, 40
    x = Tensor(rng.normal(size=(samples, width)), requires_grad=False)
    weights = [Tensor(rng.normal(size=(width, width)) / 8) for _ in range(layers)]
    stored = sum(w.data.nbytes for w in weights)  # their gradients

    def step() -> int:
        """A step forward and backward; the size of all arrays that the graph has made."""
        z, made = x, []
        for w in weights:
            z = z @ w
            made.append(z.data.nbytes)
            z = ab.tanh(z)
            made.append(z.data.nbytes)
        ab.sum(z).backward()
        return sum(made)

    stored += step() + x.data.nbytes  # and one adjoint, as large as a layer
    for w in weights:
        w.grad = None
    tracemalloc.start()
    try:
        step()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.8 * stored < peak < 1.2 * stored


def eager() -> Callable[[], Any]:
    net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Dropout(0.1), nn.Linear(4, 3))
    optimizer = optim.Adam(net.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        nn.cross_entropy(net(X), LABELS).backward()
        optimizer.step()

    return step


def compiled() -> Callable[[], Any]:
    def loss(w: Any, x: Any) -> Any:
        return nn.cross_entropy(ab.tanh(x @ w[0]) @ w[1], LABELS)

    def update(w: list[Any], x: Any) -> tuple[list[Any], Any]:
        value, gradients = ab.value_and_grad(loss)(w, x)
        return [p - 1e-4 * g for p, g in zip(w, gradients, strict=True)], value

    program = ab.compile(update, donate=(0,))
    weights = [rng.normal(size=(5, 4)), rng.normal(size=(4, 3))]

    def step() -> None:
        nonlocal weights
        weights, _ = program(weights, X)

    return step


def scalars() -> Callable[[], Any]:
    w, b = ab.Value(0.3), ab.Value(0.1)
    optimizer = optim.SGD([w, b], lr=1e-4, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        ((w * 2.0 + b).tanh() ** 2).backward()
        optimizer.step()

    return step


@pytest.mark.slow
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("engine", [eager, compiled, scalars])
def test_a_hundred_thousand_steps_leave_nothing(engine: Callable[[], Callable[[], Any]]) -> None:
    step = engine()
    for _ in range(100):
        step()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(100_000):
        step()
    left = sys.getallocatedblocks() - before
    assert left < 1000  # free lists and caches fill up; one object a step would be 100,000
    assert gc.collect() == 0  # no cyclic garbage

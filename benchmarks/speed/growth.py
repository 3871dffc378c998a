"""How time and memory grow: with the number of nodes, the batch, and the depth."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp import Tensor, Value

NODES = (1_000, 10_000, 100_000, 1_000_000)
BATCHES = (10, 100, 1_000, 10_000)
DEPTHS = (4, 16, 64, 256)
_WIDTH = 64


def measured(work: Callable[[], Any]) -> tuple[float, float]:
    """The seconds that `work` takes, and the peak of what it allocates, in bytes."""
    work()
    gc.collect()
    before = time.perf_counter()
    work()
    seconds = time.perf_counter() - before
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, float(peak)


def scalars(n: int) -> Callable[[], Any]:
    def work() -> None:
        y = x = Value(1.0)
        for _ in range(n):
            y = y * 1.000001
        y.backward()
        assert x.grad

    return work


def batch(n: int) -> Callable[[], Any]:
    rng = np.random.default_rng(0)
    w1, w2 = Tensor(rng.normal(size=(_WIDTH, _WIDTH))), Tensor(rng.normal(size=(_WIDTH, 1)))
    x = rng.normal(size=(n, _WIDTH))
    x.flags.writeable = False
    return lambda: ab.sum(ab.tanh(x @ w1) @ w2).backward()


def _blocks(n: int, wrap: Callable[[Any], Any]) -> Callable[[], Any]:
    rng = np.random.default_rng(0)
    weights = [Tensor(rng.normal(size=(_WIDTH, _WIDTH)) / 8) for _ in range(n)]
    x = Tensor(rng.normal(size=(1_000, _WIDTH)))

    def work() -> None:
        for w in weights:
            w.grad = None
        ab.sum(wrap(weights)(x)).backward()

    return work


def depth(n: int) -> Callable[[], Any]:
    def through(weights: list[Tensor]) -> Callable[[Any], Any]:
        def run(z: Any) -> Any:
            for w in weights:
                z = ab.tanh(z @ w)
            return z

        return run

    return _blocks(n, through)


def checkpointed(n: int) -> Callable[[], Any]:
    """The same in about sqrt(n) pieces that are computed again on the way back."""
    size = max(1, round(n**0.5))

    def through(weights: list[Tensor]) -> Callable[[Any], Any]:
        def piece(some: list[Tensor]) -> Callable[[Any], Any]:
            def run(z: Any) -> Any:
                for w in some:
                    z = ab.tanh(z @ w)
                return z

            return ab.checkpoint(run)

        pieces = [piece(weights[k : k + size]) for k in range(0, len(weights), size)]

        def run(z: Any) -> Any:
            for part in pieces:
                z = part(z)
            return z

        return run

    return _blocks(n, through)


CURVES: dict[str, tuple[str, tuple[int, ...], Callable[[int], Callable[[], Any]]]] = {
    "scalars": ("operations on Values in a chain", NODES, scalars),
    "batch": ("samples in a batch, 64-64-1", BATCHES, batch),
    "depth": ("layers of 64 x 64, 1000 samples", DEPTHS, depth),
    "depth, checkpointed": ("the same with ab.checkpoint", DEPTHS, checkpointed),
}


def curves() -> dict[str, list[tuple[int, float, float]]]:
    """Every curve as (size, seconds, peak bytes)."""
    found = {}
    for name, (_, sizes, make) in CURVES.items():
        found[name] = [(n, *measured(make(n))) for n in sizes]
    return found

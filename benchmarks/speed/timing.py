"""Timing engines in turn, on one core and one thread."""

from __future__ import annotations

import gc
import importlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from speed.workloads import WORKLOADS, Workload

ENGINES = {
    "by_hand": "NumPy by hand",
    "ours": "autograd-bp",
    "compiled": "autograd-bp, compiled",
    "with_torch": "PyTorch",
    "with_jax": "JAX, jit",
    "with_hips": "HIPS autograd",
    "with_mygrad": "MyGrad",
    "with_micrograd": "micrograd",
}
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
"""What a process needs in its environment before it imports an engine."""
_COMPARED = 3
_ROUND = 0.05
"""About how many seconds of steps an engine takes before the next has its turn."""


@dataclass
class Timing:
    """How long a step took on one engine, in seconds: over rounds the least, and the median."""

    engine: str
    title: str
    least: float
    median: float
    first: float
    losses: tuple[float, ...]


def pin() -> None:
    """Keep this process on one core, the last one it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(workload: Workload, engines: list[str], rounds: int) -> dict[str, Any]:
    """Time the workload on every engine that has it, in turn, round by round.

    ValueError if two engines did not compute the same losses.
    """
    pin()
    steps: dict[str, Callable[[], float]] = {}
    timings: dict[str, Timing] = {}
    missing: dict[str, str] = {}
    for engine in engines:
        try:
            module = importlib.import_module(f"speed.{engine}")
            if workload.name not in module.STEPS:
                continue
            before = time.perf_counter()
            step = module.STEPS[workload.name](workload.data())
            losses = [step()]
            first = time.perf_counter() - before
            losses += [step() for _ in range(_COMPARED - 1)]
        except Exception as error:  # the other engines are still worth timing
            missing[ENGINES[engine]] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            continue
        steps[engine] = step
        timings[engine] = Timing(
            ENGINES[engine], module.NAME, float("inf"), float("inf"), first, tuple(losses)
        )
    _same_losses(workload, timings.values())
    counts = {engine: _steps_in_a_round(step) for engine, step in steps.items()}
    taken: dict[str, list[float]] = {engine: [] for engine in steps}
    with _collector(workload):
        for _ in range(rounds):
            for engine, step in steps.items():
                taken[engine].append(_one_round(step, counts[engine]))
    for engine, timing in timings.items():
        timing.least, timing.median = min(taken[engine]), statistics.median(taken[engine])
    return {
        "workload": workload.name,
        "timings": [asdict(timing) for timing in timings.values()],
        "missing": missing,
    }


def _steps_in_a_round(step: Callable[[], float]) -> int:
    """So many that an engine has warmed up for most of the round, as it has in training."""
    before = time.perf_counter()
    step()
    return max(1, min(1000, round(_ROUND / (time.perf_counter() - before))))


def _one_round(step: Callable[[], float], steps: int) -> float:
    gc.collect()
    before = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - before) / steps


@contextmanager
def _collector(workload: Workload) -> Iterator[None]:
    """Without the garbage collector, where the workload says so."""
    if workload.name.endswith("collector off"):
        gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _same_losses(workload: Workload, timings: Any) -> None:
    timings = list(timings)
    for timing in timings[1:]:
        for ours, theirs in zip(timings[0].losses, timing.losses, strict=True):
            if not abs(ours - theirs) <= workload.tolerance * max(abs(ours), 1e-3):
                raise ValueError(
                    f"{workload.name}: the losses of {timings[0].engine} are {timings[0].losses}, "
                    f"those of {timing.engine} {timing.losses}: they do not do the same work"
                )


def workload_of(name: str) -> Workload:
    """The workload of that name; KeyError, with the names there are, if none."""
    try:
        return WORKLOADS[name]
    except KeyError:
        raise KeyError(f"no workload {name!r}: there are {', '.join(WORKLOADS)}") from None

"""Timing engines in turn, each in a process of its own, on one core and one thread."""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
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
_ROUND = 0.25
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


# -- the process that measures --------------------------------------------------------------------


class Worker:
    """An engine with a workload, in a process of its own: no engine feels the others' threads.

    Raises
    ------
    EngineError
        If the engine cannot do the workload.
    """

    def __init__(self, workload: str, engine: str) -> None:
        command = [sys.executable, str(Path(__file__).parent), workload, "--worker", engine]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            self.made = self._answer()
        except EngineError:
            self.close()
            raise

    def round(self) -> float:
        """The seconds of a step, over a round."""
        assert self._process.stdin is not None
        self._process.stdin.write("round\n")
        self._process.stdin.flush()
        seconds: float = self._answer()["seconds"]
        return seconds

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EngineError(f"it ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class EngineError(Exception):
    """Why an engine did not do a workload."""


def measure(workload: Workload, engines: list[str], rounds: int) -> dict[str, Any]:
    """Time the workload on every engine that has it, in turn, round by round.

    ValueError if two engines did not compute the same losses.
    """
    workers: dict[str, Worker] = {}
    missing: dict[str, str] = {}
    for engine in engines:
        try:
            worker = Worker(workload.name, engine)
        except EngineError as error:
            missing[ENGINES[engine]] = str(error)
            continue
        if worker.made:
            workers[engine] = worker
        else:
            worker.close()
    taken: dict[str, list[float]] = {engine: [] for engine in workers}
    for _ in range(rounds):
        for engine, worker in workers.items():
            taken[engine].append(worker.round())
    timings = []
    for engine, worker in workers.items():
        seconds = taken[engine]
        least, median = min(seconds), statistics.median(seconds)
        timings.append(Timing(ENGINES[engine], least=least, median=median, **worker.made))
        worker.close()
    _same_losses(workload, timings)
    return {
        "workload": workload.name,
        "timings": [asdict(timing) for timing in timings],
        "missing": missing,
    }


# -- the process of an engine ---------------------------------------------------------------------


def serve(workload: Workload, engine: str) -> None:
    """Say how the first steps went, as JSON; then answer every line with the time of a round."""
    pin()
    answers, sys.stdout = sys.stdout, sys.stderr  # an engine may print

    def answer(**found: Any) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        module = importlib.import_module(f"speed.{engine}")
        if workload.name not in module.STEPS:
            return answer()
        before = time.perf_counter()
        step = module.STEPS[workload.name](workload.data())
        losses = [step()]
        first = time.perf_counter() - before
        losses += [step() for _ in range(_COMPARED - 1)]
        steps = _steps_in_a_round(step)
    except Exception as error:  # the other engines are still worth timing
        return answer(error=f"{type(error).__name__}: {error}".splitlines()[0][:200])
    answer(title=module.NAME, first=first, losses=losses)
    with _collector(workload):
        for _ in sys.stdin:
            answer(seconds=_one_round(step, steps))
    return None


def _steps_in_a_round(step: Callable[[], float]) -> int:
    """So many that an engine has warmed up for most of the round, as it has in training."""
    before = time.perf_counter()
    step()
    return max(1, min(1000, round(_ROUND / (time.perf_counter() - before))))


def _one_round(step: Callable[[], float], steps: int) -> float:
    if not gc.isenabled():
        gc.collect()  # what is left of the round before would add up
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

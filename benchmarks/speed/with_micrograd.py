"""The scalar workloads on micrograd."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from micrograd.engine import Value

from speed.ours import scalar_step

NAME = f"micrograd {version('micrograd')}"


def moons(data: dict[str, Any]) -> Callable[[], float]:
    return scalar_step(Value, data)


STEPS = {"moons": moons, "moons, collector off": moons}

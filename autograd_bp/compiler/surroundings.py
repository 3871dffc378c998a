"""What is around a function: objects that it can reach, and may depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

MOST = 10_000
"""So many objects around a function are looked at."""


def modules_around(*roots: Any) -> list[Any]:
    """The modules that can be reached: what they do depends on whether they are in training."""
    return [
        found
        for found in reachable(*roots)
        if isinstance(getattr(found, "training", None), bool)
        and callable(getattr(found, "train", None))
    ]


def reachable(*roots: Any) -> Iterator[Any]:
    """Some objects, and what can be reached from them by containers, attributes and closures."""
    waiting: list[Any] = list(roots)
    seen: set[int] = set()
    while waiting and len(seen) < MOST:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, np.ndarray | str | int | float | type):
            continue
        seen.add(id(found))
        yield found
        if isinstance(found, Mapping):
            waiting.extend(found.values())
        elif isinstance(found, list | tuple | set):
            waiting.extend(found)
        elif callable(found) and hasattr(found, "__code__"):
            waiting.extend(cell.cell_contents for cell in found.__closure__ or () if _is_full(cell))
            names = found.__code__.co_names
            waiting.extend(found.__globals__[name] for name in names if name in found.__globals__)
            waiting.extend(found.__defaults__ or ())
        elif type(found).__module__.split(".")[0] not in ("builtins", "numpy", "types"):
            waiting.extend(vars(found).values() if hasattr(found, "__dict__") else ())
        if hasattr(found, "__wrapped__"):
            waiting.append(found.__wrapped__)
        if hasattr(found, "__self__"):
            waiting.append(found.__self__)


def _is_full(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True

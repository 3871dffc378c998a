"""Random draws while a function is recorded.

An array of random numbers that the function draws by itself would be a constant of the program:
the same at every call. A draw through `Tracer.draw`, as dropout makes it, is an instruction and
draws anew; any other is found by the state of its generator, and refused.
"""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_bp.compiler.errors import ConcreteValueError

MOST = 10_000
"""So many objects around a function are searched for generators."""


@contextlib.contextmanager
def no_draws(f: Callable[..., Any], arguments: Any) -> Iterator[None]:
    """ConcreteValueError if random numbers are drawn inside, other than through a tracer."""
    generators = list(_generators(f, arguments))
    before = [_state(generator) for generator in generators]
    python, numpy = random.getstate(), repr(np.random.get_state())  # noqa: NPY002
    yield
    drawn = [
        str(generator)
        for generator, state in zip(generators, before, strict=True)
        if _state(generator) != state
    ]
    if random.getstate() != python:
        drawn.append("the module random")
    if repr(np.random.get_state()) != numpy:  # noqa: NPY002
        drawn.append("np.random")
    if drawn:
        raise ConcreteValueError(
            f"{getattr(f, '__name__', 'the function')} drew random numbers from "
            f"{', '.join(drawn)} while it was recorded for ab.compile: they would be the same at "
            "every call. Draw them outside and pass them as an argument, or use nn.Dropout, which "
            "draws anew at every call"
        )


def _state(generator: Any) -> str:
    if isinstance(generator, random.Random):
        return repr(generator.getstate())
    if isinstance(generator, np.random.RandomState):
        return repr(generator.get_state())
    return repr(generator.bit_generator.state)


@contextlib.contextmanager
def undrawn(function: Callable[..., Any]) -> Iterator[None]:
    """What a method draws from generators of its object inside, it draws again afterwards."""
    owner = getattr(function, "__self__", None)
    generators = [] if owner is None else list(generators_around(function, owner))
    before = [generator.bit_generator.state for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.bit_generator.state = state


def generators_around(f: Callable[..., Any], arguments: Any) -> Iterator[Any]:
    """The generators that a function may draw from: those it can reach."""
    return (found for found in _generators(f, arguments) if isinstance(found, np.random.Generator))


def restored(generator: Any) -> Any:
    """A copy of a generator, to draw from without advancing it."""
    return copy.deepcopy(generator)


def _generators(*roots: Any) -> Iterator[Any]:
    """The generators that can be reached from some objects."""
    waiting: list[Any] = list(roots)
    seen: set[int] = set()
    while waiting and len(seen) < MOST:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, np.ndarray | str | int | float | type):
            continue
        seen.add(id(found))
        if isinstance(found, np.random.Generator | np.random.RandomState | random.Random):
            yield found
        elif isinstance(found, Mapping):
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

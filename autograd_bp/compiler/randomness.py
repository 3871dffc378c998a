"""Random draws while a function is recorded.

An array of random numbers that the function draws by itself would be a constant of the program:
the same at every call. A draw through `Tracer.draw`, as dropout makes it, is an instruction and
draws anew; any other is found by the state of its generator, and refused.
"""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_bp.compiler.errors import ConcreteValueError
from autograd_bp.compiler.surroundings import reachable


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
    kinds = np.random.Generator | np.random.RandomState | random.Random
    return (found for found in reachable(*roots) if isinstance(found, kinds))

"""The random generators a training run draws from, and the state they are in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Generator = np.random.Generator


def generators_of(*sources: Any) -> list[Generator]:
    """Every generator in the sources, once, in order.

    That is: a generator itself, those in a list or tuple, those that are attributes of an object
    (``batches.rng``), and those of every module inside a model (dropout).
    """
    found: dict[int, Generator] = {}
    for source in sources:
        for generator in _inside(source):
            found.setdefault(id(generator), generator)
    return list(found.values())


def _inside(source: Any) -> Iterable[Generator]:
    if isinstance(source, Generator):
        yield source
    elif isinstance(source, list | tuple):
        for part in source:
            if isinstance(part, Generator):
                yield part
    else:
        parts = source.modules() if callable(getattr(source, "modules", None)) else [source]
        for part in parts:
            for attribute in getattr(part, "__dict__", {}).values():
                if isinstance(attribute, Generator):
                    yield attribute


def states_of(generators: Sequence[Generator]) -> list[dict[str, Any]]:
    """The state of each, for `ab.save`."""
    return [dict(generator.bit_generator.state) for generator in generators]


def set_states(generators: Sequence[Generator], states: Any) -> None:
    """Put generators into saved states; ValueError if they are not theirs."""
    if not isinstance(states, list) or len(states) != len(generators):
        count = len(states) if isinstance(states, list) else 0
        raise ValueError(
            f"the run draws from {len(generators)} random generators, and {count} were saved"
        )
    for generator, state in zip(generators, states, strict=True):
        try:
            generator.bit_generator.state = state
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ValueError(
                f"the saved state is not of a {type(generator.bit_generator).__name__}: {error}"
            ) from error

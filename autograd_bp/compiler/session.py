"""While a function is recorded: nodes tell its recorder what is done with them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from autograd_bp.recording import differentiable, recording, state


@contextlib.contextmanager
def being_recorded(tracer: Any) -> Iterator[None]:
    """Every transform gives nodes, everything is recorded, and nobody watches."""
    monitor, state.monitor = state.monitor, None
    outer, state.tracer = state.tracer, tracer
    state.depth += 1
    try:
        with recording(), differentiable(f"{tracer.name}, which is being compiled,"):
            yield
    finally:
        state.depth -= 1
        state.tracer = outer
        state.monitor = monitor

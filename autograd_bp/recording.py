"""What recording depends on, thread by thread: whether it is on, and who watches."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from autograd_bp.node import Node


class Monitor(Protocol):
    """What watches nodes being made and derivatives being taken; see `autograd_bp.debug`."""

    def made(self, node: Node) -> None:
        """A node was made by an operation."""

    def pulled(self, node: Node, cotangent: Any, contributions: Sequence[Any]) -> None:
        """A node passed its cotangent on to its parents."""


class _State(threading.local):
    """What recording depends on, by thread; the class attributes are a new thread's values."""

    recording: bool = True
    depth: int = 0
    """How many transforms (`grad` of `grad` of ...) the thread is inside."""
    monitor: Monitor | None = None
    strict: str | None = None
    """Who needs every step to be differentiable now, if anyone: see `differentiable`."""


state = _State()


class no_grad(contextlib.ContextDecorator):  # noqa: N801  (PyTorch's name, used like a function)
    """While active in this thread, operations record nothing: results are plain leaves.

    A context manager, and a decorator.

    >>> import autograd_bp as ab
    >>> x = ab.Value(2.0)
    >>> with ab.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __enter__(self) -> None:
        self._before: list[bool] = [*getattr(self, "_before", ()), state.recording]
        state.recording = False

    def __exit__(self, *exc: object) -> None:
        state.recording = self._before.pop()

    def _recreate_cm(self) -> Self:
        # As a decorator: one object per call, or two threads would share what to restore.
        return type(self)()


@contextlib.contextmanager
def recording() -> Iterator[None]:
    """While active in this thread, operations are recorded, `no_grad` or not."""
    before, state.recording = state.recording, True
    try:
        yield
    finally:
        state.recording = before


@contextlib.contextmanager
def differentiable(who: str) -> Iterator[None]:
    """While active in this thread, turning a node into a plain number raises: it would lose the
    derivative that `who` needs."""
    before, state.strict = state.strict, who
    try:
        yield
    finally:
        state.strict = before


def check_conversion(node: Node) -> None:
    """TypeError if a node may not become a plain number now."""
    if state.strict is not None and node.requires_grad:
        raise TypeError(
            f"{state.strict} turned {node!r} into a plain number, and its derivative would be lost:"
            " use ab's operations or NumPy's (ab.exp for math.exp)"
        )

"""What recording depends on, thread by thread: whether it is on, and who watches."""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from autograd_bp.node import Node

F = TypeVar("F", bound=Callable[..., Any])


class Monitor(Protocol):
    """What watches nodes being made and derivatives being taken; see `autograd_bp.debug`."""

    def made(self, node: Node) -> None:
        """A node was made by an operation."""

    def arrived(self, node: Node, cotangent: Any) -> None:
        """The cotangent of a node is complete."""

    def pushed(self, node: Node, tangent: Any) -> None:
        """A node got its tangent."""

    def pulled(self, node: Node, cotangent: Any, contributions: Sequence[Any]) -> None:
        """A node passed its cotangent on to its parents."""


class Unusual:
    """In how many threads operations are not recorded, or watched.

    Reading this is faster than reading what belongs to a thread, and nearly always it is 0.
    """

    __slots__ = ("_lock", "threads")

    def __init__(self) -> None:
        self.threads = 0
        self._lock = threading.Lock()

    def add(self, threads: int) -> None:
        """Count threads in, or out."""
        with self._lock:
            self.threads += threads


unusual = Unusual()


class _State(threading.local):
    """What recording depends on, by thread; the class attributes are a new thread's values."""

    depth: int = 0
    """How many transforms (`grad` of `grad` of ...) the thread is inside."""
    conversions: int = 0
    """How many nodes have been turned into plain numbers so far."""
    strict: str | None = None
    """Who needs every step to be differentiable now, if anyone: see `differentiable`."""
    _recording: bool = True
    _monitor: Monitor | None = None
    _tracer: Any = None

    @property
    def recording(self) -> bool:
        """Whether operations are recorded."""
        return self._recording

    @recording.setter
    def recording(self, on: bool) -> None:
        self._change(on, self._monitor, self._tracer)

    @property
    def monitor(self) -> Monitor | None:
        """Who watches."""
        return self._monitor

    @monitor.setter
    def monitor(self, monitor: Monitor | None) -> None:
        self._change(self._recording, monitor, self._tracer)

    @property
    def tracer(self) -> Any:
        """Who writes down what is done with nodes, while a function is compiled."""
        return self._tracer

    @tracer.setter
    def tracer(self, tracer: Any) -> None:
        self._change(self._recording, self._monitor, tracer)

    def _change(self, recording: bool, monitor: Monitor | None, tracer: Any) -> None:
        before = not self._recording or self._monitor is not None or self._tracer is not None
        after = not recording or monitor is not None or tracer is not None
        self._recording, self._monitor, self._tracer = recording, monitor, tracer
        if before != after:
            unusual.add(after - before)


state = _State()


class no_grad:  # noqa: N801  (PyTorch's name, used like a function)
    """While active in this thread, operations record nothing: results are plain leaves.

    A context manager, and a decorator of functions and generators.

    >>> import autograd_bp as ab
    >>> x = ab.Value(2.0)
    >>> with ab.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        """`@no_grad` means `@no_grad()`."""
        self = super().__new__(cls)
        return self if function is None else self(function)

    def __enter__(self) -> None:
        self._before: list[bool] = [*getattr(self, "_before", ()), state.recording]
        state.recording = False

    def __exit__(self, *exc: object) -> None:
        state.recording = self._before.pop()

    def __call__(self, function: F) -> F:
        """The function, run with recording off."""
        if inspect.isgeneratorfunction(function):
            return cast(F, _generator_without_recording(function))

        @functools.wraps(function)
        def without_recording(*args: Any, **kwargs: Any) -> Any:
            # An object for each call: threads must not share what to restore.
            with no_grad():
                return function(*args, **kwargs)

        return cast(F, without_recording)


def _generator_without_recording(function: Callable[..., Any]) -> Callable[..., Any]:
    """Recording is off while the generator runs, and as it was between its steps."""

    @functools.wraps(function)
    def steps(*args: Any, **kwargs: Any) -> Any:
        with no_grad():
            generator = function(*args, **kwargs)
        step, given = generator.send, None
        while True:
            try:
                with no_grad():
                    produced = step(given)
            except StopIteration as stop:
                return stop.value
            try:
                step, given = generator.send, (yield produced)
            except GeneratorExit:
                generator.close()
                raise
            except BaseException as error:
                step, given = generator.throw, error

    return steps


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


def check_conversion(node: Node, *, asked: bool = False) -> None:
    """Count that a node becomes a plain number; TypeError if it may not now.

    `asked` says that the number was asked for by name, so that nobody stores the node unawares.
    """
    if not node.requires_grad:
        return
    state.conversions += 1
    if state.strict is not None:
        raise TypeError(
            f"{state.strict} turned {node!r} into a plain number, and its derivative would be lost:"
            " use ab's operations or NumPy's (ab.exp for math.exp)"
        )
    if not asked and _is_being_stored():
        raise TypeError(
            f"{node!r} would be written into a plain array, and its derivative lost: make the "
            "array with np.zeros_like(t), which gives a Tensor, or collect the nodes in a list "
            "and join it with np.stack; float(t) or t.item() is the number alone"
        )


def _is_being_stored() -> bool:
    """Whether a number is asked for by ``array[index] = node``.

    NumPy asks a node for its number there as `float` does; only the instruction that runs tells.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return False
    return frame.f_code.co_code[frame.f_lasti] == dis.opmap["STORE_SUBSCR"]


_PACKAGE = __file__.removesuffix("recording.py")

"""Finding the first bad number, and the line it came from."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Self

import numpy as np

from autograd_bp.errors import brief
from autograd_bp.graph import where_made
from autograd_bp.node import Node
from autograd_bp.recording import state

_NUMPY = str(Path(np.__file__).resolve().parent) + os.sep
_PACKAGE = str(Path(__file__).resolve().parent) + os.sep


class NonFiniteError(FloatingPointError):
    """An operation or a derivative gave inf or nan while `debug` was on.

    Attributes
    ----------
    node
        The node concerned.
    """

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.node = node


class debug:  # noqa: N801  (used like a function: with ab.debug(): ...)
    """While active in this thread, every node remembers the line of the program that made it, and
    the first result or derivative that is not finite raises `NonFiniteError`.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> x = ab.Tensor([1.0, 0.0], name="x")
    >>> with ab.debug(), np.errstate(divide="ignore"):
    ...     y = ab.log(x)
    Traceback (most recent call last):
        ...
    autograd_bp.debug.NonFiniteError: log gave -inf at [1]...
    """

    def __enter__(self) -> Self:
        self._before = [*getattr(self, "_before", ()), state.monitor]
        state.monitor = self
        return self

    def __exit__(self, *exc: object) -> None:
        state.monitor = self._before.pop()

    def made(self, node: Node) -> None:
        """A node was made: remember where, and look at its value."""
        node._notes = {**(node._notes or {}), "where": users_line()}
        if (bad := _first_bad(node._value)) is not None:
            operands = ", ".join(
                _summary(parent, arg) for parent, arg in zip(node._parents, node.args, strict=True)
            )
            raise NonFiniteError(
                f"{node.rule.name} gave {bad}, from {operands}\n{_made_at(node)}", node
            )

    def arrived(self, node: Node, cotangent: Any) -> None:
        """All contributions to a node are in: look at their sum."""
        if (bad := _first_bad(cotangent)) is not None:
            raise NonFiniteError(
                f"the gradient of {brief(node)} is {bad}, as the sum of what arrives\n"
                f"{_made_at(node)}",
                node,
            )

    def pushed(self, node: Node, tangent: Any) -> None:
        """A node got its tangent: look at it."""
        if (bad := _first_bad(tangent)) is not None:
            raise NonFiniteError(
                f"the tangent of the result of {node.rule.name} is {bad}\n{_made_at(node)}", node
            )

    def pulled(self, node: Node, cotangent: Any, contributions: Sequence[Any]) -> None:
        """A node passed its cotangent on: look at what arrives."""
        for i, contribution in enumerate(contributions):
            if contribution is not None and (bad := _first_bad(contribution)) is not None:
                parent, arg = node._parents[i], node.args[i]
                raise NonFiniteError(
                    f"the derivative of {node.rule.name} by operand {i + 1} "
                    f"({_summary(parent, arg)}) gave {bad}, from a cotangent "
                    f"{_range(cotangent)}\n{_made_at(node)}",
                    node,
                )


def _first_bad(data: Any) -> str | None:
    """The first number that is not finite, and its place."""
    array = np.asarray(data._value if isinstance(data, Node) else data)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return None
    place = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
    at = f" at [{', '.join(map(str, place))}]" if array.ndim else ""
    return f"{array[place]}{at}"


def _summary(parent: Node | None, arg: Any) -> str:
    name = f"{parent.name!r} " if parent is not None and parent.name is not None else ""
    return f"{name}{_range(arg)}"


def _range(arg: Any) -> str:
    if not isinstance(arg, np.ndarray) or arg.ndim == 0:
        return f"{float(arg)!r}"
    if arg.size == 0:
        return f"of shape {arg.shape}"
    if arg.dtype.kind == "f" and not np.isfinite(arg).all():
        return f"of shape {arg.shape} with {(~np.isfinite(arg)).sum()} values not finite"
    return f"of shape {arg.shape} between {arg.min():g} and {arg.max():g}"


def _made_at(node: Node) -> str:
    line = where_made(node)
    return f"made at {line}" if line else "made before ab.debug() was on"


def users_line() -> str:
    """The innermost line outside this package and NumPy."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        inside = file.startswith((_PACKAGE, _NUMPY, "<rule"))
        if not inside:
            text = linecache.getline(file, frame.f_lineno).strip()
            return f"{file}:{frame.f_lineno} in {frame.f_code.co_name}: {text}".rstrip(": ")
        frame = frame.f_back
    return "an unknown line"

"""Errors of operations: which operation, on what, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.node import Node
from autograd_bp.rules import Rule


def explained(
    error: Exception,
    rule: Rule,
    args: Sequence[Any],
    parents: Sequence[Node | None],
    params: Sequence[Any],
) -> Exception:
    """The error as one of its own type that names the operation, its operands and a remedy."""
    operands = ", ".join(describe(arg, parent) for arg, parent in zip(args, parents, strict=True))
    settings = "".join(
        f", {name}={value!r}"
        for name, value in zip(rule.params, params, strict=True)
        if not isinstance(value, np.ndarray)
    )
    message = (
        f"{rule.name}({operands}{settings}): {str(error).rstrip('.')}. {_remedy(rule, args, error)}"
    )
    kind: type[Exception] = (
        type(error) if type(error) in (ValueError, TypeError, IndexError) else ValueError
    )
    for own in (np.exceptions.AxisError, np.linalg.LinAlgError):
        if isinstance(error, own):
            kind = own
    return kind(message.rstrip())


def brief(node: Node) -> str:
    """A node on one line, for a message: as it prints if that is short, else name and shape."""
    text = repr(node)
    if "\n" not in text and len(text) <= 80:
        return text
    name = f" {node.name!r}" if node.name is not None else ""
    return f"{type(node).__name__}{name} of shape {np.shape(node._value)}"


def describe(arg: Any, node: Node | None) -> str:
    """An operand in a message: its name, and its shape or number."""
    what = f"shape {arg.shape}" if isinstance(arg, np.ndarray) else repr(arg)
    if isinstance(arg, np.ndarray) and arg.dtype.kind != "f":
        what += f" {arg.dtype}"
    return what if node is None or node.name is None else f"{node.name!r}: {what}"


def _remedy(rule: Rule, args: Sequence[Any], error: Exception) -> str:
    shapes = [np.shape(arg) for arg in args]
    if rule.name == "matmul" and len(shapes) == 2:
        if () in shapes:
            return "Use * to multiply by a number"
        (x, y) = shapes
        inner = y[-2] if len(y) > 1 else y[0]
        if x[-1] != inner:
            return (
                f"The last axis of the first operand ({x[-1]}) must be as long as the "
                f"{'second to last' if len(y) > 1 else 'only'} axis of the second ({inner}); a "
                "transpose (.T) may be missing"
            )
    if rule.kind == "elementwise" and len(shapes) > 1:
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            return (
                "Shapes go together when, counted from the right, each pair of lengths is equal or "
                "one of them is 1; ab.expand_dims and reshape add axes of length 1"
            )
    if rule.name == "reshape":
        return "The number of elements must stay the same"
    if "axis" in str(error) and "out of bounds" in str(error) and shapes:
        n = len(shapes[0])
        return f"The axes are 0 to {n - 1}, or -1 to -{n} from the end" if n else "There is no axis"
    if rule.name in ("max", "min") and shapes and 0 in shapes[0]:
        return f"An empty array has no {rule.name}; pass initial= to say what it should be"
    return ""

"""Taking the arguments of a call apart, and putting results together, by code made for one
signature: many times faster than walking through the containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp.compiler.arguments import LEAF
from autograd_bp.trees import Structure

Taker = Callable[[tuple[Any, ...]], "list[Any] | None"]


def taker(skeleton: tuple[Any, ...], leaves: Sequence[Any]) -> Taker | None:
    """A function from positional arguments to their leaves, or to None where they have another
    structure, shape, dtype or static argument than these. None if there is an unusual container.

    >>> taken = taker(([LEAF, 3],), [np.zeros(2)])
    >>> taken(([np.ones(2), 3],)), taken(([np.ones(2), 4],)), taken(([np.ones(3), 3],))
    ([array([1., 1.])], None, None)
    """
    writer = _Taking(leaves)
    try:
        writer.branch(skeleton, "given")
    except _UnusualError:
        return None
    names = ", ".join(writer.names)
    lines = [*writer.lines, f"return [{names}]"]
    return writer.function("taken", "given", lines)  # type: ignore[no-any-return]


def giver(structure: Structure) -> Callable[[Sequence[Any]], Any]:
    """A function that puts results into a structure, like `structure.unflatten`."""
    count = iter(range(len(structure.paths)))
    try:
        text = _written(structure._skeleton, count)
    except _UnusualError:
        return structure.unflatten
    return _Taking([]).function("given", "out", [f"return {text}"])  # type: ignore[no-any-return]


class _UnusualError(Exception):
    """A container that is no dict, list or tuple, but one derived from them."""


class _Taking:
    def __init__(self, leaves: Sequence[Any]) -> None:
        self.leaves = iter(leaves)
        self.lines: list[str] = []
        self.names: list[str] = []
        self.meanings: dict[str, Any] = {"ndarray": np.ndarray}
        self.n = 0

    def fresh(self, kind: str) -> str:
        self.n += 1
        return f"{kind}{self.n}"

    def unless(self, condition: str) -> None:
        self.lines.append(f"if not ({condition}): return None")

    def constant(self, value: Any) -> str:
        name = self.fresh("constant")
        self.meanings[name] = value
        return name

    def branch(self, skeleton: Any, place: str) -> None:
        name = self.fresh("x")
        self.lines.append(f"{name} = {place}")
        kind = type(skeleton)
        if skeleton is LEAF:
            self.leaf(name)
        elif kind is dict:
            self.unless(f"type({name}) is dict and len({name}) == {len(skeleton)}")
            for key, inner in skeleton.items():
                known = repr(key) if type(key) in (str, int) else self.constant(key)
                self.lines.append(f"if {known} not in {name}: return None")
                self.branch(inner, f"{name}[{known}]")
        elif kind in (list, tuple):
            self.unless(f"type({name}) is {kind.__name__} and len({name}) == {len(skeleton)}")
            for i, inner in enumerate(skeleton):
                self.branch(inner, f"{name}[{i}]")
        elif isinstance(skeleton, dict | list | tuple):
            raise _UnusualError
        else:
            known = self.constant(skeleton)
            same = f"type({name}) is {self.constant(kind)} and {name} == {known}"
            self.unless(f"{name} is {known} or ({same})")

    def leaf(self, name: str) -> None:
        leaf = next(self.leaves)
        if isinstance(leaf, np.ndarray):
            dtype = self.constant(leaf.dtype)
            self.unless(
                f"type({name}) is ndarray and {name}.dtype is {dtype} and "
                f"{name}.shape == {leaf.shape!r}"
            )
        else:
            self.unless(f"type({name}) is float")
        self.names.append(name)

    def function(self, name: str, argument: str, lines: list[str]) -> Any:
        body = "\n    ".join(lines)
        exec(f"def {name}({argument}):\n    {body}", self.meanings)  # noqa: S102  (written here)
        return self.meanings[name]


def _written(skeleton: Any, count: Any) -> str:
    kind = type(skeleton)
    if kind is dict:
        if not all(type(key) in (str, int) for key in skeleton):
            raise _UnusualError
        inner = ", ".join(f"{key!r}: {_written(v, count)}" for key, v in skeleton.items())
        return f"{{{inner}}}"
    if kind in (list, tuple):
        inner = ", ".join(_written(piece, count) for piece in skeleton)
        if kind is list:
            return f"[{inner}]"
        return f"({inner}{',' if len(skeleton) == 1 else ''})"
    if skeleton is None:
        return "None"
    if isinstance(skeleton, dict | list | tuple):
        raise _UnusualError
    return f"out[{next(count)}]"

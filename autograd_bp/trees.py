"""Nested lists, tuples and dicts of arrays, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_bp.node import Node


class Structure:
    """How leaves are nested; `flatten` makes one, `unflatten` fills it."""

    def __init__(self, rebuild: Callable[[Iterator[Any]], Any], paths: list[str]) -> None:
        self._rebuild = rebuild
        self.paths = paths

    def unflatten(self, leaves: list[Any] | tuple[Any, ...]) -> Any:
        """The leaves, in order, in this structure."""
        if len(leaves) != len(self.paths):
            raise ValueError(f"{len(leaves)} leaves for a structure of {len(self.paths)}")
        return self._rebuild(iter(leaves))


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a tree in order, and its structure.

    Lists, tuples (named ones too) and dicts are nested; None holds nothing; numbers, arrays and
    nodes are leaves. TypeError, naming the place, for anything else.

    >>> leaves, structure = flatten({"w": [1.0, 2.0], "b": (3.0, None)})
    >>> leaves
    [1.0, 2.0, 3.0]
    >>> structure.unflatten([10.0, 20.0, 30.0])
    {'w': [10.0, 20.0], 'b': (30.0, None)}
    """
    leaves: list[Any] = []
    paths: list[str] = []

    def take(branch: Any, path: str) -> Callable[[Iterator[Any]], Any]:
        if branch is None:
            return lambda _: None
        if isinstance(branch, Mapping):
            entries = {key: take(value, f"{path}[{key!r}]") for key, value in branch.items()}
            return lambda given: {key: rebuild(given) for key, rebuild in entries.items()}
        if isinstance(branch, list | tuple):
            pieces = [take(piece, f"{path}[{i}]") for i, piece in enumerate(branch)]
            kind = type(branch)
            if hasattr(kind, "_fields"):
                return lambda given: kind(*(rebuild(given) for rebuild in pieces))
            return lambda given: kind([rebuild(given) for rebuild in pieces])
        if not isinstance(branch, Node | np.ndarray | np.generic | float | int):
            raise TypeError(
                f"{path or 'the argument'} is a {type(branch).__name__}: only numbers, arrays and "
                "nodes, and lists, tuples and dicts of them, can be differentiated"
            )
        leaves.append(branch)
        paths.append(path)
        return next

    return leaves, Structure(take(tree, ""), paths)

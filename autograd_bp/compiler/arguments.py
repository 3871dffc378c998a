"""The arguments of a call: what a program takes as inputs, and what it was recorded with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_bp.node import Node
from autograd_bp.operands import check_dtype
from autograd_bp.trees import _mapping_like, _sequence_like

LEAF = object()
"""Stands in a skeleton where a leaf is."""
Key = Hashable


@dataclass(frozen=True)
class Arguments:
    """Arguments taken apart.

    Attributes
    ----------
    leaves
        Arrays and floats, in order: what may differ from call to call.
    paths
        Where each is: the position or name of the argument, then keys and indices.
    skeleton
        The rest, with a mark in the place of each leaf.
    key
        Structure and static arguments, hashable: calls with the same key can share a program.
    nodes
        Whether a leaf was given as a node.
    """

    leaves: list[Any]
    paths: list[tuple[Any, ...]]
    skeleton: Any
    key: Key
    nodes: bool

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """The arguments with other leaves."""
        return _filled(self.skeleton, iter(leaves))

    def names(self, f: Callable[..., Any]) -> list[str | None]:
        """What to call each leaf: the name of its parameter, and keys."""
        try:
            parameters = list(inspect.signature(f).parameters)
        except (TypeError, ValueError):
            parameters = []
        names = []
        for kind, place, *rest in self.paths:
            first = str(place)
            if kind == 0:
                first = parameters[place] if place < len(parameters) else f"x{place}"
            keys = [str(key) for key in rest]
            names.append(keys[-1] if keys and keys[-1].isidentifier() else "_".join([first, *keys]))
        return [name if names.count(name) == 1 else None for name in names] if names else []


def separated(arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> Arguments:
    """Take ``(args, kwargs)`` apart; TypeError, naming the place, for what has no place in it."""
    leaves: list[Any] = []
    paths: list[tuple[Any, ...]] = []
    taken = _Taken(leaves, paths)
    skeleton, key = taken.branch(arguments, ())
    return Arguments(leaves, paths, skeleton, key, taken.nodes)


class _Taken:
    def __init__(self, leaves: list[Any], paths: list[tuple[Any, ...]]) -> None:
        self.leaves = leaves
        self.paths = paths
        self.nodes = False

    def branch(self, branch: Any, path: tuple[Any, ...]) -> tuple[Any, Key]:
        kind = type(branch)
        if kind is np.ndarray or kind is float:
            return self.leaf(branch, path)
        if isinstance(branch, Mapping):
            entries = {k: self.branch(v, (*path, k)) for k, v in branch.items()}
            skeleton = _mapping_like(branch, {k: entry[0] for k, entry in entries.items()})
            return skeleton, (kind, tuple((k, entry[1]) for k, entry in entries.items()))
        if isinstance(branch, list | tuple):
            pieces = [self.branch(piece, (*path, i)) for i, piece in enumerate(branch)]
            skeleton = _sequence_like(branch, [piece[0] for piece in pieces])
            return skeleton, (kind, tuple(piece[1] for piece in pieces))
        if isinstance(branch, Node):
            self.nodes = True
            return self.leaf(branch, path)
        if isinstance(branch, np.ndarray | np.generic):
            return self.leaf(np.asarray(branch), path)
        if isinstance(branch, float):
            return self.leaf(float(branch), path)
        try:
            hash(branch)
        except TypeError:
            raise TypeError(
                f"argument {_written(path)} is a {kind.__name__}: ab.compile takes arrays, floats, "
                "nested lists, tuples and dicts of them, and objects that can be hashed"
            ) from None
        # 1, 1.0 and True are equal, and are not the same argument.
        return branch, (kind, branch)

    def leaf(self, leaf: Any, path: tuple[Any, ...]) -> tuple[Any, Key]:
        if isinstance(leaf, np.ndarray):
            check_dtype(leaf, leaf)
        self.leaves.append(leaf)
        self.paths.append(path)
        return LEAF, LEAF


def _written(path: tuple[Any, ...]) -> str:
    return "".join(f"[{key!r}]" for key in path[1:])


def _filled(skeleton: Any, leaves: Any) -> Any:
    if skeleton is LEAF:
        return next(leaves)
    if isinstance(skeleton, Mapping):
        return _mapping_like(skeleton, {k: _filled(v, leaves) for k, v in skeleton.items()})
    if isinstance(skeleton, list | tuple):
        return _sequence_like(skeleton, [_filled(piece, leaves) for piece in skeleton])
    return skeleton

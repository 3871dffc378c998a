"""Nested lists, tuples and dicts of arrays, taken apart and put together again."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_bp.node import Node

_LEAF = object()


class Structure:
    """How leaves are nested; `flatten` makes one, `unflatten` fills it."""

    def __init__(self, skeleton: Any, paths: list[str]) -> None:
        self._skeleton = skeleton
        self.paths = paths

    def unflatten(self, leaves: Sequence[Any]) -> Any:
        """The leaves, in order, in this structure."""
        if len(leaves) != len(self.paths):
            raise ValueError(f"{len(leaves)} leaves for a structure of {len(self.paths)}")
        return _filled(self._skeleton, iter(leaves))

    def flatten_like(self, tree: Any, what: str) -> list[Any]:
        """The leaves of another tree in the order of this structure.

        Entries of dicts are matched by key. ValueError, naming `what` and the place, if the tree
        is nested in another way.
        """
        leaves: list[Any] = []
        _match(self._skeleton, tree, "", what, leaves)
        return leaves


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
    return leaves, Structure(_taken(tree, "", leaves, paths), paths)


def nodes(tree: Any) -> list[Node]:
    """The nodes anywhere in nested containers; everything else is passed over."""
    if isinstance(tree, Node):
        return [tree]
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [node for branch in tree for node in nodes(branch)]
    return []


def _taken(branch: Any, path: str, leaves: list[Any], paths: list[str]) -> Any:
    """The skeleton of a branch: the same containers, with _LEAF for each leaf."""
    if branch is None:
        return None
    if isinstance(branch, Mapping):
        return _mapping_like(
            branch,
            {
                key: _taken(value, f"{path}[{key!r}]", leaves, paths)
                for key, value in branch.items()
            },
        )
    if isinstance(branch, list | tuple):
        return _sequence_like(
            branch, [_taken(piece, f"{path}[{i}]", leaves, paths) for i, piece in enumerate(branch)]
        )
    if not isinstance(branch, Node | np.ndarray | np.generic | float | int):
        raise TypeError(
            f"{path or 'the argument'} is a {type(branch).__name__}: only numbers, arrays and "
            "nodes, and lists, tuples and dicts of them, can be differentiated"
        )
    leaves.append(branch)
    paths.append(path)
    return _LEAF


def _filled(skeleton: Any, leaves: Iterator[Any]) -> Any:
    if skeleton is _LEAF:
        return next(leaves)
    if isinstance(skeleton, Mapping):
        return _mapping_like(skeleton, {k: _filled(v, leaves) for k, v in skeleton.items()})
    if isinstance(skeleton, list | tuple):
        return _sequence_like(skeleton, [_filled(piece, leaves) for piece in skeleton])
    return skeleton


def _mapping_like(like: Mapping[Any, Any], entries: dict[Any, Any]) -> Any:
    """The entries in a mapping of the same class, where that can be made (OrderedDict, ...)."""
    if type(like) is dict or not isinstance(like, dict):
        return entries
    made = copy.copy(like)
    for key, value in entries.items():
        made[key] = value
    return made


def _sequence_like(like: Sequence[Any], pieces: list[Any]) -> Any:
    kind: Any = type(like)
    return kind(*pieces) if hasattr(kind, "_fields") else kind(pieces)


def _match(skeleton: Any, tree: Any, path: str, what: str, leaves: list[Any]) -> None:
    place = f" at {path}" if path else ""
    if skeleton is _LEAF:
        if tree is None or isinstance(tree, Mapping | list | tuple | str):
            if isinstance(tree, list) and not nodes(tree):  # an array written as a list
                leaves.append(np.asarray(tree))
                return
            raise ValueError(f"{what} has {type(tree).__name__}{place} where a number or array is")
        leaves.append(tree)
    elif isinstance(skeleton, Mapping):
        if not isinstance(tree, Mapping) or set(tree) != set(skeleton):
            raise ValueError(f"{what} must be a dict with the keys {list(skeleton)}{place}")
        for key, branch in skeleton.items():
            _match(branch, tree[key], f"{path}[{key!r}]", what, leaves)
    elif isinstance(skeleton, list | tuple):
        if not isinstance(tree, list | tuple) or len(tree) != len(skeleton):
            raise ValueError(f"{what} must be a sequence of {len(skeleton)}{place}")
        for i, (branch, piece) in enumerate(zip(skeleton, tree, strict=True)):
            _match(branch, piece, f"{path}[{i}]", what, leaves)
    elif tree is not None:
        raise ValueError(f"{what} must be None{place}")

"""A nested state as named arrays and a skeleton: JSON that says what is nested where.

In the skeleton lists, text, whole numbers, booleans, null and finite floats are themselves. An
object has one key, which says what it stands for::

    {"dict": {...}}    {"tuple": [...]}    {"float": "nan"}
    {"array": "name"}    {"scalar": "name"}    an array, a NumPy scalar, by name
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.node import Node
from autograd_bp.storage.errors import StorageError

Arrays = dict[str, NDArray[Any]]

DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()
)
DEEPEST = 100
"""How deep a state may be nested."""
_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def take_apart(state: Any, permits: Callable[[str], bool]) -> tuple[Arrays, str]:
    """The arrays of a state by name, and its skeleton.

    An array is named after its place, or by a number where `permits` refuses that or it is taken.
    """
    taker = _Taker(permits)
    skeleton = taker.skeleton(state, ())
    try:
        return taker.arrays, json.dumps(skeleton, allow_nan=False)
    except ValueError as error:  # a whole number of more digits than Python writes
        raise StorageError(f"the state cannot be written: {error}") from error


class _Taker:
    def __init__(self, permits: Callable[[str], bool]) -> None:
        self._permits = permits
        self.arrays: Arrays = {}

    def skeleton(self, branch: Any, path: tuple[str, ...]) -> Any:
        if len(path) > DEEPEST:
            raise StorageError(
                f"the state is nested more than {DEEPEST} deep: {'.'.join(path[:3])}..."
            )
        if isinstance(branch, Node):
            branch = branch._value
        if isinstance(branch, np.ndarray):
            return {"array": self._named(branch, path)}
        if isinstance(branch, np.str_):
            return str(branch)
        if isinstance(branch, np.generic):
            return {"scalar": self._named(np.asarray(branch), path)}
        if branch is None or isinstance(branch, bool | int | str):
            return branch
        if isinstance(branch, float):
            return branch if math.isfinite(branch) else {"float": str(float(branch))}
        if isinstance(branch, Mapping):
            for key in branch:
                if not isinstance(key, str):
                    raise TypeError(f"{_at(path)} has the key {key!r}: keys must be text")
            return {"dict": {str(k): self.skeleton(v, (*path, str(k))) for k, v in branch.items()}}
        if isinstance(branch, list | tuple):
            pieces = [self.skeleton(piece, (*path, str(i))) for i, piece in enumerate(branch)]
            return {"tuple": pieces} if isinstance(branch, tuple) else pieces
        hint = ": save its .state_dict()" if hasattr(branch, "state_dict") else ""
        raise TypeError(
            f"{_at(path)} is a {type(branch).__name__}{hint or ', which is not saved'}: a state "
            "holds arrays, Tensors, numbers, text, booleans and None, in dicts, lists and tuples"
        )

    def _named(self, array: NDArray[Any], path: tuple[str, ...]) -> str:
        if isinstance(array, np.ma.MaskedArray):
            raise TypeError(f"{_at(path)} is a masked array: save its data and its mask")
        if array.dtype.name not in DTYPES:
            raise TypeError(
                f"{_at(path)} is an array of {array.dtype}: real numbers of at most 64 bits and "
                "booleans are saved"
            )
        name = ".".join(path)
        if not self._permits(name) or name in self.arrays:
            numbers = iter(range(len(self.arrays), 2 * len(self.arrays) + 1))
            name = next(f"array_{k}" for k in numbers if f"array_{k}" not in self.arrays)
        self.arrays[name] = np.asarray(array, array.dtype.newbyteorder("="), order="C")
        return name


def put_together(text: str, arrays: Arrays) -> Any:
    """The state of a skeleton and its arrays; StorageError if they do not fit together."""
    left = dict(arrays)
    try:
        state = _state(parsed(text), left)
    except RecursionError as error:
        raise StorageError("the skeleton of the file is nested too deep") from error
    if left:
        raise StorageError(f"the skeleton of the file does not mention the arrays {list(left)[:5]}")
    return state


def parsed(text: str | bytes) -> Any:
    """What JSON says; StorageError if it is none, is too deep, or has a key twice."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except StorageError:
        raise
    except (ValueError, RecursionError) as error:
        raise StorageError(f"the header of the file is no JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, entry in pairs:
        if key in entries:
            raise StorageError(f"the header of the file has the key {key!r} twice")
        entries[key] = entry
    return entries


def _no_constant(constant: str) -> Any:
    raise StorageError(f"the header of the file holds {constant}, which is no JSON")


def _state(skeleton: Any, left: Arrays) -> Any:
    if isinstance(skeleton, list):
        return [_state(piece, left) for piece in skeleton]
    if not isinstance(skeleton, dict):
        return skeleton
    if len(skeleton) == 1:
        ((kind, content),) = skeleton.items()
        if kind == "dict" and isinstance(content, dict):
            return {key: _state(branch, left) for key, branch in content.items()}
        if kind == "tuple" and isinstance(content, list):
            return tuple(_state(piece, left) for piece in content)
        if kind == "float" and isinstance(content, str) and content in _FLOATS:
            return _FLOATS[content]
        if kind in ("array", "scalar") and isinstance(content, str):
            if content not in left:
                raise StorageError(
                    f"the skeleton of the file needs the array {content!r} once more"
                )
            array = left.pop(content)
            if kind == "array":
                return array
            if array.ndim == 0:
                return array[()]
    raise StorageError(f"the skeleton of the file has an entry of no kind: {str(skeleton)[:80]}")


def _at(path: tuple[str, ...]) -> str:
    return f"the state at {'.'.join(path)!r}" if path else "the state"

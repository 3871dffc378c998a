"""Saving and loading: nested dicts and lists of arrays, numbers and text, as safetensors or npz.

>>> import tempfile, pathlib
>>> import numpy as np
>>> path = pathlib.Path(tempfile.mkdtemp()) / "state.npz"
>>> save(path, {"weights": [np.array([1.0, 2.0])], "epoch": 3, "name": "苹果"})
>>> load(path)
{'weights': [array([1., 2.])], 'epoch': 3, 'name': '苹果'}
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from autograd_bp.storage import npz, safetensors_file
from autograd_bp.storage.errors import StorageError
from autograd_bp.storage.files import bytes_of, write_atomically
from autograd_bp.storage.skeleton import Arrays, put_together, take_apart

__all__ = ["StorageError", "load", "save", "write_atomically"]


class _Format(NamedTuple):
    permits: Callable[[str], bool]
    """Whether an array can have this name in the file."""
    pack: Callable[[Arrays, str], bytes]
    unpack: Callable[[bytes], tuple[Arrays, str | None]]


_FORMATS = {
    ".safetensors": _Format(
        safetensors_file.permits, safetensors_file.pack, safetensors_file.unpack
    ),
    ".npz": _Format(npz.permits, npz.pack, npz.unpack),
}


def save(path: str | os.PathLike[str], state: Any) -> None:
    """Write a state to a file, as a whole or not at all.

    Arrays in a dict keep their keys as names, joined by dots where dicts are nested, so that
    PyTorch's safetensors and `numpy.load` find them under the names they know.

    Parameters
    ----------
    path
        A file ending in ``.safetensors`` (needs the safetensors package) or ``.npz``. What is
        there is replaced in one moment.
    state
        Arrays, Tensors, Values, numbers, text, booleans and None, in dicts with text for keys,
        lists and tuples, nested in any way: what ``state_dict()`` gives. Never pickled.

    Raises
    ------
    TypeError
        If something in the state is none of these, naming its place; nothing is written.
    StorageError
        If the file name ends in neither suffix, or the nesting is too deep.
    ImportError
        If safetensors is asked for and not installed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import autograd_bp as ab
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> save(path, {"layer": {"w": ab.Tensor([[1.0, 2.0]]), "b": ab.Tensor([0.5])}})
    >>> load(path)["layer"]["w"]
    array([[1., 2.]])
    >>> from safetensors.numpy import load_file
    >>> sorted(load_file(path))
    ['layer.b', 'layer.w']
    """
    form = _format(path)
    arrays, skeleton = take_apart(state, form.permits)
    write_atomically(path, form.pack(arrays, skeleton))


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote; Tensors come back as arrays, Values as numbers.

    A safetensors or npz file of another program gives a dict of its arrays by name.

    Parameters
    ----------
    path
        A file ending in ``.safetensors`` or ``.npz``.

    Raises
    ------
    StorageError
        If the file is truncated, damaged, of another kind, holds Python objects, or says anything
        about itself that is not so. Nothing in a file is executed, and no more memory is taken
        than its size accounts for.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "broken.npz"
    >>> _ = path.write_bytes(b"no archive")
    >>> load(path)
    Traceback (most recent call last):
        ...
    autograd_bp.storage.errors.StorageError: ...broken.npz: this is no zip archive...
    """
    form = _format(path)
    content = bytes_of(path)
    try:
        arrays, skeleton = form.unpack(content)
        return dict(arrays) if skeleton is None else put_together(skeleton, arrays)
    except StorageError as error:
        raise StorageError(f"{os.fspath(path)}: {error}") from error.__cause__


def _format(path: str | os.PathLike[str]) -> _Format:
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise StorageError(
            f"{os.fspath(path)}: the name must end in {' or '.join(_FORMATS)}, which says the "
            "format"
        )
    return _FORMATS[suffix]

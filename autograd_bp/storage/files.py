"""Files read and written as a whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from autograd_bp.storage.errors import StorageError


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace a file by new content in one moment.

    Whoever reads the file, even after a crash or loss of power, finds all of the old content or
    all of the new. The content is written beside the file, flushed to the disk, and renamed.
    """
    target = Path(os.path.realpath(path))  # a link keeps pointing to the file
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: a file cannot replace it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} to")
    beside = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    # The new name is on the disk once the folder is. Windows has no such call.
    with contextlib.suppress(OSError):
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def bytes_of(path: str | os.PathLike[str]) -> bytes:
    """The content of a regular file; StorageError for a device or a pipe, which may never end."""
    file = Path(path)
    if file.exists() and not file.is_file():
        raise StorageError(f"{file} is not a regular file")
    return file.read_bytes()

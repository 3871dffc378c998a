"""The idx format of MNIST: a magic number, the length of each axis, and bytes.

The magic number is 2048 plus the number of axes for unsigned bytes; all numbers are 32 bit, most
significant byte first (Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database").
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autograd_bp.datasets.errors import DataError

GZIP = b"\x1f\x8b"
UNSIGNED_BYTES = 2048
AT_MOST = 1 << 30
"""The most bytes that are believed: twenty times the images of MNIST."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_idx(path: str | os.PathLike[str], ndim: int) -> NDArray[np.uint8]:
    """An array of unsigned bytes from an idx file, compressed with gzip or not.

    Memory is only taken for bytes that are there, whatever the header says.

    Parameters
    ----------
    path
        The file. One whose name ends in ``.gz`` must be compressed.
    ndim
        The number of axes it should have: 1 for labels (magic 2049), 3 for images (2051).

    Returns
    -------
    NDArray
        Of dtype uint8, with the lengths that the header declares.

    Raises
    ------
    DataError
        If the file is not compressed as its name says, ends too early, goes on too long, or has
        another magic number, an axis of length 0 or more than 2**30 elements.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels"
    ...     written = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path, ndim=1)
    array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    with path.open("rb") as raw:
        compressed = raw.read(2) == GZIP
        raw.seek(0)
        if not compressed:
            if path.suffix == ".gz":
                raise DataError(f"{path}: the name ends in .gz, but the file is not gzip")
            return _parse(raw, path, ndim)
        try:
            with gzip.open(raw) as file:
                return _parse(file, path, ndim)
        except EOFError:
            raise DataError(f"{path}: the gzip data ends too early: the file is cut off") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: the gzip data is damaged: {error}") from None


def _parse(file: _Readable, path: Path, ndim: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * ndim)
    wanted = UNSIGNED_BYTES + ndim
    magic = int.from_bytes(header[:4])
    if len(header) < 4 or magic != wanted:
        found = f"the magic number is {magic}" if len(header) >= 4 else "it is shorter than that"
        raise DataError(
            f"{path}: an idx file with {ndim} axes of bytes begins with the magic number {wanted}, "
            f"but {found}"
        )
    if len(header) < 4 + 4 * ndim:
        raise DataError(f"{path}: the file ends within its header")
    shape = tuple(int.from_bytes(header[start : start + 4]) for start in range(4, len(header), 4))
    size = math.prod(shape)
    if not size:
        raise DataError(f"{path}: the header declares the shape {shape}, which is empty")
    if size > AT_MOST:
        raise DataError(
            f"{path}: the header declares the shape {shape}, {size} bytes: more than {AT_MOST} are "
            "not believed"
        )
    content = _read_up_to(file, size + 1)
    if len(content) < size:
        raise DataError(
            f"{path}: the header declares the shape {shape}, {size} bytes, but only "
            f"{len(content)} follow: the file is cut off"
        )
    if len(content) > size:
        raise DataError(
            f"{path}: the header declares the shape {shape}, {size} bytes, but more follow"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_up_to(file: _Readable, size: int) -> bytearray:
    """At most `size` bytes, piece by piece: a header alone cannot make us take memory."""
    content = bytearray()
    while len(content) < size and (piece := file.read(min(size - len(content), 1 << 20))):
        content += piece
    return content

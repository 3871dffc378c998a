"""First names, one a line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from autograd_bp.datasets.errors import DataError
from autograd_bp.datasets.folders import obtain
from autograd_bp.datasets.published import Published

MIRRORS = ("https://raw.githubusercontent.com/karpathy/makemore/master/",)
NAMES = Published(
    "names.txt", 228_145, "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
)


def names(
    folder: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    mirrors: Sequence[str] = MIRRORS,
    progress: bool = True,
) -> list[str]:
    """First names to learn from: the lines of ``names.txt``, 32033 of them as published.

    Parameters
    ----------
    folder
        Where the file is; by default the folder that ``AUTOGRAD_BP_DATA`` names, then the cache.
        A list of one's own, in UTF-8 and one name a line, will do.
    download
        Fetch the file if it is missing, 0.2 MB.
    mirrors
        Addresses to fetch from, tried in turn.
    progress
        Show a bar while downloading.

    Returns
    -------
    list of str
        In the order of the file, without the ends of lines.

    Raises
    ------
    DataMissingError
        If the file is missing and `download` is False.
    DataError
        If it is not UTF-8, has an empty line or a control character, or holds no name.
    DownloadError
        If it cannot be fetched.

    Notes
    -----
    From A. Karpathy's makemore (MIT licence).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = (Path(folder) / "names.txt").write_text("emma\\nolivia\\n")
    ...     names(folder)
    ['emma', 'olivia']
    """
    path = obtain(
        NAMES,
        folder,
        download=download,
        mirrors=mirrors,
        progress=progress,
        remedy="give the folder it is in, or datasets.names(download=True) to fetch it",
    )
    return _lines(path)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: this is not UTF-8 text: {error}") from None
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise DataError(f"{path}: line {number} is empty: a line holds one name")
        if not line.isprintable():
            raise DataError(
                f"{path}: line {number} has a character that is not printable: {line!r}"
            )
    return lines

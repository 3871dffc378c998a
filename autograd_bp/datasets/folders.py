"""Where data files are looked for, and how a published one gets there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograd_bp.datasets.errors import DataError, DataMissingError
from autograd_bp.datasets.published import Published

VARIABLE = "AUTOGRAD_BP_DATA"
"""The environment variable that names the folder with the user's data."""


def cache_folder() -> Path:
    """Where downloads are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "autograd-bp"


def places(folder: str | os.PathLike[str] | None) -> list[Path]:
    """The folders to look in, first to last; a given folder is the only one."""
    if folder is not None:
        return [Path(folder)]
    named = os.environ.get(VARIABLE)
    return [*([Path(named)] if named else []), cache_folder()]


def find(names: Iterable[str], folders: Iterable[Path]) -> Path | None:
    """The first file there is with one of these names, folder by folder."""
    names = tuple(names)
    for folder in folders:
        for name in names:
            path = folder / name
            if path.is_file():
                return path
            if path.exists():
                raise DataError(f"{path}: this is not a file")
    return None


def obtain(
    published: Published,
    folder: str | os.PathLike[str] | None,
    *,
    download: bool,
    mirrors: Sequence[str],
    progress: bool,
    remedy: str,
) -> Path:
    """The file where it is found, also unpacked; else, if that is wanted, downloaded."""
    folders = places(folder)
    path = find(dict.fromkeys((published.name, published.name.removesuffix(".gz"))), folders)
    if path is not None:
        return path
    if not download:
        raise missing(published.name, folders, remedy)
    # Most programs never download: what that needs is imported when one does.
    from autograd_bp.datasets.download import fetch

    target = (cache_folder() if folder is None else Path(folder)) / published.name
    fetch(published, target, mirrors, progress=progress)
    return target


def missing(name: str, folders: Sequence[Path], remedy: str) -> DataMissingError:
    """The error for a file that is in none of the folders."""
    looked = " and ".join(str(folder) for folder in folders)
    hint = "" if len(folders) == 1 else f" (the environment variable {VARIABLE} names a folder)"
    return DataMissingError(f"{name} is not in {looked}{hint}: {remedy}")

"""The npz format: a zip archive of NumPy's npy files, and the skeleton as JSON.

`numpy.load` reads what is written here. Reading does not go through `numpy.load`, which trusts the
shape in a header before it has seen the numbers.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from autograd_bp.storage.errors import StorageError
from autograd_bp.storage.skeleton import DTYPES, Arrays

_SKELETON = "skeleton.json"
_LARGEST_RATIO = 100
"""How many times its compressed size a member may have. Files written here are not compressed."""


def permits(name: str) -> bool:
    """Whether a member of the archive is named so: what any file system and zip program takes."""
    return re.fullmatch(r"[\w.\- ]{1,100}", name) is not None


def pack(arrays: Arrays, skeleton: str) -> bytes:
    """The content of a file; the same bytes for the same state."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_SKELETON), skeleton)
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)
    return content.getvalue()


def unpack(content: bytes) -> tuple[Arrays, str | None]:
    """The arrays, and the skeleton; None if another program wrote the file."""
    try:
        return _unpacked(content)
    except StorageError:
        raise
    except zipfile.BadZipFile as error:
        raise StorageError(f"this is no zip archive, or a damaged one: {error}") from error
    except Exception as error:  # zipfile and NumPy raise much on bytes that were tampered with
        raise StorageError(
            f"this is a damaged npz file: {type(error).__name__}: {error}"
        ) from error


def _unpacked(content: bytes) -> tuple[Arrays, str | None]:
    arrays: Arrays = {}
    skeleton = None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        _check(members, len(content))
        for member in members:
            with archive.open(member) as file:
                if member.filename == _SKELETON:
                    skeleton = file.read().decode("utf-8")
                else:
                    name = member.filename.removesuffix(".npy")
                    arrays[name] = _array(file, name, member.file_size)
    return arrays, skeleton


def _check(members: list[zipfile.ZipInfo], size: int) -> None:
    """StorageError if the members are not those of an honest npz file."""
    names = set()
    for member in members:
        name = member.orig_filename
        if name in names:
            raise StorageError(f"the archive has {name!r} twice")
        names.add(name)
        if "\0" in name or "\\" in name or name.startswith("/") or ".." in name.split("/"):
            raise StorageError(f"the archive has a member with a path for a name: {name!r}")
        if name != _SKELETON and not name.endswith(".npy"):
            raise StorageError(f"the archive has a member that is no array: {name!r}")
        if member.flag_bits & 0x1:
            raise StorageError(f"the member {name!r} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StorageError(f"the member {name!r} is compressed in a way npz files are not")
        if member.file_size > _LARGEST_RATIO * (member.compress_size + 100):
            raise StorageError(
                f"the member {name!r} claims to expand from {member.compress_size} to "
                f"{member.file_size} bytes: if you trust the file, read it with numpy.load"
            )
    members = sorted(members, key=lambda member: member.header_offset)
    ends = [member.header_offset for member in members[1:]] + [size]
    for member, end in zip(members, ends, strict=True):
        if member.header_offset + member.compress_size > end:
            raise StorageError(f"the member {member.filename!r} overlaps what follows it")


def _array(file: Any, name: str, size: int) -> NDArray[Any]:
    """The array of an npy file of `size` bytes."""
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, in_columns, dtype = npy.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, in_columns, dtype = npy.read_array_header_2_0(file)
    else:
        raise StorageError(f"the array {name!r} is in version {version} of the npy format")
    if dtype.hasobject or dtype.name not in DTYPES:
        what = "Python objects, which are never loaded" if dtype.hasobject else f"{dtype}"
        raise StorageError(f"the array {name!r} holds {what}")
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or expected != size - file.tell():
        raise StorageError(
            f"the array {name!r} should have {expected} bytes for its shape {shape}, and has "
            f"{size - file.tell()}"
        )
    content = file.read()
    if len(content) != expected:
        raise StorageError(f"the array {name!r} is cut off")
    if dtype == np.bool_ and content.strip(b"\0\1"):
        raise StorageError(f"the array {name!r} has booleans that are neither 0 nor 1")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if in_columns else "C")
    return array.astype(dtype.newbyteorder("="), order="C")

"""The safetensors format, read and written by its own library.

A file is 8 bytes of length, a header of JSON with the dtype, shape and place of every tensor, and
the numbers (https://github.com/huggingface/safetensors, "Format"). The library checks that the
places fill the file and agree with the shapes; keys that come twice it does not see.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from autograd_bp.storage.errors import StorageError
from autograd_bp.storage.skeleton import Arrays, parsed

_METADATA = "__metadata__"
_SKELETON = "autograd_bp"
_LONGEST_HEADER = 100_000_000
_DTYPES = frozenset("BOOL I8 I16 I32 I64 U8 U16 U32 U64 F16 F32 F64".split())


def permits(name: str) -> bool:
    """Whether a tensor can have this name: text that UTF-8 can write, and not the reserved one."""
    try:
        name.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return name != _METADATA


def pack(arrays: Arrays, skeleton: str) -> bytes:
    """The content of a file."""
    content: bytes = _library().save(arrays, metadata={_SKELETON: skeleton})
    if (length := _length(content)) > _LONGEST_HEADER:
        raise StorageError(
            f"the header would have {length} bytes, and no program reads more than "
            f"{_LONGEST_HEADER}: keep long lists of numbers as arrays, or use a name in .npz"
        )
    return content


def unpack(content: bytes) -> tuple[Arrays, str | None]:
    """The arrays, and the skeleton; None if another program wrote the file."""
    header = _header(content)
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise StorageError("the metadata in the header is not text by name")
    for name, entry in header.items():
        kind = entry.get("dtype") if isinstance(entry, dict) else entry
        if not isinstance(kind, str) or kind not in _DTYPES:
            raise StorageError(f"the tensor {name!r} is of dtype {kind!r}, which is not read here")
    library = _library()
    try:
        arrays: Arrays = library.load(content)
    except Exception as error:  # the library has errors of its own, and passes NumPy's on
        raise StorageError(f"this is no whole safetensors file: {error}") from error
    for name, array in arrays.items():
        if array.dtype == np.bool_ and (array.view(np.uint8) > 1).any():
            raise StorageError(f"the tensor {name!r} has booleans that are neither 0 nor 1")
        if not array.flags.writeable:
            arrays[name] = array.copy()
    return arrays, metadata.get(_SKELETON)


def _header(content: bytes) -> dict[str, object]:
    length = _length(content)
    if len(content) < 8 or length > len(content) - 8:
        raise StorageError(
            f"this is no whole safetensors file: it has {len(content)} bytes, and its header "
            f"should have {length}"
        )
    header = parsed(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise StorageError("the header of the file is no JSON object")
    return header


def _length(content: bytes) -> int:
    """The length of the header, as the first bytes say it."""
    return int.from_bytes(content[:8], "little")


def _library() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "a .safetensors file needs the safetensors package: pip install safetensors, or use a "
            "name that ends in .npz"
        ) from error
    return safetensors.numpy

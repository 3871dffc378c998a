"""Files as they were published."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """A file as it was published: its name, its size in bytes, its SHA-256 sum."""

    name: str
    size: int
    sha256: str

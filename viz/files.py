"""Files that appear whole or not at all."""

import uuid
from pathlib import Path


def write(target: Path, content: bytes) -> None:
    """Write beside the target, then rename: no reader sees half a file."""
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)

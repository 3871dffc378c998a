"""The table of a module: what is inside, how large it is, and what came out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autograd_bp.node import Node

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """One module of a summary."""

    path: str
    kind: str
    tensors: list[tuple[str, Shape]]
    parameters: int
    output: Any


@dataclass
class Summary:
    """The lines of a table, one for each module; it prints itself.

    Attributes
    ----------
    lines
        By module: its path, its class, its own parameters and buffers with their shapes, how many
        parameters are inside it, and the shape (or shapes) it gave when last called, None before.
    """

    lines: list[Line] = field(default_factory=list)

    def add(
        self, path: str, kind: str, tensors: list[tuple[str, Shape]], parameters: int, output: Any
    ) -> None:
        """Add a line."""
        self.lines.append(Line(path, kind, tensors, parameters, output))

    @property
    def count(self) -> int:
        """How many parameters there are in all, one that is shared counted once."""
        return self.lines[0].parameters

    def __str__(self) -> str:
        table = [("module", "parameters", "count", "output")]
        for line in self.lines:
            indent = "  " * (line.path.count(".") + bool(line.path))
            table.append(
                (
                    f"{indent}{line.path} {line.kind}" if line.path else line.kind,
                    ", ".join(f"{name} {shape}" for name, shape in line.tensors),
                    f"{line.parameters:,}",
                    "" if line.output is None else str(line.output),
                )
            )
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        )

    __repr__ = __str__


def shapes_of(output: Any) -> Any:
    """The shape of a node or an array, or of each in a tuple, list or dict; None of all else."""
    if isinstance(output, Node):
        value = output._value
        return () if type(value) is float else value.shape
    if isinstance(output, list | tuple):
        return tuple(map(shapes_of, output))
    if isinstance(output, dict):
        return {key: shapes_of(element) for key, element in output.items()}
    return getattr(output, "shape", None)

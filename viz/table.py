"""Values and gradients as an aligned table of text, right for names in any script."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autograd_bp.text_width import pad, text_width

Number = float | NDArray[np.floating]


@dataclass(frozen=True)
class Row:
    """A quantity: its name, its value, and the gradient of the result with respect to it."""

    name: str
    value: Number
    gradient: Number


def table(rows: Iterable[Row]) -> str:
    """The rows under a head; arrays show their shape, and their entries over several lines.

    >>> print(table([Row("苹果", 100.0, 2.2), Row("n", 2.0, 110.0)]))
    name  value  gradient
    ----  -----  --------
    苹果    100       2.2
    n         2       110
    """
    rows = list(rows)
    cells = [[row.name, _shape(row), entries(row.value), entries(row.gradient)] for row in rows]
    head = ["name", "shape", "value", "gradient"]
    if not any(np.ndim(row.value) for row in rows):
        cells = [[name, value, gradient] for name, _, value, gradient in cells]
        head.remove("shape")
    return _aligned(head, cells, right_from=head.index("value"))


def entries(number: Number) -> str:
    """A number to 12 digits, an array to 6, without the zeros that say nothing.

    >>> entries(220.00000000000003)
    '220'
    """
    array = np.asarray(number, dtype=np.float64)
    if array.ndim == 0:
        return f"{float(array):.12g}"
    if np.all(np.abs(array) < 1e6) and np.all(array == np.round(array)):
        array = array.astype(np.int64)
    return np.array2string(array, precision=6, threshold=60, edgeitems=3, max_line_width=72)


def _shape(row: Row) -> str:
    return str(np.shape(row.value)) if np.ndim(row.value) else ""


def _aligned(head: list[str], cells: list[list[str]], right_from: int) -> str:
    """Columns of equal width; a cell of several lines takes several lines."""
    blocks = [[cell.split("\n") for cell in row] for row in [head, *cells]]
    widths = [
        max(text_width(line) for block in column for line in block)
        for column in zip(*blocks, strict=True)
    ]
    blocks.insert(1, [["-" * width] for width in widths])
    lines = []
    for row in blocks:
        for number in range(max(map(len, row))):
            columns = zip(row, widths, strict=True)
            line = [
                _cell(block, number, width, right=column >= right_from)
                for column, (block, width) in enumerate(columns)
            ]
            lines.append("  ".join(line).rstrip())
    return "\n".join(lines)


def _cell(block: list[str], number: int, width: int, *, right: bool) -> str:
    """Line `number` of a cell. The lines of an array stay under one another."""
    line = block[number] if number < len(block) else ""
    inner = max(map(text_width, block))
    return pad(pad(line, inner), width, right=right)

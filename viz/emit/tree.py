"""A picture as text: a tree of operations with their operands under them."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from autograd_bp.text_width import text_width
from viz import numerals
from viz.picture import Before, Edge, Node, Picture, Quantity
from viz.text import one_line

# ANSI colours by role. Red and blue are told apart by a word beside them too.
_COLOURS: Final = {"value": "34", "gradient": "31", "zero": "2;31", "alarm": "1;35", "note": "2"}
_LONGEST_NAME = 40
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: what it is, its value, its gradient, and a note, each with a role or none."""

    what: str
    value: tuple[str, str]
    gradient: tuple[str, str]
    note: str


def tree(picture: Picture, digits: int = 4, *, colour: bool = False) -> str:
    """`picture` as lines of text, the outputs first, each over its operands.

    A value that is used several times has a number, and its operands are written once only. With
    `colour`, values and gradients have ANSI colours.
    """
    rows = _rows(picture, digits)
    widths = [
        max((text_width(cell) for cell in cells), default=0)
        for cells in zip(*((row.what, row.value[0], row.gradient[0]) for row in rows), strict=True)
    ]
    lines = []
    for row in rows:
        cells = [
            (row.what, ""),
            row.value,
            row.gradient,
            (row.note, "note"),
        ]
        while not cells[-1][0]:
            cells.pop()
        line = ""
        for (text, role), width in zip(cells, (*widths, 0), strict=False):
            # Colour goes on the text, not on the room that is left in its column.
            line += _coloured(text, role, colour) + " " * (width - text_width(text)) + "  "
        lines.append(line.rstrip())
    lines += [_coloured(remark, "note", colour) for remark in picture.remarks]
    return "\n".join(lines) + "\n"


def _rows(picture: Picture, digits: int) -> list[_Row]:
    gradients = any(node.gradient is not None for node in picture.nodes)
    operands: dict[int, list[Edge]] = {node.id: [] for node in picture.nodes}
    for each in picture.edges:
        operands[each.target].append(each)
    uses = Counter(edge.source for edge in picture.edges)
    uses.update(output.node for output in picture.outputs)
    numbers: dict[int, int] = {}
    rows = []
    # The node, the edge it is reached by, the text before it, and that before its operands.
    waiting: list[tuple[int, Edge | None, str, str]] = [
        (output.node, None, "", "") for output in reversed(picture.outputs)
    ]
    while waiting:
        number, edge, before, inner = waiting.pop()
        node = picture.nodes[number]
        below = operands[number]
        known = number in numbers
        note = ""
        if uses[number] > 1 and node.kind != "constant":
            numbers.setdefault(number, len(numbers) + 1)
            again = ", see above" if below else ""
            note = f"#{numbers[number]}" + (again if known else f", used {uses[number]} times")
        if len(inner) > 3 * _DEEPEST and below and not known:
            note, known = "… and what it is made of", True
        rows.append(_row(node, edge, before, note, digits, gradients=gradients))
        if not known:
            waiting += [
                (
                    each.source,
                    each,
                    inner + ("└─ " if each is below[-1] else "├─ "),
                    inner + ("   " if each is below[-1] else "│  "),
                )
                for each in reversed(below)
            ]
    return rows


def _row(
    node: Node, edge: Edge | None, before: str, note: str, digits: int, *, gradients: bool
) -> _Row:
    what = _what(node)
    value = node.value if edge is None or edge.value is None else edge.value
    notes = [note] if note else []
    if node.kind == "detached" and gradients:
        notes.append("no gradient wanted")
    if node.before is not None:
        notes += _before(node, node.before, digits)
    if node.stored is not None and node.stored.calls > 1:
        held = _short(node.stored.gradient, digits)
        notes.append(f".grad {held} from {node.stored.calls} calls")
    if edge is not None and edge.contribution is not None and edge.contribution != node.gradient:
        notes.append(f"{_short(edge.contribution, digits)} of it from here")
    if node.remark is not None:
        notes.append(one_line(node.remark))
    role = "value" if value.finite else "alarm"
    return _Row(
        before + what,
        (f"= {_short(value, digits)}", role),
        _gradient(node, digits),
        ", ".join(notes),
    )


def _before(node: Node, before: Before, digits: int) -> list[str]:
    """How a node differs from what it was in the first run."""
    if before.state in ("added", "removed"):
        return [f"only in the {'second' if before.state == 'added' else 'first'} run"]
    notes = []
    if before.value is not None and repr(before.value) != repr(node.value):
        notes.append(f"was {_short(before.value, digits)}")
    if before.gradient is not None and repr(before.gradient) != repr(node.gradient):
        notes.append(f"grad was {_short(before.gradient, digits)}")
    return notes


def _what(node: Node) -> str:
    """The name and the operation of a node."""
    name = one_line(node.name) if node.name is not None else ""
    if text_width(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 1] + "…"
    if node.fold is not None:
        parts = [name] if name else []
        parts += [f"× {node.fold.times}"] if node.fold.times > 1 else []
        if node.fold.operations:
            parts.append(f"({node.fold.operations} operations)")
        elif node.fold.inputs:
            parts.append(f"({node.fold.inputs} inputs)")
        return " ".join(parts)
    if node.operation is None:
        return name or {"constant": "constant"}.get(node.kind, "input")
    symbol = one_line(node.operation.symbol)
    return f"{name}: {symbol}" if name else symbol


def _gradient(node: Node, digits: int) -> tuple[str, str]:
    if node.flow == "constant":
        return "", "note"
    if node.gradient is None:
        return "no gradient", "note"
    role = "gradient"
    if not node.gradient.finite:
        role = "alarm"
    elif node.gradient.zero:
        role = "zero"
    return f"grad {_short(node.gradient, digits)}", role


def _short(quantity: Quantity, digits: int) -> str:
    shape = numerals.shape(quantity)
    rows = numerals.lines(quantity, digits)
    shown = rows[0] if len(rows) == 1 else f"[{', '.join(rows)}]"
    return f"{shape} {shown}" if shape and len(rows) == 1 and not quantity.entries else shown


def _coloured(text: str, role: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if colour and text and role else text

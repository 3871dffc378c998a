"""The words on a picture: values and gradients as lines, tooltips, the description.

Names and other words are shortened where they are too long (`scene.line`). Numbers never are: half
of one would be another number.
"""

from collections.abc import Sequence

from viz import numerals
from viz.picture import Edge, Flow, Node, Operation, Picture, Quantity
from viz.scene import Box, Line, Role, block, line

OPERATION_HEIGHT = 38.0
_CIRCLE_TEXT = 24.0
_LONGEST_SUM = 24
# Parameters at these values are as if not given; the tooltip has them.
_UNTOLD = ("None", "False")


def gradient_role(gradient: Quantity) -> Role:
    """How a gradient looks: as usual, faint when it is zero, alarming when it is not finite."""
    if not gradient.finite:
        return "alarm"
    return "zero" if gradient.zero else "gradient"


def value_lines(value: Quantity, digits: int) -> tuple[Line, ...]:
    """A value; that of an array with its shape first."""
    role: Role = "value" if value.finite else "alarm"
    shown = tuple(Line(role, row) for row in numerals.lines(value, digits))
    return shown if value.scalar else (line("note", numerals.shape(value)), *shown)


def gradient_lines(gradient: Quantity | None, flow: Flow, digits: int) -> tuple[Line, ...]:
    """A gradient, or that none arrives; nothing where none is wanted."""
    if gradient is None:
        return (line("blocked", "no gradient"),) if flow == "blocked" else ()
    role = gradient_role(gradient)
    return tuple(Line(role, row) for row in numerals.lines(gradient, digits))


def sum_line(node: Node, uses: Sequence[Edge], digits: int) -> tuple[Line, ...]:
    """How the contributions of several uses add up to the gradient of a node."""
    parts = [use.contribution for use in uses if use.contribution is not None]
    if node.gradient is None or len(parts) < 2:
        return ()
    role = gradient_role(node.gradient)
    total = numerals.lines(node.gradient, digits)
    if len(total) > 1 or not node.gradient.scalar:
        return (Line("note", f"sum of {len(parts)}:"), *(Line(role, row) for row in total))
    terms = [numerals.lines(part, digits)[0] for part in parts]
    text = terms[0] + "".join(
        f" − {term[1:]}" if term.startswith("-") else f" + {term}" for term in terms[1:]
    )
    if len(parts) > 3 or len(text) > _LONGEST_SUM:
        text = f"sum of {len(parts)}"
    return (Line(role, f"{text} = {total[0]}"),)


def operation_box(node: Node, operation: Operation, *, formula: bool = False) -> Box:
    """The round node of an operation: its symbol, its parameters, its formula if asked for."""
    lines = [line("symbol" if len(operation.symbol) < 3 else "word", operation.symbol)]
    told = [f"{key}={value}" for key, value in operation.parameters if value not in _UNTOLD]
    lines += [line("note", each, room=100) for each in told[:2]]
    if formula and operation.formula != operation.symbol:
        lines.append(line("formula", operation.formula))
    width, height = block(lines)
    if len(lines) == 1 and width <= _CIRCLE_TEXT:
        width = height = OPERATION_HEIGHT
    else:  # A rectangle fits into an ellipse that is sqrt(2) times as wide and high.
        height = max(height * 1.15 + 4, OPERATION_HEIGHT)
        width = max(width * 1.3 + 14, height)
    return Box(f"n{node.id}", "ellipse", width, height, tuple(lines), "operation", tooltip(node))


def tooltip(node: Node) -> str:
    """Everything about a node, in full: its name as it is, every digit."""
    facts = [node.name] if node.name is not None else []
    if node.operation is not None:
        facts.append(f"{node.operation.name}: {node.operation.formula}")
        facts += [f"{key} = {value}" for key, value in node.operation.parameters]
    else:
        facts.append(
            {"leaf": "input", "detached": "input, no gradient wanted"}.get(node.kind, node.kind)
        )
    facts.append(f"value: {numerals.exact(node.value)}")
    if node.gradient is not None:
        facts.append(f"gradient: {numerals.exact(node.gradient)}")
    elif node.flow == "blocked":
        facts.append("gradient: none arrives here, the output does not depend on it smoothly")
    return "\n".join(facts)


def edge_tooltip(edge: Edge, picture: Picture) -> str:
    """What one use of a value passes forward and back."""
    source, target = picture.nodes[edge.source], picture.nodes[edge.target]
    facts = [source.name] if source.name is not None else []
    if target.operation is not None and edge.position < len(target.operation.arguments):
        argument = target.operation.arguments[edge.position]
        facts.append(f"{argument} of {target.operation.formula}")
    facts.append(f"value: {numerals.exact(source.value)}")
    if edge.contribution is not None:
        facts.append(f"contribution to the gradient: {numerals.exact(edge.contribution)}")
    return "\n".join(facts)


def output_name(picture: Picture, position: int) -> str | None:
    """What to call an output that has no name: nothing more than that."""
    if picture.nodes[picture.outputs[position].node].name is not None:
        return None
    return "output" if len(picture.outputs) == 1 else f"output {position + 1}"


def description(picture: Picture, digits: int) -> str:
    """The picture in words, for those who do not see it."""
    leaves = [node for node in picture.nodes if node.kind == "leaf"]
    count = sum(node.kind == "result" for node in picture.nodes)
    words = [
        f"A computation graph of {_count(count, 'operation')} on {_count(len(leaves), 'input')}."
    ]
    for position, output in enumerate(picture.outputs):
        node = picture.nodes[output.node]
        words.append(
            f"{node.name or output_name(picture, position)}: {_brief(node.value, digits)}."
        )
    words += [
        f"{leaf.name or 'unnamed input'}: value {_brief(leaf.value, digits)}, "
        + (f"gradient {_brief(leaf.gradient, digits)}." if leaf.gradient else "no gradient.")
        for leaf in leaves[:20]
    ]
    if len(leaves) > 20:
        words.append(f"And {len(leaves) - 20} more inputs.")
    return " ".join(words)


def _brief(quantity: Quantity, digits: int) -> str:
    shape = numerals.shape(quantity)
    return " ".join((*([shape] if shape else []), *numerals.lines(quantity, digits)))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

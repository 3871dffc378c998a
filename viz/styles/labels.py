"""The words on a picture: values and gradients as lines, tooltips, the description.

Names and other words are shortened where they are too long (`scene.line`). Numbers never are: half
of one would be another number.
"""

import math
import re
from collections.abc import Sequence

from viz import numerals
from viz.picture import Before, Edge, Flow, Fold, Node, Operation, Picture, Quantity
from viz.scene import FONTS, Box, Frame, Line, Role, block, line

OPERATION_HEIGHT = 38.0
_CIRCLE_TEXT = 24.0
_LONGEST_SUM = 24
_LONGEST_ALGEBRA = 34
_LONGEST_FORMULA = 160.0
# A name, a number, or one call.
_ONE_PIECE = re.compile(r"[\w.]+(\([^()]*\))?")
_LONGEST_FRAME = 260.0
# Parameters at these values are as if not given; the tooltip has them.
_UNTOLD = ("None", "False")


def gradient_role(gradient: Quantity) -> Role:
    """How a gradient looks: as usual, faint when it is zero, alarming when it is not finite."""
    if not gradient.finite:
        return "alarm"
    return "zero" if gradient.zero else "gradient"


def value_lines(node: Node, digits: int, passing: Quantity | None = None) -> tuple[Line, ...]:
    """The value of a node, or what is `passing` of it; that of an array with its shape first."""
    value = node.value if passing is None else passing
    role: Role = "value" if value.finite else "alarm"
    if node.of_gradient:
        role = gradient_role(value)
    was = None if node.before is None else node.before.value
    shown = _changed(was, value, role, digits)
    return shown if value.scalar else (line("note", numerals.shape(value)), *shown)


def gradient_lines(
    gradient: Quantity | None, flow: Flow, digits: int, before: Before | None = None
) -> tuple[Line, ...]:
    """A gradient, or that none arrives; nothing where none is wanted."""
    if gradient is None:
        return (line("blocked", "no gradient"),) if flow == "blocked" else ()
    was = None if before is None else before.gradient
    lines = _changed(was, gradient, gradient_role(gradient), digits)
    return (*lines, Line("note", "sign flipped")) if flipped(was, gradient) else lines


def flipped(was: Quantity | None, now: Quantity | None) -> bool:
    """Whether a number has changed its sign."""
    if was is None or now is None or not (was.scalar and now.scalar):
        return False
    if not (was.entries and now.entries):
        return False
    return was.entries[0] * now.entries[0] < 0


def _changed(was: Quantity | None, now: Quantity, role: Role, digits: int) -> tuple[Line, ...]:
    """A quantity, and what it was before if it was something else."""
    shown = numerals.lines(now, digits)
    if was is None or repr(was) == repr(now):
        return tuple(Line(role, row) for row in shown)
    old = numerals.lines(was, digits)
    if old == shown:  # The difference is further back than the digits shown.
        old, shown = numerals.lines(was, 17), numerals.lines(now, 17)
    if len(old) == len(shown) == 1 and len(old[0] + shown[0]) <= _LONGEST_SUM:
        return (Line(role, f"{old[0]} → {shown[0]}"),)
    return (*(Line("note", row) for row in old), *(Line(role, f"→ {row}") for row in shown))


def contribution_lines(
    edge: Edge, picture: Picture, digits: int, *, algebra: bool
) -> tuple[Line, ...]:
    """What an edge sends back; with `algebra`, as the product that it is."""
    lines = gradient_lines(edge.contribution, edge.flow, digits, edge.before)
    upstream = picture.nodes[edge.target].gradient
    if not algebra or edge.local is None or edge.contribution is None or upstream is None:
        return lines
    local = edge.local.value
    if local is None:
        return line("formula", edge.local.formula, _LONGEST_FORMULA), *lines
    if upstream.scalar and local.scalar and edge.contribution.scalar:
        factors = " × ".join(numerals.lines(each, digits)[0] for each in (upstream, local))
        text = f"{factors} = {lines[0].text}"
        if len(text) <= _LONGEST_ALGEBRA:
            return (Line(lines[0].role, text),)
        return Line(lines[0].role, f"{factors} ="), *lines
    factor = edge.local.formula
    text = f"g × {factor if _ONE_PIECE.fullmatch(factor) else f'({factor})'}"
    if upstream.shape != edge.contribution.shape:  # What was broadcast is summed on the way back.
        text += ", summed"
    return line("formula", text, _LONGEST_FORMULA), *lines


def sum_line(
    node: Node, uses: Sequence[Edge], digits: int, *, algebra: bool = False
) -> tuple[Line, ...]:
    """How the contributions of several uses add up to the gradient of a node.

    With `algebra`, also how much of them cancels.
    """
    parts = [use.contribution for use in uses if use.contribution is not None]
    if node.gradient is None or len(parts) < 2 or any(use.uses > 1 for use in uses):
        return ()
    cancelled = _cancellation(parts, node.gradient) if algebra else ()
    role = gradient_role(node.gradient)
    total = numerals.lines(node.gradient, digits)
    if len(total) > 1 or not node.gradient.scalar:
        return (
            Line("note", f"sum of {len(parts)}:"),
            *(Line(role, row) for row in total),
            *cancelled,
        )
    terms = [numerals.lines(part, digits)[0] for part in parts]
    text = terms[0] + "".join(
        f" − {term[1:]}" if term.startswith("-") else f" + {term}" for term in terms[1:]
    )
    if node.before is not None and node.before.gradient is not None:
        return gradient_lines(node.gradient, node.flow, digits, node.before)
    if len(parts) > 3 or len(text) > _LONGEST_SUM:
        text = f"sum of {len(parts)}"
    return (Line(role, f"{text} = {total[0]}"), *cancelled)


def _cancellation(parts: Sequence[Quantity], total: Quantity) -> tuple[Line, ...]:
    """What share of the contributions cancels, entry by entry, if some does."""
    if not (total.entries and all(len(part.entries) == len(total.entries) for part in parts)):
        return ()
    left = sum(map(abs, total.entries))
    whole = sum(sum(map(abs, part.entries)) for part in parts)
    if not 0 < whole < math.inf:
        return ()
    share = 1 - left / whole
    return (Line("note", f"{share:.0%} cancels"),) if share >= 0.005 else ()


def stored_lines(node: Node, digits: int) -> tuple[Line, ...]:
    """What `.grad` holds, where that is the sum of several calls of `backward`."""
    if node.stored is None or node.stored.calls < 2:
        return ()
    held = numerals.lines(node.stored.gradient, digits)
    text = held[0] if len(held) == 1 else ""
    return (line("note", f".grad: {text} from {node.stored.calls} calls".replace(":  ", ": ")),)


def use_classes(node: Node, edge: Edge | None = None) -> str:
    """The classes of an arrow from a node."""
    classes = ["use", f"{node.kind}-use"]
    if node.of_gradient:
        classes.append("gradient-use")
    if edge is not None and edge.before is not None and edge.before.state in ("added", "removed"):
        classes.append(edge.before.state)
    return " ".join(classes)


def shows_gradients(picture: Picture) -> bool:
    """Whether there is any gradient on a picture."""
    return any(node.gradient is not None or node.of_gradient for node in picture.nodes)


def remark_lines(node: Node) -> tuple[Line, ...]:
    """A remark on a node in this picture."""
    return () if node.remark is None else (line("alarm", node.remark, 200.0),)


def box_classes(node: Node, kind: str | None = None) -> str:
    """The classes of a node's box: its kind, and the state of its gradient where that is rare."""
    classes = [kind or node.kind]
    if node.kind not in ("constant", "result") and node.state in ("unreachable", "accumulated"):
        classes.append(node.state)
    if node.remark is not None:
        classes.append("marked")
    if node.before is not None and node.before.state != "same":
        classes.append(node.before.state)
    return " ".join(classes)


def frames(picture: Picture) -> tuple[Frame, ...]:
    """The groups of a picture as frames."""
    return tuple(
        Frame(line("frame", group.label, _LONGEST_FRAME), group.parent) for group in picture.groups
    )


def remarks(picture: Picture) -> tuple[str, ...]:
    """What is written below a picture."""
    leaves = [node for node in picture.nodes if node.kind == "leaf" and node.gradient is not None]
    if leaves and all(leaf.stored is None for leaf in leaves):
        return (*picture.remarks, "backward() has not run: .grad is still empty")
    return picture.remarks


def folded_lines(node: Node) -> tuple[Line, ...]:
    """What a box that stands for many nodes is called, and what is in it."""
    fold = node.fold
    assert fold is not None
    lines = []
    if node.name:
        lines.append(line("name", node.name))
    if fold.times > 1:
        lines.append(line("word", f"× {fold.times:,}"))
    if fold.pattern and fold.pattern != node.name:
        lines.append(line("formula", fold.pattern, _LONGEST_FORMULA))
    counts = [(fold.operations, "operation"), (fold.inputs, "input")]
    lines += [line("note", _count(number, noun)) for number, noun in counts if number]
    return tuple(lines)


def operation_box(node: Node, operation: Operation, *, formula: bool = False) -> Box:
    """The round node of an operation: its symbol, its parameters, its formula if asked for."""
    lines = [line("symbol" if len(operation.symbol) < 3 else "word", operation.symbol)]
    told = [f"{key}={value}" for key, value in operation.parameters if value not in _UNTOLD]
    lines += [line("note", each, room=100) for each in told[:2]]
    if formula and operation.formula != operation.symbol:
        # One of several steps says more about rounding than about the operation.
        steps = ";" in operation.formula
        called = f"{operation.name}({', '.join(operation.arguments)})"
        lines.append(line("formula", called if steps else operation.formula))
    lines += remark_lines(node)
    width, height = block(lines)
    if len(lines) == 1 and width <= _CIRCLE_TEXT:
        width = height = OPERATION_HEIGHT
    else:  # A rectangle fits into an ellipse that is sqrt(2) times as wide and high.
        height = max(height * 1.15 + 4, OPERATION_HEIGHT)
        width = max(width * 1.3 + 14, _ellipse_width(lines, height), height)
    return Box(
        f"n{node.id}",
        "ellipse",
        width,
        height,
        tuple(lines),
        box_classes(node, "operation"),
        tooltip(node),
        frame=node.group,
    )


def _ellipse_width(lines: Sequence[Line], height: float) -> float:
    """How wide an ellipse of this height must be for the ends of all lines to be inside of it."""
    widest = 0.0
    top = -block(lines)[1] / 2
    for each in lines:
        middle = top + each.height / 2
        top += each.height
        # Letters stand 0.35 of the font size above and below their middle.
        reach = (abs(middle) + 0.35 * FONTS[each.role].size) / (height / 2)
        widest = max(widest, each.width / math.sqrt(max(1 - reach**2, 0.05)))
    return widest + 12


def tooltip(node: Node) -> str:
    """Everything about a node, in full: its name as it is, every digit."""
    facts = [node.name] if node.name is not None else []
    if node.scope:
        facts.append(f"in {' / '.join(node.scope)}")
    if node.fold is not None:
        facts.append(_fold_told(node.fold))
    elif node.operation is not None:
        facts.append(f"{node.operation.name}: {node.operation.formula}")
        facts += [f"{key} = {value}" for key, value in node.operation.parameters]
    else:
        facts.append(
            {"leaf": "input", "detached": "input, no gradient wanted"}.get(node.kind, node.kind)
        )
    facts.append(f"{'gradient' if node.of_gradient else 'value'}: {numerals.exact(node.value)}")
    if node.before is not None:
        facts += _before_told(node.before)
    if node.gradient is not None:
        facts.append(f"gradient: {numerals.exact(node.gradient)}")
    elif node.flow == "blocked":
        facts.append("gradient: none arrives here, the output does not depend on it smoothly")
    if node.stored is not None:
        calls = node.stored.calls
        source = f"from {_count(calls, 'call')} of backward()" if calls else "set by hand"
        facts.append(f".grad: {numerals.exact(node.stored.gradient)}, {source}")
    elif node.kind == "leaf":
        facts.append(".grad: empty, backward() has not run")
    if node.remark is not None:
        facts.append(node.remark)
    return "\n".join(facts)


def edge_tooltip(edge: Edge, picture: Picture) -> str:
    """What one use of a value passes forward and back."""
    source, target = picture.nodes[edge.source], picture.nodes[edge.target]
    facts = [source.name] if source.name is not None else []
    if target.operation is not None and edge.position < len(target.operation.arguments):
        argument = target.operation.arguments[edge.position]
        facts.append(f"{argument} of {target.operation.formula}")
    if edge.uses > 1:
        facts.append(_count(edge.uses, "use"))
    facts.append(f"value: {numerals.exact(edge.value or source.value)}")
    if edge.local is not None:
        local = edge.local.formula
        if edge.local.value is not None:
            local += f" = {numerals.exact(edge.local.value)}"
        facts.append(f"local derivative: {local}")
    if edge.contribution is not None:
        facts.append(f"contribution to the gradient: {numerals.exact(edge.contribution)}")
    return "\n".join(facts)


def output_name(picture: Picture, position: int) -> str | None:
    """What to call an output that has no name: nothing more than that."""
    if own_name(picture, position) is not None:
        return None
    return "output" if len(picture.outputs) == 1 else f"output {position + 1}"


def own_name(picture: Picture, position: int) -> str | None:
    """The name of an output: its node's, unless that stands for many."""
    output = picture.outputs[position]
    node = picture.nodes[output.node]
    return output.name if node.fold is not None or output.name is not None else node.name


def description(picture: Picture, digits: int) -> str:
    """The picture in words, for those who do not see it."""
    leaves = [node for node in picture.nodes if node.kind == "leaf"]
    count = sum(
        node.fold.operations if node.fold else node.kind == "result" for node in picture.nodes
    )
    words = [
        f"A computation graph of {_count(count, 'operation')} on {_count(len(leaves), 'input')}."
    ]
    for position, output in enumerate(picture.outputs):
        node = picture.nodes[output.node]
        name = own_name(picture, position) or output_name(picture, position)
        words.append(f"{name}: {_brief(output.value or node.value, digits)}.")
    words += [
        f"{leaf.name or 'unnamed input'}: value {_brief(leaf.value, digits)}, "
        + (f"gradient {_brief(leaf.gradient, digits)}." if leaf.gradient else "no gradient.")
        for leaf in leaves[:20]
    ]
    if len(leaves) > 20:
        words.append(f"And {len(leaves) - 20} more inputs.")
    words += [f"{remark}." for remark in picture.remarks]
    return " ".join(words)


def _before_told(before: Before) -> list[str]:
    if before.state in ("added", "removed"):
        return [f"only in the {'second' if before.state == 'added' else 'first'} run"]
    facts = [] if before.value is None else [f"value before: {numerals.exact(before.value)}"]
    if before.gradient is not None:
        facts.append(f"gradient before: {numerals.exact(before.gradient)}")
    return facts


def _fold_told(fold: Fold) -> str:
    told = f"{_count(fold.operations, 'operation')} and {_count(fold.inputs, 'input')} in one box"
    if fold.times > 1:
        told += f", {fold.times:,} times: {fold.pattern}"
    return told


def _brief(quantity: Quantity, digits: int) -> str:
    shape = numerals.shape(quantity)
    return " ".join((*([shape] if shape else []), *numerals.lines(quantity, digits)))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"

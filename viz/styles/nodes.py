"""Every value in a box with its name, shape, value and gradient; operations with their formula."""

from collections import Counter

from viz.picture import Node, Picture
from viz.scene import Box, Direction, Line, Link, Scene, block, line
from viz.styles.labels import (
    description,
    edge_tooltip,
    gradient_lines,
    gradient_role,
    operation_box,
    output_name,
    tooltip,
    value_lines,
)


def nodes(picture: Picture, direction: Direction, digits: int, title: str | None) -> Scene:
    """`picture` as a scene in which each value is a box."""
    boxes: list[Box] = []
    links: list[Link] = []
    datum: dict[int, int] = {}
    operation: dict[int, int] = {}
    outputs = {output.node: position for position, output in enumerate(picture.outputs)}
    uses = Counter(edge.source for edge in picture.edges)
    for node in picture.nodes:
        position = outputs.get(node.id)
        called = None if position is None else output_name(picture, position)
        datum[node.id] = len(boxes)
        boxes.append(_card(node, digits, called, position is not None))
        if node.operation is not None:
            operation[node.id] = len(boxes)
            boxes.append(operation_box(node, node.operation, formula=True))
            links.append(
                Link(
                    tag=f"s{node.id}",
                    tail=operation[node.id],
                    head=datum[node.id],
                    above=(),
                    below=(),
                    back=None if node.gradient is None else gradient_role(node.gradient),
                    classes="stem",
                    tooltip=tooltip(node),
                )
            )
    links += [
        Link(
            tag=f"e{edge.id}",
            tail=datum[edge.source],
            head=operation[edge.target],
            above=(),
            # Of a value that is used once, the box has the whole gradient already.
            below=gradient_lines(edge.contribution, edge.flow, digits)
            if uses[edge.source] > 1
            else (),
            back=None if edge.contribution is None else gradient_role(edge.contribution),
            classes=f"use {picture.nodes[edge.source].kind}-use",
            tooltip=edge_tooltip(edge, picture),
        )
        for edge in picture.edges
    ]
    return Scene(
        tuple(boxes),
        tuple(links),
        direction,
        title,
        description(picture, digits),
        any(node.gradient is not None for node in picture.nodes),
    )


def _card(node: Node, digits: int, called: str | None, output: bool) -> Box:
    lines: list[Line] = []
    if node.name is not None:
        lines.append(line("name", node.name))
    elif called is not None:
        lines.append(line("unnamed", called))
    lines += value_lines(node.value, digits)
    if node.kind != "constant":
        lines += gradient_lines(node.gradient, node.flow, digits)
    width, height = block(lines)
    tag = f"v{node.id}" if node.operation is not None else f"n{node.id}"
    if node.kind == "constant":
        return Box(tag, "plain", width + 10, height + 4, tuple(lines), "constant", tooltip(node))
    classes = "output" if output else node.kind
    return Box(tag, "box", max(width + 24, 44), height + 14, tuple(lines), classes, tooltip(node))

"""Every value in a box with its name, shape, value and gradient; operations with their formula."""

from collections import defaultdict

from viz.picture import Edge, Node, Picture
from viz.scene import Box, Direction, Line, Link, Look, Scene, block, line
from viz.shading import shading
from viz.styles.labels import (
    box_classes,
    contribution_lines,
    description,
    edge_tooltip,
    folded_lines,
    frames,
    gradient_lines,
    gradient_role,
    operation_box,
    output_name,
    remark_lines,
    remarks,
    shows_gradients,
    stored_lines,
    sum_line,
    tooltip,
    use_classes,
    value_lines,
)


def nodes(
    picture: Picture,
    direction: Direction,
    digits: int,
    title: str | None,
    look: Look = Look(),  # noqa: B008 - frozen
) -> Scene:
    """`picture` as a scene in which each value is a box."""
    boxes: list[Box] = []
    links: list[Link] = []
    datum: dict[int, int] = {}
    operation: dict[int, int] = {}
    outputs = {output.node: position for position, output in enumerate(picture.outputs)}
    uses: dict[int, list[Edge]] = defaultdict(list)
    for edge in picture.edges:
        uses[edge.source].append(edge)
    flow = None if look.flow is None else shading(picture, look.flow)
    for node in picture.nodes:
        position = outputs.get(node.id)
        called = None if position is None else output_name(picture, position)
        datum[node.id] = operation[node.id] = len(boxes)
        sums = sum_line(node, uses[node.id], digits, algebra=True) if look.algebra else ()
        boxes.append(_card(node, digits, called, position is not None, sums))
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
                    classes="stem gradient-use" if node.of_gradient else "stem",
                    tooltip=tooltip(node),
                    shade=None if flow is None else flow.nodes.get(node.id),
                )
            )
    links += [
        Link(
            tag=f"e{edge.id}",
            tail=datum[edge.source],
            head=operation[edge.target],
            above=()
            if edge.value is None
            else value_lines(picture.nodes[edge.source], digits, edge.value),
            # Of a value that is used once, the box has the whole gradient already.
            below=contribution_lines(edge, picture, digits, algebra=look.algebra)
            if look.algebra or edge.value is not None or len(uses[edge.source]) > 1
            else (),
            back=None if edge.contribution is None else gradient_role(edge.contribution),
            classes=use_classes(picture.nodes[edge.source], edge),
            tooltip=edge_tooltip(edge, picture),
            shade=None if flow is None else flow.edges.get(edge.id),
        )
        for edge in picture.edges
    ]
    return Scene(
        tuple(boxes),
        tuple(links),
        direction,
        title,
        description(picture, digits),
        shows_gradients(picture),
        frames(picture),
        None if flow is None else flow.scale,
        remarks(picture),
    )


def _card(node: Node, digits: int, called: str | None, output: bool, sums: tuple[Line, ...]) -> Box:
    lines: list[Line] = []
    if node.fold is not None:
        lines += folded_lines(node)
    elif node.name is not None:
        lines.append(line("name", node.name))
    if called is not None:
        lines.append(line("unnamed", called))
    lines += value_lines(node, digits)
    if node.kind != "constant":
        lines += sums or gradient_lines(node.gradient, node.flow, digits, node.before)
        lines += stored_lines(node, digits)
    lines += remark_lines(node)
    width, height = block(lines)
    tag = f"v{node.id}" if node.operation is not None else f"n{node.id}"
    if node.kind == "constant":
        return Box(
            tag,
            "plain",
            width + 10,
            height + 4,
            tuple(lines),
            "constant",
            tooltip(node),
            frame=node.group,
        )
    return Box(
        tag,
        "box" if node.fold is None else "stack",
        max(width + 24, 44),
        height + 14,
        tuple(lines),
        box_classes(node, "output" if output else None),
        tooltip(node),
        frame=node.group,
    )

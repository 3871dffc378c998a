"""The drawing of the textbooks: data at the left, round operations, numbers on the arrows.

The value is above the arrow forward, the derivative below the thick arrow back. A result needs no
box of its own, for its value is on the arrow that leaves its operation. Where a result is used
several times the arrow forks at a dot, and the derivatives that come back add up there; an input
that is used several times shows the sum in its box.
"""

from collections import defaultdict

from viz.picture import Edge, Node, Output, Picture
from viz.scene import SLOT, Box, Direction, Line, Link, Look, Rank, Scene, Shape, block, line
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
    own_name,
    remark_lines,
    remarks,
    shows_gradients,
    stored_lines,
    sum_line,
    tooltip,
    use_classes,
    value_lines,
)

# In a small picture all inputs stand at the left, as in a book. In a large one the long arrows
# would do more harm than the order does good.
_INPUTS_IN_A_COLUMN = 12
_LONGEST_SIDE = 280.0


def textbook(
    picture: Picture,
    direction: Direction,
    digits: int,
    title: str | None,
    look: Look = Look(),  # noqa: B008 - frozen
) -> Scene:
    """`picture` as a scene in the textbook style."""
    return _Drawing(picture, direction, digits, look).scene(title)


class _Drawing:
    def __init__(self, picture: Picture, direction: Direction, digits: int, look: Look) -> None:
        self.picture = picture
        self.direction = direction
        self.digits = digits
        self.look = look
        self.flow = None if look.flow is None else shading(picture, look.flow)
        self.boxes: list[Box] = []
        self.links: list[Link] = []
        self.uses: dict[int, list[Edge]] = defaultdict(list)
        for edge in picture.edges:
            self.uses[edge.source].append(edge)
        self.results: dict[int, list[Output]] = defaultdict(list)
        for output in picture.outputs:
            self.results[output.node].append(output)
        # By node: the box where its arrows start, and that of its operation, where they end.
        self.start: dict[int, int] = {}
        self.end: dict[int, int] = {}

    def scene(self, title: str | None) -> Scene:
        inputs = sum(node.kind in ("leaf", "detached") for node in self.picture.nodes)
        # A frame keeps what is in it together, wherever it stands.
        column = inputs <= _INPUTS_IN_A_COLUMN and not self.picture.groups
        for node in self.picture.nodes:
            self._add_node(node, column)
        for edge in self.picture.edges:
            self._add_use(edge)
        for position, output in enumerate(self.picture.outputs):
            self._add_output(position, output)
        return Scene(
            tuple(self.boxes),
            tuple(self.links),
            self.direction,
            title,
            description(self.picture, self.digits),
            shows_gradients(self.picture),
            frames(self.picture),
            None if self.flow is None else self.flow.scale,
            remarks(self.picture),
        )

    def _add_node(self, node: Node, column: bool) -> None:
        if node.fold is not None:
            self.start[node.id] = self.end[node.id] = self._add_box(self._folded(node))
            return
        if node.operation is None:
            self.start[node.id] = self._add_box(self._datum(node, column))
            return
        operation = self._add_box(operation_box(node, node.operation))
        self.start[node.id] = self.end[node.id] = operation
        if len(self.uses[node.id]) + len(self.results[node.id]) > 1:
            fork = self._add_box(self._fork(node))
            self.start[node.id] = fork
            self.links.append(
                Link(
                    tag=f"s{node.id}",
                    tail=operation,
                    head=fork,
                    above=(*self._name(node), *value_lines(node, self.digits)),
                    below=self._sum(node)
                    or gradient_lines(node.gradient, node.flow, self.digits, node.before),
                    back=None if node.gradient is None else gradient_role(node.gradient),
                    classes="stem gradient-use" if node.of_gradient else "stem",
                    tooltip=tooltip(node),
                    shade=None if self.flow is None else self.flow.nodes.get(node.id),
                )
            )

    def _add_use(self, edge: Edge) -> None:
        source = self.picture.nodes[edge.source]
        above: tuple[Line, ...] = ()
        if source.kind != "constant":
            above = value_lines(source, self.digits, edge.value)
            if source.kind == "result" and self.start[source.id] == self.end[source.id]:
                above = (*self._name(source), *above)
        self.links.append(
            Link(
                tag=f"e{edge.id}",
                tail=self.start[edge.source],
                head=self.end[edge.target],
                above=above,
                below=contribution_lines(
                    edge, self.picture, self.digits, algebra=self.look.algebra
                ),
                back=None if edge.contribution is None else gradient_role(edge.contribution),
                classes=use_classes(source, edge),
                tooltip=edge_tooltip(edge, self.picture),
                shade=None if self.flow is None else self.flow.edges.get(edge.id),
            )
        )

    def _add_output(self, position: int, output: Output) -> None:
        node = self.picture.nodes[output.node]
        unnamed = output_name(self.picture, position)
        name = own_name(self.picture, position)
        label = line("name", name or "") if unnamed is None else line("unnamed", unnamed)
        width, height = block([label])
        box = Box(f"o{position}", "box", width + 24, height + 14, (label,), "output", tooltip(node))
        self.links.append(
            Link(
                tag=f"r{position}",
                tail=self.start[node.id],
                head=self._add_box(box),
                above=value_lines(node, self.digits, output.value),
                below=gradient_lines(output.seed, node.flow, self.digits),
                back=None if output.seed is None else gradient_role(output.seed),
                classes=use_classes(node).replace(node.kind, "result"),
                tooltip=tooltip(node),
                shade=None if self.flow is None else self.flow.nodes.get(node.id),
            )
        )

    def _datum(self, node: Node, column: bool) -> Box:
        """The box of something that was not computed: an input or a constant."""
        if node.kind == "constant":
            lines = value_lines(node, self.digits)
            width, height = block(lines)
            return Box(
                f"n{node.id}",
                "plain",
                width + 10,
                height + 4,
                lines,
                "constant",
                tooltip(node),
                frame=node.group,
            )
        lines = (
            *self._name(node),
            *sum_line(node, self.uses[node.id], self.digits, algebra=self.look.algebra),
            *stored_lines(node, self.digits),
            *remark_lines(node),
        )
        rank: Rank = "first" if column else "anywhere"
        side = self._side(node)
        width, height = block(lines)
        shape: Shape = "box"
        if lines:
            width, height = width + 24, height + 14
        else:  # Nothing to say that is not on its arrow.
            width, height, shape = SLOT, SLOT, "dot"
        if self.direction == "LR":
            height = max(height, side)
        else:
            width = max(width, side)
        classes = box_classes(node)
        return Box(
            f"n{node.id}", shape, width, height, lines, classes, tooltip(node), rank, node.group
        )

    def _folded(self, node: Node) -> Box:
        """The box of many nodes."""
        lines = folded_lines(node)
        width, height = block(lines)
        width, height = width + 28, height + 18
        side = self._side(node)
        if self.direction == "LR":
            height = max(height, side)
        else:
            width = max(width, side)
        return Box(
            f"n{node.id}",
            "stack",
            width,
            height,
            lines,
            box_classes(node),
            tooltip(node),
            frame=node.group,
        )

    def _sum(self, node: Node) -> tuple[Line, ...]:
        """How the gradient of a result adds up, where the algebra is shown."""
        if not self.look.algebra:
            return ()
        return sum_line(node, self.uses[node.id], self.digits, algebra=True)

    def _fork(self, node: Node) -> Box:
        """A bar across the arrows, as long as they need."""
        thick, long = 6.0, self._side(node)
        width, height = (thick, long) if self.direction == "LR" else (long, thick)
        return Box(f"f{node.id}", "bar", width, height, (), "fork", tooltip(node), frame=node.group)

    def _side(self, node: Node) -> float:
        """The length of the side that the arrows of `node` leave."""
        uses = len(self.uses[node.id]) + len(self.results[node.id])
        return min(uses * SLOT, _LONGEST_SIDE)

    def _name(self, node: Node) -> tuple[Line, ...]:
        return () if node.name is None else (line("name", node.name),)

    def _add_box(self, box: Box) -> int:
        self.boxes.append(box)
        return len(self.boxes) - 1

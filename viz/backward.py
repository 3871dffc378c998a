"""`viz.backward_graph`: the backward pass as a graph of its own, beside the forward one."""

from collections import defaultdict
from dataclasses import replace
from typing import Any, Final

from viz.diagram import Diagram
from viz.drawing import draw
from viz.picture import Edge, Group, Node, Operation, Output, Picture, Quantity
from viz.trace import trace

_SUM: Final = Operation("sum of contributions", "+", "+")
_PRODUCT: Final = Operation("upstream × local", "×", "×")


def backward_graph(
    output: object, *, seed: object = None, limit: int = 300, **options: Any
) -> Diagram:
    """Draw the forward pass, and beside it the backward pass as a computation like any other.

    Each step back multiplies what comes from the result, the upstream gradient, by the local
    derivative; where a value was used several times, the products are added up. What comes out at
    the end are the gradients of the inputs.

    Args:
        output: a `Value` or a `Tensor`, or a list of them.
        seed: the gradient fed in at the output, as in `viz.draw`.
        limit: the most nodes that the forward pass may have.
        **options: `style`, `direction`, `theme`, `digits`, `title` and `deadline` of `viz.draw`.

    Raises:
        GraphTooLarge: the forward pass has more nodes than `limit`.
        ValueError: no gradient is wanted of anything that `output` was computed from.

    >>> import autograd_bp as ab
    >>> apple, n = ab.Value(100.0, name="apple"), ab.Value(2.0, name="n")
    >>> backward_graph(apple * n)
    <viz.Diagram of 8 nodes and 6 edges>
    """
    forward = trace(output, seed, limit, algebra=True)
    if all(node.gradient is None for node in forward.nodes):
        raise ValueError("there is no backward pass: nothing here requires a gradient")
    return draw(backward_picture(forward), **options)


def backward_picture(forward: Picture) -> Picture:
    """The picture of both passes, from one of the forward pass with its local derivatives."""
    return _Writer(forward).picture()


class _Writer:
    def __init__(self, forward: Picture) -> None:
        self.forward = forward
        names = {forward.nodes[output.node].name for output in forward.outputs}
        self.result = (names.pop() or "output") if len(names) == 1 else "outputs"
        self.nodes = [
            replace(node, flow="constant", gradient=None, stored=None, group=0, remark=None)
            for node in forward.nodes
        ]
        self.edges = [
            replace(edge, flow="constant", contribution=None, local=None) for edge in forward.edges
        ]
        # By node of the forward pass: the node that is its gradient.
        self.gradient_of: dict[int, int] = {}

    def picture(self) -> Picture:
        """Both passes."""
        uses: dict[int, list[Edge]] = defaultdict(list)
        for edge in self.forward.edges:
            if edge.contribution is not None:
                uses[edge.source].append(edge)
        seeds = defaultdict(list)
        for output in self.forward.outputs:
            if output.seed is not None:
                seeds[output.node].append(output.seed)
        for node in reversed(self.forward.nodes):
            if node.gradient is not None:
                self._add_gradient(node, uses[node.id], seeds[node.id])
        found = [
            Output(self.gradient_of[node.id], None)
            for node in self.forward.nodes
            if node.kind == "leaf" and node.id in self.gradient_of
        ]
        return Picture(
            tuple(self.nodes),
            tuple(self.edges),
            (*(replace(output, seed=None) for output in self.forward.outputs), *found),
            (Group(0, "forward", None), Group(1, "backward", None)),
            self.forward.remarks,
        )

    def _add_gradient(self, node: Node, uses: list[Edge], seeds: list[Quantity]) -> None:
        assert node.gradient is not None
        name = f"∂{self.result}/∂{node.name or self._output_name(node)}"
        named = name if node.name is not None or seeds or node.kind == "leaf" else None
        parts = [self._add("leaf", seed, name if not uses else None) for seed in seeds]
        single = len(uses) + len(seeds) == 1
        parts += [self._add_product(edge, named if single else None) for edge in uses]
        if len(parts) > 1:
            total = self._add("result", node.gradient, named, _SUM)
            for position, part in enumerate(parts):
                self._connect(part, total, position)
            parts = [total]
        self.gradient_of[node.id] = parts[0]

    def _output_name(self, node: Node) -> str:
        return self.result if node.kind != "leaf" else "input"

    def _add_product(self, edge: Edge, name: str | None) -> int:
        """Upstream times local, or what else becomes of the upstream gradient."""
        assert edge.contribution is not None
        local = edge.local
        upstream = self.gradient_of[edge.target]
        if local is None or local.value is None:
            formula = local.formula if local is not None else "passed back"
            step = Operation("adjoint", formula, formula, ("g",))
            product = self._add("result", edge.contribution, name, step)
        else:
            factor = self._add_local(edge, local.formula, local.value)
            product = self._add("result", edge.contribution, name, _PRODUCT)
            self._connect(factor, product, 1)
        self._connect(upstream, product, 0)
        return product

    def _add_local(self, edge: Edge, formula: str, value: Quantity) -> int:
        """The local derivative, named after the operand that it is, if it is one."""
        target = self.forward.nodes[edge.target]
        arguments = target.operation.arguments if target.operation is not None else ()
        if formula in arguments:
            position = arguments.index(formula)
            for other in self.forward.edges:
                if (other.target, other.position) == (target.id, position):
                    formula = self.forward.nodes[other.source].name or formula
                    break
        is_number = formula.lstrip("-").isdigit()
        kind, name = ("constant", None) if is_number else ("detached", formula)
        number = self._add(kind, value, name)
        self.nodes[number] = replace(self.nodes[number], of_gradient=False)
        return number

    def _add(
        self, kind: Any, value: Quantity, name: str | None, operation: Operation | None = None
    ) -> int:
        number = len(self.nodes)
        self.nodes.append(
            Node(
                number,
                kind,
                name,
                value,
                "constant",
                operation=operation,
                group=1,
                of_gradient=True,
            )
        )
        return number

    def _connect(self, source: int, target: int, position: int) -> None:
        self.edges.append(Edge(len(self.edges), source, target, position, "constant"))

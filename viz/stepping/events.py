"""What happens, in order: values are computed, then gradients arrive, use by use.

The order is the engine's own. A result's gradient is complete when its turn comes, since all that
use it are younger; its operands then get their contributions, and a running sum grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import autograd_bp as ab
from viz.explaining import rules
from viz.explaining.algebra import Leaf, Written, number, put_in
from viz.explaining.naming import leaf, named
from viz.explaining.printing import symbol, written
from viz.picture import Picture, Quantity
from viz.snapshots import snapshot

Kind = Literal["given", "computed", "seeded", "passed"]


@dataclass(frozen=True, slots=True)
class Event:
    """One step. Nodes and edges have the numbers that they have in the picture.

    "given": the inputs are there. "computed": the result `node` gets its `value`. "seeded": the
    gradient `after` is fed in at the output `node`. "passed": along `edge`, the result `result`
    with the gradient `upstream` contributes `contribution` to the gradient of its operand `node`,
    which was `before` (None: nothing yet) and is now `after`; `complete` if no more will come.

    `names` are what the formulas call the node and the result; `formula` is how the value was
    computed, or the local derivative, `numbers` the same in numbers where all are numbers, and
    `local` its value; `words` says what an operation on arrays does with a gradient.
    """

    kind: Kind
    node: int
    name: Written
    value: Quantity | None = None
    formula: Written | None = None
    numbers: Written | None = None
    edge: int | None = None
    result: int | None = None
    result_name: Written | None = None
    upstream: Quantity | None = None
    local: float | None = None
    contribution: Quantity | None = None
    before: Quantity | None = None
    after: Quantity | None = None
    complete: bool = False
    because: tuple[Written, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """All events of one computation, and the inputs that the first of them is about."""

    events: tuple[Event, ...]
    inputs: tuple[int, ...]
    names: dict[int, Written]


def walk(output: ab.graph.Node, seed: object, picture: Picture, digits: int) -> Walk:
    """The events of the computation of `output`, drawn as `picture`."""
    return _Walker(output, seed, picture, digits).walk()


def numbers_of(output: ab.graph.Node, picture: Picture) -> dict[ab.graph.Node, int]:
    """The number in the picture of every node, found by walking both from the output on."""
    uses: dict[int, dict[int, int]] = {}
    for edge in picture.edges:
        uses.setdefault(edge.target, {})[edge.position] = edge.source
    found = {output: picture.outputs[0].node}
    waiting = [output]
    while waiting:
        node = waiting.pop()
        for position, parent in enumerate(node.parents):
            if parent not in found:
                found[parent] = uses[found[node]][position]
                waiting.append(parent)
    return found


class _Walker:
    def __init__(self, output: ab.graph.Node, seed: object, picture: Picture, digits: int) -> None:
        self.output, self.digits, self.picture = output, digits, picture
        self.order = ab.graph.topological_order(output)
        self.number = numbers_of(output, picture)
        self.edge = {(edge.target, edge.position): edge.id for edge in picture.edges}
        self.symbols = named(self.order, output)
        self.cotangents: dict[ab.graph.Node, Any] = {}
        if output.requires_grad:
            self.cotangents = ab.graph.cotangents(output, seed)

    def walk(self) -> Walk:
        inputs = tuple(self.number[node] for node in self.order if node.rule is None)
        events = [Event("given", inputs[0] if inputs else 0, symbol("inputs"))]
        events += [self._computed(node) for node in self.order if node.rule is not None]
        if self.cotangents:
            events += self._backward()
        names = {self.number[node]: name for node, name in self.symbols.items()}
        return Walk(tuple(events), inputs, names)

    def _computed(self, node: ab.graph.Node) -> Event:
        operands = [leaf(parent, self.symbols) for parent in node.parents]
        numbers = None
        if not any(np.shape(argument) for argument in (*node.args, ab.graph.value(node))):
            given = [number(float(argument)) for argument in node.args]
            numbers = written(rules.definition(node, given), self.digits)
        return Event(
            "computed",
            self.number[node],
            self.symbols[node],
            value=snapshot(ab.graph.value(node)),
            formula=written(rules.definition(node, operands), self.digits),
            numbers=numbers,
        )

    def _backward(self) -> list[Event]:
        fed = self.cotangents[self.output]
        events = [
            Event(
                "seeded",
                self.number[self.output],
                self.symbols[self.output],
                after=snapshot(fed),
                complete=True,
            )
        ]
        sums: dict[ab.graph.Node, Any] = {}
        # How many contributions each node still waits for.
        waiting: dict[ab.graph.Node, int] = {}
        turns = [node for node in reversed(self.order) if node in self.cotangents]
        sent = {
            node: ab.graph.contributions(node, self.cotangents[node])
            for node in turns
            if node.rule is not None
        }
        for node, contributions in sent.items():
            for parent, contribution in zip(node.parents, contributions, strict=True):
                if contribution is not None:
                    waiting[parent] = waiting.get(parent, 0) + 1
        for node, contributions in sent.items():
            for position, contribution in enumerate(contributions):
                if contribution is not None:
                    parent = node.parents[position]
                    before = sums.get(parent)
                    sums[parent] = contribution if before is None else before + contribution
                    waiting[parent] -= 1
                    events.append(
                        self._passed(
                            node, position, contribution, before, sums[parent], not waiting[parent]
                        )
                    )
        return events

    def _passed(
        self,
        node: ab.graph.Node,
        position: int,
        contribution: Any,
        before: Any,
        after: Any,
        complete: bool,
    ) -> Event:
        parent = node.parents[position]
        value = ab.graph.value(node)
        scalar = not any(np.shape(argument) for argument in (*node.args, value))
        local = rules.local(
            node,
            position,
            [leaf(each, self.symbols) for each in node.parents],
            [float(argument) for argument in node.args] if scalar else None,
            Leaf(self.symbols[node]),
        )
        formula, numbers, factor = local.formula, local.numbers, None
        if scalar:
            one = np.ones((), value.dtype) if isinstance(value, np.ndarray) else 1.0
            sent = ab.graph.contributions(node, one)[position]
            factor = 0.0 if sent is None else float(sent)
        else:
            upstream = Leaf(symbol("G"))
            formula = put_in(local.pull, {"g": upstream})
        target = self.number[node]
        return Event(
            "passed",
            self.number[parent],
            self.symbols[parent],
            edge=self.edge[target, position],
            result=target,
            result_name=self.symbols[node],
            upstream=snapshot(self.cotangents[node]),
            local=factor,
            contribution=snapshot(contribution),
            before=None if before is None else snapshot(before),
            after=snapshot(after),
            complete=complete,
            formula=None if formula is None else written(formula, self.digits),
            numbers=None if numbers is None else written(numbers, self.digits),
            because=tuple(written(test, self.digits) for test in local.because),
            words=f"{node.rule.name}: {local.words}",
        )


def same_shape(first: Picture, other: Picture) -> bool:
    """Whether two pictures are of the same program: the same operations on the same operands."""

    def shape(picture: Picture) -> Sequence[object]:
        nodes = [
            (node.kind, node.operation and node.operation.name, node.value.shape)
            for node in picture.nodes
        ]
        edges = [(edge.source, edge.target, edge.position) for edge in picture.edges]
        return [nodes, edges]

    return shape(first) == shape(other)

"""From the engine's graph to a frozen picture: the one module that knows how the engine keeps it.

The gradients come from a sweep of its own. `.grad` is only looked at, so a picture drawn before
`backward()` shows the true gradients, and one drawn after it changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np

import autograd_bp as ab
from viz.errors import GraphTooLarge
from viz.picture import (
    Edge,
    Flow,
    Fold,
    Group,
    Kind,
    Node,
    Output,
    Picture,
    Quantity,
    Stored,
)
from viz.plan import EDGES_PER_NODE, Bundle, Plan, Skeleton
from viz.sheet import local, operation
from viz.snapshots import all_finite, joined, snapshot

_COUNTED = 10
_MOST_NODES = 5_000_000


def trace(
    output: object, seed: object = None, limit: int = 1000, *, algebra: bool = False
) -> Picture:
    """The computation that led to `output`, node by node, with all values and gradients.

    `output` is a node or a sequence of them; `seed` is the gradient fed in at it (or a sequence,
    one for each), ones when None. With `algebra`, edges have their local derivatives. Raises
    `GraphTooLarge` before anything is computed when more than `limit` nodes, or 4 times as many
    edges, are involved; `TypeError` when `output` is not a node.
    """
    outputs, seeds = _checked(output, seed)
    _check_size(outputs, limit)
    return Recording(outputs, seeds).picture(algebra=algebra)


def record(output: object, seed: object = None) -> "Recording":
    """The graph that led to `output`, read but not yet frozen: for graphs of any size."""
    return Recording(*_checked(output, seed))


class Recording:
    """A graph with its gradients, from which pictures are taken.

    `nodes` are in an order that follows from the graph's shape alone, operands first. (The engine's
    own order is by age, in which constants have no place: a picture would not come out the same
    twice.)
    """

    def __init__(self, outputs: Sequence[ab.graph.Node], seeds: Sequence[object]) -> None:
        self.outputs = outputs
        self.nodes = _operands_first(outputs)
        self.number = {id(node): position for position, node in enumerate(self.nodes)}
        self.parents = [
            tuple([self.number[id(parent)] for parent in node.parents]) for node in self.nodes
        ]
        self.scopes = ab.graph.scopes(outputs)
        self._totals, self._fed = _sweep(outputs, seeds)
        self._sent: dict[int, Sequence[object]] = {}

    def skeleton(self) -> Skeleton:
        """The graph without its numbers."""
        tokens: dict[object, int] = {}
        kinds = []
        for node in self.nodes:
            token = node.rule if node.rule is not None else self._kind(node)
            shape = getattr(ab.graph.value(node), "shape", None)
            kinds.append(tokens.setdefault((token, shape), len(tokens)))
        return Skeleton(
            parents=self.parents,
            kinds=kinds,
            symbols=["" if node.rule is None else str(node.rule.symbol) for node in self.nodes],
            names=[node.name for node in self.nodes],
            data={at for at, node in enumerate(self.nodes) if self._kind(node) == "detached"},
            constants={at for at, node in enumerate(self.nodes) if ab.graph.is_constant(node)},
            ages=[node.serial for node in self.nodes],
            scopes=[self.scopes.get(node, ()) for node in self.nodes],
            outputs=[self.number[id(node)] for node in self.outputs],
        )

    def not_finite(self) -> tuple[list[bool], list[bool]]:
        """By node: whether its value, and whether its gradient, has an entry that is not finite."""
        return (
            [not all_finite(ab.graph.value(node)) for node in self.nodes],
            [not all_finite(cast(Any, self._totals.get(id(node), 0.0))) for node in self.nodes],
        )

    def picture(self, plan: Plan | None = None, *, algebra: bool = False) -> Picture:
        """The graph frozen: node by node, or folded and cut as `plan` says."""
        plan = plan or Plan(tuple(range(len(self.nodes))))
        owner = {
            member: position
            for position, item in enumerate(plan.items)
            for member in (item.members if isinstance(item, Bundle) else (item,))
        }
        exits = self._exits(owner)
        nodes = [
            self._bundle(item, position, exits[position], plan)
            if isinstance(item, Bundle)
            else self._node(item, position, plan)
            for position, item in enumerate(plan.items)
        ]
        return Picture(
            tuple(nodes),
            tuple(self._edges_between(plan, owner, algebra)),
            self._outputs_shown(plan, owner, nodes),
            tuple(
                Group(number, label, parent) for number, (label, parent) in enumerate(plan.groups)
            ),
            plan.remarks,
        )

    def _exits(self, owner: dict[int, int]) -> dict[int, list[int]]:
        """By bundle: those of its members that something outside of it uses."""
        found: dict[int, dict[int, None]] = defaultdict(dict)
        for target, position in owner.items():
            for source in self.parents[target]:
                if source in owner and owner[source] != position:
                    found[owner[source]][source] = None
        for node in self.outputs:
            number = self.number[id(node)]
            if number in owner:
                found[owner[number]][number] = None
        return defaultdict(list, {position: sorted(members) for position, members in found.items()})

    def _outputs_shown(
        self, plan: Plan, owner: dict[int, int], nodes: Sequence[Node]
    ) -> tuple[Output, ...]:
        """The outputs; of a part of the graph without any, the nodes that are marked."""
        outputs = []
        for node, start in zip(self.outputs, self._fed, strict=True):
            at = owner.get(self.number[id(node)])
            if at is not None and nodes[at].fold is not None:
                name = str(node.name) if node.name else None
                outputs.append(Output(at, _frozen(start), name, snapshot(ab.graph.value(node))))
            elif at is not None:
                outputs.append(Output(at, _frozen(start)))
        if not outputs:
            for number in plan.marks:
                at = owner[number]
                outputs.append(Output(at, nodes[at].gradient, nodes[at].name or "not finite"))
        return tuple(outputs)

    def _node(self, number: int, position: int, plan: Plan) -> Node:
        node = self.nodes[number]
        total = self._totals.get(id(node))
        return Node(
            id=position,
            kind=self._kind(node),
            name=str(node.name) if node.name else None,
            value=snapshot(ab.graph.value(node)),
            flow=self._flow(node, total),
            gradient=_frozen(total),
            operation=operation(node),
            stored=None
            if node.grad is None or not node.requires_grad
            else Stored(snapshot(node.grad), ab.graph.accumulated_calls(node)),
            scope=self.scopes.get(node, ()),
            group=plan.group_of.get(position),
            remark=plan.marks.get(number),
        )

    def _bundle(self, item: Bundle, position: int, exits: Sequence[int], plan: Plan) -> Node:
        leaving = [self.nodes[number] for number in exits or item.members[-1:]]
        totals = [total for node in leaving if (total := self._totals.get(id(node))) is not None]
        flow: Flow = "constant"
        if any(node.requires_grad for node in leaving):
            flow = "flows" if totals else "blocked"
        operations = sum(self.nodes[number].rule is not None for number in item.members)
        return Node(
            id=position,
            kind="folded",
            name=item.label or None,
            value=joined([ab.graph.value(node) for node in leaving]),
            flow=flow,
            gradient=joined(cast(Any, totals)) if totals else None,
            scope=item.path,
            group=plan.group_of.get(position),
            fold=Fold(operations, len(item.members) - operations, item.times, item.pattern),
        )

    def _edges_between(self, plan: Plan, owner: dict[int, int], algebra: bool) -> list[Edge]:
        edges: list[Edge] = []
        # Uses that pass between the same two boxes, one of them folded: by source, then by target.
        bundled: dict[tuple[int, int], dict[int, list[tuple[int, int]]]] = {}
        for position, item in enumerate(plan.items):
            for target in item.members if isinstance(item, Bundle) else (item,):
                for place, source in enumerate(self.parents[target]):
                    begin = owner.get(source)
                    if begin is None or begin == position:
                        continue
                    if isinstance(item, Bundle) or isinstance(plan.items[begin], Bundle):
                        sources = bundled.setdefault((begin, position), {})
                        sources.setdefault(source, []).append((target, place))
                    else:
                        edges.append(self._edge(len(edges), source, target, place, owner, algebra))
        uses_of = Counter(chain.from_iterable(self.parents)) if bundled else Counter()
        for (begin, end), sources in bundled.items():
            edges.append(self._bundled_edge(len(edges), begin, end, sources, uses_of))
        return edges

    def _edge(
        self,
        number: int,
        source: int,
        target: int,
        place: int,
        owner: dict[int, int],
        algebra: bool,
    ) -> Edge:
        parent, node = self.nodes[source], self.nodes[target]
        contribution = self._contribution(target, place)
        wanted = algebra and contribution is not None
        return Edge(
            id=number,
            source=owner[source],
            target=owner[target],
            position=place,
            flow=self._flow(parent, contribution),
            contribution=_frozen(contribution),
            local=local(node, place) if wanted else None,
        )

    def _bundled_edge(
        self,
        number: int,
        begin: int,
        end: int,
        sources: dict[int, list[tuple[int, int]]],
        uses_of: Mapping[int, int],
    ) -> Edge:
        sums: list[Any] = []
        fed = {self.number[id(node)] for node in self.outputs}
        for source, uses in sources.items():
            if len(uses) == uses_of[source] and source not in fed:
                # All that it gets comes along here: no need to work it out use by use.
                total = self._totals.get(id(self.nodes[source]))
                parts = [] if total is None else [total]
            else:
                parts = [part for use in uses if (part := self._contribution(*use)) is not None]
            if parts:
                sums.append(sum(cast(Any, parts[1:]), start=cast(Any, parts[0])))
        wanted = any(self.nodes[source].requires_grad for source in sources)
        return Edge(
            id=number,
            source=begin,
            target=end,
            position=min(place for uses in sources.values() for _, place in uses),
            flow=("flows" if sums else "blocked") if wanted else "constant",
            contribution=joined(sums) if sums else None,
            uses=sum(map(len, sources.values())),
            value=joined([ab.graph.value(self.nodes[source]) for source in sources]),
        )

    def _contribution(self, target: int, place: int) -> object:
        """What a use sends back; None if nothing."""
        if target not in self._sent:
            node = self.nodes[target]
            total = self._totals.get(id(node))
            self._sent[target] = (
                (None,) * len(node.parents)
                if total is None
                else ab.graph.contributions(node, cast(Any, total))
            )
        return self._sent[target][place]

    def _kind(self, node: ab.graph.Node) -> Kind:
        if node.rule is not None:
            return "result"
        if node.requires_grad:
            return "leaf"
        return "constant" if ab.graph.is_constant(node) else "detached"

    def _flow(self, node: ab.graph.Node, gradient: object) -> Flow:
        if not node.requires_grad:
            return "constant"
        return "blocked" if gradient is None else "flows"


def _checked(output: object, seed: object) -> tuple[list[ab.graph.Node], list[object]]:
    outputs = _outputs(output)
    return outputs, _seeds(seed, isinstance(output, ab.graph.Node), len(outputs))


def _outputs(output: object) -> list[ab.graph.Node]:
    candidates = list(output) if isinstance(output, (list, tuple)) else [output]
    for candidate in candidates:
        if not isinstance(candidate, ab.graph.Node):
            raise TypeError(
                "viz.draw needs a Value or a Tensor, or a list of them; "
                f"got {type(candidate).__name__}. Draw the result of a computation, for example "
                "viz.draw(x * y)."
            )
    if not candidates:
        raise TypeError("viz.draw needs at least one Value or Tensor; got an empty list")
    return cast(list[ab.graph.Node], candidates)


def _seeds(seed: object, single: bool, count: int) -> list[object]:
    if single:
        return [seed]
    if seed is None:
        return [None] * count
    seeds = list(seed) if isinstance(seed, (list, tuple)) else [seed]
    if len(seeds) != count:
        raise ValueError(f"{count} outputs need {count} seeds, one for each; got {len(seeds)}")
    return seeds


def _operands_first(outputs: Sequence[ab.graph.Node]) -> list[ab.graph.Node]:
    """All nodes that `outputs` depend on; `GraphTooLarge` past some millions."""
    order: list[ab.graph.Node] = []
    entered: set[int] = set()
    waiting: list[ab.graph.Node | None] = [*reversed(outputs)]
    leaving: list[ab.graph.Node] = []
    while waiting:
        node = waiting.pop()
        if node is None:  # All operands of the node entered last are done.
            order.append(leaving.pop())
        elif id(node) not in entered:
            entered.add(id(node))
            parents = node.parents
            if parents:
                leaving.append(node)
                waiting.append(None)
                waiting += reversed(parents)
            else:
                order.append(node)
            if len(entered) > _MOST_NODES:
                raise GraphTooLarge(
                    f"this graph has more than {_MOST_NODES:,} nodes. Draw a smaller part: an "
                    "earlier result, one sample instead of a batch, Tensors for many Values."
                )
    return order


def _check_size(outputs: Sequence[ab.graph.Node], limit: int) -> None:
    seen = {id(node) for node in outputs}
    waiting = list(outputs)
    edges = 0
    # A little past the limit, so that the message can tell a bit too large from far too large.
    while waiting and len(seen) <= _COUNTED * limit and edges <= _COUNTED * EDGES_PER_NODE * limit:
        node = waiting.pop()
        edges += len(node.parents)
        for parent in node.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                waiting.append(parent)
    if len(seen) <= limit and edges <= EDGES_PER_NODE * limit:
        return
    many = "more than " if waiting else ""
    raise GraphTooLarge(
        f"this graph has {many}{len(seen):,} nodes and {many}{edges:,} edges; the limit is "
        f"{limit:,} nodes and {EDGES_PER_NODE * limit:,} edges, and beyond about 150 nodes a "
        "picture is hard to read. Draw a smaller part: an earlier result, one sample instead of a "
        "batch, Tensors in place of many Values. Or raise the limit, or use viz.draw, which folds."
    )


def _sweep(
    outputs: Sequence[ab.graph.Node], seeds: Sequence[object]
) -> tuple[dict[int, object], Sequence[object]]:
    """The total gradient of each node by identity, and what was fed in at each output."""
    if len(outputs) == 1 and outputs[0].requires_grad:
        swept = ab.graph.cotangents(outputs[0], cast(Any, seeds[0]))
        return {id(node): cotangent for node, cotangent in swept.items()}, [swept[outputs[0]]]
    fed = [
        ab.graph.seeded(output, cast(Any, seed)) if output.requires_grad else None
        for output, seed in zip(outputs, seeds, strict=True)
    ]
    starts: dict[ab.graph.Node, Any] = {}
    for output, start in zip(outputs, fed, strict=True):
        if start is not None and output in starts:
            total = starts[output] + start
            # A sum of arrays without axes is no array.
            starts[output] = total if isinstance(start, float) else np.asarray(total)
        elif start is not None:
            starts[output] = start
    swept = ab.graph.cotangents_of_all(starts) if starts else {}
    return {id(node): cotangent for node, cotangent in swept.items()}, fed


def _frozen(gradient: object) -> Quantity | None:
    return None if gradient is None else snapshot(cast(Any, gradient))

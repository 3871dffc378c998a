"""From the engine's graph to a frozen picture: the only module here that knows the engine.

The gradients come from a sweep of its own. `.grad` is neither read nor written, so a picture drawn
before `backward()` shows the true gradients, and one drawn after it changes nothing.
"""

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, cast

import numpy as np

import autograd_bp as ab
from viz.errors import GraphTooLarge
from viz.picture import Edge, Flow, Kind, Node, Operation, Output, Picture, Quantity
from viz.snapshots import snapshot

_COUNTED = 10
_EDGES_PER_NODE = 4


def trace(output: object, seed: object = None, limit: int = 1000) -> Picture:
    """The computation that led to `output`, with all values and gradients.

    `output` is a node or a sequence of them; `seed` is the gradient fed in at it (or a sequence,
    one for each), ones when None. Raises `GraphTooLarge` before anything is computed when more than
    `limit` nodes, or 4 times as many edges, are involved; `TypeError` when `output` is not a node.
    """
    outputs = _outputs(output)
    seeds = _seeds(seed, isinstance(output, ab.graph.Node), len(outputs))
    order = _operands_first(outputs, limit)
    number = {id(node): position for position, node in enumerate(order)}
    cotangents, fed = _sweep(outputs, seeds)

    edges: list[Edge] = []
    for node in order:
        cotangent = cotangents.get(id(node))
        sent: Sequence[object] = (None,) * len(node.parents)
        if cotangent is not None and node.parents:
            sent = ab.graph.contributions(node, cast(Any, cotangent))
        for position, (parent, contribution) in enumerate(zip(node.parents, sent, strict=True)):
            edges.append(
                Edge(
                    id=len(edges),
                    source=number[id(parent)],
                    target=number[id(node)],
                    position=position,
                    flow=_flow(parent, contribution),
                    contribution=_snapshot(contribution),
                )
            )
    nodes = tuple(_node(node, number[id(node)], cotangents.get(id(node))) for node in order)
    return Picture(
        nodes,
        tuple(edges),
        tuple(
            Output(number[id(node)], _snapshot(start))
            for node, start in zip(outputs, fed, strict=True)
        ),
    )


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


def _operands_first(outputs: Sequence[ab.graph.Node], limit: int) -> list[ab.graph.Node]:
    """All nodes that `outputs` depend on, in an order that follows from the graph's shape alone.

    The engine's own order is by age, in which constants have no place: the picture would not come
    out the same twice. A graph of a million nodes is refused after the first few thousand.
    """
    _check_size(outputs, limit)
    order: list[ab.graph.Node] = []
    entered: set[int] = set()
    waiting = [(node, False) for node in reversed(outputs)]
    while waiting:
        node, operands_done = waiting.pop()
        if operands_done:
            order.append(node)
        elif id(node) not in entered:
            entered.add(id(node))
            waiting.append((node, True))
            waiting += ((parent, False) for parent in reversed(node.parents))
    return order


def _check_size(outputs: Sequence[ab.graph.Node], limit: int) -> None:
    seen = {id(node) for node in outputs}
    waiting = list(outputs)
    edges = 0
    # A little past the limit, so that the message can tell a bit too large from far too large.
    while waiting and len(seen) <= _COUNTED * limit and edges <= _COUNTED * _EDGES_PER_NODE * limit:
        node = waiting.pop()
        edges += len(node.parents)
        for parent in node.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                waiting.append(parent)
    if len(seen) <= limit and edges <= _EDGES_PER_NODE * limit:
        return
    many = "more than " if waiting else ""
    raise GraphTooLarge(
        f"this graph has {many}{len(seen):,} nodes and {many}{edges:,} edges; the limit is "
        f"{limit:,} nodes and {_EDGES_PER_NODE * limit:,} edges, and beyond about 150 nodes a "
        "picture is hard to read. Draw a smaller part: an earlier result, one sample instead of a "
        "batch, Tensors in place of many Values. Or raise the limit, viz.draw(..., limit=...), and "
        "lay out its .dot with a system Graphviz."
    )


def _sweep(
    outputs: Sequence[ab.graph.Node], seeds: Sequence[object]
) -> tuple[dict[int, object], list[object]]:
    """The total gradient of each node by identity, and what was fed in at each output."""
    totals: dict[int, Any] = {}
    fed: list[object] = []
    for output, seed in zip(outputs, seeds, strict=True):
        if not output.requires_grad:
            fed.append(None)
            continue
        swept = ab.graph.cotangents(output, cast(Any, seed))
        fed.append(swept[output])
        for node, cotangent in swept.items():
            totals[id(node)] = totals[id(node)] + cotangent if id(node) in totals else cotangent
    return totals, fed


def _node(node: ab.graph.Node, number: int, cotangent: object) -> Node:
    operation = _operation(node)
    kind: Kind = "result"
    if operation is None:
        kind = "leaf"
        if not node.requires_grad:
            kind = "constant" if ab.graph.is_constant(node) else "detached"
    return Node(
        id=number,
        kind=kind,
        name=str(node.name) if node.name else None,
        value=snapshot(ab.graph.value(node)),
        flow=_flow(node, cotangent),
        gradient=_snapshot(cotangent),
        operation=operation,
    )


def _operation(node: ab.graph.Node) -> Operation | None:
    rule = node.rule
    if rule is None:
        return None
    # A rule of the user's own (an `ab.Function`) need not have a formula or name its arguments.
    formula = getattr(rule, "formula", None)
    return Operation(
        name=str(rule.name),
        symbol=str(rule.symbol),
        formula=str(getattr(formula, "text", formula)) if formula else f"{rule.name}(…)",
        arguments=tuple(str(argument) for argument in getattr(rule, "args", ())),
        parameters=tuple((str(key), _parameter(value)) for key, value in node.params.items()),
    )


def _parameter(value: object) -> str:
    """A static parameter as text: an index as it is written between brackets, an array's shape."""
    if isinstance(value, slice):
        ends = [value.start, value.stop] + ([] if value.step is None else [value.step])
        return ":".join("" if end is None else str(end) for end in ends)
    if isinstance(value, tuple) and any(isinstance(part, (slice, EllipsisType)) for part in value):
        return f"[{', '.join(_parameter(part) for part in value)}]"
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    return " ".join(str(value).split())


def _flow(node: ab.graph.Node, gradient: object) -> Flow:
    if not node.requires_grad:
        return "constant"
    return "blocked" if gradient is None else "flows"


def _snapshot(gradient: object) -> Quantity | None:
    return None if gradient is None else snapshot(cast(Any, gradient))

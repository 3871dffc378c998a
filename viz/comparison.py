"""`viz.diff`: two runs of a program on one picture."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any, Final, Literal

from viz.diagram import Diagram
from viz.drawing import draw
from viz.picture import Before, Edge, Node, Picture, Quantity
from viz.styles.labels import flipped
from viz.trace import trace

_ONLY: Final[dict[Literal["removed", "added"], str]] = {"removed": "first", "added": "second"}


def diff(
    first: object, second: object, *, seed: object = None, limit: int = 1000, **options: Any
) -> Diagram:
    """Draw two runs of the same program on one layout: where values and gradients differ.

    What differs is written `before → after`; gradients that change their sign are marked. If the
    two runs did not do the same, what only the first did is faint, and what only the second did
    stands out.

    Args:
        first, second: the results of the runs, each a `Value`, a `Tensor`, a list of them, or a
            `Picture` (that of a `Diagram`, which later changes do not reach).
        seed: the gradient fed in at both, as in `viz.draw`.
        limit: the most nodes that each may have.
        **options: `style`, `direction`, `theme`, `digits`, `title` and `deadline` of `viz.draw`.

    Raises:
        GraphTooLarge: a run has more nodes than `limit`.

    >>> import autograd_bp as ab
    >>> def run(x):
    ...     return ab.square(ab.Value(x, name="x") - 1.0)
    >>> picture = diff(run(2.0), run(0.5)).picture
    >>> picture.remarks
    ('3 of 4 nodes have another value, 2 another gradient, 2 of them with the sign changed',)
    """
    pictures = [
        run if isinstance(run, Picture) else trace(run, seed, limit) for run in (first, second)
    ]
    return draw(compared(*pictures), **options)


def compared(first: Picture, second: Picture) -> Picture:
    """`second` with what was otherwise in `first`, and with what is only in `first`."""
    pairs = _paired(first, second)
    of_first = {mine.id: number for number, (mine, _) in enumerate(pairs) if mine is not None}
    of_second = {its.id: number for number, (_, its) in enumerate(pairs) if its is not None}
    nodes = tuple(_node(number, *pair) for number, pair in enumerate(pairs))
    edges = _edges(first, second, of_first, of_second)
    outputs = tuple(
        replace(output, node=of_second[output.node]) for output in second.outputs
    ) + tuple(
        replace(output, node=of_first[output.node], seed=None)
        for output in first.outputs
        if nodes[of_first[output.node]].before == Before("removed")
    )
    return Picture(nodes, edges, outputs, second.groups, (*second.remarks, *_told(nodes)))


def _key(node: Node) -> tuple[str, str | None, str | None]:
    return node.kind, node.operation.name if node.operation is not None else None, node.name


def _paired(first: Picture, second: Picture) -> list[tuple[Node | None, Node | None]]:
    """The nodes of both, those that correspond together, operands before results.

    Both are in an order that follows from the shape of the graph, so the longest common stretches
    are the same steps of the program.
    """
    keys = [[_key(node) for node in picture.nodes] for picture in (first, second)]
    pairs: list[tuple[Node | None, Node | None]] = []
    matcher = SequenceMatcher(a=keys[0], b=keys[1], autojunk=False)
    for what, start, end, its_start, its_end in matcher.get_opcodes():
        if what == "equal":
            pairs += zip(first.nodes[start:end], second.nodes[its_start:its_end], strict=True)
        else:
            pairs += ((node, None) for node in first.nodes[start:end])
            pairs += ((None, node) for node in second.nodes[its_start:its_end])
    return pairs


def _node(number: int, was: Node | None, now: Node | None) -> Node:
    if now is None:
        assert was is not None
        return replace(was, id=number, group=None, before=Before("removed"))
    if was is None:
        return replace(now, id=number, before=Before("added"))
    same = _same(was.value, now.value) and _same(was.gradient, now.gradient)
    return replace(
        now,
        id=number,
        before=Before("same" if same else "changed", was.value, was.gradient),
    )


def _edges(
    first: Picture, second: Picture, of_first: Mapping[int, int], of_second: Mapping[int, int]
) -> tuple[Edge, ...]:
    Use = tuple[int, int, int]
    before: dict[Use, Edge] = {
        (of_first[edge.source], of_first[edge.target], edge.position): edge for edge in first.edges
    }
    edges: list[Edge] = []
    for edge in second.edges:
        use = of_second[edge.source], of_second[edge.target], edge.position
        was = before.pop(use, None)
        state: Literal["same", "changed", "added"] = "added"
        if was is not None:
            state = "same" if _same(was.contribution, edge.contribution) else "changed"
        edges.append(
            replace(
                edge,
                id=len(edges),
                source=use[0],
                target=use[1],
                before=Before(state, gradient=was.contribution if was is not None else None),
            )
        )
    for (source, target, _), edge in before.items():
        edges.append(
            replace(edge, id=len(edges), source=source, target=target, before=Before("removed"))
        )
    return tuple(edges)


def _same(was: Quantity | None, now: Quantity | None) -> bool:
    """Equal as far as a picture knows, NaN to NaN: large arrays by their statistics."""
    return repr(was) == repr(now)


def _told(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """In words what differs."""
    both = [node for node in nodes if node.before is not None and node.before.value is not None]
    values = sum(
        node.before is not None and not _same(node.before.value, node.value) for node in both
    )
    gradients = [
        node
        for node in both
        if node.before is not None and not _same(node.before.gradient, node.gradient)
    ]
    signs = sum(
        node.before is not None and flipped(node.before.gradient, node.gradient)
        for node in gradients
    )
    told = f"{values} of {len(both)} nodes have another value, {len(gradients)} another gradient"
    if signs:
        told += f", {signs} of them with the sign changed"
    counts = [
        (sum(node.before == Before(state) for node in nodes), run) for state, run in _ONLY.items()
    ]
    only = ", ".join(f"{count} only in the {run} run" for count, run in counts if count)
    return (told, only) if only else (told,)

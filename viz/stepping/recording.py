"""A training run, recorded: the same computation at several moments."""

from __future__ import annotations

from dataclasses import dataclass, replace

import autograd_bp as ab
from viz.errors import DrawError
from viz.picture import Picture
from viz.stepping.events import Walk, same_shape, walk
from viz.trace import trace

LIMIT = 300


@dataclass(frozen=True, slots=True)
class Moment:
    """A computation as it was at one moment."""

    label: str
    picture: Picture
    walk: Walk


class Recording:
    """The same computation at several moments of a training run, for `viz.steps`.

    Add the loss of a step once it is computed. What is kept is a snapshot: nothing keeps a graph
    alive, and it does not matter whether the weights are changed afterwards.

    >>> import autograd_bp as ab
    >>> import viz
    >>> w = ab.Value(0.0, name="w")
    >>> run = viz.Recording()
    >>> for step in range(3):
    ...     loss = (w * 2.0 - 4.0) ** 2
    ...     run.add(loss)
    ...     w.data -= 0.1 * ab.gradients(loss, [w])[0]
    >>> len(run), run
    (3, <viz.Recording of 3 moments>)
    """

    def __init__(self, digits: int = 4, limit: int = LIMIT) -> None:
        self.digits = digits
        self.limit = limit
        self.moments: list[Moment] = []

    def add(self, output: object, *, seed: object = None, label: str | None = None) -> None:
        """Record the computation of `output`, with its gradients (which are computed here).

        `label` is shown beside the slider; by default the moments are counted from 0. Raises
        `ValueError` when the computation is not the same program as the first one.
        """
        moment = moment_of(output, seed, label or str(len(self.moments)), self.digits, self.limit)
        if self.moments and not same_shape(self.moments[0].picture, moment.picture):
            raise ValueError(
                f"moment {len(self.moments)} is another computation than the first one: other "
                "operations, operands or shapes. A recording holds one program with other numbers."
            )
        self.moments.append(moment)

    def __len__(self) -> int:
        return len(self.moments)

    def __repr__(self) -> str:
        return f"<viz.Recording of {len(self)} moments>"


def moment_of(output: object, seed: object, label: str, digits: int, limit: int) -> Moment:
    """`output` as a moment; `DrawError` for a graph with more than `limit` nodes."""
    if not isinstance(output, ab.graph.Node):
        raise TypeError(
            "viz.steps needs a Value or a Tensor, or a viz.Recording of a training run; got "
            f"{type(output).__name__}. Write viz.steps(price)."
        )
    if limit < 1:
        raise ValueError(f"limit must be at least 1; got {limit!r}")
    picture = trace(output, seed, limit)
    if any(node.kind not in ("leaf", "constant", "detached", "result") for node in picture.nodes):
        raise DrawError("a folded picture cannot be stepped through: take a smaller part of it")
    told = walk(output, seed, picture, digits)
    return Moment(label, _labelled(picture, told), told)


def _labelled(picture: Picture, told: Walk) -> Picture:
    """The picture with the names that the steps use for what has none of its own."""
    outputs = {output.node for output in picture.outputs}
    return replace(
        picture,
        nodes=tuple(
            replace(node, name=told.names[node.id].text)
            if not node.name and node.kind != "constant" and node.id not in outputs
            else node
            for node in picture.nodes
        ),
    )

"""What a picture is of: a computation, frozen at the moment it was drawn.

Plain data with integer ids and no type of the engine, so that everything after the tracing (passes
that fold or prune, styles, emitters) can be written and tested without an engine, and a picture
does not change, or keep a graph alive, when training goes on.
"""

import math
from dataclasses import dataclass
from typing import Literal

Number = float | int | bool
Kind = Literal["leaf", "constant", "detached", "result"]
Flow = Literal["flows", "blocked", "constant"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of an array; all but the counts are over its finite entries."""

    minimum: float
    maximum: float
    mean: float
    norm: float
    zeros: int
    nonfinite: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or an array: a value, or a gradient.

    `shape` is None for a plain Python number. `entries` holds all entries in row-major order when
    there are at most `picture.FEW` of them, otherwise it is empty and `summary` tells about them.
    """

    dtype: str
    shape: tuple[int, ...] | None
    entries: tuple[Number, ...] = ()
    summary: Summary | None = None

    @property
    def scalar(self) -> bool:
        """Whether this is one number: a Python float, or an array without axes."""
        return not self.shape

    @property
    def zero(self) -> bool:
        """Whether every entry is exactly zero."""
        if self.summary is not None:
            return self.summary.zeros == math.prod(self.shape or ())
        return bool(self.entries) and not any(self.entries)

    @property
    def finite(self) -> bool:
        """Whether no entry is infinite or NaN."""
        if self.summary is not None:
            return self.summary.nonfinite == 0
        return all(math.isfinite(entry) for entry in self.entries)


FEW = 16


@dataclass(frozen=True, slots=True)
class Operation:
    """The rule that made a result, as text."""

    name: str
    symbol: str
    formula: str
    arguments: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the computation.

    `kind` is "leaf" (a value that somebody made, and wants the gradient of), "constant" (a plain
    number or array that entered an operation), "detached" (made by somebody who wants no gradient
    of it) or "result" (made by `operation`). `flow` tells whether a gradient arrives: "flows" (then
    `gradient` is the total), "blocked" (one is wanted, but no path from an output leads here) or
    "constant" (none is wanted). A gradient that is zero flows: it is a quantity like any other.
    """

    id: int
    kind: Kind
    name: str | None
    value: Quantity
    flow: Flow
    gradient: Quantity | None = None
    operation: Operation | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of a value: node `source` as operand number `position` of the operation of `target`.

    `contribution` is what this use adds to the gradient of `source`. `x * x` has two edges.
    """

    id: int
    source: int
    target: int
    position: int
    flow: Flow
    contribution: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A result that was asked for, and the gradient that was fed in there (1, unless chosen)."""

    node: int
    seed: Quantity | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole computation. `nodes[i].id` is `i`, and operands come before their results."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    outputs: tuple[Output, ...]

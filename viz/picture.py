"""What a picture is of: a computation, frozen at the moment it was drawn.

Plain data with integer ids and no type of the engine, so that everything after the tracing (passes
that fold or prune, styles, emitters) can be written and tested without an engine, and a picture
does not change, or keep a graph alive, when training goes on.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

Number = float | int | bool
Kind = Literal["leaf", "constant", "detached", "result", "folded"]
Flow = Literal["flows", "blocked", "constant"]
State = Literal[
    "detached", "unreachable", "non-finite", "accumulated", "zero", "not run", "arrived"
]


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of an array; all but the counts are over its finite entries.

    `histogram` counts them in bins of equal width from the minimum to the maximum; it is empty
    where these are equal.
    """

    minimum: float
    maximum: float
    mean: float
    norm: float
    zeros: int
    nonfinite: int
    histogram: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or an array: a value, or a gradient.

    `shape` is None for a plain Python number. `entries` holds all entries in row-major order when
    there are at most `picture.FEW` of them, otherwise it is empty. `summary` tells about those of
    an array of numbers with more than one. Where several values pass together, they are joined into
    one quantity, and `joined` says how many they are.
    """

    dtype: str
    shape: tuple[int, ...] | None
    entries: tuple[Number, ...] = ()
    summary: Summary | None = None
    joined: int = 1

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

    @property
    def size(self) -> float | None:
        """How large the entries are: the root of their mean square. None where none is finite.

        Of an array it does not depend on how many entries there are, so that a scalar's gradient
        and a matrix's can be compared.
        """
        if self.summary is None:
            finite = [abs(float(entry)) for entry in self.entries if math.isfinite(entry)]
            return math.hypot(*finite) / math.sqrt(len(finite)) if finite else None
        counted = math.prod(self.shape or ()) - self.summary.nonfinite
        return self.summary.norm / math.sqrt(counted) if counted else None


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
class Before:
    """What a node or an edge was in the first of two runs that are compared.

    `state` is "same" or "changed", or where only one of the runs has it, "added" or "removed"; then
    there is nothing else. Of an edge, `gradient` is its contribution.
    """

    state: Literal["same", "changed", "added", "removed"]
    value: Quantity | None = None
    gradient: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What `.grad` of a node holds: `gradient`, the sum over `calls` calls of `backward`.

    `calls` is 0 where somebody else has put it there.
    """

    gradient: Quantity
    calls: int


@dataclass(frozen=True, slots=True)
class Fold:
    """What stands behind one box of a folded picture.

    `operations` operations and `inputs` inputs; `times` repeats of the same (1 if it is no
    repetition), and in `pattern` the operations of one, as text.
    """

    operations: int
    inputs: int
    times: int
    pattern: str


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the computation.

    `kind` is "leaf" (a value that somebody made, and wants the gradient of), "constant" (a plain
    number or array that entered an operation), "detached" (made by somebody who wants no gradient
    of it), "result" (made by `operation`) or "folded" (many of these, see `fold`; its value holds
    all that leaves it). `flow` tells whether a gradient arrives: "flows" (then `gradient` is the
    total), "blocked" (one is wanted, but no path from an output leads here) or "constant" (none is
    wanted). A gradient that is zero flows: it is a quantity like any other.

    `stored` is what `.grad` held when the picture was made, None if `backward` has not run; it does
    not count when nodes are compared, for it is no part of the computation. `scope` is the path of
    modules that the node was made in. `remark` is a word on it in this picture. `before` is there
    when two runs are compared. `of_gradient` is true where the value is a gradient: in a picture of
    the backward pass.
    """

    id: int
    kind: Kind
    name: str | None
    value: Quantity
    flow: Flow
    gradient: Quantity | None = None
    operation: Operation | None = None
    stored: Stored | None = field(default=None, compare=False)
    scope: tuple[str, ...] = ()
    group: int | None = None
    fold: Fold | None = None
    remark: str | None = None
    before: Before | None = None
    of_gradient: bool = False

    @property
    def state(self) -> State:
        """What is to be known of the gradient in a word."""
        if self.flow == "constant":
            return "detached"
        if self.gradient is None:
            return "unreachable"
        if not self.gradient.finite:
            return "non-finite"
        if self.stored is not None and self.stored.calls > 1:
            return "accumulated"
        if self.gradient.zero:
            return "zero"
        return "not run" if self.kind == "leaf" and self.stored is None else "arrived"


@dataclass(frozen=True, slots=True)
class Local:
    """The local derivative along an edge, from the rule sheet.

    `formula` is the partial derivative in the arguments of the operation, such as "y" for the x of
    x * y, and `value` is its value. Of an operation that is not elementwise, `value` is None and
    `formula` says what becomes of the gradient `g` that arrives, such as "g @ yᵀ".
    """

    formula: str
    value: Quantity | None


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of a value: node `source` as operand number `position` of the operation of `target`.

    `contribution` is what this use adds to the gradient of `source`. `x * x` has two edges. Where
    one end is folded, an edge stands for `uses` uses, and `value` holds all the values that pass.
    """

    id: int
    source: int
    target: int
    position: int
    flow: Flow
    contribution: Quantity | None = None
    local: Local | None = None
    uses: int = 1
    value: Quantity | None = None
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A frame around nodes that belong together, inside another frame or not."""

    id: int
    label: str
    parent: int | None


@dataclass(frozen=True, slots=True)
class Output:
    """A result that was asked for, and the gradient that was fed in there (1, unless chosen).

    `name` is what to call it, if not by its node's name. Where that is folded, `name` and `value`
    are those of the one result among them.
    """

    node: int
    seed: Quantity | None
    name: str | None = None
    value: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole computation. `nodes[i].id` is `i`, and operands come before their results.

    `groups[i].id` is `i`. `remarks` say what the picture leaves out.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    outputs: tuple[Output, ...]
    groups: tuple[Group, ...] = ()
    remarks: tuple[str, ...] = ()

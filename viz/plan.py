"""What to show of a graph: which nodes, one by one or many in one box, and in which frames."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

Path = tuple[str, ...]
EDGES_PER_NODE = 4


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A graph without its numbers, by node; operands have smaller numbers than results.

    Nodes of the same `kinds` do the same to operands of the same shapes; `symbols` are "" for what
    was not computed; of that, `constants` are plain numbers and arrays, and `data` is what somebody
    made and wants no gradient of. Sorted by `ages`, operations are in the
    order in which the program made them. Only `kept` nodes are to be shown, all if it is None.
    """

    parents: Sequence[tuple[int, ...]]
    kinds: Sequence[int]
    symbols: Sequence[str]
    names: Sequence[str | None]
    ages: Sequence[int]
    scopes: Sequence[Path]
    data: Set[int]
    constants: Set[int]
    outputs: Sequence[int]
    kept: Set[int] | None = None
    remarks: tuple[str, ...] = ()

    def fits(self, limit: int) -> bool:
        """Whether it is small enough to be drawn node by node."""
        numbers = self.shown()
        edges = sum(len(self.parents[number]) for number in numbers)
        return len(numbers) <= limit and edges <= EDGES_PER_NODE * limit

    def shown(self) -> Sequence[int]:
        """The nodes that are to be shown."""
        return range(len(self.parents)) if self.kept is None else sorted(self.kept)

    def restricted(self, kept: Set[int]) -> "Skeleton":
        """The same graph of which only these nodes are shown; the picture says so."""
        left = len(self.parents) - len(kept)
        remark = f"only what leads there: {left:,} of {len(self.parents):,} nodes are left out"
        return replace(self, kept=kept, remarks=(*self.remarks, remark) if left else self.remarks)

    def remarked(self, remark: str) -> "Skeleton":
        """The same graph with one more remark on its picture."""
        return replace(self, remarks=(*self.remarks, remark))


@dataclass(frozen=True, slots=True)
class Bundle:
    """Nodes shown as one box: `times` repeats of `pattern`, or simply many."""

    members: tuple[int, ...]
    label: str
    path: Path = ()
    times: int = 1
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a picture shows, operands before results.

    `items` are numbers of nodes, and bundles of them; what is in none is left out. `groups` are
    frames, each with a label and the number of the frame around it; `group_of` is the innermost
    frame of an item, by its position. `marks` are remarks on nodes, `remarks` on the whole.
    """

    items: tuple[int | Bundle, ...]
    groups: tuple[tuple[str, int | None], ...] = ()
    group_of: Mapping[int, int] = field(default_factory=dict)
    marks: Mapping[int, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def marked(self, marks: Mapping[int, str]) -> "Plan":
        """The same with remarks on nodes."""
        return replace(self, marks=marks)

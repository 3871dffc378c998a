"""Folding: which parts of a large graph are drawn as one box.

Modules and name scopes are frames, open or closed. Of what repeats, one is shown, or only how often
it repeats. What is still too much is cut into stretches of the program. All this is decided on a
skeleton, before any number is looked at: a graph of 100,000 nodes is folded in about a second.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property

from viz.plan import Bundle, Path, Plan, Skeleton
from viz.segments import Part, Program, Segment

Open = int | Callable[[Path], bool]
_SAME_INPUTS = 4
_LITTLE = 6


class Folding:
    """A graph, and the plans of pictures of it."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton

    @cached_property
    def _program(self) -> Program:
        return Program(self.skeleton)

    @cached_property
    def _root(self) -> Segment:
        return self._program.tree(repeats=True)

    def framed(self) -> Plan:
        """Every node, with frames around modules."""
        if not any(self.skeleton.scopes):
            return Plan(tuple(self.skeleton.shown()), remarks=self.skeleton.remarks)
        drawing = _Unfolding(self._program, self._program.tree(repeats=False))
        drawing.open_where(lambda _: True)
        return drawing.plan(by_node=True)

    def folded(self, most: int, opened: Open | None = None) -> Plan:
        """The graph in about `most` boxes, or opened as far as `opened` says.

        `opened` is how many levels of modules and repetitions are open, or a function that tells of
        a path of labels whether it is.
        """
        drawing = _Unfolding(self._program, self._root)
        if callable(opened):
            drawing.open_where(opened, apart=True)
        elif opened is not None:
            drawing.open_where(lambda path: len(path) <= opened)
        if opened is not None:
            drawing.cut(most)
            return drawing.plan()
        room = most
        while True:
            drawing.cut(max(room // 2, 2))
            drawing.open_within(room)
            plan = drawing.plan()
            if len(plan.items) <= most or room < 4:
                return plan
            room //= 2
            drawing = _Unfolding(self._program, self._root)


class _Unfolding:
    """A tree of segments, opened step by step."""

    def __init__(self, program: Program, root: Segment) -> None:
        self.skeleton = program.skeleton
        self.program = program
        self.groups: list[tuple[str, int | None]] = []
        # What is seen, in the order of the program, and the frame around each.
        self.seen: list[tuple[Part, int | None]] = [(part, None) for part in root.parts]

    def open_where(self, wanted: Callable[[Path], bool], *, apart: bool = False) -> None:
        """Open every segment whose path is wanted and that is inside opened ones only.

        With `apart`, a repetition of modules of which some are wanted is taken apart for it.
        """
        done: list[tuple[Part, int | None]] = []
        waiting = self.seen[::-1]
        while waiting:
            part, group = waiting.pop()
            if apart and isinstance(part, Segment) and part.times > 1:
                pieces = self.program.apart(part, wanted)
                if pieces:
                    waiting += [(piece, group) for piece in reversed(pieces)]
                    continue
            if isinstance(part, Segment) and not part.rest and wanted(part.path):
                inner = self._frame(part, group)
                waiting += [(each, inner) for each in reversed(self.program.opened(part))]
            else:
                done.append((part, group))
        self.seen = done

    def open_within(self, most: int) -> None:
        """Open segments, outer and small ones first, while no more than `most` boxes show."""
        while True:
            closed = [
                (len(part.path), len(self.program.opened(part)), place)
                for place, (part, _) in enumerate(self.seen)
                if isinstance(part, Segment) and self._opens_by_itself(part)
            ]
            room = most - len(self.seen) + 1
            fitting = [(depth, size, place) for depth, size, place in closed if size <= room]
            if not fitting:
                return
            place = min(fitting)[2]
            part, group = self.seen[place]
            assert isinstance(part, Segment)
            inner = self._frame(part, group)
            self.seen[place : place + 1] = [(each, inner) for each in self.program.opened(part)]

    def _opens_by_itself(self, part: Segment) -> bool:
        """Not a repetition, unless there is little else to see."""
        return part.times == 1 or (not part.rest and len(self.seen) <= _LITTLE)

    def cut(self, most: int) -> None:
        """Put neighbours into one box where more than `most` would be seen."""
        if len(self.seen) <= most:
            return
        length = -(-len(self.seen) // most)
        seen: list[tuple[Part, int | None]] = []
        for start in range(0, len(self.seen), length):
            stretch = self.seen[start : start + length]
            parts = [part for part, _ in stretch]
            first, last = parts[0], parts[-1]
            segment = Segment(
                "",
                first if isinstance(first, int) else first.begin,
                last + 1 if isinstance(last, int) else last.end,
                parts,
                framed=False,
            )
            groups = {group for _, group in stretch}
            seen.append((segment, groups.pop() if len(groups) == 1 else None))
        self.seen = seen

    def plan(self, *, by_node: bool = False) -> Plan:
        """What is seen, as a plan; `by_node`, if nothing is folded, in the order of the nodes."""
        items: list[int | Bundle] = []
        groups: list[int | None] = []
        boxes = self._boxes_using()
        inside: dict[int, list[int]] = defaultdict(list)
        for number, using in boxes.items():
            if len(using) == 1 and isinstance(self.seen[using[0]][0], Segment):
                inside[using[0]].append(number)
        inputs = self._inputs(boxes, inside)
        for place, (part, group) in enumerate(self.seen):
            for item, its_group in inputs.get(place, ()):
                items.append(item)
                groups.append(its_group)
            items.append(self._item(part, inside[place]))
            groups.append(group)
        if not self.seen:
            items = [item for found in inputs.values() for item, _ in found]
            groups = [None] * len(items)
        if by_node:
            order = sorted(range(len(items)), key=lambda position: _number(items[position]))
            items, groups = [items[at] for at in order], [groups[at] for at in order]
        bundles = sum(isinstance(item, Bundle) for item in items)
        nodes = len(self.skeleton.shown())
        remark = f"folded: {nodes:,} nodes in {_boxes(len(items))}"
        return Plan(
            tuple(items),
            tuple(self.groups),
            {at: group for at, group in enumerate(groups) if group is not None},
            remarks=(*self.skeleton.remarks, *([remark] if bundles else [])),
        )

    def _frame(self, part: Segment, around: int | None) -> int | None:
        if not part.framed:
            return around
        label = part.label if part.times == 1 else f"{part.label}, 1 of {part.times:,}"
        self.groups.append((label, around))
        return len(self.groups) - 1

    def _boxes_using(self) -> dict[int, list[int]]:
        """By input that is no output: in which boxes it is used."""
        places: list[int] = []
        for number, (part, _) in enumerate(self.seen):
            places += [number] * (1 if isinstance(part, int) else part.end - part.begin)
        outputs = set(self.skeleton.outputs)
        using: dict[int, set[int]] = defaultdict(set)
        for target in self.skeleton.shown():
            for source in self.skeleton.parents[target]:
                if not self.skeleton.symbols[source] and source not in outputs:
                    using[source].add(places[self.program.place[target]])
        return {number: sorted(boxes) for number, boxes in using.items()}

    def _inputs(
        self, boxes: dict[int, list[int]], inside: dict[int, list[int]]
    ) -> dict[int, list[tuple[int | Bundle, int | None]]]:
        """What was not computed and is seen by itself, by the box that it comes before."""
        hidden = {number for numbers in inside.values() for number in numbers}
        alike: dict[tuple[tuple[int, ...], int], list[int]] = defaultdict(list)
        for number in self.skeleton.shown():
            if self.skeleton.symbols[number] or number in hidden:
                continue
            using = tuple(boxes.get(number, ()))
            folding = any(isinstance(self.seen[box][0], Segment) for box in using)
            alike[using, self.skeleton.kinds[number] if folding else -1 - number].append(number)
        found: dict[int, list[tuple[int | Bundle, int | None]]] = defaultdict(list)
        for (using, _), numbers in alike.items():
            # Data comes from outside of the modules that use it; a parameter belongs to its own.
            group = None
            if not self.skeleton.data >= set(numbers):
                group = self._common_group([self.seen[box][1] for box in using])
            first = using[0] if using else 0
            if len(numbers) >= _SAME_INPUTS:
                found[first].append((Bundle(tuple(numbers), self._names(numbers)), group))
            else:
                found[first] += ((number, group) for number in numbers)
        return found

    def _names(self, numbers: Sequence[int]) -> str:
        first, last = self.skeleton.names[numbers[0]], self.skeleton.names[numbers[-1]]
        return f"{first} … {last}" if first and last else ""

    def _item(self, part: Part, inputs: Sequence[int]) -> int | Bundle:
        if isinstance(part, int):
            return self.program.operations[part]
        operations = self.program.operations[part.begin : part.end]
        return Bundle(
            tuple(sorted([*operations, *inputs])),
            part.label if part.named else "",
            part.path,
            part.times,
            self.program.pattern(part),
        )

    def _common_group(self, groups: Sequence[int | None]) -> int | None:
        """The innermost frame around all of `groups`."""
        if not groups:
            return None
        common = self._around(groups[0])
        for group in groups[1:]:
            outer = set(self._around(group))
            common = [each for each in common if each in outer]
        return common[0] if common else None

    def _around(self, group: int | None) -> list[int]:
        found = []
        while group is not None:
            found.append(group)
            group = self.groups[group][1]
        return found


def _number(item: int | Bundle) -> int:
    return item if isinstance(item, int) else item.members[0]


def _boxes(count: int) -> str:
    return "1 box" if count == 1 else f"{count:,} boxes"

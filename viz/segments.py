"""A program's operations, in the order in which it made them, as a tree: modules and repetitions.

A part of the tree is a stretch of that order. What leaves a stretch never comes back into it, so
stretches can be drawn as single boxes without making a circle of arrows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, groupby

import numpy as np
from numpy.typing import NDArray

from viz.plan import Path, Skeleton

_DEEPEST = 40
_ROUNDS = 8
_SHORT_PERIODS = 64
_LONG_PERIODS = 24
_TOLD = 5
_LONG_ENOUGH_TWICE = 8
_FROM_OUTSIDE = -1


@dataclass(slots=True)
class Segment:
    """The operations `begin` to `end` (by their place in the order), and what they are made of.

    `parts` are segments and places of single operations. A repetition has `times` parts, each of
    them a segment, which all do the same in the same way; what is left of it when one is shown by
    itself is the `rest`. It has a name if modules have given it one.
    """

    label: str
    begin: int
    end: int
    parts: "list[Part]"
    path: Path = ()
    times: int = 1
    framed: bool = True
    named: bool = True
    rest: bool = False
    inside: "list[Part]" = field(default_factory=list)
    token: int | None = None


Part = Segment | int


class Program:
    """The operations of a graph in order, and the tree that they form."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        numbers = [number for number in skeleton.shown() if skeleton.symbols[number]]
        self.operations = sorted(numbers, key=skeleton.ages.__getitem__)
        self.place = {number: place for place, number in enumerate(self.operations)}
        self._tokens: dict[object, int] = {}
        self._token_of = [
            self._token((skeleton.kinds[number], *map(self._nature, skeleton.parents[number])))
            for number in self.operations
        ]

    @cached_property
    def _goes_on(self) -> list[bool]:
        """By place: whether the operation there uses the result of the one before it."""
        before = [-1, *self.operations]
        return [
            before[place] in self.skeleton.parents[number]
            for place, number in enumerate(self.operations)
        ]

    @cached_property
    def _waiting(self) -> list[int]:
        """By place: how many results are there that it or a later operation uses."""
        last = list(range(len(self.operations)))
        for place, number in enumerate(self.operations):
            for source in self.skeleton.parents[number]:
                if source in self.place:
                    last[self.place[source]] = place
        changes = [0] * (len(self.operations) + 1)
        for place, end in enumerate(last):
            if end > place:
                changes[place + 1] += 1
                changes[end + 1] -= 1
        return list(accumulate(changes))

    def tree(self, *, repeats: bool) -> Segment:
        """The whole as one segment; without `repeats`, modules only."""
        root = Segment("", 0, len(self.operations), list(range(len(self.operations))), framed=False)
        self._part_by_scope(root, 0)
        if repeats:
            self._fold_repeats(root)
        return root

    def opened(self, segment: Segment) -> list[Part]:
        """What is seen when `segment` is opened: of a repetition one, and the rest in a box."""
        if segment.times == 1:
            return segment.parts
        if not segment.inside:
            first, second = segment.parts[0], segment.parts[1]
            assert isinstance(first, Segment)
            assert isinstance(second, Segment)
            segment.inside = [
                *first.parts,
                Segment(
                    segment.label,
                    second.begin,
                    segment.end,
                    segment.parts[1:],
                    segment.path,
                    times=segment.times - 1,
                    rest=True,
                    named=segment.named,
                ),
            ]
        return segment.inside

    def apart(self, segment: Segment, wanted: Callable[[Path], bool]) -> list[Part]:
        """A repetition of modules cut where one of them is wanted; nothing if none is."""
        pieces: list[Part] = []
        for chosen, run in groupby(
            segment.parts,
            lambda body: (
                isinstance(body, Segment)
                and any(isinstance(each, Segment) and wanted(each.path) for each in body.parts)
            ),
        ):
            bodies = [body for body in run if isinstance(body, Segment)]
            if chosen or len(bodies) == 1:
                pieces += [part for body in bodies for part in body.parts]
            elif len(bodies) == len(segment.parts):
                return []
            else:
                label, named = self._repetition_label(bodies)
                pieces.append(
                    Segment(
                        label,
                        bodies[0].begin,
                        bodies[-1].end,
                        [*bodies],
                        (*segment.path[:-1], f"{label} × {len(bodies)}"),
                        len(bodies),
                        named=named,
                        rest=True,
                    )
                )
        return pieces

    def pattern(self, segment: Segment) -> str:
        """The operations of a segment, or of one of its repeats, in short."""
        parts = segment.parts
        if segment.times > 1:
            assert isinstance(parts[0], Segment)
            parts = parts[0].parts
        told = [self._told(part) for part in parts[: _TOLD + 1]]
        return " ".join(told[:_TOLD] + ["…"] * (len(parts) > _TOLD))

    def _told(self, part: Part) -> str:
        if isinstance(part, int):
            return self.skeleton.symbols[self.operations[part]]
        if part.times > 1:
            return f"({part.label})×{part.times:,}"
        return part.label or "…"

    def _nature(self, number: int) -> int:
        """What an operand is: a kind of constant, or something that any result could be."""
        return self.skeleton.kinds[number] if number in self.skeleton.constants else -1

    def _token(self, key: object) -> int:
        return self._tokens.setdefault(key, len(self._tokens))

    def _part_by_scope(self, segment: Segment, depth: int) -> None:
        if depth == _DEEPEST:
            return

        def name(place: int) -> str | None:
            scope = self.skeleton.scopes[self.operations[place]]
            return scope[depth] if len(scope) > depth else None

        parts: list[Part] = []
        for label, run in groupby(range(segment.begin, segment.end), name):
            places = list(run)
            if label is None:
                parts += places
                continue
            inner = Segment(label, places[0], places[-1] + 1, [*places], (*segment.path, label))
            self._part_by_scope(inner, depth + 1)
            parts.append(inner)
        segment.parts = parts

    def _fold_repeats(self, segment: Segment) -> None:
        for part in segment.parts:
            if isinstance(part, Segment):
                self._fold_repeats(part)
        for _ in range(_ROUNDS):
            if not self._fold_once(segment):
                return

    def _fold_once(self, segment: Segment) -> bool:
        """Put repetitions among the parts of `segment` into segments; whether there were any."""
        parts = segment.parts
        tokens = np.array([self._token_of_part(part) for part in parts], dtype=np.int64)
        taken = np.zeros(len(parts), dtype=bool)
        found: dict[int, tuple[int, int]] = {}
        for period in _periods(tokens):
            for start, length in _runs(tokens, taken, period):
                start, length = self._best_start(parts, start, length, period)
                times = self._alike(parts, start, period, length // period + 1)
                whole = slice(start, start + times * period)
                if times >= _least(period) and not taken[whole].any():
                    found[start] = period, times
                    taken[whole] = True
        if not found:
            return False
        segment.parts = self._with_repetitions(segment, found)
        return True

    def _best_start(
        self, parts: Sequence[Part], start: int, length: int, period: int
    ) -> tuple[int, int]:
        """Where in the first period a repeat should begin, and how much is left from there on.

        Where the program turns to something else: with what does not use the result just made, then
        where few results wait to be used. No repeat should be lost for it.
        """

        def cost(shift: int) -> tuple[bool, bool, int, int]:
            place = _begin(parts[start + shift])
            lost = (length - shift) // period < length // period
            return self._goes_on[place], lost, self._waiting[place], shift

        shift = min(range(min(period, _SHORT_PERIODS)), key=cost)
        return start + shift, length - shift

    def _with_repetitions(self, segment: Segment, found: dict[int, tuple[int, int]]) -> list[Part]:
        """The parts of `segment` with those in repetitions, by start: period and times, folded."""
        parts = segment.parts
        folded: list[Part] = []
        place = 0
        while place < len(parts):
            if place not in found:
                folded.append(parts[place])
                place += 1
                continue
            period, times = found[place]
            repeats = [
                Segment(
                    "",
                    _begin(parts[at]),
                    _end(parts[at + period - 1]),
                    parts[at : at + period],
                    segment.path,
                    framed=False,
                )
                for at in range(place, place + period * times, period)
            ]
            label, named = self._repetition_label(repeats)
            folded.append(
                Segment(
                    label,
                    repeats[0].begin,
                    repeats[-1].end,
                    [*repeats],
                    (*segment.path, f"{label} × {times}"),
                    times,
                    named=named,
                )
            )
            place += period * times
        return folded

    def _repetition_label(self, repeats: Sequence[Segment]) -> tuple[str, bool]:
        """From the first to the last by name where it is modules that repeat, else what they do.

        And whether it is a name.
        """
        first, last = repeats[0].parts, repeats[-1].parts
        if len(first) == 1 and isinstance(first[0], Segment) and isinstance(last[0], Segment):
            if first[0].named and first[0].label != last[0].label:
                return f"{first[0].label} … {last[0].label}", True
            return first[0].label, first[0].named
        return self.pattern(repeats[0]), False

    def _token_of_part(self, part: Part) -> int:
        if isinstance(part, int):
            return self._token_of[part]
        if part.token is None:
            parts = part.parts[:1] if part.times > 1 else part.parts
            part.token = self._token(("part", part.times, *map(self._token_of_part, parts)))
        return part.token

    def _alike(self, parts: Sequence[Part], start: int, period: int, times: int) -> int:
        """How many of the repeats from `start` on are wired alike.

        An operand lies as far from that of the repeat before as it did there: the same for all, one
        repeat further on, or a row of things one after another. The first may differ: what it takes
        comes from outside.
        """
        begin = _begin(parts[start])
        body = _begin(parts[start + period]) - begin
        before: list[int] = []
        for repeat in range(1, times):
            steps: list[int] = []
            own = begin + (repeat - 1) * body
            for place in range(own + body, own + 2 * body):
                here = self.skeleton.parents[self.operations[place]]
                there = self.skeleton.parents[self.operations[place - body]]
                for mine, its in zip(here, there, strict=True):
                    if mine in self.place and its in self.place:
                        step = self.place[mine] - self.place[its]
                        if step != body and self.place[its] >= own:
                            return repeat
                        steps.append(step)
                    elif mine in self.place or its in self.place:
                        steps.append(_FROM_OUTSIDE)
            # Only the first may take from outside what the others take from one another.
            if (repeat > 2 and steps != before) or (repeat > 1 and _FROM_OUTSIDE in steps):
                return repeat
            before = steps
        return times


def _begin(part: Part) -> int:
    return part if isinstance(part, int) else part.begin


def _end(part: Part) -> int:
    return part + 1 if isinstance(part, int) else part.end


def _periods(tokens: NDArray[np.int64]) -> list[int]:
    """Lengths at which `tokens` may repeat: all short ones, and of the longer ones the commonest
    distances between equal groups of four."""
    count = len(tokens)
    periods = list(range(1, min(_SHORT_PERIODS, count // 2) + 1))
    if count > 2 * _SHORT_PERIODS:
        groups = tokens[:-3] + 1_000_003 * (
            tokens[1:-2] + 1_000_003 * (tokens[2:-1] + 1_000_003 * tokens[3:])
        )
        order = np.argsort(groups, kind="stable")
        same = groups[order[1:]] == groups[order[:-1]]
        distances = (order[1:] - order[:-1])[same]
        common = Counter(distances[distances > _SHORT_PERIODS].tolist()).most_common(_LONG_PERIODS)
        periods += sorted(period for period, _ in common if period <= count // 2)
    return periods


def _runs(
    tokens: NDArray[np.int64], taken: NDArray[np.bool_], period: int
) -> list[tuple[int, int]]:
    """Where `tokens` equal those one period on, for long enough: start and length."""
    equal = (tokens[period:] == tokens[:-period]) & ~taken[period:] & ~taken[:-period]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], equal, [False])).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    long = lengths >= (_least(period) - 1) * period
    return list(zip(starts[long].tolist(), lengths[long].tolist(), strict=True))


def _least(period: int) -> int:
    """How often something must repeat to be worth a word."""
    return 2 if period >= _LONG_ENOUGH_TWICE else 3

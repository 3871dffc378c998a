"""How far a float is from the truth, in units in the last place, and how far it may be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_bp.rules import Rule
from autograd_bp.testing.differences import Derivatives
from autograd_bp.testing.exact import MP, Number
from tests.rules.points import Point, true_derivatives


def error_in_ulp(found: Any, true: Number, dtype: Any = np.float64, size: Any = 0) -> float:
    """The distance, in units in the last place of the truth, or of `size` if that is larger.

    Infinity for a nan, an infinity that should not be, or the wrong one. A truth beyond the
    largest float is an infinity.
    """
    info = np.finfo(dtype)
    number = float(found)
    if math.isnan(number):
        return math.inf
    largest = float(info.max)
    if math.isinf(number) or abs(true) > 2 * largest:
        beyond = abs(true) >= largest * (1 - 16 * float(info.eps))
        same_sign = (number > 0) == (true > 0)
        return 0.0 if beyond and math.isinf(number) and same_sign else math.inf
    size = max(abs(true), size)
    _, exponent = MP.frexp(size) if size else (0, info.minexp)
    ulp = MP.ldexp(MP.one, max(int(exponent) - 1, info.minexp)) * float(info.eps)
    return float(abs(MP.mpf(number) - true) / ulp)


@dataclass(frozen=True)
class Entry:
    """The value, a first or a second derivative: by the arguments of these positions."""

    by: tuple[int, ...] = ()

    def of(self, truth: Derivatives) -> Number:
        result: Any = (truth.value, truth.first, truth.second)[len(self.by)]
        for k in self.by:
            result = result[k]
        return result

    def moved(self, point: Point, truth: Derivatives) -> Number:
        """By how much the entry changes, at most, when every argument doubles as its slopes say.

        Third derivatives are not known: a second derivative is taken to change as the first do.
        """
        if len(self.by) < 2:
            slopes = truth.second[self.by[0]] if self.by else truth.first
            return _moved(point, slopes)
        growths = (
            _moved(point, slopes) / abs(first)
            for first, slopes in zip(truth.first, truth.second, strict=True)
            if first
        )
        return abs(self.of(truth)) * max(growths, default=MP.zero)


def _moved(point: Point, slopes: Iterable[Number]) -> Number:
    return sum((abs(x * slope) for x, slope in zip(point, slopes, strict=True)), MP.zero)


@dataclass
class Verdicts:
    """What was worst, and what was wrong."""

    worst: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def note(self, error: float, allowed: float, what: str, found: Any, true: Number) -> None:
        """Take down an error in units in the last place."""
        self.worst = max(self.worst, error)
        if error > allowed:
            self.complaints.append(
                f"{what} is {found!r}, but should be {shown(true)}: {error:.3g} ulp off, "
                f"{allowed:g} allowed"
            )

    def verdict(self) -> None:
        """Fail if anything was wrong."""
        first = "\n".join(self.complaints[:8])
        assert not self.complaints, f"{len(self.complaints)} entries are wrong:\n{first}"


@dataclass
class Judge(Verdicts):
    """Compares floats with the truth at points of one elementwise row.

    `backward` is how many units in the last place of the arguments the result may be off besides.
    """

    row: Rule = field(kw_only=True)
    params: tuple[Any, ...] = field(kw_only=True)
    ulp: float = field(kw_only=True)
    dtype: Any = field(default=np.float64, kw_only=True)
    backward: float = field(default=0.0, kw_only=True)

    def compare(
        self, point: Point, truth: Derivatives, entry: Entry, found: Any, where: str
    ) -> None:
        """Note `found` as wrong unless it is within `ulp` of the entry of the truth.

        Two errors are measured by another size than the truth's own. Next to a zero of the entry,
        where it changes sign, digits cancel whatever one does: there by the entry nearby. And what
        was rounded among subnormal numbers on the way keeps that error.
        """
        self._compare(point, truth, entry, found, entry.of(truth), where)

    def same(
        self, point: Point, truth: Derivatives, entry: Entry, one: Any, other: Any, where: str
    ) -> None:
        """Note two results for the entry that are not within `ulp` of each other."""
        self._compare(point, truth, entry, one, MP.mpf(float(other)), where)

    def _compare(
        self, point: Point, truth: Derivatives, entry: Entry, found: Any, true: Number, where: str
    ) -> None:
        if self._excused(point, truth, entry, found):
            return
        error = error_in_ulp(found, true, self.dtype)
        if error > self.ulp and math.isfinite(found):
            size = max(
                self._size_around_a_zero(point, entry),
                self._underflow(point, truth, true),
                entry.moved(point, truth) * self.backward / self.ulp,
            )
            error = error_in_ulp(found, true, self.dtype, size)
        by = "".join(f" by {self.row.args[k]}" for k in entry.by)
        self.note(
            error, self.ulp, f"{self.row.name}{self.params} at {point}{by} {where}", found, true
        )

    def _excused(self, point: Point, truth: Derivatives, entry: Entry, found: Any) -> bool:
        """With several arguments, whether the entry's factors may be beyond the floats.

        So they may where value / x**order, the size an entry has on the scale of the point itself,
        is. A first derivative must be an infinity of the right sign then.
        """
        order = len(entry.by)
        if len(point) == 1 or order == 0 or math.isfinite(found):
            return False
        smallest = min(abs(MP.mpf(x)) for x in (*point, 1.0) if x)
        if abs(truth.value) / smallest**order < float(np.finfo(self.dtype).max):
            return False
        return order == 2 or bool((found > 0) == (entry.of(truth) > 0) and not math.isnan(found))

    def _size_around_a_zero(self, point: Point, entry: Entry) -> Number:
        sizes = [MP.zero]
        for k, x in enumerate(point):
            for step in {abs(x) / 4, min(abs(x), 1.0) / 4}:
                up, down = (
                    true_derivatives(self.row, self.params, (*point[:k], x + side, *point[k + 1 :]))
                    for side in (step, -step)
                )
                if up is not None and down is not None and entry.of(up) * entry.of(down) < 0:
                    sizes += [abs(entry.of(up)), abs(entry.of(down))]
        return max(sizes)

    def _underflow(self, point: Point, truth: Derivatives, true: Number) -> Number:
        """A subnormal result has few digits; a subnormal factor is multiplied by x at most."""
        info = np.finfo(self.dtype)
        smallest, largest = float(info.smallest_normal), max(map(abs, point))
        size = smallest * min(max(1.0, largest), 1024.0)
        if largest > float(info.max) / 4:  # then hypot, say, may be infinite, and 1 / hypot nothing
            size = smallest / float(info.eps)
        if 0 < abs(truth.value) < smallest:
            size += abs(true) * smallest / abs(truth.value)
        return size


def alike(one: Any, other: Any) -> bool:
    """Whether two results are equal, or both undefined."""
    one, other = np.asarray(one), np.asarray(other)
    return bool(((one == other) | (np.isnan(one) & np.isnan(other))).all())


def shown(number: Number) -> str:
    """17 digits of a number of any size."""
    if number and abs(MP.mag(number)) > 10_000:
        return f"{'-' if number < 0 else ''}2**{MP.mag(number)}"
    return str(MP.nstr(number, 17))

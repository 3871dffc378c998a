"""How far a float is from the truth, in units in the last place, and how far it may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_bp.rules import Rule
from tests.rules.exact import MP, Number
from tests.rules.oracle import Derivatives
from tests.rules.points import Point, true_derivatives

Entry = Callable[[Derivatives], Number]


def error_in_ulp(found: float, true: Number, dtype: Any = np.float64, scale: Any = None) -> float:
    """The distance, in units in the last place of `scale` (of the truth, if None).

    Infinity for a nan, an infinity that should not be, or the wrong one. A truth beyond the
    largest float is an infinity.
    """
    info = np.finfo(dtype)
    found = float(np.asarray(found).reshape(()))
    if math.isnan(found):
        return math.inf
    largest = float(info.max)
    if math.isinf(found) or abs(true) > 2 * largest:
        beyond = abs(true) >= largest * (1 - 16 * float(info.eps))
        return 0.0 if beyond and math.isinf(found) and (found > 0) == (true > 0) else math.inf
    size = abs(true) if scale is None else max(abs(true), abs(scale))
    _, exponent = MP.frexp(size) if size else (0, info.minexp)
    ulp = MP.ldexp(MP.one, max(int(exponent) - 1, info.minexp)) * float(info.eps)
    return float(abs(MP.mpf(found) - true) / ulp)


@dataclass
class Judge:
    """Compares floats with the truth at points of one row, and remembers what was worst."""

    row: Rule
    params: tuple[Any, ...]
    ulp: float
    dtype: Any = np.float64
    backward: float = 0.0
    """So many units in the last place of the arguments may the answer be that of others."""
    worst: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def compare(self, what: str, point: Point, found: Any, truth: Derivatives, entry: Entry) -> None:
        """Note `found` as wrong unless it is within `ulp` of the entry of the truth.

        Two errors are measured by another size than the truth's own. Next to a zero of the entry,
        where it changes sign, digits cancel whatever one does: there by the entry nearby. And what
        was rounded among subnormal numbers on the way keeps that error.
        """
        self._compare(what, point, found, entry(truth), truth, entry)

    def same(
        self, what: str, point: Point, one: Any, other: Any, truth: Derivatives, entry: Entry
    ) -> None:
        """Note two results for the entry that are not within `ulp` of each other."""
        self._compare(what, point, one, MP.mpf(float(other)), truth, entry)

    def _compare(
        self, what: str, point: Point, found: Any, true: Number, truth: Derivatives, entry: Entry
    ) -> None:
        error = error_in_ulp(found, true, self.dtype)
        if self.ulp < error < math.inf:
            scale = max(
                self._size_around_a_zero(point, entry),
                self._underflow(point, truth, true),
                abs(true) * self.backward * _condition(point, truth) / self.ulp,
            )
            error = error_in_ulp(found, true, self.dtype, scale)
        self.worst = max(self.worst, error)
        if error > self.ulp:
            self.complaints.append(
                f"{what} of {self.row.name}{self.params} at {point}: {shown(found)}, but it is "
                f"{shown(true)}; {error:.3g} ulp off, {self.ulp:g} are allowed"
            )

    def _size_around_a_zero(self, point: Point, entry: Entry) -> Number:
        sizes = [MP.zero]
        for k, x in enumerate(point):
            for step in {abs(x) / 4, min(abs(x), 1.0) / 4}:
                up, down = (
                    true_derivatives(self.row, self.params, (*point[:k], x + side, *point[k + 1 :]))
                    for side in (step, -step)
                )
                if up is not None and down is not None and entry(up) * entry(down) < 0:
                    sizes += [abs(entry(up)), abs(entry(down))]
        return max(sizes)

    def _underflow(self, point: Point, truth: Derivatives, true: Number) -> Number:
        """A subnormal result has few digits; a subnormal factor is multiplied by x at most."""
        info = np.finfo(self.dtype)
        smallest = float(info.smallest_normal)
        allowed = smallest * min(max(1.0, *map(abs, point)), 1024.0)
        if 0 < abs(truth.value) < smallest:
            allowed += abs(true) * smallest / abs(truth.value)
        return allowed

    def verdict(self) -> None:
        """Fail if anything was wrong."""
        first = "\n".join(self.complaints[:8])
        assert not self.complaints, f"{len(self.complaints)} entries are wrong:\n{first}"


def alike(one: Any, other: Any) -> bool:
    """Whether two results are equal, or both undefined."""
    one, other = np.asarray(one), np.asarray(other)
    return bool(((one == other) | (np.isnan(one) & np.isnan(other))).all())


def _condition(point: Point, truth: Derivatives) -> Number:
    """By how much relative errors of the arguments grow, in the value and in its slopes."""

    def growth(size: Number, slopes: tuple[Number, ...]) -> Number:
        moved = sum(abs(x * slope) for x, slope in zip(point, slopes, strict=True))
        return moved / abs(size) if size else MP.zero

    grown = [growth(truth.value, truth.first), *map(growth, truth.first, truth.second)]
    return max(grown)


def shown(number: Number) -> str:
    """17 digits of a number of any size."""
    if number and abs(MP.mag(number)) > 10_000:
        return f"{'-' if number < 0 else ''}2**{MP.mag(number)}"
    return str(MP.nstr(number, 17))


def first_order(n: int) -> Iterator[tuple[int, Entry]]:
    """The entries of a gradient by n arguments."""
    for k in range(n):
        yield k, lambda truth, k=k: truth.first[k]  # type: ignore[misc]


def second_order(n: int) -> Iterator[tuple[int, int, Entry]]:
    """The entries of a Hessian by n arguments."""
    for i in range(n):
        for j in range(n):
            yield i, j, lambda truth, i=i, j=j: truth.second[i][j]  # type: ignore[misc]

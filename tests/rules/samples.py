"""Operands and parameters on which a row for arrays is tried, and what is true there.

Parameters are declared by name: a new row with an `axis` is tried with every axis. All shapes are
tried with all parameters; what the row's definition refuses is left out. Besides, a row is tried
with the calls that the kit has for it, in autograd_bp/testing/calls.py.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_bp.rules import ROWS, Rule
from autograd_bp.testing.calls import CALLS, calls_of, fitted
from autograd_bp.testing.differences import Derivatives, derivatives_of_each
from autograd_bp.testing.exact import MP, UndefinedError
from tests.rules.exact_arrays import EXACT_ARRAYS

Shape = tuple[int, ...]

SHAPES: tuple[Shape, ...] = ((), (0,), (1,), (3,), (2, 3), (3, 1), (1, 3), (2, 0), (2, 1, 2))

PARAMETERS: dict[str, tuple[Any, ...]] = {
    "axis": (None, 0, 1, -1, (0, 1), (-1, 0), ()),
    "keepdims": (False, True),
    "ddof": (0, 1),
    "p": (3.0, 1.5, -2.0),
    "shape": ((), (1,), (3,), (2, 3), (3, 2), (6,), (0,), (2, 0), (3, 2, 1)),
    "index": (
        0,
        -1,
        (),
        ...,
        None,
        slice(None, None, -2),
        slice(1, 1),
        (..., 0),
        (slice(None), slice(None, None, -1)),
        np.array([0, 2, 0]),
        np.array([], int),
        np.array([[1], [0]]),
        (np.array([1, 0, 1]), np.array([2, 2, 2])),
        (slice(None), np.array([1, 1])),
        (np.array([1, 1]), slice(1, None), None),
        np.array([True, False, True]),
        np.array([[True, False, True], [False, False, True]]),
        True,
    ),
    "axes": ((), (0,), (1, 0), (0, 1), (0, 2, 1), (2, 0, 1)),
    "shift": (1, -2, 7, (1, 2)),
    "dtype": (np.dtype(np.float64), np.dtype(np.float32)),
    "width": ((), ((1, 2),), ((0, 0),), ((1, 0), (2, 1)), ((0, 1), (0, 0), (1, 0))),
    "value": (0.0, -3.5),
    "subscripts": (
        "->",
        "i->i",
        "i,i->",
        "i,->i",
        "i,j->ij",
        "ij->ji",
        "ij,j->i",
        "ij,ik->jk",
        "ij,kj->ik",
        "ij,ij->",
        "ij,ij->ji",
        "i,i,i->i",
        "ij,j,i->",
        "ijk,j->ik",
    ),
}
"""Values for the parameters of rows, by name."""

MOST_ELEMENTS = 9


@dataclass(frozen=True)
class Sample:
    """A call of a row: the shapes of its operands, and its parameters."""

    row: Rule
    shapes: tuple[Shape, ...]
    params: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.row.name}{self.shapes}{self.params}"

    def exact(self, *flat: Any) -> Any:
        """The row on mpmath's numbers: elements of all operands in, an array out."""
        operands = []
        start = 0
        for shape in self.shapes:
            operand = np.empty(math.prod(shape), object)
            operand[:] = flat[start : start + operand.size]
            operands.append(operand.reshape(shape))
            start += operand.size
        result = np.empty((), object)
        forward = self.row.read(EXACT_ARRAYS).forward
        found = forward(*operands, *self.params)
        if isinstance(found, np.ndarray):
            return found
        result[()] = found
        return result


@functools.cache
def samples(name: str) -> tuple[Sample, ...]:
    """Every call of a row with the declared shapes and parameters that makes sense."""
    row = ROWS[name]
    try:
        row.read(EXACT_ARRAYS).forward  # noqa: B018
    except NameError as error:
        raise AssertionError(
            f"{name}: {error}: say in tests/rules/exact_arrays.py, EXACT_ARRAYS, what it is"
        ) from error
    found = [sample for sample in _products(row) if _makes_sense(sample)]
    if name in CALLS or not found:
        known = {(sample.shapes, repr(sample.params)) for sample in found}
        for call in calls_of(row):
            sample = Sample(row, *call)
            small = sum(map(math.prod, call.shapes)) <= MOST_ELEMENTS
            if small and (call.shapes, repr(call.params)) not in known:
                assert _makes_sense(sample), f"{sample}: neither the row nor its definition take it"
                found.append(sample)
    return tuple(found)


def _products(row: Rule) -> Iterator[Sample]:
    """All shapes with all values declared for the parameters, if they are all known by name."""
    if set(row.params) <= PARAMETERS.keys():
        choices = [PARAMETERS[parameter] for parameter in row.params]
        for shapes in _operand_shapes(row):
            for params in itertools.product(*choices):
                yield Sample(row, shapes, params)


def _operand_shapes(row: Rule) -> Iterator[tuple[Shape, ...]]:
    for n in (1, 2, 3) if row.variadic else (len(row.args),):
        for shapes in itertools.product(SHAPES, repeat=n):
            if sum(map(math.prod, shapes)) <= MOST_ELEMENTS:
                yield shapes


def _makes_sense(sample: Sample) -> bool:
    operands = fitted(sample.row, [np.ones(shape) for shape in sample.shapes])
    try:
        exact = sample.exact(*flat(operands))
        with np.errstate(all="ignore"):
            shape = np.shape(sample.row.array.forward(*operands, *sample.params))
    except (ValueError, IndexError, TypeError, UndefinedError, ZeroDivisionError):
        return False
    assert shape == exact.shape, f"{sample}: the result has shape {shape}, not {exact.shape}"
    return True


def flat(operands: Sequence[Any]) -> list[float]:
    """All elements of all operands, as floats."""
    return [float(x) for operand in operands for x in np.ravel(operand)]


def truth(sample: Sample, operands: Sequence[Any], patience: int = 7) -> list[Derivatives]:
    """For every element of the result the exact value and derivatives, by all elements.

    UndefinedError where there is no finite value, UnsettledError at a kink.
    """
    point = flat(operands)
    return derivatives_of_each(
        lambda *elements: sample.exact(*elements).ravel().tolist(), point, scales(point), patience
    )


def scales(point: Sequence[float]) -> list[Any]:
    """Per element how far it is from zero and from the others: a kink may be there."""
    found = []
    for k, x in enumerate(point):
        others = [abs(MP.mpf(x) - MP.mpf(y)) for y in (*point[:k], *point[k + 1 :], 0.0) if y != x]
        found.append(min([MP.one, *others]))
    return found


# -- operands -------------------------------------------------------------------------------------

Fill = Callable[[np.random.Generator, int], Any]


def _saturated(rng: np.random.Generator, n: int) -> Any:
    return rng.permutation(np.resize([700.25, 0.5, -745.125, 30.0, 699.5, -2.0, 1.0], n))


def _with_zeros(count: int) -> Fill:
    def fill(rng: np.random.Generator, n: int) -> Any:
        numbers = rng.normal(size=n)
        numbers[rng.permutation(n)[:count]] = 0.0
        return numbers

    return fill


REGULAR: dict[str, Fill] = {
    "numbers near 1": lambda rng, n: rng.normal(size=n),
    "numbers of all sizes": lambda rng, n: rng.choice([-1, 1], n) * 10 ** rng.uniform(-6, 3, n),
    "numbers far from zero, close together": lambda rng, n: 1e6 + rng.normal(size=n),
    "huge numbers": lambda rng, n: 1e160 * rng.normal(size=n),
    "tiny numbers": lambda rng, n: 1e-160 * rng.normal(size=n),
    "saturated numbers": _saturated,
}
"""Operands at which every row has derivatives, unless they are beyond the floats."""

DEGENERATE: dict[str, Fill] = {
    "a zero": _with_zeros(1),
    "two zeros": _with_zeros(2),
    "zeros": lambda _, n: np.zeros(n),
    "equal numbers": lambda _, n: np.full(n, 1.7),
    "ties": lambda rng, n: rng.permutation(np.resize([2.5, -1.0, 2.5, -1.0], n)),
}
"""Operands at some of which a row may have a kink."""


def filled(sample: Sample, fill: Fill, seed: int) -> list[Any]:
    """Operands for a call, from one filling of all their elements."""
    rng = np.random.default_rng(seed)
    sizes = [math.prod(shape) for shape in sample.shapes]
    numbers = np.split(fill(rng, sum(sizes)), np.cumsum(sizes)[:-1])
    drawn = [part.reshape(shape) for part, shape in zip(numbers, sample.shapes, strict=True)]
    return list(fitted(sample.row, drawn))

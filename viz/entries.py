"""Of which entries of its operands is one entry of a result made, and how?

The answer for the operations of arrays that have one in scalars: elementwise ones with
broadcasting, products of matrices, sums and means, and whatever only moves entries.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab

Entry = tuple[int, int]
"""Which operand, and the place of the entry in it in row-major order."""

# These move entries and do nothing else to them, so they can be asked with numbers for entries.
_MOVES: Final = frozenset(
    "getitem reshape transpose flip roll broadcast_to concatenate stack index_set astype".split()
)
_SUMS: Final = frozenset(("sum", "mean", "sum_to"))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an entry is made of `entries`.

    "copy": it is the one. "apply": the operation itself on them, one of each operand. "products":
    the sum of the products of the first and second, third and fourth, ... "sum" and "mean" of all.
    "opaque": some other way, with derivatives `partials`.
    """

    way: Literal["copy", "apply", "products", "sum", "mean", "opaque"]
    entries: tuple[Entry, ...]
    partials: tuple[float, ...] = ()


def recipes(node: ab.graph.Node) -> Callable[[int], Recipe]:
    """A function from the place of an entry of `node` to its recipe."""
    name = str(node.rule.name)
    kind = getattr(node.rule, "kind", None)
    shapes = [np.shape(argument) for argument in node.args]
    if kind == "elementwise":
        return _elementwise(np.shape(ab.graph.value(node)), shapes)
    if name == "matmul":
        return _matmul(shapes[0], shapes[1])
    if name in _SUMS:
        return _sum(node, shapes[0])
    if name in _MOVES and kind is not None:
        return _move(node, shapes)
    return lambda place: _opaque(node, place)


def _numbered(shape: Sequence[int], start: int = 0) -> NDArray[np.int64]:
    return start + np.arange(np.prod(shape, dtype=int)).reshape(shape)


def _elementwise(shape: Sequence[int], shapes: Sequence[Sequence[int]]) -> Callable[[int], Recipe]:
    places = [np.broadcast_to(_numbered(each), shape).ravel() for each in shapes]
    return lambda place: Recipe(
        "apply", tuple((operand, int(at[place])) for operand, at in enumerate(places))
    )


def _matmul(left: Sequence[int], right: Sequence[int]) -> Callable[[int], Recipe]:
    x, y = _numbered(left), _numbered(right)
    x = x[None, :] if x.ndim == 1 else x
    y = y[:, None] if y.ndim == 1 else y
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, y = np.broadcast_to(x, (*batch, *x.shape[-2:])), np.broadcast_to(y, (*batch, *y.shape[-2:]))
    # An axis that a vector lacks has length 1: the places are the same with it and without.
    shape = (*batch, x.shape[-2], y.shape[-1])

    def recipe(place: int) -> Recipe:
        *at, row, column = (int(each) for each in np.unravel_index(place, shape))
        factors = x[tuple(at)][row], y[tuple(at)][:, column]
        pairs = zip(factors[0].tolist(), factors[1].tolist(), strict=True)
        return Recipe("products", tuple(entry for a, b in pairs for entry in ((0, a), (1, b))))

    return recipe


def _sum(node: ab.graph.Node, shape: Sequence[int]) -> Callable[[int], Recipe]:
    result = _numbered(np.shape(ab.graph.value(node)))
    parameters = node.params
    if node.rule.name != "sum_to" and not parameters["keepdims"] and shape:
        axis = parameters["axis"]
        axes = range(len(shape)) if axis is None else np.atleast_1d(axis)
        result = np.expand_dims(result, tuple(int(each) for each in axes))
    spread = np.broadcast_to(result, shape).ravel()
    way: Literal["sum", "mean"] = "mean" if node.rule.name == "mean" else "sum"
    return lambda place: Recipe(way, tuple((0, int(at)) for at in np.flatnonzero(spread == place)))


def _move(node: ab.graph.Node, shapes: Sequence[Sequence[int]]) -> Callable[[int], Recipe]:
    sizes = [int(np.prod(shape, dtype=int)) for shape in shapes]
    starts = [0, *accumulate(sizes)]
    numbers: Any = [_numbered(shape, start) for shape, start in zip(shapes, starts, strict=False)]
    if node.rule.name != "astype":
        parameters = tuple(node.params.values())
        numbers = [node.rule.array.forward(*numbers, *parameters)]
    moved = np.asarray(numbers[0]).ravel()

    def recipe(place: int) -> Recipe:
        number = int(moved[place])
        operand = int(np.searchsorted(starts, number, side="right")) - 1
        return Recipe("copy", ((operand, number - starts[operand]),))

    return recipe


def _opaque(node: ab.graph.Node, place: int) -> Recipe:
    """The entries on which the entry depends, by its derivatives."""
    value = np.asarray(ab.graph.value(node))
    one = np.zeros(value.size, value.dtype)
    one[place] = 1
    cotangent: Any = one.reshape(value.shape)
    if isinstance(ab.graph.value(node), float):
        cotangent = 1.0
    entries: list[Entry] = []
    partials: list[float] = []
    for operand, sent in enumerate(ab.graph.contributions(node, cotangent)):
        if sent is not None:
            flat = np.ravel(sent)
            for at in np.flatnonzero(flat):
                entries.append((operand, int(at)))
                partials.append(float(flat[at]))
    return Recipe("opaque", tuple(entries), tuple(partials))

"""`viz.scalars`: one entry of an array, opened into the scalar graph that it is the result of."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp.functions.elementwise import operation
from viz.diagram import Diagram
from viz.drawing import draw
from viz.entries import Entry, Recipe, recipes

Index = int | Sequence[int]
_MOST_ENTRIES = 200_000


def scalars(output: ab.Tensor, index: Index = (), **options: Any) -> Diagram:
    """Draw how one entry of a result is made: the products and sums inside `x @ W + b`.

    What is a row of array operations becomes a graph of `Value`s (see `scalar_graph`), with the
    gradient of this one entry by every entry that it depends on.

    Args:
        output: the result of operations on Tensors.
        index: which entry: an integer for each axis, none for a result without axes.
        **options: those of `viz.draw`.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([[1.0, 2.0]], name="x")
    >>> W = ab.Tensor([[3.0, 4.0], [5.0, 6.0]], name="W")
    >>> scalars(x @ W, (0, 1))
    <viz.Diagram of 7 nodes and 6 edges>
    """
    entry = scalar_graph(output, index)
    if entry.requires_grad:
        entry.backward()
    return draw(entry, **options)


def scalar_graph(output: ab.Tensor, index: Index = ()) -> ab.Value:
    """One entry of a result as a `Value` with a graph of its own: for `viz.explain` and others.

    Its leaves are the entries of the Tensors it was computed from, named like `W[0, 1]`, in double
    precision. Elementwise operations, products of matrices, sums, means, and operations that only
    move entries are taken apart; of any other operation an entry is one opaque node on the entries
    that its derivative depends on, with that derivative. Gradients of gradients are not right
    through an opaque one.

    Raises:
        TypeError: `output` is not a Tensor, or `index` is not made of integers.
        IndexError: `index` is outside of the result, or does not have a number for each axis.
        ValueError: the entry is made of more than 200,000 others.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([1.0, 2.0], name="x")
    >>> entry = scalar_graph(ab.sum(x * x))
    >>> entry.backward()
    >>> {leaf.name: leaf.grad for leaf in ab.graph.topological_order(entry) if leaf.name}
    {'x[0]': 2.0, 'x[1]': 4.0}
    """
    if not isinstance(output, ab.Tensor):
        raise TypeError(f"viz.scalars opens an entry of a Tensor, not {type(output).__name__}")
    place = _place(index, output.shape)
    order = ab.graph.topological_order(output)
    wanted: dict[ab.graph.Node, dict[int, Recipe | None]] = {node: {} for node in order}
    wanted[output][place] = None
    count = 0
    for node in reversed(order):
        if node.rule is None or not wanted[node]:
            continue
        recipe_of = recipes(node)
        for entry in wanted[node]:
            recipe = recipe_of(entry)
            wanted[node][entry] = recipe
            count += len(recipe.entries)
            if count > _MOST_ENTRIES:
                raise ValueError(
                    f"this entry is made of more than {_MOST_ENTRIES:,} others: open one of an "
                    "earlier result, or of a smaller computation"
                )
            for operand, at in recipe.entries:
                wanted[node.parents[operand]].setdefault(at, None)
    made: dict[ab.graph.Node, dict[int, Any]] = {}
    for node in order:
        made[node] = {
            entry: _leaf(node, entry) if recipe is None else _result(node, entry, recipe, made)
            for entry, recipe in wanted[node].items()
        }
    result = made[output][place]
    # An entry that does not depend on any other, such as one of a border, is a plain number.
    return result if isinstance(result, ab.Value) else ab.Value(result, requires_grad=False)


def _place(index: Index, shape: tuple[int, ...]) -> int:
    """The place of an index in row-major order."""
    numbers = tuple(index) if isinstance(index, list | tuple) else (index,)
    if not all(
        isinstance(number, int | np.integer) and not isinstance(number, bool) for number in numbers
    ):
        raise TypeError(f"an index is an integer for each axis of shape {shape}; got {index!r}")
    if len(numbers) != len(shape):
        raise IndexError(
            f"a result of shape {shape} needs an index of {len(shape)} numbers; got {index!r}"
        )
    for number, length in zip(numbers, shape, strict=True):
        if not -length <= number < length:
            raise IndexError(f"index {index!r} is outside of a result of shape {shape}")
    wrapped = tuple(int(number) % length for number, length in zip(numbers, shape, strict=True))
    return int(np.ravel_multi_index(wrapped, shape)) if shape else 0


def _leaf(node: ab.graph.Node, place: int) -> Any:
    """The entry of something that was not computed; of a constant, the plain number."""
    number = float(np.ravel(ab.graph.value(node))[place])
    if ab.graph.is_constant(node):
        return number
    return ab.Value(number, name=_name(node, place), requires_grad=node.requires_grad)


def _name(node: ab.graph.Node, place: int) -> str | None:
    shape = np.shape(ab.graph.value(node))
    if not shape:
        return node.name
    at = ", ".join(str(int(number)) for number in np.unravel_index(place, shape))
    return f"{node.name or ''}[{at}]"


def _result(
    node: ab.graph.Node, place: int, recipe: Recipe, made: dict[ab.graph.Node, dict[int, Any]]
) -> Any:
    def entry(which: Entry) -> Any:
        return made[node.parents[which[0]]][which[1]]

    operands = [entry(which) for which in recipe.entries]
    if recipe.way == "opaque":
        value = float(np.ravel(ab.graph.value(node))[place])
        # A class of its own, for pictures to show the operation's name.
        kind = type(str(node.rule.name), (_Opaque,), {"symbol": str(node.rule.symbol)})
        result = kind(value, recipe.partials)(*operands) if operands else value
    elif recipe.way == "copy":
        result = operands[0]
    elif recipe.way == "apply":
        result = operation(node.rule, node.rule.name)(*operands, **node.params)
    else:
        terms = operands
        if recipe.way == "products":
            terms = [a * b for a, b in zip(operands[::2], operands[1::2], strict=True)]
        result = terms[0] if terms else 0.0
        for term in terms[1:]:
            result = result + term
        if recipe.way == "mean":
            result = result / float(len(terms))
    if node.name is not None and isinstance(result, ab.Value) and recipe.way != "copy":
        result.name = _name(node, place)
    return result


class _Opaque(ab.Function):
    """One entry of an operation on arrays, with the derivatives that it has there."""

    def __init__(self, value: float, partials: Sequence[float]) -> None:
        self.value, self.partials = value, partials

    def forward(self, *_operands: Any) -> Any:
        """The value that the operation on arrays has had."""
        return self.value

    def backward(self, g: Any) -> Any:
        """The derivatives that it has had."""
        return tuple(g * partial for partial in self.partials)

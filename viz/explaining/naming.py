"""What the nodes of a graph are called in formulas."""

from collections.abc import Iterable

import numpy as np

import autograd_bp as ab
from viz.explaining.algebra import Expression, Leaf, Written, number
from viz.explaining.printing import symbol


def named(nodes: Iterable[ab.graph.Node], output: ab.graph.Node) -> dict[ab.graph.Node, Written]:
    """A name for each of `nodes`, in the order of their making.

    Their own name where they have one; a second node of the same name gets a number, as in `x#2`.
    The others become t1, t2, ... (results), x1, ... (inputs) and c1, ... (constant arrays), names
    that nobody else has. A constant number has no name: it is called by its value.
    """
    ordered = sorted(nodes, key=lambda node: node.serial)
    taken = {str(node.name) for node in ordered if node.name}
    counts = {"t": 0, "x": 0, "c": 0}
    used: dict[str, int] = {}
    symbols: dict[ab.graph.Node, Written] = {}
    for node in ordered:
        name = node.name
        if not name and node is output:
            name = "output"
            while name in taken:
                name += "'"
        elif not name:
            kind = "t" if node.rule else "c" if ab.graph.is_constant(node) else "x"
            if kind == "c" and not np.shape(ab.graph.value(node)):
                continue
            while name is None or not name or name in taken:
                counts[kind] += 1
                name = f"{kind}{counts[kind]}"
        used[name] = used.get(name, 0) + 1
        symbols[node] = symbol(name if used[name] == 1 else f"{name}#{used[name]}")
    return symbols


def leaf(node: ab.graph.Node, symbols: dict[ab.graph.Node, Written]) -> Expression:
    """A node in a formula: its name, or its value."""
    known = symbols.get(node)
    return number(float(ab.graph.value(node))) if known is None else Leaf(known)

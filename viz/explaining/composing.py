"""Formulas of several steps: one step back after the others, and definitions in place of names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import autograd_bp as ab
from viz.explaining import rules
from viz.explaining.algebra import Expression, Leaf, Written, put_in, simplified

# So many generated names are put in; with more a formula is no longer easier to read.
_EXPANDED = 6
_ONES = Leaf(Written("ones", r"\mathbf{1}", "<mn>1</mn>"))


class TooLongError(Exception):
    """A formula would become too long to read."""


class Expansion(ast.NodeTransformer):
    """Puts the definition of each node in the place of its generated name."""

    def __init__(
        self, nodes: Mapping[int, ab.graph.Node], leaf_of: Callable[[ab.graph.Node], Expression]
    ) -> None:
        self.nodes = nodes
        self.leaf_of = leaf_of
        self.count = 0

    def visit_Leaf(self, tree: Leaf) -> Expression:
        """The definition of a node with a generated name; any other name as it is."""
        node = self.nodes.get(id(tree.written))
        if node is None:
            return tree
        self.count += 1
        if self.count > _EXPANDED:
            raise TooLongError
        operands = [self.visit(self.leaf_of(parent)) for parent in node.parents]
        return rules.definition(node, operands)


def applied(pull: Expression, carried: Expression) -> Expression:
    """The expression of one step back, with that of the steps before in place of `g`.

    A number spread over an array is that number times ones; ones drop out of elementwise products.
    """
    match pull:
        case ast.BinOp(left=left, op=ast.Mult(), right=factor) if not _is_number(factor):
            fed = applied(left, carried)
            if fed is _ONES or is_one(fed):
                return factor
            if isinstance(fed, ast.BinOp) and isinstance(fed.op, ast.Mult) and fed.right is _ONES:
                return ast.BinOp(fed.left, ast.Mult(), factor)
        case ast.Call(func=ast.Name(id="spread"), args=[inner]):
            number_ = simplified(put_in(inner, {"g": carried}), fractions=True)
            if is_one(number_):
                return _ONES
            if _is_number(number_):
                return ast.BinOp(number_, ast.Mult(), _ONES)
    return simplified(put_in(pull, {"g": carried}), fractions=True)


def is_one(tree: Expression | None) -> bool:
    """Whether an expression is the number 1."""
    return isinstance(tree, ast.Constant) and tree.value == 1


def _is_number(tree: Expression) -> bool:
    return all(
        isinstance(node, (ast.Constant, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop))
        for node in ast.walk(tree)
    )

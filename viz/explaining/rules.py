"""What a row of the sheet says about one operation, in the names of the graph at hand.

For numbers that is a local derivative, one factor of the chain rule. For arrays it is what the
operation does to a cotangent `g` on its way back: an expression, and the same in words.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np

import autograd_bp as ab
from viz.explaining.algebra import (
    Expression,
    Leaf,
    Written,
    decided,
    formula_tree,
    number,
    product,
    put_in,
    simplified,
)
from viz.explaining.printing import words
from viz.sheet import operation

Shape = tuple[int, ...]
# Rows that are written with a sign between or before their operands.
_SIGNS: Final = {"add", "sub", "mul", "div", "floor_divide", "mod", "pow", "neg", "reciprocal"}
_IN_WORDS: Final = {
    "sum": ("spread(g)", "copied to every entry that was summed"),
    "mean": ("spread(g / n)", "divided by the number of entries, and copied to each"),
    "reshape": ("reshape(g)", "reshaped back"),
    "transpose": ("T(g)", "with the axes put back in order"),
    "getitem": ("scatter(g)", "put back where it was taken from, zero elsewhere"),
    "scatter": ("g[index]", "taken where it was put"),
    "broadcast_to": ("sum_to(g)", "summed over the axes along which it was repeated"),
    "concatenate": ("block(g)", "the block that came from here"),
    "stack": ("slot(g)", "the slot that came from here"),
    "flip": ("flip(g)", "turned round again"),
    "roll": ("roll_back(g)", "rolled back"),
    "pad": ("inner(g)", "without the border"),
    "astype": ("g", "as it is, in the dtype from before"),
    "cumsum": ("reverse_cumsum(g)", "summed from the end: an entry is part of all sums after it"),
    "softmax": (
        "out * (g - sum(g * out, axis=axis))",
        "times the Jacobian diag(out) - out out^T of softmax",
    ),
    "log_softmax": ("g - softmax(x) * sum(g, axis=axis)", "less its sum, shared out by softmax"),
    "max": ("spread(g) * share(x == out)", "to the largest entries, which share it"),
    "min": ("spread(g) * share(x == out)", "to the smallest entries, which share it"),
    "prod": ("spread(g) * others(x)", "times the product of the other entries"),
    "cross_entropy": ("g * w * (softmax(x) - t)", "times softmax less the target, for each row"),
    "inv": ("-T(out) @ g @ T(out)", "between two inverses transposed, with its sign changed"),
    "det": ("g * out * T(inv(x))", "times the cofactors"),
    "convolve": ("correlate(g, others)", "correlated with the other operand"),
    "windows": ("overlap_add(g)", "added up where windows overlap"),
    "overlap_add": ("windows(g)", "taken where the windows were"),
    "index_set": ("part(g)", "the part that came from here"),
    "cumprod": ("cumprod_adjoint(g)", "times the products of the others, summed from the end"),
    "einsum": ("einsum(g, others)", "multiplied and summed with the other operands"),
}
# Where the sheet's form is chosen for accuracy, the one that everybody knows.
_IN_BOOKS: Final = {
    name: ast.parse(text, mode="eval").body
    for name, text in {"sigmoid": "out * (1 - out)", "tanh": "1 - out ** 2"}.items()
}


@dataclass(frozen=True, slots=True)
class Local:
    """How a result depends on one operand.

    `formula` is the local derivative in names, `numbers` the same in numbers, None where the rule
    has none or it is about arrays; `because` are the conditions that chose it, `also` is the form
    it has in books. `pull` is what is done with the cotangent `g`, `words` says the same.
    """

    formula: Expression | None
    numbers: Expression | None
    because: tuple[Expression, ...]
    also: Expression | None
    pull: Expression
    words: str


def definition(node: Any, operands: list[Expression]) -> Expression:
    """The result of an operation as an expression of its operands."""
    rule = node.rule
    if rule.name in _SIGNS:
        return put_in(
            formula_tree(rule.formula.bindings, rule.formula.expression),
            dict(zip(rule.args, operands, strict=True)),
        )
    if rule.name == "matmul":
        return ast.BinOp(operands[0], ast.MatMult(), operands[1])
    if rule.name == "square":
        return ast.BinOp(operands[0], ast.Pow(), ast.Constant(2))
    told = operation(node)
    assert told is not None
    given = [(key, text) for key, text in told.parameters if text not in ("None", "False")]
    if rule.name == "getitem" and isinstance(operands[0], Leaf):
        at = words(f"[{dict(given)['index'].strip('[()]')}]")
        array = operands[0].written
        return Leaf(Written(*map(operator.add, astuple(array), astuple(at))))
    keywords = [ast.keyword(key, Leaf(words(text))) for key, text in given]
    return ast.Call(ast.Name(str(rule.name)), list(operands), keywords)


def local(
    node: Any,
    position: int,
    names: list[Expression],
    values: list[float] | None,
    out: Leaf,
) -> Local:
    """How `node` depends on its operand number `position`.

    `names` are its operands as they are called; `values` the same as numbers, None for arrays.
    """
    rule = node.rule
    formula = _partial(rule, position)
    pull, told = _pull(node, position, names, out, formula)
    if formula is None or values is None:
        return Local(None, None, (), None, pull, told)
    params = _numeric(node.params)
    known = {**dict(zip(rule.args, values, strict=True)), **params, "out": _float(node)}
    because: list[Expression] = []
    chosen = decided(formula, known, because)
    if isinstance(chosen, (ast.Compare, ast.BoolOp)):  # True is 1: a gate, open or shut.
        gate = ast.IfExp(chosen, ast.Constant(1), ast.Constant(0))
        chosen = decided(gate, known, because)
    constants = {key: number(value) for key, value in params.items()}
    meanings = {**dict(zip(rule.args, names, strict=True)), **constants, "out": out}
    numbers = {key: number(value) for key, value in known.items()}
    return Local(
        simplified(put_in(chosen, meanings)),
        put_in(simplified(_keeping(chosen, constants, names, rule.args)), numbers),
        tuple(put_in(test, meanings) for test in because),
        put_in(_IN_BOOKS[rule.name], meanings) if rule.name in _IN_BOOKS else None,
        pull,
        told,
    )


def _keeping(
    tree: Expression, constants: Mapping[str, Expression], names: list[Expression], args: Any
) -> Expression:
    """Constants put in before simplifying, so that names and numbers lose the same factors."""
    fixed = {
        key: name
        for key, name in zip(args, names, strict=True)
        if isinstance(name, (ast.Constant, ast.UnaryOp))
    }
    return put_in(tree, {**constants, **fixed})


def _partial(rule: Any, position: int) -> Expression | None:
    """The local derivative by an operand as the rule has it, in the rule's own names."""
    partials = getattr(rule, "partials", ())
    if getattr(rule, "variadic", False) or position >= len(partials) or partials[position] is None:
        return None
    return formula_tree(partials[position].bindings, partials[position].expression)


def _pull(
    node: Any, position: int, names: list[Expression], out: Leaf, formula: Expression | None
) -> tuple[Expression, str]:
    rule = node.rule
    args = list(getattr(rule, "args", ()))
    given: Mapping[str, Expression] = dict(zip(args, names, strict=False)) | {"out": out}
    shapes = [np.shape(operand) for operand in node.args]
    kind = getattr(rule, "kind", None)
    if rule.name == "matmul":
        text, told = _product_pull(position, *(len(shape) for shape in shapes))
        return put_in(ast.parse(text, mode="eval").body, given), told
    if rule.name in _IN_WORDS:
        text, told = _IN_WORDS[rule.name]
        size = np.size(node.args[position]) / max(np.size(ab.graph.value(node)), 1)
        axis = node.params.get("axis")
        meanings = {
            **given,
            "n": number(size),
            "others": _others(names, position),
            "axis": ast.Constant(axis) if isinstance(axis, int) else ast.Name("axis"),
        }
        return put_in(ast.parse(text, mode="eval").body, meanings), told
    if formula is not None and kind in ("elementwise", "reduction"):
        carried: Expression = ast.Name("g")
        if kind == "reduction":
            carried = ast.Call(ast.Name("spread"), [carried], [])
        factor = simplified(put_in(_without(formula, node.params), given))
        tree = _negative(product([carried, factor]))
        told = _factor_words(factor)
        if kind == "elementwise":
            return _summed(tree, told, np.shape(ab.graph.value(node)), shapes[position])
        return tree, f"copied to every entry, {told}"
    pulled = getattr(rule, "vjp", ())
    if pulled and not rule.variadic and pulled[position] is not None:
        tree = formula_tree(pulled[position].bindings, pulled[position].expression)
        return simplified(put_in(_without(tree, node.params), given)), "by its own rule"
    backward = ast.Call(ast.Name(f"{rule.name}_backward"), [ast.Name("g")], [])
    return backward, f"by the backward of {rule.name}"


def _product_pull(position: int, left: int, right: int) -> tuple[str, str]:
    """The adjoint of `x @ y` by the number of axes of x and y."""
    if left == right == 1:
        return ("g * y", "times y") if position == 0 else ("g * x", "times x")
    if position == 0:
        if right == 1:
            return "outer(g, y)", "times y, as an outer product"
        return "g @ T(y)", "times the right factor transposed"
    if left == 1:
        return "outer(x, g)", "times x, as an outer product"
    return "T(x) @ g", "multiplied by the left factor transposed"


def _others(names: list[Expression], position: int) -> Expression:
    rest = [name for place, name in enumerate(names) if place != position]
    return ast.Tuple(rest) if len(rest) != 1 else rest[0]


def _factor_words(factor: Expression) -> str:
    if isinstance(factor, ast.Constant) and factor.value == 1:
        return "as it is"
    if isinstance(factor, ast.UnaryOp) and isinstance(factor.operand, ast.Constant):
        return "with its sign changed" if factor.operand.value == 1 else "times the factor"
    return "times the local derivative, entry by entry"


def _summed(tree: Expression, told: str, result: Shape, shape: Shape) -> tuple[Expression, str]:
    """The adjoint of broadcasting: a sum over the axes along which the operand was repeated."""
    if result == shape or math.prod(result) == math.prod(shape):
        return tree, told
    padded = (1,) * (len(result) - len(shape)) + shape
    axes = [
        axis for axis, (long, short) in enumerate(zip(result, padded, strict=True)) if long != short
    ]
    over: Expression = (
        ast.Constant(axes[0])
        if len(axes) == 1
        else ast.Tuple([ast.Constant(axis) for axis in axes])
    )
    total = ast.Call(ast.Name("sum"), [tree], [ast.keyword("axis", over)])
    named = " and ".join(map(str, axes))
    return total, f"{told}, then summed over axis {named}, along which it was repeated"


def _without(tree: Expression, params: Mapping[str, Any]) -> Expression:
    """Calls without the parameters of the operation: they are told where it is defined."""

    class Shorter(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> Expression:
            self.generic_visit(node)
            kept = [
                each for each in node.args if not (isinstance(each, ast.Name) and each.id in params)
            ]
            return ast.Call(node.func, kept, node.keywords)

    shorter: Expression = Shorter().visit(put_in(tree, {}))
    return put_in(shorter, {key: number(value) for key, value in _numeric(params).items()})


def _numeric(params: Mapping[str, Any]) -> dict[str, float]:
    """The parameters that are numbers; a truth value is none."""
    return {
        key: value
        for key, value in params.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _negative(tree: Expression) -> Expression:
    """`g * -1` as `-g`."""
    match tree:
        case ast.BinOp(
            left=left,
            op=ast.Mult(),
            right=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)),
        ):
            return ast.UnaryOp(ast.USub(), left)
    return tree


def _float(node: Any) -> float:
    return float(ab.graph.value(node))

"""What the rule sheet says of a node: its operation, and its local derivatives."""

import ast
from types import EllipsisType
from typing import Any, Final

import numpy as np

import autograd_bp as ab
from viz.picture import Local, Operation, Quantity
from viz.snapshots import snapshot

# What becomes of the gradient `g` of a result that is linear in its argument, in words.
_ADJOINTS: Final = {
    "matmul_left(g, x, y)": "g @ yᵀ",
    "matmul_right(g, x, y)": "xᵀ @ g",
    "spread(g, shape_of(x), axis, keepdims)": "g for every entry",
    "spread(g / count(x, axis), shape_of(x), axis, keepdims)": "g / n for every entry",
    "reshape(g, shape_of(x))": "g reshaped",
    "transpose(g, inverse_permutation(axes))": "gᵀ",
    "scatter(g, index, shape_of(x))": "g put back in place",
    "sum_to(g, shape_of(x))": "g summed",
    "broadcast_to(g, shape_of(x))": "g repeated",
}


def operation(node: ab.graph.Node) -> Operation | None:
    """The operation that made `node`; None for what was not computed."""
    rule = node.rule
    if rule is None:
        return None
    # A rule of the user's own (an `ab.Function`) need not have a formula or name its arguments.
    formula = getattr(rule, "formula", None)
    return Operation(
        name=str(rule.name),
        symbol=str(rule.symbol),
        formula=str(getattr(formula, "text", formula)) if formula else f"{rule.name}(…)",
        arguments=tuple(str(argument) for argument in getattr(rule, "args", ())),
        parameters=tuple((str(key), _parameter(value)) for key, value in node.params.items()),
    )


def local(node: ab.graph.Node, position: int) -> Local:
    """The derivative of the operation of `node` by its operand number `position`.

    >>> import autograd_bp as ab
    >>> local(ab.Value(3.0) * ab.Value(2.0), 0)
    Local(formula='y', value=Quantity(dtype='float64', shape=None, entries=(2.0,), ...))
    """
    rule = node.rule
    partials = getattr(rule, "partials", ())
    if position < len(partials) and partials[position] is not None and rule.kind == "elementwise":
        return Local(partials[position].text, _partial(node, position))
    backward = getattr(rule, "vjp", ())
    if not backward:
        return Local(f"backward of {rule.name}", None)
    formula = backward[0 if rule.variadic else position]
    if formula is None:
        return Local("0", None)
    if formula.text in _ADJOINTS:
        return Local(_ADJOINTS[formula.text], None)
    return Local(ast.unparse(ast.parse(formula.text)).replace("\n", "; "), None)


def _partial(node: ab.graph.Node, position: int) -> Quantity:
    rule, value = node.rule, ab.graph.value(node)
    parameters = tuple(node.params.values())
    try:
        number: Any = None
        if isinstance(value, float):
            number = rule.scalar.partials[position](value, *node.args, *parameters)
    except (ArithmeticError, ValueError):
        pass  # Where `math` has no answer, NumPy's is infinite or nan.
    if number is None:
        with np.errstate(all="ignore"):
            operands = [np.asarray(operand) for operand in (value, *node.args)]
            number = rule.array.partials[position](*operands, *parameters)
    array = np.asarray(number)
    if array.dtype.kind == "b":
        array = array.astype(np.float64)
    return snapshot(float(array) if array.ndim == 0 else array)


def _parameter(value: object) -> str:
    """A static parameter as text: an index as it is written between brackets, an array's shape."""
    if isinstance(value, slice):
        ends = [value.start, value.stop] + ([] if value.step is None else [value.step])
        return ":".join("" if end is None else str(end) for end in ends)
    if isinstance(value, tuple) and any(isinstance(part, (slice, EllipsisType)) for part in value):
        return f"[{', '.join(_parameter(part) for part in value)}]"
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    return " ".join(str(value).split())

"""A user's own operations: a row of one's own (`scalar_rule`), or a class (`Function`)."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_bp import tensor, value
from autograd_bp.derivatives import gradients, plain_node
from autograd_bp.functions.elementwise import operation
from autograd_bp.node import Node, OperationRule
from autograd_bp.operands import as_operand, check_dtype, tracer_of
from autograd_bp.operations import NODE, joined
from autograd_bp.recording import differentiable, state
from autograd_bp.rules import ARRAY, ROWS, SCALAR, Formula, FormulaError, Interval, Rule
from autograd_bp.rules.readings import COMPOSITES
from autograd_bp.rules.rule import elementwise, parse_signature
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value, is_number

BUILT_IN = frozenset(ROWS)
"""The rows of the engine: their names are taken."""


def scalar_rule(
    signature: str,
    formula: str,
    d: str | Iterable[str],
    *,
    symbol: str = "",
    domain: Interval | Iterable[Interval] = (),
    kinks: str | Iterable[str] = (),
    boundary: Mapping[tuple[float, ...], tuple[float, ...]] | None = None,
) -> Callable[..., Any]:
    """An elementwise operation from a formula and its partial derivatives.

    The row serves every reader that the rows of the engine serve: Values, Tensors, gradients of
    gradients, tangents, pictures, checks.

    Parameters
    ----------
    signature
        The name and the arguments, as in ``"swish(x; beta)"``; parameters after a semicolon are
        numbers that are not differentiated. A name alone takes the arguments from the formula, in
        the order in which they appear there.
    formula
        The result, in arithmetic, comparisons, ``a if c else b`` and any operation of `ab` by
        its name on the rule sheet, after ``name = ...;`` bindings if any.
    d
        The partial derivative by each argument, in order, in the same language; `out` is the
        result. One text for one argument.
    symbol
        How pictures show it; the name if empty.
    domain, kinks, boundary
        What a check of the rule should know: see `autograd_bp.rules.Rule`.

    Returns
    -------
    callable
        The operation, on Values, Tensors, arrays and numbers; `.rule` is the row.

    Raises
    ------
    FormulaError
        If a formula is not of the language, or names something unknown.
    ValueError
        If the name is that of an operation of the engine, or of one of the steps that formulas
        are made of.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> swish = scalar_rule(
    ...     "swish(x; beta)",
    ...     "x * sigmoid(beta * x)",
    ...     d="sigmoid(beta * x) + out * (1 - sigmoid(beta * x)) * beta",
    ... )
    >>> ab.grad(swish)(1.0, 1.0)
    0.9276705118714867
    """
    if "(" not in signature:
        signature = f"{signature.strip()}({', '.join(_arguments(Formula(formula)))})"
    parsed = parse_signature(signature)
    name = parsed.name
    if parsed.variadic:
        raise FormulaError(f"{signature!r}: an elementwise rule has a fixed number of arguments")
    if name in BUILT_IN:
        raise ValueError(f"{name!r} is an operation of the engine: choose another name")
    if name in COMPOSITES or any(name in space.primitives for space in (ARRAY, SCALAR, NODE)):
        raise ValueError(f"{name!r} means something else in formulas: choose another name")
    rule = elementwise(
        signature,
        formula,
        d=[d] if isinstance(d, str) else list(d),
        symbol=symbol,
        domain=[domain] if isinstance(domain, Interval) else domain,
        kinks=[kinks] if isinstance(kinks, str) else kinks,
        boundary=boundary,
    )
    called = {
        node.func.id
        for formula_ in (rule.formula, *rule.partials)
        if formula_ is not None
        for node in ast.walk(ast.parse(formula_.text.strip()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if both := called.intersection(rule.args + rule.params):
        raise FormulaError(f"{name}: {', '.join(sorted(both))} is an argument and called as well")
    before = ROWS.get(name)
    ROWS[name] = rule  # its formulas may name it
    try:
        _compile(rule)
    except BaseException as error:
        if before is None:
            del ROWS[name]
        else:
            ROWS[name] = before
        if isinstance(error, NameError):
            raise FormulaError(f"{name}: {error}") from None
        raise
    return operation(rule, name)


def _arguments(formula: Formula) -> list[str]:
    """The names in a formula that mean nothing else, in order of appearance."""
    arguments: list[str] = []
    bound: set[str] = set()
    for name, expression in (*formula.bindings, ("", formula.expression)):
        functions = {
            node.func.id
            for node in ast.walk(expression)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        found = [
            node
            for node in ast.walk(expression)
            if isinstance(node, ast.Name) and node.id not in functions | bound
        ]
        for node in sorted(found, key=lambda node: (node.lineno, node.col_offset)):
            known = node.id in arguments or node.id in ("pi", "inf", "nan", "ln2", "ln10")
            if not known:
                arguments.append(node.id)
        bound.add(name)
    return arguments


def _compile(rule: Rule) -> None:
    for namespace in (ARRAY, SCALAR, NODE):
        reading = rule.read(namespace)
        _ = (reading.forward, reading.partials, reading.vjp, reading.jvp)


class Function:
    """An operation as a class with `forward` and `backward`.

    `forward` takes plain numbers and arrays and returns one; `backward` takes the cotangent of the
    result and returns one cotangent per operand (None for zero). What `backward` needs is kept on
    `self`. Called on nodes, an instance records; every call works on a copy of the instance, so one
    layer can be used many times in a graph. Called by hand, `forward` and `backward` are the
    methods of an ordinary object.

    Should a gradient come out as nan, the sweep is repeated more carefully, and `backward` called a
    second time.

    Gradients of gradients come from running `forward` and `backward` again on nodes: write them
    in arithmetic, `ab` and NumPy, not `math`.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> class Multiply(ab.Function):
    ...     def forward(self, x, y):
    ...         self.x, self.y = x, y
    ...         return x * y
    ...     def backward(self, g):
    ...         return g * self.y, g * self.x
    >>> apple, n = ab.Value(100.0), ab.Value(2.0)
    >>> price = Multiply()(apple, n)
    >>> price.backward()
    >>> price, apple.grad, n.grad
    (Value(200.0, op='Multiply'), 2.0, 100.0)
    """

    symbol: str = ""

    def forward(self, *operands: Any) -> Any:
        """The result, from plain numbers and arrays."""
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def backward(self, g: Any) -> Any:
        """The cotangents of the operands, from that of the result."""
        raise NotImplementedError(f"{type(self).__name__} has no backward method")

    def __call__(self, *operands: Any, **settings: Any) -> Any:
        """Apply the operation; `settings` go to `forward` as they are."""
        operands = tuple(map(joined, operands))
        if (tracer := tracer_of(operands)) is not None:
            return tracer.user_function(self, operands, settings)
        for name, setting in settings.items():
            if isinstance(setting, Node):
                raise TypeError(
                    f"{type(self).__name__}: the setting {name} is a node, whose gradient would be "
                    "lost: pass it as an operand"
                )
        used = copy.copy(self)
        if not any(isinstance(operand, Node) for operand in operands):
            return used.forward(*operands, **settings)
        on_values = not any(isinstance(operand, Tensor) for operand in operands) and all(
            isinstance(operand, Value) or is_number(operand) for operand in operands
        )
        args = tuple(_argument(operand, on_values) for operand in operands)
        parents = tuple(operand if isinstance(operand, Node) else None for operand in operands)
        with np.errstate(all="warn", under="ignore"):  # NumPy's own choice
            data = used.forward(*args, **settings)
        data = _result(data, type(self).__name__, on_values)
        needed = any(parent is not None and parent.requires_grad for parent in parents)
        if not (needed and state.recording):
            return Value(data, None, False) if on_values else tensor.result(data)
        record = value.record if on_values else tensor.record
        return record(_FunctionRule(used, settings, len(operands)), args, parents, (), data)


def _argument(operand: Any, on_values: bool) -> Any:
    if on_values:
        return operand._value if isinstance(operand, Node) else float(operand)
    if isinstance(operand, Tensor):
        array = operand._operand().view()
        array.flags.writeable = False  # forward may not change what the graph holds
        return array
    if isinstance(operand, Value):
        return operand._value
    plain = as_operand(operand)
    return plain.copy() if isinstance(plain, np.ndarray) else plain


def _result(data: Any, name: str, on_values: bool) -> Any:
    if isinstance(data, Node):
        if data.requires_grad:
            raise TypeError(
                f"{name}.forward used a node that is not an operand, whose gradient would be lost: "
                "pass it as an operand"
            )
        data = data._value
    if isinstance(data, tuple | list) or data is None:
        raise TypeError(
            f"{name}.forward returned {type(data).__name__}: it must return one number or array"
        )
    if on_values:
        return value.as_float(data)
    array = np.array(data)
    check_dtype(array, data)
    return array


class _FunctionRule:
    """One application of a Function, in the place of a row."""

    params = ()
    args: tuple[str, ...]

    def __init__(self, function: Function, settings: dict[str, Any], n: int) -> None:
        self.function = function
        self._settings = settings
        self.name = type(function).__name__
        self.symbol = function.symbol or self.name
        self.args = _argument_names(function, n)
        self.formula = f"{self.name}({', '.join(self.args)})"

    def pull(self, node: Node, cotangent: Any, wanted: Sequence[bool]) -> list[Any]:
        given = cotangent.copy() if isinstance(cotangent, np.ndarray) else cotangent
        with np.errstate(all="warn", under="ignore"):  # NumPy's own choice
            returned = self.function.backward(given)
        shapes = [np.shape(arg) for arg in node.args]
        contributions = self._checked(returned, shapes)
        return [
            (np.zeros(shape) if g is None else g) if flag else None
            for g, shape, flag in zip(contributions, shapes, wanted, strict=True)
        ]

    def pull_nodes(
        self, node: Node, cotangent: Any, operands: Sequence[Any], wanted: Sequence[bool]
    ) -> list[Any]:
        again = copy.copy(self.function)
        with differentiable(f"{self.name}, differentiated a second time,"):
            again.forward(*operands, **self._settings)
            returned = again.backward(cotangent)
        contributions = self._checked(returned, [np.shape(arg) for arg in node.args])
        return [g if flag else None for g, flag in zip(contributions, wanted, strict=True)]

    def push(self, node: Node, tangents: Sequence[Any]) -> Any:
        pushed = self.push_nodes(node, tangents, node.args)
        return None if pushed is None else pushed._value

    def push_nodes(self, node: Node, tangents: Sequence[Any], operands: Sequence[Any]) -> Any:
        return push_by_transposition(self, node, tangents, operands)

    def _checked(self, returned: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
        """One contribution per operand, each of the operand's shape."""
        contributions = list(returned) if isinstance(returned, tuple | list) else [returned]
        if len(contributions) != len(shapes):
            raise ValueError(
                f"{self.name}.backward returned {len(contributions)} gradients for {len(shapes)} "
                "operands: it must return one for each (None for zero)"
            )
        for argument, g, shape in zip(self.args, contributions, shapes, strict=True):
            if g is not None and not isinstance(g, int | float | np.number | np.ndarray | Node):
                raise TypeError(
                    f"{self.name}.backward returned {type(g).__name__} as the gradient by "
                    f"{argument}: it must be a number or an array"
                )
            if isinstance(g, np.ndarray):
                check_dtype(g, g)
            found = getattr(g, "shape", ())
            if g is not None and found != shape and not (np.prod(found) == np.prod(shape) == 1):
                raise ValueError(
                    f"{self.name}.backward returned a gradient of shape {found} by {argument}, "
                    f"which has shape {shape}: they must be the same (sum over the axes that were "
                    "broadcast)"
                )
        return contributions

    def __deepcopy__(self, memo: dict[int, Any]) -> _FunctionRule:
        return self


def push_by_transposition(
    rule: OperationRule, node: Node, tangents: Sequence[Any], operands: Sequence[Any]
) -> Any:
    """J t as the derivative of <J^T v, t> by v, in which it is linear: from a VJP alone."""
    v: Node = Value(0.0) if isinstance(node, Value) else Tensor(node._zero())
    pulled = rule.pull_nodes(node, v, operands, [tangent is not None for tangent in tangents])
    total: Any = None
    for contribution, tangent in zip(pulled, tangents, strict=True):
        if contribution is None or tangent is None:
            continue
        product = contribution * tangent
        piece = product.sum() if isinstance(product, Tensor) else product
        total = piece if total is None else total + piece
    if not isinstance(total, Node) or not total.requires_grad:
        return plain_node(node, node._zero())
    (tangent,) = gradients(total, [v], create_graph=True)
    return tangent


def _argument_names(function: Function, n: int) -> tuple[str, ...]:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [
        name
        for name, parameter in inspect.signature(function.forward).parameters.items()
        if parameter.kind in positional
    ]
    return tuple(names[i] if i < len(names) else f"x{i}" for i in range(n))

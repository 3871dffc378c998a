"""The rows of the sheet as nodes of ONNX.

A row that ONNX has is one node; an elementwise one that it has not is written out by its formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.passes.expand import NotExpressibleError, written
from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Size
from autograd_bp.export.errors import ExportError, operation_name
from autograd_bp.export.onnx_graph import onnx_type
from autograd_bp.export.onnx_indexing import flipped, indexed, rolled, windows
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import reduced_axes

Emit = Callable[[Any, Instruction], str]

_SIMPLE = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "chain": "Mul",
    "chain_both": "Mul",
    "div": "Div",
    "neg": "Neg",
    "abs": "Abs",
    "sign": "Sign",
    "pow": "Pow",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "arcsin": "Asin",
    "arccos": "Acos",
    "arctan": "Atan",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "tanh": "Tanh",
    "arcsinh": "Asinh",
    "arccosh": "Acosh",
    "arctanh": "Atanh",
    "floor": "Floor",
    "ceil": "Ceil",
    "rint": "Round",
    "reciprocal": "Reciprocal",
    "maximum": "Max",
    "minimum": "Min",
    "sigmoid": "Sigmoid",
    "relu": "Relu",
    "softplus": "Softplus",
    "identity": "Identity",
    "matmul": "MatMul",
    "chain_matmul": "MatMul",
    "chain_matmul_both": "MatMul",
    "det": "Det",
    "np.add": "Add",
    "np.subtract": "Sub",
    "np.multiply": "Mul",
    "np.true_divide": "Div",
    "np.negative": "Neg",
    "np.power": "Pow",
    "np.maximum": "Max",
    "np.minimum": "Min",
    "np.absolute": "Abs",
    "np.greater": "Greater",
    "np.greater_equal": "GreaterOrEqual",
    "np.less": "Less",
    "np.less_equal": "LessOrEqual",
    "np.equal": "Equal",
    "np.logical_and": "And",
    "np.logical_or": "Or",
    "np.logical_not": "Not",
    "np.bitwise_and": "And",
    "np.bitwise_or": "Or",
    "np.invert": "Not",
    "np.isnan": "IsNaN",
    "np.sqrt": "Sqrt",
    "np.exp": "Exp",
    "np.log": "Log",
    "np.sign": "Sign",
    "np.floor": "Floor",
    "np.ceil": "Ceil",
    "np.rint": "Round",
    "np.tanh": "Tanh",
    "np.sin": "Sin",
    "np.cos": "Cos",
}
"""One node, with the operands as inputs."""


def emit(graph: Any, instruction: Instruction) -> str:
    """The name of the result of an instruction; ExportError, naming it, if ONNX has none such."""
    op = instruction.op
    if op in _OTHERS:
        return _OTHERS[op](graph, instruction)
    if op in _SIMPLE:
        found: str = graph.add(_SIMPLE[op], *_operands(graph, instruction))
        return found
    rule = ROWS.get(op)
    if rule is not None and rule.kind == "elementwise":
        return _written_out(graph, instruction)
    name = operation_name(instruction)
    raise ExportError(f"{graph.recorded.program.name}: ONNX has no counterpart of {name}")


def has_counterpart(name: str) -> bool:
    """Whether a row can be written in ONNX, as far as can be told without its operands."""
    if name in _OTHERS or name in _SIMPLE:
        return True
    rule = ROWS.get(name)
    if rule is None or rule.kind != "elementwise":
        return False
    build = Builder()
    meanings: dict[str, Any] = {arg: Var((2,), np.float64) for arg in rule.args}
    meanings.update(dict.fromkeys(rule.params, 1.0))
    try:
        written(build, rule.formula, meanings)
    except (NotExpressibleError, KeyError, RecursionError):
        return False
    return all(i.op in _OTHERS or i.op in _SIMPLE for i in build.instructions)


def node_of(name: str) -> str | None:
    """The one kind of node that a row is; None if it is several."""
    return _SIMPLE.get(name)


def _operands(graph: Any, instruction: Instruction) -> list[str]:
    """The operands; numbers in the dtype of the arrays they meet."""
    dtype = next(
        (x.dtype for x in instruction.operands if isinstance(x, Var) and x.dtype.kind == "f"),
        next((x.dtype for x in instruction.operands if isinstance(x, Var)), None),
    )
    if dtype is not None and dtype.kind == "b" and instruction.op not in _LOGICAL:
        dtype = np.dtype(float)
    names = []
    for x in instruction.operands:
        name = graph.operand(x, dtype)
        if isinstance(x, Var) and dtype is not None and x.dtype.kind != dtype.kind:
            name = _cast(graph, name, dtype)
        names.append(name)
    return names


_LOGICAL = frozenset(
    f"np.{name}"
    for name in "logical_and logical_or logical_not bitwise_and bitwise_or invert".split()
)


def _cast(graph: Any, name: str, dtype: Any) -> str:
    found: str = graph.add("Cast", name, to=onnx_type(graph.cast_dtype(dtype)))
    return found


def _written_out(graph: Any, instruction: Instruction) -> str:
    """An elementwise row by its formula."""
    rule = ROWS[instruction.op]
    build = Builder()
    meanings: dict[str, Any] = dict(zip(rule.args, instruction.operands, strict=True))
    meanings.update(zip(rule.params, instruction.params, strict=True))
    try:
        result = written(build, rule.formula, meanings)
    except (NotExpressibleError, KeyError, RecursionError):
        raise ExportError(
            f"{graph.recorded.program.name}: ONNX has no counterpart of {rule.name!r}"
        ) from None
    for step in build.instructions:
        assert step.out is not None
        graph.values[step.out] = emit(graph, step)
    found: str = graph.operand(result)
    return found


# -- elementwise ----------------------------------------------------------------------------------


def _unary(make: Callable[[Any, str], str]) -> Emit:
    return lambda graph, i: make(graph, _operands(graph, i)[0])


def _binary(make: Callable[[Any, str, str], str]) -> Emit:
    return lambda graph, i: make(graph, *_operands(graph, i))


def _where(graph: Any, instruction: Instruction) -> str:
    condition, x, y = instruction.operands
    name = graph.operand(condition)
    if isinstance(condition, Var) and condition.dtype.kind != "b":
        zero = graph.number(0, condition.dtype)
        name = graph.add("Not", graph.add("Equal", name, zero))
    assert instruction.out is not None
    dtype = instruction.out.dtype
    branches = []
    for branch in (x, y):
        text = graph.operand(branch, dtype)
        if isinstance(branch, Var) and branch.dtype.kind != dtype.kind:
            text = _cast(graph, text, dtype)
        branches.append(text)
    found: str = graph.add("Where", name, *branches)
    return found


def _times(number: float) -> Callable[[Any, str], str]:
    return lambda g, x: g.add("Mul", x, g.number(number))


def _log1p(g: Any, x: str) -> str:
    found: str = g.add("Log", g.add("Add", x, g.number(1.0)))
    return found


def _normal_cdf(g: Any, x: str) -> str:
    inner = g.add("Erf", g.add("Mul", x, g.number(math.sqrt(0.5))))
    found: str = g.add("Mul", g.add("Add", inner, g.number(1.0)), g.number(0.5))
    return found


def _normal_pdf(g: Any, x: str) -> str:
    power = g.add("Exp", g.add("Mul", g.add("Mul", x, x), g.number(-0.5)))
    found: str = g.add("Mul", power, g.number(1 / math.sqrt(2 * math.pi)))
    return found


def _sinc(g: Any, x: str) -> str:
    zero = g.add("Equal", x, g.number(0.0))
    z = g.add("Where", zero, g.number(1.0), g.add("Mul", x, g.number(math.pi)))
    found: str = g.add("Where", zero, g.number(1.0), g.add("Div", g.add("Sin", z), z))
    return found


def _cbrt(g: Any, x: str) -> str:
    root = g.add("Pow", g.add("Abs", x), g.number(1 / 3))
    found: str = g.add("Mul", g.add("Sign", x), root)
    return found


def _logaddexp(scale: float) -> Callable[[Any, str, str], str]:
    def make(g: Any, x: str, y: str) -> str:
        apart = g.add("Neg", g.add("Abs", g.add("Sub", x, y)))
        if scale == 1.0:
            return str(g.add("Add", g.add("Max", x, y), g.add("Softplus", apart)))
        inner = g.add("Softplus", g.add("Mul", apart, g.number(scale)))
        return str(g.add("Add", g.add("Max", x, y), g.add("Div", inner, g.number(scale))))

    return make


def _hypot(g: Any, x: str, y: str) -> str:
    found: str = g.add("Sqrt", g.add("Add", g.add("Mul", x, x), g.add("Mul", y, y)))
    return found


def _arctan2(g: Any, y: str, x: str) -> str:
    zero, half, whole = g.number(0.0), g.number(math.pi / 2), g.number(math.pi)
    flat = g.add("Equal", x, zero)
    angle = g.add("Atan", g.add("Div", y, g.add("Where", flat, g.number(1.0), x)))
    up = g.add("Less", y, zero)
    turn = g.add("Where", up, g.add("Neg", whole), whole)
    sideways = g.add("Mul", g.add("Sign", y), half)
    left = g.add("Add", angle, turn)
    found: str = g.add("Where", flat, sideways, g.add("Where", g.add("Less", x, zero), left, angle))
    return found


def _floor_divide(g: Any, x: str, y: str) -> str:
    found: str = g.add("Floor", g.add("Div", x, y))
    return found


def _mod(g: Any, x: str, y: str) -> str:
    found: str = g.add("Sub", x, g.add("Mul", _floor_divide(g, x, y), y))
    return found


def _trunc(g: Any, x: str) -> str:
    found: str = g.add("Mul", g.add("Sign", x), g.add("Floor", g.add("Abs", x)))
    return found


def _copysign(g: Any, x: str, y: str) -> str:
    size = g.add("Abs", x)
    found: str = g.add("Where", g.add("Less", y, g.number(0.0)), g.add("Neg", size), size)
    return found


def _heaviside(g: Any, x: str, y: str) -> str:
    zero = g.number(0.0)
    step = g.add("Where", g.add("Less", x, zero), zero, g.number(1.0))
    found: str = g.add("Where", g.add("Equal", x, zero), y, step)
    return found


def _passing_nan(op: str) -> Callable[[Any, str, str], str]:
    def make(g: Any, x: str, y: str) -> str:
        both = g.add(op, x, y)
        rest = g.add("Where", g.add("IsNaN", y), x, both)
        return str(g.add("Where", g.add("IsNaN", x), y, rest))

    return make


def _isfinite(g: Any, x: str) -> str:
    found: str = g.add("Not", g.add("Or", g.add("IsInf", x), g.add("IsNaN", x)))
    return found


def _with_parameter(op: str, name: str) -> Emit:
    return lambda g, i: g.add(op, g.operand(i.operands[0]), **{name: float(i.params[0])})


# -- shapes ---------------------------------------------------------------------------------------


def _x(graph: Any, instruction: Instruction) -> tuple[str, Var]:
    x = instruction.operands[0]
    if not isinstance(x, Var):
        raise ExportError(f"{graph.recorded.program.name}: {instruction.op!r} of a number")
    return graph.values[x], x


def _expanded(graph: Any, x: str, shape: Sequence[Any]) -> str:
    found: str = graph.add("Expand", x, graph.ints(shape))
    return found


def _broadcast(graph: Any, instruction: Instruction) -> str:
    return _expanded(graph, graph.operand(instruction.operands[0]), instruction.params[0])


def _spread(graph: Any, instruction: Instruction) -> str:
    name, _ = _x(graph, instruction)
    shape, axis, keepdims = instruction.params
    if not keepdims:
        axes = reduced_axes(axis, len(shape))
        name = graph.reshaped(name, [1 if k in axes else n for k, n in enumerate(shape)])
    return _expanded(graph, name, shape)


def _sum_to(graph: Any, instruction: Instruction) -> str:
    name, x = _x(graph, instruction)
    (shape,) = instruction.params
    added = len(x.shape) - len(shape)
    axes = [k for k in range(len(x.shape)) if k < added or (shape[k - added] == 1)]
    if axes:
        name = graph.add("ReduceSum", name, graph.ints(axes), keepdims=1)
    return str(graph.reshaped(name, shape))


def _reduction(op: str) -> Emit:
    def make(graph: Any, instruction: Instruction) -> str:
        name, x = _x(graph, instruction)
        axis, keepdims = instruction.params[-2:]
        return _reduced(graph, op, name, x, axis, keepdims)

    return make


def _reduced(graph: Any, op: str, name: str, x: Var, axis: Any, keepdims: bool) -> str:
    axes = reduced_axes(axis, len(x.shape))
    if not axes:
        name = graph.reshaped(name, [1, *graph.shape(x)])
        return str(graph.add(op, name, graph.ints([0]), keepdims=0))
    return str(graph.add(op, name, graph.ints(axes), keepdims=int(keepdims)))


def _variance(graph: Any, instruction: Instruction) -> str:
    name, x = _x(graph, instruction)
    axis, ddof, keepdims = instruction.params
    axes = reduced_axes(axis, len(x.shape))
    apart = graph.add("Sub", name, _reduced(graph, "ReduceMean", name, x, axes, True))
    squares = graph.add("Mul", apart, apart)
    found = _reduced(graph, "ReduceMean", squares, x, axes, keepdims)
    if ddof:
        lengths = [graph.shape(x)[k] for k in axes]
        if any(isinstance(n, Size) for n in lengths):
            raise ExportError("var with ddof over the samples of a batch of any size")
        n = math.prod(lengths)
        found = graph.add("Mul", found, graph.number(n / (n - ddof)))
    return found


def _std(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add("Sqrt", _variance(graph, instruction))
    return found


def _norm_p(graph: Any, instruction: Instruction) -> str:
    name, x = _x(graph, instruction)
    p, axis, keepdims = instruction.params
    powers = graph.add("Pow", graph.add("Abs", name), graph.number(float(p)))
    total = _reduced(graph, "ReduceSum", powers, x, axis, keepdims)
    found: str = graph.add("Pow", total, graph.number(1.0 / p))
    return found


def _softmax(op: str) -> Emit:
    def make(graph: Any, instruction: Instruction) -> str:
        name, x = _x(graph, instruction)
        axes = reduced_axes(instruction.params[0], len(x.shape))
        if len(axes) == 1:
            return str(graph.add(op, name, axis=axes[0]))
        largest = _reduced(graph, "ReduceMax", name, x, axes, True)
        shifted = graph.add("Sub", name, largest)
        power = graph.add("Exp", shifted)
        total = _reduced(graph, "ReduceSum", power, x, axes, True)
        if op == "Softmax":
            return str(graph.add("Div", power, total))
        return str(graph.add("Sub", shifted, graph.add("Log", total)))

    return make


def _cumsum(graph: Any, instruction: Instruction) -> str:
    name, _ = _x(graph, instruction)
    axis = graph.array(np.array(instruction.params[0], np.int64), "axis")
    found: str = graph.add("CumSum", name, axis)
    return found


def _transpose(graph: Any, instruction: Instruction) -> str:
    name, x = _x(graph, instruction)
    axes = instruction.params[0] or range(len(x.shape))
    found: str = graph.add("Transpose", name, perm=[int(k) % len(x.shape) for k in axes]) \
        if len(x.shape) else name  # fmt: skip
    return found


def _reshape(graph: Any, instruction: Instruction) -> str:
    return str(graph.reshaped(graph.operand(instruction.operands[0]), instruction.params[0]))


def _concatenate(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add(
        "Concat", *_operands(graph, instruction), axis=int(instruction.params[0])
    )
    return found


def _stack(graph: Any, instruction: Instruction) -> str:
    assert instruction.out is not None
    axis = int(instruction.params[0]) % len(instruction.out.shape)
    axes = graph.ints([axis])
    parts = [graph.add("Unsqueeze", x, axes) for x in _operands(graph, instruction)]
    found: str = graph.add("Concat", *parts, axis=axis)
    return found


def _pad(graph: Any, instruction: Instruction) -> str:
    name, x = _x(graph, instruction)
    width, value = instruction.params
    if not width:
        return name
    widths = [a for a, _ in width] + [b for _, b in width]
    found: str = graph.add("Pad", name, graph.ints(widths), graph.number(float(value), x.dtype))
    return found


def _astype(graph: Any, instruction: Instruction) -> str:
    name, _ = _x(graph, instruction)
    return _cast(graph, name, instruction.params[0])


def _item(graph: Any, instruction: Instruction) -> str:
    return str(graph.reshaped(_x(graph, instruction)[0], ()))


def _einsum(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add("Einsum", *_operands(graph, instruction), equation=instruction.params[0])
    return found


def _cross_entropy(graph: Any, instruction: Instruction) -> str:
    name, x = _x(graph, instruction)
    labels, weights = instruction.params
    logs = graph.add("LogSoftmax", name, axis=len(x.shape) - 1)
    places = graph.values[labels] if isinstance(labels, Var) else graph.array(labels)
    column = graph.add("Unsqueeze", _cast(graph, places, np.int64), graph.ints([len(x.shape) - 1]))
    losses = graph.add("Neg", graph.add("GatherElements", logs, column, axis=len(x.shape) - 1))
    if weights is None:
        return str(graph.add("Squeeze", losses, graph.ints([len(x.shape) - 1])))
    if isinstance(weights, np.ndarray):
        weight = graph.array(weights)
    else:
        weight = graph.operand(weights, x.dtype)
    weighted = graph.add("Mul", losses, weight)
    axes = graph.ints(range(len(x.shape)))
    found: str = graph.add("ReduceSum", weighted, axes, keepdims=0)
    return found


def _soft_cross_entropy(graph: Any, instruction: Instruction) -> str:
    x, p = instruction.operands
    assert isinstance(x, Var)
    last = len(x.shape) - 1
    logs = graph.add("LogSoftmax", graph.operand(x), axis=last)
    total = graph.add(
        "ReduceSum", graph.add("Mul", logs, graph.operand(p)), graph.ints([last]), keepdims=0
    )
    found: str = graph.add("Neg", total)
    return found


def _full(graph: Any, instruction: Instruction) -> str:
    shape, value, dtype = instruction.params
    return _expanded(graph, graph.operand(value, dtype), shape)


def _not_equal(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add("Not", graph.add("Equal", *_operands(graph, instruction)))
    return found


_ELEMENTWISE: dict[str, Emit] = {
    "square": _unary(lambda g, x: g.add("Mul", x, x)),
    "log1p": _unary(_log1p),
    "expm1": _unary(lambda g, x: g.add("Sub", g.add("Exp", x), g.number(1.0))),
    "exp2": _unary(lambda g, x: g.add("Exp", g.add("Mul", x, g.number(math.log(2))))),
    "log2": _unary(lambda g, x: _times(1 / math.log(2))(g, g.add("Log", x))),
    "log10": _unary(lambda g, x: _times(1 / math.log(10))(g, g.add("Log", x))),
    "cbrt": _unary(_cbrt),
    "logaddexp": _binary(_logaddexp(1.0)),
    "logaddexp2": _binary(_logaddexp(math.log(2))),
    "hypot": _binary(_hypot),
    "arctan2": _binary(_arctan2),
    "mod": _binary(_mod),
    "floor_divide": _binary(_floor_divide),
    "fmod": _binary(lambda g, x, y: g.add("Mod", x, y, fmod=1)),
    "trunc": _unary(_trunc),
    "copysign": _binary(_copysign),
    "heaviside": _binary(_heaviside),
    "fmax": _binary(_passing_nan("Max")),
    "fmin": _binary(_passing_nan("Min")),
    "sinc": _unary(_sinc),
    "isfinite": _unary(_isfinite),
}

_OTHERS: dict[str, Emit] = {
    **{name: make for name, make in _ELEMENTWISE.items() if name != "isfinite"},
    **{f"np.{'remainder' if name == 'mod' else name}": make for name, make in _ELEMENTWISE.items()},
    "silu": _unary(lambda g, x: g.add("Mul", x, g.add("Sigmoid", x))),
    "gelu": _unary(lambda g, x: g.add("Mul", x, _normal_cdf(g, x))),
    "gelu_tanh": _unary(lambda g, x: g.add("Gelu", x, approximate="tanh")),
    "normal_cdf": _unary(_normal_cdf),
    "normal_pdf": _unary(_normal_pdf),
    "leaky_relu": _with_parameter("LeakyRelu", "alpha"),
    "elu": _with_parameter("Elu", "alpha"),
    "where": _where,
    "np.where": _where,
    "np.not_equal": _not_equal,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast,
    "spread": _spread,
    "sum_to": _sum_to,
    "sum": _reduction("ReduceSum"),
    "mean": _reduction("ReduceMean"),
    "prod": _reduction("ReduceProd"),
    "max": _reduction("ReduceMax"),
    "min": _reduction("ReduceMin"),
    "norm2": _reduction("ReduceL2"),
    "logsumexp": _reduction("ReduceLogSumExp"),
    "norm_p": _norm_p,
    "var": _variance,
    "std": _std,
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "cumsum": _cumsum,
    "flip": flipped,
    "roll": rolled,
    "getitem": indexed,
    "windows": windows,
    "concatenate": _concatenate,
    "stack": _stack,
    "pad": _pad,
    "astype": _astype,
    "item": _item,
    "einsum": _einsum,
    "cross_entropy": _cross_entropy,
    "soft_cross_entropy": _soft_cross_entropy,
    "np.full": _full,
}

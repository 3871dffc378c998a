"""Elementwise rows in ONNX that are several nodes, or one with an attribute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_bp.compiler.program import Instruction, Var

Emit = Callable[[Any, Instruction], str]


def _unary(make: Callable[[Any, str], str]) -> Emit:
    return lambda graph, i: make(graph, graph.operands(i)[0])


def _binary(make: Callable[[Any, str, str], str]) -> Emit:
    return lambda graph, i: make(graph, *graph.operands(i))


def _where(graph: Any, instruction: Instruction) -> str:
    condition, x, y = instruction.operands
    name = graph.operand(condition)
    if isinstance(condition, Var) and condition.dtype.kind != "b":
        zero = graph.number(0, condition.dtype)
        name = graph.add("Not", graph.add("Equal", name, zero))
    assert instruction.out is not None
    dtype = instruction.out.dtype
    branches = [graph.operand_as(branch, dtype) for branch in (x, y)]
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


def _pow_less(graph: Any, instruction: Instruction) -> str:
    x, y = graph.operands(instruction)
    power = graph.add("Sub", y, graph.number(float(instruction.params[0])))
    return str(graph.add("Pow", x, power))


def _with_parameter(op: str, name: str) -> Emit:
    return lambda g, i: g.add(op, g.operand(i.operands[0]), **{name: float(i.params[0])})


def _not_equal(graph: Any, instruction: Instruction) -> str:
    found: str = graph.add("Not", graph.add("Equal", *graph.operands(instruction)))
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

EMITTERS: dict[str, Emit] = {
    **{name: make for name, make in _ELEMENTWISE.items() if name != "isfinite"},
    **{f"np.{'remainder' if name == 'mod' else name}": make for name, make in _ELEMENTWISE.items()},
    "silu": _unary(lambda g, x: g.add("Mul", x, g.add("Sigmoid", x))),
    "gelu": _unary(lambda g, x: g.add("Mul", x, _normal_cdf(g, x))),
    "gelu_tanh": _unary(lambda g, x: g.add("Gelu", x, approximate="tanh")),
    "normal_cdf": _unary(_normal_cdf),
    "normal_pdf": _unary(_normal_pdf),
    "leaky_relu": _with_parameter("LeakyRelu", "alpha"),
    "elu": _with_parameter("Elu", "alpha"),
    "pow_less": _pow_less,
    "where": _where,
    "np.where": _where,
    "np.not_equal": _not_equal,
}

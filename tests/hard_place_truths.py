"""Both readings of a hard place: the engine's, in three ways, and mpmath's.

The expression of a place is one text. Here it becomes a function of the engine's operations and a
function of mpmath numbers, and each is differentiated: the one by nesting transforms, the other by
differences with more digits than any float has zeros.
"""

from __future__ import annotations

import ast
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np

import autograd_bp as ab

MP = mpmath.MPContext()
Point = Mapping[str, Any]
Index = tuple[int, ...]

_DIGITS = 380
"""More than the smallest float has zeros; for huge arguments more yet."""
_NOTHING = MP.mpf(10) ** -330
"""Less than half of the smallest float: zero."""


# -- diamonds: both readings run these ------------------------------------------------------------


def doubled(x: Any, times: int) -> Any:
    """y = y + y, again and again: one path doubles into 2**times."""
    for _ in range(times):
        x = x + x
    return x


def folded(x: Any, times: int) -> Any:
    """y = (y * y + y) / 2: three ways through every step."""
    for _ in range(times):
        x = (x * x + x) / 2
    return x


def squared(x: Any, times: int) -> Any:
    """y = y * y: x ** (2**times)."""
    for _ in range(times):
        x = x * x
    return x


def counted(x: Any, times: int) -> Any:
    """y = y + 1: a long chain."""
    for _ in range(times):
        x = x + 1
    return x


_SHARED = {"doubled": doubled, "folded": folded, "squared": squared, "counted": counted}


# -- the engine -----------------------------------------------------------------------------------

_ENGINE: dict[str, Any] = {
    **ab.PUBLIC,
    **_SHARED,
    "norm": ab.linalg.norm,
    "inf": math.inf,
    "nan": math.nan,
    "pi": math.pi,
    "__builtins__": {},
}

Function = Callable[..., Any]


def engine_function(expression: str, point: Point) -> Function:
    """The expression as a function of the arguments by position, on the engine's operations."""
    return eval(f"lambda {', '.join(point)}: {expression}", dict(_ENGINE))


def indices(point: Point, order: int) -> Iterator[Index]:
    """All partial derivatives of an order, as tuples of coordinates."""
    coordinates = sum(int(np.size(argument)) for argument in point.values())
    return itertools.product(range(coordinates), repeat=order)


def engine_derivative(f: Function, xs: Sequence[Any], index: Index, *, forward: bool) -> Any:
    """One partial derivative: reverse over reverse and so on, the last one forward if asked.

    An argument is a float, or one vector; arrays of several equal points serve for a function of
    numbers, and then the result is an array too.
    """
    nodes = [ab.Tensor(x) if np.ndim(x) else ab.Value(x) for x in xs]
    value = ab.graph.value(f(*nodes))
    if not index:
        return value
    vector = np.ndim(xs[0]) > np.ndim(value)
    g = f
    for coordinate in index[: len(index) - forward]:
        g = _reversed(g, coordinate, vector)
    if forward:
        return _pushed(g, index[-1], vector)(*xs)
    return g(*xs)


def _reversed(f: Function, coordinate: int, vector: bool) -> Function:
    if vector:
        return lambda x: ab.grad(f)(x)[coordinate]
    return lambda *xs: ab.grad(lambda *ys: ab.sum(f(*ys)), coordinate)(*xs)


def _pushed(f: Function, coordinate: int, vector: bool) -> Function:
    def derivative(*xs: Any) -> Any:
        tangents = [np.zeros(np.shape(x)) if np.ndim(x) else 0.0 for x in xs]
        if vector:
            tangents[0][coordinate] = 1.0
        else:
            tangents[coordinate] = tangents[coordinate] + 1.0
        return ab.jvp(f, tuple(xs), tuple(tangents))[1]

    return derivative


# -- mpmath ---------------------------------------------------------------------------------------


def _vectorized(function: Callable[..., Any]) -> Callable[..., Any]:
    def on_numbers_or_arrays(*operands: Any) -> Any:
        if any(isinstance(operand, np.ndarray) for operand in operands):
            return np.frompyfunc(function, len(operands), 1)(*operands)
        return function(*operands)

    return on_numbers_or_arrays


def _sign(x: Any) -> Any:
    return MP.mpf((x > 0) - (x < 0))


def _softmax(x: Any) -> Any:
    weights = [MP.exp(entry) for entry in x]
    return np.array([weight / MP.fsum(weights) for weight in weights], object)


def _logsumexp(x: Any) -> Any:
    return MP.log(MP.fsum(MP.exp(entry) for entry in x))


def _var(x: Any) -> Any:
    mean = MP.fsum(x) / len(x)
    return MP.fsum((entry - mean) ** 2 for entry in x) / len(x)


def _norm(x: Any, order: Any = 2) -> Any:
    return MP.root(MP.fsum(abs(entry) ** order for entry in x), order)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + MP.exp(-x))


def _softplus(x: Any) -> Any:
    return MP.log1p(MP.exp(x))


def _gelu(x: Any) -> Any:
    return x * MP.erfc(-x / MP.sqrt(2)) / 2


def _gelu_tanh(x: Any) -> Any:
    return x * _sigmoid(2 * MP.sqrt(2 / MP.pi) * (x + MP.mpf(44715) / 10**6 * x**3))


_ON_NUMBERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "sign": _sign,
    "exp": MP.exp,
    "expm1": MP.expm1,
    "exp2": lambda x: MP.power(2, x),
    "log": MP.log,
    "log1p": MP.log1p,
    "sqrt": MP.sqrt,
    "cbrt": lambda x: _sign(x) * MP.cbrt(abs(x)),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "sin": MP.sin,
    "cos": MP.cos,
    "tan": MP.tan,
    "arcsin": MP.asin,
    "arccos": MP.acos,
    "arctan": MP.atan,
    "arctan2": MP.atan2,
    "sinh": MP.sinh,
    "cosh": MP.cosh,
    "tanh": MP.tanh,
    "arcsinh": MP.asinh,
    "arccosh": MP.acosh,
    "arctanh": MP.atanh,
    "hypot": lambda x, y: MP.sqrt(x * x + y * y),
    "sinc": MP.sincpi,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": lambda x: x * _sigmoid(x),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "logaddexp": lambda x, y: MP.log(MP.exp(x) + MP.exp(y)),
    "logaddexp2": lambda x, y: MP.log(MP.power(2, x) + MP.power(2, y)) / MP.ln2,
    "maximum": max,
    "minimum": min,
    "relu": lambda x: max(x, MP.zero),
    "mod": lambda x, y: x - y * MP.floor(x / y),
}

_EXACT: dict[str, Any] = {
    **{name: _vectorized(function) for name, function in _ON_NUMBERS.items()},
    **_SHARED,
    "sum": MP.fsum,
    "mean": lambda x: MP.fsum(x) / len(x),
    "prod": MP.fprod,
    "cumsum": lambda x: np.cumsum(x),
    "cumprod": lambda x: np.cumprod(x),
    "max": max,
    "min": min,
    "var": _var,
    "std": lambda x: MP.sqrt(_var(x)),
    "norm": _norm,
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "log_softmax": lambda x: np.array([entry - _logsumexp(x) for entry in x], object),
    "inf": MP.inf,
    "pi": MP.pi,
    "number": MP.mpf,
    "__builtins__": {},
}


class _Exactly(ast.NodeTransformer):
    """Only the branch taken is computed, and every number is exact."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "where":
            return ast.IfExp(*node.args)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, float):
            return ast.Call(ast.Name("number", ast.Load()), [node], [])
        return node


def exact_function(expression: str, point: Point) -> Callable[..., Any]:
    """The expression as a function of all coordinates, on mpmath numbers."""
    body = ast.unparse(_Exactly().visit(ast.parse(expression, mode="eval")))
    function = eval(f"lambda {', '.join(point)}: {body}", dict(_EXACT))

    def of_coordinates(*coordinates: Any) -> Any:
        waiting = iter(coordinates)
        arguments = [
            np.array([next(waiting) for _ in argument], object)
            if np.ndim(argument)
            else next(waiting)
            for argument in point.values()
        ]
        return MP.mpf(function(*arguments))

    return of_coordinates


def exact_derivative(expression: str, point: Point, index: Index) -> Any:
    """A partial derivative, to twenty digits at least: two precisions agree on them."""
    frozen = tuple((name, tuple(x) if np.ndim(x) else x) for name, x in point.items())
    return _exact_derivative(expression, frozen, tuple(sorted(index)))


@functools.cache
def _exact_derivative(expression: str, frozen: tuple[tuple[str, Any], ...], index: Index) -> Any:
    point = dict(frozen)
    f = exact_function(expression, point)
    coordinates = [float(x) for argument in point.values() for x in np.ravel(argument)]
    orders = tuple(index.count(k) for k in range(len(coordinates)))
    largest = max((abs(x) for x in coordinates if math.isfinite(x)), default=1.0)
    digits = _DIGITS + 2 * max(0, int(math.log10(max(largest, 1.0))))
    found = []
    for more in (0, 60):
        with MP.workdps(digits + more):
            xs = tuple(map(MP.mpf, coordinates))
            found.append(MP.diff(f, xs, orders) if index else f(*xs))
    rough, fine = found
    if abs(fine) < _NOTHING and abs(rough) < _NOTHING:
        return MP.zero
    agreed = MP.isfinite(fine) and abs(rough - fine) <= abs(fine) * MP.mpf(10) ** -20
    assert agreed, f"mpmath finds no derivative {index} of {expression} at {point}: {found}"
    return fine


def ulps(got: float, right: Any) -> float:
    """How far a float is from what is right, in units of the last place of that."""
    nearest = float(right)
    if math.isnan(nearest) or math.isinf(nearest):
        same = got == nearest or (math.isnan(nearest) and math.isnan(got))
        return 0.0 if same else math.inf
    if not math.isfinite(got):
        return math.inf
    with MP.workdps(60):
        return float(abs(MP.mpf(got) - MP.mpf(right)) / MP.mpf(math.ulp(nearest)))

"""A naive engine: reverse differentiation as a sum over all uses, with dense Jacobians.

It shares nothing with the project. Partial derivatives are written by hand, subgradients at ties
and kinks included; what is linear in each single element is differenced exactly; the rest is
stepped in complex arithmetic through textbook formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any


class Made:
    """A result of the naive engine: its value, and how it was made. Leaves have no operation."""

    def __init__(
        self,
        value: Any,
        name: str | None = None,
        operands: Sequence[Any] = (),
        settings: dict[str, Any] | None = None,
        args: Sequence[Any] | None = None,
    ) -> None:
        self.value = np.array(value)
        self.name = name
        self.operands = list(operands)
        self.settings = settings or {}
        # Copies: what a leaf becomes later is of no interest.
        if args is None:
            args = [x.value if isinstance(x, Made) else x for x in operands]
        self.args = [np.array(x) for x in args]


def apply(name: str, *operands: Any, **settings: Any) -> Made:
    args = [x.value if isinstance(x, Made) else x for x in operands]
    return Made(FORWARD[name](*args, **settings), name, operands, settings)


def reached(*outputs: Made) -> list[Made]:
    """The outputs and all they were made of."""
    found = dict.fromkeys(outputs)
    stack = list(outputs)
    while stack:
        for x in stack.pop().operands:
            if isinstance(x, Made) and x not in found:
                found[x] = None
                stack.append(x)
    return list(found)


def derivative(output: Made, wrt: Sequence[Made], cotangent: Any) -> list[Array]:
    """The gradient of `sum(cotangent * output)` by each of `wrt`."""
    uses: dict[Made, list[tuple[Made, int]]] = {output: []}

    def collect(made: Made) -> None:
        for i, operand in enumerate(made.operands):
            if isinstance(operand, Made):
                if operand not in uses:
                    uses[operand] = []
                    collect(operand)
                uses[operand].append((made, i))

    found: dict[Made, Array] = {}

    def adjoint(made: Made) -> Array:
        if made not in found:
            total = np.ravel(cotangent) if made is output else np.zeros(made.value.size)
            for user, i in uses.get(made, []):
                total = total + adjoint(user) @ jacobian(user, i)
            found[made] = total
        return found[made]

    collect(output)
    return [adjoint(made).reshape(made.value.shape) for made in wrt]


def jacobian(made: Made, i: int) -> Array:
    """The derivative of every element of the result by every element of operand i."""
    x = made.args[i]
    if made.name in PARTIALS:
        partial = PARTIALS[made.name](*made.args, **made.settings)[i]
        partial = np.broadcast_to(partial, made.value.shape).ravel()
        reads = np.broadcast_to(np.arange(x.size).reshape(x.shape), made.value.shape).ravel()
        matrix = np.zeros((made.value.size, x.size), np.result_type(partial, float))
        matrix[np.arange(made.value.size), reads] = partial
        return matrix
    if made.name in EXTREMES:
        return _extreme(made)
    columns = []
    for k in range(x.size):
        if made.name in ONE_ELEMENT_LINEAR:
            columns.append(_with(made, i, k, 1.0) - _with(made, i, k, 0.0))
        else:
            columns.append(np.imag(_with(made, i, k, x.flat[k] + 1e-30j)) / 1e-30)
    matrix = np.stack([np.ravel(column) for column in columns], axis=1)
    if made.name == "std":  # the tip of a cone: zero is promised, and the complex step sees none
        matrix[np.ravel(made.value) == 0] = 0.0
    return matrix


def _with(made: Made, i: int, k: int, number: complex) -> Array:
    """The result with one element of one operand replaced."""
    args = list(made.args)
    args[i] = np.array(args[i], np.result_type(args[i], float, type(number)))
    args[i].flat[k] = number
    return FORWARD[str(made.name)](*args, **made.settings)


def _extreme(made: Made) -> Array:
    """Elements that tie for the largest (smallest) share the derivative."""
    x, settings = made.args[0], made.settings
    rows = []
    for k in range(made.value.size):
        unit = np.zeros(made.value.size)
        unit[k] = 1.0
        kept = np.max(x, axis=settings["axis"], keepdims=True).shape
        mine = unit.reshape(kept) * np.ones(x.shape) > 0
        tied = mine & (x == made.value.flat[k])
        rows.append(np.ravel(tied / tied.sum()))
    return np.stack(rows)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition != 0, x, y)


def _set(x: Any, v: Any, index: Any) -> Any:
    result = np.array(x, np.result_type(x, v, float))
    result[index] = v
    return result


def _variance(x: Any, axis: Any, ddof: int, keepdims: bool) -> Any:
    deviation = x - np.mean(x, axis=axis, keepdims=True)
    n = x.size // max(np.max(x.real, axis=axis).size, 1)
    return np.sum(deviation * deviation, axis=axis, keepdims=keepdims) / (n - ddof)


def _deviation(x: Any, axis: Any, ddof: int, keepdims: bool) -> Any:
    return np.sqrt(_variance(x, axis, ddof, keepdims))


def _log_sum(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _normal(x: Any) -> Any:
    return np.vectorize(lambda t: 0.5 * math.erfc(-t / math.sqrt(2)))(np.real(x))


def _density(x: Any) -> Any:
    return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


FORWARD: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in (
            "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan sinh cosh tanh arcsin "
            "arccos arctan arcsinh arccosh arctanh square reciprocal abs sign floor ceil trunc "
            "rint maximum minimum fmax fmin hypot arctan2 logaddexp matmul reshape transpose flip "
            "roll cumsum cumprod broadcast_to sum mean prod max min deg2rad rad2deg"
        ).split()
    },
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": np.power,
    "mod": np.mod,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "where": _where,
    "sigmoid": _sigmoid,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * _normal(x),
    "var": _variance,
    "std": _deviation,
    "logsumexp": _log_sum,
    "getitem": lambda x, index: x[index],
    "index_set": _set,
    "pad": lambda x, width, value: np.pad(x, width, constant_values=value),
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "stack": lambda *xs, axis: np.stack(xs, axis),
    "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
}
"""NumPy's function for each name of the sheet, or a textbook formula."""


def _larger(x: Any, y: Any) -> Any:
    return np.where(x == y, 0.5, x > y)


def _ratio(x: Any, y: Any) -> Any:
    """x / y, and 0 at the origin."""
    return np.where(y == 0, 0, x / np.where(y == 0, 1, y))


PARTIALS: dict[str, Callable[..., Sequence[Any]]] = {
    "add": lambda *_: (1, 1),
    "sub": lambda *_: (1, -1),
    "mul": lambda x, y: (y, x),
    "div": lambda x, y: (1 / y, -x / (y * y)),
    "neg": lambda _: (-1,),
    "mod": lambda x, y: (1, -np.floor_divide(x, y)),
    "pow": lambda x, y: (
        np.where(y == 0, 0, y * np.power(x, y - 1)),
        np.where(x == 0, np.where(y >= 0, 0, -np.inf), np.log(np.where(x == 0, 1, x)) * x**y),
    ),
    "abs": lambda x: (np.sign(x),),
    "sign": lambda _: (0,),
    "floor": lambda _: (0,),
    "ceil": lambda _: (0,),
    "trunc": lambda _: (0,),
    "rint": lambda _: (0,),
    "maximum": lambda x, y: (_larger(x, y), _larger(y, x)),
    "minimum": lambda x, y: (_larger(y, x), _larger(x, y)),
    "fmax": lambda x, y: (_larger(x, y), _larger(y, x)),
    "fmin": lambda x, y: (_larger(y, x), _larger(x, y)),
    "clip": lambda x, low, high: (
        (low <= x) & (x <= high) & (low < high),
        (x < low) & (low < high),
        (x > high) | (low >= high),
    ),
    "where": lambda condition, *_: (0, condition != 0, condition == 0),
    "sin": lambda x: (np.cos(x),),
    "cos": lambda x: (-np.sin(x),),
    "tanh": lambda x: (1 / np.cosh(x) ** 2,),
    "exp": lambda x: (np.exp(x),),
    "log": lambda x: (1 / x,),
    "sqrt": lambda x: (0.5 / np.sqrt(x),),
    "cbrt": lambda x: (np.abs(x) ** (-2 / 3) / 3,),
    "square": lambda x: (2 * x,),
    "sigmoid": lambda x: (_sigmoid(x) * _sigmoid(-x),),
    "relu": lambda x: (x > 0,),
    "leaky_relu": lambda x, negative_slope: (np.where(x > 0, 1, negative_slope),),
    "elu": lambda x, alpha: (np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))),),
    "softplus": lambda x: (_sigmoid(x),),
    "silu": lambda x: (_sigmoid(x) * (1 + x * _sigmoid(-x)),),
    "gelu": lambda x: (_normal(x) + x * _density(x),),
    "hypot": lambda x, y: (_ratio(x, np.hypot(x, y)), _ratio(y, np.hypot(x, y))),
    "arctan2": lambda x, y: (_ratio(y, x * x + y * y), _ratio(-x, x * x + y * y)),
    "logaddexp": lambda x, y: (_sigmoid(x - y), _sigmoid(y - x)),
}
"""Partial derivatives from the textbook, by each operand."""

ONE_ELEMENT_LINEAR = frozenset(
    "sum mean prod cumsum cumprod matmul einsum reshape transpose flip roll broadcast_to getitem "
    "index_set pad concatenate stack deg2rad rad2deg".split()
)
"""Linear in every single element, the others held fixed: a difference is exact."""

EXTREMES = ("max", "min")

COMPARE = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}

NAMES = tuple(FORWARD)

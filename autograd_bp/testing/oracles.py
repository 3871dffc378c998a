"""Jacobians from outside the engine: the judges of a rule.

By trust: mpmath for a row's formula (`autograd_bp.testing.exact`), the complex step where every
operation of the program is analytic, Ridders' extrapolation in long double with its own estimate
of the error. A derivative that none can give is undecided, never passed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.node import Node
from autograd_bp.rules import Rule
from autograd_bp.sweep import topological_order
from autograd_bp.tensor import Tensor
from autograd_bp.testing.differences import Slopes
from autograd_bp.testing.subject import Subject
from autograd_bp.testing.truth import slopes_along, true_derivatives, true_slopes

Array = NDArray[Any]

ANALYTIC = frozenset(
    "identity item add sub mul div neg square reciprocal exp expm1 log log1p sin cos tan sinh cosh "
    "tanh arcsin arccos arctan arcsinh arccosh arctanh sqrt sum spread mean broadcast_to sum_to "
    "getitem scatter index_set reshape transpose flip roll concatenate stack pad matmul "
    "chain_matmul einsum cumsum cumprod prod linear_recurrence deg2rad rad2deg sech "
    "one_minus_square where".split()
) - {"sech", "where"}
"""The rows whose array reading is right on complex numbers, one by one looked at: none that takes
magnitudes, signs, comparisons or conjugates."""


@dataclass(frozen=True)
class Column:
    """The derivative of the result in one direction, as an oracle sees it.

    Attributes
    ----------
    right, left
        The one-sided derivatives, equal where the function is smooth.
    error
        A bound on the error of both, elementwise.
    oracle
        Who says so.
    """

    right: Array
    left: Array
    error: Array
    oracle: str

    @property
    def smooth(self) -> Array:
        """Where the two sides agree to within the error."""
        scale = np.maximum(np.abs(self.right), np.abs(self.left))
        agree: Array = np.abs(self.right - self.left) <= 4 * self.error + 1e-9 * scale
        return agree


class Undecided(Exception):  # noqa: N818  (not an error: an answer)
    """No oracle has an answer here."""


def column(
    subject: Subject, operands: Sequence[Array], direction: Sequence[Array], *, size: float = 0.0
) -> Column:
    """The derivative of the subject at `operands` along `direction`, one array for each operand.

    For `size`, see `ridders`.
    """
    if subject.has_exact_values:
        return exact_column(subject, operands, direction)
    stepped = complex_step(subject, operands, direction)
    if stepped is not None:
        return stepped
    return ridders(subject.value, operands, direction, size=size)


# -- mpmath ---------------------------------------------------------------------------------------


def exact_column(subject: Subject, operands: Sequence[Array], direction: Sequence[Array]) -> Column:
    """The derivative of an elementwise row by its formula on mpmath's numbers.

    At a kink the two sides are the least and the largest slope around it; at a point of the
    boundary table, both are the promise.
    """
    rule, params = subject.rule, subject.params
    assert rule is not None
    whole = np.broadcast_arrays(*operands, *direction)
    points, moves = whole[: len(operands)], whole[len(operands) :]
    shape = points[0].shape
    right, left = np.zeros(shape), np.zeros(shape)
    for place in np.ndindex(shape):
        point = tuple(float(x[place]) for x in points)
        move = tuple(float(u[place]) for u in moves)
        left[place], right[place] = _exact_slopes_along(rule, params, point, move)
    eps = np.finfo(float).eps
    error = eps * np.maximum(np.abs(right), np.abs(left)) + 5e-324
    return Column(right, left, np.where(np.isfinite(error), error, 0.0), "mpmath")


def _exact_slopes_along(
    rule: Rule, params: tuple[Any, ...], point: tuple[float, ...], direction: tuple[float, ...]
) -> tuple[float, float]:
    moving = [k for k, u in enumerate(direction) if u]
    several = len(moving) > 1 and point not in rule.boundary
    if several and true_derivatives(rule, params, point) is None:  # theirs do not add up here
        return _sides(slopes_along(rule, params, point, direction))
    sides = [(direction[k], *_exact_slopes(rule, params, point, k)) for k in moving]
    return sum(u * low for u, low, _ in sides), sum(u * high for u, _, high in sides)


def _exact_slopes(
    rule: Rule, params: tuple[Any, ...], point: tuple[float, ...], k: int
) -> tuple[float, float]:
    promise = rule.boundary.get(point)
    if promise is not None:
        if math.isnan(promise[k]):
            raise Undecided("the row promises nothing here")
        return promise[k], promise[k]
    truth = true_derivatives(rule, params, point)
    if truth is not None:
        slope = float(truth.first[k])
        return slope, slope
    return _sides(true_slopes(rule, params, point, k))


def _sides(slopes: Slopes | None) -> tuple[float, float]:
    if slopes is None:
        raise Undecided("the formula has no slope here")
    if not slopes.continuous:
        raise Discontinuous
    return slopes.low, slopes.high


# -- complex step -----------------------------------------------------------------------------


def complex_step(
    subject: Subject, operands: Sequence[Array], direction: Sequence[Array]
) -> Column | None:
    """Im f(x + ih u) / h, if every operation on the way is analytic; None if not.

    Squire & Trapp 1998. With h far below the rounding of x there is nothing to cancel. The graph
    that the subject records is computed again on complex numbers.
    """
    for x in operands:
        magnitude = np.abs(x[x != 0])
        if magnitude.size and not (magnitude.min() > 1e-60 and magnitude.max() < 1e60):
            return None  # complex products and quotients over- and underflow long before reals
    leaves = [Tensor(x) for x in operands]
    with np.errstate(all="ignore"):
        output = subject.call(*leaves)
    if not isinstance(output, Node) or not output.requires_grad:
        return None
    order = topological_order(output)
    if not all(_is_analytic(node) for node in order):
        return None
    for exponent in (-100, -60, -30):
        h = 2.0**exponent * _scale(operands)
        values: dict[Node, Any] = {
            leaf: x + 1j * h * u for leaf, x, u in zip(leaves, operands, direction, strict=True)
        }
        with np.errstate(all="ignore"):
            for node in order:
                if node not in values:
                    values[node] = _replayed(node, values)
            imaginary = np.asarray(np.imag(values[output]))
        tangent = imaginary / h
        # Next to underflow digits are missing.
        if np.isfinite(tangent).all() and (np.abs(imaginary[imaginary != 0]) > 1e-290).all():
            break
    else:
        return None
    if not np.isfinite(tangent).all() or not (tangent != 0).any():
        return None  # nothing, or lost to underflow: long double reaches further
    sensitive = 64 + 4 * max(float(np.max(np.abs(x), initial=0.0)) for x in operands)
    error = sensitive * np.finfo(float).eps * np.abs(tangent)
    return Column(tangent, tangent, error, "complex step")


def _is_analytic(node: Node) -> bool:
    if node.rule is None:
        return True
    if type(node.rule) is not Rule:
        return False
    if node.rule.name == "pow":  # with a constant exponent
        return not node.parents[1].requires_grad
    return node.rule.name in ANALYTIC


def _replayed(node: Node, values: dict[Node, Any]) -> Any:
    if node.rule is None:
        return node._value
    operands = [values[parent] for parent in node.parents]
    if node.rule.name == "pow" and np.ndim(operands[1]) == 0 and float(operands[1]).is_integer():
        return operands[0] ** int(operands[1])
    return node.rule.array.forward(*operands, *node._params)


def _scale(operands: Sequence[Array]) -> float:
    largest = max((float(np.max(np.abs(x), initial=0.0)) for x in operands), default=0.0)
    return largest if 0.0 < largest < math.inf else 1.0


# -- Ridders ------------------------------------------------------------------------------------

_CONTRACTION = 1.6
_STEPS = 12
_NOISE = 8 * float(np.finfo(np.longdouble).eps)


class Discontinuous(Exception):  # noqa: N818  (not an error: an answer)
    """The function jumps at the point: there is no derivative to judge."""


def ridders(
    function: Callable[[Sequence[Any]], Array],
    operands: Sequence[Array],
    direction: Sequence[Array],
    *,
    accept: float = 1e-9,
    size: float = 0.0,
) -> Column:
    """Extrapolated differences in long double (Ridders 1982), with their own error estimate.

    `size` is that of numbers inside the function, should they be larger than its values: what
    they leave when they cancel has their rounding.

    The estimate includes the rounding of the function's values, so it is honest where the tableau
    agrees by accident. A central difference is blind to kinks: both one-sided ones must lead to
    it, or they are the answer.

    Raises
    ------
    Undecided
        If nothing settles.
    Discontinuous
        If the function jumps.
    """
    wide = [np.asarray(x, np.longdouble) for x in operands]
    moves = [np.asarray(u, np.longdouble) for u in direction]
    here = np.asarray(function(wide), np.longdouble)
    if not np.isfinite(here).all():
        raise Undecided("the value is not finite")

    largest = np.maximum(np.abs(here), size)

    def at(h: Any) -> Array:
        nonlocal largest
        moved = function([x + h * u for x, u in zip(wide, moves, strict=True)])
        value = np.asarray(moved, np.longdouble)
        if np.isfinite(value).all():
            largest = np.maximum(largest, np.abs(value))
        return value

    scale = max(
        float(np.max(np.where(u != 0, np.maximum(np.abs(x), 1e-3), 0.0), initial=0.0))
        for x, u in zip(wide, moves, strict=True)
    )
    # Small steps first: large ones may jump over what is there to see.
    unit = min(scale, 1.0) or 1.0

    def central(h: float) -> _Estimate:
        return _extrapolated(
            lambda h: ((at(h) - at(-h)) / 2, at(h)), np.longdouble(h), 2, size=size
        )

    best = central(0.1 * unit)
    for start in (1e-3 * unit, 1e-5 * unit, 1e-8 * unit, 0.1 * scale):
        if best.settled(accept, largest, scale):
            break
        best = _better(best, central(start))
    if best.settled(accept, largest, scale) and _smooth(at, here, best, unit, size):
        return best.column(best, "Ridders")
    right, left = (_one_sided(at, here, unit, sign, size) for sign in (1, -1))
    return right.column(left, "one-sided differences")


@dataclass(frozen=True)
class _Estimate:
    tangent: Array
    error: Array

    def settled(self, relative: float, here: Array, scale: float) -> bool:
        """Whether the error is small beside the derivative, or beside rounding of the value."""
        size = np.max(np.abs(self.tangent), initial=0.0)
        rounding = 1e-12 * np.abs(here) / (scale or 1.0)
        allowed = np.maximum(relative * np.maximum(size, 1e-300), rounding)
        return bool(np.isfinite(self.tangent).all() and (self.error <= allowed).all())

    def column(self, other: _Estimate, oracle: str) -> Column:
        error = np.maximum(self.error, other.error)
        return Column(_double(self.tangent), _double(other.tangent), _double(error), oracle)


def _one_sided(
    at: Callable[[Any], Array], here: Array, scale: float, sign: int, size: float
) -> _Estimate:
    best: _Estimate | None = None
    largest = np.maximum(np.abs(here), size)
    for start in (1e-1, 1e-3, 1e-5, 1e-7, 1e-9):
        h = np.longdouble(start * (scale or 1.0)) * sign
        best = _better(best, _extrapolated(lambda h: (at(h) - here, here), h, 1, size=size))
        if best.settled(1e-8, largest, scale):
            return best
    for tiny in (1e-12, 1e-15):
        jump = np.abs(at(np.longdouble(tiny * (scale or 1.0)) * sign) - here)
        if not (jump > 1e-6 * (np.abs(here) + 1e-3)).any():
            raise Undecided("no difference quotient settles")
    raise Discontinuous


def _smooth(
    at: Callable[[Any], Array], here: Array, central: _Estimate, scale: float, size: float
) -> bool:
    """Whether both one-sided differences lead to the central one."""
    tangent = central.tangent
    for sign in (1, -1):
        h = np.longdouble(1e-5 * (scale or 1.0)) * sign
        side = _extrapolated(lambda h: (at(h) - here, here), h, 1, steps=5, size=size)
        steep = np.max(np.abs(tangent), initial=0.0) + np.max(np.abs(side.tangent), initial=0.0)
        error = 16 * (side.error + central.error)
        if not (np.abs(side.tangent - tangent) <= error + 1e-7 * steep).all():
            return False
    return True


def _extrapolated(
    difference: Callable[[Any], tuple[Array, Array]],
    h: Any,
    power: int,
    *,
    steps: int = _STEPS,
    size: float = 0.0,
) -> _Estimate:
    """Neville's tableau over shrinking steps; the entry with the smallest estimated error.

    `difference(h)` is the difference of values over the step h, and a value, for its rounding.
    """

    def quotient(h: Any) -> tuple[Array, Array]:
        change, value = difference(h)
        return change / h, _NOISE * (np.abs(value) + np.abs(change) + size) / np.abs(h)

    first, noise = quotient(h)
    table = [first]
    best, error = first, np.full(np.shape(first), np.inf, np.longdouble)
    factor = np.longdouble(_CONTRACTION**power)
    for _ in range(1, steps):
        h = h / _CONTRACTION
        entry, noise = quotient(h)
        row, weight = [entry], factor
        for k, above in enumerate(table):
            row.append((row[k] * weight - above) / (weight - 1))
            estimate = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - above)) + noise
            better = estimate < error
            best, error = np.where(better, row[k + 1], best), np.where(better, estimate, error)
            weight = weight * factor
        table = row
    return _Estimate(best, error)


def _better(known: _Estimate | None, new: _Estimate) -> _Estimate:
    if known is None:
        return new
    better = ~(known.error <= new.error)
    return _Estimate(
        np.where(better, new.tangent, known.tangent), np.where(better, new.error, known.error)
    )


def _double(x: Array) -> Array:
    return np.asarray(x, float)

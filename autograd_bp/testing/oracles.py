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
from autograd_bp.testing.subject import Subject

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


def column(subject: Subject, operands: Sequence[Array], direction: Sequence[Array]) -> Column:
    """The derivative of the subject at `operands` along `direction`, one array for each operand."""
    stepped = complex_step(subject, operands, direction)
    return stepped if stepped is not None else ridders(subject.value, operands, direction)


# -- complex step -----------------------------------------------------------------------------


def complex_step(
    subject: Subject, operands: Sequence[Array], direction: Sequence[Array]
) -> Column | None:
    """Im f(x + ih u) / h, if every operation on the way is analytic; None if not.

    Squire & Trapp 1998. With h far below the rounding of x there is nothing to cancel. The graph
    that the subject records is computed again on complex numbers.
    """
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
            tangent = np.imag(values[output]) / h
        tangent = np.asarray(tangent)
        if np.isfinite(tangent).all() and (tangent != 0).any():
            break
    if not np.isfinite(tangent).all():
        return None
    error = 64 * np.finfo(float).eps * np.abs(tangent)
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


def ridders(
    function: Callable[[Sequence[Any]], Array],
    operands: Sequence[Array],
    direction: Sequence[Array],
    *,
    accept: float = 1e-11,
) -> Column:
    """Extrapolated differences in long double (Ridders 1982), from both sides at a time.

    The central difference is trusted where its own error estimate is small. Where it is not,
    the two one-sided differences are tried: they agree at a point that is merely rough, and
    differ at a kink. Raises Undecided where nothing settles.
    """
    wide = [np.asarray(x, np.longdouble) for x in operands]
    moves = [np.asarray(u, np.longdouble) for u in direction]
    here = np.asarray(function(wide), np.longdouble)
    if not np.isfinite(here).all():
        raise Undecided("the value is not finite")

    def at(h: Any) -> Array:
        moved = function([x + h * u for x, u in zip(wide, moves, strict=True)])
        return np.asarray(moved, np.longdouble)

    scale = max(
        (
            float(np.max(np.where(u != 0, np.maximum(np.abs(x), 1e-3), 0.0), initial=0.0))
            for x, u in zip(wide, moves, strict=True)
        ),
        default=1.0,
    )
    best: Any = None
    for start in (0.1, 1e-3, 1e-5):
        h0 = np.longdouble(start * (scale or 1.0))
        central = _extrapolated(lambda h: (at(h) - at(-h)) / (2 * h), h0, 2)
        best = _better(best, central)
        if _accepted(best, accept):
            break
    if _accepted(best, accept) and _smooth(at, here, best[0], np.longdouble(1e-5 * (scale or 1.0))):
        tangent, error = best
        return Column(_double(tangent), _double(tangent), _double(error), "Ridders")
    sides = []
    for sign in (1, -1):
        one_sided: tuple[Array, Array] | None = None
        for start in (1e-1, 1e-3, 1e-5, 1e-7):
            h0 = np.longdouble(start * (scale or 1.0)) * sign
            one_sided = _better(one_sided, _extrapolated(lambda h: (at(h) - here) / h, h0, 1))
        sides.append(one_sided)
    if not all(_accepted(side, 1e-7) for side in sides):
        raise Undecided("no difference quotient settles")
    (right, right_error), (left, left_error) = sides[0], sides[1]  # type: ignore[misc]
    error = np.maximum(right_error, left_error)
    return Column(_double(right), _double(left), _double(error), "one-sided differences")


def _smooth(at: Callable[[Any], Array], here: Array, tangent: Array, h: Any) -> bool:
    """Whether both one-sided differences lead to the central one: it is blind to kinks."""
    for sign in (1, -1):
        side, error = _extrapolated(lambda h: (at(h) - here) / h, h * sign, 1)
        scale = np.max(np.abs(tangent), initial=0.0) + np.max(np.abs(side), initial=0.0)
        if not (np.abs(side - tangent) <= 16 * error + 1e-7 * scale).all():
            return False
    return True


def _extrapolated(quotient: Callable[[Any], Array], h: Any, power: int) -> tuple[Array, Array]:
    """Neville's tableau over shrinking steps; the entry with the smallest estimated error."""
    table = [quotient(h)]
    best, error = table[0], np.full(np.shape(table[0]), np.inf, np.longdouble)
    for _ in range(1, _STEPS):
        h = h / _CONTRACTION
        row = [quotient(h)]
        factor = np.longdouble(_CONTRACTION**power)
        weight = factor
        for k, above in enumerate(table):
            row.append((row[k] * weight - above) / (weight - 1))
            estimate = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - above))
            better = estimate < error
            best, error = np.where(better, row[k + 1], best), np.where(better, estimate, error)
            weight = weight * factor
        table = row
    return best, error


def _better(known: tuple[Array, Array] | None, new: tuple[Array, Array]) -> tuple[Array, Array]:
    if known is None:
        return new
    better = ~(known[1] <= new[1])
    return np.where(better, new[0], known[0]), np.where(better, new[1], known[1])


def _accepted(found: tuple[Array, Array] | None, relative: float) -> bool:
    if found is None:
        return False
    tangent, error = found
    scale = np.max(np.abs(tangent), initial=0.0)
    return bool(np.isfinite(tangent).all() and (error <= relative * np.maximum(scale, 1e-30)).all())


def _double(x: Array) -> Array:
    return np.asarray(x, float)

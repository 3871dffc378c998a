"""Jacobians from outside the engine: the judges of a rule.

By trust: mpmath for a row's formula (`autograd_bp.testing.exact`), the complex step where every
operation of the program is analytic, Ridders' extrapolation in long double with its own estimate
of the error. A derivative that none can give is undecided, never passed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.derivatives import recorded_operands
from autograd_bp.function import Function
from autograd_bp.node import Node
from autograd_bp.recording import differentiable, recording
from autograd_bp.rules import Rule
from autograd_bp.sweep import topological_order
from autograd_bp.tensor import Tensor
from autograd_bp.testing.differences import Slopes
from autograd_bp.testing.noise import scatter
from autograd_bp.testing.subject import Subject
from autograd_bp.testing.truth import is_far_beyond, slopes_along, true_derivatives, true_slopes

Array = NDArray[Any]

ANALYTIC = frozenset(
    "identity item add sub mul div neg square reciprocal exp expm1 log log1p sin cos tan sinh cosh "
    "tanh arcsin arccos arctan arcsinh arccosh arctanh sqrt sum spread mean broadcast_to sum_to "
    "getitem scatter index_set reshape transpose flip roll concatenate stack pad matmul "
    "chain_matmul einsum cumsum cumprod prod linear_recurrence deg2rad rad2deg sech "
    "one_minus_square inv solve windows overlap_add convolve".split()
)
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


class FarBeyond(Exception):  # noqa: N818  (not an error: an answer)
    """The value is not among the floats by far: exp(-1e300)."""


class Oracle:
    """The judges of a subject at one input."""

    def __init__(self, subject: Subject, operands: Sequence[Array]) -> None:
        self.subject = subject
        self.operands = operands

    def column(self, direction: Sequence[Array], *, size: float | None = None) -> Column:
        """The derivative along `direction`, one array for each operand.

        For `size`, see `ridders`.
        """
        if self.subject.has_exact_values:
            return exact_column(self.subject, self.operands, direction)
        stepped = self._replay.column(direction) if self._replay is not None else None
        if stepped is not None:
            return stepped
        return ridders(self.subject.value, self.operands, direction, size=size)

    @cached_property
    def _replay(self) -> Replay | None:
        """The subject on complex numbers, if it can be trusted.

        A replay sees what was recorded: neither a detached factor, nor a kink at the very point.
        Differences along one direction tell.
        """
        replay = recorded_analytic(self.subject, self.operands)
        if replay is None:
            return None
        rng = np.random.default_rng(11)
        direction = [np.asarray(rng.uniform(0.5, 1.5, x.shape)) for x in self.operands]
        stepped = replay.column(direction)
        if stepped is None:
            return None
        try:
            seen = ridders(self.subject.value, self.operands, direction)
        except (Undecided, Discontinuous):
            return None
        largest = np.max(np.abs(stepped.right), initial=0.0)
        off = np.abs(stepped.right - seen.right)
        agrees = seen.smooth & (off <= 1e-6 * largest + 16 * seen.error)
        return replay if agrees.all() else None


def column(subject: Subject, operands: Sequence[Array], direction: Sequence[Array]) -> Column:
    """The derivative of the subject at `operands` along `direction`, one array for each operand."""
    return Oracle(subject, operands).column(direction)


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
        if is_far_beyond(rule, params, point):
            raise FarBeyond
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
    if is_far_beyond(rule, params, point):
        raise FarBeyond
    return _sides(true_slopes(rule, params, point, k))


def _sides(slopes: Slopes | None) -> tuple[float, float]:
    if slopes is None:
        raise Undecided("the formula has no slope here")
    if not slopes.continuous:
        raise Discontinuous
    return slopes.low, slopes.high


# -- complex step -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Replay:
    """A recorded computation whose every operation is analytic, to be done again.

    Attributes
    ----------
    leaves
        A node for each operand.
    steps
        The nodes in order; beside one that a `Function` made, the node that stands for it.
    output
        The result.
    """

    leaves: tuple[Node, ...]
    steps: tuple[tuple[Node, Node | None], ...]
    output: Node

    def column(self, direction: Sequence[Array]) -> Column | None:
        """Im f(x + ih u) / h, or None where digits would be lost.

        Squire & Trapp 1998. With h far below the rounding of x there is nothing to cancel.
        """
        try:
            return self._column(direction, np.clongdouble)
        except TypeError:  # LAPACK has no long double
            return self._column(direction, np.complex128)

    def _column(self, direction: Sequence[Array], dtype: Any) -> Column | None:
        wide = [np.asarray(leaf._value, dtype) for leaf in self.leaves]
        for exponent in (-100, -60, -30):
            h = 2.0**exponent * _scale([leaf._value for leaf in self.leaves])
            moved = [x + 1j * h * u for x, u in zip(wide, direction, strict=True)]
            imaginary = np.imag(self._result(moved))
            # Next to underflow digits are missing.
            tangent = imaginary / h
            if np.isfinite(tangent).all() and (np.abs(imaginary[imaginary != 0]) > 1e-290).all():
                break
        else:
            return None
        tangent = _double(tangent)
        if not np.isfinite(tangent).all():
            return None
        longest = max((float(np.max(np.abs(x), initial=0.0)) for x in wide), default=0.0)
        error = (64 + 4 * longest) * float(np.finfo(dtype).eps) * np.abs(tangent)
        error += 1e20 * 4.0**exponent  # of the order h * h: what is left of the third derivative
        return Column(tangent, tangent, error, "complex step")

    def _result(self, operands: Sequence[Array]) -> Array:
        values: dict[Node, Any] = dict(zip(self.leaves, operands, strict=True))
        with np.errstate(all="ignore"):
            for node, stand_in in self.steps:
                if node not in values:
                    values[node] = _replayed(node, values) if stand_in is None else values[stand_in]
        return np.asarray(values[self.output])


def recorded_analytic(subject: Subject, operands: Sequence[Array]) -> Replay | None:
    """What the subject records, if every operation on the way is analytic; None if not.

    A `Function` is what its `forward` does to nodes.
    """
    for x in operands:
        magnitude = np.abs(x[x != 0])
        if magnitude.size and not (magnitude.min() > 1e-60 and magnitude.max() < 1e60):
            return None  # complex products and quotients over- and underflow long before reals
    leaves = tuple(Tensor(x) for x in operands)
    with np.errstate(all="ignore"):
        output: Any = subject.call(*leaves)
        if not isinstance(output, Node) or not output.requires_grad:
            return None
        steps = _analytic_steps(output, set(leaves))
    return None if steps is None else Replay(leaves, tuple(steps), output)


def _analytic_steps(output: Node, known: set[Node]) -> list[tuple[Node, Node | None]] | None:
    steps: list[tuple[Node, Node | None]] = []
    for node in topological_order(output):
        if node in known:
            continue
        known.add(node)
        stand_in = None
        function = getattr(node.rule, "function", None)
        if isinstance(function, Function):
            stand_in = _run_on_nodes(node, function)
            inside = None if stand_in is None else _analytic_steps(stand_in, known)
            if inside is None:
                return None
            steps += inside
        elif not _is_analytic(node):
            return None
        steps.append((node, stand_in))
    return steps


def _run_on_nodes(node: Node, function: Function) -> Node | None:
    settings = getattr(node.rule, "_settings", {})
    try:
        with recording(), differentiable("the complex step"):
            result = copy.copy(function).forward(*recorded_operands(node), **settings)
    except TypeError:
        return None
    return result if isinstance(result, Node) else None


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
_ENOUGH = 2e-14
"""At this error, relative to the largest derivative, extrapolation stops."""
_NOISE = 8.0
"""The rounding of a value, in epsilons of the numbers it is computed with."""


class Discontinuous(Exception):  # noqa: N818  (not an error: an answer)
    """The function jumps at the point: there is no derivative to judge."""


@np.errstate(all="ignore")  # beside the point may be infinities, which are told by the estimate
def ridders(
    function: Callable[[Sequence[Any]], Array],
    operands: Sequence[Array],
    direction: Sequence[Array],
    *,
    accept: float = 1e-9,
    size: float | None = None,
) -> Column:
    """Extrapolated differences in long double (Ridders 1982), with their own error estimate.

    By default the values are taken to be as good as their digits. To look closer, give the `size`
    of numbers inside the function, should they be larger than its values: what they leave when
    they cancel has their rounding. Then the noise of the values is measured, too.

    A function that has no long double, as LAPACK has none, is taken in double. The estimate
    includes the rounding of the function's values, so it is honest where the tableau agrees by
    accident. A central difference is blind to kinks: both one-sided ones must lead to it, or they
    are the answer.

    Raises
    ------
    Undecided
        If nothing settles.
    Discontinuous
        If the function jumps.
    """
    dtype, here = _widest(function, operands)
    wide = [np.asarray(x, dtype) for x in operands]
    moves = [np.asarray(u, dtype) for u in direction]
    if not np.isfinite(here).all():
        raise Undecided("the value is not finite")

    largest = np.abs(here)

    def at(h: Any) -> Array:
        nonlocal largest
        try:
            moved = function([x + dtype(h) * u for x, u in zip(wide, moves, strict=True)])
        except np.linalg.LinAlgError:  # singular
            return np.full(here.shape, np.nan, np.longdouble)
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

    eps = float(np.finfo(dtype).eps)
    inside = np.zeros(()) if size is None else np.maximum(size, scatter(at, unit) / eps)
    largest = np.maximum(largest, inside)
    extrapolated = partial(_extrapolated, size=inside, noise=_NOISE * eps)

    def central(h: float) -> _Estimate:
        return extrapolated(lambda h: ((at(h) - at(-h)) / 2, at(h)), np.longdouble(h), 2)

    best = central(0.1 * unit)
    for start in (1e-3 * unit, 1e-5 * unit, 1e-8 * unit, 0.1 * scale):
        if best.settled(accept, largest, scale):
            break
        best = _better(best, central(start))
    near = min(
        (float(np.min(np.abs(x[moved]))) for x, u in zip(wide, moves, strict=True)
         if (moved := (u != 0) & (x != 0)).any()),
        default=unit,
    )  # fmt: skip
    if near < 1e-4 * unit:  # beside a tiny number, any of these steps may be a jump
        close = central(0.1 * near)
        steep = np.maximum(np.abs(close.tangent), np.abs(best.tangent))
        error = 16 * (close.error + best.error) + 1e-6 * steep
        jumped = not (np.abs(close.tangent - best.tangent) <= error).all()
        if jumped and (close.error <= 1e-3 * np.max(steep, initial=0.0)).all():
            best, unit = close, near
        else:  # where the two differ by more than they say, at least one says too little
            apart = np.abs(close.tangent - best.tangent)
            doubtful = (apart > 4 * best.error) & (close.error < 2 * apart)
            best = replace(best, error=np.where(doubtful, apart, best.error))
    smooth = partial(_smooth, at, here, best, unit, extrapolated)
    if best.settled(accept, largest, scale) and smooth():
        return best.column(best, "Ridders")
    try:
        right, left = (_one_sided(at, here, unit, sign, inside, extrapolated) for sign in (1, -1))
    except Undecided:
        # What is next to nothing beside the value over the argument cannot be known any better.
        if best.settled(accept, largest, near) and smooth():
            return best.column(best, "Ridders")
        raise
    return right.column(left, "one-sided differences")


def _widest(
    function: Callable[[Sequence[Any]], Array], operands: Sequence[Array]
) -> tuple[type[np.floating[Any]], Array]:
    """The dtype with the most digits that a function takes, and its value."""
    try:
        here = function([np.asarray(x, np.longdouble) for x in operands])
        return np.longdouble, np.asarray(here, np.longdouble)
    except TypeError:
        return np.float64, np.asarray(function(operands), np.longdouble)


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
    at: Callable[[Any], Array],
    here: Array,
    scale: float,
    sign: int,
    size: Array,
    extrapolated: Callable[..., _Estimate],
) -> _Estimate:
    best: _Estimate | None = None
    largest = np.maximum(np.abs(here), size)
    for start in (1e-1, 1e-3, 1e-5, 1e-7, 1e-9):
        h = np.longdouble(start * (scale or 1.0)) * sign
        best = _better(best, extrapolated(lambda h: (at(h) - here, here), h, 1))
        if best.settled(1e-8, np.maximum(largest, np.abs(at(h))), scale):
            return best
    for tiny in (1e-12, 1e-15):
        jump = np.abs(at(np.longdouble(tiny * (scale or 1.0)) * sign) - here)
        if not (jump > 1e-6 * (np.abs(here) + 1e-3)).any():
            raise Undecided("no difference quotient settles")
    raise Discontinuous


def _smooth(
    at: Callable[[Any], Array],
    here: Array,
    central: _Estimate,
    scale: float,
    extrapolated: Callable[..., _Estimate],
) -> bool:
    """Whether both one-sided differences lead to the central one."""
    tangent = central.tangent
    for sign in (1, -1):
        h = np.longdouble(1e-5 * (scale or 1.0)) * sign
        side = extrapolated(lambda h: (at(h) - here, here), h, 1, enough=1e-9)
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
    enough: float = _ENOUGH,
    size: Array,
    noise: float,
) -> _Estimate:
    """Neville's tableau over shrinking steps; the entry with the smallest estimated error.

    `difference(h)` is the difference of values over the step h, and a value, for its rounding:
    `noise` times that, or times `size`.
    """

    def quotient(h: Any) -> tuple[Array, Array]:
        change, value = difference(h)
        return change / h, noise * (np.abs(value) + np.abs(change) + size) / np.abs(h)

    first, uncertain = quotient(h)
    table = [first]
    best, error = first, np.full(np.shape(first), np.inf, np.longdouble)
    factor = np.longdouble(_CONTRACTION**power)
    for _ in range(1, _STEPS):
        h = h / _CONTRACTION
        entry, uncertain = quotient(h)
        row, weight = [entry], factor
        for k, above in enumerate(table):
            row.append((row[k] * weight - above) / (weight - 1))
            estimate = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - above))
            estimate = estimate + uncertain
            better = estimate < error
            best, error = np.where(better, row[k + 1], best), np.where(better, estimate, error)
            weight = weight * factor
        if (error <= enough * np.max(np.abs(best), initial=0.0)).all():
            break
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

"""The properties a derivative rule must have, each a function of one case.

A property raises `Violation` where it does not hold. They see the subject only through the
engine's public transforms; what is right comes from an oracle.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.derivatives import gradients, push_forward
from autograd_bp.function import Function
from autograd_bp.node import Node
from autograd_bp.rules import Rule
from autograd_bp.sweep import topological_order
from autograd_bp.tensor import Tensor
from autograd_bp.testing.cases import Case
from autograd_bp.testing.oracles import Column, Discontinuous, FarBeyond, Oracle, Undecided, ridders
from autograd_bp.testing.report import Report
from autograd_bp.testing.slack import ROUNDING, rounding, size_inside, slopes_nearby
from autograd_bp.testing.subject import plain
from autograd_bp.testing.truth import error_in_ulp, size_around_a_zero, true_derivatives
from autograd_bp.value import Value

Array = NDArray[Any]

ULP = 64.0
"""How many units in the last place a first derivative of a row may be off. The rows of the sheet
are held to less; a formula of one's own may lose a few digits to plain arithmetic."""
CONTRACTION = 1e-12
"""How far a contraction may be off, relative to the sum of the magnitudes in it."""
_UNDERFLOW = 1e-300
"""Below this, terms of a contraction may be lost."""
_SMALLEST = float(np.finfo(float).smallest_normal)
_DIGITS_MORE = float(np.finfo(np.longdouble).eps / np.finfo(float).eps)


class Violation(AssertionError):  # noqa: N818  (the word of the field)
    """A property does not hold for a case."""

    def __init__(self, name: str, argument: str | None, message: str) -> None:
        super().__init__(message)
        self.property = name
        self.argument = argument


@dataclass
class Judged:
    """A case with the engine's first answers and the oracle's, shared by the properties."""

    case: Case
    report: Report
    value: Array
    cotangent: Array
    pulled: tuple[Array, ...]
    columns: list[list[Column]] = field(default_factory=list)

    @property
    def smooth(self) -> bool:
        """Whether no operand sits on a kink."""
        return all(c.smooth.all() for per_operand in self.columns for c in per_operand)

    def gradient(self, operands: Sequence[Array]) -> tuple[Array, ...]:
        """The engine's VJP at other operands of the same shapes, in their dtype."""
        leaves = [Tensor(x) for x in operands]
        with np.errstate(all="ignore"):
            output = self.case.subject.call(*leaves)
        return pull(leaves, output, self.cotangent.astype(leaves[0].dtype))

    @cached_property
    def oracle(self) -> Oracle:
        """Who judges it."""
        return Oracle(self.case.subject, self.case.operands)

    @cached_property
    def rounding(self) -> list[Array]:
        """What rounding may do to the gradient, per operand and element."""
        case = self.case
        found = rounding(self.gradient, case.subject, case.operands)
        return found or [np.zeros(x.shape) for x in case.operands]

    @cached_property
    def in_long_double(self) -> tuple[Array, ...]:
        """The gradient, computed with more digits, if the function has them."""
        try:
            return self.gradient([x.astype(np.longdouble) for x in self.case.operands])
        except TypeError:  # LAPACK has none
            return self.pulled

    def with_its_own_error(self, seen: Column, direction: Sequence[Array]) -> Column:
        """What an oracle that takes differences says, with what cancels inside in its error."""
        if seen.oracle == "mpmath":
            return seen
        if seen.oracle == "complex step":
            inside = self.rounding_along(direction) * _DIGITS_MORE
            return replace(seen, error=seen.error + inside)
        size = size_inside(self.case.subject, self.case.operands)
        return self.oracle.column(direction, size=size)

    def rounding_along(self, direction: Sequence[Array]) -> float:
        """What rounding may do to a derivative along a direction."""
        return sum(
            float(np.max(allowed, initial=0.0) * np.sum(np.abs(u)))
            for allowed, u in zip(self.rounding, direction, strict=True)
        )


def record(case: Case, dtype: Any = float) -> tuple[list[Tensor], Node]:
    """Leaves for the operands of a case, and the result."""
    leaves = [
        Tensor(np.asarray(x, dtype)) if dtype is not float else _leaf(x) for x in case.laid_out()
    ]
    with np.errstate(all="ignore"):
        return leaves, case.subject.call(*leaves)


def _leaf(x: Array) -> Tensor:
    leaf = Tensor(x)
    leaf._value = x.view()  # a Tensor copies, and a copy would lose the layout
    return leaf


def judge(case: Case, report: Report) -> Judged | None:
    """Run the engine and the oracle once; None if the case is outside the domain."""
    value = case.subject.value(case.operands)
    if not np.isfinite(value).all():
        return None
    leaves, output = record(case)
    found = plain(output)
    if np.shape(found) != value.shape:
        raise Violation("value", None, f"shape {np.shape(found)} on nodes, {value.shape} on arrays")
    cotangent = case.weights(value.shape, 0)
    pulled = pull(leaves, output, cotangent)
    return Judged(case, report, value, cotangent, pulled)


def pull(leaves: Sequence[Tensor], output: Any, cotangent: Array) -> tuple[Array, ...]:
    """The engine's VJP; zeros if the result has no history."""
    if not isinstance(output, Node) or not output.requires_grad:
        return tuple(np.zeros(leaf.shape, leaf.dtype) for leaf in leaves)
    with np.errstate(all="ignore"):
        return gradients(output, list(leaves), cotangent=cotangent)


def push(case: Case, direction: Sequence[Array]) -> Array:
    """The engine's JVP."""
    leaves, output = record(case)
    if not isinstance(output, Node) or not output.requires_grad:
        return np.zeros(np.shape(plain(output)))
    tangents: dict[Node, Any] = dict(zip(leaves, direction, strict=True))
    with np.errstate(all="ignore"), _on_nodes(output):
        (tangent,) = push_forward([output], tangents)
    return np.zeros(np.shape(plain(output))) if tangent is None else tangent


class UnsupportedError(Exception):
    """A `Function` cannot be run on nodes: it has first derivatives only, and no tangents."""


@contextlib.contextmanager
def _on_nodes(output: Node) -> Iterator[None]:
    """While the operations of a graph are run on nodes, a refusal is one to be reported.

    The engine refuses with a TypeError what would lose a derivative.
    """
    try:
        yield
    except TypeError as error:
        if all(type(node.rule) in (Rule, type(None)) for node in topological_order(output)):
            raise
        raise UnsupportedError(str(error)) from error


# -- against an oracle ----------------------------------------------------------------------------


def vjp_equals_oracle(judged: Judged) -> None:
    """<v, J e_k> = (J^T v)_k for every element of every operand."""
    case, report = judged.case, judged.report
    jumps, n = 0, sum(x.size for x in case.operands)
    for i, (argument, x, pulled) in enumerate(
        zip(case.subject.args, case.operands, judged.pulled, strict=True)
    ):
        columns = []
        for k in range(x.size):
            direction = [np.zeros(y.shape) for y in case.operands]
            direction[i].flat[k] = 1.0
            try:
                seen = judged.oracle.column(direction)
            except Discontinuous:  # other arguments may have a derivative all the same
                jumps += 1
                columns.append(_nowhere(judged.value.shape))
                continue
            columns.append(seen)
            report.oracles[seen.oracle] += 1
            got = float(pulled.flat[k])
            if _compared(judged, seen, got).holds:
                continue
            seen = columns[-1] = judged.with_its_own_error(seen, direction)
            judgment = _compared(judged, seen, got)
            if not (
                judgment.holds
                or _is_rounding(judged, i, k, judgment)
                or _is_a_choice(judged, direction, seen, got)
            ):
                raise Violation(
                    "VJP equals the oracle's", argument, f"element {k}: {judgment.told(seen)}"
                )
        judged.columns.append(columns)
    if jumps:
        if jumps == n:
            raise Discontinuous
        report.jumps += 1


def _nowhere(shape: tuple[int, ...]) -> Column:
    """A derivative that is none."""
    nothing = np.full(shape, np.nan)
    return Column(nothing, nothing, nothing, "nobody")


@dataclass(frozen=True)
class _Judgment:
    """An answer beside what the oracle allows."""

    got: float
    low: float
    high: float
    allowed: float

    @property
    def holds(self) -> bool:
        if math.isnan(self.low) or math.isnan(self.high):
            return True  # infinities of both signs meet: nothing is right
        if math.isinf(self.low) or math.isinf(self.high):  # a promised infinity
            return self.got in (self.low, self.high)
        return self.off(self.got) <= self.allowed

    def off(self, number: float) -> float:
        return abs(number - min(max(number, self.low), self.high))

    def told(self, seen: Column) -> str:
        """What came, and what should have."""
        one = self.low == self.high
        what = f"{self.low!r}" if one else f"between {self.low!r} and {self.high!r}"
        allowed = f"(allowed error {self.allowed:.1e})"
        return f"got {self.got!r}, {seen.oracle} gives {what} {allowed}"


def _compared(judged: Judged, seen: Column, got: float) -> _Judgment:
    v = judged.cotangent
    least, most = np.minimum(seen.left, seen.right), np.maximum(seen.left, seen.right)
    low = float(np.sum(v * np.where(v > 0, least, most)))
    high = float(np.sum(v * np.where(v > 0, most, least)))
    magnitude = float(np.sum(np.abs(v) * np.maximum(np.abs(seen.left), np.abs(seen.right))))
    oracle_error = float(np.sum(np.abs(v) * seen.error))
    doubt = 2 * oracle_error  # what an oracle says of its error is itself an estimate
    allowed = CONTRACTION * magnitude + doubt + _UNDERFLOW
    judgment = _Judgment(got, low, high, allowed)
    if magnitude > _UNDERFLOW:
        report = judged.report
        if oracle_error > 1e-6 * magnitude:
            report.coarse += 1
        elif judgment.holds and np.isfinite(got):
            report.error_bound = max(report.error_bound, oracle_error / magnitude)
            error = max(judgment.off(got) - doubt, 0.0) / magnitude
            report.worst_error = max(report.worst_error, error)
    return judgment


def _is_rounding(judged: Judged, i: int, k: int, judgment: _Judgment) -> bool:
    """Whether an error is no larger than rounding, and gets smaller with more digits."""
    if judged.case.subject.has_exact_values:
        return False  # held to the last digits
    off = judgment.off(judgment.got)
    if not off <= judged.rounding[i].flat[k]:
        return False
    return judgment.off(float(judged.in_long_double[i].flat[k])) <= off / 16 + judgment.allowed


def _is_a_choice(judged: Judged, direction: Sequence[Array], seen: Column, got: float) -> bool:
    """Whether, at a kink, the answer is between derivatives around it."""
    case = judged.case
    if seen.smooth.all() or case.subject.has_exact_values:
        return False
    left, right = np.minimum(seen.left, seen.right), np.maximum(seen.left, seen.right)
    for near in slopes_nearby(case.subject, case.operands, direction):
        left = np.minimum(left, np.minimum(near.left, near.right))
        right = np.maximum(right, np.maximum(near.left, near.right))
        curved = 1e-3 * np.maximum(np.abs(left), np.abs(right))
        if _compared(judged, Column(right, left, seen.error + curved, seen.oracle), got).holds:
            return True
    return False


def subgradients_hold_along(judged: Judged) -> None:
    """At a kink, <J^T v, u> is between the one-sided derivatives along any u, too.

    Element by element that does not say enough: where two numbers are the largest, each may get
    all of the cotangent, but not both.
    """
    case = judged.case
    if judged.smooth or case.has_subnormals:
        return
    rule = case.subject.rule
    ones = [np.ones(x.shape) for x in case.operands]
    some = [case.weights(x.shape, 60 + i) for i, x in enumerate(case.operands)]
    if rule is not None and case.subject.is_elementwise:
        for i, pull_back in enumerate(rule.vjp):
            if pull_back is None:  # it only selects, as the condition of `where` does
                ones[i], some[i] = 0 * ones[i], 0 * some[i]
    for direction in (ones, some):
        try:
            seen = judged.oracle.column(direction)
        except (Undecided, Discontinuous, FarBeyond):
            continue
        products = [g * u for g, u in zip(judged.pulled, direction, strict=True)]
        got = float(sum(p.sum() for p in products))
        slack = CONTRACTION * float(sum(np.abs(p).sum() for p in products))
        seen = replace(seen, error=seen.error + slack / max(judged.value.size, 1))
        judgment = _compared(judged, seen, got)
        if judgment.holds or _is_a_choice(judged, direction, seen, got):
            continue
        seen = judged.with_its_own_error(seen, direction)
        seen = replace(seen, error=seen.error + judged.rounding_along(direction))
        judgment = _compared(judged, seen, got)
        if not (judgment.holds or _is_a_choice(judged, direction, seen, got)):
            along = " and ".join(str(u.tolist()) for u in direction)
            raise Violation(
                "subgradients hold along any direction",
                None,
                f"along {along} {judgment.told(seen)}",
            )


def jvp_equals_oracle(judged: Judged) -> None:
    """J u by the engine's forward rule, for one direction, equals the oracle's."""
    if not judged.smooth:
        return
    case = judged.case
    direction = [case.weights(x.shape, 10 + i) for i, x in enumerate(case.operands)]
    got = push(case, direction)
    want, allowed = np.zeros(judged.value.shape), np.zeros(judged.value.shape)
    for u, columns in zip(direction, judged.columns, strict=True):
        for k, seen in enumerate(columns):
            want += u.flat[k] * seen.right
            allowed += np.abs(u.flat[k]) * (1e-11 * np.abs(seen.right) + 2 * seen.error)
    if got.shape == want.shape:
        close = (got == want) | (np.abs(got - want) <= allowed)
        if close.all() or (np.abs(got - want) <= allowed + judged.rounding_along(direction)).all():
            return
    raise Violation("JVP equals the oracle's", None, f"got {got.tolist()}, want {want.tolist()}")


# -- of the engine alone --------------------------------------------------------------------------


def vjp_and_jvp_are_adjoint(judged: Judged) -> None:
    """<v, J u> = <J^T v, u>."""
    case = judged.case
    direction = [case.weights(x.shape, 20 + i) for i, x in enumerate(case.operands)]
    tangent = push(case, direction)
    left = float(np.sum(judged.cotangent * tangent))
    products = [g * u for g, u in zip(judged.pulled, direction, strict=True)]
    right = float(sum(p.sum() for p in products))
    size = float(
        np.sum(np.abs(judged.cotangent * tangent)) + sum(np.abs(p).sum() for p in products)
    )
    if not np.isfinite(size) or abs(left - right) <= 1e-11 * size + 1e-300:
        return
    if not abs(left - right) <= 1e-11 * size + judged.rounding_along(direction):
        raise Violation(
            "VJP and JVP are adjoint", None, f"<v, J u> = {left!r}, but <J^T v, u> = {right!r}"
        )


def vjp_is_linear(judged: Judged) -> None:
    """In the cotangent: powers of two go through, zero gives zero, sums add up."""
    case, v = judged.case, judged.cotangent
    leaves, output = record(case)
    w = case.weights(v.shape, 1)
    of_w = pull(leaves, output, w)
    of_sum = pull(leaves, output, v + w)
    of_many = {factor: pull(leaves, output, factor * v) for factor in _FACTORS}
    for i, (argument, g, gw, gs, *scaled) in enumerate(
        zip(case.subject.args, judged.pulled, of_w, of_sum, *of_many.values(), strict=True)
    ):
        finite = np.isfinite(g)
        summed = _magnitude(judged, i)
        for factor, got in zip(of_many, scaled, strict=True):
            want = np.where(finite, factor * g, 0.0) if factor else np.zeros(g.shape)
            allowed = _FACTORS[factor] * abs(factor) * _sum_size(judged, g) + _UNDERFLOW
            beyond = ~np.isfinite(want) | np.isinf(factor * summed)
            if not ((np.abs(got - want) <= allowed) | ~finite | beyond).all():
                raise Violation(
                    "VJP is linear in the cotangent",
                    argument,
                    f"for {factor} v: got {got.tolist()}, want {want.tolist()}",
                )
        size = np.abs(g) + np.abs(gw)
        judged_here = np.isfinite(size) & ~np.isinf(16 * summed)
        size = np.where(judged_here, size, 0.0) + _sum_size(judged, g)
        off = np.where(judged_here, np.abs(gs - (g + gw)), 0.0)
        if not (
            (off <= 1e-12 * size + 1e-300).all()
            or (off <= 1e-12 * size + 4 * judged.rounding[i]).all()
        ):
            raise Violation(
                "VJP is linear in the cotangent",
                argument,
                f"for v + w: got {gs.tolist()}, want {(g + gw).tolist()}",
            )


_FACTORS = {0.0: 0.0, 4.0: 1e-15, -0.5: 1e-15, 2.0**40: 1e-12, -(2.0**-40): 1e-12}
"""What a cotangent is multiplied by, and how far the answer may be off: small factors go through
to the last digit, large ones may meet underflow on the way."""


def _magnitude(judged: Judged, i: int) -> Array:
    """Of all that is summed up in the gradient by an operand: infinite where that overflows."""
    sizes = [np.sum(np.abs(judged.cotangent * c.right)) for c in judged.columns[i]]
    return np.reshape(np.asarray(sizes, float), judged.case.operands[i].shape)


def _sum_size(judged: Judged, g: Array) -> float:
    largest = np.max(np.abs(g), initial=0.0, where=np.isfinite(g))
    return float(largest) * (1 + judged.value.size)


def shapes_and_dtypes_are_right(judged: Judged) -> None:
    """A gradient has its operand's shape and dtype, in float64 and in float32."""
    case = judged.case
    for dtype in (float, np.float32):
        leaves, output = record(case, dtype)
        value = np.asarray(plain(output))
        told = case.subject.rule is not None and "dtype" in case.subject.rule.params
        if value.dtype != np.dtype(dtype) and not told:
            raise Violation("dtype", None, f"{np.dtype(dtype)} gives {value.dtype}")
        pulled = pull(leaves, output, judged.cotangent.astype(dtype))
        for argument, leaf, g in zip(case.subject.args, leaves, pulled, strict=True):
            if g.shape != leaf.shape or g.dtype != leaf.dtype:
                raise Violation(
                    "shape and dtype",
                    argument,
                    f"a gradient of shape {g.shape}, {g.dtype} for {leaf.shape}, {leaf.dtype}",
                )


def float32_agrees(judged: Judged) -> None:
    """The gradient in float32 is that in float64 at the same point, to float32's precision."""
    if not judged.smooth:
        return
    case = judged.case
    rounded = tuple(x.astype(np.float32).astype(float) for x in case.operands)
    if not all(np.array_equal(r, x) for r, x in zip(rounded, case.operands, strict=True)):
        return
    leaves, output = record(case, np.float32)
    if not np.isfinite(np.asarray(plain(output))).all():
        return
    pulled = pull(leaves, output, judged.cotangent.astype(np.float32))
    eps = float(np.finfo(np.float32).eps)
    for i, (argument, g32, g) in enumerate(
        zip(case.subject.args, pulled, judged.pulled, strict=True)
    ):
        magnitude = _magnitude(judged, i)
        allowed = 256 * eps * magnitude + 1e-36
        large = magnitude > 1e37
        if ((np.abs(g32 - g) <= allowed) | large).all():
            continue
        allowed = allowed + 8 * eps / np.finfo(float).eps * judged.rounding[i]
        if not ((np.abs(g32 - g) <= allowed) | large).all():
            raise Violation(
                "float32 agrees with float64", argument, f"got {g32.tolist()}, want {g.tolist()}"
            )


def pure(judged: Judged) -> None:
    """Operands and cotangents stay as they are, results repeat bit for bit, nothing is shared."""
    case = judged.case
    operands = case.laid_out()
    before = [x.copy() for x in operands]
    cotangent = judged.cotangent.copy()
    leaves, output = record(case)
    first = pull(leaves, output, cotangent)
    judged.gradient([np.asarray(x * 0.75) for x in case.operands])  # somebody else's sweep
    again = pull(leaves, output, cotangent)
    if not np.array_equal(cotangent, judged.cotangent):
        raise Violation("purity", None, "the cotangent was changed")
    if not np.array_equal(case.subject.value(case.operands), judged.value):
        raise Violation("purity", None, "the value is not repeatable")
    _pure_by_hand(judged, output)
    for argument, leaf, x, a, b in zip(
        case.subject.args, leaves, before, first, again, strict=True
    ):
        if not np.array_equal(leaf._value, x, equal_nan=True):
            raise Violation("purity", argument, "the operand was changed")
        if not np.array_equal(a, b, equal_nan=True):
            raise Violation("purity", argument, f"not repeatable: {a.tolist()}, then {b.tolist()}")
        if a.size and (np.shares_memory(a, leaf._value) or np.shares_memory(a, cotangent)):
            raise Violation("purity", argument, "the gradient shares memory with what was given")


def _pure_by_hand(judged: Judged, output: Any) -> None:
    """The same of every `Function` inside, called as an ordinary object: the engine hands out
    copies."""
    nodes = topological_order(output) if isinstance(output, Node) else []
    for node in nodes:
        function = getattr(node.rule, "function", None)
        if not isinstance(function, Function):
            continue
        by_hand, operands = copy.copy(function), copy.deepcopy(node.args)
        before = copy.deepcopy(operands)
        cotangent = judged.case.weights(np.shape(node._value), 2)
        given = cotangent.copy()
        with np.errstate(all="ignore"):
            by_hand.forward(*operands, **node.rule._settings)
            by_hand.backward(given)
        if not np.array_equal(given, cotangent):
            raise Violation(
                "purity by hand", None, f"{node.rule.name}.backward changes its cotangent"
            )
        for argument, x, old in zip(node.rule.args, operands, before, strict=True):
            if not np.array_equal(x, old, equal_nan=True):
                raise Violation("purity by hand", argument, f"{node.rule.name} changes its operand")


def layout_does_not_matter(judged: Judged) -> None:
    """The gradient in the layout of the case is that in C order."""
    case = judged.case
    if case.layout == "C":
        return
    leaves, output = record(Case(case.subject, case.operands, case.seed, "C"))
    for i, (argument, g, want) in enumerate(
        zip(case.subject.args, judged.pulled, pull(leaves, output, judged.cotangent), strict=True)
    ):
        size = _sum_size(judged, want)
        off = np.where(np.isfinite(want), np.abs(g - want), 0.0)
        if not (
            (off <= 1e-13 * size + 1e-300).all() or (off <= 1e-13 * size + judged.rounding[i]).all()
        ):
            raise Violation(
                f"independence of layout ({case.layout})",
                argument,
                f"got {g.tolist()}, in C order {want.tolist()}",
            )


def second_derivatives_agree(judged: Judged) -> None:
    """Reverse over reverse = forward over reverse = forward over forward = the oracle's.

    Of <v, f> in two directions a and b. The oracle differentiates the first gradient, which
    has been judged, in long double.
    """
    case, v = judged.case, judged.cotangent
    if not judged.smooth or not v.size or not any(x.size for x in case.operands):
        return
    if not all(np.isfinite(g).all() for g in judged.pulled):
        return
    if case.has_subnormals:  # already 1 / x overflows
        return
    a = [case.weights(x.shape, 30 + i) for i, x in enumerate(case.operands)]
    b = [case.weights(x.shape, 40 + i) for i, x in enumerate(case.operands)]
    answers = {
        "reverse over reverse, a then b": _reverse_over_reverse(case, v, a, b),
        "reverse over reverse, b then a": _reverse_over_reverse(case, v, b, a),
        "forward over reverse": _forward_over_reverse(case, v, a, b),
        "forward over forward": _forward_over_forward(case, v, a, b),
    }

    def slope(operands: Sequence[Array]) -> Array:
        leaves = [Tensor(x) for x in operands]
        with np.errstate(all="ignore"):
            output = case.subject.call(*leaves)
            pulled = pull(leaves, output, v.astype(operands[0].dtype))
        return np.asarray(sum(np.sum(g * u) for g, u in zip(pulled, a, strict=True)))

    def right(size: float | None = None) -> Column | None:
        try:
            if case.subject.has_exact_values:
                seen = _exact_second(case, v, a, b)
            else:
                seen = ridders(slope, case.operands, b, accept=1e-9, size=size)
        except (Undecided, Discontinuous):
            return None
        return seen if seen.smooth.all() else None

    seen = right()
    if seen is None:
        return
    judged.report.oracles[f"{seen.oracle}, of the gradient"] += 1
    slack = 0.0
    for retry in (True, False):
        want, size = float(seen.right), _second_order_size(judged, a)
        allowed = 1e-9 * (abs(want) + size) + 4 * float(seen.error) + slack
        wrong = [name for name, got in answers.items() if not abs(got - want) <= allowed]
        if not wrong:
            return
        if retry:
            slack = _second_order_rounding(judged)
            seen = right(judged.rounding_along(a) / ROUNDING)
            if seen is None:
                return
    raise Violation(
        "second derivatives agree",
        None,
        f"{wrong[0]} gives {answers[wrong[0]]!r}, {seen.oracle} of the gradient gives {want!r}",
    )


def _exact_second(case: Case, v: Array, a: Sequence[Array], b: Sequence[Array]) -> Column:
    """The second derivative of <v, f> along a and b, by the formula of an elementwise row."""
    rule, params = case.subject.rule, case.subject.params
    assert rule is not None
    whole = np.broadcast_arrays(*case.operands, *a, *b, v)
    n = len(case.operands)
    total, size = 0.0, 0.0
    for place in np.ndindex(v.shape):
        numbers = [float(x[place]) for x in whole]
        truth = true_derivatives(rule, params, tuple(numbers[:n]))
        if truth is None:
            raise Undecided("the formula has no second derivative here")
        for i, row in enumerate(truth.second):
            for j, second in enumerate(row):
                piece = float(second) * numbers[n + i] * numbers[2 * n + j] * numbers[3 * n]
                total += piece
                size += abs(piece)
    if not size < 1e290:
        raise Undecided("the second derivative is beyond floats, or nearly")
    return Column(np.array(total), np.array(total), np.array(1e-11 * size + 1e-290), "mpmath")


def _second_order_rounding(judged: Judged) -> float:
    """What rounding may do to a second derivative, in whichever directions it shows.

    And with whichever cotangent: in the sum of all eigenvalues cancels what each of them has.
    """
    case, v = judged.case, judged.cotangent
    rng = np.random.default_rng(2)
    pairs = [
        [[np.asarray(rng.normal(0, 1, x.shape)) for x in case.operands] for _ in "ab"]
        for _ in range(3)
    ]
    others = [np.asarray(v * rng.normal(0, 1, v.shape)) for _ in pairs]

    def answers(operands: Sequence[Array]) -> list[Array]:
        moved = Case(case.subject, tuple(operands), case.seed)
        return [
            np.asarray(_reverse_over_reverse(moved, w, a, b))
            for own, (a, b) in zip(others, pairs, strict=True)
            for w in (v, own)
        ]

    return max(map(float, rounding(answers, case.subject, case.operands)), default=0.0)


def _second_order_size(judged: Judged, a: Sequence[Array]) -> float:
    """A scale below which a second derivative is rounding."""
    first = 0.0
    for u, columns in zip(a, judged.columns, strict=True):
        for k, seen in enumerate(columns):
            first += abs(float(u.flat[k])) * float(np.sum(np.abs(judged.cotangent * seen.right)))
    longest = max((float(np.max(np.abs(x), initial=0.0)) for x in judged.case.operands), default=0)
    return 1e-3 * first / max(longest, 1.0)


def _reverse_over_reverse(case: Case, v: Array, a: Sequence[Array], b: Sequence[Array]) -> float:
    leaves, output = record(case)
    if not isinstance(output, Node) or not output.requires_grad:
        return 0.0
    with np.errstate(all="ignore"), _on_nodes(output):
        first = gradients(output, leaves, create_graph=True, cotangent=v)
        slope: Any = sum((g * u).sum() for g, u in zip(first, a, strict=True))
        if not isinstance(slope, Node) or not slope.requires_grad:
            return 0.0
        second = gradients(slope, leaves)
    return float(sum(np.sum(h * u) for h, u in zip(second, b, strict=True)))


def _forward_over_reverse(case: Case, v: Array, a: Sequence[Array], b: Sequence[Array]) -> float:
    leaves, output = record(case)
    if not isinstance(output, Node) or not output.requires_grad:
        return 0.0
    with np.errstate(all="ignore"), _on_nodes(output):
        first = gradients(output, leaves, create_graph=True, cotangent=v)
        pushed = push_forward(first, dict(zip(leaves, b, strict=True)))
    return float(sum(np.sum(u * t) for u, t in zip(a, pushed, strict=True) if t is not None))


def _forward_over_forward(case: Case, v: Array, a: Sequence[Array], b: Sequence[Array]) -> float:
    leaves, output = record(case)
    if not isinstance(output, Node) or not output.requires_grad:
        return 0.0
    along: dict[Node, Any] = {
        leaf: Tensor(u, requires_grad=False) for leaf, u in zip(leaves, a, strict=True)
    }
    with np.errstate(all="ignore"), _on_nodes(output):
        (first,) = push_forward([output], along, create_graph=True)
        if not isinstance(first, Node) or not first.requires_grad:
            return 0.0
        (second,) = push_forward([first], dict(zip(leaves, b, strict=True)))
    return 0.0 if second is None else float(np.sum(v * second))


def right_to_the_last_digits(judged: Judged) -> None:
    """Every first derivative of an elementwise row is within a few units in the last place."""
    case = judged.case
    rule, params = case.subject.rule, case.subject.params
    if rule is None or not case.subject.has_exact_values or not judged.value.size:
        return
    whole = [x.ravel() for x in np.broadcast_arrays(*case.operands)]
    leaves = [Tensor(x) for x in whole]
    with np.errstate(all="ignore"):
        output = case.subject.call(*leaves)
    pulled = pull(leaves, output, np.ones(np.shape(plain(output))))
    for place, numbers in enumerate(zip(*whole, strict=True)):
        point = tuple(map(float, numbers))
        truth = true_derivatives(rule, params, point)
        if truth is None:
            continue
        for k, argument in enumerate(case.subject.args):
            found, true = float(pulled[k][place]), truth.first[k]
            error = error_in_ulp(found, true)
            if error > ULP and math.isfinite(found):
                size = size_around_a_zero(rule, params, point, k)
                # As uncertain as the last digits of the arguments: exp(-x * x) far out.
                moved = sum(abs(x * d) for x, d in zip(point, truth.second[k], strict=True))
                error = error_in_ulp(found, true, max(size, moved / 16))
            if error and abs(true) < _SMALLEST and abs(found - true) <= _lost_below(case, point):
                continue  # what was rounded among subnormal numbers on the way keeps that error
            if error > ULP:
                raise Violation(
                    "right to the last digits",
                    argument,
                    f"got {found!r} at {point}, mpmath gives {float(true)!r}: {error:.3g} units "
                    "in the last place off",
                )
            judged.report.worst_ulp = max(judged.report.worst_ulp or 0.0, error)


def _lost_below(case: Case, point: Sequence[float]) -> float:
    """What underflow may cost a subnormal derivative: of our own rows, the last digits."""
    if not case.subject.sheet_row:
        return _SMALLEST
    return 4 * 5e-324 * min(max(1.0, *map(abs, point)), 1024.0)


def scalar_equals_tensor(judged: Judged) -> None:
    """An elementwise row on Values, element by element, is that on Tensors."""
    case = judged.case
    if not case.subject.is_elementwise or not judged.value.size:
        return
    whole = np.broadcast_arrays(*case.operands)
    for place in range(min(judged.value.size, 3)):
        numbers = [float(x.flat[place]) for x in whole]
        values = [Value(number) for number in numbers]
        leaves = [Tensor(number) for number in numbers]
        with np.errstate(all="ignore"):
            of_values: Any = case.subject.call(*values)
            of_tensors: Any = case.subject.call(*leaves)
            left = gradients(of_values, values)
            right = gradients(of_tensors, leaves)
        pairs = [(float(of_values), float(of_tensors)), *zip(left, map(float, right), strict=True)]
        for i, (one, other) in enumerate(pairs):
            if one == other or abs(one - other) <= 8 * np.spacing(abs(other)):
                continue
            if not abs(one - other) <= _rounding_of_numbers(case, numbers)[i]:
                raise Violation(
                    "scalar equals tensor",
                    (None, *case.subject.args)[i],
                    f"Value {one!r}, Tensor {other!r} at {numbers}",
                )


def _rounding_of_numbers(case: Case, numbers: Sequence[float]) -> list[float]:
    """What rounding may do to a value and its derivatives: where terms cancel, the last digits of
    `math` and of NumPy show."""

    def answers(operands: Sequence[Array]) -> list[Array]:
        leaves = [Tensor(x) for x in operands]
        output: Any = case.subject.call(*leaves)
        return [np.asarray(output._value), *gradients(output, leaves)]

    with np.errstate(all="ignore"):
        found = rounding(answers, case.subject, [np.asarray(x) for x in numbers])
    return [float(allowed) for allowed in found]


def scales_far_out(judged: Judged) -> None:
    """If f(2 x) is exactly 2**d f(x), the gradient scales by 2**(d - 1) at 1e200 and 1e-200 too."""
    case, v = judged.case, judged.cotangent
    if not judged.value.any() or not judged.smooth:
        return
    sizes = np.concatenate([np.abs(x[x != 0]).ravel() for x in case.operands])
    if sizes.size and not (sizes.min() > 1e-60 and sizes.max() < 1e60):
        return  # twice as far out there is only underflow
    degree = _degree(case)
    if degree is None:
        return
    for k in (600, -600):
        if abs(k * degree) > 950 or abs(k * (degree - 1)) > 950:
            continue
        far = Case(
            case.subject, tuple(np.asarray(np.ldexp(x, k)) for x in case.operands), case.seed
        )
        if not np.array_equal(case.subject.value(far.operands), np.ldexp(judged.value, k * degree)):
            continue
        leaves, output = record(far)
        for argument, g, near in zip(
            case.subject.args, pull(leaves, output, v), judged.pulled, strict=True
        ):
            want = np.ldexp(near, k * (degree - 1))
            if not (np.abs(g - want) <= 1e-12 * _sum_size(judged, want) + 1e-300).all():
                raise Violation(
                    "scale invariance",
                    argument,
                    f"operands times 2**{k}: got {g.tolist()}, want {want.tolist()}",
                )


def _degree(case: Case) -> int | None:
    """The d of f(2 x) = 2**d f(x), if that holds exactly at a few random points; else None."""
    found = None
    for k in range(3):
        rng = np.random.default_rng([7, k])
        operands = []
        for x, interval in zip(case.operands, case.subject.domain, strict=True):
            sign = 1.0 if interval.low >= 0 else rng.choice([-1.0, 1.0], x.shape)
            operands.append(np.asarray(sign * rng.uniform(0.5, 3.0, x.shape)))
        try:
            value = case.subject.value(operands)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(value).all() or not value.all():
            return None
        doubled = case.subject.value([2 * x for x in operands])
        shrunk = case.subject.value([x / 1024 for x in operands])
        degrees = [
            d
            for d in (-2, -1, 0, 1, 2, 3)
            if np.array_equal(doubled, np.ldexp(value, d))
            and np.array_equal(shrunk, np.ldexp(value, -10 * d))
        ]
        if not degrees or (found is not None and degrees != found):
            return None
        found = degrees
    return found[0] if found else None


PROPERTIES: dict[str, Callable[[Judged], None]] = {
    "VJP equals the oracle's": vjp_equals_oracle,
    "subgradients hold along any direction": subgradients_hold_along,
    "JVP equals the oracle's": jvp_equals_oracle,
    "right to the last digits": right_to_the_last_digits,
    "VJP and JVP are adjoint": vjp_and_jvp_are_adjoint,
    "VJP is linear in the cotangent": vjp_is_linear,
    "shapes and dtypes": shapes_and_dtypes_are_right,
    "float32 agrees with float64": float32_agrees,
    "second derivatives agree": second_derivatives_agree,
    "scalar equals tensor": scalar_equals_tensor,
    "scale invariance": scales_far_out,
    "purity": pure,
    "independence of layout": layout_does_not_matter,
}

__all__ = ["PROPERTIES", "Judged", "UnsupportedError", "Violation", "judge"]

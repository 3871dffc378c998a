"""Planted faults: wrong versions of a rule, to see that a check finds them.

A fault wraps the function that is checked. The value stays right; the cotangents that go back are
the right ones, changed. It is written once in operations, so gradients of gradients and tangents
are wrong in the same way, as they would be after a slip in the rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_bp import tensor, value
from autograd_bp.derivatives import gradients, pull_back
from autograd_bp.function import push_by_transposition
from autograd_bp.functions.elementwise import where
from autograd_bp.functions.shapes import asarray, broadcast_to, reshape, roll, swapaxes
from autograd_bp.node import Node
from autograd_bp.recording import no_grad, state
from autograd_bp.tensor import Tensor
from autograd_bp.testing.cases import Case
from autograd_bp.testing.oracles import Discontinuous, FarBeyond, Undecided, column
from autograd_bp.testing.report import MutantResult
from autograd_bp.testing.sampling import sample
from autograd_bp.testing.subject import Subject
from autograd_bp.value import Value

Operand = Any
Change = Callable[["Pulled", int], Operand]


@dataclass(frozen=True)
class Pulled:
    """What goes back through the function, and what a fault may look at."""

    contributions: list[Operand]
    operands: Sequence[Operand]
    cotangent: Operand
    shape: tuple[int, ...]
    again: Callable[[Operand], list[Operand]]

    def numbers(self, i: int) -> Any:
        """The numbers of operand i."""
        operand = self.operands[i]
        return np.asarray(operand._value if isinstance(operand, Node) else operand)

    def stray(self) -> Operand:
        """A number that is linear in the cotangent and has nothing to do with the derivative."""
        weights = 7.3 + 0.37 * np.arange(math.prod(self.shape)).reshape(self.shape)
        if isinstance(self.cotangent, Value | float):
            return self.cotangent * float(weights)
        return (self.cotangent * weights).sum()


@dataclass(frozen=True)
class Fault:
    """One way to be wrong, in one argument or (None) in all."""

    name: str
    argument: int | None
    change: Change
    detached: bool = False

    def applied(self, pulled: Pulled) -> list[Operand]:
        """The contributions, one or all of them changed."""
        chosen = range(len(pulled.operands)) if self.argument is None else [self.argument]
        changed = list(pulled.contributions)
        for i in chosen:
            if changed[i] is not None:
                changed[i] = self.change(pulled, i)
        return changed

    def around(self, call: Callable[..., Node]) -> Callable[..., Node]:
        """The function with the fault in it."""

        def faulty(*operands: Operand) -> Node:
            with no_grad():
                result = call(*operands)
            data = result._value if isinstance(result, Node) else result
            parents = tuple(x if isinstance(x, Node) else None for x in operands)
            needed = any(p is not None and p.requires_grad for p in parents)
            if not needed or not state.recording:
                return result
            args = tuple(x._value if isinstance(x, Node) else x for x in operands)
            rule = _FaultyRule(call, self, len(operands))
            if isinstance(result, Value):
                return value.record(rule, args, parents, (), data)
            return tensor.record(rule, args, parents, (), np.asarray(data))

        return faulty


class _FaultyRule:
    """The rule of a node that a faulty function made."""

    params = ()
    symbol = "faulty"

    def __init__(self, call: Callable[..., Node], fault: Fault, n: int) -> None:
        self.name = f"{getattr(call, '__name__', 'function')} with {fault.name}"
        self.formula = self.name
        self.args = tuple(f"x{i}" for i in range(n))
        self._call = call
        self._fault = fault

    def pull(self, node: Node, cotangent: Any, _wanted: Sequence[bool]) -> Sequence[Any]:
        leaves = [_leaf(node, arg) for arg in node.args]
        output = self._call(*leaves)

        def right(g: Any) -> list[Any]:
            if not output.requires_grad:
                return [leaf._zero() for leaf in leaves]
            return list(gradients(output, leaves, cotangent=g))

        pulled = Pulled(right(cotangent), node.args, cotangent, np.shape(node._value), right)
        return [_plain(c) for c in self._fault.applied(pulled)]

    def pull_nodes(
        self, node: Node, cotangent: Any, operands: Sequence[Any], _wanted: Sequence[bool]
    ) -> Sequence[Any]:
        inner = [
            _leaf(node, arg)
            if self._fault.detached or not isinstance(operand, Node)
            else operand._stand_in(operand._value)
            for operand, arg in zip(operands, node.args, strict=True)
        ]
        output = self._call(*inner)

        def right(g: Any) -> list[Any]:
            found = pull_back({output: g}, inner) if output.requires_grad else {}
            return [found.get(leaf) for leaf in inner]

        pulled = Pulled(right(cotangent), operands, cotangent, np.shape(node._value), right)
        return self._fault.applied(pulled)

    def push(self, node: Node, tangents: Sequence[Any]) -> Any:
        pushed = self.push_nodes(node, tangents, node.args)
        return None if pushed is None else pushed._value

    def push_nodes(self, node: Node, tangents: Sequence[Any], operands: Sequence[Any]) -> Any:
        return push_by_transposition(self, node, tangents, operands)

    def __deepcopy__(self, memo: dict[int, Any]) -> _FaultyRule:
        return self


def _leaf(like: Node, arg: Any) -> Node:
    return Value(arg) if isinstance(like, Value) else Tensor(arg)


def _plain(contribution: Any) -> Any:
    return contribution._value if isinstance(contribution, Node) else contribution


# -- the faults -----------------------------------------------------------------------------------


def _times(factor: float) -> Change:
    return lambda pulled, i: pulled.contributions[i] * factor


def _swapped(pulled: Pulled, i: int) -> Operand:
    own, other = np.shape(pulled.numbers(i)), np.shape(pulled.numbers(i - 1))
    c = pulled.contributions[i - 1]
    if own == other or c is None:
        return c
    if math.prod(own) == math.prod(other) and not isinstance(c, Value | float):
        return reshape(c, own)
    return pulled.contributions[i]


def _transposed(pulled: Pulled, i: int) -> Operand:
    c = pulled.contributions[i]
    shape = np.shape(pulled.numbers(i))
    return swapaxes(c, -1, -2) if len(shape) > 1 and shape[-1] == shape[-2] else c


def _rolled(pulled: Pulled, i: int) -> Operand:
    c = pulled.contributions[i]
    return roll(asarray(c), 1, -1) if pulled.numbers(i).ndim else c


def _repeats(pulled: Pulled, i: int) -> float:
    size = int(pulled.numbers(i).size)
    return max(math.prod(pulled.shape), 1) / max(size, 1)


def _last_slice(pulled: Pulled, i: int) -> Operand:
    """The unbroadcast left out: of the repeated places, only the last counts."""
    shape, own = pulled.shape, np.shape(pulled.numbers(i))
    added = len(shape) - len(own)
    if added < 0 or isinstance(pulled.cotangent, Value | float):
        return pulled.contributions[i]
    mask = np.ones(shape)
    for axis, n in enumerate(shape):
        if axis < added or (own[axis - added] == 1 and n != 1):
            keep = np.arange(n) == n - 1
            mask = mask * keep.reshape((-1,) + (1,) * (len(shape) - axis - 1))
    return pulled.again(pulled.cotangent * mask)[i]


def _nonlinear(pulled: Pulled, i: int) -> Operand:
    c = pulled.contributions[i]
    return c + 1e-3 * c * abs(c)


def _stray_where(condition: Callable[[Pulled, int], Any]) -> Change:
    """Something else is added where the condition on the operand holds, and only there."""

    def change(pulled: Pulled, i: int) -> Operand:
        places = np.asarray(condition(pulled, i), float)
        if not places.any():
            return pulled.contributions[i]
        stray = pulled.stray()
        if isinstance(stray, Value) or type(stray) is float:  # NumPy's floats are floats too
            return pulled.contributions[i] + stray * float(places.reshape(-1)[0])
        return pulled.contributions[i] + broadcast_to(stray, places.shape) * places

    return change


def _ties(pulled: Pulled, i: int) -> Any:
    """Elements equal to one of another operand at their place, or to another of their own."""
    x = pulled.numbers(i)
    tied = np.zeros(x.shape, bool)
    for j in range(len(pulled.operands)):
        y = pulled.numbers(j)
        if j != i and y.shape == x.shape:
            tied |= x == y
    if x.size > 1 and len(pulled.operands) == 1:
        tied |= (x.reshape(-1, 1) == x.reshape(1, -1)).sum(axis=1).reshape(x.shape) > 1
    return tied


def _last_index(pulled: Pulled, i: int) -> Any:
    x = pulled.numbers(i)
    mask = np.zeros(x.size)
    if x.size > 1:
        mask[-1] = 1.0
    return mask.reshape(x.shape)


def _in_float32(pulled: Pulled, i: int) -> Operand:
    c = pulled.contributions[i]
    return c * 1.01 if pulled.numbers(i).dtype == np.float32 else c


def _overwritten(pulled: Pulled, i: int) -> Operand:
    """`=` for `+=`: of several results that an element enters, only the last one counts."""
    n = math.prod(pulled.shape)
    if n < 2 or isinstance(pulled.cotangent, Value | float):
        return pulled.contributions[i]
    kept: Any = 0.0 * pulled.contributions[i]
    for m in range(n):
        only = np.zeros(pulled.shape)
        only.flat[m] = 1.0
        one = pulled.again(pulled.cotangent * only)[i]
        reached = np.asarray(_plain(one)) != 0
        kept = where(reached, one, kept)
    return kept


def faults(about: Subject) -> list[Fault]:
    """The faults that make sense for a subject."""
    names = about.args
    several = len(names) > 1
    found = []
    for i, name in enumerate(names):
        found += [
            Fault(f"the sign by {name}", i, _times(-1.0)),
            Fault(f"1 + 1e-9 by {name}", i, _times(1 + 1e-9)),
            Fault(f"zero by {name}", i, _times(0.0)),
        ]
    last = len(names) - 1
    found += [
        Fault("a factor 2", last, _times(2.0)),
        Fault("not linear in the cotangent", last, _nonlinear),
        Fault("a wrong axis", last, _rolled),
        Fault("= for +=", last, _overwritten),
        Fault("a transposition", 0, _transposed),
        Fault("wrong in float32", last, _in_float32),
        Fault("wrong at the last index", last, _stray_where(_last_index)),
        Fault("a factor detached at second order", None, _times(1.0), detached=True),
    ]
    if several:
        found += [
            Fault("arguments swapped", None, _swapped),
            Fault("no unbroadcast", last, _last_slice),
            Fault("unbroadcast twice", 0, lambda p, i: p.contributions[i] * max(_repeats(p, i), 1)),
            Fault(
                "a mean for the sum of the unbroadcast",
                last,
                lambda p, i: p.contributions[i] / max(_repeats(p, i), 1),
            ),
        ]
    else:
        found.append(
            Fault("a mean for a sum", 0, lambda p, i: p.contributions[i] * min(_repeats(p, i), 1.0))
        )
    places: dict[str, Callable[[Pulled, int], Any]] = {
        "wrong at 0": lambda p, i: p.numbers(i) == 0,
        "wrong at ties": _ties,
        "wrong beyond 30": lambda p, i: np.abs(p.numbers(i)) > 30,
        "wrong below 0": lambda p, i: p.numbers(i) < 0,
    }
    found += [Fault(name, last, _stray_where(where)) for name, where in places.items()]
    return found


# -- the hunt -----------------------------------------------------------------------------------


def hunt(
    about: Subject, find: Callable[[Subject], str | None], equivalent: Mapping[str, str]
) -> list[MutantResult]:
    """Plant every fault that changes anything; `find` says which property fails, if one does.

    A fault that changes no derivative of any input that is drawn from a large, separate sample
    is no fault for this function (ties where there is one number, 0 outside the domain, or at a
    jump, where there is no derivative) and is left out.
    """
    cases = sample(about, 150)
    results = []
    for fault in faults(about):
        if fault.name in equivalent:
            results.append(MutantResult(fault.name, None, equivalent[fault.name]))
            continue
        planted = about.with_fault(fault.around)
        if not _does_something(about, planted, fault, cases):
            continue
        results.append(MutantResult(fault.name, find(planted)))
    return results


def _does_something(about: Subject, planted: Subject, fault: Fault, cases: Sequence[Case]) -> bool:
    for case in cases:
        if any(x.size == 0 for x in case.operands):
            continue
        params = case.subject.params
        right, wrong = (s.with_params(params) if params else s for s in (about, planted))
        if not np.isfinite(right.value(case.operands)).all():
            continue
        first, second = (_derivatives(subject, fault, case) for subject in (right, wrong))
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            with np.errstate(invalid="ignore"):
                changed = np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) > 1e-10 * np.abs(a))
            if any(_is_judged(right, case, i, k) for k in np.flatnonzero(changed)[:3]):
                return True
    return False


def _derivatives(subject: Subject, fault: Fault, case: Case) -> Sequence[Any]:
    """What the fault may change: first derivatives, or second ones; in float32 if it is about that.

    Empty if nothing is recorded.
    """
    dtype = np.float32 if "float32" in fault.name else float
    leaves = [Tensor(x.astype(dtype)) for x in case.operands]
    with np.errstate(all="ignore"):
        output: Any = subject.call(*leaves)
        if not isinstance(output, Node) or not output.requires_grad:
            return ()
        weights = case.weights(output._value.shape, 0).astype(dtype)
        first = gradients(output, leaves, create_graph=fault.detached, cotangent=weights)
        if not fault.detached:
            return first
        slope: Any = sum((g * case.weights(g.shape, 50)).sum() for g in first)
        if not isinstance(slope, Node) or not slope.requires_grad:
            return [leaf._zero() for leaf in leaves]
        return gradients(slope, leaves)


def _is_judged(subject: Subject, case: Case, i: int, k: int) -> bool:
    """Whether there is a derivative by element k of operand i, for an oracle to tell."""
    direction = [np.zeros(x.shape) for x in case.operands]
    direction[i].flat[k] = 1.0
    try:
        column(subject, case.operands, direction)
    except (Undecided, Discontinuous, FarBeyond):
        return False
    return True

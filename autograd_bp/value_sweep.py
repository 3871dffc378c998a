"""The backward sweep of a graph of Values, with the steps of its rules written out.

What it leaves is what `sweep.backward` leaves, in a fraction of the time; where it has no answer
(an infinite derivative, an operation on arrays) it changes nothing and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from autograd_bp.rules import Rule
from autograd_bp.sweep import float_contribution, keep_gradient, with_earlier
from autograd_bp.value_rules import step_back

Value = Any
"""A Value, of whose slots this module knows."""

_by_serial = attrgetter("serial")
_gradient = attrgetter("grad")


class _Steps(dict[Rule, Callable[[Any], None]]):
    """The step back of every rule, compiled when it is first needed."""

    def __missing__(self, rule: Rule) -> Callable[[Any], None]:
        in_slots = len(rule.args) <= 2 and not rule.params
        step = self[rule] = step_back(rule) if in_slots else _step_back
        return step


_STEPS = _Steps()


def _step_back(node: Value) -> None:
    """The step of a rule with parameters, or with more than two arguments."""
    for i, parent in enumerate(node._parents):
        if parent is not None and parent.requires_grad:
            parent.grad += float_contribution(node, node.grad, i, parent)


def backward(output: Value, seed: float) -> bool:
    """Fill `.grad` of all that `output` depends on; False, with nothing changed, if it cannot."""
    found = _reached(output)
    if found is None:
        return False
    nodes, leaves = found
    nodes.sort(key=_by_serial, reverse=True)
    before = [leaf.grad for leaf in leaves]
    try:
        sums = _swept(output, seed, nodes, leaves)
    except BaseException:
        _restore(leaves, before)
        for node in nodes:
            node.grad = None
        raise
    _restore(leaves, before)
    if sums is None:
        return False
    totals = list(map(with_earlier, leaves, sums))
    for leaf, gradient in zip(leaves, totals, strict=True):
        keep_gradient(leaf, gradient)
    return True


def _reached(output: Value) -> tuple[list[Value], list[Value]] | None:
    """The results and the leaves that `output` depends on; None if not all are of Values."""
    found = {output}
    nodes: list[Value] = []
    leaves: list[Value] = []
    stack = [output]
    while stack:
        node = stack.pop()
        nodes.append(node)
        parent = node._left
        if type(parent) is not tuple:
            # Written out for one or two parents: here most of the time is spent.
            if parent is not None and parent not in found and parent.requires_grad:
                found.add(parent)
                (leaves if parent.rule is None else stack).append(parent)
            parent = node._right
            if parent is not None and parent not in found and parent.requires_grad:
                found.add(parent)
                (leaves if parent.rule is None else stack).append(parent)
            continue
        if type(node.rule) is not Rule or not all(p is None or p._on_floats for p in parent):
            return None
        for parent in node._parents:
            if parent is not None and parent not in found and parent.requires_grad:
                found.add(parent)
                (leaves if parent.rule is None else stack).append(parent)
    return nodes, leaves


def _swept(
    output: Value, seed: float, nodes: list[Value], leaves: list[Value]
) -> list[float] | None:
    """The gradients of the leaves, those of the nodes in place; None if floats cannot tell."""
    for node in leaves:
        node.grad = 0.0
    for node in nodes:
        node.grad = 0.0
    output.grad = seed
    try:
        for node in nodes:
            _STEPS[node.rule](node)
    except (ArithmeticError, ValueError):
        return None
    sums = list(map(_gradient, leaves))
    total = sum(map(_gradient, nodes)) + sum(sums)
    return None if total != total else sums


def _restore(leaves: list[Value], before: list[Any]) -> None:
    for leaf, gradient in zip(leaves, before, strict=True):
        leaf.grad = gradient

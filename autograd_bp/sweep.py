"""The backward sweep: every node once, after all that use it, with no recursion."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.node import Node
from autograd_bp.recording import state
from autograd_bp.rules import Rule
from autograd_bp.versions import happened, repair

_by_serial = attrgetter("serial")


def topological_order(
    outputs: Node | Iterable[Node], *, constants: bool = True, limit: int | None = None
) -> list[Node]:
    """All nodes `outputs` depend on and `outputs` themselves, operands before results.

    With `constants=False`, only nodes that require a gradient. Stops with OverflowError past
    `limit` nodes.

    >>> import autograd_bp as ab
    >>> x = ab.Value(3.0, name="x")
    >>> [node.data for node in topological_order(x * x + 1.0)]
    [1.0, 3.0, 9.0, 10.0]
    """
    stack = [outputs] if isinstance(outputs, Node) else list(outputs)
    if happened.ever:
        repair(stack)
    if not constants:
        return _needing_gradients(stack)
    # A dict keeps the order in which constants, which have no serial of their own, are met.
    found = dict.fromkeys(stack)
    while stack:
        for parent in stack.pop().parents:
            if parent not in found:
                found[parent] = None
                stack.append(parent)
        if limit is not None and len(found) > limit:
            raise OverflowError(f"the graph has more than {limit} nodes")
    return sorted(found, key=_by_serial)


def _needing_gradients(outputs: list[Node]) -> list[Node]:
    stack = [node for node in outputs if node.requires_grad]
    found = set(stack)
    while stack:
        for parent in stack.pop()._parents:
            if parent is not None and parent not in found and parent.requires_grad:
                found.add(parent)
                stack.append(parent)
    return sorted(found, key=_by_serial)


def pull(
    node: Node, cotangent: Any, path: Container[Node] | None = None, *, guarded: bool = True
) -> list[Any]:
    """What `cotangent`, that of the node, contributes to each parent; None where not needed.

    With `path`, only parents in it need theirs. Guarded, a zero of the cotangent stays zero
    through an infinite or undefined derivative. Should run with floating-point warnings off.
    """
    rule = node.rule
    if type(rule) is not Rule or rule.variadic:
        return _pull_all(node, cotangent, path, guarded)
    if type(cotangent) is float:
        return _pull_float(node, cotangent, path)
    vjp = rule.array.guarded_vjp if guarded else rule.array.vjp
    given = (*node.args, *node._params)
    if rule.keeps and node._notes is not None:
        given = (*given, node._notes.get("kept"))
    contributions: list[Any] = []
    i = -1
    for parent in node._parents:
        i += 1
        if parent is None or not parent.requires_grad or (path is not None and parent not in path):
            contributions.append(None)
            continue
        function = vjp[i]
        if function is None:
            contributions.append(parent._zero())
            continue
        try:
            contribution = function(cotangent, node._value, *given)
        except ZeroDivisionError:
            # An operand that is a Python number raises where NumPy's has an answer.
            numbers = (np.float64(x) if isinstance(x, float | int) else x for x in node.args)
            contribution = function(cotangent, node._value, *numbers, *given[len(node.args) :])
        like = parent._value
        if (
            type(contribution) is not np.ndarray
            or parent._on_floats
            or contribution.dtype is not like.dtype
            or contribution.shape != like.shape
        ):
            contribution = parent._conform(contribution)
        contributions.append(contribution)
    return contributions


def _pull_all(node: Node, cotangent: Any, path: Container[Node] | None, guarded: bool) -> list[Any]:
    """`pull` for a rule that answers for all its operands at once."""
    rule, parents = node.rule, node._parents
    flags = [
        parent is not None and parent.requires_grad and (path is None or parent in path)
        for parent in parents
    ]
    if type(rule) is Rule:
        vjp: Any = rule.array.guarded_vjp if guarded else rule.array.vjp
        raw = vjp[0](cotangent, node._value, flags, node.args, *node._params)
    else:
        raw = rule.pull(node, cotangent, flags)
    return [
        parent._conform(contribution) if flag else None  # type: ignore[union-attr]
        for parent, contribution, flag in zip(parents, raw, flags, strict=True)
    ]


def _pull_float(node: Node, cotangent: float, path: Container[Node] | None) -> list[Any]:
    """`pull` for a node on floats."""
    return [
        None
        if parent is None or not parent.requires_grad or (path is not None and parent not in path)
        else float_contribution(node, cotangent, i, parent)
        for i, parent in enumerate(node._parents)
    ]


def float_contribution(node: Node, cotangent: float, i: int, parent: Node) -> Any:
    """What a node on floats sends to operand i; a zero cotangent needs no derivative at all."""
    rule = node.rule
    function = rule.scalar.vjp[i]
    if function is None or cotangent == 0.0:
        return parent._zero()
    args = node.args
    try:
        contribution = function(cotangent, node._value, *args, *node._params)
    except (ArithmeticError, ValueError):
        # Where `math` has no answer, NumPy's is infinite or nan.
        contribution = rule.array.guarded_vjp[i](
            *map(np.float64, (cotangent, node._value, *args)), *node._params
        )
    if type(contribution) is float and parent._on_floats:
        return contribution
    return parent._conform(contribution)


class Sweep:
    """The cotangents that one backward sweep leaves, and which of the arrays are nobody else's."""

    def __init__(self) -> None:
        self.cotangents: dict[Node, Any] = {}
        self.owned: set[Node] = set()


def sweep(
    seeds: Mapping[Node, Any], *, wanted: Sequence[Node] | None = None, between: bool = True
) -> Sweep:
    """Carry cotangents from the nodes of `seeds` back through the graph.

    With `wanted`, only what leads to these nodes is computed, and only theirs are kept. With
    `between=False`, those of nodes between leaves and outputs are let go as soon as used, unless
    their class keeps them.

    Products are taken as they are. Should that leave nan anywhere, all is done again with
    products that keep a zero cotangent zero: whatever is nan then, is.
    """
    order = topological_order(seeds, constants=False)
    path = kept = None
    if wanted is not None:
        path, kept = leading_to(order, wanted), set(wanted)

    guarded = state.monitor is not None  # it would see what the first attempt gets wrong
    with np.errstate(all="ignore"):
        result = _run(seeds, order, path, kept, between, guarded)
        if not guarded and _have_nan(result.cotangents.values()):
            result = _run(seeds, order, path, kept, between, True)
    return result


def _run(
    seeds: Mapping[Node, Any],
    order: Sequence[Node],
    path: Container[Node] | None,
    kept: Container[Node] | None,
    between: bool,
    guarded: bool,
) -> Sweep:
    result = Sweep()
    cotangents, owned = result.cotangents, result.owned
    for node, seed in seeds.items():
        if node.requires_grad and (path is None or node in path):
            cotangents[node] = seed
    monitor = state.monitor
    for node in reversed(order):
        cotangent = cotangents.get(node)
        if cotangent is None:
            continue
        if monitor is not None:
            monitor.arrived(node, cotangent)
        if node.rule is None:
            if kept is not None and node not in kept:
                del cotangents[node]
            continue
        contributions = pull(node, cotangent, path, guarded=guarded)
        if monitor is not None:
            monitor.pulled(node, cotangent, contributions)
        for parent, contribution in zip(node._parents, contributions, strict=False):
            if contribution is None or parent is None:
                continue
            known = cotangents.get(parent)
            if known is None:
                if type(contribution) is float:
                    # Added up from 0.0, as in the sweep of Values: a lone -0.0 is 0.0.
                    cotangents[parent] = 0.0 + contribution
                    continue
                cotangents[parent] = contribution
                # A row has just made this array for nobody else, unless it passed one on.
                if (
                    type(contribution) is np.ndarray
                    and contribution is not cotangent
                    and contribution.base is None
                    and type(node.rule) is Rule
                ):
                    owned.add(parent)
            elif type(known) is float:
                cotangents[parent] = known + contribution
            elif parent in owned:
                np.add(known, contribution, out=known)
            else:
                cotangents[parent] = np.asarray(known + contribution)
                owned.add(parent)
        if node not in kept if kept is not None else not (between or node._on_floats):
            del cotangents[node]
    return result


def _have_nan(cotangents: Iterable[NDArray[Any] | float]) -> bool:
    """Whether an element is nan: one pass through BLAS, where it can."""
    for cotangent in cotangents:
        if isinstance(cotangent, float):
            total: Any = cotangent
        else:
            flat = cotangent.ravel("K")
            total = np.dot(flat, flat)
        if total != total:
            return True
    return False


def leading_to(order: Sequence[Node], wanted: Iterable[Node]) -> set[Node]:
    """The nodes of `order`, operands first, from which a node of `wanted` can be reached."""
    path = set(wanted)
    for node in order:
        if node not in path:
            for parent in node._parents:
                if parent is not None and parent in path:
                    path.add(node)
                    break
    return path


def backward(output: Node, cotangent: Any, *, retain_grads: bool) -> None:
    """Fill `.grad`: add to that of leaves, replace that of the nodes between.

    Everything is computed first, so that an error on the way changes no gradient.
    """
    found = sweep({output: output._seed(cotangent)}, between=retain_grads)
    gradients, owned = found.cotangents, found.owned
    for node, gradient in gradients.items():
        if node not in owned and type(gradient) is not float:
            gradient = gradient.copy()
        gradients[node] = with_earlier(node, gradient) if node.rule is None else gradient
    for node, gradient in gradients.items():
        if node.rule is None:
            keep_gradient(node, gradient)
        else:
            node.grad = gradient


def with_earlier(leaf: Node, gradient: Any) -> Any:
    """The gradient of one backward call, added to what the leaf has."""
    return gradient if leaf.grad is None else leaf._conform(leaf.grad + gradient)


def keep_gradient(leaf: Node, gradient: Any) -> None:
    """Set `.grad` of a leaf after a backward call, and count the call."""
    calls = 1 + accumulated_calls(leaf)
    leaf._notes = {**(leaf._notes or {}), "grad": gradient, "calls": calls}
    leaf.grad = gradient


def accumulated_calls(node: Node) -> int:
    """From how many backward calls the node's `.grad` is the sum; 0 where it is not from one."""
    notes = node._notes
    if notes is None or node.grad is None or notes.get("grad") is not node.grad:
        return 0
    calls: int = notes["calls"]
    return calls

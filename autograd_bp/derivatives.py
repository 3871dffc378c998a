"""Derivatives along a recorded graph: backward with a graph of its own, and forward.

`graph.sweep` carries numbers back. Here the same rules are read on nodes, so that the gradient is
a graph that can be differentiated again; and tangents are carried forward.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_bp import tensor
from autograd_bp.errors import brief
from autograd_bp.node import Node
from autograd_bp.operations import NODE, apply, to_value
from autograd_bp.recording import recording, state
from autograd_bp.rules import ROWS, Rule
from autograd_bp.sweep import Sweep, leading_to, sweep, topological_order
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value
from autograd_bp.versions import first_version, happened


def gradients(
    output: Node,
    wrt: Sequence[Node] | Node,
    create_graph: bool = False,
    *,
    cotangent: Any = None,
) -> tuple[Any, ...]:
    """The gradient of `output` by each node of `wrt`; every `.grad` stays as it is.

    Parameters
    ----------
    output
        A node; with more than one element, a `cotangent` is needed.
    wrt
        The nodes, leaves or not, in any order.
    create_graph
        Give the gradients as nodes that can be differentiated in turn.
    cotangent
        The derivative of what is wanted by `output`, of its shape; 1 if None.

    Returns
    -------
    tuple
        One gradient for each node of `wrt`, of its shape and dtype: floats and arrays, or nodes
        with `create_graph`. Zeros for a node that `output` does not depend on.

    Raises
    ------
    TypeError
        If `output` or something in `wrt` is not a node.
    ValueError
        If something in `wrt` does not require a gradient, or the cotangent does not fit.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> x = ab.Value(3.0)
    >>> (slope,) = gradients(x**3, [x], create_graph=True)
    >>> slope.data, gradients(slope, [x])
    (27.0, (18.0,))
    """
    nodes = [wrt] if isinstance(wrt, Node) else list(wrt)
    for node in (output, *nodes):
        if not isinstance(node, Node):
            raise TypeError(f"gradients are between nodes, not {type(node).__name__} {node!r}")
    for node in nodes:
        if not node.requires_grad:
            raise ValueError(
                f"{brief(node)} does not require a gradient: make it with "
                "requires_grad=True, outside ab.no_grad()"
            )
        if happened.ever and first_version(node, output.serial) is not node:
            raise ValueError(
                f"{brief(node)} was changed in place after {brief(output)} was computed from what "
                "it was before: take a copy first (old = x.copy()) and differentiate by that"
            )
    if create_graph or output._tracer is not None:
        if isinstance(cotangent, Node):
            if getattr(cotangent, "shape", ()) != getattr(output, "shape", ()):
                output._seed(cotangent)  # raises
            seed = cotangent
        else:
            seed = plain_node(output, output._seed(cotangent))
        found = pull_back({output: seed}, nodes)
        return tuple(
            found[node] if node in found else plain_node(node, node._zero()) for node in nodes
        )
    swept = sweep({output: output._seed(cotangent)}, wanted=nodes)
    return tuple(_own(swept, node) for node in nodes)


def _own(swept: Sweep, node: Node) -> Any:
    gradient = swept.cotangents.get(node)
    if gradient is None:
        return node._zero()
    return gradient if isinstance(gradient, float) or node in swept.owned else gradient.copy()


def plain_node(like: Node, data: Any) -> Node:
    """A node of the class of `like` that no derivative passes."""
    return Value(data, requires_grad=False) if isinstance(like, Value) else tensor.result(data)


def pull_back(
    seeds: Mapping[Node, Node], wanted: Sequence[Node], ends: Collection[Node] = ()
) -> dict[Node, Any]:
    """The cotangents of `wanted` as nodes: a sweep that is recorded, and stops at `ends`."""
    if (tape := getattr(state.tracer, "pull_back", None)) is not None:
        return tape(seeds, wanted)  # type: ignore[no-any-return]
    order = topological_order(seeds, constants=False)
    path = leading_to(order, wanted)
    kept = set(wanted)
    cotangents: dict[Node, Any] = {n: seed for n, seed in seeds.items() if n in path}
    with recording(), np.errstate(all="ignore"):
        for node in reversed(order):
            cotangent = cotangents.get(node)
            if cotangent is None or node.rule is None or node not in path or node in ends:
                continue
            parents = node._parents
            flags = [parent is not None and parent in path for parent in parents]
            for parent, contribution in zip(
                parents, _pull_nodes(node, cotangent, flags), strict=True
            ):
                if contribution is None or parent is None:
                    continue
                contribution = conformed(contribution, parent)
                known = cotangents.get(parent)
                cotangents[parent] = contribution if known is None else known + contribution
            if node not in kept:
                del cotangents[node]
    return {node: cotangents[node] for node in wanted if node in cotangents}


def _pull_nodes(node: Node, cotangent: Node, flags: list[bool]) -> list[Any]:
    rule, params = node.rule, node._params
    operands = recorded_operands(node)
    if type(rule) is not Rule:
        return list(rule.pull_nodes(node, cotangent, operands, flags))
    vjp: Any = rule.read(NODE).vjp
    if rule.variadic:
        pulled = vjp[0](cotangent, node, flags, operands, *params)
        return [piece if flag else None for piece, flag in zip(pulled, flags, strict=True)]
    contributions = []
    for i, flag in enumerate(flags):
        function = vjp[i] if flag else None
        contributions.append(
            None if function is None else function(cotangent, node, *operands, *params)
        )
    return contributions


def recorded_operands(node: Node) -> list[Any]:
    """The operands of a node, as nodes where derivatives pass, at the values it was made with."""
    operands: list[Any] = []
    for parent, arg in zip(node._parents, node.args, strict=True):
        if parent is None or not parent.requires_grad:
            tracer = getattr(arg, "_tracer", None)
            operands.append(arg if tracer is None else tracer.node_of(arg))
        elif parent._value is arg:
            operands.append(parent)
        elif (tracer := getattr(arg, "_tracer", None)) is not None:
            operands.append(tracer.standing_for(parent, arg))
        else:  # the leaf's data has changed since
            operands.append(parent._stand_in(arg))
    return operands


def conformed(contribution: Any, like: Node) -> Any:
    """A contribution as a node of the class, shape and dtype of `like`."""
    if isinstance(like, Value):
        if isinstance(contribution, Tensor):
            return to_value(apply(ROWS["sum_to"], (contribution,), ((),)))
        return contribution if isinstance(contribution, Value) else Value(contribution, None, False)
    assert isinstance(like, Tensor)
    if not isinstance(contribution, Node):
        return tensor.result(like._conform(contribution))
    shape = like.shape
    if isinstance(contribution, Value):
        contribution = apply(ROWS["reshape"], (contribution,), ((),))
    if contribution.shape != shape:
        if contribution.size == like.size == 1:
            contribution = apply(ROWS["reshape"], (contribution,), (shape,))
        else:
            wide = np.broadcast_shapes(contribution.shape, shape)
            if contribution.shape != wide:
                contribution = apply(ROWS["broadcast_to"], (contribution,), (wide,))
            if wide != shape:
                contribution = apply(ROWS["sum_to"], (contribution,), (shape,))
    if contribution.dtype != like.dtype:
        contribution = apply(ROWS["astype"], (contribution,), (like.dtype,))
    return contribution


def push_forward(
    outputs: Sequence[Node], tangents: Mapping[Node, Any], *, create_graph: bool = False
) -> list[Any]:
    """The tangents of `outputs`, given those of nodes they depend on.

    Numbers and arrays; with `create_graph`, nodes. None where no tangent arrives.
    """
    order = topological_order([n for n in outputs if isinstance(n, Node)], constants=False)
    with recording(), np.errstate(all="ignore"):
        if create_graph:
            return _pushed(outputs, order, tangents, _push_nodes)
        if state.monitor is not None:  # it would see what the first attempt gets wrong
            return _pushed(outputs, order, tangents, _push_guarded)
        pushed = _pushed(outputs, order, tangents, _push)
        if any(np.isnan(tangent).any() for tangent in pushed if tangent is not None):
            pushed = _pushed(outputs, order, tangents, _push_guarded)
        return pushed


def _pushed(
    outputs: Sequence[Node],
    order: Sequence[Node],
    tangents: Mapping[Node, Any],
    push: Callable[[Node, Sequence[Any]], Any],
) -> list[Any]:
    known: dict[Node, Any] = dict(tangents)
    for node in order:
        if node.rule is None or node in known:
            continue
        of_parents = [None if p is None else known.get(p) for p in node._parents]
        if any(tangent is not None for tangent in of_parents):
            total = push(node, of_parents)
            if total is not None:
                known[node] = total
                if state.monitor is not None:
                    state.monitor.pushed(node, total)
    return [known.get(node) for node in outputs]


def _push(node: Node, tangents: Sequence[Any]) -> Any:
    return _pushed_numbers(node, tangents, guarded=False)


def _push_guarded(node: Node, tangents: Sequence[Any]) -> Any:
    return _pushed_numbers(node, tangents, guarded=True)


def _pushed_numbers(node: Node, tangents: Sequence[Any], *, guarded: bool) -> Any:
    rule, args = node.rule, node.args
    if type(rule) is not Rule:
        total = rule.push(node, tangents)
    else:
        if node._on_floats:  # NumPy's floats divide by zero as arrays do
            args = tuple(map(np.float64, args))
            tangents = [None if t is None else np.float64(t) for t in tangents]
        jvp = rule.array.guarded_jvp if guarded else rule.array.jvp
        total = _sum_of_pushes(jvp, node, args, tangents)
    return None if total is None else node._conform(total)


def _push_nodes(node: Node, tangents: Sequence[Any]) -> Any:
    operands = recorded_operands(node)
    if type(node.rule) is not Rule:
        total = node.rule.push_nodes(node, tangents, operands)
    else:
        total = _sum_of_pushes(node.rule.read(NODE).jvp, node, operands, tangents)
    return None if total is None else conformed(total, node)


def _sum_of_pushes(jvp: Any, node: Node, operands: Sequence[Any], tangents: Sequence[Any]) -> Any:
    out: Any = node._value
    if any(isinstance(operand, Node) for operand in operands):
        out = node
    elif node._on_floats:
        out = np.float64(out)
    if node.rule.variadic:
        return jvp[0](tangents, out, operands, *node._params)
    total = None
    for i, tangent in enumerate(tangents):
        if tangent is None or (function := jvp[i]) is None:
            continue
        piece = function(tangent, out, *operands, *node._params)
        total = piece if total is None else total + piece
    return total

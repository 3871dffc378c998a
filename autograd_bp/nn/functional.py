"""A module as a function of its parameters, for transforms and for compiled steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_bp.nn.module import Module
from autograd_bp.node import Node
from autograd_bp.operands import as_operand
from autograd_bp.rules.arrays import shape_of
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value


def functional_call(
    module: Module, parameters: Mapping[str, Any], *args: Any, **kwargs: Any
) -> Any:
    """What the module gives with other parameters. Its own are not changed.

    Parameters
    ----------
    module
        Any module.
    parameters
        Arrays or nodes by name, as in `Module.named_parameters`; buffers may be among them. Those
        that are left out are the module's own. One that is reached under several names is replaced
        under all of them.
    args, kwargs
        What the module is called with.

    Raises
    ------
    ValueError
        If a name is not one of the module's, or an array has another shape.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> from autograd_bp import nn
    >>> net = nn.Linear(2, 1, rng=0)
    >>> x, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [2.0]])
    >>> def loss(p):
    ...     return nn.mse(nn.functional_call(net, p, x), t)
    >>> p = {"weight": np.zeros((2, 1)), "bias": np.zeros(1)}
    >>> ab.grad(loss)(p)
    {'weight': array([[ -7.],
           [-10.]]), 'bias': array([-3.])}
    """
    own = module._named_state()
    replaced: dict[int, Any] = {}
    problems = []
    for name, given in parameters.items():
        leaf = own.get(name)
        if leaf is None:
            problems.append(f"unexpected: {name}")
            continue
        operand = given if isinstance(given, Node) else np.asarray(as_operand(given))
        if shape_of(operand) != shape_of(leaf):
            problems.append(f"shape: {name} is {shape_of(leaf)}, and {shape_of(operand)} was given")
        elif replaced.setdefault(id(leaf), given) is not given:
            problems.append(f"given twice, under another name too: {name}")
    if problems:
        raise ValueError(
            f"these parameters do not fit {type(module).__name__}:\n  " + "\n  ".join(problems)
        )
    leaves = {id(leaf): (name, leaf) for name, leaf in own.items()}
    nodes = {key: _as_node(given, *leaves[key]) for key, given in replaced.items()}
    twin: Module = _twin(module, nodes, {})
    return twin(*args, **kwargs)


def _as_node(given: Any, name: str, leaf: Node) -> Node:
    if isinstance(given, Node):
        return given
    if isinstance(leaf, Value):
        return Value(given, name=name, requires_grad=False)
    return Tensor(given, name=name, requires_grad=False)


def _twin(part: Any, nodes: Mapping[int, Node], known: dict[int, Any]) -> Any:
    """The same modules and containers, with other leaves; what holds none stays what it is."""
    if isinstance(part, Node):
        return nodes.get(id(part), part)
    if id(part) in known:
        return known[id(part)]
    if isinstance(part, Module):
        twin = known[id(part)] = object.__new__(type(part))
        for name, inner in vars(part).items():
            twin.__dict__[name] = _twin(inner, nodes, known)
        return twin
    if isinstance(part, dict):
        return {key: _twin(inner, nodes, known) for key, inner in part.items()}
    if isinstance(part, list):
        return [_twin(inner, nodes, known) for inner in part]
    if type(part) is tuple:
        return tuple(_twin(inner, nodes, known) for inner in part)
    return part

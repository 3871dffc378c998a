"""Penalties on the size of weights, to be added to a loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd_bp.functions.elementwise import ELEMENTWISE
from autograd_bp.functions.reductions import sum as total
from autograd_bp.nn.module import Module
from autograd_bp.node import Node
from autograd_bp.value import Value


def l2_penalty(parameters: Module | Iterable[Any], *, biases: bool = True) -> Any:
    """The sum of the squares of all parameters.

    Parameters
    ----------
    parameters
        A module, or Tensors or Values.
    biases
        Whether biases count: parameters whose name is ``"b"`` or begins with ``"bias"``, after the
        last dot.

    Examples
    --------
    >>> from autograd_bp import nn
    >>> layer = nn.Linear(2, 2, init=nn.init.ones)
    >>> layer.bias.data = [10.0, 10.0]
    >>> l2_penalty(layer, biases=False).item(), l2_penalty(layer).item()
    (4.0, 204.0)
    """
    return _summed("l2_penalty", ELEMENTWISE["square"], parameters, biases)


def l1_penalty(parameters: Module | Iterable[Any], *, biases: bool = True) -> Any:
    """The sum of the magnitudes of all parameters; see `l2_penalty`.

    >>> from autograd_bp import nn
    >>> l1_penalty(nn.Linear(3, 2, init=nn.init.constant(-0.5))).item()
    3.0
    """
    return _summed("l1_penalty", ELEMENTWISE["abs"], parameters, biases)


def is_bias(name: str | None) -> bool:
    """Whether a parameter of that name is a bias.

    >>> is_bias("layers.0.bias"), is_bias("cell.bias_ih"), is_bias("layers.0.weight")
    (True, True, False)
    """
    last = (name or "").rpartition(".")[2]
    return last == "b" or last.startswith("bias")


def _summed(name: str, measure: Any, parameters: Module | Iterable[Any], biases: bool) -> Any:
    found = parameters.parameters() if isinstance(parameters, Module) else list(parameters)
    for parameter in found:
        if not isinstance(parameter, Node):
            raise TypeError(
                f"{name} takes a module, or a list of parameters, not {type(parameter).__name__}"
            )
    counted = [parameter for parameter in found if biases or not is_bias(parameter.name)]
    if not counted:
        raise ValueError(f"{name}: there is nothing to add up: no parameter counts")
    terms = [
        measure(parameter) if isinstance(parameter, Value) else total(measure(parameter))
        for parameter in counted
    ]
    return sum(terms[1:], terms[0])

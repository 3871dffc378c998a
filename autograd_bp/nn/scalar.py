"""Nets of scalars, as in micrograd: every weight is a `Value`, and every neuron can be looked at.

Programs written for micrograd run with ``from autograd_bp import Value`` and ``from autograd_bp.nn
import Neuron, Layer, MLP`` in place of its imports.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from autograd_bp.nn.init import Seed, generator
from autograd_bp.nn.module import Module
from autograd_bp.nn.parameter import size
from autograd_bp.value import Value


class ScalarModule(Module):
    """What `Neuron`, `Layer` and `MLP` have in common."""

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0, as micrograd does."""
        for parameter in self.parameters():
            parameter.grad = 0.0


class Neuron(ScalarModule):
    """``relu(w . x + b)``, or without the relu.

    Parameters
    ----------
    nin
        How many inputs there are.
    nonlin
        Whether relu is applied.
    rng
        A `numpy.random.Generator` or a seed for the weights, which are uniform on [-1, 1). If None
        they come from Python's `random`, as in micrograd, so that `random.seed` fixes them.

    Examples
    --------
    >>> neuron = Neuron(2, nonlin=False, rng=0)
    >>> for w, x in zip(neuron.w, (3.0, -1.0)):
    ...     w.data = x
    >>> neuron([1.0, 2.0])
    Value(1.0, op='add')
    """

    w: list[Value]
    b: Value

    def __init__(self, nin: int, nonlin: bool = True, *, rng: Seed = None) -> None:
        draw = random.uniform if rng is None else generator(rng).uniform
        count = size("Neuron", "nin", nin)
        self.w = [Value(draw(-1.0, 1.0), name=f"w.{i}") for i in range(count)]
        self.b = Value(0.0, name="b")
        self.nonlin = nonlin

    def forward(self, x: Iterable[Any]) -> Any:
        """The activation, for as many numbers or Values as there are weights."""
        x = x if type(x) is list else list(x)
        if len(x) != len(self.w):
            raise ValueError(f"{self!r} takes {len(self.w)} inputs, not {len(x)}")
        act: Any = self.b
        for wi, xi in zip(self.w, x, strict=True):
            act = act + wi * xi
        return act.relu() if self.nonlin else act

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(ScalarModule):
    """Neurons side by side, all on the same inputs.

    Parameters
    ----------
    nin, nout
        How many inputs and neurons there are.
    nonlin, rng
        See `Neuron`.

    Examples
    --------
    >>> len(Layer(3, 4, rng=0)([1.0, 2.0, 3.0]))
    4
    """

    neurons: list[Neuron]

    def __init__(self, nin: int, nout: int, nonlin: bool = True, *, rng: Seed = None) -> None:
        rng = None if rng is None else generator(rng)
        count = size("Layer", "nout", nout)
        self.neurons = [Neuron(nin, nonlin, rng=rng) for _ in range(count)]

    def forward(self, x: Iterable[Any]) -> Any:
        """The activations as a list; of a single neuron the activation itself."""
        x = list(x)
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(ScalarModule):
    """Layers one after another; relu after all but the last.

    Parameters
    ----------
    nin
        How many inputs there are.
    nouts
        How many neurons each layer has.
    rng
        See `Neuron`.

    Examples
    --------
    >>> model = MLP(2, [16, 16, 1], rng=0)
    >>> len(model.parameters())
    337
    >>> type(model([1.0, -2.0])).__name__
    'Value'
    """

    layers: list[Layer]

    def __init__(self, nin: int, nouts: Sequence[int], *, rng: Seed = None) -> None:
        if not isinstance(nouts, Iterable) or not (widths := list(nouts)):
            raise TypeError(
                f"MLP: nouts has a width for each layer, as in [16, 16, 1], not {nouts!r}"
            )
        rng = None if rng is None else generator(rng)
        self.layers = [
            Layer(before, width, nonlin=i != len(widths) - 1, rng=rng)
            for i, (before, width) in enumerate(zip([nin, *widths], widths, strict=False))
        ]

    def forward(self, x: Iterable[Any]) -> Any:
        """What the last layer gives: one Value, or a list."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"

"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from autograd_bp.nn.module import Module

Layer = Callable[[Any], Any]


class Sequential(Module):
    """Layers one after another, each on what the one before it gives.

    Their parameters are called ``"0.weight"``, ``"1.bias"`` and so on, as in PyTorch.

    Parameters
    ----------
    layers
        Modules, or functions of one argument such as `ab.tanh`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_bp import nn
    >>> net = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
    >>> net
    Sequential(
      (0): Linear(784, 50)
      (1): ReLU()
      (2): Linear(50, 10)
    )
    >>> net(np.zeros((100, 784))).shape
    (100, 10)
    """

    layers: list[Layer]

    def __init__(self, *layers: Layer) -> None:
        for i, layer in enumerate(layers):
            if not callable(layer):
                raise TypeError(
                    f"Sequential: layer {i} is no module or function, but {type(layer).__name__}: "
                    "give the layers one by one, as in Sequential(*layers)"
                )
        self.layers = list(layers)
        self._members()

    def forward(self, x: Any) -> Any:
        """The last layer's output."""
        for layer in self.layers:
            x = layer(x)
        return x

    def _children(self) -> Iterator[tuple[str, Any]]:
        for name, part in vars(self).items():
            if name == "layers":
                yield from ((str(i), layer) for i, layer in enumerate(part))
            else:
                yield name, part

    def __getitem__(self, index: int | slice) -> Any:
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

"""What an optimiser keeps for its parameters, and how it reaches their numbers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.errors import brief
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

Array = NDArray[Any]
_OWN = 3
"""References to an array that only its Tensor, or its slot, and one local name have; the third is
that of the call that counts them."""
Parameter = Tensor | Value


class Slot:
    """A Tensor, or a bundle of Values seen as one array, and the state of the optimiser for it.

    Attributes
    ----------
    steps
        How many updates there were.
    buffers
        Running averages and the like, by name, of the shape of the parameter.
    """

    __slots__ = ("_scratch", "buffers", "steps")

    def __init__(self, steps: int = 0, buffers: dict[str, Array] | None = None) -> None:
        self.steps = steps
        self.buffers: dict[str, Array] = {} if buffers is None else buffers
        self._scratch: list[Array] = []

    def buffer(self, name: str, like: Array, fill: float = 0.0) -> Array:
        """A buffer of the state, made when it is first asked for."""
        found = self.buffers.get(name)
        if found is None:
            found = self.buffers[name] = np.full_like(like, fill)
        elif found.dtype != like.dtype:  # the model has been turned into another dtype
            found = self.buffers[name] = found.astype(like.dtype)
        return found

    def scratch(self, like: Array, which: int = 0) -> Array:
        """An array to compute in, the same at every step."""
        kept = self._scratch
        if kept and kept[0].dtype != like.dtype:
            kept.clear()
        while len(kept) <= which:
            kept.append(np.empty_like(like))
        return kept[which]


class TensorSlot(Slot):
    """A Tensor."""

    __slots__ = ("_spare", "tensor")

    def __init__(self, tensor: Tensor, steps: int = 0, buffers: Any = None) -> None:
        super().__init__(steps, buffers)
        self.tensor = tensor
        self._spare: Array | None = None

    def gradient(self) -> Array | None:
        """The gradient, None if there is none."""
        gradient = self.tensor.grad
        if gradient is None:
            return None
        if type(gradient) is not np.ndarray or gradient.shape != self.tensor._value.shape:
            raise _no_gradient(self.tensor, gradient)
        return gradient

    def weights(self) -> tuple[Array, Array]:
        """The weights, and the array for the new ones: the same one, if no graph can hold it.

        Otherwise a spare one takes its place, and it becomes the spare: nothing is copied, and
        nothing allocated once the graph of the step before is gone.
        """
        tensor = self.tensor
        array: Array = tensor._value
        if tensor._lent or (sys.getrefcount(array) <= _OWN and array.base is None):
            return array, array
        spare = self._spare
        if spare is None or sys.getrefcount(spare) > _OWN or spare.dtype != array.dtype:
            spare = np.empty_like(array)
        return array, spare

    def finish(self, new: Array) -> None:
        """The new weights are there."""
        tensor = self.tensor
        if new is not tensor._value:
            self._spare, tensor._value = tensor._value, new

    def by_parameter(self) -> list[tuple[Parameter, dict[str, Array]]]:
        """The parameter with copies of its buffers."""
        return [(self.tensor, {name: array.copy() for name, array in self.buffers.items()})]


class ValuesSlot(Slot):
    """Values of one group, as a vector, so that an update costs a few NumPy calls for all."""

    __slots__ = ("values",)

    def __init__(self, values: Sequence[Value], steps: int = 0, buffers: Any = None) -> None:
        super().__init__(steps, buffers)
        self.values = list(values)

    def split(self) -> list[ValuesSlot]:
        """This bundle, in two if only some of its Values have a gradient.

        All in a bundle have seen the same number of updates.
        """
        missing = [value.grad is None for value in self.values]
        if not any(missing) or all(missing):
            return [self]
        return [
            ValuesSlot(
                [self.values[i] for i in chosen],
                self.steps,
                {name: array[chosen] for name, array in self.buffers.items()},
            )
            for kind in (False, True)
            if (chosen := [i for i, lacks in enumerate(missing) if lacks is kind])
        ]

    def gradient(self) -> Array | None:
        """The gradients as a vector, None if there are none."""
        gradients = [value.grad for value in self.values]
        if gradients[0] is None:
            return None
        for value, gradient in zip(self.values, gradients, strict=True):
            if type(gradient) is not float and not isinstance(gradient, int | float | np.floating):
                raise _no_gradient(value, gradient)
        return np.array(gradients, float)

    def weights(self) -> tuple[Array, Array]:
        """The numbers as a vector, which is the one for the new ones too."""
        vector = np.array([value._value for value in self.values], float)
        return vector, vector

    def finish(self, new: Array) -> None:
        """Give every Value its number."""
        for value, number in zip(self.values, new.tolist(), strict=True):
            value.data = number

    def by_parameter(self) -> list[tuple[Parameter, dict[str, Array]]]:
        """Each Value with its entry of the buffers."""
        return [
            (value, {name: np.array(array[i]) for name, array in self.buffers.items()})
            for i, value in enumerate(self.values)
        ]


def _no_gradient(parameter: Parameter, gradient: Any) -> Exception:
    if isinstance(gradient, np.ndarray):
        return ValueError(
            f"the gradient of {brief(parameter)} has shape {gradient.shape}: it must be that of "
            "the parameter"
        )
    kind = "an array" if isinstance(parameter, Tensor) else "a number"
    return TypeError(
        f"the gradient of {brief(parameter)} must be {kind}, not {type(gradient).__name__}"
    )

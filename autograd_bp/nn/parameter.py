"""Making parameters and buffers, and checking the settings of layers."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_bp.nn.init import FACTORIES, Initialiser, Shape
from autograd_bp.tensor import Tensor


def parameter(
    name: str,
    shape: Shape,
    init: Initialiser,
    rng: np.random.Generator,
    dtype: DTypeLike,
) -> Tensor:
    """A leaf that requires a gradient, as `init` makes it."""
    if not callable(init):
        raise TypeError(
            f"init is a function of a shape and a generator, such as nn.init.normal(0.01), "
            f"not {init!r}"
        )
    if init in FACTORIES:
        raise TypeError(
            f"nn.init.{init.__name__} takes its settings first: write init=nn.init."
            f"{init.__name__}(...)"
        )
    array = np.asarray(init(shape, rng))
    if array.shape != shape:
        raise ValueError(f"init gave an array of shape {array.shape} for {name} of shape {shape}")
    return Tensor(array.astype(float_dtype(dtype)), name=name)


def buffer(name: str, array: Any, dtype: DTypeLike) -> Tensor:
    """A leaf that is state, but not trained."""
    return Tensor(np.asarray(array, dtype), name=name, requires_grad=False)


def float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype of a layer; TypeError if it is not one of floats."""
    found = np.dtype(dtype)
    if found.kind != "f":
        raise TypeError(f"a layer computes with floats: dtype cannot be {found}")
    return found


def size(layer: str, name: str, number: Any, least: int = 1) -> int:
    """A whole number from `least` on; TypeError or ValueError for anything else."""
    try:
        found = operator.index(number)
    except TypeError:
        raise TypeError(f"{layer}: {name} is a whole number, not {number!r}") from None
    if isinstance(number, bool) or found < least:
        raise ValueError(f"{layer}: {name} is a whole number from {least} on, not {number!r}")
    return found

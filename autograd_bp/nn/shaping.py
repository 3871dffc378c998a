"""Layers that change the shape of what passes, look rows up, or drop numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.shapes import reshape
from autograd_bp.nn import init as initialisers
from autograd_bp.nn.init import Initialiser, Seed, generator
from autograd_bp.nn.module import Module
from autograd_bp.nn.parameter import parameter, size
from autograd_bp.node import Node
from autograd_bp.operands import tracer_of
from autograd_bp.operations import joined
from autograd_bp.rules.arrays import normalized_axes, shape_of
from autograd_bp.tensor import Tensor


class Flatten(Module):
    """All axes from `start` to `end` as one; by default all but the first, which counts samples.

    >>> import numpy as np
    >>> Flatten()(np.zeros((5, 3, 4, 4))).shape
    (5, 48)
    """

    def __init__(self, start: int = 1, end: int = -1) -> None:
        self.start, self.end = start, end

    def forward(self, x: Any) -> Any:
        """The same numbers, in fewer axes."""
        x = joined(x)
        shape = shape_of(x)
        start, end = (normalized_axes(axis, len(shape))[0] for axis in (self.start, self.end))
        if start > end:
            raise ValueError(f"Flatten: axis {self.start} comes after {self.end} in shape {shape}")
        return reshape(x, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))

    def extra_repr(self) -> str:
        """The axes, if unusual."""
        return "" if (self.start, self.end) == (1, -1) else f"{self.start}, {self.end}"


class Embedding(Module):
    """A table of vectors, looked up by number.

    Parameters
    ----------
    num_embeddings
        How many vectors there are.
    embedding_dim
        How long each is.
    init
        What makes the table; standard normal if None, as in PyTorch.
    rng, dtype
        See `Linear`.

    Attributes
    ----------
    weight
        Shape (num_embeddings, embedding_dim).

    Examples
    --------
    >>> Embedding(27, 10, rng=0)([[0, 5], [2, 2], [26, 1]]).shape
    (3, 2, 10)
    """

    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        init: Initialiser | None = None,
        *,
        rng: Seed = None,
        dtype: DTypeLike = float,
    ) -> None:
        shape = (
            size("Embedding", "num_embeddings", num_embeddings),
            size("Embedding", "embedding_dim", embedding_dim),
        )
        self.weight = parameter(
            "weight", shape, init or initialisers.normal(), generator(rng), dtype
        )

    def forward(self, indices: Any) -> Any:
        """The vectors with these numbers: a new last axis. Each counts as often as it is named."""
        if tracer_of(indices) is not None:  # the numbers are not known yet
            return getitem(self.weight, indices)
        places = np.asarray(indices._value if isinstance(indices, Node) else indices)
        if places.dtype.kind not in "iu":
            raise TypeError(f"{self._title}: indices are integers, not {places.dtype}")
        count = self.weight.shape[0]
        if places.size and not (places.min() >= 0 and places.max() < count):
            wrong = places[(places < 0) | (places >= count)].flat[0]
            raise IndexError(
                f"{self._title}: {self.weight.name!r} has rows 0 to {count - 1}, and no {wrong}"
            )
        return getitem(self.weight, places)

    def extra_repr(self) -> str:
        """The shape."""
        return "{}, {}".format(*self.weight.shape)


class Dropout(Module):
    """While training sets each number to 0 with probability `p`, and scales up the others.

    Their expectation stays the same, so nothing is to be done in evaluation (Srivastava et al.
    2014, in the "inverted" form).

    Parameters
    ----------
    p
        The probability, from 0 to 1.
    rng
        A `numpy.random.Generator` or a seed.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.5, rng=0)
    >>> layer(np.ones(4)).tolist()
    [2.0, 0.0, 0.0, 0.0]
    >>> layer.eval()(np.ones(4)).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, *, rng: Seed = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is a probability, not {p!r}")
        self.p = float(p)
        self.rng = generator(rng)

    def forward(self, x: Any) -> Any:
        """x, or what is left of it."""
        if not self.training or self.p == 0.0:
            return x
        x = joined(x)
        if not isinstance(x, Node):
            x = np.asarray(x)
        if (tracer := tracer_of(x)) is not None:  # new numbers whenever the program runs
            return x * tracer.constant_function(f"dropout_{id(self)}", self._mask, (x,))
        return x * self._mask(x)

    def _mask(self, x: Any) -> Any:
        """Zeros with probability `p`, and 1 / (1 - p), one for each element of x."""
        shape, dtype = shape_of(x), getattr(x, "dtype", np.dtype(float))
        if dtype.kind != "f":
            dtype = np.dtype(float)
        kept = self.rng.random(shape) >= self.p
        mask = kept.astype(dtype) * (1.0 / (1.0 - self.p) if self.p < 1 else 0.0)
        mask.flags.writeable = False
        return mask

    def extra_repr(self) -> str:
        """The probability."""
        return f"{self.p}"

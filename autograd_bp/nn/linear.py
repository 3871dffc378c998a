"""Linear: the affine map."""

from __future__ import annotations

from typing import Any

from numpy.typing import DTypeLike

from autograd_bp.nn import init as initialisers
from autograd_bp.nn.init import Initialiser, Seed, generator
from autograd_bp.nn.module import Module
from autograd_bp.nn.parameter import parameter, size
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS
from autograd_bp.tensor import Tensor


class Linear(Module):
    """``x @ weight + bias``, for x of shape (..., in_features).

    Parameters
    ----------
    in_features, out_features
        The lengths of the last axis before and after.
    bias
        Whether there is one; it starts as zeros.
    init
        What makes the weight: a function of a shape and a generator; see `nn.init`. Xavier's
        uniform distribution if None.
    rng
        A `numpy.random.Generator` or a seed.
    dtype
        float64 or float32.

    Attributes
    ----------
    weight
        Shape (in_features, out_features), so that it stands to the right of x as in most books.
        PyTorch keeps the transpose.
    bias
        Shape (out_features,), or None.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Linear(3, 2, rng=0)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        init: Initialiser | None = None,
        *,
        rng: Seed = None,
        dtype: DTypeLike = float,
    ) -> None:
        rng = generator(rng)
        shape = (
            size("Linear", "in_features", in_features),
            size("Linear", "out_features", out_features),
        )
        self.weight = parameter("weight", shape, init or initialisers.xavier(), rng, dtype)
        self.bias = parameter("bias", shape[1:], initialisers.zeros, rng, dtype) if bias else None

    def forward(self, x: Any) -> Tensor:
        """The affine map of every row."""
        y: Tensor = apply(_MATMUL, (x, self.weight))
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """The lengths, and what is unusual."""
        into, out = self.weight.shape
        return f"{into}, {out}" + ("" if self.bias is not None else ", bias=False")


_MATMUL = ROWS["matmul"]

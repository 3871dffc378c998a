"""Attention (Vaswani et al. 2017)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_bp.functions.elementwise import where
from autograd_bp.functions.products import matmul
from autograd_bp.functions.reductions import softmax
from autograd_bp.functions.shapes import reshape, swapaxes
from autograd_bp.nn.init import Initialiser, Seed, generator
from autograd_bp.nn.linear import Linear
from autograd_bp.nn.module import Module
from autograd_bp.nn.parameter import size
from autograd_bp.nn.shaping import Dropout
from autograd_bp.node import Node
from autograd_bp.operations import joined
from autograd_bp.rules.arrays import shape_of


def attention(
    query: Any, key: Any, value: Any, mask: Any = None, dropout: Dropout | None = None
) -> tuple[Any, Any]:
    """softmax(query key^T / sqrt(d)) value: what each query finds, and the weights.

    Parameters
    ----------
    query
        Shape (..., queries, d).
    key, value
        Shapes (..., keys, d) and (..., keys, e).
    mask
        Truth values that broadcast to (..., queries, keys): where they are true a query may look.
        A query that may look nowhere finds zeros. Or None.
    dropout
        What drops weights before they are used, if anything.

    Returns
    -------
    The values found, shape (..., queries, e), and the weights, shape (..., queries, keys).

    >>> import autograd_bp as ab
    >>> found, weights = attention(ab.Tensor([[1.0]]), [[0.0], [0.0]], [[1.0], [3.0]])
    >>> found, weights
    (Tensor([[2.]], op='matmul'), Tensor([[0.5, 0.5]], op='softmax'))
    """
    key = joined(key)
    if not isinstance(key, Node):
        key = np.asarray(key)
    scores = matmul(query, swapaxes(key, -1, -2)) * (1.0 / math.sqrt(shape_of(key)[-1]))
    if mask is not None:
        scores = where(_checked(mask, shape_of(scores)), scores, -np.inf)
    weights = softmax(scores)
    return matmul(weights if dropout is None else dropout(weights), value), weights


def _checked(mask: Any, shape: tuple[int, ...]) -> Any:
    """A mask for scores of that shape."""
    mask = joined(mask)
    if not isinstance(mask, Node):
        mask = np.asarray(mask)
    if getattr(mask, "dtype", None) != np.bool_:
        raise TypeError(
            f"attention: the mask holds truth values, true where a query may look, not {mask.dtype}"
        )
    own = shape_of(mask)
    if len(own) > len(shape) or any(
        n not in (1, m) for n, m in zip(own[::-1], shape[::-1], strict=False)
    ):
        raise ValueError(
            f"attention: the mask has shape {own}, which does not broadcast to {shape}, the shape "
            "of the scores: a place for every query and key"
        )
    return mask


def causal_mask(length: int) -> Any:
    """True where a place may look: at itself and at those before it.

    >>> causal_mask(3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    return np.tri(length, dtype=bool)


class MultiHeadAttention(Module):
    """Attention in several subspaces at once, with linear maps before and after.

    Parameters
    ----------
    embed_dim
        The length of the last axis of queries, keys, values and of the result.
    num_heads
        How many subspaces; it divides `embed_dim`.
    dropout
        With what probability a weight is dropped in training.
    bias
        Whether the linear maps have biases.
    init, rng, dtype
        See `Linear`.

    Attributes
    ----------
    query, key, value, out
        `Linear` maps from embed_dim to embed_dim; each head has embed_dim / num_heads of the
        columns of the first three. PyTorch keeps these three as one weight, transposed.

    Examples
    --------
    >>> layer = MultiHeadAttention(8, 2, rng=0)
    >>> x = np.random.default_rng(0).normal(size=(5, 7, 8))
    >>> layer(x, causal=True).shape
    (5, 7, 8)
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        init: Initialiser | None = None,
        *,
        rng: Seed = None,
        dtype: DTypeLike = float,
    ) -> None:
        self.embed_dim = size("MultiHeadAttention", "embed_dim", embed_dim)
        self.num_heads = size("MultiHeadAttention", "num_heads", num_heads)
        if self.embed_dim % self.num_heads:
            raise ValueError(
                f"MultiHeadAttention: embed_dim {embed_dim} cannot be split among {num_heads} heads"
            )
        rng = generator(rng)
        self.query, self.key, self.value, self.out = (
            Linear(self.embed_dim, self.embed_dim, bias, init, rng=rng, dtype=dtype)
            for _ in range(4)
        )
        self.dropout = Dropout(dropout, rng=rng)

    def forward(
        self,
        query: Any,
        key: Any = None,
        value: Any = None,
        *,
        mask: Any = None,
        causal: bool = False,
    ) -> Any:
        """What each query finds, shape (..., queries, embed_dim).

        Parameters
        ----------
        query, key, value
            Shapes (..., queries, embed_dim) and twice (..., keys, embed_dim). Without keys the
            queries are the keys (self-attention), without values the keys are the values.
        mask
            Truth values that broadcast to (..., queries, keys), the same for all heads: where they
            are true a query may look.
        causal
            Whether a place may only look at itself and at those before it.
        """
        key = query if key is None else key
        value = key if value is None else value
        q, k, v = (
            self._split(name, layer(x))
            for name, layer, x in (
                ("query", self.query, query), ("key", self.key, key), ("value", self.value, value)
            )
        )  # fmt: skip
        shape = (*shape_of(q)[:-1], shape_of(k)[-2])
        if mask is not None:
            mask = joined(mask)
            own = shape_of(mask)
            if len(own) > 2:  # one for all heads
                mask = _checked(reshape(mask, (*own[:-2], 1, *own[-2:])), shape)
        if causal:
            lower = np.tri(shape[-2], shape[-1], dtype=bool)
            mask = lower if mask is None else _checked(mask, shape) & lower
        found, _ = attention(q, k, v, mask, self.dropout)
        joint = swapaxes(found, -2, -3)
        return self.out(reshape(joint, (*shape_of(joint)[:-2], self.embed_dim)))

    def _split(self, name: str, x: Any) -> Any:
        """(..., length, embed_dim) as (..., heads, length, embed_dim / heads)."""
        if len(shape_of(x)) < 2:
            raise ValueError(
                f"{self._title}: the {name} has one axis; it must have two, places and features"
            )
        *before, length, width = shape_of(x)
        x = reshape(x, (*before, length, self.num_heads, width // self.num_heads))
        return swapaxes(x, -2, -3)

    def extra_repr(self) -> str:
        """The width and the heads."""
        return f"{self.embed_dim}, {self.num_heads}"

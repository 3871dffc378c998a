"""Normalisation: over the samples of a batch, or over the features of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_bp.functions.elementwise import ELEMENTWISE
from autograd_bp.functions.reductions import mean, var
from autograd_bp.functions.shapes import reshape
from autograd_bp.nn import init as initialisers
from autograd_bp.nn.init import generator
from autograd_bp.nn.module import Module
from autograd_bp.nn.parameter import buffer, parameter, size
from autograd_bp.node import Node
from autograd_bp.operands import tracer_of
from autograd_bp.operations import joined
from autograd_bp.rules.arrays import shape_of
from autograd_bp.tensor import Tensor


class BatchNorm(Module):
    """What `BatchNorm1d` and `BatchNorm2d` have in common."""

    ranks: tuple[int, ...]
    shapes: str
    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        *,
        dtype: DTypeLike = float,
    ) -> None:
        shape = (size(type(self).__name__, "num_features", num_features),)
        self.eps = float(eps)
        self.momentum = None if momentum is None else float(momentum)
        rng = generator(None)
        self.weight = parameter("weight", shape, initialisers.ones, rng, dtype) if affine else None
        self.bias = parameter("bias", shape, initialisers.zeros, rng, dtype) if affine else None
        self.running_mean = buffer("running_mean", np.zeros(shape), dtype)
        self.running_var = buffer("running_var", np.ones(shape), dtype)
        self.num_batches_tracked = buffer("num_batches_tracked", 0, np.int64)

    def forward(self, x: Any) -> Any:
        """x with mean 0 and variance 1 in every feature, times `weight`, plus `bias`."""
        x = joined(x)
        shape, features = shape_of(x), self.running_mean.shape[0]
        if len(shape) not in self.ranks or shape[1] != features:
            raise ValueError(
                f"{self._title}: the input has shape {shape}; it must be "
                f"{self.shapes.format(features)}"
            )
        axes = tuple(axis for axis in range(len(shape)) if axis != 1)
        column = (features,) + (1,) * (len(shape) - 2)
        if self.training:
            if tracer_of(x) is not None:
                raise TypeError(
                    f"{self._title}: training changes the running mean and variance, which a "
                    "compiled function cannot do: compile the net in eval(), or train it without "
                    "ab.compile"
                )
            count = int(np.prod([shape[axis] for axis in axes]))
            if count < 2:
                raise ValueError(
                    f"{self._title}: in training a batch needs two numbers in every "
                    f"feature at least, but the input has shape {shape}; for one sample use eval()"
                )
            average, variance = mean(x, axes, keepdims=True), var(x, axes, keepdims=True)
            self._follow(_array(average), _array(variance) * (count / (count - 1)))
        else:
            average = reshape(self.running_mean, column)
            variance = reshape(self.running_var, column)
        return _scaled(x, average, variance, self.eps, self.weight, self.bias, column)

    def _follow(self, average: Any, variance: Any) -> None:
        """Move the running mean and variance towards those of a batch."""
        seen = int(self.num_batches_tracked.item()) + 1
        step = 1.0 / seen if self.momentum is None else self.momentum
        for running, new in ((self.running_mean, average), (self.running_var, variance)):
            old = running._value
            running.data = old + step * (new.reshape(old.shape) - old)
        self.num_batches_tracked.data = np.array(seen)

    def extra_repr(self) -> str:
        """The number of features, and what is unusual."""
        parts = [f"{self.running_mean.shape[0]}"]
        if self.eps != 1e-5:
            parts.append(f"eps={self.eps}")
        if self.momentum != 0.1:
            parts.append(f"momentum={self.momentum}")
        if self.weight is None:
            parts.append("affine=False")
        return ", ".join(parts)


def _array(x: Any) -> Any:
    return x._value if isinstance(x, Node) else x


def _scaled(
    x: Any,
    average: Any,
    variance: Any,
    eps: float,
    weight: Tensor | None,
    bias: Tensor | None,
    column: tuple[int, ...],
) -> Any:
    y = (x - average) / ELEMENTWISE["sqrt"](variance + eps)
    if weight is not None:
        y = y * reshape(weight, column)
    return y if bias is None else y + reshape(bias, column)


class BatchNorm1d(BatchNorm):
    """Every feature with mean 0 and variance 1 over the batch (Ioffe & Szegedy 2015).

    In training by the mean and the (biased) variance of the batch; in evaluation by the running
    ones, which training moves towards those of each batch, the variance in its unbiased form.

    Parameters
    ----------
    num_features
        The length of axis 1 of the input: shape (samples, features), or with a length as axis 2.
    eps
        What is added to the variance.
    momentum
        How much of the running mean and variance each batch replaces; if None all batches count
        equally.
    affine
        Whether there are a `weight` and a `bias`, 1 and 0 at first.

    Attributes
    ----------
    weight, bias
        Shape (num_features,), or None.
    running_mean, running_var, num_batches_tracked
        Buffers: what evaluation uses, and from how many batches it is.

    Examples
    --------
    >>> import numpy as np
    >>> layer = BatchNorm1d(1)
    >>> layer(np.array([[1.0], [3.0]])).data.round(4).tolist()
    [[-1.0], [1.0]]
    >>> layer.running_mean.tolist(), layer.running_var.tolist()
    ([0.2], [1.1])
    """

    ranks = (2, 3)
    shapes = "(samples, {0}) or (samples, {0}, length)"


class BatchNorm2d(BatchNorm):
    """`BatchNorm1d` for images: every channel over the batch and all places.

    Parameters
    ----------
    num_features
        The number of channels: the input has shape (samples, channels, height, width).
    eps, momentum, affine
        See `BatchNorm1d`.

    Examples
    --------
    >>> import numpy as np
    >>> BatchNorm2d(3)(np.random.default_rng(0).normal(size=(2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    ranks = (4,)
    shapes = "(samples, {0}, height, width)"


class LayerNorm(Module):
    """Every sample with mean 0 and variance 1 over its features (Ba et al. 2016).

    Parameters
    ----------
    normalized_shape
        The lengths of the last axes, over which it is done; one number for the last axis alone.
    eps
        What is added to the (biased) variance.
    affine
        Whether there are a `weight` and a `bias`, 1 and 0 at first.
    bias
        Whether there is a `bias`.

    Examples
    --------
    >>> LayerNorm(2)([[1.0, 3.0], [10.0, 10.0]]).data.round(4).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """

    weight: Tensor | None
    bias: Tensor | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = float,
    ) -> None:
        lengths = (
            normalized_shape if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
        )
        self.normalized_shape = tuple(size("LayerNorm", "normalized_shape", n) for n in lengths)
        if not self.normalized_shape:
            raise ValueError("LayerNorm: normalized_shape needs an axis at least")
        self.eps = float(eps)
        rng, shape = generator(None), self.normalized_shape
        self.weight = parameter("weight", shape, initialisers.ones, rng, dtype) if affine else None
        self.bias = (
            parameter("bias", shape, initialisers.zeros, rng, dtype) if affine and bias else None
        )

    def forward(self, x: Any) -> Any:
        """x with mean 0 and variance 1 over the last axes, times `weight`, plus `bias`."""
        x = joined(x)
        if not isinstance(x, Node):
            x = np.asarray(x)
        n = len(self.normalized_shape)
        if shape_of(x)[-n:] != self.normalized_shape:
            raise ValueError(
                f"{self._title}: the input has shape {shape_of(x)}; its last axes must be "
                f"{self.normalized_shape}"
            )
        axes = tuple(range(-n, 0))
        average, variance = mean(x, axes, keepdims=True), var(x, axes, keepdims=True)
        return _scaled(
            x, average, variance, self.eps, self.weight, self.bias, self.normalized_shape
        )

    def extra_repr(self) -> str:
        """The shape, and what is unusual."""
        parts = [f"{self.normalized_shape}"]
        if self.eps != 1e-5:
            parts.append(f"eps={self.eps}")
        if self.weight is None:
            parts.append("affine=False")
        elif self.bias is None:
            parts.append("bias=False")
        return ", ".join(parts)

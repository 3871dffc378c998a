"""Convolutions, as in deep learning: the kernel slides over the input without being flipped."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import DTypeLike

from autograd_bp.functions.products import matmul
from autograd_bp.functions.reductions import floating
from autograd_bp.functions.shapes import pad, reshape, transpose
from autograd_bp.nn import init as initialisers
from autograd_bp.nn.init import Initialiser, Seed, generator
from autograd_bp.nn.module import Module
from autograd_bp.nn.parameter import parameter, size
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import shape_of
from autograd_bp.tensor import Tensor

Lengths = tuple[int, ...]
PerAxis = int | tuple[int, ...]


def per_axis(layer: str, name: str, number: Any, axes: int, least: int) -> Lengths:
    """A setting as a number for each axis; one number stands for all."""
    numbers = tuple(number) if isinstance(number, tuple | list) else (number,) * axes
    if len(numbers) != axes:
        raise ValueError(f"{layer}: {name} is a number, or {axes} of them, not {number!r}")
    return tuple(size(layer, name, n, least) for n in numbers)


def batched(layer: str, x: Any, axes: int, channels: int | None = None) -> tuple[Any, bool]:
    """x as floats with an axis of samples, and whether that had to be made; ValueError if wrong."""
    x = floating(x)
    shape = shape_of(x)
    lone = len(shape) == axes + 1
    wanted = "channels" if channels is None else str(channels)
    names = ", ".join(["samples", wanted, *("length",) * axes])
    if len(shape) not in (axes + 1, axes + 2) or (
        channels is not None and shape[-axes - 1] != channels
    ):
        raise ValueError(f"{layer}: the input has shape {shape}; it must be ({names})")
    return (reshape(x, (1, *shape)) if lone else x), lone


def bordered(x: Any, padding: Lengths, value: float = 0.0) -> Any:
    """x with a border around its last axes."""
    if not any(padding):
        return x
    before = ((0, 0),) * (len(shape_of(x)) - len(padding))
    return pad(x, (*before, *((n, n) for n in padding)), constant_values=value)


def windows(layer: str, x: Any, lengths: Lengths, stride: Lengths, dilation: Lengths) -> Any:
    """The windows of the last axes; ValueError if there is none."""
    spans = tuple(d * (k - 1) + 1 for k, d in zip(lengths, dilation, strict=True))
    inside = shape_of(x)[-len(lengths) :]
    if any(n < span for n, span in zip(inside, spans, strict=True)):
        raise ValueError(
            f"{layer}: a window that spans {spans} does not fit into {inside}, padding included"
        )
    return apply(ROWS["windows"], (x,), (lengths, stride, dilation))


class Convolution(Module):
    """What `Conv1d` and `Conv2d` have in common."""

    axes: int
    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
        groups: int = 1,
        bias: bool = True,
        init: Initialiser | None = None,
        *,
        rng: Seed = None,
        dtype: DTypeLike = float,
    ) -> None:
        layer = type(self).__name__
        self.in_channels = size(layer, "in_channels", in_channels)
        self.out_channels = size(layer, "out_channels", out_channels)
        self.kernel_size = per_axis(layer, "kernel_size", kernel_size, self.axes, 1)
        self.stride = per_axis(layer, "stride", stride, self.axes, 1)
        self.padding = per_axis(layer, "padding", padding, self.axes, 0)
        self.dilation = per_axis(layer, "dilation", dilation, self.axes, 1)
        self.groups = size(layer, "groups", groups)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"{layer}: {self.in_channels} channels in and {self.out_channels} out cannot be "
                f"split into {self.groups} groups"
            )
        rng = generator(rng)
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        self.weight = parameter("weight", shape, init or initialisers.he("uniform"), rng, dtype)
        self.bias = parameter("bias", shape[:1], initialisers.zeros, rng, dtype) if bias else None

    def forward(self, x: Any) -> Any:
        """Shape (samples, out_channels, ...); without the samples if x has none."""
        layer, k, groups = self._title, self.axes, self.groups
        x, lone = batched(layer, x, k, self.in_channels)
        x = bordered(x, self.padding)
        seen = windows(layer, x, self.kernel_size, self.stride, self.dilation)
        samples, places = shape_of(seen)[0], shape_of(seen)[2 : 2 + k]
        # For each group one product of matrices, of kernels and of what they see. The places stay
        # last: so they are copied in long runs.
        own = self.in_channels // groups
        seen = reshape(seen, (samples, groups, own, *places, *self.kernel_size))
        seen = transpose(seen, (1, 2, *range(3 + k, 3 + 2 * k), 0, *range(3, 3 + k)))
        inner, count = own * math.prod(self.kernel_size), samples * math.prod(places)
        kernels = reshape(self.weight, (groups, self.out_channels // groups, inner))
        found = matmul(kernels, reshape(seen, (groups, inner, count)))
        found = reshape(found, (self.out_channels, samples, *places))
        if self.bias is not None:
            found = found + reshape(self.bias, (self.out_channels, *(1,) * (k + 1)))
        found = transpose(found, (1, 0, *range(2, 2 + k)))
        return reshape(found, (self.out_channels, *places)) if lone else found

    def extra_repr(self) -> str:
        """The channels and the kernel, and what is unusual."""
        parts = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}"]
        for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1)):
            if getattr(self, name) != (usual,) * self.axes:
                parts.append(f"{name}={getattr(self, name)}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        return ", ".join(parts)


class Conv1d(Convolution):
    """Kernels that slide along one axis.

    Parameters
    ----------
    in_channels, out_channels
        How many channels come in, and how many kernels there are.
    kernel_size, stride, padding, dilation
        The length of a kernel; how far it moves from one place to the next; how many zeros are put
        at either end; how far apart what it sees is.
    groups
        Channels in so many groups see nothing of each other.
    bias, init, rng, dtype
        See `Linear`. The weight is He's uniform if `init` is None.

    Attributes
    ----------
    weight
        Shape (out_channels, in_channels / groups, kernel_size), as in PyTorch.
    bias
        Shape (out_channels,), or None.

    Examples
    --------
    >>> import numpy as np
    >>> Conv1d(3, 8, 5, stride=2, rng=0)(np.zeros((10, 3, 33))).shape
    (10, 8, 15)
    """

    axes = 1


class Conv2d(Convolution):
    """Kernels that slide along two axes, as over images.

    Parameters
    ----------
    in_channels, out_channels
        How many channels come in, and how many kernels there are.
    kernel_size, stride, padding, dilation
        The lengths of a kernel; how far it moves from one place to the next; how many zeros are put
        around; how far apart what it sees is. Each is a number, or one for each axis.
    groups
        Channels in so many groups see nothing of each other.
    bias, init, rng, dtype
        See `Linear`. The weight is He's uniform if `init` is None.

    Attributes
    ----------
    weight
        Shape (out_channels, in_channels / groups, height, width), as in PyTorch.
    bias
        Shape (out_channels,), or None.

    Examples
    --------
    >>> import numpy as np
    >>> Conv2d(1, 8, 5, padding=2, rng=0)(np.zeros((10, 1, 28, 28))).shape
    (10, 8, 28, 28)
    """

    axes = 2

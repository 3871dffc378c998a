"""Pooling: the largest number, or the mean, of every window."""

from __future__ import annotations

import math
from typing import Any

from autograd_bp.functions.reductions import max as largest
from autograd_bp.functions.reductions import mean
from autograd_bp.functions.shapes import reshape, transpose
from autograd_bp.nn.convolution import Lengths, PerAxis, batched, bordered, per_axis, windows
from autograd_bp.nn.module import Module
from autograd_bp.rules.arrays import shape_of


class Pooling(Module):
    """What `MaxPool2d` and `AvgPool2d` have in common."""

    def __init__(
        self, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0
    ) -> None:
        layer = type(self).__name__
        self.kernel_size = per_axis(layer, "kernel_size", kernel_size, 2, 1)
        self.stride = (
            self.kernel_size if stride is None else per_axis(layer, "stride", stride, 2, 1)
        )
        self.padding = per_axis(layer, "padding", padding, 2, 0)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"{layer}: padding {self.padding} is more than half of {self.kernel_size}, so some "
                "windows would see nothing else"
            )

    def _seen(self, x: Any, border: float, dilation: Lengths = (1, 1)) -> tuple[Any, bool]:
        """What every window sees, as two first axes; and whether x was a single sample."""
        x, lone = batched(self._title, x, 2)
        x = bordered(x, self.padding, border)
        seen = windows(self._title, x, self.kernel_size, self.stride, dilation)
        # First, so that the numbers of many windows are compared or added in one go.
        return transpose(seen, (4, 5, 0, 1, 2, 3)), lone

    def extra_repr(self) -> str:
        """The window, and what is unusual."""
        parts = [f"{self.kernel_size}"]
        if self.stride != self.kernel_size:
            parts.append(f"stride={self.stride}")
        if any(self.padding):
            parts.append(f"padding={self.padding}")
        return ", ".join(parts)


def _without_samples(found: Any, lone: bool) -> Any:
    return reshape(found, shape_of(found)[1:]) if lone else found


class MaxPool2d(Pooling):
    """The largest number of every window of the last two axes.

    Numbers that tie share the gradient equally, as everywhere in this library; PyTorch gives all of
    it to the first. Padding is never the largest.

    Parameters
    ----------
    kernel_size
        The lengths of a window, a number or one for each axis.
    stride
        How far it moves from one place to the next; by its own length if None.
    padding
        How far a window may reach over the edges.
    dilation
        How far apart what it sees is.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 4, 4)).tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """

    def __init__(
        self,
        kernel_size: PerAxis,
        stride: PerAxis | None = None,
        padding: PerAxis = 0,
        dilation: PerAxis = 1,
    ) -> None:
        super().__init__(kernel_size, stride, padding)
        self.dilation = per_axis("MaxPool2d", "dilation", dilation, 2, 1)

    def forward(self, x: Any) -> Any:
        """Shape (samples, channels, height, width), the last two smaller."""
        seen, lone = self._seen(x, -math.inf, self.dilation)
        return _without_samples(largest(seen, axis=(0, 1)), lone)


class AvgPool2d(Pooling):
    """The mean of every window of the last two axes. Zeros of the padding count.

    Parameters
    ----------
    kernel_size, stride, padding
        See `MaxPool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool2d(2)(np.arange(16.0).reshape(1, 4, 4)).tolist()
    [[[2.5, 4.5], [10.5, 12.5]]]
    """

    def forward(self, x: Any) -> Any:
        """Shape (samples, channels, height, width), the last two smaller."""
        seen, lone = self._seen(x, 0.0)
        return _without_samples(mean(seen, axis=(0, 1)), lone)

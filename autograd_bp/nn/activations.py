"""Activations as layers, and other layers without parameters that change each number."""

from __future__ import annotations

from typing import Any, Literal

from autograd_bp.functions.elementwise import ELEMENTWISE, gelu
from autograd_bp.functions.reductions import log_softmax, softmax
from autograd_bp.nn.module import Module


class Identity(Module):
    """x as it is."""

    def forward(self, x: Any) -> Any:
        """x."""
        return x


class ReLU(Module):
    """max(x, 0), as `ab.relu`."""

    def forward(self, x: Any) -> Any:
        """max(x, 0)."""
        return ELEMENTWISE["relu"](x)


class LeakyReLU(Module):
    """x where it is positive, else x times `negative_slope`, as `ab.leaky_relu`."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = float(negative_slope)

    def forward(self, x: Any) -> Any:
        """x or its small multiple."""
        return ELEMENTWISE["leaky_relu"](x, self.negative_slope)

    def extra_repr(self) -> str:
        """The slope."""
        return f"{self.negative_slope}"


class ELU(Module):
    """x where it is positive, else alpha (exp(x) - 1), as `ab.elu` (Clevert et al. 2016)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = float(alpha)

    def forward(self, x: Any) -> Any:
        """x or alpha (exp(x) - 1)."""
        return ELEMENTWISE["elu"](x, self.alpha)

    def extra_repr(self) -> str:
        """The factor."""
        return f"{self.alpha}"


class Sigmoid(Module):
    """1 / (1 + exp(-x)), as `ab.sigmoid`."""

    def forward(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return ELEMENTWISE["sigmoid"](x)


class Tanh(Module):
    """tanh(x), as `ab.tanh`."""

    def forward(self, x: Any) -> Any:
        """tanh(x)."""
        return ELEMENTWISE["tanh"](x)


class Softplus(Module):
    """log(1 + exp(x)), as `ab.softplus`."""

    def forward(self, x: Any) -> Any:
        """log(1 + exp(x))."""
        return ELEMENTWISE["softplus"](x)


class SiLU(Module):
    """x sigmoid(x), as `ab.silu`."""

    def forward(self, x: Any) -> Any:
        """x sigmoid(x)."""
        return ELEMENTWISE["silu"](x)


class GELU(Module):
    """x times the normal distribution function at x, as `ab.gelu`."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate is 'none' or 'tanh', not {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """x times the normal distribution function at x."""
        return gelu(x, self.approximate)

    def extra_repr(self) -> str:
        """The form, where it is not exact."""
        return "" if self.approximate == "none" else f"approximate={self.approximate!r}"


class Softmax(Module):
    """exp(x) over its sum along an axis, as `ab.softmax`.

    Before a loss it is not needed: `nn.cross_entropy` takes the logits.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Positive numbers whose sum is 1."""
        return softmax(x, self.axis)

    def extra_repr(self) -> str:
        """The axis."""
        return f"axis={self.axis}"


class LogSoftmax(Module):
    """The logarithm of the softmax along an axis, as `ab.log_softmax`."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Logarithms of probabilities."""
        return log_softmax(x, self.axis)

    def extra_repr(self) -> str:
        """The axis."""
        return f"axis={self.axis}"

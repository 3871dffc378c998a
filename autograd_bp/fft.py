"""Fourier transforms under numpy.fft's names, of real Tensors and of what they become.

A transform of a Tensor is a `ComplexTensor`; `irfft` and `hfft` lead back to Tensors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from autograd_bp import complex_tensor
from autograd_bp.complex_tensor import ComplexTensor, as_complex
from autograd_bp.functions.arranging import along, one_axis
from autograd_bp.functions.elementwise import refuse_out
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.reductions import floating
from autograd_bp.functions.shapes import asarray, pad, roll, stack
from autograd_bp.node import Node
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import shape_of

Norm = Literal["backward", "ortho", "forward"] | None


def _scale(norm: Norm, n: int, inverse: bool) -> float:
    """What a sum of waves is multiplied by."""
    if norm not in (None, "backward", "ortho", "forward"):
        raise ValueError(f"fft: norm is 'backward', 'ortho' or 'forward', not {norm!r}")
    if norm == "ortho":
        return float(1.0 / np.sqrt(n))
    divides = (norm == "forward") != inverse
    return 1.0 / n if divides else 1.0


def _length(n: Any, own: int, axis: int) -> int:
    length = own if n is None else operator.index(n)
    if length < 1:
        raise ValueError(f"fft: {length} points along axis {axis}; at least one is needed")
    return length


def _resized(x: Any, n: int, axis: int) -> Any:
    """The first n elements along an axis, with zeros if there are fewer."""
    own = shape_of(x)[axis]
    if own == n:
        return x
    if own > n:
        return getitem(x, along(axis, slice(0, n)))
    return pad(x, [(0, n - own if k == axis else 0) for k in range(len(shape_of(x)))])


def _holds_node(a: Any) -> bool:
    if isinstance(a, ComplexTensor):
        return True
    return isinstance(asarray(a), Node) if isinstance(a, list | tuple) else isinstance(a, Node)


def _transform(a: Any, n: Any, axis: int, norm: Norm, sign: int) -> ComplexTensor:
    z = as_complex(a)
    axis = one_axis(axis, z.ndim)
    n = _length(n, z.shape[axis], axis)
    real, imag = (_resized(floating(part), n, axis) for part in (z.real, z.imag))
    found = apply(ROWS["dft"], (stack([real, imag]),), (axis + 1, sign))
    scale = _scale(norm, n, sign > 0)
    found = found if scale == 1.0 else found * scale
    return ComplexTensor(found[0], found[1])


def fft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: None = None) -> Any:
    """The discrete Fourier transform along `axis`, of n points.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([1.0, 2.0, 3.0, 4.0])
    >>> (abs(fft(x)) ** 2).sum().backward()
    >>> x.grad
    array([ 8., 16., 24., 32.])
    """
    refuse_out(out, "fft")
    return _transform(a, n, axis, norm, -1) if _holds_node(a) else np.fft.fft(a, n, axis, norm)


def ifft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: None = None) -> Any:
    """The inverse of `fft`."""
    refuse_out(out, "ifft")
    return _transform(a, n, axis, norm, 1) if _holds_node(a) else np.fft.ifft(a, n, axis, norm)


def rfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: None = None) -> Any:
    """The first n // 2 + 1 elements of the transform of real numbers: the others are conjugates."""
    refuse_out(out, "rfft")
    if isinstance(a, ComplexTensor):
        raise TypeError("rfft transforms real numbers; fft transforms complex ones")
    if not _holds_node(a):
        return np.fft.rfft(a, n, axis, norm)
    a = floating(asarray(a))
    axis = one_axis(axis, len(shape_of(a)))
    n = _length(n, shape_of(a)[axis], axis)
    found = apply(ROWS["rfft"], (_resized(a, n, axis),), (axis,))
    scale = _scale(norm, n, False)
    found = found if scale == 1.0 else found * scale
    return ComplexTensor(found[0], found[1])


def irfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: None = None) -> Any:
    """The n real numbers of which `rfft` gives a; n is 2 (m - 1) unless given.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([1.0, 2.0, 3.0])
    >>> irfft(rfft(x), 3).data.round(12).tolist()
    [1.0, 2.0, 3.0]
    """
    refuse_out(out, "irfft")
    if not _holds_node(a):
        return np.fft.irfft(a, n, axis, norm)
    z = as_complex(a)
    axis = one_axis(axis, z.ndim)
    n = _length(2 * (z.shape[axis] - 1) if n is None else n, 0, axis)
    half = n // 2 + 1
    parts = [_resized(floating(part), half, axis) for part in (z.real, z.imag)]
    twice = np.full(half, 2.0)  # conjugates count as well
    twice[0] = 1.0
    if n % 2 == 0:
        twice[-1] = 1.0
    weights = twice * _scale(norm, n, True)
    weights = weights.reshape(-1, *(1,) * (z.ndim - axis - 1)).astype(parts[0].dtype)
    return apply(ROWS["rfft_adjoint"], (stack(parts) * weights,), (n, axis))


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: None = None) -> Any:
    """The real transform of numbers of which the second half are the conjugates of the first."""
    refuse_out(out, "hfft")
    if not _holds_node(a):
        return np.fft.hfft(a, n, axis, norm)
    return irfft(as_complex(a).conj(), n, axis, _swapped(norm))


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None, out: None = None) -> Any:
    """The inverse of `hfft`."""
    refuse_out(out, "ihfft")
    if not _holds_node(a):
        return np.fft.ihfft(a, n, axis, norm)
    return rfft(a, n, axis, _swapped(norm)).conj()


def _swapped(norm: Norm) -> Norm:
    return norm if norm == "ortho" else "backward" if norm == "forward" else "forward"


# -- several axes ---------------------------------------------------------------------------------


def _over(one: Callable[..., Any], a: Any, s: Any, axes: Any, norm: Norm, default: Any) -> Any:
    places, lengths = _axes(a, s, axes, default)
    for n, axis in reversed(list(zip(lengths, places, strict=True))):
        a = one(a, n, axis, norm)
    return a


def _axes(a: Any, s: Any, axes: Any, default: Any) -> tuple[list[int], list[Any]]:
    ndim = len(shape_of(a) if not isinstance(a, ComplexTensor) else a.shape)
    axes = default if axes is None else axes
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    places = [one_axis(k, ndim) for k in axes]
    lengths: list[Any] = [None] * len(places) if s is None else list(s)
    if len(lengths) != len(places):
        raise ValueError(f"fft: {len(lengths)} lengths for {len(places)} axes")
    return places, [None if n == -1 else n for n in lengths]


def _complex_transforms(
    one: Callable[..., Any], default: Sequence[int] | None, name: str
) -> Callable[..., Any]:
    def transform(
        a: Any, s: Any = None, axes: Any = default, norm: Norm = None, out: None = None
    ) -> Any:
        refuse_out(out, name)
        return _over(one, a, s, axes, norm, default)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f"`{one.__name__}` along several axes, by default {default or 'all'}."
    return transform


fft2 = _complex_transforms(fft, (-2, -1), "fft2")
ifft2 = _complex_transforms(ifft, (-2, -1), "ifft2")
fftn = _complex_transforms(fft, None, "fftn")
ifftn = _complex_transforms(ifft, None, "ifftn")


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Norm = None, out: None = None) -> Any:
    """`rfft` along the last of several axes, then `fft` along the others."""
    refuse_out(out, "rfftn")
    places, lengths = _axes(a, s, axes, None)
    found = rfft(a, lengths[-1], places[-1], norm)
    return _over(fft, found, lengths[:-1], places[:-1], norm, None)


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Norm = None, out: None = None) -> Any:
    """The inverse of `rfftn`."""
    refuse_out(out, "irfftn")
    places, lengths = _axes(a, s, axes, None)
    for n, axis in zip(lengths[:-1], places[:-1], strict=True):
        a = ifft(a, n, axis, norm)
    return irfft(a, lengths[-1], places[-1], norm)


def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Norm = None, out: None = None) -> Any:
    """`rfftn` along two axes."""
    return rfftn(a, s, axes, norm, out)


def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Norm = None, out: None = None) -> Any:
    """The inverse of `rfft2`."""
    return irfftn(a, s, axes, norm, out)


def fftshift(x: Any, axes: Any = None) -> Any:
    """Frequency zero moved to the middle."""
    return _shifted(x, axes, 1)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of `fftshift`."""
    return _shifted(x, axes, -1)


def _shifted(x: Any, axes: Any, direction: int) -> Any:
    x = x if isinstance(x, ComplexTensor) else asarray(x)
    shape = x.shape
    places = range(len(shape)) if axes is None else [axes] if isinstance(axes, int) else axes
    moves = tuple(
        direction * (shape[k] // 2) if direction > 0 else -(shape[k] // 2) for k in places
    )
    if isinstance(x, ComplexTensor):
        return x._each(roll, moves, tuple(places))
    return roll(x, moves, tuple(places))


fftfreq, rfftfreq = np.fft.fftfreq, np.fft.rfftfreq

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

complex_tensor.FUNCTIONS.update(
    {getattr(np.fft, name): globals()[name] for name in __all__ if not name.endswith("freq")}
)

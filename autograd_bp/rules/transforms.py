"""Fourier transforms on NumPy arrays; a complex array is its two parts, stacked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def _pair(z: Array) -> Array:
    return np.stack([z.real, z.imag])


def _complex(pair: Array) -> Array:
    result: Array = pair[0] + 1j * pair[1]
    return result


def dft(x: Array, axis: int, sign: int) -> Array:
    """The sum over t of x_t exp(sign 2 pi i k t / n), for all k."""
    n = x.shape[axis]
    if n == 0:
        return x.copy()
    z = _complex(x)
    found = np.fft.fft(z, axis=axis - 1) if sign < 0 else np.fft.ifft(z, axis=axis - 1) * n
    return _pair(found).astype(x.dtype, copy=False)


def rfft(x: Array, axis: int) -> Array:
    """The same with sign -1 of real numbers, for k up to n / 2: the others are conjugates."""
    if x.shape[axis] == 0:
        lengths = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        return np.zeros((2, *lengths), x.dtype)
    return _pair(np.fft.rfft(x, axis=axis)).astype(x.dtype, copy=False)


def irfft_weights(lengths: tuple[int, ...], n: int, axis: int) -> Array:
    """What makes a sum over half a spectrum of what `irfft` gives: that counts all but the first
    (and the last, for even n) twice, and divides by n."""
    weights = np.full(lengths[axis], n / 2)
    weights[0] = n
    if n % 2 == 0:
        weights[-1] = n
    return weights.reshape(-1, *(1,) * (len(lengths) - axis - 1))


def rfft_adjoint(x: Array, n: int, axis: int) -> Array:
    """The real part of the sum over k of z_k exp(2 pi i k t / n), for t from 0 to n - 1."""
    lengths = x.shape[1:]
    if n == 0:
        return np.zeros((*lengths[:axis], 0, *lengths[axis + 1 :]), x.dtype)
    z = _complex(x) * irfft_weights(lengths, n, axis)
    return np.fft.irfft(z, n, axis=axis).astype(x.dtype, copy=False)


def length_along(x: Any, axis: int) -> int:
    length: int = x.shape[axis]
    return length


MEANINGS = {"dft": dft, "rfft": rfft, "rfft_adjoint": rfft_adjoint}
"""The rows on arrays."""

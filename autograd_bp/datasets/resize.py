"""Making images smaller as MATLAB's imresize does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def bicubic(distance: Array) -> Array:
    """The cubic convolution kernel with a = -1/2, which is 0 from a distance of 2 on.

    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
    Acoustics, Speech, and Signal Processing 29 (1981), equation 15.

    >>> bicubic(np.array([0.0, 0.5, 1.0, 1.5, 2.0]))
    array([ 1.    ,  0.5625,  0.    , -0.0625,  0.    ])
    """
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def shrinking_matrix(old: int, new: int) -> Array:
    """The matrix (new, old) that makes an axis of `old` pixels one of `new`, antialiased.

    For antialiasing the kernel is stretched by the same factor; what reaches beyond the edge
    counts for the pixel at the edge; the weights of a new pixel add up to 1.

    >>> shrinking_matrix(4, 2).round(4)
    array([[ 0.5   ,  0.4336,  0.1133, -0.0469],
           [-0.0469,  0.1133,  0.4336,  0.5   ]])
    """
    scale = new / old
    centres = (np.arange(new) + 0.5) / scale - 0.5
    width = 4 / scale
    first = np.floor(centres - width / 2).astype(int)
    pixels = first[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = bicubic(scale * (centres[:, None] - pixels))
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new)[:, None], pixels.clip(0, old - 1)), weights)
    return matrix


def shrink(images: Array, size: int) -> Array:
    """Images (N, n, n) made smaller, to (N, size, size)."""
    matrix = shrinking_matrix(images.shape[-1], size)
    shrunk: Array = matrix @ images @ matrix.T
    return shrunk

"""Initialisers: what parameters are before training.

Each is a function ``initialiser(shape, rng)`` that gives an array of float64; those with settings
are made by a function of the settings, as in ``nn.Linear(784, 50, init=nn.init.normal(0.01))``.

How many numbers go into a unit and come out of one (fan-in, fan-out) is read from the shape: a
matrix has shape (in, out), as `Linear` has it, and a kernel of a convolution (out, in, ...).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]
Seed = np.random.Generator | int | None
"""A generator, or a seed for one; None takes fresh entropy from the system."""
Initialiser = Callable[[Shape, np.random.Generator], NDArray[Any]]


def generator(rng: Seed) -> np.random.Generator:
    """The generator that is given, or one made from a seed."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None:
        return np.random.default_rng()
    if not isinstance(rng, int | np.integer) or isinstance(rng, bool):
        raise TypeError(
            f"rng is a numpy.random.Generator, a whole number as seed, or None, not {rng!r}"
        )
    if rng < 0:
        raise ValueError(f"a seed is a whole number from 0 on, not {rng}")
    return np.random.default_rng(rng)


def zeros(shape: Shape, rng: Seed = None) -> Array:  # noqa: ARG001
    """Zeros.

    >>> zeros((2,))
    array([0., 0.])
    """
    return np.zeros(shape)


def ones(shape: Shape, rng: Seed = None) -> Array:  # noqa: ARG001
    """Ones."""
    return np.ones(shape)


def constant(value: float) -> Initialiser:
    """The same number everywhere."""
    return lambda shape, rng: np.full(shape, float(value))  # noqa: ARG005


def normal(std: float = 1.0, mean: float = 0.0) -> Initialiser:
    """Draws from a normal distribution.

    >>> normal(0.01)((2, 3), 0).shape
    (2, 3)
    """
    if not std >= 0:
        raise ValueError(f"normal: std is a number from 0 on, not {std!r}")
    return lambda shape, rng: generator(rng).normal(mean, std, shape)


def uniform(low: float, high: float) -> Initialiser:
    """Draws from the uniform distribution on [low, high).

    >>> bool(abs(uniform(-0.12, 0.12)((25, 401), 0)).max() <= 0.12)
    True
    """
    if not (low <= high and math.isfinite(high - low)):
        raise ValueError(f"uniform: draws are from low to high, not from {low!r} to {high!r}")
    return lambda shape, rng: generator(rng).uniform(low, high, shape)


Distribution = Literal["normal", "uniform"]


def xavier(distribution: Distribution = "uniform", gain: float = 1.0) -> Initialiser:
    """Variance gain**2 * 2 / (fan-in + fan-out): the same spread forward and backward.

    Glorot & Bengio 2010, equation 12 (normal) and 16 (uniform); for tanh and sigmoid.
    """
    _check_distribution("xavier", distribution)

    def initialise(shape: Shape, rng: Seed = None) -> Array:
        into, out = fans(shape)
        return _draw(distribution, gain * math.sqrt(2.0 / max(into + out, 1)), shape, rng)

    return initialise


def he(
    distribution: Distribution = "normal",
    mode: Literal["fan_in", "fan_out"] = "fan_in",
    negative_slope: float = 0.0,
) -> Initialiser:
    """Variance 2 / fan-in: the spread of relu's outputs stays the same from layer to layer.

    He et al. 2015, equations 10 (fan-in), 14 (fan-out) and 15 (leaky relu, `negative_slope`).
    """
    _check_distribution("he", distribution)
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"he: mode is 'fan_in' or 'fan_out', not {mode!r}")

    def initialise(shape: Shape, rng: Seed = None) -> Array:
        fan = max(fans(shape)[mode == "fan_out"], 1)
        return _draw(distribution, math.sqrt(2.0 / (1.0 + negative_slope**2) / fan), shape, rng)

    return initialise


def orthogonal(gain: float = 1.0) -> Initialiser:
    """A random matrix whose rows or columns, whichever are fewer, are orthonormal, times `gain`.

    Saxe et al. 2014. The Q of a normal matrix, with the signs that make it uniform on the
    orthogonal group (Mezzadri 2007). All axes but the last are taken as one.

    >>> q = orthogonal()((3, 5), 0)
    >>> bool(np.allclose(q @ q.T, np.eye(3)))
    True
    """

    def initialise(shape: Shape, rng: Seed = None) -> Array:
        if len(shape) < 2:
            raise ValueError(f"orthogonal: a matrix is needed, not shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = generator(rng).normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return gain * (q if rows >= columns else q.T).reshape(shape)

    return initialise


def fans(shape: Shape) -> tuple[int, int]:
    """Fan-in and fan-out of a weight of that shape.

    >>> fans((784, 50)), fans((8, 3, 5, 5))
    ((784, 50), (75, 200))
    """
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    if len(shape) == 2:
        return shape
    size = math.prod(shape[2:])
    return shape[1] * size, shape[0] * size


def _draw(distribution: str, std: float, shape: Shape, rng: Seed) -> Array:
    if distribution == "normal":
        return generator(rng).normal(0.0, std, shape)
    bound = math.sqrt(3.0) * std
    return generator(rng).uniform(-bound, bound, shape)


def _check_distribution(name: str, distribution: str) -> None:
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"{name}: distribution is 'normal' or 'uniform', not {distribution!r}")


FACTORIES: tuple[Any, ...] = (constant, normal, uniform, xavier, he, orthogonal)
"""What makes an initialiser from settings, and is none itself."""

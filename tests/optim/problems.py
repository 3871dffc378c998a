"""Small problems that several tests of the optimisers share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab

Array = NDArray[np.float64]

SHAPES = ((3, 4), (4,), ())


def start(seed: int = 0) -> list[Array]:
    """Arrays to start from, of every rank there may be."""
    rng = np.random.default_rng(seed)
    return [np.array(rng.normal(size=shape)) for shape in SHAPES]


def gradients(steps: int, seed: int = 1) -> list[list[Array]]:
    """Gradients of many sizes, some of them zero, for each step."""
    rng = np.random.default_rng(seed)
    return [
        [
            np.array(
                rng.normal(size=shape) * 10.0 ** rng.integers(-4, 4) * (rng.random(shape) < 0.9)
            )
            for shape in SHAPES
        ]
        for _ in range(steps)
    ]


def run(
    optimizer: ab.optim.Optimizer, parameters: Sequence[ab.Tensor], given: Sequence[Sequence[Array]]
) -> list[list[Array]]:
    """The parameters after each step with the given gradients."""
    course = []
    for step in given:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = gradient
        optimizer.step()
        course.append([parameter.numpy() for parameter in parameters])
    return course

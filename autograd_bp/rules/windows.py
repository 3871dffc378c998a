"""Sliding windows, and adding up what lies in them: what convolutions and pooling are made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.rules.arrays import ARRAY, Array, Shape
from autograd_bp.rules.rule import add_to_sheet, linear

Lengths = tuple[int, ...]


def window_counts(
    lengths: Sequence[int], size: Lengths, stride: Lengths, dilation: Lengths
) -> Shape:
    """How many windows fit along each axis."""
    counts = []
    for n, k, s, d in zip(lengths, size, stride, dilation, strict=True):
        span = d * (k - 1) + 1
        if 0 < n < span or (count := (n - span) // s + 1) < 0:
            raise ValueError(f"a window that spans {span} does not fit into a length of {n}")
        counts.append(count)
    return tuple(counts)


def windows(x: Array, size: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """The windows of the last axes as new axes at the end: a view of x."""
    x = np.asarray(x)
    k = len(size)
    if x.ndim < k:
        raise ValueError(f"windows along {k} axes need as many, but the shape is {x.shape}")
    first = x.ndim - k
    counts = window_counts(x.shape[first:], size, stride, dilation)
    steps = x.strides[first:]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:first], *counts, *size),
        (
            *x.strides[:first],
            *(step * s for step, s in zip(steps, stride, strict=True)),
            *(step * d for step, d in zip(steps, dilation, strict=True)),
        ),
        writeable=False,
    )


def overlap_add(x: Array, shape: Shape, size: Lengths, stride: Lengths, dilation: Lengths) -> Array:
    """Windows laid back where they come from, and added where they overlap."""
    x = np.asarray(x)
    k = len(size)
    first = len(shape) - k
    counts = window_counts(shape[first:], size, stride, dilation)
    if x.shape != (*shape[:first], *counts, *size):
        raise ValueError(
            f"the windows of an array of shape {shape} have shape "
            f"{(*shape[:first], *counts, *size)}, not {x.shape}"
        )
    result = np.zeros(shape, x.dtype)
    if math.prod(counts):
        for offsets in itertools.product(*map(range, size)):
            places: tuple[Any, ...] = tuple(
                slice(offset * d, offset * d + s * (count - 1) + 1, s)
                for offset, d, s, count in zip(offsets, dilation, stride, counts, strict=True)
            )
            index: tuple[Any, ...] = (..., *offsets)
            result[(..., *places)] += x[index]
    return result


ARRAY.primitives.update(windows=windows, overlap_add=overlap_add)

add_to_sheet(
    # `size`, `stride` and `dilation` have a number for each of the last axes of x.
    linear(
        "windows(x; size, stride, dilation)",
        "windows(x, size, stride, dilation)",
        adjoint=["overlap_add(g, shape_of(x), size, stride, dilation)"],
    ),
    linear(
        "overlap_add(x; shape, size, stride, dilation)",
        "overlap_add(x, shape, size, stride, dilation)",
        adjoint=["windows(g, size, stride, dilation)"],
    ),
)

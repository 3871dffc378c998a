"""Differences, sums and interpolation along an axis; convolution."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autograd_bp.functions.arranging import along, one_axis
from autograd_bp.functions.elementwise import ELEMENTWISE, PREDICATES, refuse_out, where
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.reductions import cumprod, cumsum
from autograd_bp.functions.reductions import sum as total
from autograd_bp.functions.shapes import (
    asarray,
    astype,
    broadcast_to,
    concatenate,
    flip,
    ravel,
    reshape,
)
from autograd_bp.operations import apply, joined, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import shape_of


def _dtype(x: Any) -> Any:
    return getattr(x, "dtype", np.dtype(float))


# -- differences ----------------------------------------------------------------------------------


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `axis`, `n` times over.

    >>> import autograd_bp as ab
    >>> diff(ab.Tensor([1.0, 4.0, 9.0]))
    Tensor([3., 5.], op='sub')
    """
    a = asarray(a)
    n = operator.index(n)
    if n < 0:
        raise ValueError(f"diff: n is from 0 on, not {n}")
    if not shape_of(a):
        raise ValueError("diff: a 0-d array has no neighbours")
    if n == 0:
        return a
    axis = one_axis(axis, len(shape_of(a)))
    ends = [a if end is None else _as_slice(end, a, axis) for end in (prepend, append)]
    pieces = [ends[0]] if prepend is not None else []
    pieces += [a, *([ends[1]] if append is not None else [])]
    a = concatenate(pieces, axis) if len(pieces) > 1 else a
    for _ in range(n):
        a = _difference(a, axis)
    return a


def _as_slice(end: Any, a: Any, axis: int) -> Any:
    end = asarray(end)
    if shape_of(end):
        return end
    return broadcast_to(end, (*shape_of(a)[:axis], 1, *shape_of(a)[axis + 1 :]))


def _difference(a: Any, axis: int) -> Any:
    later, sooner = getitem(a, along(axis, slice(1, None))), getitem(a, along(axis, slice(0, -1)))
    if _dtype(a) == np.bool_:
        return PREDICATES["not_equal"](later, sooner)
    return apply(ROWS["sub"], (later, sooner))


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of neighbours of the flattened array, with values put at its ends."""
    pieces = [] if to_begin is None else [ravel(asarray(to_begin))]
    pieces.append(diff(ravel(asarray(ary))))
    pieces += [] if to_end is None else [ravel(asarray(to_end))]
    return concatenate(pieces) if len(pieces) > 1 else pieces[0]


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The slope of samples along each axis: central differences inside, one-sided at the ends.

    `varargs` is one distance for all axes, or for each axis a distance or the coordinates; they
    may be nodes too. See `numpy.gradient`. The result is one array for one axis, else a tuple.
    """
    f = asarray(f)
    ndim = len(shape_of(f))
    several = axis is None or isinstance(axis, tuple | list)
    axes = range(ndim) if axis is None else axis if several else (axis,)
    places = [one_axis(k, ndim) for k in axes]
    if len(varargs) not in (0, 1, len(places)):
        raise TypeError(f"gradient: {len(varargs)} distances do not fit {len(places)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is 1 or 2, not {edge_order!r}")
    if len(varargs) == 1 and shape_of(joined(varargs[0])) == ():
        varargs = varargs * len(places)
    spacings = [joined(v) for v in varargs] or [1.0] * len(places)
    if len(spacings) != len(places):
        raise TypeError("gradient: coordinates are given for each axis, or for none")
    found = [_slope(f, k, h, edge_order) for k, h in zip(places, spacings, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slope(f: Any, axis: int, h: Any, edge_order: int) -> Any:
    n = shape_of(f)[axis]
    if n < edge_order + 1:
        raise ValueError(
            f"gradient: an axis of length {n} is too short, {edge_order + 1} elements are needed"
        )

    def at(start: int, stop: int | None) -> Any:
        return getitem(f, along(axis, slice(start, stop)))

    if shape_of(h) == ():
        steps: Any = None
        inside = (at(2, None) - at(0, -2)) / (2.0 * h)
    else:
        if shape_of(h) != (n,):
            raise ValueError(
                f"gradient: coordinates of shape {shape_of(h)} for an axis of length {n}"
            )
        steps = reshape(diff(h), (1,) * axis + (-1,) + (1,) * (len(shape_of(f)) - axis - 1))

        def step(start: int, stop: int | None) -> Any:
            return getitem(steps, along(axis, slice(start, stop)))

        before, after = step(0, -1), step(1, None)
        inside = (
            -after / (before * (before + after)) * at(0, -2)
            + (after - before) / (before * after) * at(1, -1)
            + before / (after * (before + after)) * at(2, None)
        )

    def ends(first: tuple[int, ...], near: int, far: int) -> Any:
        points = [getitem(f, along(axis, slice(k, k + 1 if k != -1 else None))) for k in first]
        one = h if steps is None else getitem(steps, along(axis, slice(near, near + 1 or None)))
        if edge_order == 1:
            return (points[1] - points[0]) / one
        two = h if steps is None else getitem(steps, along(axis, slice(far, far + 1 or None)))
        return (
            -(2.0 * one + two) / (one * (one + two)) * points[0]
            + (one + two) / (one * two) * points[1]
            - one / (two * (one + two)) * points[2]
        )

    first = ends((0, 1, 2) if edge_order == 2 else (0, 1), 0, 1)
    # From the other end every difference has the other sign.
    last = -ends((-1, -2, -3) if edge_order == 2 else (-1, -2), -1, -2)
    return concatenate([first, inside, last] if n > 2 else [first, last], axis)


# -- sums -----------------------------------------------------------------------------------------


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of samples by the trapezoidal rule, at distance `dx` or places `x`.

    >>> import autograd_bp as ab
    >>> trapezoid(ab.Tensor([1.0, 2.0, 3.0]))
    Tensor(4., op='sum')
    """
    y = asarray(y)
    axis = one_axis(axis, len(shape_of(y)))
    if x is None:
        width = joined(dx)
    else:
        x = asarray(x)
        if len(shape_of(x)) == 1:
            tail = (1,) * (len(shape_of(y)) - axis - 1)
            width = reshape(diff(x), (-1, *tail))
        else:
            width = diff(x, axis=axis)
    later, sooner = getitem(y, along(axis, slice(1, None))), getitem(y, along(axis, slice(0, -1)))
    return total(width * (later + sooner) / 2.0, axis)


def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    """The sums of all elements up to each one; with `include_initial` from an empty one, 0, on."""
    return _cumulative(cumsum, x, axis, dtype, out, 0.0 if include_initial else None)


def cumulative_prod(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    """The products of all elements up to each one; with `include_initial` from 1 on."""
    return _cumulative(cumprod, x, axis, dtype, out, 1.0 if include_initial else None)


def _cumulative(
    running: Any, x: Any, axis: int | None, dtype: Any, out: Any, start: float | None
) -> Any:
    refuse_out(out, f"cumulative_{running.__name__[3:]}")
    x = asarray(x)
    if axis is None:
        if len(shape_of(x)) > 1:
            raise ValueError("an array with more than one axis needs axis= for a running total")
        axis = 0
    result = running(x, axis, dtype)
    if start is None:
        return result
    axis = one_axis(axis, len(shape_of(result)))
    lengths = (*shape_of(result)[:axis], 1, *shape_of(result)[axis + 1 :])
    return concatenate([np.full(lengths, start, _dtype(result)), result], axis)


# -- interpolation --------------------------------------------------------------------------------


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None
) -> Any:
    """The value at x of the polyline through the points (xp, fp), whose xp ascend.

    Outside it is `left` or `right`, by default the first and last of fp. Derivatives pass x, xp
    and fp; at a corner that by x is the slope after it.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([0.5, 1.5])
    >>> interp(x, [0.0, 1.0, 2.0], [0.0, 10.0, 30.0]).sum().backward()
    >>> x.grad
    array([10., 20.])
    """
    # As in NumPy, in double precision.
    x, xp, fp = (astype(asarray(operand), float) for operand in (x, xp, fp))
    if len(shape_of(xp)) != 1 or shape_of(xp) != shape_of(fp) or not shape_of(xp)[0]:
        raise ValueError(
            f"interp: xp and fp are vectors of one length, not of shapes {shape_of(xp)} and "
            f"{shape_of(fp)}"
        )
    if period is not None:
        if period == 0:
            raise ValueError("interp: the period is not 0")
        period = abs(float(plain(period)))
        x, xp = x % period, xp % period
        order = np.argsort(np.asarray(plain(xp)))
        xp, fp = getitem(xp, order), getitem(fp, order)
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    knots, points = np.asarray(plain(xp)), np.asarray(plain(x))
    n = len(knots)
    first, last = getitem(fp, 0), getitem(fp, n - 1)
    if n == 1:
        inside = broadcast_to(first, points.shape) + 0.0 * x
    else:
        low = np.clip(np.searchsorted(knots, points, side="right") - 1, 0, n - 2)
        start, value = getitem(xp, low), getitem(fp, low)
        rise = getitem(fp, low + 1) - value
        inside = rise / (getitem(xp, low + 1) - start) * (x - start) + value
    inside = where(points == knots[-1], last, inside)
    inside = where(points < knots[0], first if left is None else left, inside)
    return where(points > knots[-1], last if right is None else right, inside)


def unwrap(
    p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi
) -> Any:
    """Angles without jumps: whole periods are added where neighbours are further apart than half.

    What is added depends on the numbers only, so the derivative passes unchanged.
    """
    p = asarray(p)
    if _dtype(p).kind != "f":
        p = apply(ROWS["astype"], (p,), (np.dtype(float),))
    numbers = np.asarray(plain(p))
    return p + (np.unwrap(numbers, discont, axis, period=period) - numbers)


# -- convolution ----------------------------------------------------------------------------------


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """The discrete convolution of two vectors: ``out[n] = sum_m a[m] v[n - m]``.

    `mode` is "full", "same" (as long as the longer) or "valid" (where they overlap completely).

    >>> import autograd_bp as ab
    >>> convolve(ab.Tensor([1.0, 2.0, 3.0]), [0.0, 1.0, 0.5])
    Tensor([0. , 1. , 2.5, 4. , 1.5], op='convolve')
    """
    a, v = (_vector(x, "convolve") for x in (a, v))
    if shape_of(v)[0] > shape_of(a)[0]:
        a, v = v, a
    return _part_of_convolution(a, v, mode, "convolve")


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """The cross-correlation of two vectors: ``out[k] = sum_n a[n + k] v[n]``."""
    a, v = (_vector(x, "correlate") for x in (a, v))
    if shape_of(v)[0] > shape_of(a)[0]:
        return flip(_part_of_convolution(v, flip(a), mode, "correlate"))
    return _part_of_convolution(a, flip(v), mode, "correlate")


def _vector(x: Any, name: str) -> Any:
    x = asarray(x)
    if len(shape_of(x)) > 1 or shape_of(x) == (0,):
        raise ValueError(f"{name}: two vectors with elements are needed, not shape {shape_of(x)}")
    return x if shape_of(x) else reshape(x, (1,))


def _part_of_convolution(longer: Any, shorter: Any, mode: str, name: str) -> Any:
    n, m = shape_of(longer)[0], shape_of(shorter)[0]
    whole = apply(ROWS["convolve"], (longer, shorter))
    if mode in ("full", 2):
        return whole
    if mode in ("same", 1):
        start = (m - 1) // 2
        return getitem(whole, slice(start, start + n))
    if mode in ("valid", 0):
        return getitem(whole, slice(m - 1, n))
    raise ValueError(f"{name}: mode is 'full', 'same' or 'valid', not {mode!r}")


# -- special --------------------------------------------------------------------------------------


def i0(x: Any) -> Any:
    """The modified Bessel function of order 0.

    The mean of exp(x cos(t)) over the circle (DLMF 10.32.1): equally spaced points give it to
    rounding, with all its derivatives.
    """
    x = asarray(x)
    if _dtype(x).kind != "f":
        x = apply(ROWS["astype"], (x,), (np.dtype(float),))
    numbers = np.abs(np.asarray(plain(x)))
    largest = float(np.max(numbers[np.isfinite(numbers)], initial=1.0))
    # What the mean of n points leaves out is I_n(x) / I_0(x), about exp(-n**2 / 2x).
    n = 4 * math.ceil((32 + math.sqrt(80.0 * min(largest, 800.0))) / 4)
    cosines = np.cos(2 * np.pi * (np.arange(n // 2) + 0.5) / n).astype(_dtype(x))
    spread = ELEMENTWISE["exp"](reshape(x, (*shape_of(x), 1)) * cosines)
    return total(spread, -1) / float(n // 2)

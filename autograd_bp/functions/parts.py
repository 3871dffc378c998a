"""The parts of numbers: whole and broken, mantissa and exponent, real and imaginary, in pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_bp.functions.elementwise import ELEMENTWISE, refuse_out, where
from autograd_bp.functions.shapes import asarray
from autograd_bp.operations import apply, plain, without_history
from autograd_bp.rules import ROWS


def float_power(x1: Any, x2: Any, /) -> Any:
    """x1 to the power of x2, in float64 at least."""
    return ELEMENTWISE["power"](_double(x1), _double(x2))


def _double(x: Any) -> Any:
    x = asarray(x)
    return apply(ROWS["astype"], (x,), (np.dtype(float),)) if _kind(x) != np.float64 else x


def _kind(x: Any) -> Any:
    return getattr(x, "dtype", None)


def divmod(x1: Any, x2: Any, /) -> tuple[Any, Any]:  # noqa: A001
    """The whole quotient and the remainder: ``(x1 // x2, x1 % x2)``."""
    return ELEMENTWISE["floor_divide"](x1, x2), ELEMENTWISE["remainder"](x1, x2)


def modf(x: Any, /) -> tuple[Any, Any]:
    """The broken part, with the derivative of x, and the whole part, with derivative 0."""
    whole = ELEMENTWISE["trunc"](x)
    numbers = np.asarray(plain(x))
    broken = apply(ROWS["sub"], (x, whole))
    endless = np.isinf(numbers)
    if endless.any():  # infinity less infinity is nan
        broken = where(endless, np.copysign(0.0, numbers), broken)
    return broken, whole


def frexp(x: Any, /) -> tuple[Any, Any]:
    """The mantissa, from 0.5 up to 1, and the power of two: ``x = mantissa * 2**exponent``."""
    x = asarray(x)
    exponent = np.frexp(np.asarray(plain(x)))[1]
    return ldexp(x, -exponent), without_history(exponent, (x,))


def ldexp(x1: Any, x2: Any, /) -> Any:
    """x1 times 2 to the whole power x2."""
    x, power = asarray(x1), np.asarray(plain(x2))
    if power.dtype.kind not in "iub":
        raise TypeError(f"ldexp: the power of two is a whole number, not {power.dtype}")
    dtype = np.dtype(np.result_type(getattr(x, "dtype", float), np.float16))
    # In two steps, so that neither factor leaves the floats when the result does not.
    half = power // 2
    one = np.ones((), dtype)
    return x * np.ldexp(one, half) * np.ldexp(one, power - half)


def real(val: Any) -> Any:
    """The number itself: all numbers here are real."""
    return asarray(val)


def imag(val: Any) -> Any:
    """Zero, with derivative zero: all numbers here are real."""
    return asarray(val) * 0.0


def real_if_close(a: Any, tol: float = 100) -> Any:  # noqa: ARG001
    """The number itself: all numbers here are real."""
    return asarray(a)


def conjugate(x: Any, /) -> Any:
    """The number itself: all numbers here are real."""
    return apply(ROWS["identity"], (x,))


def angle(z: Any, deg: bool = False) -> Any:
    """0 for a positive number and pi (180 degrees) for a negative one; derivative 0."""
    z = asarray(z)
    return np.angle(np.asarray(plain(z)), deg) + 0.0 * ELEMENTWISE["sign"](z)


def fix(x: Any, out: None = None) -> Any:
    """The whole part, towards zero; derivative 0."""
    refuse_out(out, "fix")
    return ELEMENTWISE["trunc"](x)


def spacing(x: Any, /) -> Any:
    """The distance to the next float: constant between powers of two, so with derivative 0."""
    x = asarray(x)
    return np.spacing(np.asarray(plain(x))) + 0.0 * ELEMENTWISE["sign"](x)


def copy(a: Any, order: str = "K", subok: bool = False) -> Any:  # noqa: ARG001
    """A new node of the same numbers, which derivatives pass."""
    return asarray(a).copy(order)

"""Special functions that rules need and neither `math` nor NumPy has, to a few ulp.

Each is written for one Python float; `rules.arrays` applies it elementwise.
"""

from __future__ import annotations

import math

_SQRT_HALF = math.sqrt(0.5)
# sqrt(1/2) - fl(sqrt(1/2)), so that x * sqrt(1/2) can be had to twice the working precision.
_SQRT_HALF_LOW = -4.833646656726457e-17
_INVERSE_SQRT_2PI = 0.3989422804014327
_SPLIT = 134217729.0  # 2**27 + 1


def normal_pdf(x: float) -> float:
    """The density of the standard normal distribution, exp(-x**2 / 2) / sqrt(2 pi).

    Rounding x**2 would cost x**2 / 2 ulp; the square is taken in two exact pieces instead.

    >>> round(normal_pdf(0.0), 15), normal_pdf(math.inf)
    (0.398942280401433, 0.0)
    """
    if abs(x) > 40.0:  # the density is below the smallest float from 38.6 on
        return 0.0
    high, _ = _split(x)
    low = x - high
    return _INVERSE_SQRT_2PI * math.exp(-0.5 * high * high) * math.exp(-0.5 * low * (x + high))


def normal_cdf(x: float) -> float:
    """The standard normal distribution function, relatively accurate in both tails.

    erfc(z) at z = -x / sqrt(2) is corrected for the rounding of z, which would cost z**2 ulp:
    d erfc(z) / dz = -2 / sqrt(pi) exp(-z**2).

    >>> normal_cdf(0.0), normal_cdf(math.inf), normal_cdf(-math.inf)
    (0.5, 1.0, 0.0)
    """
    if not abs(x) < 40.0:
        return 0.5 * math.erfc(-x * _SQRT_HALF)
    z = x * _SQRT_HALF
    x_high, x_low = _split(x)
    c_high, c_low = _split(_SQRT_HALF)
    error = ((x_high * c_high - z) + x_high * c_low + x_low * c_high) + x_low * c_low
    error += x * _SQRT_HALF_LOW
    return 0.5 * math.erfc(-z) + math.sqrt(2.0) * normal_pdf(x) * error


def _split(x: float) -> tuple[float, float]:
    """x as a sum of two floats of 26 bits each (Dekker 1971), so that products are exact."""
    product = _SPLIT * x
    high = product - (product - x)
    return high, x - high


def bessel(x: float, order: int) -> float:
    """The spherical Bessel function j_n at pi x, of order n >= 0.

    j_0(pi x) is sinc(x), and the family is closed under differentiation: DLMF 10.51.2,
    (2n + 1) j_n' = n j_{n-1} - (n + 1) j_{n+1}. The power series (DLMF 10.53.1) serves near
    zero, upward recurrence (10.51.1) from sinc further out, where it is stable. sin(pi x) and
    cos(pi x) are reduced before pi comes in, so whole numbers give exact zeros.

    >>> bessel(0.0, 0), bessel(0.0, 1), bessel(2.0, 0)
    (1.0, 0.0, 0.0)
    """
    z = math.pi * x
    if abs(z) < order + 1.5:
        term = 1.0
        for k in range(1, order + 1):
            term *= z / (2 * k + 1)
        total, k, quarter = 0.0, 0, -0.5 * z * z
        while total + term != total or k < 2:
            total += term
            k += 1
            term *= quarter / (k * (2 * order + 2 * k + 1))
            if term == 0.0:
                break
        return total + term
    if math.isinf(x):
        return 0.0
    remainder = x - 2.0 * round(0.5 * x) if abs(x) < 2.0**53 else 0.0
    sine, cosine = _sin_cos_pi(remainder)
    previous, current = cosine / math.pi / x, sine / math.pi / x  # j_{-1}, j_0; z may overflow
    for n in range(order):
        previous, current = current, (2 * n + 1) / z * current - previous
    return current


def _sin_cos_pi(x: float) -> tuple[float, float]:
    """sin(pi x) and cos(pi x) for |x| <= 1, exact at multiples of 1/2."""
    quarter = round(2.0 * x)
    angle = math.pi * (x - 0.5 * quarter)
    sine, cosine = math.sin(angle), math.cos(angle)
    match quarter % 4:
        case 0:
            return sine, cosine
        case 1:
            return cosine, -sine
        case 2:
            return -sine, -cosine
        case _:
            return -cosine, sine

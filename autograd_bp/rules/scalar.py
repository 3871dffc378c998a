"""What the names in a formula mean on Python floats: `math`, and a few short functions.

Where `math` raises, NumPy gives nan or an infinity; the callers of these functions read the
rule on arrays instead when that happens, so nothing here needs to.
"""

from __future__ import annotations

import math
from typing import Any

from autograd_bp.rules import special
from autograd_bp.rules.readings import Namespace


def sign(x: float) -> float:
    return math.copysign(1.0, x) if x and x == x else x


def maximum(x: float, y: float) -> float:
    """The larger; nan if either is."""
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    return x if x <= y or x != x else y


def fmax(x: float, y: float) -> float:
    """The larger; the other if one is nan."""
    return x if x >= y or y != y else y


def fmin(x: float, y: float) -> float:
    return x if x <= y or y != y else y


def where(condition: Any, x: float, y: float) -> float:
    return x if condition else y


def chain(cotangent: float, partial: float | bool) -> float:
    """The product of a cotangent and a local derivative; a zero cotangent stays zero."""
    if cotangent == 0:
        return 0.0
    if partial is True:
        return cotangent
    return 0.0 if partial is False else cotangent * partial


def chain_both(x: float, y: float) -> float:
    """The product of two numbers, zero if either is, whatever the other."""
    return 0.0 if x == 0 or y == 0 else x * y


def logaddexp(x: float, y: float) -> float:
    """log(exp(x) + exp(y)) without overflow."""
    if x == y:
        return x + math.log(2.0)
    return maximum(x, y) + math.log1p(math.exp(-abs(x - y)))


def logaddexp2(x: float, y: float) -> float:
    if x == y:
        return x + 1.0
    return maximum(x, y) + math.log1p(math.exp2(-abs(x - y))) / math.log(2.0)


def pow_less(x: float, y: float, n: int) -> float:
    """x ** (y - n), corrected for the rounding of y - n (Knuth's two-sum)."""
    power = y - n
    shift = power - y
    error = (y - (power - shift)) - (n + shift)
    result = math.pow(x, power)
    return result * (1 + error * math.log(x)) if error and 0 < x < math.inf else result


def rounded(x: float) -> float:
    """To the nearest integer, halves to even; a zero keeps its sign, as in NumPy."""
    return math.copysign(float(round(x)), x)


SCALAR = Namespace(
    "float",
    {
        **{
            name: getattr(math, name)
            for name in (
                "exp expm1 exp2 log log2 log10 log1p sqrt cbrt sin cos tan sinh cosh tanh hypot pow"
            ).split()
        },
        "arcsin": math.asin,
        "arccos": math.acos,
        "arctan": math.atan,
        "arctan2": math.atan2,
        "arcsinh": math.asinh,
        "arccosh": math.acosh,
        "arctanh": math.atanh,
        "abs": abs,
        "copysign": math.copysign,
        "fmod": math.fmod,
        "isnan": math.isnan,
        "isfinite": math.isfinite,
        "floor": lambda x: (
            math.copysign(float(math.floor(x)), x) if x == 0 else float(math.floor(x))
        ),
        "ceil": lambda x: math.copysign(float(math.ceil(x)), x),
        "trunc": lambda x: math.copysign(float(math.trunc(x)), x),
        "rint": rounded,
        "sign": sign,
        "maximum": maximum,
        "minimum": minimum,
        "fmax": fmax,
        "fmin": fmin,
        "where": where,
        "chain": chain,
        "chain_both": chain_both,
        "heaviside": lambda x, y: x if x != x else (y if x == 0 else float(x > 0)),
        "logaddexp": logaddexp,
        "logaddexp2": logaddexp2,
        "normal_cdf": special.normal_cdf,
        "normal_pdf": special.normal_pdf,
        "bessel": special.bessel,
        "sinc": lambda x: special.bessel(x, 0),
        "pow_less": pow_less,
        "pi": math.pi,
        "inf": math.inf,
        "nan": math.nan,
        "ln2": math.log(2.0),
        "ln10": math.log(10.0),
        "log2_e": math.log2(math.e),
        "log10_e": math.log10(math.e),
    },
    on_floats=True,
)

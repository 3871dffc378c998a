"""What the names in a formula mean in SymPy, and which numbers its constants are."""

from __future__ import annotations

import math
from collections.abc import Callable

import sympy

from autograd_bp.testing.regions import Expression

MEANINGS = {
    "gelu_gate": (
        "z = minimum(maximum(x, -40), 40); sigmoid(1.5957691216057308 * (z + 0.044715 * z * z * z))"
    ),
    "gelu_sech": (
        "z = minimum(maximum(x, -40), 40); sech(0.7978845608028654 * (z + 0.044715 * z * z * z))"
    ),
}
"""What a row is where its formula computes it in pieces, with constants split in two."""


_LONG = 14

_KNOWN = (
    sympy.Integer(1),
    sympy.pi,
    1 / sympy.pi,
    sympy.sqrt(2),
    sympy.sqrt(3),
    sympy.sqrt(5),
    sympy.sqrt(sympy.pi),
    1 / sympy.sqrt(sympy.pi),
    sympy.sqrt(2 / sympy.pi),
    sympy.sqrt(2 * sympy.pi),
    sympy.log(2),
    1 / sympy.log(2),
    sympy.log(10),
    1 / sympy.log(10),
    sympy.E,
    1 / sympy.E,
    sympy.EulerGamma,
)


def exact_number(number: float) -> tuple[Expression, str]:
    """The number that stands in a formula, exactly; and what it is: "written", "known", "rounded".

    Up to fourteen digits it is as written. With more it was rounded to a float, from a multiple of
    a well-known constant if there is one next to it.

    >>> exact_number(0.1)
    (1/10, 'written')
    >>> exact_number(0.7978845608028654)
    (sqrt(2)/sqrt(pi), 'known')
    >>> exact_number(0.7978845608028774)[1]
    'rounded'
    """
    if math.isinf(number) or math.isnan(number):
        return sympy.sympify(number), "written"
    if number == int(number):
        return sympy.Integer(int(number)), "written"
    text = repr(number)
    digits = text.split("e")[0].replace(".", "").replace("-", "").lstrip("0")
    if len(digits) <= _LONG:
        return sympy.Rational(text), "written"
    for known in _KNOWN:
        factor = _simple(sympy.N(number / known, 30))
        if factor is not None and _rounds_to(factor * known, number):
            return factor * known, "known"
    return sympy.Rational(text), "rounded"


def _simple(ratio: Expression) -> Expression | None:
    """A fraction with a small denominator, or a short decimal, next to the ratio."""
    nearby = sympy.Rational(str(ratio))
    fraction = nearby.limit_denominator(360)
    decimal = sympy.Rational(f"{float(ratio):.7g}")
    for candidate in (fraction, decimal):
        if candidate and abs(candidate / nearby - 1) < 4e-16:
            return candidate
    return None


def _rounds_to(exact: Expression, number: float) -> bool:
    return abs(float(exact) - number) <= 2 * math.ulp(number)


def _bessel(x: Expression, order: Expression) -> Expression:
    """The spherical Bessel function j_order(pi x), those of nearby orders in terms of two.

    By recurrence (DLMF 10.51.1), so that relations between three orders are seen.
    """
    z = sympy.pi * x
    steps, base = sympy.sympify(order).as_coeff_Add()
    below, here = sympy.cos(z) / z, sympy.sin(z) / z
    if base != 0:
        below, here = sympy.jn(base - 1, z), sympy.jn(base, z)
    n = base
    for _ in range(max(0, int(steps))):
        below, here, n = here, (2 * n + 1) / z * here - below, n + 1
    for _ in range(max(0, -int(steps))):
        below, here, n = (2 * n - 1) / z * below - here, below, n - 1
    return here


FUNCTIONS: dict[str, Callable[..., Expression]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "chain": lambda x, y: x * y,
    "chain_both": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": lambda x, y: x**y,
    "pow_less": lambda x, y, n: x ** (y - n),
    "sqrt": sympy.sqrt,
    "exp": sympy.exp,
    "exp2": lambda x: sympy.exp(x * sympy.log(2)),
    "expm1": lambda x: sympy.exp(x) - 1,
    "log": sympy.log,
    "log2": lambda x: sympy.log(x) / sympy.log(2),
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "log1p": lambda x: sympy.log(1 + x),
    "logaddexp": lambda x, y: sympy.log(sympy.exp(x) + sympy.exp(y)),
    "logaddexp2": lambda x, y: (
        sympy.log(sympy.exp(x * sympy.log(2)) + sympy.exp(y * sympy.log(2))) / sympy.log(2)
    ),
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "arctan2": sympy.atan2,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "arcsinh": sympy.asinh,
    "arccosh": sympy.acosh,
    "arctanh": sympy.atanh,
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "normal_pdf": lambda x: sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi),
    "normal_cdf": lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "sinc": lambda x: sympy.sin(sympy.pi * x) / (sympy.pi * x),
    "bessel": _bessel,
    "number": lambda x: x,
}

NAMED: dict[str, Expression] = {
    "pi": sympy.pi,
    "inf": sympy.oo,
    "nan": sympy.nan,
    "ln2": sympy.log(2),
    "ln10": sympy.log(10),
    "log2_e": 1 / sympy.log(2),
    "log10_e": 1 / sympy.log(10),
}

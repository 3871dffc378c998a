"""The rule sheet read on mpmath's numbers: the oracle for every row.

Only the *formulas* of rows are read here, never their derivatives. The primitives are textbook
definitions, with none of the scaling and shifting of the readings they judge: digits are cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

from autograd_bp.rules import Namespace, Rule

MP = mpmath.MPContext()
"""The oracle's own context: its precision is nobody else's."""

Number = Any  # an mpf of MP


class UndefinedError(ArithmeticError):
    """The operation has no finite real value there."""


# -- elementwise --------------------------------------------------------------------------------


def _real(function: Callable[..., Any]) -> Callable[..., Number]:
    """A function that mpmath continues to the complex plane, on the reals alone."""

    def on_reals(*operands: Any) -> Number:
        result = function(*operands)
        if isinstance(result, MP.mpc):
            if result.imag != 0:
                raise UndefinedError
            result = result.real
        return result

    return on_reals


def _sign(x: Number) -> Number:
    return MP.mpf((x > 0) - (x < 0))


def _trunc(x: Number) -> Number:
    return _sign(x) * MP.floor(abs(x))


def _power(x: Number, y: Number) -> Number:
    if x == 0 and y < 0:
        raise UndefinedError
    return _real(MP.power)(x, y)


def _log(x: Number) -> Number:
    if x <= 0:
        raise UndefinedError
    return MP.log(x)


def _log1p(x: Number) -> Number:
    if x <= -1:
        raise UndefinedError
    return MP.log1p(x)


def _arctanh(x: Number) -> Number:
    if abs(x) >= 1:
        raise UndefinedError
    return MP.atanh(x)


def _logaddexp(x: Number, y: Number) -> Number:
    return max(x, y) + MP.log1p(MP.exp(-abs(x - y)))


def _logaddexp2(x: Number, y: Number) -> Number:
    return max(x, y) + MP.log1p(MP.power(2, -abs(x - y))) / MP.ln2


def _normal_pdf(x: Number) -> Number:
    return MP.exp(-x * x / 2) / MP.sqrt(2 * MP.pi)


def _normal_cdf(x: Number) -> Number:
    if x < -1e100:  # beyond what erfc takes; the first term of DLMF 7.12.1 is all there is
        return _normal_pdf(x) / -x
    return MP.ncdf(min(x, MP.mpf(1e100)))


def _bessel(x: Number, order: int) -> Number:
    """j_n(pi x): the hypergeometric series (DLMF 10.53.1), recurrence (10.51.1) far from zero."""
    z = MP.pi * x
    if abs(x) < 30:
        factor = z**order / MP.fac2(2 * order + 1)
        return factor * MP.hyp0f1(order + MP.mpf(3) / 2, -z * z / 4)
    below, here = MP.cospi(x) / z, MP.sinpi(x) / z
    for n in range(order):
        below, here = here, (2 * n + 1) / z * here - below
    return here


def _gelu_exponent(x: Number) -> Number:
    return MP.sqrt(2 / MP.pi) * (x + MP.mpf(44715) / 10**6 * x**3)


ELEMENTWISE: dict[str, Any] = {
    "pi": MP.pi,
    "inf": MP.inf,
    "nan": MP.nan,
    "ln2": MP.ln2,
    "ln10": MP.ln10,
    "isnan": MP.isnan,
    "isfinite": MP.isfinite,
    "abs": abs,
    "sign": _sign,
    "copysign": lambda x, y: abs(x) if y >= 0 else -abs(x),
    "floor": MP.floor,
    "ceil": MP.ceil,
    "trunc": _trunc,
    "rint": MP.nint,
    "floor_divide": lambda x, y: MP.floor(x / y),
    "mod": lambda x, y: x - y * MP.floor(x / y),
    "fmod": lambda x, y: x - y * _trunc(x / y),
    "chain": lambda x, y: x * y,
    "chain_both": lambda x, y: x * y,
    "pow": _power,
    "pow_less": lambda x, y, n: _power(x, y - n),
    "sqrt": _real(MP.sqrt),
    "cbrt": lambda x: _sign(x) * MP.cbrt(abs(x)),
    "exp": MP.exp,
    "exp2": lambda x: MP.power(2, x),
    "expm1": MP.expm1,
    "log": _log,
    "log2": lambda x: _log(x) / MP.ln2,
    "log10": lambda x: _log(x) / MP.ln10,
    "log1p": _log1p,
    "logaddexp": _logaddexp,
    "logaddexp2": _logaddexp2,
    "sin": MP.sin,
    "cos": MP.cos,
    "tan": MP.tan,
    "arcsin": _real(MP.asin),
    "arccos": _real(MP.acos),
    "arctan": MP.atan,
    "arctan2": MP.atan2,
    "sinh": MP.sinh,
    "cosh": MP.cosh,
    "tanh": MP.tanh,
    "arcsinh": MP.asinh,
    "arccosh": _real(MP.acosh),
    "arctanh": _arctanh,
    "hypot": lambda x, y: MP.sqrt(x * x + y * y),
    "maximum": max,
    "minimum": min,
    "fmax": max,
    "fmin": min,
    "where": lambda condition, x, y: x if condition != 0 else y,
    "heaviside": lambda x, y: MP.mpf(x > 0) if x != 0 else y,
    "normal_pdf": _normal_pdf,
    "normal_cdf": _normal_cdf,
    "sinc": MP.sincpi,
    "gelu_gate": lambda x: 1 / (1 + MP.exp(-2 * _gelu_exponent(x))) if x < 1e10 else MP.one,
    "gelu_sech": lambda x: MP.sech(_gelu_exponent(x)),
    "bessel": _bessel,
}


class ExactNamespace(Namespace):
    """A row means here what its formula says; one that says nothing but its own name, nothing."""

    def row(self, rule: Rule) -> Callable[..., Any]:
        """The row by its formula; NameError if that only names the row."""
        if rule.name in rule.formula.names:
            raise NameError(
                f"the formula of {rule.name} is {rule.formula.text!r}, which is no definition: say "
                f"in autograd_bp/testing/exact.py what {rule.name} means on {self.name}s"
            )
        return super().row(rule)


EXACT = ExactNamespace("mpmath number", ELEMENTWISE, on_floats=True)

"""The elementwise rows: a formula, and one partial derivative per argument.

A partial may name other rows, its own among them, and `out`, the result. Each is written so that
it holds to a few ulp over the whole floating-point range, and so that its own derivative does:
differences that cancel and squares that overflow are avoided, often by way of a row that exists
for nothing else (`sech`, `unit`, `one_minus_square`). At a kink it gives a subgradient, ties
shared equally; a partial that is a condition selects.
"""

from __future__ import annotations

import math
from dataclasses import replace

from autograd_bp.rules.formula import Formula
from autograd_bp.rules.rule import (
    NON_NEGATIVE,
    POSITIVE,
    REAL,
    Interval,
    add_to_sheet,
    elementwise,
)

inf = math.inf
UNIT = Interval(-1.0, 1.0)

# t0 = exp(-|u|) for gelu_tanh. A rounding error in u costs |u| ulp: h is z to 13 bits, so that its
# products with the first digits of the constants are exact, and what is left is small.
_GELU_DECAY = (
    "z = minimum(abs(x), 40.0); h = rint(z * 128) / 128; l = z - h; c = h * h * h; "
    "t0 = exp(-0.7978845608022311 * h) * exp(-0.035675048828125 * c) * "
    "exp(-(6.342205674243064e-13 * h + 2.359308175124388e-06 * c + "
    "0.7978845608028654 * l + 0.035677408136300125 * l * (3 * h * h + 3 * h * l + l * l)))"
)

# -- arithmetic -----------------------------------------------------------------------------------

# The product of a cotangent x and a derivative y, in gradients of gradients: a zero of x stays zero
# whatever it meets. So its derivative by y is zero there too, in front of whatever.
_chain = replace(
    elementwise("chain(x, y)", "chain(x, y)", d=["y", "x"], public=False, symbol="×"),
    vjp=(Formula("chain(g, y)"), Formula("chain_both(g, x)")),
    jvp=(Formula("chain(t, y)"), Formula("chain_both(t, x)")),
    guarded_vjp=(Formula("chain(g, y)"), Formula("chain_both(g, x)")),
    guarded_jvp=(Formula("chain(t, y)"), Formula("chain_both(t, x)")),
)
_both = (Formula("chain_both(g, y)"), Formula("chain_both(g, x)"))
_both_forward = (Formula("chain_both(t, y)"), Formula("chain_both(t, x)"))
_chain_both = replace(
    elementwise("chain_both(x, y)", "chain_both(x, y)", d=["y", "x"], public=False, symbol="×"),
    vjp=_both,
    jvp=_both_forward,
    guarded_vjp=_both,
    guarded_jvp=_both_forward,
)

add_to_sheet(
    elementwise("identity(x)", "x", d=["1"], public=False),
    # A Value from a Tensor with one element.
    elementwise("item(x)", "x", d=["1"], public=False),
    elementwise("add(x, y)", "x + y", d=["1", "1"], symbol="+"),
    elementwise("sub(x, y)", "x - y", d=["1", "-1"], symbol="−"),
    elementwise("mul(x, y)", "x * y", d=["y", "x"], symbol="×"),
    _chain,
    # The same for two cotangents, or tangents.
    _chain_both,
    elementwise("div(x, y)", "x / y", d=["1 / y", "-out / y"], symbol="/"),
    elementwise("floor_divide(x, y)", "x // y", d=["0", "0"], symbol="//", kinks=["x % y"]),
    elementwise("mod(x, y)", "x % y", d=["1", "-(x // y)"], symbol="%", kinks=["x % y"]),
    # x / y may round up to a whole number; x - out is that many times y.
    elementwise("fmod(x, y)", "fmod(x, y)", d=["1", "-rint((x - out) / y)"], kinks=["fmod(x, y)"]),
    elementwise(
        "pow(x, y)",
        "x ** y",
        d=[
            "chain(y, pow_less(x, y, 1))",
            "out * log(x) if x != 0 else (0 if y >= 0 else -inf)",
        ],
        symbol="**",
        domain=[POSITIVE, REAL],
        boundary={
            (0.0, 0.0): (0.0, 0.0),
            (0.0, 0.5): (inf, 0.0),
            (0.0, 1.0): (1.0, 0.0),
            (0.0, 2.0): (0.0, 0.0),
            (0.0, -1.0): (-inf, -inf),
            (-2.0, 3.0): (12.0, math.nan),
            (2.0, 0.0): (0.0, math.log(2.0)),
        },
    ),
    # x ** (y - n), right where y - n is not a float: the derivatives of pow by x.
    elementwise(
        "pow_less(x, y; n)",
        "pow_less(x, y, n)",
        d=[
            "chain(y - n, pow_less(x, y, n + 1))",
            "out * log(x) if x != 0 else (0 if y >= n else -inf)",
        ],
        public=False,
        domain=[POSITIVE, REAL],
    ),
    elementwise("neg(x)", "-x", d=["-1"], symbol="−"),
    elementwise("abs(x)", "abs(x)", d=["sign(x)"], kinks=["x"], boundary={(0.0,): (0.0,)}),
    elementwise("sign(x)", "sign(x)", d=["0"], kinks=["x"]),
    elementwise(
        "copysign(x, y)",
        "copysign(x, y)",
        d=["sign(x) * copysign(1.0, y)", "0"],
        kinks=["x", "y"],
    ),
    elementwise("square(x)", "x * x", d=["2 * x"], symbol="^2"),
    elementwise("reciprocal(x)", "1 / x", d=["-out * out"], symbol="1/x"),
    elementwise("deg2rad(x)", "x * (pi / 180)", d=["pi / 180"]),
    elementwise("rad2deg(x)", "x * (180 / pi)", d=["180 / pi"]),
)

# -- powers, exponentials, logarithms -------------------------------------------------------------

add_to_sheet(
    elementwise(
        "sqrt(x)",
        "sqrt(x)",
        d=["0.5 / out"],
        domain=[NON_NEGATIVE],
        boundary={(0.0,): (inf,)},
    ),
    elementwise("cbrt(x)", "cbrt(x)", d=["1 / (3 * out * out)"], boundary={(0.0,): (inf,)}),
    elementwise("exp(x)", "exp(x)", d=["out"]),
    # 2**x ln(2) is finite a little beyond where 2**x is.
    elementwise("exp2(x)", "exp2(x)", d=["2 * ln2 * exp2(x - 1)"]),
    elementwise("expm1(x)", "expm1(x)", d=["exp(x)"]),
    elementwise("log(x)", "log(x)", d=["1 / x"], domain=[POSITIVE], boundary={(0.0,): (inf,)}),
    elementwise("log2(x)", "log2(x)", d=["log2_e / x"], domain=[POSITIVE]),
    elementwise("log10(x)", "log10(x)", d=["log10_e / x"], domain=[POSITIVE]),
    elementwise(
        "log1p(x)", "log1p(x)", d=["1 / (1 + x)"], domain=[Interval(-1.0, closed=(False, False))]
    ),
    elementwise("logaddexp(x, y)", "logaddexp(x, y)", d=["logistic(x, y)", "logistic(y, x)"]),
    elementwise("logaddexp2(x, y)", "logaddexp2(x, y)", d=["logistic2(x, y)", "logistic2(y, x)"]),
    # 1 / (1 + exp(y - x)), the derivative of logaddexp by x, and sech((x - y) / 2), of which its
    # own is made. The rounding error e of d = x - y (Knuth's two-sum) would cost |d| / 2 ulp in the
    # tail; two infinities share equally.
    elementwise(
        "logistic(x, y)",
        "d = x - y; b = d - x; e = (x - (d - b)) - (y + b); s = sigmoid(d); "
        "0.5 if x == y else (s * (1 + e * sigmoid(-d)) if abs(d) < inf else s)",
        d=["square(half_sech(x, y) / 2)", "-square(half_sech(x, y) / 2)"],
        public=False,
    ),
    elementwise(
        "half_sech(x, y)",
        "d = x - y; b = d - x; e = (x - (d - b)) - (y + b); s = sech(d / 2); "
        "1 if x == y else (s * (1 - e / 2 * tanh(d / 2)) if abs(d) < inf else s)",
        d=[
            "-0.5 * out * tanh((x - y) / 2)",
            "0.5 * out * tanh((x - y) / 2)",
        ],
        public=False,
    ),
    # The same two in powers of two.
    elementwise(
        "logistic2(x, y)",
        "d = x - y; b = d - x; e = ln2 * ((x - (d - b)) - (y + b)); s = sigmoid2(d); "
        "0.5 if x == y else (s * (1 + e * sigmoid2(-d)) if abs(d) < inf else s)",
        d=["ln2 * square(half_sech2(x, y) / 2)", "-ln2 * square(half_sech2(x, y) / 2)"],
        public=False,
    ),
    elementwise(
        "half_sech2(x, y)",
        "d = x - y; b = d - x; e = ln2 * ((x - (d - b)) - (y + b)); s = sech2(d / 2); "
        "1 if x == y else (s * (1 - e / 2 * tanh(ln2 * d / 2)) if abs(d) < inf else s)",
        d=[
            "-0.5 * ln2 * out * tanh(ln2 * (x - y) / 2)",
            "0.5 * ln2 * out * tanh(ln2 * (x - y) / 2)",
        ],
        public=False,
    ),
)

# -- trigonometric and hyperbolic -----------------------------------------------------------------

add_to_sheet(
    elementwise("sin(x)", "sin(x)", d=["cos(x)"]),
    elementwise("cos(x)", "cos(x)", d=["-sin(x)"]),
    elementwise("tan(x)", "tan(x)", d=["1 + out * out"]),
    elementwise(
        "arcsin(x)",
        "arcsin(x)",
        d=["1 / sqrt(one_minus_square(x))"],
        domain=[UNIT],
        boundary={(1.0,): (inf,), (-1.0,): (inf,)},
    ),
    elementwise(
        "arccos(x)",
        "arccos(x)",
        d=["-1 / sqrt(one_minus_square(x))"],
        domain=[UNIT],
        boundary={(1.0,): (-inf,), (-1.0,): (-inf,)},
    ),
    elementwise("arctan(x)", "arctan(x)", d=["square(1 / hypot(1.0, x))"]),
    elementwise(
        "arctan2(x, y)",
        "arctan2(x, y)",
        d=[
            "h = hypot(x, y); unit(y, x) / h if h != 0 else 0",
            "h = hypot(x, y); -unit(x, y) / h if h != 0 else 0",
        ],
        kinks=["x if y < 0 else hypot(x, y)"],
        boundary={(0.0, 0.0): (0.0, 0.0)},
    ),
    elementwise("sinh(x)", "sinh(x)", d=["cosh(x)"]),
    elementwise("cosh(x)", "cosh(x)", d=["sinh(x)"]),
    elementwise("tanh(x)", "tanh(x)", d=["square(sech(x))"]),
    elementwise("arcsinh(x)", "arcsinh(x)", d=["1 / hypot(1.0, x)"]),
    elementwise(
        "arccosh(x)",
        "arccosh(x)",
        d=["1 / (sqrt(x - 1) * sqrt(x + 1))"],
        domain=[Interval(1.0, closed=(True, False))],
        boundary={(1.0,): (inf,)},
    ),
    elementwise(
        "arctanh(x)",
        "arctanh(x)",
        d=["1 / one_minus_square(x)"],
        domain=[UNIT],
        boundary={(1.0,): (inf,), (-1.0,): (inf,)},
    ),
    elementwise("one_minus_square(x)", "(1 - x) * (1 + x)", d=["-2 * x"], public=False),
    # 1 / cosh(x), where cosh would overflow.
    elementwise(
        "sech(x)", "t0 = exp(-abs(x)); 2 * t0 / (1 + t0 * t0)", d=["-out * tanh(x)"], public=False
    ),
    # The same in powers of two: 2 / (2**x + 2**-x).
    elementwise(
        "sech2(x)",
        "t0 = exp2(-abs(x)); 2 * t0 / (1 + t0 * t0)",
        d=["-ln2 * out * tanh(x * ln2)"],
        public=False,
    ),
    elementwise(
        "hypot(x, y)",
        "hypot(x, y)",
        d=["unit(x, y)", "unit(y, x)"],
        kinks=["hypot(x, y)"],
        boundary={(0.0, 0.0): (0.0, 0.0)},
    ),
    # The component along x of the unit vector in the direction of (x, y); 0 at the origin.
    elementwise(
        "unit(x, y)",
        # At the ends of the floats scaled by a power of two: there hypot overflows, or is subnormal
        # and has few digits.
        "h = hypot(x, y); s = 0.25 if h > 1 else 1.152921504606847e18; "
        "(x / h if 1e-300 < h < inf else x * s / hypot(x * s, y * s)) if x != 0 else 0",
        d=[
            # The order of the product keeps it from underflow, next to 0 from overflow.
            "h = hypot(x, y); u = unit(y, x); "
            "(u * (u / h) if h > 1e-300 else u * u / h) if h != 0 else 0",
            "h = hypot(x, y); -out * unit(y, x) / h if h != 0 else 0",
        ],
        public=False,
        kinks=["hypot(x, y)"],
    ),
    # The spherical Bessel functions j_n(pi x), closed under differentiation (DLMF 10.51.2).
    elementwise("sinc(x)", "sinc(x)", d=["-pi * bessel(x, 1)"]),
    elementwise(
        "bessel(x; order)",
        "bessel(x, order)",
        d=[
            "pi / (2 * order + 1) * "
            "(order * bessel(x, abs(order - 1)) - (order + 1) * bessel(x, order + 1))"
        ],
        public=False,
    ),
)

# -- comparisons that give a value ----------------------------------------------------------------

add_to_sheet(
    elementwise(
        "maximum(x, y)",
        "maximum(x, y)",
        d=["1 if x > y else (0.5 if x == y else 0)", "1 if y > x else (0.5 if x == y else 0)"],
        kinks=["x - y"],
    ),
    elementwise(
        "minimum(x, y)",
        "minimum(x, y)",
        d=["1 if x < y else (0.5 if x == y else 0)", "1 if y < x else (0.5 if x == y else 0)"],
        kinks=["x - y"],
    ),
    elementwise(
        "fmax(x, y)",
        "fmax(x, y)",
        d=[
            "1 if x > y or isnan(y) else (0.5 if x == y else 0)",
            "1 if y > x or (isnan(x) and not isnan(y)) else (0.5 if x == y else 0)",
        ],
        kinks=["x - y"],
    ),
    elementwise(
        "fmin(x, y)",
        "fmin(x, y)",
        d=[
            "1 if x < y or isnan(y) else (0.5 if x == y else 0)",
            "1 if y < x or (isnan(x) and not isnan(y)) else (0.5 if x == y else 0)",
        ],
        kinks=["x - y"],
    ),
    # The gradient passes on the closed interval; crossed bounds give `high`, as in NumPy.
    elementwise(
        "clip(x, low, high)",
        "minimum(maximum(x, low), high)",
        d=["low <= x <= high and low < high", "x < low and low < high", "x > high or low >= high"],
        public=False,
        kinks=["x - low", "x - high", "low - high"],
    ),
    elementwise(
        "where(condition, x, y)",
        "where(condition, x, y)",
        d=["0", "condition != 0", "condition == 0"],
        public=False,
        kinks=["condition"],
    ),
    elementwise("floor(x)", "floor(x)", d=["0"], kinks=["x - floor(x)"]),
    elementwise("ceil(x)", "ceil(x)", d=["0"], kinks=["x - floor(x)"]),
    elementwise("trunc(x)", "trunc(x)", d=["0"], kinks=["x - trunc(x)"]),
    elementwise("rint(x)", "rint(x)", d=["0"], kinks=["x - floor(x) - 0.5"]),
    elementwise("heaviside(x, y)", "heaviside(x, y)", d=["0", "x == 0"], kinks=["x"]),
)

# -- activations ----------------------------------------------------------------------------------

add_to_sheet(
    elementwise(
        "sigmoid(x)",
        "t0 = exp(-abs(x)); 1 / (1 + t0) if x >= 0 else t0 / (1 + t0)",
        d=["sigmoid_slope(x)"],
    ),
    # out * (1 - out) without the cancellation for x > 0.
    elementwise(
        "sigmoid_slope(x)",
        "t0 = exp(-abs(x)); t1 = 1 + t0; t0 / (t1 * t1)",
        d=["-out * tanh(x / 2)"],
        public=False,
    ),
    # 1 / (1 + 2**-x): the derivatives of logaddexp2.
    elementwise(
        "sigmoid2(x)",
        "t0 = exp2(-abs(x)); 1 / (1 + t0) if x >= 0 else t0 / (1 + t0)",
        d=["ln2 * square(sech2(x / 2) / 2)"],
        public=False,
    ),
    elementwise("relu(x)", "maximum(x, 0.0)", d=["x > 0"], kinks=["x"], boundary={(0.0,): (0.0,)}),
    elementwise(
        "leaky_relu(x; negative_slope=0.01)",
        "x if x > 0 else negative_slope * x",
        d=["1 if x > 0 else negative_slope"],
        kinks=["x"],
    ),
    elementwise(
        "elu(x; alpha=1.0)",
        "x if x > 0 else alpha * expm1(minimum(x, 0.0))",
        d=["1 if x > 0 else alpha * exp(minimum(x, 0.0))"],
        kinks=["x"],
    ),
    elementwise("softplus(x)", "maximum(x, 0.0) + log1p(exp(-abs(x)))", d=["sigmoid(x)"]),
    elementwise("silu(x)", "x * sigmoid(x)", d=["sigmoid(x) + x * sigmoid_slope(x)"]),
    elementwise("normal_cdf(x)", "normal_cdf(x)", d=["normal_pdf(x)"], public=False),
    elementwise("normal_pdf(x)", "normal_pdf(x)", d=["-x * out"], public=False),
    elementwise(
        "gelu(x)", "x * normal_cdf(x)", d=["normal_cdf(x) + x * normal_pdf(x)"], public=False
    ),
    # x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x**3): Hendrycks & Gimpel 2016. Beyond |x| = 40
    # it is x or 0 to the last bit, and u would overflow.
    elementwise(
        "gelu_tanh(x)",
        "x * gelu_gate(x)",
        d=[
            "z = minimum(maximum(x, -40.0), 40.0); "
            "gelu_gate(x) + (z * square(gelu_sech(x)) * "
            "(0.3989422804014327 + 0.05351611220445019 * z * z) if -40 < x < 40 else 0)"
        ],
        public=False,
    ),
    # sigmoid(2u), and sech(u), of which its derivative is made.
    elementwise(
        "gelu_gate(x)",
        f"{_GELU_DECAY}; 1 / (1 + t0 * t0) if x >= 0 else t0 * t0 / (1 + t0 * t0)",
        d=[
            "z = minimum(maximum(x, -40.0), 40.0); "
            "square(gelu_sech(x)) * (0.3989422804014327 + 0.05351611220445019 * z * z) "
            "if -40 < x < 40 else 0"
        ],
        public=False,
    ),
    elementwise(
        "gelu_sech(x)",
        f"{_GELU_DECAY}; 2 * t0 / (1 + t0 * t0)",
        d=[
            "z = minimum(maximum(x, -40.0), 40.0); "
            "-out * tanh(0.7978845608028654 * (z + 0.044715 * z * z * z)) * "
            "(0.7978845608028654 + 0.10703222440890037 * z * z) if -40 < x < 40 else 0"
        ],
        public=False,
    ),
)

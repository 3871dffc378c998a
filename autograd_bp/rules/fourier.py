"""Fourier transforms: linear on real arrays, complex ones as their real and imaginary parts.

A complex array z is a real one with a first axis of length 2. The adjoint of a transform is the
one with the other sign in the exponent.
"""

from __future__ import annotations

from autograd_bp.rules.rule import add_to_sheet, linear

add_to_sheet(
    linear("dft(x; axis, sign)", "dft(x, axis, sign)", adjoint=["dft(g, axis, -sign)"]),
    linear(
        "rfft(x; axis)", "rfft(x, axis)", adjoint=["rfft_adjoint(g, length_along(x, axis), axis)"]
    ),
    linear("rfft_adjoint(x; n, axis)", "rfft_adjoint(x, n, axis)", adjoint=["rfft(g, axis)"]),
)

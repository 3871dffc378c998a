"""Linear algebra in a function that is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_bp as ab


def test_slogdet_is_compiled_with_its_sign_read_anew_at_every_call() -> None:
    @ab.compile
    def signed(x: Any) -> Any:
        sign, logarithm = np.linalg.slogdet(x)
        return sign * logarithm

    for k in range(4):
        x = np.random.default_rng(k).normal(size=(2, 3, 3))
        sign, logarithm = np.linalg.slogdet(x)
        np.testing.assert_allclose(signed(x), sign * logarithm, rtol=1e-12)


def test_the_gradient_of_a_compiled_slogdet_is_the_inverse_transposed() -> None:
    x = np.random.default_rng(0).normal(size=(3, 3))
    gradient = ab.compile(ab.grad(lambda a: np.linalg.slogdet(a)[1]))
    np.testing.assert_allclose(gradient(x), np.linalg.inv(x).T, rtol=1e-10)

"""Fourier transforms of Tensors against NumPy's, and their derivatives against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import ComplexTensor, Tensor
from tests import differences

RNG = np.random.default_rng(11)
X = RNG.normal(size=(3, 4))
Z = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))


def as_complex(x: Any, y: Any) -> Any:
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        return ComplexTensor(ab.asarray(x), ab.asarray(y))
    return x + 1j * y


def parts(z: Any) -> list[Any]:
    """The real numbers in a result."""
    return [z.real, z.imag] if isinstance(z, ComplexTensor) or np.iscomplexobj(z) else [z]


REAL: dict[str, Callable[[Any], Any]] = {
    "fft": np.fft.fft,
    "ifft": np.fft.ifft,
    "rfft": np.fft.rfft,
    "rfft of more points": lambda x: np.fft.rfft(x, 7),
    "rfft of fewer points": lambda x: np.fft.rfft(x, 3, axis=1, norm="ortho"),
    "fft along the first axis": lambda x: np.fft.fft(x, axis=0, norm="forward"),
    "rfft along the first axis": lambda x: np.fft.rfft(x, axis=0),
    "irfft": np.fft.irfft,
    "irfft of an odd number": lambda x: np.fft.irfft(x, 5, axis=0, norm="ortho"),
    "hfft": np.fft.hfft,
    "ihfft": np.fft.ihfft,
    "fft2": np.fft.fft2,
    "ifft2": np.fft.ifft2,
    "rfft2": np.fft.rfft2,
    "fftn": lambda x: np.fft.fftn(x, s=(2, 5), axes=(0, 1)),
    "rfftn": lambda x: np.fft.rfftn(x, axes=(1, 0)),
    "irfftn": lambda x: np.fft.irfftn(x, s=(3, 5), axes=(0, 1)),
    "a filter": lambda x: np.fft.irfft(np.fft.rfft(x) * np.exp(-np.arange(3.0)), 4),
    "a complex filter": lambda x: np.fft.irfft(np.fft.rfft(x) / (1.0 + 2j * np.arange(3.0)), 4),
    "a power spectrum": lambda x: np.abs(np.fft.rfft(x)) ** 2,
    "phases": lambda x: np.angle(np.fft.fft(x)),
    "a convolution": lambda x: np.fft.ifft(np.fft.fft(x) * np.fft.fft(x[::-1])).real,
    "deconvolution": lambda x: np.fft.irfft(np.fft.rfft(x) / (np.conj(np.fft.rfft(x)) + 3.0), 4),
    "shifts": lambda x: np.fft.ifftshift(np.fft.fftshift(np.fft.fft(x), axes=1)),
    "arithmetic": lambda x: 2.0 - (1j - np.fft.fft(x)) * 0.5 + x - x / (np.fft.fft(x) + 9.0),
    "exp": lambda x: np.exp(np.fft.fft(x) * 0.1) ** 2,
    "sums": lambda x: np.sum(np.fft.fft(x), axis=0) + np.mean(np.fft.fft(x)),
}


@pytest.mark.parametrize("name", REAL)
def test_transforms_of_real_numbers_are_those_of_numpy_and_differentiate(name: str) -> None:
    f = REAL[name]
    x = Tensor(X)
    found, expected = parts(f(x)), parts(f(X))
    assert len(found) == len(expected)
    weights = [RNG.normal(size=np.shape(part)) for part in expected]
    total: Any = 0.0
    for one, other, weight in zip(found, expected, weights, strict=True):
        np.testing.assert_allclose(ab.asarray(one).data, other, rtol=1e-12, atol=1e-13)
        total = total + (one * weight).sum()
    total.backward()

    def flat(a: Any) -> Any:
        return np.concatenate([np.ravel(part) for part in parts(f(a))])

    cotangent = np.concatenate([weight.ravel() for weight in weights])
    (slopes,) = differences.gradients(flat, [X], cotangent, 0.01)
    np.testing.assert_allclose(x.grad, slopes, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["fft", "ifft", "irfft", "hfft", "fft2", "ifftn", "irfft2"])
def test_transforms_of_complex_numbers_are_those_of_numpy_and_differentiate(name: str) -> None:
    function = getattr(np.fft, name)
    re, im = Tensor(Z.real), Tensor(Z.imag)
    found, expected = parts(function(as_complex(re, im))), parts(function(Z))
    weights = [RNG.normal(size=np.shape(part)) for part in expected]
    total: Any = 0.0
    for one, other, weight in zip(found, expected, weights, strict=True):
        np.testing.assert_allclose(one.data, other, rtol=1e-12, atol=1e-13)
        total = total + (one * weight).sum()
    total.backward()

    def flat(a: Any, b: Any) -> Any:
        return np.concatenate([np.ravel(part) for part in parts(function(a + 1j * b))])

    cotangent = np.concatenate([weight.ravel() for weight in weights])
    slopes = differences.gradients(flat, [Z.real, Z.imag], cotangent)
    np.testing.assert_allclose(re.grad, slopes[0], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(im.grad, slopes[1], rtol=1e-9, atol=1e-10)


def test_second_derivatives_pass() -> None:
    def energy(x: Any) -> Any:
        return (np.abs(np.fft.rfft(x)) ** 4).sum()

    v = np.ones(4)
    found = ab.hvp(energy, X[0], v)
    h = 1e-5
    slope = (ab.grad(energy)(X[0] + h * v) - ab.grad(energy)(X[0] - h * v)) / (2 * h)
    np.testing.assert_allclose(found, slope, rtol=1e-7)


def test_float32_stays_float32() -> None:
    x = Tensor(X.astype(np.float32))
    z = np.fft.rfft(x)
    assert z.dtype == np.complex64
    assert z.real.dtype == np.float32
    y = np.fft.irfft(z, 4)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, x.data, atol=1e-6)


def test_plain_arrays_give_plain_arrays() -> None:
    np.testing.assert_array_equal(ab.fft.fft(X), np.fft.fft(X))
    np.testing.assert_array_equal(ab.fft.irfft(Z), np.fft.irfft(Z))
    np.testing.assert_array_equal(ab.fft.rfft([1.0, 2.0]), np.fft.rfft([1.0, 2.0]))


@pytest.mark.parametrize(
    "call",
    [
        lambda z: np.sin(z),
        lambda z: np.linalg.inv(z),
        lambda z: np.asarray(z),
        lambda z: np.sort(z),
        lambda z: z**0.5,
        lambda z: np.add(z, 1.0, out=np.zeros(3, complex)),
        lambda z: np.fft.rfft(z),
        lambda z: z + "text",
        lambda z: z.real[:2] * np.array([1j, 2.0]),
    ],
)
def test_what_complex_numbers_have_no_rule_for_is_refused(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(np.fft.fft(Tensor([1.0, 2.0, 3.0])))


@pytest.mark.parametrize(
    "call", ["np.fft.fft(x, 0)", "np.fft.fft(x, norm='x')", "np.fft.fft(x, axis=3)"]
)
def test_what_makes_no_sense_is_refused(call: str) -> None:
    with pytest.raises((ValueError, np.exceptions.AxisError)):
        eval(call, {"np": np, "x": Tensor(X)})

"""Singular matrices and values that coincide: the right finite derivative, or a clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.linalg

import autograd_bp as ab
from autograd_bp import Tensor

LinAlgError = np.linalg.LinAlgError


def adjugate(a: Any) -> Any:
    """By minors: the definition."""
    n = len(a)
    result = np.empty((n, n))
    for i, j in np.ndindex(n, n):
        minor = np.delete(np.delete(a, j, 0), i, 1)
        result[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    return result


def of_rank(n: int, rank: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_the_derivative_of_a_determinant_is_the_adjugate_whatever_the_rank(
    n: int, lost: int
) -> None:
    a = of_rank(n, max(n - lost, 0))
    gradient = ab.grad(ab.linalg.det)(a)
    np.testing.assert_allclose(gradient, adjugate(a).T, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_the_second_derivative_of_a_determinant_is_right_whatever_the_rank(
    n: int, lost: int
) -> None:
    a, v = of_rank(n, max(n - lost, 0)), np.random.default_rng(1).normal(size=(n, n))
    slope = ab.hvp(ab.linalg.det, a, v)
    h = 1e-4
    expected = (adjugate(a + h * v) - adjugate(a - h * v)).T / (2 * h)
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-6)
    # The other way round: differentiating the recorded gradient.
    x = Tensor(a)
    (gradient,) = ab.gradients(ab.linalg.det(x), [x], create_graph=True)
    (again,) = ab.gradients((gradient * v).sum(), [x])
    np.testing.assert_allclose(again, slope, rtol=1e-9, atol=1e-10)


def test_a_determinant_of_zeros_has_derivatives() -> None:
    zero = np.zeros((2, 2))
    assert ab.grad(ab.linalg.det)(zero).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    hessian = ab.hessian(ab.linalg.det)(zero)
    assert hessian[0, 0, 1, 1] == 1.0
    assert hessian[0, 1, 1, 0] == -1.0


def test_third_derivatives_of_a_determinant() -> None:
    a = np.random.default_rng(3).normal(size=(4, 4))
    v = np.random.default_rng(4).normal(size=(4, 4))

    def curvature(x: Any) -> Any:
        return (ab.hvp(ab.linalg.det, x, v) * v).sum()

    found = ab.grad(curvature)(a)
    h = 1e-5
    for place in [(0, 0), (1, 2), (3, 3)]:
        moved = np.zeros((4, 4))
        moved[place] = h
        slope = (curvature(a + moved) - curvature(a - moved)) / (2 * h)
        assert found[place] == pytest.approx(slope, rel=1e-6)


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
REFUSED: dict[str, Callable[[Any], Any]] = {
    "inv of a singular matrix": lambda x: ab.linalg.inv(x).sum(),
    "solve of a singular matrix": lambda x: ab.linalg.solve(x, [1.0, 2.0]).sum(),
    "slogdet of a singular matrix": lambda x: ab.linalg.slogdet(x)[1],
    "pinv of a matrix without full rank": lambda x: ab.linalg.pinv(x).sum(),
    "lstsq of a matrix without full rank": lambda x: ab.linalg.lstsq(x, [1.0, 1.0])[0].sum(),
    "qr with dependent columns": lambda x: ab.linalg.qr(x).Q.sum(),
    "cholesky of a semidefinite matrix": lambda x: ab.linalg.cholesky(x - np.eye(2)).sum(),
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", REFUSED)
def test_where_there_is_no_derivative_an_error_says_so(name: str) -> None:
    with pytest.raises(LinAlgError) as caught:
        ab.grad(REFUSED[name])(SINGULAR)
    assert name.split(maxsplit=1)[0] in str(caught.value) or "pinv" in str(caught.value)


def test_the_value_of_what_has_no_derivative_is_there_all_the_same() -> None:
    np.testing.assert_allclose(np.linalg.pinv(Tensor(SINGULAR)).data, np.linalg.pinv(SINGULAR))
    x, _, rank, _ = np.linalg.lstsq(Tensor(SINGULAR), np.ones(2))
    assert rank == 1
    np.testing.assert_allclose(x.data, np.linalg.lstsq(SINGULAR, np.ones(2))[0])


DIAGONAL = np.diag([1.0, 2.0, 2.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (ab.linalg.eigvalsh(x) ** 2).sum(),
        lambda x: ab.log(ab.linalg.eigvalsh(x)).sum(),
        lambda x: ab.linalg.eigh(x).eigenvalues[0],
        lambda x: ab.linalg.eigh(x).eigenvectors[:, 0] @ np.array([1.0, 0.5, 0.2]),
        lambda x: ab.linalg.norm(x, "nuc"),
        lambda x: ab.linalg.svd(x).S[2],
    ],
)
def test_equal_values_do_no_harm_where_their_vectors_are_not_asked_for(f: Any) -> None:
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    for a in (DIAGONAL, turned @ DIAGONAL @ turned.T):
        gradient = ab.grad(f)(a)
        v = np.random.default_rng(1).normal(size=(3, 3))
        v = v + v.T
        h = 1e-5
        slope = (f(a + h * v) - f(a - h * v)) / (2 * h)
        assert np.sum(gradient * v) == pytest.approx(float(slope), rel=1e-6, abs=1e-7)


def test_forward_mode_needs_no_vectors_for_functions_of_values() -> None:
    for values in (lambda x: ab.linalg.eigvalsh(x), lambda x: ab.linalg.svdvals(x)):
        _, slope = ab.jvp(lambda x: (values(x) ** 2).sum(), (DIAGONAL,), (np.ones((3, 3)),))  # noqa: B023
        assert slope == pytest.approx(10.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ab.linalg.eigh(x).eigenvectors[0, 1],
        lambda x: (ab.linalg.eigh(x).eigenvectors ** 3).sum(),
        lambda x: ab.linalg.svd(x).U[0, 0],
        lambda x: ab.linalg.svd(x).Vh[0, 0],
    ],
)
def test_vectors_of_equal_values_are_refused_by_name(f: Any) -> None:
    turned, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    for a in (DIAGONAL, turned @ DIAGONAL @ turned.T):
        with pytest.raises(LinAlgError, match="coincide"):
            ab.grad(f)(a)


def test_a_zero_singular_value_of_a_square_matrix_does_no_harm() -> None:
    a = of_rank(3, 2)

    def f(x: Any) -> Any:
        u, s, vh = np.linalg.svd(x)
        return ((u[:, :2] * s[:2]) @ vh[:2]).sum()

    assert np.isfinite(ab.grad(lambda x: np.linalg.svd(x, compute_uv=False)[0])(a)).all()
    with pytest.raises(LinAlgError, match="singular"):
        ab.grad(lambda x: np.linalg.svd(x, full_matrices=False)[0].sum())(of_rank(3, 1)[:, :2])


@pytest.mark.parametrize("shape", [(2, 3), (3, 2)])
def test_vectors_that_the_shape_leaves_open_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="full_matrices=False"):
        np.linalg.svd(Tensor(np.ones(shape)))
    if shape == (3, 2):
        with pytest.raises(ValueError, match="reduced"):
            np.linalg.qr(Tensor(np.ones(shape)), mode="complete")


@pytest.mark.parametrize(
    "name", ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "svd", "qr", "pinv", "expm"]
)
def test_empty_and_batched_matrices_of_any_layout_have_the_values_of_numpy(name: str) -> None:
    reference = scipy.linalg.expm if name == "expm" else getattr(np.linalg, name)
    rng = np.random.default_rng(5)
    a = rng.normal(size=(2, 3, 3))
    a = a @ np.swapaxes(a, -1, -2) + 4 * np.eye(3)
    for operand in (a, np.asfortranarray(a), a[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1], a[:0]):
        if name == "expm" and not operand.size:
            continue
        found, expected = getattr(ab.linalg, name)(Tensor(operand)), reference(operand)
        pairs = (
            zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
        )
        for one, other in pairs:
            np.testing.assert_allclose(one.data, other, rtol=1e-12, atol=1e-12)
    nothing = Tensor(np.zeros((0, 0)))
    if name not in ("svd", "qr", "pinv", "expm"):
        getattr(ab.linalg, name)(nothing)
    assert ab.linalg.det(nothing).data == 1.0


def test_only_the_triangle_that_is_read_has_a_gradient() -> None:
    a = np.array([[4.0, 1.0, 0.5], [1.0, 5.0, 0.3], [0.5, 0.3, 6.0]])
    for f, read in (
        (lambda x: np.linalg.cholesky(x).sum(), np.tril),
        (lambda x: np.linalg.eigvalsh(x)[0], np.tril),
        (lambda x: np.linalg.eigvalsh(x, "U")[0], np.triu),
    ):
        gradient = ab.grad(f)(a)
        np.testing.assert_array_equal(gradient, read(gradient))
        assert (gradient[read(np.ones((3, 3))) == 1] != 0).all()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: ab.linalg.inv(x[:, :1]), ValueError),
        (lambda x: ab.linalg.inv(x[0]), ValueError),
        (lambda x: ab.linalg.solve(x, np.ones(3)), ValueError),
        (lambda x: ab.linalg.solve(x, 1.0), ValueError),
        (lambda x: ab.linalg.qr(x, mode="raw"), ValueError),
        (lambda x: ab.linalg.eigh(x, "X"), ValueError),
        (lambda x: ab.linalg.multi_dot([x]), ValueError),
        (lambda x: ab.linalg.tensorinv(x, 0), ValueError),
        (lambda x: ab.linalg.norm(x, "max"), ValueError),
        (lambda x: ab.linalg.matrix_power(x, 0.5), TypeError),
        (lambda x: np.linalg.eig(x), TypeError),
        (lambda x: ab.linalg.inv(x.data + 1j), TypeError),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(Tensor([[2.0, 1.0], [1.0, 3.0]]))


@pytest.mark.parametrize("size", [0.01, 1.0, 5.0, 30.0])
def test_the_exponential_is_right_to_rounding(size: float) -> None:
    a = size * np.random.default_rng(2).normal(size=(4, 4))
    with mpmath.workdps(60):
        true = np.array(mpmath.expm(mpmath.matrix(a.tolist()), method="taylor").tolist(), float)
    error = np.linalg.norm(ab.linalg.expm(a) - true) / np.linalg.norm(true)
    assert error < 5e-15 * max(size, 1.0)


def test_the_derivative_of_the_exponential_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    a, v = rng.normal(size=(2, 4, 4))
    expected = scipy.linalg.expm_frechet(a, v, compute_expm=False)
    np.testing.assert_allclose(ab.jvp(ab.linalg.expm, (a,), (v,))[1], expected, rtol=1e-10)

"""SciPy's minimisers on losses with exact derivatives."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn, optim
from autograd_bp.optim.minimizing import HESSIANS, METHODS, PRODUCTS
from autograd_bp.optim.objective import Objective

scipy_optimize = pytest.importorskip("scipy.optimize")
START = np.array([0.8, 0.9, 0.8, 0.7])


def rosenbrock(x: Any) -> Any:
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_the_course_it_takes_with_scipys_own_derivatives(method: str) -> None:
    start = START if method != "dogleg" else np.array([0.9, 0.8, 0.65, 0.42])
    curvature: dict[str, Any] = {}
    if method in PRODUCTS:
        curvature["hessp"] = lambda x, v: scipy_optimize.rosen_hess(x) @ v
    elif method in HESSIANS:
        curvature["hess"] = scipy_optimize.rosen_hess
    peer = scipy_optimize.minimize(
        scipy_optimize.rosen, start, jac=scipy_optimize.rosen_der, method=method, **curvature
    )
    found = optim.minimize(rosenbrock, start, method=method)
    assert found.success
    assert abs(found.nit - peer.nit) <= 2
    np.testing.assert_allclose(found.params, np.ones(4), atol=2e-3)
    assert found.losses[0] == pytest.approx(scipy_optimize.rosen(start))
    assert found.losses[-1] == found.fun
    assert len(found.losses) - 1 <= found.nit + 1


def test_the_hessian_and_its_products_are_exact() -> None:
    objective = Objective(rosenbrock, START)
    expected = scipy_optimize.rosen_hess(START)
    np.testing.assert_allclose(objective.hessian(START), expected, rtol=1e-13, atol=1e-11)
    v = np.array([1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(objective.hessian_product(START, v), expected @ v, rtol=1e-12)


def test_the_loss_is_computed_once_for_each_point() -> None:
    seen: list[bytes] = []

    def loss(x: Any) -> Any:
        seen.append(np.array(x.data).tobytes())
        return rosenbrock(x)

    for method in ("CG", "BFGS", "L-BFGS-B", "Newton-CG"):
        seen.clear()
        found = optim.minimize(loss, START, method=method)
        assert len(seen) == found.nfev
        assert not any(a == b for a, b in itertools.pairwise(seen))


def test_nested_arrays_and_floats_keep_their_structure() -> None:
    def loss(p: Any) -> Any:
        return (p["w"][0] * 3.0 - 6.0) ** 2 + ((p["b"] - np.array([1.0, 2.0])) ** 2).sum()

    start = {"w": (0.0, None), "b": np.zeros(2)}
    found = optim.minimize(loss, start, method="BFGS")
    assert type(found.params["w"][0]) is float
    assert found.params["w"][0] == pytest.approx(2.0)
    assert found.params["w"][1] is None
    np.testing.assert_allclose(found.params["b"], [1.0, 2.0], rtol=1e-6)
    assert start["b"].tolist() == [0.0, 0.0]


def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    return x, x @ np.array([[1.0], [-2.0], [0.5]]) + 0.25


@pytest.mark.parametrize("method", ["CG", "L-BFGS-B", "Newton-CG", "trust-krylov", "trust-exact"])
def test_a_module_is_at_the_minimum_afterwards(method: str) -> None:
    x, y = data()
    model = nn.Linear(3, 1, rng=0)
    found = optim.minimize(lambda: nn.mse(model(x), y), model, method=method, tol=1e-10)
    assert found.params is model
    np.testing.assert_allclose(model.weight.data, [[1.0], [-2.0], [0.5]], atol=1e-5)
    np.testing.assert_allclose(model.bias.data, [0.25], atol=1e-5)
    assert model.weight.name == "weight"


def test_tensors_and_values_are_moved_with_or_without_an_argument() -> None:
    w, b = ab.Tensor([0.0, 0.0]), ab.Value(0.0)

    def loss() -> Any:
        return ((w - np.array([1.0, 2.0])) ** 2).sum() + (b - 3.0) ** 2

    optim.minimize(loss, [w, b], method="BFGS")
    np.testing.assert_allclose([*w.data, b.data], [1.0, 2.0, 3.0], atol=1e-6)
    found = optim.minimize(lambda p: ((p[0] + 1.0) ** 2).sum() + p[1] ** 2, (w, b))
    np.testing.assert_allclose([*w.data, b.data], [-1.0, -1.0, 0.0], atol=1e-6)
    assert found.params == (w, b)


def test_float32_parameters_stay_float32() -> None:
    w = ab.Tensor(np.zeros(2, np.float32))
    optim.minimize(lambda: ((w - np.array([1.0, 2.0], np.float32)) ** 2).sum(), [w])
    assert w.dtype == np.float32
    np.testing.assert_allclose(w.data, [1.0, 2.0], atol=1e-3)


def test_a_callback_sees_every_iteration_and_can_stop() -> None:
    for method in METHODS:
        start = START if method != "dogleg" else np.array([0.9, 0.8, 0.65, 0.42])
        seen: list[tuple[int, float]] = []

        def look(k: int, loss: float, seen: Any = seen) -> bool:
            seen.append((k, loss))
            return k == 3

        found = optim.minimize(rosenbrock, start, method=method, callback=look)
        assert [k for k, _ in seen] == [1, 2, 3], method
        assert [loss for _, loss in seen] == list(found.losses[1:])


def test_an_exception_leaves_nodes_at_the_best_point() -> None:
    w = ab.Tensor(START)
    calls: list[float] = []

    def loss() -> Any:
        if len(calls) == 12:
            raise KeyboardInterrupt
        calls.append(rosenbrock(w).item())
        return rosenbrock(w)

    with pytest.raises(KeyboardInterrupt):
        optim.minimize(loss, [w], method="CG")
    assert rosenbrock(w).item() == min(calls)


def test_options_and_iterations_are_passed_on() -> None:
    found = optim.minimize(rosenbrock, START, method="CG", maxiter=3, options={"gtol": 1e-9})
    assert (found.nit, found.success) == (3, False)
    assert len(found.losses) == 4
    loose = optim.minimize(rosenbrock, START, method="BFGS", tol=1e-1)
    tight = optim.minimize(rosenbrock, START, method="BFGS", tol=1e-8)
    assert loose.nit < tight.nit


def test_parameters_the_loss_does_not_use_stay() -> None:
    unused, used = ab.Tensor([5.0]), ab.Tensor([5.0])
    optim.minimize(lambda: (used**2).sum(), [unused, used], method="Newton-CG")
    assert unused.item() == 5.0
    assert abs(used.item()) < 1e-6


@pytest.mark.parametrize(
    ("loss", "params", "settings", "error", "message"),
    [
        (rosenbrock, START, {"method": "Powell"}, ValueError, "no method 'Powell' that uses grad"),
        (rosenbrock, START, {"method": "bfgs"}, ValueError, "did you mean 'BFGS'"),
        (rosenbrock, np.array([1, 2]), {}, TypeError, "of integers: write"),
        (rosenbrock, [], {}, ValueError, "no parameters to move"),
        (rosenbrock, {"a": "x"}, {}, TypeError, "is a str"),
        (None, START, {}, TypeError, "a loss function is needed"),
        (lambda x: x, START, {}, ValueError, "must be one number"),
        (lambda x: 1.0, START, {}, TypeError, "gave a float"),  # noqa: ARG005
        (lambda x: ab.sum(x) / 0.0, np.ones(2), {}, ValueError, "the loss at the start is inf"),
        (rosenbrock, START, {"maxiter": 0}, ValueError, "maxiter must be at least 1"),
        (rosenbrock, START, {"tol": -1.0}, ValueError, "tol must be above 0"),
        (lambda: None, [ab.Tensor([1.0]) * 2.0], {}, ValueError, "is the result of mul"),
        (lambda: None, [ab.Tensor([1.0]), np.ones(1)], {}, TypeError, "mixed"),
        (lambda: None, [W := ab.Tensor([1.0]), W], {}, ValueError, "given twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_cannot_be_minimised_is_refused(
    loss: Any, params: Any, settings: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        optim.minimize(loss, params, **settings)

"""Functions, modules and training steps as pure functions of JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import autograd_bp as ab
from autograd_bp import nn
from autograd_bp.testing.programs import Program, programs

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True):
        yield


def to_jax(f: Any) -> Any:
    return ab.export.to_jax(f)


def same(found: Any, expected: Any, rtol: float = 1e-12, least: float = 0.0) -> None:
    expected = np.asarray(expected.data if isinstance(expected, ab.Tensor) else expected)
    found = np.asarray(found)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    size = float(np.max(np.abs(expected), initial=least, where=np.isfinite(expected)))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * size)


def step(params: dict[str, Any], x: Any, t: Any) -> Any:
    def loss(p: dict[str, Any]) -> Any:
        hidden = ab.tanh(x @ p["w1"] + p["b1"])
        return nn.cross_entropy(hidden @ p["w2"] + p["b2"], t)

    value, slopes = ab.value_and_grad(loss)(params)
    return {name: params[name] - 0.1 * slopes[name] for name in params}, value


def training() -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(0)
    params = {
        "w1": rng.normal(size=(3, 4)),
        "b1": np.zeros(4),
        "w2": rng.normal(size=(4, 2)),
        "b2": np.zeros(2),
    }
    return params, rng.normal(size=(8, 3)), np.array([0, 1, 0, 1, 1, 0, 0, 1])


def test_a_whole_training_step_is_jitted_with_its_parameters_donated() -> None:
    params, x, t = training()
    run = to_jax(step)
    jitted = jax.jit(run, donate_argnums=0)
    theirs = jax.tree.map(jnp.array, params)
    for _ in range(3):
        params, loss = step(params, x, t)
        theirs, found = jitted(theirs, x, t)
        same(found, loss)
    for name, array in params.items():
        same(theirs[name], array)
    assert len(run.programs) == 1


def test_a_function_is_recorded_once_for_each_signature() -> None:
    calls = []

    def f(x: Any, n: int) -> Any:
        calls.append(n)
        return x**n

    run = to_jax(f)
    for _ in range(3):
        same(run(np.ones(3), 2), np.ones(3))
    run(np.ones(4), 2)
    run(np.ones(4), 3)
    run(jnp.ones(4), 3)
    assert calls == [2, 2, 3]


def test_it_is_vmapped_and_differentiated_in_both_directions_and_twice() -> None:
    def f(x: Any) -> Any:
        return ab.sum(ab.exp(-x * x) * ab.sin(x))

    run = to_jax(f)
    x = np.array([0.3, -1.2, 2.0])
    same(jax.grad(run)(x), ab.grad(f)(x))
    same(jax.jit(jax.hessian(run))(x), ab.hessian(f)(x))
    same(jax.jacrev(jax.jacrev(run))(x), ab.hessian(f)(x))
    v = np.array([1.0, 0.0, 2.0])
    same(jax.jvp(run, (x,), (v,))[1], ab.jvp(f, (x,), (v,))[1])
    rows = np.stack([x, 2 * x])
    same(jax.vmap(run)(rows), [float(f(row)) for row in rows])
    same(jax.vmap(jax.grad(run))(rows), [ab.grad(f)(row) for row in rows])


def test_zero_times_infinity_and_kinks_are_as_with_us() -> None:
    def f(x: Any) -> Any:
        return ab.sum(ab.where(x > 0, ab.sqrt(x), 0.0) + ab.maximum(x, 0.0) + ab.abs(x))

    x = np.array([0.0, 1.0, -1.0])
    for transformed in (jax.grad(to_jax(f)), jax.jit(jax.grad(to_jax(f)))):
        with np.errstate(all="ignore"):
            same(transformed(x), ab.grad(f)(x))
    assert np.isfinite(np.asarray(jax.grad(to_jax(f))(x))).all()


NETS = {
    "convolutional": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(8, 3, rng=1), nn.LogSoftmax(),
        ),
        (2, 1, 8, 8),
    ),
    "normalised": (
        lambda: nn.Sequential(
            nn.Linear(4, 6, rng=0), nn.LayerNorm(6), nn.GELU(), nn.BatchNorm1d(6), nn.SiLU()
        ).eval(),
        (5, 4),
    ),
    "attention": (lambda: nn.MultiHeadAttention(4, 2, rng=0), (2, 3, 4)),
    "gated": (lambda: nn.GRUCell(4, 3, rng=0), (2, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_module_takes_its_parameters_first(name: str, dtype: Any) -> None:
    make, shape = NETS[name]
    net = make().astype(dtype)
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    rtol = 1e-11 if dtype == np.float64 else 2e-4
    run = to_jax(net)
    assert list(run.params) == [name for name, _ in net.named_parameters()]
    same(jax.jit(run)(run.params, x), net(x), rtol)
    slopes = jax.jit(jax.grad(lambda p: jnp.sum(run(p, x) ** 2)))(run.params)
    ab.sum(net(x) ** 2).backward()
    for path, parameter in net.named_parameters():
        same(slopes[path], parameter.grad, rtol, 1.0)


def test_wrong_parameters_are_refused_by_name() -> None:
    run = to_jax(nn.Linear(2, 3))
    with pytest.raises(TypeError, match="weight"):
        run(np.ones((1, 2)))
    with pytest.raises(ValueError, match="'weight' has shape"):
        run({**run.params, "weight": np.ones((3, 2))}, np.ones((1, 2)))
    with pytest.raises(TypeError, match="function or a module"):
        to_jax(3)
    with pytest.raises(AttributeError, match="only a module has params"):
        to_jax(lambda x: x).params  # noqa: B018


def test_dropout_draws_with_the_key_that_is_given() -> None:
    run = jax.jit(to_jax(nn.Dropout(0.25)))
    x = np.ones((50, 40))
    first = np.asarray(run({}, x, key=jax.random.key(0)))
    assert set(np.unique(first)) == {0.0, 1.0 / 0.75}
    assert abs(first.mean() - 1.0) < 0.05
    np.testing.assert_array_equal(run({}, x, key=jax.random.key(0)), first)
    assert (np.asarray(run({}, x, key=jax.random.key(1))) != first).any()
    with pytest.raises(TypeError, match="key"):
        run({}, x)


def test_a_users_row_brings_its_derivative_also_when_it_is_replaced() -> None:
    x = np.array([1.0, 2.0])
    for k in (2.0, 3.0):
        row = ab.scalar_rule("exported_row(x)", "x * x", d=[f"{k} * x"])
        same(jax.vmap(jax.grad(to_jax(row)))(x), k * x)


def test_the_course_of_a_program_may_not_depend_on_a_number() -> None:
    with pytest.raises(Exception, match="where"):
        to_jax(lambda x: x if x > 0 else -x)(1.0)


def test_structures_of_arguments_and_results_are_kept() -> None:
    def f(a: Any, b: Any) -> Any:
        return {"sum": a["x"] + b[0], "pair": (b[1], [a["x"] * 2.0]), "n": 3}

    args = ({"x": np.arange(3.0)}, (1.5, np.ones(3, np.float32)))
    found = jax.jit(to_jax(f))(*args)
    same(found["sum"], np.arange(3.0) + 1.5)
    same(found["pair"][0], np.ones(3, np.float32))
    same(found["pair"][1][0], np.arange(3.0) * 2)
    assert found["n"] == 3


@settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))
@given(programs(max_steps=4))
def test_random_programs_have_our_values_and_gradients(program: Program) -> None:
    n = len(program.inputs)

    def f(*xs: Any) -> Any:
        return program.run(xs)

    with np.errstate(all="ignore"):
        value, slopes = ab.value_and_grad(f, tuple(range(n)))(*program.inputs)
    run = jax.jit(jax.value_and_grad(to_jax(f), tuple(range(n))))
    found, found_slopes = run(*program.inputs)
    if not np.isfinite(value):
        return
    same(found, value, 1e-9, 1.0)
    for slope, right in zip(found_slopes, slopes, strict=True):
        if np.isfinite(np.asarray(right)).all():
            same(slope, right, 1e-8, 1.0)

"""Functions of numbers: tapes, run by native code, against Values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import ConcreteValueError, Value, nn
from autograd_bp.compiler import call, kernels
from autograd_bp.compiler.kernels import COMMON
from autograd_bp.compiler.scalar import ScalarProgram
from autograd_bp.compiler.tape import NotScalarError, record_tape
from autograd_bp.rules import ROWS

pytest.importorskip("numba")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Native code is kept in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRAD_BP_CACHE", str(tmp_path_factory.mktemp("cache")))
        kernels.kernel.cache_clear()
        yield
    kernels.kernel.cache_clear()


def on_tape(f: Any, *numbers: float) -> Any:
    """What a tape gives for these numbers, recorded at others."""
    count = len(numbers)
    tape = record_tape(f, count, lambda leaves: (tuple(leaves), {}))
    return tape.structure.unflatten(ScalarProgram(tape).run(numbers))


ROWS_OF_TAPES = sorted(name for name, _ in COMMON if name in ROWS and name != "where")
NUMBERS = st.floats(-3.0, 3.0) | st.sampled_from([0.0, 1.0, -1.0])
STEPS = st.lists(
    st.tuples(st.sampled_from(ROWS_OF_TAPES), st.integers(0, 40), st.integers(0, 40)),
    min_size=1,
    max_size=25,
)


def program(steps: Any) -> Any:
    def f(*xs: Any) -> Any:
        results = list(xs)
        for name, i, j in steps:
            rule = ROWS[name]
            operands = (results[i % len(results)], results[j % len(results)])[: len(rule.args)]
            result = ab.operations.apply(rule, operands)
            # Kept small, so that nothing overflows for long.
            results.append(ab.where(result > 100.0, 0.5, ab.where(result < -100.0, -0.5, result)))
        return results[-1] + results[len(results) // 2]

    return f


@settings(deadline=None, max_examples=80)
@given(STEPS, st.lists(NUMBERS, min_size=2, max_size=2))
def test_values_and_gradients_are_those_of_values(steps: Any, numbers: list[float]) -> None:
    f = ab.value_and_grad(program(steps), (0, 1))
    with np.errstate(all="ignore"):
        expected = f(*numbers)
    found = on_tape(f, *numbers)
    np.testing.assert_allclose(
        [found[0], *found[1]], [expected[0], *expected[1]], rtol=1e-9, atol=1e-12
    )


def moons_loss(model: Any, inputs: Any, labels: Any) -> Any:
    scores = [model(row) for row in inputs]
    losses = [ab.relu(1.0 + -label * score) for label, score in zip(labels, scores, strict=True)]
    decay = 1e-4 * sum(p * p for p in model.parameters())
    return sum(losses) * (1.0 / len(losses)) + decay


def test_a_net_of_values_from_outside_is_read_at_every_call() -> None:
    rng = np.random.default_rng(0)
    model = nn.MLP(2, [4, 1], rng=0)
    inputs = rng.normal(size=(10, 2)).tolist()
    labels = [1.0 if row[0] > 0 else -1.0 for row in inputs]
    parameters = model.parameters()

    def f() -> Any:
        loss = moons_loss(model, inputs, labels)
        return loss, ab.gradients(loss, parameters)

    run = ab.compile(f)
    for _ in range(3):
        loss, slopes = run()
        right, expected = f()
        assert loss == pytest.approx(right.data, rel=1e-13)
        np.testing.assert_allclose(slopes, expected, rtol=1e-12, atol=1e-15)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.data = parameter.data - 0.1 * slope
    assert "backward over all steps above" in ab.compile(f).__class__.source.fget(run)  # type: ignore[attr-defined]


def long(x: Any, y: Any, n: int = 120) -> Any:
    for _ in range(n):
        x = ab.tanh(x * y) + ab.where(x > 0.5, x * 0.5, ab.sqrt(ab.abs(x)))
    return x


def test_a_step_of_descent_with_its_update() -> None:
    def step(p: Any, rate: float) -> Any:
        loss, slopes = ab.value_and_grad(lambda p: long(*p))(p)
        return [value - rate * slope for value, slope in zip(p, slopes, strict=True)], loss

    run = ab.compile(step)
    p = expected = [0.3, 0.9]
    for rate in (0.1, 0.05):
        (p, loss), (expected, right) = run(p, rate), step(expected, rate)
        np.testing.assert_allclose([*p, loss], [*expected, right], rtol=1e-12)
    assert isinstance(next(iter(run._signatures.values())), call._ScalarSignature)


def test_gradients_of_gradients_go_another_way() -> None:
    f = ab.grad(ab.grad(lambda x: long(x, 0.7, 20)))
    assert ab.compile(f)(0.3) == pytest.approx(f(0.3), rel=1e-10)
    with pytest.raises(NotScalarError):
        record_tape(f, 1, lambda leaves: (tuple(leaves), {}))


def test_two_gradients_that_do_not_meet() -> None:
    def f(x: Any) -> Any:
        return ab.grad(lambda x: x**3)(x) + ab.grad(ab.exp)(x) * x

    assert on_tape(f, 2.0) == pytest.approx(12.0 + 2.0 * np.exp(2.0))


def test_a_zero_cotangent_stays_zero() -> None:
    f = ab.grad(lambda x: ab.where(x > 0, ab.sqrt(x), 0.0))
    assert on_tape(f, 0.0) == 0.0
    assert on_tape(f, 4.0) == 0.25


def test_numbers_follow_numpy_where_math_raises() -> None:
    assert on_tape(lambda x: 1.0 / x, 0.0) == np.inf
    assert np.isnan(on_tape(ab.log, -1.0))
    assert on_tape(ab.exp, 1000.0) == np.inf


def test_parameters_of_rows_and_rows_that_are_not_common() -> None:
    for f in (
        lambda x: ab.leaky_relu(x, 0.3) + ab.arctan2(x, 2.0) + ab.log1p(x * x),
        lambda x: ab.hypot(x, 1.0) * ab.elu(-x, 2.0) + ab.silu(x),
    ):
        g = ab.value_and_grad(f)
        np.testing.assert_allclose(on_tape(g, -0.7), g(-0.7), rtol=1e-13)


def test_many_rows_at_once() -> None:
    f = ab.value_and_grad(lambda x, a: a * x**3)
    xs = np.array([1.0, 2.0, -3.0])
    values, slopes = ab.compile(f).rows(xs, 10.0)
    np.testing.assert_allclose(values, 10.0 * xs**3)
    np.testing.assert_allclose(slopes, 30.0 * xs**2)
    with pytest.raises(ValueError, match="arrays of one shape"):
        ab.compile(f).rows(xs, np.ones(2))
    with pytest.raises(TypeError, match="no program of numbers alone"):
        ab.compile(lambda x: ab.sum(ab.stack([x, x]))).rows(xs)


def test_control_flow_is_refused() -> None:
    with pytest.raises(ConcreteValueError, match="truth value"):
        ab.compile(lambda x: long(x, 0.5) if x > 0 else x)(1.0)
    with pytest.raises(ConcreteValueError, match="float"):
        ab.compile(lambda x: long(x, 0.5) * float(x))(1.0)


def test_without_numba_a_long_program_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(_operations: Any) -> Any:
        raise ModuleNotFoundError("numba is needed: pip install 'autograd-bp[fast]'", name="numba")

    monkeypatch.setattr("autograd_bp.compiler.scalar.kernel", absent)
    assert ab.compile(lambda x: long(x, 0.5))(0.3) == pytest.approx(long(Value(0.3), 0.5).data)
    with pytest.raises(ModuleNotFoundError, match=r"autograd-bp\[fast\]"):
        ab.compile(lambda x: sum(long(x, 0.1 * k) for k in range(10)))(0.3)

"""Random programs of every row: compiled, they give what they give eagerly, at new values too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp.compiler import compile as compiled
from autograd_bp.compiler import trace
from autograd_bp.testing.programs import Program, programs

MANY = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def moved(inputs: Any, shift: float) -> tuple[Any, ...]:
    """The inputs a little further on: what was baked in while recording shows."""
    return tuple(
        x + shift if isinstance(x, float) else np.asarray(x + np.asarray(shift, x.dtype))
        for x in inputs
    )


def same(found: Any, expected: Any, scale: float = 1.0, eps: float = 2.2e-16) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    size = float(np.max(np.abs(expected[np.isfinite(expected)]), initial=scale))
    np.testing.assert_allclose(found, expected, rtol=2e4 * eps, atol=2e3 * eps * size)


def with_gradients(program: Program) -> Any:
    n = len(program.inputs)
    return ab.value_and_grad(lambda *xs: program.run(xs), tuple(range(n)))


def check(f: Any, inputs: tuple[Any, ...], eps: float = 2.2e-16) -> None:
    run = compiled(f)
    for shift in (0.0, 0.01):
        at = moved(inputs, shift)
        with np.errstate(all="ignore"):
            expected, slopes = f(*at)
        found, found_slopes = run(*at)
        same(found, expected, eps=eps)
        for slope, right in zip(found_slopes, slopes, strict=True):
            same(slope, right, float(np.max(np.abs(expected), initial=1.0)), eps)


@MANY
@given(programs(max_steps=6))
def test_values_and_gradients_are_those_of_the_function_itself(program: Program) -> None:
    check(with_gradients(program), program.inputs)


@MANY
@given(programs(max_steps=6))
def test_the_same_in_float32(program: Program) -> None:
    check(with_gradients(program.astype(np.float32)), program.astype(np.float32).inputs, 1.2e-7)


@pytest.mark.slow
@settings(MANY, max_examples=1500)
@given(programs(max_steps=12))
def test_long_programs(program: Program) -> None:
    check(with_gradients(program), program.inputs)


@settings(MANY, max_examples=40)
@given(programs(max_steps=4), st.data())
def test_hessian_vector_products(program: Program, data: st.DataObject) -> None:
    del data

    def product(*xs: Any) -> Any:
        def f(packed: Any) -> Any:
            return program.run(packed)

        ones = [1.0 if isinstance(x, float) else np.ones(x.shape) for x in program.inputs]
        return ab.grad(lambda p: p[0])([1.0])[0], ab.hvp(f, list(xs), ones)

    check(product, program.inputs)


@settings(MANY, max_examples=40)
@given(programs(max_steps=6))
def test_the_interpreter_runs_what_was_recorded(program: Program) -> None:
    f = with_gradients(program)
    recorded = trace(f, *program.inputs)
    at = moved(program.inputs, 0.01)
    with np.errstate(all="ignore"):
        expected, slopes = f(*at)
    found = recorded.run(at)
    for value, right in zip(found, [expected, *slopes], strict=True):
        same(value, right, float(np.max(np.abs(expected), initial=1.0)))

"""Gradient clipping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_bp as ab
from autograd_bp import optim

numbers = st.floats(-1e150, 1e150) | st.sampled_from([0.0, 1e-200, -3e150])
arrays = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, max_dims=2, max_side=3), elements=numbers
)


def with_gradients(*gradients: Any) -> list[ab.Tensor]:
    parameters = [ab.Tensor(np.zeros(np.shape(gradient))) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return parameters


@given(st.lists(arrays, min_size=1, max_size=3), st.floats(1e-3, 1e3))
def test_the_norm_is_at_most_the_limit_and_directions_stay(
    gradients: list[Any], limit: float
) -> None:
    parameters = with_gradients(*gradients)
    norm = optim.clip_grad_norm(parameters, limit)
    long = np.concatenate([np.ravel(g).astype(np.longdouble) for g in gradients])
    assert norm == pytest.approx(float(np.sqrt((long * long).sum())), rel=1e-13)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        if norm <= limit:
            np.testing.assert_array_equal(parameter.grad, gradient)
        else:
            np.testing.assert_allclose(parameter.grad, gradient * (limit / norm), rtol=1e-13)
        assert parameter.grad.shape == gradient.shape


def test_float32_gradients_that_would_overflow_are_clipped() -> None:
    (parameter,) = with_gradients(np.array([3e30, 4e30], np.float32))
    assert optim.clip_grad_norm([parameter], 1.0) == pytest.approx(5e30)
    assert parameter.grad.dtype == np.float32
    np.testing.assert_allclose(parameter.grad, [0.6, 0.8], rtol=1e-6)


def test_values_and_missing_gradients_are_no_obstacle() -> None:
    x, y, z = ab.Value(1.0), ab.Value(1.0), ab.Tensor([1.0])
    x.grad, z.grad = 3.0, np.array([4.0])
    assert optim.clip_grad_norm([x, y, z], 2.5) == 5.0
    assert (x.grad, y.grad, z.grad.tolist()) == (1.5, None, [2.0])
    assert optim.clip_grad_value([x, y, z], 1.0) == 2.0
    assert (x.grad, y.grad, z.grad.tolist()) == (1.0, None, [1.0])
    assert optim.clip_grad_norm([], 1.0) == 0.0
    assert optim.clip_grad_norm(z, 0.5) == 1.0


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_what_is_not_finite_is_left_and_told(bad: float) -> None:
    parameters = with_gradients(np.array([1.0, bad]), np.array([9.0]))
    norm = optim.clip_grad_norm(parameters, 1.0)
    assert norm == bad or (math.isnan(norm) and math.isnan(bad))
    assert parameters[1].grad.tolist() == [9.0]
    largest = optim.clip_grad_value(parameters, 2.0)
    assert largest == bad or (math.isnan(largest) and math.isnan(bad))
    assert parameters[1].grad.tolist() == [2.0]


def test_a_gradient_that_somebody_else_holds_is_not_changed() -> None:
    gradient = np.array([3.0, 4.0])
    (parameter,) = with_gradients(gradient)
    optim.clip_grad_norm([parameter], 1.0)
    optim.clip_grad_value([parameter], 0.1)
    assert gradient.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("clip", [optim.clip_grad_norm, optim.clip_grad_value])
def test_wrong_limits_and_parameters_are_refused(clip: Any) -> None:
    (parameter,) = with_gradients(np.ones(2))
    with pytest.raises(ValueError, match="must not be negative"):
        clip([parameter], -1.0)
    with pytest.raises(ValueError, match="must be finite"):
        clip([parameter], math.nan)
    with pytest.raises(TypeError, match="Tensors and Values"):
        clip([np.ones(2)], 1.0)
    assert parameter.grad.tolist() == [1.0, 1.0]


@pytest.mark.slow
def test_clipping_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for limit in (0.1, 1.0, 100.0):
        gradients = [rng.normal(size=shape) for shape in ((3, 4), (5,))]
        ours = with_gradients(*gradients)
        theirs = [torch.zeros(g.shape, dtype=torch.float64) for g in gradients]
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        norm = optim.clip_grad_norm(ours, limit)
        assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(theirs, limit)))
        for a, b in zip(ours, theirs, strict=True):  # PyTorch adds 1e-6 to the norm
            np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-5)
        optim.clip_grad_value(ours, limit / 10)
        torch.nn.utils.clip_grad_value_(theirs, limit / 10)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-5)

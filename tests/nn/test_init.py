"""Initialisers: their distributions, their seeds, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_bp import nn
from autograd_bp.nn import init

SHAPE = (200, 300)


@pytest.mark.parametrize(
    ("initialiser", "std"),
    [
        (init.normal(0.01), 0.01),
        (init.normal(), 1.0),
        (init.uniform(-0.3, 0.3), 0.3 / math.sqrt(3)),
        (init.xavier(), math.sqrt(2 / 500)),
        (init.xavier("normal"), math.sqrt(2 / 500)),
        (init.xavier(gain=5 / 3), 5 / 3 * math.sqrt(2 / 500)),
        (init.he(), math.sqrt(2 / 200)),
        (init.he("uniform"), math.sqrt(2 / 200)),
        (init.he(mode="fan_out"), math.sqrt(2 / 300)),
        (init.he(negative_slope=1.0), math.sqrt(1 / 200)),
    ],
)
def test_draws_have_the_standard_deviation_of_the_formula(
    initialiser: Callable[..., Any], std: float
) -> None:
    array = initialiser(SHAPE, 0)
    assert array.shape == SHAPE
    assert array.dtype == np.float64
    assert array.std() == pytest.approx(std, rel=0.02)
    assert abs(array.mean()) < 0.02 * std
    assert (array == initialiser(SHAPE, np.random.default_rng(0))).all()
    assert (array != initialiser(SHAPE, 1)).all()


def test_uniform_draws_stay_within_their_bounds() -> None:
    array = init.uniform(-0.12, 0.12)((1000,), np.random.default_rng(0))
    assert -0.12 <= array.min() < -0.118
    assert 0.118 < array.max() < 0.12
    bound = math.sqrt(6 / (200 + 300))
    array = init.xavier("uniform")(SHAPE, 0)
    assert 0.99 * bound < abs(array).max() <= bound


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (2, 3, 4), (1, 5)])
def test_orthogonal_matrices_are_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = init.orthogonal(2.0)(shape, 0).reshape(-1, shape[-1])
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4.0 * np.eye(len(product)), atol=1e-14)


def test_constants() -> None:
    assert (init.zeros((2, 3)) == 0).all()
    assert (init.ones((2,), 0) == 1).all()
    assert (init.constant(0.5)((2, 2), np.random.default_rng(0)) == 0.5).all()


def test_a_kernel_of_a_convolution_counts_its_places() -> None:
    assert init.fans((8, 3, 5, 5)) == (75, 200)
    assert init.fans((8, 3, 5)) == (15, 40)
    assert init.fans((784, 50)) == (784, 50)
    assert init.fans((7,)) == (7, 7)
    kernel = init.he()((64, 32, 3, 3), 0)
    assert kernel.std() == pytest.approx(math.sqrt(2 / 288), rel=0.02)


def test_relu_layers_keep_the_spread_with_he() -> None:
    rng = np.random.default_rng(0)
    layers: list[Any] = []
    for _ in range(10):
        layers += [nn.Linear(256, 256, init=init.he(), rng=rng), nn.ReLU()]
    net = nn.Sequential(*layers)
    y = net(rng.normal(size=(64, 256))).data
    assert 0.3 < np.sqrt((y**2).mean()) < 3.0


def test_biases_start_as_zeros() -> None:
    for layer in (nn.Linear(3, 2, init=init.ones), nn.Conv1d(1, 2, 3), nn.GRUCell(2, 3)):
        for name, parameter in layer.named_parameters():
            if "bias" in name:
                assert (parameter.data == 0).all()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: nn.Linear(2, 2, init=init.he), TypeError, "write init=nn.init.he(...)"),
        (lambda: nn.Linear(2, 2, init=init.normal), TypeError, "takes its settings first"),
        (lambda: init.normal(-1.0), ValueError, "std is a number from 0 on"),
        (lambda: init.normal(math.nan), ValueError, "std is a number from 0 on"),
        (lambda: init.uniform(1.0, -1.0), ValueError, "from low to high"),
        (lambda: init.uniform(0.0, math.inf), ValueError, "from low to high"),
        (lambda: init.xavier("gauss"), ValueError, "'normal' or 'uniform', not 'gauss'"),
        (lambda: init.he(mode="fan"), ValueError, "'fan_in' or 'fan_out', not 'fan'"),
        (lambda: init.orthogonal()((3,), 0), ValueError, "a matrix is needed"),
        (lambda: init.normal()((2,), "seed"), TypeError, "rng is a numpy.random.Generator"),
        (lambda: init.normal()((2,), True), TypeError, "rng is a numpy.random.Generator"),
        (lambda: init.normal()((2,), 1.5), TypeError, "not 1.5"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)


def test_a_float32_layer_is_the_float64_one_rounded() -> None:
    wide, narrow = nn.Linear(3, 4, rng=0), nn.Linear(3, 4, rng=0, dtype=np.float32)
    assert narrow.weight.dtype == np.float32
    assert (narrow.weight.data == wide.weight.data.astype(np.float32)).all()

"""`fit(compile=True)`: the same course of training, by programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn, optim
from autograd_bp.datasets import batches

rng = np.random.default_rng(0)
X = rng.normal(size=(100, 6))
T = (X[:, 0] + X[:, 1] > 0).astype(int)


def net() -> Any:
    return nn.Sequential(
        nn.Linear(6, 8, rng=0), nn.Sigmoid(), nn.Dropout(0.1, rng=3), nn.Linear(8, 2, rng=1)
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: optim.Adam(p, lr=0.01),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    ],
)
def test_the_course_is_the_same(optimizer: Any) -> None:
    courses = []
    for compiled in (False, True):
        model = net()
        history = ab.fit(
            model,
            batches(X, T, 32, rng=0),
            nn.cross_entropy,
            optimizer(model.parameters()),
            3,
            clip_norm=1.0,
            compile=compiled,
            progress=False,
        )
        courses.append((history["loss"], [p.data.copy() for p in model.parameters()]))
    np.testing.assert_allclose(courses[0][0], courses[1][0], rtol=1e-12)
    for plain, by_program in zip(courses[0][1], courses[1][1], strict=True):
        np.testing.assert_allclose(by_program, plain, rtol=1e-9, atol=1e-12)


def test_a_parameter_that_plays_no_part_is_left_alone() -> None:
    model = net()
    model.unused = ab.Tensor(np.ones(3), name="unused")
    optimizer = optim.SGD([*model.parameters()], lr=0.1, weight_decay=0.5)
    ab.fit(model, (X, T), nn.cross_entropy, optimizer, 2, compile=True, progress=False)
    np.testing.assert_array_equal(model.unused.data, np.ones(3))


def test_a_loss_that_is_not_finite_is_explained_as_ever() -> None:
    model = net()
    x = X.copy()
    x[3, 2] = np.nan
    with pytest.raises(ab.DivergedError):
        ab.fit(
            model,
            (x, T),
            nn.cross_entropy,
            optim.SGD(model.parameters(), lr=0.1),
            2,
            compile=True,
            progress=False,
        )


def test_what_needs_the_graph_of_every_step_is_refused() -> None:
    model = net()
    with pytest.raises(ValueError, match="gradient_norms needs the graph"):
        ab.fit(
            model,
            (X, T),
            nn.cross_entropy,
            optim.SGD(model.parameters(), lr=0.1),
            1,
            compile=True,
            gradient_norms=True,
            progress=False,
        )

"""Schedules of the learning rate: by hand, joined, saved, and beside PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import optim


def optimizer(*rates: float) -> optim.SGD:
    return optim.SGD([{"params": [ab.Tensor([1.0])], "lr": lr} for lr in rates or (1.0,)])


def rates(schedule: Any, steps: int) -> list[float]:
    """The rate of the first group, at first and after each step."""
    found = [schedule.optimizer.param_groups[0]["lr"]]
    for _ in range(steps):
        schedule.step()
        found.append(schedule.optimizer.param_groups[0]["lr"])
    return found


def test_steps_milestones_and_powers_by_hand() -> None:
    assert rates(optim.StepLR(optimizer(), 2, gamma=0.5), 4) == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert rates(optim.MultiStepLR(optimizer(), [3, 1], 0.5), 4) == [1.0, 0.5, 0.5, 0.25, 0.25]
    assert rates(optim.ExponentialLR(optimizer(), 0.5), 2) == [1.0, 0.5, 0.25]


def test_a_cosine_ends_at_the_least_rate_and_comes_back() -> None:
    schedule = optim.CosineAnnealingLR(optimizer(), T_max=4, eta_min=0.5)
    assert rates(schedule, 8) == pytest.approx(
        [
            1.0,
            0.75 + math.sqrt(2) / 8,
            0.75,
            0.75 - math.sqrt(2) / 8,
            0.5,
            0.75 - math.sqrt(2) / 8,
            0.75,
            0.75 + math.sqrt(2) / 8,
            1.0,
        ]
    )


def test_a_warm_up_is_a_line_and_then_level() -> None:
    schedule = optim.LinearLR(optimizer(), start_factor=0.25, total_iters=3)
    assert rates(schedule, 4) == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])


def test_a_warm_up_before_a_cosine() -> None:
    owner = optimizer()
    warm_up = optim.LinearLR(owner, start_factor=0.5, total_iters=2)
    cosine = optim.CosineAnnealingLR(owner, T_max=2)
    schedule = optim.SequentialLR(owner, [warm_up, cosine], milestones=[2])
    assert rates(schedule, 4) == pytest.approx([0.5, 0.75, 1.0, 0.5, 0.0])


def test_every_group_has_its_own_rate() -> None:
    owner = optimizer(1.0, 8.0)
    schedule = optim.ExponentialLR(owner, 0.5)
    schedule.step()
    assert [group["lr"] for group in owner.param_groups] == [0.5, 4.0]


def test_a_group_added_later_is_not_passed_over() -> None:
    owner = optimizer(1.0)
    schedule = optim.ExponentialLR(owner, 0.5)
    owner.add_param_group({"params": [ab.Tensor([1.0])]})
    with pytest.raises(ValueError, match="made for 1 parameter groups, and the optimiser has 2"):
        schedule.step()


def test_the_rate_falls_when_a_figure_stays_level() -> None:
    owner = optimizer()
    schedule = optim.ReduceLROnPlateau(owner, factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    found = []
    for loss in (3.0, 2.0, 2.0, math.nan, 2.0, 2.0, 1.9999, 2.5, 2.0, 2.0, 2.0, 2.0):
        schedule.step(loss)
        found.append(owner.param_groups[0]["lr"])
    assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2]


def test_a_schedule_goes_on_from_its_state() -> None:
    def make() -> optim.SequentialLR:
        owner = optimizer(1.0, 8.0)
        parts = [optim.LinearLR(owner), optim.ExponentialLR(owner, 0.5)]
        return optim.SequentialLR(owner, parts, [3])

    whole, half, rest = make(), make(), make()
    expected = rates(whole, 8)
    rates(half, 4)
    rest.optimizer.load_state_dict(half.optimizer.state_dict())
    rest.load_state_dict(half.state_dict())
    assert rates(rest, 4) == expected[4:]

    plateau = optim.ReduceLROnPlateau(optimizer(), patience=1)
    plateau.step(1.0)
    plateau.step(1.0)
    other = optim.ReduceLROnPlateau(optimizer(), patience=1)
    other.load_state_dict(plateau.state_dict())
    other.step(1.0)
    assert other.optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.StepLR(None, 1), TypeError, "needs an optimiser, not NoneType"),
        (lambda: optim.StepLR(optimizer(), 0), ValueError, "step_size must be at least 1"),
        (lambda: optim.StepLR(optimizer(), 1.5), TypeError, "step_size must be a whole number"),
        (lambda: optim.ExponentialLR(optimizer(), math.nan), ValueError, "gamma must be finite"),
        (lambda: optim.MultiStepLR(optimizer(), [-1]), ValueError, "milestone must be at least 0"),
        (lambda: optim.CosineAnnealingLR(optimizer(), 0), ValueError, "T_max must be at least 1"),
        (lambda: optim.LinearLR(optimizer(), 0.0), ValueError, "start_factor must be above 0"),
        (lambda: optim.ReduceLROnPlateau(None), TypeError, "needs an optimiser"),
        (lambda: optim.ReduceLROnPlateau(optimizer(), "least"), ValueError, "mode must be 'min'"),
        (lambda: optim.ReduceLROnPlateau(optimizer(), factor=1.0), ValueError, "factor must be"),
        (
            lambda: optim.ReduceLROnPlateau(optimizer(), threshold_mode="x"),
            ValueError,
            "threshold_mode must be",
        ),
        (
            lambda: optim.SequentialLR(o := optimizer(), [optim.LinearLR(o)], [3]),
            ValueError,
            "1 schedules need 0 milestones, not 1",
        ),
        (
            lambda: optim.SequentialLR(
                o := optimizer(), [optim.LinearLR(o), optim.LinearLR(o), optim.LinearLR(o)], [3, 3]
            ),
            ValueError,
            "milestones must increase",
        ),
        (
            lambda: optim.SequentialLR(optimizer(), [optim.LinearLR(optimizer())], []),
            ValueError,
            "same optimiser",
        ),
        (
            lambda: optim.SequentialLR(o := optimizer(), [optim.ReduceLROnPlateau(o)], []),
            TypeError,
            "only schedules that are a formula",
        ),
        (
            lambda: optim.StepLR(optimizer(), 1).load_state_dict({"steps": 1}),
            ValueError,
            "the state of a StepLR is a dict of",
        ),
        (
            lambda: optim.StepLR(optimizer(), 1).load_state_dict({"steps": 1, "base_lrs": [1, 2]}),
            ValueError,
            "for 2 parameter groups, and there are 1",
        ),
        (
            lambda: optim.ReduceLROnPlateau(optimizer()).load_state_dict(
                {"best": 1.0, "waited": -1, "cooling": 0}
            ),
            ValueError,
            "waited must be at least 0",
        ),
    ],
)
def test_wrong_settings_are_refused(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


def sequence(module: Any, owner: Any) -> Any:
    parts = [
        module.LinearLR(owner, 0.1, total_iters=4),
        module.CosineAnnealingLR(owner, 6, 0.01),
        module.StepLR(owner, 2, 0.5),
    ]
    return module.SequentialLR(owner, parts, milestones=[4, 9])


MAKERS: list[Callable[[Any, Any], Any]] = [
    lambda module, owner: module.StepLR(owner, 3, gamma=0.3),
    lambda module, owner: module.MultiStepLR(owner, [2, 5, 5, 11], gamma=0.3),
    lambda module, owner: module.ExponentialLR(owner, 0.9),
    lambda module, owner: module.CosineAnnealingLR(owner, 7, 0.05),
    lambda module, owner: module.CosineAnnealingLR(owner, 20),
    lambda module, owner: module.LinearLR(owner),
    lambda module, owner: module.LinearLR(owner, 0.2, 0.7, total_iters=9),
    sequence,
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*")  # PyTorch's, about steps that were not taken
@pytest.mark.parametrize("make", MAKERS)
def test_every_rate_is_pytorchs(make: Callable[[Any, Any], Any]) -> None:
    torch = pytest.importorskip("torch")
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    peer = torch.optim.SGD(
        [{"params": [p], "lr": lr} for p, lr in zip(parameters, (0.4, 3.0), strict=True)]
    )
    mine = optimizer(0.4, 3.0)
    theirs, ours = make(torch.optim.lr_scheduler, peer), make(optim, mine)
    for _ in range(16):
        for a, b in zip(mine.param_groups, peer.param_groups, strict=True):
            assert a["lr"] == pytest.approx(b["lr"], rel=1e-12, abs=1e-15)
        ours.step()
        theirs.step()


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 1, "factor": 0.5},
        {"mode": "max", "patience": 0, "cooldown": 2, "threshold": 0.1},
        {"threshold_mode": "abs", "threshold": 0.3, "patience": 2, "min_lr": 0.01},
        {"mode": "max", "threshold_mode": "abs", "threshold": 0.3, "patience": 2},
    ],
)
def test_plateaus_are_pytorchs(settings: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    peer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    mine = optimizer(0.8)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(peer, **settings)
    ours = optim.ReduceLROnPlateau(mine, **settings)
    for figure in np.random.default_rng(0).normal(size=60).round(1):
        ours.step(figure)
        theirs.step(figure)
        assert mine.param_groups[0]["lr"] == pytest.approx(peer.param_groups[0]["lr"], rel=1e-12)

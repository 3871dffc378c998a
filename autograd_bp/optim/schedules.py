"""Schedules of the learning rate, under PyTorch's names.

A schedule sets the rate of every group when it is made, and at each `step`. Most are a formula from
the rate a group began with and the number of steps so far; `SequentialLR` joins such formulas.

>>> import autograd_bp as ab
>>> optimizer = ab.optim.SGD([ab.Tensor([1.0])], lr=0.8)
>>> warm_up = LinearLR(optimizer, start_factor=0.25, total_iters=3)
>>> schedule = SequentialLR(optimizer, [warm_up, ExponentialLR(optimizer, gamma=0.5)], [3])
>>> rates = []
>>> for _ in range(6):
...     rates.append(round(optimizer.param_groups[0]["lr"], 10))
...     schedule.step()
>>> rates
[0.2, 0.4, 0.6, 0.8, 0.4, 0.2]
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_bp.optim.hyperparameters import count, nonnegative, number, positive
from autograd_bp.optim.optimizer import Optimizer


class Schedule:
    """The base of the schedules that are a formula.

    Attributes
    ----------
    steps
        How many steps there were.
    base_lrs
        The rate that each group began with.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimiser, not {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.steps = 0
        # Another schedule may have changed the rate already: the first one notes it.
        self.base_lrs: list[float] = [
            group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups
        ]
        self._set()

    def rate(self, base: float, steps: int) -> float:
        """The rate after so many steps, for a group that began with `base`."""
        raise NotImplementedError

    def step(self) -> None:
        """Go on to the next rate: call it after `optimizer.step()`, or after each epoch."""
        self.steps += 1
        self._set()

    def _set(self) -> None:
        if len(self.base_lrs) != len(self.optimizer.param_groups):
            raise ValueError(
                f"the schedule was made for {len(self.base_lrs)} parameter groups, and the "
                f"optimiser has {len(self.optimizer.param_groups)} now: make it after adding groups"
            )
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = self.rate(base, self.steps)

    def state_dict(self) -> dict[str, Any]:
        """What changes, for `ab.save`."""
        return {"steps": self.steps, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a schedule of the same kind was; ValueError if the state is not of one.

        The optimiser's state has the rates.
        """
        _check_keys(self, state)
        steps = count("steps", state["steps"], least=0)
        bases = [nonnegative("base_lrs", base) for base in state["base_lrs"]]
        if len(bases) != len(self.base_lrs):
            raise ValueError(
                f"the state is for {len(bases)} parameter groups, and there are "
                f"{len(self.base_lrs)}"
            )
        self.steps, self.base_lrs = steps, bases


class StepLR(Schedule):
    """The rate times `gamma` after every `step_size` steps.

    >>> import autograd_bp as ab
    >>> schedule = StepLR(ab.optim.SGD([ab.Tensor([1.0])], lr=1.0), step_size=2, gamma=0.5)
    >>> [schedule.rate(1.0, steps) for steps in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = count("step_size", step_size)
        self.gamma = nonnegative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base: float, steps: int) -> float:
        """``base * gamma**(steps // step_size)``."""
        return base * self.gamma ** (steps // self.step_size)


class MultiStepLR(Schedule):
    """The rate times `gamma` at each milestone, a number of steps."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(count("a milestone", m, least=0) for m in milestones)
        self.gamma = nonnegative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base: float, steps: int) -> float:
        """``base * gamma**n`` after n milestones."""
        return base * self.gamma ** bisect.bisect_right(self.milestones, steps)


class ExponentialLR(Schedule):
    """The rate times `gamma` at each step."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = nonnegative("gamma", gamma)
        super().__init__(optimizer)

    def rate(self, base: float, steps: int) -> float:
        """``base * gamma**steps``."""
        return base * self.gamma**steps


class CosineAnnealingLR(Schedule):
    """Half a cosine from the first rate down to `eta_min` in `T_max` steps, and up again after.

    Loshchilov and Hutter 2017, equation 5, without restarts.

    >>> import autograd_bp as ab
    >>> schedule = CosineAnnealingLR(ab.optim.SGD([ab.Tensor([1.0])], lr=1.0), T_max=4)
    >>> [round(schedule.rate(1.0, steps), 4) for steps in range(5)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = count("T_max", T_max)
        self.eta_min = nonnegative("eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, base: float, steps: int) -> float:
        """``eta_min + (base - eta_min) * (1 + cos(pi * steps / T_max)) / 2``."""
        return self.eta_min + (base - self.eta_min) * (
            (1.0 + math.cos(math.pi * steps / self.T_max)) / 2.0
        )


class LinearLR(Schedule):
    """A factor that goes from `start_factor` to `end_factor` in `total_iters` steps: a warm-up."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3.0,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.start_factor = positive("start_factor", start_factor)
        self.end_factor = nonnegative("end_factor", end_factor)
        self.total_iters = count("total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, base: float, steps: int) -> float:
        """The base times the factor."""
        part = min(steps / self.total_iters, 1.0)
        return base * (self.start_factor + (self.end_factor - self.start_factor) * part)


class SequentialLR(Schedule):
    """One schedule after the other; each counts its steps from where it begins.

    Parameters
    ----------
    optimizer
        The one that the schedules were made with.
    schedules
        Formulas: any of this module but `ReduceLROnPlateau`.
    milestones
        The number of steps after which the second one begins, the third, and so on.
    """

    def __init__(
        self, optimizer: Optimizer, schedules: Sequence[Schedule], milestones: Sequence[int]
    ) -> None:
        self.schedules = list(schedules)
        self.milestones = [count("a milestone", m) for m in milestones]
        for schedule in self.schedules:
            if not isinstance(schedule, Schedule):
                raise TypeError(
                    f"only schedules that are a formula can be joined, not a "
                    f"{type(schedule).__name__}"
                )
            if schedule.optimizer is not optimizer:
                raise ValueError("the schedules must be of the same optimiser")
        if len(self.milestones) != len(self.schedules) - 1:
            raise ValueError(
                f"{len(self.schedules)} schedules need {len(self.schedules) - 1} milestones, not "
                f"{len(self.milestones)}"
            )
        if any(b <= a for a, b in zip(self.milestones, self.milestones[1:], strict=False)):
            raise ValueError(f"the milestones must increase, and they are {self.milestones}")
        super().__init__(optimizer)

    def rate(self, base: float, steps: int) -> float:
        """That of the schedule whose turn it is."""
        turn = bisect.bisect_right(self.milestones, steps)
        began = self.milestones[turn - 1] if turn else 0
        return self.schedules[turn].rate(base, steps - began)


class ReduceLROnPlateau:
    """The rate times `factor` when a figure has not become better for more than `patience` steps.

    Parameters
    ----------
    optimizer
        Whose rates are set.
    mode
        ``"min"`` if less is better, ``"max"`` if more is.
    factor
        In (0, 1).
    patience
        How many steps without improvement are let pass.
    threshold, threshold_mode
        How much better is better: by a part of the best (``"rel"``) or by so much (``"abs"``).
    cooldown
        How many steps after a reduction are not counted.
    min_lr
        The least rate.
    eps
        A reduction by less than this is left out.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> optimizer = ab.optim.SGD([ab.Tensor([1.0])], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> optimizer.param_groups[0]["lr"]
    0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimiser, not {type(optimizer).__name__}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', not {threshold_mode!r}")
        self.optimizer = optimizer
        self.factor = positive("factor", factor)
        if self.factor >= 1.0:
            raise ValueError(f"factor must be below 1, and it is {factor!r}")
        self.patience = count("patience", patience, least=0)
        self.threshold = nonnegative("threshold", threshold)
        self.cooldown = count("cooldown", cooldown, least=0)
        self.min_lr = nonnegative("min_lr", min_lr)
        self.eps = nonnegative("eps", eps)
        self._sign = 1.0 if mode == "min" else -1.0
        self._relative = threshold_mode == "rel"
        self.best: float | None = None
        self.waited = 0
        self.cooling = 0

    def step(self, figure: float) -> None:
        """Look at the figure of this epoch; nan is not better than anything."""
        if self._better(float(figure)):
            self.best = float(figure)
            self.waited = 0
        else:
            self.waited += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.waited = 0
        if self.waited > self.patience:
            for group in self.optimizer.param_groups:
                reduced = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - reduced > self.eps:
                    group["lr"] = reduced
            self.cooling = self.cooldown
            self.waited = 0

    def _better(self, figure: float) -> bool:
        if self.best is None:
            return not math.isnan(figure)
        if self._relative:
            # PyTorch's rule: the bound is the best times 1 - threshold, also where it is negative.
            return self._sign * figure < self._sign * self.best * (
                1.0 - self._sign * self.threshold
            )
        return self._sign * figure < self._sign * self.best - self.threshold

    def state_dict(self) -> dict[str, Any]:
        """What changes, for `ab.save`."""
        return {"best": self.best, "waited": self.waited, "cooling": self.cooling}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another was; ValueError if the state is not of one."""
        _check_keys(self, state)
        best = None if state["best"] is None else number("best", state["best"])
        waited, cooling = (count(name, state[name], least=0) for name in ("waited", "cooling"))
        self.best, self.waited, self.cooling = best, waited, cooling


def _check_keys(schedule: Schedule | ReduceLROnPlateau, state: Any) -> None:
    expected = schedule.state_dict().keys()
    if not isinstance(state, Mapping) or state.keys() != expected:
        raise ValueError(f"the state of a {type(schedule).__name__} is a dict of {list(expected)}")

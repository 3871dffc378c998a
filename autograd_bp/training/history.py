"""What happened in training: a table by epoch, and figures by step."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_bp.storage import StorageError, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BY_STEP = ("gradient_norms", "update_ratios", "zero_shares")


class History:
    """The figures of a training run; `fit` fills it. It prints as a table.

    Attributes
    ----------
    epochs
        One dict per epoch, of figures by name: ``"loss"``, the metrics, the same on the validation
        data as ``"validation loss"`` and so on, and ``"lr"``.
    losses
        The training loss of every step.
    gradient_norms, update_ratios, zero_shares
        By step as well, for each parameter: the norm of its gradient (before clipping), the norm of
        the update by that of the weights (nan where they are all zero); for each ReLU the share of
        zeros in its output. Empty unless `fit` was asked for gradient norms.
    best_epoch
        The epoch, from 1, that the figure that is watched was best in; None before there is one.
    stopped
        Why training ended before its last epoch: ``"no improvement"``, ``"interrupted"``,
        ``"callback"``; None if it did not.

    Examples
    --------
    >>> history = History()
    >>> history.epochs += [{"loss": 2.5, "accuracy": 0.5}, {"loss": 0.75, "accuracy": 0.875}]
    >>> print(history)
    epoch   loss  accuracy
        1    2.5       0.5
        2   0.75     0.875
    >>> history["loss"]
    [2.5, 0.75]
    """

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.losses: list[float] = []
        self.gradient_norms: dict[str, list[float]] = {}
        self.update_ratios: dict[str, list[float]] = {}
        self.zero_shares: dict[str, list[float]] = {}
        self.best_epoch: int | None = None
        self.stopped: str | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the figures, in order."""
        return list(dict.fromkeys(name for row in self.epochs for name in row))

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, column: str) -> list[float]:
        """A figure by epoch; nan where an epoch has none."""
        if column not in self.columns:
            raise KeyError(f"{column!r}: the history has {self.columns}")
        return [row.get(column, math.nan) for row in self.epochs]

    def __str__(self) -> str:
        names = self.columns
        rows = [["epoch", *names]]
        for number, row in enumerate(self.epochs, start=1):
            cells = [f"{row[name]:.5g}" if name in row else "" for name in names]
            rows.append([f"{number}", *cells])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        if self.best_epoch is not None and self.best_epoch <= len(self.epochs):
            lines[self.best_epoch] += "  best"
        if self.stopped is not None:
            lines.append(f"stopped: {self.stopped}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        last = self.epochs[-1] if self.epochs else {}
        figures = "".join(f", {name}={number:.5g}" for name, number in last.items())
        return f"History({len(self.epochs)} epochs, {len(self.losses)} steps{figures})"

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The loss, and beside it the metrics, over the epochs; needs Matplotlib.

        Parameters
        ----------
        path
            Where to save the picture, in the format its suffix says; not saved if None.
        """
        if not self.epochs:
            raise ValueError("the history is empty: there is nothing to plot")
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                "History.plot needs Matplotlib: pip install 'autograd-bp[examples]'"
            ) from error
        losses = [name for name in self.columns if name.split()[-1] == "loss"]
        metrics = [name for name in self.columns if name not in losses and name != "lr"]
        panels = [panel for panel in (losses, metrics) if panel]
        figure = Figure(figsize=(5.0 * len(panels), 3.6), layout="constrained")
        numbers = range(1, len(self.epochs) + 1)
        for axes, names in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            for name in names:
                style = "--" if name.startswith("validation ") else "-"
                axes.plot(numbers, self[name], style, marker=".", label=name)
            if self.best_epoch is not None:
                axes.axvline(self.best_epoch, color="0.7", linewidth=1, zorder=0)
            axes.set_xlabel("epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend()
        if path is not None:
            figure.savefig(path)
        return figure

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the history as JSON, as a whole or not at all; nan and inf are written as text."""
        content = json.dumps(self.state_dict(), indent=1, allow_nan=False, default=_listed)
        write_atomically(path, content.encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what `save` wrote.

        Raises
        ------
        StorageError
            If the file is no history.
        """
        history = cls()
        try:
            history.load_state_dict(json.loads(Path(path).read_bytes()))
        except (ValueError, RecursionError) as error:
            raise StorageError(f"{os.fspath(path)} is no history: {error}") from error
        return history

    def state_dict(self) -> dict[str, Any]:
        """The history as arrays in dicts, for `ab.save`: a figure by epoch is an array."""
        return {
            "epochs": {name: np.array(self[name], float) for name in self.columns},
            "losses": np.array(self.losses, float),
            **{
                kind: {
                    name: np.array(course, float) for name, course in getattr(self, kind).items()
                }
                for kind in _BY_STEP
            },
            "best_epoch": self.best_epoch,
            "stopped": self.stopped,
        }

    def load_state_dict(self, state: Any) -> None:
        """Become the history of a state; ValueError if it is none, and then nothing changes."""
        expected = ["epochs", "losses", *_BY_STEP, "best_epoch", "stopped"]
        if not isinstance(state, Mapping) or state.keys() != set(expected):
            raise ValueError(f"a history is a dict of {expected}")
        best, stopped = state["best_epoch"], state["stopped"]
        if type(best) not in (int, type(None)) or not isinstance(stopped, str | None):
            raise ValueError("best_epoch must be a whole number or None, and stopped text or None")
        losses = _course("losses", state["losses"])
        by_step = {kind: _courses(kind, state[kind]) for kind in _BY_STEP}
        columns = _courses("epochs", state["epochs"])
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError("the figures of epochs must be equally many")
        rows = zip(*columns.values(), strict=True)
        self.epochs = [dict(zip(columns, row, strict=True)) for row in rows]
        self.losses, self.best_epoch, self.stopped = losses, best, stopped
        vars(self).update(by_step)


def _listed(array: np.ndarray[Any, Any]) -> list[float | str]:
    """An array as JSON has it, which knows no nan and no inf."""
    return [number if math.isfinite(number) else str(number) for number in array.tolist()]


def _courses(what: str, entries: Any) -> dict[str, list[float]]:
    if not isinstance(entries, Mapping) or not all(isinstance(name, str) for name in entries):
        raise ValueError(f"{what} must be a dict of lists by name")
    return {name: _course(f"{what}[{name!r}]", course) for name, course in entries.items()}


def _course(what: str, course: Any) -> list[float]:
    if isinstance(course, np.ndarray) and course.ndim == 1:
        course = course.tolist()
    texts = ("nan", "inf", "-inf")
    if not isinstance(course, list) or not all(
        type(number) in (int, float) or (isinstance(number, str) and number in texts)
        for number in course
    ):
        raise ValueError(f"{what} must be a list of numbers")
    return [float(number) for number in course]

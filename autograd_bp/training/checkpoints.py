"""A training run at one moment: taken, saved, and gone back to, to the last bit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_bp import storage
from autograd_bp.storage import StorageError
from autograd_bp.training.history import History
from autograd_bp.training.metrics import Means
from autograd_bp.training.randomness import Generator, set_states, states_of

_VERSION = 1


class Run:
    """All that changes while a model trains.

    Attributes
    ----------
    epoch, batch
        How many epochs are done, and how many batches of the one after.
    means
        The figures of the batches of this epoch so far.
    epoch_states
        The states of the generators when this epoch began.
    history
        The figures of the epochs that are done.
    best
        The weights of the best epoch, and the figure it was best in; None before there is one.
    waited
        How many epochs there were since.
    """

    def __init__(
        self, model: Any, optimizer: Any, schedule: Any, generators: Sequence[Generator]
    ) -> None:
        self._parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
        self.generators = generators
        self.epoch = self.batch = self.waited = 0
        self.means = Means()
        self.epoch_states = states_of(generators)
        self.history = History()
        self.best: dict[str, Any] | None = None

    def begin_epoch(self) -> None:
        """The next epoch begins."""
        self.batch = 0
        self.means = Means()
        self.epoch_states = states_of(self.generators)

    def state_dict(self) -> dict[str, Any]:
        """Everything, for `ab.save`."""
        return {
            "version": _VERSION,
            **{
                name: None if part is None else part.state_dict()
                for name, part in self._parts.items()
            },
            "epoch": self.epoch,
            "batch": self.batch,
            "sums": dict(self.means.sums),
            "rows": self.means.rows,
            "generators": states_of(self.generators),
            "epoch_generators": self.epoch_states,
            "history": self.history.state_dict(),
            "best": self.best,
            "waited": self.waited,
        }

    def load_state_dict(self, state: Any) -> None:
        """Go back to the moment of a state.

        Raises
        ------
        ValueError
            If it is not of such a run, saying where it differs; then nothing is changed.
        """
        now = self.state_dict()
        if not isinstance(state, Mapping) or state.keys() != now.keys():
            raise ValueError("this is no checkpoint of a training run")
        if state["version"] != _VERSION:
            raise ValueError(f"the checkpoint is in version {state['version']!r} of the format")
        try:
            self._load(state)
        except (ValueError, TypeError, KeyError) as error:
            self._load(now)
            raise ValueError(f"the checkpoint is of another run: {error}") from error

    def _load(self, state: Mapping[str, Any]) -> None:
        for name, part in self._parts.items():
            if (part is None) != (state[name] is None):
                raise ValueError(f"one has a {name} and the other has none")
            if part is not None:
                part.load_state_dict(state[name])
        set_states(self.generators, state["epoch_generators"])
        set_states(self.generators, state["generators"])
        counts = [state[name] for name in ("epoch", "batch", "rows", "waited")]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("its counts are no whole numbers")
        history = History()
        history.load_state_dict(state["history"])
        best = state["best"]
        if best is not None:
            kept = best["model"]
            if kept is not None and kept.keys() != state["model"].keys():
                raise ValueError("its best weights are of another model")
        self.epoch, self.batch, rows, self.waited = counts
        self.means = Means(state["sums"], rows)
        self.epoch_states = state["epoch_generators"]
        self.history = history
        self.best = state["best"]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint, as a whole or not at all."""
        storage.save(path, self.state_dict())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Go back to a checkpoint; StorageError if it is none, or of another run."""
        try:
            self.load_state_dict(storage.load(path))
        except StorageError:
            raise
        except ValueError as error:
            raise StorageError(f"{os.fspath(path)}: {error}") from error

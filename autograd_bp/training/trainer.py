"""The loop of training: epochs of batches, a step for each, a verdict after each epoch."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_bp.debug import NonFiniteError, debug
from autograd_bp.node import Node
from autograd_bp.optim.clipping import clip_grad_norm
from autograd_bp.optim.objective import is_true, loss_number
from autograd_bp.optim.optimizer import Optimizer
from autograd_bp.optim.schedules import ReduceLROnPlateau
from autograd_bp.training.checkpoints import Run
from autograd_bp.training.compiled import CompiledGradients
from autograd_bp.training.gradients import Watch, all_finite
from autograd_bp.training.history import History
from autograd_bp.training.interrupt import Interrupt
from autograd_bp.training.metrics import Metric, evaluate, figures, pair, rows_of
from autograd_bp.training.randomness import set_states, states_of


class DivergedError(NonFiniteError):
    """The loss or a gradient became nan or inf; the message names the first bad operation.

    Attributes
    ----------
    history
        The figures up to there.
    """

    def __init__(self, message: str, node: Node, history: History) -> None:
        super().__init__(message, node)
        self.history = history


@dataclass
class Trainer:
    """What `fit` was given, checked, and the run it leads."""

    run: Run
    model: Any
    batches: Iterable[Any]
    loss: Callable[[Any, Any], Any]
    optimizer: Optimizer
    metrics: Mapping[str, Metric]
    validation: Iterable[Any] | None
    schedule: Any
    schedule_every: str
    clip_norm: float | None
    monitor: str
    maximize: bool
    patience: int | None
    min_delta: float
    keep_best: bool
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: int | None
    watch: Watch | None
    compiled: CompiledGradients | None
    progress: bool
    callback: Callable[[History], Any] | None

    def train(self, epochs: int) -> None:
        """Train until there were so many epochs, or a reason to stop."""
        run, history = self.run, self.run.history
        history.stopped = None
        with Interrupt() as interrupt:
            while run.epoch < epochs:
                if self.patience is not None and run.waited >= self.patience:
                    history.stopped = "no improvement"
                    break
                with self._bar(f"epoch {run.epoch + 1}/{epochs}") as bar:
                    self._epoch(bar, interrupt)
                    if interrupt.asked:
                        self._save()
                        history.stopped = "interrupted"
                        break
                    row = self._judge()
                    bar.set_postfix(row)
                run.begin_epoch()
                self._save()
                if self.callback is not None and is_true(self.callback(history)):
                    history.stopped = "callback"
                    break
        if self.keep_best and run.best is not None:
            self.model.load_state_dict(run.best["model"])
        self.model.eval()

    def _epoch(self, bar: Any, interrupt: Interrupt) -> None:
        """The batches of an epoch that are left, until Ctrl-C."""
        run = self.run
        self.model.train()
        for batch in self._remaining():
            x, targets = pair(batch)
            self._step(x, targets)
            run.batch += 1
            if self.schedule is not None and self.schedule_every == "batch":
                self.schedule.step()
            if self.checkpoint_every is not None and run.batch % self.checkpoint_every == 0:
                self._save()
            if run.batch % 10 == 1:
                bar.set_postfix(run.means.all(), refresh=False)
            bar.update()
            if interrupt.asked:  # before the next batch is drawn, and random numbers for it
                return
        if not run.batch:
            raise ValueError("the training data has no batch")

    def _remaining(self) -> Iterator[Any]:
        """The batches that this epoch has not seen.

        An order that is drawn as the epoch begins is drawn again, from the state of then.
        """
        run = self.run
        batches = iter(self.batches)
        if run.batch:
            now = states_of(run.generators)
            set_states(run.generators, run.epoch_states)
            if sum(1 for _ in itertools.islice(batches, run.batch)) < run.batch:
                raise ValueError(
                    f"the checkpoint was made after {run.batch} batches of an epoch, and the data "
                    "has fewer: it is of another run"
                )
            set_states(run.generators, now)
        return batches

    def _step(self, x: Any, targets: Any) -> None:
        """One batch: forward, backward, and the step of the optimiser."""
        run, optimizer = self.run, self.optimizer
        states = states_of(run.generators)
        loss: Any = None
        if self.compiled is not None:
            output, number = self.compiled(x, targets)
        else:
            output = self.model(x)
            loss = self.loss(output, targets)
            number = loss_number(loss)
            optimizer.zero_grad()
            if math.isfinite(number):
                loss.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        if not (math.isfinite(number) and all_finite(parameters)):
            raise self._diverged(x, targets, states, loss)
        run.means.add(figures(output, number, targets, self.metrics), rows_of(targets))
        run.history.losses.append(number)
        if self.watch is not None:
            self.watch.before(loss)
        if self.clip_norm is not None:
            clip_grad_norm(parameters, self.clip_norm)
        del output, loss  # the graph is done with, and its memory free for the step
        optimizer.step()
        if self.watch is not None:
            self.watch.after()

    def _judge(self) -> dict[str, float]:
        """The epoch is over: its figures, and whether it is the best."""
        run = self.run
        row = run.means.all()
        if self.validation is not None:
            judged = evaluate(self.model, self.validation, self.loss, self.metrics)
            row |= {f"validation {name}": number for name, number in judged.items()}
        row["lr"] = self.optimizer.param_groups[0]["lr"]
        run.history.epochs.append(row)
        run.epoch += 1
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(row[self.monitor])
        elif self.schedule is not None and self.schedule_every == "epoch":
            self.schedule.step()
        figure = row[self.monitor]
        if run.best is None:
            better = not math.isnan(figure)
        else:
            gain = run.best["figure"] - figure
            better = (-gain if self.maximize else gain) > self.min_delta
        if better:
            run.waited = 0
            weights = self.model.state_dict() if self.keep_best else None
            run.best = {"figure": figure, "model": weights}
            run.history.best_epoch = run.epoch
        else:
            run.waited += 1
        return row

    def _diverged(self, x: Any, targets: Any, states: Any, loss: Node) -> DivergedError:
        """What to raise: the batch is computed again, and the first bad operation looked for."""
        run = self.run
        where = f"training stopped in epoch {run.epoch + 1} at batch {run.batch + 1}"
        set_states(run.generators, states)
        self.optimizer.zero_grad()
        try:
            with debug(), np.errstate(all="ignore"):
                self.loss(self.model(x), targets).backward()
        except NonFiniteError as error:
            return DivergedError(f"{where}: {error}", error.node, run.history)
        finally:
            self.optimizer.zero_grad()
        return DivergedError(
            f"{where}: the loss or a gradient is not finite, but all are when the batch is "
            "computed again: the model does not do the same twice",
            loss,
            run.history,
        )

    def _save(self) -> None:
        if self.checkpoint is not None:
            self.run.save(self.checkpoint)

    def _bar(self, title: str) -> Any:
        from tqdm import tqdm

        return tqdm(
            total=len(self.batches) if isinstance(self.batches, Sized) else None,
            initial=self.run.batch,
            desc=title,
            unit="batch",
            disable=not self.progress,
        )

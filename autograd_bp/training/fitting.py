"""Training a model: a plain loop over batches, and what people want around it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograd_bp.optim.hyperparameters import count, flag, nonnegative, positive
from autograd_bp.optim.optimizer import Optimizer
from autograd_bp.training.checkpoints import Run
from autograd_bp.training.compiled import CompiledGradients
from autograd_bp.training.gradients import Watch
from autograd_bp.training.history import History
from autograd_bp.training.metrics import Metrics, batches_of, named
from autograd_bp.training.randomness import Generator, generators_of
from autograd_bp.training.trainer import Trainer

Loss = Callable[[Any, Any], Any]


def fit(
    model: Any,
    data: Any,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    *,
    validation: Any = None,
    metrics: Metrics | None = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    clip_norm: float | None = None,
    monitor: str | None = None,
    maximize: bool = False,
    patience: int | None = None,
    min_delta: float = 0.0,
    keep_best: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    generators: Generator | Sequence[Generator] = (),
    gradient_norms: bool = False,
    compile: bool = False,  # noqa: A002
    progress: bool = True,
    callback: Callable[[History], Any] | None = None,
) -> History:
    """Train a model; it is in eval mode afterwards.

    Every epoch goes through the data once: for each batch the gradient of
    ``loss(model(x), targets)``, and a step of the optimiser.

    Ctrl-C stops after the batch that is running, with the best weights put back and a checkpoint
    written; a second one stops at once.

    Parameters
    ----------
    model
        A `Module`, or what has its methods.
    data
        Batches ``(x, targets)`` to go through in every epoch, such as
        ``datasets.batches(x, y, size, rng)`` or a list; a pair of arrays is one batch.
    loss
        A function of the outputs of the model and the targets, such as `nn.cross_entropy`.
    optimizer
        Of `optim`, made with the parameters of the model.
    epochs
        How many there shall be in all, those before a checkpoint included.
    validation
        Data to judge by after each epoch, in eval mode: batches, or a pair of arrays.
    metrics
        Functions of outputs (an array) and targets, alone or by name: ``[accuracy]``. Those of the
        training data are taken while it trains.
    schedule
        Of `optim`. It steps after each epoch, or each batch with ``schedule_every="batch"``.
    clip_norm
        The largest norm that all gradients together may have.
    monitor, maximize
        The figure that says which epoch is best, as the history names it, and whether more of it
        is better. ``"validation loss"``, or ``"loss"`` without validation data.
    patience, min_delta
        Stop after so many epochs in which it did not become better by more than `min_delta`.
    keep_best
        Put the weights of the best epoch back at the end. True if there is validation data or
        patience, else False.
    checkpoint
        A file (``.npz`` or ``.safetensors``) to write all of the run to after each epoch, and
        every `checkpoint_every` batches. If it is there, and `resume`, the run goes on from it as
        if it had never stopped: the weights at the end are the same to the last bit.
    generators
        Random generators that the run draws from, besides those that are attributes of `data` and
        of modules, which are found: with a checkpoint their states are saved.
    gradient_norms
        Record the gradient norm and the update of every parameter at every step, and the share of
        zeros in every ReLU's output: see `History`, and `viz.gradient_flow`.
    compile
        Record the forward and the backward pass once for each shape of batch, and run them as one
        program: see `ab.compile`, and what it asks of a model. Not together with gradient_norms,
        which needs the graph of every step.
    progress
        Show progress bars.
    callback
        Called with the history after each epoch; training stops if it returns True.

    Returns
    -------
    History
        The loss and the metrics by epoch.

    Raises
    ------
    DivergedError
        If the loss or a gradient is not finite, naming the first bad operation. The weights are
        those before the step.
    StorageError
        If the checkpoint is damaged, or of another run.
    ValueError, TypeError
        If a setting is out of range, or the data are not what they should be.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_bp import nn, optim
    >>> x = np.linspace(-1.0, 1.0, 20).reshape(-1, 1)
    >>> model = nn.Linear(1, 1, rng=0)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.5)
    >>> history = fit(model, (x, 3.0 * x + 1.0), nn.mse, optimizer, epochs=60, progress=False)
    >>> history["loss"][-1] < 1e-6
    True
    """
    for method in ("train", "eval", "state_dict", "load_state_dict", "named_parameters"):
        if not callable(getattr(model, method, None)):
            raise TypeError(
                f"the model is a {type(model).__name__} without {method}(): make it a nn.Module"
            )
    wanted = named(metrics)
    batches = batches_of(data, "training")
    validation = None if validation is None else batches_of(validation, "validation")
    epochs = count("epochs", epochs, least=0)
    patience = None if patience is None else count("patience", patience)
    min_delta = nonnegative("min_delta", min_delta)
    clip_norm = None if clip_norm is None else positive("clip_norm", clip_norm)
    every = None if checkpoint_every is None else count("checkpoint_every", checkpoint_every)
    if schedule_every not in ("epoch", "batch"):
        raise ValueError(f"schedule_every must be 'epoch' or 'batch', not {schedule_every!r}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"the optimizer must be one of optim's, not {type(optimizer).__name__}")
    if every is not None and checkpoint is None:
        raise ValueError("checkpoint_every needs a checkpoint to write to")
    monitor = monitor or ("loss" if validation is None else "validation loss")
    known = ["loss", *wanted]
    if validation is not None:
        known += [f"validation {name}" for name in known]
    if monitor not in known:
        raise ValueError(f"monitor must be one of {known}, not {monitor!r}")
    if flag("compile", compile) and gradient_norms:
        raise ValueError("gradient_norms needs the graph of every step, and compile has none")
    if keep_best is None:
        keep_best = validation is not None or patience is not None

    run = Run(model, optimizer, schedule, generators_of(generators, data, validation, model))
    if flag("resume", resume) and checkpoint is not None and Path(checkpoint).exists():
        run.load(checkpoint)
    trainer = Trainer(
        run=run,
        model=model,
        batches=batches,
        loss=loss,
        optimizer=optimizer,
        metrics=wanted,
        validation=validation,
        schedule=schedule,
        schedule_every=schedule_every,
        clip_norm=clip_norm,
        monitor=monitor,
        maximize=flag("maximize", maximize),
        patience=patience,
        min_delta=min_delta,
        keep_best=keep_best,
        checkpoint=checkpoint,
        checkpoint_every=every,
        watch=Watch(model.named_parameters(), run.history) if gradient_norms else None,
        compiled=CompiledGradients(
            model, loss, [p for group in optimizer.param_groups for p in group["params"]]
        )
        if compile
        else None,
        progress=progress,
        callback=callback,
    )
    trainer.train(epochs)
    return run.history

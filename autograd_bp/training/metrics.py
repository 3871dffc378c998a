"""Figures of how well a model does, over all batches of some data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd_bp import graph
from autograd_bp.node import Node
from autograd_bp.recording import no_grad

Metric = Callable[[Any, Any], Any]
"""From the outputs of the model, as an array, and the targets of a batch to a number."""
Metrics = Mapping[str, Metric] | Iterable[Metric]


def accuracy(outputs: Any, targets: Any) -> float:
    """The share of rows whose largest output is at the target.

    Parameters
    ----------
    outputs
        Logits or probabilities of shape (rows, classes).
    targets
        The classes as integers of shape (rows,), or one-hot rows of shape (rows, classes).

    Raises
    ------
    ValueError
        If the shapes are others.

    Examples
    --------
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    outputs, targets = np.asarray(outputs), np.asarray(targets)
    if outputs.ndim != 2 or targets.shape not in (outputs.shape, outputs.shape[:1]):
        raise ValueError(
            f"accuracy needs outputs of shape (rows, classes) and targets of shape (rows,) or the "
            f"same, and got {outputs.shape} and {targets.shape}"
        )
    classes = targets.argmax(axis=1) if targets.ndim == 2 else targets
    return float(np.mean(outputs.argmax(axis=1) == classes))


def named(metrics: Metrics | None) -> dict[str, Metric]:
    """Metrics by name: a function's own name where none is given."""
    if metrics is None:
        return {}
    given: Any = (
        metrics.items()
        if isinstance(metrics, Mapping)
        else [(getattr(metric, "__name__", type(metric).__name__), metric) for metric in metrics]
    )
    result: dict[str, Metric] = {}
    for name, metric in given:
        if not callable(metric):
            raise TypeError(f"a metric is a function of outputs and targets, not {metric!r}")
        if name in result or name in ("loss", "lr") or name.startswith("validation "):
            raise ValueError(f"the metric {name!r} needs another name: {{'name': function}}")
        result[name] = metric
    return result


class Means:
    """Means of figures over batches, each batch counted by its rows."""

    def __init__(self, sums: Mapping[str, float] | None = None, rows: int = 0) -> None:
        self.sums = dict(sums or {})
        self.rows = rows

    def add(self, figures: Mapping[str, float], rows: int) -> None:
        """Count a batch."""
        self.rows += rows
        for name, number in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + number * rows

    def all(self) -> dict[str, float]:
        """The means by name."""
        return {name: total / self.rows for name, total in self.sums.items()}


def figures(
    output: Any, loss: float, targets: Any, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """The loss and the metrics of one batch."""
    numbers = graph.value(output) if isinstance(output, Node) else output
    found = {"loss": loss}
    for name, metric in metrics.items():
        found[name] = float(metric(numbers, targets))
    return found


def rows_of(targets: Any) -> int:
    """How many rows a batch has."""
    return len(targets) if np.ndim(targets) else 1


def batches_of(data: Any, what: str) -> Iterable[Any]:
    """Batches to go through again and again: a pair of arrays is one batch."""
    if isinstance(data, tuple) and len(data) == 2 and not isinstance(data[0], tuple):
        return [data]
    if not isinstance(data, Iterable):
        raise TypeError(
            f"the {what} data must be batches, as from datasets.batches(x, y, size, rng), or a "
            f"pair (x, y), not {type(data).__name__}"
        )
    if iter(data) is data:
        raise TypeError(
            f"the {what} data is a {type(data).__name__}, which can be gone through once: give a "
            "list of batches, or datasets.batches(x, y, size, rng)"
        )
    return data


def pair(batch: Any) -> tuple[Any, Any]:
    """The inputs and the targets of a batch."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise TypeError(
            f"a batch must be a pair of inputs and targets, not {type(batch).__name__}"
            + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
            + " (all rows as one batch: a tuple (x, y))"
        )
    return batch[0], batch[1]


def evaluate(
    model: Any, data: Any, loss: Callable[[Any, Any], Any], metrics: Metrics | None = None
) -> dict[str, float]:
    """The mean loss and metrics of a model on some data, in eval mode; nothing is recorded.

    Parameters
    ----------
    model
        A `Module`. It is in the mode it was in afterwards.
    data
        Batches, or a pair of arrays: see `fit`.
    loss
        A function of outputs and targets that gives a scalar, such as `nn.cross_entropy`.
    metrics
        Functions of outputs and targets, alone or by name.

    Returns
    -------
    dict
        The figures by name, ``"loss"`` first; batches are weighted by their rows.
    """
    wanted = named(metrics)
    means = Means()
    training = model.training
    model.eval()
    try:
        with no_grad():
            for batch in batches_of(data, "given"):
                x, targets = pair(batch)
                output = model(x)
                number = float(loss(output, targets))
                means.add(figures(output, number, targets, wanted), rows_of(targets))
    finally:
        model.train(training)
    if not means.rows:
        raise ValueError("there is no batch to evaluate on")
    return means.all()

"""A training run that draws from several generators: the tests kill it and start it again.

python long_run.py CHECKPOINT RESULT

Every step takes some milliseconds, however fast the machine: enough time to be killed in.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp import datasets, nn, optim


def train(checkpoint: Path | None, epochs: int = 6, **settings: Any) -> tuple[Any, ab.History]:
    """The model and its history after some epochs."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    y = np.argmax(x @ rng.normal(size=(5, 3)), axis=1)
    model = nn.Sequential(
        nn.Linear(5, 16, rng=1),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(0.2, rng=np.random.Generator(np.random.MT19937(2))),
        nn.Linear(16, 3, rng=3),
    )
    optimizer = optim.Adam(model.named_parameters(), lr=0.02, weight_decay=1e-3, amsgrad=True)
    warm_up = optim.LinearLR(optimizer, total_iters=10)
    schedule = optim.SequentialLR(optimizer, [warm_up, optim.ExponentialLR(optimizer, 0.99)], [10])
    history = ab.fit(
        model,
        datasets.batches(x[:48], y[:48], 4, np.random.Generator(np.random.Philox(4))),
        nn.cross_entropy,
        optimizer,
        epochs,
        **{
            "validation": (x[48:], y[48:]),
            "metrics": [ab.training.accuracy],
            "schedule": schedule,
            "schedule_every": "batch",
            "clip_norm": 1.0,
            "checkpoint": checkpoint,
            "checkpoint_every": 1,
            "gradient_norms": True,
            "progress": False,
            **settings,
        },
    )
    return model, history


def result(model: Any, history: ab.History) -> dict[str, Any]:
    """All that must be the same, for `ab.save`."""
    return {"model": model.state_dict(), "history": history.state_dict()}


def slow_down(seconds: float) -> None:
    """Make every step of Adam last this much longer."""
    step = optim.Adam.step

    def slow(self: optim.Adam) -> None:
        time.sleep(seconds)
        step(self)

    optim.Adam.step = slow  # type: ignore[method-assign]


if __name__ == "__main__":
    slow_down(0.008)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    ab.save(sys.argv[2], result(*train(Path(sys.argv[1]))))

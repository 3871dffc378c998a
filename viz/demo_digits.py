"""The last stop of the demo: a net learns to read handwritten digits while you watch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autograd_bp as ab
import viz
from viz import charts
from viz.demo_page import Figure, Trained
from viz.theme import Theme

EPOCHS = 20
HELD_OUT = 0.25
PROGRAM = """\
import autograd_bp as ab
from autograd_bp import datasets, nn, optim

train, test = datasets.train_test_split(*datasets.digits(), 0.25, rng=0)
net = nn.Sequential(nn.Linear(64, 64, rng=0), nn.ReLU(), nn.Linear(64, 10, rng=1))
optimizer = optim.SGD(net.parameters(), lr=0.3)
history = ab.fit(
    net,
    datasets.batches(*train, size=32, rng=0, drop_last=True),
    nn.cross_entropy,
    optimizer,
    epochs=20,
    schedule=optim.CosineAnnealingLR(optimizer, T_max=20),
    validation=test,
    metrics=[ab.training.accuracy],
    keep_best=False,
)
print(history)
"""
STORY = (
    "{learnt} digits of 8 x 8 pixels, {epochs} times over, in batches of 32: forward through the "
    "net to a loss, back through the same graph to a gradient for each of the {parameters} "
    "weights, and a small step downhill. Of {held_out} digits it never saw while it learnt, it now "
    "reads {read_right:.1%}."
)


@dataclass(frozen=True)
class Lesson:
    """A net that has learnt, what it learnt from, and the loss of its first step as a node."""

    net: Any
    first_loss: ab.Tensor
    history: ab.History
    data: ab.datasets.Split

    @property
    def read_right(self) -> float:
        """The part of the held-out digits that is read right."""
        return self.history["validation accuracy"][-1]


def learn(*, progress: bool = True) -> Lesson:
    """Train the net of `PROGRAM` on the digits that come with scikit-learn.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    data = ab.datasets.train_test_split(*ab.datasets.digits(), HELD_OUT, rng=0)
    nn = ab.nn
    net = nn.Sequential(nn.Linear(64, 64, rng=0), nn.ReLU(), nn.Linear(64, 10, rng=1))
    x, t = next(iter(ab.datasets.batches(*data.train, size=32, rng=0)))
    first_loss = nn.cross_entropy(net(x), t)
    first_loss.name = "loss"
    optimizer = ab.optim.SGD(net.parameters(), lr=0.3)
    history = ab.fit(
        net,
        # A last batch of 3 digits would make a large step in a random direction.
        ab.datasets.batches(*data.train, size=32, rng=0, drop_last=True),
        nn.cross_entropy,
        optimizer,
        epochs=EPOCHS,
        schedule=ab.optim.CosineAnnealingLR(optimizer, T_max=EPOCHS),
        validation=data.test,
        metrics=[ab.training.accuracy],
        keep_best=False,  # else the held-out digits would have chosen the net they judge
        progress=progress,
    )
    return Lesson(net, first_loss, history, data)


def stop(folder: Path, *, progress: bool = True) -> Trained:
    """Train, write the pictures into `folder`, and give what the page shows.

    Raises
    ------
    ImportError
        If scikit-learn or matplotlib is not installed.
    """
    lesson = learn(progress=progress)
    columns = ("loss", "accuracy", "validation loss", "validation accuracy")
    epochs = sorted({1, 2, 3, 5, 10, 15, EPOCHS})
    return Trained(
        slug="digits",
        title="A net that reads handwritten digits",
        story=STORY.format(
            learnt=len(lesson.data.train.x),
            held_out=len(lesson.data.test.x),
            epochs=EPOCHS,
            parameters=sum(p.size for p in lesson.net.parameters()),
            read_right=lesson.read_right,
        ),
        columns=("epoch", *(name.replace("validation", "held-out") for name in columns)),
        rows=tuple(
            (f"{epoch}", *(f"{lesson.history[name][epoch - 1]:.4f}" for name in columns))
            for epoch in epochs
        ),
        figures=tuple(_figures(lesson, folder)),
        program=PROGRAM,
    )


def _figures(lesson: Lesson, folder: Path) -> list[Figure]:
    first = {
        theme: viz.draw(lesson.first_loss, direction="TB", theme=theme)
        for theme in ("light", "dark")
    }
    for kind in ("svg", "png"):
        first["light"].save(folder / f"digits-first-step.{kind}")
    history, (x, t) = lesson.history, lesson.data.test
    with ab.no_grad():
        answers = np.argmax(lesson.net(x).data, axis=1)
    wrong = np.flatnonzero(answers != t)[:20]

    def accuracy(theme: Theme | str) -> charts.Figure:
        return charts.curves(
            {"learnt from": history["accuracy"], "held out": history["validation accuracy"]},
            x=range(1, EPOCHS + 1),
            x_label="epoch",
            y_label="read right",
            title="Accuracy by epoch",
            theme=theme,
        )

    def loss(theme: Theme | str) -> charts.Figure:
        return charts.curves(
            {"loss of each batch": history.losses},
            x_label="step",
            y_label="cross entropy",
            title="Loss",
            log=True,
            theme=theme,
        )

    def misread(theme: Theme | str) -> charts.Figure:
        return charts.images(
            x[wrong].reshape(-1, 8, 8),
            captions=[f"{t[i]} as {answers[i]}" for i in wrong],
            title="Held-out digits it reads wrong",
            theme=theme,
        )

    figures = [
        Figure(
            "digits-first-step",
            "The first step, before anything is learnt: values forward, gradients back. Of each "
            "array there are its shape, its smallest and its largest number.",
            first["light"].svg,
            first["dark"].svg,
        )
    ]
    for name, caption, chart in (
        ("digits-accuracy", "How much is read right, epoch by epoch.", accuracy),
        ("digits-loss", "The loss of every batch, on a logarithmic scale.", loss),
        ("digits-misread", "What is still read wrong: the digit, and what the net says.", misread),
    ):
        if chart is not misread or len(wrong):
            figures.append(_chart(folder, name, caption, chart))
    return figures


def _chart(
    folder: Path, name: str, caption: str, chart: Callable[[Theme | str], charts.Figure]
) -> Figure:
    light = chart("light")
    for kind in ("svg", "png"):
        charts.save(light, folder / f"{name}.{kind}")
    return Figure(name, caption, charts.svg(light), charts.svg(chart("dark")), chart=True)

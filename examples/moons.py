"""micrograd's demo: a net of scalar neurons learns to tell two half moons apart.

2-16-16-1 ReLU neurons, every weight a `Value` of its own; the margin loss of a support vector
machine, L2 on the weights, and 100 steps of gradient descent on all 100 points. The program is
micrograd's (A. Karpathy, MIT licence) with the import changed; at the end the boundary is drawn.

    python examples/moons.py [--seed N] [--out FOLDER] [--steps N]
"""

import argparse
import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import autograd_bp as ab
import viz
from autograd_bp import Value, nn
from viz import charts

Array = NDArray[np.float64]

POINTS = 100
STEPS = 100
ALPHA = 1e-4  # the strength of L2


class Moons(NamedTuple):
    """Points (N, 2) and which moon each is of, -1 or 1."""

    x: Array
    y: NDArray[np.int64]


def moons(count: int, noise: float, rng: np.random.Generator) -> Moons:
    """Two interleaved half circles, each point moved by normal noise.

    >>> x, y = moons(4, 0.0, np.random.default_rng(0))
    >>> x.round(6).tolist(), y.tolist()
    ([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [2.0, 0.5]], [-1, -1, 1, 1])
    """
    angles = np.linspace(0, np.pi, count // 2)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lower = np.stack([1 - np.cos(angles), 0.5 - np.sin(angles)], axis=1)
    x = np.concatenate([upper, lower]) + noise * rng.normal(size=(2 * len(angles), 2))
    return Moons(x, np.repeat([-1, 1], len(angles)))


def loss(model: nn.MLP, data: Moons) -> tuple[Value, float]:
    """The mean margin loss with the L2 penalty, and the part of the points on the right side."""
    scores = [model([Value(a), Value(b)]) for a, b in data.x.tolist()]
    losses = [ab.relu(1 - int(y) * score) for y, score in zip(data.y, scores, strict=True)]
    parameters: list[Any] = model.parameters()
    penalty = ALPHA * sum(p * p for p in parameters)
    total: Any = sum(losses) * (1 / len(losses)) + penalty
    right = [(y > 0) == (score.data > 0) for y, score in zip(data.y, scores, strict=True)]
    return total, sum(right) / len(right)


class History(NamedTuple):
    """The loss and the accuracy before every step, and after the last."""

    losses: list[float]
    accuracies: list[float]


def train(model: nn.MLP, data: Moons, steps: int = STEPS) -> History:
    """micrograd's loop: all points in every step, the rate from 1.0 down to 0.1."""
    history = History([], [])
    bar = tqdm(range(steps + 1), "descending", unit="steps")
    for step in bar:
        total, accuracy = loss(model, data)
        history.losses.append(total.data)
        history.accuracies.append(accuracy)
        bar.set_postfix(loss=f"{total.data:.4f}", right=f"{accuracy:.0%}")
        if step < steps:
            model.zero_grad()
            total.backward()
            rate = 1.0 - 0.9 * step / 100
            for p in model.parameters():
                p.data -= rate * p.grad
    return history


def boundary(model: nn.MLP, data: Moons, cells: int = 40) -> charts.Figure:
    """The score of the net everywhere, the line where it is 0, and the points."""
    low, high = data.x.min(axis=0) - 0.6, data.x.max(axis=0) + 0.6
    across, up = (np.linspace(low[i], high[i], cells) for i in range(2))
    with ab.no_grad():
        scores = np.array([[model([a, b]).data for a in across.tolist()] for b in up.tolist()])
    return charts.regions(
        across, up, scores, points=data.x, above=data.y > 0, title="Where the net sees which moon"
    )


def new_model(seed: int) -> nn.MLP:
    """micrograd's model, from Python's random numbers as there."""
    random.seed(seed)
    return nn.MLP(2, [16, 16, 1])


def small_graph(seed: int = 0) -> Value:
    """The margin loss of one point in a net of 2-2-1, small enough to be looked at."""
    random.seed(seed)
    model = nn.MLP(2, [2, 1])
    for name, p in model.named_parameters():
        p.name = name
    score: Any = model([Value(0.5, name="x"), Value(-0.5, name="y")])
    total: Value = ab.relu(1 - score)
    total.name = "loss"
    return total


def main() -> None:
    """Train, print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="Two moons, told apart by scalar neurons.")
    parser.add_argument("--data", help="not needed: the moons are drawn from the seed")
    parser.add_argument("--seed", type=int, default=1337, help="for the moons and the weights")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of gradient descent")
    options = parser.parse_args()

    data = moons(POINTS, 0.1, np.random.default_rng(options.seed))
    model = new_model(options.seed)
    print(model)
    print(f"{len(model.parameters())} parameters, each a Value")
    history = train(model, data, options.steps)
    print("  step   loss  right")
    for step in sorted({*range(0, options.steps, max(options.steps // 10, 1)), options.steps}):
        print(f"  {step:4}  {history.losses[step]:.3f}   {history.accuracies[step]:4.0%}")
    print(f"At last {history.accuracies[-1]:.0%} on the right side (micrograd's demo: 100%)")

    options.out.mkdir(parents=True, exist_ok=True)
    viz.draw(small_graph()).save(options.out / "moons-small-net.svg")
    figures = {
        "moons-boundary.png": boundary(model, data),
        "moons-curves.png": charts.curves(
            {"loss": history.losses, "right": history.accuracies}, x_label="step", title="Moons"
        ),
    }
    for name, figure in figures.items():
        charts.save(figure, options.out / name)
    for name in ("moons-small-net.svg", *figures):
        print(f"wrote {options.out / name}")


if __name__ == "__main__":
    main()

"""Training small nets: this engine's layers and optimiser against NumPy written by hand.

Two nets learn MNIST on one thread in float32, from the same weights on the same samples:

- batches: 784-50-10, ReLU, batches of 100, rate 0.1;
- one by one: 784-128-64-10, sigmoid, no bias, one sample at a time, rate 0.001.

The engines take turns, a few hundred steps each, and processor time is what is taken, so that a
busy machine does little harm. Their weights must agree at the end. What counts is the ratio of the
times, and its median over the turns.

    python benchmarks/training.py [--data FOLDER] [--steps N] [--json FILE]
"""

import os

# One thread, before NumPy is imported: with two on two cores every small product becomes slower.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab
from autograd_bp import Tensor, datasets, nn, optim

Array = NDArray[Any]
Step = Callable[[Array, Any], None]

TURN = 250  # steps an engine does before the next one has its turn
WARM_UP = 20


@dataclass(frozen=True)
class Problem:
    """A net, and the engines that train it: each from weights to a step and their reading."""

    title: str
    sizes: Sequence[int]
    batch: int | None
    engines: dict[str, Callable[[list[Array]], tuple[Step, Callable[[], list[Array]]]]]


# -- 784-50-10, batches of 100 --------------------------------------------------------------------


def batches_by_hand(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    w1, b1, w2, b2 = (w.copy() for w in weights)
    rate = np.float32(0.1)

    def step(x: Array, t: Array) -> None:
        nonlocal w1, b1, w2, b2
        z = x @ w1 + b1
        h = np.maximum(z, 0)
        scores = h @ w2 + b2
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        y = e / e.sum(axis=1, keepdims=True)
        rows = np.arange(len(t))
        np.log(y[rows, t]).mean()  # the loss, which the engine computes too
        d = y
        d[rows, t] -= 1
        d /= len(t)
        dh = d @ w2.T
        dh[z <= 0] = 0
        w2 -= rate * (h.T @ d)
        b2 -= rate * d.sum(axis=0)
        w1 -= rate * (x.T @ dh)
        b1 -= rate * dh.sum(axis=0)

    return step, lambda: [w1, b1, w2, b2]


def batches_with_layers(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    (inputs, hidden), outputs = weights[0].shape, len(weights[3])
    net = nn.Sequential(
        nn.Linear(inputs, hidden, rng=0, dtype=np.float32),
        nn.ReLU(),
        nn.Linear(hidden, outputs, rng=0, dtype=np.float32),
    )
    return _with_layers(net, weights, 0.1)


def batches_with_operations(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    w1, b1, w2, b2 = leaves = [Tensor(w) for w in weights]

    def step(x: Array, t: Array) -> None:
        loss = nn.cross_entropy(ab.relu(x @ w1 + b1) @ w2 + b2, t)
        for leaf, gradient in zip(leaves, ab.gradients(loss, leaves), strict=True):
            gradient *= 0.1
            leaf.data -= gradient

    return step, lambda: [leaf.numpy() for leaf in leaves]


def batches_compiled(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    def loss(weights: list[Any], x: Array, t: Array) -> Any:
        w1, b1, w2, b2 = weights
        return nn.cross_entropy(ab.relu(x @ w1 + b1) @ w2 + b2, t)

    return _compiled(loss, weights, 0.1)


# -- 784-128-64-10, one sample at a time ----------------------------------------------------------


def samples_by_hand(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    w1, w2, w3 = (w.copy() for w in weights)
    rate = np.float32(0.001)

    def step(x: Array, t: int) -> None:
        nonlocal w1, w2, w3
        a1 = 1 / (1 + np.exp(-(x @ w1)))
        a2 = 1 / (1 + np.exp(-(a1 @ w2)))
        scores = a2 @ w3
        e = np.exp(scores - scores.max())
        y = e / e.sum()
        np.log(y[t])
        d3 = y
        d3[t] -= 1
        d2 = (w3 @ d3) * a2 * (1 - a2)
        d1 = (w2 @ d2) * a1 * (1 - a1)
        w3 -= rate * np.outer(a2, d3)
        w2 -= rate * np.outer(a1, d2)
        w1 -= rate * np.outer(x, d1)

    return step, lambda: [w1, w2, w3]


def samples_with_layers(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    layers: list[nn.Module] = []
    for w in weights:
        layers += [nn.Linear(*w.shape, bias=False, rng=0, dtype=np.float32), nn.Sigmoid()]
    return _with_layers(nn.Sequential(*layers[:-1]), weights, 0.001)


def samples_with_operations(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    w1, w2, w3 = leaves = [Tensor(w) for w in weights]

    def step(x: Array, t: int) -> None:
        loss = nn.cross_entropy(ab.sigmoid(ab.sigmoid(x @ w1) @ w2) @ w3, t)
        for leaf, gradient in zip(leaves, ab.gradients(loss, leaves), strict=True):
            gradient *= 0.001
            leaf.data -= gradient

    return step, lambda: [leaf.numpy() for leaf in leaves]


def samples_compiled(weights: list[Array]) -> tuple[Step, Callable[[], list[Array]]]:
    def loss(weights: list[Any], x: Array, t: int) -> Any:
        w1, w2, w3 = weights
        return nn.cross_entropy(ab.sigmoid(ab.sigmoid(x @ w1) @ w2) @ w3, t)

    return _compiled(loss, weights, 0.001)


def _compiled(
    loss: Callable[[list[Any], Array, Any], Any], weights: list[Array], rate: float
) -> tuple[Step, Callable[[], list[Array]]]:
    """Loss, gradients and step as one program, which writes the new weights over the old."""
    with_gradients = ab.value_and_grad(loss)

    def sgd(weights: list[Any], x: Array, t: Any) -> tuple[list[Any], Any]:
        value, gradients = with_gradients(weights, x, t)
        return [w - rate * g for w, g in zip(weights, gradients, strict=True)], value

    program = ab.compile(sgd, donate=(0,))
    now = [w.copy() for w in weights]

    def step(x: Array, t: Any) -> None:
        nonlocal now
        now, _ = program(now, x, t)

    return step, lambda: now


def _with_layers(
    net: nn.Module, weights: list[Array], rate: float
) -> tuple[Step, Callable[[], list[Array]]]:
    """A step of a user's loop: forget, loss, backward, step."""
    for parameter, w in zip(net.parameters(), weights, strict=True):
        parameter.data = w
    optimizer = optim.SGD(net.parameters(), lr=rate)

    def step(x: Array, t: Any) -> None:
        optimizer.zero_grad()
        nn.cross_entropy(net(x), t).backward()
        optimizer.step()

    return step, lambda: [parameter.numpy() for parameter in net.parameters()]


HAND = "NumPy by hand"
PROBLEMS = {
    "batches": Problem(
        "784-50-10, ReLU, batches of 100",
        (784, 50, 10),
        100,
        {
            HAND: batches_by_hand,
            "nn and optim": batches_with_layers,
            "operations": batches_with_operations,
            "compiled": batches_compiled,
        },
    ),
    "one by one": Problem(
        "784-128-64-10, sigmoid, no bias, one by one",
        (784, 128, 64, 10),
        None,
        {
            HAND: samples_by_hand,
            "nn and optim": samples_with_layers,
            "operations": samples_with_operations,
            "compiled": samples_compiled,
        },
    ),
}


# -- measuring ------------------------------------------------------------------------------------


@dataclass
class Timed:
    """The seconds of each turn of an engine, and its weights at the end."""

    seconds: list[float] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)


def measure(problem: Problem, data: datasets.Data, steps: int, seed: int = 0) -> dict[str, Timed]:
    """Let the engines take turns until each has done `steps` steps."""
    rng = np.random.default_rng(seed)
    weights = new_weights(problem, rng)
    made = {name: engine(weights) for name, engine in problem.engines.items()}
    warm = {name: engine(weights)[0] for name, engine in problem.engines.items()}
    size = (WARM_UP, problem.batch) if problem.batch else WARM_UP
    for step in warm.values():
        for chosen in rng.integers(0, len(data.x), size):
            step(data.x[chosen], data.y[chosen])
    timed = {name: Timed() for name in made}
    for start in range(0, steps, TURN):
        count = min(TURN, steps - start)
        order = rng.integers(0, len(data.x), (count, problem.batch) if problem.batch else count)
        taken = [(data.x[chosen], data.y[chosen]) for chosen in order]
        for x, _ in taken:
            x.flags.writeable = False  # as `datasets.batches` gives them
        for name, (step, _) in made.items():
            began = time.process_time()
            for x, t in taken:
                step(x, t)
            timed[name].seconds.append(time.process_time() - began)
    for name, (_, read) in made.items():
        timed[name].weights = read()
    return timed


def new_weights(problem: Problem, rng: np.random.Generator) -> list[Array]:
    weights: list[Array] = []
    for inputs, outputs in zip(problem.sizes[:-1], problem.sizes[1:], strict=True):
        if problem.batch:
            weights.append(0.01 * rng.normal(size=(inputs, outputs)))
            weights.append(np.zeros(outputs))
        else:
            weights.append(rng.normal(size=(inputs, outputs)) / np.sqrt(outputs))
    return [w.astype(np.float32) for w in weights]


def report(problem: Problem, timed: dict[str, Timed], steps: int) -> dict[str, dict[str, float]]:
    """Print a table; for each engine its microseconds a step and its ratio to NumPy by hand."""
    print(f"{problem.title}, {steps} steps each")
    print("                   us a step   ratio  median ratio  weights differ by")
    hand = timed[HAND]
    found = {}
    for name, run in timed.items():
        total, ratio = sum(run.seconds), sum(run.seconds) / sum(hand.seconds)
        median = statistics.median(a / b for a, b in zip(run.seconds, hand.seconds, strict=True))
        apart = max(
            float(np.abs(a - b).max()) for a, b in zip(run.weights, hand.weights, strict=True)
        )
        print(f"  {name:15} {1e6 * total / steps:10.1f}  {ratio:6.2f}  {median:12.2f}  {apart:.1e}")
        found[name] = {
            "microseconds": 1e6 * total / steps,
            "ratio": ratio,
            "median_ratio": median,
            "weights_differ_by": apart,
        }
    return found


def load(folder: Path | None) -> datasets.Data:
    """MNIST's training set, or random numbers of the same shape."""
    try:
        return datasets.mnist(folder).train
    except datasets.DataMissingError as error:
        print(f"MNIST is not here, so these are random numbers of its shape. ({error})")
        rng = np.random.default_rng(0)
        return datasets.Data(rng.random((60000, 784), np.float32), rng.integers(0, 10, 60000))


def main() -> None:
    parser = argparse.ArgumentParser(description="Training against NumPy written by hand.")
    parser.add_argument("--data", type=Path, help="folder with the MNIST files")
    parser.add_argument("--steps", type=int, default=10_000, help="steps of each engine")
    parser.add_argument("--only", choices=PROBLEMS, help="one of the two nets")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    data = load(options.data)
    figures = {}
    for name, problem in PROBLEMS.items():
        if options.only in (None, name):
            timed = measure(problem, data, options.steps)
            figures[name] = report(problem, timed, options.steps)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

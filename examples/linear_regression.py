"""Linear regression by hand: one sample, four parameters, and a gradient anyone can check.

The prediction is p = w1 x1 + w2 x2 + w3 x3 + b for x = (1, 2, 3); it should be 1. The loss is
(p - 1)**2, the rate 0.001. By hand, dL/dw = 2 (p - 1) x and dL/db = 2 (p - 1), so that a step takes
0.001 * 2 (p - 1) (1 + 4 + 9 + 1) off the prediction: every error is 0.97 of the one before.

The article starts at random weights that it does not print. Any start whose first prediction is
the article's gives its figures: the weights are drawn from the seed, the bias makes up the rest.

    python examples/linear_regression.py [--seed N] [--out FOLDER]
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

import autograd_bp as ab
import viz
from autograd_bp import Value
from viz import charts

X = (1.0, 2.0, 3.0)
TARGET = 1.0
RATE = 0.001
STEPS = 200

# What the article prints.
PREDICTIONS = (3.28442511, 3.21589235, 3.14941558)
LOSSES = (5.546389698793334, 5.218598067594647)
FIRST_PREDICTION = 3.35507743


@dataclass(frozen=True)
class Run:
    """What a training run went through: before each step, and the last entry after the last."""

    predictions: list[float]
    losses: list[float]


def start(seed: int) -> list[Value]:
    """w1, w2, w3 at random, and the b with which the first loss is the article's."""
    weights = np.random.default_rng(seed).normal(size=3).tolist()
    prediction = TARGET + math.sqrt(LOSSES[0])
    bias = prediction - sum(w * x for w, x in zip(weights, X, strict=True))
    names = ("w1", "w2", "w3", "b")
    return [Value(number, name=name) for name, number in zip(names, (*weights, bias), strict=True)]


def predict(parameters: list[Value]) -> Value:
    """p = w1 x1 + w2 x2 + w3 x3 + b."""
    w1, w2, w3, b = parameters
    prediction = w1 * X[0] + w2 * X[1] + w3 * X[2] + b
    prediction.name = "prediction"
    return prediction


def squared_error(prediction: Value) -> Value:
    """(p - target)**2."""
    loss = (prediction - TARGET) ** 2
    loss.name = "loss"
    return loss


def gradient_by_hand(prediction: float) -> list[float]:
    """2 (p - target) x, and for the bias 2 (p - target).

    >>> gradient_by_hand(3.0)
    [4.0, 8.0, 12.0, 4.0]
    """
    return [2 * (prediction - TARGET) * factor for factor in (*X, 1.0)]


def train(seed: int, steps: int = STEPS) -> Run:
    """Gradient descent, every step on the engine's gradients."""
    parameters = start(seed)
    run = Run([], [])
    for step in tqdm(range(steps + 1), desc="descending", leave=False):
        prediction = predict(parameters)
        loss = squared_error(prediction)
        run.predictions.append(prediction.data)
        run.losses.append(loss.data)
        if step < steps:
            for parameter, gradient in zip(parameters, ab.gradients(loss, parameters), strict=True):
                parameter.data -= RATE * gradient
    return run


def pictures(seed: int = 0) -> dict[str, viz.Diagram]:
    """The graph of the first step, by file name."""
    return {"linear-regression.svg": viz.draw(squared_error(predict(start(seed))))}


def main() -> None:
    """Print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="Linear regression by hand.")
    parser.add_argument("--data", help="not needed: the data is x = (1, 2, 3), y = 1")
    parser.add_argument("--seed", type=int, default=0, help="for the weights at the start")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()

    parameters = start(options.seed)
    prediction = predict(parameters)
    found = ab.gradients(squared_error(prediction), parameters)
    print(f"The first prediction is {prediction.data:.8f} (the article: {FIRST_PREDICTION})")
    print("The first gradient, of w1, w2, w3, b")
    print(f"  the engine's {_shown(found)}")
    print(f"  by hand      {_shown(gradient_by_hand(prediction.data))}")

    run = train(options.seed)
    print(f"{STEPS} steps at rate {RATE}")
    print("  step  prediction  the article   loss                the article        error / before")
    for step in (*range(5), 50, 100, STEPS):
        error, before = (run.predictions[n] - TARGET for n in (step, max(step - 1, 0)))
        print(
            f"  {step:4}  {run.predictions[step]:.8f}  {_article(PREDICTIONS, step - 1):12}  "
            f"{run.losses[step]:<18.16g}  {_article(LOSSES, step):17}  "
            + (f"{error / before:.12g}" if step else "")
        )

    options.out.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(options.seed).items():
        picture.save(options.out / name)
        print(f"wrote {options.out / name}")
    path = options.out / "linear-regression-loss.png"
    figure = charts.curves(
        {"loss": run.losses}, x_label="step", y_label="squared error", title="Loss", log=True
    )
    charts.save(figure, path)
    print(f"wrote {path}")


def _article(figures: tuple[float, ...], number: int) -> str:
    return repr(figures[number]) if 0 <= number < len(figures) else ""


def _shown(gradients: object) -> str:
    return ", ".join(f"{g:.10f}" for g in np.ravel(np.asarray(gradients)))


if __name__ == "__main__":
    main()

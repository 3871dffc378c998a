"""Digits, exercise 4: a sigmoid net with biases, cross entropy over K outputs, L2 on the weights.

With the weights that come with the exercise the cost must be 0.287629165161319, with lambda = 1
0.383769859090924, and 97.52 % of the 5000 digits read right. Then the gradients are checked, and
the net is trained from small random weights: by gradient descent, and by the conjugate gradients of
`scipy.optimize.minimize`. The article reaches a cost of 0.3140 and 99.58 %.

Where the exercise's data is not to be had, nor MNIST to make it from, the net learns the digits
that come with scikit-learn.

    python examples/digits_exercise4.py [--data FOLDER] [--seed N] [--out FOLDER]
"""

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from tqdm import tqdm

import autograd_bp as ab
import viz
from autograd_bp import Tensor, datasets
from viz import charts

Array = NDArray[np.float64]

HIDDEN = 25
CLASSES = 10
LAMBDA = 1.0
RATE = 2.0
DESCENT = 400
CG = 600

# The exercise's figures, and the article's result.
COST, COST_REGULARISED, READ_RIGHT = 0.287629165161319, 0.383769859090924, 0.9752
ARTICLE_COST, ARTICLE_READ_RIGHT = 0.3140, 0.9958


# -- the net: layers of any number and size; theta^l is (outputs, 1 + inputs), biases in column 0 --


def outputs(thetas: Sequence[Any], x: Any) -> Any:
    """The weighted inputs (N, K) of the last layer; the sigmoid of them are the answers."""
    *hidden, last = thetas
    for theta in hidden:
        x = ab.sigmoid(x @ theta[:, 1:].T + theta[:, 0])
    return x @ last[:, 1:].T + last[:, 0]


def cost(thetas: Sequence[Any], x: Array, wanted: Array, strength: float = 0.0) -> Any:
    """Cross entropy summed over the K outputs, averaged over N samples, plus the penalty.

    -y log(s) - (1 - y) log(1 - s) with s = sigmoid(z) is softplus(z) - y z, which stays exact where
    s rounds to 0 or 1. The penalty is strength / 2N times the squared weights, not the biases.
    """
    z = outputs(thetas, x)
    total = ab.sum(ab.softplus(z) - wanted * z)
    if strength:
        total = total + strength / 2 * sum(ab.sum(theta[:, 1:] ** 2) for theta in thetas)
    return total / len(x)


def one_hot(labels: NDArray[np.int64]) -> Array:
    """1 for the output that should answer, 0 for the others; output k answers for label k + 1."""
    return np.eye(CLASSES)[labels - 1]


def read_labels(thetas: Sequence[Array], x: Array) -> NDArray[np.int64]:
    """The label, 1 to 10, of the output that answers loudest."""
    answers: NDArray[np.int64] = np.argmax(outputs(thetas, x), axis=1) + 1
    return answers


def small_weights(sizes: Sequence[int], rng: np.random.Generator) -> list[Array]:
    """Uniform in +-sqrt(6 / (inputs + outputs)), the exercise's epsilon: 0.12 for its layers."""
    thetas = []
    for inputs, units in itertools.pairwise(sizes):
        epsilon = np.sqrt(6 / (inputs + units))
        thetas.append(rng.uniform(-epsilon, epsilon, (units, 1 + inputs)))
    return thetas


def unrolled(thetas: Sequence[Array]) -> Array:
    """All parameters as one vector, which is what SciPy moves."""
    return np.concatenate([theta.ravel() for theta in thetas])


def rolled(vector: Any, sizes: Sequence[int]) -> list[Any]:
    """The matrices again; a vector that is a node gives nodes."""
    thetas, start = [], 0
    for inputs, units in itertools.pairwise(sizes):
        count = units * (1 + inputs)
        thetas.append(vector[start : start + count].reshape(units, 1 + inputs))
        start += count
    return thetas


# -- checks and training --------------------------------------------------------------------------


def gradient_check(seed: int, sizes: Sequence[int] = (3, 5, 4, 3), samples: int = 5) -> float:
    """|backpropagation - central differences| / |their sum|, on a small net, as in the exercise."""
    rng = np.random.default_rng(seed)
    vector = unrolled(small_weights(sizes, rng))
    x = rng.normal(size=(samples, sizes[0]))
    wanted = np.eye(sizes[-1])[rng.integers(0, sizes[-1], samples)]

    def value(v: Any) -> Any:
        return cost(rolled(v, sizes), x, wanted, LAMBDA)

    exact = ab.grad(value)(vector)
    steps = 1e-4 * np.eye(vector.size)
    numerical = np.array([(value(vector + s) - value(vector - s)) / 2e-4 for s in steps])
    return float(np.linalg.norm(exact - numerical) / np.linalg.norm(exact + numerical))


@dataclass(frozen=True)
class Trained:
    """A trained net, and its cost after every step."""

    thetas: list[Array]
    costs: list[float]


def gradient_descent(
    thetas: Sequence[Array], x: Array, wanted: Array, steps: int = DESCENT, rate: float = RATE
) -> Trained:
    """theta -= rate * gradient."""
    # Compiled, since it is the same computation again and again.
    step = ab.compile(ab.value_and_grad(lambda thetas: cost(thetas, x, wanted, LAMBDA)))
    thetas, costs = list(thetas), []
    for _ in tqdm(range(steps), "gradient descent", unit="steps"):
        here, gradients = step(thetas)
        thetas = [theta - rate * g for theta, g in zip(thetas, gradients, strict=True)]
        costs.append(float(here))
    return Trained(thetas, costs)


def conjugate_gradients(
    thetas: Sequence[Array], x: Array, wanted: Array, sizes: Sequence[int], steps: int = CG
) -> Trained:
    """`scipy.optimize.minimize(method="CG")` on the engine's gradients."""
    costs = []
    with tqdm(total=steps, desc="conjugate gradients", unit="steps") as bar:

        def watch(intermediate_result: Any) -> None:
            costs.append(float(intermediate_result.fun))
            bar.set_postfix(cost=f"{costs[-1]:.4f}")
            bar.update()

        found = optimize.minimize(
            ab.compile(ab.value_and_grad(lambda v: cost(rolled(v, sizes), x, wanted, LAMBDA))),
            unrolled(thetas),
            jac=True,
            method="CG",
            callback=watch,
            options={"maxiter": steps, "gtol": 1e-6},
        )
    return Trained(rolled(found.x, sizes), costs)


def by_digit(answers: NDArray[np.int64], labels: NDArray[np.int64]) -> dict[str, float]:
    """The part read right, in %, of each digit."""
    digits = labels % 10
    return {
        str(digit): 100 * float(np.mean(answers[digits == digit] == labels[digits == digit]))
        for digit in range(CLASSES)
    }


# -- the program ----------------------------------------------------------------------------------


def load(folder: Path | None) -> tuple[datasets.Data, str]:
    """The exercise's data, or the digits that come with scikit-learn; and which it is."""
    try:
        return datasets.exercise4(folder), "exercise 4"
    except datasets.DataMissingError as error:
        print(f"Exercise 4 is not here, so these are scikit-learn's 8 x 8 digits. ({error})")
        x, digits = datasets.digits()
        return datasets.Data(x, np.where(digits == 0, 10, digits)), "bundled digits"


def print_given_weights(folder: Path | None, data: datasets.Data) -> None:
    """The exercise's figures with the weights that come with it."""
    try:
        thetas = datasets.exercise4_weights(folder)
    except datasets.DataMissingError as error:
        print(f"Without the exercise's weights its figures cannot be had. ({error})")
        return
    wanted = one_hot(data.y)
    right = float(np.mean(read_labels(thetas, data.x) == data.y))
    print("With the weights of the exercise                         the exercise")
    print(f"  cost              {cost(thetas, data.x, wanted):.15f}  {COST:>30.15f}")
    print(f"  cost, lambda = 1  {cost(thetas, data.x, wanted, 1.0):.15f}", end="")
    print(f"  {COST_REGULARISED:>30.15f}")
    print(f"  read right        {right:.2%}  {READ_RIGHT:>40.2%}")


def pictures(seed: int = 0) -> dict[str, viz.Diagram]:
    """The graph of the cost of a small net, by file name."""
    rng = np.random.default_rng(seed)
    thetas = [
        Tensor(theta, name=f"theta{n}")
        for n, theta in enumerate(small_weights((3, 5, 3), rng), start=1)
    ]
    graph = cost(thetas, rng.normal(size=(2, 3)), np.eye(3)[:2], LAMBDA)
    graph.name = "cost"
    return {"exercise4.svg": viz.draw(graph)}


def main() -> None:
    """Print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="Digits, exercise 4.")
    parser.add_argument("--data", type=Path, help="folder with ex4data1.mat and ex4weights.mat")
    parser.add_argument("--seed", type=int, default=0, help="for the weights at the start")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--descent", type=int, default=DESCENT, help="steps of gradient descent")
    parser.add_argument("--cg", type=int, default=CG, help="steps of conjugate gradients, at most")
    options = parser.parse_args()
    data, name = load(options.data)
    if name == "exercise 4":
        print_given_weights(options.data, data)

    print("Gradient check, a net of 3-5-4-3 with lambda = 1 (the exercise: below 1e-9)")
    print(f"  relative difference {gradient_check(options.seed):.2e}")

    wanted = one_hot(data.y)
    sizes = (data.x.shape[1], HIDDEN, CLASSES)
    start = small_weights(sizes, np.random.default_rng(options.seed))
    print(f"Training {'-'.join(map(str, sizes))} with lambda = 1 on {len(data.x)} digits ({name})")
    descent = gradient_descent(start, data.x, wanted, options.descent)
    cg = conjugate_gradients(start, data.x, wanted, sizes, options.cg)
    answers = read_labels(cg.thetas, data.x)
    rows = {
        f"gradient descent, {options.descent} steps": (descent.costs[-1], descent.thetas),
        f"conjugate gradients, {len(cg.costs)} steps": (cg.costs[-1], cg.thetas),
    }
    print("                                   cost    read right")
    for title, (last, thetas) in rows.items():
        right = float(np.mean(read_labels(thetas, data.x) == data.y))
        print(f"  {title:31}  {last:.4f}  {right:10.2%}")
    print(f"  {'the article (exercise 4, CG)':31}  {ARTICLE_COST:.4f}  {ARTICLE_READ_RIGHT:10.2%}")
    table = by_digit(answers, data.y)
    print("Read right by digit, %")
    print("  digit  " + "".join(f"{digit:>7}" for digit in table))
    print("  right  " + "".join(f"{right:7.1f}" for right in table.values()))

    options.out.mkdir(parents=True, exist_ok=True)
    for file, picture in pictures(options.seed).items():
        picture.save(options.out / file)
        print(f"wrote {options.out / file}")
    for file, figure in figures(descent, cg, data, answers).items():
        charts.save(figure, options.out / file)
        print(f"wrote {options.out / file}")


def figures(
    descent: Trained, cg: Trained, data: datasets.Data, answers: NDArray[np.int64]
) -> dict[str, charts.Figure]:
    """The costs, the accuracy by digit, the weights, and the digits read wrong."""
    side = round(data.x.shape[1] ** 0.5)
    table = by_digit(answers, data.y)
    longest = max(len(descent.costs), len(cg.costs))
    wrong = np.flatnonzero(answers != data.y)[:40]
    drawn = {
        "exercise4-cost.png": charts.curves(
            {
                title: np.pad(run.costs, (0, longest - len(run.costs)), constant_values=np.nan)
                for title, run in (("gradient descent", descent), ("conjugate gradients", cg))
            },
            x_label="step",
            y_label="cost",
            title="Cost with lambda = 1",
            log=True,
        ),
        "exercise4-by-digit.png": charts.bars(
            table,
            low=np.floor(min(table.values())) - 1,
            x_label="digit",
            y_label="read right, % (not from 0)",
            title="Accuracy by digit",
        ),
        # The images of the exercise are unrolled column by column.
        "exercise4-weights.png": charts.images(
            _upright(cg.thetas[0][:, 1:], side),
            title="What each hidden neuron looks for",
            columns=5,
            signed=True,
        ),
    }
    if len(wrong):
        drawn["exercise4-misread.png"] = charts.images(
            _upright(data.x[wrong], side),
            captions=[f"{data.y[i] % 10} as {answers[i] % 10}" for i in wrong],
            title="Digits read wrong",
        )
    return drawn


def _upright(rows: Array, side: int) -> Array:
    images = rows.reshape(-1, side, side)
    return images.swapaxes(1, 2) if side == 20 else images


if __name__ == "__main__":
    main()

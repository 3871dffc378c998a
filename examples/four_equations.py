"""The four equations behind backpropagation, checked against the engine.

For sigmoid layers z^l = W^l a^(l-1) + b^l, a^l = sigmoid(z^l), the quadratic cost
C = 1/2 |a^L - y|^2 and the error delta^l = dC/dz^l:

    (1)  delta^L = (a^L - y) * sigmoid'(z^L)
    (2)  delta^l = (W^(l+1)^T delta^(l+1)) * sigmoid'(z^l)
    (3)  dC/db^l = delta^l
    (4)  dC/dW^l = delta^l a^(l-1)^T

The engine knows none of them; it differentiates single operations. Its gradients equal what the
equations say to 1e-12.

Every equation has a factor sigmoid'(z) in it, which is nearly zero for a saturated neuron: it
learns slowly, also when it is badly wrong. The pictures show that, and that cross entropy, in which
the factor cancels in equation 1, does not have this fault.

    python examples/four_equations.py [--seed N] [--out FOLDER]
"""

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value
from viz import charts

Array = NDArray[np.float64]

SIZES = (4, 5, 3, 2)
ROUNDS = 300
RATE = 0.15
# One neuron, input 1, that should answer 0 and starts mildly or badly wrong.
STARTS = {"w = 0.6, b = 0.9": (0.6, 0.9), "w = 2, b = 2": (2.0, 2.0)}


@dataclass(frozen=True)
class Net:
    """Weights and biases of sigmoid layers, and one sample with the answer wanted."""

    weights: list[Array]
    biases: list[Array]
    x: Array
    y: Array


@dataclass(frozen=True)
class Gradients:
    """The error of each layer, and the gradients of its biases and weights."""

    deltas: list[Array]
    biases: list[Array]
    weights: list[Array]


def random_net(seed: int, sizes: Sequence[int] = SIZES) -> Net:
    """A net with normally distributed weights, a random input and a random answer."""
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    return Net(
        [rng.normal(size=(outputs, inputs)) for inputs, outputs in pairs],
        [rng.normal(size=outputs) for _, outputs in pairs],
        rng.normal(size=sizes[0]),
        rng.random(sizes[-1]),
    )


def forward(net: Net) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
    """The cost as a node, and the nodes of the weights, the biases and the weighted inputs."""
    a: Any = net.x
    weights, biases, inputs = [], [], []
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), 1):
        weights.append(Tensor(w, name=f"W{layer}"))
        biases.append(Tensor(b, name=f"b{layer}"))
        z = weights[-1] @ a + biases[-1]
        z.name = f"z{layer}"
        inputs.append(z)
        a = ab.sigmoid(z)
        a.name = f"a{layer}"
    cost = ab.sum((a - net.y) ** 2) / 2
    cost.name = "C"
    return cost, weights, biases, inputs


def by_the_engine(net: Net) -> Gradients:
    """What one backward sweep finds."""
    cost, weights, biases, inputs = forward(net)
    found = [np.asarray(g) for g in ab.gradients(cost, [*inputs, *biases, *weights])]
    layers = len(inputs)
    return Gradients(found[:layers], found[layers : 2 * layers], found[2 * layers :])


def by_the_equations(net: Net) -> Gradients:
    """The four equations, in plain NumPy."""
    activations, inputs = [net.x], []
    for w, b in zip(net.weights, net.biases, strict=True):
        inputs.append(w @ activations[-1] + b)
        activations.append(sigmoid(inputs[-1]))
    delta = (activations[-1] - net.y) * sigmoid_prime(inputs[-1])  # (1)
    deltas = [delta]
    for w, z in zip(net.weights[:0:-1], inputs[-2::-1], strict=True):
        delta = (w.T @ delta) * sigmoid_prime(z)  # (2)
        deltas.insert(0, delta)
    return Gradients(
        deltas,
        deltas,  # (3)
        [np.outer(d, a) for d, a in zip(deltas, activations, strict=False)],  # (4)
    )


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    result: Array = 1 / (1 + np.exp(-z))
    return result


def sigmoid_prime(z: Array) -> Array:
    """sigmoid(z) (1 - sigmoid(z))."""
    a = sigmoid(z)
    result: Array = a * (1 - a)
    return result


def differences(net: Net) -> dict[str, float]:
    """For each equation, the largest difference between it and the engine."""
    engine, equations = by_the_engine(net), by_the_equations(net)
    last = len(net.weights) - 1
    return {
        "(1) delta^L = (a^L - y) sigmoid'(z^L)": _largest(
            engine.deltas[last:], equations.deltas[last:]
        ),
        "(2) delta^l = (W^(l+1)^T delta^(l+1)) sigmoid'(z^l)": _largest(
            engine.deltas[:last], equations.deltas[:last]
        ),
        "(3) dC/db^l = delta^l": _largest(engine.biases, equations.biases),
        "(4) dC/dW^l = delta^l a^(l-1)^T": _largest(engine.weights, equations.weights),
    }


def quadratic_cost(z: Value) -> Value:
    """1/2 (sigmoid(z) - 0)**2."""
    return ab.sigmoid(z) ** 2 / 2


def cross_entropy(z: Value) -> Value:
    """-log(1 - sigmoid(z)), which is softplus(z): its derivative is sigmoid(z) alone."""
    return ab.softplus(z)


def learn(
    cost: Callable[[Value], Value], w: float, b: float, rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """One neuron learns to answer 0 to 1: its answers before each round, and the |dC/db|."""
    answers, sizes = [], []
    for _ in range(rounds + 1):
        weight, bias = Value(w, name="w"), Value(b, name="b")
        z = weight * 1.0 + bias
        d_weight, d_bias = ab.gradients(cost(z), [weight, bias])
        answers.append(ab.sigmoid(z).data)
        sizes.append(abs(d_bias))
        w, b = w - RATE * d_weight, b - RATE * d_bias
    return answers, sizes


def pictures(seed: int = 0) -> dict[str, viz.Diagram]:
    """The graph of the net, by file name."""
    return {"four-equations.svg": viz.draw(forward(random_net(seed))[0])}


def main() -> None:
    """Print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="The four equations of backpropagation.")
    parser.add_argument("--data", help="not needed: the data is drawn from the seed")
    parser.add_argument("--seed", type=int, default=0, help="for the net and its sample")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()

    print(f"The equations and the engine, a net of {'-'.join(map(str, SIZES))} sigmoid neurons:")
    for equation, difference in differences(random_net(options.seed)).items():
        print(f"  {equation:52} differ by at most {difference:.1e}")
    many = range(options.seed, options.seed + 100)
    worst = max(
        max(differences(random_net(seed)).values()) for seed in tqdm(many, "nets", leave=False)
    )
    print(f"  in {len(many)} such nets, by at most {worst:.1e} (wanted: 1e-12)")

    print(f"One neuron that should answer 0, {ROUNDS} rounds at rate {RATE}:")
    answers, sizes = {}, {}
    for title, cost in {"quadratic": quadratic_cost, "cross entropy": cross_entropy}.items():
        for start, (w, b) in STARTS.items():
            curve, gradients = learn(cost, w, b)
            answers[f"{title}, {start}"], sizes[f"{title}, {start}"] = curve, gradients
            print(
                f"  {title:13} {start:16} answers {curve[0]:.2f}, after 50 rounds {curve[50]:.2f}, "
                f"at last {curve[-1]:.2f}; first gradient {gradients[0]:.3f}"
            )

    options.out.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(options.seed).items():
        picture.save(options.out / name)
        print(f"wrote {options.out / name}")
    z = np.linspace(-8, 8, 321)
    figures = {
        "slow-learning-answers.png": charts.curves(
            answers, x_label="round", y_label="answer", title="A neuron that should answer 0"
        ),
        "slow-learning-gradients.png": charts.curves(
            sizes,
            x_label="round",
            y_label="|dC/db|",
            title="Saturated and wrong, the quadratic cost hardly moves it",
        ),
        "slow-learning-error.png": charts.curves(
            {
                "quadratic cost: (a - 0) sigmoid'(z)": sigmoid(z) * sigmoid_prime(z),
                "cross entropy: a - 0": sigmoid(z),
            },
            x=z,
            x_label="z",
            y_label="delta",
            title="The error of a neuron that should answer 0",
        ),
    }
    for name, figure in figures.items():
        charts.save(figure, options.out / name)
        print(f"wrote {options.out / name}")


def _largest(first: list[Array], second: list[Array]) -> float:
    return max(float(np.abs(f - s).max()) for f, s in zip(first, second, strict=True))


if __name__ == "__main__":
    main()

"""A net of two layers that reads handwritten digits: 784-50-10, ReLU, softmax, cross entropy.

The article's `TwoLayerNet`: weights 0.01 times normal, batches of 100, rate 0.1, 10000 iterations.
First its gradients are checked against numerical ones, then it learns to read MNIST. Where MNIST is
not to be had, it learns the 8 x 8 digits that come with scikit-learn.

    python examples/two_layer_net.py [--data FOLDER] [--seed N] [--out FOLDER] [--iterations N]
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from tqdm import tqdm

import autograd_bp as ab
import viz
from autograd_bp import Tensor, datasets
from viz import charts

Array = NDArray[Any]

HIDDEN = 50
BATCH = 100
RATE = 0.1
ITERATIONS = 10_000
CHECKED = 3  # samples in the gradient check, as in the article
REPORTS = 16  # lines of the table of accuracies


class TwoLayerNet:
    """The article's class: parameters by name, `predict`, `loss`, `accuracy`, `gradient`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        rng: np.random.Generator,
        weight_init_std: float = 0.01,
        dtype: DTypeLike = np.float64,
    ) -> None:
        def normal(*shape: int) -> Array:
            return (weight_init_std * rng.normal(size=shape)).astype(dtype)

        self.params = {
            "W1": Tensor(normal(input_size, hidden_size), name="W1"),
            "b1": Tensor(np.zeros(hidden_size, dtype), name="b1"),
            "W2": Tensor(normal(hidden_size, output_size), name="W2"),
            "b2": Tensor(np.zeros(output_size, dtype), name="b2"),
        }

    def predict(self, x: Array) -> Any:
        """The scores (N, 10) of the digits for images x (N, pixels)."""
        return scores(x, *self.params.values())

    def loss(self, x: Array, t: Array) -> Tensor:
        """The mean cross entropy of softmax(scores) with the digits t (N,)."""
        return softmax_with_loss(self.predict(x), t)

    def accuracy(self, x: Array, t: Array) -> float:
        """The part of the digits that is read right."""
        with ab.no_grad():
            answers = np.argmax(self.predict(x).data, axis=1)
        return float(np.mean(answers == t))

    def gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """The gradient of the loss by each parameter: one sweep backward."""
        found = ab.gradients(self.loss(x, t), list(self.params.values()))
        return dict(zip(self.params, found, strict=True))

    def numerical_gradient(self, x: Array, t: Array) -> dict[str, Array]:
        """The same by central differences, number by number: two forward runs for each."""
        arrays = {name: parameter.numpy() for name, parameter in self.params.items()}

        def loss() -> float:
            return float(softmax_with_loss(scores(x, *arrays.values()), t))

        return {name: central_differences(loss, array) for name, array in arrays.items()}


def scores(x: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """Affine, ReLU, affine; on nodes this records, on arrays it computes."""
    return ab.relu(x @ w1 + b1) @ w2 + b2


def softmax_with_loss(y: Any, t: Array) -> Any:
    """The mean over the batch of -log softmax(y)[t]; y is (N, 10), t (N,)."""
    return -ab.mean(ab.log_softmax(y)[np.arange(len(t)), t])


def central_differences(loss: Any, array: Array, step: float = 1e-4) -> Array:
    """The derivative of `loss()` by each element of `array`, which it depends on.

    >>> at = np.array([1.0, 2.0])
    >>> central_differences(lambda: float(at @ at), at).round(6)
    array([2., 4.])
    """
    gradient = np.empty_like(array)
    flat, result = array.reshape(-1), gradient.reshape(-1)
    for i in tqdm(range(flat.size), "numerical", leave=False, disable=flat.size < 1000):
        kept = flat[i]
        flat[i] = kept + step
        above = loss()
        flat[i] = kept - step
        below = loss()
        flat[i] = kept
        result[i] = (above - below) / (2 * step)
    return gradient


def gradient_check(x: Array, t: Array, seed: int) -> dict[str, float]:
    """For each parameter of a new net, the mean absolute difference of the two gradients."""
    net = TwoLayerNet(x.shape[1], HIDDEN, 10, np.random.default_rng(seed))
    x = x.astype(np.float64)
    numerical, exact = net.numerical_gradient(x, t), net.gradient(x, t)
    return {name: float(np.mean(np.abs(exact[name] - numerical[name]))) for name in net.params}


# -- where the article errs -----------------------------------------------------------------------


class AffineAsPrinted(ab.Function):
    """The article's affine layer: its bias gradient sums over axis 1, the outputs."""

    def forward(self, x: Array, w: Array, b: Array) -> Array:
        """X W + b."""
        self.x, self.w = x, w
        return x @ w + b

    def backward(self, g: Array) -> tuple[Array, Array, Array]:
        """The gradients of x, w and b as printed."""
        return g @ self.w.T, self.x.T @ g, np.sum(g, axis=1)


class AffineWithWrongWeights(AffineAsPrinted):
    """dL/dW = X^T dL/dX, as the article writes it, where X^T dL/dY belongs."""

    def backward(self, g: Array) -> tuple[Array, Array, Array]:
        """The gradients of x, w and b as written."""
        return g @ self.w.T, self.x.T @ (g @ self.w.T), np.sum(g, axis=0)


def errors_of_the_article(seed: int = 0) -> list[tuple[str, str]]:
    """What the article gets wrong, and what a check says about it.

    The layers are square and the batch as large, (4, 4) by (4, 4), so that all shapes fit: only
    numbers can tell.
    """
    rng = np.random.default_rng(seed)
    x, w, b, g = (rng.normal(size=shape) for shape in ((4, 4), (4, 4), (4,), (4, 4)))
    found = []
    for what, layer in (
        ("the bias gradient, summed over axis 1", AffineAsPrinted()),
        ("dL/dW written with dL/dX", AffineWithWrongWeights()),
    ):
        off = _off_by(layer, [x, w, b], g)
        said = ", ".join(f"{name} {size:.0e}" for name, size in zip("xWb", off, strict=True))
        found.append((what, f"gradient check: off by at most {said}"))
    # lastLayer.forward(x, y): the input in the place of the scores, the scores in that of the
    # answers. The gradient of that is right, for another function: one without the answers in it.
    found.append(
        (
            "lastLayer.forward(x, y) for (y, t)",
            f"the loss moves by {_change(as_printed=True, seed=seed)} when the answers t change; "
            f"with (y, t) by {_change(as_printed=False, seed=seed):.2f}",
        )
    )
    return found


def _off_by(layer: ab.Function, arrays: Sequence[Array], g: Array) -> list[float]:
    """How far the layer's gradients of x, W and b are from numerical ones."""
    leaves = [Tensor(array) for array in arrays]
    gradients = ab.gradients(layer(*leaves), leaves, cotangent=g)
    x, w, b = (array.copy() for array in arrays)

    def loss() -> float:
        return float(np.sum((x @ w + b) * g))

    return [
        float(np.abs(gradient - central_differences(loss, array)).max())
        for gradient, array in zip(gradients, (x, w, b), strict=True)
    ]


def _change(*, as_printed: bool, seed: int) -> float:
    """How far the loss moves when other answers are wanted."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(4, 3)), rng.normal(size=(3, 3))
    y = x @ w

    def loss(t: Array) -> float:
        given, wanted = (x, np.argmax(y, axis=1)) if as_printed else (y, t)
        return float(softmax_with_loss(given, wanted))

    return abs(loss(np.array([0, 1, 2, 0])) - loss(np.array([1, 2, 0, 1])))


# -- training -------------------------------------------------------------------------------------


@dataclass
class History:
    """Accuracies by epoch, and the loss of every iteration."""

    epochs: list[float]
    train: list[float]
    test: list[float]
    losses: list[float]


def train(
    data: datasets.Split, seed: int, iterations: int = ITERATIONS
) -> tuple[TwoLayerNet, History]:
    """The article's loop: a random batch, a gradient, a step."""
    (x, t), (x_test, t_test) = data
    rng = np.random.default_rng(seed)
    net = TwoLayerNet(x.shape[1], HIDDEN, 10, rng, dtype=np.float32)
    per_epoch = max(len(x) / BATCH, 1)
    every = max(round(per_epoch), -(-iterations // REPORTS))
    history = History([], [], [], [])
    with tqdm(total=iterations, desc="learning", unit="batches") as bar:
        for iteration in range(iterations + 1):
            if iteration % every == 0 or iteration == iterations:
                history.epochs.append(iteration / per_epoch)
                history.train.append(net.accuracy(x, t))
                history.test.append(net.accuracy(x_test, t_test))
                bar.set_postfix(test=f"{history.test[-1]:.4f}")
            if iteration == iterations:
                break
            chosen = rng.choice(len(x), BATCH)
            loss = net.loss(x[chosen], t[chosen])
            parameters = list(net.params.values())
            for parameter, gradient in zip(parameters, ab.gradients(loss, parameters), strict=True):
                parameter.data -= RATE * gradient
            history.losses.append(loss.item())
            bar.update()
    return net, history


def load(folder: Path | None) -> tuple[datasets.Split, str]:
    """MNIST, or the digits that come with scikit-learn where it is absent; and which it is."""
    try:
        return datasets.mnist(folder), "MNIST"
    except datasets.DataMissingError as error:
        print(f"MNIST is not here, so these are scikit-learn's 8 x 8 digits. ({error})")
        return datasets.train_test_split(*datasets.digits(np.float32), 0.2, rng=0), "bundled digits"


def first_loss(data: datasets.Split, seed: int) -> Tensor:
    """The loss of two samples in a net that has learned nothing: its graph is drawn."""
    net = TwoLayerNet(data.train.x.shape[1], HIDDEN, 10, np.random.default_rng(seed))
    loss = net.loss(data.train.x[:2].astype(np.float64), data.train.y[:2])
    loss.name = "loss"
    return loss


def main() -> None:
    """Check the gradients, train, print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="A two-layer net that reads digits.")
    parser.add_argument("--data", type=Path, help="folder with the MNIST files")
    parser.add_argument("--seed", type=int, default=0, help="for weights and batches")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="steps of training")
    options = parser.parse_args()
    data, name = load(options.data)
    pixels = data.train.x.shape[1]

    print(f"Gradient check, {pixels}-{HIDDEN}-10 on {CHECKED} samples of {name}:")
    print("  mean absolute difference between backpropagation and central differences")
    checked = gradient_check(data.train.x[:CHECKED], data.train.y[:CHECKED], options.seed)
    for parameter, difference in checked.items():
        print(f"    {parameter} {difference:.3e}")

    print("Where the article errs, and the check that catches it:")
    for what, said in errors_of_the_article():
        print(f"  {what}:\n    {said}")

    print(f"Training on {len(data.train.x)} digits, testing on {len(data.test.x)}:")
    net, history = train(data, options.seed, options.iterations)
    print("   epoch  train accuracy  test accuracy")
    for epoch, right, right_test in zip(history.epochs, history.train, history.test, strict=True):
        print(f"  {epoch:6.1f}  {right:14.4f}  {right_test:13.4f}")
    wanted = "the article's net on MNIST: at least 0.96"
    print(f"Test accuracy {history.test[-1]:.4f} ({wanted})")

    options.out.mkdir(parents=True, exist_ok=True)
    viz.draw(first_loss(data, options.seed)).save(options.out / "two-layer-net.svg")
    print(f"wrote {options.out / 'two-layer-net.svg'}")
    for file, figure in figures(net, history, data).items():
        charts.save(figure, options.out / file)
        print(f"wrote {options.out / file}")


def figures(net: TwoLayerNet, history: History, data: datasets.Split) -> dict[str, charts.Figure]:
    """Curves, the weights of the hidden neurons, and digits that were read wrong."""
    x, t = data.test
    side = round(x.shape[1] ** 0.5)
    with ab.no_grad():
        answers = np.argmax(net.predict(x).data, axis=1)
    wrong = np.flatnonzero(answers != t)[:40]
    drawn = {
        "two-layer-net-accuracy.png": charts.curves(
            {"train": history.train, "test": history.test},
            x=history.epochs,
            x_label="epoch",
            y_label="accuracy",
            title="Accuracy by epoch",
        ),
        "two-layer-net-loss.png": charts.curves(
            {"loss of each batch": history.losses},
            x_label="iteration",
            y_label="cross entropy",
            title="Loss",
            log=True,
        ),
        "two-layer-net-weights.png": charts.images(
            net.params["W1"].numpy().T.reshape(-1, side, side),
            title="What each hidden neuron looks for",
            signed=True,
        ),
    }
    if len(wrong):
        drawn["two-layer-net-misread.png"] = charts.images(
            x[wrong].reshape(-1, side, side),
            captions=[f"{t[i]} as {answers[i]}" for i in wrong],
            title="Digits read wrong",
        )
    return drawn


if __name__ == "__main__":
    main()

"""The layers of a classifier, taken apart into single nodes.

- Sigmoid is four nodes: times -1, exp, plus 1, and 1 / x. Together their gradient is y (1 - y).
- Affine for a batch, Y = X W + B: the bias is used by every row, so its gradient sums over rows.
- Softmax with cross entropy looks the worst and has the shortest gradient: y - t, and for a batch
  (y - t) / N.

Nothing here is a rule for a layer: the engine differentiates the single nodes, and the formulas
come out.

    python examples/layers_as_graphs.py [--out FOLDER]
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value

Array = NDArray[np.float64]

# The article's three classes: the net answers (0.3, 0.2, 0.5) where the second is right, and
# (0.01, 0.99, 0) where it is nearly sure of it.
SCORES = tuple(np.log([0.3, 0.2, 0.5]).tolist())
TARGET = (0.0, 1.0, 0.0)


def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x)) from its single nodes.

    >>> x = Value(0.0)
    >>> y = sigmoid(x)
    >>> y.backward()
    >>> y.data, x.grad
    (0.5, 0.25)
    """
    return 1 / (ab.exp(x * -1) + 1)


class AffineGradients(NamedTuple):
    """The gradients of an affine layer; each has the shape of what it belongs to."""

    x: Array
    w: Array
    b: Array


def affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """X W + B for a batch: x is (N, inputs), w (inputs, outputs), b (outputs,)."""
    return x @ w + b


def affine_gradients(x: Array, w: Array, b: Array, upstream: Array) -> AffineGradients:
    """What the engine finds for a loss whose gradient at the layer's output is `upstream`."""
    leaves = [Tensor(x), Tensor(w), Tensor(b)]
    return AffineGradients(*ab.gradients(affine(*leaves), leaves, cotangent=upstream))


def bias_gradient_as_printed(upstream: Array) -> Array:
    """The article's bias rule, which is wrong: it sums over axis 1, the outputs, not the batch."""
    printed: Array = upstream.sum(axis=1)
    return printed


def numerical_bias_gradient(x: Array, w: Array, b: Array, upstream: Array) -> Array:
    """Central differences: exact here up to rounding, because the loss is linear in the bias."""

    def loss(bias: Array) -> float:
        return float(np.sum((x @ w + bias) * upstream))

    steps = np.eye(b.size)
    return np.array([(loss(b + step) - loss(b - step)) / 2 for step in steps])


def softmax_with_loss(scores: Sequence[Value], target: Sequence[float]) -> Value:
    """The cross entropy of softmax(scores) with `target`, from single nodes.

    exp of each score, their sum, a division each, log, times the target, sum, times -1. This is
    for looking at: with scores in the hundreds exp overflows, and `nn.cross_entropy` does not.
    """
    powers = [ab.exp(score) for score in scores]
    total = _sum(powers)
    answers = [power / total for power in powers]
    return _sum([ab.log(y) * t for y, t in zip(answers, target, strict=True)]) * -1


def batch_softmax_with_loss(scores: Tensor, targets: Array) -> Tensor:
    """The mean cross entropy of a batch, from single array nodes; both are (N, classes)."""
    powers = ab.exp(scores)
    answers = powers / ab.sum(powers, axis=1, keepdims=True)
    return ab.sum(ab.log(answers) * targets) * (-1 / len(targets))


def pictures() -> dict[str, viz.Diagram]:
    """The pictures of this example, by file name."""
    y = sigmoid(Value(1.0, name="x"))
    y.name = "y"
    x, w, b, upstream = affine_batch()
    layer = affine(Tensor(x, name="X"), Tensor(w, name="W"), Tensor(b, name="B"))
    layer.name = "Y"
    loss = softmax_with_loss(
        [Value(score, name=f"a{number}") for number, score in enumerate(SCORES, 1)], TARGET
    )
    loss.name = "L"
    return {
        "sigmoid.svg": viz.draw(y),
        "affine.svg": viz.draw(layer, seed=upstream),
        "softmax-with-loss.svg": viz.draw(loss, direction="TB"),
    }


def affine_batch() -> tuple[Array, Array, Array, Array]:
    """A batch of two: inputs, weights, biases, and the gradient that arrives from above."""
    x = np.array([[1.0, 0.0], [2.0, -1.0]])
    w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    b = np.array([1.0, 2.0, 3.0])
    upstream = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    return x, w, b, upstream


def main() -> None:
    """Print every figure and write the pictures."""
    parser = argparse.ArgumentParser(description="Sigmoid, Affine and Softmax-with-Loss as graphs.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    folder = parser.parse_args().out

    _print_sigmoid()
    _print_affine()
    _print_softmax()
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        picture.save(folder / name)
        print(f"wrote {folder / name}")


def _print_sigmoid() -> None:
    print("Sigmoid from the nodes * -1, exp, + 1, 1 / x")
    for at in (-2.0, 0.0, 1.0, 5.0):
        x = Value(at)
        y = sigmoid(x)
        (gradient,) = ab.gradients(y, [x])
        formula = y.data * (1 - y.data)
        print(f"  x {at:4}: y {y.data:.12f}, gradient {gradient:.12f}, y(1-y) {formula:.12f}")


def _print_affine() -> None:
    x, w, b, upstream = affine_batch()
    gradients = affine_gradients(x, w, b, upstream)
    print("Affine, a batch of two")
    for name, gradient in gradients._asdict().items():
        print(f"  dL/d{name.upper()} {gradient.astype(int).tolist()}")
    # Where the article errs: dL/dW is X^T dL/dY, not X^T dL/dX, whose shape does not even fit; and
    # the bias sums over axis 0. With as many rows as outputs the shapes of the wrong bias rule fit
    # as well, and only a gradient check tells.
    square = np.arange(9.0).reshape(3, 3)
    checked = numerical_bias_gradient(square, np.eye(3), b, square)
    right = affine_gradients(square, np.eye(3), b, square).b
    printed = bias_gradient_as_printed(square)
    print("  The bias rule checked by central differences, three rows and three outputs:")
    print(f"    summed over axis 0: off by at most {np.abs(right - checked).max():.0e}")
    print(f"    over axis 1, as the article prints it: {np.abs(printed - checked).max():.0e}")


def _print_softmax() -> None:
    scores = [Value(score) for score in SCORES]
    loss = softmax_with_loss(scores, TARGET)
    found = ab.gradients(loss, scores)
    print("Softmax with cross entropy, y = (0.3, 0.2, 0.5), t = (0, 1, 0)")
    print(f"  loss {loss.data:.12f}, gradient {[round(g, 12) for g in found]}, which is y - t")
    batch = Tensor([SCORES, SCORES])
    targets = np.array([TARGET, (0.0, 0.0, 1.0)])
    (gradient,) = ab.gradients(batch_softmax_with_loss(batch, targets), [batch])
    print(f"  a batch of two: {gradient.round(12).tolist()}, which is (y - t) / 2")


def _sum(values: Sequence[Value]) -> Value:
    first, *rest = values
    for value in rest:
        first = first + value
    return first


if __name__ == "__main__":
    main()

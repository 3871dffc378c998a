"""Saturated neurons learn slowly, and gradient flow shows where.

Every layer multiplies the error that comes back by sigmoid'(z), at most 1/4 and nearly 0 where a
neuron is saturated: dC/dW^l = delta^l a^(l-1)^T, delta^l = (W^(l+1)^T delta^(l+1)) * sigmoid'(z^l).
A network that starts with large biases has no gradient left in its first layers, and the same
network from small ones learns. `viz.gradient_flow` says so, from the figures that `fit` recorded.

    python examples/slow_learning.py [--seed N] [--out FOLDER]
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab
import viz
from autograd_bp import History, Tensor, nn, optim

Array = NDArray[np.float64]

SATURATED = 5.0
WIDTH, HIDDEN, BATCH, EPOCHS = 16, 4, 50, 40


class Net(nn.Module):
    """Sigmoid layers of one width, and a linear one that gives the score of "inside"."""

    def __init__(self, bias: float, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        sizes = [2, *[WIDTH] * HIDDEN]
        self.hidden = [nn.Linear(a, b, rng=rng) for a, b in itertools.pairwise(sizes)]
        self.output = nn.Linear(WIDTH, 1, rng=rng)
        for layer in self.hidden:
            # Sigmoid's slope is 1/4 at its best: weights four times as large make up for it.
            layer.weight.data *= 4.0
            assert layer.bias is not None
            layer.bias.data += bias

    def forward(self, x: Any) -> Tensor:
        """The score of each sample, of shape (samples, 1)."""
        for layer in self.hidden:
            # Centred, so that no layer is pushed into saturation by the one before it.
            x = ab.sigmoid(layer(x - 0.5 if layer is not self.hidden[0] else x))
        return self.output(x - 0.5)


def ring(seed: int = 0, samples: int = 500) -> tuple[Array, Array]:
    """Points of the plane, (samples, 2), and whether each is in the unit circle, (samples, 1)."""
    x = np.random.default_rng(seed).normal(size=(samples, 2))
    return x, (np.sum(x**2, axis=1, keepdims=True) < 1.0).astype(float)


def trained(bias: float, seed: int = 0) -> History:
    """Train a net that starts with this bias; the history has its gradient norms."""
    x, t = ring(seed)
    net = Net(bias, seed)
    return ab.fit(
        net,
        [(x[at : at + BATCH], t[at : at + BATCH]) for at in range(0, len(x), BATCH)],
        loss=nn.binary_cross_entropy_with_logits,
        optimizer=optim.SGD(net.parameters(), lr=1.0),
        epochs=EPOCHS,
        gradient_norms=True,
        progress=False,
    )


def flows(seed: int = 0) -> dict[str, tuple[History, viz.GradientFlow]]:
    """The same network started saturated and not, and how its gradients fare."""
    found = {}
    for name, bias in {"saturated": SATURATED, "not saturated": 0.0}.items():
        history = trained(bias, seed)
        title = f"Sigmoid layers, {name} at the start"
        found[name] = history, viz.gradient_flow(history, title=title)
    return found


def main() -> None:
    """Print what gradient flow says, and write the plots and pages."""
    parser = argparse.ArgumentParser(description="Saturated neurons learn slowly.")
    parser.add_argument("--seed", type=int, default=0, help="for the data and the weights")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    for name, (history, flow) in flows(options.seed).items():
        losses = history["loss"]
        print(f"{name}: loss {losses[0]:.3f} at first, {losses[-1]:.3f} after {EPOCHS} epochs")
        print(flow)
        for suffix in ("svg", "html"):
            path = flow.save(options.out / f"gradient-flow-{name.replace(' ', '-')}.{suffix}")
            print(f"wrote {path}")


if __name__ == "__main__":
    main()

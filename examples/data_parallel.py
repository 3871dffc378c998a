"""The digit classifier's training step on many devices: `to_jax`, a mesh, and nothing else.

A 64-128-10 net on scikit-learn's digits. The step (loss, gradients, update) is written with
autograd_bp; `ab.export.to_jax` makes it a function of JAX, and `jax.jit` with shardings lays every
batch out over a mesh of devices, the parameters on all of them. JAX puts the all-reduce of the
gradients where it belongs. The losses equal those of one device.

On one machine, with eight virtual devices:

    python examples/data_parallel.py --devices 8

On several hosts the same script, once on each, with the address of the first:

    python examples/data_parallel.py --coordinator HOST:PORT --processes 2 --process 0
"""

import argparse
import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab
from autograd_bp import nn

Array = NDArray[Any]
Params = dict[str, Any]

WIDTH = 128
RATE = 0.1


def new_params(seed: int, width: int = WIDTH) -> Params:
    """Weights of a 64-width-10 net (He et al. 2015), and biases."""
    rng = np.random.default_rng(seed)
    return {
        "w1": rng.normal(size=(64, width)) * np.sqrt(2 / 64),
        "b1": np.zeros(width),
        "w2": rng.normal(size=(width, 10)) * np.sqrt(2 / width),
        "b2": np.zeros(10),
    }


def train_step(params: Params, x: Any, labels: Any) -> tuple[Params, Any]:
    """One step of gradient descent on a batch: the new parameters, and the loss before."""

    def loss(p: Params) -> Any:
        hidden = ab.relu(x @ p["w1"] + p["b1"])
        return nn.cross_entropy(hidden @ p["w2"] + p["b2"], labels)

    value, slopes = ab.value_and_grad(loss)(params)
    return {name: params[name] - RATE * slopes[name] for name in params}, value


def batches(steps: int, size: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """The same batches in every process."""
    data = ab.datasets.digits()
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = rng.integers(len(data.x), size=size)
        yield data.x[chosen], data.y[chosen]


def train(devices: Any, steps: int, size: int, seed: int = 0) -> tuple[list[float], float]:
    """The losses of a run over these devices, and the seconds of a step after the first.

    Each process gives its devices their part of every batch, and no other.
    """
    import jax
    from jax.sharding import Mesh, NamedSharding
    from jax.sharding import PartitionSpec as Spec

    spec: Any = Spec  # has no types
    if size % len(devices):
        raise ValueError(f"a batch of {size} cannot be split evenly among {len(devices)} devices")
    mesh = Mesh(np.array(devices), ("batch",))
    everywhere = NamedSharding(mesh, spec())
    split = NamedSharding(mesh, spec("batch"))
    step = jax.jit(
        ab.export.to_jax(train_step),
        in_shardings=(everywhere, split, split),
        out_shardings=(everywhere, everywhere),
        donate_argnums=0,
    )

    def laid_out(array: Array, sharding: NamedSharding) -> Any:
        return jax.make_array_from_callback(array.shape, sharding, lambda part: array[part])

    params = {name: laid_out(p, everywhere) for name, p in new_params(seed).items()}
    losses = []
    seconds = []
    for x, labels in batches(steps, size, seed):
        start = time.perf_counter()
        params, loss = step(params, laid_out(x, split), laid_out(labels, split))
        losses.append(float(loss))
        seconds.append(time.perf_counter() - start)
    return losses, float(np.median(seconds[1:] or seconds))


def main() -> None:
    """Train over all devices, and, in a single process, over one to compare with."""
    parser = argparse.ArgumentParser(description="Train the digit classifier on many devices.")
    parser.add_argument("--devices", type=int, default=8, help="virtual devices of this process")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=256, help="over all devices")
    parser.add_argument("--coordinator", help="HOST:PORT of the first process")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--process", type=int, default=0, help="which one this is, from 0")
    given = parser.parse_args()

    # Before JAX is imported. Where there are GPUs or TPUs these are the devices, not the virtual.
    flags = f"--xla_force_host_platform_device_count={given.devices}"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    import jax

    config: Any = jax.config  # has no types
    config.update("jax_enable_x64", True)
    if given.coordinator:
        config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(given.coordinator, given.processes, given.process)

    devices = jax.devices()
    losses, seconds = train(devices, given.steps, given.batch)
    print(
        f"{len(devices)} devices in {jax.process_count()} processes, {seconds * 1e3:.2f} ms a step"
    )
    print("losses", " ".join(f"{loss:.12f}" for loss in losses[:: max(1, given.steps // 10)]))
    if jax.process_count() == 1:
        alone, seconds = train(devices[:1], given.steps, given.batch)
        print(f"1 device, {seconds * 1e3:.2f} ms a step")
        print(f"largest difference of a loss: {np.max(np.abs(np.subtract(losses, alone))):.1e}")


if __name__ == "__main__":
    main()

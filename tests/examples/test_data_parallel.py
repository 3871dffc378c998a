"""Training over a mesh of devices, virtual ones here, gives the losses of one device."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("jax")
pytest.importorskip("sklearn")

ROOT = Path(__file__).parents[2]


def started(*options: object) -> "subprocess.Popen[str]":
    environment = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
    environment |= {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "data_parallel.py"), *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def finished(process: "subprocess.Popen[str]") -> str:
    try:
        out, error = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, error
    return out


def losses(out: str) -> list[float]:
    return [float(number) for number in re.search("losses (.*)", out)[1].split()]


@pytest.fixture(scope="module")
def eight_devices() -> str:
    return finished(started("--devices", 8, "--steps", 40, "--batch", 64))


def test_eight_devices_have_the_losses_of_one(eight_devices: str) -> None:
    assert "8 devices in 1 process" in eight_devices
    difference = float(re.search("largest difference of a loss: (.*)", eight_devices)[1])
    assert difference < 1e-13


def test_the_losses_are_those_of_the_step_without_jax(eight_devices: str) -> None:
    from examples.data_parallel import batches, new_params, train_step

    params = new_params(0)
    expected = []
    for x, labels in batches(40, 64, 0):
        params, loss = train_step(params, x, labels)
        expected.append(float(loss))
    np.testing.assert_allclose(losses(eight_devices), expected[::4], rtol=1e-11)
    assert expected[-1] < 0.6 * expected[0]


def test_two_processes_with_two_devices_each_have_the_same_losses(eight_devices: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    common = ("--devices", 2, "--steps", 40, "--batch", 64, "--coordinator", address)
    both = [started(*common, "--processes", 2, "--process", i) for i in range(2)]
    for out in map(finished, both):
        assert "4 devices in 2 processes" in out
        np.testing.assert_allclose(losses(out), losses(eight_devices), rtol=0, atol=2e-12)

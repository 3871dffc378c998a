"""The digits that come with scikit-learn, and that importing the package fetches nothing."""

import subprocess
import sys

import numpy as np

from autograd_bp.datasets import digits


def test_there_are_1797_digits_of_8_by_8_pixels():
    x, y = digits()
    assert x.shape == (1797, 64)
    assert (x.dtype, y.dtype) == (np.float64, np.int64)
    assert (x.min(), x.max()) == (0, 1)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_float32_holds_them_exactly():
    assert np.array_equal(digits(np.float32).x, digits().x)
    assert digits(np.float32).x.dtype == np.float32


def test_each_call_gives_arrays_of_its_own():
    x, _ = digits()
    x[:] = 0
    assert digits().x.max() == 1


NO_NETWORK = """
import socket, sys
def refuse(*arguments, **settings):
    raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import autograd_bp
from autograd_bp import datasets
assert len(datasets.digits().x) == 1797
datasets.batches([1], [2], 1, None)
"""
ALONE = """
import sys
from autograd_bp import datasets
assert not {"sklearn", "scipy", "tqdm", "matplotlib", "urllib.request"} & set(sys.modules)
"""


def run(program):
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_and_the_bundled_digits_use_no_network():
    run(NO_NETWORK)


def test_importing_needs_numpy_only():
    run(ALONE)

"""Data to learn from: handwritten digits, names, and how to split them and take them in batches.

Nothing is loaded, and nothing ever downloaded, by importing this. Where a file is looked for:

1. in the folder that is given, and then nowhere else;
2. in the folder that the environment variable ``AUTOGRAD_BP_DATA`` names;
3. in the cache, ``$XDG_CACHE_HOME/autograd-bp`` or ``~/.cache/autograd-bp``.

With ``download=True``, a file that is in none of them is fetched into the cache (or into the folder
that is given) and checked against its published SHA-256 sum.

>>> from autograd_bp import datasets
>>> train, test = datasets.train_test_split([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1], rng=0)
>>> [len(part.x) for part in (train, test)]
[3, 1]
"""

from autograd_bp.datasets.bundled import digits
from autograd_bp.datasets.errors import DataError, DataMissingError, DownloadError
from autograd_bp.datasets.exercise4 import Weights, exercise4, exercise4_weights
from autograd_bp.datasets.idx import read_idx
from autograd_bp.datasets.mnist import mnist
from autograd_bp.datasets.names import names
from autograd_bp.datasets.sampling import Batches, Data, Split, batches, train_test_split

__all__ = [
    "Batches",
    "Data",
    "DataError",
    "DataMissingError",
    "DownloadError",
    "Split",
    "Weights",
    "batches",
    "digits",
    "exercise4",
    "exercise4_weights",
    "mnist",
    "names",
    "read_idx",
    "train_test_split",
]

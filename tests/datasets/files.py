"""Well-formed data files made up here."""

import gzip

import numpy as np


def idx(array):
    """An array of bytes as the content of an idx file."""
    array = np.asarray(array, np.uint8)
    lengths = b"".join(length.to_bytes(4) for length in array.shape)
    return (2048 + array.ndim).to_bytes(4) + lengths + array.tobytes()


def little_mnist(train=12, test=5):
    """Images, labels, and the content of four small files in the format of MNIST, by name."""
    rng = np.random.default_rng(0)
    arrays, files = {}, {}
    for part, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (count, 28, 28))
        labels = rng.integers(0, 10, count)
        arrays[part] = images, labels
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images), mtime=0)
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), mtime=0)
    return arrays, files

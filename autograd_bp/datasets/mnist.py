"""MNIST: 60,000 handwritten digits of 28 x 28 pixels to learn from, and 10,000 for testing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograd_bp.datasets.errors import DataError
from autograd_bp.datasets.folders import obtain
from autograd_bp.datasets.idx import read_idx
from autograd_bp.datasets.published import Published
from autograd_bp.datasets.sampling import Data, Split

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
"""Where the published files are kept, byte for byte; the sums tell."""


class _Part(NamedTuple):
    images: Published
    labels: Published


TRAIN = _Part(
    Published(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    Published(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
)
TEST = _Part(
    Published(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    Published(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)


def mnist(
    folder: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    mirrors: Sequence[str] = MIRRORS,
    dtype: DTypeLike = np.float32,
    progress: bool = True,
) -> Split:
    """The MNIST digits, from the four idx files.

    Files in a folder of the user's own are believed if they are well-formed (another set in the
    same format will do); what is downloaded must be the published files, byte for byte.

    Parameters
    ----------
    folder
        Where the files are, compressed (``train-images-idx3-ubyte.gz``, ...) or not; by default
        the folder that ``AUTOGRAD_BP_DATA`` names, then the cache.
    download
        Fetch what is missing, 11.6 MB in all.
    mirrors
        Addresses to fetch from, tried in turn.
    dtype
        Of the pixels.
    progress
        Show a bar while downloading.

    Returns
    -------
    Split
        ``(x, y), (x_test, y_test)``: `x` of shape (60000, 784) and (10000, 784), rows of pixels
        from 0 (background) to 1, line after line; `y` the digits 0 to 9, int64.

    Raises
    ------
    DataMissingError
        If a file is missing and `download` is False.
    DataError
        If a file is malformed, or images and labels are not equally many.
    DownloadError
        If a file cannot be fetched from any mirror.

    Notes
    -----
    Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits" (CC BY-SA 3.0).

    Examples
    --------
    >>> (x, y), (x_test, y_test) = mnist()  # doctest: +SKIP
    >>> x.shape, x_test.shape  # doctest: +SKIP
    ((60000, 784), (10000, 784))
    """
    found = [
        _files(part, folder, download=download, mirrors=mirrors, progress=progress)
        for part in (TRAIN, TEST)
    ]
    train, test = (_scaled(*read_part(images, labels), dtype) for images, labels in found)
    return Split(train, test)


def training_bytes(
    folder: str | os.PathLike[str] | None, *, download: bool, progress: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The training images (60000, 28, 28) and their labels (60000,) as they are in the files."""
    files = _files(TRAIN, folder, download=download, mirrors=MIRRORS, progress=progress)
    return read_part(*files)


def read_part(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels from two files that must fit each other."""
    pixels = read_idx(images, ndim=3)
    if pixels.shape[1:] != (28, 28):
        rows, columns = pixels.shape[1:]
        raise DataError(f"{images}: the images are {rows} x {columns} pixels, not 28 x 28")
    classes = read_idx(labels, ndim=1)
    if len(classes) != len(pixels):
        raise DataError(f"{labels}: {len(classes)} labels for the {len(pixels)} images of {images}")
    if classes.max() > 9:
        first = int(np.argmax(classes > 9))
        raise DataError(f"{labels}: label {first} is {classes[first]}, but digits are 0 to 9")
    return pixels, classes


def _scaled(images: NDArray[np.uint8], labels: NDArray[np.uint8], dtype: DTypeLike) -> Data:
    x = np.divide(images.reshape(len(images), -1), 255, dtype=np.dtype(dtype))
    return Data(x, labels.astype(np.int64))


def _files(
    part: _Part,
    folder: str | os.PathLike[str] | None,
    *,
    download: bool,
    mirrors: Sequence[str],
    progress: bool,
) -> tuple[Path, Path]:
    images, labels = (
        obtain(
            published,
            folder,
            download=download,
            mirrors=mirrors,
            progress=progress,
            remedy="give the folder with the MNIST files, or download=True to fetch them",
        )
        for published in part
    )
    return images, labels

"""The data of exercise 4 of A. Ng's course: 5000 digits of 20 x 20 pixels, and trained weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_bp.datasets.errors import DataError
from autograd_bp.datasets.folders import find, missing, places
from autograd_bp.datasets.mnist import training_bytes
from autograd_bp.datasets.resize import shrink
from autograd_bp.datasets.sampling import Data

Array = NDArray[np.float64]

DATA, WEIGHTS = "ex4data1.mat", "ex4weights.mat"
AT_MOST = 1 << 26
"""The largest file that is opened: four times that of the exercise."""
OF_EACH = 500


class Weights(NamedTuple):
    """The trained weights of the exercise, with the biases in column 0."""

    theta1: Array
    theta2: Array


def exercise4(
    folder: str | os.PathLike[str] | None = None,
    *,
    rebuild: bool = False,
    download: bool = False,
    progress: bool = True,
) -> Data:
    """The 5000 digits of exercise 4, from ``ex4data1.mat`` or made again from MNIST.

    They are the first 500 training images of every digit, made 20 x 20 pixels large as MATLAB's
    imresize does, each unrolled column by column. Some pixels lie a little outside [0, 1].

    Parameters
    ----------
    folder
        Where ``ex4data1.mat`` or the MNIST files are; by default the folder that
        ``AUTOGRAD_BP_DATA`` names, then the cache.
    rebuild
        Make the data from MNIST even if the file is there. Without it, that is done only if the
        file is missing.
    download
        Fetch the MNIST files if they are needed and missing.
    progress
        Show a bar while downloading.

    Returns
    -------
    Data
        `x` of shape (5000, 400), float64; `y` of shape (5000,), int64, the labels 1 to 10 as the
        exercise has them: 10 means the digit 0, so that ``y % 10`` are the digits.

    Raises
    ------
    DataMissingError
        If neither the file nor those of MNIST are there.
    DataError
        If a file is malformed.
    ImportError
        If the file is there and SciPy, which reads it, is not.

    Examples
    --------
    >>> x, y = exercise4()  # doctest: +SKIP
    >>> x.shape, y.shape  # doctest: +SKIP
    ((5000, 400), (5000,))
    """
    path = None if rebuild else find((DATA,), places(folder))
    if path is not None:
        return _checked(path, *_read(path, "X", "y"))
    images, labels = training_bytes(folder, download=download, progress=progress)
    return from_mnist(images, labels)


def from_mnist(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Data:
    """The data of the exercise from images (N, 28, 28) of bytes and their labels (N,).

    Raises
    ------
    DataError
        If there are not 500 images of every digit.
    """
    counts = np.bincount(labels, minlength=10)
    if counts.min() < OF_EACH:
        few = int(np.argmin(counts))
        raise DataError(
            f"exercise 4 is made of {OF_EACH} images of every digit, but of the digit {few} there "
            f"are only {counts[few]}"
        )
    rows = np.concatenate([np.flatnonzero(labels == digit)[:OF_EACH] for digit in range(10)])
    small = shrink(images[rows] / 255, 20)
    digits = np.repeat(np.arange(10), OF_EACH)
    return Data(
        np.ascontiguousarray(small.swapaxes(1, 2)).reshape(-1, 400),
        np.where(digits == 0, 10, digits),
    )


def exercise4_weights(folder: str | os.PathLike[str] | None = None) -> Weights:
    """The trained weights that come with exercise 4, from ``ex4weights.mat``.

    The file has no licence and is not ours to hand on: it comes with the exercise only.

    Parameters
    ----------
    folder
        Where the file is; by default the folder that ``AUTOGRAD_BP_DATA`` names, then the cache.

    Returns
    -------
    Weights
        `theta1` of shape (25, 401) and `theta2` of shape (10, 26), float64. Column 0 holds the
        biases; row k of `theta2` answers for the label k + 1.

    Raises
    ------
    DataMissingError
        If the file is not there.
    DataError
        If it is malformed.
    ImportError
        If SciPy, which reads it, is not installed.

    Examples
    --------
    >>> theta1, theta2 = exercise4_weights()  # doctest: +SKIP
    >>> theta1.shape, theta2.shape  # doctest: +SKIP
    ((25, 401), (10, 26))
    """
    folders = places(folder)
    path = find((WEIGHTS,), folders)
    if path is None:
        raise missing(WEIGHTS, folders, "it comes with exercise 4 of the course, and only there")
    theta1, theta2 = _read(path, "Theta1", "Theta2")
    for name, theta, shape in (("Theta1", theta1, (25, 401)), ("Theta2", theta2, (10, 26))):
        if theta.shape != shape:
            raise DataError(f"{path}: {name} has shape {theta.shape}, not {shape}")
        if not np.isfinite(theta).all():
            raise DataError(f"{path}: {name} has an entry that is not finite")
    return Weights(theta1, theta2)


def _checked(path: Path, x: Array, y: Array) -> Data:
    if x.shape[1:] != (400,) or not len(x):
        raise DataError(f"{path}: X has shape {x.shape}, not (images, 400)")
    if y.shape != (len(x), 1):
        raise DataError(f"{path}: y has shape {y.shape}, not ({len(x)}, 1) for the {len(x)} images")
    if not np.isfinite(x).all():
        raise DataError(f"{path}: X has an entry that is not finite")
    wrong = ~np.isin(y, np.arange(1, 11))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{path}: label {row} is {y[row, 0]:g}, but labels are 1 to 10")
    return Data(x, y[:, 0].astype(np.int64))


def _read(path: Path, *wanted: str) -> list[Array]:
    """The arrays of a MATLAB file by name; nothing is read before all is known to fit."""
    try:
        from scipy import io
    except ImportError as error:
        raise ImportError(
            f"{path} is read with SciPy: pip install 'autograd-bp[examples]'"
        ) from error
    size = path.stat().st_size
    if size > AT_MOST:
        raise DataError(f"{path}: {size} bytes: the files of the exercise are far smaller")
    content = _mat(path, io.whosmat)
    declared = {name: (shape, kind) for name, shape, kind in content}
    for name in wanted:
        if name not in declared:
            raise DataError(f"{path}: there is no {name} in it, only {sorted(declared)}")
        shape, kind = declared[name]
        numeric = kind in ("double", "single") or kind.removeprefix("u").startswith("int")
        if not numeric:
            raise DataError(f"{path}: {name} is of class {kind}: it should be an array of numbers")
        if len(shape) != 2 or int(np.prod(shape, dtype=object)) > AT_MOST // 8:
            raise DataError(f"{path}: {name} is declared to have shape {tuple(shape)}")
    loaded = _mat(path, io.loadmat, variable_names=list(wanted))
    arrays = []
    for name in wanted:
        array = loaded[name]
        if array.dtype.kind not in "fiu":
            raise DataError(f"{path}: {name} holds {array.dtype}: it should hold real numbers")
        arrays.append(np.ascontiguousarray(array, np.float64))
    return arrays


def _mat(path: Path, read: Any, **settings: Any) -> Any:
    """What SciPy reads from the file; whatever it stumbles over is an error of the file."""
    with path.open("rb") as file:
        try:
            return read(file, **settings)
        except NotImplementedError:
            raise DataError(f"{path}: this is a file of MATLAB 7.3: save it with -v7") from None
        except Exception as error:
            raise DataError(f"{path}: this is no MATLAB file that can be read: {error}") from None

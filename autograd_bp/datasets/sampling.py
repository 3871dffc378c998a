"""Data in memory: splitting it, and taking it in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


class Data(NamedTuple):
    """Inputs and what should be answered: row i of `x` belongs to row i of `y`."""

    x: Array
    y: Array


class Split(NamedTuple):
    """Data to learn from, and data that is kept for testing."""

    train: Data
    test: Data


@dataclass(frozen=True)
class Batches:
    """The rows of `x` and `y` in batches; made by `batches`.

    Every iteration is one epoch. With a generator, each epoch takes the rows in a new order.
    """

    x: Array
    y: Array
    size: int
    rng: np.random.Generator | None
    drop_last: bool

    def __len__(self) -> int:
        whole, rest = divmod(len(self.x), self.size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Data]:
        order = None if self.rng is None else self.rng.permutation(len(self.x))
        for start in range(0, len(self) * self.size, self.size):
            rows = slice(start, start + self.size)
            chosen = rows if order is None else order[rows]
            yield Data(_read_only(self.x[chosen]), _read_only(self.y[chosen]))


def batches(
    x: ArrayLike,
    y: ArrayLike,
    size: int,
    rng: np.random.Generator | int | None = None,
    *,
    drop_last: bool = False,
) -> Batches:
    """The rows of `x` and `y`, together, `size` at a time: one epoch for each iteration.

    The arrays that come are read-only, so that a graph which records them need not copy them.

    Parameters
    ----------
    x, y
        Arrays of the same length, of any shape and dtype otherwise.
    size
        How many rows make a batch, at least 1. The last one has what is left over.
    rng
        A `numpy.random.Generator`, or a seed for one, that puts the rows in a new order in every
        epoch; None takes them as they are.
    drop_last
        Leave out a last batch that is smaller than the others.

    Returns
    -------
    Batches
        Can be iterated any number of times; its length is the number of batches in an epoch.

    Raises
    ------
    ValueError
        If the lengths differ, there are no rows, or `size` is less than 1.
    TypeError
        If `size` is no integer, `x` or `y` a single number, or `rng` not what it should be.

    Examples
    --------
    >>> import numpy as np
    >>> epoch = batches(np.arange(5), np.arange(5) * 10, size=2, rng=None)
    >>> [(x.tolist(), y.tolist()) for x, y in epoch]
    [([0, 1], [0, 10]), ([2, 3], [20, 30]), ([4], [40])]
    >>> len(epoch)
    3
    """
    x, y = _paired("batches", x, y)
    if isinstance(size, bool) or not isinstance(size, int | np.integer):
        raise TypeError(f"batches: size is {size!r}: it must be an integer, the rows in a batch")
    if size < 1:
        raise ValueError(f"batches: size is {size}: a batch has at least 1 row")
    if drop_last and size > len(x):
        raise ValueError(
            f"batches: with drop_last, no batch of {size} is left of {len(x)} rows: "
            "choose a smaller size"
        )
    return Batches(x, y, int(size), None if rng is None else _generator("batches", rng), drop_last)


def train_test_split(
    x: ArrayLike,
    y: ArrayLike,
    test_size: float = 0.25,
    rng: np.random.Generator | int | None = None,
) -> Split:
    """A random part of the rows to learn from, and the rest for testing.

    Parameters
    ----------
    x, y
        Arrays of the same length, of any shape and dtype otherwise.
    test_size
        The part of the rows that is kept for testing, between 0 and 1 (rounded up to whole rows),
        or the number of rows as an integer.
    rng
        A `numpy.random.Generator`, or a seed for one. It must be given: data is often sorted by
        class, and then the first rows are nothing like the last.

    Returns
    -------
    Split
        ``train, test``, each with an `x` and a `y` of its own.

    Raises
    ------
    ValueError
        If the lengths differ, or one of the two parts would be empty.
    TypeError
        If `rng` is missing.

    Examples
    --------
    >>> import numpy as np
    >>> (x, y), (x_test, y_test) = train_test_split(np.arange(8), np.arange(8) % 2, 0.25, rng=1)
    >>> x.shape, x_test.shape, bool(np.all(x % 2 == y))
    ((6,), (2,), True)
    """
    x, y = _paired("train_test_split", x, y)
    if rng is None:
        raise TypeError("train_test_split: give rng, a numpy.random.Generator or a seed, as rng=0")
    rows = len(x)
    if isinstance(test_size, bool) or not isinstance(
        test_size, int | float | np.integer | np.floating
    ):
        raise TypeError(f"train_test_split: test_size is {test_size!r}: it must be a number")
    if isinstance(test_size, int | np.integer):
        kept = int(test_size)
    elif 0 < test_size < 1:
        kept = int(np.ceil(float(test_size) * rows))
    else:
        raise ValueError(
            f"train_test_split: test_size is {test_size}: as a part of the rows it lies between 0 "
            "and 1; a number of rows is an integer"
        )
    if not 0 < kept < rows:
        raise ValueError(
            f"train_test_split: {kept} of {rows} rows for testing leaves one part empty"
        )
    order = _generator("train_test_split", rng).permutation(rows)
    test, train = order[:kept], order[kept:]
    return Split(Data(x[train], y[train]), Data(x[test], y[test]))


def _paired(operation: str, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(x), np.asarray(y)
    for name, array in (("x", x), ("y", y)):
        if array.ndim == 0:
            raise TypeError(f"{operation}: {name} is {array.item()!r}: it must be an array of rows")
        if array.dtype == object:
            raise TypeError(f"{operation}: {name} is an array of objects: it must hold numbers")
    if len(x) != len(y):
        raise ValueError(
            f"{operation}: x has {len(x)} rows (shape {x.shape}) and y {len(y)} (shape {y.shape}): "
            "row i of one belongs to row i of the other"
        )
    if not len(x):
        raise ValueError(f"{operation}: there are no rows (x has shape {x.shape})")
    return x, y


def _generator(operation: str, rng: np.random.Generator | int) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{operation}: rng is {rng!r}: it must be a numpy.random.Generator or a seed ({error})"
        ) from None


def _read_only(rows: Array) -> Array:
    view = rows.view()
    view.flags.writeable = False
    return view

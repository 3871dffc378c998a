"""Reading elements, and results with elements replaced."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd_bp.operands import plain_index
from autograd_bp.operations import apply, joined
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import indexed_shape, normalized_axes, shape_of, winners


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``, with every kind of index NumPy has."""
    return apply(ROWS["getitem"], (x,), (plain_index(index),))


def take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise"
) -> Any:
    """The elements (or slices along `axis`) at `indices`."""
    if out is not None:
        raise TypeError("take cannot write to out=: use the result")
    a = joined(a)
    if axis is None:
        a, axis = apply(ROWS["reshape"], (a,), ((-1,),)), 0
    if not shape_of(a):  # as in NumPy, a scalar has an axis here
        a = apply(ROWS["reshape"], (a,), ((1,),))
    (axis,) = normalized_axes(operator.index(axis), len(shape_of(a)))
    n = shape_of(a)[axis]
    places = plain_index(indices)
    if not hasattr(places, "dtype"):
        places = np.asarray(places)
    if places.dtype.kind not in "iu":
        raise TypeError(f"take: indices are integers, not {places.dtype}")
    if mode == "wrap":
        places = places % n
    elif mode == "clip":
        places = np.clip(places, 0, n - 1)
    elif mode != "raise":
        raise ValueError(f"take: mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    return getitem(a, (*(slice(None),) * axis, places))


class at:  # noqa: N801  (used like a function: ab.at(x, index).set(v))
    """The elements of x at `index`, for results in which they are changed.

    Nothing is changed in place: derivatives pass through both x and what is written.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> x = ab.Tensor([1.0, 2.0, 3.0])
    >>> at(x, 1).set(5.0)
    Tensor([1., 5., 3.], op='index_set')
    >>> at(x, [0, 0]).add(1.0)
    Tensor([3., 2., 3.], op='add')
    """

    def __init__(self, x: Any, index: Any) -> None:
        self._x = joined(x)
        self._index = plain_index(index)

    def get(self) -> Any:
        """The elements themselves."""
        return getitem(self._x, self._index)

    def set(self, values: Any) -> Any:
        """x with `values` there; at a position named twice, the last one stays."""
        return apply(ROWS["index_set"], (self._x, values), (self._index,))

    def add(self, values: Any) -> Any:
        """x with `values` added there; at a position named twice, both are."""
        shape = shape_of(self._x)
        if isinstance(values, int | float) and hasattr(self._x, "dtype"):
            values = np.asarray(values, np.result_type(self._x.dtype, values))
        laid_out = apply(ROWS["broadcast_to"], (values,), (indexed_shape(shape, self._index),))
        return self._x + apply(ROWS["scatter"], (laid_out,), (self._index, shape))

    def multiply(self, values: Any) -> Any:
        """x with the elements there multiplied by `values`.

        Raises
        ------
        ValueError
            If a position is named twice: the products would depend on the order.
        """
        if not np.all(winners(shape_of(self._x), self._index)):
            raise ValueError(f"at(...).multiply: the index names a position twice: {self._index!r}")
        return self.set(self.get() * values)

    def __repr__(self) -> str:
        return f"at({self._x!r}, {self._index!r})"

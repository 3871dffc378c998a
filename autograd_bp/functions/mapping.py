"""Functions of one element or one slice, applied to a whole array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.functions.arranging import one_axis
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.shapes import (
    asarray,
    astype,
    broadcast_arrays,
    expand_dims,
    moveaxis,
    reshape,
    stack,
)
from autograd_bp.rules.arrays import shape_of


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """``func1d(slice, *args, **kwargs)`` of every 1-d slice along `axis`, put together again."""
    arr = asarray(arr)
    shape = shape_of(arr)
    axis = one_axis(axis, len(shape))
    rest = shape[:axis] + shape[axis + 1 :]
    if 0 in rest:
        raise ValueError("apply_along_axis: there is no slice to apply the function to")
    rows = reshape(moveaxis(arr, axis, -1), (int(np.prod(rest)), shape[axis]))
    results = [asarray(func1d(getitem(rows, i), *args, **kwargs)) for i in range(shape_of(rows)[0])]
    whole = stack(results)
    own = shape_of(whole)[1:]
    whole = reshape(whole, (*rest, *own))
    n = len(own)
    return moveaxis(whole, tuple(range(-n, 0)), tuple(range(axis, axis + n))) if n else whole


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """``func(a, axis)`` for one axis after the other; lost axes are put back with length 1."""
    a = asarray(a)
    n = len(shape_of(a))
    for axis in (axes,) if isinstance(axes, int | np.integer) else tuple(axes):
        place = one_axis(axis, n)
        found = func(a, place)
        if len(shape_of(found)) != n:
            found = expand_dims(found, place)
        if len(shape_of(found)) != n:
            raise ValueError("apply_over_axes: the function must keep or drop the axis it is given")
        a = found
    return a


class vectorize:  # noqa: N801  (NumPy's name)
    """`pyfunc`, a function of single numbers, for arrays with broadcasting.

    Each element is a 0-d node of its own, so this is as slow as a loop. `numpy.vectorize` cannot
    be used on nodes: it makes plain arrays of them before anyone is asked.

    Parameters
    ----------
    pyfunc
        A function of numbers that returns a number, or a tuple of them.
    otypes
        The dtype of the results; a sequence, one for each.
    doc
        The docstring.
    excluded
        Names and places of arguments that are passed on as they are.

    >>> import autograd_bp as ab
    >>> ramp = vectorize(lambda x, top: x if x < top else top)
    >>> ramp(ab.Tensor([1.0, 2.0, 3.0]), 2.5)
    Tensor([1. , 2. , 2.5], op='reshape')
    """

    def __init__(
        self,
        pyfunc: Callable[..., Any],
        otypes: Any = None,
        doc: str | None = None,
        excluded: Any = None,
        cache: bool = False,  # noqa: ARG002  (the function is called once an element anyway)
        signature: str | None = None,
    ) -> None:
        if not callable(pyfunc):
            raise TypeError(f"vectorize takes a function, not {type(pyfunc).__name__}")
        if signature is not None:
            raise TypeError("vectorize: signature= is not supported; see apply_along_axis")
        self.pyfunc = pyfunc
        self.otypes = None if otypes is None else list(otypes)
        self.excluded = frozenset(excluded or ())
        self.__doc__ = doc or pyfunc.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function of every element."""
        arguments: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        mapped = [key for key in arguments if key not in self.excluded]
        if not mapped:
            return self.pyfunc(*args, **kwargs)
        arrays = broadcast_arrays(*(asarray(arguments[key]) for key in mapped))
        shape = shape_of(arrays[0])
        n = int(np.prod(shape))
        if n == 0:
            raise ValueError("vectorize: there is no element to call the function with")
        flat = [reshape(a, (n,)) for a in arrays]
        results = []
        for k in range(n):
            here = dict(zip(mapped, (getitem(a, k) for a in flat), strict=True))
            of_this = {**arguments, **here}
            positional = [of_this[i] for i in range(len(args))]
            results.append(self.pyfunc(*positional, **{name: of_this[name] for name in kwargs}))
        if isinstance(results[0], tuple):
            columns = [list(column) for column in zip(*results, strict=True)]
            return tuple(self._joined(column, shape, i) for i, column in enumerate(columns))
        return self._joined(results, shape, 0)

    def _joined(self, results: list[Any], shape: tuple[int, ...], place: int) -> Any:
        whole = reshape(stack([asarray(result) for result in results]), shape)
        return whole if self.otypes is None else astype(whole, self.otypes[place])

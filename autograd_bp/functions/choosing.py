"""Choices between operands, and elements replaced where they are no numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp.functions.elementwise import refuse_out, where
from autograd_bp.functions.indexing import at, getitem
from autograd_bp.functions.reductions import cumprod, cumsum, mean, prod, std, var
from autograd_bp.functions.reductions import max as largest
from autograd_bp.functions.reductions import min as smallest
from autograd_bp.functions.reductions import sum as total
from autograd_bp.functions.shapes import asarray, astype, broadcast_to, stack
from autograd_bp.operations import apply, plain
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import kept_shape, shape_of


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """For each element the choice whose condition holds first, or `default`.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([-2.0, 0.5, 3.0])
    >>> select([x < 0, x > 1], [-x, x**2], 0.0)
    Tensor([2., 0., 9.], op='where')
    """
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise ValueError(
            f"select: there are {len(conditions)} conditions and {len(choices)} choices; each "
            "condition needs its choice"
        )
    result = default
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        holds = np.asarray(plain(condition))
        if holds.dtype != np.bool_:
            raise TypeError(f"select: a condition is an array of booleans, not of {holds.dtype}")
        result = where(holds, asarray(choice), result)
    return result


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """For each element of `a`, a number, the element at its place in the choice of that number."""
    refuse_out(out, "choose")
    options = [asarray(choice) for choice in choices]
    index = np.asarray(plain(a))
    if index.dtype.kind not in "iub":
        raise TypeError(f"choose: the numbers of the choices are integers, not {index.dtype}")
    n = len(options)
    # Bad numbers are for NumPy to refuse, and its modes to bring into range.
    index = np.choose(index, list(range(n)), mode=mode)  # type: ignore[call-overload]
    shape = np.broadcast_shapes(index.shape, *map(shape_of, options))
    layers = stack([broadcast_to(option, shape) for option in options])
    places = np.broadcast_to(index, shape)
    return getitem(layers, (places, *np.indices(shape)))


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Per element the function (or number) whose condition holds last; 0 where none does.

    One function more than conditions is for where none holds.

    >>> import autograd_bp as ab
    >>> x = ab.Tensor([-1.0, 4.0])
    >>> piecewise(x, [x >= 0], [ab.sqrt, lambda x: -x])
    Tensor([1., 2.], op='index_set')
    """
    x = asarray(x)
    first = condlist[0] if isinstance(condlist, list | tuple) and len(condlist) else condlist
    alone = np.ndim(plain(first)) == 0 and len(shape_of(x)) != 0
    conditions = [condlist] if alone or not isinstance(condlist, list | tuple) else list(condlist)
    masks = [np.asarray(plain(condition), bool) for condition in conditions]
    functions = list(funclist)
    if len(functions) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    if len(functions) != len(masks):
        raise ValueError(
            f"piecewise: with {len(conditions)} conditions there are {len(conditions)} or "
            f"{len(conditions) + 1} functions, not {len(functions)}"
        )
    result: Any = np.zeros(shape_of(x), getattr(x, "dtype", float))
    for mask, function in zip(masks, functions, strict=True):
        index = np.broadcast_to(mask, shape_of(x))
        if not callable(function):
            result = at(result, index).set(function)
        elif index.any():
            result = at(result, index).set(function(getitem(x, index), *args, **kw))
    return result if hasattr(result, "_value") or not hasattr(x, "_value") else asarray(x * 0.0)


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Numbers for nan and the infinities: 0, and the ends of the floats. Others stay.

    No derivative passes where an element was replaced.
    """
    if not copy:
        raise TypeError("nan_to_num(copy=False) writes in place: use the result of copy=True")
    x = asarray(x)
    numbers = np.asarray(plain(x))
    if numbers.dtype.kind != "f":
        return x
    ends = np.finfo(numbers.dtype)
    result = where(np.isnan(numbers), nan, x)
    result = where(np.isposinf(numbers), float(ends.max) if posinf is None else posinf, result)
    return where(np.isneginf(numbers), float(ends.min) if neginf is None else neginf, result)


# -- reductions that leave out nan -----------------------------------------------------------------


def _present(a: Any, condition: Any) -> Any:
    numbers = np.asarray(plain(a))
    there = ~np.isnan(numbers) if numbers.dtype.kind == "f" else np.ones(numbers.shape, bool)
    return there if condition is True else there & np.asarray(plain(condition))


def _reduced(reduce: Callable[..., Any], name: str) -> Callable[..., Any]:
    def function(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: float | None = None,
        where: Any = True,
    ) -> Any:
        refuse_out(out, name)
        a = asarray(a)
        start = {} if initial is None else {"initial": initial}
        return reduce(a, axis, dtype, keepdims=keepdims, where=_present(a, where), **start)

    return _named(function, name, f"`{name[3:]}` of the elements that are not nan.")


def _averaged(reduce: Callable[..., Any], name: str) -> Callable[..., Any]:
    def function(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        *settings: Any,
        where: Any = True,
        **keywords: Any,
    ) -> Any:
        refuse_out(out, name)
        a = asarray(a)
        with np.errstate(invalid="ignore", divide="ignore"):
            return reduce(a, axis, dtype, None, *settings, where=_present(a, where), **keywords)

    text = f"`{name[3:]}` of the elements that are not nan; nan where there is none."
    return _named(function, name, text)


def _named(function: Callable[..., Any], name: str, text: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__module__ = "autograd_bp"
    function.__doc__ = text
    return function


nansum = _reduced(total, "nansum")
nanprod = _reduced(prod, "nanprod")
nanmean = _averaged(mean, "nanmean")
nanvar = _averaged(var, "nanvar")
nanstd = _averaged(std, "nanstd")


def nanmax(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The largest of the elements that are not nan; nan where there is none."""
    refuse_out(out, "nanmax")
    return _nan_extreme(largest, -np.inf, a, axis, keepdims, initial, where)


def nanmin(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The smallest of the elements that are not nan; nan where there is none."""
    refuse_out(out, "nanmin")
    return _nan_extreme(smallest, np.inf, a, axis, keepdims, initial, where)


def _nan_extreme(
    reduce: Callable[..., Any],
    neutral: float,
    a: Any,
    axis: Any,
    keepdims: bool,
    initial: Any,
    condition: Any,
) -> Any:
    a = asarray(a)
    there = _present(a, condition)
    found = reduce(where(there, a, neutral), axis, keepdims=keepdims, initial=initial)
    if initial is not None:
        return found
    empty = ~np.any(np.broadcast_to(there, shape_of(a)), axis=axis, keepdims=keepdims)
    return where(empty, np.nan, found) if np.any(empty) else found


def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """`cumsum` with 0 for nan."""
    refuse_out(out, "nancumsum")
    a = asarray(a)
    return cumsum(where(_present(a, True), a, 0.0), axis, dtype)


def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """`cumprod` with 1 for nan."""
    refuse_out(out, "nancumprod")
    a = asarray(a)
    return cumprod(where(_present(a, True), a, 1.0), axis, dtype)


# -- statistics -----------------------------------------------------------------------------------


def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """The mean, or the sum of weights times elements over the sum of weights.

    With `returned` also that sum: ``(average, sum)``.
    """
    a = asarray(a)
    if weights is None:
        result = mean(a, axis, keepdims=keepdims)
        count = np.size(plain(a)) / max(np.size(plain(result)), 1)
        return (result, np.full(shape_of(result), count)) if returned else result
    w = asarray(weights)
    if shape_of(w) != shape_of(a):
        if axis is None:
            raise TypeError(
                f"average: without an axis, weights of shape {shape_of(w)} must have the shape "
                f"{shape_of(a)} of the array"
            )
        axes = (axis,) if isinstance(axis, int) else tuple(axis)
        axes = tuple(k % len(shape_of(a)) for k in axes)
        if shape_of(w) != tuple(shape_of(a)[k] for k in axes):
            raise ValueError(
                f"average: weights of shape {shape_of(w)} do not fit the axes {axes} of an array "
                f"of shape {shape_of(a)}"
            )
        laid_out = apply(ROWS["transpose"], (w,), (tuple(int(k) for k in np.argsort(axes)),))
        others = tuple(k for k in range(len(shape_of(a))) if k not in axes)
        w = apply(ROWS["reshape"], (laid_out,), (kept_shape(shape_of(a), others),))
        w = broadcast_to(w, shape_of(a))
    scale = total(w, axis, keepdims=keepdims)
    if np.any(np.asarray(plain(scale)) == 0):
        raise ZeroDivisionError("average: the weights add up to zero")
    result = total(a * w, axis, keepdims=keepdims) / scale
    return (result, broadcast_to(scale, shape_of(result))) if returned else result


def _variables(m: Any, y: Any, rowvar: bool) -> Any:
    x = asarray(m)
    x = apply(ROWS["reshape"], (x,), ((1, -1),)) if len(shape_of(x)) < 2 else x
    if len(shape_of(x)) > 2:
        raise ValueError(f"cov: at most two axes, not shape {shape_of(x)}")
    if not rowvar and shape_of(asarray(m))[:-1] != ():
        x = x.T
    if y is None:
        return x
    other = _variables(y, None, rowvar)
    return apply(ROWS["concatenate"], (x, other), (0,))


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """The covariance matrix of variables in rows (columns, if not `rowvar`).

    >>> import autograd_bp as ab
    >>> cov(ab.Tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0]])).data.tolist()
    [[1.0, 3.5], [3.5, 13.0]]
    """
    x = _variables(m, y, rowvar)
    # As in NumPy, in double precision unless asked otherwise.
    x = astype(x, np.result_type(getattr(x, "dtype", float), float) if dtype is None else dtype)
    n = shape_of(x)[1]
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights: Any = None
    if fweights is not None:
        weights = np.asarray(plain(fweights))
        if weights.dtype.kind not in "iu":
            raise TypeError("cov: fweights are whole numbers")
    if aweights is not None:
        of_each = asarray(aweights)
        weights = of_each if weights is None else weights * of_each
    if weights is None:
        centred = x - mean(x, 1, keepdims=True)
        product, scale = centred @ centred.T, n - ddof
    else:
        whole = total(weights)
        centred = x - total(x * weights, 1, keepdims=True) / whole
        product = centred @ (centred * weights).T
        if ddof == 0:
            scale = whole
        elif aweights is None:
            scale = whole - ddof
        else:
            scale = whole - ddof * total(weights * asarray(aweights)) / whole
    result = product / scale
    return apply(ROWS["reshape"], (result,), ((),)) if shape_of(result) == (1, 1) else result


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """The correlation matrix: `cov` over the standard deviations of both variables."""
    c = cov(x, y, rowvar, dtype=dtype)
    if not shape_of(c):
        return c / c
    n = shape_of(c)[0]
    deviation = getitem(c, (np.arange(n), np.arange(n))) ** 0.5
    column = apply(ROWS["reshape"], (deviation,), ((n, 1),))
    return apply(ROWS["clip"], (c / column / deviation, -1.0, 1.0))

"""NumPy's own functions on nodes: `np.exp(t)` and `np.sum(t)` record like `ab.exp` and `ab.sum`.

A function that has no counterpart here raises, and says what to do: nothing falls back to arrays
of objects, and no gradient is lost in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp import linalg
from autograd_bp.errors import brief
from autograd_bp.functions import PUBLIC
from autograd_bp.node import Node
from autograd_bp.operations import read_only, without_history

UFUNCS: dict[Any, Callable[..., Any]] = {}
"""The operation for each of NumPy's ufuncs."""
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""The operation for each of NumPy's other functions."""

for _name, _operation in PUBLIC.items():
    _numpy_function = getattr(np, _name, None)
    if isinstance(_numpy_function, np.ufunc):
        UFUNCS[_numpy_function] = _operation
    elif _numpy_function is not None:
        FUNCTIONS[_numpy_function] = _operation
FUNCTIONS[np.linalg.norm] = linalg.norm

# The functions of one ufunc that are reductions with a rule of their own.
_METHODS: dict[tuple[Any, str], Callable[..., Any]] = {
    (np.add, "reduce"): PUBLIC["sum"],
    (np.multiply, "reduce"): PUBLIC["prod"],
    (np.maximum, "reduce"): PUBLIC["max"],
    (np.minimum, "reduce"): PUBLIC["min"],
    (np.logaddexp, "reduce"): PUBLIC["logsumexp"],
    (np.add, "accumulate"): PUBLIC["cumsum"],
    (np.multiply, "accumulate"): PUBLIC["cumprod"],
}

# Results that do not depend on the values, or only through comparisons.
for _name in (
    "shape ndim size isclose allclose array_equal array_equiv isneginf isposinf iscomplexobj "
    "isrealobj result_type can_cast min_scalar_type zeros_like ones_like empty_like full_like "
    "nonzero flatnonzero argwhere searchsorted digitize lexsort argpartition nanargmax nanargmin "
    "iterable may_share_memory shares_memory"
).split():
    _numpy_function = getattr(np, _name, None)
    if _numpy_function is not None:

        def _on_numbers(*args: Any, _function: Any = _numpy_function, **kwargs: Any) -> Any:
            fill = kwargs.get("fill_value", args[1] if len(args) > 1 else None)
            if _function is np.full_like and isinstance(fill, Node) and fill.requires_grad:
                raise TypeError(
                    "np.full_like of a node would lose its gradient: use ab.broadcast_to(node, "
                    "shape)"
                )
            settings = {k: read_only(v) for k, v in kwargs.items()}
            return _function(*map(read_only, args), **settings)

        FUNCTIONS[_numpy_function] = _on_numbers
# Text of a node is the node's own.
for _numpy_function in (np.array_repr, np.array_str, np.array2string):
    FUNCTIONS[_numpy_function] = lambda a, *_, **__: repr(a)


def array_ufunc(_: Node, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's hook for ufuncs."""
    out = kwargs.pop("out", None)
    if out is not None:
        raise TypeError(
            f"np.{ufunc.__name__} cannot write its result into an array that is there already when "
            f"{_named((*inputs, *out))} takes part: a recorded graph may need what is there, "
            "and a plain "
            "array has no gradient. Use the result instead (x = x + t for x += t)"
        )
    if method == "__call__" and ufunc in UFUNCS:
        where = kwargs.pop("where", True)
        _refuse(ufunc.__name__, kwargs)
        if where is not True:
            raise TypeError(
                f"np.{ufunc.__name__}(..., where=...) leaves the other elements undefined: use "
                "ab.where(condition, result, something)"
            )
        return UFUNCS[ufunc](*inputs)
    operation = _METHODS.get((ufunc, method))
    if operation is not None:
        kwargs = {k: v for k, v in kwargs.items() if v is not None or k == "axis"}
        kwargs.setdefault("axis", 0)
        return operation(*inputs, **kwargs)
    if method == "outer" and ufunc in UFUNCS:
        _refuse(ufunc.__name__, kwargs)
        left, right = map(PUBLIC["asarray"], inputs)
        return UFUNCS[ufunc](left.reshape(left.shape + (1,) * right.ndim), right)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if ufunc.nin and method == "__call__" and _is_predicate(ufunc):
        _refuse(name, kwargs)
        return without_history(ufunc(*map(read_only, inputs)), inputs)
    raise TypeError(_no_rule(name))


def _is_predicate(ufunc: Any) -> bool:
    """Whether the ufunc gives truth values or integers for floats: it has no derivative."""
    outcomes = {types.split("->")[1] for types in ufunc.types if "d" in types.split("->")[0]}
    outcomes = outcomes or {types.split("->")[1] for types in ufunc.types}
    return all(set(outcome) <= set("?bBhHiIlLqQ") for outcome in outcomes)


def array_function(
    _: Node, function: Any, _types: Sequence[type], args: Any, kwargs: dict[str, Any]
) -> Any:
    """NumPy's hook for its other functions."""
    operation = FUNCTIONS.get(function)
    if operation is None:
        module = getattr(function, "__module__", "numpy").replace("numpy", "np", 1)
        raise TypeError(_no_rule(getattr(function, "__name__", str(function)), module))
    return operation(*args, **kwargs)


def _no_rule(name: str, module: str = "np") -> str:
    return (
        f"{module}.{name} has no derivative rule here. Write it in operations that have (see "
        "ab.functions.PUBLIC), give it a rule of your own with ab.scalar_rule or ab.Function, or "
        "take the numbers out of the graph with t.data or t.detach()"
    )


def _named(inputs: Sequence[Any]) -> str:
    return next(brief(operand) for operand in inputs if isinstance(operand, Node))


def _refuse(name: str, kwargs: dict[str, Any]) -> None:
    left = {k: v for k, v in kwargs.items() if v is not None}
    if left:
        raise TypeError(f"np.{name} on a node does not take {', '.join(left)}")


Node.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
Node.__array_function__ = array_function  # type: ignore[attr-defined]

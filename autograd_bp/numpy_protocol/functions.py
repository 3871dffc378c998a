"""NumPy's functions that are not ufuncs, on nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_bp import fft, linalg
from autograd_bp.functions import PUBLIC
from autograd_bp.functions.elementwise import PREDICATES
from autograd_bp.node import Node
from autograd_bp.numpy_protocol.namespace import ON_NUMBERS, REFUSED
from autograd_bp.numpy_protocol.ufuncs import no_rule
from autograd_bp.numpy_protocol.writing import WRITING
from autograd_bp.operations import read_only, without_history
from autograd_bp.rules.arrays import shape_of
from autograd_bp.tensor import Tensor

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""The operation for each of NumPy's functions that are not ufuncs."""


def _counterparts() -> Iterator[tuple[Any, Callable[..., Any]]]:
    # NumPy's functions of these names write in place; ours return the changed array.
    in_place = {"put_along_axis"}
    for name, operation in PUBLIC.items():
        function = getattr(np, name, None)
        if function is not None and not isinstance(function, np.ufunc) and name not in in_place:
            yield function, operation
    former = vars(np).get("trapz")  # its name, until NumPy 2.4 left that out
    if former is not None:
        yield former, PUBLIC["trapezoid"]
    for ours, numpys in ((linalg, np.linalg), (fft, np.fft)):
        for name in ours.__all__:
            if hasattr(numpys, name):
                yield getattr(numpys, name), getattr(ours, name)


FUNCTIONS.update(_counterparts())


# -- no derivative --------------------------------------------------------------------------------


def _on_numbers(function: Any) -> Callable[..., Any]:
    def of_numbers(*args: Any, **kwargs: Any) -> Any:
        settings = {k: read_only(v) for k, v in kwargs.items()}
        return function(*map(read_only, args), **settings)

    return of_numbers


for _name in ON_NUMBERS:
    _module, _, _attribute = _name.rpartition(".")
    _function = getattr(getattr(np, _module) if _module else np, _attribute, None)
    if _function is not None:
        FUNCTIONS.setdefault(_function, _on_numbers(_function))


def _like(function: Any) -> Callable[..., Any]:
    """An array like a Tensor is a Tensor with no history, to be written to."""

    def make(a: Any, *args: Any, **kwargs: Any) -> Any:
        made = function(read_only(a), *args, **{k: read_only(v) for k, v in kwargs.items()})
        return without_history(made, (a,))

    return make


for _function in (np.zeros_like, np.ones_like, np.empty_like):
    FUNCTIONS[_function] = _like(_function)


def full_like(a: Any, fill_value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
    """An array like `a` full of one number; derivatives go to that number."""
    if isinstance(fill_value, Node) and fill_value.requires_grad:
        shape = kwargs.pop("shape", None)
        full = PUBLIC["broadcast_to"](fill_value, shape_of(a) if shape is None else shape)
        return PUBLIC["astype"](full, getattr(a, "dtype", float) if dtype is None else dtype)
    return _like(np.full_like)(a, read_only(fill_value), dtype, *args, **kwargs)


FUNCTIONS[np.full_like] = full_like

FUNCTIONS.update(WRITING)

# Text of a node is the node's own.
for _function in (np.array_repr, np.array_str, np.array2string):
    FUNCTIONS[_function] = lambda a, *_, **__: repr(a)

WITHOUT_DERIVATIVE = frozenset(map(id, PREDICATES.values()))


# -- the hook -------------------------------------------------------------------------------------


def array_function(
    node: Node, function: Any, _types: Sequence[type], args: Any, kwargs: dict[str, Any]
) -> Any:
    """NumPy's hook for its other functions."""
    operation = FUNCTIONS.get(function)
    if operation is not None:
        return operation(*args, **kwargs)
    module = getattr(function, "__module__", "numpy").replace("numpy", "np", 1)
    name = getattr(function, "__name__", str(function))
    reason = REFUSED.get(f"{module}.{name}".removeprefix("np."))
    del node
    if reason is not None:
        raise TypeError(
            f"{module}.{name} of a {Tensor.__name__}: {reason}. {no_rule(name, module)}"
        )
    raise TypeError(no_rule(name, module))

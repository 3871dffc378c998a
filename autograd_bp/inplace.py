"""Changes in place, as NumPy has them: `x[i] = v`, `x += y`, through views and views of views.

Nothing that a recorded graph holds is written to. The object x becomes the result of an operation
on its older self (see `versions`), which derivatives pass like any other; a view of x is taken
again from the new x, and a change of a view is put back into what it is a view of.

What cannot be changed: a leaf that a derivative is wanted by, since that is a derivative by the
number it was given; a result while recording is off, since its history would be lost.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp import tensor
from autograd_bp.errors import brief
from autograd_bp.functions import PUBLIC
from autograd_bp.node import Node, next_serial
from autograd_bp.operands import is_operand, plain_index
from autograd_bp.operations import apply, joined
from autograd_bp.recording import state, unusual
from autograd_bp.rules import ROWS, Rule
from autograd_bp.rules.arrays import inverse_permutation
from autograd_bp.tensor import Tensor
from autograd_bp.versions import happened, repair

# Views of these can be written through; of others NumPy makes them read-only.
_WRITABLE = ("getitem", "reshape", "transpose", "flip")


def _put_back(base: Tensor, rule: Rule, params: tuple[Any, ...], new: Tensor) -> Tensor:
    """What a base becomes when a view of it has become `new`."""
    back: Any
    if rule.name == "getitem":
        back = apply(ROWS["index_set"], (base, new), params)
    elif rule.name == "reshape":
        back = apply(ROWS["reshape"], (new,), (base.shape,))
    elif rule.name == "transpose":
        back = apply(ROWS["transpose"], (new,), (inverse_permutation(params[0]),))
    else:
        back = apply(ROWS["flip"], (new,), params)
    return _fitting(base, back, rule.name)


def _view_of(x: Tensor) -> tuple[Tensor, Rule, tuple[Any, ...]] | None:
    found: tuple[Tensor, Rule, tuple[Any, ...]] | None = (x._notes or {}).get("view_of")
    return found


def _views(x: Tensor) -> list[Tensor]:
    """The views of x that somebody still has."""
    references: list[weakref.ref[Tensor]] = (x._notes or {}).get("views", [])
    alive = [
        view
        for reference in references
        if (view := reference()) is not None and (_view_of(view) or (None,))[0] is x
    ]
    references[:] = map(weakref.ref, alive)
    return alive


def overwrite(x: Tensor, new: Any, what: str) -> None:
    """Let x, and all that shares its elements, have the numbers (and the history) of `new`.

    Raises, before anything is changed, where that cannot be.
    """
    root, changed = x, _fitting(x, new, what)
    while (view := _view_of(root)) is not None:
        base, rule, params = view
        if rule.name not in _WRITABLE:
            raise ValueError(
                f"{what}: {brief(root)} is a read-only view, made by {rule.name}: copy it first, "
                "as in x = x.copy()"
            )
        root, changed = base, _put_back(base, rule, params, changed)
    _check(root, what)
    _become(root, changed)
    _refresh(root)


def _fitting(x: Tensor, changed: Any, what: str) -> Tensor:
    """The new value in the shape and dtype of x."""
    new: Tensor = changed if isinstance(changed, Tensor) else tensor.result(np.asarray(changed))
    if new.shape != x.shape:
        raise ValueError(
            f"{what}: the result has shape {new.shape}, and does not fit into shape {x.shape}"
        )
    if new.dtype != x.dtype:
        if new.requires_grad and x.dtype.kind != "f":
            raise TypeError(
                f"{what}: an array of {x.dtype} does not keep derivatives; make it of floats"
            )
        new = PUBLIC["astype"](new, x.dtype)
    return new


def _check(x: Tensor, what: str) -> None:
    if x._tracer is not None or (unusual.threads and state.tracer is not None):
        raise TypeError(
            f"{what}: in a function that is compiled nothing is changed in place; write "
            "x = ab.at(x, index).set(value)"
        )
    if x.requires_grad and x.rule is not None and not state.recording:
        raise TypeError(
            f"{what}: {brief(x)} would lose its history, since recording is off (ab.no_grad); "
            "x.detach() is a Tensor of its own"
        )
    if x.requires_grad and x.rule is None and state.recording and not _is_input(x):
        raise TypeError(
            f"{what}: {brief(x)} is a leaf that a derivative is wanted by, so it is not changed in "
            "place. Make a copy first (x = x.copy()), write x = ab.at(x, index).set(value), or "
            "change its numbers outside the graph (x.data[index] = value, or inside ab.no_grad)"
        )


def _is_input(x: Tensor) -> bool:
    """Whether x stands for an argument of a function that is being differentiated."""
    return bool((x._notes or {}).get("input"))


def _become(x: Tensor, new: Tensor) -> None:
    """The object x with the numbers and the history of `new`; what it was lives on in the graph."""
    kept = {k: v for k, v in (x._notes or {}).items() if k in ("name", "views", "view_of")}
    if not state.recording and x.requires_grad and x.rule is None:
        x._value = new._value  # a leaf's numbers: graphs keep those they were made with
        x._lent = False
        return
    happened.ever = True
    old = Tensor.__new__(Tensor)
    for slot in ("_value", "grad", "requires_grad", "rule", "serial", "_lent"):
        setattr(old, slot, getattr(x, slot))
    old._parents, old.args, old._params = x._parents, x.args, x._params
    old._notes = {k: v for k, v in (x._notes or {}).items() if k not in ("views", "view_of")}
    parents = tuple(old if parent is x else parent for parent in new._parents)
    x._come_from(new.rule, parents, new.args, new._params)
    x._value, x.requires_grad, x.grad = (
        _laid_out_like(new._value, x._value),
        new.requires_grad,
        None,
    )
    x._lent = False
    x.serial = next_serial()
    made = {k: v for k, v in (new._notes or {}).items() if k not in ("views", "view_of", "input")}
    x._notes = {**made, **kept, "before": old}
    repair([x], after=old.serial)


def _laid_out_like(array: Any, old: Any) -> Any:
    """An array in the memory layout of another, which says whether a reshape of it is a view."""
    if array.strides == old.strides:
        return array
    same = np.empty_like(old)
    same[...] = array
    return same


def _refresh(base: Tensor) -> None:
    """Take the views of what was changed again."""
    for view in _views(base):
        _, rule, params = view._notes["view_of"]  # type: ignore[index]
        _become(view, apply(rule, (base,), params))
        _refresh(view)


# -- what a program writes ------------------------------------------------------------------------


def set_item(x: Tensor, index: Any, new: Any) -> None:
    """``x[index] = new``."""
    index = plain_index(index)
    new = joined(new)
    view = _view_of(new) if isinstance(new, Tensor) else None
    if view is not None and view[0] is x and _same_index(view, index):
        return  # the end of x[index] += y, which has changed x already
    if not isinstance(new, Node):
        new = np.asarray(new)
        if new.dtype.kind not in "biuf":
            raise TypeError(f"x[index] = value: a Tensor holds real numbers, not {new.dtype}")
    if x.dtype.kind != "f" and not isinstance(new, Node):
        numbers = x._value.copy()
        numbers[index] = new
        overwrite(x, tensor.result(numbers), "x[index] = value")
        return
    overwrite(x, apply(ROWS["index_set"], (x, new), (index,)), "x[index] = value")


def _same_index(view: tuple[Tensor, Rule, tuple[Any, ...]], index: Any) -> bool:
    _, rule, params = view
    return rule.name == "getitem" and not _has_array(index) and bool(params[0] == index)


def _has_array(index: Any) -> bool:
    pieces = index if isinstance(index, tuple) else (index,)
    return any(isinstance(piece, np.ndarray | Node) for piece in pieces)


def _operator(symbol: str, compute: Callable[[Any, Any], Any]) -> Callable[[Tensor, Any], Any]:
    def change(self: Tensor, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        if self.ndim == 0 and _view_of(self) is None:
            return compute(self, other)  # as NumPy's numbers, which do not change
        overwrite(self, compute(self, other), f"x {symbol} y")
        return self

    return change


for _name, _symbol in (
    ("add", "+="),
    ("sub", "-="),
    ("mul", "*="),
    ("truediv", "/="),
    ("floordiv", "//="),
    ("mod", "%="),
    ("pow", "**="),
    ("matmul", "@="),
):
    setattr(Tensor, f"__i{_name}__", _operator(_symbol, getattr(operator, _name)))
Tensor.__setitem__ = set_item  # type: ignore[method-assign]


def fill(self: Tensor, value: Any) -> None:
    """Every element the same number, in place."""
    set_item(self, ..., value)


def sort(
    self: Tensor, axis: int = -1, kind: str | None = None, *, stable: bool | None = None
) -> None:
    """The elements along `axis` in ascending order, in place."""
    overwrite(self, PUBLIC["sort"](self, axis, kind, stable=stable), "x.sort()")


def flatten(self: Tensor, order: str = "C") -> Tensor:
    """All elements in one axis: a Tensor of its own, not a view."""
    return tensor.not_a_view(PUBLIC["ravel"](self, order))


def copy(self: Tensor, order: str = "C") -> Tensor:
    """A node of the same numbers, which derivatives pass, in memory of its own."""
    copied: Tensor = apply(ROWS["identity"], (self,))
    if not self._value.flags.c_contiguous:
        copied._value = np.array(copied._value, order=order)  # type: ignore[call-overload]
    return copied


Tensor.flatten, Tensor.copy = flatten, copy  # type: ignore[method-assign]
Tensor.fill, Tensor.sort = fill, sort  # type: ignore[attr-defined]

"""Tensor: an array node on NumPy."""

from __future__ import annotations

import functools
import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from autograd_bp import copying
from autograd_bp.errors import brief, explained
from autograd_bp.node import CONSTANT_SERIAL, Node, next_serial
from autograd_bp.operands import (
    as_floats,
    as_operand,
    is_operand,
    leaf_array,
    plain_index,
    tracer_of,
)
from autograd_bp.recording import check_conversion, state, unusual
from autograd_bp.rules import ROWS, Rule
from autograd_bp.rules.arrays import sum_to
from autograd_bp.sweep import backward
from autograd_bp.value import checked_name, lost_gradient_message, no_gradient_message

Array = NDArray[Any]

_FLOAT64, _FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


class Tensor(Node):
    """An array that remembers how it was computed.

    Parameters
    ----------
    data
        An array of floats, or what NumPy makes one of; copied. float32 and float64 stay what they
        are.
    name
        Any text; shown on pictures and in messages.
    requires_grad
        Whether derivatives by this array are wanted. Integers and booleans can not have any.

    Raises
    ------
    TypeError
        If `data` is not an array of real numbers, or of integers while a gradient is required.

    Examples
    --------
    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]], name="x")
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([[2., 4.],
           [6., 8.]])
    """

    # `_lent`: the user has been given the array of this leaf, to write to.
    __slots__ = ("_lent", "_params", "_parents", "args")
    _lent: bool

    def __init__(
        self, data: ArrayLike | Node, name: str | None = None, requires_grad: bool = True
    ) -> None:
        array = leaf_array(data)
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"an array of {array.dtype} cannot have a gradient: write {as_floats(array)}, or "
                "say requires_grad=False"
            )
        self._start(array, checked_name(name), bool(requires_grad))

    def _start(self, data: Any, name: str | None, requires_grad: bool) -> None:
        super()._start(data, name, requires_grad)
        self._parents = self.args = self._params = ()
        self._lent = False

    def _come_from(
        self,
        rule: Any,
        parents: tuple[Node | None, ...],
        args: tuple[Any, ...],
        params: tuple[Any, ...],
    ) -> None:
        self.rule, self._parents, self.args, self._params = rule, parents, args, params

    @classmethod
    def _constant(cls, operand: Any) -> Tensor:
        constant = Tensor.__new__(Tensor)
        constant._start(np.asarray(operand), None, False)
        constant.serial = CONSTANT_SERIAL
        return constant

    def _conform(self, contribution: Any) -> Array:
        data = self._value
        if type(contribution) is not np.ndarray:
            contribution = np.asarray(contribution)
        shape = data.shape
        if contribution.shape != shape:
            if contribution.shape[contribution.ndim - len(shape) :] == shape:
                contribution = sum_to(contribution, shape)
            elif contribution.size == data.size == 1:
                contribution = contribution.reshape(data.shape)
            else:
                contribution = np.broadcast_to(
                    sum_to(np.broadcast_to(contribution, _outer(contribution, data)), data.shape),
                    data.shape,
                )
        if contribution.dtype != data.dtype:
            if data.dtype.kind != "f":
                raise TypeError(
                    f"an array of {data.dtype} cannot have a gradient, but requires_grad was set: "
                    f"make the Tensor of {as_floats(data)}"
                )
            contribution = contribution.astype(data.dtype)
        result: Array = contribution
        return result

    def _zero(self) -> Array:
        return np.zeros(self._value.shape, self._value.dtype)

    def _stand_in(self, operand: Any) -> Tensor:
        return record(ROWS["identity"], (operand,), (self,), (), operand)

    def _seed(self, cotangent: Any) -> Array:
        shape, dtype = self._value.shape, self._value.dtype
        if cotangent is None:
            if self._value.size != 1:
                raise ValueError(
                    f"{brief(self)} is not a scalar, so its gradient needs a cotangent of shape "
                    f"{shape}:"
                    " reduce it first, as in y.sum().backward(), or pass one, as in "
                    "y.backward(np.ones(y.shape))"
                )
            return _one(shape, dtype)
        try:
            seed = leaf_array(cotangent._value if isinstance(cotangent, Node) else cotangent)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the cotangent is no array of real numbers: {error}") from None
        if seed.shape != shape:
            raise ValueError(
                f"the cotangent has shape {seed.shape}, but {brief(self)} has shape {shape}: "
                "they must "
                "be the same"
            )
        return seed.astype(dtype)

    # -- the array ----------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        """The array: writable for a leaf, a read-only view for a result.

        Writing to a leaf's array changes no graph recorded before: those keep the old numbers.
        """
        if self.rule is not None:
            view: Array = self._value.view()
            view.flags.writeable = False
            return view
        if unusual.threads and state.tracer is not None:
            return state.tracer.numbers_of(self)  # type: ignore[no-any-return]
        if not self._lent:
            if _holders(self) > _ALONE or self._value.base is not None:
                self._value = self._value.copy()
            self._lent = True
        array: Array = self._value
        return array

    @data.setter
    def data(self, array: ArrayLike) -> None:
        if self.rule is not None:
            raise TypeError(
                f"{brief(self)} is the result of {self.rule.name}: change the leaves it depends "
                "on and "
                "compute it again"
            )
        if array is self._value:  # p.data -= step has changed it already
            return
        new = leaf_array(array)
        if new.shape != self._value.shape:
            raise ValueError(
                f"the new data has shape {new.shape}, but {brief(self)} has shape "
                f"{self._value.shape}: "
                "make a new Tensor for another shape"
            )
        self._value = new.astype(self._value.dtype, copy=False)
        self._lent = False

    def _operand(self) -> Array:
        """The array as an operand that will not change under a recorded graph."""
        if self._lent:
            if _holders(self) > _ALONE:
                copied: Array = self._value.copy()
                return copied
            self._lent = False  # whoever it was lent to has let it go
        array: Array = self._value
        return array

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        shape: tuple[int, ...] = self._value.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        dtype: np.dtype[Any] = self._value.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self._value.ndim)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self._value.size)

    @property
    def T(self) -> Tensor:  # noqa: N802  (NumPy's name)
        """The axes in reverse order."""
        return self.transpose()

    @property
    def mT(self) -> Tensor:  # noqa: N802  (NumPy's name)
        """The last two axes exchanged."""
        return self.swapaxes(-1, -2)

    def item(self, *index: int) -> float:
        """The only element, or the one at `index`, as a Python number."""
        check_conversion(self, asked=True)
        number: float = self._value.item(*index)
        return number

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return self._value.tolist()

    def detach(self) -> Tensor:
        """The same numbers as a leaf that no derivative passes."""
        return Tensor(self._value, name=self.name, requires_grad=False)

    def copy(self) -> Tensor:
        """A node of the same value, which derivatives pass."""
        return apply(ROWS["identity"], (self,))

    def numpy(self) -> Array:
        """A copy of the array."""
        copied: Array = self._value.copy()
        return copied

    # -- derivatives --------------------------------------------------------------------------

    def backward(self, cotangent: ArrayLike | None = None, retain_grads: bool = False) -> None:
        """Fill `.grad` of the leaves this tensor depends on.

        Leaves add up over calls.

        Parameters
        ----------
        cotangent
            The derivative of what is wanted by this tensor, of its shape. May be left out for a
            tensor with one element; then it is 1.
        retain_grads
            Fill `.grad` of the nodes between as well; each call overwrites theirs.

        Raises
        ------
        ValueError
            If nothing this tensor depends on requires a gradient, or the cotangent is missing
            or of the wrong shape.
        """
        if not self.requires_grad:
            raise ValueError(no_gradient_message(self))
        backward(self, cotangent, retain_grads=retain_grads)

    def zero_grad(self) -> None:
        """Forget the gradient: `.grad` is None again."""
        self.grad = None

    # -- operators: filled in from the rule sheet at the end of the module ----------------------

    __add__: Callable[[Tensor, Any], Tensor]
    __radd__: Callable[[Tensor, Any], Tensor]
    __sub__: Callable[[Tensor, Any], Tensor]
    __rsub__: Callable[[Tensor, Any], Tensor]
    __mul__: Callable[[Tensor, Any], Tensor]
    __rmul__: Callable[[Tensor, Any], Tensor]
    __truediv__: Callable[[Tensor, Any], Tensor]
    __rtruediv__: Callable[[Tensor, Any], Tensor]
    __floordiv__: Callable[[Tensor, Any], Tensor]
    __rfloordiv__: Callable[[Tensor, Any], Tensor]
    __mod__: Callable[[Tensor, Any], Tensor]
    __rmod__: Callable[[Tensor, Any], Tensor]
    __pow__: Callable[..., Tensor]
    __rpow__: Callable[[Tensor, Any], Tensor]
    __matmul__: Callable[[Tensor, Any], Tensor]
    __rmatmul__: Callable[[Tensor, Any], Tensor]

    def __neg__(self) -> Tensor:
        return apply(ROWS["neg"], (self,))

    def __abs__(self) -> Tensor:
        return apply(ROWS["abs"], (self,))

    def __pos__(self) -> Self:
        return self

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    def __invert__(self) -> Tensor:
        return result(~self._value)

    def __and__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.and_)

    def __rand__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.and_)

    def __or__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.or_)

    def __ror__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.or_)

    def __xor__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.xor)

    def __rxor__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.xor)

    # Comparison is elementwise and by value, with no gradient; hashing is by identity.

    def __eq__(self, other: object) -> Any:
        return _without_gradient(self, other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return _without_gradient(self, other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return _without_gradient(self, other, operator.ge)

    __hash__ = Node.__hash__

    # -- containers and conversions -------------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        return apply(ROWS["getitem"], (self,), (plain_index(index),))

    def __setitem__(self, index: Any, new: Any) -> None:
        raise TypeError(
            "a Tensor is not changed in place, since a recorded graph may need its old value: write"
            " x = ab.at(x, index).set(value), which derivatives pass, or x.data[index] = value on "
            "a leaf"
        )

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        if self._value.ndim == 0:
            raise TypeError("iteration over a 0-d Tensor")
        return (self[i] for i in range(len(self._value)))

    def __contains__(self, element: Any) -> bool:
        found = self == element
        return isinstance(found, Tensor) and bool(found._value.any())

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._one("float"))

    def __format__(self, spec: str) -> str:
        return format(self._one("format").item(), spec) if spec else str(self)

    def __int__(self) -> int:
        return int(self._one("int"))

    def __index__(self) -> int:
        return operator.index(self._value)

    def _one(self, target: str) -> Any:
        check_conversion(self)
        if self._value.size != 1:
            raise TypeError(f"{target}() needs a Tensor with one element, not {brief(self)}")
        return self._value.reshape(())

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise TypeError(lost_gradient_message(self))
        return np.array(self._value, dtype=dtype)

    def __copy__(self) -> Self:
        return copying.leaf(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copying.graph(self, memo)

    def __repr__(self) -> str:
        """
        >>> x = Tensor([1.0, 2.0], name="x")
        >>> x, x * 3.0, Tensor(np.zeros((100, 784), np.float32), requires_grad=False)
        (Tensor([1., 2.], name='x'), Tensor([3., 6.], op='mul'), Tensor([[0., ..., 0.],
               ...,
               [0., ..., 0.]], shape=(100, 784), dtype=float32, requires_grad=False))
        """
        array = self._value
        text = np.array2string(
            array,
            separator=", ",
            threshold=20,
            edgeitems=1 if array.size > 20 else 3,
            prefix="Tensor(",
        )
        parts = [text]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if array.size > 20 or array.size == 0:
            parts.append(f"shape={array.shape}")
        if array.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={array.dtype}")
        if self.rule is not None:
            parts.append(f"op={self.rule.name!r}")
        elif not self.requires_grad and array.dtype.kind == "f":
            parts.append("requires_grad=False")
        return f"Tensor({', '.join(parts)})"

    # Methods that are functions of `ab` with the tensor first; see `autograd_bp.functions`.

    transpose: Callable[..., Tensor]
    swapaxes: Callable[..., Tensor]
    reshape: Callable[..., Tensor]
    ravel: Callable[..., Tensor]
    flatten: Callable[..., Tensor]
    squeeze: Callable[..., Tensor]
    repeat: Callable[..., Tensor]
    diagonal: Callable[..., Tensor]
    trace: Callable[..., Tensor]
    sum: Callable[..., Tensor]
    mean: Callable[..., Tensor]
    prod: Callable[..., Tensor]
    max: Callable[..., Tensor]
    min: Callable[..., Tensor]
    var: Callable[..., Tensor]
    std: Callable[..., Tensor]
    cumsum: Callable[..., Tensor]
    cumprod: Callable[..., Tensor]
    argmax: Callable[..., Tensor]
    argmin: Callable[..., Tensor]
    any: Callable[..., Tensor]
    all: Callable[..., Tensor]
    clip: Callable[..., Tensor]
    round: Callable[..., Tensor]
    dot: Callable[..., Tensor]
    astype: Callable[..., Tensor]
    exp: Callable[[Tensor], Tensor]
    log: Callable[[Tensor], Tensor]
    sqrt: Callable[[Tensor], Tensor]
    sin: Callable[[Tensor], Tensor]
    cos: Callable[[Tensor], Tensor]
    tanh: Callable[[Tensor], Tensor]
    sigmoid: Callable[[Tensor], Tensor]
    relu: Callable[[Tensor], Tensor]
    softmax: Callable[..., Tensor]
    log_softmax: Callable[..., Tensor]


def _outer(contribution: Array, data: Array) -> tuple[int, ...]:
    """The shape both broadcast to; a contribution may be wider than its parent, or narrower."""
    return np.broadcast_shapes(contribution.shape, data.shape)


# -- operations -----------------------------------------------------------------------------------


@functools.lru_cache(64)
def _one(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The cotangent of a scalar by itself, read-only."""
    one = np.ones(shape, dtype)
    one.flags.writeable = False
    return one


def _holders(node: Tensor) -> int:
    """How many references there are to the array of a node, views of it included."""
    return sys.getrefcount(node._value)


_ALONE = _holders(Tensor([0.0]))
"""The number of references when only the node holds its array."""


def apply(rule: Rule, operands: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Tensor:
    """Apply a rule to Tensors, Values, arrays and numbers, at least one of them a node."""
    args: list[Any] = []
    parents: list[Node | None] = []
    needed = constants = False
    for operand in operands:
        kind = type(operand)
        if kind is Tensor or (isinstance(operand, Tensor) and operand._tracer is None):
            args.append(operand._operand() if operand._lent else operand._value)
            parents.append(operand)
            if operand.requires_grad:
                needed = True
        elif kind is float:
            args.append(operand)
            parents.append(None)
        elif kind is np.ndarray and operand.dtype.kind in "fiub":
            args.append(operand)
            parents.append(None)
            constants = True
        elif isinstance(operand, Node):
            if operand._tracer is not None:
                traced: Tensor = operand._tracer.apply(rule, operands, params)
                return traced
            args.append(operand._value)
            parents.append(operand)
            if operand.requires_grad:
                needed = True
        else:
            args.append(as_operand(operand))
            parents.append(None)
            constants = True
    if needed and unusual.threads and state.tracer is not None:
        return state.tracer.apply(rule, operands, params)  # type: ignore[no-any-return]
    kept = None
    try:
        if needed and rule.keeps:
            data, kept = rule.array.keeping(*args, *params)  # type: ignore[misc]
        else:
            data = rule.array.forward(*args, *params)
    except (ValueError, TypeError, IndexError) as error:
        if (tracer := tracer_of(params)) is not None:  # at an index that is not known yet
            return tracer.apply(rule, operands, params)  # type: ignore[no-any-return]
        raise explained(error, rule, args, parents, params) from error
    if type(data) is not np.ndarray:
        data = np.asarray(data)
    if data.dtype is _FLOAT64 and rule.kind == "elementwise":
        data = _narrowed(data, args)
    if not needed or (unusual.threads and not state.recording):
        made = result(data)
        if data.base is not None:
            _note_view(made, rule, operands[0], args[0], params)
        return made
    if constants:
        for i, parent in enumerate(parents):
            if parent is None and type(args[i]) is np.ndarray:
                args[i] = _kept(args[i])
    node = record(rule, tuple(args), tuple(parents), params, data)
    if kept is not None:
        node._notes = {**(node._notes or {}), "kept": kept}
    if data.base is not None:
        _note_view(node, rule, operands[0], args[0], params)
    return node


_VIEWS = frozenset({"getitem", "reshape", "transpose", "flip", "broadcast_to"})


def _note_view(node: Tensor, rule: Rule, base: Any, array: Any, params: tuple[Any, ...]) -> None:
    """Remember that a result shares its elements with an operand, for changes in place."""
    if rule.name not in _VIEWS or not isinstance(base, Tensor):
        return
    owner = node._value.base
    if owner is not array and owner is not array.base:
        return  # NumPy made a copy
    node._notes = {**(node._notes or {}), "view_of": (base, rule, params)}
    notes = base._notes
    if notes is None:
        notes = base._notes = {}
    views = notes.setdefault("views", [])
    views.append(weakref.ref(node))
    if len(views) > notes.get("views at most", 64):  # as rarely as their number doubles
        views[:] = [view for view in views if view() is not None]
        notes["views at most"] = max(64, 2 * len(views))


def not_a_view(node: Tensor) -> Tensor:
    """The result as one with memory of its own, where NumPy would have made a copy."""
    if node._notes is not None:
        node._notes.pop("view_of", None)
    return node


def _narrowed(data: Array, args: list[Any]) -> Array:
    """A result in the dtype its operands make: a choice between two Python numbers is float64."""
    for arg in args:
        if isinstance(arg, np.ndarray | np.generic) and arg.dtype == _FLOAT32:
            return data.astype(np.result_type(*args), copy=False)
    return data


def _kept(array: Array) -> Array:
    """A constant operand as the graph keeps it: a copy, unless nobody can write to it."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and not owner.flags.writeable:
        if owner.base is None:
            return array
        owner = owner.base
    return array.copy()


def record(
    rule: Any,
    args: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    params: tuple[Any, ...],
    data: Array,
) -> Tensor:
    """The node for a result."""
    node = Tensor.__new__(Tensor)
    node._value = data
    node._parents = parents
    node.args = args
    node._params = params
    node._notes = node.grad = None
    node._lent = False
    node.requires_grad = True
    node.rule = rule
    node.serial = next_serial()
    if unusual.threads and state.monitor is not None:
        state.monitor.made(node)
    return node


def result(data: Any) -> Tensor:
    """A Tensor on an array that was just computed, with no history."""
    if isinstance(data, Tensor):  # what `compiler` recorded
        return data
    tensor = Tensor.__new__(Tensor)
    tensor._start(np.asarray(data), None, False)
    return tensor


def _without_gradient(left: Tensor, right: Any, compute: Callable[[Any, Any], Any]) -> Any:
    if not is_operand(right):
        if compute in (operator.eq, operator.ne) and _sees_numbers(right):
            return compute(right, left._value)  # pytest.approx(...) and the like see the array
        return NotImplemented
    if unusual.threads and state.tracer is not None and left.requires_grad:
        return state.tracer.compared(compute, left, right)
    other = right._value if isinstance(right, Node) else as_operand(right)
    return result(compute(left._value, other))


def _sees_numbers(other: Any) -> bool:
    """Whether a foreign object wants to compare itself (pytest.approx(...) and the like)."""
    return getattr(other, "__array_ufunc__", 0) is None


def _operators(rule: Rule) -> tuple[Callable[[Tensor, Any], Any], Callable[[Tensor, Any], Any]]:
    def method(self: Tensor, other: Any) -> Any:
        if type(other) is Tensor or is_operand(other):
            return apply(rule, (self, other))
        return NotImplemented

    def reflected(self: Tensor, other: Any) -> Any:
        return apply(rule, (other, self)) if is_operand(other) else NotImplemented

    return method, reflected


for _symbol, _row in (
    ("add", "add"),
    ("sub", "sub"),
    ("mul", "mul"),
    ("truediv", "div"),
    ("floordiv", "floor_divide"),
    ("mod", "mod"),
    ("pow", "pow"),
    ("matmul", "matmul"),
):
    _method, _reflected = _operators(ROWS[_row])
    setattr(Tensor, f"__{_symbol}__", _method)
    setattr(Tensor, f"__r{_symbol}__", _reflected)

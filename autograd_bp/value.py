"""Value: a scalar node on Python floats, with nothing of NumPy in its path."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Self, SupportsFloat

import numpy as np

from autograd_bp import copying, value_rules, value_sweep
from autograd_bp.errors import brief
from autograd_bp.node import CONSTANT_SERIAL, Node
from autograd_bp.recording import check_conversion, state, unusual
from autograd_bp.rules import ROWS, Rule
from autograd_bp.sweep import backward


class Value(Node):
    """A number that remembers how it was computed.

    Parameters
    ----------
    data
        A real number: int, float, a NumPy scalar or an array with one element.
    name
        Any text; shown on pictures and in messages.
    requires_grad
        Whether derivatives by this value are wanted.

    Raises
    ------
    TypeError
        If `data` is not a real number.

    Examples
    --------
    >>> apple, n, tax = Value(100.0, name="apple"), Value(2.0), Value(1.1)
    >>> price = apple * n * tax
    >>> price.backward()
    >>> round(price.data, 10), apple.grad, n.grad, tax.grad
    (220.0, 2.2, 110.00000000000001, 200.0)
    """

    # One or two parents and their numbers have slots of their own: a tuple is one more object to
    # make, and for the garbage collector to walk. What does not fit is in tuples: the parents in
    # `_left`, the operands in `_x`, the parameters in `_y`.
    __slots__ = ("_left", "_right", "_x", "_y")
    _left: Any
    _right: Any
    _x: Any
    _y: Any
    _on_floats = True

    def __init__(
        self, data: SupportsFloat, name: str | None = None, requires_grad: bool = True
    ) -> None:
        number = data if type(data) is float else as_float(data)
        self._start(number, None if name is None else checked_name(name), bool(requires_grad))

    def _start(self, data: Any, name: str | None, requires_grad: bool) -> None:
        super()._start(data, name, requires_grad)
        self._left = ()
        self._x = self._y = ()

    def _come_from(
        self,
        rule: Any,
        parents: tuple[Node | None, ...],
        args: tuple[Any, ...],
        params: tuple[Any, ...],
    ) -> None:
        self.rule = rule
        if (
            type(rule) is Rule
            and len(rule.args) == len(parents) <= 2
            and not params
            and all(parent is None or isinstance(parent, Value) for parent in parents)
        ):
            self._left, self._right = (*parents, None)[:2]
            self._x, self._y = (*args, None)[:2]
        else:
            self._left, self._x, self._y = parents, args, params

    @property
    def _parents(self) -> tuple[Node | None, ...]:  # type: ignore[override]
        left = self._left
        if type(left) is tuple:
            parents: tuple[Node | None, ...] = left
            return parents
        return (left,) if len(self.rule.args) == 1 else (left, self._right)

    @property
    def args(self) -> tuple[Any, ...]:  # type: ignore[override]
        """The operands as they were when the node was made."""
        if type(self._left) is tuple:
            operands: tuple[Any, ...] = self._x
            return operands
        return (self._x,) if len(self.rule.args) == 1 else (self._x, self._y)

    @property
    def _params(self) -> tuple[Any, ...]:  # type: ignore[override]
        params: tuple[Any, ...] = self._y if type(self._left) is tuple else ()
        return params

    @classmethod
    def _constant(cls, operand: Any) -> Value:
        constant = cls.__new__(cls)
        constant._start(float(operand), None, False)
        constant.serial = CONSTANT_SERIAL
        return constant

    def _conform(self, contribution: Any) -> float:
        if type(contribution) is float:
            return contribution
        return float(np.sum(contribution))

    def _zero(self) -> float:
        return 0.0

    def _stand_in(self, operand: Any) -> Value:
        return record(ROWS["identity"], (operand,), (self,), (), operand)

    def _seed(self, cotangent: Any) -> float:
        if isinstance(cotangent, Node):
            cotangent = cotangent._value
        if np.ndim(cotangent) > 0:
            raise TypeError(
                f"the cotangent has shape {np.shape(cotangent)}, but {brief(self)} is a number"
            )
        return 1.0 if cotangent is None else as_float(cotangent)

    @property
    def data(self) -> float:
        """The number. Setting it is for leaves: a result is what its operands make it."""
        if unusual.threads and state.tracer is not None and self.rule is None:
            return state.tracer.numbers_of(self)  # type: ignore[no-any-return]
        number: float = self._value
        return number

    @data.setter
    def data(self, number: SupportsFloat) -> None:
        if self.rule is not None:
            raise TypeError(
                f"{brief(self)} is the result of {self.rule.name}: change the leaves it depends "
                "on and "
                "compute it again"
            )
        self._value = as_float(number)

    def backward(self, cotangent: SupportsFloat | None = None) -> None:
        """Fill `.grad` of every node this value depends on.

        Leaves add up over calls; the nodes between are overwritten by each call.

        Parameters
        ----------
        cotangent
            The derivative of what is wanted by this value; 1 if None.

        Raises
        ------
        ValueError
            If nothing this value depends on requires a gradient.
        """
        if not self.requires_grad:
            raise ValueError(no_gradient_message(self))
        seed = self._seed(cotangent)
        if self.rule is None or state.monitor is not None or not value_sweep.backward(self, seed):
            backward(self, seed, retain_grads=True)

    def zero_grad(self) -> None:
        """Forget the gradient: `.grad` is None again."""
        self.grad = None

    def detach(self) -> Value:
        """The same number as a leaf that no derivative passes."""
        return Value(self._value, name=self.name, requires_grad=False)

    def item(self) -> float:
        """The number."""
        check_conversion(self)
        number: float = self._value
        return number

    @property
    def shape(self) -> tuple[()]:
        """A Value is a scalar."""
        return ()

    ndim = 0
    size = 1

    # Arithmetic. The table at the end of the module fills these in from the rule sheet.

    __add__: Callable[[Value, Any], Any]
    __radd__: Callable[[Value, Any], Any]
    __sub__: Callable[[Value, Any], Any]
    __rsub__: Callable[[Value, Any], Any]
    __mul__: Callable[[Value, Any], Any]
    __rmul__: Callable[[Value, Any], Any]
    __truediv__: Callable[[Value, Any], Any]
    __rtruediv__: Callable[[Value, Any], Any]
    __floordiv__: Callable[[Value, Any], Any]
    __rfloordiv__: Callable[[Value, Any], Any]
    __mod__: Callable[[Value, Any], Any]
    __rmod__: Callable[[Value, Any], Any]
    __pow__: Callable[..., Any]
    __rpow__: Callable[[Value, Any], Any]
    __neg__: Callable[[Value], Value]
    __abs__: Callable[[Value], Value]
    exp: Callable[[Value], Value]
    log: Callable[[Value], Value]
    sqrt: Callable[[Value], Value]
    sin: Callable[[Value], Value]
    cos: Callable[[Value], Value]
    tanh: Callable[[Value], Value]
    sigmoid: Callable[[Value], Value]
    relu: Callable[[Value], Value]

    def __pos__(self) -> Self:
        return self

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._value, digits)

    # Comparison is by value and gives a plain bool; hashing is by identity.

    def __eq__(self, other: object) -> Any:
        return _compared(self, other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return _compared(self, other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return _compared(self, other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return _compared(self, other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return _compared(self, other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return _compared(self, other, operator.ge)

    __hash__ = Node.__hash__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        check_conversion(self)
        number: float = self._value
        return number

    def __format__(self, spec: str) -> str:
        return format(self._value, spec) if spec else str(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.requires_grad:
            raise TypeError(lost_gradient_message(self))
        return np.array(self._value, dtype=dtype)

    def __int__(self) -> int:
        return int(self._value)

    def __copy__(self) -> Self:
        return copying.leaf(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copying.graph(self, memo)

    def __repr__(self) -> str:
        """
        >>> x = Value(2.0, name="x")
        >>> x, x * 3.0
        (Value(2.0, name='x'), Value(6.0, op='mul'))
        """
        parts = [repr(self._value)]
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.rule is not None:
            parts.append(f"op={self.rule.name!r}")
        elif not self.requires_grad:
            parts.append("requires_grad=False")
        return f"Value({', '.join(parts)})"


def as_float(number: Any) -> float:
    """A real number as a float; TypeError, with the reason, for anything else."""
    if isinstance(number, float | int):
        return float(number)
    if isinstance(number, Node):
        raise TypeError(
            f"{number!r} is a node already; for a new leaf of the same value use its .data"
        )
    if isinstance(number, np.ma.MaskedArray):
        raise TypeError("a masked array has no Value: fill it first, as in number.filled(0.0)")
    array = np.asarray(number) if isinstance(number, np.ndarray | np.generic) else None
    if array is not None and array.size == 1 and array.dtype.kind in "biuf":
        return float(array.reshape(()))
    if array is not None and array.size != 1:
        raise TypeError(f"a Value is one number, not an array of shape {array.shape}: use a Tensor")
    if isinstance(number, str | bytes | complex) or array is not None or number is None:
        raise TypeError(f"a Value is a real number, not {type(number).__name__} {number!r}")
    if hasattr(type(number), "__float__"):
        return float(number)
    raise TypeError(f"a Value is a real number, not {type(number).__name__}")


def checked_name(name: Any) -> str | None:
    """A node's name: any text, or None."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a name is text, not {type(name).__name__}: {name!r}")
    return name


def no_gradient_message(node: Node) -> str:
    """Why a node cannot run backward, and what to do."""
    return (
        f"{brief(node)} has no gradient to give: nothing it was computed from requires one. "
        "Make a leaf "
        "with requires_grad=True, and compute outside ab.no_grad() and without detach()"
    )


def lost_gradient_message(node: Node) -> str:
    """Why a node is not turned into a plain array, and what to do."""
    return (
        f"turning {brief(node)} into a plain array would lose its gradient: use .data or "
        ".detach() for "
        "the numbers, or an operation of ab, such as ab.stack([...]) for a list of nodes"
    )


# -- operations -----------------------------------------------------------------------------------


def is_number(operand: Any) -> bool:
    """Whether a plain operand can enter an operation on Values as a constant."""
    return isinstance(operand, float | int) or (
        isinstance(operand, np.generic) and operand.dtype.kind in "biuf"
    )


def apply(rule: Rule, operands: tuple[Any, ...], params: tuple[Any, ...] = ()) -> Any:
    """Apply an elementwise rule to Values and plain numbers.

    Where `math` refuses (a division by zero, a logarithm of zero) the answer is NumPy's, an
    infinity or nan, with NumPy's warning.
    """
    for operand in operands:
        if isinstance(operand, Value) and operand._tracer is not None:
            return operand._tracer.apply(rule, operands, params)
    args = tuple(
        operand._value if isinstance(operand, Value) else float(operand) for operand in operands
    )
    data = compute(rule, args, params)
    parents = tuple(operand if isinstance(operand, Value) else None for operand in operands)
    return result(rule, args, parents, params, data)


def compute(rule: Rule, args: tuple[float, ...], params: tuple[Any, ...] = ()) -> float:
    """The result of a rule on floats."""
    try:
        return float(rule.scalar.forward(*args, *params))
    except (ArithmeticError, ValueError):
        return float(rule.array.forward(*map(np.float64, args), *params))


def result(
    rule: Any,
    args: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    params: tuple[Any, ...],
    data: float,
) -> Value:
    """The node for a result; a leaf without a gradient where none is recorded."""
    if state.tracer is not None and any(p is not None and p.requires_grad for p in parents):
        operands = (a if p is None else p for a, p in zip(args, parents, strict=True))
        traced: Value = state.tracer.apply(rule, tuple(operands), params)
        return traced
    if state.recording:
        for parent in parents:
            if parent is not None and parent.requires_grad:
                return record(rule, args, parents, params, data)
    return Value(data, requires_grad=False)


def record(
    rule: Any,
    args: tuple[Any, ...],
    parents: tuple[Node | None, ...],
    params: tuple[Any, ...],
    data: float,
) -> Value:
    """The node for a result."""
    node = Value.__new__(Value)
    Node._start(node, data, None, True)
    node._come_from(rule, parents, args, params)
    if state.monitor is not None:
        state.monitor.made(node)
    return node


def _operand(operand: Any) -> tuple[Value | None, Any]:
    """The parent, if any, and the number of an operand; NotImplemented for what is none."""
    if type(operand) is float:
        return None, operand
    if is_number(operand):
        return None, float(operand)
    if isinstance(operand, Value):
        return operand, operand._value
    return None, NotImplemented


def _method(rule: Rule, *, reflected: bool = False) -> Callable[..., Any]:
    return value_rules.method(
        Value, rule, operand=_operand, compute=compute, result=result, reflected=reflected
    )


def _power_with_modulus(power: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def method(self: Any, exponent: Any, modulus: Any = None) -> Any:
        if modulus is not None:
            raise TypeError("pow(x, y, modulus) has no derivative: leave the modulus out")
        return power(self, exponent)

    return method


def _compared(left: Value, right: Any, compare: Callable[[Any, Any], Any]) -> Any:
    if (
        unusual.threads
        and state.tracer is not None
        and left.requires_grad
        and (isinstance(right, Value) or is_number(right))
    ):
        return state.tracer.compared(compare, left, right)
    if isinstance(right, Value):
        return bool(compare(left._value, right._value))
    if is_number(right):
        return bool(compare(left._value, right))
    if compare in (operator.eq, operator.ne) and getattr(right, "__array_ufunc__", 0) is None:
        return compare(right, left._value)  # pytest.approx(...) and the like see the number
    return NotImplemented


for _symbol, _row in (
    ("add", "add"),
    ("sub", "sub"),
    ("mul", "mul"),
    ("truediv", "div"),
    ("floordiv", "floor_divide"),
    ("mod", "mod"),
    ("pow", "pow"),
):
    setattr(Value, f"__{_symbol}__", _method(ROWS[_row]))
    setattr(Value, f"__r{_symbol}__", _method(ROWS[_row], reflected=True))
Value.__pow__ = _power_with_modulus(Value.__pow__)
for _row in ("neg", "abs"):
    setattr(Value, f"__{_row}__", _method(ROWS[_row]))
for _row in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu"):
    setattr(Value, _row, _method(ROWS[_row]))

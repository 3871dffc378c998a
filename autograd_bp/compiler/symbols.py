"""Nodes whose value is not known: what a function is called with while it is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from autograd_bp.compiler.program import Var
from autograd_bp.node import Node
from autograd_bp.operands import is_operand
from autograd_bp.rules import ROWS, Rule
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value


class Symbol:
    """The data of a traced node: a shape and a dtype, and no numbers.

    Whatever needs numbers raises `ConcreteValueError`. `example` is the value in the call that is
    recorded; only the tracer looks at it, for shapes and dtypes.
    """

    __slots__ = ("_tracer", "example", "var")

    def __init__(self, var: Var, example: Any, tracer: Any) -> None:
        self.var = var
        self.example = example
        self._tracer = tracer

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.var.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        dtype: np.dtype[Any] = self.var.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.var.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.var.size

    def __len__(self) -> int:
        if not self.var.shape:
            raise TypeError("len() of a traced number")
        return self.var.shape[0]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if method != "__call__" or keywords:
            self._tracer.refuse(self, f"np.{ufunc.__name__}.{method}")
        return self._tracer.numpy_function(ufunc, inputs, keywords)

    def __array_function__(self, function: Any, _types: Any, args: Any, keywords: Any) -> Any:
        return self._tracer.numpy_function(function, args, keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols that are asked for: it has none
            raise AttributeError(name)
        return self._tracer.refuse(self, f"its numbers (.{name})")

    def _refuse(self, what: str) -> Any:
        return self._tracer.refuse(self, what)

    def __array__(self, *_args: Any, **_keywords: Any) -> Any:
        return self._refuse("a plain array of its numbers")

    def __bool__(self) -> bool:
        return bool(self._refuse("its truth value"))

    def __float__(self) -> float:
        return float(self._refuse("its number as a float"))

    def __int__(self) -> int:
        return int(self._refuse("its number as an int"))

    def __index__(self) -> int:
        return int(self._refuse("its number as an index"))


class TracedTensor(Tensor):
    """A Tensor without numbers. Operations on it become instructions."""

    __slots__ = ("_tracer",)
    _tracer: Any

    def _seed(self, cotangent: Any) -> Any:
        if isinstance(cotangent, Node):
            if np.shape(cotangent._value) != self.shape:
                raise ValueError(
                    f"the cotangent has shape {np.shape(cotangent._value)}, but {self!r} has shape "
                    f"{self.shape}: they must be the same"
                )
            return cotangent
        return super()._seed(cotangent)

    @property
    def data(self) -> Any:
        """The numbers, as far as a recording has them: a node that no derivative passes."""
        return self._tracer.detached(self)

    @data.setter
    def data(self, _array: Any) -> None:
        raise TypeError(
            "ab.compile records functions that return new values: an argument is not changed in "
            "place. Return the new value, and give its position in `donate`"
        )

    def _operand(self) -> Any:
        return self._value

    def detach(self) -> Tensor:
        """The same as a leaf that no derivative passes."""
        leaf: Tensor = self._tracer.detached(self)
        return leaf

    def backward(self, cotangent: Any = None, retain_grads: bool = False) -> None:
        """Fill `.grad` of the arguments with the gradients, as nodes."""
        del retain_grads
        self._tracer.backward(self, cotangent)

    def numpy(self) -> Any:
        """Refused: there are no numbers yet."""
        return self._value._refuse("a plain array of its numbers")

    def item(self, *_index: int) -> float:
        """Refused: there are no numbers yet."""
        return float(self._value._refuse("its number (.item())"))

    def tolist(self) -> Any:
        """Refused: there are no numbers yet."""
        return self._value._refuse("its numbers as a list")

    def __bool__(self) -> bool:
        return bool(self._value._refuse("its truth value (bool(), if, while, and, or, not)"))

    def __float__(self) -> float:
        return float(self._value._refuse("its number as a float (float(), or a function of math)"))

    def __int__(self) -> int:
        return int(self._value._refuse("its number as an int"))

    def __index__(self) -> int:
        return int(self._value._refuse("its number as an index or a count"))

    def __array__(self, *_args: Any, **_keywords: Any) -> Any:
        return self._value._refuse("a plain array of its numbers")

    def __contains__(self, element: Any) -> bool:
        return bool((self == element).any())

    def __format__(self, spec: str) -> str:
        if spec:
            self._value._refuse("its number as text")
        return repr(self)

    def __invert__(self) -> Any:
        return self._tracer.numpy_function(np.invert, (self._value,), {})

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        name = "" if self.name is None else f" {self.name!r}"
        return f"traced Tensor{name} of shape {self.shape} {self.dtype}"

    __hash__ = Node.__hash__


class TracedValue(Value):
    """A Value without a number. Operations on it become instructions."""

    __slots__ = ("_tracer",)
    _tracer: Any

    def _conform(self, contribution: Any) -> Any:
        return contribution

    def _seed(self, cotangent: Any) -> Any:
        return cotangent if isinstance(cotangent, TracedValue) else super()._seed(cotangent)

    @property
    def data(self) -> Any:
        """The number, as far as a recording has it: a node that no derivative passes."""
        return self._tracer.detached(self)

    @data.setter
    def data(self, _number: Any) -> None:
        raise TypeError(
            "ab.compile records functions that return new values: an argument is not changed in "
            "place. Return the new value"
        )

    def backward(self, cotangent: Any = None) -> None:
        """Fill `.grad` of the arguments with the gradients, as nodes."""
        self._tracer.backward(self, cotangent)

    def detach(self) -> Value:
        """The same as a leaf that no derivative passes."""
        leaf: Value = self._tracer.detached(self)
        return leaf

    def item(self) -> float:
        """Refused: there is no number yet."""
        return float(self._value._refuse("its number (.item())"))

    def __bool__(self) -> bool:
        return bool(self._value._refuse("its truth value (bool(), if, while, and, or, not)"))

    def __float__(self) -> float:
        return float(self._value._refuse("its number as a float (float(), or a function of math)"))

    def __int__(self) -> int:
        return int(self._value._refuse("its number as an int"))

    def __round__(self, digits: int | None = None) -> Any:
        return self._value._refuse("its number, to round it")

    def __array__(self, *_args: Any, **_keywords: Any) -> Any:
        return self._value._refuse("a plain array of its number")

    def __format__(self, spec: str) -> str:
        if spec:
            self._value._refuse("its number as text")
        return repr(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"traced Value{'' if self.name is None else f' {self.name!r}'}"

    __hash__ = Node.__hash__


def _operators(rule: Rule) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def method(self: Any, other: Any) -> Any:
        return self._tracer.apply(rule, (self, other)) if is_operand(other) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return self._tracer.apply(rule, (other, self)) if is_operand(other) else NotImplemented

    return method, reflected


def _comparison(ufunc: np.ufunc) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        return self._tracer.numpy_function(ufunc, (self, other), {})

    return method


def _unary(rule: Rule) -> Callable[..., Any]:
    def method(self: Any) -> Any:
        return self._tracer.apply(rule, (self,))

    return method


for _class in (TracedTensor, TracedValue):
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
        if _class is TracedValue and _row == "matmul":
            continue
        _method, _reflected = _operators(ROWS[_row])
        setattr(_class, f"__{_symbol}__", _method)
        setattr(_class, f"__r{_symbol}__", _reflected)
    _ufunc: np.ufunc
    for _name, _ufunc in (
        ("eq", np.equal),
        ("ne", np.not_equal),
        ("lt", np.less),
        ("le", np.less_equal),
        ("gt", np.greater),
        ("ge", np.greater_equal),
    ):
        setattr(_class, f"__{_name}__", _comparison(_ufunc))
    for _row in ("neg", "abs"):
        setattr(_class, f"__{_row}__", _unary(ROWS[_row]))
for _row in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu"):
    setattr(TracedValue, _row, _unary(ROWS[_row]))
for _name, _ufunc in (("and", np.bitwise_and), ("or", np.bitwise_or), ("xor", np.bitwise_xor)):
    setattr(TracedTensor, f"__{_name}__", _comparison(_ufunc))
    setattr(TracedTensor, f"__r{_name}__", _comparison(_ufunc))

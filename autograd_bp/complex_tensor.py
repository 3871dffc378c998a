"""A complex array as two real Tensors: what a Fourier transform gives.

Tensors hold real numbers. A program that transforms, multiplies and transforms back, or looks at
magnitudes, goes through complex numbers all the same: these carry the real and the imaginary part
through arithmetic, and derivatives pass both. Nothing else is done with them; `.real`, `.imag` and
`abs` lead back to Tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_bp.functions import PUBLIC
from autograd_bp.functions.elementwise import ELEMENTWISE
from autograd_bp.functions.shapes import asarray
from autograd_bp.node import Node
from autograd_bp.operands import plain_index
from autograd_bp.rules.arrays import shape_of


class ComplexTensor:
    """The complex array ``real + 1j * imag``.

    Attributes
    ----------
    real, imag
        Tensors (or arrays) of one shape.

    >>> import autograd_bp as ab
    >>> z = np.fft.rfft(ab.Tensor([1.0, 2.0]))
    >>> (z * z.conj()).real
    Tensor([9., 1.], op='sub')
    """

    __slots__ = ("imag", "real")

    def __init__(self, real: Any, imag: Any) -> None:
        self.real, self.imag = real, imag

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return shape_of(self.real)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> Any:
        """complex128, or complex64 for parts of float32."""
        return np.result_type(self.real.dtype, np.complex64)

    @property
    def T(self) -> ComplexTensor:  # noqa: N802  (NumPy's name)
        """The axes in reverse order."""
        return self._each(PUBLIC["transpose"])

    def numpy(self) -> Any:
        """A complex array of the numbers."""
        real, imag = (getattr(part, "_value", part) for part in (self.real, self.imag))
        return real + 1j * imag

    def conj(self) -> ComplexTensor:
        """The complex conjugate."""
        return ComplexTensor(self.real, -self.imag)

    conjugate = conj

    def sum(self, axis: Any = None, keepdims: bool = False) -> ComplexTensor:
        """The sum along `axis`, or of all."""
        return self._each(PUBLIC["sum"], axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> ComplexTensor:
        """The mean along `axis`, or of all."""
        return self._each(PUBLIC["mean"], axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> ComplexTensor:
        """The elements in another shape."""
        target = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return self._each(PUBLIC["reshape"], target)

    def _each(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> ComplexTensor:
        """A function that is linear with real coefficients, of both parts."""
        return ComplexTensor(
            function(self.real, *args, **kwargs), function(self.imag, *args, **kwargs)
        )

    def __getitem__(self, index: Any) -> ComplexTensor:
        index = plain_index(index)
        return ComplexTensor(self.real[index], self.imag[index])

    def __len__(self) -> int:
        return self.shape[0]

    def __neg__(self) -> ComplexTensor:
        return ComplexTensor(-self.real, -self.imag)

    def __pos__(self) -> ComplexTensor:
        return self

    def __abs__(self) -> Any:
        return ELEMENTWISE["hypot"](self.real, self.imag)

    def __add__(self, other: Any) -> ComplexTensor:
        o = as_complex(other)
        return ComplexTensor(self.real + o.real, self.imag + o.imag)

    __radd__ = __add__

    def __sub__(self, other: Any) -> ComplexTensor:
        return self.__add__(-as_complex(other))

    def __rsub__(self, other: Any) -> ComplexTensor:
        return as_complex(other).__add__(-self)

    def __mul__(self, other: Any) -> ComplexTensor:
        if _is_real(other):
            return ComplexTensor(self.real * other, self.imag * other)
        o = as_complex(other)
        return ComplexTensor(
            self.real * o.real - self.imag * o.imag, self.real * o.imag + self.imag * o.real
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> ComplexTensor:
        if _is_real(other):
            return ComplexTensor(self.real / other, self.imag / other)
        return self * as_complex(other)._reciprocal()

    def __rtruediv__(self, other: Any) -> ComplexTensor:
        quotient: ComplexTensor = self._reciprocal() * other
        return quotient

    def _reciprocal(self) -> ComplexTensor:
        # Over the magnitude twice, since its square may leave the floats.
        size = abs(self)
        return ComplexTensor(self.real / size / size, -self.imag / size / size)

    def __pow__(self, power: Any) -> ComplexTensor:
        if not isinstance(power, int | np.integer):
            raise TypeError(f"a ComplexTensor has whole powers, not {power!r}")
        if power < 0:
            return self._reciprocal() ** -power
        result = ComplexTensor(self.real * 0.0 + 1.0, self.imag * 0.0)
        for _ in range(int(power)):
            result = result * self
        return result

    def exp(self) -> ComplexTensor:
        """The exponential: ``exp(real) * (cos(imag) + 1j * sin(imag))``."""
        size = ELEMENTWISE["exp"](self.real)
        return ComplexTensor(
            size * ELEMENTWISE["cos"](self.imag), size * ELEMENTWISE["sin"](self.imag)
        )

    def __eq__(self, other: object) -> Any:
        o = as_complex(other)
        return (self.real == o.real) & (self.imag == o.imag)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "a ComplexTensor is not turned into a plain array, which loses its derivative: use "
            ".real, .imag or abs, or .numpy() for the numbers"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        meaning = _UFUNCS.get(ufunc)
        if meaning is None or method != "__call__" or kwargs:
            raise TypeError(_refusal(f"np.{ufunc.__name__}"))
        return meaning(*inputs)

    def __array_function__(self, function: Any, _: Any, args: Any, kwargs: Any) -> Any:
        meaning = FUNCTIONS.get(function)
        if meaning is None:
            raise TypeError(_refusal(f"np.{function.__name__}"))
        return meaning(*args, **kwargs)

    def __repr__(self) -> str:
        return f"ComplexTensor(real={self.real!r}, imag={self.imag!r})"


def _is_real(operand: Any) -> bool:
    return isinstance(operand, Node | float | int) or (
        isinstance(operand, np.ndarray | np.generic) and operand.dtype.kind in "fiub"
    )


def as_complex(operand: Any) -> ComplexTensor:
    """An operand in its two parts; TypeError for what is no number."""
    if isinstance(operand, ComplexTensor):
        return operand
    if _is_real(operand) or isinstance(operand, list | tuple):
        real = asarray(operand)
        return ComplexTensor(real, real * 0.0)
    numbers = np.asarray(operand)
    if numbers.dtype.kind != "c":
        raise TypeError(f"a ComplexTensor goes with numbers, not {type(operand).__name__}")
    return ComplexTensor(numbers.real, numbers.imag)


def _refusal(name: str) -> str:
    return (
        f"{name} of complex numbers has no derivative rule here: a ComplexTensor adds, multiplies, "
        "divides, conjugates and transforms back; .real, .imag and abs are Tensors, which have all"
    )


def _angle(z: Any, deg: bool = False) -> Any:
    angle = ELEMENTWISE["arctan2"](z.imag, z.real)
    return angle * (180.0 / np.pi) if deg else angle


def _concatenate(arrays: Any, axis: int = 0) -> ComplexTensor:
    parts = [as_complex(a) for a in arrays]
    return ComplexTensor(
        PUBLIC["concatenate"]([z.real for z in parts], axis),
        PUBLIC["concatenate"]([z.imag for z in parts], axis),
    )


_UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: lambda x, y: as_complex(x) + y,
    np.subtract: lambda x, y: as_complex(x) - y,
    np.multiply: lambda x, y: as_complex(x) * y,
    np.divide: lambda x, y: as_complex(x) / y,
    np.negative: lambda x: -x,
    np.positive: lambda x: x,
    np.conjugate: lambda x: x.conj(),
    np.absolute: abs,
    np.exp: lambda x: x.exp(),
    np.square: lambda x: x * x,
    np.reciprocal: lambda x: 1.0 / x,
    np.power: lambda x, y: x**y,
    np.equal: lambda x, y: as_complex(x) == y,
}

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.real: lambda z: z.real,
    np.imag: lambda z: z.imag,
    np.angle: _angle,
    np.sum: lambda z, axis=None, **kw: z.sum(axis, **kw),
    np.mean: lambda z, axis=None, **kw: z.mean(axis, **kw),
    np.reshape: lambda z, shape: z.reshape(shape),
    np.concatenate: _concatenate,
    np.shape: lambda z: z.shape,
    np.ndim: lambda z: z.ndim,
    np.size: lambda z: z.size,
    np.iscomplexobj: lambda _: True,
    np.isrealobj: lambda _: False,
    **{
        getattr(np, name): (lambda z, *a, _f=PUBLIC[name], **kw: z._each(_f, *a, **kw))
        for name in "transpose roll flip swapaxes moveaxis expand_dims squeeze ravel".split()
    },
}
"""NumPy's functions on complex numbers, those of numpy.fft besides (see `autograd_bp.fft`)."""

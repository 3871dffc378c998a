"""Recurrent cells: one step in time each; a program loops over the steps.

The equations and the order of the gates are PyTorch's; the weights are its transposes, so that a
step is ``x @ weight_ih + bias_ih + h @ weight_hh + bias_hh``.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import DTypeLike

from autograd_bp.functions.elementwise import ELEMENTWISE
from autograd_bp.functions.indexing import getitem
from autograd_bp.functions.products import matmul
from autograd_bp.nn import init as initialisers
from autograd_bp.nn.init import Initialiser, Seed, generator
from autograd_bp.nn.module import Module
from autograd_bp.nn.parameter import parameter, size
from autograd_bp.operations import joined
from autograd_bp.rules.arrays import shape_of
from autograd_bp.tensor import Tensor

sigmoid, tanh = ELEMENTWISE["sigmoid"], ELEMENTWISE["tanh"]


class Cell(Module):
    """What the cells have in common: weights for as many gates as `gates` says."""

    gates: int
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        init: Initialiser | None = None,
        *,
        rng: Seed = None,
        dtype: DTypeLike = float,
    ) -> None:
        layer = type(self).__name__
        self.input_size = size(layer, "input_size", input_size)
        self.hidden_size = size(layer, "hidden_size", hidden_size)
        rng = generator(rng)
        bound = 1.0 / math.sqrt(self.hidden_size)
        init = init or initialisers.uniform(-bound, bound)
        width = self.gates * self.hidden_size
        self.weight_ih = parameter("weight_ih", (self.input_size, width), init, rng, dtype)
        self.weight_hh = parameter("weight_hh", (self.hidden_size, width), init, rng, dtype)
        self.bias_ih = (
            parameter("bias_ih", (width,), initialisers.zeros, rng, dtype) if bias else None
        )
        self.bias_hh = (
            parameter("bias_hh", (width,), initialisers.zeros, rng, dtype) if bias else None
        )

    def _from_input(self, x: Any) -> Any:
        y = matmul(x, self.weight_ih)
        return y if self.bias_ih is None else y + self.bias_ih

    def _from_state(self, h: Any) -> Any:
        y = matmul(h, self.weight_hh)
        return y if self.bias_hh is None else y + self.bias_hh

    def _gate(self, sums: Any, i: int) -> Any:
        return getitem(sums, (..., slice(i * self.hidden_size, (i + 1) * self.hidden_size)))

    def _checked(self, x: Any, *states: Any) -> tuple[Any, ...]:
        """The input and the states, zeros for each that is None; ValueError for a wrong shape."""
        layer, x = self._title, joined(x)
        shape = shape_of(x)
        if not shape or shape[-1] != self.input_size:
            raise ValueError(
                f"{layer}: the input has shape {shape}; its last axis must be {self.input_size}"
            )
        expected = (*shape[:-1], self.hidden_size)
        found = [x]
        for state in states:
            if state is None:
                state = initialisers.zeros(expected).astype(self.weight_hh.dtype)
            state = joined(state)
            if shape_of(state) != expected:
                raise ValueError(
                    f"{layer}: the state has shape {shape_of(state)}; for an input of shape "
                    f"{shape} it must be {expected}"
                )
            found.append(state)
        return tuple(found)

    def extra_repr(self) -> str:
        """The sizes, and what is unusual."""
        usual = f"{self.input_size}, {self.hidden_size}"
        return usual if self.bias_ih is not None else f"{usual}, bias=False"


class RNNCell(Cell):
    """h' = tanh(x W_ih + b_ih + h W_hh + b_hh) (Elman 1990).

    Parameters
    ----------
    input_size, hidden_size
        The lengths of the last axes of the input and of the state.
    bias
        Whether there are biases; they start as zeros.
    init
        What makes the weights; uniform up to 1 / sqrt(hidden_size) if None.
    nonlinearity
        ``"tanh"`` or ``"relu"``.
    rng, dtype
        See `Linear`.

    Attributes
    ----------
    weight_ih, weight_hh
        Shapes (input_size, hidden_size) and (hidden_size, hidden_size).
    bias_ih, bias_hh
        Shape (hidden_size,), or None.

    Examples
    --------
    >>> import numpy as np
    >>> cell = RNNCell(3, 4, rng=0)
    >>> h = None
    >>> for x in np.zeros((7, 5, 3)):
    ...     h = cell(x, h)
    >>> h.shape
    (5, 4)
    """

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        init: Initialiser | None = None,
        *,
        nonlinearity: str = "tanh",
        rng: Seed = None,
        dtype: DTypeLike = float,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNNCell: nonlinearity is 'tanh' or 'relu', not {nonlinearity!r}")
        super().__init__(input_size, hidden_size, bias, init, rng=rng, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, x: Any, h: Any = None) -> Any:
        """The next state, from an input and a state; None is a state of zeros."""
        x, h = self._checked(x, h)
        return ELEMENTWISE[self.nonlinearity](self._from_input(x) + self._from_state(h))


class GRUCell(Cell):
    """A gated recurrent unit (Cho et al. 2014), in PyTorch's form.

    With the columns of the weights in the order r, z, n::

        r = sigmoid(x W_ir + b_ir + h W_hr + b_hr)
        z = sigmoid(x W_iz + b_iz + h W_hz + b_hz)
        n = tanh(x W_in + b_in + r (h W_hn + b_hn))
        h' = (1 - z) n + z h

    Parameters
    ----------
    input_size, hidden_size, bias, init, rng, dtype
        See `RNNCell`.

    Attributes
    ----------
    weight_ih, weight_hh
        Shapes (input_size, 3 hidden_size) and (hidden_size, 3 hidden_size).
    bias_ih, bias_hh
        Shape (3 hidden_size,), or None.

    Examples
    --------
    >>> import numpy as np
    >>> GRUCell(3, 4, rng=0)(np.zeros((5, 3))).shape
    (5, 4)
    """

    gates = 3

    def forward(self, x: Any, h: Any = None) -> Any:
        """The next state, from an input and a state; None is a state of zeros."""
        x, h = self._checked(x, h)
        from_input, from_state = self._from_input(x), self._from_state(h)
        r, z = (sigmoid(self._gate(from_input, i) + self._gate(from_state, i)) for i in (0, 1))
        n = tanh(self._gate(from_input, 2) + r * self._gate(from_state, 2))
        return n + z * (h - n)


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with forget gates.

    With the columns of the weights in the order i, f, g, o::

        i, f, o = sigmoid(...); g = tanh(...)
        c' = f c + i g
        h' = o tanh(c')

    Parameters
    ----------
    input_size, hidden_size, bias, init, rng, dtype
        See `RNNCell`.

    Attributes
    ----------
    weight_ih, weight_hh
        Shapes (input_size, 4 hidden_size) and (hidden_size, 4 hidden_size).
    bias_ih, bias_hh
        Shape (4 hidden_size,), or None.

    Examples
    --------
    >>> import numpy as np
    >>> cell = LSTMCell(3, 4, rng=0)
    >>> state = None
    >>> for x in np.zeros((7, 5, 3)):
    ...     state = cell(x, state)
    >>> h, c = state
    >>> h.shape, c.shape
    ((5, 4), (5, 4))
    """

    gates = 4

    def forward(self, x: Any, state: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
        """The next h and c, from an input and a pair of them; None is zeros."""
        if state is not None and not (isinstance(state, tuple | list) and len(state) == 2):
            raise TypeError(f"{self._title}: the state is a pair, (h, c), or None")
        x, h, c = self._checked(x, *(state or (None, None)))
        sums = self._from_input(x) + self._from_state(h)
        i, f, o = (sigmoid(self._gate(sums, k)) for k in (0, 1, 3))
        c = f * c + i * tanh(self._gate(sums, 2))
        return o * tanh(c), c

"""A program: inputs, steps that are rows of the sheet, and a weighted sum of results at the end.

The same program runs on nodes, as the text it prints, and on plain arrays of any dtype, step by
step through each row's array reading: what the engine records can be judged by what it does not.
"""

from __future__ import annotations

import functools
import operator
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

import autograd_bp as ab
from autograd_bp.node import Node
from autograd_bp.rules import ROWS
from autograd_bp.testing.program_rows import (
    COMMUTATIVE,
    OPERATORS,
    constant_text,
    is_analytic,
    operations,
    written,
)

Array = NDArray[Any]
Number = float | Array

Use = Callable[[int, int, Any], Any]

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Ref:
    """An earlier result: the inputs are numbered first, then the steps."""

    index: int


@dataclass(frozen=True, eq=False)
class Condition:
    """A comparison of a result with another or with a constant: no derivative passes."""

    left: Ref
    symbol: str
    right: Operand


Operand = Ref | Condition | float | Array
"""What a step is applied to; numbers and arrays are constants."""


@dataclass(frozen=True, eq=False)
class Step:
    """A row applied to earlier results and constants.

    Attributes
    ----------
    row
        The name of the row.
    operands
        In order, as many as the row has arguments.
    params
        The static parameters by name, in the row's order.
    as_operator
        Whether it is written ``v0 + v1`` rather than ``ab.add(v0, v1)``.
    """

    row: str
    operands: tuple[Operand, ...]
    params: dict[str, Any]
    as_operator: bool = False

    @property
    def used(self) -> frozenset[int]:
        """The results the step is computed from, those in conditions included."""
        return frozenset(
            ref.index
            for operand in self.operands
            for ref in (
                (operand.left, operand.right) if isinstance(operand, Condition) else (operand,)
            )
            if isinstance(ref, Ref)
        )

    def operands_on(self, results: Sequence[Any]) -> list[Any]:
        """The operands, given all results before the step."""
        return [_meaning(operand, results) for operand in self.operands]

    def applied(self, operands: Sequence[Any]) -> Any:
        """The result of the step on arrays, by the row's array reading."""
        rule, params = ROWS[self.row], self.params.values()
        result = rule.array.forward(*operands, *params)
        if np.iscomplexobj(result):
            # The real part by the real reading: complex log1p loses it near zero.
            result = rule.array.forward(*map(np.real, operands), *params) + 1j * np.imag(result)
        return result


@dataclass(frozen=True, eq=False, repr=False)
class Program:
    """A function of a few numbers and arrays, whose result is one number.

    Attributes
    ----------
    inputs
        The point it is drawn for: floats, which become Values, and arrays, which become Tensors.
    steps
        In an order in which they can be computed.
    outputs
        The results whose sum, with fixed weights, is the result of the program.
    dropped
        How many steps were drawn and left out, since no operand made them finite.

    Examples
    --------
    >>> program = Program((2.0,), (Step("mul", (Ref(0), Ref(0)), {}),), (1,))
    >>> program
    import numpy as np
    import autograd_bp as ab
    <BLANKLINE>
    x0 = ab.Value(2.0, name='x0')
    v1 = ab.mul(x0, x0)
    output = v1 * 0.5403023058681398
    output.backward()
    >>> program.run(program.leaves())
    Value(2.161209223472559, op='mul')
    """

    inputs: tuple[Number, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    dropped: int = 0

    def leaves(self) -> list[Node]:
        """New nodes for the inputs."""
        return [
            ab.Tensor(x, name=name) if isinstance(x, np.ndarray) else ab.Value(x, name=name)
            for name, x in zip(self._names, self.inputs, strict=False)
        ]

    def run(self, inputs: Sequence[Any], use: Use | None = None) -> Any:
        """The result for `inputs`.

        Parameters
        ----------
        inputs
            Nodes, which record; or floats and arrays of any dtype, complex ones too.
        use
            For arrays: what to use for a result where it is used. It is given the number of the
            step (or of steps for the final sum) and of the operand, and the result.

        Returns
        -------
        Node or array
            A Value if all results are; else a 0-d Tensor or array.
        """
        return self.results(inputs, use)[-1]

    def results(self, inputs: Sequence[Any], use: Use | None = None) -> list[Any]:
        """The inputs, the result of every step, and the result of the program."""
        with np.errstate(all="ignore"):
            if any(isinstance(x, Node) for x in inputs):
                return self._function(*inputs)
            return self._on_arrays(inputs, use or (lambda _step, _operand, result: result))

    def _on_arrays(self, inputs: Sequence[Any], use: Use) -> list[Any]:
        results: list[Any] = [np.asarray(x) for x in inputs]
        for number, step in enumerate(self.steps):
            operands = step.operands_on(results)
            for i, operand in enumerate(step.operands):
                if isinstance(operand, Ref):
                    operands[i] = use(number, i, operands[i])
            results.append(np.asarray(step.applied(operands)))
        terms = []
        for i, index in enumerate(self.outputs):
            term = use(len(self.steps), i, results[index])
            term = term * weights(np.shape(term))
            terms.append(np.sum(term) if np.ndim(term) else term)
        return [*results, functools.reduce(operator.add, terms)]

    @cached_property
    def is_analytic(self) -> bool:
        """Whether every row is right on complex arrays."""
        return all(is_analytic(ROWS[step.row]) for step in self.steps)

    def astype(self, dtype: DTypeLike) -> Program:
        """The same program with arrays of another dtype."""

        def cast(operand: Any) -> Any:
            if isinstance(operand, Condition):
                return replace(operand, right=cast(operand.right))
            return operand.astype(dtype) if isinstance(operand, np.ndarray) else operand

        return replace(
            self,
            inputs=tuple(map(cast, self.inputs)),
            steps=tuple(
                replace(step, operands=tuple(map(cast, step.operands))) for step in self.steps
            ),
        )

    def reordered(self, rng: random.Random) -> Program:
        """The same graph with its steps in another order, and some operands exchanged.

        Only operands that can be exchanged without changing a bit: those of sums and products.
        """
        place = {i: i for i in range(len(self.inputs))}
        waiting = list(enumerate(self.steps, len(self.inputs)))
        steps: list[Step] = []
        while waiting:
            ready = [item for item in waiting if item[1].used <= place.keys()]
            chosen = rng.choice(ready)
            waiting.remove(chosen)
            i, step = chosen
            operands = tuple(_moved(operand, place) for operand in step.operands)
            if step.row in COMMUTATIVE and rng.random() < 0.5:
                operands = operands[::-1]
            place[i] = len(self.inputs) + len(steps)
            steps.append(replace(step, operands=operands))
        outputs = [place[i] for i in self.outputs]
        return replace(self, steps=tuple(steps), outputs=tuple(outputs))

    # -- text -------------------------------------------------------------------------------------

    @cached_property
    def _names(self) -> list[str]:
        n = len(self.inputs)
        return [f"x{i}" for i in range(n)] + [f"v{i}" for i in range(n, n + len(self.steps))]

    @cached_property
    def _lines(self) -> list[str]:
        calls = operations({step.row for step in self.steps})
        lines = []
        for name, step in zip(self._names[len(self.inputs) :], self.steps, strict=True):
            call = OPERATORS[step.row] if step.as_operator else calls[step.row].call
            texts = [self._text(operand) for operand in step.operands]
            lines.append(f"{name} = {written(call, texts, step.params)}")
        return lines

    def _text(self, operand: Operand) -> str:
        if isinstance(operand, Ref):
            return self._names[operand.index]
        if isinstance(operand, Condition):
            return f"({self._text(operand.left)} {operand.symbol} {self._text(operand.right)})"
        return constant_text(operand)

    def _total(self) -> str:
        shapes = [np.shape(x) for x in self._drawn_results]
        terms = []
        for index in self.outputs:
            name, shape = self._names[index], shapes[index]
            if shape == ():
                terms.append(f"{name} * {float(weights(()))!r}")
                continue
            n = int(np.prod(shape))
            array = f"np.cos(1.0 + np.arange({n}))"
            if len(shape) > 1:
                array += f".reshape({shape})"
            terms.append(f"ab.sum({name} * {array})")
        return " + ".join(terms)

    @cached_property
    def _drawn_results(self) -> list[Any]:
        return self.results(self.inputs)

    @cached_property
    def _function(self) -> Callable[..., list[Any]]:
        """The text of the steps as a function of the inputs."""
        arguments = ", ".join(self._names[: len(self.inputs)])
        body = [*self._lines, f"return [{', '.join(self._names)}, {self._total()}]"]
        source = "\n    ".join([f"def program({arguments}):", *body])
        meanings: dict[str, Any] = {"ab": ab, "np": np}
        exec(source, meanings)  # noqa: S102  (the text is made here, of names and numbers)
        function: Callable[..., list[Any]] = meanings["program"]
        return function

    def __repr__(self) -> str:
        lines = ["import numpy as np", "import autograd_bp as ab", ""]
        for name, x in zip(self._names, self.inputs, strict=False):
            made = "Tensor" if isinstance(x, np.ndarray) else "Value"
            text = constant_text(x) if isinstance(x, np.ndarray) else repr(x)
            lines.append(f"{name} = ab.{made}({text}, name={name!r})")
        return "\n".join([*lines, *self._lines, f"output = {self._total()}", "output.backward()"])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002
        """Hypothesis and IPython print the snippet too."""
        for i, line in enumerate(repr(self).splitlines()):
            if i:
                printer.break_()
            printer.text(line)


def weights(shape: tuple[int, ...]) -> Any:
    """The fixed weights of an output of that shape: cos(1), cos(2), ...

    >>> weights((2,))
    array([ 0.54030231, -0.41614684])
    """
    return np.cos(1.0 + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def _meaning(operand: Operand, results: Sequence[Any]) -> Any:
    if isinstance(operand, Ref):
        return results[operand.index]
    if isinstance(operand, Condition):
        left, right = (_meaning(side, results) for side in (operand.left, operand.right))
        return _COMPARISONS[operand.symbol](np.real(left), np.real(right))
    return operand


def _moved(operand: Operand, place: dict[int, int]) -> Operand:
    if isinstance(operand, Ref):
        return Ref(place[operand.index])
    if isinstance(operand, Condition):
        left = Ref(place[operand.left.index])
        return replace(operand, left=left, right=_moved(operand.right, place))
    return operand

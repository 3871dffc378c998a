"""Scalar programs, ready to run: a tape and the native loop that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.compiler.kernels import COMMON, kernel
from autograd_bp.compiler.tape import Tape
from autograd_bp.value import Value

_COMMON_CODES = {operation: code for code, operation in enumerate(COMMON)}


class ScalarProgram:
    """A tape that can be run for other numbers.

    Parameters
    ----------
    tape
        What was recorded.

    Raises
    ------
    NotScalarError
        If the tape has an operation that the native loop cannot do.
    ModuleNotFoundError
        If there is no numba.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        extra = [operation for operation in tape.operations if operation not in _COMMON_CODES]
        operations = (*COMMON, *sorted(extra))
        codes = {operation: code for code, operation in enumerate(operations)}
        self._kernel = kernel(operations)
        renumbered = np.array([codes[operation] for operation in tape.operations], np.int32)
        self._codes = renumbered[tape.codes] if len(tape.codes) else tape.codes
        self._captured = [
            (place, leading)
            for place, leading in enumerate(tape.leading)
            if isinstance(leading, Value)
        ]
        self._start = np.zeros(tape.size)
        for place, leading in enumerate(tape.leading):
            if not isinstance(leading, Value):
                self._start[place] = leading
        self._spaces: list[tuple[Any, Any]] = []

    def run(self, numbers: Sequence[float]) -> list[float]:
        """The outputs for other inputs, and for what the captured Values hold now."""
        values, gradients = space = self._space()
        values[: len(numbers)] = numbers
        tape = self.tape
        self._kernel.run(
            self._codes,
            *tape.operands,
            values,
            gradients,
            len(tape.leading),
            tape.pulls,
            tape.seeds,
            tape.wanted,
        )
        found: list[float] = values[tape.outputs].tolist()
        self._spaces.append(space)
        return found

    def run_rows(self, rows: Any, places: Sequence[int], numbers: Sequence[float]) -> Any:
        """The outputs for each of many rows of the inputs at `places`; the others are the same."""
        values, gradients = space = self._space()
        values[: len(numbers)] = numbers
        tape = self.tape
        found = np.empty((len(rows), len(tape.outputs)))
        self._kernel.run_rows(
            self._codes,
            *tape.operands,
            values,
            gradients,
            len(tape.leading),
            tape.pulls,
            tape.seeds,
            tape.wanted,
            np.ascontiguousarray(rows, float),
            np.array(places, np.int64),
            tape.outputs,
            found,
        )
        self._spaces.append(space)
        return found

    def _space(self) -> tuple[Any, Any]:
        """Arrays of one running call: several threads may call at once."""
        try:
            space = self._spaces.pop()
        except IndexError:
            space = (self._start.copy(), np.zeros(self.tape.size))
        for place, node in self._captured:
            space[0][place] = node._value
        return space

"""Scalar programs, ready to run: a tape and the native loop that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_bp.compiler.kernels import COMMON, kernel
from autograd_bp.compiler.tape import Tape
from autograd_bp.value import Value

_COMMON = frozenset(COMMON)
_ONE_ROW, _NOWHERE = np.empty((1, 0)), np.empty(0, np.int64)


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
        common = all(operation in _COMMON for operation in tape.operations)
        operations = COMMON if common else tuple(sorted(tape.operations))
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
        found: list[float] = self.run_rows(_ONE_ROW, _NOWHERE, numbers)[0].tolist()
        return found

    def run_rows(self, rows: Any, places: Any, numbers: Sequence[float]) -> Any:
        """The outputs for each of many rows of the inputs at `places`; the others are the same."""
        values, gradients = space = self._space()
        values[: len(numbers)] = numbers
        tape = self.tape
        found = np.empty((len(rows), len(tape.outputs)))
        self._kernel.run(
            self._codes,
            *tape.operands,
            values,
            gradients,
            len(tape.leading),
            tape.pulls,
            tape.seeds,
            tape.wanted,
            rows,
            places,
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

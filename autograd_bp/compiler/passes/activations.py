"""Cheaper forms of activations and losses, right wherever they do not give nan.

The rows hold over the whole range of floats: infinite logits, weights beyond the largest float. The
forms here are as precise, but give nan in such places; `guards` has put checks behind them, and
where one fails the function itself runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_bp.compiler.build import Builder
from autograd_bp.compiler.program import Instruction, Program, Var


def with_cheap_forms(program: Program) -> Program:
    """Sigmoids, softmax and cross entropies in a few steps that share what they can."""
    writer = _Writer(program)
    for instruction in program.instructions:
        writer.add(instruction)
    return replace(
        program,
        instructions=tuple(writer.build.instructions),
        constants={**program.constants, **writer.constants},
        fixed=program.fixed | writer.constants.keys(),
    )


class _Writer:
    def __init__(self, program: Program) -> None:
        self.build = Builder()
        self.makers = program.makers()
        self.constants: dict[Var, Any] = {}
        self._rows: dict[int, Var] = {}
        # By the mask of the largest elements: where they are. By a variable: its zeroed entries.
        self.tops: dict[Var, tuple[Var, Var]] = {}
        self.zeroed: dict[Var, tuple[Var, Var]] = {}

    def add(self, instruction: Instruction) -> None:
        form = _FORMS.get(instruction.op)
        out = instruction.out
        if form is None or out is None or out.weak or not form(self, instruction, out):
            self.build.keep(instruction)

    # -- steps ------------------------------------------------------------------------------------

    def rows(self, n: int) -> Var:
        """The numbers of n rows."""
        if n not in self._rows:
            places = np.arange(n)
            places.flags.writeable = False
            self._rows[n] = Var.like(places, "rows")
            self.constants[self._rows[n]] = places
        return self._rows[n]

    def top(self, x: Var) -> Var:
        """Where the first largest element of each row is."""
        out = Var(x.shape[:1], np.intp, name=None)
        return self.call("rules.top", _argmax, (x,), (), out)

    def call(
        self, op: str, function: Callable[..., Any], operands: Any, params: Any, out: Var
    ) -> Var:
        self.build.call(op, function, operands, params, out)
        return out

    def at(self, x: Var, rows: Var, places: Var) -> Var:
        return self.row("getitem", x, params=((rows, places),), shape=x.shape[:1])

    def put(self, x: Var, value: Any, rows: Var, places: Var, into: Var | None = None) -> Var:
        out = into or Var(x.shape, x.dtype)
        return self.build.row("index_set", x, value, params=((rows, places),), out=out)

    def row(self, name: str, x: Var, *, params: tuple[Any, ...], shape: tuple[int, ...]) -> Var:
        return self.build.row(name, x, params=params, out=Var(shape, x.dtype))

    def column(self, x: Var) -> Var:
        return self.row("reshape", x, params=((*x.shape, 1),), shape=(*x.shape, 1))

    def ufunc(self, name: str, *operands: Any) -> Any:
        return self.build.ufunc(name, *operands)

    def terms(self, x: Var) -> tuple[Var, Var, Var, Var, Var]:
        """Numbers of the rows, where their largest elements are, all relative to these, exp of
        them but 0 for the largest, and the sums of these: see `rules.losses`."""
        rows, top = self.rows(x.shape[0]), self.top(x)
        relative = self.ufunc("np.subtract", x, self.column(self.at(x, rows, top)))
        terms = self.put(self.ufunc("np.exp", relative), 0.0, rows, top)
        others = self.row("sum", terms, params=((1,), False), shape=x.shape[:1])
        return rows, top, relative, terms, others


def _is_rows(x: Any, axis: Any) -> bool:
    return (
        isinstance(x, Var)
        and x.dtype in (np.float32, np.float64)
        and len(x.shape) == 2
        and axis in (-1, 1, (-1,), (1,))
        and x.size > 0
    )


def _sigmoid(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """exp(x) / (1 + exp(x))."""
    grown = writer.ufunc("np.exp", instruction.operands[0])
    writer.build.ufunc("np.true_divide", grown, writer.ufunc("np.add", grown, 1.0), into=out)
    return True


def _sigmoid_slope(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """exp(x) / (1 + exp(x)) / (1 + exp(x))."""
    grown = writer.ufunc("np.exp", instruction.operands[0])
    more = writer.ufunc("np.add", grown, 1.0)
    writer.build.ufunc(
        "np.true_divide", writer.ufunc("np.true_divide", grown, more), more, into=out
    )
    return True


def _log_softmax(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    x, (axis,) = instruction.operands[0], instruction.params
    if not _is_rows(x, axis):
        return False
    _, _, relative, _, others = writer.terms(x)  # type: ignore[arg-type]
    logs = writer.column(writer.ufunc("np.log1p", others))
    writer.build.ufunc("np.subtract", relative, logs, into=out)
    return True


def _softmax(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    x, (axis,) = instruction.operands[0], instruction.params
    if not _is_rows(x, axis):
        return False
    rows, top, _, terms, others = writer.terms(x)  # type: ignore[arg-type]
    largest = writer.ufunc("np.reciprocal", writer.ufunc("np.add", others, 1.0))
    scaled = writer.ufunc("np.multiply", terms, writer.column(largest))
    writer.put(scaled, largest, rows, top, into=out)
    return True


def _top_mask(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    x, (axis,) = instruction.operands[0], instruction.params
    if _is_rows(x, axis):
        writer.tops[out] = writer.rows(x.shape[0]), writer.top(x)  # type: ignore[union-attr, arg-type]
    return False


def _where(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """0 at the largest element of each row."""
    mask, zero, x = instruction.operands
    if not (mask in writer.tops and zero == 0.0 and isinstance(x, Var) and x.shape == out.shape):
        return False
    if x.dtype != out.dtype:
        return False
    rows, top = writer.tops[mask]
    writer.put(x, 0.0, rows, top, into=out)
    writer.zeroed[out] = rows, top
    return True


def _sub(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """Minus the sum of the rest, at the largest element of each row, where there is 0."""
    rest, at_top = instruction.operands
    maker = writer.makers.get(at_top) if isinstance(at_top, Var) else None
    if rest not in writer.zeroed or maker is None or maker.op != "where":
        return False
    mask, total, zero = maker.operands
    if writer.tops.get(mask) != writer.zeroed[rest] or zero != 0.0:  # type: ignore[arg-type]
        return False
    if not isinstance(total, Var) or total.shape != (out.shape[0], 1):
        return False
    rows, top = writer.tops[mask]  # type: ignore[index]
    flat = writer.row("reshape", total, params=(out.shape[:1],), shape=out.shape[:1])
    writer.put(rest, writer.ufunc("np.negative", flat), rows, top, into=out)
    return True


def _by_label(instruction: Instruction) -> bool:
    x = instruction.operands[0]
    labels, weights = instruction.params
    return (
        _is_rows(x, -1)
        and isinstance(labels, Var | np.ndarray)
        and len(labels.shape) == 1
        and (weights is None or isinstance(weights, float))
    )


def _label_terms(writer: _Writer, x: Var, labels: Any) -> tuple[Var, Var, Var]:
    """The numbers of the rows, exp of all relative to the label's but 0 for that, and the sums of
    these."""
    rows = writer.rows(x.shape[0])
    relative = writer.ufunc("np.subtract", x, writer.column(writer.at(x, rows, labels)))
    terms = writer.put(writer.ufunc("np.exp", relative), 0.0, rows, labels)
    return rows, terms, writer.row("sum", terms, params=((1,), False), shape=x.shape[:1])


def _cross_entropy(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """log(1 + the sum of exp relative to the label), by row."""
    if not _by_label(instruction):
        return False
    x, (labels, weights) = instruction.operands[0], instruction.params
    if isinstance(labels, Var):
        writer.build.call("check_positive", _looked, (labels,), (), None)
    _, _, others = _label_terms(writer, x, labels)  # type: ignore[arg-type]
    losses = writer.ufunc("np.log1p", others)
    if weights is None:
        writer.build.row("reshape", losses, params=(out.shape,), out=out)
    else:
        total = writer.row("sum", losses, params=((0,), False), shape=())
        writer.build.ufunc("np.multiply", total, weights, into=out)
    writer.build.call("check_finite", _looked, (others,), (), None)
    return True


def _label_errors(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """Each row of probabilities, with minus the sum of the others at the label."""
    if not _by_label(instruction):
        return False
    x, (labels, weights) = instruction.operands[0], instruction.params
    rows, terms, others = _label_terms(writer, x, labels)  # type: ignore[arg-type]
    weight = 1.0 if weights is None else weights
    scale = writer.ufunc("np.true_divide", weight, writer.ufunc("np.add", others, 1.0))
    shares = writer.ufunc("np.multiply", terms, writer.column(scale))
    missing = writer.ufunc("np.negative", writer.ufunc("np.multiply", others, scale))
    writer.put(shares, missing, rows, labels, into=out)
    return True


def _argmax(x: Any) -> Any:
    return x.argmax(axis=1)


def _looked(_value: object) -> None:
    """What the interpreter does for a check: nothing; see `source`."""


_FORMS: dict[str, Callable[[_Writer, Instruction, Var], bool]] = {
    "sigmoid": _sigmoid,
    "sigmoid_slope": _sigmoid_slope,
    "log_softmax": _log_softmax,
    "softmax": _softmax,
    "rules.top_mask": _top_mask,
    "where": _where,
    "sub": _sub,
    "cross_entropy": _cross_entropy,
    "label_errors": _label_errors,
}
CHEAP = frozenset("sigmoid sigmoid_slope softmax log_softmax cross_entropy label_errors".split())
"""The rows that are written in forms that can give nan where they do not."""

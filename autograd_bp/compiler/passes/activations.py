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
        constants={**program.constants, **writer.constants, **writer.shared},
        fixed=program.fixed | writer.constants.keys(),
    )


class _Writer:
    def __init__(self, program: Program) -> None:
        self.build = Builder()
        self.makers = program.makers()
        self.constants: dict[Var, Any] = {}
        self.shared: dict[Var, Any] = {}
        self._rows: dict[tuple[int, int], Var] = {}
        # By the mask of the largest elements: where they are. By a variable: its zeroed entries.
        self.tops: dict[Var, Var] = {}
        self.zeroed: dict[Var, Var] = {}

    def add(self, instruction: Instruction) -> None:
        form = _FORMS.get(instruction.op)
        out = instruction.out
        if form is None or out is None or out.weak or not form(self, instruction, out):
            self.build.keep(instruction)

    # -- steps ------------------------------------------------------------------------------------

    def places(self, x: Var, columns: Any) -> Var:
        """Where the elements of a matrix are, one per row, counted through all rows."""
        n, width = x.shape
        if n == 1 and isinstance(columns, Var):
            return columns
        if (n, width) not in self._rows:
            offsets = np.arange(0, n * width, width)
            offsets.flags.writeable = False
            self._rows[n, width] = Var.like(offsets, "offsets")
            self.constants[self._rows[n, width]] = offsets
        if not isinstance(columns, Var):
            columns = self.constant(columns, "labels")
        return self.ufunc("np.add", columns, self._rows[n, width])  # type: ignore[no-any-return]

    def constant(self, array: Any, name: str) -> Var:
        """An array of the function, which it may change later: a copy would not see that."""
        var = Var.like(array, name)
        self.shared[var] = array
        return var

    def top(self, x: Var) -> Var:
        """Where the first largest element of each row is."""
        out = Var(x.shape[:1], np.intp, name=None)
        return self.call("rules.top", _argmax, (x,), (), out)

    def call(
        self, op: str, function: Callable[..., Any], operands: Any, params: Any, out: Var
    ) -> Var:
        self.build.call(op, function, operands, params, out)
        return out

    def at(self, x: Var, places: Var) -> Var:
        """The elements at the places."""
        return self.call("take", _take, (x, places), (), Var(x.shape[:1], x.dtype))

    def put(self, x: Var, places: Var, value: Any, into: Var | None = None) -> Var:
        """x with the elements at the places replaced."""
        return self.call("put", _put, (x, places, value), (), into or Var(x.shape, x.dtype))

    def row(self, name: str, x: Var, *, params: tuple[Any, ...], shape: tuple[int, ...]) -> Var:
        return self.build.row(name, x, params=params, out=Var(shape, x.dtype))

    def column(self, x: Var) -> Var:
        return self.row("reshape", x, params=((*x.shape, 1),), shape=(*x.shape, 1))

    def ufunc(self, name: str, *operands: Any) -> Any:
        return self.build.ufunc(name, *operands)

    def terms(self, x: Var) -> tuple[Var, Var, Var, Var]:
        """Where the largest elements of the rows are, all relative to these, exp of them but 0 for
        the largest, and the sums of these: see `rules.losses`."""
        top = self.places(x, self.top(x))
        relative = self.ufunc("np.subtract", x, self.column(self.at(x, top)))
        terms = self.put(self.ufunc("np.exp", relative), top, 0.0)
        return top, relative, terms, self.row("sum", terms, params=((1,), False), shape=x.shape[:1])


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


def _square(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """``square(sech(x))``, the derivative of tanh, by cosh: 0 where that overflows."""
    root = instruction.operands[0]
    maker = writer.makers.get(root) if isinstance(root, Var) else None
    if maker is None or maker.op != "sech":
        return False
    sech = writer.ufunc("np.reciprocal", writer.ufunc("np.cosh", maker.operands[0]))
    writer.build.ufunc("np.square", sech, into=out)
    return True


def _log_softmax(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    x, (axis,) = instruction.operands[0], instruction.params
    if not _is_rows(x, axis):
        return False
    _, relative, _, others = writer.terms(x)  # type: ignore[arg-type]
    logs = writer.column(writer.ufunc("np.log1p", others))
    writer.build.ufunc("np.subtract", relative, logs, into=out)
    return True


def _softmax(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    x, (axis,) = instruction.operands[0], instruction.params
    if not _is_rows(x, axis):
        return False
    top, _, terms, others = writer.terms(x)  # type: ignore[arg-type]
    largest = writer.ufunc("np.reciprocal", writer.ufunc("np.add", others, 1.0))
    scaled = writer.ufunc("np.multiply", terms, writer.column(largest))
    writer.put(scaled, top, largest, into=out)
    return True


def _top_mask(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    x, (axis,) = instruction.operands[0], instruction.params
    if _is_rows(x, axis):
        writer.tops[out] = writer.places(x, writer.top(x))  # type: ignore[arg-type]
    return False


def _where(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """0 at the largest element of each row."""
    mask, zero, x = instruction.operands
    if not (mask in writer.tops and zero == 0.0 and isinstance(x, Var) and x.shape == out.shape):
        return False
    if x.dtype != out.dtype:
        return False
    writer.put(x, writer.tops[mask], 0.0, into=out)
    writer.zeroed[out] = writer.tops[mask]
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
    flat = writer.row("reshape", total, params=(out.shape[:1],), shape=out.shape[:1])
    minus = writer.ufunc("np.negative", flat)
    writer.put(rest, writer.zeroed[rest], minus, into=out)
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
    """Where the labels are, exp of all relative to the label's but 0 for that, and the sums of
    these."""
    places = writer.places(x, labels)
    relative = writer.ufunc("np.subtract", x, writer.column(writer.at(x, places)))
    terms = writer.put(writer.ufunc("np.exp", relative), places, 0.0)
    return places, terms, writer.row("sum", terms, params=((1,), False), shape=x.shape[:1])


def _cross_entropy(writer: _Writer, instruction: Instruction, out: Var) -> bool:
    """log(1 + the sum of exp relative to the label), by row."""
    if not _by_label(instruction):
        return False
    x, (labels, weights) = instruction.operands[0], instruction.params
    if isinstance(labels, Var):
        width = x.shape[1]  # type: ignore[union-attr]
        writer.build.call("check_places", _looked, (labels,), (width,), None)
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
    places, terms, others = _label_terms(writer, x, labels)  # type: ignore[arg-type]
    parts = writer.put(terms, places, writer.ufunc("np.negative", others))
    whole = writer.ufunc("np.add", others, 1.0)
    if weights is None or weights == 1.0:
        writer.build.ufunc("np.true_divide", parts, writer.column(whole), into=out)
    else:
        scale = writer.ufunc("np.true_divide", weights, whole)
        writer.build.ufunc("np.multiply", parts, writer.column(scale), into=out)
    return True


def _argmax(x: Any) -> Any:
    return x.argmax(axis=1)


def _take(x: Any, places: Any) -> Any:
    return x.take(places)


def _put(x: Any, places: Any, value: Any) -> Any:
    result = np.array(x, order="C")
    result.put(places, value)
    return result


def _looked(_value: object) -> None:
    """What the interpreter does for a check: nothing; see `source`."""


_FORMS: dict[str, Callable[[_Writer, Instruction, Var], bool]] = {
    "sigmoid": _sigmoid,
    "sigmoid_slope": _sigmoid_slope,
    "square": _square,
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

"""Scalar programs: functions of numbers, recorded as a flat tape.

A tape is three arrays: for each step the operation and the places of its operands. It is run by one
loop in native code (`kernels`), forward, and backward for a gradient; so a gradient costs nothing
to record, whatever the size of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from autograd_bp import trees
from autograd_bp.compiler.errors import ConcreteValueError
from autograd_bp.compiler.program import Var
from autograd_bp.compiler.randomness import no_draws
from autograd_bp.compiler.session import being_recorded
from autograd_bp.compiler.symbols import Symbol
from autograd_bp.debug import users_line
from autograd_bp.node import Node
from autograd_bp.rules import ROWS, Rule
from autograd_bp.value import Value, is_number


class NotScalarError(Exception):
    """A function that is no scalar program, or takes gradients of gradients."""


class TapeValue(Value):
    """A number that is not known while its operations are written down."""

    __slots__ = ("_place", "_tracer")
    _place: int
    _tracer: TapeRecorder
    # What a node of a graph has each of its own: here there is no graph.
    requires_grad = True
    rule = None
    grad = None
    serial = 0

    @property
    def name(self) -> str | None:
        """A number on a tape has no name."""
        return None

    @name.setter
    def name(self, _name: Any) -> None:
        pass

    @property
    def _parents(self) -> Any:  # type: ignore[override]
        raise NotScalarError("a graph is walked")

    def _refuse(self, what: str) -> Any:
        raise ConcreteValueError(
            f"{self._tracer.name} is being compiled, and needs {what} of a number that is only "
            f"known when it runs, at {users_line()}\n"
            "A compiled function is recorded once and then runs for all values. Choose by value "
            "with ab.where(condition, a, b) in place of if; what decides the course of the program "
            "is an argument that is an int, a bool or a string"
        )

    @property
    def _value(self) -> Any:
        return self._tracer.symbol

    @property  # type: ignore[misc]
    def data(self) -> Any:
        """The same number, with no derivative."""
        return self._tracer.detached(self)

    def _seed(self, cotangent: Any) -> Any:
        return 1.0 if cotangent is None else cotangent

    def _conform(self, contribution: Any) -> Any:
        return contribution

    def detach(self) -> Any:
        """The same number, with no derivative."""
        return self._tracer.detached(self)

    def item(self) -> float:
        """Refused: there is no number yet."""
        return float(self._refuse("the number (.item())"))

    def backward(self, cotangent: Any = None) -> None:
        """NotScalarError: there is no graph."""
        self._tracer.stop("backward", cotangent)

    def __bool__(self) -> bool:
        return bool(self._refuse("the truth value (bool(), if, while, and, or, not)"))

    def __float__(self) -> float:
        return float(self._refuse("the number as a float (float(), or a function of math)"))

    def __int__(self) -> int:
        return int(self._refuse("the number as an int"))

    def __round__(self, digits: int | None = None) -> Any:
        return self._refuse("the number, to round it")

    def __array__(self, *_args: Any, **_keywords: Any) -> Any:
        return self._refuse("an array")

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return "traced Value"

    __hash__ = Node.__hash__


COMPARISONS = {
    "eq": ("equal", "x == y"),
    "ne": ("not_equal", "x != y"),
    "lt": ("less", "x < y"),
    "le": ("less_equal", "x <= y"),
    "gt": ("greater", "x > y"),
    "ge": ("greater_equal", "x >= y"),
}


class TapeRecorder:
    """Writes down one call of a function. Operands are places; before the end, those of inputs
    and constants are counted down from -1."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.operations: dict[tuple[str, tuple[Any, ...]], int] = {}
        self.codes: list[int] = []
        self.operands: tuple[list[int], list[int], list[int]] = ([], [], [])
        self.leading: list[float | Value] = [0.0] * count  # constants, and Values from outside
        self.places: dict[Any, int] = {}
        self.pulls: list[tuple[int, list[tuple[int, int]], list[int], int]] = []
        self.symbol = Symbol(Var((), float, weak=True), 0.0, self)
        self._first_serial = Value(0.0).serial

    # -- operations -------------------------------------------------------------------------------

    def code(self, name: str, params: tuple[Any, ...] = ()) -> int:
        """The number of an operation in this program."""
        key = (name, params)
        return self.operations.setdefault(key, len(self.operations))

    def place(self, operand: Any) -> int:
        """The place of an operand; NotScalarError if it is no number."""
        if type(operand) is TapeValue:
            if operand._tracer is not self:
                raise ConcreteValueError(f"a number of {operand._tracer.name} has been kept")
            return operand._place
        if isinstance(operand, Value):
            if operand.rule is not None or operand.serial > self._first_serial:
                operand = operand._value
            else:
                return self._known(id(operand), operand)
        if is_number(operand):
            number = float(operand)
            return self._known(number.hex(), number)
        raise NotScalarError(f"{type(operand).__name__} takes part")

    def _known(self, key: Any, leading: float | Value) -> int:
        place = self.places.get(key)
        if place is None:
            self.leading.append(leading)
            place = self.places[key] = -len(self.leading)
        return place

    def emit(self, code: int, *places: int) -> TapeValue:
        """The result of a step."""
        first, second, third = self.operands
        self.codes.append(code)
        first.append(places[0])
        second.append(places[1] if len(places) > 1 else places[0])
        third.append(places[2] if len(places) > 2 else places[0])
        return self.value(len(self.codes) - 1)

    def value(self, place: int) -> TapeValue:
        """The number at a place."""
        node = TapeValue.__new__(TapeValue)
        node._tracer = self
        node._place = place
        return node

    def apply(self, rule: Rule, operands: Sequence[Any], params: tuple[Any, ...] = ()) -> TapeValue:
        """A row of the sheet on numbers."""
        if rule.kind != "elementwise" or len(operands) > 3:
            raise NotScalarError(rule.name)
        return self.emit(self.code(rule.name, params), *map(self.place, operands))

    def compared(self, compare: Callable[..., Any], left: Any, right: Any) -> TapeValue:
        """A comparison with a Value from outside."""
        name = COMPARISONS[compare.__name__][0]
        return self.emit(self.code(name), self.place(left), self.place(right))

    def detached(self, node: TapeValue) -> TapeValue:
        """The same number, with no derivative."""
        return self.emit(self.code("detached"), node._place)

    def numbers_of(self, node: Node) -> Any:
        """`node.data` of a Value from outside: what it is at every call."""
        if isinstance(node, Value) and node.serial <= self._first_serial:
            return self.emit(self.code("detached"), self.place(node))
        return node._value

    def symbol_of(self, node: Node) -> NoReturn:
        """NotScalarError: a tape has no arrays."""
        raise NotScalarError(f"numbers of {node!r}")

    def leaf(self, node: TapeValue) -> TapeValue:
        """A new number of the same value, for a transform to differentiate by."""
        return self.emit(self.code("identity"), node._place)

    def refuse(self, _symbol: Symbol, what: str) -> NoReturn:
        """ConcreteValueError: what was needed."""
        raise ConcreteValueError(self.value(0)._refuse(what))

    def stop(self, *what: Any) -> NoReturn:
        """NotScalarError: this is more than a tape can hold."""
        raise NotScalarError(what)

    def numpy_function(self, function: Any, *_: Any) -> Any:
        """NumPy's functions of shapes."""
        known = {np.size: 1, np.shape: (), np.ndim: 0}
        if function not in known:
            self.stop(function)
        return known[function]

    to_value = constant_function = user_function = draw = stop

    # -- gradients --------------------------------------------------------------------------------

    def pull_back(self, seeds: Mapping[Any, Any], wanted: Sequence[Any]) -> dict[Any, TapeValue]:
        """The gradients of `wanted`, as numbers that a sweep backward over the tape will give."""
        end = len(self.codes)
        given = [(self.place(node), self.place(seed)) for node, seed in seeds.items()]
        places = [self.place(node) for node in wanted]
        if self.pulls and self._reaches([place for place, _ in given], set(places)):
            raise NotScalarError("a gradient of a gradient")
        self.pulls.append((end, given, places, end))
        code = self.code("gradient")
        return {node: self.emit(code, place) for node, place in zip(wanted, places, strict=True)}

    def _reaches(self, starts: Sequence[int], wanted: set[int]) -> bool:
        """Whether an earlier gradient lies between the seeds and what is wanted."""
        gradient = self.operations[("gradient", ())]
        depends = [False] * len(self.codes)  # on what is wanted
        passes = [False] * len(self.codes)  # through a gradient
        for i, code in enumerate(self.codes):
            operands = [k for row in self.operands if (k := row[i]) >= 0]
            depends[i] = i in wanted or any(depends[k] for k in operands)
            passes[i] = code == gradient or any(passes[k] for k in operands)
        return any(start >= 0 and passes[start] and depends[start] for start in starts)


class Tape:
    """A recorded scalar program."""

    def __init__(self, recorder: TapeRecorder, count: int, output: Any) -> None:
        self.name = recorder.name
        leaves, self.structure = trees.flatten(output)
        places = [recorder.place(leaf) for leaf in leaves]
        self.count = count
        self.leading = recorder.leading
        self.operations = list(recorder.operations)
        n = len(recorder.leading)
        self.codes = np.array(recorder.codes, np.int32)
        self.operands = tuple(_shifted(np.array(row, np.int32), n) for row in recorder.operands)
        self.outputs = _shifted(np.array(places, np.int32), n)
        seeds = [pair for _, given, _, _ in recorder.pulls for pair in given]
        wanted = [place for _, _, places, _ in recorder.pulls for place in places]
        self.seeds = _shifted(np.array(seeds, np.int32).reshape(-1, 2), n)
        self.wanted = _shifted(np.array(wanted, np.int32), n)
        # Per gradient: where it stands, and the ends of its seeds and of what is wanted.
        ends = np.cumsum([[len(g), len(w)] for _, g, w, _ in recorder.pulls], axis=0)
        self.pulls = np.array(
            [[at + n, *end] for (at, *_), end in zip(recorder.pulls, ends, strict=True)], np.int32
        ).reshape(-1, 3)

    @property
    def size(self) -> int:
        """The number of places."""
        return len(self.leading) + len(self.codes)

    def text(self, limit: int = 400) -> str:
        """The steps as Python, the first `limit` of them."""
        n = len(self.leading)
        names: list[str] = []
        for i, leading in enumerate(self.leading):
            if i < self.count:
                names.append(f"x{i}")
            elif isinstance(leading, Value):
                names.append(leading.name or f"w{i}")
            else:
                names.append(repr(leading))
        lines = [f"def {self.name}(...):  # {len(self.codes)} steps"]
        pulls = {int(at) for at, _, _ in self.pulls}
        for i, code in enumerate(self.codes[:limit]):
            name, params = self.operations[code]
            rule = ROWS.get(name)
            count = len(rule.args) if rule is not None else 2 if name in _COMPARES else 1
            read = [
                names[k] if (k := int(row[i])) < n else f"v{k - n}" for row in self.operands[:count]
            ]
            if i + n in pulls:
                lines.append("    # backward over all steps above")
            text = f"gradient by {read[0]}" if name == "gradient" else _written(name, read, params)
            lines.append(f"    v{i} = {text}")
        if len(self.codes) > limit:
            lines.append(f"    ...  # {len(self.codes) - limit} more")
        return "\n".join(lines) + "\n"


_SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
_COMPARES = {name for name, _ in COMPARISONS.values()}


def _written(name: str, read: list[str], params: tuple[Any, ...]) -> str:
    if name in _SYMBOLS:
        return f" {_SYMBOLS[name]} ".join(read)
    return f"{name}({', '.join([*read, *map(repr, params)])})"


def _shifted(places: Any, leading: int) -> Any:
    """Places as they are in memory: the leading numbers first, then the results."""
    return np.where(places < 0, -1 - places, places + leading).astype(np.int32)


def record_tape(
    f: Callable[..., Any], count: int, unflatten: Callable[[Sequence[Any]], Any]
) -> Tape:
    """The tape of `f`, a function of `count` numbers; NotScalarError if it is none."""
    recorder = TapeRecorder(getattr(f, "__name__", type(f).__name__), count)
    args, kwargs = unflatten([recorder.value(-1 - i) for i in range(count)])
    with being_recorded(recorder), no_draws(f, (args, kwargs)):
        output = f(*args, **kwargs)
    return Tape(recorder, count, output)


# -- operators: straight paths, since they are met a hundred thousand times ------------------------


def _binary(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    new = TapeValue.__new__

    def method(self: TapeValue, other: Any) -> Any:
        recorder = self._tracer
        if type(other) is TapeValue:
            place = other._place
        elif isinstance(other, float | int | Value) or is_number(other):
            place = recorder.place(other)
        else:
            return NotImplemented
        codes = recorder.codes
        first, second, third = recorder.operands
        mine = self._place
        first.append(mine)
        second.append(place)
        third.append(mine)
        node = new(TapeValue)
        node._tracer = recorder
        node._place = len(codes)
        codes.append(recorder.code(name))
        return node

    def reflected(self: TapeValue, other: Any) -> Any:
        if not (isinstance(other, float | int | Value) or is_number(other)):
            return NotImplemented
        recorder = self._tracer
        return recorder.emit(recorder.code(name), recorder.place(other), self._place)

    return method, reflected


def _unary(name: str) -> Callable[[TapeValue], TapeValue]:
    def method(self: TapeValue) -> TapeValue:
        return self._tracer.emit(self._tracer.code(name), self._place)

    return method


for _symbol, _row in (
    ("add", "add"),
    ("sub", "sub"),
    ("mul", "mul"),
    ("truediv", "div"),
    ("floordiv", "floor_divide"),
    ("mod", "mod"),
    ("pow", "pow"),
    *((symbol, name) for symbol, (name, _) in COMPARISONS.items()),
):
    _method, _reflected = _binary(_row)
    setattr(TapeValue, f"__{_symbol}__", _method)
    if _symbol not in COMPARISONS:
        setattr(TapeValue, f"__r{_symbol}__", _reflected)
for _row in ("neg", "abs"):
    setattr(TapeValue, f"__{_row}__", _unary(_row))
for _row in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu"):
    setattr(TapeValue, _row, _unary(_row))

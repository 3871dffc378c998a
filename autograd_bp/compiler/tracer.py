"""The tracer: runs a function on symbols and writes down what it does."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from autograd_bp import tensor, trees, value
from autograd_bp.compiler.arguments import separated
from autograd_bp.compiler.errors import ConcreteValueError
from autograd_bp.compiler.program import Instruction, Operand, Program, Var
from autograd_bp.compiler.randomness import no_draws, restored, undrawn
from autograd_bp.compiler.session import being_recorded
from autograd_bp.compiler.symbols import Symbol, TracedTensor, TracedValue
from autograd_bp.debug import users_line
from autograd_bp.derivatives import plain_node, pull_back
from autograd_bp.errors import explained
from autograd_bp.function import Function, _FunctionRule
from autograd_bp.node import Node
from autograd_bp.operands import as_operand
from autograd_bp.operations import apply, joined
from autograd_bp.recording import state
from autograd_bp.rules import ROWS, Rule
from autograd_bp.sweep import topological_order
from autograd_bp.value import Value

# Functions of shapes and dtypes alone: their results are known while recording.
_NUMPY_OF_SHAPES = frozenset(
    "shape ndim size zeros_like ones_like empty_like full_like result_type can_cast iscomplexobj "
    "isrealobj broadcast_shapes iterable may_share_memory shares_memory".split()
)


class Tracer:
    """Records one call of a function."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.instructions: list[Instruction] = []
        self.constants: dict[Var, Any] = {}
        self.captured: dict[int, tuple[Node, Symbol]] = {}
        self.fixed: set[Var] = set()
        self._arrays: dict[int, tuple[Any, Symbol]] = {}
        self._first_serial = Value(0.0).serial
        self._open = True

    # -- what enters ------------------------------------------------------------------------------

    def argument(self, data: Any, name: str | None) -> Node:
        """A node for an argument of the function."""
        example = data if isinstance(data, np.ndarray) else float(data)
        return self._leaf(Symbol(Var.like(example, name), example, self), name, differentiable=True)

    def _leaf(self, symbol: Symbol, name: str | None, *, differentiable: bool) -> Node:
        node: Node = self._new(symbol)
        node._start(symbol, name, differentiable and symbol.dtype.kind == "f")
        return node

    def _new(self, symbol: Symbol) -> Any:
        kind: Any = TracedValue if symbol.var.weak else TracedTensor
        node = kind.__new__(kind)
        node._tracer = self
        return node

    def _entering(self, operand: Any) -> Any:
        """An operand as a symbol, or as a Python number."""
        if isinstance(operand, Symbol):
            return operand
        if isinstance(operand, Node):
            if operand._tracer is None:
                return self._captured(operand)
            if operand._tracer is not self or not self._open:
                raise ConcreteValueError(
                    f"{operand!r} was made while {operand._tracer.name} was being compiled and "
                    "has no numbers: return it from that function instead of storing it"
                )
            return operand._value
        operand = as_operand(operand)
        return operand if isinstance(operand, bool | int | float) else self._constant(operand)

    def _constant(self, array: Any) -> Symbol:
        """An array the function used. The program reads the array itself when it runs, unless the
        function changes it while it is recorded: then the numbers it had here."""
        known = self._arrays.get(id(array))
        if known is None or not np.array_equal(
            known[1].example, array, equal_nan=array.dtype.kind == "f"
        ):
            copied = array.copy()
            symbol = Symbol(Var.like(array), copied, self)
            self.constants[symbol.var] = copied
            self._arrays[id(array)] = known = (array, symbol)
        return known[1]

    def _shared_constants(self) -> dict[Var, Any]:
        shared = dict(self.constants)
        for array, symbol in self._arrays.values():
            if np.array_equal(symbol.example, array, equal_nan=array.dtype.kind == "f"):
                shared[symbol.var] = array
        return shared

    def _captured(self, node: Node) -> Any:
        """A node from outside the function: its data is read again at every call."""
        known = self.captured.get(id(node))
        if known is not None:
            return known[1]
        data = node._value
        if node.rule is not None or node.serial > self._first_serial or node.serial < 0:
            if not isinstance(data, np.ndarray):
                return data
            entered = self._constant(data)
            self.fixed.add(entered.var)
            return entered
        symbol = Symbol(Var.like(data, node.name), data, self)
        self.captured[id(node)] = (node, symbol)
        return symbol

    # -- operations -------------------------------------------------------------------------------

    def apply(self, rule: Rule, operands: Sequence[Any], params: tuple[Any, ...] = ()) -> Any:
        """An operation on nodes, at least one of them traced, as an instruction."""
        operands = tuple(joined(operand) for operand in operands)
        args = tuple(map(self._entering, operands))
        examples = tuple(map(_example, args))
        known_params = substituted_symbols(params)
        weak = rule.kind == "elementwise" and not any(
            isinstance(arg, Symbol) and not arg.var.weak for arg in args
        )
        try:
            with np.errstate(all="ignore"):
                if weak:
                    result: Any = value.compute(rule, tuple(map(float, examples)), known_params)
                else:
                    result = np.asarray(rule.array.forward(*examples, *known_params))
        except (ValueError, TypeError, IndexError) as error:
            parents = [operand if isinstance(operand, Node) else None for operand in operands]
            raise explained(error, rule, examples, parents, known_params) from error
        if not weak and rule.kind == "elementwise" and result.dtype == np.float64:
            result = tensor._narrowed(result, list(examples))
        symbol = self._emit(rule.name, args, params, result, _forward(rule, weak))
        return self._result(rule, operands, args, params, symbol)

    def _emit(
        self,
        op: str,
        args: Sequence[Any],
        params: tuple[Any, ...],
        result: Any,
        function: Callable[..., Any],
        keywords: tuple[str, ...] = (),
    ) -> Symbol:
        symbol = Symbol(Var.like(result), result, self)
        self.instructions.append(
            Instruction(
                op, tuple(map(_variable, args)), _variables(params), symbol.var, function, keywords
            )
        )
        return symbol

    def _result(
        self,
        rule: Any,
        operands: Sequence[Any],
        args: tuple[Any, ...],
        params: tuple[Any, ...],
        symbol: Symbol,
    ) -> Any:
        parents = tuple(operand if isinstance(operand, Node) else None for operand in operands)
        if (
            state.recording
            and symbol.dtype.kind == "f"
            and any(parent is not None and parent.requires_grad for parent in parents)
        ):
            node = self._new(symbol)
            node._start(symbol, None, True)
            node._come_from(rule, parents, args, params)
            return node
        return self._leaf(symbol, None, differentiable=False)

    def constant_function(
        self, name: str, function: Callable[..., Any], operands: Sequence[Any]
    ) -> Any:
        """A function of the rule sheet that has no derivative."""
        args = tuple(
            self._entering(operand) if isinstance(operand, Node) else operand
            for operand in operands
        )
        if name == "all_finite":
            # Taken for granted, and looked at when the program runs.
            self._look("check_finite", (_variable(args[0]),), (), function)
            return True
        op = f"rules.{name}"
        if isinstance(function, np.ufunc):
            return self.numpy_function(function, operands, {})
        with np.errstate(all="ignore"), undrawn(function):
            result = function(*substituted_symbols(args))
        if isinstance(result, bool):
            # The course of the rule depends on it: the program is for calls where it is the same.
            self._look("assume", (), (result, *args), function)
            return result
        if result is None:
            self._look("refuse", (), args, function)
            return None
        if _is_of_shapes(result):
            return function(*args)  # raises if it needs more than shapes
        result = np.asarray(result)
        first = tuple(arg for arg in args if isinstance(arg, Symbol))
        if args[: len(first)] == first:  # operands first, then parameters
            symbol = self._emit(op, first, args[len(first) :], result, function)
        else:
            symbol = self._emit(op, (), args, result, function)
        return self._leaf(symbol, None, differentiable=False)

    def _look(
        self, op: str, operands: tuple[Operand, ...], params: Any, function: Callable[..., Any]
    ) -> None:
        self.instructions.append(Instruction(op, operands, _variables(params), None, function))

    def numpy_function(self, function: Any, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
        """A function of NumPy that has no derivative."""
        name = function.__name__
        args = tuple(
            self._entering(operand) if isinstance(operand, Node) else operand for operand in args
        )
        if name in _NUMPY_OF_SHAPES:
            return function(
                *substituted_symbols(args),
                **{key: substituted_symbols(setting) for key, setting in keywords.items()},
            )
        operands = args if isinstance(function, np.ufunc) else args[:1]
        operands = tuple(map(self._entering, operands))
        params = (*args[len(operands) :], *keywords.values())
        with np.errstate(all="ignore"):
            result = function(
                *map(_example, operands),
                *substituted_symbols(args[len(operands) :]),
                **{key: substituted_symbols(setting) for key, setting in keywords.items()},
            )
        if name in _OF_UNKNOWN_SHAPE or not isinstance(result, np.ndarray | np.generic | bool):
            symbol = next(operand for operand in operands if isinstance(operand, Symbol))
            self.refuse(symbol, f"np.{name}, whose result has a shape that depends on the numbers")
        result = np.asarray(result)
        weak = result.ndim == 0 and all(
            operand.var.weak if isinstance(operand, Symbol) else True for operand in operands
        )
        symbol = self._emit(
            f"np.{name}",
            operands,
            params,
            result.item() if weak else result,
            _with_keywords(function, tuple(keywords)),
            tuple(keywords),
        )
        return self._leaf(symbol, None, differentiable=False)

    def draw(self, generator: Any, method: str, *args: Any) -> Any:
        """``generator.method(*args)``, drawn anew whenever the program runs; a node."""
        result = np.asarray(getattr(restored(generator), method)(*args))
        symbol = self._emit("draw", (), (generator, method, *args), result, _drawn)
        return self._leaf(symbol, None, differentiable=False)

    def user_function(
        self, function: Function, operands: Sequence[Any], settings: dict[str, Any]
    ) -> Any:
        """A user's own operation: its forward is recorded, its backward when it is needed."""
        inner = [
            self._leaf(entered, None, differentiable=False)
            if isinstance(entered := self._entering(operand), Symbol)
            else entered
            for operand in operands
        ]
        used = copy.copy(function)
        output = used.forward(*inner, **settings)
        if not isinstance(output, TracedTensor | TracedValue):
            return output
        args = tuple(map(self._entering, operands))
        rule = _FunctionRule(used, settings, len(operands))
        return self._result(rule, operands, args, (), output._value)

    # -- nodes of other kinds ---------------------------------------------------------------------

    def leaf(self, node: Node) -> Node:
        """A new node of the same value, for a transform to differentiate by."""
        if node._value.dtype.kind != "f":
            raise TypeError(f"{node!r} has no derivative: it holds no floats")
        if node.requires_grad:
            return apply(ROWS["identity"], (node,))  # type: ignore[no-any-return]
        return self._leaf(node._value, node.name, differentiable=True)

    def detached(self, node: Node) -> Any:
        """A leaf of the same value that no derivative passes."""
        return self._leaf(node._value, node.name, differentiable=False)

    def numbers_of(self, node: Node) -> Any:
        """`node.data`: of a leaf from outside, what it is at every call."""
        if node.rule is None and node.requires_grad and node.serial <= self._first_serial:
            return self._leaf(self._captured(node), node.name, differentiable=False)
        return node._value

    def symbol_of(self, node: Node) -> Any:
        """What stands for the numbers of a node."""
        if node._tracer is not None:
            return node._value
        numbers = self.numbers_of(node)
        return numbers._value if isinstance(numbers, Node) else numbers

    def compared(self, compare: Callable[[Any, Any], Any], left: Node, right: Any) -> Any:
        """A comparison with a node from outside."""
        return self.numpy_function(_COMPARISONS[compare], (left, right), {})

    def node_of(self, symbol: Symbol) -> Node:
        """A node for a symbol that no derivative passes."""
        return self._leaf(symbol, None, differentiable=False)

    def standing_for(self, parent: Node, symbol: Symbol) -> Node:
        """A node for the value of a node from outside, which derivatives pass on to it."""
        return self._result(ROWS["identity"], (parent,), (symbol,), (), symbol)  # type: ignore[no-any-return]

    def to_value(self, node: Node) -> Any:
        """A Value from a Tensor with one element."""
        symbol = node._value
        result = self._emit("item", (symbol,), (), float(np.reshape(symbol.example, ())), _item)
        return self._result(ROWS["item"], (node,), (symbol,), (), result)

    def backward(self, output: Node, cotangent: Any) -> None:
        """What `output.backward()` does: the gradients of the leaves, as nodes."""
        leaves = [node for node in topological_order(output, constants=False) if node.rule is None]
        seed = output._seed(cotangent)
        if not isinstance(seed, Node):
            seed = plain_node(output, seed)
        for node, gradient in pull_back({output: seed}, leaves).items():
            node.grad = gradient if node.grad is None else node.grad + gradient

    # -- the end ----------------------------------------------------------------------------------

    def program(self, inputs: Sequence[Node], output: Any) -> Program:
        """What was recorded."""
        leaves, structure = trees.flatten(output)
        outputs = [_variable(self._entering(leaf)) for leaf in leaves]
        nodes = tuple(node for node, _ in self.captured.values())
        captured = tuple(symbol.var for _, symbol in self.captured.values())
        self._open = False
        return Program(
            self.name,
            (*(node._value.var for node in inputs), *captured),
            nodes,
            self._shared_constants(),
            tuple(self.instructions),
            tuple(outputs),
            structure,
            frozenset(self.fixed),
        )

    def refuse(self, symbol: Symbol, what: str) -> NoReturn:
        """ConcreteValueError: what was needed, of what, and where."""
        maker = next((i for i in self.instructions if i.out is symbol.var), None)
        var = symbol.var
        which = f"{var.name!r}" if var.name else f"the result of {maker.op}" if maker else "a value"
        kind = "a number" if var.weak else f"shape {var.shape} {var.dtype}"
        raise ConcreteValueError(
            f"{self.name} is being compiled, and needs {what}, of {which} ({kind}), at "
            f"{users_line()}\n"
            "A compiled function is recorded once and then runs for all values. Choose by value "
            "with ab.where(condition, a, b) in place of if; what decides the course of the program "
            "is an argument that is an int, a bool or a string; the numbers of a result are there "
            "when the function has returned it"
        )


def trace(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Program:
    """The program of one call of `f`: what it does for arguments of these shapes and dtypes.

    Arrays and floats, and those in nested lists, tuples and dicts, become inputs of the program
    in order; ints, bools, strings and other objects are the same at every call.
    """
    arguments = separated((args, kwargs))
    return record(f, arguments.leaves, arguments.names(f), arguments.unflatten)


def record(
    f: Callable[..., Any],
    leaves: Sequence[Any],
    names: Sequence[str | None],
    unflatten: Callable[[Sequence[Any]], Any],
) -> Program:
    """The program of `f`, for leaves that `unflatten` makes into ``(args, kwargs)``."""
    tracer = Tracer(getattr(f, "__name__", type(f).__name__))
    inputs = [tracer.argument(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
    args, kwargs = unflatten(inputs)
    with being_recorded(tracer), no_draws(f, (args, kwargs)):
        output = f(*args, **kwargs)
    return tracer.program(inputs, output)


# Their results have a shape that depends on the numbers.
_OF_UNKNOWN_SHAPE = frozenset("nonzero flatnonzero argwhere unique compress extract".split())


def _drawn(generator: Any, method: str, *args: Any) -> Any:
    return getattr(generator, method)(*args)


_COMPARISONS: dict[Any, np.ufunc] = {
    operator.eq: np.equal,
    operator.ne: np.not_equal,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or,
    operator.xor: np.bitwise_xor,
}


def _item(x: Any) -> float:
    return float(np.reshape(x, ()))


def _forward(rule: Rule, weak: bool) -> Callable[..., Any]:
    if weak:
        n = len(rule.args)
        return lambda *args: value.compute(rule, tuple(map(float, args[:n])), args[n:])
    if rule.kind != "elementwise":
        return rule.array.forward
    forward = rule.array.forward

    def narrowed(*args: Any) -> Any:
        result = np.asarray(forward(*args))
        if result.dtype == np.float64:
            result = tensor._narrowed(result, list(args[: len(rule.args)]))
        return result

    return narrowed


def _with_keywords(function: Callable[..., Any], keywords: tuple[str, ...]) -> Callable[..., Any]:
    if not keywords:
        return function
    n = len(keywords)
    return lambda *args: function(*args[:-n], **dict(zip(keywords, args[-n:], strict=True)))


def _variable(arg: Any) -> Operand:
    return arg.var if isinstance(arg, Symbol) else arg


def _variables(params: Any) -> Any:
    return _mapped(params, _variable)


def _example(arg: Any) -> Any:
    return arg.example if isinstance(arg, Symbol) else arg


def substituted_symbols(params: Any) -> Any:
    """Parameters with the example of each symbol in them."""
    return _mapped(params, _example)


def _mapped(value: Any, meaning: Callable[[Any], Any]) -> Any:
    if type(value) is tuple:
        return tuple(_mapped(piece, meaning) for piece in value)
    if isinstance(value, slice):
        return slice(*(_mapped(piece, meaning) for piece in (value.start, value.stop, value.step)))
    return meaning(value)


def _is_of_shapes(result: Any) -> bool:
    """Whether it is made of whole numbers and slices: lengths, axes, places."""
    if isinstance(result, tuple):
        return all(map(_is_of_shapes, result))
    if isinstance(result, slice):
        return _is_of_shapes((result.start, result.stop, result.step))
    return result is None or (isinstance(result, int | float) and not isinstance(result, bool))

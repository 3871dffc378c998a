"""`to_python`: a recorded program as a script that needs NumPy and nothing else."""

from __future__ import annotations

import base64
import builtins
import inspect
import keyword
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_bp.compiler.arguments import Arguments, separated
from autograd_bp.compiler.passes.algebra import simplified, without_needless_broadcasts
from autograd_bp.compiler.passes.common import with_common_subexpressions_shared
from autograd_bp.compiler.passes.dead_code import without_dead_code
from autograd_bp.compiler.passes.expand import expanded
from autograd_bp.compiler.passes.lower import lowered
from autograd_bp.compiler.program import Instruction, Program, Var
from autograd_bp.compiler.tracer import record
from autograd_bp.export.errors import ExportError, operation_name
from autograd_bp.export.sources import Sources
from autograd_bp.node import Node
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import ARRAY
from autograd_bp.storage import write_atomically

Array = NDArray[Any]

FEW = 16
"""Arrays of so many elements are written out; larger ones as base64 of their bytes."""

_INFIX = {
    "np.add": "+",
    "np.subtract": "-",
    "np.multiply": "*",
    "np.true_divide": "/",
    "np.greater": ">",
    "np.greater_equal": ">=",
    "np.less": "<",
    "np.less_equal": "<=",
    "np.equal": "==",
    "np.not_equal": "!=",
    "matmul": "@",
}

_CALLS: Mapping[str, Callable[[list[str], list[str]], str]] = {
    "np.negative": lambda x, _: f"-{x[0]}",
    "reshape": lambda x, p: f"np.reshape({x[0]}, {p[0]})",
    "transpose": lambda x, p: f"np.transpose({x[0]}, {p[0]})",
    "broadcast_to": lambda x, p: f"np.broadcast_to({x[0]}, {p[0]})",
    "sum": lambda x, p: f"np.sum({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "mean": lambda x, p: f"np.mean({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "prod": lambda x, p: f"np.prod({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "max": lambda x, p: f"np.max({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "min": lambda x, p: f"np.min({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "getitem": lambda x, p: f"{x[0]}[{p[0]}]",
    "astype": lambda x, p: f"np.asarray({x[0]}).astype({p[0]})",
    "concatenate": lambda x, p: f"np.concatenate(({', '.join(x)},), axis={p[0]})",
    "stack": lambda x, p: f"np.stack(({', '.join(x)},), axis={p[0]})",
    "identity": lambda x, _: x[0],
    "item": lambda x, _: f"np.reshape({x[0]}, ())",
}

_HEAD = '''"""{title}, as a script: it needs NumPy and nothing else.

Written by autograd_bp. {name} takes arguments of the shapes and dtypes it was recorded with.
"""

{imports}
'''

_ARGUMENT = '''
def _argument(name, value, shape, dtype):
    """An argument as an array; ValueError if it is not of the recorded shape and dtype."""
    array = np.asarray(value)
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{name} has shape {array.shape} and dtype {array.dtype}; this was recorded for "
            f"shape {shape} and dtype {dtype}"
        )
    return array
'''

_ARRAY = '''
def _array(dtype, shape, text):
    """An array from its bytes, written in base64."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)
'''


def to_python(
    f: Callable[..., Any],
    *args: Any,
    path: str | os.PathLike[str] | None = None,
    **kwargs: Any,
) -> str:
    """A script of NumPy that does what `f` does, backward passes included.

    Parameters
    ----------
    f
        A module, or a function as `ab.compile` takes it, which may call `value_and_grad` and its
        like. Tensors that it takes from outside, such as the parameters of a module, are written
        into the script with the numbers they have now.
    args, kwargs
        Arguments to record it with: the script is for their shapes and dtypes. Ints, bools and
        strings among them are as they were.
    path
        A file to write the script to, too.

    Returns
    -------
    The text. It defines one function with the name and the arguments of `f`.

    Raises
    ------
    ConcreteValueError
        If the course of `f` depends on a number.
    ExportError
        If an operation has no source, such as one that draws random numbers; the message names it.
    TypeError
        If `f` cannot be called, or an argument is of another kind.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> def loss(w, x):
    ...     return ab.mean((x @ w) ** 2)
    >>> text = to_python(ab.value_and_grad(loss), np.ones(2), np.ones((3, 2)))
    >>> script = {}
    >>> exec(text, script)
    >>> value, slope = script["loss"](np.ones(2), np.ones((3, 2)))
    >>> print(value, slope)
    4.0 [4. 4.]
    """
    if not callable(f):
        raise TypeError(f"to_python needs a function or a module, not {type(f).__name__}")
    f = getattr(f, "_f", f) if type(f).__name__ == "CompiledFunction" else f
    arguments = separated((args, kwargs))
    leaves = [leaf._value if isinstance(leaf, Node) else leaf for leaf in arguments.leaves]
    program = record(f, leaves, arguments.names(f), arguments.unflatten)
    text = _Script(f, _readable(program), arguments).text()
    if path is not None:
        write_atomically(path, text.encode())
    return text


def _readable(program: Program) -> Program:
    """The same in fewer and simpler steps."""
    program = with_common_subexpressions_shared(without_dead_code(program))
    program = lowered(expanded(program))
    for _ in range(2):
        program = without_needless_broadcasts(simplified(program))
        program = without_dead_code(with_common_subexpressions_shared(program))
    return program


class _Text(str):
    """A result's expression, where the result will be."""

    __slots__ = ()


class _Script:
    def __init__(self, f: Callable[..., Any], program: Program, arguments: Arguments) -> None:
        self.program = program
        self.arguments = arguments
        self.sources = Sources()
        self.names: dict[Var, str] = {}
        self.numbers: list[str] = []
        self.arrays: dict[int, tuple[Any, str]] = {}
        self.taken = {"np", "base64", "functools", "math", *vars(builtins), *keyword.kwlist}
        name = getattr(f, "__name__", type(f).__name__)
        self.function = _identifier(name if name != "<lambda>" else "f", "f")
        self.taken.add(self.function)
        try:
            self.parameters = list(inspect.signature(getattr(f, "forward", f)).parameters)
        except (TypeError, ValueError):
            self.parameters = []

    def text(self) -> str:
        head = self.opening()
        for var, array in self.program.constants.items():
            self.names[var] = self.array(np.asarray(array), var.name or "constant")
        inputs = self.program.inputs[len(self.arguments.leaves) :]
        for var, node in zip(inputs, self.program.captured, strict=True):
            if var.weak:
                self.names[var] = _number(float(node._value))
            else:
                self.names[var] = self.array(node._value, var.name or "constant")
        # Names of variables must not hide functions, and which there are is known only then.
        for instruction in self.program.instructions:
            if instruction.out is not None:
                self.operation(instruction, ["x"] * len(instruction.operands))
        defined = re.findall(r"^(?:def|class) (\w+)|^(\w+) = ", self.sources.text(), re.MULTILINE)
        self.taken |= {name for pair in defined for name in pair}
        body = [self.line(i) for i in self.program.instructions if i.out is not None]
        body.append(f"return {self.results()}")
        return self.whole(head, body)

    def whole(self, head: list[str], body: list[str]) -> str:
        parts = [part for part in (self.sources.text(), *self.numbers) if part]
        in_bytes = any("_array(" in part for part in self.numbers)
        if in_bytes:
            parts.insert(0, _ARRAY.strip())
        if any("_argument(" in line for line in head):
            parts.insert(0, _ARGUMENT.strip())
        modules = {"numpy as np", *self.sources.modules}
        if in_bytes:
            modules.add("base64")
        imports = "\n".join(f"import {module}" for module in sorted(modules))
        lines = [
            *head,
            '    with np.errstate(all="ignore"):',
            *(f"        {line}" for line in body),
        ]
        opening = _HEAD.format(title=self.program.name, name=self.function, imports=imports)
        return "\n\n".join([opening, *(f"{p}\n" for p in parts), "\n".join(lines)]) + "\n"

    # -- arguments and results --------------------------------------------------------------------

    def opening(self) -> list[str]:
        """The signature, and the lines that take the arguments apart."""
        skeleton_args, skeleton_kwargs = self.arguments.skeleton
        names = []
        for i in range(len(skeleton_args)):
            given = self.parameters[i] if i < len(self.parameters) else f"x{i}"
            variadic = given in ("args", "inputs") or given in names
            names.append(self.fresh(f"x{i}" if variadic else given))
        keywords = {key: self.fresh(key) for key in skeleton_kwargs}
        signature = [*names, *(["*", *keywords.values()] if keywords else [])]
        lines = [f"def {self.function}({', '.join(signature)}):"]
        inputs = self.program.inputs[: len(self.arguments.leaves)]
        for var, (kind, place, *keys) in zip(inputs, self.arguments.paths, strict=True):
            whole = names[place] if kind == 0 else keywords[place]
            text = whole + "".join(f"[{key!r}]" for key in keys)
            own = whole if not keys else self.fresh(_identifier(str(var.name or keys[-1]), "x"))
            self.names[var] = own
            if var.weak:
                lines.append(f"    {own} = float({text})")
            else:
                shape, dtype = var.shape, var.dtype.name
                lines.append(f"    {own} = _argument({text!r}, {text}, {shape}, {dtype!r})")
        return lines

    def results(self) -> str:
        given = set(self.program.inputs) | set(self.program.constants)
        texts = []
        for out in self.program.outputs:
            text = self.operand(out)
            texts.append(_Text(f"np.array({text})" if out in given and not out.weak else text))
        return _written(self.program.structure.unflatten(texts))

    # -- instructions -----------------------------------------------------------------------------

    def line(self, instruction: Instruction) -> str:
        out = instruction.out
        assert out is not None
        text = self.operation(instruction, [self.operand(x) for x in instruction.operands])
        if out.weak:
            text = f"{'bool' if out.dtype.kind == 'b' else 'float'}({text})"
        hint = _HINTS.get(instruction.op, instruction.op.rpartition(".")[2])
        name = self.names[out] = self.fresh(_identifier(out.name or hint, "x"))
        kind = "a float" if out.weak else f"{out.shape} {out.dtype}"
        return f"{f'{name} = {text}':<60}  # {kind}"

    def operation(self, instruction: Instruction, operands: list[str]) -> str:
        op = instruction.op
        params = [self.param(param) for param in instruction.params]
        assert instruction.out is not None
        if op in _INFIX and not instruction.out.weak:
            return f"{operands[0]} {_INFIX[op]} {operands[1]}"
        if op in _CALLS:
            return _CALLS[op](operands, params)
        kind, _, name = op.partition(".")
        if kind == "np" and hasattr(np, name):
            n = len(params) - len(instruction.keywords)
            named = [
                f"{key}={value}"
                for key, value in zip(instruction.keywords, params[n:], strict=True)
            ]
            return f"{op}({', '.join([*operands, *params[:n], *named])})"
        if kind == "rules" and name in ARRAY.primitives:
            function = self.sources.function(ARRAY.primitives[name], name)
            return f"{function}({', '.join([*operands, *params])})"
        rule = ROWS.get(op)
        if rule is None:
            raise ExportError(
                f"{self.program.name}: {operation_name(instruction)} cannot be written as a script"
            )
        function = self.sources.row(op)
        if rule.variadic:
            operands = [f"({', '.join(operands)},)"]
        return f"{function}({', '.join([*operands, *params])})"

    def operand(self, operand: Any) -> str:
        return self.names[operand] if isinstance(operand, Var) else self.param(operand)

    def param(self, param: Any) -> str:
        if isinstance(param, Var):
            return self.names.get(param, "x")
        if param is Ellipsis:
            return "..."
        if isinstance(param, tuple):
            pieces = [self.param(piece) for piece in param]
            return f"({', '.join(pieces)}{',' if len(pieces) == 1 else ''})"
        if isinstance(param, list):
            return f"[{', '.join(map(self.param, param))}]"
        if isinstance(param, slice):
            return f"slice({', '.join(map(self.param, (param.start, param.stop, param.step)))})"
        if isinstance(param, np.ndarray):
            return self.array(param, "constant")
        if isinstance(param, np.generic):
            return repr(param.item())
        if isinstance(param, np.dtype):
            return f"np.dtype({param.name!r})"
        if param is None or isinstance(param, bool | int | str):
            return repr(param)
        if isinstance(param, float):
            return _number(param)
        raise ExportError(f"{self.program.name}: {param!r} cannot be written into a script")

    # -- names and numbers ------------------------------------------------------------------------

    def fresh(self, base: str) -> str:
        name, n = base, 1
        while name in self.taken:
            n += 1
            name = f"{base}_{n}"
        self.taken.add(name)
        return name

    def array(self, array: Array, hint: str) -> str:
        """The name of an array that is written into the script."""
        if id(array) in self.arrays:
            return self.arrays[id(array)][1]
        name = self.fresh(_identifier(hint, "x"))
        self.arrays[id(array)] = (array, name)
        dtype = array.dtype.newbyteorder("<") if array.dtype.itemsize > 1 else array.dtype
        if array.size <= FEW and np.isfinite(array).all():
            text = f"np.array({array.tolist()!r}, {array.dtype.name!r})"
            if 0 in array.shape:
                text = f"np.zeros({array.shape}, {array.dtype.name!r})"
        else:
            content = base64.b64encode(array.astype(dtype).tobytes()).decode()
            lines = "\n".join(f'    "{content[i : i + 88]}"' for i in range(0, len(content), 88))
            text = f"_array(\n    {dtype.str!r}, {array.shape},\n{lines},\n)"
        self.numbers.append(f"{name} = {text}")
        return name


_HINTS = {
    "matmul": "product",
    "np.add": "total",
    "np.subtract": "difference",
    "np.multiply": "product",
    "np.true_divide": "ratio",
    "np.negative": "minus",
    "np.maximum": "larger",
    "np.minimum": "smaller",
    "np.greater": "mask",
    "np.where": "chosen",
    "sum": "total",
    "getitem": "part",
    "transpose": "transposed",
    "reshape": "reshaped",
}


def _identifier(text: str, prefix: str) -> str:
    """A name for a variable; '0.weight' is layer_0_weight."""
    name = re.sub(r"\W", "_", text)
    if not name.isidentifier():
        name = f"layer_{name}" if name[:1].isdigit() else f"{prefix}_{name}"
    return name if name.isascii() and name.isidentifier() else prefix


def _number(number: float) -> str:
    if np.isfinite(number):
        return repr(float(number))
    return f"-np.{-number}" if number < 0 else f"np.{number}"


def _written(branch: Any) -> str:
    if isinstance(branch, _Text):
        return str(branch)
    if isinstance(branch, Mapping):
        return f"{{{', '.join(f'{key!r}: {_written(v)}' for key, v in branch.items())}}}"
    if isinstance(branch, list):
        return f"[{', '.join(map(_written, branch))}]"
    if isinstance(branch, tuple):
        inner: Sequence[str] = [_written(piece) for piece in branch]
        return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"
    return repr(branch)

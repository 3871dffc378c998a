"""A program as NumPy text: what runs, and what a reader sees."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_bp.compiler.blas import routines
from autograd_bp.compiler.build import UFUNCS
from autograd_bp.compiler.memory import Plan
from autograd_bp.compiler.program import Instruction, Operand, Program, Var
from autograd_bp.compiler.views import VIEWS, is_basic, owners
from autograd_bp.rules import ROWS

_INFIX = {
    "np.add": "+",
    "np.subtract": "-",
    "np.multiply": "*",
    "np.true_divide": "/",
    "np.floor_divide": "//",
    "np.remainder": "%",
    "np.power": "**",
    "np.greater": ">",
    "np.greater_equal": ">=",
    "np.less": "<",
    "np.less_equal": "<=",
    "np.equal": "==",
    "np.not_equal": "!=",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "matmul": "@",
    "chain": "*",
    "chain_matmul": "@",
}
_NAMES = {
    "matmul": "dot",
    "np.add": "sum",
    "np.subtract": "difference",
    "np.multiply": "product",
    "np.true_divide": "ratio",
    "np.negative": "minus",
    "np.maximum": "max",
    "np.minimum": "min",
    "np.greater": "mask",
    "sum": "total",
    "np.where": "chosen",
    "getitem": "part",
    "take": "picked",
}


@dataclass
class Text:
    """Source, and what its names mean."""

    source: str
    meanings: dict[str, Any]
    memory: list[tuple[Var, Instruction | None]]
    """What is made once: buffers, and the views of buffers that instructions give."""


def readable(program: Program) -> str:
    """The instructions as NumPy expressions, one a line."""
    return _Writer(program, Plan()).text().source


def emitted(program: Program, plan: Plan) -> Text:
    """The text that is run: ``name(*inputs, memory)`` returns the outputs, or None after a check
    that failed."""
    return _Writer(program, plan).text()


class _Writer:
    def __init__(self, program: Program, plan: Plan) -> None:
        self.program = program
        self.plan = plan
        self.names: dict[Var, str] = {}
        self.taken: set[str] = {"np", "rules", "memory", "squares"}
        self.meanings: dict[str, Any] = {"np": np}
        self.literals: dict[tuple[Any, str], str] = {}
        self.memory: dict[Var, Instruction | None] = {}
        self.flats: dict[Var, str] = {}
        self.uses = program.uses()
        self.makers = program.makers()

    # -- names ------------------------------------------------------------------------------------

    def name(self, var: Var, hint: str = "x") -> str:
        known = self.names.get(var)
        if known is None:
            base = re.sub(r"\W", "_", var.name or hint)
            if not base.isidentifier() or keyword.iskeyword(base):
                base = f"x{base}"
            name, n = base, 1
            while name in self.taken:
                n += 1
                name = f"{base}_{n}" if base[-1].isdigit() else f"{base}{n}"
            self.taken.add(name)
            self.names[var] = known = name
        return known

    def constant(self, value: Any, hint: str) -> str:
        """A name for an object that the text cannot spell."""
        for name, known in self.meanings.items():
            if known is value:
                return name
        name, n = hint, 1
        while name in self.taken:
            n += 1
            name = f"{hint}{n}"
        self.taken.add(name)
        self.meanings[name] = value
        return name

    # -- the whole --------------------------------------------------------------------------------

    def text(self) -> Text:
        program = self.program
        inputs = [self.name(var, f"x{i}") for i, var in enumerate(program.inputs)]
        for var, array in program.constants.items():
            self.names[var] = self.constant(array, var.name or "constant")
        body: list[str] = []
        for instruction in program.instructions:
            body += self.lines(instruction)
        made_once = [
            f"    # {self.names[var]} is {self.call(view, self.texts(view), self.settings(view))}"
            for var, view in self.memory.items()
            if view is not None
        ]
        outputs = ", ".join(self.outputs())
        body.append(f"return ({outputs}{',' if len(program.outputs) == 1 else ''})")
        signature = ", ".join([*inputs, "memory"] if self.memory else [*inputs, "memory=()"])
        head = [f"def {self.function_name()}({signature}):"]
        for var, name in zip(program.inputs, inputs, strict=True):
            head.append(f"    # {name}: {_kind(var)}")
        if self.memory:
            names = ", ".join(self.names[var] for var in self.memory)
            head.append(f"    ({names},) = memory")
        head += made_once
        return Text(
            "\n".join([*head, *(f"    {line}" for line in body)]) + "\n",
            self.meanings,
            list(self.memory.items()),
        )

    def outputs(self) -> list[str]:
        """The results; copies of what the caller must not share."""
        owner = owners(self.program)
        given: set[Var] = set()
        texts = []
        for out in self.program.outputs:
            text = self.operand(out)
            if isinstance(out, Var) and not out.weak:
                within = owner.get(out, frozenset({out}))
                inside = any(var not in self.makers or var in self.plan.buffer for var in within)
                if (inside and out not in self.plan.overwritten) or within & given:
                    text = f"np.copy({text})" if out.shape else f"{text}.copy()"
                given |= within
            texts.append(text)
        return texts

    def function_name(self) -> str:
        name = re.sub(r"\W", "_", self.program.name)
        return name if name.isidentifier() and not keyword.iskeyword(name) else "compiled"

    # -- instructions -----------------------------------------------------------------------------

    def lines(self, instruction: Instruction) -> list[str]:
        out = instruction.out
        if out is None:
            return [self.looking(instruction)]
        if self.is_settled_view(instruction):
            self.memory[out] = instruction
            self.name(out, self.view_hint(instruction, out))
            return []
        if out in self.plan.buffer:
            lines = self.writing(instruction, self.buffered(instruction, out))
        elif out in self.plan.overwritten:
            target = self.name(self.plan.overwritten[out])
            self.names[out] = target
            lines = self.writing(instruction, target)
        elif instruction.op == "accumulate":
            name = self.name(out, "updated")
            first = f"{name} = np.array({self.operand(instruction.operands[0])}, order='C')"
            lines = [first, self.accumulated(instruction, name)[-1]]
        elif instruction.op in VIEWS and self.uses.get(out) == 1 and self.plan.buffer:
            self.names[out] = self.expression(instruction)
            return []
        else:
            text = self.expression(instruction)
            lines = [f"{self.name(out, self.hint(instruction, out))} = {text}"]
        lines[-1] = f"{lines[-1]:<60}  # {_kind(out)}"
        return lines

    def hint(self, instruction: Instruction, out: Var) -> str:
        if instruction.op in VIEWS:
            return self.view_hint(instruction, out)
        return _NAMES.get(instruction.op, instruction.op.split(".")[-1])

    def view_hint(self, instruction: Instruction, out: Var) -> str:
        base = self.operand(instruction.operands[0])
        if not base.isidentifier():
            base = instruction.op
        if instruction.op == "transpose":
            return f"{base}_T"
        if instruction.op == "reshape" and len(out.shape) == 2 and out.shape[1] == 1:
            return f"{base}_column"
        return f"{base}_{'number' if out.shape == () else 'view'}"

    def is_settled_view(self, instruction: Instruction) -> bool:
        """Whether the result is a view of a buffer, so that it can be made once."""
        if instruction.op not in VIEWS and instruction.op != "getitem":
            return False
        base = instruction.operands[0]
        if base not in self.memory or instruction.inputs != [base]:
            return False
        if instruction.op == "getitem":  # a single element is a copy
            return is_basic(instruction.params[0]) and instruction.out.shape != ()  # type: ignore[union-attr]
        return instruction.op != "reshape" or self.memory[base] is None

    def buffered(self, instruction: Instruction, out: Var) -> str:
        """The name of the array that is written to; that of the operand which lies there, if what
        is written is only a part."""
        if instruction.op in ("index_set", "put", "np.where", "accumulate"):
            for operand in instruction.operands:
                if self._same(operand, out):
                    self.memory[out] = None
                    self.names[out] = self.name(operand)  # type: ignore[arg-type]
                    return self.names[out]
        name = self.name(out, self.hint(instruction, out))
        self.memory[out] = None
        return name

    def texts(self, instruction: Instruction) -> list[str]:
        return [self.operand(operand, instruction.out) for operand in instruction.operands]

    def settings(self, instruction: Instruction) -> list[str]:
        return [self.param(param) for param in instruction.params]

    def looking(self, instruction: Instruction) -> str:
        """A line that gives up where an element is nan, or is not finite: one pass through BLAS."""
        operands = instruction.operands
        if instruction.op == "check_places":
            assert isinstance(operands[0], Var)
            name, width = self.name(operands[0]), instruction.params[0]
            if operands[0].size == 1:
                return f"if not 0 <= {name}.item() < {width}: return None"
            least, most = f"{name}[{name}.argmin()]", f"{name}[{name}.argmax()]"
            return f"if {name}.size and not 0 <= {least} <= {most} < {width}: return None"
        if instruction.op in ("assume", "refuse"):
            function = self.constant(instruction.function, instruction.function.__name__)
            expected, *params = (None, *instruction.params)[instruction.op == "assume" :]
            call = f"{function}({', '.join(map(self.param, params))})"
            return call if expected is None else f"if {call} is not {expected}: return None"
        squares = " + ".join(map(self.squared, operands))
        if instruction.op == "check":
            return f"if (squares := {squares}) != squares: return None  # a nan"
        return f"if not {squares} < np.inf: return None  # a nan, or an infinity"

    def squared(self, operand: Operand) -> str:
        """The sum of the squares of the elements."""
        assert isinstance(operand, Var)
        if operand.size == 1:
            number = self.name(operand)
            return f"{number}.item() ** 2" if not operand.weak else f"{number} ** 2"
        flat = self.flat(operand)
        return f"{flat}.dot({flat})" if flat in self.flats.values() else f"np.vdot({flat}, {flat})"

    def flat(self, operand: Operand) -> str:
        """The elements of an array along one axis; made once, if it is a buffer."""
        assert isinstance(operand, Var)
        maker = self.makers.get(operand)
        if maker is not None and maker.op == "transpose" and len(operand.shape) == 2:
            return self.flat(maker.operands[0])
        if operand not in self.memory or self.memory[operand] is not None:
            return self.name(operand)
        if len(operand.shape) == 1:
            return f"{self.name(operand)}"
        if operand not in self.flats:
            flat = Var((operand.size,), operand.dtype)
            function = ROWS["reshape"].array.forward
            self.memory[flat] = Instruction(
                "reshape", (operand,), ((operand.size,),), flat, function
            )
            self.flats[operand] = self.name(flat, f"{self.name(operand)}_flat")
        return self.flats[operand]

    def writing(self, instruction: Instruction, target: str) -> list[str]:
        """Statements that put the result into an array that is there."""
        op, out = instruction.op, instruction.out
        assert out is not None
        operands = [self.operand(operand, out) for operand in instruction.operands]
        if op == "np.where":
            condition, x, y = operands
            first = (
                [] if self._same(instruction.operands[2], out) else [f"np.copyto({target}, {y})"]
            )
            return [*first, f"np.copyto({target}, {x}, where={condition})"]
        if op == "index_set":
            x, value = operands
            index = self.param(instruction.params[0])
            first = (
                [] if self._same(instruction.operands[0], out) else [f"np.copyto({target}, {x})"]
            )
            return [*first, f"{target}[{_subscript(index)}] = {value}"]
        if op == "put":
            x, places, value = operands
            first = (
                [] if self._same(instruction.operands[0], out) else [f"np.copyto({target}, {x})"]
            )
            return [*first, f"{target}.put({places}, {value})"]
        if op == "sum":
            axis, keepdims = instruction.params
            kept = ", keepdims=True" if keepdims else ""
            return [f"np.add.reduce({operands[0]}, axis={axis}{kept}, out={target})"]
        if op == "accumulate":
            return self.accumulated(instruction, target)
        if op == "matmul":
            a, b = instruction.operands
            function = "np.dot" if _is_matrix_product(a, b) else "np.matmul"
            return [f"{function}({', '.join(operands)}, out={target})"]
        return [f"{self.ufunc(op)}({', '.join(operands)}, out={target})"]

    def accumulated(self, instruction: Instruction, target: str) -> list[str]:
        """``w += scale * (a @ b)`` through BLAS, which takes matrices by columns: so the transposes
        of all."""
        w, scale, a, b = instruction.operands
        assert isinstance(w, Var)
        assert isinstance(a, Var)
        assert isinstance(b, Var)
        first = [] if self._same(w, instruction.out) else [f"np.copyto({target}, {self.name(w)})"]  # type: ignore[arg-type]
        factor = self.operand(scale)
        fortran = routines()
        letter = "s" if w.dtype == np.float32 else "d"
        if fortran is None:
            product = f"np.multiply({self.name(a)} @ {self.name(b)}, {factor})"
            return [*first, f"np.add({target}, {product}, out={target})"]
        if a.shape[1] == 1:
            routine = self.constant(getattr(fortran, f"{letter}ger"), f"{letter}ger")
            rows, columns = self.vector(a), self.vector(b)
            return [
                *first,
                f"{routine}({factor}, {columns}, {rows}, a={target}.T, overwrite_a=1)",
            ]
        routine = self.constant(getattr(fortran, f"{letter}gemm"), f"{letter}gemm")
        left, left_flag = self.by_columns(b)
        right, right_flag = self.by_columns(a)
        flags = f"{', trans_a=1' * left_flag}{', trans_b=1' * right_flag}"
        return [
            *first,
            f"{routine}({factor}, {left}, {right}, 1.0, {target}.T{flags}, overwrite_c=1)",
        ]

    def vector(self, factor: Operand) -> str:
        """The elements of a column or a row along one axis: what it was before it became one."""
        assert isinstance(factor, Var)
        maker = self.makers.get(factor)
        if maker is not None and maker.op in ("reshape", "transpose"):
            inner = maker.operands[0]
            assert isinstance(inner, Var)
            if len(inner.shape) == 1:
                return self.name(inner)
            if max(inner.shape, default=0) == inner.size:  # else its elements have an order
                return self.vector(inner)
        flat = self.flat(factor)
        return flat if flat in self.flats.values() else f"{flat}.ravel()"

    def by_columns(self, var: Var) -> tuple[str, bool]:
        """The transpose of a matrix as BLAS takes it: text that lies by columns in memory, and
        whether it is to be transposed once more."""
        maker = self.makers.get(var)
        if maker is not None and maker.op == "transpose":
            return f"{self.operand(maker.operands[0])}.T", True
        return f"{self.name(var)}.T", False

    def _same(self, operand: Operand, out: Var) -> bool:
        """Whether an operand lies where the result goes."""
        if not isinstance(operand, Var):
            return False
        if out in self.plan.overwritten:
            return self.plan.overwritten[out] is operand
        return operand in self.plan.buffer and self.plan.buffer[operand] == self.plan.buffer.get(
            out
        )

    def expression(self, instruction: Instruction) -> str:
        op, out = instruction.op, instruction.out
        assert out is not None
        operands = [self.operand(operand, out) for operand in instruction.operands]
        params = [self.param(param) for param in instruction.params]
        text = self.call(instruction, operands, params)
        if not out.weak:
            return text
        plain = op in ("np.add", "np.subtract", "np.multiply", "np.negative")
        return text if plain else f"{'bool' if out.dtype.kind == 'b' else 'float'}({text})"

    def call(self, instruction: Instruction, operands: list[str], params: list[str]) -> str:
        op, out = instruction.op, instruction.out
        symbol = _INFIX.get(op)
        weak_division = out is not None and out.weak and symbol in ("/", "//", "%", "**")
        if symbol is not None and not weak_division:
            return f"{operands[0]} {symbol} {operands[1]}"
        if op in ("np.negative", "neg"):
            return f"-{operands[0]}"
        if op == "reshape" and (
            not isinstance(first := instruction.operands[0], Var) or first.weak
        ):
            return f"np.full({params[0]}, {operands[0]})"
        template = _TEMPLATES.get(op)
        if template is not None:
            return template(operands, params)
        if op in UFUNCS:
            return f"{self.ufunc(op)}({', '.join(operands)})"
        if op == "np.where":
            return f"np.where({', '.join(operands)})"
        if op.startswith("np."):
            n = len(instruction.keywords)
            plain = params[: len(params) - n]
            named = [
                f"{key}={value}"
                for key, value in zip(instruction.keywords, params[len(params) - n :], strict=True)
            ]
            return f"{op}({', '.join([*operands, *plain, *named])})"
        hint = re.sub(r"\W", "_", re.sub(r"_\d{6,}", "", op.split(".")[-1]))
        function = self.constant(instruction.function, hint)
        return f"{function}({', '.join([*operands, *params])})"

    def ufunc(self, op: str) -> str:
        return op

    # -- operands ---------------------------------------------------------------------------------

    def operand(self, operand: Operand, out: Var | None = None) -> str:
        if isinstance(operand, Var):
            return self.name(operand)
        if out is not None and out.dtype.kind == "f" and not out.weak and out.shape:
            return self.literal(operand, out.dtype)
        return self.param(operand)

    def literal(self, number: Any, dtype: Any) -> str:
        """A number as an array of no axes: NumPy takes that up faster than a Python number."""
        if isinstance(number, bool) or number != number:
            return self.param(number)
        key = (float(number).hex(), str(dtype))
        if key not in self.literals:
            array = np.array(number, dtype)
            array.flags.writeable = False
            text = re.sub(r"\W", "_", f"{float(number):g}".replace("-", "minus_").replace("+", ""))
            name = _WORDS.get(float(number), f"c_{text}")
            self.literals[key] = self.constant(array, name)
        return self.literals[key]

    def param(self, param: Any) -> str:
        if isinstance(param, Var):
            return self.name(param)
        if param is Ellipsis:
            return "..."
        if isinstance(param, tuple):
            pieces = [self.param(piece) for piece in param]
            return f"({', '.join(pieces)}{',' if len(pieces) == 1 else ''})"
        if isinstance(param, slice):
            return f"slice({', '.join(map(self.param, (param.start, param.stop, param.step)))})"
        if param is None or isinstance(param, bool | int | str):
            return repr(param)
        if isinstance(param, float):
            return repr(param) if np.isfinite(param) else f"np.{param}".replace("np.-", "-np.")
        if isinstance(param, np.dtype):
            return f"np.dtype({param.name!r})"
        return self.constant(param, "constant")


_WORDS = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half"}


def _is_matrix_product(a: Operand, b: Operand) -> bool:
    """Whether BLAS takes it, so that np.dot, which asks less, does the same as np.matmul."""
    return (
        isinstance(a, Var)
        and isinstance(b, Var)
        and {len(a.shape), len(b.shape)} <= {1, 2}
        and len(a.shape) + len(b.shape) > 2
        and a.dtype == b.dtype
        and a.dtype.kind == "f"
    )


def _kind(var: Var) -> str:
    if var.weak:
        return "a float" if var.dtype.kind == "f" else f"a {var.dtype.name}"
    shape = f"({', '.join(map(str, var.shape))}{',' if len(var.shape) == 1 else ''})"
    return f"{shape} {var.dtype}"


def _subscript(index: str) -> str:
    return index[1:-1] if index.startswith("(") and index != "()" else index


Template = Callable[[list[str], list[str]], str]

_TEMPLATES: Mapping[str, Template] = {
    "reshape": lambda x, p: f"{x[0]}.reshape({p[0]})",
    "transpose": lambda x, p: f"{x[0]}.T" if p[0] == "(1, 0)" else f"{x[0]}.transpose({p[0]})",
    "broadcast_to": lambda x, p: f"np.broadcast_to({x[0]}, {p[0]})",
    "sum": lambda x, p: f"np.add.reduce({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "prod": lambda x, p: f"np.prod({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "max": lambda x, p: f"np.max({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "min": lambda x, p: f"np.min({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "mean": lambda x, p: f"np.mean({x[0]}, axis={p[0]}, keepdims={p[1]})",
    "var": lambda x, p: f"np.var({x[0]}, axis={p[0]}, ddof={p[1]}, keepdims={p[2]})",
    "cumsum": lambda x, p: f"np.cumsum({x[0]}, axis={p[0]})",
    "cumprod": lambda x, p: f"np.cumprod({x[0]}, axis={p[0]})",
    "flip": lambda x, p: f"np.flip({x[0]}, {p[0]})",
    "roll": lambda x, p: f"np.roll({x[0]}, {p[0]}, {p[1]})",
    "getitem": lambda x, p: f"{x[0]}[{_subscript(p[0])}]",
    "astype": lambda x, p: f"{x[0]}.astype({p[0]})",
    "concatenate": lambda x, p: f"np.concatenate(({', '.join(x)},), axis={p[0]})",
    "stack": lambda x, p: f"np.stack(({', '.join(x)},), axis={p[0]})",
    "identity": lambda x, _: x[0],
    "take": lambda x, _: f"{x[0]}.take({x[1]})",
    "draw": lambda _, p: f"{p[0]}.{p[1][1:-1]}({', '.join(p[2:])})",
    "item": lambda x, _: f"{x[0]}.item()",
    "rules.top": lambda x, _: f"{x[0]}.argmax(axis=1)",
}

"""The source of a row on arrays, with all it needs: text that depends on NumPy alone.

A row is a formula, or a function of `rules.arrays` and its like; both are text already. What a
function uses is found by its names, and comes before it.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from autograd_bp.export.errors import ExportError
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import ARRAY, quiet
from autograd_bp.rules.formula import Formula, translated

_QUIET = '''
def quiet(function):
    """Run with floating-point warnings off: the function sees to what would cause them."""

    @functools.wraps(function)
    def silent(*args):
        with np.errstate(all="ignore"):
            return function(*args)

    return silent
'''

# What `rules.arrays` writes as a lambda.
_LAMBDAS = {
    "sum": "def row_sum(x, axis, keepdims):\n    return np.sum(x, axis=axis, keepdims=keepdims)",
    "mean": "def row_mean(x, axis, keepdims):\n    return np.mean(x, axis=axis, keepdims=keepdims)",
    "prod": "def row_prod(x, axis, keepdims):\n    return np.prod(x, axis=axis, keepdims=keepdims)",
    "max": "def row_max(x, axis, keepdims):\n    return np.max(x, axis=axis, keepdims=keepdims)",
    "min": "def row_min(x, axis, keepdims):\n    return np.min(x, axis=axis, keepdims=keepdims)",
    "var": "def row_var(x, axis, ddof, keepdims):\n"
    "    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)",
    "cumsum": "def row_cumsum(x, axis):\n    return np.cumsum(x, axis=axis)",
    "cumprod": "def row_cumprod(x, axis):\n    return np.cumprod(x, axis=axis)",
    "getitem": "def row_getitem(x, index):\n    return x[index]",
    "astype": "def row_astype(x, dtype):\n    return np.asarray(x).astype(dtype)",
    "stack": "def row_stack(xs, axis):\n    return np.stack(list(map(np.asarray, xs)), axis=axis)",
    "pad": "def row_pad(x, width, value):\n    return np.pad(x, width, constant_values=value)",
}


class Sources:
    """Definitions, each after those it needs.

    >>> sources = Sources()
    >>> sources.row("softplus")
    'row_softplus'
    >>> print(sources.text())
    def row_softplus(x):
        return np.maximum(x, 0.0) + np.log1p(np.exp(-np.absolute(x)))
    """

    def __init__(self) -> None:
        self._definitions: dict[str, str] = {}
        self._objects: dict[int, tuple[Any, str]] = {}
        self.modules: set[str] = set()

    def text(self) -> str:
        """All definitions."""
        return "\n\n\n".join(self._definitions.values())

    def row(self, name: str) -> str:
        """The name of a function of a row's operands and parameters, by position."""
        if (own := f"row_{name}") in self._definitions:
            return own
        meaning = ARRAY.primitives.get(name)
        if meaning is None:
            return self._formula(name)
        if name in _LAMBDAS:
            self._definitions[own] = _LAMBDAS[name]
            return own
        return self.function(meaning, name)

    def function(self, function: Any, name: str) -> str:
        """The name of a function of NumPy, or of one of ours that is defined."""
        if (text := _of_numpy(function)) is not None:
            return text
        if (known := self._objects.get(id(function))) is not None:
            return known[1]
        wrapped = getattr(function, "__closure__", None)
        if getattr(function, "__qualname__", "").startswith("elementwise_float.") and wrapped:
            return self._applied(function, name)
        found = inspect.unwrap(function)
        if not isinstance(found, FunctionType) or not _is_ours(found):
            raise ExportError(f"the operation {name!r} has no source that a script could have")
        return self._defined(found)

    # -- definitions ------------------------------------------------------------------------------

    def _formula(self, name: str) -> str:
        rule = ROWS.get(name)
        if rule is None:
            raise ExportError(
                f"the operation {name!r} is no row of the rule sheet, so a script cannot have it"
            )
        own = f"row_{name}"
        arguments = [*rule.args, *rule.params]
        if rule.variadic:
            raise ExportError(f"the operation {name!r} cannot be written as a script")
        lines, result = translated(rule.formula, on_floats=False)
        body = [*lines, f"return {result}"]
        body = [self._with_meanings(line, {*arguments, *_bound(rule.formula)}) for line in body]
        inside = "\n    ".join(body)
        self._definitions[own] = f"def {own}({', '.join(arguments)}):\n    {inside}"
        return own

    def _with_meanings(self, line: str, local: set[str]) -> str:
        tree = ast.parse(textwrap.dedent(line).replace("return ", "", 1)).body[0]
        prefix = "return " if line.startswith("return ") else ""

        class Renamed(ast.NodeTransformer):
            def visit_Name(visitor, node: ast.Name) -> ast.expr:  # noqa: N805
                if node.id in local or not isinstance(node.ctx, ast.Load):
                    return node
                return ast.parse(self._meaning(node.id), mode="eval").body

        return prefix + ast.unparse(Renamed().visit(tree))

    def _meaning(self, name: str) -> str:
        meaning = ARRAY.primitives.get(name)
        if isinstance(meaning, float):
            return repr(meaning) if np.isfinite(meaning) else f"np.{name}"
        return self.row(name)

    def _applied(self, function: Any, name: str) -> str:
        """An elementwise function made of one for a float."""
        inner = function.__closure__[0].cell_contents
        maker = self._defined(_maker())
        if isinstance(inner, functools.partial):
            settings = "".join(f", {key}={value!r}" for key, value in inner.keywords.items())
            text = f"functools.partial({self._defined(inner.func)}{settings})"
            self.modules.add("functools")
        else:
            text = self._defined(inner)
        own = f"row_{name}"
        self._definitions[own] = f"{own} = {maker}({text})"
        return own

    def _defined(self, function: Any) -> str:
        name: str = function.__name__
        if id(function) in self._objects:
            return name
        if any(known == name for _, known in self._objects.values()):
            raise ExportError(f"two functions of the rule sheet are called {name!r}")
        self._objects[id(function)] = (function, name)
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source).body[0]
        assert isinstance(tree, ast.FunctionDef | ast.ClassDef)
        module = inspect.getmodule(function)
        needed = vars(module)
        for used in sorted(_names(tree)):
            if used in needed:
                self._need(used, needed[used])
        self._definitions[name] = ast.unparse(_without_annotations(tree))
        return name

    def _need(self, name: str, meaning: Any) -> None:
        if isinstance(meaning, ModuleType):
            if meaning is not np:
                self.modules.add(meaning.__name__)
        elif meaning is quiet:
            self.modules.add("functools")
            self._definitions.setdefault("quiet", _QUIET.strip())
        elif isinstance(meaning, int | float | str | tuple):
            self._definitions.setdefault(name, f"{name} = {meaning!r}")
        elif isinstance(meaning, type) or callable(meaning):
            found = inspect.unwrap(meaning)
            if _is_ours(found):
                self._defined(found)
            elif name == "NamedTuple":
                self._definitions.setdefault(name, "from typing import NamedTuple, Any")


def _maker() -> Callable[..., Any]:
    from autograd_bp.rules.arrays import elementwise_float

    return elementwise_float


def _is_ours(found: Any) -> bool:
    return str(getattr(found, "__module__", "")).startswith("autograd_bp.rules")


def _of_numpy(function: Any) -> str | None:
    """The text of a function of NumPy."""
    name = getattr(function, "__name__", "")
    if getattr(np, name, None) is function:
        return f"np.{name}"
    if getattr(np.linalg, name, None) is function:
        return f"np.linalg.{name}"
    return None


def _bound(formula: Formula) -> set[str]:
    return {name for name, _ in formula.bindings}


def _names(tree: ast.AST) -> set[str]:
    """The names that are read, outside annotations."""
    plain = _without_annotations(ast.parse(ast.unparse(tree)).body[0])
    return {node.id for node in ast.walk(plain) if isinstance(node, ast.Name)}


class _Plain(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                statement.annotation = ast.Name("object", ast.Load())
        return node


def _without_annotations(tree: ast.AST) -> ast.AST:
    plain: ast.AST = _Plain().visit(tree)
    return ast.fix_missing_locations(plain)

"""Native code for tapes: a loop over steps, written from the rule sheet and compiled by numba.

The loop knows a set of operations and runs any tape of them, so it is compiled once and kept on
disk. The text goes to a file of the user's cache, since numba keeps compiled code only for
functions that are in a file.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograd_bp.compiler.tape import COMPARISONS, NotScalarError
from autograd_bp.rules import ROWS, SCALAR
from autograd_bp.rules.formula import Formula, free_names, translated

Operation = tuple[str, tuple[Any, ...]]
"""The name of a row, and its parameters."""

COMMON: tuple[Operation, ...] = tuple(
    (name, ())
    for name in (
        "gradient detached identity add sub mul div neg pow square abs exp log tanh sigmoid relu "
        "sqrt sin cos maximum minimum where reciprocal softplus "
        "equal not_equal less less_equal greater greater_equal"
    ).split()
)
"""The operations of the loop that serves most tapes."""

_HEAD = '''"""Written by autograd_bp.compiler.kernels: a loop over the steps of a tape."""

import math

import numpy as np
from numba import njit

native = njit(cache=True, error_model="numpy")
inf, nan, pi = math.inf, math.nan, math.pi
ln2, ln10, log2_e, log10_e = math.log(2.0), math.log(10.0), math.log2(math.e), math.log10(math.e)


@native
def maximum(x, y):
    return x if x >= y or x != x else y


@native
def minimum(x, y):
    return x if x <= y or x != x else y


@native
def fmax(x, y):
    return x if x >= y or y != y else y


@native
def fmin(x, y):
    return x if x <= y or y != y else y


@native
def where(condition, x, y):
    return x if condition != 0.0 else y


@native
def chain(x, y):
    return 0.0 if x == 0.0 else x * y


@native
def chain_both(x, y):
    return 0.0 if x == 0.0 or y == 0.0 else x * y


@native
def pow_less(x, y, n):
    power = y - n
    shift = power - y
    error = (y - (power - shift)) - (n + shift)
    result = math.pow(x, power)
    return result * (1 + error * math.log(x)) if error != 0.0 and 0.0 < x < inf else result

'''

_LOOPS = """
@native
def run(
    codes, first, second, third, v, g, leading, pulls, seeds, wanted, rows, places, outputs, found
):
    for r in range(len(rows)):
        for n in range(len(places)):
            v[places[n]] = rows[r, n]
        start = leading
        seed = 0
        want = 0
        for p in range(len(pulls) + 1):
            end = pulls[p, 0] if p < len(pulls) else leading + len(codes)
            for i in range(start, end):
                k = i - leading
                op = codes[k]
                x = v[first[k]]
                y = v[second[k]]
{forward}
            if p == len(pulls):
                break
            g[:end] = 0.0
            while seed < pulls[p, 1]:
                g[seeds[seed, 0]] += v[seeds[seed, 1]]
                seed += 1
            for i in range(end - 1, leading - 1, -1):
                grad = g[i]
                if grad == 0.0:
                    continue
                k = i - leading
                op = codes[k]
                x = v[first[k]]
                y = v[second[k]]
                out = v[i]
{backward}
            start = end
            while want < pulls[p, 2]:
                v[start] = g[wanted[want]]
                start += 1
                want += 1
        for n in range(len(outputs)):
            found[r, n] = v[outputs[n]]
"""

# math's own names where they differ, and numpy's functions where numba has none of math's.
_MATH = (
    "exp expm1 log log10 log1p sqrt sin cos tan sinh cosh tanh hypot copysign fmod isnan pow"
).split()
_OTHER = {
    "arcsin": "math.asin",
    "arccos": "math.acos",
    "arctan": "math.atan",
    "arctan2": "math.atan2",
    "arcsinh": "math.asinh",
    "arccosh": "math.acosh",
    "arctanh": "math.atanh",
    "isfinite": "math.isfinite",
    **{
        name: f"np.{name}"
        for name in "exp2 log2 cbrt floor ceil trunc rint sign logaddexp logaddexp2".split()
    },
}
_DEFINED = frozenset(
    "maximum minimum fmax fmin where chain chain_both pow_less inf nan pi ln2 ln10 log2_e log10_e "
    "abs math np".split()
)


class _Writer:
    def __init__(self) -> None:
        self.functions: dict[str, str] = {}

    def formula(self, formula: Formula) -> tuple[list[str], str]:
        lines, result = translated(formula, on_floats=True)
        for name in sorted(free_names("\n".join([*lines, result]))):
            self.define(name)
        return [_with_names(line) for line in lines], _with_names(result)

    def define(self, name: str) -> None:
        """See to it that a function a formula calls is there."""
        if name in _DEFINED or name in _MATH or name in _OTHER or name in self.functions:
            return
        rule = ROWS.get(name)
        if rule is None:
            if name in SCALAR.primitives:
                raise NotScalarError(name)
            return
        if rule.kind != "elementwise" or name in rule.formula.names:
            raise NotScalarError(name)
        self.functions[name] = ""  # its formula may not call it, but it may be met again
        lines, result = self.formula(rule.formula)
        arguments = ", ".join((*rule.args, *rule.params))
        body = "\n    ".join([*lines, f"return {result}"])
        del self.functions[name]
        self.functions[name] = f"\n@native\ndef {name}({arguments}):\n    {body}\n"

    def steps(self, operations: Iterable[Operation]) -> tuple[str, str]:
        """The branches of both loops."""
        forward, backward = [], []
        for code, (name, params) in enumerate(operations):
            test = f"{'el' * (code > 0)}if op == {code}:"
            there, back = self.operation(name, params)
            forward += [test, *(f"    {line}" for line in there or ["pass"])]
            backward += [test, *(f"    {line}" for line in back or ["pass"])]
        return tuple(
            "\n".join(f"{' ' * 16}{line}" for line in part) for part in (forward, backward)
        )  # type: ignore[return-value]

    def operation(self, name: str, params: tuple[Any, ...]) -> tuple[list[str], list[str]]:
        if name == "gradient":
            return [], []
        if name == "detached":
            return ["v[i] = x"], []
        for compared, text in COMPARISONS.values():
            if name == compared:
                return [f"v[i] = 1.0 if {text} else 0.0"], []
        rule = ROWS.get(name)
        if rule is None or len(rule.args) > 3 or not all(type(p) in (int, float) for p in params):
            raise NotScalarError(name)
        places = [f"{row}[k]" for row in ("first", "second", "third")]
        known = [f"{p} = {value!r}" for p, value in zip(rule.params, params, strict=True)]
        read = [
            f"{argument} = v[{place}]"
            for argument, place in zip(rule.args, places, strict=False)
            if (argument, place) not in (("x", "first[k]"), ("y", "second[k]"))
        ]
        lines, result = self.formula(rule.formula)
        there = [*read, *known, *lines, f"v[i] = {result}"]
        back = [*read, *known]
        for formula, place in zip(rule.vjp, places, strict=False):
            if formula is not None:
                lines, result = self.formula(formula)
                lines = [_renamed(line, "g", "grad") for line in lines]
                back += [*lines, f"g[{place}] += {_renamed(result, 'g', 'grad')}"]
        return there, back


def _with_names(text: str) -> str:
    """The text, with the functions that numba knows in the place of the sheet's."""
    for name in _MATH:
        text = _renamed(text, name, f"math.{name}")
    for name, meaning in _OTHER.items():
        text = _renamed(text, name, meaning)
    return text


def _renamed(text: str, name: str, other: str) -> str:
    if name not in text:
        return text
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            node.id = other
    return ast.unparse(tree)


def source(operations: Iterable[Operation]) -> str:
    """The module for these operations, numbered in order."""
    writer = _Writer()
    forward, backward = writer.steps(operations)
    loops = _LOOPS.replace("{forward}", forward).replace("{backward}", backward)
    return "".join([_HEAD, *writer.functions.values(), loops])


@functools.cache
def kernel(operations: tuple[Operation, ...]) -> Any:
    """The module for these operations, compiled.

    Raises
    ------
    ModuleNotFoundError
        If there is no numba.
    """
    if importlib.util.find_spec("numba") is None:
        raise ModuleNotFoundError("numba is needed: pip install 'autograd-bp[fast]'", name="numba")
    text = source(operations)
    name = f"tape_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    path = _folder() / f"{name}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        # Written elsewhere first: another process may be at it too.
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False
        ) as file:
            file.write(text)
        Path(file.name).replace(path)
    spec = importlib.util.spec_from_file_location(f"autograd_bp_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # numba looks for it there
    spec.loader.exec_module(module)
    return module


def _folder() -> Path:
    """Where the text and the compiled code are kept; `AUTOGRAD_BP_CACHE` says otherwise."""
    given = os.environ.get("AUTOGRAD_BP_CACHE")
    if given:
        folder = Path(given)
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA", Path.home())) / "autograd_bp"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "autograd_bp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="autograd_bp"))

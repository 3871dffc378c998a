"""autograd-bp: computations recorded as a graph, differentiated backward, drawn and explained.

>>> import autograd_bp as ab
>>> apple, n, tax = ab.Value(100.0), ab.Value(2.0), ab.Value(1.1)
>>> price = apple * n * tax
>>> price.backward()
>>> apple.grad
2.2
"""

import builtins
import difflib
import importlib
from typing import Any

from autograd_bp import (
    datasets,
    fft,
    functions,
    graph,
    inplace,
    linalg,
    nn,
    numpy_protocol,
    optim,
    rules,
    training,
    trees,
)
from autograd_bp.checkpoint import checkpoint
from autograd_bp.compiler import ConcreteValueError, compile  # noqa: A004
from autograd_bp.complex_tensor import ComplexTensor
from autograd_bp.debug import NonFiniteError, debug
from autograd_bp.derivatives import gradients
from autograd_bp.function import Function, scalar_rule
from autograd_bp.functions import PUBLIC
from autograd_bp.functions.indexing import at
from autograd_bp.recording import no_grad
from autograd_bp.rules import FormulaError, Interval
from autograd_bp.scopes import scope
from autograd_bp.storage import StorageError, load, save
from autograd_bp.tensor import Tensor
from autograd_bp.training import DivergedError, History, fit
from autograd_bp.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd_bp.value import Value

del inplace  # it gives Tensors `x[i] = v`, `x += y` and the like

__version__ = "0.1.0"

__all__ = [  # noqa: PLE0604  (the operations are listed where they are collected)
    "ComplexTensor",
    "ConcreteValueError",
    "DivergedError",
    "FormulaError",
    "Function",
    "History",
    "Interval",
    "NonFiniteError",
    "StorageError",
    "Tensor",
    "Value",
    "at",
    "checkpoint",
    "compile",
    "datasets",
    "debug",
    "fit",
    "fft",
    "functions",
    "grad",
    "gradients",
    "graph",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linalg",
    "nn",
    "load",
    "no_grad",
    "numpy_protocol",
    "optim",
    "rules",
    "save",
    "scalar_rule",
    "scope",
    "training",
    "trees",
    "value_and_grad",
    "vjp",
    # Those that Python has too (sum, max, abs, ...) are not for `from autograd_bp import *`.
    *(name for name in PUBLIC if not hasattr(builtins, name)),
]

globals().update(PUBLIC)


def __dir__() -> list[str]:
    return sorted({*__all__, *PUBLIC, "export", "testing"})


def __getattr__(name: str) -> Any:
    # Type checkers take from this signature that the operations are here. The kit that checks
    # rules, and the exporters, need more libraries than the engine: imported when first used.
    if name in ("export", "testing"):
        return importlib.import_module(f"autograd_bp.{name}")
    if name in linalg.__all__:
        raise AttributeError(f"autograd_bp has no {name!r}: it is ab.linalg.{name}")
    close = difflib.get_close_matches(name, __dir__(), n=1)
    hint = f": did you mean {close[0]}?" if close else ""
    raise AttributeError(f"autograd_bp has no {name!r}{hint}")

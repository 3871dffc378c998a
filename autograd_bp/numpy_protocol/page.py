"""docs/numpy.md: every public name of NumPy, and what becomes of it when a Tensor is put in.

python -m autograd_bp.numpy_protocol.page > docs/numpy.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from autograd_bp.functions import PUBLIC
from autograd_bp.functions.elementwise import PREDICATES
from autograd_bp.numpy_protocol.functions import FUNCTIONS
from autograd_bp.numpy_protocol.namespace import OF_INTEGERS, ON_NUMBERS, REFUSED
from autograd_bp.numpy_protocol.ufuncs import UFUNCS

SPACES: dict[str, ModuleType] = {"": np, "linalg.": np.linalg, "fft.": np.fft}
DIFFERENTIABLE, PASSES, REFUSES, UNKNOWN = "differentiable", "passes through", "refused", "unknown"

# Their results are text, Tensors with no history, or made of elements one by one as float(t) is.
_READS = "array2string array_repr array_str empty_like fromiter ones_like zeros_like".split()


def public_functions() -> Iterator[tuple[str, Any]]:
    """Every public function of numpy, numpy.linalg and numpy.fft, with its name after ``np.``."""
    for prefix, module in SPACES.items():
        for name in sorted(dir(module)):
            found = getattr(module, name)
            if name.startswith("_") or not callable(found) or inspect.isclass(found):
                continue
            if not isinstance(found, ModuleType):
                yield prefix + name, found


def other_names() -> list[str]:
    """The public names of numpy that are no functions: types, constants and index tricks."""
    return [
        name
        for name in sorted(dir(np))
        if not name.startswith("_")
        and (inspect.isclass(getattr(np, name)) or not callable(getattr(np, name)))
        and not isinstance(getattr(np, name), ModuleType)
    ]


def class_of(name: str, function: Any) -> tuple[str, str]:
    """What becomes of a function, and why where it is refused."""
    if name in REFUSED:
        return REFUSES, REFUSED[name]
    if name in ON_NUMBERS or name in OF_INTEGERS or name in _READS or name in PREDICATES:
        return PASSES, ""
    operation = UFUNCS.get(function) if isinstance(function, np.ufunc) else FUNCTIONS.get(function)
    if operation is not None:
        return (PASSES if operation in PREDICATES.values() else DIFFERENTIABLE), ""
    if name == "row_stack":  # another name for vstack, which it calls
        return DIFFERENTIABLE, ""
    return UNKNOWN, ""


def page() -> str:
    """The text of docs/numpy.md."""
    classes = {name: class_of(name, function) for name, function in public_functions()}
    count = {kind: sum(k == kind for k, _ in classes.values()) for kind in (
        DIFFERENTIABLE, PASSES, REFUSES, UNKNOWN)}  # fmt: skip
    lines = [
        "# NumPy on Tensors",
        "",
        "Put a Tensor into a function of NumPy, with `import numpy as np` as it is: it records.",
        f"Of {len(classes)} public functions of `numpy`, `numpy.linalg` and `numpy.fft` in NumPy "
        f"{np.__version__.rsplit('.', 1)[0]},",
        f"{count[DIFFERENTIABLE]} are differentiable, {count[PASSES]} pass through (they read the "
        f"numbers; what they give has no derivative),",
        f"and {count[REFUSES]} refuse a Tensor, each for a reason. `ab.<name>` is the same "
        "operation under NumPy's signature.",
        "",
        "*Made by `python -m autograd_bp.numpy_protocol.page`; a test puts a Tensor into each.*",
        "",
        "## Options of ufuncs",
        "",
        "`np.add(x, y)` and its like take no `dtype=`, `casting=` or `order=`, and `where=` only",
        "together with `out=` (else `ab.where` says what the other elements are). `out=` is a",
        "Tensor: a plain array has no place for a derivative. `.reduce`, `.accumulate`, `.outer`",
        "and `.reduceat` record for every ufunc of two numbers, `.at` for sums, and for others",
        "where no place is named twice.",
        "",
        "## Changes in place",
        "",
        "`x[i] = v`, `x += y`, `out=` and the functions that write (`np.copyto`, `np.put` ...)",
        "change a Tensor as NumPy changes an array: the object becomes the result of an operation",
        "on its older self, so derivatives are those of the values as they flowed. Views (slices,",
        "`.T`, reshapes) see the change, and changing a view changes what it is a view of. A graph",
        "recorded before keeps the old numbers. Refused, before anything changes: a leaf that a",
        "derivative is wanted by (take `x.copy()` first; arguments of `ab.grad(f)` and its kin may",
        "be changed inside `f`), and a result while recording is off. Numbers, which in NumPy do",
        "not change, are bound anew by `+=`. `np.zeros_like(t)` and its like give Tensors to write",
        "to; a plain array refuses what has a derivative.",
        "",
        "## Complex numbers",
        "",
        "A Tensor holds real numbers. A Fourier transform of one is an `ab.ComplexTensor`, which",
        "adds, multiplies, divides, conjugates, has `.real`, `.imag`, `abs` and `np.angle`, and",
        "transforms back; nothing else is done with it.",
        "",
        "## Matrices",
        "",
        "As in NumPy, `cholesky`, `eigh` and `eigvalsh` read one triangle: the gradient is zero in",
        "the other. `det` has the matrix of cofactors for its derivative whatever the rank. The",
        "vectors of equal eigenvalues or singular values, and a pseudo-inverse of lower rank,",
        "have no derivative: asking for it raises `numpy.linalg.LinAlgError`.",
        "",
    ]
    for title, prefix in (("numpy", ""), ("numpy.linalg", "linalg."), ("numpy.fft", "fft.")):
        lines += [f"## {title}", "", "| function | a Tensor | |", "|---|---|---|"]
        for name, (kind, why) in classes.items():
            own = name.startswith(("linalg.", "fft."))
            if name.startswith(prefix) if prefix else not own:
                ours = f"`ab.{name}`" if _is_ours(name) else ""
                lines.append(f"| `np.{name}` | {kind} | {why or ours} |")
        lines.append("")
    lines += [
        "## Names that are no functions",
        "",
        "Types, constants and index tricks. A type called with a Tensor converts it to plain",
        "numbers, as `float(t)` does, or refuses; `np.r_` and `np.c_` make plain arrays and refuse",
        "too.",
        "`np.vectorize` makes plain arrays of its operands before anyone is asked, and refuses:",
        "`ab.vectorize` is the same for nodes.",
        "",
        ", ".join(f"`{name}`" for name in other_names()),
        "",
    ]
    return "\n".join(lines)


def _is_ours(name: str) -> bool:
    space, _, own = name.rpartition(".")
    if not space:
        return name in PUBLIC
    from autograd_bp import fft, linalg

    return own in {"linalg": linalg, "fft": fft}[space].__all__


if __name__ == "__main__":
    sys.stdout.write(page())

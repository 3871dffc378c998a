"""The rule sheet: every derivative the engine knows, as data.

`ROWS` is the sheet. `elementwise`, `reductions`, `structure`, `products`, `windows` and `losses`
are its pages; `rule` says what a row is, `formula` how its texts are read, and `scalar` and
`arrays` what the names in them mean on Python floats and on NumPy arrays. Nothing here knows of
nodes.
"""

from autograd_bp.rules import (
    composites,
    convolution,
    elementwise,
    fourier,
    linalg,
    losses,
    products,
    reductions,
    structure,
    windows,
)
from autograd_bp.rules.arrays import ARRAY
from autograd_bp.rules.formula import Formula, FormulaError
from autograd_bp.rules.readings import ROWS, Namespace, Reading
from autograd_bp.rules.rule import Interval, Rule
from autograd_bp.rules.scalar import SCALAR

__all__ = [
    "ARRAY",
    "ROWS",
    "SCALAR",
    "Formula",
    "FormulaError",
    "Interval",
    "Namespace",
    "Reading",
    "Rule",
]

# The pages fill the sheet when they are imported.
del composites, convolution, elementwise, fourier, linalg, losses
del products, reductions, structure, windows

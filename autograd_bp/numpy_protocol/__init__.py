"""NumPy's own functions on nodes: `np.exp(t)` and `np.sum(t)` record like `ab.exp` and `ab.sum`.

A function that has no counterpart here raises, and says what to do: nothing falls back to arrays
of objects, and no gradient is lost in silence. `namespace` says of every public name of NumPy
what becomes of it; docs/numpy.md is that as a table.
"""

from autograd_bp.node import Node
from autograd_bp.numpy_protocol.functions import FUNCTIONS, array_function
from autograd_bp.numpy_protocol.ufuncs import UFUNCS, array_ufunc

Node.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
Node.__array_function__ = array_function  # type: ignore[attr-defined]

__all__ = ["FUNCTIONS", "UFUNCS", "array_function", "array_ufunc"]

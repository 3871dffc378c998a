"""Every operation under its public name, for nodes, arrays and numbers alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_bp.functions import (
    arranging,
    calculus,
    choosing,
    elementwise,
    grids,
    indexing,
    mapping,
    parts,
    polynomials,
    products,
    reductions,
    sets,
    shapes,
    sorting,
)
from autograd_bp.functions.elementwise import ELEMENTWISE, PREDICATES
from autograd_bp.tensor import Tensor

_MODULES = {
    elementwise: "where clip round gelu",
    reductions: ("sum prod mean var std max min cumsum cumprod logsumexp softmax log_softmax"),
    shapes: (
        "asarray astype reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis "
        "expand_dims squeeze atleast_1d atleast_2d broadcast_to broadcast_arrays concatenate stack "
        "hstack vstack split array_split flip roll tile repeat pad diagonal diag trace tril triu "
        "one_hot"
    ),
    indexing: "take",
    products: "matmul dot vdot inner outer tensordot einsum vecdot matvec vecmat cross",
    arranging: (
        "atleast_3d rollaxis rot90 flipud fliplr resize column_stack dstack append block hsplit "
        "vsplit dsplit unstack compress extract delete insert trim_zeros diagflat take_along_axis "
        "put_along_axis meshgrid ix_ kron"
    ),
    mapping: "apply_along_axis apply_over_axes vectorize",
    sorting: ("sort partition ptp median quantile percentile nanmedian nanquantile nanpercentile"),
    sets: (
        "unique unique_values unique_counts unique_inverse unique_all union1d intersect1d "
        "setdiff1d setxor1d"
    ),
    grids: "linspace logspace geomspace histogram histogram_bin_edges bincount",
    choosing: (
        "select choose piecewise nan_to_num nansum nanprod nanmean nanvar nanstd nanmax nanmin "
        "nancumsum nancumprod average cov corrcoef"
    ),
    calculus: (
        "diff ediff1d gradient trapezoid cumulative_sum cumulative_prod interp unwrap convolve "
        "correlate i0"
    ),
    polynomials: "polyval polyadd polysub polymul polydiv polyder polyint polyfit poly vander",
    parts: (
        "float_power divmod modf frexp ldexp real imag real_if_close conjugate angle fix spacing "
        "copy"
    ),
}

PUBLIC: dict[str, Callable[..., Any]] = {
    **ELEMENTWISE,
    **PREDICATES,
    **{name: getattr(module, name) for module, names in _MODULES.items() for name in names.split()},
}
"""Every operation by its public name; `ab.<name>` is the same function."""
PUBLIC["amax"], PUBLIC["amin"] = PUBLIC["max"], PUBLIC["min"]
PUBLIC["concat"] = PUBLIC["concatenate"]
PUBLIC["conj"], PUBLIC["around"] = PUBLIC["conjugate"], PUBLIC["round"]


def _shape_method(function: Callable[..., Any]) -> Callable[..., Any]:
    """t.reshape(2, 3) as well as t.reshape((2, 3))."""

    def method(self: Tensor, *lengths: Any, **keywords: Any) -> Any:
        if len(lengths) == 1 and (lengths[0] is None or isinstance(lengths[0], tuple | list)):
            return function(self, lengths[0], **keywords)
        return function(self, lengths or None, **keywords)

    method.__name__ = function.__name__
    method.__doc__ = function.__doc__
    return method


for _name in (
    "sum mean prod max min var std cumsum cumprod argmax argmin any all clip round dot astype exp "
    "log sqrt sin cos tanh sigmoid relu softmax log_softmax ravel squeeze swapaxes repeat diagonal "
    "trace argsort take conj conjugate"
).split():
    setattr(Tensor, _name, PUBLIC[_name])
Tensor.flatten = PUBLIC["ravel"]
for _name in ("reshape", "transpose"):
    setattr(Tensor, _name, _shape_method(PUBLIC[_name]))

"""The rule sheet on JAX's arrays: one more namespace.

Elementwise formulas are read as they are; what is a primitive there (NumPy's functions, and ours of
`rules.arrays`) has its counterpart in `FORWARD`. Nothing here looks at numbers, so all of it can be
traced: where ours takes a shortcut for usual numbers, this takes the general way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from autograd_bp.export.jax_functions import (
    bessel,
    cross_entropy,
    label_errors,
    normal_cdf,
    normal_pdf,
    pow_less,
    soft_cross_entropy,
)
from autograd_bp.export.jax_linalg import (
    cofactor,
    cofactor_slope,
    coincident,
    eigh,
    eigvalsh,
    qr,
    solve,
    svd,
)
from autograd_bp.export.jax_moving import (
    concatenate,
    convolve,
    dft,
    getitem,
    index_set,
    overlap_add,
    rfft,
    rfft_adjoint,
    scatter,
    spread,
    sum_to,
    windows,
)
from autograd_bp.export.jax_reductions import (
    linear_recurrence,
    log_softmax,
    logsumexp,
    norm2,
    norm_p,
    power_of_two_scale,
    softmax,
    std,
    tie_share,
    top_mask,
    var,
)
from autograd_bp.rules import arrays, transforms
from autograd_bp.rules.readings import Namespace

Array = Any


def canonical(dtype: Any) -> Any:
    """The dtype that JAX has for this one: of 32 bits, unless `jax_enable_x64` is set."""
    return jax.dtypes.canonicalize_dtype(dtype)


_UFUNCS = (
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan arcsin arccos arctan arctan2 sinh "
    "cosh tanh arcsinh arccosh arctanh hypot logaddexp logaddexp2 maximum minimum fmax fmin floor "
    "ceil trunc rint sign copysign fmod heaviside abs where"
).split()

CONSTANTS: dict[str, Any] = {
    **{
        name: meaning
        for name, meaning in arrays.CONSTANTS.items()
        if name
        in (
            "shape_of count kept_shape inverse_permutation negated inner_block winners "
            "degrees_of_freedom pi inf nan ln2 ln10 log2_e log10_e triangle identity_like"
        ).split()
    },
    "length_along": transforms.length_along,
    "power_of_two_scale": power_of_two_scale,
    "tie_share": tie_share,
    "top_mask": top_mask,
    "isnan": jnp.isnan,
    "isfinite": jnp.isfinite,
    "logical_and": jnp.logical_and,
    "logical_or": jnp.logical_or,
    "logical_not": jnp.logical_not,
    "coincident": coincident,
    "determinant_sign": lambda x: jnp.linalg.slogdet(x)[0],
    "columns_of_zeros": lambda x: (x == 0).all(axis=-2, keepdims=True),
    # What looks at numbers to choose a way, or to refuse: the usual way is taken.
    "all_finite": lambda _: True,
    "all_zero": lambda _: False,
    "dependent": lambda _: False,
    "deficient": lambda _x, _rcond: False,
    **{name: lambda *_: None for name in arrays.CONSTANTS if name.startswith("refuse_")},
}
"""What has no derivative of its own."""


def filled(xs: Sequence[Any], ts: Sequence[Any]) -> tuple[Any, ...]:
    """The tangents, with zeros where there is none."""
    return tuple(jnp.zeros(jnp.shape(x)) if t is None else t for x, t in zip(xs, ts, strict=True))


def _reduction(name: str) -> Callable[..., Array]:
    function = getattr(jnp, name)
    return lambda x, axis, keepdims: function(x, axis=axis, keepdims=keepdims)


FORWARD = Namespace(
    "JAX array",
    {
        **CONSTANTS,
        **{name: getattr(jnp, name) for name in _UFUNCS},
        "pow": jnp.power,
        "pow_less": pow_less,
        "normal_cdf": normal_cdf,
        "normal_pdf": normal_pdf,
        "bessel": bessel,
        "sinc": functools.partial(bessel, order=0),
        **{name: _reduction(name) for name in ("sum", "mean", "prod", "max", "min")},
        "var": var,
        "std": std,
        "norm2": norm2,
        "norm_p": norm_p,
        "logsumexp": logsumexp,
        "softmax": softmax,
        "log_softmax": log_softmax,
        "cumsum": lambda x, axis: jnp.cumsum(x, axis=axis),
        "cumprod": lambda x, axis: jnp.cumprod(x, axis=axis),
        "linear_recurrence": linear_recurrence,
        "sum_to": sum_to,
        "spread": spread,
        "broadcast_to": jnp.broadcast_to,
        "reshape": jnp.reshape,
        "transpose": jnp.transpose,
        "flip": jnp.flip,
        "roll": jnp.roll,
        "getitem": getitem,
        "scatter": scatter,
        "index_set": index_set,
        "astype": lambda x, dtype: jnp.asarray(x).astype(canonical(dtype)),
        "stack": lambda xs, axis: jnp.stack([jnp.asarray(x) for x in xs], axis=axis),
        "pad": lambda x, width, value: jnp.pad(x, width, constant_values=value) if width else x,
        "concatenate": concatenate,
        "filled": filled,
        "replaced": arrays.replaced,
        "matmul": jnp.matmul,
        "chain_matmul": jnp.matmul,
        "chain_matmul_both": jnp.matmul,
        "einsum": lambda xs, subscripts: jnp.einsum(subscripts, *xs),
        "convolve": convolve,
        "windows": windows,
        "overlap_add": overlap_add,
        "dft": dft,
        "rfft": rfft,
        "rfft_adjoint": rfft_adjoint,
        "cross_entropy": cross_entropy,
        "label_errors": label_errors,
        "soft_cross_entropy": soft_cross_entropy,
        "inv": jnp.linalg.inv,
        "solve": solve,
        "det": jnp.linalg.det,
        "logabsdet": lambda x: jnp.linalg.slogdet(x)[1],
        "cofactor": cofactor,
        "cofactor_slope": cofactor_slope,
        "cholesky": lambda x: jnp.linalg.cholesky(x, symmetrize_input=False),
        "eigh": eigh,
        "eigvalsh": eigvalsh,
        "svd": svd,
        "svdvals": lambda x: jnp.linalg.svd(x, compute_uv=False),
        "qr": qr,
        "pinv": lambda x, rcond: jnp.linalg.pinv(x, rtol=rcond),
    },
)
"""The rows on JAX's arrays, without derivatives."""

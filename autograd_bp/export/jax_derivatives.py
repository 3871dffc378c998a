"""The rows of the sheet as JAX functions whose derivatives are the sheet's.

A row that is linear in each of its operands (sum, reshape, matmul, einsum, ...) keeps JAX's own
derivative: it is the same map. All others get theirs from the sheet (`jax.custom_jvp`), since
JAX's would be others: of maximum, abs, clip or hypot at a kink; of sqrt, log, x / y or norms where
zero meets infinity; of sigmoid, softplus or softmax in the tails, where differences cancel. JAX
makes the transpose, and so `grad`, from it, and derivatives of every order: a derivative is written
in rows again.

`guarded_product` is `chain` of the sheet as a primitive of JAX's: a product with a tangent, or a
cotangent, in which zero times infinity is zero. Written with `where` it would not be linear in the
tangent, which is what transposition needs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import Primitive
from jax.interpreters import ad as _ad
from jax.interpreters import batching, mlir

from autograd_bp.export.jax_rows import CONSTANTS, FORWARD, canonical, filled
from autograd_bp.rules import ROWS, Rule
from autograd_bp.rules.arrays import replaced
from autograd_bp.rules.readings import Namespace

Array = Any

ad: Any = _ad  # has no types

# -- products with a tangent ----------------------------------------------------------------------

_product: Any = Primitive("guarded_product")


def guarded_product(tangent: Array, factor: Array, *, both: bool = True) -> Array:
    """tangent * factor; zero where the tangent is, or, with `both`, the factor.

    Where the factor is a truth value it selects.
    """
    if isinstance(factor, bool | int | float) and not isinstance(factor, bool):
        return tangent * factor
    tangent, factor = jnp.asarray(tangent), jnp.asarray(factor)
    if factor.dtype == jnp.bool_:
        return jnp.where(factor, tangent, jnp.zeros((), tangent.dtype))
    dtype = jnp.result_type(tangent, factor)
    shape = jnp.broadcast_shapes(tangent.shape, factor.shape)
    return _product.bind(
        jnp.broadcast_to(tangent.astype(dtype), shape),
        jnp.broadcast_to(factor.astype(dtype), shape),
        both=both,
    )


def _computed(x: Array, y: Array, *, both: bool) -> Array:
    zero = (x == 0) | (y == 0) if both else x == 0
    return jnp.where(zero, jnp.zeros((), x.dtype), x * y)


def _product_jvp(
    primals: Sequence[Array], tangents: Sequence[Array], *, both: bool
) -> tuple[Array, Array]:
    x, y = primals
    tx, ty = tangents
    terms = []
    if not isinstance(tx, ad.Zero):
        terms.append(_product.bind(tx, y, both=both))
    if not isinstance(ty, ad.Zero):
        terms.append(_product.bind(ty, x, both=True))
    return _product.bind(x, y, both=both), functools.reduce(jnp.add, terms)


def _product_transposed(
    cotangent: Array, x: Array, y: Array, *, both: bool
) -> tuple[Array | None, Array | None]:
    if isinstance(cotangent, ad.Zero):
        return None, None
    if ad.is_undefined_primal(x):
        return _product.bind(cotangent, y, both=both), None
    return None, _product.bind(cotangent, x, both=both)


def _product_batched(
    operands: Sequence[Array], axes: Sequence[int | None], *, both: bool
) -> tuple[Array, int]:
    (n,) = {x.shape[axis] for x, axis in zip(operands, axes, strict=True) if axis is not None}
    x, y = (
        jnp.broadcast_to(x, (n, *x.shape)) if axis is None else jnp.moveaxis(x, axis, 0)
        for x, axis in zip(operands, axes, strict=True)
    )
    return _product.bind(x, y, both=both), 0


_product.def_impl(jax.jit(_computed, static_argnames="both"))
_product.def_abstract_eval(lambda x, _, both: x)  # noqa: ARG005  (named by JAX)
ad.primitive_jvps[_product] = _product_jvp
ad.primitive_transposes[_product] = _product_transposed
batching.primitive_batchers[_product] = _product_batched
mlir.register_lowering(_product, mlir.lower_fun(_computed, multiple_results=False))

# -- rows -----------------------------------------------------------------------------------------

LINEAR_IN_EACH = frozenset(
    {name for name, rule in ROWS.items() if rule.kind == "linear"}
    | set(
        "identity item add sub neg where matmul chain_matmul chain_matmul_both einsum convolve "
        "concatenate stack pad index_set linear_recurrence solve".split()
    )
)
"""Rows that keep JAX's derivative."""


class _Derivatives(Namespace):
    """What names mean in a derivative: rows are those that have derivatives themselves."""

    defines_rows = True

    def row(self, rule: Rule) -> Callable[..., Any]:
        function = operation(rule.name)
        if rule.variadic:
            return lambda xs, *params: function(*xs, *params)
        return function


_DERIVATIVES = _Derivatives(
    "JAX array in a derivative",
    {
        **CONSTANTS,
        "chain": functools.partial(guarded_product, both=False),
        "chain_both": guarded_product,
        "filled": filled,
        "replaced": replaced,
    },
    guarded=True,
)


def operation(name: str) -> Callable[..., Array]:
    """A row as a JAX function of its operands and then its parameters, by position."""
    rule = ROWS[name]
    known = _OPERATIONS.get(name)
    if known is None or known[0] is not rule:  # a user's row may have been replaced
        known = _OPERATIONS[name] = (rule, _operation(rule))
    return known[1]


_OPERATIONS: dict[str, tuple[Rule, Callable[..., Array]]] = {}


def _operation(rule: Rule) -> Callable[..., Array]:
    name = rule.name
    if name in ("chain", "chain_both"):
        return functools.partial(guarded_product, both=name == "chain_both")
    forward = rule.read(FORWARD).forward
    if name in LINEAR_IN_EACH:
        return forward
    if rule.variadic:
        raise NotImplementedError(f"{name} has any number of operands and is not linear in them")
    return functools.partial(_with_our_derivative, rule, forward)


def _with_our_derivative(rule: Rule, forward: Callable[..., Array], *values: Any) -> Array:
    n = len(rule.args)
    operands, params = values[:n], values[n:]
    if not any(isinstance(x, jax.Array) for x in values):  # a parameter, worked out
        return rule.array.forward(*values)
    traced = [jax.lax.stop_gradient(x) for x in params if isinstance(x, jax.Array)]

    def completed(given: Sequence[Array]) -> list[Any]:
        """All values, arrays among the parameters included."""
        arrays = iter(given[n:])
        return [
            *given[:n],
            *(next(arrays) if isinstance(x, jax.Array) else x for x in params),
        ]

    def computed(*given: Array) -> Array:
        return jnp.asarray(forward(*completed(given)))

    function = jax.custom_jvp(computed)

    def jvp(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
        out = function(*primals)
        total = jnp.zeros(out.shape, out.dtype)
        for tangent, push in zip(tangents[:n], rule.read(_DERIVATIVES).jvp, strict=True):
            if push is None or isinstance(tangent, SymbolicZero):
                continue
            total = total + push(tangent, out, *completed(primals))
        return out, jnp.broadcast_to(total, out.shape).astype(out.dtype)

    function.defjvp(jvp, symbolic_zeros=True)
    return function(*map(_as_array, operands), *traced)


def _as_array(operand: Any) -> Array:
    """Python numbers take the dtype of what they meet, so they stay weak."""
    if isinstance(operand, jax.Array):
        return operand
    if isinstance(operand, bool | int | float):
        return jnp.asarray(float(operand))
    return jnp.asarray(operand, canonical(operand.dtype))

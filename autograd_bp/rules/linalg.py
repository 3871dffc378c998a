"""Rows of linear algebra; a matrix is the last two axes, and all others are batches.

The derivatives are those of Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008); of Murray, "Differentiation of the Cholesky decomposition"
(2016); of Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2012) for
QR; and of Golub and Pereyra (1973) for the pseudo-inverse. All are written in operations, so they
have derivatives of their own.

A decomposition is one operation, so its parts come in one array: `rules/matrices.py` says how they
lie in it. Where vectors belong to equal eigenvalues or singular values they are not determined: a
cotangent that reaches them raises, one that does not passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_bp.rules.composites import composite
from autograd_bp.rules.readings import Namespace
from autograd_bp.rules.rule import add_to_sheet, general

Operand = Any


def _t(ops: Namespace, x: Operand) -> Operand:
    n = len(ops.shape_of(x))
    return ops.transpose(x, (*range(n - 2), n - 1, n - 2))


def _product(ops: Namespace, *factors: Operand) -> Operand:
    result = factors[0]
    for factor in factors[1:]:
        result = ops.matmul(result, factor)
    return result


def _below(ops: Namespace, x: Operand, k: int = 0) -> Operand:
    return ops.where(ops.triangle(x, k), x, 0.0)


def _half_below(ops: Namespace, x: Operand) -> Operand:
    """The lower triangle with half the diagonal."""
    return (_below(ops, x) + _below(ops, x, -1)) / 2.0


def _symmetric_in_triangle(ops: Namespace, s: Operand, lower: bool) -> Operand:
    """The adjoint by one triangle of a symmetric matrix, of which s is that by all elements."""
    whole = s + _t(ops, s)
    half = _half_below(ops, whole)
    return half if lower else _t(ops, half)


def _reflected(ops: Namespace, t: Operand, lower: bool) -> Operand:
    """The symmetric matrix of which one triangle is given."""
    low = t if lower else _t(ops, t)
    return _below(ops, low) + _t(ops, _below(ops, low, -1))


def _column(ops: Namespace, x: Operand) -> Operand:
    return ops.reshape(x, (*ops.shape_of(x), 1))


def _row(ops: Namespace, x: Operand) -> Operand:
    shape = ops.shape_of(x)
    return ops.reshape(x, (*shape[:-1], 1, shape[-1]))


def _diagonal_matrix(ops: Namespace, x: Operand) -> Operand:
    return ops.where(ops.identity_like(x), _row(ops, x), 0.0)


def _kept_zero(
    ops: Namespace, g: Operand, broken: bool, adjoint: Callable[[], Operand], like: Operand
) -> Operand:
    """The adjoint, or zeros where there is none and the cotangent is zero."""
    if broken and ops.all_zero(g):
        return ops.broadcast_to(0.0, ops.shape_of(like))
    return adjoint()


# -- inverse and solve ----------------------------------------------------------------------------


@composite
def inv_adjoint(ops: Namespace, g: Operand, out: Operand) -> Operand:
    """-X^T g X^T for X = inv(x); a zero of g stays zero whatever it meets."""
    right = ops.chain_matmul(_t(ops, g), out)
    return -ops.chain_matmul(_t(ops, right), _t(ops, out))


@composite
def inv_push(ops: Namespace, t: Operand, out: Operand) -> Operand:
    """-X t X."""
    left = _t(ops, ops.chain_matmul(_t(ops, t), _t(ops, out)))
    return -ops.chain_matmul(left, out)


@composite
def solve_kept(ops: Namespace, a: Operand, g: Operand) -> Operand:
    """solve(a, g), where a column of zeros stays zero whatever it meets."""
    x = ops.solve(a, g)
    return x if ops.all_finite(x) else ops.where(ops.columns_of_zeros(g), 0.0, x)


@composite
def solve_by_right(ops: Namespace, g: Operand, a: Operand) -> Operand:
    return solve_kept(ops, _t(ops, a), g)


@composite
def solve_by_left(ops: Namespace, g: Operand, out: Operand, a: Operand) -> Operand:
    # The result may itself be a cotangent.
    return -ops.chain_matmul_both(solve_kept(ops, _t(ops, a), g), _t(ops, out))


@composite
def solve_push_left(ops: Namespace, t: Operand, out: Operand, a: Operand) -> Operand:
    return -solve_kept(ops, a, ops.chain_matmul(t, out))


add_to_sheet(
    general("inv(x)", "inv(x)", vjp=["inv_adjoint(g, out)"], jvp=["inv_push(t, out)"]),
    general(
        "solve(a, b)",
        "solve(a, b)",
        vjp=["solve_by_left(g, out, a)", "solve_by_right(g, a)"],
        jvp=["solve_push_left(t, out, a)", "solve_kept(a, t)"],
    ),
)


# -- determinants ---------------------------------------------------------------------------------


@composite
def over_matrix(ops: Namespace, g: Operand) -> Operand:
    """A number for each matrix, laid out over it."""
    return ops.reshape(g, (*ops.shape_of(g), 1, 1))


@composite
def sum_of_products(ops: Namespace, t: Operand, x: Operand) -> Operand:
    """The sum over each matrix of t times x."""
    return ops.sum(ops.chain(t, x), (-2, -1), False)


@composite
def inv_transposed(ops: Namespace, out: Operand, x: Operand) -> Operand:
    """The derivative of `logabsdet`."""
    ops.refuse_singular(out)
    return _t(ops, ops.inv(x))


@composite
def logabsdet_adjoint(ops: Namespace, g: Operand, out: Operand, x: Operand) -> Operand:
    def adjoint() -> Operand:
        return ops.chain(over_matrix(ops, g), inv_transposed(ops, out, x))

    return _kept_zero(ops, g, not ops.all_finite(out), adjoint, x)


@composite
def cofactor_curve(ops: Namespace, g: Operand, x: Operand, t: Operand) -> Operand:
    """The third derivative of the determinant in the directions g and t."""
    n = ops.shape_of(x)[-1]
    if n < 3:
        return ops.broadcast_to(0.0, ops.shape_of(x))
    if n == 3:  # a determinant of three rows: the same whatever x is
        return ops.cofactor_slope(t, g)
    b, d = ops.inv(x), over_matrix(ops, ops.det(x))
    bt, bg = ops.matmul(b, t), ops.matmul(b, g)

    def trace(m: Operand) -> Operand:
        return over_matrix(ops, ops.sum(ops.where(ops.identity_like(m), m, 0.0), (-2, -1), False))

    both = _product(ops, bt, bg)
    by = (
        (trace(bt) * trace(bg) - trace(both)) * b
        - trace(bt) * ops.matmul(bg, b)
        - trace(bg) * ops.matmul(bt, b)
        + ops.matmul(both, b)
        + _product(ops, bg, bt, b)
    )
    return d * _t(ops, by)


@composite
def cofactor_curve_guarded(ops: Namespace, g: Operand, x: Operand, t: Operand) -> Operand:
    """Zero where a cotangent is zero, singular matrices included."""
    if ops.all_zero(g) or ops.all_zero(t):
        return ops.broadcast_to(0.0, ops.shape_of(x))
    return cofactor_curve(ops, g, x, t)


add_to_sheet(
    general(
        "det(x)",
        "det(x)",
        vjp=["over_matrix(g) * cofactor(x)"],
        jvp=["sum_of_products(t, cofactor(x))"],
        guarded_vjp=["chain(over_matrix(g), cofactor(x))"],
    ),
    general(
        "cofactor(x)",
        "cofactor(x)",
        vjp=["cofactor_slope(x, g)"],
        jvp=["cofactor_slope(x, t)"],
        guarded_vjp=["cofactor_slope_kept(x, g)"],
        guarded_jvp=["cofactor_slope_kept(x, t)"],
    ),
    # The derivative of `cofactor` by x in the direction t: symmetric in what is asked of it.
    general(
        "cofactor_slope(x, v)",
        "cofactor_slope(x, v)",
        vjp=["cofactor_curve(g, x, v)", "cofactor_slope(x, g)"],
        jvp=["cofactor_curve(t, x, v)", "cofactor_slope(x, t)"],
        guarded_vjp=["cofactor_curve_guarded(g, x, v)", "cofactor_slope_kept(x, g)"],
    ),
    general(
        "logabsdet(x)",
        "logabsdet(x)",
        vjp=["logabsdet_adjoint(g, out, x)"],
        jvp=["sum_of_products(t, inv_transposed(out, x))"],
    ),
)


@composite
def cofactor_slope_kept(ops: Namespace, x: Operand, g: Operand) -> Operand:
    """`cofactor_slope`, zero where g is zero whatever x is."""
    broken = not ops.all_finite(x)
    return _kept_zero(ops, g, broken, lambda: ops.cofactor_slope(x, g), x)


# -- Cholesky -------------------------------------------------------------------------------------


@composite
def cholesky_adjoint(ops: Namespace, g: Operand, out: Operand) -> Operand:
    """In the lower triangle, the one that is read: Murray (2016), section 4.1."""

    def adjoint() -> Operand:
        transposed = _t(ops, out)
        p = _half_below(ops, ops.matmul(transposed, g))
        s = ops.solve(transposed, _t(ops, ops.solve(transposed, p)))
        return _symmetric_in_triangle(ops, s, True)

    return _kept_zero(ops, g, not ops.all_finite(out), adjoint, out)


@composite
def cholesky_push(ops: Namespace, t: Operand, out: Operand) -> Operand:
    symmetric = _reflected(ops, t, True)
    inner = ops.solve(out, _t(ops, ops.solve(out, symmetric)))
    return ops.matmul(out, _half_below(ops, inner))


add_to_sheet(
    general(
        "cholesky(x)",
        "cholesky(x)",
        vjp=["cholesky_adjoint(g, out)"],
        jvp=["cholesky_push(t, out)"],
    )
)


# -- symmetric eigenvalue problem -----------------------------------------------------------------


def _eigen_parts(ops: Namespace, packed: Operand) -> tuple[Operand, Operand]:
    return ops.getitem(packed, (..., 0, slice(None))), ops.getitem(
        packed, (..., slice(1, None), slice(None))
    )


def _inverse_gaps(ops: Namespace, w: Operand, close: Operand) -> Operand:
    """1 / (w_j - w_i), 0 where the two coincide."""
    gap = ops.where(close, 1.0, _row(ops, w) - _column(ops, w))
    return ops.where(close, 0.0, 1.0 / gap)


@composite
def eigh_adjoint(ops: Namespace, g: Operand, out: Operand, lower: bool) -> Operand:
    """V (diag(gw) + F o V^T gV) V^T, in the triangle that is read; F_ij = 1 / (w_j - w_i)."""

    def adjoint() -> Operand:
        w, v = _eigen_parts(ops, out)
        gw, gv = _eigen_parts(ops, g)
        mixed, close = ops.matmul(_t(ops, v), gv), ops.coincident(w)
        ops.refuse_undetermined(close, (gv,), "eigenvalues")
        inner = _diagonal_matrix(ops, gw) + _inverse_gaps(ops, w, close) * mixed
        return _symmetric_in_triangle(ops, _product(ops, v, inner, _t(ops, v)), lower)

    shape = ops.getitem(out, (..., slice(1, None), slice(None)))
    return _kept_zero(ops, g, not ops.all_finite(out), adjoint, shape)


@composite
def eigh_push(ops: Namespace, t: Operand, out: Operand, lower: bool) -> Operand:
    w, v = _eigen_parts(ops, out)
    inner = _product(ops, _t(ops, v), _reflected(ops, t, lower), v)
    close = ops.coincident(w)
    ops.refuse_mixed(close, inner, "eigenvalues")
    dv = ops.matmul(v, _inverse_gaps(ops, w, close) * inner)
    dw = ops.sum(ops.where(ops.identity_like(inner), inner, 0.0), -2, True)
    return ops.concatenate((dw, dv), len(ops.shape_of(v)) - 2)


@composite
def eigvalsh_adjoint(ops: Namespace, g: Operand, x: Operand, lower: bool) -> Operand:
    """V diag(g) V^T: needs no gaps."""

    def adjoint() -> Operand:
        _, v = _eigen_parts(ops, ops.eigh(x, lower))
        whole = ops.matmul(v * _row(ops, g), _t(ops, v))
        return _symmetric_in_triangle(ops, whole, lower)

    return _kept_zero(ops, g, not ops.all_finite(x), adjoint, x)


@composite
def eigvalsh_push(ops: Namespace, t: Operand, x: Operand, lower: bool) -> Operand:
    _, v = _eigen_parts(ops, ops.eigh(x, lower))
    return ops.sum(v * ops.matmul(_reflected(ops, t, lower), v), -2, False)


add_to_sheet(
    general(
        "eigh(x; lower)",
        "eigh(x, lower)",
        vjp=["eigh_adjoint(g, out, lower)"],
        jvp=["eigh_push(t, out, lower)"],
    ),
    general(
        "eigvalsh(x; lower)",
        "eigvalsh(x, lower)",
        vjp=["eigvalsh_adjoint(g, x, lower)"],
        jvp=["eigvalsh_push(t, x, lower)"],
    ),
)


# -- singular values ------------------------------------------------------------------------------


def _singular_parts(
    ops: Namespace, packed: Operand, shape: tuple[int, ...]
) -> tuple[Operand, Operand, Operand]:
    *batch, m, n = shape
    k = min(m, n)
    u = ops.reshape(ops.getitem(packed, (..., slice(0, m * k))), (*batch, m, k))
    s = ops.getitem(packed, (..., slice(m * k, m * k + k)))
    vh = ops.reshape(ops.getitem(packed, (..., slice(m * k + k, None))), (*batch, k, n))
    return u, s, vh


def _reciprocal(ops: Namespace, s: Operand) -> Operand:
    safe = ops.where(s == 0.0, 1.0, s)
    return ops.where(s == 0.0, 0.0, 1.0 / safe)


def _skew(ops: Namespace, x: Operand) -> Operand:
    return x - _t(ops, x)


@composite
def svd_adjoint(ops: Namespace, g: Operand, out: Operand, x: Operand) -> Operand:
    """The adjoint of the thin decomposition, with no difference of squares.

    For U, V: F o (skew(U^T gU) S + S skew(V^T gV)) with F_ij = 1 / (s_j^2 - s_i^2), split into
    what has 1 / (s_i + s_j) and what has 1 / (s_j - s_i).
    """

    def adjoint() -> Operand:
        u, s, vh = _singular_parts(ops, out, ops.shape_of(x))
        gu, gs, gvh = _singular_parts(ops, g, ops.shape_of(x))
        m, n = ops.shape_of(x)[-2:]
        of_u, of_v = ops.matmul(_t(ops, u), gu), ops.matmul(vh, _t(ops, gvh))
        close = ops.coincident(s)
        ops.refuse_undetermined(close, (gu, _t(ops, gvh)), "singular values")
        a, b = _skew(ops, of_u), _skew(ops, of_v)
        sums = ops.where(ops.identity_like(a), 1.0, _row(ops, s) + _column(ops, s))
        inner = (
            _diagonal_matrix(ops, gs)
            + (a - b) * ops.where(close, 0.0, 0.5 * _reciprocal(ops, sums))
            + (a + b) * (0.5 * _inverse_gaps(ops, s, close))
        )
        result = _product(ops, u, inner, vh)
        if m > n:
            rest = gu - ops.matmul(u, of_u)
            ops.refuse_zeros(s, gu, "svd")
            result = result + ops.matmul(rest * _row(ops, _reciprocal(ops, s)), vh)
        if n > m:
            rest = gvh - ops.matmul(_t(ops, of_v), vh)
            ops.refuse_zeros(s, _t(ops, gvh), "svd")
            result = result + ops.matmul(u, _column(ops, _reciprocal(ops, s)) * rest)
        return result

    return _kept_zero(ops, g, not ops.all_finite(out), adjoint, x)


@composite
def svd_push(ops: Namespace, t: Operand, out: Operand, x: Operand) -> Operand:
    u, s, vh = _singular_parts(ops, out, ops.shape_of(x))
    *batch, m, n = ops.shape_of(x)
    k = min(m, n)
    p = _product(ops, _t(ops, u), t, _t(ops, vh))
    close = ops.coincident(s)
    ops.refuse_mixed(close, p, "singular values")
    ds = ops.sum(ops.where(ops.identity_like(p), p, 0.0), -2, False)
    sums = ops.where(ops.identity_like(p), 1.0, _row(ops, s) + _column(ops, s))
    even = (p + _t(ops, p)) * (0.5 * _inverse_gaps(ops, s, close))
    odd = (p - _t(ops, p)) * ops.where(close, 0.0, 0.5 * _reciprocal(ops, sums))
    # F o (P S + S P^T) and F o (S P + P^T S).
    du = ops.matmul(u, even + odd)
    dvh = ops.matmul(_t(ops, even - odd), vh)
    if m > n:
        ops.refuse_zeros(s, ops.broadcast_to(1.0, (*batch, k, k)), "svd")
        moved = ops.matmul(t, _t(ops, vh))
        rest = moved - ops.matmul(u, p)
        du = du + rest * _row(ops, _reciprocal(ops, s))
    if n > m:
        ops.refuse_zeros(s, ops.broadcast_to(1.0, (*batch, k, k)), "svd")
        moved = ops.matmul(_t(ops, u), t)
        rest = moved - ops.matmul(p, vh)
        dvh = dvh + _column(ops, _reciprocal(ops, s)) * rest
    flat = (
        ops.reshape(du, (*batch, m * k)),
        ds,
        ops.reshape(dvh, (*batch, k * n)),
    )
    return ops.concatenate(flat, len(batch))


@composite
def svdvals_adjoint(ops: Namespace, g: Operand, x: Operand) -> Operand:
    """U diag(g) V^T: needs no gaps."""

    def adjoint() -> Operand:
        u, _, vh = _singular_parts(ops, ops.svd(x), ops.shape_of(x))
        return ops.matmul(u * _row(ops, g), vh)

    return _kept_zero(ops, g, not ops.all_finite(x), adjoint, x)


@composite
def svdvals_push(ops: Namespace, t: Operand, x: Operand) -> Operand:
    u, _, vh = _singular_parts(ops, ops.svd(x), ops.shape_of(x))
    return ops.sum(u * ops.matmul(t, _t(ops, vh)), -2, False)


add_to_sheet(
    general("svd(x)", "svd(x)", vjp=["svd_adjoint(g, out, x)"], jvp=["svd_push(t, out, x)"]),
    general(
        "svdvals(x)",
        "svdvals(x)",
        vjp=["svdvals_adjoint(g, x)"],
        jvp=["svdvals_push(t, x)"],
    ),
)


# -- QR -------------------------------------------------------------------------------------------


def _qr_parts(ops: Namespace, packed: Operand, m: int) -> tuple[Operand, Operand]:
    return (
        ops.getitem(packed, (..., slice(0, m), slice(None))),
        ops.getitem(packed, (..., slice(m, None), slice(None))),
    )


@composite
def qr_adjoint(ops: Namespace, g: Operand, out: Operand, x: Operand) -> Operand:
    """(gQ + Q copyltu(R gR^T - gQ^T Q)) R^-T, for at least as many rows as columns.

    What lies in the space of Q is written apart, since most of it cancels.
    """
    m, n = ops.shape_of(x)[-2:]
    q, r = _qr_parts(ops, out, m)

    def adjoint() -> Operand:
        gq, gr = _qr_parts(ops, g, m)
        ops.refuse_dependent(r, "qr")
        within, of_r = ops.matmul(_t(ops, q), gq), ops.matmul(r, _t(ops, gr))
        low = _below(ops, of_r, -1)
        inner = _below(ops, _skew(ops, within), -1) + _below(ops, of_r) + _t(ops, low)
        whole = ops.matmul(q, inner)
        if m > n:
            whole = whole + gq - ops.matmul(q, within)
        return _t(ops, ops.solve(r, _t(ops, whole)))

    return _kept_zero(ops, g, ops.dependent(r), adjoint, x)


@composite
def qr_push(ops: Namespace, t: Operand, out: Operand, x: Operand) -> Operand:
    q, r = _qr_parts(ops, out, ops.shape_of(x)[-2])
    ops.refuse_dependent(r, "qr")
    moved = _t(ops, ops.solve(_t(ops, r), _t(ops, t)))
    c = ops.matmul(_t(ops, q), moved)
    low = _below(ops, c, -1)
    upper = c - low + _t(ops, low)
    parts = (moved - ops.matmul(q, upper), ops.matmul(upper, r))
    return ops.concatenate(parts, len(ops.shape_of(x)) - 2)


add_to_sheet(general("qr(x)", "qr(x)", vjp=["qr_adjoint(g, out, x)"], jvp=["qr_push(t, out, x)"]))


# -- pseudo-inverse -------------------------------------------------------------------------------


@composite
def pinv_adjoint(ops: Namespace, g: Operand, out: Operand, x: Operand, rcond: float) -> Operand:
    def adjoint() -> Operand:
        ops.refuse_deficient(x, rcond, "pinv")
        m, n = ops.shape_of(x)[-2:]
        p, gt = _t(ops, out), _t(ops, g)
        result = -_product(ops, p, g, p)
        if m > n:  # (I - x X) g^T X X^T
            lifted = _product(ops, gt, out, p)
            result = result + lifted - _product(ops, x, out, lifted)
        if n > m:  # X^T X g^T (I - X x)
            lifted = _product(ops, p, out, gt)
            result = result + lifted - _product(ops, lifted, out, x)
        return result

    return _kept_zero(ops, g, ops.deficient(x, rcond), adjoint, x)


@composite
def pinv_push(ops: Namespace, t: Operand, out: Operand, x: Operand, rcond: float) -> Operand:
    ops.refuse_deficient(x, rcond, "pinv")
    m, n = ops.shape_of(x)[-2:]
    p, tt = _t(ops, out), _t(ops, t)
    result = -_product(ops, out, t, out)
    if m > n:
        lifted = _product(ops, out, p, tt)
        result = result + lifted - _product(ops, lifted, x, out)
    if n > m:
        lifted = _product(ops, tt, p, out)
        result = result + lifted - _product(ops, out, x, lifted)
    return result


add_to_sheet(
    general(
        "pinv(x; rcond)",
        "pinv(x, rcond)",
        vjp=["pinv_adjoint(g, out, x, rcond)"],
        jvp=["pinv_push(t, out, x, rcond)"],
    )
)

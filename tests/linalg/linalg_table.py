"""Calls of the operations of linear algebra; every claim is made about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

import autograd_bp as ab
from tests.function_cases import Case, Operand, given, reals

RNG = np.random.default_rng(7)


def square(n: int, *batch: int) -> Operand:
    """Square matrices well away from singular ones."""
    return given(0.5 * RNG.normal(size=(*batch, n, n)) + 2.5 * np.eye(n))


def definite(n: int, *batch: int) -> Operand:
    """Symmetric positive definite matrices with eigenvalues well apart."""
    a = RNG.normal(size=(*batch, n, n))
    return given(0.4 * (a + np.swapaxes(a, -1, -2)) + np.diag(np.arange(3.0, 3.0 * n + 1, 3.0)))


def full_rank(m: int, n: int, *batch: int) -> Operand:
    """Matrices with singular values well apart."""
    u = np.linalg.qr(RNG.normal(size=(*batch, m, m)))[0]
    v = np.linalg.qr(RNG.normal(size=(*batch, n, n)))[0]
    s = np.zeros((m, n))
    np.fill_diagonal(s, 2.0 * np.arange(min(m, n), 0.0, -1.0))
    return given(u @ s @ v)


def case(name: str, *args: Any, reference: Any = None, **kwargs: Any) -> Case:
    return Case(
        f"linalg.{name}",
        *args,
        function=getattr(ab.linalg, name),
        reference=reference or getattr(np.linalg, name),
        **kwargs,
    )


def upright(module: Any) -> Any:
    """Eigenvectors with a positive diagonal: which of the two LAPACK gives may change."""

    def eigh(a: Any, UPLO: str) -> Any:
        w, v = module.linalg.eigh(a, UPLO)
        return w, v * module.sign(module.diagonal(v, 0, -2, -1))[..., None, :]

    return eigh


def lstsq_but_rank(a: Any, b: Any) -> Any:
    solution, squares, _, values = np.linalg.lstsq(a, b, rcond=None)
    return solution, squares, values


def our_lstsq_but_rank(a: Any, b: Any) -> Any:
    solution, squares, _, values = ab.linalg.lstsq(a, b)
    return solution, squares, values


CASES = [
    *(case("inv", square(*s)) for s in ((1,), (3,), (2, 2))),
    case("solve", square(3), reals(3)),
    case("solve", square(2), reals(2, 3)),
    case("solve", square(2, 2), reals(2, 2, 1)),
    case("solve", square(2), reals(2, 2, 1)),
    case("solve", square(2, 3), reals(2)),
    *(case("det", square(*s)) for s in ((1,), (2,), (3,), (4,), (2, 2), (4, 2))),
    Case("linalg.slogdet", square(3), function=lambda a: ab.linalg.slogdet(a)[1],
         reference=lambda a: np.linalg.slogdet(a)[1]),
    Case("linalg.slogdet", given(-square(3, 2).numbers), function=lambda a: ab.linalg.slogdet(a)[1],
         reference=lambda a: np.linalg.slogdet(a)[1]),
    *(case("cholesky", definite(*s)) for s in ((1,), (3,), (2, 2))),
    case("cholesky", definite(3), upper=True),
    case("eigh", definite(1)),
    *(
        Case("linalg.eigh", definite(*s), function=upright(ab), reference=upright(np), UPLO=uplo)
        for s in ((3,), (2, 2))
        for uplo in "LU"
    ),
    case("eigvalsh", definite(3)),
    case("eigvalsh", definite(2, 2), "U"),
    *(case("svd", full_rank(*s), full_matrices=False) for s in ((2, 2), (3, 2), (2, 3), (2, 2, 2))),
    case("svd", full_rank(2, 2)),
    case("svd", full_rank(3, 2), compute_uv=False),
    case("svdvals", full_rank(2, 3)),
    *(case("qr", full_rank(*s)) for s in ((2, 2), (3, 2), (2, 3), (3, 2, 2))),
    case("qr", full_rank(2, 3), mode="complete"),
    case("qr", full_rank(3, 2), mode="r"),
    *(case("pinv", full_rank(*s)) for s in ((2, 2), (3, 2), (2, 3), (3, 2, 2))),
    case("pinv", full_rank(3, 2), rtol=1e-12),
    *(
        Case("linalg.lstsq", full_rank(m, n), reals(*b), function=our_lstsq_but_rank,
             reference=lstsq_but_rank)
        for m, n, b in ((3, 2, (3,)), (3, 2, (3, 2)))
    ),
    Case("linalg.lstsq", full_rank(2, 3), reals(2), function=lambda a, b: ab.linalg.lstsq(a, b)[0],
         reference=lambda a, b: np.linalg.lstsq(a, b)[0]),
    *(case("matrix_power", square(2), n) for n in (0, 1, 2, 3, 5, -1, -2)),
    case("matrix_power", square(2, 2), 3),
    case("multi_dot", [reals(2, 3), reals(3, 1), reals(1, 2)], accepts_lists=False),
    case("multi_dot", [reals(3), reals(3, 2), reals(2, 2), reals(2)], accepts_lists=False),
    case("multi_dot", [reals(3), reals(3, 2)], accepts_lists=False),
    *(
        case("norm", full_rank(3, 2), order, **options)
        for order in (2, -2, "nuc", "fro", 1, np.inf)
        for options in ({}, {"keepdims": True, "axis": (0, 1)})
    ),
    case("norm", full_rank(2, 2, 2), 2, axis=(-1, -2)),
    case("norm", full_rank(3, 2), "nuc", (1, 0)),
    case("vector_norm", reals(2, 3)),
    case("vector_norm", reals(2, 3, 2), axis=(0, 2), ord=3),
    case("vector_norm", reals(2, 3), axis=1, keepdims=True, ord=1),
    case("vector_norm", reals(2, 3), keepdims=True, ord=np.inf),
    case("matrix_norm", full_rank(3, 2)),
    case("matrix_norm", full_rank(2, 2, 2), ord=2, keepdims=True),
    *(case("cond", square(2), p) for p in (None, 2, -2, 1, np.inf, "fro")),
    case("cond", square(2, 2)),
    case("tensorsolve", given(full_rank(6, 6).numbers.reshape(2, 3, 6)), reals(2, 3)),
    case("tensorsolve", given(full_rank(6, 6).numbers.reshape(3, 2, 1, 6)), reals(3, 2), axes=(2,)),
    case("tensorinv", given(full_rank(4, 4).numbers.reshape(4, 2, 2)), ind=1),
    case("tensorinv", given(full_rank(4, 4).numbers.reshape(2, 2, 4))),
    case("expm", reals(2, 2), reference=scipy.linalg.expm),
    case("expm", given(np.stack([np.eye(2), 7.0 * np.eye(2)])), reference=scipy.linalg.expm),
    case("cross", reals(3), reals(2, 3)),
    case("diagonal", reals(2, 3, 3), offset=1),
    case("trace", reals(2, 3, 3)),
    case("matrix_transpose", reals(2, 3)),
    case("matmul", reals(2, 3), reals(3)),
    case("outer", reals(2), reals(3)),
    case("tensordot", reals(2, 3), reals(3, 2), axes=1),
    case("vecdot", reals(2, 3), reals(3), axis=-1),
]  # fmt: skip

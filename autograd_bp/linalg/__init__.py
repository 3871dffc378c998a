"""Linear algebra under numpy.linalg's names; matrices are the last two axes, others are batches.

Where a matrix is singular, or eigenvalues or singular values coincide, the derivative is the right
one if there is one (that of a determinant is the matrix of cofactors); otherwise
`numpy.linalg.LinAlgError` says which part has none.
"""

from autograd_bp.functions.products import cross, matmul, outer, tensordot, vecdot
from autograd_bp.functions.shapes import matrix_transpose
from autograd_bp.linalg.decompositions import (
    cholesky,
    eigh,
    eigvalsh,
    qr,
    svd,
    svdvals,
)
from autograd_bp.linalg.diagonals import diagonal, trace
from autograd_bp.linalg.norms import cond, matrix_norm, norm, vector_norm
from autograd_bp.linalg.powers import expm, matrix_power, multi_dot
from autograd_bp.linalg.solving import (
    det,
    inv,
    lstsq,
    matrix_rank,
    pinv,
    slogdet,
    solve,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "expm",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]

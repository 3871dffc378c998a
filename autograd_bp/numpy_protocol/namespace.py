"""What becomes of every public name of NumPy when a Tensor is put in: the data of docs/numpy.md.

A function either records (its counterpart is in `ab.functions.PUBLIC` or `ab.linalg`), or reads the
numbers only and is in `ON_NUMBERS`, or is refused for a reason in `REFUSED`.
"""

from __future__ import annotations

ON_NUMBERS: tuple[str, ...] = tuple(
    (
        # shapes and dtypes
        "shape ndim size result_type can_cast common_type min_scalar_type isfortran iterable "
        "may_share_memory shares_memory isscalar einsum_path "
        # comparisons, and where something is
        "isclose allclose array_equal array_equiv isneginf isposinf iscomplex isreal iscomplexobj "
        "isrealobj isin nonzero flatnonzero argwhere searchsorted digitize lexsort argpartition "
        "nanargmax nanargmin "
        # whole numbers and truth values
        "packbits unpackbits ravel_multi_index unravel_index diag_indices_from tril_indices_from "
        "triu_indices_from "
        # text and files
        "save savez savez_compressed savetxt "
        "linalg.matrix_rank"
    ).split()
)
"""Functions that read the numbers of a node; what they give has no derivative."""

REFUSED: dict[str, str] = {}
"""Functions that a node is refused by, and why."""

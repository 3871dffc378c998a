"""What becomes of every public function of NumPy that a Tensor is put into: see docs/numpy.md.

A function either records (its counterpart is in `ab.functions.PUBLIC`, `ab.linalg` or `ab.fft`),
or reads the numbers only and is in `ON_NUMBERS`, or is refused for a reason in `REFUSED`.
"""

from __future__ import annotations

ON_NUMBERS: tuple[str, ...] = tuple(
    (
        # shapes and dtypes
        "shape ndim size result_type can_cast common_type min_scalar_type iterable "
        "may_share_memory shares_memory isscalar einsum_path "
        # comparisons, and where something is
        "isclose allclose array_equal array_equiv isneginf isposinf iscomplex isreal iscomplexobj "
        "isrealobj isin in1d nonzero flatnonzero argwhere searchsorted digitize lexsort "
        "argpartition nanargmax nanargmin "
        # whole numbers and truth values
        "packbits unpackbits ravel_multi_index unravel_index diag_indices_from tril_indices_from "
        "triu_indices_from "
        # files
        "save savez savez_compressed savetxt "
        "linalg.matrix_rank"
    ).split()
)
"""Functions that read the numbers of a node; what they give has no derivative."""

OF_INTEGERS: tuple[str, ...] = tuple(
    "bitwise_count bitwise_left_shift bitwise_right_shift gcd lcm left_shift right_shift".split()
)
"""Ufuncs of whole numbers, which Tensors without a derivative may hold."""

_NEW = "it makes a new array of plain numbers, and there is no derivative by a shape or a count"
_PLAIN = (
    "it makes a plain array, which carries no derivative: NumPy's functions take the Tensor as it "
    "is, and ab.asarray joins nested lists of nodes"
)
_COMPLEX = "its results are complex numbers in general, which Tensors do not hold"
_SETTING = "it takes no array of numbers"
_DATES = "it is about dates"

REFUSED: dict[str, str] = {
    **dict.fromkeys(
        (
            "arange bartlett blackman broadcast_shapes diag_indices empty eye from_dlpack "
            "frombuffer fromfile fromfunction fromregex fromstring full genfromtxt "
            "hamming hanning identity indices kaiser load loadtxt mask_indices ones tri "
            "tril_indices triu_indices zeros fft.fftfreq fft.rfftfreq"
        ).split(),
        _NEW,
    ),
    **dict.fromkeys(
        (
            "array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix "
            "bmat require"
        ).split(),
        _PLAIN,
    ),
    **dict.fromkeys("roots sort_complex linalg.eig linalg.eigvals".split(), _COMPLEX),
    **dict.fromkeys(
        (
            "base_repr binary_repr format_float_positional format_float_scientific get_include "
            "get_printoptions getbufsize geterr geterrcall info isdtype issubdtype mintypecode "
            "printoptions promote_types set_printoptions setbufsize seterr seterrcall show_config "
            "show_runtime test typename linalg.test fft.test"
        ).split(),
        _SETTING,
    ),
    **dict.fromkeys(
        "busday_count busday_offset datetime_as_string datetime_data is_busday isnat".split(),
        _DATES,
    ),
    "frompyfunc": "what it makes works on Python objects: ab.vectorize keeps derivatives",
    "isfortran": "a Tensor has no layout in memory to speak of",
    "nested_iters": "it walks over plain arrays",
    "histogram2d": "counts have no derivative; ab.bincount sums weights",
    "histogramdd": "counts have no derivative; ab.bincount sums weights",
    "nextafter": "the next float is at a distance that no derivative describes: add np.spacing",
}
"""Functions that a node is refused by, and why."""

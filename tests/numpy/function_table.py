"""Calls of operations beyond elementwise ones and reductions; every claim is made about them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.function_cases import Case, between, given, positive, reals

NAN = np.nan
CONDITION = np.array([True, False, True])


def two_thirds(x: Any, factor: float = 1.0) -> Any:
    """A function of slices that is not NumPy's."""
    return x[:2] * factor + x[-1]


ARRANGING = [
    *(Case("atleast_3d", reals(*s)) for s in ((), (3,), (2, 3), (1, 2, 3))),
    Case("atleast_3d", reals(2), reals(2, 1), accepts_lists=False),
    *(Case("rollaxis", reals(2, 3, 2), *a) for a in ((2,), (0, 3), (1, 0), (-1, 1), (0, -1))),
    *(Case("rot90", reals(2, 3), k) for k in (0, 1, 2, 3, -1, 5)),
    Case("rot90", reals(2, 3, 2), 1, (1, 2)),
    Case("rot90", reals(2, 3), axes=(1, 0)),
    Case("flipud", reals(2, 3)),
    Case("flipud", reals(3)),
    Case("fliplr", reals(2, 3)),
    *(Case("resize", reals(2, 3), s) for s in ((2, 2), (3, 4), 5, (0,), (6,))),
    Case("column_stack", [reals(3), reals(3, 2)], accepts_lists=False),
    Case("column_stack", (reals(3), np.array([1.0, 2.0, 3.0])), accepts_lists=False),
    Case("dstack", [reals(2, 3), reals(2, 3)], accepts_lists=False),
    Case("dstack", [reals(3), reals(3)], accepts_lists=False),
    Case("append", reals(2, 3), reals(2)),
    Case("append", reals(2, 3), reals(1, 3), axis=0),
    Case("block", [reals(2), reals(1)], accepts_lists=False),
    Case("block", [[reals(2, 2), reals(2, 1)], [reals(1, 2), reals(1, 1)]], accepts_lists=False),
    Case("block", [[reals(1, 1, 2)], [reals(2)]], accepts_lists=False),
    Case("block", reals(2), accepts_lists=False),
    Case("hsplit", reals(2, 4), 2),
    Case("hsplit", reals(4), [1, 3]),
    Case("vsplit", reals(4, 2), 2),
    Case("dsplit", reals(1, 2, 4), [1]),
    Case("unstack", reals(2, 3)),
    Case("unstack", reals(2, 3), axis=-1),
    Case("compress", CONDITION, reals(3)),
    Case("compress", [False, True], reals(2, 3), axis=0),
    Case("compress", [True, False, True], reals(2, 3)),
    Case("extract", np.array([[True, False], [True, True]]), reals(2, 2)),
    Case("delete", reals(2, 3), 1),
    Case("delete", reals(2, 3), [0, 2], axis=1),
    Case("delete", reals(4), slice(1, 3)),
    Case("delete", reals(2, 3), np.array([True, False]), axis=0),
    Case("insert", reals(4), 1, reals()),
    Case("insert", reals(4), [1, 3], reals(2)),
    Case("insert", reals(2, 3), 1, reals(2), axis=1),
    Case("insert", reals(2, 3), 1, reals(2, 2), axis=1),
    Case("insert", reals(2, 3), [0, 2], reals(2, 3), axis=0),
    Case("insert", reals(2, 3), slice(1, 3), reals(2), axis=1),
    Case("insert", reals(2, 2), -1, reals()),
    Case("trim_zeros", reals(3)),
    Case("diagflat", reals(2, 2)),
    Case("diagflat", reals(2), 1),
    Case("take_along_axis", reals(2, 3), np.array([[2, 0], [1, 1]]), 1),
    Case("take_along_axis", reals(2, 3), np.array([[1, 0, 1]]), axis=0),
    Case("take_along_axis", reals(2, 3), np.array([4, 0, 4]), axis=None),
    *(
        Case("put_along_axis", reals(2, 3), np.array([[2], [0]]), v, 1, reference=reference)
        for v in (reals(2, 1), reals())
        for reference in [lambda a, i, v, axis: _put(a, i, v, axis)]
    ),
    Case("meshgrid", reals(2), reals(3)),
    Case("meshgrid", reals(2), reals(3), reals(2), indexing="ij"),
    Case("meshgrid", reals(2), reals(3), sparse=True),
    Case("meshgrid", reals(3)),
    Case("ix_", reals(2), reals(3)),
    Case("kron", reals(2, 2), reals(1, 3)),
    Case("kron", reals(2), reals(2, 2)),
    Case("kron", reals(), reals(2)),
    Case("apply_along_axis", two_thirds, 0, reals(3, 2), reference=np.apply_along_axis),
    Case("apply_along_axis", two_thirds, 1, reals(2, 3), 2.0, reference=np.apply_along_axis),
    Case("apply_along_axis", np.sum, -1, reals(2, 3)),
    Case("apply_over_axes", np.sum, reals(2, 3, 2), (0, 2)),
    Case("apply_over_axes", np.mean, reals(2, 3), 1),
]


def _put(a: Any, indices: Any, values: Any, axis: int) -> Any:
    changed = np.array(a)
    np.put_along_axis(changed, indices, values, axis)
    return changed


SORTING = [
    *(Case("sort", reals(2, 3), *a) for a in ((), (0,), (-1,), (None,))),
    Case("sort", reals(4), kind="heapsort"),
    Case("sort", reals(0)),
    Case("partition", reals(5), 2),
    Case("partition", reals(3, 4), [1, 2], axis=1),
    Case("partition", reals(4, 3), 1, axis=0),
    *(Case("ptp", reals(2, 3), *a) for a in ((), (0,), (1,))),
    Case("ptp", reals(2, 3), axis=1, keepdims=True),
    *(
        Case("median", reals(*s), *a)
        for s, a in (((5,), ()), ((4,), ()), ((2, 3), (1,)), ((2, 3), (0,)))
    ),
    Case("median", reals(2, 3, 2), axis=(0, 2)),
    Case("median", reals(2, 3), axis=0, keepdims=True),
    Case("median", reals()),
    *(
        Case("quantile", reals(5), 0.3, method=m)
        for m in (
            "linear lower higher midpoint nearest weibull hazen median_unbiased normal_unbiased "
            "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf"
        ).split()
    ),
    Case("quantile", reals(2, 4), [0.1, 0.5, 1.0], axis=1),
    Case("quantile", reals(2, 4), 0.4, axis=0, keepdims=True),
    Case("quantile", reals(2, 3), [[0.2], [0.9]], keepdims=True),
    Case("percentile", reals(5), 30.0),
    Case("percentile", reals(2, 3), [25, 75], axis=-1),
    Case("nanmedian", given([[1.0, NAN, 3.0, 2.5], [NAN, 0.5, 4.0, NAN]]), 1, accepts_lists=False),
    Case("nanmedian", reals(5)),
    Case("nanquantile", given([[1.0, NAN, 3.0], [0.7, 0.5, 4.0]]), 0.3, axis=1),
    Case("nanpercentile", given([1.0, NAN, 3.0, 2.0]), [20.0, 50.0]),
]

CHOOSING = [
    Case("select", [CONDITION, ~CONDITION], [reals(3), reals(3)], 1.0, accepts_lists=False),
    Case("select", [CONDITION], [reals(3)], accepts_lists=False),
    Case("select", [CONDITION, CONDITION], [reals(3), reals()], reals(), accepts_lists=False),
    Case("choose", np.array([0, 1, 1]), [reals(3), reals(3)], accepts_lists=False),
    Case("choose", [[0], [1]], [reals(2), reals(1)], accepts_lists=False),
    Case("choose", [0, 3, -1], [reals(3), reals(3)], mode="wrap", accepts_lists=False),
    Case("choose", [0, 3, -1], [reals(3), reals(3)], mode="clip", accepts_lists=False),
    Case("piecewise", reals(3), [CONDITION], [lambda x: x * x, 2.5]),
    Case("piecewise", reals(3), [CONDITION, ~CONDITION], [lambda x: x * x, lambda x: 1 / x]),
    Case("piecewise", reals(3), CONDITION, [lambda x, n: x * n, lambda x, n: x + n], 3.0),
    Case("nan_to_num", reals(3)),
    Case("nan_to_num", reals(2, 2), nan=1.0, posinf=2.0),
    *(
        Case(name, given([[1.5, NAN, 3.0], [0.5, 2.5, NAN]]), *a)
        for name in "nansum nanprod nanmean nanvar nanstd nanmax nanmin".split()
        for a in ((), (0,), (1,))
    ),
    *(
        Case(name, given([[1.5, NAN, 3.0], [0.5, 2.5, NAN]]), axis=1, keepdims=True)
        for name in "nansum nanmean nanstd nanmax".split()
    ),
    Case("nanvar", given([[1.5, NAN, 3.0], [0.5, 2.5, 1.0]]), axis=1, ddof=1),
    *(
        Case(name, given([[1.5, NAN, 3.0], [0.5, 2.5, NAN]]), *a)
        for name in ("nancumsum", "nancumprod")
        for a in ((), (0,), (1,))
    ),
    Case("average", reals(2, 3)),
    Case("average", reals(2, 3), 1),
    Case("average", reals(2, 3), 1, positive(3)),
    Case("average", reals(2, 3), weights=positive(2, 3)),
    Case("average", reals(2, 3), axis=0, weights=positive(2), keepdims=True),
    Case("average", reals(2, 3), 0, positive(2), returned=True),
    Case("average", reals(2, 3, 2), (2, 0), positive(2, 2)),
    Case("cov", reals(2, 4)),
    Case("cov", reals(4)),
    Case("cov", reals(4), reals(4)),
    Case("cov", reals(4, 2), rowvar=False),
    Case("cov", reals(2, 4), bias=True),
    Case("cov", reals(2, 4), ddof=0, aweights=positive(4)),
    Case("cov", reals(2, 4), aweights=positive(4)),
    Case("cov", reals(2, 3), fweights=np.array([1, 2, 1])),
    Case("cov", reals(2, 3), fweights=np.array([1, 2, 1]), aweights=positive(3)),
    Case("corrcoef", given([[1.0, 2.0, 4.0, 1.5], [2.0, 2.5, 1.0, 0.3]])),
    Case("corrcoef", given([1.0, 2.0, 4.0, 1.5]), given([0.4, 2.5, 1.0, 0.3])),
]

CALCULUS = [
    Case("diff", reals(4)),
    Case("diff", reals(4), 2),
    Case("diff", reals(2, 3), axis=0),
    Case("diff", reals(2, 3), prepend=reals(2, 1), append=0.5),
    Case("diff", reals(3), prepend=reals()),
    Case("diff", reals(3), 0, accepts_lists=False),
    Case("ediff1d", reals(2, 2)),
    Case("ediff1d", reals(3), to_end=reals(2), to_begin=reals()),
    Case("gradient", reals(4)),
    Case("gradient", reals(2)),
    Case("gradient", reals(4), 0.5),
    Case("gradient", reals(4), given([0.0, 1.0, 1.5, 3.0])),
    Case("gradient", reals(3, 4)),
    Case("gradient", reals(3, 4), 2.0, given([0.0, 0.4, 1.5, 2.0])),
    Case("gradient", reals(3, 4), axis=1),
    Case("gradient", reals(3, 4), axis=(1,), edge_order=2),
    Case("gradient", reals(4), given([0.0, 1.0, 1.5, 3.0]), edge_order=2),
    Case("gradient", reals(3), 0.7, edge_order=2),
    Case("trapezoid", reals(4)),
    Case("trapezoid", reals(2, 3), axis=0),
    Case("trapezoid", reals(2, 3), reals(3)),
    Case("trapezoid", reals(2, 3), reals(2, 3), axis=0),
    Case("trapezoid", reals(2, 3), dx=0.5),
    Case("cumulative_sum", reals(3)),
    Case("cumulative_sum", reals(2, 3), axis=1, include_initial=True),
    Case("cumulative_prod", reals(2, 3), axis=0),
    Case("cumulative_prod", reals(3), include_initial=True),
    Case("interp", given([0.3, 1.6, 2.4]), given([0.0, 1.0, 2.0, 3.5]), reals(4)),
    Case("interp", given([-0.7, 1.6, 4.4]), given([0.0, 1.0, 2.0, 3.5]), reals(4), -1.0, right=2.5),
    Case("interp", given([0.3, 5.6, -2.4]), given([0.0, 1.0, 2.2]), reals(3), period=3.0),
    Case("interp", given(0.3), given([0.0, 1.0]), reals(2)),
    Case("unwrap", given([0.1, 3.0, -2.0, 1.5])),
    Case("unwrap", given([[0.1, 3.0], [-2.0, 1.5]]), axis=0),
    Case("unwrap", given([0.1, 3.0, -2.0, 1.5]), period=2.2),
    *(
        Case("convolve", reals(n), reals(m), mode)
        for n, m in ((4, 3), (2, 5), (3, 1))
        for mode in ("full", "same", "valid")
    ),
    *(
        Case("correlate", reals(n), reals(m), mode)
        for n, m in ((4, 3), (2, 5), (3, 3), (4, 2), (2, 4))
        for mode in ("full", "same", "valid")
    ),
    Case("i0", reals(4)),
    Case("i0", between(3.0, 9.0, 2, 2)),
]

POLYNOMIALS = [
    Case("polyval", reals(3), reals(2)),
    Case("polyval", reals(3), reals()),
    Case("polyadd", reals(3), reals(2)),
    Case("polysub", reals(2), reals(3)),
    Case("polymul", reals(3), reals(2)),
    Case("polydiv", reals(4), reals(2)),
    Case("polyder", reals(4)),
    Case("polyder", reals(4), 2),
    Case("polyint", reals(3)),
    Case("polyint", reals(3), 2, reals(2)),
    Case("polyfit", given([0.0, 1.0, 2.5, 3.0]), reals(4), 2),
    Case("polyfit", given([0.0, 1.0, 2.5]), reals(3, 2), 1, w=positive(3)),
    Case("poly", reals(3)),
    Case("vander", reals(3)),
    Case("vander", reals(3), 2),
    Case("vander", reals(2), 4, increasing=True),
]

PARTS = [
    Case("float_power", positive(3), reals(3)),
    Case("divmod", reals(3), between(3.0, 4.0, 3)),
    Case("modf", reals(4)),
    Case("ldexp", reals(3), np.array([1, -2, 5])),
    Case("real", reals(3)),
    Case("imag", reals(3)),
    Case("real_if_close", reals(3)),
    Case("conjugate", reals(3)),
    Case("conj", reals(3)),
    Case("around", reals(3), -1),
    Case("angle", reals(4)),
    Case("angle", reals(4), deg=True),
    Case("fix", reals(3)),
    Case("spacing", reals(3)),
    Case("copy", reals(2, 2)),
]

PRODUCTS = [
    Case("vecdot", reals(2, 3), reals(3)),
    Case("vecdot", reals(2, 3), reals(2, 1), axis=0),
    Case("matvec", reals(2, 3), reals(3)),
    Case("matvec", reals(2, 2, 3), reals(2, 3)),
    Case("vecmat", reals(2), reals(2, 3)),
    Case("vecmat", reals(2, 2), reals(2, 2, 1)),
    Case("cross", reals(3), reals(3)),
    Case("cross", reals(2, 3), reals(3)),
    Case("cross", reals(3, 2), reals(3, 2), axis=0),
    Case("cross", reals(3, 2), reals(2, 3), axisa=0, axisc=0),
]

SETS = [
    Case("unique", reals(4)),
    Case("unique", reals(2, 3), axis=1),
    Case("unique_values", reals(4)),
    Case("union1d", reals(3), reals(2, 1)),
    Case("setdiff1d", reals(4), np.array([0.1])),
    Case("setxor1d", reals(3), reals(2)),
]

GRIDS = [
    Case("linspace", reals(), reals(), 4),
    Case("linspace", reals(2), reals(), 3, endpoint=False),
    Case("linspace", reals(2), reals(2), 3, axis=-1),
    Case("linspace", reals(), reals(), 3, retstep=True),
    Case("linspace", reals(), reals(), 1),
    Case("logspace", between(-0.5, 0.5), between(0.6, 1.0), 4),
    Case("logspace", reals(), reals(), 3, base=positive()),
    Case("geomspace", positive(), positive(), 4),
    Case("geomspace", positive(2), positive(), 3, endpoint=False),
    Case("histogram_bin_edges", reals(5), 4),
    Case("bincount", np.array([0, 2, 0, 1]), reals(4)),
    Case("bincount", np.array([0, 2, 0]), weights=reals(3), minlength=5),
]

CASES = [*SETS, *GRIDS, *ARRANGING, *SORTING, *CHOOSING, *CALCULUS, *POLYNOMIALS, *PARTS, *PRODUCTS]

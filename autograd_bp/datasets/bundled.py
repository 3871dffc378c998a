"""The digits that come with scikit-learn: no download, 8 x 8 pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from autograd_bp.datasets.sampling import Data


def digits(dtype: DTypeLike = np.float64) -> Data:
    """1797 handwritten digits of 8 x 8 pixels, which come with scikit-learn.

    Parameters
    ----------
    dtype
        Of the pixels. They are sixteenths, which every float dtype holds exactly.

    Returns
    -------
    Data
        `x` of shape (1797, 64), from 0 (white) to 1 (black); `y` of shape (1797,), int64, the
        digits 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Notes
    -----
    The test set of Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, 1998.

    Examples
    --------
    >>> x, y = digits()
    >>> x.shape, float(x.max()), y[:10]
    ((1797, 64), 1.0, array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "datasets.digits comes with scikit-learn: pip install 'autograd-bp[examples]'"
        ) from error
    loaded = load_digits()
    return Data((loaded.data / 16).astype(dtype), loaded.target.astype(np.int64))

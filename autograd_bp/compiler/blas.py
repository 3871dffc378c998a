"""BLAS routines that NumPy does not offer: products added to what is there.

SciPy brings them. Its extension module is loaded by itself, in milliseconds; importing the package
around it takes a third of a second.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any


@functools.cache
def routines() -> Any:
    """SciPy's module of BLAS routines, or None where there is no SciPy."""
    spec = importlib.util.find_spec("scipy")
    if spec is None or spec.submodule_search_locations is None:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "linalg"
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        file = folder / f"_fblas{suffix}"
        if file.exists():
            extension = importlib.util.spec_from_file_location("_fblas", file)
            assert extension is not None
            assert extension.loader is not None
            module = importlib.util.module_from_spec(extension)
            try:
                extension.loader.exec_module(module)
            except ImportError:  # the system finds its libraries by importing the package
                from scipy.linalg import blas

                return blas
            return module
    return None

"""Which doctests need libraries that only the slow tests have."""

from importlib.util import find_spec
from pathlib import Path

import pytest

NEED_PEERS = (
    "jax jax_derivatives jax_functions jax_linalg jax_moving jax_reductions jax_rows "
    "onnx onnx_fourier onnx_graph onnx_rows table"
).split()
"""The modules of `autograd_bp.export` that import JAX or ONNX at their top."""

_export = Path(__file__).parent / "autograd_bp" / "export"
_paths = {_export / f"{name}.py" for name in NEED_PEERS}

collect_ignore = [] if find_spec("jax") and find_spec("onnx") else sorted(map(str, _paths))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path in _paths:
            item.add_marker(pytest.mark.slow)

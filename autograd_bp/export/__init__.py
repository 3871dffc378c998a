"""Models for other engines: JAX, ONNX, PyTorch's weights, and scripts of NumPy alone.

to_jax                  a function, module or training step as a pure function of JAX
to_onnx                 a module as an ONNX model
to_python               the same as a script that needs NumPy alone
to_torch, from_torch    weights under PyTorch's names and layouts, through safetensors
"""

import importlib
from typing import Any

from autograd_bp.export.errors import ExportError
from autograd_bp.export.python import to_python
from autograd_bp.export.torch_weights import from_torch, to_torch

__all__ = ["ExportError", "from_torch", "to_jax", "to_onnx", "to_python", "to_torch"]

# What needs another library is imported when it is used.
_MODULES = {"to_jax": "jax", "to_onnx": "onnx"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"autograd_bp.export.{_MODULES[name]}"), name)
    raise AttributeError(f"autograd_bp.export has no {name!r}: it has {', '.join(__all__)}")

"""Models for other engines: JAX, ONNX, PyTorch's weights, and scripts of NumPy alone.

to_torch, from_torch    weights under PyTorch's names and layouts, through safetensors
"""

from autograd_bp.export.torch_weights import from_torch, to_torch

__all__ = ["from_torch", "to_torch"]

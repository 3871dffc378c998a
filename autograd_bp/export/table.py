"""Writes docs/export.md: every operation and layer, and what it is for each target.

python -m autograd_bp.export.table docs/export.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from autograd_bp import nn
from autograd_bp.export.errors import ExportError
from autograd_bp.export.jax_derivatives import LINEAR_IN_EACH
from autograd_bp.export.onnx_rows import has_counterpart, node_of
from autograd_bp.export.sources import Sources
from autograd_bp.function import BUILT_IN
from autograd_bp.rules import ROWS, Rule
from autograd_bp.storage import write_atomically

_HEAD = """# Exporting a model

A model built here moves to other engines without being rewritten:
`pip install autograd-bp[export]`. This page is written by
`python -m autograd_bp.export.table docs/export.md`; a test compares it with the program.

| function | gives |
|---|---|
| `ab.export.to_jax(f)` | a function, module or training step as a pure function of JAX |
| `ab.export.to_onnx(module, sample)` | a module as an ONNX model, for any number of samples |
| `ab.export.to_python(f, *sample)` | a script that needs NumPy and nothing else |
| `ab.export.to_torch(module, path)` | weights with PyTorch's names and layouts, as safetensors |
| `ab.export.from_torch(module, path)` | the same in the other direction |

Each reads the program that is recorded when the function is called once, as `ab.compile` does: its
course may not depend on numbers (`ab.where` instead of `if`). What has no counterpart raises
`ExportError`, which names the operation. Nothing is executed that is read from a file; a file of
weights that is truncated, damaged or of another kind is refused with the reason (`StorageError`).
When to move, and what it brings: [scaling.md](scaling.md).

## JAX

Rows that are linear in each operand keep JAX's own derivative: it is the same map. All others
bring that of the rule sheet, so that `jax.grad` has what `ab.grad` has at kinks and in the tails,
and zero times infinity stays zero. What differs from here:

- JAX computes in 32 bits unless `jax_enable_x64` is set, and takes subnormal numbers for zero.
- It cannot raise while it is traced: indices out of range and labels that are no class are
  clipped, and a matrix decomposition at a point without a derivative gives nan.
- A matrix product does not keep zero times infinity zero.
- The gradient of a softmax is rounded relative to the cotangent, ours relative to itself.
- The derivative of an `ab.Function` is that of its forward pass.

## ONNX

Opset 20. The first axis of every input is `"batch"`. Convolutions, pooling and normalisation are
one node each; a name such as `Sequential.0/Conv` says in which module a node is. All floats are
float32 unless `dtype=np.float64` is given, for which ONNX Runtime lacks some operations. Gradients
are not exported.
"""

_LAYERS: dict[str, tuple[str, str]] = {
    "Linear": ("MatMul, Add", "Linear: `weight` transposed"),
    "Conv1d": ("Conv", "Conv1d"),
    "Conv2d": ("Conv", "Conv2d"),
    "BatchNorm1d": ("BatchNormalization (in eval)", "BatchNorm1d, buffers too"),
    "BatchNorm2d": ("BatchNormalization (in eval)", "BatchNorm2d, buffers too"),
    "LayerNorm": ("LayerNormalization", "LayerNorm"),
    "Embedding": ("Gather", "Embedding"),
    "RNNCell": ("row by row", "RNNCell, or RNN (`_l0`): weights transposed"),
    "GRUCell": ("row by row", "GRUCell, or GRU (`_l0`): weights transposed"),
    "LSTMCell": ("row by row", "LSTMCell, or LSTM (`_l0`): weights transposed"),
    "MultiHeadAttention": (
        "row by row",
        "MultiheadAttention: `query`, `key`, `value` as one `in_proj`, `out` as `out_proj`, "
        "all transposed",
    ),
    "MaxPool2d": ("MaxPool", "no weights"),
    "AvgPool2d": ("AveragePool", "no weights"),
    "Flatten": ("Reshape", "no weights"),
    "Dropout": ("nothing (in eval)", "no weights"),
    "Sequential": ("its layers", "Sequential: `0.weight`, `1.bias`, ..."),
    "Module": ("its layers", "names of attributes"),
    "MLP": ("not as arrays: it is a net of single Values", "names as here"),
    "Layer": ("not as arrays", "names as here"),
    "Neuron": ("not as arrays", "names as here"),
}


def page() -> str:
    """The whole page."""
    lines = [_HEAD, "## Layers", "", "| layer | ONNX | PyTorch's weights |", "|---|---|---|"]
    for name in nn.__all__:
        if isinstance(getattr(nn, name), type):
            onnx, torch = _LAYERS.get(name, ("as its row below", "no weights"))
            lines.append(f"| `{name}` | {onnx} | {torch} |")
    lines += [
        "",
        "JAX and Python take every layer in the table, but not batch normalisation in training. "
        "Dropout in training needs a `key=` in JAX; a script of Python cannot have it.",
        "",
        "## Operations",
        "",
        "| row | JAX: derivative | ONNX | Python |",
        "|---|---|---|---|",
    ]
    lines += [_line(rule) for rule in ROWS.values() if rule.name in BUILT_IN]
    return "\n".join(lines) + "\n"


def _line(rule: Rule) -> str:
    derivative = "JAX's: linear in each operand" if rule.name in LINEAR_IN_EACH else "the sheet's"
    onnx = "none"
    if has_counterpart(rule.name):
        onnx = node_of(rule.name) or "written out"
    try:
        Sources().row(rule.name)
        python = "yes"
    except ExportError:
        python = "none"
    return f"| `{rule.name}` | {derivative} | {onnx} | {python} |"


def main(arguments: list[str]) -> int:
    """Write the page to the file that is named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m autograd_bp.export.table FILE\n")
        return 2
    write_atomically(Path(arguments[0]), page().encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

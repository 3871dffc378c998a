"""Layers that are one node of ONNX: convolutions, pooling, normalisation.

A layer is found by its scope: all that was computed in its call. It must take one array and give
one, with its own parameters and no others; else it is written out row by row, which is right too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_bp import nn
from autograd_bp.compiler.program import Instruction, Var
from autograd_bp.export.batches import Recorded
from autograd_bp.nn.convolution import Convolution
from autograd_bp.nn.normalisation import BatchNorm
from autograd_bp.nn.pooling import Pooling
from autograd_bp.scopes import Call

Layer = Callable[[Any], str]


def layers(module: nn.Module, recorded: Recorded) -> dict[Instruction, Layer | None]:
    """For the last instruction of each such layer the node in its place; None for the others."""
    found: dict[Instruction, Layer | None] = {}
    by_scope = {m._module_scope: m for m in module.modules() if isinstance(m, _KINDS)}
    for (scope, _), run in _runs(recorded).items():
        if scope in by_scope and (made := _node(by_scope[scope], run, recorded)) is not None:
            found.update(dict.fromkeys(run))
            found[run[-1]] = made
    return found


_KINDS = (Convolution, Pooling, BatchNorm, nn.LayerNorm)


def _runs(recorded: Recorded) -> dict[Call, list[Instruction]]:
    """The instructions of every call."""
    found: dict[Call, list[Instruction]] = {}
    for instruction in recorded.program.instructions:
        if instruction.out is not None:
            for call in recorded.calls.get(instruction.out, ()):
                found.setdefault(call, []).append(instruction)
    return found


def _node(layer: nn.Module, run: Sequence[Instruction], recorded: Recorded) -> Layer | None:
    program = recorded.program
    made = {i.out for i in run}
    captured = dict(zip(program.inputs[-len(program.captured) :], program.captured, strict=True)) \
        if program.captured else {}  # fmt: skip
    own = {id(leaf): name for name, leaf in layer._leaves()}
    read = {var for i in run for var in i.inputs if var not in made}
    weights = {own.get(id(captured[var]), ""): var for var in read if var in captured}
    others = [var for var in read if var not in captured and var not in program.constants]
    last = run[-1].out
    later = {var for i in program.instructions if i not in run for var in i.inputs}
    later |= {out for out in program.outputs if isinstance(out, Var)}
    if (
        len(others) != 1
        or "" in weights
        or set(weights) != {name for name, _ in layer.named_parameters()}
        or (made & later) != {last}
    ):
        return None
    x = others[0]
    if isinstance(layer, Convolution | Pooling):
        axes = layer.axes if isinstance(layer, Convolution) else 2
        if len(x.shape) != axes + 2:
            return None
    if isinstance(layer, BatchNorm) and layer.training:
        return None
    return lambda graph: _written(graph, layer, x, weights)


def _written(graph: Any, layer: Any, x: Var, weights: dict[str, Var]) -> str:
    def value(name: str) -> str:
        found: str = graph.values[weights[name]]
        return found

    data = graph.values[x]
    if isinstance(layer, Convolution):
        inputs = [data, value("weight"), *([value("bias")] if "bias" in weights else [])]
        found = graph.add("Conv", *inputs, group=layer.groups, **_window(layer, layer.dilation))
    elif isinstance(layer, nn.MaxPool2d):
        found = graph.add("MaxPool", data, **_window(layer, layer.dilation))
    elif isinstance(layer, Pooling):
        found = graph.add("AveragePool", data, count_include_pad=1, **_window(layer, (1, 1)))
    elif isinstance(layer, BatchNorm):
        features = layer.running_mean._value
        scale = value("weight") if "weight" in weights else graph.array(features * 0 + 1)
        shift = value("bias") if "bias" in weights else graph.array(features * 0)
        found = graph.add(
            "BatchNormalization", data, scale, shift,
            graph.array(features, "running_mean"),
            graph.array(layer.running_var._value, "running_var"),
            epsilon=layer.eps,
        )  # fmt: skip
    else:
        scale = value("weight") if "weight" in weights else graph.array(
            np.ones(layer.normalized_shape)
        )  # fmt: skip
        found = graph.add(
            "LayerNormalization", data, scale, *([value("bias")] if "bias" in weights else []),
            axis=-len(layer.normalized_shape), epsilon=layer.eps,
        )  # fmt: skip
    return str(found)


def _window(layer: Any, dilation: Sequence[int]) -> dict[str, Any]:
    return {
        "kernel_shape": list(layer.kernel_size),
        "strides": list(layer.stride),
        "pads": list(layer.padding) * 2,
        "dilations": list(dilation),
    }

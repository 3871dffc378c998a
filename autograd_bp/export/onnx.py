"""`to_onnx`: a module as an ONNX file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

try:
    import onnx
    from onnx import helper
except ImportError as error:
    raise ImportError("to_onnx needs the onnx package: pip install autograd-bp[export]") from error

from autograd_bp.compiler.program import Var
from autograd_bp.export.batches import Rows, Size, recorded_for_any_batch
from autograd_bp.export.errors import ExportError
from autograd_bp.export.onnx_graph import Graph, onnx_type
from autograd_bp.export.onnx_layers import layers
from autograd_bp.export.onnx_rows import emit
from autograd_bp.nn import Module
from autograd_bp.node import Node
from autograd_bp.storage import write_atomically

Array = NDArray[Any]

OPSET = 20
IR_VERSION = 10


def to_onnx(
    module: Module,
    *sample: Any,
    path: str | os.PathLike[str] | None = None,
    dtype: DTypeLike = np.float32,
) -> Any:
    """A module as an ONNX model, for any number of samples.

    Parameters
    ----------
    module
        In the mode it is to be in: call ``eval()`` first, as a rule.
    sample
        What the module takes: arrays whose first axis counts samples. Their numbers do not
        matter, but indices must be such.
    path
        A file to write the model to, too; its name ends in ``.onnx``.
    dtype
        float32 or float64: of all floats in the file, inputs included. ONNX Runtime has many
        operations in float32 only.

    Returns
    -------
    onnx.ModelProto
        Checked by `onnx.checker`. Inputs and outputs are named after the arguments of `forward`
        and ``"output"``, their first axis is ``"batch"``, parameters have their names, and the
        names of nodes begin with the module they are in. Convolutions, pooling and normalisation
        are one node each.

    Raises
    ------
    ExportError
        If an operation has no counterpart in ONNX, or the module cannot be exported for any
        number of samples; the message names it.
    ConcreteValueError
        If the course of `forward` depends on a number.
    TypeError
        If it is no module, or a sample is no array.
    ImportError
        If the onnx package is not installed.

    Examples
    --------
    >>> from autograd_bp import nn
    >>> net = nn.Sequential(nn.Linear(3, 2, rng=0), nn.ReLU())
    >>> model = to_onnx(net, np.zeros((1, 3)))
    >>> [node.name for node in model.graph.node]
    ['Sequential.0/MatMul', 'Sequential.0/Add', 'Sequential.1/Relu']
    """
    if not isinstance(module, Module):
        raise TypeError(f"to_onnx takes a module of autograd_bp.nn, not {type(module).__name__}")
    kind = np.dtype(dtype)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"to_onnx: dtype is float32 or float64, not {kind}")
    arrays = [_sample(x) for x in sample]
    if not arrays:
        raise TypeError("to_onnx needs a sample of what the module takes, as in to_onnx(net, x)")
    if path is not None and not os.fspath(path).lower().endswith(".onnx"):
        raise ExportError(f"{os.fspath(path)}: the name of an ONNX file ends in .onnx")
    module.named_modules()  # gives names
    model = _model(module, arrays, kind)
    onnx.checker.check_model(model, full_check=True)
    if path is not None:
        write_atomically(path, model.SerializeToString())
    return model


def _sample(x: Any) -> Array:
    array = np.asarray(x._value if isinstance(x, Node) else x)
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise TypeError(
            "to_onnx: a sample is an array of numbers whose first axis counts samples, not "
            f"{type(x).__name__}"
        )
    return array


def _model(module: Module, arrays: list[Array], kind: np.dtype[Any]) -> Any:
    recorded = recorded_for_any_batch(module, arrays)
    program = recorded.program
    graph = Graph(recorded, kind)
    inputs = []
    arguments = list(inspect.signature(module.forward).parameters)
    for k, var in enumerate(program.inputs[: len(arrays)]):
        name = graph.fresh(arguments[k] if k < len(arguments) else f"input_{k}")
        graph.values[var] = name
        inputs.append(_described(graph, var, name))
    names = {id(leaf): name for name, leaf in module._leaves()}
    for var, node in zip(program.inputs[len(arrays) :], program.captured, strict=True):
        name = names.get(id(node)) or node.name or "captured"
        graph.values[var] = graph.array(node._value, name)
    graph.batch = graph.add("Gather", graph.add("Shape", inputs[0].name), graph.ints([0]))
    for var, constant in program.constants.items():
        if isinstance(constant, Rows):
            shape = graph.ints([Size(1, 0), *constant.row.shape[1:]])
            graph.values[var] = graph.add("Expand", graph.array(constant.row), shape)
        else:
            graph.values[var] = graph.array(constant)
    whole = layers(module, recorded)
    for instruction in program.instructions:
        if instruction.out is None:
            continue
        graph.scope = (recorded.calls.get(instruction.out) or (("", 0),))[-1][0]
        if instruction in whole:
            layer = whole[instruction]
            if layer is not None:
                graph.values[instruction.out] = layer(graph)
            continue
        graph.values[instruction.out] = emit(graph, instruction)
    graph.scope = ""
    outputs = []
    for out in program.outputs:
        name = graph.fresh("output")
        value = graph.operand(out)
        graph.nodes.append(helper.make_node("Identity", [value], [name], name=f"{name}_node"))
        if isinstance(out, Var):
            outputs.append(_described(graph, out, name))
        else:
            outputs.append(helper.make_tensor_value_info(name, onnx_type(kind), ()))
    drawn = _needed(graph.nodes, [value.name for value in outputs])
    read = {name for node in drawn for name in node.input}
    made = helper.make_graph(
        drawn,
        module.name,
        inputs,
        outputs,
        [tensor for tensor in graph.initializers if tensor.name in read],
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="autograd_bp",
        ir_version=IR_VERSION,
    )
    return _without_needless_identities(model)


def _needed(nodes: Sequence[Any], outputs: Sequence[str]) -> list[Any]:
    """The nodes that outputs depend on."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]


def _without_needless_identities(model: Any) -> Any:
    """The last node gives the output itself, unless it is needed under its own name too."""
    graph = model.graph
    for identity in [n for n in graph.node if n.op_type == "Identity" and n.name.endswith("_node")]:
        maker = next((n for n in graph.node if identity.input[0] in n.output), None)
        readers = [n for n in graph.node if identity.input[0] in n.input]
        if maker is not None and len(readers) == 1:
            place = list(maker.output).index(identity.input[0])
            maker.output[place] = identity.output[0]
            graph.node.remove(identity)
    return model


def _described(graph: Graph, var: Var, name: str) -> Any:
    dims = [
        ("batch" if n == Size(1, 0) else f"{n.times}*batch+{n.plus}") if isinstance(n, Size) else n
        for n in graph.shape(var)
    ]
    return helper.make_tensor_value_info(name, onnx_type(graph.cast_dtype(var.dtype)), dims)

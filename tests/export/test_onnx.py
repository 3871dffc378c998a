"""Modules as ONNX models: valid, and in ONNX Runtime they give what they give here."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn
from autograd_bp.export import ExportError

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.slow

from tests.export.onnx_checks import RNG, Does, assert_same, run  # noqa: E402

LAYERS: dict[str, tuple[Callable[[], Any], tuple[int, ...], list[str] | None]] = {
    "Linear": (lambda: nn.Linear(3, 4, rng=0), (2, 3), ["MatMul", "Add"]),
    "Linear of sequences": (lambda: nn.Linear(3, 4, bias=False, rng=0), (2, 5, 3), ["MatMul"]),
    "Conv1d": (lambda: nn.Conv1d(2, 4, 3, stride=2, groups=2, rng=0), (2, 2, 9), ["Conv"]),
    "Conv2d": (
        lambda: nn.Conv2d(2, 4, (3, 2), padding=(1, 0), dilation=(1, 2), rng=0),
        (2, 2, 7, 8),
        ["Conv"],
    ),
    "MaxPool2d": (lambda: nn.MaxPool2d(3, 2, padding=1), (2, 3, 7, 8), ["MaxPool"]),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, padding=1), (2, 3, 6, 6), ["AveragePool"]),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3).eval(), (5, 3), ["BatchNormalization"]),
    "BatchNorm2d": (
        lambda: nn.BatchNorm2d(3, affine=False).eval(),
        (2, 3, 4, 4),
        ["BatchNormalization"],
    ),
    "LayerNorm": (lambda: nn.LayerNorm((3, 4)), (2, 3, 4), ["LayerNormalization"]),
    "Dropout": (lambda: nn.Dropout(0.5).eval(), (2, 3), None),
    "Flatten": (lambda: nn.Flatten(), (2, 3, 4), ["Reshape"]),
    "RNNCell": (lambda: nn.RNNCell(3, 4, rng=0), (2, 3), None),
    "GRUCell": (lambda: nn.GRUCell(3, 4, rng=0), (2, 3), None),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4, rng=0), (2, 3), None),
    "MultiHeadAttention": (lambda: nn.MultiHeadAttention(4, 2, rng=0).eval(), (2, 5, 4), None),
    "ReLU": (nn.ReLU, (2, 3), ["Relu"]),
    "LeakyReLU": (nn.LeakyReLU, (2, 3), ["LeakyRelu"]),
    "ELU": (nn.ELU, (2, 3), ["Elu"]),
    "GELU": (nn.GELU, (2, 3), None),
    "GELU by tanh": (lambda: nn.GELU("tanh"), (2, 3), ["Gelu"]),
    "SiLU": (nn.SiLU, (2, 3), ["Sigmoid", "Mul"]),
    "Sigmoid": (nn.Sigmoid, (2, 3), ["Sigmoid"]),
    "Softplus": (nn.Softplus, (2, 3), ["Softplus"]),
    "Tanh": (nn.Tanh, (2, 3), ["Tanh"]),
    "Softmax": (nn.Softmax, (2, 3), ["Softmax"]),
    "LogSoftmax": (nn.LogSoftmax, (2, 3), ["LogSoftmax"]),
    "Identity": (nn.Identity, (2, 3), ["Identity"]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_the_same_in_onnx_runtime(name: str) -> None:
    make, shape, nodes = LAYERS[name]
    model = assert_same(make(), RNG.normal(size=shape))
    if nodes is not None:
        assert [node.op_type for node in model.graph.node] == nodes


def test_no_layer_is_left_out() -> None:
    layers = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    # Containers, and nets of single Values.
    assert layers - {"Module", "Sequential", "Embedding", "MLP", "Layer", "Neuron"} <= set(LAYERS)


def test_a_whole_net_keeps_its_names() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=0), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10, rng=1), nn.Softmax(),
    ).eval()  # fmt: skip
    model = assert_same(net, RNG.normal(size=(2, 1, 8, 8)))
    assert [node.name for node in model.graph.node] == [
        "Sequential.0/Conv",
        "Sequential.1/BatchNormalization",
        "Sequential.2/Relu",
        "Sequential.3/MaxPool",
        "Sequential.4/Reshape",
        "Sequential.5/MatMul",
        "Sequential.5/Add",
        "Sequential.6/Softmax",
    ]
    names = {tensor.name for tensor in model.graph.initializer}
    assert {"0.weight", "0.bias", "5.weight", "5.bias"} <= names
    (x,), (out,) = model.graph.input, model.graph.output
    assert x.name == "x"
    assert x.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert out.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert out.type.tensor_type.shape.dim[1].dim_value == 10


def test_tokens_go_through_an_embedding_and_a_cell() -> None:
    class Names(nn.Module):
        def __init__(self) -> None:
            self.table = nn.Embedding(27, 6, rng=0)
            self.cell = nn.GRUCell(6, 5, rng=1)
            self.out = nn.Linear(5, 27, rng=2)

        def forward(self, tokens: Any) -> Any:
            vectors = self.table(tokens)
            h = None
            for i in range(4):
                h = self.cell(vectors[:, i], h)
            return self.out(h)

    assert_same(Names(), RNG.integers(0, 27, size=(3, 4)))


def test_a_layer_that_is_called_twice_is_two_nodes() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.conv = nn.Conv2d(1, 1, 3, padding=1, rng=0)

        def forward(self, x: Any) -> Any:
            return self.conv(self.conv(x))

    model = assert_same(Twice(), RNG.normal(size=(2, 1, 5, 5)))
    assert [node.name for node in model.graph.node] == ["Twice.conv/Conv", "Twice.conv/Conv_1"]


def test_losses_with_labels_as_an_input() -> None:
    net = Does(lambda x, t: nn.cross_entropy(x, t))
    for n in (2, 6):
        x, t = RNG.normal(size=(n, 3)).astype(np.float32), RNG.integers(0, 3, size=n)
        model = ab.export.to_onnx(net, x, t)
        np.testing.assert_allclose(run(model, x, t)[0], net(x, t), rtol=1e-5)


def test_what_onnx_has_not_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    for function, name in (
        (lambda x: ab.linalg.inv(x), "inv"),
        (lambda x: ab.cumprod(x, axis=1), "cumprod"),
    ):
        with pytest.raises(ExportError, match=name):
            ab.export.to_onnx(Does(function), np.eye(3)[None] * np.ones((2, 1, 1)), path=path)
    with pytest.raises(ExportError, match=r"dropout in training \(call eval\(\) first\)"):
        ab.export.to_onnx(nn.Dropout(0.5), np.ones((3, 2)))
    with pytest.raises(ExportError, match="batch"):
        ab.export.to_onnx(Does(lambda x: x * float(math.log(x.shape[0]))), np.ones((3, 2)))
    with pytest.raises(ExportError, match=r"\.onnx"):
        ab.export.to_onnx(nn.ReLU(), np.ones((3, 2)), path=tmp_path / "net.pt")
    with pytest.raises(TypeError, match="module"):
        ab.export.to_onnx(lambda x: x, np.ones(3))
    with pytest.raises(TypeError, match="sample"):
        ab.export.to_onnx(nn.ReLU())
    with pytest.raises(TypeError, match="first axis"):
        ab.export.to_onnx(nn.ReLU(), "x")
    with pytest.raises(TypeError, match="float32 or float64"):
        ab.export.to_onnx(nn.ReLU(), np.ones((3, 2)), dtype=int)
    assert not path.exists()


def test_a_file_is_written_and_read_by_onnx(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    net = nn.Linear(3, 2, rng=0)
    ab.export.to_onnx(net, np.zeros((1, 3)), path=path, dtype=np.float64)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(session.run(None, {"x": x})[0], net(x).data, rtol=1e-12)


def test_names_of_any_text_reach_the_file_as_text() -> None:
    net = nn.Sequential(nn.Linear(2, 2, rng=0))
    net.name = '苹果 "</script>'
    model = assert_same(net, np.ones((2, 2)))
    assert model.graph.node[0].name.startswith('苹果 "</script>.0/')

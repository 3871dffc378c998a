"""Modules as ONNX models: valid, and in ONNX Runtime they give what they give here."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn
from autograd_bp.export import ExportError
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS
from tests.rules import points

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.slow

from autograd_bp.export.onnx_rows import has_counterpart  # noqa: E402

RNG = np.random.default_rng(0)


class Does(nn.Module):
    """A module that is a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def forward(self, x: Any, y: Any = None) -> Any:
        return self.function(x) if y is None else self.function(x, y)


def run(model: Any, *inputs: Any) -> list[Any]:
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [given.name for given in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=False)))


def assert_same(net: Any, *samples: Any, batches: Any = (1, 4, 9), tol: float = 1e-5) -> Any:
    """The model gives what the net gives in float32, for batches of several sizes."""
    model = ab.export.to_onnx(net, *samples)
    for n in batches:
        inputs = [np.resize(x, (n, *np.shape(x)[1:])) for x in samples]
        inputs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs]
        expected = net.astype(np.float32)(*inputs)
        found = run(model, *inputs)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for ours, theirs in zip(expected, found, strict=True):
            ours = ours.data if isinstance(ours, ab.Tensor) else np.asarray(ours)
            assert theirs.shape == ours.shape
            np.testing.assert_allclose(theirs, ours, rtol=tol, atol=tol)
    return model


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


@pytest.mark.parametrize(
    "name", [n for n, r in ROWS.items() if r.kind == "elementwise" and n != "item"]
)
def test_an_elementwise_row_is_the_same_or_refused_by_name(name: str) -> None:
    rule = ROWS[name]
    params = points.parameters(rule)[0]
    every = points._points(rule, params, random.Random(name))
    usual = [p for p in every if points.in_domain(rule, p)
             and all(x == 0 or 0.05 < abs(x) < 12 for x in p)]  # fmt: skip
    arrays = [np.array(column, np.float32) for column in zip(*usual, strict=True)]
    if name == "where":
        net = Does(lambda x, y: apply(rule, (x > 0, x, y), params))
        arrays = arrays[1:]
    elif len(arrays) == 3:
        net = Does(lambda x, y: apply(rule, (x, y, y + 1.0), params))
        arrays = arrays[:2]
    else:
        net = Does(lambda *xs: apply(rule, xs, params))
    if not has_counterpart(name):
        with pytest.raises(ExportError, match=name):
            ab.export.to_onnx(net, *arrays)
        return
    model = ab.export.to_onnx(net, *arrays)
    with np.errstate(all="ignore"):
        expected = net(*map(ab.Tensor, arrays)).data
    (found,) = run(model, *arrays)
    finite = np.isfinite(expected) & (np.abs(expected) < 1e30)
    assert finite.any()
    np.testing.assert_allclose(found[finite], expected[finite], rtol=3e-5, atol=1e-5)


STRUCTURAL: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: ab.sum(x, axis=(1, 2)),
    "sum of all": lambda x: ab.sum(x),
    "mean": lambda x: ab.mean(x, axis=0, keepdims=True),
    "mean of all": lambda x: ab.mean(x),
    "prod": lambda x: ab.prod(x, axis=-1),
    "max": lambda x: ab.max(x, axis=(0, 2)),
    "min": lambda x: ab.min(x, axis=1, keepdims=True),
    "var": lambda x: ab.var(x, axis=1, ddof=1),
    "std": lambda x: ab.std(x, axis=(0, 1)),
    "logsumexp": lambda x: ab.logsumexp(x, axis=-1),
    "norm": lambda x: ab.linalg.norm(x, axis=-1),
    "softmax of all": lambda x: ab.softmax(x, axis=(1, 2)),
    "log_softmax": lambda x: ab.log_softmax(x, axis=1),
    "cumsum": lambda x: ab.cumsum(x, axis=1),
    "flip": lambda x: ab.flip(x, axis=(1, 2)),
    "roll": lambda x: ab.roll(x, 2, axis=2),
    "transpose": lambda x: ab.transpose(x, (2, 0, 1)),
    "reshape": lambda x: ab.reshape(x, (-1, 6)),
    "broadcast": lambda x: ab.broadcast_to(x[:, :1], x.shape) + x,
    "concatenate": lambda x: ab.concatenate([x, 2.0 * x], axis=0),
    "stack": lambda x: ab.stack([x, -x], axis=-1),
    "pad": lambda x: ab.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=3.0),
    "index": lambda x: x[:, 1, ::-1],
    "index with None and ...": lambda x: x[..., None, 1:],
    "index with an array": lambda x: x[:, np.array([2, 0, 2])],
    "index with the last": lambda x: x[-1],
    "einsum": lambda x: ab.einsum("bij,bkj->bik", x, x),
    "matmul": lambda x: x @ ab.transpose(x, (0, 2, 1)),
    "where": lambda x: ab.where((x > 0) & (x < 1.0), x, 0.0),
    "compared": lambda x: ab.where(x == 0, 1.0, ab.maximum(x, 0.5)),
    "clip": lambda x: ab.clip(x, -0.5, 0.5),
    "softplus of a norm": lambda x: ab.softplus(ab.sqrt(ab.sum(x * x, axis=(1, 2)))),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURAL)
def test_rows_that_move_and_combine_elements(name: str) -> None:
    assert_same(Does(STRUCTURAL[name]), RNG.normal(size=(4, 3, 4)), batches=(2, 5))


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

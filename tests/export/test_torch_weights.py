"""Weights to and from PyTorch's names and layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn
from autograd_bp.export import from_torch, to_torch


def _layers() -> dict[str, Any]:
    """A layer here, its counterpart in torch, and the shapes of what they take."""
    return {
        "Linear": (lambda: nn.Linear(3, 4), "Linear(3, 4)", [(5, 3)]),
        "Linear without bias": (
            lambda: nn.Linear(3, 4, bias=False),
            "Linear(3, 4, bias=False)",
            [(5, 3)],
        ),
        "Conv1d": (lambda: nn.Conv1d(3, 4, 2), "Conv1d(3, 4, 2)", [(2, 3, 6)]),
        "Conv2d": (
            lambda: nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, dilation=(1, 2), groups=2),
            "Conv2d(4, 6, (3, 2), stride=2, padding=1, dilation=(1, 2), groups=2)",
            [(2, 4, 7, 8)],
        ),
        "BatchNorm1d": (lambda: nn.BatchNorm1d(3).eval(), "BatchNorm1d(3)", [(5, 3)]),
        "BatchNorm2d": (lambda: nn.BatchNorm2d(3).eval(), "BatchNorm2d(3)", [(2, 3, 4, 4)]),
        "LayerNorm": (lambda: nn.LayerNorm((3, 4)), "LayerNorm((3, 4))", [(2, 3, 4)]),
        "RNNCell": (lambda: nn.RNNCell(3, 4), "RNNCell(3, 4)", [(5, 3), (5, 4)]),
        "GRUCell": (lambda: nn.GRUCell(3, 4), "GRUCell(3, 4)", [(5, 3), (5, 4)]),
        "LSTMCell": (lambda: nn.LSTMCell(3, 4), "LSTMCell(3, 4)", [(5, 3)]),
        "Sequential": (
            lambda: nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)),
            "Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))",
            [(5, 3)],
        ),
    }


def _numbered(module: Any) -> Any:
    """The module with another number in every place of its state."""
    rng = np.random.default_rng(0)
    state = {
        name: np.abs(rng.normal(size=array.shape)) + 0.1 if array.dtype.kind == "f" else array + 7
        for name, array in module.state_dict().items()
    }
    module.load_state_dict(state)
    return module


def _first(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.slow
@pytest.mark.parametrize("name", _layers())
def test_weights_go_to_the_torch_layer_and_back_and_both_compute_the_same(
    name: str, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    make, torch_text, shapes = _layers()[name]
    ours = _numbered(make())
    theirs = eval(f"torch.nn.{torch_text}", {"torch": torch}).double().eval()
    to_torch(ours, tmp_path / "ours.safetensors")
    theirs.load_state_dict(load_file(tmp_path / "ours.safetensors"))  # strict: names and shapes
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=shape) for shape in shapes]
    found = _first(ours(*inputs))
    expected = _first(theirs(*map(torch.from_numpy, inputs))).detach().numpy()
    np.testing.assert_allclose(found.data, expected, rtol=1e-12, atol=1e-12)

    save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    again = make()
    from_torch(again, tmp_path / "theirs.safetensors")
    for key, array in ours.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[key], array)
    third = make()
    from_torch(third, theirs.state_dict())
    np.testing.assert_array_equal(_first(third(*inputs)).data, found.data)


@pytest.mark.slow
def test_attention_has_one_projection_in_torch() -> None:
    torch = pytest.importorskip("torch")
    ours = _numbered(nn.MultiHeadAttention(6, 2))
    theirs = torch.nn.MultiheadAttention(6, 2, batch_first=True).double().eval()
    theirs.load_state_dict({k: torch.from_numpy(a) for k, a in to_torch(ours).items()})
    x = np.random.default_rng(0).normal(size=(2, 5, 6))
    expected = theirs(*[torch.from_numpy(x)] * 3)[0].detach().numpy()
    np.testing.assert_allclose(ours(x).data, expected, rtol=1e-12)
    again = nn.MultiHeadAttention(6, 2)
    from_torch(again, theirs.state_dict())
    np.testing.assert_array_equal(again(x).data, ours(x).data)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_cell_takes_the_weights_of_a_layer_over_time(kind: str) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, kind)(3, 4).double()
    cell = getattr(nn, f"{kind}Cell")(3, 4)
    from_torch(cell, theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(6, 2, 3))
    state = None
    for step in x:
        state = cell(step, state)
    expected = theirs(torch.from_numpy(x))[0][-1].detach().numpy()
    np.testing.assert_allclose(_first(state).data, expected, rtol=1e-12)


def test_shared_and_nested_modules_are_named_as_in_torch() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.first = nn.Linear(2, 3)
            self.tied = self.first
            self.attention = nn.MultiHeadAttention(2, 1)
            self.scale = ab.Tensor(np.ones((2, 3)))

        def forward(self, x: Any) -> Any:
            return self.first(x)

    state = to_torch(Net())
    assert {name: array.shape for name, array in state.items()} == {
        "first.weight": (3, 2),
        "first.bias": (3,),
        "tied.weight": (3, 2),
        "tied.bias": (3,),
        "attention.in_proj_weight": (6, 2),
        "attention.in_proj_bias": (6,),
        "attention.out_proj.weight": (2, 2),
        "attention.out_proj.bias": (2,),
        "scale": (2, 3),
    }


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = net.state_dict()
    state = to_torch(net)
    del state["0.bias"]
    state["1.weight"] = np.zeros((3, 1))
    state["2.weight"] = np.zeros(1)
    with pytest.raises(ValueError, match=r"missing: 0\.bias") as caught:
        from_torch(net, state)
    assert "unexpected: 2.weight" in str(caught.value)
    assert "shape: 1.weight is (1, 3), the state has (3, 1)" in str(caught.value)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(ValueError, match=r"not an array of real numbers: 0\.bias"):
        from_torch(net, {"0.bias": ["a", "b", "c"]}, strict=False)


def test_a_file_that_is_wrong_truncated_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    net = nn.Linear(2, 3)
    path = tmp_path / "w.safetensors"
    to_torch(net, path)
    content = path.read_bytes()
    for wrong in (b"", content[:20], content[:-1], b"\xff" * 8 + content[8:], b"PK\3\4" + content):
        path.write_bytes(wrong)
        with pytest.raises(ab.StorageError, match=r"w\.safetensors"):
            from_torch(net, path)
    with pytest.raises(ab.StorageError, match="safetensors"):
        from_torch(net, tmp_path / "model.pt")
    with pytest.raises(ab.StorageError, match="safetensors"):
        to_torch(net, tmp_path / "model.npz")
    with pytest.raises(TypeError, match="module"):
        to_torch({"weight": 1})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dict"):
        from_torch(net, [1, 2])  # type: ignore[arg-type]

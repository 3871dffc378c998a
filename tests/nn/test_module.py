"""Module: what is found inside, its names, its state, and what it says of itself."""

from __future__ import annotations

import copy
import gc
import math
import threading
import weakref
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import autograd_bp as ab
import viz
from autograd_bp import Tensor, Value, nn


class Block(nn.Module):
    """Modules and parameters in every kind of container."""

    def __init__(self) -> None:
        self.scale = Tensor(np.ones(2))
        self.layers = [nn.Linear(2, 2, rng=0), (nn.Linear(2, 2, rng=1), nn.ReLU())]
        self.heads = {"left": nn.Linear(2, 1, rng=2), 7: [Tensor(np.zeros(1))]}
        self.mean = Tensor(np.zeros(2), requires_grad=False)
        self.width = 3
        self.note = "text"
        self.table = np.zeros(4)

    def forward(self, x: Any) -> Any:
        x = self.layers[1][0](self.layers[0](x * self.scale))  # type: ignore[index]
        return self.heads["left"](x) + self.heads[7][0]  # type: ignore[index]


NAMES = [
    "scale", "layers.0.weight", "layers.0.bias", "layers.1.0.weight", "layers.1.0.bias",
    "heads.left.weight", "heads.left.bias", "heads.7.0",
]  # fmt: skip


# -- what is inside -------------------------------------------------------------------------------


def test_parameters_are_found_in_attributes_lists_tuples_and_dicts() -> None:
    block = Block()
    assert [name for name, _ in block.named_parameters()] == NAMES
    assert [name for name, _ in block.named_buffers()] == ["mean"]
    assert all(p.requires_grad for p in block.parameters())
    assert [name for name, _ in block.named_modules()] == [
        "", "layers.0", "layers.1.0", "layers.1.1", "heads.left",
    ]  # fmt: skip


def test_no_constructor_of_the_base_class_needs_to_be_called() -> None:
    assert Block().training is True


def test_parameters_are_named_after_their_paths() -> None:
    block = Block()
    out = block(np.ones((3, 2)))
    names = {node.name for node in ab.graph.topological_order(out) if node.name}
    assert names == set(NAMES)
    with pytest.raises(ValueError, match=r"'layers\.0\.weight': shape \(2, 2\)"):
        block.layers[0](np.ones((3, 5)))  # type: ignore[operator]


def test_names_and_boxes_are_on_the_picture() -> None:
    block = Block()
    block.name = '苹果 <script>"&\\'
    svg = viz.draw(block(np.ones((1, 2))).sum()).svg
    assert "<script>" not in svg
    texts = "".join(ET.fromstring(svg).itertext())
    for name in ("scale", "layers.0.weight", "heads.7.0", "苹果"):
        assert name in texts


def test_a_sequential_names_its_layers_by_number() -> None:
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Sequential(nn.Tanh(), nn.Linear(3, 1, rng=1)))
    assert [name for name, _ in net.named_parameters()] == [
        "0.weight", "0.bias", "1.1.weight", "1.1.bias",
    ]  # fmt: skip
    assert net[1][1].weight.name == "1.1.weight"
    assert len(net) == 2
    assert list(net) == net.layers
    assert isinstance(net[:1], nn.Sequential)


def test_listing_what_is_inside_a_part_keeps_the_full_names() -> None:
    block = Block()
    block.parameters()
    layer = block.layers[0]
    assert isinstance(layer, nn.Linear)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert layer.weight.name == "layers.0.weight"


def test_a_layer_that_is_replaced_gets_its_name_when_parameters_are_listed() -> None:
    block = Block()
    block(np.ones((1, 2)))
    block.layers[0] = new = nn.Linear(2, 2, rng=5)
    assert block.named_parameters()[1] == ("layers.0.weight", new.weight)
    assert new.weight.name == "layers.0.weight"


def test_a_shared_parameter_is_listed_once_and_saved_under_each_of_its_names() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.encode = nn.Linear(3, 3, bias=False, rng=0)
            self.decode = nn.Linear(3, 3, bias=False, rng=1)
            self.decode.weight = self.encode.weight

    tied = Tied()
    assert [name for name, _ in tied.named_parameters()] == ["encode.weight"]
    assert list(tied.state_dict()) == ["encode.weight", "decode.weight"]
    assert tied.summary().count == 9
    tied.load_state_dict(tied.state_dict())


def test_circles_are_walked_once() -> None:
    parent, child = nn.Sequential(nn.Linear(1, 1, rng=0)), nn.Module()
    child.parent = parent  # type: ignore[attr-defined]
    parent.child = child  # type: ignore[attr-defined]
    assert [name for name, _ in parent.named_parameters()] == ["0.weight", "0.bias"]
    assert "(parent): ..." in repr(parent)


def test_results_are_no_parameters_and_frozen_parameters_are_buffers() -> None:
    layer = nn.Linear(2, 2, rng=0)
    layer.last = layer(np.ones((1, 2)))  # type: ignore[attr-defined]
    layer.weight.requires_grad = False
    assert [name for name, _ in layer.named_parameters()] == ["bias"]
    assert [name for name, _ in layer.named_buffers()] == ["weight"]
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_values_are_parameters_too() -> None:
    class Line(nn.Module):
        def __init__(self) -> None:
            self.slope, self.offset = Value(2.0), Value(1.0)

        def forward(self, x: float) -> Any:
            return self.slope * x + self.offset

    line = Line()
    line(3.0).backward()
    assert [(p.name, p.grad) for p in line.parameters()] == [("slope", 3.0), ("offset", 1.0)]
    state = line.state_dict()
    line.slope.data = 5.0
    line.load_state_dict(state)
    assert line.slope.data == 2.0


def test_a_module_may_have_attributes_of_any_name() -> None:
    class Odd(nn.Module):
        name = 7  # type: ignore[assignment]

        def __init__(self) -> None:
            self._path, self._scope = "folder", None
            self.layer = nn.Linear(1, 1, rng=0)

        def forward(self, x: Any) -> Any:
            return self.layer(x)

    odd = Odd()
    out = odd([[1.0]])
    assert ab.graph.scopes(out)[out] == ("7", "7.layer")
    assert [name for name, _ in odd.named_parameters()] == ["layer.weight", "layer.bias"]


def test_two_paths_of_the_same_name_are_refused() -> None:
    block = nn.Module()
    block.parts = {"a.b": Tensor([1.0]), "a": {"b": Tensor([2.0])}}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"two parameters with the name 'parts\.a\.b'"):
        block.state_dict()


# -- mode, gradients, dtype -----------------------------------------------------------------------


def test_train_and_eval_reach_everything_inside() -> None:
    block = Block()
    assert block.eval() is block
    assert not any(module.training for module in block.modules())
    block.train()
    assert all(module.training for module in block.modules())


def test_zero_grad_forgets_the_gradients() -> None:
    block = Block()
    block(np.ones((1, 2))).sum().backward()
    assert all(p.grad is not None for p in block.parameters())
    block.zero_grad()
    assert all(p.grad is None for p in block.parameters())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_astype_changes_every_float_and_keeps_the_objects(dtype: Any) -> None:
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.ReLU())
    before = net.parameters()
    assert net.astype(dtype) is net
    assert all(p is q for p, q in zip(net.parameters(), before, strict=True))
    assert {p.dtype for p in net.parameters()} == {np.dtype(dtype)}
    assert [b.dtype for b in net.buffers()] == [np.dtype(dtype)] * 2 + [np.dtype(np.int64)]
    out = net(np.ones((4, 2), dtype))
    assert out.dtype == dtype
    out.sum().backward()
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(dtype)}
    with pytest.raises(TypeError, match="there is no astype"):
        net.astype(int)


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Block2 has no forward method"):
        type("Block2", (nn.Module,), {})()(1.0)


# -- state ----------------------------------------------------------------------------------------


def test_a_state_is_a_copy() -> None:
    layer = nn.Linear(2, 1, rng=0)
    state = layer.state_dict()
    state["weight"][:] = 100.0
    assert abs(layer.weight.data).max() < 10.0
    kept = layer.weight.data.copy()
    layer.load_state_dict(state)
    state["weight"][:] = -5.0
    assert (layer.weight.data == 100.0).all()
    assert (kept != 100.0).all()


def test_a_state_goes_to_another_module_in_its_dtype() -> None:
    one, other = Block(), Block()
    for p in one.parameters():
        p.data += 1.0
    other.astype(np.float32)
    other.load_state_dict(one.state_dict())
    assert {p.dtype for p in other.parameters()} == {np.dtype(np.float32)}
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-6)


def test_tensors_lists_and_numbers_are_taken_as_arrays() -> None:
    layer = nn.Linear(2, 1, rng=0)
    layer.load_state_dict({"weight": [[1], [2]], "bias": Tensor([3.0])})
    assert layer([[1.0, 1.0]]).item() == 6.0


def test_an_error_lists_everything_that_differs_and_nothing_is_changed() -> None:
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1))
    before = net.state_dict()
    state = {
        "0.weight": np.zeros((3, 2)), "0.bias": np.zeros(3), "1.weight": "text",
        "2.weight": np.zeros(1), "1.extra": np.zeros(2),
    }  # fmt: skip
    with pytest.raises(ValueError, match="this state is not one of Sequential") as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    assert "missing: 1.bias (1,)" in message
    assert "unexpected: 2.weight" in message
    assert "unexpected: 1.extra" in message
    assert "shape: 0.weight is (2, 3), the state has (3, 2)" in message
    assert "not an array of real numbers: 1.weight" in message
    assert "0.bias" not in message
    for name, array in net.state_dict().items():
        assert (array == before[name]).all()


def test_without_strict_names_may_differ_but_shapes_may_not() -> None:
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1))
    net.load_state_dict({"0.bias": np.ones(3), "nobody": np.ones(1)}, strict=False)
    assert net[0].bias.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match=r"shape: 0\.bias"):
        net.load_state_dict({"0.bias": np.ones(4)}, strict=False)


def test_counts_stay_whole_numbers() -> None:
    layer = nn.BatchNorm1d(2)
    state: dict[str, Any] = layer.state_dict()
    state["num_batches_tracked"] = 7.0
    layer.load_state_dict(state)
    assert layer.num_batches_tracked.item() == 7
    for bad in (7.5, math.nan, math.inf):
        state["num_batches_tracked"] = bad
        with pytest.raises(ValueError, match="not whole numbers: num_batches_tracked"):
            layer.load_state_dict(state)


@pytest.mark.parametrize("bad", [None, [1, 2], "weights", np.zeros(3)])
def test_only_a_dict_is_a_state(bad: Any) -> None:
    with pytest.raises(TypeError, match="takes a dict of arrays"):
        nn.Linear(1, 1).load_state_dict(bad)


@pytest.mark.parametrize("bad", [[[1.0], [1.0, 2.0]], [[1 + 2j], [0]], object(), [[None], [1]]])
def test_what_is_no_array_of_numbers_is_refused(bad: Any) -> None:
    layer = nn.Linear(2, 1, rng=0)
    with pytest.raises(ValueError, match="weight"):
        layer.load_state_dict({"weight": bad, "bias": np.zeros(1)})


# -- copies, memory, threads ----------------------------------------------------------------------


def test_a_deep_copy_is_independent() -> None:
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Dropout(0.5, rng=0))
    twin = copy.deepcopy(net)
    twin[0].weight.data += 1.0
    assert (net[0].weight.data != twin[0].weight.data).all()
    assert twin[0].weight.name == "0.weight"
    x = np.ones((3, 2))
    net.load_state_dict(twin.state_dict())
    assert (net(x).data == twin(x).data).all()  # the generators are in the same state


def test_a_module_does_not_hold_the_graphs_it_made() -> None:
    gc.disable()
    try:
        net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())
        out = net(np.ones((1, 2)))
        watched = weakref.ref(out)
        del out
        assert watched() is None
    finally:
        gc.enable()


def test_several_threads_use_one_net_at_once() -> None:
    net = nn.Sequential(nn.Linear(4, 8, rng=0), nn.Tanh(), nn.Linear(8, 1, rng=1))
    inputs = [np.full((3, 4), float(i)) for i in range(8)]
    expected = [net(x).data.copy() for x in inputs]
    found: dict[int, Any] = {}

    def work(i: int) -> None:
        for _ in range(20):
            found[i] = net(inputs[i]).data

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, result in enumerate(expected):
        assert (found[i] == result).all()


# -- how it looks ---------------------------------------------------------------------------------


def test_repr_shows_the_layers() -> None:
    net = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Sequential(nn.Dropout(0.1), nn.Softmax()))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(2, 3, bias=False)\n"
        "  (1): Sequential(\n"
        "    (0): Dropout(0.1)\n"
        "    (1): Softmax(axis=-1)\n"
        "  )\n"
        ")"
    )
    assert "(layers.1.0): Linear(2, 2)" in repr(Block())
    assert repr(nn.Sequential(ab.tanh)) == "Sequential(\n  (0): tanh\n)"


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Conv2d(2, 4, 3), "Conv2d(2, 4, kernel_size=(3, 3))"),
        (
            nn.Conv1d(2, 4, 3, 2, 1, 2, 2, bias=False),
            "Conv1d(2, 4, kernel_size=(3,), stride=(2,), padding=(1,), dilation=(2,), groups=2, "
            "bias=False)",
        ),
        (nn.MaxPool2d(2, 1, 1), "MaxPool2d((2, 2), stride=(1, 1), padding=(1, 1))"),
        (nn.AvgPool2d(2), "AvgPool2d((2, 2))"),
        (nn.BatchNorm1d(3), "BatchNorm1d(3)"),
        (nn.BatchNorm2d(3, 1e-3, None, affine=False),
         "BatchNorm2d(3, eps=0.001, momentum=None, affine=False)"),
        (nn.LayerNorm((2, 3), 1e-3, bias=False), "LayerNorm((2, 3), eps=0.001, bias=False)"),
        (nn.LayerNorm(2, affine=False), "LayerNorm((2,), affine=False)"),
        (nn.Embedding(3, 2), "Embedding(3, 2)"),
        (nn.Flatten(), "Flatten()"),
        (nn.Flatten(0, 1), "Flatten(0, 1)"),
        (nn.GRUCell(2, 3, bias=False), "GRUCell(2, 3, bias=False)"),
        (nn.LeakyReLU(), "LeakyReLU(0.01)"),
        (nn.ELU(), "ELU(1.0)"),
        (nn.GELU("tanh"), "GELU(approximate='tanh')"),
        (nn.LogSoftmax(0), "LogSoftmax(axis=0)"),
        (nn.ReLU(), "ReLU()"),
    ],
)  # fmt: skip
def test_repr_shows_the_settings_of_a_layer(layer: nn.Module, text: str) -> None:
    assert repr(layer) == text


def test_a_summary_lists_shapes_counts_and_after_a_call_output_shapes() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3, rng=1)
    )
    table = net.summary()
    assert [line.path for line in table.lines] == ["", "0", "1", "2", "3"]
    assert [line.parameters for line in table.lines] == [51, 20, 4, 0, 27]
    assert [line.output for line in table.lines] == [None] * 5
    assert table.count == 51
    net(np.zeros((5, 1, 4, 4)))
    lines = str(net.summary()).splitlines()
    assert lines[0].split() == ["module", "parameters", "count", "output"]
    assert lines[1].split(maxsplit=2) == ["Sequential", "51", "(5, 3)"]
    assert "0 Conv2d" in lines[2]
    assert "weight (2, 1, 3, 3), bias (2,)" in lines[2]
    assert "(5, 2, 2, 2)" in lines[2]
    assert "running_mean (2,)" in lines[3]


def test_a_summary_shows_the_shapes_of_several_outputs() -> None:
    cell = nn.LSTMCell(2, 3, rng=0)
    cell(np.zeros((5, 2)))
    assert cell.summary().lines[0].output == ((5, 3), (5, 3))
    neuron = nn.Neuron(2, rng=0)
    neuron([1.0, 2.0])
    assert neuron.summary().lines[0].output == ()


def test_wrong_layers_of_a_sequential_are_refused() -> None:
    with pytest.raises(TypeError, match=r"layer 0 is no module or function, but list"):
        nn.Sequential([nn.ReLU()])  # type: ignore[arg-type]
    assert nn.Sequential(ab.tanh, lambda x: 2 * x)(Tensor([0.0])).tolist() == [0.0]

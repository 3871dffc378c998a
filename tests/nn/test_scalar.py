"""Scalar nets: micrograd's programs run on them, with the same numbers."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from autograd_bp import Value, nn
from autograd_bp.nn import MLP, Layer, Neuron


def moons(n: int, seed: int) -> tuple[Any, Any]:
    """Two half circles, as scikit-learn's `make_moons`, and their classes -1 and 1."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0.0, np.pi, n // 2)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)])
    points = np.concatenate([upper, lower]) + rng.normal(0.0, 0.1, (2 * len(angle), 2))
    return points, np.repeat([-1, 1], len(angle))


# What a program written for micrograd does, its demo above all; `V` and `model` are of either.


def loss(V: Any, model: Any, X: Any, y: Any) -> tuple[Any, float]:
    inputs = [list(map(V, xrow)) for xrow in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    alpha = 1e-4
    reg_loss = alpha * sum((p * p for p in model.parameters()))  # noqa: UP034
    total_loss = data_loss + reg_loss
    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
    return total_loss, sum(accuracy) / len(accuracy)


def step(V: Any, model: Any, X: Any, y: Any, k: int) -> tuple[float, float]:
    total_loss, acc = loss(V, model, X, y)
    model.zero_grad()
    total_loss.backward()
    learning_rate = 1.0 - 0.9 * k / 100
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    return total_loss.data, acc


def compare_with_micrograd(samples: int, steps: int) -> None:
    engine = pytest.importorskip("micrograd.engine", reason="compares with micrograd")
    peer = pytest.importorskip("micrograd.nn", reason="compares with micrograd")
    X, y = moons(samples, 0)
    random.seed(1337)
    theirs = peer.MLP(2, [16, 16, 1])
    random.seed(1337)
    ours = MLP(2, [16, 16, 1])
    assert repr(ours) == repr(theirs)
    assert len(ours.parameters()) == len(theirs.parameters()) == 337
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    for k in range(steps):
        left, right = step(Value, ours, X, y, k), step(engine.Value, theirs, X, y, k)
        assert left == pytest.approx(right, rel=1e-12)
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert mine.grad == pytest.approx(other.grad, rel=1e-9, abs=1e-13)
            assert mine.data == pytest.approx(other.data, rel=1e-9, abs=1e-13)


def test_micrograds_demo_gives_the_same_numbers_step_by_step() -> None:
    compare_with_micrograd(samples=16, steps=3)


@pytest.mark.slow
def test_micrograds_demo_at_full_size_gives_the_same_numbers() -> None:
    compare_with_micrograd(samples=100, steps=5)


def test_the_demo_separates_the_moons() -> None:
    X, y = moons(40, 0)
    model = MLP(2, [8, 8, 1], rng=2)
    first = step(Value, model, X, y, 80)
    for _ in range(50):
        last = step(Value, model, X, y, 80)
    assert last[0] < 0.32 < 1.0 < first[0]
    assert last[1] >= 0.85 > first[1]


def test_a_neuron_is_relu_of_a_weighted_sum() -> None:
    neuron = Neuron(3, rng=0)
    for w, number in zip(neuron.w, (1.0, -2.0, 0.5), strict=True):
        w.data = number
    neuron.b.data = 0.25
    assert neuron([1.0, 1.0, 2.0]).data == 0.25
    assert neuron([0.0, 1.0, 0.0]).data == 0.0
    out = neuron([Value(3.0), Value(1.0), Value(2.0)])
    out.backward()
    assert [w.grad for w in neuron.w] == [3.0, 1.0, 2.0]
    assert neuron.b.grad == 1.0
    assert Neuron(2, nonlin=False, rng=0)([-100.0, -100.0]).data != 0.0


def test_a_layer_gives_a_list_and_a_single_neuron_its_value() -> None:
    assert [type(out) for out in Layer(2, 3, rng=0)([1.0, 2.0])] == [Value] * 3
    assert type(Layer(2, 1, rng=0)([1.0, 2.0])) is Value
    assert isinstance(MLP(2, [3, 2], rng=0)([1.0, 2.0]), list)


def test_zero_grad_sets_zeros_as_micrograd_does() -> None:
    model = MLP(2, [2, 1], rng=0)
    model.zero_grad()
    assert {p.grad for p in model.parameters()} == {0.0}
    model([1.0, 2.0]).backward()
    once = [p.grad for p in model.parameters()]
    model([1.0, 2.0]).backward()
    assert [p.grad for p in model.parameters()] == [2 * g for g in once]


def test_weights_come_from_a_seed_or_from_pythons_random_module() -> None:
    assert MLP(2, [3, 1], rng=5).state_dict() == MLP(2, [3, 1], rng=5).state_dict()
    random.seed(0)
    expected = [random.uniform(-1, 1) for _ in range(2)]
    random.seed(0)
    assert [w.data for w in Neuron(2).w] == expected
    rng = np.random.default_rng(5)
    drawn = [w.data for w in Layer(2, 2, rng=rng).parameters() if w.data != 0.0]
    assert len(set(drawn)) == 4
    assert all(-1 <= w < 1 for w in drawn)


def test_names_say_where_a_weight_is() -> None:
    model = MLP(2, [2, 1], rng=0)
    assert [name for name, _ in model.named_parameters()] == [
        "layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.b",
        "layers.0.neurons.1.w.0", "layers.0.neurons.1.w.1", "layers.0.neurons.1.b",
        "layers.1.neurons.0.w.0", "layers.1.neurons.0.w.1", "layers.1.neurons.0.b",
    ]  # fmt: skip
    assert model.layers[0].neurons[1].b.name == "layers.0.neurons.1.b"


def test_a_state_goes_from_one_net_to_another() -> None:
    one, other = MLP(3, [4, 1], rng=0), MLP(3, [4, 1], rng=1)
    other.load_state_dict(one.state_dict())
    assert other([1.0, 2.0, 3.0]).data == one([1.0, 2.0, 3.0]).data


def test_a_wrong_number_of_inputs_and_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ReLUNeuron\(2\) takes 2 inputs, not 3"):
        MLP(2, [3, 1])([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="nouts has a width for each layer"):
        MLP(2, [])
    with pytest.raises(ValueError, match="nin is a whole number from 1 on"):
        Neuron(0)


def test_repr_is_that_of_micrograd() -> None:
    assert repr(MLP(2, [2, 1])) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )


def test_a_scalar_net_is_summed_up() -> None:
    assert nn.MLP(2, [16, 16, 1], rng=0).summary().count == 337

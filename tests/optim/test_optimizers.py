"""Optimisers: numbers worked out by hand, groups, Values, state, and what is refused."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import nn, optim

from .problems import gradients, run, start

ALL: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5, "centered": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.1}),
]
every_optimizer = pytest.mark.parametrize(("name", "settings"), ALL, ids=[n for n, _ in ALL])


def made(name: str, params: Any, settings: dict[str, Any]) -> optim.Optimizer:
    optimizer = getattr(optim, name)(params, **settings)
    assert isinstance(optimizer, optim.Optimizer)
    return optimizer


def course(optimizer: optim.Optimizer, w: ab.Tensor, *given: float) -> list[float]:
    """The weight after each step with these gradients."""
    return [
        float(weights[0][0]) for weights in run(optimizer, [w], [[np.array([g])] for g in given])
    ]


# -- by hand --------------------------------------------------------------------------------------


def test_sgd_goes_down_the_gradient() -> None:
    w = ab.Tensor([1.0])
    assert course(optim.SGD([w], lr=0.5), w, 1.0, -2.0) == [0.5, 1.5]


def test_momentum_adds_up_gradients() -> None:
    w = ab.Tensor([1.0])  # velocities 1, 1.5, 0.75
    assert course(optim.SGD([w], lr=0.5, momentum=0.5), w, 1.0, 1.0, 0.0) == [0.5, -0.25, -0.625]


def test_nesterov_looks_ahead() -> None:
    w = ab.Tensor([1.0])  # steps 0.5 * (1 + 0.5 * 1), 0.5 * (1 + 0.5 * 1.5)
    assert course(optim.SGD([w], lr=0.5, momentum=0.5, nesterov=True), w, 1.0, 1.0) == [
        0.25,
        -0.625,
    ]


def test_dampening_leaves_the_first_gradient_whole() -> None:
    w = ab.Tensor([1.0])  # velocities 1, 0.5 + 0.25
    optimizer = optim.SGD([w], lr=1.0, momentum=0.5, dampening=0.75)
    assert course(optimizer, w, 1.0, 1.0) == [0.0, -0.75]


def test_weight_decay_pulls_to_zero() -> None:
    w = ab.Tensor([4.0])
    assert course(optim.SGD([w], lr=0.5, weight_decay=0.5), w, 0.0, 1.0) == [3.0, 1.75]


def test_adagrad_divides_by_all_squares_so_far() -> None:
    w = ab.Tensor([1.0])  # sums 9, 25
    assert course(optim.Adagrad([w], lr=1.0, eps=0.0), w, 3.0, 4.0) == pytest.approx([0.0, -0.8])


def test_rmsprop_divides_by_the_running_average() -> None:
    w = ab.Tensor([1.0])  # averages 0.25 * 4 = 1, 0.75 * 1 + 0.25 * 1 = 1
    assert course(optim.RMSprop([w], lr=0.5, alpha=0.75, eps=0.0), w, 2.0, 1.0) == [0.0, -0.5]


def test_adam_takes_steps_of_the_rate_at_first() -> None:
    w = ab.Tensor([1.0])
    optimizer = optim.Adam([w], lr=0.25, betas=(0.5, 0.75), eps=0.0)
    # m = 1.5, 0.75 - 0.5; v = 9/4, 27/16 + 1/4; divided by 1 - 0.5**2 and 1 - 0.75**2
    second = (0.25 / 0.75) / math.sqrt((31 / 16) / (7 / 16))
    assert course(optimizer, w, 3.0, -1.0) == pytest.approx([0.75, 0.75 - 0.25 * second])


def test_adamw_decays_the_weight_and_not_the_gradient() -> None:
    w = ab.Tensor([1.0])
    optimizer = optim.AdamW([w], lr=0.5, weight_decay=0.5, eps=0.0)
    assert course(optimizer, w, 1.0) == pytest.approx([1.0 - 0.25 - 0.5])


def test_the_papers_spelling_is_known_too() -> None:
    assert (optim.AdaGrad, optim.RMSProp) == (optim.Adagrad, optim.RMSprop)


# -- parameters -----------------------------------------------------------------------------------


@every_optimizer
def test_a_quadratic_is_minimised(name: str, settings: dict[str, Any]) -> None:
    w = ab.Tensor([3.0, -2.0])
    settings = {**settings, "weight_decay": 0.0}
    if name == "Adagrad":
        settings = {"lr": 1.0}
    optimizer = made(name, [w], settings)
    for _ in range(600):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert np.abs(w.data).max() < 0.02


@every_optimizer
@given(data=st.data())
def test_values_go_the_way_of_an_array(name: str, settings: dict[str, Any], data: Any) -> None:
    """Also when some have no gradient in some steps."""
    begin = [1.0, -2.0, 0.5]
    values = [ab.Value(x) for x in begin]
    tensors = [ab.Tensor(x) for x in begin]
    on_values, on_tensors = made(name, values, settings), made(name, tensors, settings)
    for _ in range(4):
        for value, tensor in zip(values, tensors, strict=True):
            gradient = data.draw(st.none() | st.floats(-10, 10))
            value.grad = gradient
            tensor.grad = None if gradient is None else np.array(gradient)
        on_values.step()
        on_tensors.step()
        assert [value.data for value in values] == [tensor.item() for tensor in tensors]
    assert all(type(value.data) is float for value in values)


@every_optimizer
def test_a_parameter_without_a_gradient_is_left_alone(name: str, settings: dict[str, Any]) -> None:
    moved, still = ab.Tensor([1.0]), ab.Tensor([1.0])
    optimizer = made(name, [moved, still], settings)
    moved.grad = np.array([1.0])
    optimizer.step()
    assert moved.item() != 1.0
    assert still.item() == 1.0
    assert optimizer.state_dict()["state"][1] == {"steps": 0, "buffers": {}}


@every_optimizer
def test_float32_stays_float32_and_gradients_are_left_as_they_are(
    name: str, settings: dict[str, Any]
) -> None:
    w = ab.Tensor(np.ones((2, 3), np.float32))
    optimizer = made(name, [w], settings)
    gradient = np.full((2, 3), 0.5, np.float32)
    gradient.flags.writeable = False
    w.grad = gradient
    for _ in range(3):
        optimizer.step()
    assert w.dtype == np.float32
    assert w.grad is gradient
    state = optimizer.state_dict()["state"][0]["buffers"]
    assert {array.dtype for array in state.values()} == {np.dtype(np.float32)}


@every_optimizer
def test_a_model_turned_into_another_dtype_goes_on_in_it(
    name: str, settings: dict[str, Any]
) -> None:
    model = nn.Linear(3, 2, rng=0)
    optimizer = made(name, model.parameters(), settings)
    x = np.ones((4, 3), np.float32)
    for dtype in (np.float64, np.float32):
        model.astype(dtype)
        for _ in range(3):
            optimizer.zero_grad()
            loss = (model(x.astype(dtype)) ** 2).sum()
            loss.backward()
            optimizer.step()
        assert {p.dtype for p in model.parameters()} == {np.dtype(dtype)}
    arrays = [a for entry in optimizer.state_dict()["state"] for a in entry["buffers"].values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert np.isfinite(model.weight.data).all()


def test_updates_are_in_place_where_nobody_else_has_the_array() -> None:
    w = ab.Tensor(np.ones(1000))
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = np.ones(1000)
    optimizer.step()
    place = w.data.ctypes.data
    optimizer.step()
    assert w.data.ctypes.data == place


@every_optimizer
@given(kept=st.lists(st.sampled_from(["graph", "array", "view", None]), min_size=6, max_size=6))
def test_steps_change_no_graph_recorded_before_and_are_the_same_whoever_holds_the_weights(
    name: str, settings: dict[str, Any], kept: list[str | None]
) -> None:
    w, alone = ab.Tensor([3.0, -1.0]), ab.Tensor([3.0, -1.0])
    optimizer, other = made(name, [w], settings), made(name, [alone], settings)
    graphs, held = [], []
    for what in kept:
        graph = (w * w).sum()
        graph.backward()
        if what == "graph":
            graphs.append((graph, 2.0 * w.numpy()))
        elif what is not None:
            held.append(w.data if what == "array" else w.data[:1])
        alone.grad = 2.0 * alone.numpy()
        del graph
        optimizer.step()
        optimizer.zero_grad()
        other.step()
        np.testing.assert_array_equal(w.data, alone.data)
    for graph, gradient in graphs:
        np.testing.assert_array_equal(ab.gradients(graph, [w])[0], gradient)


def test_a_step_while_the_last_loss_is_held_copies_nothing() -> None:
    w = ab.Tensor(np.ones(100_000))
    optimizer = optim.SGD([w], lr=0.1)
    peaks = []
    for _ in range(4):
        loss = (w * w).sum()
        optimizer.zero_grad()
        loss.backward()
        tracemalloc.start()
        optimizer.step()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] > w.data.nbytes
    assert max(peaks[1:]) < 10_000


def test_groups_have_settings_of_their_own() -> None:
    a, b = ab.Tensor([1.0]), ab.Tensor([1.0])
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.25}], lr=0.5)
    a.grad = b.grad = np.array([1.0])
    optimizer.step()
    assert (a.item(), b.item()) == (0.5, 0.75)
    optimizer.param_groups[0]["lr"] = 0.125
    optimizer.step()
    assert (a.item(), b.item()) == (0.375, 0.5)
    c = ab.Tensor([1.0])
    optimizer.add_param_group({"params": [("c", c)], "momentum": 0.5})
    c.grad = np.array([1.0])
    optimizer.step()
    assert c.item() == 0.5
    optimizer.zero_grad()
    assert (a.grad, b.grad, c.grad) == (None, None, None)
    assert "momentum=0.5" in repr(optimizer)


def test_parameters_may_come_from_a_generator_and_with_names() -> None:
    model = nn.Linear(2, 1, rng=0)
    optimizer = optim.Adam(pair for pair in model.named_parameters())
    assert optimizer.param_groups[0]["names"] == ["weight", "bias"]
    assert len(optim.Adam(iter(model.parameters())).param_groups[0]["params"]) == 2


# -- what is refused ------------------------------------------------------------------------------

W = ab.Tensor([1.0], name="w")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: optim.SGD([W], lr=-1.0), ValueError, "lr must not be negative"),
        (lambda: optim.SGD([W], lr=math.nan), ValueError, "lr must be finite"),
        (lambda: optim.SGD([W], lr=math.inf), ValueError, "lr must be finite"),
        (lambda: optim.SGD([W], lr="0.1"), TypeError, "lr must be a number, not str"),
        (lambda: optim.SGD([W], lr=True), TypeError, "lr must be a number, not bool"),
        (lambda: optim.SGD([W], momentum=1.0), ValueError, "momentum must be .* below 1"),
        (lambda: optim.SGD([W], nesterov=True), ValueError, "nesterov=True needs a momentum"),
        (lambda: optim.SGD([W], momentum=0.9, nesterov=1), TypeError, "nesterov must be True or"),
        (lambda: optim.Adam([W], betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be"),
        (lambda: optim.Adam([W], betas=0.9), TypeError, "betas must be two numbers"),
        (lambda: optim.Adam([W], eps=-1e-8), ValueError, "eps must not be negative"),
        (lambda: optim.SGD([]), ValueError, "needs at least one parameter"),
        (lambda: optim.SGD(W), TypeError, r"several parameters: write \[w\]"),
        (lambda: optim.SGD(nn.Linear(1, 1)), TypeError, r"Linear: pass its \.parameters\(\)"),
        (lambda: optim.SGD([1.0]), TypeError, "parameter 0 is a float"),
        (lambda: optim.SGD([np.ones(2)]), TypeError, "parameter 0 is a ndarray"),
        (lambda: optim.SGD([W, W]), ValueError, "is given twice"),
        (lambda: optim.SGD([("w", W), ("v", W)]), ValueError, "the parameter 'v' is given twice"),
        (lambda: optim.SGD([W * 2.0]), ValueError, "is the result of mul"),
        (lambda: optim.SGD([{"lr": 1.0}]), ValueError, "needs 'params'"),
        (lambda: optim.SGD([{"params": []}]), ValueError, "at least one parameter"),
        (
            lambda: optim.SGD([{"params": [W], "momentun": 1}]),
            ValueError,
            "did you mean 'momentum'",
        ),
        (lambda: optim.SGD([{"params": [W], "lr": -1}]), ValueError, "lr must not be negative"),
        (lambda: optim.SGD({"params": [W]}), TypeError, "not dict"),
        (lambda: optim.SGD([{"params": [W]}, {"params": [W]}]), ValueError, "given twice"),
    ],
)
def test_wrong_settings_and_parameters_are_refused(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_setting_that_is_changed_is_checked_too() -> None:
    group = optim.SGD([W], lr=0.5).param_groups[0]
    with pytest.raises(ValueError, match="lr must be finite"):
        group["lr"] = math.nan
    with pytest.raises(ValueError, match="lr must not be negative"):
        group.update(momentum=0.5, lr=-1.0)
    assert (group["lr"], group["momentum"]) == (0.5, 0.0)
    group["lr"] = np.float64(0.25)
    assert type(group["lr"]) is float


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (np.ones(3), ValueError, "has shape \\(3,\\)"),
        ([1.0], TypeError, "must be an array, not list"),
        (1.0, TypeError, "must be an array, not float"),
    ],
)
def test_a_wrong_gradient_stops_the_step_before_anything_changes(
    gradient: Any, error: type[Exception], message: str
) -> None:
    first, second, third = ab.Tensor([1.0]), ab.Tensor([1.0], name="second"), ab.Value(1.0)
    optimizer = optim.Adam([first, second, third])
    first.grad, second.grad, third.grad = np.ones(1), gradient, 1.0
    with pytest.raises(error, match=f"'second'.*{message}"):
        optimizer.step()
    second.grad, third.grad = np.ones(1), "x"
    with pytest.raises(TypeError, match="must be a number, not str"):
        optimizer.step()
    assert (first.item(), second.item(), third.data) == (1.0, 1.0, 1.0)
    assert optimizer.state_dict()["state"][0]["steps"] == 0


# -- state ----------------------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_loaded_optimizer_goes_on_as_the_saved_one_would(
    name: str, settings: dict[str, Any], suffix: str, tmp_path: Path
) -> None:
    def parameters() -> list[Any]:
        tensors = [ab.Tensor(array) for array in start()]
        return [*tensors, ab.Value(1.0), ab.Value(2.0), ab.Value(3.0)]

    def steps(optimizer: optim.Optimizer, params: list[Any], given: Any, seed: int) -> None:
        numbers = np.random.default_rng(seed).normal(size=(len(given), 3))
        for step, row in zip(given, numbers, strict=True):
            for parameter, gradient in zip(params, [*step, *row.tolist()], strict=True):
                parameter.grad = gradient
            params[4].grad = None if seed == 0 else params[4].grad
            optimizer.step()

    params = parameters()
    optimizer = made(name, params, settings)
    steps(optimizer, params, gradients(3), 0)
    optimizer.param_groups[0]["lr"] = 0.03
    ab.save(tmp_path / f"o{suffix}", optimizer.state_dict())
    others = parameters()
    for other, parameter in zip(others, params, strict=True):
        other.data = parameter.data
    restored = made(name, others, settings)
    restored.load_state_dict(ab.load(tmp_path / f"o{suffix}"))
    for each, owned in ((optimizer, params), (restored, others)):
        steps(each, owned, gradients(3, seed=5), 1)
    for other, parameter in zip(others, params, strict=True):
        np.testing.assert_array_equal(np.asarray(other.data), np.asarray(parameter.data))


def test_a_state_is_a_copy() -> None:
    w = ab.Tensor([1.0])
    optimizer = optim.SGD([w], momentum=0.5)
    w.grad = np.ones(1)
    optimizer.step()
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    optimizer.step()
    assert state["state"][0]["buffers"]["velocity"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("state"), "no state of an optimiser"),
        (lambda s: s.update(state=3), "no state of an optimiser"),
        (lambda s: s["param_groups"].append({}), "2 parameter groups, and the optimiser 1"),
        (lambda s: s["state"].pop(), "for 1 parameters, and the optimiser has 2"),
        (lambda s: s["param_groups"][0].update(names=["a", "x"]), "'a', 'x'.*'a', 'b'"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), "lr must not be negative"),
        (lambda s: s["param_groups"][0].pop("lr"), r"\['lr'\] are missing"),
        (lambda s: s["param_groups"][0].update(betas=1), r"\['betas'\] are not its"),
        (lambda s: s["state"][1].update(steps=-1), "steps must be at least 0"),
        (lambda s: s["state"][1].pop("steps"), "must hold steps and buffers"),
        (
            lambda s: s["state"][1]["buffers"].update(velocity=np.ones(7)),
            r"velocity of the parameter .*shape \(7,\).*should be float64 of shape \(2,\)",
        ),
        (
            lambda s: s["state"][1]["buffers"].update(velocity=np.ones(2, np.float32)),
            "velocity of the parameter .* is float32",
        ),
    ],
)
def test_a_state_of_something_else_is_refused_and_nothing_changes(
    change: Callable[[Any], Any], message: str
) -> None:
    params = [("a", ab.Tensor([1.0])), ("b", ab.Tensor([1.0, 2.0]))]
    optimizer = optim.SGD(params, lr=0.5, momentum=0.5)
    for _, parameter in params:
        parameter.grad = np.ones(parameter.shape)
    optimizer.step()
    before = repr(optimizer.state_dict())
    state = optimizer.state_dict()
    state["param_groups"][0]["momentum"] = 0.75
    change(state)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before

"""Losses: values worked out by hand, extremes, derivatives, and what is refused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value, nn
from autograd_bp.testing import check

# -- values by hand -------------------------------------------------------------------------------


def test_quadratic_cost_is_half_the_squared_distance_averaged_over_samples() -> None:
    a, y = Tensor([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 1.0]])
    assert nn.quadratic_cost(a, y).item() == (5.0 / 2 + 10.0 / 2) / 2
    assert nn.quadratic_cost(a, y, reduction="sum").item() == 7.5
    assert nn.quadratic_cost(a, y, reduction="none").tolist() == [2.5, 5.0]
    assert nn.quadratic_cost(Tensor([3.0, 4.0]), [0.0, 0.0]).item() == 12.5
    nn.quadratic_cost(a, y).backward()
    assert a.grad.tolist() == [[0.5, 1.0], [-1.5, -0.5]]  # (a - y) / n


def test_losses_of_numbers_take_values() -> None:
    x = Value(3.0)
    loss = nn.quadratic_cost(x, 1.0)
    assert loss.data == 2.0
    loss.backward()
    assert x.grad == 2.0
    assert nn.mse(x, 1.0).data == 4.0
    assert nn.mae(Value(-2.0), 1.0).data == 3.0
    assert nn.huber(Value(3.0), 0.0).data == 2.5
    assert nn.hinge(Value(0.25), -1).data == 1.25
    assert nn.binary_cross_entropy(Value(0.5), 1).data == pytest.approx(math.log(2))
    assert nn.binary_cross_entropy_with_logits(Value(0.0), 1).data == pytest.approx(math.log(2))


def test_the_reductions() -> None:
    x, t = Tensor([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))
    assert nn.mse(x, t).item() == 7.5
    assert nn.mse(x, t, reduction="sum").item() == 30.0
    assert nn.mse(x, t, reduction="batchmean").item() == 15.0
    assert nn.mse(x, t, reduction="none").tolist() == [[1.0, 4.0], [9.0, 16.0]]
    assert nn.mse(x[0], t[0], reduction="batchmean").item() == 2.5


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_their_number() -> None:
    logits = Tensor(np.full((3, 4), 2.0))
    loss = nn.cross_entropy(logits, [0, 1, 3])
    assert loss.item() == pytest.approx(math.log(4), rel=1e-15)
    loss.backward()
    expected = (np.full((3, 4), 0.25) - np.eye(4)[[0, 1, 3]]) / 3
    np.testing.assert_allclose(logits.grad, expected, rtol=1e-15)


def test_integer_and_one_hot_targets_are_the_same() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 3))
    labels = np.array([0, 2, 1, 1, 0])
    for settings_ in ({}, {"label_smoothing": 0.2}, {"reduction": "sum"}, {"reduction": "none"}):
        expected = nn.cross_entropy(logits, labels, **settings_)
        for hot in (np.eye(3)[labels], np.eye(3, dtype=int)[labels], Tensor(np.eye(3)[labels])):
            np.testing.assert_allclose(
                np.asarray(getattr(nn.cross_entropy(logits, hot, **settings_), "data", expected)),
                expected, rtol=1e-14,
            )  # fmt: skip
    for targets in (labels.tolist(), labels.astype(np.uint8), Tensor(labels, requires_grad=False)):
        found = nn.cross_entropy(Tensor(logits), targets).item()
        assert found == pytest.approx(nn.cross_entropy(logits, labels))


def test_cross_entropy_of_one_sample_and_of_many_axes() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    t = np.array([[0, 1, 2], [3, 3, 0]])
    each = nn.cross_entropy(x, t, reduction="none")
    assert each.shape == (2, 3)
    assert nn.cross_entropy(Tensor(x[1, 2]), 0).item() == pytest.approx(each[1, 2])
    assert nn.cross_entropy(x, t, reduction="batchmean") == pytest.approx(each.sum() / 2)
    moved = nn.cross_entropy(np.moveaxis(x, -1, 1), t, axis=1)
    assert moved == pytest.approx(each.mean())


def test_weights_of_classes() -> None:
    x = np.random.default_rng(0).normal(size=(3, 2))
    t = np.array([0, 1, 1])
    each = nn.cross_entropy(x, t, reduction="none")
    weighted = nn.cross_entropy(x, t, weight=[1.0, 3.0])
    assert weighted == pytest.approx((each[0] + 3 * each[1] + 3 * each[2]) / 7)
    assert nn.cross_entropy(x, t, weight=[1.0, 3.0], reduction="sum") == pytest.approx(7 * weighted)


def test_binary_cross_entropy_summed_over_outputs_is_that_of_exercise_4() -> None:
    rng = np.random.default_rng(0)
    h, y = rng.uniform(0.01, 0.99, (5, 3)), rng.integers(0, 2, (5, 3))
    by_hand = (-y * np.log(h) - (1 - y) * np.log(1 - h)).sum() / 5
    assert nn.binary_cross_entropy(Tensor(h), y, reduction="batchmean").item() == pytest.approx(
        by_hand, rel=1e-14
    )
    z = np.log(h) - np.log1p(-h)
    found = nn.binary_cross_entropy_with_logits(Tensor(z), y, reduction="batchmean").item()
    assert found == pytest.approx(by_hand, rel=1e-13)


def test_penalties_leave_biases_out_on_request() -> None:
    net = nn.Sequential(nn.Linear(2, 2, init=nn.init.constant(2.0)), nn.LSTMCell(1, 1, rng=0))
    net[0].bias.data = [5.0, 5.0]
    cell = sum(float((w.data**2).sum()) for w in (net[1].weight_ih, net[1].weight_hh))
    assert nn.l2_penalty(net, biases=False).item() == pytest.approx(16.0 + cell)
    assert nn.l2_penalty(net).item() == pytest.approx(16.0 + 50.0 + cell)
    assert nn.l1_penalty([net[0].weight]).item() == 8.0
    model = nn.MLP(1, [1], rng=0)
    model.layers[0].neurons[0].b.data = 7.0
    (w,) = model.layers[0].neurons[0].w
    assert nn.l2_penalty(model, biases=False).data == w.data**2
    assert nn.l2_penalty(model).data == w.data**2 + 49.0
    nn.l2_penalty(net).backward()
    np.testing.assert_array_equal(net[0].weight.grad, 2 * net[0].weight.data)


def test_kl_divergence_from_a_distribution_to_itself_is_zero() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(4), 3)
    q = Tensor(np.log(p))
    assert nn.kl_divergence(q, p, reduction="batchmean").item() == pytest.approx(0.0, abs=1e-15)
    hot = np.eye(4)[[0, 1, 2]]
    found = nn.kl_divergence(q, hot, reduction="batchmean")
    assert found.item() == pytest.approx(-np.log(p[[0, 1, 2], [0, 1, 2]]).mean())


# -- extremes -------------------------------------------------------------------------------------

EXTREME = (0.0, 1e4, -745.0, 1e308, -1e308, -math.inf, math.inf, 5e-324)


def finite(loss: Callable[[Any], Any], x: Any) -> None:
    operand = Tensor(x)
    value = loss(operand)
    assert np.isfinite(value.data).all(), (x, value)
    value.sum().backward() if value.shape else value.backward()
    assert np.isfinite(operand.grad).all(), (x, operand.grad)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_finite_at_every_extreme(
    smoothing: float, reduction: Any, dtype: Any
) -> None:
    most = np.finfo(dtype).max
    for pair in itertools.product(EXTREME, repeat=2):
        row = [x if math.isinf(x) else float(np.clip(x, -most, most)) for x in pair]
        logits = np.array([row, [0.0, 1.0]], dtype)
        for label in (0, 1):
            finite(
                lambda x, label=label: nn.cross_entropy(
                    x, [label, 0], label_smoothing=smoothing, reduction=reduction
                ),
                logits,
            )


@pytest.mark.parametrize("x", EXTREME)
@pytest.mark.parametrize("t", [0.0, 0.5, 1.0])
def test_losses_are_finite_at_every_extreme(x: float, t: float) -> None:
    finite(lambda x: nn.binary_cross_entropy_with_logits(x, [t, 1 - t]), np.array([x, -x]))
    if math.isfinite(x):
        finite(lambda x: nn.huber(x, [t, t]), np.array([x, x]))
        finite(lambda x: nn.mae(x, [t, t]), np.array([x, x]))
        finite(lambda x: nn.hinge(x, [1, -1]), np.array([x, x]))
    finite(lambda x: nn.kl_divergence(x, [t, 1 - t]), np.array([min(x, 0.0), -1.0]))
    p = min(max(x, 0.0), 1.0)
    finite(lambda x: nn.binary_cross_entropy(x, [t, t]), np.array([p, 1 - p]))


def test_a_sure_and_right_prediction_keeps_its_digits() -> None:
    logits = Tensor([[40.0, 0.0], [0.0, 700.0]])
    loss = nn.cross_entropy(logits, [0, 1], reduction="none")
    np.testing.assert_allclose(loss.data, [math.exp(-40), math.exp(-700)], rtol=1e-14)
    loss.sum().backward()
    small = math.exp(-40) / (1 + math.exp(-40))
    np.testing.assert_allclose(logits.grad[0], [-small, small], rtol=1e-14)


def test_classes_that_are_masked_out_get_no_gradient() -> None:
    logits = Tensor([[1.0, -math.inf, 1.0]])
    loss = nn.cross_entropy(logits, [0])
    assert loss.item() == pytest.approx(math.log(2))
    loss.backward()
    assert logits.grad.tolist() == [[-0.5, 0.0, 0.5]]


def test_probabilities_of_exactly_0_and_1_are_limited_as_documented() -> None:
    p = Tensor([0.0, 1.0, 0.0, 1.0])
    loss = nn.binary_cross_entropy(p, [0, 1, 1, 0], reduction="none")
    np.testing.assert_allclose(
        loss.data, [0.0, 0.0, -math.log(2.0**-1022), 53 * math.log(2)], atol=2e-16
    )


def test_nan_shows() -> None:
    x = Tensor([[math.nan, 0.0]])
    assert math.isnan(nn.cross_entropy(x, [0]).item())
    assert math.isnan(nn.binary_cross_entropy(x, [[0.0, 1.0]]).item())
    assert math.isnan(nn.mse(x, [[0.0, 1.0]]).item())


# -- derivatives ----------------------------------------------------------------------------------

LOSSES: dict[str, Callable[..., Any]] = {
    "quadratic cost": lambda x: nn.quadratic_cost(x, np.array([[0.5, -1.0], [2.0, 0.0]])),
    "mse": lambda x: nn.mse(x, np.array([[0.5, -1.0], [2.0, 0.0]])),
    "cross entropy": lambda x: nn.cross_entropy(x, np.array([1, 0])),
    "weighted": lambda x: nn.cross_entropy(x, np.array([1, 0]), weight=[2.0, 1.0]),
    "smoothed": lambda x: nn.cross_entropy(x, np.array([1, 0]), label_smoothing=0.25),
    "each": lambda x: nn.cross_entropy(x, np.array([1, 0]), reduction="none"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_of_losses(name: str) -> None:
    about = {"args": [np.zeros((2, 2))], "domain": (-20.0, 20.0), "name": name}
    check(LOSSES[name], examples=20, **about).assert_ok()


@pytest.mark.parametrize("row", ["cross_entropy", "label_errors", "soft_cross_entropy"])
def test_faults_planted_in_the_rows_are_found(row: str) -> None:
    report = check(ab.rules.ROWS[row], examples=60, mutate=True)
    report.assert_ok()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_second_derivatives_of_cross_entropy_agree_with_differences(
    n: int, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, v, t = rng.normal(size=(n, k)), rng.normal(size=(n, k)), rng.integers(0, k, n)
    slope = ab.grad(lambda x: nn.cross_entropy(x, t))
    differences = (slope(x + 1e-5 * v) - slope(x - 1e-5 * v)) / 2e-5
    found = ab.hvp(lambda x: nn.cross_entropy(x, t), x, v)
    np.testing.assert_allclose(found, differences, atol=1e-9)
    p = rng.dirichlet(np.ones(k), n)
    slope = ab.grad(lambda x: nn.cross_entropy(x, p))
    differences = (slope(x + 1e-5 * v) - slope(x - 1e-5 * v)) / 2e-5
    found = ab.hvp(lambda x: nn.cross_entropy(x, p), x, v)
    np.testing.assert_allclose(found, differences, atol=1e-9)


def test_float32_stays_float32() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    p = np.full((3, 4), 0.25)
    for loss in (
        nn.mse(Tensor(x), p), nn.mae(Tensor(x), p), nn.huber(Tensor(x), p),
        nn.quadratic_cost(Tensor(x), p), nn.cross_entropy(Tensor(x), [0, 1, 2]),
        nn.cross_entropy(Tensor(x), p),
        nn.cross_entropy(Tensor(x), [0, 1, 2], weight=[1, 2, 3, 4]),
        nn.cross_entropy(Tensor(x), [0, 1, 2], label_smoothing=0.1), nn.hinge(Tensor(x), 4 * p),
        nn.binary_cross_entropy(Tensor(np.abs(x) / 10), p), nn.kl_divergence(Tensor(x), p),
        nn.binary_cross_entropy_with_logits(Tensor(x), p),
        nn.cross_entropy(Tensor(x), [0, 1, 2], reduction="none"),
    ):  # fmt: skip
        assert loss.dtype == np.float32


# -- what is refused ------------------------------------------------------------------------------

X = Tensor(np.zeros((3, 4)), name="logits")
REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: nn.cross_entropy(X, [0, 1]), ValueError, "not of shape (2,)"),
    (lambda: nn.cross_entropy(X, [0, 1, 4]), ValueError, "go from 0 to 3; the targets have 4"),
    (lambda: nn.cross_entropy(X, [0, -1, 3]), ValueError, "go from 0 to 3; the targets have -1"),
    (lambda: nn.cross_entropy(X, [0.0, 1.0, 3.0]), TypeError, "integers, not float64"),
    (lambda: nn.cross_entropy(X, None), TypeError, "None"),
    (lambda: nn.cross_entropy(X, ["a", "b", "c"]), TypeError, "not text"),
    (lambda: nn.cross_entropy(Tensor(1.0), 0), ValueError, "an axis of classes"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], axis=2), np.exceptions.AxisError, "axis 2"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], weight=[1, 2]), ValueError, "each of the 4 classes"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], weight=[1, 2, 3, -1]), ValueError, "from 0 on"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], label_smoothing=2), ValueError, "label_smoothing"),
    (lambda: nn.cross_entropy(X, [0, 1, 2], reduction="avg"), ValueError, "reduction is one of"),
    (lambda: nn.cross_entropy(np.zeros((0, 4)), []), ValueError, "there is nothing in logits"),
    (lambda: nn.mse(Tensor(np.zeros((3, 1))), np.zeros(3)), ValueError, "they must be the same"),
    (lambda: nn.mse(X, np.zeros((3, 4)), reduction="avg"), ValueError, "reduction is one of"),
    (lambda: nn.mse(np.zeros((0, 2)), np.zeros((0, 2))), ValueError, "no mean of losses"),
    (lambda: nn.mse(X, ["a"]), TypeError, "not text"),
    (lambda: nn.huber(X, X, delta=0.0), ValueError, "delta is a number above 0"),
    (lambda: nn.binary_cross_entropy(X + 2.0, np.ones((3, 4))), ValueError, "with_logits"),
    (lambda: nn.binary_cross_entropy(X, 2 * np.ones((3, 4))), ValueError, "targets are numbers"),
    (lambda: nn.binary_cross_entropy_with_logits(X, -np.ones((3, 4))), ValueError, "from 0 to 1"),
    (lambda: nn.hinge(X, np.zeros((3, 4))), ValueError, "write 2 * targets - 1"),
    (lambda: nn.kl_divergence(X, 3 * np.ones((3, 4))), ValueError, "from 0 to 1"),
    (lambda: nn.l2_penalty([1.0, 2.0]), TypeError, "a list of parameters, not float"),
    (lambda: nn.l1_penalty(nn.ReLU()), ValueError, "no parameter counts"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_what_makes_no_sense_is_refused_with_what_to_do(case: int) -> None:
    call, kind, message = REFUSED[case]
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)
    assert X.grad is None


def test_targets_are_copied() -> None:
    labels = np.array([0, 1, 2])
    loss = nn.cross_entropy(X, labels)
    labels[:] = 3
    slope = ab.gradients(loss, [X])[0]
    assert (slope[:, 3] > 0).all()


def test_losses_run_in_compiled_functions() -> None:
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(4, 5, rng=0), nn.Tanh(), nn.Linear(5, 3, rng=1))
    settings_: dict[str, Any]
    for settings_ in ({}, {"weight": [1.0, 2.0, 3.0]}, {"label_smoothing": 0.1}):

        def loss(x: Any, t: Any, s: dict[str, Any] = settings_) -> Any:
            return nn.cross_entropy(net(x), t, **s)

        compiled = ab.compile(loss)
        for _ in range(2):  # the targets of the second call are not those of the first
            x, t = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
            assert float(compiled(x, t)) == pytest.approx(loss(x, t).item(), rel=1e-14)
    compiled = ab.compile(lambda x, t: nn.cross_entropy(net(x), t))
    with pytest.raises(ValueError, match="the targets have 3"):
        compiled(np.ones((2, 4)), np.array([0, 3]))

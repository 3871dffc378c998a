"""The training loop: what it learns, what it records, when it stops, what it refuses."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import datasets, nn, optim
from autograd_bp.training import accuracy, evaluate

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ np.array([[1.0], [-2.0], [0.5]])
CLASSES = (Y[:, 0] > 0).astype(int)


def linear(lr: float = 0.1) -> tuple[Any, optim.SGD]:
    model = nn.Linear(3, 1, rng=0)
    return model, optim.SGD(model.named_parameters(), lr=lr)


def fit(model: Any, data: Any, *args: Any, **settings: Any) -> ab.History:
    return ab.fit(model, data, *args, **{"progress": False, **settings})


def test_the_loop_is_the_one_written_by_hand() -> None:
    model, optimizer = linear()
    history = fit(model, datasets.batches(X, Y, 8, 1), nn.mse, optimizer, 3)
    other, by_hand = linear()
    losses = []
    batches = datasets.batches(X, Y, 8, 1)
    for _ in range(3):
        for x, y in batches:
            loss = nn.mse(other(x), y)
            by_hand.zero_grad()
            loss.backward()
            by_hand.step()
            losses.append(loss.item())
    assert history.losses == losses
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name])
    assert history["loss"] == pytest.approx(np.mean(np.reshape(losses, (3, 5)), axis=1))
    assert history["lr"] == [0.1] * 3


def test_means_weigh_batches_by_their_rows() -> None:
    model, optimizer = linear(lr=0.0)
    history = fit(model, datasets.batches(X, Y, 7, 1), nn.mse, optimizer, 1)
    expected = evaluate(model, (X, Y), nn.mse)["loss"]
    assert history["loss"][0] == pytest.approx(expected)
    assert evaluate(model, datasets.batches(X, Y, 7, None), nn.mse)["loss"] == pytest.approx(
        expected
    )


def test_digits_are_learnt_with_metrics_and_validation() -> None:
    pytest.importorskip("sklearn")
    train, test = datasets.train_test_split(*datasets.digits(), 0.25, rng=0)
    model = nn.Sequential(nn.Linear(64, 32, rng=0), nn.ReLU(), nn.Linear(32, 10, rng=1))
    optimizer = optim.Adam(model.named_parameters(), lr=0.01)
    history = fit(
        model,
        datasets.batches(*train, 50, 0),
        nn.cross_entropy,
        optimizer,
        6,
        validation=test,
        metrics=[accuracy],
    )
    assert history.columns == ["loss", "accuracy", "validation loss", "validation accuracy", "lr"]
    assert max(history["validation accuracy"]) > 0.95
    assert evaluate(model, test, nn.cross_entropy, [accuracy])["accuracy"] == max(
        history["validation accuracy"][history.best_epoch - 1 : history.best_epoch]
    )


def test_a_scalar_net_learns_too() -> None:
    model = nn.MLP(3, [4, 1], rng=0)

    def loss(output: Any, target: Any) -> Any:
        return (output - float(target)) ** 2

    data = [(list(map(ab.Value, x)), y) for x, y in zip(X[:10].tolist(), Y[:10, 0], strict=True)]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    history = fit(model, data, loss, optimizer, 20)
    assert history["loss"][-1] < 0.5 * history["loss"][0]


def test_models_trained_in_several_threads_learn_what_they_learn_alone() -> None:
    def trained(seed: int) -> Any:
        model = nn.Sequential(
            nn.Linear(3, 8, rng=seed), nn.Dropout(0.3, rng=seed), nn.Linear(8, 1, rng=seed)
        )
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        fit(model, datasets.batches(X, Y, 8, seed), nn.mse, optimizer, 8, validation=(X, Y))
        return model.state_dict()

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(trained, range(4)))
    for seed, state in enumerate(together):
        for name, array in trained(seed).items():
            np.testing.assert_array_equal(state[name], array)


# -- best, patience, schedules --------------------------------------------------------------------


def figures(*course: float) -> Any:
    """A metric that takes this course over epochs, for training data of one batch."""
    remaining = list(course)
    return lambda _outputs, _targets: remaining.pop(0)


def test_training_stops_without_improvement_and_the_best_weights_come_back() -> None:
    model, optimizer = linear()
    kept: list[Any] = []
    history = fit(
        model,
        (X, Y),
        nn.mse,
        optimizer,
        20,
        metrics={"score": figures(1, 5, 3, 5, 4, 4)},
        monitor="score",
        maximize=True,
        patience=3,
        callback=lambda _: kept.append(model.state_dict()),
    )
    assert history.stopped == "no improvement"
    assert len(history) == 5
    assert history.best_epoch == 2
    np.testing.assert_array_equal(model.weight.data, kept[1]["weight"])
    assert not model.training


def test_improvements_within_min_delta_do_not_count() -> None:
    model, optimizer = linear()
    score = figures(10, 9.5, 9.2, 8.9, 8.5, 8)
    history = fit(
        model, (X, Y), nn.mse, optimizer, 6,
        metrics={"score": score}, monitor="score", patience=3, min_delta=1.0,
    )  # fmt: skip
    assert len(history) == 6
    assert history.best_epoch == 4


def test_nan_is_never_best() -> None:
    model, optimizer = linear()
    history = fit(
        model, (X, Y), nn.mse, optimizer, 3,
        metrics={"score": figures(math.nan, 2, math.nan)}, monitor="score",
    )  # fmt: skip
    assert history.best_epoch == 2


def test_the_last_weights_stay_unless_there_is_something_to_judge_by() -> None:
    model, optimizer = linear()
    last: list[Any] = []
    settings = {"callback": lambda _: last.append(model.state_dict()["weight"])}
    fit(model, (X, Y), nn.mse, optimizer, 3, **settings)
    np.testing.assert_array_equal(model.weight.data, last[-1])
    fit(model, (X, Y), nn.mse, optimizer, 3, validation=(X, -Y), **settings)
    np.testing.assert_array_equal(model.weight.data, last[3])
    fit(model, (X, Y), nn.mse, optimizer, 3, validation=(X, -Y), keep_best=False, **settings)
    np.testing.assert_array_equal(model.weight.data, last[-1])


def test_a_callback_stops_by_true_only() -> None:
    model, optimizer = linear()
    history = fit(model, (X, Y), nn.mse, optimizer, 5, callback=lambda h: np.bool_(len(h) == 2))
    assert (len(history), history.stopped) == (2, "callback")
    assert len(fit(model, (X, Y), nn.mse, optimizer, 2, callback=lambda _: "go on")) == 2


def test_schedules_step_by_epoch_or_batch_and_plateaus_see_the_figure() -> None:
    model, optimizer = linear()
    batches = datasets.batches(X, Y, 10, 0)
    history = fit(
        model, batches, nn.mse, optimizer, 3, schedule=optim.ExponentialLR(optimizer, 0.5)
    )
    assert history["lr"] == [0.1, 0.05, 0.025]
    model, optimizer = linear()
    schedule = optim.ExponentialLR(optimizer, 0.5)
    fit(model, batches, nn.mse, optimizer, 2, schedule=schedule, schedule_every="batch")
    assert schedule.steps == 8
    model, optimizer = linear()
    plateau = optim.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    history = fit(
        model, (X, Y), nn.mse, optimizer, 4,
        schedule=plateau, metrics={"score": figures(1, 2, 2, 2)}, monitor="score",
    )  # fmt: skip
    assert history["lr"] == [0.1, 0.1, 0.05, 0.025]


def test_clipping_limits_the_step() -> None:
    model, optimizer = linear(lr=1.0)
    before = model.state_dict()
    fit(model, (X, Y), nn.mse, optimizer, 1, clip_norm=0.25)
    moved = [model.state_dict()[name] - array for name, array in before.items()]
    assert math.sqrt(sum((m * m).sum() for m in moved)) == pytest.approx(0.25)


def test_gradient_norms_updates_and_zeros_are_recorded_by_step() -> None:
    model = nn.Sequential(nn.Linear(3, 8, rng=0), nn.ReLU(), nn.Linear(8, 1, rng=1))
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    weight = model.state_dict()["0.weight"]
    gradient = ab.gradients(nn.mse(model(X), Y), model.parameters())[0]
    history = fit(model, (X, Y), nn.mse, optimizer, 3, gradient_norms=True, clip_norm=1e9)
    assert list(history.gradient_norms) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert {len(course) for course in history.gradient_norms.values()} == {3}
    norm = np.linalg.norm(gradient)
    assert history.gradient_norms["0.weight"][0] == pytest.approx(norm)
    ratio = 0.1 * norm / np.linalg.norm(weight)
    assert history.update_ratios["0.weight"][0] == pytest.approx(ratio)
    zeros = np.mean(X @ weight <= 0)
    (shares,) = history.zero_shares.values()
    assert shares[0] == pytest.approx(zeros)


def test_progress_bars_show_the_figures(capsys: pytest.CaptureFixture[str]) -> None:
    model, optimizer = linear()
    ab.fit(model, datasets.batches(X, Y, 8, 0), nn.mse, optimizer, 2, validation=(X, Y))
    shown = capsys.readouterr()
    assert "epoch 2/2" in shown.err
    assert "5/5" in shown.err
    assert "validation loss=" in shown.err
    assert shown.out == ""
    fit(model, (X, Y), nn.mse, optimizer, 1)
    assert capsys.readouterr().err == ""


# -- what is not finite ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_names_the_first_bad_operation() -> None:
    model, optimizer = linear()
    bad = X.copy()
    bad[25, 1] = -1e308

    def loss(output: Any, target: Any) -> Any:
        return ab.mean(ab.log(ab.exp(output * 0.0 + output))) + nn.mse(output * 0.0, target)

    before: dict[str, Any] = {}
    data = datasets.batches(bad, Y, 10, None)
    with pytest.raises(
        ab.DivergedError, match=r"epoch 1 at batch 3: exp gave inf at \[5, 0\]"
    ) as raised:
        fit(
            model, data, loss, optimizer, 2,
            metrics={"note": lambda _o, _t: before.update(model.state_dict()) or 0.0},
        )  # fmt: skip
    assert isinstance(raised.value, ab.NonFiniteError)
    assert "test_fit.py" in str(raised.value)
    assert raised.value.node.rule.name == "exp"
    assert len(raised.value.history.losses) == 2
    assert np.isfinite(model.weight.data).all()
    assert model.weight.grad is None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_gradient_that_is_not_finite_stops_before_the_step() -> None:
    w = ab.Tensor([0.0])

    class Root(nn.Module):
        def __init__(self) -> None:
            self.w = w

        def forward(self, x: Any) -> Any:
            return ab.sqrt(self.w * x)

    optimizer = optim.SGD([w], lr=0.1)
    with pytest.raises(ab.DivergedError, match=r"derivative of sqrt .* gave -inf"):
        fit(Root(), (np.ones(1), np.ones(1)), nn.mse, optimizer, 1)
    assert w.data.tolist() == [0.0]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_bad_batch_is_computed_again_with_the_same_random_numbers() -> None:
    class Rare(nn.Module):
        def __init__(self) -> None:
            self.w = ab.Tensor([1.0])
            self.rng = np.random.default_rng(3)

        def forward(self, x: Any) -> Any:
            return x * self.w / (self.rng.random() > 0.1)

    model = Rare()
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    with pytest.raises(ab.DivergedError, match="div gave inf"):
        fit(model, [(np.ones(1), np.ones(1))] * 100, nn.mse, optimizer, 1)


# -- what is refused ------------------------------------------------------------------------------

PAIR = (X, Y)


@pytest.mark.parametrize(
    ("data", "settings", "error", "message"),
    [
        (PAIR, {"epochs": -1}, ValueError, "epochs must be at least 0"),
        (PAIR, {"epochs": 1.5}, TypeError, "epochs must be a whole number"),
        (PAIR, {"patience": 0}, ValueError, "patience must be at least 1"),
        (PAIR, {"clip_norm": -1.0}, ValueError, "clip_norm must be above 0"),
        (PAIR, {"monitor": "acuracy"}, ValueError, "monitor must be one of"),
        (PAIR, {"monitor": "validation loss"}, ValueError, "monitor must be one of"),
        (PAIR, {"schedule_every": "step"}, ValueError, "'epoch' or 'batch'"),
        (PAIR, {"checkpoint_every": 3}, ValueError, "needs a checkpoint"),
        (PAIR, {"checkpoint": "run.pkl"}, ValueError, "must end in"),
        (PAIR, {"optimizer": "adam"}, TypeError, "one of optim's, not str"),
        (PAIR, {"metrics": ["accuracy"]}, TypeError, "a metric is a function"),
        (PAIR, {"metrics": {"loss": accuracy}}, ValueError, "'loss' needs another name"),
        (PAIR, {"metrics": [accuracy, accuracy]}, ValueError, "needs another name"),
        (PAIR, {"loss": lambda _o, _t: 1.0}, TypeError, "the loss function gave a float"),
        (PAIR, {"loss": lambda o, _t: o}, ValueError, r"one number, and it has shape \(40, 1\)"),
        (PAIR, {"loss": lambda o, _t: o.detach().sum()}, ValueError, "does not depend on"),
        (iter([PAIR]), {}, TypeError, "can be gone through once"),
        (3, {}, TypeError, "must be batches"),
        ([], {}, ValueError, "has no batch"),
        ([X], {}, TypeError, "a batch must be a pair"),
        ([(X, Y, X)], {}, TypeError, "a batch must be a pair .* of 3"),
        (PAIR, {"validation": iter([PAIR])}, TypeError, "the validation data .* once"),
        (PAIR, {"validation": []}, ValueError, "no batch to evaluate"),
    ],
)
def test_wrong_settings_and_data_are_refused(
    data: Any, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    model, optimizer = linear()
    given = {"loss": nn.mse, "optimizer": optimizer, "epochs": 1, **settings}
    with pytest.raises(error, match=message):
        fit(model, data, **given)


def test_a_model_that_is_a_function_is_refused() -> None:
    _, optimizer = linear()
    with pytest.raises(TypeError, match=r"a function without train\(\): make it a nn.Module"):
        fit(lambda x: x, (X, Y), nn.mse, optimizer, 1)


def test_accuracy_takes_classes_and_one_hot_rows() -> None:
    outputs = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    assert accuracy(outputs, np.array([1, 0, 0])) == pytest.approx(2 / 3)
    assert accuracy(outputs, np.array([[0, 1], [1, 0], [1, 0]])) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="accuracy needs outputs of shape"):
        accuracy(outputs, np.array([[1], [0], [0]]))


def test_evaluating_records_nothing_and_leaves_the_mode() -> None:
    model, _ = linear()
    seen: list[bool] = []

    def loss(output: Any, target: Any) -> Any:
        seen.append(output.requires_grad or model.training)
        return nn.mse(output, target)

    model.train()
    evaluate(model, (X, Y), loss)
    assert seen == [False]
    assert model.training

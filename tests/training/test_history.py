"""The history of a run prints, plots and saves itself."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp.training import History

numbers = st.floats() | st.integers(-5, 5).map(float)
names = st.text(max_size=5)


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History()
    columns = draw(st.lists(names, unique=True, max_size=3))
    for _ in range(draw(st.integers(0, 4)) if columns else 0):
        history.epochs.append({name: draw(numbers) for name in columns})
    history.losses = draw(st.lists(numbers, max_size=4))
    for course in (history.gradient_norms, history.update_ratios, history.zero_shares):
        course.update(draw(st.dictionaries(names, st.lists(numbers, max_size=3), max_size=2)))
    history.best_epoch = draw(st.none() | st.integers(1, 5))
    history.stopped = draw(st.none() | names)
    return history


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@given(history=histories())
@settings(max_examples=40)
def test_a_saved_history_comes_back(
    history: History, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "history.json"
    history.save(path)
    json.loads(path.read_text(), parse_constant=pytest.fail)  # no NaN, which is not JSON
    assert same(vars(History.load(path)), vars(history))
    ab.save(path.with_suffix(".npz"), history.state_dict())
    again = History()
    again.load_state_dict(ab.load(path.with_suffix(".npz")))
    assert same(vars(again), vars(history))


@given(history=histories())
def test_any_history_prints(history: History) -> None:
    assert len(str(history).splitlines()) >= len(history) + 1
    assert repr(history).startswith(f"History({len(history)} epochs")


def full() -> History:
    history = History()
    for loss in (2.0, 1.0, 1.5):
        history.epochs.append(
            {"loss": loss, "accuracy": 0.5, "validation loss": loss + 1.0, "lr": 0.1}
        )
    history.best_epoch = 2
    history.stopped = "no improvement"
    return history


def test_the_table_marks_the_best_epoch_and_says_why_it_stopped() -> None:
    assert str(full()).splitlines() == [
        "epoch  loss  accuracy  validation loss   lr",
        "    1     2       0.5                3  0.1",
        "    2     1       0.5                2  0.1  best",
        "    3   1.5       0.5              2.5  0.1",
        "stopped: no improvement",
    ]
    assert full()["validation loss"] == [3.0, 2.0, 2.5]
    with pytest.raises(KeyError, match="the history has"):
        full()["los"]


def test_it_plots_losses_and_metrics_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    figure = full().plot(tmp_path / "history.png")
    left, right = figure.axes
    assert [line.get_label() for line in left.lines][:2] == ["loss", "validation loss"]
    assert left.lines[0].get_ydata().tolist() == [2.0, 1.0, 1.5]
    assert right.lines[0].get_label() == "accuracy"
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="empty"):
        History().plot()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{not json", "is no history"),
        ("[" * 100_000, "is no history"),
        ("[]", "a history is a dict of"),
        ({}, "a history is a dict of"),
        ({"losses": ["one"]}, "losses must be a list of numbers"),
        ({"losses": [True]}, "losses must be a list of numbers"),
        ({"losses": {"a": 1}}, "losses must be a list of numbers"),
        ({"epochs": {"loss": [1.0], "lr": []}}, "equally many"),
        ({"epochs": [1]}, "epochs must be a dict of lists"),
        ({"best_epoch": "2"}, "best_epoch must be a whole number"),
        ({"stopped": 2}, "stopped text"),
        ({"zero_shares": {"a": 3}}, r"zero_shares\['a'\] must be a list"),
    ],
)
def test_a_file_that_is_no_history_is_refused(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    if isinstance(content, dict) and content:
        full().save(path)
        content = {**json.loads(path.read_text()), **content}
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ab.StorageError, match=message) as raised:
        History.load(path)
    assert "history.json" in str(raised.value)


def test_missing_figures_of_an_epoch_are_nan() -> None:
    history = History()
    history.epochs += [{"loss": 1.0}, {"loss": 0.5, "accuracy": 1.0}]
    assert np.isnan(history["accuracy"][0])
    assert str(history).splitlines()[1] == "    1     1"

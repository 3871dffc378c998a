"""A run that was stopped, in whatever way and at whatever moment, ends as if it had not been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn, optim
from autograd_bp.storage.skeleton import take_apart

from .long_run import result, train

PROGRAM = Path(__file__).with_name("long_run.py")
ROOT = Path(__file__).resolve().parents[2]


def bits(state: Any) -> Any:
    """A state in a form that is equal only if every bit is."""
    arrays, skeleton = take_apart(state, lambda _: True)
    return skeleton, {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}


@pytest.fixture(scope="module")
def uninterrupted() -> Any:
    return bits(result(*train(None, checkpoint_every=None)))


def start(checkpoint: Path, out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(checkpoint), str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize(("suffix", "seed"), [(".npz", 0), (".safetensors", 1)])
def test_a_run_killed_at_any_moment_ends_with_the_weights_of_one_that_was_not(
    suffix: str, seed: int, tmp_path: Path, uninterrupted: Any
) -> None:
    moments = random.Random(seed)
    checkpoint, out = tmp_path / f"run{suffix}", tmp_path / f"out{suffix}"
    killed = 0
    for _ in range(5):
        process = start(checkpoint, out)
        time.sleep(moments.uniform(0.0, 0.1))  # the whole takes 0.6 s or more
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        assert process.stdout is not None
        process.stdout.close()
    assert killed >= 3, "the run was over before it could be killed: make it longer"
    with start(checkpoint, out) as process:
        pass
    assert process.returncode == 0
    assert bits(ab.load(out)) == uninterrupted


class Stop(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize("batches", [1, 12, 13, 40, 71])
def test_a_run_stopped_after_any_batch_ends_with_the_same_bits(
    batches: int, tmp_path: Path, uninterrupted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, seen = optim.Adam.step, []

    def failing(self: optim.Adam) -> None:
        if len(seen) == batches:
            raise Stop
        seen.append(1)
        step(self)

    monkeypatch.setattr(optim.Adam, "step", failing)
    with pytest.raises(Stop):
        train(tmp_path / "run.npz", checkpoint_every=5)
    monkeypatch.undo()
    assert bits(result(*train(tmp_path / "run.npz", checkpoint_every=None))) == uninterrupted


def test_checkpoints_by_epoch_only_give_the_same_bits(tmp_path: Path, uninterrupted: Any) -> None:
    for epochs in (2, 3, 3, 6):
        model, history = train(tmp_path / "run.npz", epochs, checkpoint_every=None)
        assert len(history) == epochs
    assert bits(result(model, history)) == uninterrupted


def test_ctrl_c_stops_after_the_batch_writes_a_checkpoint_and_keeps_the_best(
    tmp_path: Path,
) -> None:
    checkpoint = tmp_path / "run.npz"
    pressed: list[int] = []

    def press(_outputs: Any, _targets: Any) -> float:
        pressed.append(1)
        if len(pressed) == 30:
            signal.raise_signal(signal.SIGINT)
        return 0.0

    handler = signal.getsignal(signal.SIGINT)
    settings = {"metrics": {"accuracy": ab.training.accuracy, "press": press}}
    model, history = train(checkpoint, **settings, checkpoint_every=None)
    assert history.stopped == "interrupted"
    assert len(history.losses) == 28  # 12 batches and the validation, twice, and 4 more
    assert signal.getsignal(signal.SIGINT) is handler
    assert not model.training
    best = ab.load(checkpoint)["best"]["model"]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, best[name])
    _, history = train(checkpoint, **settings, checkpoint_every=None)
    assert history.stopped is None
    assert len(history) == 6


def test_a_second_ctrl_c_stops_at_once() -> None:
    def press(_outputs: Any, _targets: Any) -> float:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(None, metrics=[press], checkpoint_every=None)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_checkpoint_of_another_run_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.npz"
    train(checkpoint, 1)
    model = nn.Linear(2, 1, rng=0)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = bits(model.state_dict())
    data = (np.zeros((3, 2)), np.zeros((3, 1)))
    content = checkpoint.read_bytes()
    with pytest.raises(ab.StorageError, match=r"run\.npz: the checkpoint is of another run"):
        ab.fit(model, data, nn.mse, optimizer, 1, checkpoint=checkpoint, progress=False)
    assert bits(model.state_dict()) == before
    assert checkpoint.read_bytes() == content
    ab.fit(model, data, nn.mse, optimizer, 1, checkpoint=checkpoint, resume=False, progress=False)
    assert ab.load(checkpoint)["epoch"] == 1


def test_a_damaged_checkpoint_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.npz"
    train(checkpoint, 1)
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ab.StorageError, match="zip archive"):
        train(checkpoint)
    ab.save(checkpoint, {"model": {}})
    with pytest.raises(ab.StorageError, match="no checkpoint of a training run"):
        train(checkpoint)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("epoch",), -1),
        (("batch",), "x"),
        (("version",), 7),
        (("history",), {}),
        (("generators",), []),
        (("generators",), [{"bit_generator": "PCG64"}, {"bit_generator": "PCG64"}]),
        (("schedule",), None),
        (("schedule", "steps"), -3),
        (("optimizer", "state"), []),
        (("optimizer", "param_groups"), [{"lr": float("nan")}]),
        (("model",), {}),
        (("best",), {"figure": 1.0, "model": {"w": 1}}),
        (("best",), 3),
        (("sums",), [1]),
        (("epoch_generators",), "x"),
    ],
)
def test_a_checkpoint_with_a_wrong_entry_is_refused_and_nothing_changes(
    place: tuple[str, ...], wrong: Any, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "run.npz"
    train(checkpoint, 1)
    state = ab.load(checkpoint)
    inner = state
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = wrong
    ab.save(checkpoint, state)
    with pytest.raises(ab.StorageError, match=r"run\.npz: "):
        train(checkpoint)


class Shuffled:
    """Batches that draw random rows, one batch at a time, from a generator others use too."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def __iter__(self) -> Any:
        x = np.arange(30.0).reshape(10, 3) / 30.0
        for _ in range(6):
            rows = self.rng.integers(0, 10, 4)
            yield x[rows], x[rows].sum(axis=1, keepdims=True)


@pytest.mark.parametrize("batches", [1, 4, 6, 7, 15])
def test_batches_that_draw_from_the_generator_of_dropout_resume_too(
    batches: int, tmp_path: Path
) -> None:
    def run(checkpoint: Path | None, stop_after: int | None) -> Any:
        rng = np.random.default_rng(5)
        model = nn.Sequential(
            nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=rng), nn.Linear(4, 1, rng=1)
        )
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
        seen: list[int] = []

        def press(_outputs: Any, _targets: Any) -> float:
            seen.append(1)
            if len(seen) == stop_after:
                signal.raise_signal(signal.SIGINT)
            return 0.0

        history = ab.fit(
            model, Shuffled(rng), nn.mse, optimizer, 3,
            metrics=[press], checkpoint=checkpoint, progress=False,
        )  # fmt: skip
        assert (history.stopped == "interrupted") == (stop_after is not None)
        return bits(result(model, history))

    expected = run(None, None)
    run(tmp_path / "run.npz", batches)
    assert run(tmp_path / "run.npz", None) == expected

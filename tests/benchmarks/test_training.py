"""The training benchmark: the engines compute the same, so that their times can be compared."""

import numpy as np
import pytest
import training

from autograd_bp import datasets


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return datasets.Data(rng.random((300, 784), np.float32), rng.integers(0, 10, 300))


@pytest.mark.parametrize("name", training.PROBLEMS)
def test_every_engine_ends_with_the_weights_of_numpy_by_hand(data, name, capsys):
    problem = training.PROBLEMS[name]
    timed = training.measure(problem, data, steps=30)
    start = training.new_weights(problem, np.random.default_rng(0))
    figures = training.report(problem, timed, steps=30)
    assert timed.keys() == problem.engines.keys() == figures.keys()
    for run in timed.values():
        assert len(run.seconds) == 1
        assert any(not np.array_equal(a, b) for a, b in zip(run.weights, start, strict=True))
    assert max(row["weights_differ_by"] for row in figures.values()) < 1e-5
    assert "nn and optim" in capsys.readouterr().out

"""Batches and splits: every row exactly once, rows kept together, the same seed the same order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_bp.datasets import Data, batches, train_test_split

rows = st.integers(1, 60)
seeds = st.one_of(st.none(), st.integers(0, 1000))


def numbered(count):
    x = np.arange(count * 6.0).reshape(count, 2, 3)
    return x, np.arange(count)


@given(rows, st.integers(1, 70), seeds)
def test_an_epoch_has_every_row_once_with_its_own_answer(count, size, seed):
    x, y = numbered(count)
    taken = list(batches(x, y, size, seed))
    assert len(taken) == len(batches(x, y, size, seed)) == -(-count // size)
    assert all(len(batch.x) == size for batch in taken[:-1])
    for batch in taken:
        assert isinstance(batch, Data)
        assert np.array_equal(batch.x, x[batch.y])
    order = np.concatenate([batch.y for batch in taken])
    assert sorted(order) == list(range(count))
    if seed is None:
        assert np.array_equal(order, y)


@given(st.integers(2, 60), st.data())
def test_without_the_last_small_batch_all_have_the_same_size(count, data):
    size = data.draw(st.integers(1, count))
    taken = list(batches(*numbered(count), size, 0, drop_last=True))
    assert len(taken) == count // size
    assert {len(batch.x) for batch in taken} == {size}


def test_a_seed_gives_the_same_epochs_again_and_each_epoch_another_order():
    first, second = (batches(*numbered(50), 50, 7) for _ in range(2))
    orders = [[next(iter(epochs)).y.tolist() for _ in range(3)] for epochs in (first, second)]
    assert orders[0] == orders[1]
    assert len(set(map(tuple, orders[0]))) == 3


def test_the_generator_given_is_the_one_that_is_used():
    rng = np.random.default_rng(3)
    before = rng.bit_generator.state
    list(batches(*numbered(9), 4, rng))
    assert rng.bit_generator.state != before


@pytest.mark.parametrize("seed", [None, 0])
def test_a_batch_cannot_change_the_data_or_a_graph_that_records_it(seed):
    x, y = numbered(6)
    for batch in batches(x, y, 4, seed):
        with pytest.raises(ValueError, match="read-only"):
            batch.x[0] = 1
    x[0] = 5
    assert x.flags.writeable


@given(st.integers(2, 60), st.floats(0.01, 0.9), st.integers(0, 99))
def test_a_split_has_every_row_on_one_side_with_its_own_answer(count, part, seed):
    x, y = numbered(count)
    kept = int(np.ceil(part * count))
    if kept == count:
        return
    split = train_test_split(x, y, part, seed)
    assert len(split.test.x) == kept
    for side in split:
        assert np.array_equal(side.x, x[side.y])
    assert sorted(np.concatenate([split.train.y, split.test.y])) == list(range(count))


def test_a_number_of_test_rows_is_an_integer():
    (x, _), (x_test, _) = train_test_split(*numbered(10), 3, rng=0)
    assert (len(x), len(x_test)) == (7, 3)


def test_a_split_mixes_data_that_is_sorted():
    y = np.repeat(np.arange(10), 50)
    _, test = train_test_split(y, y, 0.2, rng=0)
    assert set(test.y) == set(range(10))


X, Y = numbered(4)


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (lambda: batches(X, Y[:3], 2, 0), ValueError, r"x has 4 rows .* and y 3 \(shape \(3,\)\)"),
        (lambda: batches(X[:0], Y[:0], 2, 0), ValueError, "there are no rows"),
        (lambda: batches(X, 3.0, 2, 0), TypeError, "y is 3.0: it must be an array"),
        (lambda: batches([{}, {}], [1, 2], 2, 0), TypeError, "x is an array of objects"),
        (lambda: batches(X, Y, 0, 0), ValueError, "size is 0"),
        (lambda: batches(X, Y, -3, 0), ValueError, "size is -3"),
        (lambda: batches(X, Y, 2.0, 0), TypeError, "size is 2.0: it must be an integer"),
        (lambda: batches(X, Y, True, 0), TypeError, "size is True"),
        (lambda: batches(X, Y, 5, 0, drop_last=True), ValueError, "choose a smaller size"),
        (lambda: batches(X, Y, 2, "seed"), TypeError, "rng is 'seed': it must be a numpy.random"),
        (lambda: batches(X, Y, 2, -1), ValueError, "rng is -1"),
        (lambda: train_test_split(X, Y), TypeError, "give rng"),
        (lambda: train_test_split(X, Y[:2], rng=0), ValueError, "x has 4 rows"),
        (lambda: train_test_split(X, Y, 0, rng=0), ValueError, "0 of 4 rows"),
        (lambda: train_test_split(X, Y, 4, rng=0), ValueError, "leaves one part empty"),
        (lambda: train_test_split(X, Y, 0.99, rng=0), ValueError, "leaves one part empty"),
        (lambda: train_test_split(X, Y, 1.5, rng=0), ValueError, "lies between 0 and 1"),
        (lambda: train_test_split(X, Y, float("nan"), rng=0), ValueError, "test_size is nan"),
        (lambda: train_test_split(X, Y, "half", rng=0), TypeError, "test_size is 'half'"),
        (lambda: train_test_split(X, Y, 0.5, rng=object()), TypeError, "rng is <object"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_taken(call, error, reason):
    with pytest.raises(error, match=reason):
        call()

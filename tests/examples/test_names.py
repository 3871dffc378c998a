"""Names made up: the models see only what they may, learn, and draw what they think."""

import math

import numpy as np
import pytest

import autograd_bp as ab
from examples.names import (
    LIST,
    LONGEST,
    MLP,
    PADDING,
    Attention,
    Letters,
    contexts,
    loss_of_letters,
    make_up,
    pairs_counted,
    train,
    whole_names,
)

NAMES = LIST.split()
LETTERS = Letters(NAMES)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_list_in_the_program_is_of_names_once_each():
    assert len(set(NAMES)) == len(NAMES) > 150
    assert max(map(len, NAMES)) <= LONGEST
    assert all(name.isascii() and name.islower() for name in NAMES)


def test_contexts_are_the_three_letters_before_each():
    letters = Letters(["abc"])
    x, y = contexts(["abc"], letters)
    assert x.tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3]]
    assert y.tolist() == [1, 2, 3, 0]


def test_whole_names_have_the_answer_for_each_place():
    letters = Letters(["abc"])
    x, y = whole_names(["abc", "b"], letters)
    assert x[:, :4].tolist() == [[0, 1, 2, 3], [0, 2, 0, 0]]
    assert y[:, :5].tolist() == [[1, 2, 3, 0, PADDING], [2, 0, PADDING, PADDING, PADDING]]


def test_attention_sees_no_letter_to_come(rng):
    model = Attention(len(LETTERS), rng)
    x, _ = whole_names(["alexander", "alexandra"], Letters("abcdefghijklmnopqrstuvwxyz"))
    first, second = model(x).data
    same = next(i for i in range(16) if x[0, i] != x[1, i])
    assert np.array_equal(first[:same], second[:same])
    assert not np.array_equal(first[same], second[same])


@pytest.mark.parametrize("kind", [MLP, Attention])
def test_the_next_letter_is_scored_as_in_training(kind, rng):
    model = kind(len(LETTERS), rng)
    numbers = LETTERS.encode("marta")
    if kind is MLP:
        together = model(contexts(["marta"], LETTERS).x).data
    else:
        together = model(whole_names(["marta"], LETTERS).x).data[0]
    for length in range(len(numbers)):
        assert model.next_scores(numbers[:length]) == pytest.approx(together[length], abs=1e-5)


def test_padding_is_never_counted(rng):
    scores = ab.Tensor(rng.normal(size=(2, 3, 5)))
    targets = np.array([[1, 2, PADDING], [0, PADDING, PADDING]])
    loss = loss_of_letters(scores, targets)
    (gradient,) = ab.gradients(loss, [scores])
    assert not gradient[targets == PADDING].any()
    logs = np.log(np.exp(scores.data) / np.exp(scores.data).sum(axis=-1, keepdims=True))
    assert loss.item() == pytest.approx(-(logs[0, 0, 1] + logs[0, 1, 2] + logs[1, 0, 0]) / 3)


@pytest.mark.parametrize(("kind", "prepare"), [(MLP, contexts), (Attention, whole_names)])
def test_a_model_learns_and_makes_up_names(kind, prepare, rng):
    model = kind(len(LETTERS), rng)
    learnt, held_out = prepare(NAMES[::2], LETTERS), prepare(NAMES[1::2], LETTERS)
    trained = train(model, learnt, held_out, epochs=5, batch=32, seed=0)
    assert trained.history["validation loss"][-1] < 0.9 * math.log(len(LETTERS))
    made = make_up(model, LETTERS, np.random.default_rng(1), 10)
    again = make_up(model, LETTERS, np.random.default_rng(1), 10)
    assert made == again
    assert len(made) == 10
    assert all(0 < len(name) <= LONGEST and set(name) <= set(LETTERS.letters) for name in made)


def test_pairs_are_counted():
    letters = Letters(["ab"])
    # From the start a, from a b, from b the end: each seen 9 times, and 1 more of everything.
    cost = pairs_counted(["ab"] * 9, ["ab"], letters)
    assert cost == pytest.approx(-math.log(10 / 12))


def test_it_runs_alone_on_its_own_list_and_says_so(run_example):
    printed, written = run_example("names.py", "--epochs", 2)
    assert "The names are not here" in printed
    assert printed.count("nats a letter, held out") == 3
    assert written == ["names-attention.svg", "names-curves.png", "names-mlp.svg"]


@pytest.mark.slow
def test_both_models_beat_counting_pairs(run_example, data_folder):
    printed, _ = run_example("names.py", "--data", data_folder)
    lines = [line for line in printed.splitlines() if "nats a letter" in line]
    pairs, *models = (float(line.split(" nats")[0].split()[-1]) for line in lines)
    assert pairs == pytest.approx(2.45, abs=0.02)
    assert len(models) == 2
    assert max(models) < 2.25

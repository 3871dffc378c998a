"""Layers: values worked out by hand, derivatives checked by the kit, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, nn
from autograd_bp.testing import check

# -- derivatives, by what the kit knows of numbers ------------------------------------------------


def with_weights(layer: nn.Module) -> Callable[..., Any]:
    """The layer as a function of its input and of all its parameters, with none of them hidden."""
    names = [name for name, _ in layer.named_parameters()]

    def function(x: Any, *parameters: Any) -> Any:
        kept = []
        for name, parameter in zip(names, parameters, strict=True):
            owner: Any = layer
            *path, last = name.split(".")
            for part in path:
                owner = getattr(owner, part)
            kept.append((owner, last, getattr(owner, last)))
            setattr(owner, last, parameter if isinstance(parameter, Tensor) else Tensor(parameter))
        try:
            return layer(x)
        finally:
            for owner, last, parameter in kept:
                setattr(owner, last, parameter)

    return function


LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "linear": (nn.Linear(3, 2, rng=0), (2, 3)),
    "conv1d": (nn.Conv1d(2, 2, 2, stride=2, padding=1, groups=2, rng=0), (1, 2, 3)),
    "conv2d": (nn.Conv2d(1, 2, 2, dilation=(1, 2), rng=0), (1, 1, 3, 4)),
    "average pooling": (nn.AvgPool2d(2, 1, padding=1), (1, 3, 2)),
    "layer norm": (nn.LayerNorm(3), (2, 3)),
    "batch norm": (nn.BatchNorm1d(2), (3, 2)),
    "recurrent": (nn.RNNCell(2, 2, rng=0), (1, 2)),
    "gru": (nn.GRUCell(2, 1, rng=0), (2, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_of_layers(name: str) -> None:
    layer, shape = LAYERS[name]
    rng = np.random.default_rng(0)
    examples = [rng.normal(size=shape), *(p.data.copy() for p in layer.parameters())]
    check(with_weights(layer), args=examples, examples=6, name=name).assert_ok()


def numerical(f: Callable[[Any], float], x: Any) -> Any:
    """Central differences."""
    slopes = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        slopes[place] = (f(x + step) - f(x - step)) / 2e-6
    return slopes


def test_derivatives_of_attention_and_embedding() -> None:
    rng = np.random.default_rng(0)
    attention = nn.MultiHeadAttention(4, 2, rng=0)
    v = rng.normal(size=(2, 3, 4))

    def loss(x: Any) -> Any:
        return (attention(x, causal=True) * v).sum()

    x = Tensor(rng.normal(size=(2, 3, 4)))
    loss(x).backward()
    np.testing.assert_allclose(x.grad, numerical(lambda y: loss(y).item(), x.data), atol=1e-8)

    table = nn.Embedding(4, 2, rng=0)
    (table([[0, 2], [2, 2]]) * np.arange(8.0).reshape(2, 2, 2)).sum().backward()
    assert table.weight.grad.tolist() == [[0.0, 1.0], [0.0, 0.0], [12.0, 15.0], [0.0, 0.0]]


def test_layers_have_second_derivatives() -> None:
    conv = nn.Conv2d(1, 2, 2, rng=0)
    pool = nn.MaxPool2d(2, 1)

    def f(x: Any) -> Any:
        return (pool(ab.tanh(conv(x))) ** 2).sum()

    x, v = np.random.default_rng(0).normal(size=(2, 1, 1, 4, 4))
    slope = lambda y: ab.grad(f)(y)  # noqa: E731
    differences = (slope(x + 1e-5 * v) - slope(x - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(ab.hvp(f, x, v), differences, atol=1e-7)


# -- values by hand -------------------------------------------------------------------------------


def test_linear_has_its_weight_as_in_to_out() -> None:
    layer = nn.Linear(2, 3, rng=0)
    assert layer.weight.shape == (2, 3)
    layer.weight.data = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    layer.bias.data = [0.5, 0.0, -0.5]  # type: ignore[union-attr]
    assert layer([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).tolist() == [
        [1.5, 2.0, 2.5], [4.5, 5.0, 5.5], [5.5, 7.0, 8.5],
    ]  # fmt: skip
    assert layer([1.0, 1.0]).tolist() == [5.5, 7.0, 8.5]
    assert nn.Linear(2, 3, bias=False).bias is None


def test_convolution_slides_without_flipping() -> None:
    layer = nn.Conv1d(1, 1, 3, bias=False, rng=0)
    layer.weight.data = [[[1.0, 0.0, -1.0]]]
    assert layer([[1.0, 2.0, 4.0, 8.0]]).tolist() == [[-3.0, -6.0]]
    image = nn.Conv2d(1, 1, 2, bias=False, rng=0)
    image.weight.data = [[[[1.0, 2.0], [3.0, 4.0]]]]
    assert image(np.eye(3)[None]).tolist() == [[[5.0, 3.0], [2.0, 5.0]]]


def test_groups_see_nothing_of_each_other() -> None:
    layer = nn.Conv1d(2, 2, 1, groups=2, bias=False, rng=0)
    layer.weight.data = [[[2.0]], [[3.0]]]
    assert layer([[1.0, 1.0], [10.0, 10.0]]).tolist() == [[2.0, 2.0], [30.0, 30.0]]


def test_pooling_takes_the_largest_or_the_mean_of_windows() -> None:
    x = np.array([[[1.0, 2.0, 5.0], [3.0, 4.0, 0.0], [-1.0, -2.0, -9.0]]])
    assert nn.MaxPool2d(2, 1)(x).tolist() == [[[4.0, 5.0], [4.0, 4.0]]]
    assert nn.AvgPool2d(2, 1)(x).tolist() == [[[2.5, 2.75], [1.0, -1.75]]]
    assert nn.MaxPool2d(2, padding=1)(-np.ones((1, 2, 2))).tolist() == [[[-1.0, -1.0]] * 2]
    assert nn.AvgPool2d(2, padding=1)(np.ones((1, 2, 2))).tolist() == [[[0.25, 0.25]] * 2]


def test_numbers_that_tie_in_a_window_share_the_gradient() -> None:
    x = Tensor([[[1.0, 1.0], [0.0, 1.0]]])
    nn.MaxPool2d(2)(x).sum().backward()
    np.testing.assert_allclose(x.grad, [[[1 / 3, 1 / 3], [0.0, 1 / 3]]], rtol=1e-15)


def test_batch_norm_uses_the_batch_in_training_and_the_running_numbers_after() -> None:
    layer = nn.BatchNorm1d(1, eps=0.0, momentum=0.5)
    assert layer([[1.0], [3.0]]).tolist() == [[-1.0], [1.0]]
    assert layer.running_mean.tolist() == [1.0]
    assert layer.running_var.tolist() == [1.5]  # 0.5 * 1 + 0.5 * 2, the unbiased variance
    assert int(layer.num_batches_tracked.data) == 1
    layer.eval()
    assert layer([[1.0]]).tolist() == [[0.0]]
    assert layer.running_mean.tolist() == [1.0]
    average = nn.BatchNorm1d(1, momentum=None)
    for value in (2.0, 4.0, 9.0):
        average([[value], [value]])
    np.testing.assert_allclose(average.running_mean.data, [5.0])


def test_layer_norm_looks_at_one_sample_at_a_time() -> None:
    layer = nn.LayerNorm(2, eps=0.0)
    x = np.array([[1.0, 3.0], [-5.0, 5.0]])
    assert layer(x).tolist() == [[-1.0, 1.0], [-1.0, 1.0]]
    assert nn.LayerNorm(2)([[3.0, 3.0]]).tolist() == [[0.0, 0.0]]


def test_gates_of_a_gru_that_are_closed_keep_the_state() -> None:
    cell = nn.GRUCell(1, 2, init=nn.init.zeros)
    h = np.array([0.3, -0.7])
    cell.bias_ih.data[2:4] = 1000.0  # type: ignore[union-attr]
    assert cell([5.0], h).tolist() == h.tolist()


def test_an_lstm_forgets_and_takes_in_as_its_gates_say() -> None:
    cell = nn.LSTMCell(1, 1, init=nn.init.zeros)
    big = 1000.0
    cell.bias_ih.data = [big, -big, big, big]  # type: ignore[union-attr]  # in, forget, new, out
    h, c = cell([1.0], (np.array([0.5]), np.array([9.0])))
    assert c.tolist() == [1.0]
    assert h.tolist() == [math.tanh(1.0)]


def test_a_state_of_none_is_zeros_in_the_dtype_of_the_cell() -> None:
    for cell in (nn.RNNCell(2, 3, rng=0, dtype=np.float32), nn.GRUCell(2, 3, rng=0, dtype="f4")):
        assert cell(np.ones((4, 2), np.float32)).dtype == np.float32


def test_attention_finds_the_value_of_the_key_it_looks_for() -> None:
    found, weights = nn.attention(Tensor([[100.0, 0.0]]), [[1.0, 0.0], [0.0, 1.0]], [[3.0], [5.0]])
    np.testing.assert_allclose(found.data, [[3.0]])
    np.testing.assert_allclose(weights.data, [[1.0, 0.0]], atol=1e-30)
    nothing, _ = nn.attention([[1.0]], [[1.0]], Tensor([[1.0]]), np.array([[False]]))
    assert nothing.tolist() == [[0.0]]


def test_with_a_causal_mask_the_past_does_not_depend_on_the_future() -> None:
    layer = nn.MultiHeadAttention(4, 2, rng=0)
    x = np.random.default_rng(0).normal(size=(5, 4))
    changed = x.copy()
    changed[3:] += 1.0
    before, after = layer(x, causal=True).data, layer(changed, causal=True).data
    assert (before[:3] == after[:3]).all()
    assert (before[3:] != after[3:]).any()
    by_mask = layer(x, mask=nn.causal_mask(5)).data
    assert (by_mask == before).all()


def test_a_mask_for_each_sample_serves_all_heads() -> None:
    layer = nn.MultiHeadAttention(4, 2, rng=0)
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    masks = np.ones((2, 3, 3), bool)
    masks[1, :, 2] = False
    joint = layer(x, mask=masks).data
    np.testing.assert_allclose(joint[0], layer(x[0]).data, rtol=1e-12)
    np.testing.assert_allclose(joint[1], layer(x[1], x[1, :2]).data, rtol=1e-12)


def test_dropout_drops_as_often_as_it_says_and_keeps_the_expectation() -> None:
    layer = nn.Dropout(0.3, rng=0)
    y = layer(np.ones(100_000))
    assert abs((y == 0).mean() - 0.3) < 0.01
    assert abs(y.mean() - 1.0) < 0.01
    assert (layer.eval()(np.ones(5)) == 1).all()
    assert (nn.Dropout(1.0)(np.ones(5)) == 0).all()
    assert (nn.Dropout(0.0)(np.ones(5)) == 1).all()


def test_dropout_is_the_same_from_the_same_seed() -> None:
    x = np.ones(50)
    first, second = nn.Dropout(0.5, rng=3), nn.Dropout(0.5, rng=3)
    assert (first(x) == second(x)).all()
    assert (first(x) != nn.Dropout(0.5, rng=4)(x)).any()


def test_compiled_dropout_draws_anew_at_every_call_and_uses_one_mask_both_ways() -> None:
    layer = nn.Dropout(0.5, rng=0)
    twice = ab.compile(lambda x: layer(x) - nn.Dropout(0.5, rng=1)(x))
    assert (twice(np.ones(50)) != twice(np.ones(50))).any()
    step = ab.compile(ab.value_and_grad(lambda x: (layer(x) ** 2).sum()))
    counts = set()
    for _ in range(5):
        value, slope = step(np.ones(100))
        kept = slope != 0
        assert (slope[kept] == 8.0).all()
        assert float(value) == 4.0 * kept.sum()
        counts.add(int(kept.sum()))
    assert len(counts) > 1


def test_a_net_in_evaluation_compiles_and_batch_norm_says_why_training_does_not() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(18, 4, rng=0), nn.LayerNorm(4),
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(2, 1, 8, 8))
    compiled = ab.compile(lambda x: net(x))
    with pytest.raises(TypeError, match=r"BatchNorm2d '1': training changes the running mean"):
        compiled(x)
    net.eval()
    np.testing.assert_allclose(ab.compile(lambda x: net(x))(x), net(x).data, rtol=1e-12)
    embedding, attention = nn.Embedding(5, 4, rng=0), nn.MultiHeadAttention(4, 2, rng=0)
    compiled = ab.compile(lambda i: attention(embedding(i), causal=True))
    for places in (np.array([0, 1, 4]), np.array([2, 2, 3])):
        expected = attention(embedding(places), causal=True).data
        np.testing.assert_allclose(compiled(places), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(3, 2, rng=0), nn.Conv1d(3, 2, 2, rng=0), nn.BatchNorm1d(3), nn.LayerNorm(3),
        nn.Dropout(0.5, rng=0), nn.Sequential(nn.Linear(3, 3, rng=0), nn.GELU(), nn.Softmax()),
        nn.MultiHeadAttention(3, 1, rng=0),
    ],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_float32_stays_float32(layer: nn.Module) -> None:
    layer.astype(np.float32)
    x = Tensor(np.random.default_rng(0).normal(size=(4, 3, 3)).astype(np.float32))
    y = layer(x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert {p.grad.dtype for p in layer.parameters()} <= {np.dtype(np.float32)}


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: nn.Linear(3, 4, rng=rng), lambda rng: nn.Embedding(3, 4, rng=rng),
        lambda rng: nn.Conv2d(3, 4, 2, rng=rng), lambda rng: nn.LSTMCell(3, 4, rng=rng),
        lambda rng: nn.MultiHeadAttention(4, 2, rng=rng), lambda rng: nn.MLP(2, [3, 1], rng=rng),
    ],
)  # fmt: skip
def test_every_draw_is_from_the_seed_or_generator_that_is_given(make: Any) -> None:
    one, two, other = make(7).state_dict(), make(np.random.default_rng(7)).state_dict(), make(8)
    assert all((one[name] == two[name]).all() for name in one)
    assert any((one[name] != array).any() for name, array in other.state_dict().items())
    generator = np.random.default_rng(7)
    first, second = make(generator).state_dict(), make(generator).state_dict()
    assert any((first[name] != second[name]).any() for name in first)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Linear(3, 2, rng=0), (0, 3), (0, 2)),
        (nn.Conv2d(2, 4, 3, groups=2, rng=0), (0, 2, 5, 5), (0, 4, 3, 3)),
        (nn.MaxPool2d(2), (0, 2, 4, 4), (0, 2, 2, 2)),
        (nn.AvgPool2d(2), (0, 2, 4, 4), (0, 2, 2, 2)),
        (nn.BatchNorm1d(3).eval(), (0, 3), (0, 3)),
        (nn.LayerNorm(3), (0, 3), (0, 3)),
        (nn.GRUCell(3, 2, rng=0), (0, 3), (0, 2)),
        (nn.MultiHeadAttention(4, 2, rng=0), (0, 3, 4), (0, 3, 4)),
        (nn.Flatten(), (0, 3, 4), (0, 12)),
        (nn.Dropout(rng=0), (0, 3), (0, 3)),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, nn.Module) else None,
)
def test_a_batch_of_no_samples_gives_no_outputs_and_zero_gradients(
    layer: nn.Module, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    x = Tensor(np.ones(shape))
    y = layer(x)
    assert y.shape == expected
    layer.zero_grad()
    y.sum().backward()
    assert x.grad.shape == shape
    assert all((p.grad == 0).all() for p in layer.parameters())


def test_integers_enter_as_floats() -> None:
    image = np.arange(16).reshape(1, 4, 4)
    assert nn.MaxPool2d(2, padding=1)(image).dtype == np.float64
    assert nn.Linear(4, 1, rng=0)(image).dtype == np.float64
    assert nn.Dropout(0.0)(image) is image
    assert nn.LayerNorm(4)(image).dtype == np.float64


# -- what is refused ------------------------------------------------------------------------------

REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: nn.Linear(2.5, 3), TypeError, "in_features is a whole number, not 2.5"),
    (lambda: nn.Linear(0, 3), ValueError, "in_features is a whole number from 1 on, not 0"),
    (lambda: nn.Linear(True, 3), ValueError, "in_features"),
    (lambda: nn.Linear(2, 3, init=3), TypeError, "init is a function of a shape"),
    (lambda: nn.Linear(2, 3, init=lambda *_: np.ones(2)), ValueError, "init gave an array"),
    (lambda: nn.Linear(2, 3, rng="seed"), TypeError, "rng is a numpy.random.Generator"),
    (lambda: nn.Linear(2, 3, dtype=int), TypeError, "dtype cannot be int64"),
    (lambda: nn.Linear(2, 3)(np.ones((4, 3))), ValueError, "last axis of the first operand"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "cannot be split into 2 groups"),
    (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ValueError, "kernel_size is a number, or 2 of them"),
    (lambda: nn.Conv2d(3, 4, 0), ValueError, "kernel_size is a whole number from 1 on"),
    (lambda: nn.Conv2d(3, 4, 3, padding=-1), ValueError, "padding is a whole number from 0 on"),
    (lambda: nn.Conv2d(1, 1, 3)(np.ones((2, 3, 5, 5))), ValueError, "must be (samples, 1, length"),
    (lambda: nn.Conv2d(1, 1, 3)(np.ones((1, 1, 2, 5))), ValueError, "does not fit into (2, 5)"),
    (lambda: nn.MaxPool2d(2, padding=2), ValueError, "more than half"),
    (lambda: nn.MaxPool2d(3)(np.ones((1, 2, 2))), ValueError, "does not fit"),
    (lambda: nn.AvgPool2d(2)(np.ones(3)), ValueError, "must be (samples, channels, length"),
    (lambda: nn.BatchNorm1d(3)(np.ones((1, 3))), ValueError, "two numbers in every feature"),
    (lambda: nn.BatchNorm2d(3)(np.ones((2, 3))), ValueError, "(samples, 3, height, width)"),
    (lambda: nn.LayerNorm(3)(np.ones((1, 4))), ValueError, "its last axes must be (3,)"),
    (lambda: nn.LayerNorm(()), ValueError, "an axis at least"),
    (lambda: nn.LSTMCell(3, 2)(np.ones((1, 4))), ValueError, "its last axis must be 3"),
    (lambda: nn.LSTMCell(3, 2)(np.ones((1, 3)), 5), TypeError, "the state is a pair"),
    (lambda: nn.GRUCell(3, 2)(np.ones((1, 3)), np.ones((2, 2))), ValueError, "must be (1, 2)"),
    (lambda: nn.RNNCell(3, 2, nonlinearity="sin"), ValueError, "'tanh' or 'relu', not 'sin'"),
    (lambda: nn.Embedding(3, 2)([0, 3]), IndexError, "rows 0 to 2, and no 3"),
    (lambda: nn.Embedding(3, 2)([0, -1]), IndexError, "rows 0 to 2, and no -1"),
    (lambda: nn.Embedding(3, 2)([0.0]), TypeError, "indices are integers, not float64"),
    (lambda: nn.Dropout(1.5), ValueError, "p is a probability, not 1.5"),
    (lambda: nn.Dropout(math.nan), ValueError, "p is a probability"),
    (lambda: nn.Flatten(2, 1)(np.ones((2, 3, 4))), ValueError, "axis 2 comes after 1"),
    (lambda: nn.GELU("exact"), ValueError, "approximate is 'none' or 'tanh'"),
    (lambda: nn.MultiHeadAttention(8, 3), ValueError, "cannot be split among 3 heads"),
    (lambda: nn.MultiHeadAttention(4, 2)(np.ones(4)), ValueError, "the query has one axis"),
    (
        lambda: nn.MultiHeadAttention(4, 2)(np.ones((2, 4)), mask=np.ones((3, 2), bool)),
        ValueError,
        "the mask has shape (3, 2), which does not broadcast to (2, 2, 2)",
    ),
    (lambda: nn.Linear(2, 3, rng=-1), ValueError, "a seed is a whole number from 0 on, not -1"),
    (
        lambda: nn.MultiHeadAttention(4, 2)(np.ones((2, 4)), mask=np.ones((2, 2))),
        TypeError,
        "the mask holds truth values",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_what_makes_no_sense_is_refused_with_what_to_do(case: int) -> None:
    call, kind, message = REFUSED[case]
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)


def test_a_message_says_which_layer_of_a_net_it_is_about() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Sequential(nn.LayerNorm(3), nn.Embedding(3, 2)))
    with pytest.raises(ValueError, match=r"LayerNorm '1\.0': the input has shape \(2, 4\)"):
        net(np.ones((2, 2, 2)))
    with pytest.raises(IndexError, match=r"Embedding '1\.1': '1\.1\.weight' has rows 0 to 2"):
        net[1][1]([3])

"""Every layer against PyTorch's on random shapes: values, all gradients and second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, nn

torch = pytest.importorskip("torch", reason="compares with PyTorch")

from tests.nn.against_pytorch import (  # noqa: E402
    compare,
    compare_in_both_modes,
    paired,
    same,
    transposed,
)

pytestmark = pytest.mark.slow
random_shapes = settings(max_examples=60, deadline=None, derandomize=True)

few = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


def normal(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def in_torch(module: Any, seed: int) -> Any:
    """PyTorch's module in float64, with parameters from the seed."""
    generator = torch.Generator().manual_seed(seed % 2**31)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return module


@random_shapes
@given(few, few, st.lists(few, max_size=3), st.booleans(), seeds)
def test_linear(into: int, out: int, outer: list[int], bias: bool, seed: int) -> None:
    ours, theirs = nn.Linear(into, out, bias), in_torch(torch.nn.Linear(into, out, bias), seed)
    pairs = paired(ours, theirs, {"weight": transposed})
    compare_in_both_modes(ours, theirs, [normal(seed, *outer, into)], pairs)


@random_shapes
@given(few, few, st.lists(st.integers(0, 3), min_size=1, max_size=3), seeds)
def test_embedding(count: int, dim: int, shape: list[int], seed: int) -> None:
    ours, theirs = nn.Embedding(count, dim), in_torch(torch.nn.Embedding(count, dim), seed)
    pairs = paired(ours, theirs, {})
    indices = np.random.default_rng(seed).integers(0, count, shape)
    compare(lambda: ours(indices), lambda: theirs(torch.tensor(indices)), [], pairs)


@st.composite
def convolutions(draw: st.DrawFn, axes: int) -> tuple[dict[str, Any], tuple[int, ...]]:
    groups = draw(st.integers(1, 3))
    one_or_all = lambda least, most: st.one_of(  # noqa: E731
        st.integers(least, most), st.tuples(*[st.integers(least, most)] * axes)
    )
    settings = {
        "in_channels": groups * draw(st.integers(1, 2)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": draw(one_or_all(1, 3)),
        "stride": draw(one_or_all(1, 3)),
        "padding": draw(one_or_all(0, 2)),
        "dilation": draw(one_or_all(1, 2)),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    lengths = tuple(draw(st.integers(5, 8)) for _ in range(axes))
    outer = draw(st.sampled_from([(), (1,), (3,)]))
    return settings, (*outer, settings["in_channels"], *lengths)


@random_shapes
@given(convolutions(1), seeds)
def test_conv1d(call: tuple[dict[str, Any], tuple[int, ...]], seed: int) -> None:
    settings, shape = call
    ours, theirs = nn.Conv1d(**settings), in_torch(torch.nn.Conv1d(**settings), seed)
    compare_in_both_modes(ours, theirs, [normal(seed, *shape)], paired(ours, theirs, {}))


@random_shapes
@given(convolutions(2), seeds)
def test_conv2d(call: tuple[dict[str, Any], tuple[int, ...]], seed: int) -> None:
    settings, shape = call
    ours, theirs = nn.Conv2d(**settings), in_torch(torch.nn.Conv2d(**settings), seed)
    compare_in_both_modes(ours, theirs, [normal(seed, *shape)], paired(ours, theirs, {}))


@st.composite
def poolings(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[int, ...]]:
    kernel = draw(st.one_of(few, st.tuples(few, few)))
    least = kernel if isinstance(kernel, int) else min(kernel)
    settings = {
        "kernel_size": kernel,
        "stride": draw(st.one_of(st.none(), st.integers(1, 3), st.tuples(few, few))),
        "padding": draw(st.integers(0, least // 2)),
    }
    shape = (draw(few), draw(st.integers(7, 9)), draw(st.integers(7, 9)))
    return settings, (*draw(st.sampled_from([(), (2,)])), *shape)


@random_shapes
@given(poolings(), st.sampled_from([1, 2, (2, 1)]), seeds)
def test_max_pooling(
    call: tuple[dict[str, Any], tuple[int, ...]], dilation: Any, seed: int
) -> None:
    settings, shape = call
    settings["dilation"] = dilation
    x = normal(seed, *shape)
    assert len(set(x.ravel())) == x.size  # with ties PyTorch gives all to the first
    compare_in_both_modes(nn.MaxPool2d(**settings), torch.nn.MaxPool2d(**settings), [x])


@random_shapes
@given(poolings(), seeds)
def test_average_pooling(call: tuple[dict[str, Any], tuple[int, ...]], seed: int) -> None:
    settings, shape = call
    x = normal(seed, *shape)
    compare_in_both_modes(nn.AvgPool2d(**settings), torch.nn.AvgPool2d(**settings), [x])


@random_shapes
@given(st.lists(few, min_size=2, max_size=4), seeds)
def test_flatten_and_identity(shape: list[int], seed: int) -> None:
    x = normal(seed, *shape)
    compare_in_both_modes(nn.Flatten(), torch.nn.Flatten(), [x])
    compare_in_both_modes(nn.Flatten(0, 1), torch.nn.Flatten(0, 1), [x])
    compare_in_both_modes(nn.Identity(), torch.nn.Identity(), [x])


ACTIVATIONS = {
    "relu": (nn.ReLU(), torch.nn.ReLU()),
    "leaky relu": (nn.LeakyReLU(0.2), torch.nn.LeakyReLU(0.2)),
    "elu": (nn.ELU(0.7), torch.nn.ELU(0.7)),
    "sigmoid": (nn.Sigmoid(), torch.nn.Sigmoid()),
    "tanh": (nn.Tanh(), torch.nn.Tanh()),
    "softplus": (nn.Softplus(), torch.nn.Softplus(threshold=1e9)),
    "silu": (nn.SiLU(), torch.nn.SiLU()),
    "gelu": (nn.GELU(), torch.nn.GELU()),
    "gelu by tanh": (nn.GELU("tanh"), torch.nn.GELU("tanh")),
    "softmax": (nn.Softmax(), torch.nn.Softmax(-1)),
    "softmax of the first axis": (nn.Softmax(0), torch.nn.Softmax(0)),
    "log softmax": (nn.LogSoftmax(), torch.nn.LogSoftmax(-1)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    @random_shapes
    @given(st.lists(few, min_size=1, max_size=3), st.sampled_from([0.1, 1.0, 5.0]), seeds)
    def check(shape: list[int], scale: float, seed: int) -> None:
        compare_in_both_modes(*ACTIVATIONS[name], [scale * normal(seed, *shape)])

    check()


# -- normalisation --------------------------------------------------------------------------------

momenta = st.sampled_from([0.1, 0.3, None])


def check_batch_norm(
    ours: Any, theirs: Any, shape: tuple[int, ...], training: bool, seed: int
) -> None:
    pairs = paired(ours, theirs, {})
    rng = np.random.default_rng(seed)
    for _ in range(3):  # what training leaves in the buffers
        x = rng.normal(1.0, 2.0, shape)
        ours(x)
        theirs(torch.tensor(x))
    ours.train(training)
    theirs.train(training)
    compare(ours, theirs, [rng.normal(1.0, 2.0, shape)], pairs)
    for name, buffer in theirs.named_buffers():
        found = dict(ours.named_buffers())[name].data
        if name == "num_batches_tracked":
            assert int(found) == int(buffer)
        else:
            same(found, buffer, name)


@random_shapes
@given(
    st.integers(2, 5), few, st.sampled_from([(), (1,), (3,)]), momenta, st.booleans(),
    st.booleans(), seeds,
)  # fmt: skip
def test_batch_norm_1d(
    batch: int, features: int, rest: tuple[int, ...], momentum: Any, affine: bool, training: bool,
    seed: int,
) -> None:  # fmt: skip
    ours = nn.BatchNorm1d(features, momentum=momentum, affine=affine)
    theirs = in_torch(torch.nn.BatchNorm1d(features, momentum=momentum, affine=affine), seed)
    check_batch_norm(ours, theirs, (batch, features, *rest), training, seed)


@random_shapes
@given(few, few, st.integers(2, 4), few, st.sampled_from([1e-5, 1e-2]), st.booleans(), seeds)
def test_batch_norm_2d(
    batch: int, channels: int, height: int, width: int, eps: float, training: bool, seed: int
) -> None:
    ours = nn.BatchNorm2d(channels, eps)
    theirs = in_torch(torch.nn.BatchNorm2d(channels, eps), seed)
    check_batch_norm(ours, theirs, (batch, channels, height, width), training, seed)


@random_shapes
@given(
    st.lists(few, max_size=2), st.lists(st.integers(2, 4), min_size=1, max_size=2), st.booleans(),
    st.booleans(), seeds,
)  # fmt: skip
def test_layer_norm(
    outer: list[int], shape: list[int], affine: bool, bias: bool, seed: int
) -> None:
    ours = nn.LayerNorm(tuple(shape), affine=affine, bias=bias)
    theirs = in_torch(torch.nn.LayerNorm(shape, elementwise_affine=affine, bias=bias), seed)
    compare_in_both_modes(ours, theirs, [normal(seed, *outer, *shape)], paired(ours, theirs, {}))


# -- recurrent ------------------------------------------------------------------------------------

CELLS = {
    "rnn": (nn.RNNCell, torch.nn.RNNCell, {}),
    "rnn with relu": (nn.RNNCell, torch.nn.RNNCell, {"nonlinearity": "relu"}),
    "gru": (nn.GRUCell, torch.nn.GRUCell, {}),
    "lstm": (nn.LSTMCell, torch.nn.LSTMCell, {}),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_over_several_steps(name: str) -> None:
    our_class, their_class, keywords = CELLS[name]

    @random_shapes
    @given(few, few, st.sampled_from([(), (1,), (3,)]), st.booleans(), st.booleans(), seeds)
    def check(
        inputs: int, hidden: int, outer: tuple[int, ...], bias: bool, given_state: bool, seed: int
    ) -> None:
        ours = our_class(inputs, hidden, bias, **keywords)
        theirs = in_torch(their_class(inputs, hidden, bias, **keywords), seed)
        layouts = {"weight_ih": transposed, "weight_hh": transposed}
        pairs = paired(ours, theirs, layouts)
        rng = np.random.default_rng(seed)
        arrays = [rng.normal(size=(*outer, inputs)) for _ in range(3)]
        states = 2 if name == "lstm" else 1
        if given_state:
            arrays += [rng.normal(size=(*outer, hidden)) for _ in range(states)]

        def run(cell: Any) -> Any:
            def steps(*operands: Any) -> Any:
                state: Any = operands[3:] or None
                if state is not None and states == 1:
                    (state,) = state
                for x in operands[:3]:
                    state = cell(x, state)
                return state

            return steps

        compare(run(ours), run(theirs), arrays, pairs)

    check()


# -- attention ------------------------------------------------------------------------------------


def split_like_pytorch(ours: Any, theirs: Any) -> dict[Any, Any]:
    """PyTorch's joint weight of queries, keys and values, given to our three maps."""
    width = ours.embed_dim
    joint = {"in_proj_weight": "weight", "in_proj_bias": "bias"}
    for name, parameter in theirs.named_parameters():
        array = parameter.detach().numpy()
        if name in joint:
            for i, part in enumerate((ours.query, ours.key, ours.value)):
                block = array[i * width : (i + 1) * width]
                getattr(part, joint[name]).data = block.T
        else:
            getattr(ours.out, name.split(".")[1]).data = array.T
    return {}


@random_shapes
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), few, few, st.booleans(),
    st.sampled_from(["none", "causal", "random"]), seeds,
)  # fmt: skip
def test_multi_head_attention(
    heads: int, depth: int, batch: int, queries: int, keys: int, bias: bool, masked: str, seed: int
) -> None:
    width = heads * depth
    ours = nn.MultiHeadAttention(width, heads, bias=bias)
    theirs = in_torch(torch.nn.MultiheadAttention(width, heads, bias=bias, batch_first=True), seed)
    split_like_pytorch(ours, theirs)
    rng = np.random.default_rng(seed)
    if masked == "causal":
        keys = queries
        allowed = nn.causal_mask(queries)
    else:
        allowed = rng.random((queries, keys)) < 0.6
        allowed[:, 0] = True
    mask = None if masked == "none" else torch.tensor(~allowed)

    def we(q: Any, k: Any, v: Any) -> Any:
        if masked == "causal":
            return ours(q, k, v, causal=True)
        return ours(q, k, v, mask=None if masked == "none" else allowed)

    def they(q: Any, k: Any, v: Any) -> Any:
        # With weights wanted, PyTorch takes a path that it can differentiate twice.
        return theirs(q, k, v, attn_mask=mask, need_weights=True)[0]

    arrays = [rng.normal(size=(batch, n, width)) for n in (queries, keys, keys)]
    compare(we, they, arrays)
    grads = [
        np.concatenate([part.weight.grad.T for part in (ours.query, ours.key, ours.value)]),
        ours.out.weight.grad.T,
    ]
    same(grads[0], theirs.in_proj_weight.grad, "gradient by the joint weight")
    same(grads[1], theirs.out_proj.weight.grad, "gradient by the last weight")
    if bias:
        parts = [part.bias.grad for part in (ours.query, ours.key, ours.value)]
        same(np.concatenate(parts), theirs.in_proj_bias.grad, "gradient by the joint bias")


@random_shapes
@given(st.floats(0.0, 0.95), st.lists(few, min_size=1, max_size=3), seeds)
def test_dropout_drops_and_scales_the_same_in_value_and_gradient(
    p: float, shape: list[int], seed: int
) -> None:
    layer, theirs = nn.Dropout(p, rng=seed), torch.nn.Dropout(p)
    x = Tensor(1.0 + np.abs(normal(seed, *shape)))
    y = layer(x)
    kept = y.data != 0
    np.testing.assert_allclose(y.data[kept], x.data[kept] / (1 - p), rtol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(x.grad, kept / (1 - p), rtol=1e-15)
    compare(layer.eval(), theirs.eval(), [x.data])


def test_a_small_net_of_everything_is_trained_alike_for_some_steps() -> None:
    rng = np.random.default_rng(0)
    ours = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(4 * 4 * 4, 10), nn.LayerNorm(10), nn.Tanh(), nn.Linear(10, 3),
    )  # fmt: skip
    theirs = in_torch(
        torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(),
            torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(64, 10),
            torch.nn.LayerNorm(10), torch.nn.Tanh(), torch.nn.Linear(10, 3),
        ), 0,
    )  # fmt: skip
    pairs = paired(ours, theirs, {"5.weight": transposed, "8.weight": transposed})
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05)
    for _ in range(10):
        x, t = rng.normal(size=(8, 1, 8, 8)), rng.integers(0, 3, 8)
        loss = nn.cross_entropy(ours(x), t)
        ours.zero_grad()
        loss.backward()
        for p in ours.parameters():
            p.data -= 0.05 * p.grad
        optimizer.zero_grad()
        reference = torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(t))
        reference.backward()
        optimizer.step()
        same(loss.data, reference, "loss")
        for t_parameter, (own, layout) in pairs.items():
            same(own.data, layout(t_parameter), own.name)
    with ab.no_grad():
        x = rng.normal(size=(2, 1, 8, 8))
        same(ours.eval()(x).data, theirs.eval()(torch.tensor(x)), "evaluation")

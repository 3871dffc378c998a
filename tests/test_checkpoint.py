"""Recomputing in the backward sweep: the same derivatives to every order, and less memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, Value, nn
from autograd_bp.checkpoint import checkpoint

rng = np.random.default_rng(0)


def slopes(f: Any, leaves: list[Any], order: int) -> Any:
    total = f()
    for _ in range(order):
        gradients = ab.gradients(total, leaves, create_graph=True)
        total = sum(ab.sum(ab.sin(g)) for g in gradients)
    return total.data


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_every_order_reach_arguments_and_captured_parameters(order: int) -> None:
    x, w = Tensor(rng.normal(size=(3, 2))), Tensor(rng.normal(size=(2, 2)))

    def layer(x: Any) -> Any:
        return ab.tanh(x @ w)

    plain = slopes(lambda: ab.sum(layer(layer(x))), [x, w], order)
    again = slopes(lambda: ab.sum(checkpoint(layer)(checkpoint(layer)(x))), [x, w], order)
    assert again == pytest.approx(plain, rel=1e-12)


def test_transforms_go_through() -> None:
    def f(x: Any) -> Any:
        return ab.exp(x) * x

    g, x = checkpoint(f), np.array([0.3, 0.7])
    for transform in (
        lambda f: ab.grad(lambda x: ab.sum(f(x)))(x),
        lambda f: ab.jvp(f, (x,), (x,))[1],
        lambda f: ab.hessian(lambda x: ab.sum(f(x)))(x),
        lambda f: ab.hvp(lambda x: ab.sum(f(x)), x, x),
        lambda f: ab.jacobian(f)(x),
    ):
        np.testing.assert_allclose(transform(g), transform(f), rtol=1e-13)


def test_a_module_and_its_parameters() -> None:
    net = nn.Sequential(nn.Linear(4, 8, rng=0), nn.Tanh(), nn.Linear(8, 2, rng=1))
    x = rng.normal(size=(5, 4))
    found = []
    for call in (net, checkpoint(net)):
        net.zero_grad()
        ab.sum(call(x) ** 2).backward()
        found.append([p.grad for p in net.parameters()])
    for plain, again in zip(*found, strict=True):
        np.testing.assert_allclose(again, plain, rtol=1e-13)


def test_numbers_containers_and_keywords() -> None:
    v, w = Value(2.0), Value(0.5)
    found = checkpoint(
        lambda pair, scale: {"a": pair[0] * pair[1] * scale, "b": [ab.exp(pair[0])]}
    )((v, w), scale=3.0)
    (found["a"] + found["b"][0]).backward()
    assert (v.grad, w.grad) == pytest.approx((1.5 + np.exp(2.0), 6.0))


def test_random_numbers_come_out_the_same() -> None:
    generator = np.random.default_rng(1)
    x = Tensor(np.ones(100))
    noisy = checkpoint(lambda x: x * generator.random(100))
    first = noisy(x)
    following = generator.random()
    first.sum().backward()
    np.testing.assert_array_equal(x.grad, first.data)
    assert generator.random() != following


def test_a_parameter_that_changed_since_is_an_error() -> None:
    x, w = Tensor([1.0, 2.0]), Tensor([3.0, 4.0], name="w")
    y = checkpoint(lambda x: x * w)(x)
    w.data[0] = 5.0
    with pytest.raises(RuntimeError, match=r"'w'.*has changed since the checkpoint"):
        y.sum().backward()


def test_an_argument_may_change_since() -> None:
    x = Tensor([1.0, 2.0])
    y = checkpoint(lambda x: x * x)(x)
    x.data[0] = 5.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_without_gradients_it_is_the_function() -> None:
    with ab.no_grad():
        y = checkpoint(ab.exp)(Tensor([0.0]))
    assert not y.requires_grad
    assert checkpoint(lambda x: x + 1)(2) == 3
    with pytest.raises(TypeError, match="needs a function"):
        checkpoint(3)  # type: ignore[arg-type]


def peak(blocks: int, segment: int) -> float:
    """The peak memory of a chain of blocks forward and backward, in arrays of the chain."""
    x = Tensor(np.ones(20_000))

    def run(x: Any, count: int) -> Any:
        for _ in range(count):
            x = ab.sin(x)
        return x

    tracemalloc.start()
    try:
        y = x
        for start in range(0, blocks, segment):
            count = min(segment, blocks - start)
            y = checkpoint(lambda y, n=count: run(y, n))(y) if segment < blocks else run(y, count)
        y.sum().backward()
        return tracemalloc.get_traced_memory()[1] / (20_000 * 8)
    finally:
        tracemalloc.stop()


def test_a_chain_of_n_blocks_takes_the_memory_of_the_root_of_n() -> None:
    plain = [peak(n, n) for n in (64, 256)]
    sparse = [peak(n, round(n**0.5)) for n in (64, 256)]
    assert plain[1] / plain[0] > 3.5
    assert sparse[1] / sparse[0] < 2.2
    assert sparse[1] < 2.5 * 16


def test_the_memory_of_a_graph_is_given_back() -> None:
    import gc
    import weakref

    x = Tensor([1.0, 2.0])
    gc.disable()
    try:
        y = checkpoint(lambda x: ab.exp(x))(x)
        gone = weakref.ref(y)
        y.sum().backward()
        del y
        assert gone() is None
    finally:
        gc.enable()

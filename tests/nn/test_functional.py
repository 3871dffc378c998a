"""A module as a function of its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, nn


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 5, rng=0), nn.Tanh(), nn.Linear(5, 3, rng=1))


RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(6, 4)), RNG.integers(0, 3, 6)


def arrays(module: nn.Module) -> dict[str, Any]:
    return {name: p.data.copy() for name, p in module.named_parameters()}


def test_other_parameters_are_used_and_the_modules_own_stay() -> None:
    module = net()
    before = module.state_dict()
    other = {name: array + 1.0 for name, array in arrays(module).items()}
    found = nn.functional_call(module, other, X)
    module_with_others = net()
    module_with_others.load_state_dict(other)
    assert (found.data == module_with_others(X).data).all()
    for name, array in module.state_dict().items():
        assert (array == before[name]).all()
    assert all(p.grad is None for p in module.parameters())


def test_those_left_out_are_the_modules_own() -> None:
    module = net()
    found = nn.functional_call(module, {"2.bias": np.ones(3)}, X)
    np.testing.assert_allclose(found.data, module(X).data + 1.0, rtol=1e-14)


def test_the_gradient_is_that_of_backward() -> None:
    module = net()
    value, gradient = ab.value_and_grad(
        lambda p: nn.cross_entropy(nn.functional_call(module, p, X), T)
    )(arrays(module))
    loss = nn.cross_entropy(module(X), T)
    loss.backward()
    assert value == loss.item()
    for name, p in module.named_parameters():
        np.testing.assert_allclose(gradient[name], p.grad, rtol=1e-13)


def test_second_derivatives_go_through() -> None:
    module = nn.Linear(2, 1, rng=0)

    def loss(p: Any) -> Any:
        return (ab.tanh(nn.functional_call(module, p, X[:, :2])) ** 2).mean()

    p = arrays(module)
    v = {name: RNG.normal(size=array.shape) for name, array in p.items()}
    up = ab.grad(loss)({k: p[k] + 1e-5 * v[k] for k in p})
    down = ab.grad(loss)({k: p[k] - 1e-5 * v[k] for k in p})
    for name, product in ab.hvp(loss, p, v).items():
        np.testing.assert_allclose(product, (up[name] - down[name]) / 2e-5, atol=1e-8)


def test_a_compiled_step_trains_the_net_as_a_loop_does() -> None:
    module = net()

    def step(p: Any, x: Any, t: Any) -> Any:
        loss, slope = ab.value_and_grad(
            lambda q: nn.cross_entropy(nn.functional_call(module, q, x), t)
        )(p)
        return {name: p[name] - 0.5 * slope[name] for name in p}, loss

    compiled = ab.compile(step, donate=(0,))
    p = arrays(module)
    for _ in range(5):
        loss = nn.cross_entropy(module(X), T)
        p, found = compiled(p, X, T)
        assert float(found) == pytest.approx(loss.item(), rel=1e-12)
        module.zero_grad()
        loss.backward()
        for parameter in module.parameters():
            parameter.data -= 0.5 * parameter.grad
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(p[name], parameter.data, rtol=1e-11)


def test_shared_parameters_are_replaced_everywhere() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.one = nn.Linear(2, 2, bias=False, rng=0)
            self.parts = ([self.one], {"two": nn.Linear(2, 2, bias=False, rng=1)})
            self.parts[1]["two"].weight = self.one.weight
            self.me = self

        def forward(self, x: Any) -> Any:
            return self.parts[1]["two"](self.parts[0][0](x))

    tied, x = Tied(), np.ones((1, 2))
    twice = nn.functional_call(tied, {"one.weight": 2 * np.eye(2)}, x)
    assert twice.tolist() == [[4.0, 4.0]]
    with pytest.raises(ValueError, match="given twice, under another name too"):
        nn.functional_call(
            tied, {"one.weight": np.eye(2), "parts.1.two.weight": np.zeros((2, 2))}, x
        )


def test_scalar_nets_take_numbers() -> None:
    model = nn.MLP(2, [3, 1], rng=0)
    p = {name: value.data for name, value in model.named_parameters()}
    slope = ab.grad(lambda q: nn.functional_call(model, q, [1.0, -2.0]))(p)
    model([1.0, -2.0]).backward()
    assert {name: v.grad for name, v in model.named_parameters()} == pytest.approx(slope)


def test_names_and_shapes_that_do_not_fit_are_listed() -> None:
    with pytest.raises(ValueError, match="do not fit Sequential") as caught:
        nn.functional_call(net(), {"0.weight": np.ones((5, 4)), "nobody": 1.0}, X)
    assert "shape: 0.weight is (4, 5), and (5, 4) was given" in str(caught.value)
    assert "unexpected: nobody" in str(caught.value)
    with pytest.raises(TypeError, match="not text"):
        nn.functional_call(net(), {"0.bias": "zeros"}, X)


def test_nodes_keep_their_history() -> None:
    module, scale = net(), Tensor(2.0)
    weight = scale * module[0].weight.data
    nn.functional_call(module, {"0.weight": weight}, X).sum().backward()
    assert scale.grad is not None
    assert module[0].weight.grad is None
    assert module[0].bias.grad is not None

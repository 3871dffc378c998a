"""The forward passes of the articles, typed as plain NumPy, differentiate unchanged."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import autograd_bp as ab


def agrees_with_differences(f: Any, *xs: Any) -> None:
    """The gradient by every argument is the slope along a random direction."""
    rng = np.random.default_rng(1)
    for i, gradient in enumerate(ab.grad(f, tuple(range(len(xs))))(*xs)):
        v = rng.normal(size=np.shape(xs[i]))
        h = 1e-6

        def moved(t: float, i: int = i, v: Any = v) -> float:
            return float(f(*(x + t * v if i == j else x for j, x in enumerate(xs))))

        slope = (moved(h) - moved(-h)) / (2 * h)
        np.testing.assert_allclose(np.sum(gradient * v), slope, rtol=2e-7, atol=1e-9)


# -- apples and oranges ---------------------------------------------------------------------------


def test_the_price_of_apples_and_oranges() -> None:
    def price(apple: Any, apples: Any, orange: Any, oranges: Any, tax: Any) -> Any:
        return np.multiply(np.add(apple * apples, orange * oranges), tax)

    value, gradient = ab.value_and_grad(price, (0, 1, 2, 3, 4))(100.0, 2.0, 150.0, 3.0, 1.1)
    np.testing.assert_allclose(value, 715.0)
    np.testing.assert_allclose(gradient, (2.2, 110.0, 3.3, 165.0, 650.0))


# -- the two-layer net ----------------------------------------------------------------------------


def softmax(x: Any) -> Any:
    if x.ndim == 2:
        x = x.T
        x = x - np.max(x, axis=0)
        y = np.exp(x) / np.sum(np.exp(x), axis=0)
        return y.T
    x = x - np.max(x)
    return np.exp(x) / np.sum(np.exp(x))


def cross_entropy_error(y: Any, t: Any) -> Any:
    if y.ndim == 1:
        t = t.reshape(1, t.size)
        y = y.reshape(1, y.size)
    if t.size == y.size:
        t = t.argmax(axis=1)
    batch_size = y.shape[0]
    return -np.sum(np.log(y[np.arange(batch_size), t] + 1e-7)) / batch_size


def test_the_two_layer_net() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 4)), np.eye(3)[[0, 2, 1, 1, 0, 2]]

    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        a1 = np.dot(x, w1) + b1
        z1 = np.maximum(0, a1)
        a2 = np.dot(z1, w2) + b2
        return cross_entropy_error(softmax(a2), t)

    shapes = ((4, 5), (5,), (5, 3), (3,))
    agrees_with_differences(loss, *(0.5 * rng.normal(size=shape) for shape in shapes))


# -- exercise 4 of the course ---------------------------------------------------------------------


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def test_the_cost_of_exercise_4_with_unrolled_weights() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), np.eye(2)[[0, 1, 1, 0, 1]]
    m = x.shape[0]

    def cost(theta: Any) -> Any:
        theta1 = np.reshape(theta[:16], (4, 4))
        theta2 = np.reshape(theta[16:], (2, 5))
        a1 = np.hstack((np.ones((m, 1)), x))
        z2 = np.matmul(a1, theta1.T)
        a2 = np.hstack((np.ones((m, 1)), sigmoid(z2)))
        h = sigmoid(np.matmul(a2, theta2.T))
        entropy = np.sum(-y * np.log(h) - (1 - y) * np.log(1 - h)) / m
        penalty = np.sum(np.square(theta1[:, 1:])) + np.sum(np.square(theta2[:, 1:]))
        return entropy + 1.0 / (2 * m) * penalty

    agrees_with_differences(cost, 0.5 * rng.normal(size=26))


# -- linear regression ----------------------------------------------------------------------------


def test_linear_regression_by_hand() -> None:
    x, y = np.array([1.0, 2.0, 3.0]), 1.0

    def loss(w: Any) -> Any:
        return np.power(np.dot(w, x) - y, 2)

    w = np.array([0.5, 1.0, 3.35507743 / 3 - 2.5 / 3])
    before = float(loss(w))
    for _ in range(5):
        w = w - 0.001 * ab.grad(loss)(w)
    assert float(loss(w)) < before
    agrees_with_differences(loss, w)


# -- the four equations ---------------------------------------------------------------------------


def test_the_quadratic_cost_of_a_sigmoid_net() -> None:
    rng = np.random.default_rng(0)
    sizes = (3, 4, 2)
    x, y = rng.normal(size=(3, 1)), rng.uniform(size=(2, 1))

    def cost(*parameters: Any) -> Any:
        a = x
        for w, b in zip(parameters[::2], parameters[1::2], strict=True):
            a = sigmoid(np.dot(w, a) + b)
        return 0.5 * np.linalg.norm(a - y) ** 2

    parameters = [
        rng.normal(size=shape) for n, m in itertools.pairwise(sizes) for shape in ((m, n), (m, 1))
    ]
    agrees_with_differences(cost, *parameters)


# -- one sample at a time -------------------------------------------------------------------------


def test_one_sample_through_three_layers() -> None:
    rng = np.random.default_rng(0)
    sample, label = rng.uniform(size=6), np.array([0.0, 1.0, 0.0])

    def loss(w1: Any, w2: Any, w3: Any) -> Any:
        a1 = sigmoid(np.dot(w1, sample))
        a2 = sigmoid(np.dot(w2, a1))
        z3 = np.dot(w3, a2)
        exps = np.exp(z3 - z3.max())
        return -np.sum(label * np.log(exps / np.sum(exps, axis=0)))

    agrees_with_differences(loss, *(rng.normal(size=shape) for shape in ((5, 6), (4, 5), (3, 4))))


def test_the_mean_squared_error_and_its_second_derivative() -> None:
    x = np.array([0.5, -1.0, 2.0])

    def mse(w: Any) -> Any:
        return np.mean(np.square(np.tanh(w * x) - 0.3))

    w = np.array([0.2, 0.7, -0.4])
    agrees_with_differences(mse, w)
    agrees_with_differences(lambda w: np.sum(ab.hvp(mse, w, np.ones(3))), w)

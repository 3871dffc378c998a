"""The engines that `edges.py` compares, behind one face.

Each gives its operations under NumPy's names, and gradients and second derivatives by the way its
documentation shows first. Nothing is composed on an engine's behalf: an operation that it does not
have is missing. An engine is imported when it is made.
"""

from __future__ import annotations

import importlib.metadata
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Function = Callable[..., Any]
"""A function of x, or of x and y, written in the engine's operations."""


class MissingError(Exception):
    """The engine does not have this operation, or not this order of derivatives."""


class Engine:
    """An engine: its operations as attributes, and its ways to differentiate.

    Arguments are Python floats and NumPy arrays.
    """

    package = ""
    renamed: Mapping[str, str] = types.MappingProxyType({})
    sources: tuple[Any, ...] = ()

    @property
    def version(self) -> str:
        """The version that is installed."""
        return importlib.metadata.version(self.package)

    def __getattr__(self, name: str) -> Any:
        for source in self.sources:
            if hasattr(source, self.renamed.get(name, name)):
                return getattr(source, self.renamed.get(name, name))
        raise MissingError(name)

    def array(self, number: float) -> Any:
        """A number as an array that is not differentiated."""
        return np.array(number, np.float64)

    def ints(self, *entries: int) -> Any:
        """An index."""
        return np.array(entries)

    def mask(self, *entries: int) -> Any:
        """A mask."""
        return np.array(entries, bool)

    def add_to_itself(self, x: Any, times: int) -> Any:
        """x + x, and that plus itself, and so on."""
        for _ in range(times):
            x = x + x
        return x

    def add_one(self, x: Any, times: int) -> Any:
        """x + 1 + 1 + 1 and so on."""
        for _ in range(times):
            x = x + 1.0
        return x

    def value_and_gradients(self, f: Function, *xs: Any) -> tuple[Any, list[Any]]:
        """The value of f(*xs), and its gradient by each of xs."""
        raise NotImplementedError

    def second(self, f: Function, x: Any) -> Any:  # noqa: ARG002
        """Of a number the gradient of the gradient, of an array the Hessian."""
        raise MissingError("second derivatives")

    def backward_twice(self, f: Function, x: Any) -> Any:
        """The gradient after going backward through one graph twice."""
        raise NotImplementedError


class AutogradBp(Engine):
    """This project. Numbers are tried as Value and as Tensor, second derivatives as reverse over
    reverse and as forward over reverse: an answer counts only if all agree.
    """

    package = "autograd-bp"

    def __init__(self) -> None:
        import autograd_bp

        self.sources = autograd_bp, autograd_bp.linalg
        self.ab = autograd_bp

    @property
    def version(self) -> str:
        return str(self.ab.__version__)

    def value_and_gradients(self, f: Function, *xs: Any) -> tuple[Any, list[Any]]:
        along = self.ab.value_and_grad(f, tuple(range(len(xs))))
        value, gradients = along(*map(np.asarray, xs))
        if all(isinstance(x, float) for x in xs):
            _, by_values = along(*xs)
            gradients = [_agreed(*pair) for pair in zip(gradients, by_values, strict=True)]
        return value, list(gradients)

    def second(self, f: Function, x: Any) -> Any:
        gradient, hessian = self.ab.grad(f), self.ab.hessian(f)
        if isinstance(x, float):
            twice = self.ab.grad(gradient)
            return _agreed(hessian(x), hessian(np.asarray(x)), twice(x), twice(np.asarray(x)))
        _, pullback = self.ab.vjp(gradient, x)
        return _agreed(hessian(x), np.stack([pullback(row)[0] for row in np.eye(len(x))]))

    def backward_twice(self, f: Function, x: Any) -> Any:
        found = []
        for kind in (self.ab.Value, self.ab.Tensor):
            leaf = kind(x)
            result = f(leaf)
            result.backward()
            result.backward()
            found.append(leaf.grad)
        return _agreed(*found)


def _agreed(*answers: Any) -> Any:
    """The answer, if all are the same to rounding; else one that nobody takes for right."""
    arrays = [np.asarray(answer, np.float64) for answer in answers]
    same = all(np.allclose(arrays[0], a, rtol=1e-12, atol=0, equal_nan=True) for a in arrays)
    return answers[0] if same else np.full(arrays[0].shape, np.nan)


class Micrograd(Engine):
    """micrograd: numbers only."""

    package = "micrograd"

    def __init__(self) -> None:
        from micrograd.engine import Value

        self.value = Value

    def relu(self, x: Any) -> Any:
        return x.relu()

    def array(self, number: float) -> Any:
        return number

    def value_and_gradients(self, f: Function, *xs: Any) -> tuple[Any, list[Any]]:
        leaves = self._leaves(xs)
        result = f(*leaves)
        result.backward()
        return result.data, [leaf.grad for leaf in leaves]

    def backward_twice(self, f: Function, x: Any) -> Any:
        (leaf,) = self._leaves([x])
        result = f(leaf)
        result.backward()
        result.backward()
        return leaf.grad

    def _leaves(self, xs: Any) -> list[Any]:
        if any(isinstance(x, np.ndarray) for x in xs):
            raise MissingError("arrays")
        return [self.value(x) for x in xs]


class PyTorch(Engine):
    """PyTorch, by `backward`, `autograd.grad` and `autograd.functional.hessian`."""

    package = "torch"
    renamed = types.MappingProxyType({"concatenate": "cat"})

    def __init__(self) -> None:
        import torch
        import torch.nn.functional

        self.sources = torch, torch.nn.functional
        self.torch = torch

    def norm(self, x: Any, ord: Any = None) -> Any:  # noqa: A002
        return self.torch.linalg.norm(x, ord=ord)

    def std(self, x: Any) -> Any:
        return self.torch.std(x, correction=0)

    def softmax(self, x: Any) -> Any:
        return self.torch.softmax(x, -1)

    def log_softmax(self, x: Any) -> Any:
        return self.torch.log_softmax(x, -1)

    def logsumexp(self, x: Any) -> Any:
        return self.torch.logsumexp(x, -1)

    def array(self, number: float) -> Any:
        return self.torch.tensor(number, dtype=self.torch.float64)

    def value_and_gradients(self, f: Function, *xs: Any) -> tuple[Any, list[Any]]:
        leaves = [self._leaf(x) for x in xs]
        result = f(*leaves)
        result.backward()
        return result.detach().numpy(), [self._gradient(leaf) for leaf in leaves]

    def second(self, f: Function, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            hessian = self.torch.autograd.functional.hessian
            return hessian(f, self._leaf(x)).numpy()
        leaf = self._leaf(x)
        (gradient,) = self.torch.autograd.grad(f(leaf), leaf, create_graph=True)
        if not gradient.requires_grad:  # a constant
            return 0.0
        gradient.backward()
        return self._gradient(leaf)

    def backward_twice(self, f: Function, x: Any) -> Any:
        leaf = self._leaf(x)
        result = f(leaf)
        result.backward(retain_graph=True)
        result.backward()
        return self._gradient(leaf)

    def _leaf(self, x: Any) -> Any:
        return self.torch.tensor(np.asarray(x), requires_grad=True)

    def _gradient(self, leaf: Any) -> Any:
        return np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()


class Jax(Engine):
    """JAX with float64 on, not compiled, by `value_and_grad`, `grad` and `hessian`."""

    package = "jax"

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.sources = jax.numpy, jax.nn, jax.numpy.linalg
        self.jax = jax

    def gelu(self, x: Any) -> Any:
        return self.jax.nn.gelu(x, approximate=False)

    def value_and_gradients(self, f: Function, *xs: Any) -> tuple[Any, list[Any]]:
        along = self.jax.value_and_grad(f, tuple(range(len(xs))))
        value, gradients = along(*xs)
        return np.asarray(value), [np.asarray(gradient) for gradient in gradients]

    def second(self, f: Function, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return self.jax.hessian(f)(x)
        return self.jax.grad(self.jax.grad(f))(x)

    def backward_twice(self, f: Function, x: Any) -> Any:
        value, pullback = self.jax.vjp(f, x)
        pullback(self.jax.numpy.ones_like(value))
        return pullback(self.jax.numpy.ones_like(value))[0]


class HipsAutograd(Engine):
    """HIPS autograd, by `value_and_grad`, `grad` and `hessian`."""

    package = "autograd"
    renamed = types.MappingProxyType({"sigmoid": "expit"})

    def __init__(self) -> None:
        import autograd
        import autograd.numpy
        import autograd.scipy.special

        self.sources = autograd.numpy, autograd.numpy.linalg, autograd.scipy.special
        self.autograd = autograd

    def value_and_gradients(self, f: Function, *xs: Any) -> tuple[Any, list[Any]]:
        xs = tuple(map(np.asarray, xs))
        along = [self.autograd.grad(f, i) for i in range(len(xs))]
        return f(*xs), [gradient(*xs) for gradient in along]

    def second(self, f: Function, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return self.autograd.hessian(f)(x)
        return self.autograd.grad(self.autograd.grad(f))(np.asarray(x))

    def backward_twice(self, f: Function, x: Any) -> Any:
        pullback, _ = self.autograd.make_vjp(f)(np.asarray(x))
        pullback(1.0)
        return pullback(1.0)


class MyGrad(Engine):
    """MyGrad, by `backward`."""

    package = "mygrad"
    renamed = types.MappingProxyType({"log_softmax": "logsoftmax"})

    def __init__(self) -> None:
        import mygrad

        self.sources = mygrad, mygrad.nnet.activations, mygrad.linalg
        self.mygrad = mygrad

    def value_and_gradients(self, f: Function, *xs: Any) -> tuple[Any, list[Any]]:
        leaves = [self.mygrad.tensor(x) for x in xs]
        result = f(*leaves)
        result.backward()
        return result.data, [
            np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves
        ]

    def backward_twice(self, f: Function, x: Any) -> Any:
        leaf = self.mygrad.tensor(x)
        result = f(leaf)
        result.backward()
        result.backward()
        return leaf.grad


ENGINES: dict[str, type[Engine]] = {
    "autograd-bp": AutogradBp,
    "micrograd": Micrograd,
    "PyTorch": PyTorch,
    "JAX": Jax,
    "HIPS autograd": HipsAutograd,
    "MyGrad": MyGrad,
}

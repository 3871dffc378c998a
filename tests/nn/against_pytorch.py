"""A layer or a loss beside PyTorch's: values, and the gradient of everything, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import Tensor, nn

torch = pytest.importorskip("torch", reason="compares with PyTorch")
torch.set_num_threads(1)

Array = np.ndarray[Any, Any]


def same(ours: Any, theirs: Any, what: str, within: float = 1e-10) -> None:
    """Equal to 1e-10, relative to the size of the array."""
    ours, theirs = np.asarray(ours), theirs.detach().numpy(force=True)
    assert ours.dtype == theirs.dtype == np.float64, (what, ours.dtype)
    assert ours.shape == theirs.shape, (what, ours.shape, theirs.shape)
    size = float(np.max(np.abs(theirs), initial=0.0))
    np.testing.assert_allclose(ours, theirs, rtol=within, atol=within * size + 1e-12, err_msg=what)


def outputs(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def compare(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    inputs: Sequence[Array],
    parameters: Mapping[Any, tuple[Any, Callable[[Any], Any]]] | None = None,
    *,
    seed: int = 0,
) -> None:
    """Both on the same inputs: outputs, gradients by inputs and parameters, and the derivatives of
    a weighted sum of these.

    `parameters` says for each of PyTorch's the Tensor of ours, and how a gradient of theirs is laid
    out as one of ours.
    """
    xs = [Tensor(x, name=f"input {i}") for i, x in enumerate(inputs)]
    ts = [torch.tensor(x, requires_grad=True) for x in inputs]
    left, right = outputs(ours(*xs)), outputs(theirs(*ts))
    assert len(left) == len(right)
    rng = np.random.default_rng(seed)
    a: Any = 0.0
    b: Any = 0.0
    for i, (y, z) in enumerate(zip(left, right, strict=True)):
        same(y.data, z, f"output {i}")
        weights = rng.normal(size=y.shape)
        a = a + (y * weights).sum()
        b = b + (z * torch.tensor(weights)).sum()
    if not b.requires_grad:
        return
    known = parameters or {}
    mine = [*xs, *(own for own, _ in known.values())]
    others = [*ts, *known]
    layouts = [*(straight for _ in ts), *(layout for _, layout in known.values())]
    first = ab.gradients(a, mine, create_graph=True)
    reference = torch.autograd.grad(b, others, create_graph=True)
    s: Any = 0.0
    r: Any = 0.0
    for leaf, gradient, theirs_, layout in zip(mine, first, reference, layouts, strict=True):
        same(gradient.data, layout(theirs_), f"gradient by {leaf.name}")
        v = rng.normal(size=leaf.shape)
        s = s + (gradient * v).sum()
        r = r + (layout(theirs_) * torch.tensor(v)).sum()
    a.backward()  # fills .grad, for those who look there
    b.backward(retain_graph=True)
    if not r.requires_grad:
        return
    again = torch.autograd.grad(r, others, allow_unused=True)
    for leaf, gradient, theirs_, layout in zip(
        mine, ab.gradients(s, mine), again, layouts, strict=True
    ):
        if theirs_ is None:
            second = torch.zeros(leaf.shape, dtype=torch.float64)
        else:
            second = layout(theirs_)
        # PyTorch's second derivatives of some losses have fewer digits.
        same(gradient, second, f"second derivative by {leaf.name}", within=1e-8)


def compare_in_both_modes(
    ours: nn.Module, theirs: Any, inputs: Sequence[Array], parameters: Any = None
) -> None:
    """Two modules in training and in evaluation, one after the other."""
    for training in (True, False):
        ours.train(training)
        theirs.train(training)
        compare(ours, theirs, inputs, parameters)


def straight(t: Any) -> Any:
    return t


def transposed(t: Any) -> Any:
    return t.T


def paired(
    ours: nn.Module, theirs: Any, layouts: Mapping[str, Callable[[Any], Any]]
) -> dict[Any, tuple[Any, Callable[[Any], Any]]]:
    """Give our module the parameters of theirs of the same names; for `compare`."""
    own = dict(ours.named_parameters())
    found = {}
    for name, parameter in theirs.named_parameters():
        layout = layouts.get(name, straight)
        own[name].data = layout(parameter).detach().numpy()
        found[parameter] = (own.pop(name), layout)
    assert not own, f"PyTorch has no {list(own)}"
    return found

"""A layer or a loss beside PyTorch's: values, and the gradient of everything, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from autograd_bp import Tensor, nn

torch = pytest.importorskip("torch", reason="compares with PyTorch")
torch.set_num_threads(1)

Array = np.ndarray[Any, Any]


def same(ours: Any, theirs: Any, what: str) -> None:
    """Equal to 1e-10, relative to the size of the array."""
    ours, theirs = np.asarray(ours), theirs.detach().numpy()
    assert ours.dtype == theirs.dtype == np.float64, (what, ours.dtype)
    assert ours.shape == theirs.shape, (what, ours.shape, theirs.shape)
    size = float(np.max(np.abs(theirs), initial=0.0))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10 * size + 1e-12, err_msg=what)


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
    """Both on the same inputs: outputs, and gradients by inputs and parameters.

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
    a.backward()
    b.backward()
    for i, (x, t) in enumerate(zip(xs, ts, strict=True)):
        same(x.grad, t.grad, f"gradient by input {i}")
    for t, (own, layout) in (parameters or {}).items():
        same(own.grad, layout(t.grad), f"gradient by {own.name}")


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

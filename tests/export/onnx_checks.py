"""A model of ONNX gives in ONNX Runtime what the module gives here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn

runtime = pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)


class Does(nn.Module):
    """A module that is a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def forward(self, x: Any, y: Any = None) -> Any:
        return self.function(x) if y is None else self.function(x, y)


def run(model: Any, *inputs: Any) -> list[Any]:
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [given.name for given in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=False)))


def assert_same(net: Any, *samples: Any, batches: Any = (1, 4, 9), tol: float = 1e-5) -> Any:
    """The model gives what the net gives in float32, for batches of several sizes."""
    model = ab.export.to_onnx(net, *samples)
    for n in batches:
        inputs = [np.resize(x, (n, *np.shape(x)[1:])) for x in samples]
        inputs = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in inputs]
        expected = net.astype(np.float32)(*inputs)
        found = run(model, *inputs)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for ours, theirs in zip(expected, found, strict=True):
            ours = ours.data if isinstance(ours, ab.Tensor) else np.asarray(ours)
            assert theirs.shape == ours.shape
            np.testing.assert_allclose(theirs, ours, rtol=tol, atol=tol)
    return model

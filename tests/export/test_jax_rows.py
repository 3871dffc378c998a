"""Every row of the sheet on JAX: values and gradients are ours."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp.function import BUILT_IN
from autograd_bp.operations import apply
from autograd_bp.rules import ROWS
from autograd_bp.testing.calls import calls_of
from tests.rules import points, samples

jax = pytest.importorskip("jax")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

from autograd_bp.export.jax_derivatives import operation  # noqa: E402

ELEMENTWISE = [name for name, rule in ROWS.items() if rule.kind == "elementwise"]
OTHERS = [name for name, rule in ROWS.items() if rule.kind != "elementwise"]
TINY = 1e-290
"""XLA takes subnormal numbers for zero."""
CONDITIONED = frozenset(
    "inv solve det cofactor cofactor_slope logabsdet cholesky eigh eigvalsh svd svdvals qr pinv "
    "dft rfft rfft_adjoint".split()
)

SOFTMAX = frozenset("softmax log_softmax cross_entropy label_errors soft_cross_entropy".split())


@pytest.fixture(autouse=True)
def _double() -> Any:
    with jax.enable_x64(True), np.errstate(all="ignore"):
        yield


def _assert_equal(found: Any, ours: Any, what: str, rtol: float, scale: Any = 0.0) -> None:
    """Equal where ours is finite and not next to the smallest numbers."""
    found, ours = np.asarray(found), np.asarray(ours)
    assert found.shape == ours.shape, what
    assert found.dtype == ours.dtype, what
    checked = np.isfinite(ours)
    error = np.abs(found - ours)
    wrong = checked & ~(error <= rtol * np.abs(ours) + rtol * scale + TINY)
    assert not wrong.any(), (
        f"{what}: {found[wrong][:5]} instead of {ours[wrong][:5]} at {np.argwhere(wrong)[:5]}"
    )


def _ours(name: str, operands: list[Any], params: tuple[Any, ...], g: Any) -> tuple[Any, Any]:
    leaves = [ab.Tensor(x) for x in operands]
    out = apply(ROWS[name], tuple(leaves), params)
    if not out.requires_grad:
        return out.data, [np.zeros(x.shape) for x in leaves]
    grads = ab.gradients(out, leaves, cotangent=g) if g is not None else None
    return out.data, [x.data for x in grads or ()]


def _of_jax(name: str, params: tuple[Any, ...]) -> Any:
    """The value and the gradients, of operands and a cotangent."""

    def function(g: Any, *xs: Any) -> Any:
        out, pull = jax.vjp(lambda *xs: operation(name)(*xs, *params), *xs)
        return out, pull(g.astype(out.dtype))

    return jax.jit(function)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elementwise_row_is_ours_at_every_standing_point(name: str) -> None:
    rule = ROWS[name]
    for params in points.parameters(rule):
        every = list(dict.fromkeys(points._points(rule, params, random.Random(name))))
        every += list(rule.boundary)
        usual = [
            p
            for p in every
            if points.in_domain(rule, p) and all(x == 0 or 1e-290 < abs(x) < 1e300 for x in p)
        ]
        operands = [np.array(column) for column in zip(*usual, strict=True)]
        g = np.ones(len(usual))
        value, grads = _ours(name, operands, params, g)
        of_jax = _of_jax(name, params)
        found, found_grads = of_jax(g, *operands)
        _assert_equal(found, value, f"{name}{params}", 1e-12)
        for k, (ours, theirs) in enumerate(zip(grads, found_grads, strict=True)):
            _assert_equal(theirs, ours, f"{name}{params} by {rule.args[k]}", 1e-12)
        zeros = of_jax(np.zeros(len(usual)), *operands)[1]
        for theirs in zeros:
            np.testing.assert_array_equal(theirs, 0.0)


@pytest.mark.parametrize("name", OTHERS)
def test_a_row_of_arrays_is_ours_for_every_kind_of_call(name: str) -> None:
    rule = ROWS[name]
    calls = calls_of(rule)
    step = max(1, len(calls) // 6)
    rtol = 1e-9 if name in CONDITIONED else 1e-11
    for call in calls[::step]:
        sample = samples.Sample(rule, *call)
        of_jax = _of_jax(name, call.params)
        for kind, fill in {**samples.REGULAR, **samples.DEGENERATE}.items():
            if name in CONDITIONED and kind != "numbers near 1":
                continue
            operands = [np.asarray(x, float) for x in samples.filled(sample, fill, 3)]
            what = f"{sample} at {kind}"
            shape = np.shape(rule.array.forward(*operands, *call.params))
            g = np.random.default_rng(1).normal(size=shape)
            value, grads = _ours(name, operands, call.params, g)
            found, found_grads = of_jax(g, *operands)
            # Of numbers of size 1 that are equal, a variance is 0 but for rounding. What JAX makes
            # by transposing the tangent of a softmax has its rounding relative to the cotangent.
            least = 1.0 if kind in samples.DEGENERATE or name in SOFTMAX else 0.0
            scale = np.max(np.abs(np.asarray(value)), initial=least, where=np.isfinite(value))
            _assert_equal(found, value, what, rtol, scale)
            for k, (ours, theirs) in enumerate(zip(grads, found_grads, strict=True)):
                finite = np.isfinite(ours)
                size = np.max(np.abs(ours), initial=least, where=finite)
                _assert_equal(theirs, ours, f"{what}, gradient {k}", rtol, size)


def test_no_row_is_left_out() -> None:
    assert {*ELEMENTWISE, *OTHERS} >= BUILT_IN

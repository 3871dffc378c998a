"""Every loss against PyTorch's on random shapes: values and derivatives, with every reduction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, nn

torch = pytest.importorskip("torch", reason="compares with PyTorch")

from tests.nn.against_pytorch import compare, same  # noqa: E402

pytestmark = pytest.mark.slow
F = torch.nn.functional
random_shapes = settings(max_examples=60, deadline=None, derandomize=True)

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3)
seeds = st.integers(0, 2**32 - 1)
reductions = st.sampled_from(["mean", "sum", "none"])

ELEMENTWISE = {
    "mse": (nn.mse, F.mse_loss, "real"),
    "mae": (nn.mae, F.l1_loss, "real"),
    "huber": (nn.huber, F.huber_loss, "real"),
    "huber with another delta": (
        lambda x, t, **reduction: nn.huber(x, t, delta=0.3, **reduction),
        lambda x, t, **reduction: F.huber_loss(x, t, delta=0.3, **reduction),
        "real",
    ),
    "binary cross entropy": (nn.binary_cross_entropy, F.binary_cross_entropy, "unit"),
    "the same from logits": (
        nn.binary_cross_entropy_with_logits,
        F.binary_cross_entropy_with_logits,
        "logits",
    ),
    "hinge": (nn.hinge, lambda x, t, reduction: torch.relu(1 - x * t), "signs"),  # noqa: ARG005
    "kl divergence": (nn.kl_divergence, F.kl_div, "probabilities"),
}
"""By name: ours, PyTorch's, and what it is a loss of."""


def drawn(kind: str, shape: list[int], seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x, t = rng.normal(0.0, 2.0, shape), rng.normal(0.0, 2.0, shape)
    if kind == "unit":
        return rng.uniform(0.01, 0.99, shape), rng.choice([0.0, 1.0, rng.random()], shape)
    if kind == "logits":
        return 3 * x, rng.choice([0.0, 1.0, rng.random()], shape)
    if kind == "signs":
        return x, rng.choice([-1.0, 1.0], shape)
    if kind == "probabilities":
        p = np.exp(t) * (rng.random(shape) < 0.8)
        total = p.sum(-1, keepdims=True)
        return x - np.log(np.exp(x).sum(-1, keepdims=True)), p / np.where(total == 0, 1, total)
    return x, t


def reduced(losses: Any, reduction: str) -> Any:
    return {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x}[reduction](losses)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_losses_of_corresponding_elements(name: str) -> None:
    ours, theirs, kind = ELEMENTWISE[name]

    @random_shapes
    @given(shapes, reductions, seeds)
    def check(shape: list[int], reduction: str, seed: int) -> None:
        x, t = drawn(kind, shape, seed)
        compare(
            lambda x: ours(x, t, reduction=reduction),
            lambda x: reduced(theirs(x, torch.tensor(t), reduction="none"), reduction),
            [x],
        )

    check()


@random_shapes
@given(shapes, seeds)
def test_batchmean(shape: list[int], seed: int) -> None:
    x, t = drawn("probabilities", shape, seed)
    compare(
        lambda x: nn.kl_divergence(x, t, reduction="batchmean"),
        lambda x: F.kl_div(x, torch.tensor(t), reduction="batchmean"),
        [x],
    )
    x, t = drawn("unit", shape, seed)
    compare(
        lambda x: nn.binary_cross_entropy(x, t, reduction="batchmean"),
        lambda x: F.binary_cross_entropy(x, torch.tensor(t), reduction="sum") / shape[0],
        [x],
    )


@random_shapes
@given(shapes, st.sampled_from(["mean", "sum"]), seeds)
def test_quadratic_cost_is_half_the_squared_error_per_sample(
    shape: list[int], reduction: str, seed: int
) -> None:
    x, t = drawn("real", shape, seed)
    samples = np.prod(shape[:-1]) if reduction == "mean" else 1
    compare(
        lambda x: nn.quadratic_cost(x, t, reduction=reduction),
        lambda x: F.mse_loss(x, torch.tensor(t), reduction="sum") / 2 / int(samples),
        [x],
    )


@st.composite
def classifications(draw: st.DrawFn) -> dict[str, Any]:
    classes = draw(st.integers(1, 5))
    outer = draw(st.lists(st.integers(1, 4), max_size=2))
    seed = draw(seeds)
    rng = np.random.default_rng(seed)
    scale = draw(st.sampled_from([0.1, 1.0, 30.0]))
    return {
        "logits": rng.normal(0.0, scale, (*outer, classes)),
        "labels": rng.integers(0, classes, outer),
        "probabilities": rng.dirichlet(np.ones(classes), outer),
        "weight": draw(st.sampled_from([None, rng.uniform(0.1, 2.0, classes)])),
        "label_smoothing": draw(st.sampled_from([0.0, 0.1, 1.0])),
        "reduction": draw(reductions),
    }


def channels_first(x: Any) -> Any:
    """PyTorch has the classes in axis 1 when there is more than one axis."""
    return x.movedim(-1, 1) if x.ndim > 1 else x


def theirs_on(case: dict[str, Any], targets: Any) -> Any:
    def loss(logits: Any) -> Any:
        weight = None if case["weight"] is None else torch.tensor(case["weight"])
        return F.cross_entropy(
            channels_first(logits), targets, weight=weight, reduction=case["reduction"],
            label_smoothing=case["label_smoothing"],
        )  # fmt: skip

    return loss


def ours_on(case: dict[str, Any], targets: Any) -> Any:
    settings = {k: case[k] for k in ("weight", "label_smoothing", "reduction")}
    return lambda logits: nn.cross_entropy(logits, targets, **settings)


@random_shapes
@given(classifications())
def test_cross_entropy_with_integer_targets(case: dict[str, Any]) -> None:
    labels = case["labels"]
    theirs = theirs_on(case, torch.tensor(labels))
    compare(ours_on(case, labels), theirs, [case["logits"]])
    moved = np.moveaxis(case["logits"], -1, 0)
    settings = {k: case[k] for k in ("weight", "label_smoothing", "reduction")}
    found = nn.cross_entropy(Tensor(moved), labels, axis=0, **settings)
    same(found.data, theirs(torch.tensor(case["logits"])), "classes in the first axis")


@random_shapes
@given(classifications())
def test_cross_entropy_with_one_hot_targets(case: dict[str, Any]) -> None:
    hot = np.eye(case["logits"].shape[-1])[case["labels"]]
    theirs = theirs_on(case, channels_first(torch.tensor(hot)))
    compare(ours_on(case, hot), theirs, [case["logits"]])
    compare(ours_on(case, hot.astype(int)), theirs, [case["logits"]])


@random_shapes
@given(classifications())
def test_cross_entropy_with_probabilities_differentiates_by_them_too(case: dict[str, Any]) -> None:
    settings = {k: case[k] for k in ("weight", "label_smoothing", "reduction")}
    weight = None if case["weight"] is None else torch.tensor(case["weight"])

    def ours(logits: Any, p: Any) -> Any:
        return nn.cross_entropy(logits, p, **settings)

    def theirs(logits: Any, p: Any) -> Any:
        return F.cross_entropy(
            channels_first(logits), channels_first(p), **{**settings, "weight": weight}
        )

    compare(ours, theirs, [case["logits"], case["probabilities"]])


@random_shapes
@given(classifications())
def test_second_derivatives_of_cross_entropy(case: dict[str, Any]) -> None:
    case["reduction"] = "mean"
    x, t = Tensor(case["logits"]), torch.tensor(case["logits"], requires_grad=True)
    rng = np.random.default_rng(0)
    v = rng.normal(size=x.shape)
    (slope,) = ab.gradients(ours_on(case, case["labels"])(x), [x], create_graph=True)
    (reference,) = torch.autograd.grad(
        theirs_on(case, torch.tensor(case["labels"]))(t), t, create_graph=True
    )
    same(slope.data, reference, "gradient")
    (slope * v).sum().backward()
    (reference * torch.tensor(v)).sum().backward()
    same(x.grad, t.grad, "Hessian times a vector")

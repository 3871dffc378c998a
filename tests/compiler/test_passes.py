"""Each pass by itself: what it changes, and that the results stay what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from autograd_bp import nn
from autograd_bp.compiler import Program, trace
from autograd_bp.compiler.memory import planned
from autograd_bp.compiler.passes.activations import with_cheap_forms
from autograd_bp.compiler.passes.algebra import simplified, without_needless_broadcasts
from autograd_bp.compiler.passes.blas import with_accumulated_products
from autograd_bp.compiler.passes.checks import (
    with_checks_joined,
    with_wide_factors_seen_in_products,
    without_implied_checks,
)
from autograd_bp.compiler.passes.common import with_common_subexpressions_shared
from autograd_bp.compiler.passes.dead_code import without_dead_code
from autograd_bp.compiler.passes.expand import expanded
from autograd_bp.compiler.passes.folding import folded, with_numbers_for_uniform_constants
from autograd_bp.compiler.passes.guards import with_plain_products
from autograd_bp.compiler.passes.lower import lowered
from autograd_bp.compiler.passes.updates import with_updates_last
from autograd_bp.compiler.pipeline import optimised
from autograd_bp.compiler.views import owners

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 3))
V = rng.normal(size=3)


def ops(program: Program) -> list[str]:
    return [instruction.op for instruction in program.instructions]


def changed(
    f: Callable[..., Any], *args: Any, by: list[Callable[[Program], Program]]
) -> tuple[Program, Program]:
    """The program before and after passes, after looking that both give the same."""
    before = trace(f, *args)
    after = before
    for change in by:
        after = change(after)
    leaves = [leaf for leaf in ab.trees.flatten(args)[0] if not isinstance(leaf, int)]
    for found, expected in zip(after.run(leaves), before.run(leaves), strict=True):
        assert np.asarray(found).dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    return before, after


def test_dead_code() -> None:
    before, after = changed(lambda x: (ab.sin(x), ab.exp(x))[1], X, by=[without_dead_code])
    assert ops(before) == ["sin", "exp"]
    assert ops(after) == ["exp"]


def test_common_subexpressions() -> None:
    _, after = changed(
        lambda x: ab.exp(x) * ab.exp(x) + ab.sum(x, axis=0) - ab.sum(x, axis=0) + ab.sum(x),
        X,
        by=[with_common_subexpressions_shared],
    )
    assert ops(after).count("exp") == 1
    assert ops(after).count("sum") == 2
    _, after = changed(
        lambda x: (x * 0.0, x * -0.0, x * 1, x * 1.0), X, by=[with_common_subexpressions_shared]
    )
    assert len(after.instructions) == 4  # equal numbers, and not the same


def test_rows_are_written_out_as_functions_of_numpy() -> None:
    _, after = changed(lambda x: ab.softplus(x), X, by=[expanded])
    assert set(ops(after)) == {
        "np.absolute",
        "np.negative",
        "np.exp",
        "np.log1p",
        "np.maximum",
        "np.add",
    }
    _, after = changed(lambda x: ab.leaky_relu(x, 0.1) + ab.hypot(x, 2.0), X, by=[expanded])
    assert all(op.startswith("np.") for op in ops(after))
    _, after = changed(lambda x: ab.sum(ab.gelu(x)), X, by=[expanded])
    assert "gelu" not in ops(after) or "normal_cdf" in ops(after) or ops(after)[-1] == "sum"


def test_float32_stays_through_expansion() -> None:
    def f(x: Any) -> Any:
        return ab.grad(lambda x: ab.sum(ab.maximum(x, 0.5) * ab.sigmoid(x) + ab.elu(x)))(x)

    changed(f, X.astype(np.float32), by=[expanded])


def test_moving_rows_are_lowered() -> None:
    def f(x: Any, v: Any) -> Any:
        return ab.grad(lambda v: ab.mean((x + v) ** 2))(v), ab.mean(x, axis=0)

    _, after = changed(f, X, V, by=[lowered])
    assert not {"mean", "spread", "sum_to"} & set(ops(after))


def test_constants_are_folded_and_arrays_of_others_are_not() -> None:
    theirs = np.array([1.0, 2.0, 3.0])

    def f(v: Any) -> Any:
        ours = ab.Tensor([1.0, 2.0, 3.0])
        return v + ab.exp(ours.detach()), v * ab.exp(ab.Tensor(theirs) * 1.0)

    before, after = changed(f, V, by=[folded, without_dead_code])
    assert len(after.instructions) < len(before.instructions) or len(before.instructions) == 2
    program = trace(lambda v: v * np.ones(3) + ab.where(v > 0, theirs, 0.0), V)
    assert ops(folded(program)) == ops(program)


def test_uniform_constants_become_numbers() -> None:
    def f(x: Any) -> Any:
        return ab.grad(lambda x: ab.sum(x * 3.0))(x)

    _, after = changed(
        lambda x: f(x) + x,
        X,
        by=[with_plain_products, expanded, lowered, folded, with_numbers_for_uniform_constants],
    )
    assert any(isinstance(operand, float) for i in after.instructions for operand in i.operands)


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: 1.0 * x + 0.0, []),
        (lambda x: x - 0.0, []),
        (lambda x: x / 1.0, []),
        (lambda x: ab.negative(-x), []),
        (lambda x: -1.0 * x, ["np.negative"]),
        (lambda x: x + -ab.exp(x), ["np.exp", "np.subtract"]),
        (lambda x: x - -ab.exp(x), ["np.exp", "np.add"]),
        (lambda x: x / 4.0, ["np.multiply"]),
        (lambda x: x / 3.0, ["np.true_divide"]),
        (lambda x: x.T.T, []),
        (lambda x: x.reshape(2, 6).reshape(4, 3), []),
        (lambda x: x.reshape(12).reshape(3, 4), ["reshape"]),
        (lambda x: ab.broadcast_to(x, (4, 3)), []),
        (lambda x: (x.T @ x).T, ["transpose", "matmul"]),
        (lambda x: (ab.relu(x), x > 0), ["np.maximum", "np.greater"]),
        (lambda x: ab.abs(-x), ["np.absolute"]),
        (lambda x: x**2, ["np.square"]),
        (lambda x: x**1.0, []),
        (lambda x: x**-1, ["np.reciprocal"]),
        (lambda x: ab.abs(x) ** 0.5, ["np.absolute", "np.sqrt"]),
        (lambda x: x**3, ["np.power"]),
    ],
)
def test_algebra(f: Any, left: list[str]) -> None:
    by = [expanded, lowered, simplified, simplified, simplified]
    by += [with_common_subexpressions_shared, without_dead_code]
    _, after = changed(f, X, by=by)
    assert ops(after) == left


@pytest.mark.parametrize(
    ("exponent", "left"),
    [
        (2, ["np.multiply"]),
        (3.0, ["np.square", "np.multiply"]),
        (0.1, ["pow_less", "np.multiply"]),  # 0.1 - 1 is no float
    ],
)
def test_the_derivative_of_a_power(exponent: float, left: list[str]) -> None:
    _, after = changed(ab.grad(lambda x: ab.sum(x**exponent)), np.abs(X), by=[optimised])
    assert [op for op in ops(after) if op in ("pow_less", "np.power", *left)] == left


def test_what_only_looks_like_a_no_op_is_left() -> None:
    for f in (
        lambda x: x.astype(np.float32) * np.float64(1.0),
        lambda x: x[0] * np.ones((4, 3)),
        lambda x: ab.broadcast_to(x[0], (4, 3)),
    ):
        changed(f, X, by=[expanded, lowered, simplified, without_dead_code])


def test_operands_are_not_broadcast_before_an_elementwise_function() -> None:
    _, after = changed(
        lambda x, v: x * ab.broadcast_to(v, (4, 3)),
        X,
        V,
        by=[expanded, without_needless_broadcasts, without_dead_code],
    )
    assert ops(after) == ["np.multiply"]


def test_an_operand_that_is_read_twice_stays_broadcast_in_one_place() -> None:
    def f(v: Any) -> Any:
        wide = ab.broadcast_to(v, (4, 3))
        return wide + wide

    changed(f, V, by=[expanded, without_needless_broadcasts, without_dead_code])
    assert ab.compile(f)(V).shape == (4, 3)


def update(w: Any, x: Any, d: Any, rate: float) -> Any:
    return w - rate * (x.T @ d), w + x.T @ d


def test_updates_by_products_are_accumulated() -> None:
    w, d = rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    _, after = changed(
        lambda w, x, d, rate: update(w, x, d, rate)[0],
        w,
        X,
        d,
        0.1,
        by=[expanded, with_accumulated_products, without_dead_code],
    )
    assert "matmul" not in ops(after)
    assert "accumulate" in ops(after)
    _, after = changed(update, w, X, d, 0.1, by=[expanded, with_common_subexpressions_shared])
    assert "accumulate" not in ops(with_accumulated_products(after))  # it is needed twice


def outer_update(w: Any, x: Any, d: Any) -> Any:
    return w - 0.1 * (ab.reshape(x, (-1, 1)) * d)


@pytest.mark.parametrize(
    ("x", "d"),
    [
        (V, rng.normal(size=(1, 2))),
        (V[:, None], rng.normal(size=(1, 2))),
        (V[::-1], rng.normal(size=(2, 1)).T),
        (rng.normal(size=(2, 3)).T, rng.normal(size=(1, 5))),  # not a vector before
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_updates_by_outer_products_are_accumulated(x: Any, d: Any, dtype: Any) -> None:
    w, x, d = (np.asarray(a, dtype) for a in (rng.normal(size=(x.size, d.size)), x, d))
    _, after = changed(
        outer_update, w, x, d, by=[expanded, with_accumulated_products, without_dead_code]
    )
    assert "np.multiply" not in ops(after)
    assert "accumulate" in ops(after)
    run = ab.compile(outer_update, donate=0)
    expected = w - dtype(0.1) * (x.reshape(-1, 1) * d)
    np.testing.assert_allclose(run(w.copy(), x, d), expected, rtol=1e-5)
    assert "ger(" in run.source


def test_guards_are_plain_products_that_are_looked_at() -> None:
    def f(x: Any) -> Any:
        return ab.grad(lambda x: ab.sum(ab.sqrt(x) * x))(x)

    before, after = changed(f, np.abs(X), by=[with_plain_products])
    assert any(op.startswith("chain") for op in ops(before))
    assert not any(op.startswith("chain") for op in ops(after))
    assert "check" in ops(after)
    forward = trace(lambda x: ab.tanh(x @ np.ones((3, 2))), X)
    assert "check" not in ops(with_plain_products(forward))


def test_a_look_comes_before_what_would_hide_a_nan() -> None:
    def f(x: Any) -> Any:
        slope = ab.grad(lambda x: ab.sum(ab.sqrt(x) * x))(x)
        return ab.where(ab.isnan(slope), 0.0, slope)

    found = ops(with_plain_products(trace(f, np.abs(X))))
    assert found.index("check") < found.index("np.isnan")


def test_cheap_forms() -> None:
    labels = np.array([0, 2, 1, 1])

    def f(x: Any, labels: Any) -> Any:
        def loss(x: Any) -> Any:
            return nn.cross_entropy(x, labels) + ab.sum(
                ab.sigmoid(x) * ab.softmax(x) + ab.log_softmax(x)
            )

        return ab.value_and_grad(loss)(x)

    _, after = changed(f, X, labels, by=[with_plain_products, with_cheap_forms, without_dead_code])
    assert not {"sigmoid", "softmax", "log_softmax", "cross_entropy"} & set(ops(after))
    _, after = changed(
        lambda x: ab.grad(lambda x: ab.sum(ab.log_softmax(x)[:, 0]))(x),
        X,
        by=[with_plain_products, with_cheap_forms, without_dead_code],
    )
    assert "rules.top_mask" not in ops(after)
    _, after = changed(
        lambda x: ab.grad(lambda x: ab.sum(ab.tanh(x)))(100.0 * x),
        X,
        by=[with_plain_products, with_cheap_forms, without_dead_code],
    )
    assert "np.cosh" in ops(after)
    assert "sech" not in ops(after)


def test_checks_are_few() -> None:
    def f(w: Any, v: Any, x: Any) -> Any:
        slopes = ab.grad(lambda p: ab.sum(ab.tanh(ab.tanh(x @ p[0]) @ p[1])))([w, v])
        return w - 0.1 * slopes[0], v - 0.1 * slopes[1]

    program = trace(f, rng.normal(size=(30, 2)), rng.normal(size=(2, 2)), rng.normal(size=(4, 30)))
    whole = optimised(program)
    looks = [i for i in whole.instructions if i.out is None]
    assert len(looks) <= 2
    wide = program.inputs[2]
    assert not any(wide in look.inputs for look in looks)  # it is seen in the product
    for change in (
        with_checks_joined,
        with_wide_factors_seen_in_products,
        without_implied_checks,
    ):
        assert change(program).outputs == program.outputs


def test_updates_come_last_and_only_where_that_is_safe() -> None:
    def step(a: Any, b: Any) -> Any:
        return a - b, b - a, ab.sum(a)

    program = trace(step, V, V)
    a, b = program.inputs
    ordered, overwritten = with_updates_last(expanded(program), [a, b])
    assert len(overwritten) == 1  # the other needs the old value
    assert ordered.instructions[-1].out in overwritten

    def apart(a: Any, b: Any) -> Any:
        return a * 2.0, b * 2.0

    program = trace(apart, V, V)
    _, overwritten = with_updates_last(expanded(program), program.inputs)
    assert set(overwritten.values()) == set(program.inputs)


def test_an_accumulated_product_of_the_donated_array_itself_is_not_in_place() -> None:
    w = rng.normal(size=(3, 3))
    run = ab.compile(lambda w: w - 0.1 * (w.T @ w), donate=0)
    expected = w - 0.1 * w.T @ w
    np.testing.assert_allclose(run(w.copy()), expected)


def test_buffers_are_used_again_and_in_place() -> None:
    def chain(x: Any) -> Any:
        for _ in range(10):
            x = ab.sin(ab.cos(x) + 1.0)
        return ab.sum(x)

    program = expanded(trace(chain, X))
    plan = planned(program, {})
    assert len(plan.sizes) == 1

    def kept(x: Any) -> Any:
        results = [ab.sin(x)]
        for _ in range(4):
            results.append(ab.sin(results[-1]))
        return ab.sum(functools_sum(results))

    plan = planned(expanded(trace(kept, X)), {})
    assert len(plan.sizes) == 5


def functools_sum(results: list[Any]) -> Any:
    total = results[0]
    for result in results[1:]:
        total = total + result
    return total


def test_views_are_known() -> None:
    program = expanded(
        trace(lambda x: (x.T, x[1:], x[np.array([0, 1])], x.reshape(12), x + 1.0), X)
    )
    owner = owners(program)
    shares = [program.inputs[0] in owner[i.out] for i in program.instructions]  # type: ignore[index]
    assert shares == [True, True, False, True, False]

"""Random programs: on nodes against the same program on plain arrays, with sharing and mixing."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import autograd_bp as ab
from autograd_bp import Tensor, Value
from tests import differences

# A program is a list of steps; a step is an operation and the numbers of earlier results. Every
# operation is smooth, and keeps results bounded. Where shapes do not fit, the step is skipped.
UNARY: dict[str, Any] = {
    "sin": lambda ns, x: ns.sin(x),
    "tanh": lambda ns, x: ns.tanh(x),
    "exp": lambda ns, x: ns.exp(-x * x),
    "log": lambda ns, x: ns.log(x * x + 1.5),
    "sqrt": lambda ns, x: ns.sqrt(x * x + 0.5),
    "negative": lambda _, x: -x,
    "scaled": lambda _, x: 0.5 * x + 1.0,
    "transpose": lambda ns, x: ns.transpose(x),
    "ravel": lambda ns, x: ns.ravel(x),
    "sum": lambda ns, x: ns.tanh(ns.sum(x)),
    "sum of rows": lambda ns, x: ns.sin(ns.sum(x, axis=-1)),
    "mean kept": lambda ns, x: ns.mean(x, axis=0, keepdims=True),
    "reversed": lambda _, x: x[::-1],
    "repeated": lambda _, x: x[np.array([0, -1, 0])],
    "first": lambda _, x: x[0],
    "new axis": lambda ns, x: ns.expand_dims(x, -1),
    "running": lambda ns, x: ns.tanh(ns.cumsum(x, axis=0)),
    "variance": lambda ns, x: ns.var(x, axis=-1),
    "padded": lambda ns, x: ns.pad(x, 1),
    "tiled": lambda ns, x: ns.tile(x, 2),
}
BINARY: dict[str, Any] = {
    "add": lambda _, x, y: x + y,
    "subtract": lambda _, x, y: x - y,
    "multiply": lambda _, x, y: x * y,
    "divide": lambda _, x, y: x / (y * y + 1.5),
    "power": lambda ns, x, y: (x * x + 0.5) ** ns.tanh(y),
    "hypot": lambda ns, x, y: ns.hypot(x, y * y + 0.5),
    "logaddexp": lambda ns, x, y: ns.logaddexp(x, y),
    "matmul": lambda ns, x, y: ns.tanh(x @ y),
    "outer": lambda ns, x, y: ns.tanh(ns.outer(x, y)),
    "einsum": lambda ns, x, y: ns.tanh(ns.einsum("...i,...i->...", x, y)),
    "concatenate": lambda ns, x, y: ns.concatenate([ns.ravel(x), ns.ravel(y)]),
    "where": lambda ns, x, y: ns.where(np.arange(3) > 0, x, y),
    "arctan2": lambda ns, x, y: ns.arctan2(x, y * y + 0.5),
}
NEED_AN_AXIS = {"running", "padded"}
MOST = 40  # elements

STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 30), st.none())
    | st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=8,
)


def runnable(steps: list[Any], shapes: list[tuple[int, ...]]) -> list[Any]:
    """The steps that fit, with the numbers of the results they use, found by running them."""
    results = [np.full(shape, 0.5) for shape in shapes]
    kept = []
    for name, i, j in steps:
        i, j = i % len(results), None if j is None else j % len(results)
        if name in NEED_AN_AXIS and results[i].ndim == 0:
            continue
        try:
            result = apply(np, name, [results[i]] if j is None else [results[i], results[j]])
        except (ValueError, IndexError):
            continue
        if 0 < np.size(result) <= MOST and np.ndim(result) <= 4:
            results.append(np.asarray(result))
            kept.append((name, i, j))
    return kept


def apply(ns: Any, name: str, operands: list[Any]) -> Any:
    return UNARY[name](ns, *operands) if len(operands) == 1 else BINARY[name](ns, *operands)


def run(ns: Any, steps: list[Any], leaves: list[Any]) -> Any:
    """The sum of the squares of all results, so that every step matters."""
    results = list(leaves)
    for name, i, j in steps:
        results.append(apply(ns, name, [results[i]] if j is None else [results[i], results[j]]))
    return sum((ns.sum(r * r) / np.size(r) for r in results[len(leaves) :]), start=0.0)


SHAPES: list[tuple[int, ...]] = [(2, 3), (3,), (), (3, 2)]


@given(steps=STEPS, seed=st.integers(0, 2**32 - 1), values=st.booleans())
def test_a_random_program_has_the_value_and_the_derivatives_of_its_numpy_twin(
    steps: list[Any], seed: int, values: bool
) -> None:
    steps = runnable(steps, SHAPES)
    if not steps:
        return
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(-1, 1, shape) for shape in SHAPES]
    directions = [rng.uniform(-1, 1, shape) for shape in SHAPES]
    leaves: list[Any] = [Tensor(array) for array in arrays]
    if values:
        leaves[2] = Value(float(arrays[2]))

    output = run(ab, steps, leaves)
    np.testing.assert_allclose(float(output), run(np, steps, arrays), rtol=1e-12)

    slopes = ab.gradients(output, leaves, create_graph=True)
    plain = ab.gradients(output, leaves)
    for slope, number in zip(slopes, plain, strict=True):
        np.testing.assert_allclose(slope.data, number, rtol=1e-10, atol=1e-12)
    along = sum(np.sum(d * g) for d, g in zip(directions, plain, strict=True))
    expected = differences.along(lambda *xs: run(np, steps, list(xs)), arrays, directions)
    np.testing.assert_allclose(along, expected, rtol=1e-7, atol=1e-8)

    def f(*xs: Any) -> Any:
        return run(ab, steps, list(xs))

    starts: list[Any] = [float(a) if a.ndim == 0 and values else a for a in arrays]
    ways: list[Any] = [float(d) if d.ndim == 0 and values else d for d in directions]
    np.testing.assert_allclose(ab.jvp(f, starts, ways)[1], along, rtol=1e-10, atol=1e-12)

    places = tuple(range(len(arrays)))
    forward = ab.jvp(ab.grad(f, places), starts, ways)[1]
    total = sum((ab.sum(s * d) for s, d in zip(slopes, directions, strict=True)), start=0.0)
    reverse = ab.gradients(total, leaves) if total.requires_grad else [0.0 * a for a in arrays]
    for one, other in zip(forward, reverse, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)
    curve = sum(np.sum(d * h) for d, h in zip(directions, reverse, strict=True))
    second = differences.along(
        lambda *xs: sum(
            np.sum(d * g) for d, g in zip(directions, ab.grad(f, places)(*xs), strict=True)
        ),
        arrays,
        directions,
    )
    np.testing.assert_allclose(curve, second, rtol=1e-6, atol=1e-7)

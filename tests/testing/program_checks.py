"""What must hold for every program: one function for each property, all given a Program.

The oracles are outside the engine: the complex step and differences on the array readings of the
rows, and the naive engine. How far rounding may carry a gradient is measured, by nudging every
operand by a known amount.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp import graph
from autograd_bp.testing.oracles import Discontinuous, Undecided, ridders
from autograd_bp.testing.program import Condition, Program, Ref, Use, weights
from tests.differences import extrapolated
from tests.testing import naive

Array = Any
NUDGE = 2.0**-24
EPS = 2.0**-52

judged: Counter[str] = Counter()
"""How many derivatives were judged, and how many no oracle had an answer for."""


def gradients(program: Program) -> list[Array]:
    """The engine's gradient by each input; zeros where nothing arrives."""
    leaves = program.leaves()
    program.run(leaves).backward()
    return [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves]


def assert_near(got: Array, want: Array, allowed: Array, what: str) -> None:
    off = np.abs(np.asarray(got) - want) - allowed
    if not np.all(off <= 0):  # nan is not near anything
        raise AssertionError(f"{what}: the engine has {got!r}, the oracle {want!r}, {allowed=!r}")


# -- oracles ----------------------------------------------------------------------------------


def complex_step(program: Program, nudged: Use | None = None) -> list[Array]:
    """Im f(x + ih) / h for every element of the inputs: to the last digits, with no subtraction.

    nan where two steps do not agree: at a branch point, such as 0 ** x at x = 0.
    """
    found = []
    for i, x in enumerate(program.inputs):
        gradient = np.zeros(np.shape(x))
        for k in np.ndindex(np.shape(x)):
            slopes = []
            for exponent in (-100, -80):
                moved = [np.array(other, complex) for other in program.inputs]
                h = 2.0**exponent * max(abs(moved[i][k]), 2.0**-10)
                moved[i][k] += 1j * h
                slopes.append(np.imag(program.run(moved, nudged)) / h)
            agree = abs(slopes[0] - slopes[1]) <= 1e-12 * abs(slopes[0]) + 1e-25
            gradient[k] = slopes[0] if agree else np.nan
        found.append(gradient)
    return found


def nudges(seed: int) -> Use:
    """Multiply every operand by 1 + a small random number, the same in every run."""

    def nudged(step: int, operand: int, result: Any) -> Any:
        rng = random.Random(1_000_003 * seed + 101 * step + operand)
        signs = [rng.choice((-1.0, 1.0)) for _ in range(np.size(result))]
        return result * (1 + NUDGE * np.reshape(signs, np.shape(result)))

    return nudged


def sensitivity(gradient: Sequence[Array], again: Callable[[Any], Sequence[Array]]) -> list[Array]:
    """How much each entry changes, relative to a nudge of every operand in the program."""
    scale = [np.abs(g) for g in gradient]
    for seed in (1, 2):
        nudged = again(nudges(seed))
        scale = [
            np.maximum(s, np.abs(n - g) / NUDGE)
            for s, n, g in zip(scale, nudged, gradient, strict=True)
        ]
    return scale


def differenced(
    program: Program, direction: Sequence[Array], nudged: Use | None = None
) -> float:
    """A rough derivative along `direction`, for `sensitivity` only."""
    h = np.longdouble(1e-8)
    wide = [np.asarray(x, np.longdouble) for x in program.inputs]
    ahead, behind = (
        program.run([x + sign * h * u for x, u in zip(wide, direction, strict=True)], nudged)
        for sign in (1, -1)
    )
    return float((ahead - behind) / (2 * h))


def path_sums(output: Any) -> dict[Any, Array]:
    """For every node the sum over all paths from the output of the absolute products.

    Adding up the same contributions in another order can change a gradient by a few ulp of this.
    """
    sums: dict[Any, Array] = {output: np.ones(output.shape)}
    for node in reversed(graph.topological_order(output)):
        for k in np.ndindex(np.shape(node.data)) if node in sums else ():
            unit = np.zeros(node.shape)
            unit[k] = sums[node][k]
            given = unit.astype(node.dtype) if isinstance(node, ab.Tensor) else float(unit)
            for parent, sent in zip(node.parents, graph.contributions(node, given), strict=False):
                if sent is not None:
                    sums[parent] = sums.get(parent, 0.0) + np.abs(sent)
    return sums


# -- the gradient -----------------------------------------------------------------------------


def gradient_equals_complex_step(program: Program) -> None:
    want = complex_step(program)
    scale = sensitivity(want, lambda nudged: complex_step(program, nudged))
    for got, right, size in zip(gradients(program), want, scale, strict=True):
        assert_near(got, right, 1e-11 * np.abs(right) + 1e-13 * size + 1e-40, "complex step")


def gradient_equals_differences(program: Program, seed: int = 0) -> None:
    """Along one dense direction and two unit ones; kinks are left to the naive engine."""
    rng = np.random.default_rng(seed)
    got = gradients(program)
    directions = [[rng.choice([-1.0, 0.5, 1.0], np.shape(x)) for x in program.inputs]]
    for _ in range(2):
        unit = [np.zeros(np.shape(x)) for x in program.inputs]
        chosen = unit[rng.integers(len(unit))]
        chosen.flat[rng.integers(chosen.size)] = 1.0
        directions.append(unit)
    for direction in directions:
        judged["differences"] += 1
        try:
            column = ridders(program.run, program.inputs, direction)
        except (Undecided, Discontinuous):
            judged["undecided"] += 1
            continue
        along = sum(np.sum(g * u) for g, u in zip(got, direction, strict=True))
        terms = sum(np.sum(np.abs(g * u)) for g, u in zip(got, direction, strict=True))
        rough = [np.asarray(differenced(program, direction))]
        (size,) = sensitivity(rough, lambda n: [np.asarray(differenced(program, direction, n))])  # noqa: B023
        error = np.max(column.error)
        if column.oracle != "Ridders" or not error <= 1e-11 * (size + terms):
            judged["undecided"] += 1
            continue
        assert_near(along, column.right, 2 * error + 1e-11 * terms + 1e-13 * size, "Ridders")


def as_naive(program: Program) -> list[naive.Made]:
    """The program on the naive engine, which computes every value anew."""
    made = [naive.Made(x) for x in program.inputs]

    def operand(given: Any) -> Any:
        if isinstance(given, Ref):
            return made[given.index]
        if isinstance(given, Condition):
            left, right = (getattr(operand(side), "value", side) for side in (given.left, given.right))
            return np.asarray(naive.COMPARE[given.symbol](left, right))
        return given

    for step in program.steps:
        made.append(naive.apply(step.row, *map(operand, step.operands), **step.params))
    return made


def gradient_equals_naive_engine(program: Program) -> None:
    """Kinks and ties included: the subgradients of the naive engine are the promised ones."""
    with np.errstate(all="ignore"):
        made = as_naive(program)
        inputs = made[: len(program.inputs)]
        want = [np.zeros(x.value.shape) for x in inputs]
        for index in program.outputs:
            found = naive.derivative(made[index], inputs, weights(made[index].value.shape))
            want = [a + b for a, b in zip(want, found, strict=True)]
    leaves = program.leaves()
    output = program.run(leaves)
    output.backward()
    sums = path_sums(output)
    for leaf, right in zip(leaves, want, strict=True):
        judged["naive"] += right.size
        judged["not naive"] += int(np.sum(~np.isfinite(right)))
        known = np.isfinite(right)
        got = np.zeros(leaf.shape) if leaf.grad is None else np.asarray(leaf.grad)
        size = np.broadcast_to(sums.get(leaf, 0.0), got.shape)
        assert_near(got[known], right[known], 1e-11 * size[known] + 1e-40, "naive engine")


# -- the graph --------------------------------------------------------------------------------


def order_of_recording_does_not_matter(program: Program, seed: int = 0) -> None:
    leaves = program.leaves()
    output = program.run(leaves)
    output.backward()
    sums = path_sums(output)
    other = program.reordered(random.Random(seed))
    leaves_again = other.leaves()
    again = other.run(leaves_again)
    again.backward()
    for leaf, twin in zip(leaves, leaves_again, strict=True):
        assert (leaf.grad is None) == (twin.grad is None)
        if leaf.grad is not None:
            assert_near(twin.grad, leaf.grad, 8 * EPS * sums[leaf], "another order")


def results_and_gradients_repeat_to_the_bit(program: Program) -> None:
    runs = []
    for _ in range(2):
        leaves = program.leaves()
        results = program.results(leaves)
        results[-1].backward()
        runs.append([bits(x.data) for x in results] + [bits(x.grad) for x in leaves])
    assert runs[0] == runs[1]


def bits(x: Any) -> bytes | None:
    return None if x is None else np.asarray(x).tobytes()


def nodes_and_arrays_have_the_same_values(program: Program) -> None:
    """NumPy's to the bit on Tensors; `math`, which Values use, may differ in the last ones."""
    on_nodes = program.results(program.leaves())
    on_arrays = program.results(program.inputs)
    for node, x in zip(on_nodes, on_arrays, strict=True):
        assert np.shape(node.data) == np.shape(x)
    if any(isinstance(node, ab.Value) for node in on_nodes):
        nudged = [program.results(program.inputs, nudges(seed))[-1] for seed in (1, 2)]
        size = max(abs(other - on_arrays[-1]) / NUDGE for other in nudged)
        assert_near(on_nodes[-1].data, on_arrays[-1], 1e-13 * (size + abs(on_arrays[-1])), "value")
    else:
        assert [bits(node.data) for node in on_nodes] == [bits(np.asarray(x)) for x in on_arrays]


def cotangents_are_what_backward_leaves(program: Program) -> None:
    results = program.results(program.leaves())
    output = results[-1]
    before = [x.grad for x in results]
    found = graph.cotangents(output)
    assert [x.grad for x in results] == before == [None] * len(results)
    if isinstance(output, ab.Tensor):
        output.backward(retain_grads=True)
    else:
        output.backward()
    for node in graph.topological_order(output):
        assert bits(found.get(node)) == bits(node.grad)
    wanted = [x for x in results if x.requires_grad]
    alone = ab.gradients(output, wanted)
    for node, gradient in zip(wanted, alone, strict=True):
        expected = node.grad if node.grad is not None else np.zeros(node.shape)
        assert bits(gradient) == bits(expected)


def nothing_is_changed_and_nothing_shared(program: Program) -> None:
    leaves = program.leaves()
    results = program.results(leaves)
    output = results[-1]
    nodes = graph.topological_order(output)
    held = [a for node in nodes for a in (graph.value(node), *node.args)]
    before = [bits(a) for a in held]
    seed = np.full(output.shape, 0.75)
    if isinstance(output, ab.Tensor):
        output.backward(seed, retain_grads=True)
    else:
        output.backward(0.75)
    first = {node: np.copy(node.grad) for node in nodes if node.grad is not None}
    assert [bits(a) for a in held] == before
    assert bits(seed) == bits(np.full(output.shape, 0.75))
    arrays = [node.grad for node in nodes if isinstance(node.grad, np.ndarray)]
    others = [a for a in held if isinstance(a, np.ndarray)] + [seed]
    for i, gradient in enumerate(arrays):
        for other in (*arrays[:i], *others):
            assert not np.may_share_memory(gradient, other), "a gradient shares memory"
    for node, gradient in first.items():
        assert np.shape(node.grad) == np.shape(node.data)
        if isinstance(node, ab.Tensor):
            assert (type(node.grad), node.grad.dtype) == (np.ndarray, node.dtype)
        else:
            assert type(node.grad) is float
    # A second call adds to the leaves and replaces the rest.
    output.backward(seed if isinstance(output, ab.Tensor) else 0.75)
    for node, gradient in first.items():
        factor = 2.0 if node.rule is None else 1.0
        assert bits(node.grad) == bits(factor * gradient)


# -- forward and second order -------------------------------------------------------------------


def directions(program: Program, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng([7, seed])
    return [
        rng.choice([-1.0, 0.5, 1.0, 2.0], x.shape) if isinstance(x, np.ndarray) else 0.5
        for x in program.inputs
    ]


def forward_and_backward_are_adjoint(program: Program) -> None:
    """<v, J u> = <J^T v, u>, with J the Jacobian of every result the output is made of."""

    def several(*inputs: Any) -> list[Any]:
        results = program.results(list(inputs))
        return [results[i] for i in program.outputs]

    u = directions(program)
    values, pushed = ab.jvp(several, tuple(program.inputs), tuple(u))
    v = [np.cos(2.0 + np.arange(np.size(x))).reshape(np.shape(x)) for x in values]
    _, pullback = ab.vjp(several, *program.inputs)
    pulled = pullback([float(c) if np.shape(c) == () else c for c in v])
    left = sum(np.sum(c * t) for c, t in zip(v, pushed, strict=True))
    right = sum(np.sum(g * t) for g, t in zip(pulled, u, strict=True))
    output = program.run(leaves := program.leaves())
    sums = path_sums(output)
    size = sum(np.sum(sums[x] * np.abs(t)) for x, t in zip(leaves, u, strict=True) if x in sums)
    assert_near(left, right, 1e-12 * size + 1e-40, "adjoint")


def second_derivatives_agree(program: Program) -> None:
    """Reverse over reverse, forward over reverse, reverse over forward: all H v."""
    v = directions(program)

    def f(inputs: Sequence[Any]) -> Any:
        return program.run(list(inputs))

    x = list(program.inputs)
    leaves = program.leaves()
    output = program.run(leaves)
    slopes = ab.gradients(output, leaves, create_graph=True)
    for slope, right in zip(slopes, ab.gradients(output, leaves), strict=True):
        assert_near(slope.data, right, 1e-11 * np.abs(right) + 1e-300, "create_graph")
    total = sum((ab.sum(s * t) for s, t in zip(slopes, v, strict=True)), start=ab.Value(0.0))
    reverse = ab.gradients(total, leaves)
    forward = ab.hvp(f, x, v)
    mixed = ab.grad(lambda point: ab.jvp(f, (point,), (v,))[1])(x)
    want = _second_by_differences(program, v)
    for a, b, c, d in zip(reverse, forward, mixed, want, strict=True):
        value, error, size = d
        allowed = 1e-9 * np.abs(value) + error + 1e-12 * size
        for name, got in (("reverse over reverse", a), ("hvp", b), ("grad of jvp", c)):
            assert np.shape(got) == np.shape(value)
            assert_near(got, value, allowed, name)
        judged["second"] += np.size(a)
        judged["second undecided"] += int(np.sum(error > 1e-6 * (np.abs(value) + 1)))


def _second_by_differences(program: Program, v: Sequence[Any]) -> list[tuple[Array, Array, Array]]:
    """H v by extrapolated differences of the complex step; its error, and its sensitivity."""

    def along(step: float, nudged: Any = None) -> list[Array]:
        def quotient(t: float) -> Array:
            sides = []
            for sign in (1.0, -1.0):
                moved = [x + sign * t * u for x, u in zip(program.inputs, v, strict=True)]
                shifted = Program(tuple(moved), program.steps, program.outputs)
                sides.append(np.concatenate([np.ravel(g) for g in complex_step(shifted, nudged)]))
            return (sides[0] - sides[1]) / (2 * t)

        flat = extrapolated(quotient, step)
        ends = np.cumsum([np.size(x) for x in program.inputs])[:-1]
        return [
            g.reshape(np.shape(x))
            for g, x in zip(np.split(flat, ends), program.inputs, strict=True)
        ]

    with np.errstate(all="ignore"):
        fine, coarse = along(0.01), along(0.02)
        size = sensitivity(fine, lambda nudged: along(0.01, nudged))
    return [
        (a, 4 * np.abs(a - b) + 1e-11 * s, s) for a, b, s in zip(fine, coarse, size, strict=True)
    ]


def float32_is_near_float64(program: Program) -> None:
    """To float32's rounding times the sensitivity; dtypes and shapes are those of the leaves."""
    narrow = program.astype(np.float32)
    exact = replace_inputs(program, narrow.inputs)
    want = complex_step(exact)
    scale = sensitivity(want, lambda nudged: complex_step(exact, nudged))
    leaves = narrow.leaves()
    narrow.run(leaves).backward()
    for leaf, right, size in zip(leaves, want, scale, strict=True):
        if leaf.grad is None:
            continue
        if isinstance(leaf, ab.Tensor):
            assert (leaf.grad.dtype, leaf.grad.shape) == (np.float32, leaf.shape)
        judged["float32"] += 1
        assert_near(leaf.grad, right, 256 * 2.0**-24 * (np.abs(right) + size) + 1e-30, "float32")


def replace_inputs(program: Program, inputs: Sequence[Any]) -> Program:
    """The program at the same numbers in float64."""
    wide = tuple(x.astype(float) if isinstance(x, np.ndarray) else x for x in inputs)
    return Program(wide, program.astype(np.float32).astype(float).steps, program.outputs)


ANALYTIC = (
    gradient_equals_complex_step,
    second_derivatives_agree,
    float32_is_near_float64,
)
"""Properties of programs with analytic rows only."""

ANY = (
    gradient_equals_differences,
    order_of_recording_does_not_matter,
    results_and_gradients_repeat_to_the_bit,
    nodes_and_arrays_have_the_same_values,
    cotangents_are_what_backward_leaves,
    nothing_is_changed_and_nothing_shared,
    forward_and_backward_are_adjoint,
)
"""Properties of every program."""

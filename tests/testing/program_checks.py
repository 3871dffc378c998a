"""What must hold for every program: one function for each property, given a Program."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp import graph
from autograd_bp.testing.oracles import Discontinuous, Undecided, ridders
from autograd_bp.testing.program import Program, Ref, weights
from autograd_bp.testing.program_draws import LARGEST
from tests.testing import naive
from tests.testing.program_oracles import (
    NUDGE,
    Array,
    as_naive,
    at_a_kink,
    complex_step,
    differenced,
    nudges,
    path_sums,
    second_by_differences,
    sensitivity,
    value_beside,
)

EPS = 2.0**-52

judged: Counter[str] = Counter()
"""By oracle: how many derivatives were judged, and for how many it had no answer."""


def gradients(program: Program) -> list[Array]:
    """The engine's gradient by each input; zeros where nothing arrives."""
    leaves = program.leaves()
    program.run(leaves).backward()
    return [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves]


def assert_near(got: Array, want: Array, allowed: Array, what: str) -> None:
    """Equal to within `allowed`; where the oracle has no finite answer, that is counted."""
    got, want, allowed = np.broadcast_arrays(got, want, allowed)
    decided = np.isfinite(want) & np.isfinite(allowed)
    judged[what] += want.size
    judged[f"{what}: undecided"] += want.size - int(decided.sum())
    off = np.abs(got[decided] - want[decided])
    if not np.all(off <= allowed[decided]):  # nan is not near anything
        raise AssertionError(f"{what}: the engine has {got!r}, the oracle {want!r}, {allowed=!r}")


def assert_same_kind(*arrays: Array) -> None:
    """All finite at the same places."""
    finite = [np.isfinite(x) for x in arrays]
    assert all(np.array_equal(finite[0], other) for other in finite), arrays


# -- the gradient -----------------------------------------------------------------------------


def gradient_equals_complex_step(program: Program) -> None:
    want = complex_step(program)
    scale = sensitivity(want, lambda nudged: complex_step(program, nudged, (-100,)))
    for got, right, size in zip(gradients(program), want, scale, strict=True):
        assert_near(got, right, 1e-11 * np.abs(right) + 1e-13 * size + 1e-40, "complex step")


def gradient_equals_differences(program: Program) -> None:
    """Along one dense direction and two unit ones; kinks are left to the naive engine."""
    rng = np.random.default_rng(len(program.steps))
    leaves = program.leaves()
    sums = path_sums(program.run(leaves))
    got = gradients(program)
    value, kink = abs(float(program.run(program.inputs))), at_a_kink(program)
    directions = [[rng.choice([-1.0, 0.5, 1.0], np.shape(x)) for x in program.inputs]]
    for _ in range(2):
        unit = [np.zeros(np.shape(x)) for x in program.inputs]
        chosen = unit[rng.integers(len(unit))]
        chosen.flat[rng.integers(chosen.size)] = 1.0
        directions.append(unit)
    for direction in directions:
        along = sum(np.sum(g * u) for g, u in zip(got, direction, strict=True))
        terms = sum(
            np.sum(sums.get(x, 0) * np.abs(u)) for x, u in zip(leaves, direction, strict=True)
        )
        rough = [np.asarray(differenced(program, direction))]
        (size,) = sensitivity(rough, lambda n: [np.asarray(differenced(program, direction, n))])  # noqa: B023
        want, error = np.nan, 0.0
        try:
            column = ridders(program.run, program.inputs, direction)
        except (Undecided, Discontinuous):
            pass
        else:
            error = float(column.error)
            settled = column.oracle == "Ridders" and not kink
            if settled and error <= 1e-11 * (size + terms) + 1e-13 * value:
                want = float(column.right)
        assert_near(along, want, 16 * error + 1e-12 * terms + 1e-13 * size, "Ridders")


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
        got = 0.0 if leaf.grad is None else leaf.grad
        assert_near(got, right, 1e-11 * sums.get(leaf, 0.0) + 1e-40, "naive engine")


# -- the graph --------------------------------------------------------------------------------


def order_of_recording_does_not_matter(program: Program) -> None:
    leaves = program.leaves()
    output = program.run(leaves)
    output.backward()
    sums = path_sums(output)
    for seed in range(3):
        other = program.reordered(random.Random(seed))
        twins = other.leaves()
        other.run(twins).backward()
        for leaf, twin in zip(leaves, twins, strict=True):
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


@np.errstate(all="ignore")
def nodes_and_arrays_have_the_same_values(program: Program) -> None:
    """NumPy's to the bit on Tensors; `math`, which Values use, may differ in the last ones."""
    on_nodes = program.results(program.leaves())
    on_arrays = program.results(program.inputs)
    for node, x in zip(on_nodes, on_arrays, strict=True):
        assert np.shape(node.data) == np.shape(x)
    if any(isinstance(node, ab.Value) for node in on_nodes):
        nudged = [value_beside(program, program.inputs, nudges(seed)) for seed in (1, 2)]
        size = max(abs(other - on_arrays[-1]) / NUDGE for other in nudged)
        assert_near(on_nodes[-1].data, on_arrays[-1], 1e-13 * (size + abs(on_arrays[-1])), "value")
        return
    held = [node.data for node in on_nodes]
    same = True
    for step, node in zip(program.steps, on_nodes[len(program.inputs) : -1], strict=True):
        operands = step.operands_on(held)
        right = np.asarray(step.applied(operands))
        if step.row == "einsum" and node.params != step.params:
            # What only one operand knows `ab.einsum` sums before the product, in another order.
            same = False
            terms = step.applied([np.abs(x) for x in operands])
            assert_near(node.data, right, 2 * LARGEST * EPS * terms, "einsum")
        else:
            assert bits(node.data) == bits(right)
    if same:
        assert bits(held[-1]) == bits(np.asarray(on_arrays[-1]))


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
    for node in first:
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


def directions(program: Program) -> list[Any]:
    rng = np.random.default_rng([7, len(program.steps)])
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


def second_derivatives(program: Program) -> tuple[Any, list[list[Array]]]:
    """The output, and H v by three orders of sweeps: one list for each input."""
    v = directions(program)

    def f(inputs: Sequence[Any]) -> Any:
        return program.run(list(inputs))

    x = list(program.inputs)
    leaves = program.leaves()
    output = program.run(leaves)
    sums = path_sums(output)
    slopes = ab.gradients(output, leaves, create_graph=True)
    for leaf, slope, right in zip(leaves, slopes, ab.gradients(output, leaves), strict=True):
        assert_near(slope.data, right, 1e-12 * sums.get(leaf, 0.0), "create_graph")
    along = sum((ab.sum(s * t) for s, t in zip(slopes, v, strict=True)), start=ab.Value(0.0))
    reverse = ab.gradients(along, leaves)
    forward = ab.hvp(f, x, v)
    mixed = ab.grad(lambda point: ab.jvp(f, (point,), (v,))[1])(x)
    return output, [list(each) for each in zip(reverse, forward, mixed, strict=True)]


def second_derivatives_agree_among_themselves(program: Program) -> None:
    """Reverse over reverse, forward over reverse and reverse over forward, kinks included."""
    if has_a_power_of_zero(program):  # x**y has no mixed second derivative at x = 0: it is infinite
        return
    output, found = second_derivatives(program)
    steepest = max(np.max(s) for s in path_sums(output).values())
    largest = max(np.max(np.abs(a)) for a, _, _ in found)
    for (a, b, c), x in zip(found, program.inputs, strict=True):
        assert np.shape(a) == np.shape(b) == np.shape(c) == np.shape(x)
        allowed = 1e-9 * (largest + steepest)
        assert_same_kind(a, b, c)
        assert_near(b, a, allowed, "hvp and reverse over reverse")
        assert_near(c, a, allowed, "grad of jvp and reverse over reverse")


def has_a_power_of_zero(program: Program) -> bool:
    """Whether zero is raised to a power that is not a constant."""
    values = program.results(program.inputs)
    return any(
        step.row in ("pow", "pow_less")
        and isinstance(step.operands[1], Ref)
        and bool(np.any(np.asarray(step.operands_on(values)[0]) == 0))
        for step in program.steps
    )


def second_derivatives_equal_differences(program: Program) -> None:
    output, found = second_derivatives(program)
    want = second_by_differences(program, directions(program))
    largest = max(np.max(size) for *_, size in want)
    steepest = max(np.max(s) for s in path_sums(output).values())
    for three, (value, error, _) in zip(found, want, strict=True):
        allowed = 1e-9 * np.abs(value) + error + 1e-12 * (largest + steepest)
        for got in three:
            assert_near(got, value, allowed, "second derivatives")


def float32_is_near_float64(program: Program) -> None:
    """To float32's rounding times the sensitivity; dtypes and shapes are those of the leaves."""
    narrow = program.astype(np.float32)
    exact = replace_inputs(program, narrow.inputs)
    want = complex_step(exact)
    scale = sensitivity(want, lambda nudged: complex_step(exact, nudged, (-100,)))
    leaves = narrow.leaves()
    narrow.run(leaves).backward()
    for leaf, right, size in zip(leaves, want, scale, strict=True):
        if leaf.grad is None:
            continue
        if isinstance(leaf, ab.Tensor):
            assert (leaf.grad.dtype, leaf.grad.shape) == (np.float32, leaf.shape)
        assert_near(leaf.grad, right, 256 * 2.0**-24 * (np.abs(right) + size) + 1e-30, "float32")


def replace_inputs(program: Program, inputs: Sequence[Any]) -> Program:
    """The program at the same numbers in float64."""
    wide = tuple(x.astype(float) if isinstance(x, np.ndarray) else x for x in inputs)
    return Program(wide, program.astype(np.float32).astype(float).steps, program.outputs)


ANALYTIC = (
    gradient_equals_complex_step,
    second_derivatives_equal_differences,
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
    second_derivatives_agree_among_themselves,
)
"""Properties of every program."""

"""Whole programs against oracles from outside the engine, and the strategy that draws them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

import autograd_bp as ab
from autograd_bp.functions import PUBLIC
from autograd_bp.rules import ROWS
from autograd_bp.rules.rule import elementwise, linear, reduction
from autograd_bp.testing.oracles import Undecided, ridders
from autograd_bp.testing.program import Condition, Program, Ref, Step
from autograd_bp.testing.program_rows import is_analytic, left_out, operations
from autograd_bp.testing.programs import BOUND, programs
from tests.testing import naive
from tests.testing import program_checks as checks

pytestmark = pytest.mark.slow  # whole programs take a while

Property = Callable[[Program], None]

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANALYTIC = programs(analytic=True)
NAIVE = programs(naive.NAMES)


def each(strategy: st.SearchStrategy[Any], examples: int) -> list[Any]:
    """So many draws, always the same."""
    drawn = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(program: Any) -> None:
        drawn.append(program)

    collect()
    return drawn


# Programs that found something, or that would be missed without a reason to draw them again.
DIAMOND = Program((1.5,), tuple(Step("add", (Ref(i), Ref(i)), {}) for i in range(60)), (60,))
X_TO_THE_X = Program((np.array([0.0, 2.0]),), (Step("pow", (Ref(0), Ref(0)), {}),), (1,))
BROADCAST_WITH_ITSELF = Program(
    (np.array([[0.5], [-1.0]]), np.array([2.0, 1.0])),
    (
        Step("mul", (Ref(0), Ref(1)), {}, as_operator=True),
        Step("matmul", (Ref(2), Ref(2)), {}, as_operator=True),
        Step("where", (Condition(Ref(3), ">", Ref(0)), Ref(0), Ref(3)), {}),
        Step("concatenate", (Ref(4), Ref(4)), {"axis": 1}),
    ),
    (2, 5),
)


# -- the gradient -----------------------------------------------------------------------------


@quick
@given(ANALYTIC)
@example(DIAMOND)
@example(X_TO_THE_X)
@example(BROADCAST_WITH_ITSELF)
def test_gradients_of_analytic_programs_equal_the_complex_step(program: Program) -> None:
    checks.gradient_equals_complex_step(program)


@quick
@given(programs())
@example(BROADCAST_WITH_ITSELF)
def test_gradients_of_all_programs_equal_extrapolated_differences(program: Program) -> None:
    checks.gradient_equals_differences(program)


@quick
@given(NAIVE)
@example(X_TO_THE_X)
@example(BROADCAST_WITH_ITSELF)
def test_gradients_equal_the_naive_engine_kinks_and_ties_included(program: Program) -> None:
    checks.gradient_equals_naive_engine(program)


# -- the graph --------------------------------------------------------------------------------


@quick
@given(programs())
@example(BROADCAST_WITH_ITSELF)
def test_the_order_of_recording_changes_nothing_but_the_last_digits(program: Program) -> None:
    checks.order_of_recording_does_not_matter(program)


@quick
@given(programs())
def test_results_and_gradients_repeat_to_the_bit(program: Program) -> None:
    checks.results_and_gradients_repeat_to_the_bit(program)


@quick
@given(programs())
@example(Program((np.array(-0.053),), (Step("mod", (Ref(0), Ref(0)), {}),), (1,)))
def test_nodes_have_the_values_that_arrays_have(program: Program) -> None:
    checks.nodes_and_arrays_have_the_same_values(program)


@quick
@given(programs())
@example(DIAMOND)
def test_cotangents_and_gradients_are_what_backward_leaves(program: Program) -> None:
    checks.cotangents_are_what_backward_leaves(program)


@quick
@given(programs())
@example(BROADCAST_WITH_ITSELF)
def test_backward_changes_no_operand_and_gradients_share_no_memory(program: Program) -> None:
    checks.nothing_is_changed_and_nothing_shared(program)


# -- forward and second order -------------------------------------------------------------------


@quick
@given(programs())
@example(BROADCAST_WITH_ITSELF)
def test_forward_and_backward_are_adjoint(program: Program) -> None:
    checks.forward_and_backward_are_adjoint(program)


@settings(quick, max_examples=20)
@given(programs(analytic=True, max_steps=12))
@example(BROADCAST_WITH_ITSELF)
def test_second_derivatives_equal_differences_of_the_complex_step(program: Program) -> None:
    checks.second_derivatives_equal_differences(program)


@quick
@given(programs())
@example(BROADCAST_WITH_ITSELF)
def test_second_derivatives_are_the_same_in_every_order_of_sweeps(program: Program) -> None:
    checks.second_derivatives_agree_among_themselves(program)


@settings(quick, max_examples=20)
@given(ANALYTIC)
def test_float32_gives_the_gradient_to_its_precision(program: Program) -> None:
    checks.float32_is_near_float64(program)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "check"),
    [
        *((ANALYTIC, check) for check in checks.ANALYTIC),
        *((programs(), check) for check in checks.ANY),
        (NAIVE, checks.gradient_equals_naive_engine),
        (programs(max_steps=80), checks.gradient_equals_differences),
        (programs(max_steps=80), checks.nothing_is_changed_and_nothing_shared),
    ],
    ids=lambda item: getattr(item, "__name__", "programs"),
)
def test_every_property_holds_for_thousands_of_programs(
    strategy: st.SearchStrategy[Program], check: Property
) -> None:
    run = settings(quick, max_examples=2500, suppress_health_check=list(HealthCheck))
    run(given(strategy)(check))()


# -- the strategy -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> list[Program]:
    return each(programs(), 400)


def test_under_five_percent_of_drawn_steps_are_left_out(sample: list[Program]) -> None:
    dropped = sum(program.dropped for program in sample)
    steps = sum(len(program.steps) for program in sample)
    assert steps > 1000
    assert dropped <= 0.05 * steps, f"{dropped} dropped, {steps} kept"


def test_programs_have_everything_a_graph_can_have(sample: list[Program]) -> None:
    seen: Counter[str] = Counter()
    for program in sample:
        leaves = program.leaves()
        results = program.results(leaves)
        uses = Counter(i for step in program.steps for i in step.used)
        seen["Value"] += all(isinstance(x, ab.Value) for x in leaves)
        seen["mixed"] += len({type(x) for x in leaves}) == 2
        seen["0-d Tensor"] += any(isinstance(x, ab.Tensor) and x.ndim == 0 for x in leaves)
        seen["size-1 axis"] += any(1 in x.shape and x.size > 1 for x in results)
        seen["fan-out"] += any(n > 2 for n in uses.values())
        seen["repeated operand"] += any(
            len({o.index for o in refs}) < len(refs)
            for step in program.steps
            for refs in [[o for o in step.operands if isinstance(o, Ref)]]
        )
        reached = set(ab.graph.topological_order(results[-1]))
        seen["dead branch"] += any(x.rule and x not in reached for x in results)
        seen["unused input"] += any(x not in reached for x in leaves)
        seen["condition"] += any(
            isinstance(o, Condition) for step in program.steps for o in step.operands
        )
        seen["exact zero"] += any(np.any(np.asarray(x.data) == 0) for x in results)
        for leaf in leaves:
            leaf.grad = None
        results[-1].backward()
        seen["gradient"] += any(x.grad is not None and np.any(x.grad) for x in leaves)
    least = {"gradient": 240}
    few = {name: n for name, n in seen.items() if n < least.get(name, 30)}
    assert not few, f"rarely drawn: {few} of {len(sample)}"
    assert len(seen) == 11


def test_every_row_that_can_stand_in_a_program_does() -> None:
    for name in operations():
        having: list[Program] = []
        for examples in (10, 50, 250):  # some rows take square matrices only, which are rare
            if not having:
                drawn = each(programs([name], max_steps=3), examples)
                having = [p for p in drawn if name in {step.row for step in p.steps}]
        assert having, f"never drawn: {name}"
        for program in having[:10]:
            checks.forward_and_backward_are_adjoint(program)


def test_every_public_operation_that_is_a_row_can_stand_in_a_program() -> None:
    internal = {name for name in left_out() if name not in PUBLIC}
    assert left_out().keys() - internal == {"astype"}
    assert {"sech", "unit", "identity", "linear_recurrence"} <= operations().keys()


def test_values_stay_moderate_and_gradients_finite(sample: list[Program]) -> None:
    for program in sample:
        assert all(np.all(np.abs(x) <= BOUND) for x in program.results(program.inputs)[:-1])
        assert all(np.all(np.isfinite(g)) for g in checks.gradients(program))


@pytest.fixture
def new_rows() -> Iterator[list[str]]:
    """Rows of all kinds that join by themselves, for the time of a test."""
    rows = [
        elementwise("bent(x)", "x / (1 + abs(x))", d=["square(1 / (1 + abs(x)))"], kinks=["x"]),
        elementwise("wavy(x)", "x * sin(x)", d=["sin(x) + x * cos(x)"]),
        reduction("total_square(x; axis, keepdims)", "sum(x * x, axis, keepdims)", d="2 * x"),
        linear("mirrored(x; axis)", "flip(x, axis)", adjoint=["flip(g, axis)"]),
    ]
    for row in rows:
        ROWS[row.name] = row
    yield [row.name for row in rows]
    for row in rows:
        del ROWS[row.name]


def test_a_new_row_joins_by_itself(new_rows: list[str]) -> None:
    assert set(new_rows) <= operations().keys()
    assert is_analytic(ROWS["wavy"])
    assert not is_analytic(ROWS["bent"])
    drawn = each(programs([*new_rows, "sin", "add", "mul", "tanh", "div"], max_steps=12), 40)
    rows = {step.row for program in drawn for step in program.steps}
    assert set(new_rows) <= rows
    for program in drawn:
        checks.gradient_equals_differences(program)
        exec(repr(program), {})


def test_a_row_that_cannot_stand_in_a_program_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'astype': changes the kind"):
        programs(["mul", "astype"])
    with pytest.raises(ValueError, match="'sine': not a row"):
        programs(["sine"])
    with pytest.raises(ValueError, match="no row"):
        programs(["abs"], analytic=True)


# -- the printed program ----------------------------------------------------------------------


@quick
@given(programs())
@example(BROADCAST_WITH_ITSELF)
def test_the_printed_program_runs_and_is_the_program(program: Program) -> None:
    meanings: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        exec(repr(program), meanings)
    leaves = program.leaves()
    output = program.run(leaves)
    output.backward()
    assert checks.bits(meanings["output"].data) == checks.bits(output.data)
    for leaf in leaves:
        assert checks.bits(meanings[leaf.name].grad) == checks.bits(leaf.grad)


def test_a_failing_test_prints_the_program_as_it_can_be_pasted() -> None:
    assert pretty(BROADCAST_WITH_ITSELF) == repr(BROADCAST_WITH_ITSELF)
    assert "v3 = v2 @ v2\n" in repr(BROADCAST_WITH_ITSELF)
    assert "v4 = ab.where((v3 > x0), x0, v3)\n" in repr(BROADCAST_WITH_ITSELF)


# -- the complex step ---------------------------------------------------------------------------


def test_rows_that_compare_take_magnitudes_or_conjugate_are_not_analytic() -> None:
    analytic = {name for name, op in operations().items() if is_analytic(op.rule)}
    assert {"add", "div", "pow", "exp", "log1p", "tanh", "sum", "matmul", "getitem"} <= analytic
    # norm and var conjugate or take magnitudes inside NumPy; the rest compare.
    wrong = "abs sign maximum clip relu sigmoid var std norm2 norm_p max hypot arctan2 cbrt mod"
    assert not analytic & set(wrong.split())
    assert len(analytic) > 40


@pytest.mark.parametrize("name", [n for n, op in operations().items() if is_analytic(op.rule)])
def test_the_complex_step_is_right_for_every_row_said_to_be_analytic(name: str) -> None:
    found = 0
    for program in each(programs([name, "sin", "add", "mul"], max_steps=3), 150):
        if name not in {step.row for step in program.steps} or found == 3:
            continue
        direction = [np.ones(np.shape(x)) for x in program.inputs]
        try:
            column = ridders(program.run, program.inputs, direction)
        except Undecided:
            continue
        stepped = sum(float(np.sum(g)) for g in checks.complex_step(program))
        size = sum(float(np.sum(np.abs(g))) for g in checks.complex_step(program))
        if not column.error <= 1e-9 * size or column.oracle != "Ridders":
            continue
        found += 1
        assert math.isclose(stepped, float(column.right), rel_tol=1e-8, abs_tol=1e-8 * size)
    assert found, "no program could be judged"

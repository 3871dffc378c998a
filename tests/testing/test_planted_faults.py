"""Faults planted in the engine, one at a time: the random programs and the machine find each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

import autograd_bp as ab
from autograd_bp import (
    copying,
    derivatives,
    node,
    recording,
    sweep,
    tensor,
    value_rules,
    value_sweep,
)
from autograd_bp.rules import ROWS, Rule, arrays
from autograd_bp.testing.programs import programs
from tests.testing import naive
from tests.testing import program_checks as checks
from tests.testing.recording_machine import Recording

pytestmark = pytest.mark.slow  # each fault takes a search of its own

Plant = Callable[[pytest.MonkeyPatch], None]

# No shrinking: that a fault is found is all that is asked here.
finding = settings(
    max_examples=400,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
# A history has to come to the point by chance, step by step: that takes more of them.
searching = settings(finding, max_examples=3000)


def change(
    patch: pytest.MonkeyPatch, row: str, kind: str, make: Any, reading: str = "array"
) -> None:
    """Replace the derivative functions of a row, each by what `make` makes of it."""
    reader = getattr(ROWS[row], reading)
    patch.setitem(reader.__dict__, kind, tuple(map(make, getattr(reader, kind))))


def off_by(factor: float, where: Callable[[Any], Any] = lambda _: True) -> Callable[[Any], Any]:
    """A derivative function made wrong by a factor, where the first operand is as said."""

    def wrong(function: Any) -> Any:
        return lambda g, out, x, *rest: function(g, out, x, *rest) * np.where(where(x), factor, 1.0)

    return wrong


# -- faults that programs find ------------------------------------------------------------------


def a_factor_of_1e_9(patch: pytest.MonkeyPatch) -> None:
    change(patch, "tanh", "vjp", off_by(1 + 1e-9))


def wrong_at_exact_zeros_only(patch: pytest.MonkeyPatch) -> None:
    change(patch, "exp", "vjp", off_by(0.5, lambda x: x == 0))


def wrong_for_large_arguments_only(patch: pytest.MonkeyPatch) -> None:
    change(patch, "sin", "vjp", off_by(1.001, lambda x: np.abs(x) > 4))


def operands_swapped_on_floats(patch: pytest.MonkeyPatch) -> None:
    change(patch, "mul", "vjp", lambda f: lambda g, out, x, y: f(g, out, y, x), reading="scalar")


def second_argument_without_derivative(patch: pytest.MonkeyPatch) -> None:
    reader = ROWS["div"].array
    patch.setitem(reader.__dict__, "vjp", (reader.vjp[0], None))


def ties_not_shared(patch: pytest.MonkeyPatch) -> None:
    change(patch, "maximum", "vjp", lambda _: lambda g, _out, x, y: g * (x >= y))


def edited(patch: pytest.MonkeyPatch, function: Any, before: str, after: str) -> None:
    """Replace a function of a module by itself with one piece of its text changed."""
    source = inspect.getsource(function)
    assert source.count(before) == 1, f"{before!r} is not in {function.__name__}: choose another"
    module = inspect.getmodule(function)
    meanings = dict(vars(module))
    exec(source.replace(before, after), meanings)
    patch.setattr(module, function.__name__, meanings[function.__name__])


def contributions_replace_instead_of_adding_up(patch: pytest.MonkeyPatch) -> None:
    edited(patch, sweep._run, "np.asarray(known + contribution)", "np.asarray(contribution)")


def floats_replace_instead_of_adding_up(patch: pytest.MonkeyPatch) -> None:
    edited(patch, value_rules._sent, "_parent.grad += ", "_parent.grad = ")
    patch.setattr(value_sweep, "_STEPS", value_sweep._Steps())


def third_contributions_are_lost(patch: pytest.MonkeyPatch) -> None:
    edited(patch, sweep._run, "np.add(known, contribution, out=known)", "pass")


def sums_in_place_into_arrays_of_others(patch: pytest.MonkeyPatch) -> None:
    edited(patch, sweep._run, "contribution is not cotangent", "True")


def breadth_first_for_topological_order(patch: pytest.MonkeyPatch) -> None:
    def breadth_first(outputs: Any, **_: Any) -> list[Any]:
        found = [outputs] if isinstance(outputs, node.Node) else list(outputs)
        for visited in found:
            found += [p for p in visited.parents if p.requires_grad and p not in found]
        return found[::-1]

    patch.setattr(sweep, "topological_order", breadth_first)


def broadcasting_undone_by_the_first_entry(patch: pytest.MonkeyPatch) -> None:
    def first(operand: Any, shape: Any) -> Any:
        x = np.asarray(operand)
        return x[(0,) * (x.ndim - len(shape))][tuple(slice(0, n) for n in shape)]

    patch.setattr(tensor, "sum_to", first)


def repeated_positions_written_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(arrays, "has_repeats", lambda _index: False)


def gradients_not_copied(patch: pytest.MonkeyPatch) -> None:
    swept = sweep.sweep

    def all_owned(*args: Any, **kwargs: Any) -> Any:
        result = swept(*args, **kwargs)
        result.owned = set(result.cotangents)
        return result

    patch.setattr(sweep, "sweep", all_owned)


def leaves_forget_earlier_calls(patch: pytest.MonkeyPatch) -> None:
    run = sweep.backward

    def forgetful(output: Any, cotangent: Any, *, retain_grads: bool) -> None:
        for reached in sweep.topological_order(output, constants=False):
            reached.grad = None
        run(output, cotangent, retain_grads=retain_grads)

    patch.setattr(tensor, "backward", forgetful)


def forward_mode_off_by_1e_9(patch: pytest.MonkeyPatch) -> None:
    change(patch, "mul", "jvp", off_by(1 + 1e-9))


def operands_detached_at_second_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(derivatives, "recorded_operands", lambda n: list(n.args))


def float32_widened(patch: pytest.MonkeyPatch) -> None:
    conform = ab.Tensor._conform
    patch.setattr(ab.Tensor, "_conform", lambda self, c: conform(self, c).astype(np.float64))


def a_result_that_depends_on_the_run(patch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    forward = ROWS["add"].array.forward
    patch.setitem(
        ROWS["add"].array.__dict__,
        "forward",
        lambda x, y: forward(x, y) * (1 + rng.choice([0, 2.0**-52])),
    )


SOME = ["add", "mul", "div", "sin", "tanh", "maximum", "sum", "getitem", "matmul"]

FOUND_BY_PROGRAMS: list[tuple[Plant, Callable[..., None], st.SearchStrategy[Any]]] = [
    (a_factor_of_1e_9, checks.gradient_equals_complex_step, programs(analytic=True)),
    (
        wrong_at_exact_zeros_only,
        checks.gradient_equals_complex_step,
        programs(["exp", "mul", "sin", "add"]),
    ),
    (
        wrong_for_large_arguments_only,
        checks.gradient_equals_differences,
        programs(["mul", "sin", "add"]),
    ),
    (operands_swapped_on_floats, checks.gradient_equals_naive_engine, programs(naive.NAMES)),
    (second_argument_without_derivative, checks.gradient_equals_differences, programs()),
    (ties_not_shared, checks.gradient_equals_naive_engine, programs(SOME)),
    (
        contributions_replace_instead_of_adding_up,
        checks.gradient_equals_naive_engine,
        programs(naive.NAMES),
    ),
    (third_contributions_are_lost, checks.gradient_equals_naive_engine, programs(naive.NAMES)),
    (
        sums_in_place_into_arrays_of_others,
        checks.gradient_equals_naive_engine,
        programs(naive.NAMES),
    ),
    (
        breadth_first_for_topological_order,
        checks.gradient_equals_complex_step,
        programs(analytic=True),
    ),
    (
        broadcasting_undone_by_the_first_entry,
        checks.gradient_equals_naive_engine,
        programs(SOME),
    ),
    (
        repeated_positions_written_once,
        checks.gradient_equals_complex_step,
        programs(["getitem", "mul", "sin", "sum"]),
    ),
    (gradients_not_copied, checks.nothing_is_changed_and_nothing_shared, programs()),
    (leaves_forget_earlier_calls, checks.nothing_is_changed_and_nothing_shared, programs()),
    (forward_mode_off_by_1e_9, checks.forward_and_backward_are_adjoint, programs()),
    (
        operands_detached_at_second_order,
        checks.second_derivatives_equal_differences,
        programs(analytic=True, max_steps=8),
    ),
    (float32_widened, checks.float32_is_near_float64, programs(analytic=True)),
    (a_result_that_depends_on_the_run, checks.results_and_gradients_repeat_to_the_bit, programs()),
]


@pytest.mark.parametrize(
    ("plant", "check", "strategy"), FOUND_BY_PROGRAMS, ids=lambda x: getattr(x, "__name__", "")
)
def test_programs_find_a_planted_fault(
    plant: Plant,
    check: Callable[..., None],
    strategy: st.SearchStrategy[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        finding(given(strategy)(check))()


# -- faults that the machine finds ----------------------------------------------------------------


def graphs_see_what_a_leaf_becomes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ab.Tensor, "_operand", lambda self: self._value)


def constants_are_not_copied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tensor, "_kept", lambda array: array)


def indices_are_not_copied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tensor, "plain_index", lambda index: index)


def read_only_views_are_taken_for_constant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tensor, "_kept", lambda a: a.copy() if a.flags.writeable else a)


def leaves_share_the_array_they_are_given(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tensor, "leaf_array", np.asarray)


def nodes_refer_to_themselves(patch: pytest.MonkeyPatch) -> None:
    record = tensor.record

    def in_a_cycle(*args: Any) -> Any:
        made = record(*args)
        made._notes = {"where": made}
        return made

    patch.setattr(tensor, "record", in_a_cycle)


def copies_share_arrays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(copying, "_owned", lambda data: data)


def second_derivatives_at_the_new_value(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        derivatives,
        "recorded_operands",
        lambda n: [
            arg if parent is None or not parent.requires_grad else parent
            for parent, arg in zip(n._parents, n.args, strict=True)
        ],
    )


def gradients_between_always_kept(patch: pytest.MonkeyPatch) -> None:
    run = sweep.backward
    patch.setattr(tensor, "backward", lambda o, c, **_: run(o, c, retain_grads=True))


def recording_goes_on(patch: pytest.MonkeyPatch) -> None:
    def enter(self: Any) -> None:
        self._before = [True]

    patch.setattr(recording.no_grad, "__enter__", enter)


def nodes_between_add_up_too(patch: pytest.MonkeyPatch) -> None:
    def adding(backward: Callable[..., None]) -> Callable[..., None]:
        def run(output: Any, *args: Any, **kwargs: Any) -> None:
            before = {n: n.grad for n in sweep.topological_order(output) if n.rule is not None}
            backward(output, *args, **kwargs)
            for n, known in before.items():
                if known is not None and n.grad is not None and n.grad is not known:
                    n.grad = n.grad + known

        return run

    for kind in (ab.Value, ab.Tensor):
        patch.setattr(kind, "backward", adding(kind.backward))


FOUND_BY_THE_MACHINE: list[Plant] = [
    graphs_see_what_a_leaf_becomes,
    constants_are_not_copied,
    indices_are_not_copied,
    read_only_views_are_taken_for_constant,
    leaves_share_the_array_they_are_given,
    nodes_refer_to_themselves,
    copies_share_arrays,
    second_derivatives_at_the_new_value,
    gradients_between_always_kept,
    recording_goes_on,
    nodes_between_add_up_too,
    leaves_forget_earlier_calls,
    contributions_replace_instead_of_adding_up,
    floats_replace_instead_of_adding_up,
    repeated_positions_written_once,
]


@pytest.mark.parametrize("plant", FOUND_BY_THE_MACHINE)
def test_the_machine_finds_a_planted_fault(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Recording, settings=searching)


def test_with_nothing_planted_nothing_is_found() -> None:
    for _, check, strategy in FOUND_BY_PROGRAMS:
        settings(finding, max_examples=3)(given(strategy)(check))()
    run_state_machine_as_test(Recording, settings=settings(finding, max_examples=10))


def test_rows_are_as_they_were_after_planting() -> None:
    with pytest.MonkeyPatch.context() as patch:
        before = ROWS["tanh"].array.vjp
        a_factor_of_1e_9(patch)
        assert ROWS["tanh"].array.vjp != before
    assert ROWS["tanh"].array.vjp == before
    assert isinstance(ROWS["tanh"], Rule)

"""`check` as its users meet it: what it takes, what it says, and what it refuses."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import autograd_bp as ab
from autograd_bp.rules import ROWS
from autograd_bp.rules.rule import general
from autograd_bp.testing import Failure, Report, as_test, check, strategies
from autograd_bp.testing.calls import CALLS, Call, NoCallsError, calls_of
from autograd_bp.testing.report import MutantResult
from tests.testing.right_rules import RIGHT, sheet_as_before

Array = Any


@pytest.fixture(autouse=True)
def _sheet() -> Iterator[None]:
    with sheet_as_before():
        yield


class Cube(ab.Function):
    def forward(self, x: Array) -> Array:
        self.x = x
        return x * x * x

    def backward(self, g: Array) -> Array:
        return 3 * g * self.x * self.x


class WrongCube(Cube):
    def backward(self, g: Array) -> Array:
        return 3 * g * self.x


# -- what it takes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "checked",
    [ROWS["tanh"], ab.tanh, ab.sum, Cube, Cube(), lambda x: ab.sin(x), lambda x: np.sum(np.exp(x))],
    ids=["row", "operation", "reduction", "class", "instance", "function", "NumPy's function"],
)
def test_rows_operations_functions_and_classes_are_checked(checked: Any) -> None:
    report = check(checked, examples=20)
    assert report.ok, str(report)
    assert report.examples
    assert report.oracles


@pytest.mark.parametrize("checked", [3.0, "tanh", None, np.ones(3)])
def test_what_is_no_rule_is_refused(checked: Any) -> None:
    with pytest.raises(TypeError, match=r"a rule, an ab\.Function or a function of arrays"):
        check(checked)


def test_a_function_of_any_number_of_arguments_needs_samples() -> None:
    def total(*xs: Array) -> Array:
        return sum(xs[1:], start=xs[0])

    with pytest.raises(TypeError, match="give samples"):
        check(total)
    report = check(total, args=[np.ones(2), np.ones(2)], examples=10)
    assert report.ok
    assert report.args == ("x0", "x1")


def test_a_function_that_takes_no_shape_that_is_tried_says_what_was_said() -> None:
    def picky(x: Array) -> Array:
        if np.shape(x) != (7, 5):
            raise ValueError("seven rows of five")
        return ab.sum(x, axis=0)

    with pytest.raises(ValueError, match=r"seven rows of five.*args="):
        check(picky)
    assert check(picky, args=[np.ones((7, 5))], examples=3).ok


def test_several_results_are_refused() -> None:
    with pytest.raises(TypeError, match="one array or number, not tuple"):
        check(lambda x: (x, x))


def test_domains_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 intervals for 1 arguments"):
        check(ab.tanh, domain=[(0, 1), (0, 1)])
    with pytest.raises(ValueError, match="nothing between 2 and 1"):
        check(ab.tanh, domain=(2.0, 1.0))


# -- what it says ---------------------------------------------------------------------------------


def test_a_failure_shrinks_to_the_simplest_input_and_prints_a_program_that_shows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = ab.scalar_rule("wrong_cube(x)", "x * x * x", d="3 * x * abs(x)")
    (failure,) = check(wrong).failures
    assert failure.argument == "x"
    assert "mpmath gives" in failure.message
    assert "x = ab.Tensor(-1.0, name='x')" in failure.snippet
    exec(failure.snippet, {"wrong_cube": wrong})
    assert capsys.readouterr().out == "(array(-3.75),)\n"


def test_the_snippet_of_a_class_runs_too(capsys: pytest.CaptureFixture[str]) -> None:
    (failure,) = check(WrongCube).failures
    exec(failure.snippet, {"WrongCube": WrongCube})
    assert capsys.readouterr().out


def test_every_argument_is_named_and_the_one_that_is_wrong() -> None:
    wrong = ab.scalar_rule("volume(width, height, depth)", "width * height * depth", d=[
        "height * depth", "width * depth", "width * height * 2"
    ])  # fmt: skip
    report = check(wrong)
    assert report.args == ("width", "height", "depth")
    assert report.failures[0].argument == "depth"
    assert "volume(width, height, depth): NOT OK" in str(report)


def test_the_report_names_oracles_their_error_and_what_was_not_checked() -> None:
    said = str(check(Cube, examples=20))
    assert "complex step (" in said
    assert "their own error at most" in said
    assert "0 outside the domain, 0 undecided" in said
    assert "mpmath (" in str(check(ab.exp, examples=10))
    bent = check(lambda x: ab.abs(x), args=[np.ones(2)], examples=20)
    assert "one-sided differences" in bent.oracles
    first_order = next(rule for rule in RIGHT if rule.name == "FirstOrderOnly")
    report = check(first_order.checked, examples=10, **first_order.options)
    assert report.ok
    (what, *_) = report.unchecked
    assert f"not checked: {what} (np.add.at" in str(report)


def test_too_many_inputs_outside_the_domain_are_not_ok() -> None:
    report = check(lambda x: ab.log(x), args=[1.0], examples=20)
    assert not report.ok
    assert not report.failures
    assert "more than 5 %" in report.problems[0]
    assert check(lambda x: ab.log(x), args=[1.0], domain=(0, math.inf), examples=20).ok


def test_nan_never_equals_nan() -> None:
    class Nan(Cube):
        def backward(self, g: Array) -> Array:
            return g * np.nan

    assert not check(Nan).ok
    assert not check(ab.scalar_rule("nan_slope(x)", "x * x", d="2 * x + (inf - inf)")).ok


def test_the_same_is_drawn_again_and_a_seed_draws_something_else() -> None:
    seen: list[list[Array]] = []

    def noting(x: Array) -> Array:
        seen[-1].append(np.asarray(x.data, float).tolist())
        return x * x

    for seed in (None, None, 1):
        seen.append([])
        check(noting, args=[np.ones(2)], examples=8, seed=seed)
    first, again, other = seen
    assert first == again != other


def test_a_report_that_judged_nothing_is_not_ok() -> None:
    assert Report("f", ("x",)).problems == ["no input could be judged"]


# -- as a test ------------------------------------------------------------------------------------


def test_as_test_passes_or_fails_with_the_whole_report() -> None:
    as_test(Cube, examples=20)()
    with pytest.raises(AssertionError, match=r"WrongCube\(x\): NOT OK"):
        as_test(WrongCube)()
    assert "Cube" in (as_test(Cube).__doc__ or "")


@pytest.mark.parametrize("rule", [ab.tanh, ab.hypot, ab.clip], ids=["tanh", "hypot", "clip"])
def test_an_elementwise_rule_is_checked_in_less_than_five_seconds(rule: Any) -> None:
    start = time.process_time()
    check(rule).assert_ok()
    assert time.process_time() - start < 5.0


# -- planted faults -------------------------------------------------------------------------------


def test_every_planted_fault_is_found_and_says_by_what() -> None:
    report = check(ab.square, mutate=True, examples=40)
    assert report.ok
    names = {mutant.name for mutant in report.mutants}
    assert {"the sign by x", "1 + 1e-9 by x", "wrong at 0", "wrong in float32"} <= names
    assert all(mutant.killed_by for mutant in report.mutants)
    assert f"planted faults found: {len(names)} of {len(names)}" in str(report)


def test_a_survivor_fails_the_check_unless_it_is_declared_with_a_reason() -> None:
    report = Report("f", ("x",), examples=10)
    report.mutants = [MutantResult("wrong at 0", None)]
    assert report.problems == ["the planted fault 'wrong at 0' was not found"]
    report.mutants = [MutantResult("wrong at 0", None, "0 is a pole")]
    assert report.ok
    told = check(ab.neg, mutate=True, examples=20, equivalent={"wrong at 0": "a reason"})
    assert "wrong at 0: a reason" in str(told)


# -- structural rows ------------------------------------------------------------------------------


def test_a_row_without_calls_says_where_to_list_them(monkeypatch: pytest.MonkeyPatch) -> None:
    row = general("halves(x; parts)", "x / parts", vjp=["g / parts"], jvp=["t / parts"])
    with pytest.raises(NoCallsError, match=r"'halves'.*CALLS.*autograd_bp/testing/calls.py"):
        calls_of(row)
    monkeypatch.setitem(CALLS, "halves", [Call(((3,),), (2.0,)), Call(((0,),), (4.0,))])
    assert check(row, examples=20).ok


def test_a_row_of_ones_own_without_parameters_needs_no_calls() -> None:
    row = general("double_it(x)", "x + x", vjp=["2 * g"], jvp=["2 * t"])
    assert check(row, examples=20).ok
    wrong = general("double_them(x)", "x + x", vjp=["g"], jvp=["t"])
    assert isinstance(check(wrong).failures[0], Failure)


# -- strategies -----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(strategies.operands(ab.log), strategies.numbers((1.0, 2.0)))
def test_strategies_draw_inside_the_domain(xs: tuple[Array, ...], number: float) -> None:
    assert (xs[0] > 0).all()
    assert 1.0 < number < 2.0


def test_strategies_are_part_of_the_kit() -> None:
    assert ab.testing.strategies is strategies
    assert set(strategies.__all__) == {"arrays", "numbers", "operands", "programs"}

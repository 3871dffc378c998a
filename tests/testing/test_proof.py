"""Every elementwise row is proved by SymPy, and every wrong partial is refuted by a number."""

from __future__ import annotations

import functools
import gc
import math
import sys
import threading
import time
from fractions import Fraction

import pytest
import sympy

import autograd_bp as ab
from autograd_bp.rules import ROWS, Rule
from autograd_bp.rules.rule import elementwise
from autograd_bp.testing import proof, symbolic, vanishing
from autograd_bp.testing.proof import Proof, prove
from tests.testing.planted import HARMLESS, changed, planted

ELEMENTWISE = {name: rule for name, rule in ROWS.items() if rule.kind == "elementwise"}
PLANTED = [
    (f"{name}, {what}", rule) for name, row in ELEMENTWISE.items() for what, rule in planted(row)
]


@functools.cache
def proof_of(name: str) -> Proof:
    return prove(ROWS[name])


# -- the sheet ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_partial_of_the_row_is_proved(name: str) -> None:
    found = proof_of(name)
    assert found.ok != (name in proof.UNDECIDED), str(found)
    assert [entry.argument for entry in found.arguments] == list(ROWS[name].args)
    assert all(entry.pieces for entry in found.arguments)


def test_the_list_of_undecided_rows_names_rows() -> None:
    assert set(proof.UNDECIDED) <= set(ELEMENTWISE)


@pytest.mark.parametrize("name", symbolic.MEANINGS)
def test_a_meaning_given_in_place_of_a_formula_has_its_values(name: str) -> None:
    meaning = ab.scalar_rule("meaning(x)", symbolic.MEANINGS[name], d="0")
    for x in (-50.0, -40.0, -3.0, -0.7, 0.0, 1e-9, 0.3, 2.5, 7.0, 39.9, 41.0):
        assert ROWS[name].scalar.forward(x) == pytest.approx(meaning(x), rel=1e-11, abs=1e-300)


def test_a_row_without_cases_is_proved_in_one_piece() -> None:
    assert proof_of("exp").status == "proved"
    assert proof_of("exp")["x"].pieces[0].conditions == ()


def test_a_row_with_cases_lists_them() -> None:
    pieces = proof_of("maximum")["x"].pieces
    assert [piece.conditions for piece in pieces] == [("x > y",), ("x < y",)]
    assert {piece.verdict for piece in pieces} == {"proved"}
    assert proof_of("maximum").status == "proved by cases"


def test_on_a_surface_the_arguments_that_stay_on_it_are_proved() -> None:
    assert ("x = 0",) in [piece.conditions for piece in proof_of("heaviside")["y"].pieces]
    assert ("x = 0",) not in [piece.conditions for piece in proof_of("heaviside")["x"].pieces]


def test_a_whole_number_parameter_is_proved_for_all_whole_numbers() -> None:
    conditions = [piece.conditions[0] for piece in proof_of("bessel")["x"].pieces]
    assert conditions == ["order = 0", "order = 1", "order ≥ 2"]


def test_the_assumptions_name_the_domain_the_parameters_and_the_constants() -> None:
    assert "x is in (0, inf)" in proof_of("log").assumptions
    assert "negative_slope is real" in proof_of("leaky_relu").assumptions
    assert "0.7978845608028654 stands for sqrt(2)/sqrt(pi)" in proof_of("gelu_sech").assumptions


# -- wrong partials -------------------------------------------------------------------------------


def check_refuted(wrong: Rule) -> None:
    found = prove(wrong)
    assert found.status == "refuted", str(found)
    assert not found.ok
    refuted = [entry for entry in found.arguments if entry.status == "refuted"]
    counterexample = refuted[0].counterexample
    assert counterexample is not None
    assert set(counterexample.point) == {*wrong.args, *wrong.params}
    assert str(counterexample) in str(found)


def one_of_each_row() -> list[tuple[str, Rule]]:
    """A wrong version of every row, of every kind in turn."""
    chosen = []
    for k, (name, row) in enumerate(ELEMENTWISE.items()):
        versions = list(planted(row))
        what, rule = versions[k % len(versions)]
        chosen.append((f"{name}, {what}", rule))
    return chosen


@pytest.mark.parametrize(("what", "wrong"), one_of_each_row())
def test_a_wrong_partial_is_refuted(what: str, wrong: Rule) -> None:  # noqa: ARG001
    check_refuted(wrong)


def test_enough_wrong_partials_are_planted() -> None:
    assert len(one_of_each_row()) >= 60
    assert len(PLANTED) >= 500


@pytest.mark.slow
@pytest.mark.parametrize(("what", "wrong"), PLANTED)
def test_every_wrong_partial_is_refuted(what: str, wrong: Rule) -> None:  # noqa: ARG001
    check_refuted(wrong)


@pytest.mark.parametrize(("name", "what"), HARMLESS)
def test_a_harmless_change_is_still_proved(name: str, what: str) -> None:
    assert prove(dict(changed(ROWS[name]))[what]).ok


def test_a_counterexample_is_one() -> None:
    wrong = ab.scalar_rule("wrong(x, y)", "exp(x) * y", d=["out", "exp(x) * (1 + 1e-9 * x)"])
    found = prove(wrong)["y"].counterexample
    assert found is not None
    x = float(Fraction(found.point["x"]))
    assert float(found.derivative) == pytest.approx(math.exp(x), rel=1e-9)
    assert float(found.partial) == pytest.approx(math.exp(x) * (1 + 1e-9 * x), rel=1e-11)
    assert found.partial != found.derivative
    close = ab.scalar_rule("close(x)", "x * x", d="2 * x * (1 + 1e-9 * 1e-9)")
    found = prove(close)["x"].counterexample
    assert found is not None
    assert found.partial != found.derivative


# -- operations of a user's own -------------------------------------------------------------------


def test_a_users_own_operation_is_proved() -> None:
    swish = ab.scalar_rule(
        "my_swish(x; beta)",
        "x * sigmoid(beta * x)",
        d="s = sigmoid(beta * x); s + beta * x * s * (1 - s)",
    )
    assert prove(swish).status == "proved by cases"
    assert prove(swish.rule).ok


def test_formulas_with_bindings_ternaries_and_floors_are_proved() -> None:
    huber = ab.scalar_rule(
        "my_huber(x)", "a = abs(x); x * x / 2 if a <= 1 else a - 0.5", d="clip(x, -1, 1)"
    )
    assert prove(huber).ok
    wave = ab.scalar_rule("my_wave(x)", "t0 = x - floor(x); t0 * (1 - t0)", d="1 - 2 * (x % 1)")
    assert prove(wave).ok
    hyperbola = ab.scalar_rule(
        "my_distance(x, y)", "sqrt(x * x + y * y)", d=["x / out", "unit(y, x)"]
    )
    assert prove(hyperbola).ok


def test_a_branch_that_only_far_away_is_wrong_is_refuted_there() -> None:
    far = ab.scalar_rule("my_tanh(x)", "tanh(x)", d="square(sech(x)) if abs(x) < 100 else 0")
    found = prove(far)
    assert found.status == "refuted"
    assert {piece.verdict for piece in found["x"].pieces} == {"proved", "refuted"}


def test_a_point_at_which_sympy_fails_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two numbers of whose product SymPy 1.14 cannot take the root (its issue 28621).
    first, second = 989034254522489566, 989034254830458946
    monkeypatch.setattr(vanishing, "_POOL", tuple(map(sympy.Integer, (first, second, 3))))
    right = ab.scalar_rule("my_mean(x, y)", "sqrt(x * y)", d=["y / (2 * out)", "x / (2 * out)"])
    assert prove(right).status in ("proved", "proved by cases")
    wrong = ab.scalar_rule("my_mean(x, y)", "sqrt(x * y)", d=["y / (2 * out)", "y / (2 * out)"])
    assert prove(wrong)["y"].status == "refuted"


def test_a_rounded_constant_that_nobody_knows_is_neither_refuted_nor_trusted() -> None:
    # 1.2345678901234567 * 3 is not a float: the partial is the derivative to the last bit.
    rule = ab.scalar_rule("my_cube(x)", "1.2345678901234567 * x**3", d="3.7037036703703703 * x**2")
    assert prove(rule).status == "undecided"
    wrong = ab.scalar_rule("my_cube(x)", "1.2345678901234567 * x**3", d="3.70370367038 * x**2")
    assert prove(wrong).status == "refuted"


@pytest.mark.parametrize(
    "rule",
    [ab.softmax, ROWS["sum"], lambda x: x * x, ab.Function(), "tanh"],
    ids=["softmax", "sum", "lambda", "Function", "str"],
)
def test_what_is_no_elementwise_rule_is_refused(rule: object) -> None:
    with pytest.raises(TypeError, match="no elementwise rule"):
        prove(rule)


def test_a_formula_about_arrays_is_refused() -> None:
    rule = elementwise("my_share(x)", "x / sum(x, -1, True)", d=["1"])
    with pytest.raises(TypeError, match="'sum' is not a function of single numbers"):
        prove(rule)


# -- limits ---------------------------------------------------------------------------------------


def test_what_takes_too_long_is_undecided_and_says_so() -> None:
    nested = "x"
    for k in range(9):
        nested = f"sin({nested} + {k}) * cos({nested})"
    rule = ab.scalar_rule("my_maze(x)", nested, d="0 * x")
    start = time.monotonic()
    found = prove(rule, seconds=0.5)
    assert time.monotonic() - start < 20
    assert found.status in ("undecided", "refuted")


def test_a_time_limit_that_falls_into_a_callback_of_the_collector_still_holds() -> None:
    arrived = threading.Event()

    def callback(phase: str, info: dict[str, int]) -> None:  # noqa: ARG001
        arrived.set()
        time.sleep(0.005)  # nearly all the time is spent here

    def collect_for_ever() -> None:
        while True:
            cycle: list[object] = []
            cycle.append(cycle)

    gc.callbacks.append(callback)
    try:
        for _ in range(3):
            assert vanishing.within(0.05, collect_for_ever, "gave up") == "gave up"
    finally:
        gc.callbacks.remove(callback)
    assert arrived.is_set()
    assert not [t for t in threading.enumerate() if t.name == "proof" and t.is_alive()]


def test_too_many_cases_are_undecided() -> None:
    folds = " + ".join(f"abs(x - {k} * y)" for k in range(1, 40))
    rule = ab.scalar_rule("my_folds(x, y)", folds, d=["1", "1"])
    found = prove(rule, seconds=3.0)
    assert found.status == "undecided"
    assert "cases" in str(found)


def test_a_proof_works_in_any_thread() -> None:
    found: list[Proof] = []
    thread = threading.Thread(target=lambda: found.append(prove(ab.tanh)))
    thread.start()
    thread.join()
    assert found[0].ok


def test_without_sympy_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("symbolic", "vanishing", "regions", "meanings"):
        monkeypatch.delitem(sys.modules, f"autograd_bp.testing.{module}", raising=False)
        monkeypatch.delattr(f"autograd_bp.testing.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match=r"autograd-bp\[testing\]"):
        prove(ab.tanh)

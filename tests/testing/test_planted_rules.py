"""What the kit is worth: it finds every planted slip, and calls no right rule wrong.

The rules are in `planted_rules` and `right_rules`; the kit was not made with them. At its default
budget, on ten seeds.
"""

from __future__ import annotations

import pytest

from autograd_bp.testing import Report, check
from tests.testing.planted_rules import PLANTED, Planted
from tests.testing.right_rules import RIGHT, Right

SEEDS = range(10)
KINDS = {
    "sign", "factor 2", "1 + 1e-9", "argument zeroed", "arguments swapped", "transposition",
    "unbroadcast missing", "unbroadcast doubled", "mean for sum", "wrong axis", "= for +=",
    "= for += in scatter", "nonlinear in the cotangent", "detached at second order", "wrong at 0",
    "wrong at ties", "beyond 30", "last index", "float32 only",
}  # fmt: skip
"""The kinds of slips that a check must find; there are more of them in the table."""
LONG = {"attention", "cosine", "recurrent", "perceptron", "masked_root", "bent", "MySoftmax"}
"""Right rules whose check takes some seconds: they are left to the slow tests."""

planted = pytest.mark.parametrize("wrong", PLANTED, ids=[wrong.name for wrong in PLANTED])
right = pytest.mark.parametrize("rule", RIGHT, ids=[rule.name for rule in RIGHT])


def checked(rule: Planted | Right, seed: int | None = None) -> Report:
    return check(rule.checked, seed=seed, name=rule.name, **rule.options)


def test_there_are_enough_of_every_kind() -> None:
    assert len(PLANTED) == len({wrong.name for wrong in PLANTED}) >= 60
    assert len(RIGHT) == len({rule.name for rule in RIGHT}) >= 30
    assert {wrong.kind for wrong in PLANTED} >= KINDS


@planted
def test_the_slip_is_found(wrong: Planted) -> None:
    report = checked(wrong)
    assert report.failures, f"{wrong.kind}: not found\n{report}"
    failure = report.failures[0]
    assert failure.message
    assert failure.property
    compile(failure.snippet, wrong.name, "exec")
    with pytest.raises(AssertionError, match="NOT OK"):
        report.assert_ok()


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(rule, id=rule.name, marks=[pytest.mark.slow] if rule.name in LONG else [])
        for rule in RIGHT[::2]
    ],
)
def test_a_right_rule_passes(rule: Right) -> None:
    checked(rule).assert_ok()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_every_slip_is_found_on_every_seed(seed: int) -> None:
    missed = [f"{wrong.name}: {wrong.kind}" for wrong in PLANTED if checked(wrong, seed).ok]
    assert not missed


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@right
def test_a_right_rule_passes_on_every_seed(rule: Right, seed: int) -> None:
    checked(rule, seed).assert_ok()

"""What is drawn does not depend on what a process has imported."""

from __future__ import annotations

import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

import autograd_bp as ab
from autograd_bp.testing import check
from autograd_bp.testing.repeatable import repeatable_draws
from autograd_bp.testing.sampling import sample
from autograd_bp.testing.subject import subject


def drawn() -> list[object]:
    return [case.key for case in sample(subject(ab.hypot), 60)]


def test_a_module_with_many_constants_changes_no_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    before, report = drawn(), check(ab.sin, examples=30, seed=3)
    constants = Constants(
        integers=set(range(40)), floats={k + 0.789 for k in range(40)}, bytes=set(), strings=set()
    )
    monkeypatch.setattr(providers, "_get_local_constants", lambda: constants)
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", {})
    assert drawn() == before
    assert check(ab.sin, examples=30, seed=3) == report


def test_hypothesis_is_left_as_it_was() -> None:
    before = providers._get_local_constants, providers.CONSTANTS_CACHE
    with repeatable_draws():
        assert providers._get_local_constants is Constants
    assert (providers._get_local_constants, providers.CONSTANTS_CACHE) == before


def test_without_it_they_would_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The release of Hypothesis does as `repeatable_draws` takes it to do."""
    before = drawn()
    constants = Constants(integers=set(), floats={0.789}, bytes=set(), strings=set())
    monkeypatch.setattr(providers, "_get_local_constants", lambda: constants)
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", {})
    monkeypatch.setattr("autograd_bp.testing.sampling.repeatable_draws", monkeypatch.context)
    assert drawn() != before

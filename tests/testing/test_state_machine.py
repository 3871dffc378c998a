"""Recording, changing, running backward and freeing in any order, against the naive model."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.testing.recording_machine import Recording

pytestmark = pytest.mark.slow  # whole programs take a while

quick = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_whatever_happens_to_nodes_the_engine_and_the_naive_model_agree() -> None:
    run_state_machine_as_test(Recording, settings=quick)


@pytest.mark.slow
def test_the_engine_and_the_naive_model_agree_in_thousands_of_histories() -> None:
    run_state_machine_as_test(
        Recording, settings=settings(quick, max_examples=2000, stateful_step_count=80)
    )

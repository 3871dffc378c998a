"""A plain list of cases, drawn once: for questions that are not tests."""

from __future__ import annotations

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from autograd_bp.testing.cases import Case
from autograd_bp.testing.drawing import cases_for
from autograd_bp.testing.repeatable import repeatable_draws
from autograd_bp.testing.subject import Subject


def sample(about: Subject, n: int) -> list[Case]:
    """About n cases for a subject, always the same."""
    found: list[Case] = []

    @hypothesis.settings(
        max_examples=n,
        database=None,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(cases_for(about))
    def collect(case: Case) -> None:
        found.append(case)

    with repeatable_draws():
        collect()
    return found

"""How right the rows are, worst first: shown after the tests with `pytest -v`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

_WORST = "worst error in ulp"


@pytest.fixture
def remember_worst(request: pytest.FixtureRequest) -> Callable[[float], None]:
    """Notes the largest error of a test, for the summary."""

    def remember(ulp: float) -> None:
        request.node.user_properties.append((_WORST, ulp))

    return remember


@pytest.fixture(autouse=True)
def _quiet_arithmetic() -> Any:
    """Infinities are among the answers here."""
    with np.errstate(all="ignore"):
        yield


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.get_verbosity() < 1:
        return
    found: dict[str, list[tuple[float, str]]] = {}
    for report in terminalreporter.getreports("passed"):
        for ulp in (value for name, value in report.user_properties if name == _WORST):
            test, _, row = report.nodeid.rpartition("::")[2].partition("[")
            found.setdefault(test, []).append((ulp, row.removesuffix("]")))
    for test, rows in found.items():
        terminalreporter.section(f"{test}: ulp")
        rows.sort(reverse=True)
        terminalreporter.write_line(", ".join(f"{row} {ulp:.2g}" for ulp, row in rows[:20]))

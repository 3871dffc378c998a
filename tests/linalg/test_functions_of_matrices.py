"""Every claim about an operation, for every call in the table of linear algebra."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.function_cases import Case, claims
from tests.linalg.linalg_table import CASES


@pytest.mark.parametrize(("claim", "case"), claims(CASES))
def test_what_holds_for_every_operation(claim: Callable[[Case], None], case: Case) -> None:
    claim(case)

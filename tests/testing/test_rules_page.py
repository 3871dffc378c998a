"""`docs/rules.md` has every rule, every column, and what is there is true."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from autograd_bp.rules import Rule
from autograd_bp.testing import proof
from autograd_bp.testing.properties import CONTRACTION, ULP
from autograd_bp.testing.table import (
    ABOVE,
    CLOSE,
    COLUMNS,
    MEASURED,
    SHEET,
    declared,
    main,
    measured,
    page,
    read,
    rounded_error,
    rounded_ulp,
)

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "rules.md"
ELEMENTWISE = [name for name, rule in SHEET.items() if rule.kind == "elementwise"]
FURTHEST = 16.0
FURTHEST_CONTRACTION = 1e-10
FORMS = {
    "Judged by": r"[\w ,-]+( \(to 1e-\d\d\))?; second derivatives: [\w ,-]+",
    "Worst error": r"[\d.]+ ulp(<br>.+)?|0|1e-\d\d(<br>.+)?",
    "Faults found": r"\d+ of \d+(<br>.*)?",
    "Proof": r"proved|proved by cases \(\d+\)|undecided|—, .+",
}


def rows() -> dict[str, dict[str, str]]:
    return read(PAGE.read_text("utf-8"))


def error(cell: str) -> float:
    return float(re.split(r" |<", cell)[0])


def judge(cell: str) -> str:
    """The one who spoke most."""
    return re.split(r",|;| \(", cell)[0]


def faults(cell: str) -> tuple[int, int]:
    found, planted = re.findall(r"\d+", cell)[:2]
    return int(found), int(planted)


# -- the page as it is ----------------------------------------------------------------------------


def test_every_row_of_the_sheet_has_every_column() -> None:
    assert set(rows()) == set(SHEET)
    for name, cells in rows().items():
        assert tuple(cells) == COLUMNS
        assert all(cells.values()), name
        for column, form in FORMS.items():
            assert re.fullmatch(form, cells[column]), f"{name}: {column}: {cells[column]}"


def test_what_the_page_says_of_a_row_is_what_the_sheet_says() -> None:
    shown = rows()
    for name, rule in SHEET.items():
        of_sheet = declared(rule)
        assert {column: shown[name][column] for column in of_sheet} == of_sheet


def test_nothing_else_is_on_the_page() -> None:
    assert page(rows()) == PAGE.read_text("utf-8")


def test_every_planted_fault_was_found() -> None:
    for name, cells in rows().items():
        found, planted = faults(cells["Faults found"])
        assert found == planted, name


def test_every_elementwise_row_is_right_to_a_few_units_in_the_last_place() -> None:
    for name in ELEMENTWISE:
        cell = rows()[name]["Worst error"]
        assert " ulp" in cell, name
        if error(cell) > CLOSE:
            assert error(cell) <= FURTHEST, name
            assert cell.endswith(f"<br>{ABOVE[name]}")


def test_every_other_row_is_right_to_twelve_digits() -> None:
    for name in SHEET.keys() - ELEMENTWISE:
        cell = rows()[name]["Worst error"]
        if error(cell) > CONTRACTION:
            assert error(cell) <= FURTHEST_CONTRACTION, name
            assert cell.endswith(f"<br>{ABOVE[name]}")


def test_every_elementwise_row_is_proved_and_of_the_others_it_is_said_why_not() -> None:
    for name, cells in rows().items():
        if name in ELEMENTWISE:
            assert cells["Proof"].startswith("proved") != (name in proof.UNDECIDED), name
        else:
            assert cells["Proof"].startswith("—, "), name


def test_the_limits_that_the_pages_name_are_those_of_the_kit() -> None:
    text = (DOCS / "testing-your-own-rule.md").read_text("utf-8")
    assert f"More than {ULP:g} fails" in text
    assert f"More than {CONTRACTION:g}, " in text


# -- how it is made -------------------------------------------------------------------------------


def test_rows_can_be_measured_again_one_by_one(tmp_path: Path) -> None:
    copy = tmp_path / "rules.md"
    kept = {**rows(), "neg": {**rows()["neg"], "Worst error": "wrong"}}
    copy.write_text(page(kept), "utf-8")
    main([str(copy), "neg"])
    again = read(copy.read_text("utf-8"))
    assert again["neg"]["Worst error"] == "0 ulp"
    assert again.keys() == SHEET.keys()
    assert {**again, "neg": {}} == {**rows(), "neg": {}}


def test_a_row_that_is_not_on_the_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "rules.md"), "no_such_row"])


def test_errors_are_rounded_upward() -> None:
    ulps = (0.0, 1e-20, 0.1, 0.5, 0.51, 1.0, 3.9, 4.1)
    assert [rounded_ulp(x) for x in ulps] == [0, 0, 0.5, 0.5, 1, 1, 4, 8]
    assert [rounded_error(x) for x in (0.0, 1e-18, 1e-16, 1.1e-16)] == [0, 0, 1e-16, 1e-15]


# -- the numbers ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", SHEET)
def test_the_measurements_of_the_row_are_current(name: str) -> None:
    """Two machines, or two releases of Hypothesis, may draw inputs one step apart."""
    shown, found = rows()[name], measured(name)
    assert tuple(found) == MEASURED
    assert judge(found["Judged by"]) == judge(shown["Judged by"])
    assert found["Proof"] == shown["Proof"]
    killed, planted = faults(found["Faults found"])
    assert killed == planted
    assert abs(planted - faults(shown["Faults found"])[1]) <= 1
    assert steps(SHEET[name], found, shown) <= 1


def steps(rule: Rule, found: dict[str, str], shown: dict[str, str]) -> float:
    """How many steps of rounding two errors are apart."""
    one, other = (error(cells["Worst error"]) for cells in (found, shown))
    if rule.kind == "elementwise":
        return abs(math.log2(max(one, 0.25)) - math.log2(max(other, 0.25)))
    return abs(math.log10(max(one, 1e-17)) - math.log10(max(other, 1e-17)))

"""The comparison at awkward points: what its page says of this project still holds."""

import re
from pathlib import Path

import numpy as np
import pytest
from edge_cases import CASES
from edge_engines import AutogradBp
from edge_truths import close, exactly
from edges import answers, judge

PAGE = Path(__file__).parents[2] / "docs" / "edges.md"


def claimed():
    """The verdicts on this project in docs/edges.md, by case."""
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.*?) \| (\*{0,2}\w+\*{0,2}|–) \|", page, re.MULTILINE)
    return {title: verdict.strip("*") for title, verdict in rows}


@pytest.mark.parametrize("group", CASES)
def test_this_project_is_right_wherever_the_page_says_so(group):
    verdicts = claimed()
    worse = {}
    for case in CASES[group]:
        with np.errstate(all="ignore"):
            verdict = judge(case, list(answers(AutogradBp(), case)))
        if verdicts[case.title] == "right" and verdict.word != "right":
            worse[case.title] = verdict
    assert not worse


def test_no_two_cases_are_the_same():
    titles = [case.title for cases in CASES.values() for case in cases]
    assert len(titles) == len(set(titles))


def test_a_truth_refuses_small_errors_wrong_shapes_and_nan():
    assert close([1.0, 1e-300], [1.0, 1e-300])
    assert close(np.inf, np.inf)
    for found in (1.0 + 3e-12, np.nan, np.inf, [1.0]):
        assert not close(found, 1.0)
    assert not close(0.0, 1e-300)
    truth = exactly((1.0, 2.0))
    assert truth.accepts(0, (), [1.0, 2.0])
    assert not truth.accepts(0, (), [1.0])
    assert not truth.accepts(0, (), [2.0, 1.0])

"""The comparison of checkers: what is planted is wrong, or right, as it says."""

import re
from pathlib import Path

import numpy as np
import pytest
from checker_cases import ALL, CASES, FAULTS, GROUP_OF_RIGHT
from checker_engines import AutogradBpKit, ordinary
from checker_rules import Elementwise, Pulled

import autograd_bp as ab

PAGE = Path(__file__).parents[2] / "docs" / "checkers.md"
RIGHT = CASES[GROUP_OF_RIGHT]
WRONG = [case for cases in FAULTS.values() for case in cases]
DISTURBING = ("every other call", "noise", "doubles")


class NumPy:
    """The names in which rules are written, as NumPy has them."""

    def __getattr__(self, name):
        return getattr(np, name)

    def ints(self, *entries):
        return np.array(entries)

    def constant(self, numbers, like):
        return np.asarray(numbers, like.dtype)

    def detached(self, x):
        return x

    def sigmoid(self, x):
        return np.where(x > 0, 1 / (1 + np.exp(-abs(x))), np.exp(-abs(x)) / (1 + np.exp(-abs(x))))

    def scale_in_place(self, x, factor):
        x *= factor


XP = NumPy()


def titled(cases):
    return pytest.mark.parametrize("case", cases, ids=[case.title for case in cases])


def pulled(rule, operands, scale=1.0):
    """The cotangents that a rule gives, of one that is not special."""
    operands = tuple(np.array(x) for x in operands)
    rule = rule.structural()
    with np.errstate(all="ignore"):
        out = np.asarray(rule.forward(XP, *operands))
        cotangent = scale * np.random.default_rng(5).uniform(0.5, 2.0, out.shape)
        g = cotangent.astype(out.dtype)
        found = rule.vjp(Pulled(XP, g.copy(), out, operands))
    return g, [np.asarray(c) for c in found]


def differenced(rule, operands, g):
    """The same by fourth-order differences in long double."""
    forward = rule.structural().forward
    found = []
    for i, x in enumerate(operands):
        slopes = np.zeros(x.shape)
        for k in range(x.size):
            values = {}
            for step in (-2, -1, 1, 2):
                moved = [np.asarray(y, np.longdouble).copy() for y in operands]
                moved[i].flat[k] += step * np.longdouble(1e-4)
                values[step] = np.sum(g * forward(XP, *moved))
            slope = (values[-2] - 8 * values[-1] + 8 * values[1] - values[2]) / np.longdouble(12e-4)
            slopes.flat[k] = slope
        found.append(slopes)
    return found


def alike(found, want, tolerance):
    return all(
        c.shape == w.shape and np.allclose(c, w, rtol=tolerance, atol=tolerance * 1e-2)
        for c, w in zip(found, want, strict=True)
    )


@titled(RIGHT)
def test_a_right_rule_has_the_derivatives_of_its_operation(case):
    for seed in range(3):
        operands = ordinary(case, seed)
        g, found = pulled(case.rule, operands)
        assert alike(found, differenced(case.rule, operands, g), 1e-9)


@titled([case for case in WRONG if case.order == 1 and "doubles" not in case.fault])
def test_a_wrong_rule_is_wrong_where_it_says(case):
    twice = "every other call" in case.fault
    g, right = pulled(case.right, case.at)
    found = [pulled(case.rule, case.at)[1] for _ in range(1 + twice)]
    differences = [
        abs(c - r) > 4 * np.finfo(g.dtype).eps * abs(r)
        for one in found
        for c, r in zip(one, right, strict=True)
        if c.shape == r.shape
    ]
    undefined = any(np.isnan(c).any() for one in found for c in one)
    shapeless = any(c.shape != r.shape for one in found for c, r in zip(one, right, strict=True))
    assert undefined or shapeless or any(d.any() for d in differences)
    assert not any(np.isnan(r).any() for r in right)


@titled([case for case in WRONG if not any(word in case.fault for word in DISTURBING)])
def test_a_wrong_rule_is_right_elsewhere_just_when_it_says_so(case):
    operands = ordinary(case)
    (_, right), (_, found) = (pulled(rule, operands) for rule in (case.right, case.rule))
    same = alike(found, right, 1e-12)
    assert same == (case.only_there or case.order == 2)


@titled([case for case in WRONG if case.order == 2])
def test_a_detached_factor_is_missed_by_the_second_derivative(case):
    kit = AutogradBpKit()
    second = []
    for rule in (case.right, case.rule):
        operation = kit.function(rule)
        leaves = [ab.Tensor(x) for x in case.at]
        first = ab.gradients(ab.sum(operation(*leaves) ** 2), leaves, create_graph=True)
        assert len(first) == len(leaves)
        slope = sum((g * np.arange(1.0, g.size + 1).reshape(g.shape)).sum() for g in first)
        second.append(ab.gradients(slope, leaves))
    assert not alike(*second, 1e-3)


@titled([case for case in WRONG if "doubles" in case.fault])
def test_an_impure_rule_changes_what_it_was_given(case):
    x, g = np.array(case.at[0]), np.array(1.0)
    out = case.rule.forward(XP, x)
    (found,) = case.rule.vjp(Pulled(XP, g, out, (x,)))
    assert found == 12.0
    assert (x, g) == ((4.0, 1.0) if "operand" in case.fault else (2.0, 2.0))


@titled([case for case in ALL if isinstance(case.rule, Elementwise)])
def test_this_project_reads_a_rule_as_the_others_do(case):
    operation = AutogradBpKit().operation(case.rule)
    operands = ordinary(case)
    g, want = pulled(case.rule, operands)
    leaves = [ab.Tensor(x) for x in operands]
    assert alike(ab.gradients(operation(*leaves), leaves, cotangent=g), want, 1e-13)


def test_nothing_is_planted_twice():
    titles = [case.title for case in ALL]
    assert len(set(titles)) == len(titles)
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 15


def test_the_page_lists_every_case():
    page = PAGE.read_text(encoding="utf-8")
    for group, cases in CASES.items():
        section = page.partition(f"\n## {group}\n")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| (.+?) \| (?:found|\(both\)|\*|–|passed)", section, re.MULTILINE)
        assert rows == [case.title.replace("|", "\\|") for case in cases]


def test_the_page_counts_what_its_rows_say():
    page = PAGE.read_text(encoding="utf-8")
    (summary,) = re.findall(r"^\| autograd-bp [\d.]+ \| (\d+) of (\d+)", page, re.MULTILINE)
    # What follows the table of kinds.
    listed = page[page.index("## By kind") :].split("\n## ", 1)[1]
    rows = [re.split(r" \| ", row)[1] for row in listed.splitlines() if row.startswith("| `")]
    faults = rows[: len(WRONG)]
    found = sum(cell == "found" for cell in faults)
    assert (found, len(faults) - faults.count("–")) == tuple(map(int, summary))

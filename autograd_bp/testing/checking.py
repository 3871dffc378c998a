"""`check`: draw inputs, ask the engine and the oracles, report."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity

from autograd_bp.testing.cases import Case
from autograd_bp.testing.drawing import cases_for
from autograd_bp.testing.harmless import HARMLESS
from autograd_bp.testing.mutants import hunt
from autograd_bp.testing.oracles import Discontinuous, FarBeyond, Undecided
from autograd_bp.testing.properties import PROPERTIES, UnsupportedError, Violation, judge
from autograd_bp.testing.repeatable import repeatable_draws
from autograd_bp.testing.report import Failure, Report
from autograd_bp.testing.snippets import snippet
from autograd_bp.testing.subject import DomainLike, Subject, subject
from autograd_bp.testing.systematic import first_cases, simplest

SHRINKING_SECONDS = 3.0
"""How long a failure is made simpler."""
EXAMPLES = 100
"""How many inputs a check draws by default."""


def check(
    checked: Any,
    *,
    args: Sequence[Any] = (),
    domain: DomainLike | Iterable[DomainLike] | None = None,
    kinks: Iterable[str] = (),
    examples: int = EXAMPLES,
    seed: int | None = None,
    mutate: bool = False,
    equivalent: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Report:
    """Check the derivatives of a rule, a `Function`, or any Python function of arrays.

    Parameters
    ----------
    checked
        A row of the sheet, an operation with one (`ab.exp`, what `ab.scalar_rule` returned), an
        `ab.Function` (class or instance), or a function of arrays that returns one array.
    args
        Examples of the arguments, where their number or shapes cannot be guessed; numbers of the
        same shapes are drawn.
    domain
        The open interval ``(low, high)`` in which every argument has a value, or one for each. A
        row knows its own.
    kinks
        Formulas in the argument names that are zero where there is no derivative.
    examples
        How many inputs are drawn.
    seed
        Fixes the draw; without one every run draws the same.
    mutate
        Plant wrong versions of the rule, and see that each is found.
    equivalent
        Planted faults that change nothing, by name, with the reason.
    name
        For the report.

    Returns
    -------
    Report
        `.ok`, `.assert_ok()`, and `str(report)` for people.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> from autograd_bp.testing import check
    >>> check(ab.tanh, examples=20).ok
    True
    >>> wrong = ab.scalar_rule("cubed(x)", "x * x * x", d="3 * x")
    >>> check(wrong, examples=20).ok
    False
    """
    about = subject(checked, args=args, domain=domain, kinks=kinks, name=name)

    def find(planted: Subject) -> str | None:
        failures = run(planted, examples=examples, seed=seed, simplify=False).failures
        return failures[0].property if failures else None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # extreme scales are drawn on purpose
        report = run(about, examples=examples, seed=seed)
        if mutate:
            harmless = {**HARMLESS.get(about.sheet_row, {}), **(equivalent or {})}
            report.mutants = hunt(about, find, harmless)
    return report


def as_test(checked: Any, **options: Any) -> Callable[[], None]:
    """A test for pytest: ``test_my_rule = ab.testing.as_test(my_rule)``."""

    def test() -> None:
        check(checked, **options).assert_ok()

    test.__doc__ = f"The derivatives of {getattr(checked, '__name__', checked)} are right."
    return test


def run(
    about: Subject, *, examples: int = EXAMPLES, seed: int | None = None, simplify: bool = True
) -> Report:
    """Check a subject; the first property that fails ends it, with its simplest input."""
    report = Report(about.name, about.args)
    cases = cases_for(about)
    failed: list[tuple[Case, Violation]] = []

    stop = math.inf
    known: dict[Any, Violation] = {}

    def one(case: Case) -> None:
        nonlocal stop
        if time.monotonic() > stop:  # simple enough: people wait
            if case.key in known:
                failed.append((case, known[case.key]))
                raise known[case.key]
            return
        scratch = Report(about.name, about.args) if failed else report
        try:
            with np.errstate(all="ignore"):
                try_case(case, scratch)
        except Violation as violation:
            if not failed:
                stop = time.monotonic() + SHRINKING_SECONDS
            failed.append((case, violation))
            known[case.key] = violation
            raise

    def fails(case: Case) -> bool:
        try:
            one(case)
        except Violation:
            return True
        return False

    begun = first_cases(about, seed)[: max(examples // 2, 1)]
    for case in begun:
        if fails(case):
            if simplify:
                what = known[case.key].property

                def alike(simpler: Case, what: str = what) -> bool:
                    return fails(simpler) and known[simpler.key].property == what

                case = simplest(case, alike, SHRINKING_SECONDS)
            report.failures.append(_shown(case, known[case.key]))
            return report

    test = hypothesis.given(cases)(one)
    test = hypothesis.settings(
        max_examples=examples - len(begun) or 1,
        database=None,
        deadline=None,
        derandomize=seed is None,
        phases=(Phase.generate, Phase.shrink) if simplify else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        print_blob=False,
    )(test)
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    try:
        with repeatable_draws():
            test()
    except Violation:
        report.failures.append(_shown(*failed[-1]))
    return report


def _shown(case: Case, violation: Violation) -> Failure:
    shown = snippet(case, violation.property)
    return Failure(violation.property, violation.argument, str(violation), shown)


def try_case(case: Case, report: Report) -> None:
    """Judge one case by every property; counts go to the report."""
    try:
        if any(x.size == 0 for x in case.operands) and not _has_value(case):
            return  # the largest of nothing, the mean of nothing
        if case.has_subnormals and not case.subject.sheet_row:
            # A result among them is off by up to a half, and so is what is made of it.
            report.unchecked["anything at subnormal numbers"] = "they have few digits"
            return
        judged = judge(case, report)
        if judged is None:
            # An infinity is a pole, or too large; a row's own domain is what is drawn from.
            nan = np.isnan(case.subject.value(case.operands)).any()
            report.filtered += bool(nan and not case.subject.has_exact_values)
            return
        for name, holds in PROPERTIES.items():
            try:
                holds(judged)
                report.properties[name] += 1
            except UnsupportedError as reason:
                report.unchecked[name] = str(reason)
    except Undecided:
        report.undecided += 1
        return
    except Discontinuous:
        report.jumps += 1
        return
    except FarBeyond:
        return
    except np.linalg.LinAlgError:  # a singular matrix, or vectors that are not determined
        report.filtered += 1
        return
    except Violation:
        raise
    except Exception as error:
        raise Violation("runs", None, f"{type(error).__name__}: {error}") from error
    report.examples += 1


# -- showing ------------------------------------------------------------------------------------


def _has_value(case: Case) -> bool:
    try:
        return bool(np.isfinite(case.subject.value(case.operands)).all())
    except ValueError:
        return False

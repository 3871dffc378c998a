"""The table of all rules, `docs/rules.md`: what each row says, and how far that has been checked.

    python -m autograd_bp.testing.table docs/rules.md              measure every row: some minutes
    python -m autograd_bp.testing.table docs/rules.md tanh mul     measure these, keep the others

What a row declares is taken from the sheet every time. What is measured is rounded upward, so that
two machines agree.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from autograd_bp.function import BUILT_IN
from autograd_bp.rules import ROWS, Formula, Rule
from autograd_bp.rules.rule import REAL
from autograd_bp.testing.checking import check
from autograd_bp.testing.proof import prove
from autograd_bp.testing.properties import CONTRACTION
from autograd_bp.testing.report import Report

SHEET: Mapping[str, Rule] = {name: rule for name, rule in ROWS.items() if name in BUILT_IN}
"""The rows of the engine, without those of anyone's own."""
SEED = 0
INPUTS = 200
CLOSE = 4.0
ABOVE: Mapping[str, str] = {
    "bessel": "two terms cancel next to a zero",
    "gelu": "two terms cancel next to a zero",
    "gelu_gate": "two terms cancel next to a zero",
    "logit_cross_entropy": "two terms cancel where p is near sigmoid(x)",
    "silu": "two terms cancel next to a zero",
}
"""The rows that may be further off than CLOSE ulp, or than CONTRACTION, and why."""
DECLARED = ("Row", "Formula", "Derivatives", "Domain", "Kinks and promises")
MEASURED = ("Judged by", "Worst error", "Faults found", "Proof")
COLUMNS = (*DECLARED, *MEASURED)
Cells = Mapping[str, str]

_HEAD = f"""\
# The rules

Every row of the [rule sheet](../autograd_bp/rules), and how far it has been checked. This page is
written by `make rules`; tests compare it with the sheet. How to have a rule of your own checked in
the same way: [testing-your-own-rule.md](testing-your-own-rule.md).

- **Formula, derivatives.** In the language of the sheet: `out` is the result, `g` a cotangent, `t`
  a tangent, `spread(v)` a reduced array laid out along its axes again. Any name in a formula is
  another row, a function of NumPy, or one of the few steps in
  [composites.py](../autograd_bp/rules/composites.py).
- **Domain.** Where the operation has a value.
- **Kinks and promises.** A formula that is zero where there is no derivative and a subgradient is
  chosen; and the derivatives promised at single points of the boundary.
- **Judged by.** Who says what is right: mpmath, with digits doubled until two results agree; the
  complex step; Ridders' extrapolation in long double; or one-sided differences, at a kink. How far
  off they may be themselves, by their own account. Then the same for second derivatives.
- **Worst error** of a first derivative, over {INPUTS} inputs drawn with zeros, ties, kinks, ends
  of the domain and extreme scales on purpose. Elementwise: in units in the last place of the true
  derivative; the next of 0, 0.5, 1, 2, 4, ... upward. Otherwise: of a contraction
  sum v<sub>i</sub> J<sub>ij</sub>, relative to sum |v<sub>i</sub> J<sub>ij</sub>|, beyond what the
  judge's own error and the last digit of the input explain; the next power of ten upward.
- **Faults found.** Wrong versions of the derivative that were planted, and how many of them the
  check found. One that changes nothing for the row is named, with the reason.
- **Proof.** Whether SymPy shows that every partial derivative is the derivative of the formula, and
  in how many regions, if the formula has cases.
"""

_SECTIONS: Mapping[str, tuple[str, str]] = {
    "elementwise": (
        "Elementwise",
        "On corresponding elements. The derivative by an argument is a partial derivative; VJP and "
        "JVP are its product with a cotangent and a tangent.",
    ),
    "reduction": (
        "Reductions",
        "The derivative is that of the result by one element.",
    ),
    "linear": (
        "Linear",
        "The derivative is the adjoint; the JVP is the operation itself.",
    ),
    "general": (
        "VJP and JVP written out",
        "Where a zero of a cotangent meets an infinity, guarded versions of these are used, which "
        "the sheet has beside them.",
    ),
}


@dataclass(frozen=True)
class Options:
    """What is asked for on the command line."""

    path: Path
    rows: Sequence[str]
    jobs: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table."""
    options = _options(arguments)
    kept = read(options.path.read_text("utf-8")) if options.path.exists() and options.rows else {}
    names = list(options.rows) or list(SHEET)
    found: dict[str, Cells] = {name: kept[name] for name in SHEET if name in kept}
    for k, (name, cells) in enumerate(_measured_all(names, options.jobs)):
        found[name] = cells
        sys.stderr.write(f"{k + 1} of {len(names)}: {name}\n")
        options.path.write_text(page(found), "utf-8")  # as far as it is


def _measured_all(names: Sequence[str], jobs: int) -> Iterator[tuple[str, dict[str, str]]]:
    if jobs == 1:
        yield from ((name, measured(name)) for name in names)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from zip(names, pool.map(measured, names), strict=True)


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m autograd_bp.testing.table",
        description="Measure the rows of the rule sheet and write the table of them.",
    )
    parser.add_argument("path", type=Path, help="the page to write")
    parser.add_argument(
        "rows", nargs="*", help="rows to measure; the others are kept (default: all)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")
    parsed = parser.parse_args(arguments)
    if unknown := [name for name in parsed.rows if name not in SHEET]:
        parser.error(f"no rows of the sheet: {', '.join(unknown)}")
    return Options(parsed.path, parsed.rows, parsed.jobs)


def page(measurements: Mapping[str, Cells]) -> str:
    """The whole page. A row that has not been measured is left out."""
    lines = [_HEAD]
    for kind, (title, about) in _SECTIONS.items():
        lines += [f"## {title}", "", about, "", _line(COLUMNS), "|" + "---|" * len(COLUMNS)]
        for name, rule in SHEET.items():
            if rule.kind == kind and name in measurements:
                both = {**measurements[name], **declared(rule)}
                lines.append(_line(both[column] for column in COLUMNS))
        lines.append("")
    return "\n".join(lines)


def read(text: str) -> dict[str, dict[str, str]]:
    """The cells of a page, by row and column.

    >>> read(page({"neg": dict.fromkeys(MEASURED, "?")}))["neg"]["Formula"]
    '`-x`'
    """
    found = {}
    for line in text.splitlines():
        if match := re.match(r"\| `(\w+)\(", line):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found[match[1]] = dict(zip(COLUMNS, cells, strict=True))
    return found


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# -- what a row declares ------------------------------------------------------------------------


def declared(rule: Rule) -> dict[str, str]:
    """The cells that the sheet alone decides.

    >>> declared(SHEET["sqrt"])["Kinks and promises"]
    '`inf` at 0'
    """
    return {
        "Row": _code(_signature(rule)),
        "Formula": _code(rule.formula.text),
        "Derivatives": _derivatives(rule),
        "Domain": _domain(rule),
        "Kinks and promises": _kinks(rule),
    }


def _signature(rule: Rule) -> str:
    args = ("*" if rule.variadic else "") + ", ".join(rule.args)
    params = [
        f"{name}={rule.defaults[name]:g}" if name in rule.defaults else name for name in rule.params
    ]
    return f"{rule.name}({'; '.join([args, ', '.join(params)] if params else [args])})"


def _derivatives(rule: Rule) -> str:
    if rule.kind == "general":
        pulls, pushes = (_titled(rule, f, t) for f, t in ((rule.vjp, "VJP"), (rule.jvp, "JVP")))
        return f"{pulls}<br>{pushes}"
    formulas = rule.vjp if rule.kind == "linear" else rule.partials
    return _formula(formulas[0]) if len(formulas) == 1 else _titled(rule, formulas, "")


def _titled(rule: Rule, formulas: Iterable[Formula | None], title: str) -> str:
    return "<br>".join(
        f"{title} by {argument}: {_formula(formula)}".strip()
        for argument, formula in zip(rule.args, formulas, strict=True)
    )


def _formula(formula: Formula | None) -> str:
    return _code("0" if formula is None else formula.text)


def _domain(rule: Rule) -> str:
    texts = ["real" if str(i) == str(REAL) else _code(str(i)) for i in rule.domain]
    if set(texts) == {"real"} or len(texts) == 1:
        return texts[0]
    return "<br>".join(f"{name}: {text}" for name, text in zip(rule.args, texts, strict=True))


def _kinks(rule: Rule) -> str:
    pieces = [_code(kink.text) for kink in rule.kinks]
    for point, promised in rule.boundary.items():
        pieces.append(f"{_code(_point(promised))} at {_point(point)}")
    return "<br>".join(pieces) or "none"


def _point(numbers: Sequence[float]) -> str:
    texts = [f"{x:.6g}" if not math.isnan(x) else "undefined" for x in numbers]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _code(text: str) -> str:
    return f"`{text}`"


# -- what is measured -----------------------------------------------------------------------------


def measured(name: str) -> dict[str, str]:
    """The cells that need a check, with planted faults, and a proof."""
    rule = SHEET[name]
    report = check(rule, examples=INPUTS, seed=SEED, mutate=True)
    return {
        "Judged by": _judges(report),
        "Worst error": _error(rule, report) if report.ok else f"**{_first_problem(report)}**",
        "Faults found": _faults(report),
        "Proof": _proof(rule),
    }


def _first_problem(report: Report) -> str:
    return report.problems[0].splitlines()[0].replace("|", "/")


_SECOND = ", of the gradient"


def _judges(report: Report) -> str:
    first = [name for name, _ in report.oracles.most_common() if not name.endswith(_SECOND)]
    second = [name for name, _ in report.oracles.most_common() if name.endswith(_SECOND)]
    of_second = ", ".join(name.removesuffix(_SECOND) for name in second)
    exact = set(first) <= {"mpmath"}
    own = "" if exact else f" (to {_power_of_ten(rounded_error(report.error_bound))})"
    return f"{', '.join(first) or 'nobody'}{own}; second derivatives: {of_second or 'nobody'}"


def _error(rule: Rule, report: Report) -> str:
    if rule.kind == "elementwise" and report.worst_ulp is not None:
        ulp = rounded_ulp(report.worst_ulp)
        return f"{ulp:g} ulp" + (f"<br>{ABOVE.get(rule.name, '')}" if ulp > CLOSE else "")
    off = rounded_error(report.worst_error)
    return _power_of_ten(off) + (f"<br>{ABOVE.get(rule.name, '')}" if off > CONTRACTION else "")


def _power_of_ten(error: float) -> str:
    return f"{error:.0e}" if error else "0"


def rounded_ulp(ulp: float) -> float:
    """The next of 0, 0.5, 1, 2, 4, ... upward.

    >>> rounded_ulp(0.9), rounded_ulp(2.1)
    (1.0, 4.0)
    """
    if ulp < 1e-3:
        return 0.0
    return max(0.5, 2.0 ** math.ceil(math.log2(ulp)))


def rounded_error(error: float) -> float:
    """The next power of ten upward; 0 for what is less than the precision of a double.

    >>> rounded_error(3e-15)
    1e-14
    """
    return 0.0 if error < 1e-17 else float(f"1e{math.ceil(math.log10(error))}")


def _faults(report: Report) -> str:
    found = sum(mutant.killed_by is not None for mutant in report.mutants)
    harmless = [f"{mutant.name}: {mutant.reason}" for mutant in report.mutants if mutant.reason]
    planted = len(report.mutants) - len(harmless)
    return "<br>".join([f"{found} of {planted}", *harmless])


_NO_PROOF = {
    "reduction": "—, a formula of arrays",
    "linear": "—, linear: its own derivative",
    "general": "—, a formula of arrays",
}


def _proof(rule: Rule) -> str:
    if rule.kind != "elementwise":
        return _NO_PROOF[rule.kind]
    proof = prove(rule, seconds=120.0)
    regions = {piece.conditions for argument in proof.arguments for piece in argument.pieces}
    return f"{proof.status} ({len(regions)})" if proof.status == "proved by cases" else proof.status


if __name__ == "__main__":
    main()

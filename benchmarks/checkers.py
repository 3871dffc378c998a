"""Derivative checkers, side by side: how many of the same wrong rules each one finds.

The rules (`checker_cases.py`), most of them wrong on purpose, are made into operations of every
engine that is installed, in its own way of defining a derivative, and are given to its own checker
(`checker_engines.py`), each engine in a process of its own. The other engines are optional:

    .venv/bin/pip install -e ".[testing]" torch jax autograd
    .venv/bin/python benchmarks/checkers.py                               # prints the tables
    .venv/bin/python benchmarks/checkers.py --markdown docs/checkers.md   # and writes the page
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from checker_cases import ALL, CASES, FAULTS, GROUP_OF_RIGHT, Case
from checker_engines import CHECKERS, EXAMPLES, Checker
from edge_engines import MissingError

PLANTED = sum(map(len, FAULTS.values()))
RIGHT = len(CASES[GROUP_OF_RIGHT])
PREFACE = """\
# Checkers of derivative rules

{planted} wrong derivative rules, planted in {bases} operations, and {right} right ones: how many of
the wrong ones each checker finds, and at how many of the right ones it raises a false alarm. Every
rule is written once and made into an operation of each engine, so that it is wrong in the same way
everywhere. Written by `benchmarks/checkers.py`, which says how to run it again; {made_with}.

This project chose the faults, and wrote its kit with such faults in mind. Read the table for *what
kinds* of faults a checker sees, and do not read it as a score: on rules that are wrong everywhere
and by much all of them are nearly equal, and the rest differ because they were made for different
things. The others compare with finite differences at the inputs they are given, which are taken to
be ordinary ones; they are quick, and work for any function.

- **autograd-bp**: `ab.testing.check(rule)`, with nothing said but the domain, and the shapes where
  a rule takes no others. It draws its own {examples} inputs. Elementwise rules are made by
  `ab.scalar_rule`, which shows the kit a formula to differentiate exactly; the others are an
  `ab.Function`. The second column is the same with every rule as an `ab.Function`, so that the kit
  sees no more than the other checkers do.
- **PyTorch**: `gradcheck`, then `gradgradcheck`, of a `torch.autograd.Function`.
- **JAX**: `check_grads` to order 2: of a `jax.custom_jvp` in forward and reverse mode if the rule
  is elementwise, else of a `jax.custom_vjp`, in reverse mode, the only one it has.
- **HIPS autograd**: `check_grads` to order 2, by all arguments, of a `primitive`: with a JVP, in
  forward and reverse mode, if the rule is elementwise, else in reverse mode.

The other three run in float64 with their default tolerances, on an **ordinary input**: one that is
normally distributed, as in their documentation, with a fixed seed, at least 0.5 above the end of a
domain, and where there is something to broadcast, broadcast. Then they get **ten of ours**: ten of
the inputs that this project's kit draws for the rule, chosen to include zeros, ties, extremes, and
axes of size 1. This is not what they were made for: a finite difference says nothing at a kink, nor
next to the end of a domain, and PyTorch's documentation warns of that. So it finds more, and raises
false alarms, and a fault that is found where the right rule is refused as well is not really found.
Those are in brackets.

A fault is found if the check fails for whatever reason. "–": it cannot be written in this engine,
or is none there; it is not counted. The seconds are medians over the right rules, for one check, on
a shared machine of two cores, and include what JAX compiles.
"""
BEYOND = """\
## What they check that this kit does not

- **Complex numbers**: `gradcheck` and HIPS's `check_grads` check holomorphic and other complex
  functions. Here there are none.
- **Sparse tensors**, with `gradcheck(masked=...)`.
- **Batched derivatives**: `gradcheck(check_batched_grad=True)` compares with the derivative under
  `vmap`. Here there is no `vmap`.
- **Undefined cotangents**: `gradcheck` passes None for the cotangents of unused outputs.
- **Several results, and trees of arguments and results**: JAX's and HIPS's `check_grads` take
  tuples, lists and dictionaries, `gradcheck` tuples of results. This kit takes arrays, and one
  result.
- **Any order**: `check_grads(order=3)` goes on. This kit stops at the second.
- **Inputs of one's choice**: all three check at the point they are given. This kit draws numbers in
  an interval for each argument, so that a rule for positive definite matrices, or for sorted
  numbers, has to be wrapped in a function that makes them.
- **Large inputs**: JAX and HIPS take one random direction, so that a check costs a few calls of the
  function, whatever its size; so does `gradcheck(fast_mode=True)`. This kit looks at every entry.
- **Other devices**, and `nondet_tol` for functions that are not repeatable there.
- **Time**: theirs is a fraction of a second.
"""


@dataclass(frozen=True)
class Verdict:
    """What a checker said.

    `word` is "refused", "passed" or "missing"; or, of a wrong rule, "both" if at every input where
    it was refused the right rule was refused as well.
    """

    word: str
    detail: str = ""
    seconds: float = 0.0


# -- in the process of one engine -----------------------------------------------------------------


def verdict(engine: Checker, name: str, case: Case, way: str) -> Verdict:
    """What a checker says of a case."""
    if name in case.inexpressible:
        return Verdict("missing", case.inexpressible[name])
    word, detail = "passed", ""
    inputs = engine.inputs(case, way)
    start = time.perf_counter()
    for operands in inputs:
        try:
            engine.check(case, way, operands)
            continue
        except MissingError as error:
            return Verdict("missing", str(error))
        except Exception as error:
            detail = f"{type(error).__name__}: {error}"
        word = "refused"
        if not (case.right and len(inputs) > 1):
            break
        try:
            engine.check(case.without_fault, way, operands)
            break
        except Exception:
            word = "both"
    return Verdict(word, detail, (time.perf_counter() - start) / len(inputs))


def work(name: str, start: int) -> None:
    """Check the cases from `start` on, one line of JSON for each."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    try:
        engine = CHECKERS[name]()
    except ImportError:
        return
    print(json.dumps(engine.version), flush=True)
    for case in ALL[start:]:
        print(json.dumps([vars(verdict(engine, name, case, w)) for w in engine.ways]), flush=True)


# -- in the process that compares -----------------------------------------------------------------


def run(name: str, found: list[Any], keep: Callable[[], None]) -> None:
    """Fill in the version of an engine and its verdicts on each case, from where they end.

    There is nothing to fill in if it is not installed. A process that is ended is started again.
    """
    while len(found) <= len(ALL):
        before, start = len(found), max(len(found) - 1, 0)
        command = [sys.executable, __file__, "--worker", name, "--start", str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for k, line in enumerate(process.stdout):
                if k or not found:
                    found.append(json.loads(line))
                    keep()
        if not found and not process.returncode:
            return
        if len(found) == before:
            raise RuntimeError(f"{name} ended at {ALL[start].title}")


@dataclass(frozen=True)
class Column:
    """The verdicts of one checker, tried in one way, on all cases in order."""

    name: str
    way: str
    version: str
    verdicts: Sequence[Verdict]

    @property
    def title(self) -> str:
        """For the head of a table."""
        return f"{self.name}, {self.way}" if self.way else self.name

    def of(self, cases: Sequence[Case]) -> list[Verdict]:
        """The verdicts on some of the cases."""
        by_case = {id(case): verdict for case, verdict in zip(ALL, self.verdicts, strict=True)}
        return [by_case[id(case)] for case in cases]

    def score(self, cases: Sequence[Case]) -> str:
        """Found of planted, and how many more are refused as the right rule is."""
        words = Counter(verdict.word for verdict in self.of(cases))
        more = f" (+{words['both']})" if words["both"] else ""
        return f"{words['refused']} of {len(cases) - words['missing']}{more}"


def columns(results: dict[str, list[Any]]) -> list[Column]:
    """A column for every way in which each engine was tried."""
    return [
        Column(name, way, found[0], [Verdict(**verdicts[k]) for verdicts in found[1:]])
        for name, found in results.items()
        if found
        for k, way in enumerate(CHECKERS[name].ways)
    ]


def summary(tried: Sequence[Column]) -> list[str]:
    """The counts by checker."""
    lines = ["| | found | false alarms | seconds |", "|---|--:|--:|--:|"]
    for column in tried:
        faults = [case for cases in FAULTS.values() for case in cases]
        alarms = sum(verdict.word == "refused" for verdict in column.of(CASES[GROUP_OF_RIGHT]))
        seconds = statistics.median(v.seconds for v in column.of(CASES[GROUP_OF_RIGHT]))
        head = f"{column.name} {column.version}" + (f", {column.way}" if column.way else "")
        lines.append(f"| {head} | {column.score(faults)} | {alarms} of {RIGHT} | {seconds:.2g} |")
    return lines


def by_kind(tried: Sequence[Column]) -> list[str]:
    """The counts by kind of fault."""
    lines = ["", "## By kind", "", *_head(tried, "--:")]
    for kind, cases in FAULTS.items():
        lines.append(f"| {kind} | {' | '.join(column.score(cases) for column in tried)} |")
    return lines


def full(tried: Sequence[Column]) -> list[str]:
    """Every case, by kind."""
    lines = []
    for kind, cases in CASES.items():
        lines += ["", f"## {kind}", "", *_head(tried, "---")]
        for i, case in enumerate(cases):
            cells = [_cell(case, column.of(cases)[i]) for column in tried]
            lines.append(f"| {_escaped(case.title)} | {' | '.join(cells)} |")
        reasons = [
            f"{column.name}, {case.title}: {verdict.detail}."
            for column in tried
            if column.way == CHECKERS[column.name].ways[0]
            for case, verdict in zip(cases, column.of(cases), strict=True)
            if verdict.word == "missing"
        ]
        lines += ["", *reasons] if reasons else []
        alarms = [
            f"- {_escaped(case.title)}, {column.title}: `{_short(verdict.detail)}`"
            for case in cases
            for column in tried
            for verdict in column.of([case])
            if not case.fault and verdict.word == "refused"
        ]
        if alarms:
            lines += ["", "<details><summary>What the false alarms say</summary>", "", *alarms]
            lines += ["", "</details>"]
    return lines


def _head(tried: Sequence[Column], rule: str) -> list[str]:
    return [f"| | {' | '.join(c.title for c in tried)} |", f"|---|{f'{rule}|' * len(tried)}"]


def _cell(case: Case, verdict: Verdict) -> str:
    if case.fault:
        words = {"refused": "found", "passed": "**missed**", "both": "(both)", "missing": "–"}
    else:
        words = {"refused": "**false alarm**", "passed": "passed"}
    return words[verdict.word]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _short(text: str) -> str:
    return " ".join(text.replace("`", " ").split())[:160]


def page(tried: Sequence[Column]) -> str:
    """The document."""
    preface = PREFACE.format(
        planted=PLANTED,
        bases=len({case.rule.name for cases in FAULTS.values() for case in cases}),
        right=RIGHT,
        examples=EXAMPLES,
        made_with=f"Python {platform.python_version()}, NumPy {np.__version__}",
    )
    lines = [*preface.splitlines(), "", *summary(tried), *by_kind(tried), ""]
    return "\n".join([*lines, *BEYOND.splitlines(), *full(tried), ""])


def main() -> None:
    """Compare, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description="Derivative checkers, side by side.")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page here")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FILE",
        help="keep the verdicts here, as JSON, and go on from there",
    )
    parser.add_argument(
        "--again",
        choices=CHECKERS,
        action="append",
        default=[],
        metavar="ENGINE",
        help="run this one from the start, though its verdicts were kept",
    )
    parser.add_argument("--worker", choices=CHECKERS, help=argparse.SUPPRESS)
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.start)
        return
    kept: dict[str, list[Any]] = {}
    if arguments.keep and arguments.keep.exists():
        kept = json.loads(arguments.keep.read_text())
        for name in arguments.again:
            kept.pop(name, None)

    def keep() -> None:
        if arguments.keep:
            arguments.keep.write_text(json.dumps(kept))

    for name in CHECKERS:
        print(f"{name} ...", end=" ", flush=True)
        run(name, kept.setdefault(name, []), keep)
        print(*(kept[name][:1] or ["not installed"]))
    tried = columns(kept)
    print("\n".join([*full(tried), *by_kind(tried), "", *summary(tried)]))
    if arguments.markdown:
        arguments.markdown.write_text(page(tried), encoding="utf-8")


if __name__ == "__main__":
    main()

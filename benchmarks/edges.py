"""Derivatives at awkward points, side by side: zeros, ties, saturation, extreme scales.

Every engine that is installed differentiates the same functions (`edge_cases.py`) at the same
points, in a process of its own, and each answer is held against what is right there
(`edge_truths.py`). Needs mpmath; the other engines are optional:

    .venv/bin/pip install mpmath torch jax autograd mygrad micrograd
    .venv/bin/python benchmarks/edges.py                            # prints the table
    .venv/bin/python benchmarks/edges.py --markdown docs/edges.md   # and writes it
"""

import argparse
import json
import platform
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from edge_cases import CASES, CONTROL, Case, shown_point
from edge_engines import ENGINES, Engine, MissingError
from edge_truths import evaluate

WORDS = "right", "wrong", "nan", "raises", "missing"
PREFACE = """\
# Derivatives at awkward points

Zeros, ties, saturation, infinities, extreme scales: {counted} cases, differentiated by this project
and by its peers, each held against what is right. Where nothing else is said it is the first
derivative that is asked. Written by `benchmarks/edges.py`, which says how to run it again;
{made_with}.

The points are ones at which derivative rules are known to go wrong, and this project's rules were
written with such points in mind. The counts say nothing about speed or breadth, nor about ordinary
points: on the {control} cases of the last section, which are not counted, {agreed}.

The peers are asked for what their documentation shows first, uncompiled, and only for operations
they have; a number goes to HIPS autograd as a 0-d array. This project has to answer on `Value` and
on `Tensor`, and second derivatives in two ways, alike.

- **right**: at every point of the case, in every entry, to a relative error of 1e-12. So 0 for
  4e-26 is wrong. Errors below the smallest normal float64, 2.2e-308, are allowed, for engines that
  flush subnormals to zero. The truth is mpmath's derivative with 700 digits, or follows by exact
  reasoning, or as the one limit. At a kink any subgradient is right, at a tie any shares; but a
  function that is smooth has one derivative, whatever kinks it is made of.
- **wrong**: some other number. **nan**: not a number. **raises**: an exception. **missing** or –:
  the engine has no such operation, or no second derivatives, or does not differentiate by it.

Some of this is by choice: MyGrad gives 0 to both sides of a tie in `maximum`, and PyTorch's
softplus is linear beyond 20.
"""
SECONDS = 900
SAYS_MISSING = (
    "unsupported operand",
    "only supporting int/float powers",  # micrograd
    "cannot involve non-constant mygrad tensors",
)
ALL = [case for cases in CASES.values() for case in cases]


@dataclass(frozen=True)
class Verdict:
    """How an engine did on a case, and what it gave where that was not right."""

    word: str
    detail: str = ""


# -- in the process of one engine -----------------------------------------------------------------


def answers(engine: Engine, case: Case) -> Iterator[dict[str, Any]]:
    """What the engine gives at each point, as JSON: the gradients, or what went wrong."""
    for point in case.points:
        try:
            yield {"gradients": [_plain(found) for found in _ask(engine, case, point)]}
        except (MissingError, NotImplementedError) as error:
            yield {"missing": str(error)}
        except Exception as error:
            missing = any(words in str(error) for words in SAYS_MISSING)
            yield {"missing" if missing else "raises": f"{type(error).__name__}: {error}"}


def _ask(engine: Engine, case: Case, point: Sequence[Any]) -> list[Any]:
    def f(*xs: Any) -> Any:
        return evaluate(case.text, engine, xs)

    match case.task:
        case "second":
            return [engine.second(f, *point)]
        case "backward twice":
            return [engine.backward_twice(f, *point)]
        case "dtype":
            value, gradients = engine.value_and_gradients(f, *point)
            return [np.asarray(found).dtype.name for found in (value, *gradients)]
    return engine.value_and_gradients(f, *point)[1]


def _plain(found: Any) -> Any:
    """An array as JSON, which would lose the shape of an empty one."""
    if isinstance(found, str):
        return found
    array = np.asarray(found, np.float64)
    return {"shape": array.shape, "numbers": array.ravel().tolist()}


def work(name: str, start: int) -> None:
    """Answer the cases from `start` on, one line of JSON for each."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    try:
        engine = ENGINES[name]()
    except ImportError:
        return
    print(json.dumps({"version": engine.version}), flush=True)
    for case in ALL[start:]:
        print(json.dumps(list(answers(engine, case))), flush=True)


# -- in the process that compares -----------------------------------------------------------------


def run(name: str) -> tuple[str, list[Any]] | None:
    """The version of an engine and its answers to all cases; None if it is not installed."""
    version: str | None = None
    found: list[Any] = []
    while len(found) < len(ALL):
        command = [sys.executable, __file__, "--worker", name, "--start", str(len(found))]
        try:
            lines = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, timeout=SECONDS, check=False
            ).stdout.splitlines()
            ended = "the process ended"
        except subprocess.TimeoutExpired as error:
            lines = (error.stdout or b"").decode().splitlines()
            ended = f"not done after {SECONDS} s"
        if not lines:
            return None
        version = json.loads(lines[0])["version"]
        found += [json.loads(line) for line in lines[1:]]
        if len(found) < len(ALL):
            found.append([{"raises": ended}])
    assert version is not None
    return version, found


def judge(case: Case, answer: Sequence[dict[str, Any]]) -> Verdict:
    """The verdict on an answer: that on its first point of the worst kind."""
    verdicts = [_judge_at(case, k, given) for k, given in enumerate(answer)]
    return max(verdicts, key=lambda verdict: WORDS.index(verdict.word))


def _judge_at(case: Case, k: int, given: dict[str, Any]) -> Verdict:
    for word in ("missing", "raises"):
        if word in given:
            return Verdict(word, given[word].splitlines()[0][:100])
    point, truth = case.points[k], case.truth
    gradients = [
        found if isinstance(found, str) else np.reshape(found["numbers"], found["shape"])
        for found in given["gradients"]
    ]
    if truth.accepts(k, point, gradients):
        return Verdict("right")
    where = f"at {shown_point(point)} " if len(case.points) > 1 else ""
    right = truth.text if truth.expected is None else _shown(truth.expected(k, point))
    detail = f"{where}{_shown(gradients)}; right: {right}"
    bad = case.task != "dtype" and any(np.isnan(gradient).any() for gradient in gradients)
    return Verdict("nan" if bad else "wrong", detail)


def _shown(gradients: Sequence[Any]) -> str:
    def text(entry: Any) -> str:
        if isinstance(entry, list):
            return f"[{', '.join(map(text, entry))}]"
        return entry if isinstance(entry, str) else f"{entry:.13g}"

    return ", ".join(text(g if isinstance(g, str) else g.tolist()) for g in gradients)


def counted(verdicts: Sequence[Verdict], *, control: bool = False) -> Counter[str]:
    """How often each verdict was given, on the cases that count or on those for control."""
    groups = [group for group, cases in CASES.items() for _ in cases]
    chosen = zip(groups, verdicts, strict=True)
    return Counter(v.word for group, v in chosen if (group == CONTROL) == control)


def summary(versions: dict[str, str], verdicts: dict[str, list[Verdict]]) -> list[str]:
    """The counts by engine, as a Markdown table."""
    rows = [f"| | {' | '.join(WORDS)} |", f"|---|{'--:|' * len(WORDS)}"]
    for name, version in versions.items():
        counts = counted(verdicts[name])
        rows.append(f"| {name} {version} | {' | '.join(str(counts[word]) for word in WORDS)} |")
    return rows


def full(versions: dict[str, str], verdicts: dict[str, list[Verdict]]) -> list[str]:
    """Every case: the verdicts as a table, and below what was not right."""
    lines, start = [], 0
    for group, cases in CASES.items():
        lines += ["", f"## {group}", "", f"| | {' | '.join(versions)} |"]
        lines.append(f"|---|{'---|' * len(versions)}")
        notes = []
        for i, case in enumerate(cases, start):
            cells = {name: verdicts[name][i] for name in versions}
            words = (_cell(verdict.word) for verdict in cells.values())
            lines.append(f"| {_escaped(case.title)} | {' | '.join(words)} |")
            notes += [
                f"- {case.title}, {name}: {_code(verdict.detail)}"
                for name, verdict in cells.items()
                if verdict.word in ("wrong", "nan", "raises")
            ]
        start += len(cases)
        if notes:
            lines += ["", "<details><summary>What was given instead</summary>", "", *notes, ""]
            lines.append("</details>")
    return lines


def _cell(word: str) -> str:
    return {"missing": "–", "right": "right"}.get(word, f"**{word}**")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text.replace('`', ' ')}`" if text else ""


def page(versions: dict[str, str], verdicts: dict[str, list[Verdict]]) -> str:
    """The document."""
    control = {name: counted(verdicts[name], control=True) for name in versions}
    failed = [name for name, counts in control.items() if counts.keys() - {"right", "missing"}]
    preface = PREFACE.format(
        counted=len(ALL) - len(CASES[CONTROL]),
        control=len(CASES[CONTROL]),
        agreed=f"not all are right ({', '.join(failed)})" if failed else "every engine is right",
        made_with=f"Python {platform.python_version()}, NumPy {np.__version__}, float64",
    )
    lines = [*preface.splitlines(), "", *summary(versions, verdicts), *full(versions, verdicts)]
    return "\n".join([*lines, ""])


def main() -> None:
    """Compare, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description="Derivatives at awkward points, side by side.")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the full table here")
    parser.add_argument("--worker", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.start)
        return
    versions, verdicts = {}, {}
    for name in ENGINES:
        print(f"{name} ...", end=" ", flush=True)
        found = run(name)
        print("not installed" if found is None else found[0])
        if found is not None:
            versions[name] = found[0]
            verdicts[name] = [judge(*pair) for pair in zip(ALL, found[1], strict=True)]
    print("\n".join([*full(versions, verdicts), "", *summary(versions, verdicts)]))
    if arguments.markdown:
        arguments.markdown.write_text(page(versions, verdicts), encoding="utf-8")


if __name__ == "__main__":
    main()

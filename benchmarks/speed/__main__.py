"""Time every engine on every workload.

make bench                                        # all, and writes docs/performance.*
python benchmarks/speed T1 T2 --rounds 20         # some, printed
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from speed.timing import ENGINES, ONE_THREAD, measure, pin, serve, workload_of
from speed.workloads import WORKLOADS


def main() -> None:
    """Measure and report; with --worker, be one engine with one workload."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="default: all")
    parser.add_argument("--engines", default=",".join(ENGINES), help="default: all")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write performance.* there")
    parser.add_argument("--worker", metavar="ENGINE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = options.workloads or list(WORKLOADS)
    if unknown := [name for name in names if name not in WORKLOADS]:
        parser.error(f"no workloads: {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    if options.worker == "growth":
        from speed.growth import curves

        pin()
        sys.stdout.write(json.dumps(curves()))
        return
    if options.worker:
        serve(workload_of(names[0]), options.worker)
        return
    results = []
    for name in names:
        results.append(measure(workload_of(name), options.engines.split(","), options.rounds))
        _say(results[-1])
    if options.write:
        _write(results, _growth(), options.write)


def _growth() -> Any:
    """How time and memory grow, in a process with one thread from its start."""
    command = [sys.executable, str(Path(__file__).parent), "--worker", "growth"]
    done = subprocess.run(
        command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"growth failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _say(result: dict[str, Any]) -> None:
    base = WORKLOADS[result["workload"]].base
    timings = {timing["engine"]: timing for timing in result["timings"]}
    print(f"{result['workload']}: {WORKLOADS[result['workload']].title}")
    for engine, timing in timings.items():
        ratio = timing["least"] / timings[base]["least"] if base in timings else float("nan")
        print(
            f"  {engine:24} {timing['least'] * 1e6:12.1f} us (median {timing['median'] * 1e6:.1f})"
            f"  ratio {ratio:.4g}"
        )
    for engine, why in result["missing"].items():
        print(f"  {engine:24} not run: {why}")


def _write(results: list[dict[str, Any]], growth: dict[str, Any], folder: Path) -> None:
    from speed.report import page, plot

    machine = (
        f"Measured on {platform.machine()}, Python {platform.python_version()}, one core and one "
        "thread"
    )
    (folder / "performance.json").write_text(
        json.dumps({"machine": machine, "results": results, "growth": growth}, indent=1) + "\n"
    )
    (folder / "performance.md").write_text(page(results, growth, machine), encoding="utf-8")
    plot(results, folder / "performance.svg")


if __name__ == "__main__":
    main()

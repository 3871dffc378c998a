"""What was measured, as a page, a plot and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from speed.growth import CURVES
from speed.workloads import WORKLOADS

_HEAD = """\
# Performance

Written by `make bench`, which measures all this again. {machine}.

Every engine does the same work, and the losses of the first steps are compared. The engines take
turns, round by round, each in a process of its own, pinned to the same core, with one thread. Of
all rounds the least time of a step counts, and its ratio to the first column; the medians are in
[performance.json](performance.json). Smaller is faster.

Arrays that are constants of a step are marked read-only for autograd-bp, which copies them
otherwise (a graph keeps what it was computed with). Compiled engines (autograd-bp's `ab.compile`,
JAX's `jit`) run forward, backward and update as one program; the first call, which compiles it, is
in a table of its own.
"""


def microseconds(seconds: float) -> str:
    """A time as people write it.

    >>> microseconds(0.000123), microseconds(0.25)
    ('123 µs', '250 ms')
    """
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def table(results: list[dict[str, Any]]) -> str:
    """Ratios, one line per workload."""
    engines: list[str] = []
    for result in results:
        engines += [t["engine"] for t in result["timings"] if t["engine"] not in engines]
    lines = [
        f"| | base | {' | '.join(engines)} |",
        f"|---|--:|{'--:|' * len(engines)}",
    ]
    for result in results:
        workload = WORKLOADS[result["workload"]]
        timings = {t["engine"]: t for t in result["timings"]}
        if workload.base not in timings:
            continue
        base = timings[workload.base]["least"]
        cells = [
            f"{timings[engine]['least'] / base:.3g}" if engine in timings else "–"
            for engine in engines
        ]
        lines.append(
            f"| **{workload.name}**: {workload.title} | {workload.base}: {microseconds(base)} | "
            f"{' | '.join(cells)} |"
        )
    return "\n".join(lines)


def page(results: list[dict[str, Any]], growth: dict[str, Any], machine: str) -> str:
    """docs/performance.md."""
    lines = [_HEAD.format(machine=machine), "## Ratios", "", table(results), ""]
    versions = {t["title"] for result in results for t in result["timings"]}
    lines += [f"Engines: {', '.join(sorted(versions))}.", ""]
    missing = {
        f"- {result['workload']}: {engine}: {why}"
        for result in results
        for engine, why in result["missing"].items()
    }
    if missing:
        lines += ["Not run:", "", *sorted(missing), ""]
    lines += [
        "![Times of a step, by workload and engine](performance.svg)",
        "",
        "## First calls",
        "",
    ]
    lines += ["| | engine | making it and the first step |", "|---|---|--:|"]
    for result in results:
        for timing in result["timings"]:
            if "jit" in timing["engine"] or "compiled" in timing["engine"]:
                lines.append(
                    f"| {result['workload']} | {timing['engine']} | "
                    f"{microseconds(timing['first'])} |"
                )
    lines += ["", "## Growth", "", "Forward and backward together.", ""]
    lines += ["| | size | time | peak memory |", "|---|--:|--:|--:|"]
    for name, points in growth.items():
        for size, seconds, peak in points:
            lines.append(
                f"| {name}: {CURVES[name][0]} | {size:,} | {microseconds(seconds)} | "
                f"{peak / 1e6:.3g} MB |"
            )
    return "\n".join(lines) + "\n"


def plot(results: list[dict[str, Any]], path: Path) -> None:
    """The times of a step as points on a log axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "autograd-bp"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 0.5 * len(results) + 2))
    engines = list(dict.fromkeys(t["engine"] for result in results for t in result["timings"]))
    for engine in engines:
        found = [
            (t["least"], row)
            for row, result in enumerate(results)
            for t in result["timings"]
            if t["engine"] == engine
        ]
        marker = "o" if engine.startswith("autograd-bp") else "x"
        axes.plot(*zip(*found, strict=True), marker, label=engine)
    axes.set_xscale("log")
    axes.set_yticks(range(len(results)), [result["workload"] for result in results])
    axes.invert_yaxis()
    axes.set_xlabel("seconds a step")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize="small", bbox_to_anchor=(1.02, 1), loc="upper left")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)

"""The interactive page: curves drawn by a small script from the figures beside it."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from viz import numerals
from viz.flowing.findings import DEAD_UNITS, LARGE_UPDATE, SMALL_UPDATE, ZEROS, Finding, typical
from viz.flowing.measurements import Course, Measurements
from viz.text import escape_xml
from viz.theme import DARK, LIGHT, Theme

_MOST_POINTS = 600

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'sha256-{hash}'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<ul id="findings">
{findings}
</ul>
<p id="choose">
<label>Step <input type="range" id="step" min="0" max="{last}" value="{last}"></label>
<output id="at" for="step"></output>
<label><input type="checkbox" id="log" checked> logarithmic</label></p>
<div id="panels"></div>
<details><summary>The figures as a table</summary>
<table><thead><tr><th scope="col">layer</th>{head}</tr></thead>
<tbody>
{rows}
</tbody></table></details>
</main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def page(measurements: Measurements, findings: Sequence[Finding], title: str) -> str:
    """The whole page as HTML. Names are data."""
    steps, panels = _panels(measurements)
    data = {
        "steps": steps,
        "panels": panels,
        "marks": sorted({finding.step for finding in findings if finding.step is not None}),
    }
    script = _asset("page.js")
    said = [finding.words for finding in findings]
    return PAGE.format(
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        title=escape_xml(title),
        style=(
            f":root{{{_colours(LIGHT)}}}\n{_asset('page.css')}"
            f"@media (prefers-color-scheme: dark){{:root{{{_colours(DARK)}}}}}"
        ),
        findings="\n".join(
            f"<li>{escape_xml(words)}</li>"
            for words in said or ["Nothing conspicuous: none dies, none explodes."]
        ),
        last=len(steps) - 1,
        head="".join(f'<th scope="col">{escape_xml(panel["title"])}</th>' for panel in panels),
        rows="\n".join(_rows(measurements)),
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace(
            "<", "\\u003c"
        ),
        script=script,
    )


def _panels(measurements: Measurements) -> tuple[list[int], list[dict[str, Any]]]:
    kept, bins = _thinned(measurements.steps)
    dead = "dead units" if measurements.units else "zeros after ReLU"
    limit = DEAD_UNITS if measurements.units else ZEROS
    found = [
        ("gradient norm", measurements.norms, True, []),
        ("update / weight", measurements.ratios, True, [SMALL_UPDATE, LARGE_UPDATE]),
        (dead, measurements.dead, False, [limit]),
    ]
    return kept, [
        {
            "title": title,
            "log": logarithmic,
            "lines": lines,
            "names": list(courses),
            "curves": [_curve(course, bins) for course in courses.values()],
        }
        for title, courses, logarithmic, lines in found
        if courses
    ]


def _thinned(steps: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Of a long run, where each of as many bins begins as can be seen; a bin shows its largest."""
    edges = np.unique(np.linspace(0, steps, min(steps, _MOST_POINTS) + 1).astype(int)).tolist()
    bins = list(pairwise(edges))
    return [begin for begin, _ in bins], bins


def _curve(course: Course, bins: Sequence[tuple[int, int]]) -> list[float | str | None]:
    """The largest of every bin; JSON knows no infinities."""
    heights: list[float | str | None] = []
    for begin, end in bins:
        part = course[begin:end]
        part = part[~np.isnan(part)]
        if not part.size:
            heights.append("nan" if begin < len(course) else None)
        else:
            height = float(np.max(part))
            heights.append(float(f"{height:.6g}") if math.isfinite(height) else str(height))
    return heights


def _rows(measurements: Measurements) -> list[str]:
    """The medians over all steps; a ReLU need not be called as a layer is."""
    columns: list[Mapping[str, Course]] = [
        each for each in (measurements.norms, measurements.ratios, measurements.dead) if each
    ]
    names = dict.fromkeys(name for column in columns for name in column)
    return [
        f'<tr><th scope="row">{escape_xml(name)}</th>'
        + "".join(
            f"<td>{numerals.number(typical(column[name]), 4) if name in column else ''}</td>"
            for column in columns
        )
        + "</tr>"
        for name in names
    ]


def _asset(name: str) -> str:
    return (importlib.resources.files("viz.flowing") / name).read_text(encoding="utf-8")


def _colours(theme: Theme) -> str:
    named = {
        "background": theme.background,
        "text": theme.text,
        "muted": theme.muted,
        "value": theme.value,
        "gradient": theme.gradient,
        "alarm": theme.alarm,
        "rule": theme.leaf_line,
    }
    return ";".join(f"--{name}:{colour}" for name, colour in named.items())

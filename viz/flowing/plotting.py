"""Gradient flow as plots, with Matplotlib: over training as curves, at one moment as bars."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from viz.flowing.findings import (
    DEAD_UNITS,
    LARGE_UPDATE,
    SMALL_UPDATE,
    ZEROS,
    Finding,
)
from viz.flowing.measurements import Course, Measurements
from viz.text import one_line, shorten
from viz.theme import THEMES, Theme

_LINE = 100
_MOST_NAMES = 12
_SMALLEST = 1e-30


def plotted(
    measurements: Measurements, findings: Sequence[Finding], title: str, theme: Theme | str
) -> Any:
    """A `matplotlib.figure.Figure` with a panel for everything that was measured."""
    if not isinstance(theme, Theme) and theme not in THEMES:
        raise ValueError(f"theme must be a viz.Theme or one of {', '.join(THEMES)}; got {theme!r}")
    colours = theme if isinstance(theme, Theme) else THEMES[theme]
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "the plots are drawn with Matplotlib: pip install 'autograd-bp[examples]'"
        ) from error
    dead = "dead units" if measurements.units else "zeros after ReLU"
    panels = [
        (measurements.norms, "gradient norm", True, ()),
        (measurements.ratios, "update / weight", True, (SMALL_UPDATE, LARGE_UPDATE)),
        (measurements.dead, dead, False, (DEAD_UNITS if measurements.units else ZEROS,)),
    ]
    shown = [panel for panel in panels if panel[0]]
    figure = Figure(figsize=(7.2, 2.7 * len(shown) + 0.3), layout="constrained")
    figure.set_facecolor(colours.background)
    told = [one_line(text) for text in (title, *(finding.words for finding in findings[:3]))]
    heading = "\n".join(textwrap.fill(text, _LINE) for text in told)
    figure.suptitle(heading.replace("$", r"\$"), color=colours.text, fontsize=9)
    axes = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for each, (courses, label, logarithmic, lines) in zip(axes, shown, strict=True):
        _dressed(each, colours)
        each.set_ylabel(label)
        if measurements.steps > 1:
            _curves(each, courses, logarithmic)
            each.set_xlabel("step")
            for finding in findings:
                if finding.step is not None:
                    each.axvline(finding.step, color=colours.alarm, linewidth=1, linestyle=":")
        else:
            _bars(each, courses, logarithmic, colours)
        for height in lines:
            each.axhline(height, color=colours.muted, linewidth=0.8, linestyle="--")
        if len(courses) <= _MOST_NAMES and measurements.steps > 1:
            each.legend(frameon=False, labelcolor=colours.text, fontsize=8, loc="center left",
                        bbox_to_anchor=(1.0, 0.5))  # fmt: skip
    return figure


def _curves(axes: Any, courses: Mapping[str, Course], logarithmic: bool) -> None:
    import matplotlib as mpl

    shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, max(len(courses), 1)))
    for colour, (name, course) in zip(shades, courses.items(), strict=True):
        heights = np.where(np.isfinite(course), course, np.nan)
        if logarithmic:
            heights = np.where(heights > 0, heights, np.nan)
        axes.plot(heights, color=colour, linewidth=1.4, label=_label(name))
    if logarithmic and any(np.any(course > 0) for course in courses.values()):
        axes.set_yscale("log")
    elif not logarithmic:
        axes.set_ylim(-0.02, 1.02)


def _bars(axes: Any, courses: Mapping[str, Course], logarithmic: bool, colours: Theme) -> None:
    heights = [float(course[-1]) if np.isfinite(course[-1]) else 0.0 for course in courses.values()]
    axes.bar(range(len(heights)), heights, color=colours.gradient)
    axes.set_xticks(
        range(len(heights)), [_label(name) for name in courses], rotation=30, ha="right"
    )
    if logarithmic and max(heights) > 0:
        positive = [height for height in heights if height > 0]
        axes.set_yscale("log")
        axes.set_ylim(bottom=max(min(positive) / 3, _SMALLEST))
    elif not logarithmic:
        axes.set_ylim(0, 1)


def _label(name: str) -> str:
    """A name as Matplotlib takes it: a dollar is no formula, a leading underscore hides nothing."""
    shown = shorten(one_line(name), 120, 11).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def _dressed(axes: Any, colours: Theme) -> None:
    axes.set_facecolor(colours.background)
    axes.tick_params(colors=colours.muted)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colours.muted)
    axes.xaxis.label.set_color(colours.text)
    axes.yaxis.label.set_color(colours.text)
    axes.grid(color=colours.muted, alpha=0.25, axis="y")

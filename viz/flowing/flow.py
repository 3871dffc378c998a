"""`viz.gradient_flow`: from a model or a history to words, plots and a page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autograd_bp.text_width import pad, text_width
from viz import charts, numerals
from viz.files import write
from viz.flowing.findings import Finding, judged, typical
from viz.flowing.measurements import Measurements, measured
from viz.flowing.page import page
from viz.flowing.plotting import plotted
from viz.text import escape_xml
from viz.theme import Theme

_SUFFIXES = (".html", ".txt", ".svg", ".png", ".pdf")


class GradientFlow:
    """How gradients fare, as made by `viz.gradient_flow`. Prints itself, shows itself.

    Attributes
    ----------
    measurements
        The figures, by layer and by step.
    findings
        What is conspicuous, the gravest first; each has `kind`, `words`, `layer`, `step`.
    """

    def __init__(self, measurements: Measurements, title: str) -> None:
        self.measurements = measurements
        self.findings: tuple[Finding, ...] = judged(measurements)
        self.title = title

    @property
    def text(self) -> str:
        """What there is to see, in words, and a table by layer."""
        said = [f"- {finding.words}" for finding in self.findings]
        if not said:
            said = ["Nothing conspicuous: every layer gets a gradient, and none dies or explodes."]
        return "\n".join([*said, "", *_table(self.measurements)]) + "\n"

    def figure(self, theme: Theme | str = "light") -> Any:
        """The plots, as a `matplotlib.figure.Figure`; needs Matplotlib."""
        return plotted(self.measurements, self.findings, self.title, theme)

    def html(self) -> str:
        """An interactive page: one document that needs nothing else, and loads nothing."""
        return page(self.measurements, self.findings, self.title)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page (.html), the plots (.svg, .png, .pdf) or the words (.txt) to `path`."""
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(
                f"cannot save a gradient flow as {target.name!r}: the suffix must be one of "
                f"{', '.join(_SUFFIXES)}"
            )
        if suffix == ".html":
            write(target, self.html().encode())
        elif suffix == ".txt":
            write(target, self.text.encode())
        elif suffix == ".svg":
            write(target, charts.svg(self.figure()).encode())
        else:
            self.figure().savefig(target, dpi=144)
        return target

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return (
            '<iframe sandbox="allow-scripts" style="width:100%;height:44rem;border:0" '
            f'title="Gradient flow" srcdoc="{escape_xml(self.html())}"></iframe>'
        )


def gradient_flow(
    source: object,
    *,
    loss: object = None,
    lr: float | None = None,
    title: str = "Gradient flow",
) -> GradientFlow:
    """How large gradients are in every layer, and over training: what dies, what explodes.

    Shown are the norm of the gradient by layer, the ratio of update to weight, and the share of
    dead units. What is conspicuous is said in words; the thresholds are the constants of
    `viz.flowing.findings`.

    Parameters
    ----------
    source
        A `History` that `ab.fit(..., gradient_norms=True)` filled; or a model (anything with
        `named_parameters()`) as it is now; or a dict of gradient norms, one for each step, by
        layer, from the input to the output.
    loss
        For a model: the loss, from which its gradients are computed here, and whose ReLUs are
        looked at. Without it the model's `.grad` are taken, and no dead units are told.
    lr
        For a model: the learning rate, for the ratio of a plain gradient step to the weights.
    title
        A heading.

    Returns
    -------
    GradientFlow
        With `.text`, `.findings`, `.figure()`, `.html()`, `.save(path)`; it prints itself.

    Raises
    ------
    TypeError
        `source` is none of these, or `loss` is no node.
    ValueError
        There are no gradients in it; the message says how to get them.

    Examples
    --------
    >>> flow = gradient_flow({"hidden": [1e-6, 2e-6], "output": [0.1, 0.2]})
    >>> print(flow)
    - vanishing below layer 2 (output): the gradient of layer 1 (hidden) is 0.001 % of that of ...
    <BLANKLINE>
    layer     gradient norm
    1 hidden          1e-06
    2 output            0.1
    <BLANKLINE>
    >>> flow.findings[0].kind
    'vanishing'
    """
    return GradientFlow(measured(source, loss, lr), title)


def _table(measurements: Measurements) -> list[str]:
    median = " (median)" if measurements.steps > 1 else ""
    head = ["layer", f"gradient norm{median}".replace(" (median)", "")]
    if measurements.ratios:
        head.append("update / weight")
    rows = [head]
    for number, (name, course) in enumerate(measurements.norms.items(), 1):
        row = [f"{number} {name}", numerals.number(typical(course), 4)]
        if measurements.ratios:
            ratio = measurements.ratios.get(name)
            row.append("" if ratio is None else numerals.number(typical(ratio), 2))
        rows.append(row)
    lines = _aligned(rows)
    if measurements.dead:
        what = "dead units" if measurements.units else "zeros"
        dead = [["ReLU", what]]
        for name, course in measurements.dead.items():
            dead.append([name, f"{numerals.number(100 * typical(course), 3)} %"])
        lines += ["", *_aligned(dead)]
    return lines


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(text_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            pad(cell, width, right=column > 0)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]

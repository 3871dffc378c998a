"""Charts of a training run, drawn with matplotlib: curves, bars, regions, rows of images.

Each function returns a `matplotlib.figure.Figure` of its own, made without pyplot: nothing global
changes, and no window opens. `save` and `svg` write the same bytes for the same figure.
"""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from viz.theme import THEMES, Theme

Figure = Any
"""A `matplotlib.figure.Figure`; matplotlib is imported when one is made."""
_DASHES = ("solid", "dashed", "dotted", "dashdot")


def curves(
    series: Mapping[str, ArrayLike],
    *,
    x: ArrayLike | None = None,
    x_label: str = "",
    y_label: str = "",
    title: str = "",
    log: bool = False,
    theme: Theme | str = "light",
) -> Figure:
    """One curve for every name in `series`.

    Args:
        series: the heights of each curve, all finite or not: what is not finite leaves a gap.
        x: where they stand, for all curves; 0, 1, 2, ... if None.
        x_label: what goes along.
        y_label: what goes up.
        title: a heading.
        log: a logarithmic scale for the heights.
        theme: "light" or "dark", or a `Theme`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: there is no curve, or `x` is not as long as one.

    >>> figure = curves({"train": [0.5, 0.8], "test": [0.4, 0.7]}, y_label="accuracy")
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['train', 'test']
    """
    if not series:
        raise ValueError("curves: there is nothing to draw")
    figure, axes, colours = _figure((6.4, 3.6), title, theme)
    kinds = (colours.value, colours.gradient, colours.alarm, colours.output_line, colours.text)
    for number, (name, heights) in enumerate(series.items()):
        heights = np.asarray(heights, float)
        along = np.arange(len(heights)) if x is None else np.asarray(x)
        if len(along) != len(heights):
            raise ValueError(f"curves: {name!r} has {len(heights)} heights for {len(along)} places")
        axes.plot(
            along,
            heights,
            color=kinds[number % len(kinds)],
            linestyle=_DASHES[number % len(_DASHES)],
            linewidth=1.8,
            marker="o" if len(heights) == 1 else None,
            label=name,
        )
        if np.array_equal(along, np.round(along)):
            axes.xaxis.get_major_locator().set_params(integer=True)
    if log:
        axes.set_yscale("log")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(color=colours.muted, alpha=0.25)
    if len(series) > 1:
        axes.legend(frameon=False, labelcolor=colours.text)
    return figure


def bars(
    heights: Mapping[str, float],
    *,
    x_label: str = "",
    y_label: str = "",
    title: str = "",
    low: float | None = None,
    theme: Theme | str = "light",
) -> Figure:
    """One bar for every name, with its height written on it.

    Args:
        heights: the height of each bar, by name.
        x_label: what goes along.
        y_label: what goes up.
        title: a heading.
        low: where the bars begin, 0 if None; say so in `y_label` if it is not 0.
        theme: "light" or "dark", or a `Theme`.

    Raises:
        ImportError: matplotlib is not installed.

    >>> figure = bars({"0": 99.0, "1": 97.5}, y_label="right, %")
    >>> [float(bar.get_height()) for bar in figure.axes[0].patches]
    [99.0, 97.5]
    """
    figure, axes, colours = _figure((6.4, 3.6), title, theme)
    drawn = axes.bar(list(heights), list(heights.values()), color=colours.value)
    axes.bar_label(drawn, fmt="%.4g", color=colours.text, fontsize=8)
    if low is not None:
        highest = max(heights.values())
        axes.set_ylim(low, highest + 0.1 * (highest - low))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure


def images(
    pictures: ArrayLike,
    *,
    captions: Sequence[str] = (),
    columns: int = 10,
    title: str = "",
    signed: bool = False,
    theme: Theme | str = "light",
) -> Figure:
    """Small images in rows.

    Args:
        pictures: an array (images, height, width).
        captions: a line above each image.
        columns: how many stand in a row.
        title: a heading.
        signed: the numbers are of either sign, as weights are: blue below zero, white at zero, red
            above, every image on a scale of its own. Otherwise they are dark on white.
        theme: "light" or "dark", or a `Theme`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: `pictures` is not a row of images.

    >>> figure = images(np.zeros((3, 8, 8)), captions=["a", "b", "c"], columns=2)
    >>> [axes.get_title() for axes in figure.axes]
    ['a', 'b', 'c']
    """
    pictures = np.asarray(pictures, float)
    if pictures.ndim != 3 or not len(pictures):
        raise ValueError(
            f"images: pictures has shape {pictures.shape}, not (images, rows, columns)"
        )
    colours = _theme(theme)
    rows = math.ceil(len(pictures) / columns)
    figure = _new((0.75 * columns, (0.98 if captions else 0.75) * rows + 0.45 * bool(title)))
    figure.set_facecolor(colours.background)
    if title:
        figure.suptitle(title, color=colours.text, fontsize=11)
    for number, picture in enumerate(pictures):
        axes = figure.add_subplot(rows, columns, number + 1)
        limit = float(np.abs(picture).max()) or 1.0
        axes.imshow(
            picture,
            cmap="RdBu_r" if signed else "gray_r",
            vmin=-limit if signed else 0.0,
            vmax=limit if signed else 1.0,
        )
        axes.axis("off")
        if captions:
            axes.set_title(captions[number], color=colours.text, fontsize=8, pad=2)
    return figure


def regions(
    across: ArrayLike,
    up: ArrayLike,
    scores: ArrayLike,
    *,
    points: ArrayLike,
    above: ArrayLike,
    title: str = "",
    theme: Theme | str = "light",
) -> Figure:
    """A score over the plane, the line where it is 0, and points of two kinds.

    Args:
        across: where the columns of `scores` stand, ascending.
        up: where its rows stand.
        scores: an array (rows, columns).
        points: an array (points, 2).
        above: for each point, whether its score should be above 0.
        title: a heading.
        theme: "light" or "dark", or a `Theme`.

    Raises:
        ImportError: matplotlib is not installed.

    >>> at = [0.0, 1.0]
    >>> figure = regions(at, at, [[-1, 1], [-1, 1]], points=[[0, 0], [1, 1]], above=[False, True])
    >>> len(figure.axes[0].collections) > 2
    True
    """
    figure, axes, colours = _figure((6.4, 4.8), title, theme)
    scores, points, above = np.asarray(scores, float), np.asarray(points), np.asarray(above, bool)
    limit = float(np.abs(scores).max()) or 1.0
    axes.pcolormesh(
        across, up, scores, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.45, shading="nearest"
    )
    if scores.min() < 0 < scores.max():
        axes.contour(across, up, scores, levels=[0.0], colors=[colours.text], linewidths=1.5)
    for kind, colour, marker in ((False, colours.value, "o"), (True, colours.gradient, "s")):
        axes.scatter(
            *points[above == kind].T,
            color=colour,
            marker=marker,
            s=26,
            edgecolor=colours.background,
        )
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the figure, as PNG or SVG as the name ends; the same figure gives the same bytes."""
    if path.suffix == ".svg":
        path.write_text(svg(figure), encoding="utf-8")
    else:
        figure.savefig(path, dpi=144, metadata={"Software": None})


def svg(figure: Figure) -> str:
    """The figure as SVG text.

    >>> svg(bars({"a": 1.0})).startswith("<?xml")
    True
    """
    import matplotlib as mpl

    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "autograd-bp", "svg.fonttype": "path"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _theme(theme: Theme | str) -> Theme:
    return theme if isinstance(theme, Theme) else THEMES[theme]


def _new(size: tuple[float, float]) -> Figure:
    try:
        from matplotlib.figure import Figure as NewFigure
    except ImportError as error:
        raise ImportError(
            "charts are drawn with matplotlib: pip install 'autograd-bp[examples]'"
        ) from error
    return NewFigure(figsize=size, layout="constrained")


def _figure(size: tuple[float, float], title: str, theme: Theme | str) -> tuple[Figure, Any, Theme]:
    """A figure with one pair of axes in the colours of the theme."""
    colours = _theme(theme)
    figure = _new(size)
    figure.set_facecolor(colours.background)
    axes = figure.add_subplot()
    axes.set_facecolor(colours.background)
    axes.set_title(title, color=colours.text, fontsize=11)
    axes.tick_params(which="both", colors=colours.muted)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colours.muted)
    axes.xaxis.label.set_color(colours.text)
    axes.yaxis.label.set_color(colours.text)
    return figure, axes, colours

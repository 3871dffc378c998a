"""Charts: the figures show what they were given, and the same chart is the same file."""

import numpy as np
import pytest

from viz import charts
from viz.theme import DARK


def test_every_curve_is_drawn_where_it_belongs():
    figure = charts.curves({"a": [1.0, np.nan, 3.0], "b": [4.0, 5.0, 6.0]}, x=[10, 20, 40])
    first, second = figure.axes[0].lines
    assert first.get_xdata().tolist() == [10, 20, 40]
    assert second.get_ydata().tolist() == [4, 5, 6]
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()


def test_a_single_point_is_seen():
    (line,) = charts.curves({"a": [1.0]}).axes[0].lines
    assert line.get_marker() == "o"


def test_epochs_are_marked_by_whole_numbers():
    axes = charts.curves({"a": [1.0, 2.0, 3.0]}, x=[1, 2, 3]).axes[0]
    assert all(mark == round(mark) for mark in axes.get_xticks())


def test_numbers_on_a_logarithmic_scale_have_the_colour_of_the_theme():
    figure = charts.curves({"a": [0.3, 0.6]}, log=True, theme="dark")
    figure.canvas.draw()
    ticks = [*figure.axes[0].yaxis.get_minor_ticks(), *figure.axes[0].yaxis.get_major_ticks()]
    assert {tick.label1.get_color() for tick in ticks} == {DARK.muted}


def test_curves_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="nothing to draw"):
        charts.curves({})
    with pytest.raises(ValueError, match="'a' has 3 heights for 2 places"):
        charts.curves({"a": [1, 2, 3]}, x=[0, 1])


def test_images_that_are_none_are_refused():
    for shape in ((3, 64), (0, 8, 8), ()):
        with pytest.raises(ValueError, match="not \\(images, rows, columns\\)"):
            charts.images(np.zeros(shape))


def test_weights_are_shown_on_a_scale_with_zero_in_the_middle():
    weights = np.zeros((2, 3, 3))
    weights[0, 0, 0] = -4
    figure = charts.images(weights, signed=True)
    scales = [axes.images[0].get_clim() for axes in figure.axes]
    assert scales == [(-4, 4), (-1, 1)]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_chart_is_the_same_file(tmp_path, suffix):
    contents = []
    for number in range(2):
        path = tmp_path / f"{number}{suffix}"
        charts.save(charts.bars({"0": 1.0, "1": 2.0}, title="a < b"), path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0].startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")


def test_pyplot_is_never_imported():
    import subprocess
    import sys

    program = "from viz import charts; charts.svg(charts.curves({'a': [1.0]})); import sys; "
    program += "assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)

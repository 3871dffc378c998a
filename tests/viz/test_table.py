"""The table of values and gradients."""

import numpy as np

from autograd_bp.text_width import text_width
from viz.table import Row, entries, table


def test_columns_line_up_under_names_of_any_script():
    lines = table([Row("苹果", 100.0, 2.2), Row("n", 2.0, 110.0), Row("总价", 220.0, 1.0)]).split(
        "\n"
    )
    assert len({text_width(line) for line in lines}) == 1
    assert lines[2] == "苹果    100       2.2"


def test_numbers_show_no_rounding_dust_but_twelve_digits():
    assert entries(220.00000000000003) == "220"
    assert entries(1 / 3) == "0.333333333333"
    assert entries(1e-30) == "1e-30"


def test_what_is_not_finite_is_shown():
    assert [entries(float(text)) for text in ("nan", "inf", "-inf")] == ["nan", "inf", "-inf"]


def test_arrays_show_their_shape_and_entries_over_several_lines():
    matrix = np.array([[1.0, 2.0], [3.0, 4.5]])
    shown = table([Row("W", matrix, matrix * 0), Row("b", 1.0, 4.0)])
    lines = shown.split("\n")
    assert lines[0].split() == ["name", "shape", "value", "gradient"]
    assert lines[2].startswith("W     (2, 2)  [[1.  2. ]")
    assert lines[3].strip().startswith("[3.  4.5]]")
    assert lines[4].split() == ["b", "1", "4"]


def test_a_large_array_is_shortened():
    assert len(entries(np.arange(10_000.0))) < 100


def test_an_array_of_whole_numbers_shows_no_points():
    assert entries(np.array([1.0, -2.0])) == "[ 1 -2]"


def test_an_empty_array_is_shown_as_one():
    assert entries(np.zeros(0)) == "[]"

"""The width of text in cells of a terminal."""

import pytest

from autograd_bp.text_width import pad, text_width


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("tax", 3), ("苹果", 4), ("ｘ", 2), ("e\u0301", 1), ("苹果tax", 7)]
)
def test_wide_characters_take_two_cells_and_accents_none(text, width):
    assert text_width(text) == width


@pytest.mark.parametrize("text", ["", "tax", "苹果", "e\u0301"])
def test_padded_texts_are_equally_wide(text):
    assert text_width(pad(text, 6)) == text_width(pad(text, 6, right=True)) == 6
    assert pad(text, 6).startswith(text)
    assert pad(text, 6, right=True).endswith(text)


def test_a_text_wider_than_the_column_is_kept_whole():
    assert pad("orange", 3) == "orange"

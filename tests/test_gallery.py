"""The gallery and the guide's pictures are what `python examples/gallery.py` draws today."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from examples import gallery

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ADVICE = "run `python examples/gallery.py` and look at the result"
IMAGES = re.compile(r"!\[([^\]]+)\]\((gallery/[^)]+)\)")


@pytest.fixture(scope="module")
def drawn():
    return gallery.pictures()


def test_every_committed_picture_is_current(drawn):
    stale = [
        name
        for name, svg in drawn.items()
        if not (DOCS / "gallery" / name).exists()
        or (DOCS / "gallery" / name).read_text(encoding="utf-8") != svg
    ]
    assert not stale, ADVICE


def test_the_page_is_current():
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == gallery.page(), ADVICE


def test_no_picture_is_left_over(drawn):
    assert {path.name for path in (DOCS / "gallery").iterdir()} == {*drawn, gallery.PLOT}


def test_the_plot_is_current_where_the_same_matplotlib_drew_it():
    committed = (DOCS / "gallery" / gallery.PLOT).read_text(encoding="utf-8")
    if f"Matplotlib {mpl.__version__} " not in committed:
        pytest.skip("another Matplotlib drew the committed plot")
    # Training on another machine differs in the last digits, which nobody sees.
    number = re.compile(r"-?\d+\.\d+")
    now = gallery.drawn_plot()
    assert number.sub("", now) == number.sub("", committed), ADVICE
    figures = [np.array(number.findall(text), float) for text in (now, committed)]
    np.testing.assert_allclose(*figures, atol=2.0)


def test_every_picture_of_the_guide_and_the_gallery_is_generated_and_told_in_words(drawn):
    shown = set()
    for page in ("pictures.md", "gallery.md"):
        for alt, target in IMAGES.findall((DOCS / page).read_text(encoding="utf-8")):
            assert len(alt) > 20
            shown.add(Path(target).name)
    assert shown == {*drawn, gallery.PLOT}


def test_the_figures_of_the_articles_are_in_the_gallery():
    titles = " ".join(figure.title for figure in gallery.figures())
    for wanted in (
        "Apple tax, forward",
        "Apple tax, and back",
        "z = (x + y)",
        "Sigmoid, taken apart",
        "Sigmoid, together",
        "Affine for a batch",
        "Softmax-with-Loss, taken apart",
    ):
        assert wanted in titles


def test_nothing_comes_back_in_the_forward_figure():
    svg = gallery.figures()[0].draw().svg
    assert "220" in svg
    assert 'class="back ' not in svg
    assert ">2.2<" not in svg

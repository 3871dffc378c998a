"""The committed pictures are what the examples draw today; `make pictures` draws them again."""

import re
from pathlib import Path

import pytest

from examples import apple_tax, layers_as_graphs

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
PICTURED = (apple_tax, layers_as_graphs)


@pytest.mark.parametrize("example", PICTURED, ids=lambda example: example.__name__)
def test_the_committed_pictures_of_an_example_are_current(example):
    drawn = {name: picture.svg for name, picture in example.pictures().items()}
    committed = {name: (FOLDER / name).read_text(encoding="utf-8") for name in drawn}
    stale = [name for name in drawn if drawn[name] != committed[name]]
    assert not stale, "run `make pictures` and look at the result"


def test_no_committed_picture_is_left_over():
    drawn = {name for example in PICTURED for name in example.pictures()}
    assert {path.name for path in FOLDER.iterdir()} == drawn


def test_make_pictures_draws_the_pictures_that_are_checked_here():
    listed = re.search(r"^PICTURED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed
    assert {Path(name).stem for name in listed[1].split()} == {
        example.__name__.rpartition(".")[2] for example in PICTURED
    }

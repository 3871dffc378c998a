"""Folders with data files: the user's own, and one with a little MNIST."""

import os
from pathlib import Path

import pytest

from tests.datasets.files import little_mnist


@pytest.fixture(autouse=True)
def nothing_of_the_users(monkeypatch, tmp_path):
    """No test sees the folder or the cache of whoever runs it, unless it asks for the folder."""
    monkeypatch.delenv("AUTOGRAD_BP_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def data_folder():
    """The folder with MNIST, exercise 4 and names."""
    named = os.environ.get("AUTOGRAD_BP_DATA")
    if not named:
        pytest.skip("needs AUTOGRAD_BP_DATA, the folder with MNIST, exercise 4 and names.txt")
    return Path(named)


@pytest.fixture
def little_folder(tmp_path):
    """A folder with a little MNIST."""
    folder = tmp_path / "little"
    folder.mkdir()
    for name, content in little_mnist()[1].items():
        (folder / name).write_bytes(content)
    return folder

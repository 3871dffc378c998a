"""Running an example as a person does: as a program of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def data_folder():
    """The folder with MNIST, exercise 4 and names."""
    named = os.environ.get("AUTOGRAD_BP_DATA")
    if not named:
        pytest.skip("needs AUTOGRAD_BP_DATA, the folder with MNIST, exercise 4 and names.txt")
    return Path(named)


@pytest.fixture
def run_example(tmp_path):
    """Runs an example in an empty folder; returns what it printed and the files it wrote.

    It finds no data but what `--data` gives it.
    """

    def run(name, *arguments):
        done = subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)],
            cwd=tmp_path,
            env={
                "PYTHONPATH": str(EXAMPLES.parent),
                "PYTHONIOENCODING": "utf-8",
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, sorted(path.name for path in (tmp_path / "out").iterdir())

    return run

"""Running an example as a person does: as a program of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run_example(tmp_path):
    """Runs an example in an empty folder; returns what it printed and the files it wrote."""

    def run(name, *arguments):
        done = subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(EXAMPLES.parent), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, sorted(path.name for path in (tmp_path / "out").iterdir())

    return run

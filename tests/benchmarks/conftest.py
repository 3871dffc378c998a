"""The modules in benchmarks/ import each other by name, as programs do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

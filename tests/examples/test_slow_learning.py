"""Saturated neurons learn slowly, and gradient flow says where."""

import subprocess
import sys
from pathlib import Path

from examples import slow_learning

ROOT = Path(__file__).parents[2]


def test_the_saturated_net_learns_nothing_and_gradient_flow_says_where():
    history, flow = slow_learning.flows()["saturated"]
    assert history["loss"][-1] > 0.6
    assert flow.findings[0].kind == "vanishing"
    assert "vanishing below layer" in flow.findings[0].words


def test_the_same_net_from_small_biases_learns_and_is_not_accused():
    history, flow = slow_learning.flows()["not saturated"]
    assert history["loss"][-1] < 0.1
    assert flow.findings == ()


def test_it_runs_alone_and_writes_plots_and_pages(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "slow_learning.py", "--out", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "vanishing below layer" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        f"gradient-flow-{name}.{suffix}"
        for name in ("saturated", "not-saturated")
        for suffix in ("svg", "html")
    }

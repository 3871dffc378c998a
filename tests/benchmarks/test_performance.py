"""The page and the plot of speeds show what was measured, which is in the JSON beside them."""

import json
import re
from pathlib import Path

from speed.report import page, plot

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))


def test_the_page_is_current() -> None:
    now = page(MEASURED["results"], MEASURED["growth"], MEASURED["machine"])
    assert (DOCS / "performance.md").read_text(encoding="utf-8") == now


def test_the_plot_is_current(tmp_path: Path) -> None:
    plot(MEASURED["results"], tmp_path / "plot.svg")
    assert drawn(tmp_path / "plot.svg") == drawn(DOCS / "performance.svg")


def drawn(svg: Path) -> str:
    """What is drawn, without the name of the release of Matplotlib that drew it."""
    return re.sub(r"(?s)<metadata>.*?</metadata>", "", svg.read_text(encoding="utf-8"))


def test_the_readmes_have_the_figures_of_the_page() -> None:
    for name in ("README.md", "README.zh-CN.md"):
        readme = (DOCS.parent / name).read_text(encoding="utf-8")
        for result in MEASURED["results"][:3]:
            times = {t["engine"]: t["least"] for t in result["timings"]}
            base = times.pop("NumPy by hand")
            cells = " | ".join(f"{seconds / base:.3g}" for seconds in times.values())
            assert f" | {cells} |" in readme, result["workload"]

"""The notebooks run from top to bottom, and what they show is there and does not collide."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def needed(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"needs {name}")


def executed(path, folder):
    nbformat, nbclient = needed("nbformat"), needed("nbclient")
    notebook = nbformat.read(path, as_version=4)
    # What the project's own code warns about is an error here too.
    notebook.cells.insert(
        0, nbformat.v4.new_code_cell(f"import sys\nsys.path.insert(0, {str(ROOT)!r})")
    )
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What the cells of pictures.ipynb show, by kind."""
    notebook = executed(FOLDER / "pictures.ipynb", tmp_path_factory.mktemp("notebook"))
    found = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [output for output in found if output.output_type in ("error", "stream")] == []
    return [output.data for output in found]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path):
    nbformat = needed("nbformat")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
class TestPictures:
    def test_diagrams_explanations_pages_and_flows_show_themselves(self, outputs):
        kinds = [set(data) - {"text/plain"} for data in outputs]
        assert kinds.count({"image/svg+xml"}) == 4
        assert kinds.count({"text/markdown"}) == 2
        assert kinds.count({"text/html"}) == 3

    def test_no_id_is_used_by_two_figures(self, outputs):
        ids = Counter(
            name
            for data in outputs
            if "image/svg+xml" in data
            for name in re.findall(r'\bid="([^"]+)"', data["image/svg+xml"])
        )
        assert len(ids) > 50
        assert [name for name, count in ids.items() if count > 1] == []

    def test_pages_stand_in_frames_of_their_own(self, outputs):
        pages = [data["text/html"] for data in outputs if "text/html" in data]
        for page in pages:
            assert page.startswith('<iframe sandbox="allow-scripts"')
            assert page.count("<") == 2

    def test_the_explanation_is_mathematics(self, outputs):
        told = [data["text/markdown"] for data in outputs if "text/markdown" in data]
        assert r"\text{tax} \cdot n = 1.1 \cdot 2 = 2.2" in told[0]

    def test_all_of_it_in_one_page_shows_every_figure(self, outputs, chromium, tmp_path):
        api = needed("playwright.sync_api")
        body = "".join(data.get("image/svg+xml", data.get("text/html", "")) for data in outputs)
        path = tmp_path / "page.html"
        path.write_text(f"<!doctype html><meta charset=utf-8><body>{body}", encoding="utf-8")
        said = []
        with api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium,
                args=[
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                ],
            )
            page = browser.new_page()
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(path.as_uri())
            grounds = page.evaluate(
                """[...document.querySelectorAll("svg > rect.background")]
                    .map(rect => getComputedStyle(rect).fill)"""
            )
            frames = page.frames[1:]
            counts = [frame.locator("#count, #panels svg").count() for frame in frames]
            browser.close()
        assert grounds.count("rgb(13, 17, 23)") == 1
        assert len(grounds) == 4
        assert len(frames) == 3
        assert all(counts)
        assert said == []

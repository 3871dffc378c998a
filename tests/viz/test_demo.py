"""The tour: its figures, its files, and a page that is safe and needs nothing else."""

import contextlib
import io
import shlex
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest

from viz import demo, demo_digits
from viz.cli import main
from viz.demo_page import Figure, Stop, Trained, page
from viz.table import Row

EXPECTED = {
    "apple-tax": {"price": 220, "apple": 2.2, "apple_number": 110, "tax": 200},
    "apples-and-oranges": {
        "price": 715,
        "apple": 2.2,
        "apple_number": 110,
        "orange": 3.3,
        "orange_number": 165,
        "tax": 650,
    },
    "square-of-a-sum": {"z": 49, "x": 14, "y": 14},
}


DRAWN = {*EXPECTED, "digits-first-step", "digits-accuracy", "digits-loss", "digits-misread"}


@pytest.fixture(scope="module")
def printed_tour(tmp_path_factory):
    """What the command prints, and the folder it writes."""
    folder = tmp_path_factory.mktemp("tour") / "my tour"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["demo", "--out", str(folder)]) == 0
    return printed.getvalue(), folder


@pytest.fixture(scope="module")
def tour(printed_tour):
    return printed_tour[1]


@pytest.mark.parametrize("problem", demo.PROBLEMS, ids=lambda problem: problem.slug)
def test_the_figures_are_exact(problem):
    result, rows = problem.compute()
    expected = dict(EXPECTED[problem.slug])
    assert result.data == pytest.approx(expected.pop(problem.result), abs=1e-12)
    found = {row.name: float(row.gradient) for row in rows[:-1]}
    assert found == pytest.approx(expected, abs=1e-12)
    assert rows[-1].gradient == 1


@pytest.mark.parametrize("problem", demo.PROBLEMS, ids=lambda problem: problem.slug)
def test_the_command_shown_for_a_problem_runs(problem, capsys):
    assert main(shlex.split(problem.command)[1:]) == 0
    assert problem.values.keys() <= set(capsys.readouterr().out.split())


def test_it_prints_the_tables_and_says_where_the_pictures_are(printed_tour):
    printed, _ = printed_tour
    for shown in ("220", "715", "2.2", "3.3", "650", "index.html", "my tour", "held-out accuracy"):
        assert shown in printed


def test_every_picture_is_written_as_svg_and_png(tour):
    names = {path.name for path in tour.iterdir()}
    assert names == {"index.html"} | {f"{name}.{kind}" for name in DRAWN for kind in ("svg", "png")}
    for path in tour.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


class Links(HTMLParser):
    """Collects what a page refers to, and its elements."""

    def __init__(self):
        super().__init__()
        self.references, self.elements = [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.references += [
            value for name, value in attrs if name in ("src", "srcset", "href", "action")
        ]


def test_the_page_refers_to_its_own_files_only_and_has_no_script(tour):
    links = Links()
    links.feed((tour / "index.html").read_text(encoding="utf-8"))
    for reference in links.references:
        inside = reference.startswith(("#", "data:image/svg+xml;base64,"))
        assert inside or (tour / reference).exists(), reference
    assert not {"script", "iframe", "object", "link", "form"} & set(links.elements)


def test_the_page_keeps_any_text_as_text():
    attack = '"><script>alert(1)</script>{0}'
    text = page(
        [Stop("a", attack, attack, attack, attack, (Row(attack, 1.0, 2.0),), "<svg/>", "<svg/>")],
        [
            Trained(
                slug="b",
                title=attack,
                story=attack,
                columns=(attack, attack),
                rows=((attack, attack),),
                figures=(Figure("c", attack, "<svg/>", "<svg/>"),),
                program=attack,
            )
        ],
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;{0}") >= 14


def test_the_net_reads_95_percent_of_held_out_digits_in_under_20_seconds(capsys):
    began = time.process_time()
    lesson = demo_digits.learn()
    assert time.process_time() - began < 20
    assert lesson.read_right >= 0.95
    assert len(lesson.data.test.x) == 450
    assert "epoch" in capsys.readouterr().err  # the bar


def test_the_graph_of_the_first_step_has_every_parameter_by_name(tour):
    picture = (tour / "digits-first-step.svg").read_text(encoding="utf-8")
    for name in ("0.weight", "0.bias", "2.weight", "2.bias", "cross_entropy", "loss"):
        assert name in picture


def test_the_program_on_the_page_is_the_one_that_was_run():
    lesson = demo_digits.learn(progress=False)
    quiet = demo_digits.PROGRAM.replace("keep_best", "progress=False, keep_best")
    names = {}
    exec(quiet, names)
    assert names["history"].epochs == lesson.history.epochs


def test_without_scikit_learn_the_rest_of_the_tour_remains(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    demo.run(tmp_path)
    assert "no net is trained" in capsys.readouterr().out
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {"index", *EXPECTED}
    assert 'id="digits"' not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_running_it_twice_gives_the_same_files(tour, tmp_path):
    demo.run(tmp_path)
    for path in tour.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_every_picture_in_its_colours(tour, tmp_path, chromium, scheme):
    """Chromium loads the page and reports, per picture, whether the right one is really shown."""
    probe = tmp_path / "probe.html"
    text = (tour / "index.html").read_text(encoding="utf-8")
    script = """<script>onload = () => { document.title = [...document.images].map(image =>
        image.complete && image.naturalWidth > 100 && image.clientWidth > 100
        && (image.currentSrc == image.src ? "light" : "dark")).join() }</script>"""
    policy = text.index("<meta http-equiv")
    rest = text[text.index(">", policy) + 1 :]
    probe.write_text(text[:policy] + rest.replace("</body>", script + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            chromium,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            f"--blink-settings=preferredColorScheme={['dark', 'light'].index(scheme)}",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=3000",
            "--dump-dom",
            probe.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert f"<title>{','.join([scheme] * len(DRAWN))}</title>" in done.stdout

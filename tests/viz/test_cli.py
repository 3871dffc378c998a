"""The command line as people type it: what it prints, what it writes, how it ends."""

import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import autograd_bp as ab
from autograd_bp.text_width import text_width
from viz.cli import main

APPLES = ["apple * n * tax", "apple=100", "n=2", "tax=1.1"]


@pytest.fixture
def said(capsys):
    """Runs the command and returns its exit code, standard output and standard error."""

    def run(*words):
        code = main(list(map(str, words)))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


class TestGrad:
    def test_it_prints_values_and_gradients_as_a_table(self, said):
        code, out, err = said("grad", *APPLES)
        assert (code, err) == (0, "")
        assert out.split("\n") == [
            "name    value  gradient",
            "------  -----  --------",
            "apple     100       2.2",
            "n           2       110",
            "tax       1.1       200",
            "result    220         1",
            "",
        ]

    def test_it_draws_on_request(self, said, tmp_path):
        code, out, _ = said("grad", *APPLES, "-o", tmp_path / "price.svg")
        assert code == 0
        assert "220" in out
        assert ET.parse(tmp_path / "price.svg").getroot().tag.endswith("svg")

    def test_arrays_show_shape_and_entries(self, said):
        code, out, _ = said("grad", "sum(x @ W)", "x=[1, 2]", "W=[[1, 2, 3], [4, 5, 6]]")
        assert code == 0
        for shown in ("(2,)", "(2, 3)", "[1 2]", "[ 6 15]", "[[1 1 1]", "36"):
            assert shown in out

    def test_for_a_result_with_several_entries_it_says_what_the_gradients_are(self, said):
        code, out, _ = said("grad", "x * x", "x=[1, 2]")
        assert code == 0
        assert "[2 4]" in out
        assert "sum of the result's entries" in out

    def test_names_in_chinese_keep_the_columns_straight(self, said):
        _, out, _ = said("grad", "苹果 * 数量", "苹果=100", "数量=2")
        lines = out.rstrip("\n").split("\n")
        assert len({text_width(line) for line in lines}) == 1

    def test_options_may_stand_between_the_values(self, said, tmp_path):
        code, out, _ = said("grad", "x * y", "x=3", "-o", tmp_path / "a.svg", "y=4")
        assert code == 0
        assert "12" in out

    @pytest.mark.parametrize("words", [["-x * 2", "x=3"], ["-x", "x=6"], ["--", "-x", "x=6"]])
    def test_an_expression_may_begin_with_a_minus(self, said, words):
        code, out, _ = said("grad", *words)
        assert code == 0
        assert "-6" in out

    def test_an_expression_without_names_has_only_a_result(self, said):
        code, out, _ = said("grad", "2 * 3")
        assert code == 0
        assert "6" in out

    def test_a_gradient_that_is_zero_is_printed_as_zero(self, said):
        code, out, _ = said("grad", "x + floor(y)", "x=1", "y=2.5")
        assert code == 0
        assert "y         2.5         0" in out


class TestExplain:
    def test_it_shows_every_path_as_a_product_with_names(self, said):
        code, out, err = said("explain", *APPLES, "--wrt", "apple")
        assert (code, err) == (0, "")
        assert "d result / d apple = tax * n = 1.1 * 2 = 2.2" in out

    def test_without_a_name_all_are_explained(self, said):
        _, out, _ = said("explain", "x * y", "x=2", "y=3")
        assert "d result / d x = 3" in out
        assert "d result / d y = 2" in out

    @pytest.mark.parametrize(("form", "sign"), [("markdown", "**Forward**"), ("latex", "align*")])
    def test_it_writes_mathematics_too(self, said, form, sign):
        code, out, _ = said("explain", *APPLES, "--wrt", "n", "--format", form)
        assert code == 0
        assert sign in out

    def test_the_number_of_paths_can_be_chosen(self, said):
        _, out, _ = said("explain", "x * x * x", "x=2", "--wrt", "x", "--paths", "1")
        assert "3 paths from result to x, the 1 largest" in out

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            (["x * x", "x=3", "--wrt", "y"], "--wrt y: give one of x"),
            (["2 * 3"], "no names"),
            (["x * x", "x=3", "--paths", "0"], "must be at least 1"),
            (["x * x", "x=3", "--paths", "many"], "invalid"),
        ],
    )
    def test_what_cannot_be_explained_is_refused(self, said, words, complaint):
        code, out, err = said("explain", *words)
        assert (code, out) == (2, "")
        assert complaint in err


class TestFormats:
    @pytest.mark.parametrize(
        ("form", "begins"), [("pdf", b"%PDF"), ("json", b"{"), ("txt", b""), ("dot", b"di")]
    )
    def test_every_format_is_written(self, said, tmp_path, form, begins):
        path = tmp_path / f"a.{form}"
        assert said("draw", *APPLES, "-o", path)[0] == 0
        content = path.read_bytes()
        assert content.startswith(begins)
        assert len(content) > 50

    def test_the_algebra_is_written_on_the_arrows(self, said, tmp_path):
        plain, algebra = tmp_path / "a.svg", tmp_path / "b.svg"
        said("draw", *APPLES, "-o", plain)
        said("draw", *APPLES, "-o", algebra, "--algebra")
        assert "1 × 200" not in plain.read_text("utf-8")
        assert "1 × 200" in algebra.read_text("utf-8")

    def test_the_arrows_are_coloured_by_gain(self, said, tmp_path):
        code, _, _ = said("draw", *APPLES, "-o", tmp_path / "a.svg", "--flow", "gain")
        assert code == 0
        assert "gain" in (tmp_path / "a.svg").read_text("utf-8")


class TestSteps:
    def test_it_writes_a_page(self, said, tmp_path):
        code, out, err = said("steps", *APPLES, "-o", tmp_path / "steps.html", "--title", "Apples")
        assert (code, out, err) == (0, "", "")
        page = (tmp_path / "steps.html").read_text("utf-8")
        assert "<title>Apples</title>" in page
        assert "result" in page

    def test_only_a_page_can_be_stepped_through(self, said, tmp_path):
        code, _, err = said("steps", *APPLES, "-o", tmp_path / "steps.svg")
        assert code == 2
        assert "name it .html" in err


class TestDraw:
    @pytest.mark.parametrize(
        ("name", "start"),
        [("a.svg", b"<"), ("a.PNG", b"\x89PNG"), ("a.dot", b""), ("a.html", b"<")],
    )
    def test_the_file_name_decides_the_format(self, said, tmp_path, name, start):
        code, out, err = said("draw", *APPLES, "-o", tmp_path / name)
        assert (code, out, err) == (0, "", "")
        written = (tmp_path / name).read_bytes()
        assert written.startswith(start)
        assert len(written) > 100

    def test_the_format_can_be_named(self, said, tmp_path):
        assert said("draw", *APPLES, "--format", "dot", "-o", tmp_path / "graph")[0] == 0
        assert "digraph" in (tmp_path / "graph").read_text(encoding="utf-8")

    def test_without_a_file_it_goes_to_standard_output(self):
        done = subprocess.run(
            [sys.executable, "-m", "viz", "draw", *APPLES],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
        )
        assert ET.fromstring(done.stdout).tag.endswith("svg")

    def test_the_picture_shows_names_values_and_gradients(self, said, tmp_path):
        said("draw", *APPLES, "-o", tmp_path / "price.svg")
        text = " ".join(ET.parse(tmp_path / "price.svg").getroot().itertext())
        for shown in ("apple", "tax", "220", "2.2", "110", "200"):
            assert shown in text

    def test_the_same_command_writes_the_same_bytes(self, said, tmp_path):
        for name in ("a.svg", "b.svg"):
            said("draw", *APPLES, "-o", tmp_path / name)
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


class TestErrors:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ([], "required"),
            (["sing"], "sing"),
            (["grad"], "required"),
            (["grad", "x ^ 2", "x=3"], "x ** 2"),
            (["grad", "x * y", "x=3"], "y"),
            (["grad", "x", "x=3", "y=4"], "no 'y'"),
            (["grad", "x", "x=3", "x=4"], "twice"),
            (["grad", "x", "x=three"], "three"),
            (["grad", "x", "3"], "name=value"),
            (["grad", "x", "x=3", "--colour"], "--colour"),
            (["draw", "x", "x=3", "-o", "a.jpeg"], ".svg"),
            (["draw", "x", "x=3", "-o", "a"], "--format"),
            (["draw", "x", "x=3", "--format", "gif"], "gif"),
            (["demo", "extra"], "extra"),
            (["grad", "__import__('os').system('id')"], "__import__"),
            (["grad", "x @ y", "x=[1,2]", "y=[1,2,3]"], "x @ y"),
        ],
    )
    def test_a_request_that_cannot_be_understood_ends_with_2_and_one_message(
        self, said, words, told
    ):
        code, out, err = said(*words)
        assert (code, out) == (2, "")
        assert told in err
        assert err.startswith("autograd-bp")
        assert "Traceback" not in err

    @pytest.mark.parametrize("place", ["no/such/folder/a.svg", "."])
    def test_a_file_that_cannot_be_written_ends_with_1(self, said, tmp_path, monkeypatch, place):
        monkeypatch.chdir(tmp_path)
        code, _, err = said("draw", "x * x", "x=3", "--format", "svg", "-o", place)
        assert code == 1
        assert place in err
        assert err.count("\n") == 1

    def test_a_graph_too_large_to_step_through_ends_with_1_and_says_what_to_do(
        self, said, tmp_path
    ):
        code, _, err = said("steps", "+".join(["x"] * 400), "x=3", "-o", tmp_path / "a.html")
        assert code == 1
        assert "limit" in err
        assert not (tmp_path / "a.html").exists()

    def test_a_large_graph_is_drawn_folded(self, said, tmp_path):
        code, _, err = said("draw", "+".join(["x"] * 1500), "x=3", "-o", tmp_path / "a.svg")
        assert (code, err) == (0, "")
        assert "fold" in (tmp_path / "a.svg").read_text("utf-8")

    def test_a_reader_that_stops_early_gets_no_traceback(self):
        done = subprocess.run(
            f"'{sys.executable}' -m viz draw 'x * x' x=3 | true",
            shell=True,
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        assert done.stderr == ""

    def test_a_terminal_that_cannot_show_chinese_still_gets_its_table(self):
        done = subprocess.run(
            [sys.executable, "-m", "viz", "grad", "苹果 * 2", "苹果=100"],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        )
        assert b"200" in done.stdout


class TestHelp:
    @pytest.mark.parametrize("words", [["--help"], ["grad", "--help"], ["draw", "--help"]])
    def test_it_teaches_by_examples_that_run(self, said, words, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        code, out, _ = said(*words)
        assert code == 0
        examples = [line for line in out.split("\n") if line.startswith("  autograd-bp ")]
        assert len(examples) >= 3
        for example in examples:
            assert said(*shlex.split(example)[1:])[0] == 0, example

    def test_the_version_is_told(self, said):
        assert said("--version") == (0, f"autograd-bp {ab.__version__}\n", "")

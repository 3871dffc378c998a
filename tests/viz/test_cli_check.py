"""The command `autograd-bp check`: what it finds, what it prints, how it ends."""

import os
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest

from viz.checking import CheckError, interval
from viz.cli import main

ROOT = Path(__file__).parents[2]
RULES = """\
import numpy as np
import autograd_bp as ab
from helper import ten

decibel = ab.scalar_rule(
    "decibel_of_the_command(x)",
    "10 * log10(x)",
    d="10 / ln10 / x",
    domain=ab.Interval(0.0, closed=(False, False)),
)
wrong = ab.scalar_rule("wrong_for_the_command(x)", "x * x * x", d="2 * x * x")
not_checkable = 3


def half_the_line(x):
    return np.log(x)


class Halves:
    mean = staticmethod(lambda x: np.mean(x))


class Double(ab.Function):
    def forward(self, x):
        return 2.0 * x

    def backward(self, g):
        return 2.0 * g
"""


@pytest.fixture
def said(capsys):
    """Runs the command and returns its exit code, standard output and standard error."""

    def run(*words):
        code = main(list(map(str, words)))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with rules of one's own in a file and in a package."""
    (tmp_path / "my_rules.py").write_text(RULES)
    (tmp_path / "helper.py").write_text("ten = 10.0\n")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("")
    (tmp_path / "my_package" / "my_rules.py").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestTargets:
    def test_a_row_of_the_sheet_is_checked_by_its_name(self, said):
        code, out, err = said("check", "neg", "--examples", 20)
        assert (code, err) == (0, "")
        assert out.startswith("neg(x): ok\n  20 inputs judged")

    @pytest.mark.parametrize(
        "target",
        [
            "my_rules.py:decibel",
            "./my_rules.py:decibel",
            "my_rules:decibel",
            "my_package.my_rules:decibel",
            "my_package/../my_rules.py:decibel",
        ],
    )
    @pytest.mark.usefixtures("folder")
    def test_an_operation_of_ones_own_is_checked_by_its_place(self, said, target):
        code, out, err = said("check", target, "--examples", 10)
        assert (code, err) == (0, "")
        assert out.startswith("decibel_of_the_command(x): ok")

    def test_a_file_elsewhere_may_import_its_neighbours(self, said, folder, monkeypatch):
        (folder / "elsewhere").mkdir()
        monkeypatch.chdir(folder / "elsewhere")
        assert said("check", folder / "my_rules.py:decibel", "--examples", 5)[0] == 0
        assert str(folder) not in sys.path

    @pytest.mark.parametrize(("name", "shown"), [("Double", "Double(x)"), ("Halves.mean", "(x)")])
    @pytest.mark.usefixtures("folder")
    def test_a_class_and_a_plain_function_are_checked_too(self, said, name, shown):
        code, out, _ = said("check", f"my_rules.py:{name}", "--examples", 10)
        assert code == 0, out
        assert shown in out.splitlines()[0]

    def test_a_file_called_as_a_module_is_takes_no_ones_place(self, said, folder):
        (folder / "json.py").write_text(RULES)
        import json

        assert said("check", "json.py:decibel", "--examples", 5)[0] == 0
        assert sys.modules["json"] is json

    @pytest.mark.parametrize("target", ["my_rules:decibel", "my_rules.py:decibel"])
    @pytest.mark.usefixtures("folder")
    def test_modules_of_the_same_names_from_a_folder_left_behind_step_aside(
        self, said, tmp_path, monkeypatch, target
    ):
        for name in ("my_rules", "helper"):
            stale = types.ModuleType(name)
            stale.__file__ = str(tmp_path / "left" / f"{name}.py")
            monkeypatch.setitem(sys.modules, name, stale)
        assert said("check", target, "--examples", 5)[0] == 0
        assert sys.modules["helper"] is stale

    @pytest.mark.parametrize("target", ["my_rules:decibel", "my_package.my_rules:decibel"])
    def test_a_module_that_was_changed_is_read_again(self, said, folder, target):
        assert said("check", target, "--examples", 5)[0] == 0
        for file in folder.rglob("my_rules.py"):
            file.write_text(RULES.replace('d="10 / ln10 / x"', 'd="1 / ln10 / x * 20 / 2.5"'))
        assert said("check", target, "--examples", 5)[0] == 1
        assert not {"my_rules", "my_package", "helper"} & set(sys.modules)

    def test_a_folder_without_an_init_file_is_a_package_too(self, said, folder):
        (folder / "my_namespace").mkdir()
        (folder / "my_namespace" / "my_rules.py").write_text(RULES)
        assert said("check", "my_namespace.my_rules:decibel", "--examples", 5)[0] == 0
        assert not [name for name in sys.modules if name.startswith("my_")]


class TestReports:
    @pytest.mark.usefixtures("folder")
    def test_a_wrong_rule_ends_with_1_and_shows_the_simplest_input(self, said):
        code, out, err = said("check", "my_rules.py:wrong")
        assert (code, err) == (1, "")
        assert out.startswith("wrong_for_the_command(x): NOT OK")
        assert "VJP equals the oracle's by x" in out
        assert re.search(r"^x = ab\.Tensor\(-?[\d.]+, name='x'\)$", out, re.MULTILINE)

    @pytest.mark.usefixtures("folder")
    def test_the_same_command_prints_the_same(self, said):
        words = ["check", "my_rules.py:wrong", "--seed", 3, "--examples", 20]
        assert said(*words) == said(*words)

    def test_planted_faults_are_reported_on_request(self, said):
        code, out, _ = said("check", "neg", "--mutate")
        assert code == 0
        found, planted = re.search(r"planted faults found: (\d+) of (\d+)", out).groups()
        assert found == planted
        assert int(planted) > 5

    @pytest.mark.usefixtures("folder")
    def test_the_domain_can_be_given(self, said):
        words = ["check", "my_rules.py:half_the_line", "--examples", 40]
        code, out, _ = said(*words)
        assert code == 1
        assert "Declare the domain" in out
        assert said(*words, "--domain", "0,inf")[0] == 0

    def test_a_domain_may_be_given_for_each_argument_and_be_negative(self, said):
        words = ["check", "add", "--examples", 10]
        assert said(*words, "--domain", "-1,1", "--domain", "-inf, 1/3")[0] == 0

    def test_nothing_is_left_in_the_folder(self, said, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert said("check", "exp", "--examples", 10)[0] == 0
        done = command("check", "exp", "--examples", "10", cwd=tmp_path)
        assert done.returncode == 0
        assert not list(tmp_path.iterdir())


class TestErrors:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["thanh"], "did you mean tanh?"),
            (["nothing_like_it"], "file.py:name"),
            (["my_rules.py"], "my_rules.py:name"),
            ([":decibel"], "file.py:name"),
            (["my_rules.py:"], "file.py:name"),
            (["my_rules.py:decibl"], "did you mean decibel?"),
            (["my_rules.py:qqq"], "it has decibel"),
            (["nowhere.py:decibel"], "no file nowhere.py"),
            (["nowhere:decibel"], "No module named 'nowhere'"),
            (["broken.py:rule"], "broken.py, line 3: FormulaError"),
            (["ends.py:rule"], "SystemExit"),
            (["my_rules.py:not_checkable"], "not int"),
            (["my_rules.py:np"], "not module"),
            (["tanh", "--domain", "1"], "not an interval"),
            (["tanh", "--domain", "a,b"], "'a'"),
            (["tanh", "--domain", "2,1"], "below"),
            (["tanh", "--domain", "nan,1"], "below"),
            (["tanh", "--domain", "[1, 2]"], "not an interval"),
            (["add", "--domain", "0,1", "--domain", "0,1", "--domain", "0,1"], "2 arguments"),
            (["tanh", "--examples", "0"], "at least 1"),
            (["tanh", "--examples", "many"], "many"),
            (["tanh", "--seed", "x"], "'x'"),
            (["tanh", "exp"], "exp"),
            ([], "target"),
        ],
    )
    def test_what_cannot_be_checked_ends_with_2_and_one_message(self, said, folder, words, told):
        (folder / "broken.py").write_text(
            "import autograd_bp as ab\n\nrule = ab.scalar_rule('f(x)', 'x &', d='1')\n"
        )
        (folder / "ends.py").write_text("raise SystemExit(0)\n")
        code, out, err = said("check", *words)
        assert (code, out) == (2, "")
        assert told in err
        assert err.startswith("autograd-bp")
        assert "Traceback" not in err

    @pytest.mark.parametrize("missing", ["hypothesis", "mpmath"])
    def test_without_the_kits_libraries_it_says_what_to_install(self, missing, tmp_path):
        (tmp_path / f"{missing}.py").write_text(
            f"raise ModuleNotFoundError(\"No module named '{missing}'\", name='{missing}')\n"
        )
        done = command("check", "tanh", path=f"{tmp_path}{os.pathsep}{ROOT}")
        assert (done.returncode, done.stdout) == (2, "")
        assert f"needs {missing}" in done.stderr
        assert "pip install 'autograd-bp[testing]'" in done.stderr
        assert done.stderr.count("\n") == 1

    def test_an_interval_says_what_is_wrong_with_it(self):
        assert interval("-1, pi / 2")[0] == -1.0
        with pytest.raises(CheckError, match="0,inf"):
            interval("0 inf")


class TestHelp:
    @pytest.mark.usefixtures("folder")
    def test_it_teaches_by_examples_that_run(self, said, folder):
        (folder / "my_rules.py").write_text(RULES.replace("decibel = ", "swish = decibel = "))
        text = RULES.replace("decibel = ", "Decibel = decibel = ")
        (folder / "my_package" / "my_rules.py").write_text(text)
        code, out, _ = said("check", "--help")
        assert code == 0
        examples = [line for line in out.split("\n") if line.startswith("  autograd-bp ")]
        assert len(examples) >= 4
        for example in examples:
            assert said(*shlex.split(example)[1:])[0] == 0, example


def test_other_commands_do_not_import_the_kit():
    program = (
        "import sys; from viz.cli import main; main(['grad', 'x * x', 'x=3']); "
        "print(sorted({'hypothesis', 'mpmath', 'sympy', 'autograd_bp.testing'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def command(*words, cwd=ROOT, path=str(ROOT)):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "viz", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

"""What the documents show is what happens: programs run, commands print what is shown."""

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from viz.cli import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
COMMAND = re.compile(r"^\$ autograd-bp (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)

document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def blocks(path, language):
    """The fenced blocks of a document that are marked with `language`."""
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@document
def test_sessions_in_a_document_give_the_results_shown(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = "\n".join(block for block in blocks(path, "python") if block.startswith(">>>"))
    test = doctest.DocTestParser().get_doctest(session, {}, path.name, str(path), 0)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    said = []
    runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)


@document
def test_programs_in_a_document_run_one_after_the_other(path, tmp_path):
    program = "\n".join(block for block in blocks(path, "python") if not block.startswith(">>>"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@document
def test_commands_in_a_document_print_what_is_shown(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for block in blocks(path, "console"):
        for line, shown in COMMAND.findall(block):
            assert main(shlex.split(line)) == 0, capsys.readouterr().err
            printed = capsys.readouterr().out
            if shown.strip():
                assert printed.split("\n") == shown.split("\n"), line

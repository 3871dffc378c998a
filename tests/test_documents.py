"""What the documents show is what happens: programs run, commands print what is shown.

A fenced block is marked with what it is:

- `python`: a program, or a session if it begins with `>>>`. The programs of a document run one
  after the other. What a `print` gives is written in a comment behind it, or on lines below it;
  `...` stands for anything. A program that begins with the name of a file, `# my_rules.py`, is also
  written to that file.
- `console`: commands `$ autograd-bp ...` and `$ python -m pytest ...`, each with what it prints, if
  that is shown. They end with 0, unless `$ echo $?` says otherwise.
- `sh`: `make` and its targets.
- `py`: rows quoted from the rule sheet.
"""

import ast
import doctest
import io
import re
import shlex
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path

import pytest

from viz.cli import main

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README, README_ZH = ROOT / "README.md", ROOT / "README.zh-CN.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
NAMED = re.compile(r"# (\w+\.py)\n")
FENCE = re.compile(r"^```(\S*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)|\bsrc=\"([^\"]+)\"")

document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def blocks(path, language):
    """The fenced blocks of a document that are marked with `language`."""
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [block for mark, block in found if mark == language]


def prose(path):
    """A document without its fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def promised(program):
    """What the comments of a program say that its prints give."""
    lines, after_print = [], False
    for line in program.splitlines():
        text, _, comment = line.strip().partition("# ")
        if text.startswith("print("):
            after_print = True
        elif text:
            after_print = False
        if after_print and comment:
            lines.append(comment)
    return lines


def write_files(folder, programs):
    """Write the programs that name a file; a later one replaces an earlier one."""
    for program in programs:
        if named := NAMED.match(program):
            (folder / named[1]).write_text(program, encoding="utf-8")


def run_python(folder, *words):
    """Python in a process of its own, with every warning an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


# -- what is shown is what happens ----------------------------------------------------------------


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
    programs = [block for block in blocks(path, "python") if not block.startswith(">>>")]
    write_files(tmp_path, programs)
    (tmp_path / "program.py").write_text("\n".join(programs), encoding="utf-8")
    done = run_python(tmp_path, "program.py")
    assert done.returncode == 0, done.stderr
    expected = "\n".join([*(line for program in programs for line in promised(program)), ""])
    assert doctest.OutputChecker().check_output(expected, done.stdout, FLAGS), done.stdout


@document
def test_commands_in_a_document_print_what_is_shown(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    checker = doctest.OutputChecker()
    code = 0
    for mark, block in FENCE.findall(path.read_text(encoding="utf-8")):
        if mark == "python":
            write_files(tmp_path, [block])
        if mark != "console":
            continue
        for line, shown in COMMAND.findall(block):
            words = shlex.split(line)
            if words == ["echo", "$?"]:
                assert shown == f"{code}\n"
                code = 0
                continue
            assert code == 0, capsys.readouterr()
            if words[0] == "autograd-bp":
                code, printed = main(words[1:]), capsys.readouterr().out
            else:
                assert words[:3] == ["python", "-m", "pytest"]
                done = run_python(tmp_path, *words[1:])
                code, printed = done.returncode, done.stdout
            if shown.strip():
                assert checker.check_output(shown, printed, doctest.ELLIPSIS), (line, printed)
    assert code == 0, capsys.readouterr()


@document
def test_make_commands_in_a_document_are_targets(path):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for line in "".join(blocks(path, "sh")).splitlines():
        command, target = line.split()
        assert command == "make"
        assert target in targets


@document
def test_rows_quoted_in_a_document_are_on_the_rule_sheet(path):
    pages = (ROOT / "autograd_bp" / "rules").glob("*.py")
    trees = [ast.parse(page.read_text(encoding="utf-8")) for page in pages]
    rows = {ast.dump(n) for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call)}
    for block in blocks(path, "py"):
        for statement in ast.parse(block).body:
            assert isinstance(statement, ast.Expr)
            assert ast.dump(statement.value) in rows, ast.unparse(statement)


@document
def test_files_that_a_document_links_to_exist(path):
    targets = {link or source for link, source in LINK.findall(prose(path))}
    local = {target for target in targets if "://" not in target}
    missing = {target for target in local if not (path.parent / target).exists()}
    assert not missing


# -- the front door -------------------------------------------------------------------------------


def test_the_comparison_in_the_readme_is_that_of_the_full_table():
    rows = [line for line in prose(README).splitlines() if re.match(r"\|[^|]+ \d+\.\d", line)]
    assert len(rows) == 6
    full = (ROOT / "docs" / "edges.md").read_text(encoding="utf-8")
    assert "\n".join(rows) in full


# -- the two READMEs are kept in step -------------------------------------------------------------


def untranslated(language, block):
    """A code block without what a translation may change: comments, and strings in programs."""
    if language != "python":
        return block
    kinds = tokenize.COMMENT, tokenize.NL
    tokens = tokenize.generate_tokens(io.StringIO(block).readline)
    return [
        "a string" if token.type == tokenize.STRING else token.string
        for token in tokens
        if token.type not in kinds
    ]


def test_both_readmes_have_the_same_code():
    first, second = (
        [
            (mark, untranslated(mark, block))
            for mark, block in FENCE.findall(path.read_text("utf-8"))
        ]
        for path in (README, README_ZH)
    )
    assert first == second


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"\]\((?!README)[^)]+\)|src=\"[^\"]+\"", id="links"),
        pytest.param(r"`[^`]+`", id="names"),
        pytest.param(r"\d+(?:\.\d+)*", id="figures"),
    ],
)
def test_both_readmes_have_the_same(pattern):
    first, second = (Counter(re.findall(pattern, prose(path))) for path in (README, README_ZH))
    assert first == second


def test_both_readmes_have_headings_and_tables_in_the_same_order():
    first, second = (
        re.findall(r"^#+(?= )|^\|(?=.*\|$)", prose(path), re.MULTILINE)
        for path in (README, README_ZH)
    )
    assert first == second


def test_each_readme_links_to_the_other():
    assert f"]({README_ZH.name})" in prose(README)
    assert f"]({README.name})" in prose(README_ZH)

"""What `docs/architecture.md` claims: one row adds an operation, and imports run one way."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"

NEW_OPERATION = """
import numpy as np
import autograd_bp as ab
import viz

x = ab.Value(-3.0, name="x")
y = ab.softsign(x)
y.backward()
assert (y.data, x.grad) == (-0.75, 0.0625), (y.data, x.grad)
t = ab.Tensor([1.0, -3.0])
ab.softsign(t).sum().backward()
assert t.grad.tolist() == [0.25, 0.0625]
assert ab.softsign(np.array([1.0])).tolist() == [0.5]
assert ab.grad(ab.grad(ab.softsign))(1.0) == -0.25
assert ab.jvp(ab.softsign, (1.0,), (2.0,)) == (0.5, 0.5)
assert "square(1 / (1 + abs(x)))" in ab.softsign.__doc__
assert "softsign" in viz.draw(y).svg
"""


def apply_diff(document: Path, root: Path) -> None:
    """Apply the one-hunk diffs of a Markdown file below `root`."""
    diffs = re.findall(r"```diff\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
    assert diffs
    for diff in diffs:
        header, hunk = diff.split("@@\n")
        path = root / re.findall(r"\+\+\+ b/(\S+)", header)[0]
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        text = path.read_text("utf-8")
        assert text.count(before) == 1, f"the diff does not apply to {path.name}"
        path.write_text(text.replace(before, after), "utf-8")


@pytest.fixture(scope="module")
def with_new_row(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the diff of the document applied."""
    root = tmp_path_factory.mktemp("copy")
    for package in ("autograd_bp", "viz", "tests"):
        shutil.copytree(
            ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", root)
    apply_diff(DOCUMENT, root)
    return root


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_row_adds_an_operation_that_every_reader_knows(with_new_row: Path) -> None:
    result = run(with_new_row, "-c", NEW_OPERATION)
    assert result.returncode == 0, result.stderr


def test_one_row_adds_an_operation_to_the_command_line(with_new_row: Path) -> None:
    result = run(with_new_row, "-m", "viz", "grad", "softsign(x)", "x=1")
    assert result.returncode == 0, result.stderr
    assert "0.25" in result.stdout


def test_one_row_is_tested_by_the_factory_that_tests_every_row(with_new_row: Path) -> None:
    result = run(
        with_new_row,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "softsign",
        "tests/rules",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed, result.stdout
    assert int(passed[1]) >= 3, result.stdout


def imports(path: Path) -> set[str]:
    """The modules of the project that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in ("autograd_bp", "viz", "examples")}


def modules(package: str) -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def test_the_engine_never_imports_pictures_and_rules_import_nothing_above_them() -> None:
    for name, path in modules("autograd_bp").items():
        for imported in imports(path):
            assert imported.startswith("autograd_bp"), f"{name} imports {imported}"
            if name.startswith("autograd_bp.rules"):
                assert imported.startswith("autograd_bp.rules"), f"{name} imports {imported}"


def test_there_is_no_import_cycle() -> None:
    known = {**modules("autograd_bp"), **modules("viz")}
    graph = {
        name: {
            imported
            for imported in imports(path)
            if imported in known
            and imported != name
            # A package's own front page is not a dependency of what is inside it.
            and not name.startswith(f"{imported}.")
        }
        for name, path in known.items()
    }
    # Names that are only for type checkers do not run.
    graph["autograd_bp.rules.readings"] -= {"autograd_bp.rules.rule"}
    graph["autograd_bp.recording"] -= {"autograd_bp.node"}
    remaining = dict(graph)
    while remaining:
        free = [name for name, needs in remaining.items() if not needs & remaining.keys()]
        assert free, f"these import each other: {sorted(remaining)}"
        for name in free:
            del remaining[name]


def test_only_one_module_of_viz_knows_the_engine_inside() -> None:
    for name, path in modules("viz").items():
        for imported in imports(path):
            if name == "viz.checking" and imported.startswith("autograd_bp.testing"):
                continue  # the kit's command
            if imported.startswith("autograd_bp."):
                public = imported.removeprefix("autograd_bp.").split(".")[0]
                assert public in (
                    "graph",
                    "expression",
                    "text_width",
                    "Value",
                    "Tensor",
                    "functions",
                    "testing",
                ), f"{name} imports {imported}"

"""docs/export.md is what the program writes."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("jax")
pytest.importorskip("onnx")

from autograd_bp import nn  # noqa: E402
from autograd_bp.export.table import main, page  # noqa: E402
from autograd_bp.function import BUILT_IN  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_the_one_that_is_written_now(tmp_path: Path) -> None:
    assert main([str(tmp_path / "export.md")]) == 0
    written = (tmp_path / "export.md").read_text(encoding="utf-8")
    assert (DOCS / "export.md").read_text(encoding="utf-8") == written, (
        "write it again: python -m autograd_bp.export.table docs/export.md"
    )


def test_every_row_and_every_layer_is_there() -> None:
    text = page()
    for name in BUILT_IN:
        assert f"\n| `{name}` |" in text
    for name in nn.__all__:
        if isinstance(getattr(nn, name), type):
            assert f"\n| `{name}` |" in text


def test_without_a_file_the_usage_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err

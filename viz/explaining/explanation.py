"""What `viz.explain` gives: an explanation that prints itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from viz.explaining import in_latex, in_text
from viz.explaining.account import Account


class Explanation(Account):
    """Where a gradient comes from, as made by `viz.explain`. Prints itself, shows itself.

    A snapshot: it holds no node, and later changes to the graph do not reach it. See `Account` for
    its attributes: `gradient`, `count`, `paths` (each with `names`, `factors`, `product`), `share`.
    """

    __slots__ = ()

    @property
    def text(self) -> str:
        """As plain text."""
        return in_text.text(self)

    @property
    def markdown(self) -> str:
        """As Markdown, with mathematics between dollar signs."""
        return in_latex.markdown(self)

    @property
    def latex(self) -> str:
        """As LaTeX; needs the package amsmath."""
        return in_latex.latex(self)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_mimebundle_(
        self,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
    ) -> dict[str, Any]:
        """What a notebook shows."""
        wanted = {"text/markdown", "text/plain"} if include is None else set(include)
        wanted -= set(exclude or ())
        made = {"text/markdown": self.markdown, "text/latex": self.latex, "text/plain": self.text}
        return {kind: content for kind, content in made.items() if kind in wanted}

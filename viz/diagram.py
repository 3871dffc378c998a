"""A drawn graph: asked for a format, it renders it."""

import os
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from viz import render
from viz.emit.dot import dot
from viz.emit.html import page
from viz.emit.json import to_json
from viz.emit.pdf import pdf
from viz.emit.svg import size, svg
from viz.emit.tree import tree
from viz.errors import GraphTooLarge, RenderTimeout
from viz.layout import Layout, place
from viz.picture import Picture
from viz.scene import Scene
from viz.theme import Theme

# Of the time that is left, what one attempt at a layout may take before a coarser one is tried.
_SHARE = 0.6


class Diagram:
    """A picture of a computation, as made by `viz.draw`. Shows itself in a notebook.

    It is a snapshot: later changes to the graph or to its data do not reach it. The layout is
    computed once, when an image is first asked for; that is when the deadline counts and
    `RenderTimeout` or `GraphTooLarge` may be raised. `dot` needs no layout.
    """

    def __init__(
        self,
        picture: Picture,
        scene: Scene,
        theme: Theme,
        deadline: float,
        *coarser: Scene,
        digits: int = 4,
    ) -> None:
        """`coarser` scenes of the same graph are for when the layout takes too long."""
        self.picture: Final = picture
        self._scenes = (scene, *coarser)
        self._theme = theme
        self._digits = digits
        self._deadline = deadline
        self._drawn: tuple[Scene, Layout] | None = None
        self._svg: str | None = None

    @property
    def dot(self) -> str:
        """The graph as DOT text, for a system Graphviz."""
        return dot(self._scenes[0], self._theme)

    @property
    def svg(self) -> str:
        """The picture as SVG text: the same bytes for the same graph, on every machine."""
        if self._svg is None:
            self._svg = svg(*self._placed(), self._theme)
        return self._svg

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as a PNG file's content, `scale` pixels for each pixel of the SVG.

        Text is drawn with the fonts of this machine: names in Chinese need one that has Chinese
        characters (on Debian and Ubuntu: fonts-noto-cjk). Raises `ValueError` for a scale that is
        not positive, `GraphTooLarge` when there would be more than 200 million pixels.
        """
        return render.png(self.svg, *size(*self._placed()), scale)

    def pdf(self) -> bytes:
        """The picture as a PDF file's content: lines and letters, of any size.

        Raises `DrawError` where matplotlib is not installed.
        """
        return pdf(self.svg)

    @property
    def json(self) -> str:
        """What the picture shows as JSON text, for other programs: see docs/picture-format.md.

        `viz.from_json` reads it.
        """
        return to_json(self.picture)

    @property
    def text(self) -> str:
        """What the picture shows as lines of text: a tree of operations over their operands."""
        return tree(self.picture, self._digits)

    def html(self) -> str:
        """The picture as an HTML page of its own, which runs no script and loads nothing."""
        return page(self.svg, self._scenes[0].title or "Computation graph", self._theme)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to `path`, as its suffix says.

        The suffixes are .svg, .png, .pdf, .html, .dot, .json (see `json`) and .txt (see `text`).
        The file appears whole or not at all. Returns the path; raises `ValueError` for any other
        suffix.

        >>> import tempfile, pathlib
        >>> import autograd_bp as ab
        >>> import viz
        >>> x = ab.Value(3.0, name="x")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     viz.draw(x * x).save(pathlib.Path(folder) / "square.svg").name
        'square.svg'
        """
        target = Path(path)
        match target.suffix.lower():
            case ".svg":
                content = self.svg.encode()
            case ".png":
                content = self.png()
            case ".html":
                content = self.html().encode()
            case ".dot":
                content = self.dot.encode()
            case ".pdf":
                content = self.pdf()
            case ".json":
                content = self.json.encode()
            case ".txt":
                content = self.text.encode("utf-8", "replace")
            case _:
                raise ValueError(
                    f"cannot save a picture as {target.name!r}: the suffix must be one of .svg, "
                    ".png, .html, .dot, .pdf, .json, .txt"
                )
        _write(target, content)
        return target

    def __repr__(self) -> str:
        nodes, edges = len(self.picture.nodes), len(self.picture.edges)
        return f"<viz.Diagram of {nodes} nodes and {edges} edges>"

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(
        self,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
    ) -> dict[str, str | bytes]:
        """What a notebook shows; a PNG only where one is asked for by name."""
        wanted = {"image/svg+xml", "text/plain"} if include is None else set(include)
        wanted -= set(exclude or ())
        makers: dict[str, Callable[[], str | bytes]] = {
            "image/svg+xml": lambda: self.svg,
            "image/png": self.png,
            "text/html": self.html,
            "text/plain": lambda: repr(self),
        }
        return {kind: make() for kind, make in makers.items() if kind in wanted}

    def _placed(self) -> tuple[Scene, Layout]:
        # Not a cached_property: that of Python 3.11 has one lock for all diagrams.
        if self._drawn is None:
            self._drawn = _laid_out(self._scenes, self._deadline)
        return self._drawn


def _laid_out(scenes: Sequence[Scene], deadline: float) -> tuple[Scene, Layout]:
    """The first of `scenes` that can be laid out in time, which says so if it is not the first."""
    end = time.monotonic() + deadline
    trouble: tuple[str, ...] = ()
    for scene in scenes[:-1]:
        told = replace(scene, remarks=(*trouble, *scene.remarks))
        try:
            return told, place(told, (end - time.monotonic()) * _SHARE)
        except (RenderTimeout, GraphTooLarge) as error:
            if time.monotonic() >= end:
                raise
            failed = "takes too long" if isinstance(error, RenderTimeout) else "is too large"
            trouble = (f"the full picture {failed} to lay out: this one is folded further",)
    told = replace(scenes[-1], remarks=(*trouble, *scenes[-1].remarks))
    return told, place(told, end - time.monotonic())


def _write(target: Path, content: bytes) -> None:
    """Write beside the target, then rename: no reader sees half a file."""
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)

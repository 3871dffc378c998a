"""Styles: each turns a picture into a scene, knowing neither the engine nor Graphviz."""

from collections.abc import Callable
from typing import Final

from viz.picture import Picture
from viz.scene import Direction, Scene
from viz.styles.nodes import nodes
from viz.styles.textbook import textbook

Style = Callable[[Picture, Direction, int, str | None], Scene]
STYLES: Final[dict[str, Style]] = {"textbook": textbook, "nodes": nodes}

__all__ = ["STYLES", "Style", "nodes", "textbook"]

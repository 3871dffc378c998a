"""Styles: each turns a picture into a scene, knowing neither the engine nor Graphviz."""

from typing import Final, Protocol

from viz.picture import Picture
from viz.scene import Direction, Look, Scene
from viz.styles.nodes import nodes
from viz.styles.textbook import textbook


class Style(Protocol):
    """Turns a picture into a scene: its direction, the digits of its numbers, a title, a look."""

    def __call__(
        self,
        picture: Picture,
        direction: Direction,
        digits: int,
        title: str | None,
        look: Look = ...,
        /,
    ) -> Scene:
        """The scene."""


STYLES: Final[dict[str, Style]] = {"textbook": textbook, "nodes": nodes}

__all__ = ["STYLES", "Style", "nodes", "textbook"]

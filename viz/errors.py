"""What can go wrong when a graph is drawn, each with a type of its own."""


class DrawError(Exception):
    """A picture could not be made. The message says why and what to do."""


class GraphTooLarge(DrawError):  # noqa: N818 - reads as what it says: `except viz.GraphTooLarge`
    """The graph has more nodes or edges than a picture can show, or than Graphviz can lay out."""


class RenderTimeout(DrawError):  # noqa: N818
    """The layout took longer than the deadline, and was stopped."""

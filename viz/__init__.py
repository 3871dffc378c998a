"""Pictures of computation graphs: `viz.draw(node)` makes a `Diagram`."""

from viz.diagram import Diagram
from viz.drawing import draw
from viz.errors import DrawError, GraphTooLarge, RenderTimeout
from viz.theme import Theme

__all__ = ["Diagram", "DrawError", "GraphTooLarge", "RenderTimeout", "Theme", "draw"]

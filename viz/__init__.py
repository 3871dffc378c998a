"""Pictures and explanations of computation graphs.

`viz.draw(node)` makes a `Diagram`, `viz.explain(node, wrt=x)` an `Explanation`.
"""

from viz.diagram import Diagram
from viz.drawing import draw
from viz.errors import DrawError, GraphTooLarge, RenderTimeout
from viz.explaining import Explanation, explain
from viz.theme import Theme

__all__ = [
    "Diagram",
    "DrawError",
    "Explanation",
    "GraphTooLarge",
    "RenderTimeout",
    "Theme",
    "draw",
    "explain",
]

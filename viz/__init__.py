"""Pictures and explanations of computation graphs.

`viz.draw(node)` makes a `Diagram`, `viz.explain(node, wrt=x)` an `Explanation`, `viz.steps(node)` a
page that goes through the computation step by step.
"""

from viz.diagram import Diagram
from viz.drawing import draw
from viz.errors import DrawError, GraphTooLarge, RenderTimeout
from viz.explaining import Explanation, explain
from viz.stepping import Recording, Steps, steps
from viz.theme import Theme

__all__ = [
    "Diagram",
    "DrawError",
    "Explanation",
    "GraphTooLarge",
    "Recording",
    "RenderTimeout",
    "Steps",
    "Theme",
    "draw",
    "explain",
    "steps",
]

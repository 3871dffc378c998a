"""Pictures and explanations of computation graphs.

`viz.draw(node)` makes a `Diagram`, `viz.explain(node, wrt=x)` an `Explanation`, `viz.steps(node)` a
page that goes through the computation step by step, and `viz.gradient_flow(model or history)` tells
how gradients fare from layer to layer and over training.
"""

from viz.diagram import Diagram
from viz.drawing import draw
from viz.errors import DrawError, GraphTooLarge, RenderTimeout
from viz.explaining import Explanation, explain
from viz.flowing import GradientFlow, gradient_flow
from viz.stepping import Recording, Steps, steps
from viz.theme import Theme

__all__ = [
    "Diagram",
    "DrawError",
    "Explanation",
    "GradientFlow",
    "GraphTooLarge",
    "Recording",
    "RenderTimeout",
    "Steps",
    "Theme",
    "draw",
    "explain",
    "gradient_flow",
    "steps",
]

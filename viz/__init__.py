"""Pictures and explanations of computation graphs.

`viz.draw(node)` makes a `Diagram`, `viz.text(node)` a tree of text. `viz.scalars(tensor, index)`
draws how one entry of an array is made, `viz.backward_graph(node)` the backward pass as a graph of
its own, `viz.diff(first, second)` where two runs differ. `viz.explain(node, wrt=x)` makes an
`Explanation`, `viz.steps(node)` a page that goes through the computation step by step, and
`viz.gradient_flow(model or history)` tells how gradients fare from layer to layer and over
training.
"""

from viz.backward import backward_graph
from viz.comparison import diff
from viz.diagram import Diagram
from viz.drawing import draw
from viz.emit.json import from_json
from viz.errors import DrawError, GraphTooLarge, RenderTimeout
from viz.explaining import Explanation, explain
from viz.flowing import GradientFlow, gradient_flow
from viz.picture import Picture
from viz.stepping import Recording, Steps, steps
from viz.terminal import text  # (takes the name of the module viz.text here)
from viz.theme import Theme
from viz.zoom import scalar_graph, scalars

__all__ = [
    "Diagram",
    "DrawError",
    "Explanation",
    "GradientFlow",
    "GraphTooLarge",
    "Picture",
    "Recording",
    "RenderTimeout",
    "Steps",
    "Theme",
    "backward_graph",
    "diff",
    "draw",
    "explain",
    "from_json",
    "gradient_flow",
    "scalar_graph",
    "scalars",
    "steps",
    "text",
]

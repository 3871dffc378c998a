"""`viz.steps`: a computation forward and backward, one step after the other, as a page."""

from viz.stepping.recording import Recording
from viz.stepping.steps import Steps, steps

__all__ = ["Recording", "Steps", "steps"]

"""`viz.gradient_flow`: how gradients fare on their way through the layers, and over training."""

from viz.flowing.findings import Finding
from viz.flowing.flow import GradientFlow, gradient_flow

__all__ = ["Finding", "GradientFlow", "gradient_flow"]

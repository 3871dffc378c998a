"""`viz.explain`: where a gradient comes from, path by path."""

from viz.explaining.explain import explain
from viz.explaining.explanation import Explanation

__all__ = ["Explanation", "explain"]

"""Training: `fit`, the `History` it gives, and checkpoints that resume to the last bit."""

from autograd_bp.training.fitting import fit
from autograd_bp.training.history import History
from autograd_bp.training.metrics import accuracy, evaluate
from autograd_bp.training.trainer import DivergedError

__all__ = ["DivergedError", "History", "accuracy", "evaluate", "fit"]

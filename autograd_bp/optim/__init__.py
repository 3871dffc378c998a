"""Optimisers, schedules of the learning rate, gradient clipping, and SciPy's minimisers.

>>> import autograd_bp as ab
>>> w = ab.Tensor([1.0, -2.0], name="w")
>>> optimizer = ab.optim.SGD([w], lr=0.1)
>>> (w * w).sum().backward()
>>> optimizer.step()
>>> w.data
array([ 0.8, -1.6])
"""

from autograd_bp.optim.adam import Adam, AdamW
from autograd_bp.optim.optimizer import Optimizer, ParamGroup
from autograd_bp.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "ParamGroup"]

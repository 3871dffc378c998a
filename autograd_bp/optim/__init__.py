"""Optimisers, schedules of the learning rate, gradient clipping, and SciPy's minimisers.

>>> import autograd_bp as ab
>>> w = ab.Tensor([1.0, -2.0], name="w")
>>> optimizer = ab.optim.SGD([w], lr=0.1)
>>> (w * w).sum().backward()
>>> optimizer.step()
>>> w.data
array([ 0.8, -1.6])
"""

from autograd_bp.optim.adagrad import Adagrad
from autograd_bp.optim.adam import Adam, AdamW
from autograd_bp.optim.clipping import clip_grad_norm, clip_grad_value
from autograd_bp.optim.minimizing import minimize
from autograd_bp.optim.optimizer import Optimizer, ParamGroup
from autograd_bp.optim.rmsprop import RMSprop
from autograd_bp.optim.schedules import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    ReduceLROnPlateau,
    Schedule,
    SequentialLR,
    StepLR,
)
from autograd_bp.optim.sgd import SGD

# As the papers write them.
AdaGrad, RMSProp = Adagrad, RMSprop

__all__ = [
    "SGD",
    "AdaGrad",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "Optimizer",
    "ParamGroup",
    "RMSProp",
    "RMSprop",
    "ReduceLROnPlateau",
    "Schedule",
    "SequentialLR",
    "StepLR",
    "clip_grad_norm",
    "clip_grad_value",
    "minimize",
]

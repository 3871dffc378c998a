"""Layers, losses and initialisers: small models on the operations of `autograd_bp`.

>>> import numpy as np
>>> from autograd_bp import nn
>>> net = nn.Sequential(nn.Linear(4, 8, rng=0), nn.ReLU(), nn.Linear(8, 3, rng=1))
>>> loss = nn.cross_entropy(net(np.ones((5, 4))), [0, 1, 2, 0, 1])
>>> loss.backward()
>>> [p.grad.shape for p in net.parameters()]
[(4, 8), (8,), (8, 3), (3,)]
"""

from autograd_bp.nn import init
from autograd_bp.nn.activations import (
    ELU,
    GELU,
    Identity,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from autograd_bp.nn.containers import Sequential
from autograd_bp.nn.linear import Linear
from autograd_bp.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    huber,
    kl_divergence,
    mae,
    mse,
    quadratic_cost,
)
from autograd_bp.nn.module import Module

__all__ = [
    "ELU",
    "GELU",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Module",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge",
    "huber",
    "init",
    "kl_divergence",
    "mae",
    "mse",
    "quadratic_cost",
]

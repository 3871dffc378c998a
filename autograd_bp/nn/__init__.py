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
from autograd_bp.nn.attention import MultiHeadAttention, attention, causal_mask
from autograd_bp.nn.containers import Sequential
from autograd_bp.nn.convolution import Conv1d, Conv2d
from autograd_bp.nn.functional import functional_call
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
from autograd_bp.nn.normalisation import BatchNorm1d, BatchNorm2d, LayerNorm
from autograd_bp.nn.penalties import l1_penalty, l2_penalty
from autograd_bp.nn.pooling import AvgPool2d, MaxPool2d
from autograd_bp.nn.recurrent import GRUCell, LSTMCell, RNNCell
from autograd_bp.nn.scalar import MLP, Layer, Neuron
from autograd_bp.nn.shaping import Dropout, Embedding, Flatten

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Identity",
    "LSTMCell",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "Neuron",
    "RNNCell",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "attention",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "causal_mask",
    "cross_entropy",
    "functional_call",
    "hinge",
    "huber",
    "init",
    "kl_divergence",
    "l1_penalty",
    "l2_penalty",
    "mae",
    "mse",
    "quadratic_cost",
]

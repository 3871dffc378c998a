"""What is measured: gradient norm, ratio of update to weight, dead units; by layer and by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

import autograd_bp as ab

Course = NDArray[np.float64]
"""A figure by training step."""


@runtime_checkable
class Recorded(Protocol):
    """What a `History` of `ab.fit(..., gradient_norms=True)` holds, each by name and by step."""

    gradient_norms: Mapping[str, Sequence[float]]
    update_ratios: Mapping[str, Sequence[float]]
    zero_shares: Mapping[str, Sequence[float]]


@runtime_checkable
class Model(Protocol):
    """What has named parameters, such as an `nn.Module`."""

    def named_parameters(self) -> Sequence[tuple[str, Any]]:
        """Every parameter with its name."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Figures by layer, from the input to the output, each by step.

    Attributes
    ----------
    norms
        The norm of the gradient of all parameters of a layer.
    ratios
        The norm of an update by that of the weights that it changes.
    dead
        For each ReLU: the share of its units that are zero for the whole batch (`units` is True),
        or of zeros in its output.
    units
        What `dead` counts.
    """

    norms: Mapping[str, Course]
    ratios: Mapping[str, Course] = field(default_factory=dict)
    dead: Mapping[str, Course] = field(default_factory=dict)
    units: bool = False

    @property
    def steps(self) -> int:
        """How many training steps were seen."""
        return max((len(course) for course in self.norms.values()), default=0)


def measured(source: object, loss: object, lr: float | None) -> Measurements:
    """Measurements of a history, of courses by name, or of a model as it is now."""
    if isinstance(source, Model):
        return _of_model(source, loss, lr)
    if loss is not None or lr is not None:
        raise ValueError("loss and lr are for a model: a history has its own figures")
    if isinstance(source, Recorded):
        if not source.gradient_norms:
            raise ValueError(
                "this history has no gradient norms: train with ab.fit(..., gradient_norms=True)"
            )
        return Measurements(
            _by_layer(source.gradient_norms),
            _first_of_layer(source.update_ratios),
            {name: _course(name, course) for name, course in source.zero_shares.items()},
        )
    if isinstance(source, Mapping):
        if not source:
            raise ValueError("there is nothing to look at: the mapping is empty")
        return Measurements({str(name): _course(name, course) for name, course in source.items()})
    raise TypeError(
        "viz.gradient_flow needs a model, a History of ab.fit(..., gradient_norms=True), or a dict "
        f"of gradient norms by layer; got {type(source).__name__}"
    )


def _course(name: object, numbers: object) -> Course:
    course = np.atleast_1d(np.asarray(numbers, np.float64))
    if course.ndim != 1 or not course.size:
        raise ValueError(f"{name}: give one number for each step; got shape {course.shape}")
    return course


def layer_of(parameter: str) -> str:
    """The layer that a parameter belongs to: `hidden.0` of `hidden.0.weight`.

    The parameters of a scalar net (`nn.MLP`) belong to neurons; a layer is all of them.

    >>> layer_of("hidden.0.weight"), layer_of("W1"), layer_of("layers.0.neurons.3.w.1")
    ('hidden.0', 'W1', 'layers.0')
    """
    layer, neurons, _ = parameter.partition(".neurons.")
    if neurons:
        return layer
    return parameter.rpartition(".")[0] or parameter


def _by_layer(norms: Mapping[str, Sequence[float]]) -> dict[str, Course]:
    """Norms of parameters as norms of layers."""
    layers: dict[str, Course] = {}
    for name, numbers in norms.items():
        course, layer = _course(name, numbers), layer_of(name)
        known = layers.get(layer)
        if known is not None and len(known) != len(course):
            raise ValueError(f"{name} has {len(course)} steps, others of its layer {len(known)}")
        layers[layer] = course if known is None else np.hypot(known, course)
    return layers


def _first_of_layer(ratios: Mapping[str, Sequence[float]]) -> dict[str, Course]:
    """The ratio of a layer is that of its first parameter, the weights: biases begin at zero."""
    layers: dict[str, Course] = {}
    for name, numbers in ratios.items():
        layers.setdefault(layer_of(name), _course(name, numbers))
    return layers


def _of_model(model: Model, loss: object, lr: float | None) -> Measurements:
    named = list(model.named_parameters())
    if not named:
        raise ValueError(f"{type(model).__name__} has no parameters, so there is no gradient")
    if loss is not None and not isinstance(loss, ab.graph.Node):
        raise TypeError(f"loss must be a Value or a Tensor; got {type(loss).__name__}")
    if isinstance(loss, ab.graph.Node):
        if not loss.requires_grad:
            raise ValueError("the loss requires no gradient: was it computed under no_grad?")
        swept = ab.graph.cotangents(loss)
        gradients = {name: swept.get(parameter, 0.0) for name, parameter in named}
    else:
        gradients = {
            name: parameter.grad for name, parameter in named if parameter.grad is not None
        }
        if not gradients:
            raise ValueError(
                "no parameter of the model has a gradient yet: call loss.backward() first, or give "
                "the loss, viz.gradient_flow(model, loss=loss)"
            )
    norms = {name: [_norm(gradients.get(name, 0.0))] for name, _ in named}
    ratios = {}
    if lr is not None:
        for name, parameter in named:
            size = _norm(ab.graph.value(parameter))
            ratios[name] = [abs(lr) * norms[name][0] / size if size else float("nan")]
    dead = {} if loss is None else _dead_units(loss)
    return Measurements(_by_layer(norms), _first_of_layer(ratios), dead, units=True)


def _dead_units(loss: ab.graph.Node) -> dict[str, Course]:
    """For each ReLU that led to `loss` the share of units that are zero for the whole batch.

    A unit is an entry of the last axis; of images (batch, channels, height, width) a channel.
    """
    found: dict[str, Course] = {}
    for node, scopes in ab.graph.scopes(loss).items():
        outputs = np.asarray(ab.graph.value(node))
        if node.rule is None or node.rule.name != "relu" or not outputs.ndim:
            continue
        unit = 1 if outputs.ndim == 4 else outputs.ndim - 1
        rest = tuple(axis for axis in range(outputs.ndim) if axis != unit)
        alive = np.any(outputs > 0, axis=rest)
        name = base = scopes[-1] if scopes else node.name or "relu"
        number = 2
        while name in found:
            name, number = f"{base} ({number})", number + 1
        found[name] = np.array([1.0 - float(np.mean(alive))])
    return found


def _norm(array: object) -> float:
    return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))

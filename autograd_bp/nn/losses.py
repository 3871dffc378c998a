"""Losses: how far predictions are from their targets.

Each takes the prediction, then the target, and ``reduction``:

- ``"mean"``, the default: the average over all elements (over all samples, where a sample has one
  loss: `cross_entropy`, `quadratic_cost`);
- ``"sum"``: their sum;
- ``"batchmean"``: summed over all axes but the first, and averaged over that: over K outputs the
  sum, over the samples the mean;
- ``"none"``: as they are.

Targets are arrays, numbers or nodes, of exactly the shape of the prediction: nothing is broadcast,
since a column against a row would silently be compared all with all. Plain targets take the dtype
of the prediction.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd_bp.functions.elementwise import ELEMENTWISE, clip, where
from autograd_bp.functions.products import matmul
from autograd_bp.functions.reductions import sum as total
from autograd_bp.functions.shapes import moveaxis, one_hot
from autograd_bp.nn.comparison import (
    Reduction,
    check_reduction,
    check_unit,
    dtype_of,
    floats,
    is_traced,
    matching,
    numbers_of,
    pair,
    reduced,
)
from autograd_bp.node import Node
from autograd_bp.operands import as_operand
from autograd_bp.operations import apply, joined
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import normalized_axes, shape_of
from autograd_bp.tensor import Tensor

# -- distances ------------------------------------------------------------------------------------


def quadratic_cost(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Half the squared distance, ||prediction - target||**2 / 2, over the last axis.

    The mean is over the samples: C = 1/(2n) sum ||a - y||**2 (Nielsen 2015, equation 6).

    >>> import autograd_bp as ab
    >>> quadratic_cost(ab.Tensor([[3.0, 4.0], [0.0, 0.0]]), [[0.0, 0.0], [0.0, 2.0]])
    Tensor(7.25, op='mean')
    """
    prediction, target = pair("quadratic_cost", prediction, target)
    squares = ELEMENTWISE["square"](prediction - target)
    if shape_of(squares):
        squares = total(squares, axis=-1)
    return reduced("quadratic_cost", 0.5 * squares, reduction)


def mse(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """The squared error, (prediction - target)**2.

    >>> import autograd_bp as ab
    >>> mse(ab.Tensor([1.0, 5.0]), [1.0, 2.0])
    Tensor(4.5, op='mean')
    """
    prediction, target = pair("mse", prediction, target)
    return reduced("mse", ELEMENTWISE["square"](prediction - target), reduction)


def mae(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """The absolute error, abs(prediction - target); its derivative is 0 where that is.

    >>> import autograd_bp as ab
    >>> mae(ab.Tensor([1.0, 5.0]), [1.0, 2.0])
    Tensor(1.5, op='mean')
    """
    prediction, target = pair("mae", prediction, target)
    return reduced("mae", abs(prediction - target), reduction)


def huber(
    prediction: Any, target: Any, *, delta: float = 1.0, reduction: Reduction = "mean"
) -> Any:
    """Half the squared error up to `delta`, from there on linear (Huber 1964).

    For an error e and c, which is e limited to [-delta, delta]: c (e - c / 2).

    >>> import autograd_bp as ab
    >>> huber(ab.Tensor([1.0, 5.0]), [0.5, 2.0], reduction="none")
    Tensor([0.125, 2.5  ], op='mul')
    """
    if not (isinstance(delta, int | float | np.number) and 0 < delta < math.inf):
        raise ValueError(f"huber: delta is a number above 0, not {delta!r}")
    prediction, target = pair("huber", prediction, target)
    error = prediction - target
    limited = clip(error, -float(delta), float(delta))
    return reduced("huber", limited * (error - 0.5 * limited), reduction)


# -- classification -------------------------------------------------------------------------------


def cross_entropy(
    logits: Any,
    targets: Any,
    *,
    weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
    axis: int = -1,
) -> Any:
    """-log(softmax(logits)) of the right class.

    Logits of any size are fine, also -inf for a class that is ruled out. A loss that would be more
    than the largest float, because the right class is ruled out, say, is that float.

    Parameters
    ----------
    logits
        Shape (..., K), the classes along `axis`.
    targets
        The right classes: integers from 0 to K - 1, in the shape of `logits` without the axis of
        classes. Or probabilities, one-hot among them, in the shape of `logits`.
    weight
        How much each class counts, shape (K,). As in PyTorch the mean is then weighted: by the sum
        of the weights of the right classes if targets are integers, but by the number of samples
        if they are probabilities.
    label_smoothing
        The probability that is taken from the target and given to all classes alike (Szegedy et
        al. 2016, section 7).
    reduction
        ``"mean"`` over the samples, ``"sum"``, ``"batchmean"`` or ``"none"``.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> logits = ab.Tensor([[2.0, 0.0], [0.0, 0.0]])
    >>> loss = cross_entropy(logits, [0, 1])
    >>> loss
    Tensor(0.4100376, op='cross_entropy')
    >>> loss.backward()
    >>> logits.grad
    array([[-0.05960146,  0.05960146],
           [ 0.25      , -0.25      ]])
    """
    check_reduction("cross_entropy", reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"cross_entropy: label_smoothing is a number from 0 to 1, not {label_smoothing!r}"
        )
    if axis == -1 and weight is None and label_smoothing == 0.0 and _in_shape(logits, targets):
        return _of_labels(logits, targets.copy(), reduction)
    logits, targets = floats(logits), joined(targets)
    if not isinstance(targets, Node):
        targets = np.asarray(as_operand(targets))
    shape = shape_of(logits)
    if not shape:
        raise ValueError("cross_entropy: logits need an axis of classes, but they are one number")
    last = -1 if axis == -1 else normalized_axes(axis, len(shape))[0]
    if last not in (-1, len(shape) - 1):
        if shape_of(targets) == shape:
            targets = moveaxis(targets, last, -1)
        logits = moveaxis(logits, last, -1)
        shape = shape_of(logits)
    if 0 in shape:
        raise ValueError(f"cross_entropy: there is nothing in logits of shape {shape}")
    of_classes = None if weight is None else _class_weights(weight, shape[-1], dtype_of(logits))
    hard = label_smoothing == 0.0 and of_classes is None
    if shape_of(targets) == shape:
        if hard and (labels := _one_hot_places(targets)) is not None:
            return _of_labels(logits, labels, reduction)
        probabilities, counted = matching(targets, dtype_of(logits)), None
    else:
        labels = _checked_labels(targets, shape)
        if hard:
            return _of_labels(logits, labels, reduction)
        probabilities = one_hot(targets, shape[-1], dtype_of(logits))
        counted = None if of_classes is None else matmul(probabilities, of_classes)
    if label_smoothing:
        probabilities = probabilities * (1.0 - label_smoothing) + label_smoothing / shape[-1]
    if of_classes is not None:
        probabilities = probabilities * of_classes
    losses = apply(ROWS["soft_cross_entropy"], (logits, probabilities))
    if counted is not None and reduction == "mean":
        return total(losses / total(counted))
    return reduced("cross_entropy", losses, reduction)


def _in_shape(logits: Any, targets: Any) -> bool:
    """Whether they are a right class for each row of logits as the rule takes them."""
    if type(logits) is not Tensor or type(targets) is not np.ndarray:
        return False
    array = logits._value
    return (
        array.dtype.kind == "f"
        and targets.dtype.kind in "iu"
        and targets.shape == array.shape[:-1]
        and array.size > 0
        and array.ndim > 0
    )


def _of_labels(logits: Any, labels: Any, reduction: Reduction) -> Any:
    """The loss of right classes, in one row of the rule sheet."""
    shape = shape_of(labels)
    weight: float | None = 1.0
    if reduction == "mean":
        weight = 1.0 / math.prod(shape)
    elif reduction == "batchmean" and shape:
        weight = 1.0 / shape[0]
    elif reduction == "none":
        weight = None
    return apply(ROWS["cross_entropy"], (logits,), (labels, weight))


def _checked_labels(targets: Any, shape: tuple[int, ...]) -> Any:
    """Right classes as the rule takes them: it looks at their range itself."""
    if shape_of(targets) != shape[:-1]:
        raise ValueError(
            f"cross_entropy: for logits of shape {shape} targets are integers of shape "
            f"{shape[:-1]} or probabilities of shape {shape}, not of shape {shape_of(targets)}"
        )
    if targets.dtype.kind not in "iu":
        raise TypeError(
            f"cross_entropy: the right classes are integers, not {targets.dtype}: write "
            "targets.astype(int)"
        )
    if isinstance(targets, Node):
        return targets._value if is_traced(targets) else targets._value.copy()
    return targets.copy()


def _one_hot_places(targets: Any) -> Any:
    """The labels that one-hot rows stand for, or None if they are, or may be, anything else."""
    if isinstance(targets, Node):
        if targets.requires_grad or is_traced(targets):
            return None
        targets = targets._value
    places = targets.argmax(axis=-1)
    if np.count_nonzero(targets) != places.size:
        return None
    ones = np.take_along_axis(targets, places[..., None], -1)
    return places if (ones == 1).all() else None


def _class_weights(weight: Any, classes: int, dtype: Any) -> Any:
    of_classes = np.asarray(as_operand(weight._value if isinstance(weight, Node) else weight))
    if of_classes.shape != (classes,):
        raise ValueError(
            f"cross_entropy: weight has one number for each of the {classes} classes, but its "
            f"shape is {of_classes.shape}"
        )
    if not (np.isfinite(of_classes).all() and (of_classes >= 0).all()):
        raise ValueError("cross_entropy: the weights of classes are finite numbers from 0 on")
    return of_classes.astype(dtype)


def binary_cross_entropy(probabilities: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """-t log(p) - (1 - t) log(1 - p), for probabilities p.

    p is limited to the floats strictly between 0 and 1 (for float64 from 2.2e-308 to 1 - 1.1e-16),
    so the loss is at most 708. From logits use `binary_cross_entropy_with_logits`, which is right
    at every size.

    Parameters
    ----------
    probabilities
        Numbers from 0 to 1, of any shape.
    targets
        Numbers from 0 to 1 of the same shape, mostly 0 or 1.
    reduction
        ``"mean"`` over all numbers; ``"batchmean"`` to sum over the outputs of each sample.

    Examples
    --------
    >>> import autograd_bp as ab
    >>> binary_cross_entropy(ab.Tensor([0.5, 0.0]), [1, 0], reduction="sum")
    Tensor(0.69314718, op='sum')
    """
    name = "binary_cross_entropy"
    p, t = pair(name, probabilities, targets)
    check_unit(name, "probabilities", p, "; for logits use binary_cross_entropy_with_logits")
    check_unit(name, "targets", t)
    info = np.finfo(dtype_of(p))
    log, log1p = ELEMENTWISE["log"], ELEMENTWISE["log1p"]
    yes = log(ELEMENTWISE["maximum"](p, float(info.tiny)))
    no = log1p(-ELEMENTWISE["minimum"](p, float(1 - info.epsneg)))
    return reduced(name, -(t * yes) - (1.0 - t) * no, reduction)


def binary_cross_entropy_with_logits(
    logits: Any, targets: Any, *, reduction: Reduction = "mean"
) -> Any:
    """`binary_cross_entropy` of sigmoid(logits), right for logits of any size.

    An infinite logit counts as the largest float.

    >>> import autograd_bp as ab
    >>> binary_cross_entropy_with_logits(ab.Tensor([0.0, 1e300]), [1, 0], reduction="none")
    Tensor([6.93147181e-001, 1.00000000e+300], op='logit_cross_entropy')
    """
    name = "binary_cross_entropy_with_logits"
    x, t = pair(name, logits, targets)
    check_unit(name, "targets", t)
    if not is_traced(x) and np.isinf(numbers_of(x)).any():
        most = float(np.finfo(dtype_of(x)).max)
        x = clip(x, -most, most)
    return reduced(name, apply(ROWS["logit_cross_entropy"], (x, t)), reduction)


def hinge(scores: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """max(0, 1 - target * score), for targets -1 and 1.

    >>> import autograd_bp as ab
    >>> hinge(ab.Tensor([0.5, 3.0, 3.0]), [1, 1, -1], reduction="none")
    Tensor([0.5, 0. , 4. ], op='relu')
    """
    scores, targets = pair("hinge", scores, targets)
    if not is_traced(targets) and not (np.abs(numbers_of(targets)) == 1).all():
        raise ValueError("hinge: targets are -1 and 1; for 0 and 1 write 2 * targets - 1")
    return reduced("hinge", ELEMENTWISE["relu"](1.0 - targets * scores), reduction)


def kl_divergence(
    log_probabilities: Any, probabilities: Any, *, reduction: Reduction = "mean"
) -> Any:
    """p (log(p) - log(q)), for predicted log(q) and true p: Kullback and Leibler's divergence.

    The divergence proper is its sum over the axis of classes: ``reduction="batchmean"`` averages
    that over the samples. Where p is 0 it is 0; a log(q) of -inf counts as the smallest float.

    >>> import autograd_bp as ab
    >>> q = ab.Tensor([[0.5, 0.5]])
    >>> kl_divergence(ab.log(q), [[1.0, 0.0]], reduction="batchmean")
    Tensor(0.69314718, op='mul')
    """
    name = "kl_divergence"
    q, p = pair(name, log_probabilities, probabilities)
    check_unit(name, "probabilities", p)
    q = ELEMENTWISE["maximum"](q, -float(np.finfo(dtype_of(q)).max))
    present = p > 0
    ratio = ELEMENTWISE["log"](where(present, p, 1.0)) - where(present, q, 0.0)
    return reduced(name, p * ratio, reduction)

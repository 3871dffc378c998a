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
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from autograd_bp.functions.elementwise import ELEMENTWISE, clip, where
from autograd_bp.functions.reductions import mean
from autograd_bp.functions.reductions import sum as total
from autograd_bp.functions.shapes import astype, moveaxis, one_hot
from autograd_bp.node import Node
from autograd_bp.operands import as_operand
from autograd_bp.operations import apply, joined
from autograd_bp.rules import ROWS
from autograd_bp.rules.arrays import normalized_axes
from autograd_bp.tensor import Tensor
from autograd_bp.value import Value

Reduction = Literal["mean", "sum", "batchmean", "none"]
_REDUCTIONS = ("mean", "sum", "batchmean", "none")


# -- distances ------------------------------------------------------------------------------------


def quadratic_cost(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """Half the squared distance, ||prediction - target||**2 / 2, over the last axis.

    The mean is over the samples: C = 1/(2n) sum ||a - y||**2 (Nielsen 2015, equation 6).

    >>> import autograd_bp as ab
    >>> quadratic_cost(ab.Tensor([[3.0, 4.0], [0.0, 0.0]]), [[0.0, 0.0], [0.0, 2.0]])
    Tensor(7.25, op='mean')
    """
    prediction, target = _pair("quadratic_cost", prediction, target)
    squares = _square(prediction - target)
    if _shape(squares):
        squares = total(squares, axis=-1)
    return _reduced("quadratic_cost", 0.5 * squares, reduction)


def mse(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """The squared error, (prediction - target)**2.

    >>> import autograd_bp as ab
    >>> mse(ab.Tensor([1.0, 5.0]), [1.0, 2.0])
    Tensor(4.5, op='mean')
    """
    prediction, target = _pair("mse", prediction, target)
    return _reduced("mse", _square(prediction - target), reduction)


def mae(prediction: Any, target: Any, *, reduction: Reduction = "mean") -> Any:
    """The absolute error, abs(prediction - target); its derivative is 0 where that is.

    >>> import autograd_bp as ab
    >>> mae(ab.Tensor([1.0, 5.0]), [1.0, 2.0])
    Tensor(1.5, op='mean')
    """
    prediction, target = _pair("mae", prediction, target)
    return _reduced("mae", abs(prediction - target), reduction)


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
    prediction, target = _pair("huber", prediction, target)
    error = prediction - target
    limited = clip(error, -float(delta), float(delta))
    return _reduced("huber", limited * (error - 0.5 * limited), reduction)


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
    _check_reduction("cross_entropy", reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"cross_entropy: label_smoothing is a number from 0 to 1, not {label_smoothing!r}"
        )
    logits, targets = joined(logits), joined(targets)
    if not isinstance(logits, Node):
        logits = _floats(logits)
    if not isinstance(targets, Node):
        targets = np.asarray(as_operand(targets))
    shape = _shape(logits)
    if not shape:
        raise ValueError("cross_entropy: logits need an axis of classes, but they are one number")
    (last,) = normalized_axes(axis, len(shape))
    if last != len(shape) - 1:
        if _shape(targets) == shape:
            targets = moveaxis(targets, last, -1)
        logits = moveaxis(logits, last, -1)
        shape = _shape(logits)
    if 0 in shape:
        raise ValueError(f"cross_entropy: there is nothing in logits of shape {shape}")
    dtype = _dtype(logits)
    of_classes = None if weight is None else _class_weights(weight, shape[-1], dtype)
    if _shape(targets) != shape:
        labels = _checked_labels(targets, shape)
        if not label_smoothing:
            return _of_labels(logits, labels, of_classes, of_classes, reduction)
        probabilities: Any = one_hot(labels, shape[-1], dtype)
        parts = None if of_classes is None else of_classes[labels]
    else:
        if not label_smoothing and (hot := _one_hot_places(targets)) is not None:
            return _of_labels(logits, hot, of_classes, None, reduction)
        probabilities = _matching(targets, dtype)
        parts = None
    if label_smoothing:
        probabilities = probabilities * (1.0 - label_smoothing) + label_smoothing / shape[-1]
    if of_classes is not None:
        probabilities = probabilities * of_classes
    losses = apply(ROWS["soft_cross_entropy"], (logits, probabilities))
    if parts is not None and reduction == "mean":
        return total(losses * (1.0 / float(parts.sum())))
    return _reduced("cross_entropy", losses, reduction)


def _of_labels(
    logits: Any, labels: Any, of_classes: Any, averaged_by: Any, reduction: Reduction
) -> Any:
    """The loss of right classes, in one row of the rule sheet."""
    own = None if of_classes is None else of_classes[labels]
    if reduction == "none":
        losses = apply(ROWS["cross_entropy"], (logits,), (labels, None))
        return losses if own is None else losses * own
    if reduction == "sum":
        divisor = 1.0
    elif reduction == "batchmean":
        divisor = float(labels.shape[0]) if labels.ndim else 1.0
    else:
        divisor = float(labels.size if averaged_by is None else averaged_by[labels].sum())
    weights = 1.0 / divisor if own is None else (own / own.dtype.type(divisor))[..., None]
    return apply(ROWS["cross_entropy"], (logits,), (labels, weights))


def _checked_labels(targets: Any, shape: tuple[int, ...]) -> Any:
    labels = targets._value if isinstance(targets, Node) else targets
    if np.shape(labels) != shape[:-1]:
        raise ValueError(
            f"cross_entropy: for logits of shape {shape} targets are integers of shape "
            f"{shape[:-1]} or probabilities of shape {shape}, not of shape {np.shape(labels)}"
        )
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"cross_entropy: the right classes are integers, not {labels.dtype}: write "
            "targets.astype(int)"
        )
    # As unsigned numbers negative ones are large.
    if int(labels.astype(np.uint64).max()) >= shape[-1]:
        wrong = labels[(labels < 0) | (labels >= shape[-1])]
        raise ValueError(
            f"cross_entropy: classes go from 0 to {shape[-1] - 1}; the targets have {wrong.flat[0]}"
        )
    return labels.copy()


def _one_hot_places(targets: Any) -> Any:
    """The labels that one-hot rows stand for, or None if they are anything else."""
    if isinstance(targets, Node):
        if targets.requires_grad:
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
    p, t = _pair(name, probabilities, targets)
    _check_unit(name, "probabilities", p, "; for logits use binary_cross_entropy_with_logits")
    _check_unit(name, "targets", t)
    info = np.finfo(_dtype(p))
    log, log1p = ELEMENTWISE["log"], ELEMENTWISE["log1p"]
    yes = log(ELEMENTWISE["maximum"](p, float(info.tiny)))
    no = log1p(-ELEMENTWISE["minimum"](p, float(1 - info.epsneg)))
    return _reduced(name, -(t * yes) - (1.0 - t) * no, reduction)


def binary_cross_entropy_with_logits(
    logits: Any, targets: Any, *, reduction: Reduction = "mean"
) -> Any:
    """`binary_cross_entropy` of sigmoid(logits), right for logits of any size.

    >>> import autograd_bp as ab
    >>> binary_cross_entropy_with_logits(ab.Tensor([0.0, 1e300]), [1, 0], reduction="none")
    Tensor([6.93147181e-001, 1.00000000e+300], op='logit_cross_entropy')
    """
    name = "binary_cross_entropy_with_logits"
    x, t = _pair(name, logits, targets)
    _check_unit(name, "targets", t)
    return _reduced(name, apply(ROWS["logit_cross_entropy"], (x, t)), reduction)


def hinge(scores: Any, targets: Any, *, reduction: Reduction = "mean") -> Any:
    """max(0, 1 - target * score), for targets -1 and 1.

    >>> import autograd_bp as ab
    >>> hinge(ab.Tensor([0.5, 3.0, 3.0]), [1, 1, -1], reduction="none")
    Tensor([0.5, 0. , 4. ], op='relu')
    """
    scores, targets = _pair("hinge", scores, targets)
    if not (np.abs(_numbers(targets)) == 1).all():
        raise ValueError("hinge: targets are -1 and 1; for 0 and 1 write 2 * targets - 1")
    return _reduced("hinge", ELEMENTWISE["relu"](1.0 - targets * scores), reduction)


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
    q, p = _pair(name, log_probabilities, probabilities)
    _check_unit(name, "probabilities", p)
    q = ELEMENTWISE["maximum"](q, -float(np.finfo(_dtype(q)).max))
    present = p > 0
    ratio = ELEMENTWISE["log"](where(present, p, 1.0)) - where(present, q, 0.0)
    return _reduced(name, p * ratio, reduction)


# -- operands -------------------------------------------------------------------------------------


def _pair(name: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Both operands as nodes or arrays of floats, of the same shape and dtype."""
    prediction, target = joined(prediction), joined(target)
    if not isinstance(prediction, Node):
        prediction = _floats(prediction)
    elif isinstance(prediction, Tensor) and prediction.dtype.kind != "f":
        prediction = astype(prediction, float)
    if not isinstance(target, Node):
        target = np.asarray(as_operand(target))
    if _shape(target) != _shape(prediction) and _shape(target) != ():
        raise ValueError(
            f"{name}: the prediction has shape {_shape(prediction)} and the target "
            f"{_shape(target)}; they must be the same, so reshape one of them"
        )
    return prediction, _matching(target, _dtype(prediction))


def _matching(target: Any, dtype: Any) -> Any:
    """A plain target in the dtype of the prediction; a node is what it is."""
    if isinstance(target, Value):
        return target
    if isinstance(target, Tensor):
        return target if target.dtype == dtype or target.requires_grad else astype(target, dtype)
    return target.astype(dtype) if target.ndim else float(target)


def _floats(data: Any) -> Any:
    array = np.asarray(as_operand(data))
    return array if array.dtype.kind == "f" else array.astype(float)


def _numbers(operand: Any) -> Any:
    return operand._value if isinstance(operand, Node) else operand


def _shape(operand: Any) -> tuple[int, ...]:
    return np.shape(_numbers(operand))


def _dtype(operand: Any) -> np.dtype[Any]:
    return operand.dtype if hasattr(operand, "dtype") else np.dtype(float)


def _check_unit(name: str, what: str, operand: Any, hint: str = "") -> None:
    numbers = _numbers(operand)
    if np.size(numbers) and not (np.min(numbers) >= 0 and np.max(numbers) <= 1):
        if np.isnan(numbers).any():  # nan is for the loss to show
            return
        raise ValueError(
            f"{name}: {what} are numbers from 0 to 1; there are some from {np.min(numbers):g} to "
            f"{np.max(numbers):g}{hint}"
        )


def _square(x: Any) -> Any:
    return ELEMENTWISE["square"](x)


def _check_reduction(name: str, reduction: str) -> None:
    if reduction not in _REDUCTIONS:
        raise ValueError(f"{name}: reduction is one of {_REDUCTIONS}, not {reduction!r}")


def _reduced(name: str, losses: Any, reduction: str) -> Any:
    _check_reduction(name, reduction)
    shape = _shape(losses)
    if reduction == "none" or not shape:
        return losses
    if reduction == "sum":
        return total(losses)
    if 0 in shape:
        raise ValueError(f"{name}: there is no mean of losses of shape {shape}")
    if reduction == "batchmean" and len(shape) > 1:
        return total(losses) * (1.0 / shape[0])
    with np.errstate(over="ignore"):
        average = mean(losses)
    if not np.isfinite(_numbers(average)) and np.isfinite(_numbers(losses)).all():
        return total(losses * (1.0 / _numbers(losses).size))  # their sum alone is too large
    return average

"""Losses that are one row: what they are made of would lose digits, overflow, or take long.

`cross_entropy` is for one right class per row of logits; `soft_cross_entropy` for probabilities;
`logit_cross_entropy` for one logit per yes-or-no question. Their values are at most the largest
float of the dtype, so that a mean of them is finite.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd_bp.rules.arrays import ARRAY, Array, ones, quiet
from autograd_bp.rules.composites import composite
from autograd_bp.rules.readings import Namespace
from autograd_bp.rules.rule import REAL, Interval, add_to_sheet, elementwise, general

Operand = Any


class _Terms(NamedTuple):
    """What a softmax is made of, row by row of the logits.

    Parameters
    ----------
    rows
        The logits.
    largest
        The largest of each row.
    terms
        exp of each logit relative to the largest of its row.
    others
        The sums of these by row, all but the largest, which is exactly 1.
    """

    rows: Array
    largest: Array
    terms: Array
    others: Array


class _Row(NamedTuple):
    """The same of a single row, in Python numbers where there is one: several times faster."""

    largest: float
    terms: Array
    others: float


def _row(x: Array, weights: Any) -> _Row | None:
    """What the softmax of a single row is made of, unless it is infinite somewhere."""
    if x.size != x.shape[-1] or type(weights) is not float or x.itemsize > 8:
        return None  # a Python float has 8 bytes
    x = x.ravel()
    top = int(x.argmax())
    largest = x.item(top)
    if not math.isfinite(largest):
        return None
    terms = np.exp(x - largest)
    terms[top] = 0
    others = float(np.add.reduce(terms))
    terms[top] = 1
    return _Row(largest, terms, others)


def _terms(x: Array) -> _Terms:
    rows = x.reshape(-1, x.shape[-1])
    found = _terms_of(rows)
    if math.isfinite(np.add.reduce(found.largest)):  # then each of them is
        return found
    # Infinite logits share equally, and so do all where none is above -inf.
    largest = found.largest
    share = np.where(rows == largest[:, None], 0, -np.inf)
    return _terms_of(np.where(np.isinf(largest)[:, None], share, rows).astype(x.dtype))


def _terms_of(rows: Array) -> _Terms:
    top = rows.argmax(axis=1)
    top += _starts(rows)
    largest = rows.take(top)
    terms = rows - largest[:, None]
    np.exp(terms, out=terms)
    terms.put(top, 0)
    others = np.dot(terms, ones(terms.shape[1], terms.dtype))  # for short rows faster than sum
    terms.put(top, 1)
    return _Terms(rows, largest, terms, others)


def _starts(rows: Array) -> Array:
    return _every(rows.size, rows.shape[1])


@functools.lru_cache(64)
def _every(size: int, step: int) -> Array:
    places = np.arange(0, size, step)
    places.flags.writeable = False
    return places


def _flat(labels: Array, rows: Array) -> Array:
    """Where the labelled elements of the rows are, counted through all of them."""
    label = labels.ravel()
    # As unsigned numbers negative ones are large.
    unsigned = label.view(np.uint64) if label.dtype == np.int64 else label.astype(np.uint64)
    if label.size and np.maximum.reduce(unsigned) >= rows.shape[1]:
        wrong = label[(label < 0) | (label >= rows.shape[1])]
        raise ValueError(f"classes go from 0 to {rows.shape[1] - 1}; the targets have {wrong[0]}")
    return label + _starts(rows)


@quiet
def cross_entropy(x: Array, labels: Array, weights: Any) -> Array:
    """logsumexp(x) - x[label] by row: log1p of all terms but the largest, which is exactly 1."""
    return _cross_entropy(x, labels, weights)[0]


@quiet
def cross_entropy_keeping(x: Array, labels: Array, weights: Any) -> tuple[Array, Any]:
    """The loss, and what its derivative is made of."""
    return _cross_entropy(x, labels, weights)


def _cross_entropy(x: Array, labels: Array, weights: Any) -> tuple[Array, Any]:
    x = np.asarray(x)
    if (row := _row(x, weights)) is not None:
        place = _checked(labels.item(), x.size)
        loss = math.log1p(row.others) + (row.largest - x.item(place))
        most = float(np.finfo(x.dtype).max)
        return np.asarray(min(loss, most) * weights, x.dtype), (row, place)
    rows = x.reshape(-1, x.shape[-1])
    label = _flat(labels, rows)
    found = _terms_of(rows)
    loss = _weighted(_losses(found, label), labels.shape, weights)
    if not (np.isfinite(loss).all() if weights is None else math.isfinite(loss)):
        found = _terms(x)
        loss = _bounded(_losses(found, label), labels.shape, weights)
    return np.asarray(loss, x.dtype), (found, label)


def _losses(found: _Terms, label: Array) -> Array:
    losses = np.log1p(found.others)
    losses += found.largest - found.rows.take(label)
    return losses


def _checked(label: int, classes: int) -> int:
    if not 0 <= label < classes:
        raise ValueError(f"classes go from 0 to {classes - 1}; the targets have {label}")
    return label


def _weighted(losses: Array, shape: tuple[int, ...], weights: Any) -> Any:
    if weights is None:
        return losses.reshape(shape)
    if isinstance(weights, float):
        return np.add.reduce(losses) * weights
    return losses.dot(np.asarray(weights, losses.dtype).ravel())


def _bounded(losses: Array, shape: tuple[int, ...], weights: Any) -> Any:
    """The same, at most the largest float; where they alone are finite, so is their mean."""
    most = np.finfo(losses.dtype).max
    bounded = np.minimum(losses, most).reshape(shape)
    if weights is None:
        return bounded
    return np.minimum((bounded[..., None] * weights).sum(), most)


@quiet
def label_errors(x: Array, labels: Array, weights: Any) -> Array:
    """(softmax(x) - one_hot(label)) * weights, with y - 1 exact where y is near 1."""
    x = np.asarray(x)
    if (row := _row(x, weights)) is not None:
        return _errors(row, _checked(labels.item(), x.size), weights).reshape(x.shape)
    found = _terms(x)
    return _errors(found, _flat(labels, found.rows), weights).reshape(x.shape)


def _errors(found: _Terms | _Row, label: Any, weights: Any) -> Array:
    # y - 1 = (term - 1 - others) / (1 + others), where the first difference is exact for the
    # largest, whose y may be near 1.
    errors: Array
    terms, others = found.terms, found.others
    if type(found) is _Row:
        share = weights / (1 + others)
        errors = terms * share
        errors[label] = (terms.item(label) - 1 - others) * share
        return errors
    if not isinstance(weights, float):
        weights = np.asarray(weights, terms.dtype).ravel()
    shares = weights / (1 + others)
    errors = terms * shares[:, None]
    right = terms.take(label)
    right -= 1
    right -= others
    right *= shares
    errors.put(label, right)
    return errors


@quiet
def soft_cross_entropy(x: Array, p: Array) -> Array:
    """-sum(p log_softmax(x)) by row; a class of probability 0 counts nothing."""
    x, p = np.asarray(x), np.asarray(p)
    rows, largest, _, others = _terms(x)
    less = np.minimum(largest[:, None] - rows, np.finfo(rows.dtype).max)
    less += np.log1p(others)[:, None]
    products = np.where(np.equal(p, 0), 0, p * less.reshape(x.shape))
    return np.asarray(np.sum(products, axis=-1))


# -- derivatives ----------------------------------------------------------------------------------

# Each is there twice: with products as they are, and guarded, with a zero of the cotangent kept.

Product = Callable[[Operand, Operand], Operand]


def _pullback(
    ops: Namespace,
    product: Product,
    g: Operand,
    x: Operand,
    labels: Array,
    weights: Any,
    kept: Any,
) -> Operand:
    each = 1.0 if weights is None else weights
    if kept is None:
        errors = ops.label_errors(x, labels, each)
    else:
        found, label = kept
        errors = _errors(found, label, each).reshape(x.shape)
    return product(_column(ops, g) if weights is None else g, errors)


@composite
def cross_entropy_pullback(
    ops: Namespace, g: Operand, x: Operand, labels: Array, weights: Any, kept: Any
) -> Operand:
    """g times the errors: of each row its own g, or one for all."""
    return _pullback(ops, operator.mul, g, x, labels, weights, kept)


@composite
def cross_entropy_pullback_guarded(
    ops: Namespace, g: Operand, x: Operand, labels: Array, weights: Any, kept: Any
) -> Operand:
    return _pullback(ops, ops.chain, g, x, labels, weights, kept)


def _pushforward(
    ops: Namespace, product: Product, t: Operand, x: Operand, labels: Array, weights: Any
) -> Operand:
    if weights is None:
        return ops.sum(product(t, ops.label_errors(x, labels, 1.0)), -1, False)
    return ops.sum(product(t, ops.label_errors(x, labels, weights)), None, False)


@composite
def cross_entropy_pushforward(
    ops: Namespace, t: Operand, x: Operand, labels: Array, weights: Any
) -> Operand:
    """The sum of t times the errors."""
    return _pushforward(ops, operator.mul, t, x, labels, weights)


@composite
def cross_entropy_pushforward_guarded(
    ops: Namespace, t: Operand, x: Operand, labels: Array, weights: Any
) -> Operand:
    return _pushforward(ops, ops.chain, t, x, labels, weights)


@composite
def soft_errors(ops: Namespace, x: Operand, p: Operand) -> Operand:
    """softmax(x) sum(p) - p, the derivative of the soft cross entropy by x."""
    return -ops.log_softmax_pullback(p, x, -1)


def _column(ops: Namespace, g: Operand) -> Operand:
    return ops.reshape(g, (*ops.shape_of(g), 1))


@composite
def rows_times(ops: Namespace, g: Operand, errors: Operand) -> Operand:
    """Each row times its own cotangent."""
    return _column(ops, g) * errors


@composite
def rows_times_guarded(ops: Namespace, g: Operand, errors: Operand) -> Operand:
    return ops.chain(_column(ops, g), errors)


ARRAY.primitives.update(
    cross_entropy=cross_entropy,
    cross_entropy_keeping=cross_entropy_keeping,
    label_errors=label_errors,
    soft_cross_entropy=soft_cross_entropy,
)

add_to_sheet(
    # `labels` has the shape of x without its last axis. `weights` multiply what each row adds to
    # the sum: a number, or an array of the shape of labels and a last axis of length 1. None gives
    # the loss of each row.
    general(
        "cross_entropy(x; labels, weights)",
        "cross_entropy(x, labels, weights)",
        vjp=["cross_entropy_pullback(g, x, labels, weights, kept)"],
        jvp=["cross_entropy_pushforward(t, x, labels, weights)"],
        guarded_vjp=["cross_entropy_pullback_guarded(g, x, labels, weights, kept)"],
        guarded_jvp=["cross_entropy_pushforward_guarded(t, x, labels, weights)"],
        keeps="cross_entropy_keeping",
    ),
    general(
        "label_errors(x; labels, weights)",
        "label_errors(x, labels, weights)",
        vjp=["weights * softmax_product(g, softmax(x, -1), -1)"],
        jvp=["weights * softmax_product(t, softmax(x, -1), -1)"],
        guarded_vjp=["weights * softmax_product_guarded(g, softmax(x, -1), -1)"],
        guarded_jvp=["weights * softmax_product_guarded(t, softmax(x, -1), -1)"],
        symbol="softmax − one_hot",
    ),
    general(
        "soft_cross_entropy(x, p)",
        "soft_cross_entropy(x, p)",
        vjp=["rows_times(g, soft_errors(x, p))", "rows_times(g, -log_softmax(x, -1))"],
        jvp=["sum(t * soft_errors(x, p), -1, False)", "-sum(t * log_softmax(x, -1), -1, False)"],
        guarded_vjp=[
            "rows_times_guarded(g, soft_errors(x, p))",
            "rows_times_guarded(g, -log_softmax(x, -1))",
        ],
        guarded_jvp=[
            "sum(chain(t, soft_errors(x, p)), -1, False)",
            "-sum(chain(t, log_softmax(x, -1)), -1, False)",
        ],
        symbol="cross_entropy",
    ),
    # -p log(sigmoid(x)) - (1 - p) log(1 - sigmoid(x)).
    elementwise(
        "logit_cross_entropy(x, p)",
        "(softplus(x) * (1 - p) if p != 1 else 0) + (softplus(-x) * p if p != 0 else 0)",
        d=["(1 - p) * sigmoid(x) - p * sigmoid(-x)", "-x"],
        domain=[REAL, Interval(0.0, 1.0)],
        public=False,
        symbol="cross_entropy",
    ),
)

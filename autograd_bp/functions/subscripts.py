"""The subscripts of `einsum`: both of NumPy's forms, ellipses and the implied result."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any


def parse(operands: Sequence[Any], ndim: Callable[[Any], int]) -> tuple[list[Any], list[str], str]:
    """The arrays, the labels of each one's axes, and those of the result.

    Raises ValueError, naming the subscripts, where they do not fit.

    >>> parse(["...i,i->...", 1, 2], {1: 3, 2: 1}.get)
    ([1, 2], ['abi', 'i'], 'ab')
    >>> parse([1, [0, 1], 2, [1, 2]], {1: 2, 2: 2}.get)
    ([1, 2], ['AB', 'BC'], 'AC')
    """
    if not operands:
        raise ValueError("einsum needs subscripts and arrays, as in einsum('ij,jk->ik', a, b)")
    if isinstance(operands[0], str):
        text, arrays = operands[0], list(operands[1:])
    else:
        text, arrays = _from_sublists(operands)
    given = text.replace(" ", "")
    inputs, arrow, result = given.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(arrays):
        raise ValueError(
            f"einsum: subscripts {text!r} describe {len(terms)} operands, but there are "
            f"{len(arrays)}"
        )
    for term in (*terms, result):
        letters = term.replace("...", "", 1)
        if any(character not in string.ascii_letters for character in letters):
            raise ValueError(
                f"einsum: {term!r} in {text!r}: labels are letters, with at most one '...'"
            )
    spare = [letter for letter in string.ascii_letters if letter not in given]
    ellipsis = ""
    widths = [
        ndim(array) - len(term.replace("...", ""))
        for term, array in zip(terms, arrays, strict=True)
    ]
    for term, array, width in zip(terms, arrays, widths, strict=True):
        if width < 0 or (width > 0 and "..." not in term):
            raise ValueError(
                f"einsum: {term!r} in {text!r} does not fit an operand with {ndim(array)} axes"
            )
    widest = max((w for w, term in zip(widths, terms, strict=True) if "..." in term), default=0)
    ellipsis = "".join(spare[:widest])
    labels = [
        term.replace("...", ellipsis[len(ellipsis) - width :] if width else "")
        for term, width in zip(terms, widths, strict=True)
    ]
    if arrow:
        labels_out = result.replace("...", ellipsis)
        if "..." not in result and ellipsis:
            raise ValueError(f"einsum: {text!r} has an ellipsis that the result leaves out")
    else:
        counts = Counter("".join(term.replace("...", "") for term in terms))
        once = sorted(letter for letter, n in counts.items() if n == 1)
        labels_out = ellipsis + "".join(once)
    known = set("".join(labels))
    if len(set(labels_out)) < len(labels_out) or not set(labels_out) <= known:
        raise ValueError(
            f"einsum: the result {result!r} in {text!r} must have labels of the operands, each once"
        )
    return arrays, labels, labels_out


def _from_sublists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """`einsum(a, [0, 1], b, [1, 2], [0, 2])` in letters."""
    pairs, rest = divmod(len(operands), 2)
    arrays = [operands[2 * k] for k in range(pairs)]
    terms = [_letters(operands[2 * k + 1]) for k in range(pairs)]
    text = ",".join(terms)
    return (f"{text}->{_letters(operands[-1])}" if rest else text), arrays


def _letters(sublist: Any) -> str:
    # NumPy's order: uppercase first, so that the implied result sorts as the numbers do.
    letters = string.ascii_uppercase + string.ascii_lowercase
    if not isinstance(sublist, list | tuple):
        raise TypeError(
            "einsum takes subscripts and then arrays, or arrays each followed by its list of labels"
        )
    try:
        return "".join("..." if label is Ellipsis else letters[label] for label in sublist)
    except (IndexError, TypeError):
        raise ValueError(f"einsum: labels are whole numbers from 0 to 51: {sublist!r}") from None

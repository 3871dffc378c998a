"""An explanation as plain text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from autograd_bp.text_width import pad, text_width
from viz import numerals
from viz.explaining.account import Account, Factor, Number, Path, derivative
from viz.picture import Quantity
from viz.snapshots import snapshot

_WIDTH = 100
# Of a long path the two ends are shown.
_LONGEST = 12
_LONGEST_FORMULA = 200
_LISTED = 40


def text(account: Account) -> str:
    """The whole explanation."""
    name = derivative(account.output, account.wrt).text
    head = [f"{name} = {value(account.gradient, account.digits)}", *notes(account)]
    sections = [head]
    if account.count:
        sections += [
            _section("Forward", _terms(account)),
            _section("Local derivatives", _factors(account)),
            [f"{counted(account)}", *_paths(account, name)],
            summary(account),
        ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def notes(account: Account) -> list[str]:
    """What has to be said about the gradient before anything else."""
    output, wrt = account.output.text, account.wrt.text
    said = []
    if not account.count:
        said.append(f"No path leads from {output} to {wrt}: {output} does not depend on it.")
    if account.summed:
        said.append(f"{output} has several entries; the gradient is that of their sum.")
    if account.seeded:
        said.append(f"G, the gradient fed in at {output}, was given.")
    return said


def value(number: Number | Quantity, digits: int) -> str:
    """A number, a small array, or the shape and range of a large one, on one line."""
    quantity = number if isinstance(number, Quantity) else snapshot(number)
    if quantity.scalar:
        return numerals.lines(quantity, digits)[0]
    rows = numerals.lines(quantity, digits)
    entries = rows[0] if len(rows) == 1 else f"[{' '.join(rows)}]"
    return f"{entries}  (shape {quantity.shape})"


def counted(account: Account) -> str:
    """How many paths there are, and how many of them are shown."""
    shown = len(account.paths)
    if account.count == 1:
        return f"1 path from {account.output.text} to {account.wrt.text}"
    said = f"{large(account.count)} paths from {account.output.text} to {account.wrt.text}"
    if shown < account.count:
        how = "largest" if account.scalar else "that carry the most on their way"
        said += f", the {shown} {how}:" if account.scalar else f", {shown} {how}:"
    return said


def large(count: int) -> str:
    """A count, rounded if it is astronomical.

    >>> large(1152921504606846976), large(2**100000)
    ('1,152,921,504,606,846,976', 'about 10^30103')
    """
    if count.bit_length() <= 128:
        return f"{count:,}"
    return f"about 10^{round(count.bit_length() * math.log10(2))}"


def share(fraction: float) -> str:
    """A share in percent; a tiny one is not zero.

    >>> share(1.0), share(0.25), share(1e-17)
    ('100 %', '25 %', '1e-15 %')
    """
    return f"{numerals.number(100 * fraction, 3)} %"


def summary(account: Account) -> list[str]:
    """How the paths shown add up."""
    if account.count == 1:
        return []
    digits = account.digits
    total = value(account.shown, digits)
    if len(account.paths) == account.count:
        if account.scalar and account.count <= 8:
            terms = joined(numerals.number(float(path.product), digits) for path in account.paths)
            return [f"Sum over all paths: {terms} = {total}, the gradient."]
        return [f"Sum over all {account.count} paths: {total}, the gradient."]
    lines = [f"These {len(account.paths)} paths add up to {total}"]
    if account.share is not None:
        lines[0] += f": {share(account.share)} of the gradient {value(account.gradient, digits)}"
    lines[0] += "."
    if account.mass_share is not None:
        lines.append(
            f"All paths together, without their signs: {numerals.number(account.mass or 0, digits)}"
            f"; these carry {share(account.mass_share)} of that."
        )
    return lines


def joined(terms: Iterable[str]) -> str:
    """Numbers as a sum: the sign of a negative one becomes the sign of the sum.

    >>> joined(["0.3", "-0.12"])
    '0.3 - 0.12'
    """
    first, *rest = terms
    return first + "".join(
        f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in rest
    )


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _terms(account: Account) -> list[str]:
    lines = []
    for term in account.terms[:_LISTED]:
        parts = [term.symbol.text]
        parts += [each.text for each in (term.formula, term.numbers) if each is not None]
        lines.append(" = ".join(_once([*parts, value(term.value, account.digits)])))
    rest = len(account.terms) - len(lines) + account.untold
    if rest:
        lines.append(f"... and {rest} more")
    return lines


def _factors(account: Account) -> list[str]:
    listed = list(account.factors)
    if len(listed) > _LISTED:
        listed = [factor for factor in listed if factor.value != 1.0]
    lines = [_factor(factor, account) for factor in listed[:_LISTED]]
    rest = len(account.factors) - len(lines)
    if rest:
        lines.append(f"... and {rest} more" + ("" if len(listed) > _LISTED else ", all of them 1"))
    return lines


def _factor(factor: Factor, account: Account) -> str:
    name = factor.derivative.text
    if factor.value is None:
        done = "" if factor.pull is None else f"G -> {factor.pull.text}  "
        return f"{name}:  {done}({factor.words})"
    parts = [name, *(each.text for each in (factor.formula, factor.numbers) if each is not None)]
    line = " = ".join(_once([*parts, numerals.number(factor.value, account.digits)]))
    if factor.because:
        line += f", since {' and '.join(test.text for test in factor.because)}"
    return line if factor.also is None else f"{line}; in books: {factor.also.text}"


def _once(parts: Sequence[str]) -> list[str]:
    """Without a part that says the same as the one before it."""
    return [part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1]]


def _paths(account: Account, name: str) -> list[str]:
    lines: list[str] = []
    single = len(account.paths) == 1 == account.count
    for place, path in enumerate(account.paths, 1):
        lines.append(f"  {'' if single else f'{place}. '}{' <- '.join(abridged(path.names))}")
        if account.scalar:
            called = name if single else f"path {place}"
            lines += _equations(called, path, account.digits)
        else:
            lines += _steps(path, account)
    return lines


def _equations(called: str, path: Path, digits: int) -> list[str]:
    """A product in names, in numbers, and its value: on one line if it fits."""
    parts = [each.text for each in (path.formula, path.inputs, path.numbers) if each is not None]
    if path.formula is None:
        parts = [f"the product of {len(path.factors)} local derivatives"]
    parts.append(numerals.number(float(path.product), digits))
    kept = _once(parts)
    one = f"     {called} = {' = '.join(kept)}"
    if text_width(one) <= _WIDTH:
        return [one]
    margin = " " * (5 + text_width(called))
    return [f"     {called} = {kept[0]}", *(f"{margin} = {part}" for part in kept[1:])]


def _steps(path: Path, account: Account) -> list[str]:
    """What arrives where along a path through arrays, as a table."""
    rows = []
    for place, step in enumerate(path.steps):
        words = path.factors[place - 1].words if place else _fed(account)
        shape = str(step.carried.shape) if step.carried.shape else "number"
        at = derivative(account.output, step.symbol).text
        rows.append((at, shape, words))
    if len(rows) > _LONGEST:
        hidden = len(rows) - _LONGEST
        half = _LONGEST // 2
        rows[half:-half] = [("...", "", f"{hidden} more steps")]
    widths = [max(text_width(row[column]) for row in rows) for column in (0, 1)]
    lines = [
        f"     {pad(at, widths[0])}  {pad(shape, widths[1])}  {words}".rstrip()
        for at, shape, words in rows
    ]
    if path.formula is not None and text_width(path.formula.text) <= _LONGEST_FORMULA:
        lines.append(f"     = {path.formula.text}")
    norm = float(np.linalg.norm(np.asarray(path.product, np.float64).ravel()))
    shown = value(path.product, account.digits)
    return [*lines, f"     = {shown}, norm {numerals.number(norm, account.digits)}"]


def _fed(account: Account) -> str:
    if account.seeded:
        return "G, as given"
    return "ones" if account.summed else "1"


def abridged(names: Sequence[str]) -> list[str]:
    """A long path as its two ends."""
    if len(names) <= _LONGEST:
        return list(names)
    half = _LONGEST // 2
    return [*names[:half], f"({len(names) - 2 * half} more)", *names[-half:]]

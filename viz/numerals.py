"""Numbers and arrays as short text."""

import math

from viz.picture import Number, Quantity, Summary

# Significant decimal digits that the narrow formats really hold: float32(0.1) is shown as 0.1.
_PRECISION = {"float16": 3, "float32": 7}
_LONGEST_INTEGER = 10**7
_ROWS, _COLUMNS = 3, 4
_BARS = " ▁▂▃▄▅▆▇█"


def number(value: Number, digits: int) -> str:
    """`value` with `digits` significant digits, and no more than it needs.

    >>> [number(value, 4) for value in (220.0, 1.1000000000000001, 1.23e-5, 12345.6, -0.0)]
    ['220', '1.1', '1.23e-05', '12346', '0']
    >>> number(float("nan"), 4), number(float("-inf"), 4)
    ('nan', '-inf')
    """
    if isinstance(value, bool):
        return str(value)
    if not math.isfinite(value):
        return str(float(value))
    # An exponent is harder to read than a few more digits.
    if 10**digits <= abs(value) < _LONGEST_INTEGER:
        return f"{value:.0f}"
    text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


def shape(quantity: Quantity) -> str:
    """The shape as Python writes it.

    >>> shape(Quantity("float64", (2, 3)))
    '(2, 3)'
    """
    if quantity.joined > 1:
        return f"{quantity.joined} values"
    return str(quantity.shape) if quantity.shape else ""


def lines(quantity: Quantity, digits: int) -> tuple[str, ...]:
    """The number, the rows of a small array, or the range of a large one.

    >>> lines(Quantity("float64", (2, 2), (1.0, 0.5, 0.25, 2.0)), 4)
    ('[1  0.5]', '[0.25  2]')
    """
    digits = min(digits, _PRECISION.get(quantity.dtype, 17))
    if quantity.scalar and quantity.entries:
        return (number(quantity.entries[0], digits),)
    rows = _rows(quantity)
    if rows:
        return tuple(f"[{'  '.join(number(entry, digits) for entry in row)}]" for row in rows)
    if 0 in (quantity.shape or ()):
        return ("empty",)
    if quantity.summary is None and not quantity.entries:
        return (quantity.dtype,)
    return (span(quantity, digits),)


def span(quantity: Quantity, digits: int) -> str:
    """The smallest and the largest entry, and how many are not finite.

    >>> span(Quantity("float64", (5,), (1.0, 5.0, 2.0, float("nan"), 3.0)), 4)
    '1 … 5, 1 not finite'
    """
    if quantity.summary is not None:
        low, high = quantity.summary.minimum, quantity.summary.maximum
        bad = quantity.summary.nonfinite
    else:
        finite = [float(entry) for entry in quantity.entries if math.isfinite(entry)]
        low, high = (min(finite), max(finite)) if finite else (math.nan, math.nan)
        bad = len(quantity.entries) - len(finite)
    if math.isnan(low):
        return "nothing finite"
    text = number(low, digits)
    if high != low:
        text += f" … {number(high, digits)}"
    elif not bad:
        text = f"all {text}"
    return f"{text}, {bad} not finite" if bad else text


def exact(quantity: Quantity) -> str:
    """All there is to say on one line, for a tooltip: every digit, or the statistics.

    >>> exact(Quantity("float64", None, (0.1,)))
    '0.1'
    """
    digits = _PRECISION.get(quantity.dtype, 17)
    if quantity.scalar and quantity.entries:
        return _every_digit(quantity.entries[0], digits)
    text = f"shape {quantity.shape}, {quantity.dtype}"
    if quantity.joined > 1:
        text = f"{quantity.joined} together, {quantity.dtype}"
    if quantity.summary is not None:
        text += f", {statistics(quantity.summary)}"
    if quantity.entries:
        listed = ", ".join(_every_digit(entry, digits) for entry in quantity.entries)
        return f"[{listed}] ({text})"
    return text


def statistics(facts: Summary) -> str:
    """The statistics of an array on one line, with a histogram from its minimum to its maximum.

    >>> statistics(Summary(-1.0, 3.0, 1.0, 5.0, zeros=2, nonfinite=0, histogram=(1, 0, 8, 4)))
    'min -1, mean 1, max 3, norm 5, zeros 2, not finite 0, ▁ █▄'
    """
    text = f"min {number(facts.minimum, 6)}, mean {number(facts.mean, 6)}, "
    text += f"max {number(facts.maximum, 6)}, norm {number(facts.norm, 6)}, "
    text += f"zeros {facts.zeros}, not finite {facts.nonfinite}"
    if not facts.histogram:
        return text
    most = max(facts.histogram)
    bars = "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in facts.histogram)
    return f"{text}, {bars}"


def _every_digit(value: Number, digits: int) -> str:
    return repr(value) if digits == 17 else number(value, digits)


def _rows(quantity: Quantity) -> list[tuple[Number, ...]]:
    """The entries row by row, if they are few enough to be written down."""
    if quantity.shape is None or not quantity.entries or len(quantity.shape) > 2:
        return []
    if quantity.joined > 1 and len(quantity.entries) > _COLUMNS:
        return []
    rows, columns = (1, *quantity.shape)[-2:]
    if rows > _ROWS or columns > _COLUMNS:
        return []
    return [quantity.entries[row * columns : (row + 1) * columns] for row in range(rows)]

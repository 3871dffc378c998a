"""What the settings of an optimiser may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Check = Callable[[str, Any], Any]
"""From the name and the value of a setting to the value that is kept; raises if it is not one."""


def number(name: str, value: Any) -> float:
    """A finite number as a Python float: a NumPy float64 would widen float32 weights."""
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}: {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, not {value!r}")
    return float(value)


def nonnegative(name: str, value: Any) -> float:
    """A finite number, zero or more."""
    checked = number(name, value)
    if checked < 0.0:
        raise ValueError(f"{name} must not be negative, and it is {value!r}")
    return checked


def positive(name: str, value: Any) -> float:
    """A finite number above zero."""
    checked = number(name, value)
    if checked <= 0.0:
        raise ValueError(f"{name} must be above 0, and it is {value!r}")
    return checked


def fraction(name: str, value: Any) -> float:
    """A number in [0, 1)."""
    checked = number(name, value)
    if not 0.0 <= checked < 1.0:
        raise ValueError(f"{name} must be at least 0 and below 1, and it is {value!r}")
    return checked


def fractions(name: str, value: Any) -> tuple[float, float]:
    """Two numbers in [0, 1)."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be two numbers, as in (0.9, 0.999), not {value!r}")
    return fraction(f"{name}[0]", value[0]), fraction(f"{name}[1]", value[1])


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def count(name: str, value: Any, least: int = 1) -> int:
    """A whole number, `least` or more."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, and it is {value}")
    return int(value)

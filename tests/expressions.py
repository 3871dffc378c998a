"""Expressions written as text, so that a failing row of a table is named by what it does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_bp as ab
from autograd_bp import Tensor, Value

NAMES = {"ab": ab, "np": np, "math": math, "Tensor": Tensor, "Value": Value}


def evaluate(expression: str, **names: Any) -> Any:
    """The value of an expression in `ab`, `np`, `math`, `Tensor`, `Value` and `names`."""
    return eval(expression, {**NAMES, **names})

"""The known hard places of differentiation: where textbook formulas, and other engines, go wrong.

Every place is an expression, a point, and how many derivatives of it are asked for. What is right
comes from mpmath, which differentiates the same expression with a thousand digits (or `exactly`,
another way to write it, where mpmath cannot take the first: it has no -inf, and no limits); or it
is a literal, and `why` says what it rests on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

inf = math.inf

Derivatives = Mapping[int, Any]


@dataclass(frozen=True)
class Place:
    """One hard place.

    Attributes
    ----------
    name
        What holds there, as a sentence.
    expression
        In the engine's operations, by name; a vector argument gives a number.
    point
        The arguments: numbers, or one list.
    orders
        The highest derivative that is looked at.
    exactly
        The expression that mpmath differentiates, if it is not the same.
    right
        The derivatives by order, if they are not mpmath's: numbers, or nested lists by argument.
    why
        What a literal rests on: a convention of this project, a limit, or plain reckoning.
    ulps
        How far off a result may be, by order, in units of the last place of what is right.
    """

    name: str
    expression: str
    point: Mapping[str, Any]
    orders: int = 3
    exactly: str = ""
    right: Derivatives = field(default_factory=dict)
    why: str = ""
    ulps: tuple[float, float, float, float] = (1, 4, 4, 8)


def place(name: str, expression: str, orders: int = 3, **rest: Any) -> Place:
    """A place; keywords that are no attributes of one are its arguments."""
    known = {key: rest.pop(key) for key in ("exactly", "right", "why", "ulps") if key in rest}
    return Place(name, expression, rest, orders, **known)


PLACES = {
    "powers at zero": [
        place("the square of zero has a second derivative", "x**2", x=0.0),
        place("the cube of zero has a third derivative", "x**3", x=0.0),
        place("the first power of zero has slope one", "x**1", x=0.0),
        place("the zeroth power of zero is flat", "x**0", x=0.0),
        place("the fourth power of zero is flat to third order", "x**4.0", x=0.0),
        place("a negative base has whole powers", "x**3", x=-2.0),
        place("a negative base has negative whole powers", "x**-3", x=-0.5),
        place(
            "a root of zero is steep",
            "x**0.5",
            x=0.0,
            right={0: 0.0, 1: inf, 2: -inf, 3: inf},
            why="limits from the right",
        ),
        place(
            "a power of one and a half bends without bound at zero",
            "x**1.5",
            x=0.0,
            right={0: 0.0, 1: 0.0, 2: inf, 3: -inf},
            why="limits from the right",
        ),
        place(
            "a power of two and a half is twice differentiable at zero",
            "x**2.5",
            x=0.0,
            right={0: 0.0, 1: 0.0, 2: 0.0, 3: inf},
            why="limits from the right",
        ),
        place(
            "a zero base is flat by a positive exponent",
            "x**y",
            2,
            x=0.0,
            y=2.0,
            right={0: 0.0, 1: [0.0, 0.0], 2: [[2.0, 0.0], [0.0, 0.0]]},
            why="limits from the right",
        ),
        place(
            "a zero base is flat by an exponent of three",
            "x**y",
            x=0.0,
            y=3.0,
            orders=2,
            right={0: 0.0, 1: [0.0, 0.0], 2: [[0.0, 0.0], [0.0, 0.0]]},
            why="limits from the right",
        ),
        place(
            "a zero base with exponent one has slope one",
            "x**y",
            1,
            x=0.0,
            y=1.0,
            right={0: 0.0, 1: [1.0, 0.0]},
            why="limits from the right",
        ),
        place(
            "zero to the power zero is one and flat",
            "x**y",
            1,
            x=0.0,
            y=0.0,
            right={0: 1.0, 1: [0.0, 0.0]},
            why="convention: 0**0 is 1 along both arguments",
        ),
        place("a power of a tiny base", "x**y", 2, x=1e-200, y=1.5),
        place("an exponent of zero", "x**y", x=2.5, y=0.0),
        place(
            "the square root at zero is steep",
            "sqrt(x)",
            x=0.0,
            right={0: 0.0, 1: inf, 2: -inf, 3: inf},
            why="limits from the right",
        ),
        place(
            "the cube root at zero is steep",
            "cbrt(x)",
            1,
            x=0.0,
            right={0: 0.0, 1: inf},
            why="limit from both sides",
        ),
    ],
    "products with zeros": [
        place("a product with one zero", "prod(x)", x=[2.0, 0.0, 3.0]),
        place("a product with two zeros", "prod(x)", x=[0.0, 0.0, 3.0]),
        place("a product of zeros", "prod(x)", x=[0.0, 0.0, 0.0]),
        place("a product by hand with one zero", "x[0] * x[1] * x[2]", x=[2.0, 0.0, 3.0]),
        place("a running product with one zero", "sum(cumprod(x))", x=[2.0, 0.0, 3.0]),
        place("a running product with two zeros", "sum(cumprod(x))", x=[0.0, 0.0, 3.0]),
        place("a running product of zeros", "cumprod(x)[2]", x=[0.0, 0.0, 0.0]),
        place("a running product that begins with zero", "cumprod(x)[2]", x=[0.0, 5.0, -2.0]),
        place("a product of squares with zero", "prod(x * x)", x=[2.0, 0.0, 3.0]),
        place("a product of exponentials over zero", "prod(x) * exp(x[0])", x=[0.0, 1.5, 0.0]),
        place("a running product of ordinary numbers", "cumprod(x)[2]", x=[1.5, -2.0, 0.5]),
    ],
}

"""Every place of `tests/hard_places.py`, by every way to its derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_bp as ab
from tests.hard_place_truths import (
    engine_derivative,
    engine_function,
    exact_derivative,
    indices,
    ulps,
)
from tests.hard_places import EMPTY, PLACES, Place

# Overflow on the way to an infinite derivative is what some of the places are about.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

CASES = [
    pytest.param(place, order, id=f"{group}: {place.name}, order {order}")
    for group, places in PLACES.items()
    for place in places
    for order in range(place.orders + 1)
]


def right(place: Place, index: tuple[int, ...]) -> Any:
    if not place.right:
        return exact_derivative(place.exactly or place.expression, place.point, index)
    found = place.right[len(index)]
    one_number = len(place.point) == 1 and not any(np.ndim(x) for x in place.point.values())
    for coordinate in () if one_number else index:
        found = found[coordinate]
    return found


def arguments(place: Place) -> dict[str, list[Any]]:
    """The arguments as Values where they are numbers, and as Tensors."""
    given = list(place.point.values())
    if any(np.ndim(x) for x in given):
        return {"Tensor": [np.array(x) for x in given]}
    return {"Value": given, "Tensor": [np.array([x, x]) for x in given]}


@pytest.mark.parametrize(("place", "order"), CASES)
def test_the_derivative_is_right(place: Place, order: int) -> None:
    f = engine_function(place.expression, place.point)
    wrong = []
    for index in indices(place.point, order):
        expected = right(place, index)
        for kind, xs in arguments(place).items():
            for forward in (False, True) if order > 1 else (False,):
                for got in np.ravel(engine_derivative(f, xs, index, forward=forward)):
                    error = ulps(float(got), expected)
                    if not error <= place.ulps[order]:
                        way = "forward over reverse" if forward else "reverse"
                        wrong.append(f"{kind}, {way}, {index}: {got!r}, {error:.3g} ulp off")
                        wrong.append(f"    right: {float(expected)!r}")
    assert not wrong, "\n".join([f"{place.expression} at {place.point}", *wrong])


@pytest.mark.parametrize(("place", "order"), [case for case in CASES if case.values[1] == 1])
def test_the_forward_derivative_is_right(place: Place, order: int) -> None:
    f = engine_function(place.expression, place.point)
    for index in indices(place.point, order):
        for xs in arguments(place).values():
            for got in np.ravel(engine_derivative(f, xs, index, forward=True)):
                assert ulps(float(got), right(place, index)) <= place.ulps[order], (index, got)


@pytest.mark.parametrize("name", EMPTY)
def test_an_array_of_size_zero_has_derivatives_of_its_shape(name: str) -> None:
    expression, shape, value = EMPTY[name]
    f = engine_function(expression, {"x": None})
    x = np.ones(shape)
    found, gradient = ab.value_and_grad(f)(x)
    assert found == value
    assert gradient.shape == shape
    assert not gradient.any()
    curvature = ab.hessian(f)(x)
    assert curvature.shape == shape + shape
    assert not curvature.any()
    assert ab.jvp(f, (x,), (x,)) == (value, 0.0)
    assert ab.hvp(f, x, x).shape == shape


def test_the_table_is_as_large_as_it_says() -> None:
    names = [place.name for places in PLACES.values() for place in places]
    assert len(names) >= 80
    for places in PLACES.values():
        assert len({place.name for place in places}) == len(places)
    assert all(place.why for places in PLACES.values() for place in places if place.right)


def test_the_judge_sees_an_error_in_the_last_place() -> None:
    assert ulps(1.0 + 2**-52, 1.0) == 1.0
    assert ulps(0.0, exact_derivative("sigmoid(x)", {"x": -700.0}, (0,))) > 1e15
    assert ulps(float("nan"), 0.0) == ulps(float("inf"), 1.0) == float("inf")

"""Hypothesis strategies for tests of one's own: the inputs that `check` draws.

>>> from hypothesis import given
>>> import autograd_bp as ab
>>> @given(operands(ab.log))
... def test_logarithms_of_squares(xs):
...     assert (abs(ab.log(xs[0] ** 2) - 2 * ab.log(xs[0])) <= 1e-9).all()
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from autograd_bp.rules.rule import REAL
from autograd_bp.testing import cases
from autograd_bp.testing.cases import Array, Shape
from autograd_bp.testing.drawing import cases_for
from autograd_bp.testing.programs import programs
from autograd_bp.testing.subject import DomainLike, interval, subject

__all__ = ["arrays", "numbers", "operands", "programs"]


def numbers(
    domain: DomainLike = REAL, *, near: Iterable[float] = (), far: bool = False
) -> st.SearchStrategy[float]:
    """Numbers of an interval, those at which rules are wrong more often than others.

    Parameters
    ----------
    domain
        An `ab.Interval`, or the ends of an open one as a pair.
    near
        Numbers to look at, and at their neighbours: a kink, a constant that is compared with.
    far
        Whether numbers such as 1e-300 and 1e150 are among them.

    >>> from hypothesis import given
    >>> @given(numbers((0.0, 1.0), near=[0.25]))
    ... def test_they_are_inside(x):
    ...     assert 0.0 < x < 1.0
    >>> test_they_are_inside()
    """
    return cases.numbers(interval(domain), tuple(near), far=far)


def arrays(
    shape: Shape,
    domain: DomainLike = REAL,
    *,
    near: Iterable[float] = (),
    ties: bool = True,
) -> st.SearchStrategy[Array]:
    """Arrays of such numbers, float64; with `ties`, every other one repeats a few of them.

    >>> from hypothesis import given
    >>> @given(arrays((2, 3), (-1.0, 1.0)))
    ... def test_they_have_the_shape(x):
    ...     assert x.shape == (2, 3) and (abs(x) < 1).all()
    >>> test_they_have_the_shape()
    """
    element = numbers(domain, near=near)
    return st.sampled_from([False, True] if ties else [False]).flatmap(
        lambda tied: cases.arrays(tuple(shape), element, ties=tied)
    )


def operands(
    checked: Any,
    *,
    args: Sequence[Any] = (),
    domain: DomainLike | Iterable[DomainLike] | None = None,
    kinks: Iterable[str] = (),
) -> st.SearchStrategy[tuple[Array, ...]]:
    """Tuples of operands for a rule, a `Function` or a function, as `check` draws them.

    The parameters are those of `autograd_bp.testing.check`. Shapes fit each other, sizes 0 and 1
    among them; kinks, ties, zeros, ends of the domain and memory layouts are drawn on purpose. Of a
    row with parameters, such as `axis`, the operands are drawn and the parameters are not given.

    >>> import autograd_bp as ab
    >>> from hypothesis import given
    >>> @given(operands(ab.hypot))
    ... def test_a_length_is_not_negative(xs):
    ...     assert (ab.hypot(*xs) >= 0).all()
    >>> test_a_length_is_not_negative()
    """
    about = subject(checked, args=args, domain=domain, kinks=kinks)
    return cases_for(about).map(lambda case: case.laid_out())

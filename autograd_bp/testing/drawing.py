"""Drawing cases for a subject: shapes by what it is, then numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from autograd_bp.rules import SCALAR, Rule
from autograd_bp.rules.formula import compile_formula
from autograd_bp.testing.calls import Call, NoCallsError, calls_of, fitted
from autograd_bp.testing.cases import LAYOUTS, Case, Shape, arrays, elementwise_shapes, numbers
from autograd_bp.testing.slack import ordinary
from autograd_bp.testing.subject import NotOneArrayError, Subject

PARAMETERS: dict[str, tuple[Any, ...]] = {
    "n": (1, 2),
    "order": (0, 1, 2),
    "negative_slope": (0.01, -0.5),
    "alpha": (1.0, 1.6732632423543772),
}
"""Values for the parameters of elementwise rows, by name; for others, ordinary numbers."""


def cases_for(about: Subject) -> st.SearchStrategy[Case]:
    """The strategy of inputs for a subject."""
    if about.rule is not None and not about.is_elementwise:
        return _row_cases(about, _calls(about, about.rule))
    return _cases(about, st.sampled_from(usable_shapes(about)))


def _calls(about: Subject, rule: Rule) -> list[Call]:
    """The calls listed for a row; for one that is not of the sheet, samples or what it takes."""
    if about.samples:
        return [Call(tuple(np.shape(sample) for sample in about.samples), about.params)]
    try:
        return calls_of(rule)
    except NoCallsError:
        if rule.params or about.sheet_row:
            raise
        return [Call(shapes) for shapes in _probed(about)]


@st.composite
def _row_cases(draw: st.DrawFn, about: Subject, calls: Sequence[Call]) -> Case:
    assert about.rule is not None
    shapes, params = calls[draw(st.integers(0, len(calls) - 1))]
    chosen = about.with_params(params)
    if about.rule.variadic:
        chosen = replace(
            chosen,
            args=tuple(f"x{i}" for i in range(len(shapes))),
            domain=about.rule.domain[:1] * len(shapes),
        )
    case = _draw_case(draw, chosen, shapes)
    return replace(case, operands=fitted(about.rule, case.operands))


@st.composite
def _cases(draw: st.DrawFn, about: Subject, shapes: st.SearchStrategy[tuple[Shape, ...]]) -> Case:
    chosen = draw(shapes)
    if about.rule is not None and about.rule.params:
        about = about.with_params(_elementwise_params(draw, about.rule))
    return _draw_case(draw, about, chosen)


def _elementwise_params(draw: st.DrawFn, rule: Rule) -> tuple[Any, ...]:
    """Static parameters: a default, declared values, or ordinary numbers."""
    drawn = []
    for name in rule.params:
        default = (rule.defaults[name],) if name in rule.defaults else ()
        drawn.append(draw(st.sampled_from([*default, *PARAMETERS.get(name, (1.0, 2.0, 0.5))])))
    return tuple(drawn)


def _draw_case(draw: st.DrawFn, about: Subject, chosen: tuple[Shape, ...]) -> Case:
    ties = draw(st.booleans())
    places = (*about.constants, *kink_points(about))
    far = about.has_exact_values and not any(
        _STEPS & set(k.names) or "%" in k.text for k in about.kinks
    )
    elements = [numbers(interval, places, far=far) for interval in about.domain]
    operands = []
    for shape, element in zip(chosen, elements, strict=True):
        operands.append(draw(arrays(shape, element, ties=ties)))
    if ties and len(chosen) > 1 and draw(st.booleans()):
        operands = [
            operands[0].copy()
            if x.shape == operands[0].shape and about.domain[i] == about.domain[0]
            else x
            for i, x in enumerate(operands)
        ]
    layout = draw(st.sampled_from(LAYOUTS))
    return Case(about, tuple(operands), draw(st.integers(0, 7)), layout)


_STEPS = frozenset({"floor", "rint", "trunc", "fmod"})
"""Beyond 2**53 such functions jump at every float: there is nothing to judge."""


def kink_points(about: Subject) -> tuple[float, ...]:
    """Where kinks of one argument lie, as far as small numbers show."""
    if len(about.args) != 1:
        return ()
    found = []
    for kink in about.kinks:
        params = about.rule.params if about.rule is not None else ()
        if not kink.names.isdisjoint(params):
            continue
        f = compile_formula(kink, about.args, SCALAR.resolve, name="kink", on_floats=True)
        for x in np.arange(-8, 8.25, 0.25).tolist():
            if x in about.domain[0]:
                try:
                    found += [x] if f(x) == 0 else []
                except (ArithmeticError, ValueError):
                    continue
    return tuple(found[:9])


_CANDIDATES: tuple[Shape, ...] = ((), (3,), (2, 3), (3, 2), (2, 2), (1,), (2, 3, 3), (4,))
_MOST_RESULTS = 30


def usable_shapes(about: Subject) -> list[tuple[Shape, ...]]:
    """Shapes that the subject takes: a row's by its kind, samples', or found by trying."""
    if about.samples:
        return [tuple(np.shape(sample) for sample in about.samples)]
    if about.is_elementwise:
        return elementwise_shapes(len(about.args))
    return _probed(about)


def _probed(about: Subject) -> list[tuple[Shape, ...]]:
    """The combinations of a few shapes for which the function gives finite numbers."""
    n = len(about.args)
    tried = [*elementwise_shapes(n), *((shape,) * n for shape in _CANDIDATES)]
    if n in (2, 3):
        tried += itertools.product(_CANDIDATES, repeat=n)
    usable, reason = [], "its values are not finite: is a domain=(low, high) missing?"
    for shapes in dict.fromkeys(tried):
        try:
            value = about.value(ordinary(about.domain, shapes, np.random.default_rng(0)))
        except NotOneArrayError:
            raise
        except Exception as error:  # a shape the function does not take
            reason = f"the last attempt said: {type(error).__name__}: {error}"
            continue
        if value.size <= _MOST_RESULTS and np.isfinite(value).all():
            usable.append(shapes)
    if not any(all(map(math.prod, shapes)) for shapes in usable):
        raise ValueError(
            f"{about.name} takes none of the shapes that were tried ({reason}): give samples, as "
            "in check(f, args=[np.ones((2, 3)), ...])"
        )
    return usable

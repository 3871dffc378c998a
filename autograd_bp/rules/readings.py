"""Readings: one rule, many meanings.

A *namespace* says what the names in a formula mean: `exp` is `math.exp` on Python floats,
`numpy.exp` on arrays, the operation that records a node on nodes. A *reading* is a rule compiled
in one namespace. A new reader of the sheet (a compiler, JAX, mpmath) is one more namespace, and
touches no rule.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autograd_bp.rules.formula import Formula, compile_formula

if TYPE_CHECKING:
    from autograd_bp.rules.rule import Rule

Function = Callable[..., Any]
_Formulas = tuple["Formula | None", ...]


ROWS: dict[str, Rule] = {}
"""The rule sheet: every row by its name."""

COMPOSITES: dict[str, Function] = {}
"""Pieces of rules that need a loop or a case on shapes: `f(ops, ...)`, written once in the
operations `ops` of whichever namespace reads them."""


class Namespace:
    """What the names in a formula mean.

    Parameters
    ----------
    name
        For messages, such as ``"array"``.
    primitives
        The functions and constants this reading has of its own. Functions take the arguments of
        the row of the same name, then its parameters, all by position. A name that is missing
        here is another row, read in the same namespace, or a composite.
    on_floats
        Ternaries and comparisons are Python's own rather than elementwise.
    guarded
        Products with a cotangent are read as `chain`, which keeps zero times infinity zero.
    """

    def __init__(
        self,
        name: str,
        primitives: Mapping[str, Any],
        *,
        on_floats: bool = False,
        guarded: bool = False,
    ) -> None:
        self.name = name
        self.primitives = dict(primitives)
        self.on_floats = on_floats
        self.guarded = guarded

    defines_rows = False
    """Whether a row means something here beyond its formula."""

    def resolve(self, name: str) -> Any:
        """The meaning of `name`; NameError where it has none."""
        if name in self.primitives:
            return self.primitives[name]
        if name in ROWS:
            if name in ROWS[name].formula.names and not self.defines_rows:
                raise NameError(f"{name!r} means nothing in a formula read on {self.name}s")
            return self.row(ROWS[name])
        if name in COMPOSITES:
            return functools.partial(COMPOSITES[name], self)
        raise NameError(f"{name!r} means nothing in a formula read on {self.name}s")

    def row(self, rule: Rule) -> Function:
        """The function that `rule` is in this namespace."""
        return rule.read(self).forward

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            meaning = self.resolve(name)
        except NameError as error:
            raise AttributeError(str(error)) from None
        self.__dict__[name] = meaning
        return meaning

    def __repr__(self) -> str:
        return f"<namespace of {self.name}s>"


class Reading:
    """A rule compiled in one namespace; each part on first use.

    Every function takes the rule's arguments and then its parameters, by position:

    - ``forward(*args, *params)`` is the operation itself;
    - ``vjp[i](g, out, *args, *params)`` is what the cotangent `g` of the result sends to
      argument `i`, before reduction to the argument's shape; None where the derivative is zero;
    - ``jvp[i](t, out, *args, *params)`` is what the tangent `t` of argument `i` adds to the
      result's;
    - ``partials[i](out, *args, *params)`` is the local derivative, for rules that have one;
    - ``guarded_vjp`` and ``guarded_jvp`` are the same with zero times infinity zero.

    A variadic rule has one of each, for all operands at once:
    ``vjp[0](g, out, wanted, xs, *params)`` gives a tuple, ``jvp[0](ts, out, xs, *params)`` the
    tangent of the result; `wanted` and the tangents `ts` go by operand, None where there is none.
    """

    def __init__(self, rule: Rule, namespace: Namespace) -> None:
        self.rule = rule
        self.namespace = namespace

    @property
    def _pull_names(self) -> tuple[str, ...]:
        return ("g", "out", "wanted") if self.rule.variadic else ("g", "out")

    @property
    def _push_names(self) -> tuple[str, ...]:
        return ("ts", "out") if self.rule.variadic else ("t", "out")

    @cached_property
    def forward(self) -> Function:
        own = self.namespace.primitives.get(self.rule.name)
        if callable(own) and not self.rule.variadic:
            function_: Function = own
            return function_
        function = self._function(self.rule.formula, (), "")
        if not self.rule.variadic:
            return function
        after = len(self.rule.params)

        def gathered(*values: Any) -> Any:
            end = len(values) - after
            return function(values[:end], *values[end:])

        return gathered

    @cached_property
    def keeping(self) -> Function | None:
        """`forward` that gives what to keep for the way back too; None where nothing is."""
        function: Function | None = (
            self.namespace.resolve(self.rule.keeps) if self.rule.keeps else None
        )
        return function

    @cached_property
    def vjp(self) -> Sequence[Function | None]:
        if self.namespace.guarded:
            return self.guarded_vjp
        return self._each(self.rule.vjp, self._pull_names, "_vjp")

    @cached_property
    def guarded_vjp(self) -> Sequence[Function | None]:
        return self._each(self.rule.guarded_vjp, self._pull_names, "_vjp")

    @cached_property
    def jvp(self) -> Sequence[Function | None]:
        if self.namespace.guarded:
            return self.guarded_jvp
        return self._each(self.rule.jvp, self._push_names, "_jvp")

    @cached_property
    def guarded_jvp(self) -> Sequence[Function | None]:
        return self._each(self.rule.guarded_jvp, self._push_names, "_jvp")

    @cached_property
    def partials(self) -> Sequence[Function | None]:
        return self._each(self.rule.partials, ("out",), "_partial")

    def _each(
        self, formulas: _Formulas, leading: tuple[str, ...], suffix: str
    ) -> Sequence[Function | None]:
        return tuple(
            None if formula is None else self._function(formula, leading, f"{suffix}_{argument}")
            for argument, formula in zip(self.rule.args, formulas, strict=True)
        )

    def _function(self, formula: Formula, leading: tuple[str, ...], suffix: str) -> Function:
        kept = ("kept=None",) if self.rule.keeps and leading else ()
        return compile_formula(
            formula,
            (*leading, *self.rule.args, *self.rule.params, *kept),
            self.namespace.resolve,
            name=f"{self.rule.name}{suffix}",
            on_floats=self.namespace.on_floats,
        )

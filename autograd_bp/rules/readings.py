"""Readings: one rule, many meanings.

A *namespace* says what the names in a formula mean: `exp` is `math.exp` on Python floats,
`numpy.exp` on arrays, the operation that records a node on nodes. A *reading* is a rule compiled
in one namespace. A new reader of the sheet (a compiler, JAX, mpmath) is one more namespace, and
touches no rule.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autograd_bp.rules.formula import Formula, compile_formula

if TYPE_CHECKING:
    from autograd_bp.rules.rule import Rule

Function = Callable[..., Any]
_Formulas = tuple["Formula | None", ...]

_PULL = (("g", "out"), "_vjp")
_PUSH = (("t", "out"), "_jvp")

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

    def resolve(self, name: str) -> Any:
        """The meaning of `name`; NameError where it has none."""
        if name in self.primitives:
            return self.primitives[name]
        if name in ROWS:
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
    """

    def __init__(self, rule: Rule, namespace: Namespace) -> None:
        self.rule = rule
        self.namespace = namespace

    @cached_property
    def forward(self) -> Function:
        return self._compile(self.rule.formula, (), "")

    @cached_property
    def vjp(self) -> Sequence[Function | None]:
        if self.namespace.guarded:
            return self.guarded_vjp
        return self._each(self.rule.vjp, *_PULL)

    @cached_property
    def guarded_vjp(self) -> Sequence[Function | None]:
        return self._each(self.rule.guarded_vjp, *_PULL)

    @cached_property
    def jvp(self) -> Sequence[Function | None]:
        if self.namespace.guarded:
            return self.guarded_jvp
        return self._each(self.rule.jvp, *_PUSH)

    @cached_property
    def guarded_jvp(self) -> Sequence[Function | None]:
        return self._each(self.rule.guarded_jvp, *_PUSH)

    @cached_property
    def partials(self) -> Sequence[Function | None]:
        return self._each(self.rule.partials, ("out",), "_partial")

    def _each(
        self, formulas: _Formulas, leading: tuple[str, ...], suffix: str
    ) -> Sequence[Function | None]:
        if self.rule.variadic:
            (formula,) = formulas
            assert formula is not None
            return _EachOperand(self._compile_variadic(formula, (*leading, "i"), suffix))
        return tuple(
            None if formula is None else self._compile(formula, leading, f"{suffix}_{argument}")
            for argument, formula in zip(self.rule.args, formulas, strict=True)
        )

    def _compile(self, formula: Formula, leading: tuple[str, ...], suffix: str) -> Function:
        if self.rule.variadic:
            return self._compile_variadic(formula, leading, suffix)
        return self._function(formula, leading, suffix)

    def _function(self, formula: Formula, leading: tuple[str, ...], suffix: str) -> Function:
        return compile_formula(
            formula,
            (*leading, *self.rule.args, *self.rule.params),
            self.namespace.resolve,
            name=f"{self.rule.name}{suffix}",
            on_floats=self.namespace.on_floats,
        )

    def _compile_variadic(
        self, formula: Formula, leading: tuple[str, ...], suffix: str
    ) -> Function:
        """The formula names all operands as one tuple; callers pass them one by one."""
        function = self._function(formula, leading, suffix)
        before, after = len(leading), len(self.rule.params)

        def gathered(*values: Any) -> Any:
            end = len(values) - after
            return function(*values[:before], values[before:end], *values[end:])

        return gathered


class _EachOperand(Sequence["Function | None"]):
    """The derivative of a rule with any number of operands: one function, by operand."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def __getitem__(self, i: Any) -> Any:
        function = self._function
        return lambda g, out, *values: function(g, out, i, *values)

    def __len__(self) -> int:  # pragma: no cover  (any number of operands)
        raise TypeError("a variadic rule has as many derivatives as operands")

    def __iter__(self) -> Iterator[Any]:  # pragma: no cover
        raise TypeError("a variadic rule has as many derivatives as operands")

"""What is checked: a row of the sheet, a `Function`, or any Python function of arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_bp import operations
from autograd_bp.function import BUILT_IN, Function
from autograd_bp.node import Node
from autograd_bp.recording import no_grad
from autograd_bp.rules import Formula, Interval, Rule
from autograd_bp.rules.rule import REAL
from autograd_bp.tensor import Tensor
from autograd_bp.testing.constants import constants_in_code, constants_of_row
from autograd_bp.testing.truth import is_known

Operand = Any
DomainLike = Interval | tuple[float, float]


@dataclass(frozen=True)
class Subject:
    """A differentiable function of arrays, and what is known of it.

    Attributes
    ----------
    name
        For the report.
    args
        The names of the arguments derivatives are taken by.
    call
        The function, of nodes: returns a node.
    domain
        Per argument, where it has a value.
    rule
        The row, if it is one: its formula gives exact values.
    params
        The static parameters of the row, as drawn for a case.
    kinks
        Formulas that are zero where it has no derivative.
    constants
        Numbers it compares its arguments with: places to look at.
    samples
        Arguments given as examples, if any: their shapes are the ones to use.
    around
        What wraps `call`, if anything: a planted fault.
    called
        How a program says what is called.
    """

    name: str
    args: tuple[str, ...]
    call: Callable[..., Node]
    domain: tuple[Interval, ...]
    rule: Rule | None = None
    params: tuple[Any, ...] = ()
    kinks: tuple[Formula, ...] = ()
    constants: tuple[float, ...] = ()
    samples: tuple[Any, ...] = ()
    around: Callable[[Callable[..., Node]], Callable[..., Node]] | None = None
    called: str = "f"

    @property
    def sheet_row(self) -> str:
        """The name of the row of the sheet that it is; empty for anything else."""
        return self.rule.name if self.rule is not None and self.rule.name in BUILT_IN else ""

    @property
    def is_elementwise(self) -> bool:
        """Whether it is a row whose exact value a formula gives, element by element."""
        return self.rule is not None and self.rule.kind == "elementwise"

    @property
    def has_exact_values(self) -> bool:
        """Whether mpmath can tell what the function is."""
        return self.rule is not None and self.is_elementwise and is_known(self.rule)

    def value(self, operands: Sequence[Operand]) -> Any:
        """The result on plain arrays of any float dtype, as an array."""
        with no_grad(), np.errstate(all="ignore"):
            nodes = [Tensor(x, requires_grad=False) for x in operands]
            return np.asarray(plain(self.call(*nodes)))

    def with_params(self, params: tuple[Any, ...]) -> Subject:
        """The same row with other static parameters."""
        assert self.rule is not None
        call = _row_call(self.rule, params)
        return replace(self, params=params, call=self.around(call) if self.around else call)

    def with_fault(self, around: Callable[[Callable[..., Node]], Callable[..., Node]]) -> Subject:
        """The same function with something wrapped around it."""
        return replace(self, call=around(self.call), around=around)


class NotOneArrayError(TypeError):
    """A checked function returned something else."""


def plain(result: Any) -> Any:
    """The numbers of a result."""
    if isinstance(result, Node):
        return result._value
    if isinstance(result, np.ndarray | np.generic | float | int):
        return result
    raise NotOneArrayError(
        f"a checked function returns one array or number, not {type(result).__name__}"
    )


def subject(
    checked: Any,
    *,
    args: Sequence[Any] = (),
    domain: DomainLike | Iterable[DomainLike] | None = None,
    kinks: Iterable[str] = (),
    name: str | None = None,
) -> Subject:
    """Make a subject of a rule, an operation with a rule, a Function or a plain function.

    Raises
    ------
    TypeError
        If it is none of these, or takes any number of arguments and no samples say how many.
    """
    rule = checked if isinstance(checked, Rule) else getattr(checked, "rule", None)
    if isinstance(rule, Rule):
        return Subject(
            name=name or rule.name,
            args=rule.args,
            call=_row_call(rule, _default_params(rule)),
            params=_default_params(rule),
            domain=_intervals(domain, len(rule.args)) or rule.domain,
            rule=rule,
            kinks=(*rule.kinks, *map(Formula, kinks)),
            constants=constants_of_row(rule),
            samples=tuple(args),
            called=rule.name,
        )
    called = str(getattr(checked, "__name__", ""))
    if isinstance(checked, type) and issubclass(checked, Function):
        checked, called = checked(), f"{called}()"
    if not callable(checked):
        raise TypeError(
            f"check takes a rule, an ab.Function or a function of arrays, not "
            f"{type(checked).__name__}"
        )
    names = _argument_names(checked, len(args))
    return Subject(
        name=name or str(getattr(checked, "__name__", type(checked).__name__)),
        args=names,
        call=checked,
        domain=_intervals(domain, len(names)) or (REAL,) * len(names),
        kinks=tuple(map(Formula, kinks)),
        constants=constants_in_code(checked),
        samples=tuple(args),
        called=called if called.removesuffix("()").isidentifier() else "f",
    )


def _default_params(rule: Rule) -> tuple[Any, ...]:
    """Parameters to begin with; a case draws its own where there are several to try."""
    return tuple(rule.defaults.get(name, 1) for name in rule.params)


def _row_call(rule: Rule, params: tuple[Any, ...]) -> Callable[..., Node]:
    def call(*operands: Operand) -> Node:
        result: Node = operations.apply(rule, operands, params)
        return result

    return call


def _argument_names(checked: Callable[..., Any], given: int) -> tuple[str, ...]:
    """The positional arguments without a default."""
    target = checked.forward if isinstance(checked, Function) else checked
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = list(inspect.signature(target).parameters.values())
    required = [
        p.name for p in parameters if p.kind in positional and p.default is inspect.Parameter.empty
    ]
    if given:
        fixed = [p.name for p in parameters if p.kind in positional][:given]
        return tuple(fixed[i] if i < len(fixed) else f"x{i}" for i in range(given))
    if not required:
        raise TypeError(
            f"{checked!r} does not say how many arguments it takes: give samples, as in "
            "check(f, args=[np.ones(3), np.ones(3)])"
        )
    return tuple(required)


def _intervals(
    domain: DomainLike | Iterable[DomainLike] | None, n: int
) -> tuple[Interval, ...] | None:
    """Domains as intervals, one for each argument; ends that are given as numbers are open."""
    if domain is None:
        return None
    single = isinstance(domain, Interval) or (
        isinstance(domain, tuple)
        and len(domain) == 2
        and all(isinstance(end, int | float) for end in domain)
    )
    several: list[Any] = [domain] * n if single else list(domain)  # type: ignore[arg-type]
    if len(several) != n:
        raise ValueError(f"domain: {len(several)} intervals for {n} arguments")
    return tuple(map(interval, several))


def interval(domain: DomainLike) -> Interval:
    """An interval as it is; ends that are given as numbers are open.

    Raises
    ------
    ValueError
        If there is nothing between the ends.
    """
    if isinstance(domain, Interval):
        return domain
    low, high = map(float, domain)
    if not low < high:
        raise ValueError(f"domain: there is nothing between {low:g} and {high:g}")
    return Interval(low, high, (False, False))

"""Whether an expression is zero: by rewriting it to 0, within a time; or not, at a point."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import sympy

from autograd_bp.testing.regions import Expression, Region, Symbol

Point = dict[Symbol, Expression]

_DIGITS, _MOST_DIGITS = 40, 2500
_POINTS = 6
_TRIES = 80
# Simple numbers first: the counterexample that is shown is the first that is found.
_POOL = tuple(map(sympy.Rational, "2 1/2 3 1/3 5/4 7 1/10 19 41/2 1/50 60".split()))
_SCALES = tuple(map(sympy.Rational, "1 30 1/30 1e9 1e-9 1e-310 1e310".split()))


_REMINDERS, _PATIENCE = 20, 0.1
_interrupting = threading.Lock()
"""Held by the one that has changed `sys.unraisablehook` and stopped the garbage collector."""
_MOST_OPERATIONS = 1500
"""Simplification is not tried on an expression with more."""

SYMPY_FAILED = (ValueError, OverflowError, RecursionError)
"""What SymPy raises where it is at fault: another point, or another rewriting, may do.

SymPy 1.14 cannot take some roots of large integers, those that are a product of two numbers close
to each other without small factors: `factorint` raises a ValueError (its issue 28621).
"""


class OutOfTime(BaseException):
    """Raised inside a computation that took too long; no `except Exception` stops it."""


def within(seconds: float, compute: Callable[[], Any], otherwise: Any) -> Any:
    """The result of `compute()`, or `otherwise` if there is none after so many seconds.

    SymPy's simplification has no bound on its time. It is Python all through, so in a thread of
    its own it can be ended by an exception from outside, whichever thread asks: a signal would
    reach the main thread only. One that does not even react to that is left behind.

    >>> within(10.0, lambda: "found", "gave up")
    'found'
    >>> within(0.01, lambda: [i for i in iter(int, 1)], "gave up")
    'gave up'
    """
    results: list[Any] = []
    errors: list[Exception] = []

    def work() -> None:
        with contextlib.suppress(OutOfTime):  # it may come late, when `compute` is done
            try:
                results.append(compute())
            except Exception as error:
                errors.append(error)  # raised again where it is awaited

    thread = threading.Thread(target=work, name="proof", daemon=True)
    thread.start()
    thread.join(max(seconds, 0.0))
    if thread.is_alive():
        with _swallowed_in_silence():
            _end(thread)
    if errors:
        raise errors[0]
    return results[0] if results else otherwise


def _end(thread: threading.Thread) -> None:
    """Raise `OutOfTime` in a thread until it ends, or has not reacted to any of the reminders."""
    for _ in range(_REMINDERS):
        if not thread.is_alive():
            break
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(OutOfTime)
        )
        thread.join(_PATIENCE)


@contextlib.contextmanager
def _swallowed_in_silence() -> Iterator[None]:
    """Say nothing of an `OutOfTime` that Python swallows: the next reminder raises it again.

    It may arrive while the thread is in a callback of the garbage collector, in a `__del__` or in
    the callback of a weak reference, where Python reports an exception and goes on. Meanwhile the
    collector rests, lest every reminder falls into it.
    """
    with _interrupting:
        before, collecting = sys.unraisablehook, gc.isenabled()

        def report(unraisable: Any) -> None:
            if not isinstance(unraisable.exc_value, OutOfTime):
                before(unraisable)

        sys.unraisablehook = report
        gc.disable()
        try:
            yield
        finally:
            sys.unraisablehook = before
            if collecting:
                gc.enable()


# -- it is zero -----------------------------------------------------------------------------------


def vanishes(*forms: Expression) -> bool:
    """Whether rewriting gets one of the forms to 0; False only says that it did not."""
    for rewritings in (_QUICK, _SLOW):
        for form in forms:
            if rewritings is _SLOW and sympy.count_ops(form) > _MOST_OPERATIONS:
                continue
            for rewrite in rewritings:
                try:
                    form = rewrite(form)
                except SYMPY_FAILED:
                    continue
                if form == 0:
                    return True
    return any(map(_vanishes_by_signs, forms))


def _vanishes_by_signs(expression: Expression) -> bool:
    """The same for every combination of the signs of its variables."""
    reals = [s for s in expression.free_symbols if s.is_real and s.is_positive is None]
    if not 0 < len(reals) < 4:
        return False
    new = {s: sympy.Dummy(s.name, positive=True) for s in reals}
    return all(
        vanishes(
            expression.xreplace({s: sign * new[s] for s, sign in zip(reals, signs, strict=True)})
        )
        for signs in itertools.product((1, -1), repeat=len(reals))
    )


def _in_exponentials(expression: Expression) -> Expression:
    hyperbolic = expression.rewrite(
        (sympy.sinh, sympy.cosh, sympy.tanh, sympy.coth, sympy.sech, sympy.csch), sympy.exp
    )
    trigonometric = hyperbolic.replace(sympy.tan, lambda x: sympy.sin(x) / sympy.cos(x))
    return sympy.expand_power_exp(sympy.expand(trigonometric))


def _over_one_denominator(expression: Expression) -> Expression:
    numerator, denominator = sympy.fraction(sympy.together(expression))
    expanded = sympy.expand(sympy.expand_power_exp(sympy.expand(numerator)))
    return expanded if expanded == 0 else expanded / denominator


def _with_factored_roots(expression: Expression) -> Expression:
    """Radicands as products: a root of positive factors falls apart into theirs."""
    return expression.replace(
        lambda e: e.is_Pow and e.exp.is_Rational and not e.exp.is_Integer,
        lambda e: sympy.factor(sympy.together(e.base)) ** e.exp,
    )


_QUICK: tuple[Callable[[Expression], Expression], ...] = (
    sympy.expand,
    lambda e: _over_one_denominator(_in_exponentials(_with_factored_roots(e))),
)
_SLOW: tuple[Callable[[Expression], Expression], ...] = (
    sympy.simplify,
    lambda e: sympy.simplify(sympy.radsimp(sympy.expand_log(e, force=False))),
    lambda e: sympy.simplify(e.rewrite(sympy.exp)),
)


# -- it is not -----------------------------------------------------------------------------------


def points(region: Region, *, thorough: bool = False) -> Iterator[Point]:
    """Points of a region, by its variables: a few simple ones, or many on all scales."""
    symbols: set[Symbol] = set()
    for s in (*region.arguments, *region.params):
        symbols |= region.at(s).free_symbols
    variables = sorted(symbols, key=str)
    rng = random.Random(len(variables))  # noqa: S311  (the same points every time)
    found = 0
    for k in range(_TRIES * len(_SCALES) if thorough else _TRIES):
        pool = _POOL[: 3 + k // 4]
        scale = _SCALES[k % len(_SCALES)] if thorough else 1
        point = {s: _coordinate(s, pool, scale, rng) for s in variables}
        try:
            point = region.whole_numbers(point)
            holds = region.holds_at(point)
        except SYMPY_FAILED:
            continue
        if holds:
            yield point
            found += 1
            if found == _POINTS and not thorough:
                return


def _coordinate(
    symbol: Symbol, pool: tuple[Expression, ...], scale: Expression, rng: random.Random
) -> Expression:
    if symbol.is_integer:
        return sympy.Integer(rng.randrange(4))
    number = rng.choice(pool) * scale
    return number if symbol.is_nonnegative else rng.choice((1, -1)) * number


def value_at(expression: Expression) -> Expression | None:
    """A finite real number, oo, -oo or nan; None where there is no real value."""
    if expression in (sympy.oo, -sympy.oo, sympy.nan, sympy.zoo):
        return sympy.nan if expression is sympy.zoo else expression
    value = sympy.N(expression, _DIGITS)
    return value if value.is_number and value.is_real else None


def agree(x: Expression, y: Expression) -> bool:
    """Whether two numbers with all their digits are the same but for the last few."""
    return bool(abs(x - y) <= sympy.Float(10) ** (10 - _DIGITS) * abs(x))


def is_not_zero(difference: Expression, size: Expression) -> bool:
    """Whether a number is certainly not zero: larger than `size`, which roundings explain.

    It is believed if it stays the same when the digits are doubled.
    """
    rough, fine = (
        sympy.N(difference, digits, maxn=_MOST_DIGITS) for digits in (_DIGITS // 2, _DIGITS)
    )
    return bool(
        fine.is_real and fine != 0 and abs(rough - fine) <= abs(fine) / 10**6 and abs(fine) > size
    )

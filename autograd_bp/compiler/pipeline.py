"""From a recorded program to the one that runs: which passes, in which order."""

from __future__ import annotations

from collections.abc import Collection

from autograd_bp.compiler.memory import Plan, planned
from autograd_bp.compiler.passes.activations import with_cheap_forms
from autograd_bp.compiler.passes.algebra import simplified, without_needless_broadcasts
from autograd_bp.compiler.passes.blas import with_accumulated_products
from autograd_bp.compiler.passes.checks import (
    with_checks_joined,
    with_wide_factors_seen_in_products,
    without_implied_checks,
)
from autograd_bp.compiler.passes.common import with_common_subexpressions_shared
from autograd_bp.compiler.passes.dead_code import without_dead_code
from autograd_bp.compiler.passes.expand import expanded
from autograd_bp.compiler.passes.folding import folded, with_numbers_for_uniform_constants
from autograd_bp.compiler.passes.guards import with_plain_products
from autograd_bp.compiler.passes.lower import lowered
from autograd_bp.compiler.passes.sums import with_sums_as_products
from autograd_bp.compiler.passes.updates import with_updates_last
from autograd_bp.compiler.program import Program, Var


def optimised(program: Program, *, bold: bool = True) -> Program:
    """The same outputs, by fewer and larger steps.

    `bold` takes forms of activations that are right unless they give nan.
    """
    program = without_dead_code(program)
    program = with_common_subexpressions_shared(program)
    program = with_plain_products(program, bold=bold)
    if bold:
        program = with_cheap_forms(program)
        program = without_dead_code(program)
    program = expanded(program)
    program = lowered(program)
    program = folded(program)
    program = with_numbers_for_uniform_constants(program)
    for _ in range(3):
        program = simplified(program)
        program = without_needless_broadcasts(program)
        program = with_common_subexpressions_shared(program)
        program = without_dead_code(program)
    program = with_sums_as_products(with_accumulated_products(program))
    program = without_dead_code(with_common_subexpressions_shared(program))
    program = without_implied_checks(program)
    return with_checks_joined(with_wide_factors_seen_in_products(program))


def prepared(
    program: Program, donated: Collection[Var], *, bold: bool = True
) -> tuple[Program, Plan]:
    """The program that runs, and where it writes."""
    program, overwritten = with_updates_last(optimised(program, bold=bold), donated)
    return program, planned(program, overwritten)

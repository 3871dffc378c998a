"""Where numbers stop being finite: the first place, and what leads there."""

from collections.abc import Sequence

from viz.plan import Skeleton

_VALUE = "first value not finite"
_GRADIENT = "first gradient not finite"


def leading_to_trouble(
    skeleton: Skeleton, values: Sequence[bool], gradients: Sequence[bool]
) -> tuple[Skeleton, dict[int, str]]:
    """The part of a graph that leads to the first number that is not finite, and a mark on it.

    `values` and `gradients` tell of each node whether its value and its gradient are not finite.
    The first value counts in the order of the computation: all it depends on leads to it. If all
    values are finite, it is the first gradient on the way back: what lies between it and the
    outputs, with the operands of these. If all is finite, the whole graph stays, and is said to be.
    """
    bad = [number for number, is_bad in enumerate(values) if is_bad]
    if bad:
        first = min(bad, key=lambda number: _when(skeleton, number))
        return skeleton.restricted(_operands_of(skeleton, [first])), {first: _VALUE}
    bad = [number for number, is_bad in enumerate(gradients) if is_bad]
    if not bad:
        return skeleton.remarked("every value and every gradient is finite"), {}
    first = max(bad, key=lambda number: _when(skeleton, number))
    results = _results_of(skeleton, first)
    kept = {source for number in results - {first} for source in skeleton.parents[number]}
    return skeleton.restricted(kept | results), {first: _GRADIENT}


def _when(skeleton: Skeleton, number: int) -> tuple[bool, int, int]:
    """When a node was made: inputs first."""
    return bool(skeleton.symbols[number]), skeleton.ages[number], number


def _operands_of(skeleton: Skeleton, numbers: Sequence[int]) -> set[int]:
    """`numbers`, and all that they depend on."""
    found = set(numbers)
    waiting = list(numbers)
    while waiting:
        for source in skeleton.parents[waiting.pop()]:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _results_of(skeleton: Skeleton, first: int) -> set[int]:
    """`first`, and all that depends on it."""
    found = {first}
    for number in sorted(range(len(skeleton.parents)), key=lambda each: _when(skeleton, each)):
        if found.intersection(skeleton.parents[number]):
            found.add(number)
    return found

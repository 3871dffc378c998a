"""Every step in words and in mathematics, as HTML. Numbers stand in slots: the page changes them
when another step of a training run is shown."""

from collections.abc import Callable, Mapping, Sequence

from viz import numerals
from viz.explaining.account import derivative
from viz.explaining.algebra import Written
from viz.explaining.in_text import value
from viz.picture import Picture, Quantity
from viz.stepping.events import Event, Walk
from viz.text import escape_xml

_LISTED = 12


def slots(walk: Walk, picture: Picture, event: Event) -> dict[str, Quantity]:
    """The numbers of a step, by the name of the slot where the page writes them."""
    if event.kind == "given":
        shown = walk.inputs[:_LISTED]
        return {f"i{place}": picture.nodes[node].value for place, node in enumerate(shown)}
    found = {
        "v": event.value,
        "u": event.upstream,
        "c": event.contribution,
        "b": event.before,
        "a": event.after,
    }
    if event.local is not None:
        found["l"] = Quantity("float64", None, (event.local,))
    return {name: quantity for name, quantity in found.items() if quantity is not None}


def words(walk: Walk, picture: Picture, event: Event, output: Written, digits: int) -> str:
    """A step in words, as HTML."""
    numbers = slots(walk, picture, event)

    def slot(name: str) -> str:
        return f'<b data-n="{name}">{escape_xml(value(numbers[name], digits))}</b>'

    name = _named(event.name)
    if event.kind == "given":
        inputs = [
            f"{_called(walk, node)}{slot(f'i{place}')}"
            for place, node in enumerate(walk.inputs[:_LISTED])
        ]
        rest = len(walk.inputs) - len(inputs)
        return f"The inputs are given: {', '.join(inputs)}{f', and {rest} more' if rest else ''}."
    if event.kind == "computed":
        assert event.formula is not None
        formula = f"<code>{escape_xml(event.formula.text)}</code>"
        return f"Forward: {name} is {formula}, which gives {slot('v')}."
    if event.kind == "seeded":
        return (
            f"The way back starts at {name}: its gradient is {slot('a')}, since we ask how "
            f"{_named(output)} changes with itself."
        )
    return _passed(event, slot, output)


def _passed(event: Event, slot: Callable[[str], str], output: Written) -> str:
    assert event.result_name is not None
    name, result = _named(event.name), _named(event.result_name)
    said = f"Back: the gradient of {result} is {slot('u')}. "
    if event.local is None:
        said += f"It goes to {name} ({escape_xml(event.words)}): a contribution of {slot('c')}. "
    else:
        because = " and ".join(test.text for test in event.because)
        since = f" (since {escape_xml(because)})" if because else ""
        formula = event.formula.text if event.formula is not None else ""
        at = f"<code>{escape_xml(formula)}</code> = {slot('l')}"
        if event.formula is None or _is_number(formula):
            at = slot("l")
        said += (
            f"{result} changes with {name} by {at}{since}, so {name} gets "
            f"{slot('u')} × {slot('l')} = {slot('c')}. "
        )
    so_much = f"for each unit of {name}, {_named(output)} changes by {slot('a')}"
    if event.before is None and event.complete:
        said += f"That is its whole gradient: {so_much}."
    elif event.before is None:
        said += f"That is the first part of its gradient: {slot('a')}."
    else:
        said += f"Its gradient grows from {slot('b')} to {slot('a')}."
        said += f" Nothing more comes: {so_much}." if event.complete else ""
    return said


def mathematics(event: Event, output: Written, digits: int) -> str:
    """A step as MathML; empty where there is nothing to be said."""
    if event.kind == "computed":
        parts = [event.name.mathml]
        parts += [each.mathml for each in (event.formula, event.numbers) if each is not None]
        if event.value is not None and event.value.scalar:
            parts.append(_slot("v", event.value, digits))
        return _equation(_once(parts))
    if event.kind == "seeded":
        assert event.after is not None
        return _equation([derivative(output, event.name).mathml, _slot("a", event.after, digits)])
    if event.kind != "passed":
        return ""
    assert event.result_name is not None
    assert event.upstream is not None
    assert event.contribution is not None
    whole = derivative(output, event.name).mathml
    outer = derivative(output, event.result_name).mathml
    if event.local is None:
        pull = "" if event.formula is None else event.formula.mathml
        let = f"<mtext>with&#160;</mtext><mi>G</mi><mo>=</mo>{outer}"
        return _equation([whole, pull], _sign(event), f"<math><mrow>{let}</mrow></math>")
    inner = derivative(event.result_name, event.name).mathml
    parts = [whole, f"{outer}{_TIMES}{inner}"]
    if event.formula is not None and not _is_number(event.formula.text):
        parts.append(f"{outer}{_TIMES}{_factor(event.formula)}")
    local = _slot("l", Quantity("float64", None, (event.local,)), digits)
    parts.append(f"{_slot('u', event.upstream, digits)}{_TIMES}{local}")
    parts.append(_slot("c", event.contribution, digits))
    return _equation(parts, _sign(event))


_TIMES = "<mo>&#8901;</mo>"


def _factor(formula: Written) -> str:
    """A formula as a factor: in brackets if it is a sum."""
    if formula.text.startswith("-") or any(sign in formula.text for sign in (" + ", " - ", " if ")):
        return f"<mrow><mo>(</mo>{formula.mathml}<mo>)</mo></mrow>"
    return f"<mrow>{formula.mathml}</mrow>"


def _sign(event: Event) -> str:
    """A gradient with one part only is it; to others parts are added."""
    return "=" if event.before is None and event.complete else "+="


def _slot(name: str, quantity: Quantity, digits: int) -> str:
    return f'<mn data-n="{name}">{escape_xml(value(quantity, digits))}</mn>'


def _equation(parts: Sequence[str], sign: str = "=", rest: str = "") -> str:
    """Parts with signs of equality between, each a formula of its own: a narrow page can break."""
    first, *others = parts
    signs = [sign, *("=" for _ in others[1:])]
    pieces = [f"<math><mrow>{first}</mrow></math>"]
    pieces += [
        f"<math><mrow><mo>{each}</mo>{part}</mrow></math>"
        for each, part in zip(signs, others, strict=True)
    ]
    return f'<div class="m">{"".join(pieces)}{rest}</div>'


def _once(parts: Sequence[str]) -> list[str]:
    return [part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1]]


def _named(name: Written) -> str:
    return f"<i>{escape_xml(name.text)}</i>"


def _called(walk: Walk, node: int) -> str:
    name = walk.names.get(node)
    return "" if name is None else f"{_named(name)} = "


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def raw(numbers: Mapping[str, Quantity], digits: int) -> dict[str, float | str]:
    """The numbers for the page: exact where they are single, as text where they are arrays.

    JSON has no infinities; these are text too.
    """
    return {name: _raw(quantity, digits) for name, quantity in numbers.items()}


def _raw(quantity: Quantity, digits: int) -> float | str:
    if quantity.scalar and quantity.entries and quantity.finite:
        return float(quantity.entries[0])
    if quantity.scalar and quantity.entries:
        return numerals.number(quantity.entries[0], digits)
    return value(quantity, digits)

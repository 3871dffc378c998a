"""An explanation as LaTeX, and as Markdown with mathematics in it."""

from __future__ import annotations

from collections.abc import Sequence

from viz.explaining.account import Account, Factor, Number, Path, Term, derivative
from viz.explaining.in_text import abridged, counted, notes, summary, value
from viz.explaining.printing import numeral, words
from viz.picture import Quantity
from viz.snapshots import snapshot

_LISTED = 40


def latex(account: Account) -> str:
    """A fragment of LaTeX: text with displayed equations."""
    blocks = [rf"\[{head(account)}\]", *map(_plain, notes(account))]
    if account.count:
        blocks += [_aligned(_definitions(account)), _aligned(_locals(account))]
        blocks.append(_plain(counted(account)))
        blocks.append(_aligned([_path(path, account) for path in account.paths]))
        blocks += map(_plain, summary(account))
    return "\n".join(block for block in blocks if block) + "\n"


def markdown(account: Account) -> str:
    """Headings, lists, and mathematics between dollar signs."""
    blocks = [f"$${_safe(head(account))}$$", *map(_escaped, notes(account))]
    if account.count:
        for title, lines in (
            ("Forward", _definitions(account)),
            ("Local derivatives", _locals(account)),
        ):
            if lines:
                blocks += [f"**{title}**", "\n".join(f"- ${_safe(_row(line))}$" for line in lines)]
        blocks.append(f"**{_escaped(counted(account))}**")
        blocks.append(
            "\n".join(
                f"{place}. ${_safe(_row(_path(path, account)))}$"
                for place, path in enumerate(account.paths, 1)
            )
        )
        blocks += map(_escaped, summary(account))
    return "\n\n".join(blocks) + "\n"


def head(account: Account) -> str:
    """The gradient, as an equation."""
    name = derivative(account.output, account.wrt).latex
    return rf"{name} = {_value(account.gradient, account.digits)}"


def _value(number: Number | Quantity, digits: int) -> str:
    """A number, a small array as a matrix, or the shape and range of a large one."""
    quantity = number if isinstance(number, Quantity) else snapshot(number)
    shape = quantity.shape or ()
    if not quantity.entries or len(shape) > 2:
        return words(value(quantity, digits)).latex
    entries = [numeral(float(entry), digits).latex for entry in quantity.entries]
    if quantity.scalar:
        return entries[0]
    columns = shape[-1]
    rows = [entries[at : at + columns] for at in range(0, len(entries), columns)]
    body = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"\begin{{pmatrix}}{body}\end{{pmatrix}}"


def _definitions(account: Account) -> list[str]:
    return [
        _definition(term, account.digits) for term in account.terms if term.formula is not None
    ][:_LISTED]


def _definition(term: Term, digits: int) -> str:
    assert term.formula is not None
    parts = [term.formula.latex]
    if term.numbers is not None:
        parts.append(term.numbers.latex)
    if term.value.scalar:
        return f"{term.symbol.latex} &= {' = '.join(_once([*parts, _value(term.value, digits)]))}"
    shape = words(f"of shape {term.value.shape}").latex
    return rf"{term.symbol.latex} &= {parts[0]} \quad {shape}"


def _locals(account: Account) -> list[str]:
    return [_local(factor, account.digits) for factor in account.factors[:_LISTED]]


def _local(factor: Factor, digits: int) -> str:
    name = factor.derivative.latex
    if factor.value is None:
        done = "" if factor.pull is None else rf"G \mapsto {factor.pull.latex} \quad "
        return rf"{name} &: {done}{words(factor.words).latex}"
    parts = [each.latex for each in (factor.formula, factor.numbers) if each is not None]
    parts.append(numeral(factor.value, digits).latex)
    because = r" \land ".join(test.latex for test in factor.because)
    since = rf" \quad \text{{since }} {because}" if because else ""
    books = "" if factor.also is None else rf" \quad \text{{in books }} {factor.also.latex}"
    return f"{name} &= {' = '.join(_once(parts))}{since}{books}"


def _path(path: Path, account: Account) -> str:
    names = [step.symbol.latex for step in path.steps]
    if len(names) != len(abridged(path.names)):
        names = [*names[:6], r"\cdots", *names[-6:]]
    route = r" \leftarrow ".join(names)
    parts = [each.latex for each in (path.formula, path.inputs, path.numbers) if each is not None]
    parts.append(_value(path.product, account.digits))
    return rf"{route}: &\quad {' = '.join(_once(parts))}"


def _once(parts: Sequence[str]) -> list[str]:
    return [part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1]]


def _aligned(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _row(line: str) -> str:
    """A line of an alignment by itself."""
    return line.replace(" &=", " =").replace(" &:", " :").replace(": &", ": ")


def _plain(sentence: str) -> str:
    """A sentence in LaTeX's text mode: names in it may hold anything."""
    return f"${words(sentence).latex}$" if any(sign in sentence for sign in _SPECIAL) else sentence


_SPECIAL = "\\{}$%#&_^~<>`"


def _safe(mathematics: str) -> str:
    """LaTeX inside Markdown: nothing that HTML or Markdown would take for its own."""
    return (
        mathematics.replace("<", r"\lt ")
        .replace(">", r"\gt ")
        .replace("`", "'")
        .replace("*", r"\ast ")
        .replace("](", "]{}(")
    )


def _escaped(sentence: str) -> str:
    """A sentence in Markdown, whatever is in it."""
    sentence = sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(
        f"\\{character}" if character in r"\`*_{}[]()#+-!|$~" else character
        for character in sentence
    )

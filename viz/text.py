"""Text from a user, made fit to be drawn: escaped, measured, shortened.

A name is data and may hold anything. Each format has one escaping function here, and whatever is
written into that format goes through it.
"""

import re
import unicodedata
from typing import Literal

# What XML 1.0 (section 2.2) cannot carry, not even escaped; Graphviz cannot carry NUL either.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REPLACEMENT = "\ufffd"
ELLIPSIS = "…"

# Advance widths of Helvetica in thousandths of the font size, from U+0020 to U+007E (Adobe's
# published metrics). Arial and Liberation Sans have the same ones. Signs such as + and < are far
# wider in DejaVu Sans, and so here.
_HELVETICA = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 784, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 784, 784, 784, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 784),
)
# Other sans-serif fonts are up to 15 % wider. Half of that is kept free here, the padding of boxes
# takes the rest.
_ALLOWANCE = 1.07
_BOLD = 1.07
_DEJAVU = 1.12
_MARKS_SHOWN = 4
# Above Latin, Greek and Cyrillic: what is in Helvetica, Arial and Liberation Sans alike.
_IN_ALL_FONTS = "…−–—‘’“”•→"

Script = Literal["latin", "cjk", "symbols"]


def visible(text: str) -> str:
    """`text` with each character that XML cannot carry replaced by U+FFFD.

    >>> visible("a\\x00b")
    'a\ufffdb'
    """
    return _NOT_XML.sub(REPLACEMENT, text)


def escape_xml(text: str) -> str:
    """`text` for an element's content or a quoted attribute, in SVG and in HTML.

    >>> escape_xml('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return (
        visible(text)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#39;")
        .replace("\r", "&#13;")  # A bare one would be read back as a newline.
    )


def escape_dot(text: str, *, tooltip: bool = False) -> str:
    """`text` as a quoted DOT string, quotes included, for a label or for a tooltip.

    The ampersand first: Graphviz reads entities such as `&lt;` in every text. The backslash before
    the quote and the newline, which need one themselves. Graphviz undoes backslashes in tooltips
    twice (seen in 16.1), so that there it takes four for one; with two, the name `\\N` would be
    shown as the node's.

    >>> print(escape_dot('say "&"'))
    "say \\"&amp;\\""
    """
    backslash = "\\\\" * 2 if tooltip else "\\\\"
    escaped = (
        visible(text)
        .replace("&", "&amp;")
        .replace("\\", backslash)
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\r", "&#13;")
    )
    return f'"{escaped}"'


def one_line(text: str) -> str:
    """`text` as it is shown on one line: line breaks and tabs as signs, stacks of accents cut.

    >>> one_line("two\\nlines")
    'two¶lines'
    """
    shown: list[str] = []
    marks = 0
    for character in visible(text).replace("\r\n", "¶"):
        category = unicodedata.category(character)
        # A name may carry hundreds of accents on one letter, and they would cover the picture.
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MARKS_SHOWN:
            continue
        if character in "\n\r\u2028\u2029":
            shown.append("¶")
        elif character == "\t":
            shown.append("→")
        elif category == "Cc":
            shown.append(REPLACEMENT)
        else:
            shown.append(character)
    return "".join(shown)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The room that one line of `text` takes at font size `size`, in pixels.

    Computed from fixed tables, never from the fonts of the machine: the same picture comes out
    everywhere.

    >>> width("1.5", 10) < width("15.5", 10) < width("苹果", 10)
    True
    """
    factor = _ALLOWANCE * (_BOLD if bold else 1.0)
    if script(text) == "symbols":
        factor *= _DEJAVU
    return round(sum(_advance(character) for character in text) * size * factor, 2)


def script(text: str) -> Script:
    """Which list of fonts `text` needs.

    Left to itself, a renderer that misses one character may set the whole line in some other font.

    >>> script("naïve σ"), script("苹果"), script("∂x₁")
    ('latin', 'cjk', 'symbols')
    """
    if any(unicodedata.east_asian_width(character) in "WF" for character in text):
        return "cjk"
    plain = all(character < "\u0530" or character in _IN_ALL_FONTS for character in text)
    return "latin" if plain else "symbols"


def shorten(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """`text` if it fits into `room` pixels, otherwise its two ends with an ellipsis between.

    >>> shorten("a_very_long_name_indeed", 80, 12)
    'a_ver…ndeed'
    """
    if width(text, size, bold=bold) <= room:
        return text
    head, tail = "", ""
    rest = _clusters(text)
    while rest:
        longer_head = len(head) <= len(tail)
        cluster = rest.pop(0 if longer_head else -1)
        wanted = (head + cluster, tail) if longer_head else (head, cluster + tail)
        if width(wanted[0] + ELLIPSIS + wanted[1], size, bold=bold) > room:
            break
        head, tail = wanted
    return head + ELLIPSIS + tail


def _clusters(text: str) -> list[str]:
    """`text` in pieces that belong together: a letter with its accents, a joined emoji."""
    pieces: list[str] = []
    for character in text:
        joins = unicodedata.category(character) in ("Mn", "Me", "Cf")
        if pieces and (joins or pieces[-1].endswith("\u200d")):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _advance(character: str) -> float:
    code = ord(character)
    if 0x20 <= code <= 0x7E:
        return _HELVETICA[code - 0x20] / 1000
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.3 if code >= 0x1F000 else 1.0
    return 0.62 if character.islower() else 0.8

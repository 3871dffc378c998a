"""Colours. A theme is only that: it moves nothing."""

import re
from dataclasses import dataclass
from typing import Final

# Gradients from small to large, and steps from shrinking to growing. Lightness changes with them,
# so that they can be told apart with any colour vision.
_SIZES = ("#a9c3e0", "#8aa9d4", "#7789c4", "#7565ae", "#803f95", "#851e70", "#6d0a3f")
_SIZES_ON_DARK = ("#3d4c66", "#4f6194", "#6f70b8", "#9a7bd0", "#cd86d6", "#f39ac2", "#ffd0b0")
_SIZES_IN_GREY = ("#bdbdbd", "#a3a3a3", "#898989", "#6f6f6f", "#525252", "#333333", "#000000")
_GAINS = ("#175290", "#3f88bd", "#86b5d3", "#9a9a9a", "#e59a76", "#cf5546", "#9e1226")
_GAINS_ON_DARK = ("#5aa9ff", "#6fb2e6", "#7f9fb5", "#8b8b8b", "#b5907f", "#f08a6c", "#ff6b5e")
_GAINS_IN_GREY = ("#d0d0d0", "#bdbdbd", "#a3a3a3", "#898989", "#666666", "#404040", "#000000")


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture, as CSS writes them: `#rrggbb`.

    `value` and `gradient` are the two directions; they must be told apart in print and by a
    colour-blind reader too, which is why the arrows also differ in width. `sizes` and `gains` are
    the shades of gradient flow, seven each, from small to large.
    """

    background: str
    text: str
    muted: str
    value: str
    gradient: str
    zero: str
    alarm: str
    line: str
    leaf: str
    leaf_line: str
    operation: str
    operation_line: str
    output: str
    output_line: str
    sizes: tuple[str, ...] = _SIZES
    gains: tuple[str, ...] = _GAINS


LIGHT: Final = Theme(
    background="#ffffff",
    text="#1f2328",
    muted="#656d76",
    value="#1a56a8",
    gradient="#c0392b",
    zero="#dba39c",
    alarm="#8e24aa",
    line="#8c959f",
    leaf="#eaf2fc",
    leaf_line="#a9c4e6",
    operation="#fbf6e9",
    operation_line="#6b5d3a",
    output="#eaf6ec",
    output_line="#93c49c",
)
DARK: Final = Theme(
    background="#0d1117",
    text="#e6edf3",
    muted="#9198a1",
    value="#79b8ff",
    gradient="#ff8578",
    zero="#8a4a44",
    alarm="#d2a8ff",
    line="#6e7681",
    leaf="#13233a",
    leaf_line="#35558a",
    operation="#2a2415",
    operation_line="#b39b5e",
    output="#12261a",
    output_line="#3c7a4b",
    sizes=_SIZES_ON_DARK,
    gains=_GAINS_ON_DARK,
)
# The colours of Okabe and Ito ("Color Universal Design", 2008), told apart with any colour vision;
# blue and vermilion are darker, to be read on tinted grounds.
COLOUR_BLIND: Final = Theme(
    background="#ffffff",
    text="#1f2328",
    muted="#5f6670",
    value="#006aa6",
    gradient="#b84a00",
    zero="#e0b48c",
    alarm="#7a2d5f",
    line="#8c959f",
    leaf="#e3f1fa",
    leaf_line="#56b4e9",
    operation="#fbf7dd",
    operation_line="#6b6320",
    output="#dff3ec",
    output_line="#009e73",
)
PRINT: Final = Theme(
    background="#ffffff",
    text="#000000",
    muted="#555555",
    value="#000000",
    gradient="#555555",
    zero="#bbbbbb",
    alarm="#000000",
    line="#888888",
    leaf="#f2f2f2",
    leaf_line="#555555",
    operation="#ffffff",
    operation_line="#000000",
    output="#e4e4e4",
    output_line="#000000",
    sizes=_SIZES_IN_GREY,
    gains=_GAINS_IN_GREY,
)
THEMES: Final = {
    "light": LIGHT,
    "dark": DARK,
    "colour-blind": COLOUR_BLIND,
    "print": PRINT,
}


def named(theme: Theme | str) -> Theme:
    """The theme of this name, however colour and its hyphen are spelled.

    >>> named("colorblind") is named("colour-blind")
    True
    """
    if isinstance(theme, Theme):
        return theme
    if isinstance(theme, str):
        key = re.sub(r"[^a-z]", "", theme.lower()).replace("color", "colour")
        for name, found in THEMES.items():
            if name.replace("-", "") == key:
                return found
    raise ValueError(f"theme must be a viz.Theme or one of {', '.join(THEMES)}; got {theme!r}")

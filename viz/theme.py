"""Colours. A theme is only that: it moves nothing."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture, as CSS writes them: `#rrggbb`.

    `value` and `gradient` are the two directions; they must be told apart in print and by a
    colour-blind reader too, which is why the arrows also differ in width.
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
)
THEMES: Final = {"light": LIGHT, "dark": DARK}

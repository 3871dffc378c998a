"""How wide text is where every character has the same cell, as in a terminal."""

import unicodedata


def text_width(text: str) -> int:
    """The number of cells that `text` takes: 2 for a wide East Asian character, 0 for an accent.

    >>> text_width("apple"), text_width("苹果")
    (5, 4)
    """
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` filled with spaces to `width` cells; with `right`, pushed to the right edge.

    >>> pad("苹果", 6) + "|", pad("2.2", 6, right=True) + "|"
    ('苹果  |', '   2.2|')
    """
    space = " " * (width - text_width(text))
    return space + text if right else text + space

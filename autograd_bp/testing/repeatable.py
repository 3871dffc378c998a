"""Draws that are the same in every process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def repeatable_draws() -> Iterator[None]:
    """Hypothesis without the constants in the source of whatever has been imported.

    It draws those now and then, so that a seed by itself does not fix a draw: it depends on what
    else the process is for. What a rule compares with, the kit finds in the rule.
    """
    try:
        from hypothesis.internal.conjecture import providers
        from hypothesis.internal.constants_ast import Constants

        kept = {name: vars(providers)[name] for name in ("_get_local_constants", "CONSTANTS_CACHE")}
    except (ImportError, KeyError):  # a release of Hypothesis that does it in another way, or not
        yield
        return
    vars(providers).update(_get_local_constants=Constants, CONSTANTS_CACHE={})
    try:
        yield
    finally:
        vars(providers).update(kept)

"""Planted faults that a check of a row of the sheet need not find, and why."""

from __future__ import annotations

from collections.abc import Mapping

_AT_A_JUMP = "y has a part only where the result jumps, and there any slope from 0 to 1 is accepted"
_IN_FLOAT32 = "y has a part only where the result jumps, and there float32 is not compared"

HARMLESS: Mapping[str, Mapping[str, str]] = {
    "where": {"wrong in float32": _IN_FLOAT32},
    "heaviside": {
        "zero by y": _AT_A_JUMP,
        "no unbroadcast": _AT_A_JUMP,
        "a mean for the sum of the unbroadcast": _AT_A_JUMP,
        "wrong in float32": _IN_FLOAT32,
    },
}
"""By row: the name of a fault, and the reason."""

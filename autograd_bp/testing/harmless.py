"""Planted faults that change nothing for a row of the sheet, and why."""

from __future__ import annotations

from collections.abc import Mapping

HARMLESS: Mapping[str, Mapping[str, str]] = {}
"""By row: the name of a fault, and the reason."""

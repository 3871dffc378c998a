"""What can go wrong while a function is compiled."""

from __future__ import annotations


class ConcreteValueError(TypeError):
    """A function that is being compiled needs a number that is only known when it runs."""

"""What cannot be exported."""


class ExportError(ValueError):
    """Something in a model has no counterpart in the format that is asked for."""

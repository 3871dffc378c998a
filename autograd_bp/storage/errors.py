"""What is wrong with a file."""


class StorageError(ValueError):
    """A file is not what it should be, or cannot hold what it should."""

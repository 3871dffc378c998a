"""What can be wrong with a data file."""


class DataError(ValueError):
    """A data file is not what it should be; the message names the file and the reason."""


class DataMissingError(DataError, FileNotFoundError):
    """A data file is not there; the message says where it was looked for and how to get it."""


class DownloadError(DataError, ConnectionError):
    """A data file could not be downloaded, or what came is not the published file."""

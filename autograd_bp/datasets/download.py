"""Fetching a published file: checked, resumable, and never half there.

Bytes go to ``NAME.part`` beside the target. A transfer that was cut off, also by the end of the
program, goes on from there (RFC 9110, section 14: range requests). Only when the SHA-256 sum is
right does the file get its name, in one step.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from io import BufferedRandom
from pathlib import Path

from autograd_bp.datasets.errors import DownloadError
from autograd_bp.datasets.published import Published

ATTEMPTS = 5
"""How often one address is tried without a single new byte."""
PAUSE = 0.5
"""Seconds before the second attempt; each one after waits twice as long."""
TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""
PIECE = 1 << 16


class _WrongFileError(ConnectionError):
    """What an address holds is another file: asking again is no use."""


def fetch(
    published: Published, target: Path, mirrors: Sequence[str], *, progress: bool = True
) -> None:
    """Fetch a file from the first mirror that has it.

    Parameters
    ----------
    published
        What it must be, byte for byte.
    target
        Where it goes; the folder is made if need be.
    mirrors
        Addresses (http or https) of folders that hold the file.
    progress
        Show a bar.

    Raises
    ------
    DownloadError
        If no mirror has the file; the message says for each why. What was fetched so far is kept.
    ValueError
        If there is no mirror, or an address is neither http nor https.
    """
    addresses = [mirror.rstrip("/") + "/" + published.name for mirror in mirrors]
    for address in addresses:
        if not address.startswith(("http://", "https://")):
            raise ValueError(f"{address}: an address begins with http:// or https://")
    if not addresses:
        raise ValueError(f"{published.name}: there is no address to fetch it from")
    target.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    with _part(target) as part:
        if part is None:  # another process has just fetched it
            return
        for address in addresses:
            try:
                _fetch_from(address, published, part, progress)
            except (OSError, http.client.HTTPException) as error:
                reasons.append(f"{address}: {error or type(error).__name__}")
                continue
            os.fsync(part.fileno())
            if os.name == "nt":  # where an open file cannot be renamed; elsewhere the lock is kept
                part.close()
            Path(part.name).replace(target)
            return
    raise DownloadError(f"{published.name} could not be fetched: {'; '.join(reasons)}")


@contextlib.contextmanager
def _part(target: Path) -> Iterator[BufferedRandom | None]:
    """The file for what has come so far, locked; None if the target is there by now."""
    path = target.with_name(target.name + ".part")
    while True:
        with path.open("a+b") as part:
            _lock(part)
            if target.exists():
                path.unlink(missing_ok=True)
                yield None
                return
            if path.exists() and os.path.samestat(os.fstat(part.fileno()), path.stat()):
                yield part
                return


def _lock(file: BufferedRandom) -> None:
    """Wait until no other process fetches the same file, where the system can tell."""
    # Not on Windows, nor on every network drive: there the sum alone protects.
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _fetch_from(address: str, published: Published, part: BufferedRandom, progress: bool) -> None:
    """Fill `part` from one address; the sum is right when this returns."""
    from tqdm import tqdm

    failures = 0
    resumed = _position(part) > 0
    with tqdm(
        desc=published.name, total=published.size, unit="B", unit_scale=True, disable=not progress
    ) as bar:
        while True:
            before = _position(part)
            bar.update(before - bar.n)
            try:
                if before < published.size:
                    _receive(address, published, part, bar.update)
                problem: Exception | None = None
            except _WrongFileError:
                raise
            except urllib.error.HTTPError as error:
                error.close()
                if error.code < 500 and error.code not in (408, 416, 429):
                    raise
                if error.code == 416:
                    part.truncate(0)
                problem = error
            except (OSError, http.client.HTTPException) as error:
                problem = error
            here = _position(part)
            if here >= published.size:
                if (found := _sum(part)) == published.sha256:
                    return
                part.truncate(0)
                if not resumed:
                    raise _WrongFileError(
                        f"what came is not the published file: its SHA-256 sum is {found}, not "
                        f"{published.sha256}"
                    )
                resumed = False  # the beginning may have come from elsewhere: once more, in full
                continue
            failures = 0 if here > before else failures + 1
            if failures == ATTEMPTS:
                raise problem or ConnectionError(
                    f"it sends {here} bytes and ends; the published file has {published.size}"
                )
            time.sleep(PAUSE * 2**failures if failures else 0)


def _receive(
    address: str, published: Published, part: BufferedRandom, update: Callable[[int], object]
) -> None:
    """One request, for what is still to come."""
    start = _position(part)
    # The content as it is stored: compressed on the way, ranges would mean something else.
    headers = {"Accept-Encoding": "identity", "User-Agent": "autograd-bp"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)  # noqa: S310  (http or https only)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
        if start and not _continues(response, start):
            part.truncate(0)
            start = 0
            if response.status == 206:
                raise ConnectionError("it sends another range than the one asked for")
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and start + int(announced) != published.size:
            raise _WrongFileError(
                f"its file has {start + int(announced)} bytes; the published one has "
                f"{published.size}"
            )
        room = published.size - start
        while room > 0 and (piece := response.read1(min(PIECE, room))):
            part.write(piece)
            part.flush()
            room -= len(piece)
            update(len(piece))
        if not room and response.read1(1):
            part.truncate(0)
            raise _WrongFileError(f"it sends more than the {published.size} bytes published")


def _continues(response: http.client.HTTPResponse, start: int) -> bool:
    """Whether a response begins where we left off; a server may send all from the beginning."""
    given = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return response.status == 206 and given is not None and int(given[1]) == start


def _position(part: BufferedRandom) -> int:
    part.flush()
    return os.fstat(part.fileno()).st_size


def _sum(part: BufferedRandom) -> str:
    part.seek(0)
    return hashlib.file_digest(part, "sha256").hexdigest()

"""The file as it is, whole: from this machine or from the web, never while somebody writes it."""

from __future__ import annotations

import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from commerce.errors import TemporarilyUnavailable, UnexpectedAnswer

VENDOR = "csv"
GZIP = b"\x1f\x8b"
CHUNK = 1024 * 1024
ASK = "look at how the file is made, then run it again; nothing was changed"


class CutShort(UnexpectedAnswer):
    """The file is not whole: half a feed is no feed."""

    def __init__(self, message: str) -> None:
        super().__init__(VENDOR, message, hint=ASK)


class BeingWritten(TemporarilyUnavailable):
    """The file changed while it was read; a moment later it will be whole."""


@dataclass(frozen=True)
class Feed:
    """What was read. `written` is when the file was last written, in seconds since the epoch; None when not known."""

    body: bytes
    written: float | None


def read_local(path: str, most: int) -> Feed:
    """The file on this machine. Raises BeingWritten when it changed meanwhile, UnexpectedAnswer when it is none.

    A link is followed: replacing a link is how many programs publish a file at once. `most` in bytes.
    """
    name = Path(path)
    try:
        # Nothing but a plain file is opened: opening a pipe would wait for whoever writes to it.
        if not stat.S_ISREG(name.stat().st_mode):
            raise UnexpectedAnswer(VENDOR, f"{path} is no file", hint="give the path of the file itself")
        with name.open("rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            if before.st_size > most:
                raise too_large(most)
            body = read_all(file.fileno(), before.st_size)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise cannot_be_opened(path, error) from error
    if mark(before) != mark(after) or len(body) != before.st_size:
        raise BeingWritten(VENDOR, f"{path} is being written while we read it")
    return Feed(unpacked(body, most), after.st_mtime)


def read_all(descriptor: int, size: int) -> bytes:
    """Up to one byte more than `size`, part by part."""
    parts, left = [], size + 1
    while left > 0 and (part := os.read(descriptor, min(left, CHUNK))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def mark(found: os.stat_result) -> tuple[int, int, int]:
    """What changes when somebody writes."""
    return found.st_ino, found.st_size, found.st_mtime_ns


def local_mark(path: str) -> tuple[tuple[int, int, int], float]:
    """What changes when somebody writes, and when that was last. Raises UnexpectedAnswer when there is no file."""
    try:
        found = Path(path).stat()
    except OSError as error:
        raise cannot_be_opened(path, error) from error
    return mark(found), found.st_mtime


def cannot_be_opened(path: str, error: OSError) -> UnexpectedAnswer:
    """What to do about a file that cannot be opened."""
    why = error.strerror or type(error).__name__
    return UnexpectedAnswer(
        VENDOR, f"{path} cannot be read: {why}", hint="see that it is there and the hub may read it"
    )


def too_large(most: int) -> UnexpectedAnswer:
    """A file beyond all measure."""
    hint = "raise most_megabytes if it is right"
    return UnexpectedAnswer(VENDOR, f"the file is larger than {most // CHUNK} MB", hint=hint)


def unpacked(body: bytes, most: int) -> bytes:
    """The file's own bytes, if it is packed with gzip. Never unpacks more than `most` bytes."""
    if not body.startswith(GZIP):
        return body
    parts, left = [], most + 1
    try:
        while body:  # several packed parts may follow each other
            engine = zlib.decompressobj(wbits=31)
            parts.append(engine.decompress(body, left))
            left -= len(parts[-1])
            if left <= 0:
                raise too_large(most)
            if not engine.eof:
                raise CutShort("the packed file was cut short")
            body = engine.unused_data
    except zlib.error as error:
        raise CutShort(f"the packed file cannot be unpacked ({error})") from error
    return b"".join(parts)

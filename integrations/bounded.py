"""Answers are read with an end: so many bytes, and so much time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx

from commerce.errors import UnexpectedAnswer

MAX_ANSWER = 64 * 1024 * 1024
LONGEST_TOKEN_ANSWER, LONGEST_TOKEN_CALL = 1024 * 1024, 60.0


def parts(
    vendor: str, answer: httpx.Response, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[bytes]:
    """The body as it comes. Raises UnexpectedAnswer for more than `most` bytes.

    Raises ReadTimeout when it takes longer than `seconds`: the network's own limit is for each part, so that an answer
    of which a byte comes now and then would keep us for ever.
    """
    size, until = 0, clock() + seconds
    for part in answer.iter_bytes():
        size += len(part)
        if size > most:
            raise UnexpectedAnswer(vendor, f"answered more than {most} bytes")
        if clock() > until:
            raise httpx.ReadTimeout(f"the answer took longer than {seconds:.0f} seconds", request=answer.request)
        yield part


def keep(answer: httpx.Response, body: bytes) -> None:
    """What `answer.read()` would have set."""
    answer._content = body

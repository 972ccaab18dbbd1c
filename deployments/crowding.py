"""Who has to go when strangers take up all places: whoever has kept one for longest without saying what he wants.

An honest sender is done within milliseconds. So a place that is wanted is taken from the oldest of those that are still
sending, and slow ones, however many, crowd out each other and nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Found = TypeVar("Found")


class NoRoom(Exception):
    """There is no place, or somebody newer has got it: come again."""


class Readers:
    """Bodies that are on their way: at most `at_once`, and at most `most` bytes together with those being worked on."""

    def __init__(self, at_once: int, most: int) -> None:
        self._at_once = at_once
        self._most = most
        self._reading: dict[Reader, None] = {}
        self.taken = 0

    @contextmanager
    def place(self) -> Iterator[Reader]:
        """A place for one body until the block ends; the oldest makes room when there is none."""
        if len(self._reading) >= self._at_once:
            self.send_away(next(iter(self._reading)))
        reader = Reader(self)
        self._reading[reader] = None
        try:
            yield reader
        finally:
            self._reading.pop(reader, None)
            reader.give_back()

    def make_room(self, wanted: int, reader: Reader) -> None:
        """Have `wanted` bytes free, at the expense of older readers. Raises NoRoom."""
        while self.taken + wanted > self._most:
            other = next((one for one in self._reading if one is not reader), None)
            if other is None:
                raise NoRoom
            self.send_away(other)

    def send_away(self, reader: Reader) -> None:
        """Take its place; its task hears of it when it runs next."""
        self._reading.pop(reader, None)
        reader.sent_away = True
        reader.give_back()
        if reader.patience is not None:
            reader.patience.reschedule(asyncio.get_running_loop().time())

    def has_all(self, reader: Reader) -> None:
        """Its body is here: it is worked on now, and keeps its bytes whoever comes."""
        self._reading.pop(reader, None)


class Reader:
    """One body that is being read."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._body = bytearray()  # not a list: parts of one byte would take forty times what is counted
        self.sent_away = False
        self.patience: asyncio.Timeout | None = None

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return len(self._body)

    def take(self, part: bytes) -> None:
        """Keep a part. Raises NoRoom."""
        if self.sent_away:
            raise NoRoom
        self._readers.make_room(len(part), self)
        self._readers.taken += len(part)
        self._body += part

    def whole(self) -> bytes:
        """All that came. Raises NoRoom when its place was given away meanwhile."""
        if self.sent_away:
            raise NoRoom
        self._readers.has_all(self)
        return bytes(self._body)

    def give_back(self) -> None:
        """It was read, or its sender is gone."""
        self._readers.taken -= self.size
        self._body.clear()


class Shared(Generic[Found]):
    """One look at a time, in a thread; whoever asks while somebody looks is told the same."""

    def __init__(self, look: Callable[[], Found]) -> None:
        self._look = look
        self._looking: asyncio.Task[Found] | None = None

    async def look(self) -> Found:
        """What was found. Raises what the look raises."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(asyncio.to_thread(self._look))
        return await asyncio.shield(self._looking)

"""Our clock beside those of the vendors, whose answers say when they were given."""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from ledger import Ledger
from ledger.clocks import SeenClock

log = logging.getLogger(__name__)

ALLOWED = timedelta(minutes=5)
"""By how much a clock may be off before anybody is told; beyond it signed webhooks look stale."""

NOTED_EVERY = timedelta(minutes=10)
"""How often the same is written down again, by all processes of a machine together, by the vendor's time."""

MACHINE = platform.node() or "this machine"


class Hearing:
    """Compares one connection's answers with this machine's clock (a `Timekeeper`), and keeps it in the ledger."""

    def __init__(self, ledger: Ledger, connection: str, clock: Callable[[], float]) -> None:
        self._ledger, self._connection, self._clock = ledger, connection, clock
        self._lock = threading.Lock()
        self._noted: SeenClock | None = None
        self.ahead: timedelta | None = None
        """By how much our clock was surely ahead with the last answer; negative is behind. None before the first."""

    def known(self) -> timedelta:
        """By how much our clock is ahead, as far as this machine has heard; zero when it is not known to be wrong."""
        if self.ahead is not None:
            return self.ahead
        seen = self._ledger.seen_clock(self._connection, MACHINE)
        return ahead_of(seen) if seen else timedelta(0)

    def heard(self, at: datetime, seconds: float) -> None:
        """An answer that took so many seconds was given at this moment, by the vendor's clock. Never raises."""
        ours = datetime.fromtimestamp(self._clock(), UTC)
        self.ahead = surely_ahead(ours, at, timedelta(seconds=seconds))
        seen = SeenClock(self._connection, MACHINE, at, at + self.ahead)
        with self._lock:
            if not is_news(self._noted, seen):
                return
            self._noted = seen
        try:
            if is_news(self._ledger.seen_clock(self._connection, MACHINE), seen):  # another process may have said so
                self._ledger.note_clock(seen)
        except SQLAlchemyError as error:
            log.warning("what time it is at %s waits: %s", self._connection, type(error).__name__)
            with self._lock:
                self._noted = None


def surely_ahead(ours: datetime, theirs: datetime, took: timedelta) -> timedelta:
    """By how much our clock is ahead at least, negative when it is behind.

    `theirs` is cut to whole seconds, and lies somewhere between our asking and now.
    """
    asked, latest = ours - took, theirs + timedelta(seconds=1)
    if asked > latest:
        return asked - latest
    return min(ours - theirs, timedelta(0))


def ahead_of(seen: SeenClock) -> timedelta:
    """By how much our clock was ahead."""
    return seen.ours - seen.theirs


def is_wrong(ahead: timedelta) -> bool:
    """Whether that is more than a clock may be off."""
    return abs(ahead) > ALLOWED


def is_news(known: SeenClock | None, seen: SeenClock) -> bool:
    """Whether it is worth writing down: another verdict, or one that was given some time ago."""
    if known is None or abs(seen.theirs - known.theirs) >= NOTED_EVERY:
        return True
    changed = abs(ahead_of(seen) - ahead_of(known)) > ALLOWED / 5
    return is_wrong(ahead_of(seen)) != is_wrong(ahead_of(known)) or (is_wrong(ahead_of(seen)) and changed)

"""Whether a destination takes anything: it says whose fault a failure is, and when to try again what has failed.

While nothing is taken, the destination is down, and no record is to blame. Whoever tries it again after a silence
brings along what waits for longer and longer, and when it takes something, all of that is due at once: else the newest
orders, which have waited least, would come before older ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, text, update

from ledger import tables
from ledger.cursors import read_moment, write_moment
from ledger.store import SECOND
from ledger.tables import READY

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND

TOOK, TAKES_SINCE = "took-something", "takes-since"
"""Cursors of a destination: when it took something last, and since when it does."""

NOTED_EVERY = 30 * SECOND

SILENT = 5 * MINUTE
"""Whoever takes something after such a silence may have been down."""

UP_LATELY, UP_FOR = 24 * HOUR, 2 * HOUR
"""A destination counts as up when it took something lately, and not only since a moment ago."""

LONG = MINUTE
"""Who waits for longer is woken, and who has been tried since before the silence."""


@dataclass(frozen=True, slots=True)
class Taking:
    """What is known of a destination."""

    last: int | None
    since: int | None

    def is_up(self, now: int) -> bool:
        """Whether a record that fails there fails for a reason of its own."""
        if self.last is None or self.since is None:
            return False
        return now - self.last <= UP_LATELY and now - self.since >= UP_FOR


def taking(db: Connection, destination: str) -> Taking:
    """What is known of it."""
    return Taking(read_moment(db, destination, TOOK), read_moment(db, destination, TAKES_SINCE))


def note_taken(db: Connection, destination: str, known: Taking, now: int) -> None:
    """It has taken something just now; after a silence, what waits for long is due again."""
    silence = None if known.last is None else now - known.last
    if silence is not None and silence <= NOTED_EVERY:
        return
    write_moment(db, destination, TOOK, now)
    if silence is None or silence > SILENT:
        write_moment(db, destination, TAKES_SINCE, now)
        wake(db, destination, now)


def is_silent(db: Connection, destination: str, now: int) -> bool:
    """Whether it has taken nothing for so long that it may have been down."""
    last = read_moment(db, destination, TOOK)
    return last is None or now - last > SILENT


def waits_long(table: Any, now: int) -> ColumnElement[bool]:
    """Deliveries whose next try is put off because earlier ones failed, and not to give a look-up a moment."""
    c = table.c
    return and_(c.due_at > now, or_(c.due_at > now + LONG, c.first_tried_at <= now - SILENT))


def wake(db: Connection, destination: str, now: int) -> None:
    """Let what waits for long be due now, so that it goes in its order. What is being settled is not woken."""
    table = tables.deliveries
    waits = (table.c.destination == destination, text(READY), waits_long(table, now))
    db.execute(update(table).where(*waits).values(due_at=0))

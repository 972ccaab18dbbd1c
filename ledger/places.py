"""Who goes first within a lane: what was promised first, and what nobody promised by its age.

A state that waits has the place of its order's promise, and a newer state brings its own, earlier or later. News that
hurry nobody go as if they had to leave some time after they happened; if older news of the same thing wait, they take
over their place, so that nothing which changes again and again goes to the end of the queue each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, func, select, text

from commerce.events import Event
from commerce.promises import HANDLING
from ledger import tables
from ledger.store import chunks, micros
from ledger.tables import OPEN
from ledger.topics import Seen

UNHURRIED = HANDLING // timedelta(microseconds=1)
"""What nobody promised goes as if it had to leave so long after it happened."""

Change = tuple[Seen, Sequence[Event]]


class Places:
    """The places of a batch of changes, as the queue is now."""

    def __init__(self, db: Connection, changes: Sequence[Change]) -> None:
        unhurried = [seen.subject for seen, _ in changes if seen.promise is None]
        self._waiting = places_of(db, unhurried)

    def place(self, destination: str, seen: Seen, facts: Sequence[Event]) -> int:
        """Where the facts of one snapshot go, microseconds since 1970: the earliest first."""
        if seen.promise is not None:
            return seen.promise
        own = micros(min(fact.occurred_at for fact in facts)) + UNHURRIED
        return min(own, self._waiting.get((destination, seen.subject), own))


def places_of(db: Connection, subjects: Sequence[str]) -> dict[tuple[str, str], int]:
    """The earliest place of what waits of each subject, by destination and subject."""
    table = tables.deliveries.c
    first = select(table.destination, table.subject, func.min(table.promise)).where(text(OPEN))
    found: dict[tuple[str, str], int] = {}
    for some in chunks(subjects):
        rows = db.execute(first.where(table.subject.in_(some)).group_by(table.destination, table.subject))
        found.update({(destination, subject): place for destination, subject, place in rows})
    return found

"""Where subjects stand at a destination, for whoever compares the two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from ledger import tables
from ledger.store import Store, chunks, moment

State = Literal["on its way", "held", "done", "skipped", "dismissed", "elsewhere", "given to nobody", "forgotten"]
ON_THEIR_WAY = ("waiting", "retry", "unknown", "claimed")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of one subject at one destination.

    "elsewhere": its facts are history that was recorded for other destinations. "given to nobody": facts that are no
    history have no delivery. "forgotten": its person is, so that nothing can be brought again. `since` is when the fact
    behind it was recorded. `reason` is the cause of what is held and why something was skipped, never a vendor's or a
    person's own words, which may name somebody.
    """

    state: State
    since: datetime
    reason: str = ""


class Standings(Store):
    """Asking for many subjects at once."""

    def known(self, subjects: Sequence[str]) -> set[str]:
        """Those of the subjects that the log has."""
        table, found = tables.subjects.c, set[str]()
        with self.reading() as db:
            for some in chunks(subjects):
                found.update(db.scalars(select(table.subject).where(table.subject.in_(some))))
        return found

    def forgotten(self, subjects: Sequence[str]) -> set[str]:
        """Those of these orders whose person is forgotten."""
        with self.reading() as db:
            return forgotten_among(db, subjects)

    def standings(self, destination: str, subjects: Sequence[str], kind: str | None = None) -> dict[str, Standing]:
        """By subject; those that the log does not have are left out. With `kind`, only facts of that kind count."""
        event, delivery = tables.events, tables.deliveries
        rows: dict[str, list[Any]] = defaultdict(list)
        theirs = (delivery.c.event_id == event.c.id) & (delivery.c.destination == destination)
        columns = [event.c.subject, event.c.recorded_at, event.c.historical, event.c.revision, event.c.id]
        told = [delivery.c.state, delivery.c.cause, delivery.c.reason]
        wanted = select(*columns, *told).select_from(event).outerjoin(delivery, theirs)
        if kind is not None:
            wanted = wanted.where(event.c.kind == kind)
        with self.reading() as db:
            for some in chunks(subjects):
                for row in db.execute(wanted.where(event.c.subject.in_(some))):
                    rows[row.subject].append(row)
            gone = forgotten_among(db, subjects)
        return {subject: standing(found, forgotten=subject in gone) for subject, found in rows.items()}


def forgotten_among(db: Connection, subjects: Sequence[str]) -> set[str]:
    """Those whose person is forgotten."""
    table = tables.forgotten.c
    found = (db.scalars(select(table.subject).where(table.subject.in_(some))) for some in chunks(subjects))
    return {subject for some in found for subject in some}


def standing(rows: Sequence[Any], *, forgotten: bool = False) -> Standing:
    """What waits for a person first, then what is on its way, then what became of the newest fact."""
    if forgotten:
        return Standing("forgotten", moment(min(row.recorded_at for row in rows)))
    held = next((row for row in rows if row.state == "held"), None)
    if held is not None:
        return Standing("held", moment(held.recorded_at), held.cause)
    going = [row for row in rows if row.state in ON_THEIR_WAY]
    if going:
        oldest = min(going, key=lambda row: row.recorded_at)
        return Standing("on its way", moment(oldest.recorded_at))
    newest = max(rows, key=lambda row: (row.revision, row.id))
    if newest.state is None:
        return Standing("elsewhere" if newest.historical else "given to nobody", moment(newest.recorded_at))
    settled: dict[str, State] = {"skipped": "skipped", "dismissed": "dismissed"}
    state = settled.get(newest.state, "done")
    return Standing(state, moment(newest.recorded_at), newest.reason if state == "skipped" else "")

"""Where subjects stand at a destination, for whoever compares the two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select

from ledger import tables
from ledger.store import Store, chunks, moment

State = Literal["on its way", "held", "done", "skipped", "dismissed", "elsewhere", "forgotten"]
ON_THEIR_WAY = ("waiting", "retry", "unknown", "claimed")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of one subject at one destination.

    "elsewhere": its facts are history that was recorded for other destinations. "forgotten": facts that are no
    history were given to nobody. `since` is when the fact behind it was recorded.
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

    def standings(self, destination: str, subjects: Sequence[str], kind: str | None = None) -> dict[str, Standing]:
        """By subject; those that the log does not have are left out. With `kind`, only facts of that kind count."""
        event, delivery = tables.events, tables.deliveries
        rows: dict[str, list[Any]] = defaultdict(list)
        theirs = (delivery.c.event_id == event.c.id) & (delivery.c.destination == destination)
        columns = [event.c.subject, event.c.recorded_at, event.c.historical, event.c.revision, event.c.id]
        told = [delivery.c.state, delivery.c.reason, delivery.c.note]
        wanted = select(*columns, *told).select_from(event).outerjoin(delivery, theirs)
        if kind is not None:
            wanted = wanted.where(event.c.kind == kind)
        with self.reading() as db:
            for some in chunks(subjects):
                for row in db.execute(wanted.where(event.c.subject.in_(some))):
                    rows[row.subject].append(row)
        return {subject: standing(found) for subject, found in rows.items()}


def standing(rows: Sequence[Any]) -> Standing:
    """What waits for a person first, then what is on its way, then what became of the newest fact."""
    held = next((row for row in rows if row.state == "held"), None)
    if held is not None:
        return Standing("held", moment(held.recorded_at), held.reason)
    going = [row for row in rows if row.state in ON_THEIR_WAY]
    if going:
        oldest = min(going, key=lambda row: row.recorded_at)
        return Standing("on its way", moment(oldest.recorded_at), oldest.reason)
    newest = max(rows, key=lambda row: (row.revision, row.id))
    if newest.state is None:
        return Standing("elsewhere" if newest.historical else "forgotten", moment(newest.recorded_at))
    settled: dict[str, State] = {"skipped": "skipped", "dismissed": "dismissed"}
    return Standing(settled.get(newest.state, "done"), moment(newest.recorded_at), newest.reason or newest.note)

"""What waits for a person, and connections that are paused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, select, text, update

from ledger import tables
from ledger.inbox import hint_row
from ledger.records import HeldRecord, Pause
from ledger.settling import write_history
from ledger.store import Store, clean, insert_once, moment
from ledger.tables import HELD

UNREADABLE = "unreadable"
"""The cause of records that could not be read from their source."""

PERSON = "person"


class HeldRecords(Store):
    """Records and connections that wait for a person."""

    def held(self, destination: str | None = None) -> list[HeldRecord]:
        """Everything that waits for a person, oldest first; of one destination, or of one source's unreadable ones."""
        with self.reading() as db:
            found = [*_deliveries(db, destination), *_unread(db, destination)]
        return sorted(found, key=lambda record: record.since)

    def release_held(
        self, ids: Sequence[str] | None = None, cause: str | None = None, destination: str | None = None
    ) -> int:
        """Let these be tried again; what could not be read is read again. Returns how many.

        Each thing that is named narrows the choice; with nothing named, everything is released.
        """
        chosen = _chosen(self.held(destination), ids, cause)
        with self.writing() as db:
            now = self.now(db)
            fresh = {"due_at": 0, "crashes": 0, "first_tried_at": None, "settled_at": None}
            released = _settle(db, chosen, now, "released", "", {"state": "waiting", **fresh})
            for record in _of_sources(chosen):
                released += _read_again(db, record, now)
            return released

    def dismiss_held(self, ids: Sequence[str], note: str) -> int:
        """Close these without sending them; `note` says why, for whoever asks later. Returns how many."""
        chosen = _chosen(self.held(), ids, None)
        table = tables.unreadable
        with self.writing() as db:
            now = self.now(db)
            values = {"state": "dismissed", "note": clean(note), "settled_at": now}
            closed = _settle(db, chosen, now, "dismissed", note, values)
            for record in _of_sources(chosen):
                one = update(table).where(table.c.source == record.destination, table.c.subject == record.subject)
                closed += db.execute(one.values(dismissed=True, note=clean(note))).rowcount
            return closed

    def pause(self, connection: str, reason: str, hint: str = "") -> None:
        """Stop claiming for the connection; its work waits. The first reason stays."""
        with self.writing() as db:
            row = {"connection": connection, "reason": clean(reason), "hint": clean(hint), "since": self.now(db)}
            db.execute(insert_once(db, tables.paused), row)

    def resume(self, connection: str) -> bool:
        """Go on with the connection; False when it was not paused."""
        with self.writing() as db:
            return db.execute(delete(tables.paused).filter_by(connection=connection)).rowcount > 0

    def paused(self) -> list[Pause]:
        """Connections that wait for a person, by name."""
        with self.reading() as db:
            rows = db.execute(select(tables.paused).order_by(tables.paused.c.connection)).all()
        return [Pause(row.connection, row.reason, row.hint, moment(row.since)) for row in rows]


def _deliveries(db: Connection, destination: str | None) -> list[HeldRecord]:
    table, subject = tables.deliveries.c, tables.subjects.c
    wanted = (
        select(tables.deliveries, subject.label)
        .outerjoin(tables.subjects, subject.subject == table.subject)
        .where(text(f"deliveries.{HELD}"))
    )
    if destination is not None:
        wanted = wanted.where(table.destination == destination)
    return [
        HeldRecord(
            id=f"{row.destination}/{row.event_id}",
            destination=row.destination,
            subject=row.subject,
            label=row.label or row.subject,
            cause=row.cause,
            reason=row.reason,
            hint=row.hint,
            since=moment(row.settled_at or 0),
            attempts=row.attempts,
        )
        for row in db.execute(wanted)
    ]


def _unread(db: Connection, source: str | None) -> list[HeldRecord]:
    table = tables.unreadable
    wanted = select(table).where(table.c.dismissed.is_(False))
    if source is not None:
        wanted = wanted.where(table.c.source == source)
    return [
        HeldRecord(
            id=f"{row.source}/{row.subject}",
            destination=row.source,
            subject=row.subject,
            label=row.label or row.subject,
            cause=UNREADABLE,
            reason=row.reason,
            hint=row.hint,
            since=moment(row.since),
            attempts=row.attempts,
        )
        for row in db.execute(wanted)
    ]


def _chosen(records: Sequence[HeldRecord], ids: Sequence[str] | None, cause: str | None) -> list[HeldRecord]:
    wanted = None if ids is None else set(ids)
    return [one for one in records if (wanted is None or one.id in wanted) and (cause is None or one.cause == cause)]


def _of_sources(records: Sequence[HeldRecord]) -> list[HeldRecord]:
    return [record for record in records if record.cause == UNREADABLE and record.id.endswith(record.subject)]


def _settle(
    db: Connection, records: Sequence[HeldRecord], now: int, word: str, why: str, values: dict[str, Any]
) -> int:
    """Move held deliveries on, with a line in the history for each that still was held."""
    sources = {record.id for record in _of_sources(records)}
    lines = []
    for record in records:
        if record.id in sources:
            continue
        moved = db.execute(update(tables.deliveries).where(*_that(record)).values(**values)).rowcount
        lines += [_line(now, record, word, why)] * moved
    write_history(db, lines)
    return len(lines)


def _that(record: HeldRecord) -> tuple[ColumnElement[bool], ...]:
    table = tables.deliveries.c
    number = int(record.id.rpartition("/")[2])
    return (table.destination == record.destination, table.event_id == number, table.state == "held")


def _line(now: int, record: HeldRecord, word: str, why: str) -> dict[str, Any]:
    line = {"at": now, "destination": record.destination, "subject": record.subject, "label": record.label}
    return {**line, "outcome": word, "vendor_id": "", "reason": clean(why), "by": PERSON}


def _read_again(db: Connection, record: HeldRecord, now: int) -> int:
    """Leave a hint as a webhook would: the record is read the way all others are, and closes itself."""
    key = {"source": record.destination, "subject": record.subject}
    topic = db.scalar(select(tables.unreadable.c.topic).filter_by(**key))
    hint = {"topic": topic or "order", "id": record.subject.partition(":")[2], "action": "released"}
    row = hint_row(record.destination, f"released:{record.subject}:{now}", topic or "", [hint], now)
    return db.execute(insert_once(db, tables.inbox), row).rowcount

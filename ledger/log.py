"""Recording: snapshots become facts, and each fact a delivery for everyone who wants it, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from commerce.events import Event
from commerce.failpoints import reached
from commerce.orders import Order
from commerce.parcels import Parcel
from commerce.ports import Unreadable
from commerce.stock import StockLevel
from ledger import tables
from ledger.cursors import push_cursor
from ledger.places import Places
from ledger.records import Recorded
from ledger.redacting import still_forgotten
from ledger.store import Store, chunks, clean, micros, packed, upsert
from ledger.subscriptions import Subscriber, enrol, subscribers
from ledger.topics import ORDERS, PARCELS, STOCK, Seen, Topic

log = logging.getLogger(__name__)

SURE_AFTER = timedelta(seconds=30)
"""A state is believed to be the newest of its second again when it was read so long after another one was recorded: by
then it is no slow reader's, and no copy of the source lags behind."""

Mark = tuple[str, datetime]
"""A cursor's name, and the source's own stamp up to which everything was read."""


@dataclass
class Known:
    """The newest state of a subject that the log has."""

    revision: int
    digest: str
    snapshot_id: int
    value: Any = None
    recorded_at: int | None = None
    """Looked up only where another state has the same stamp."""


@dataclass
class Batch:
    """What is to be written for one call, told apart before anything is."""

    topic: Topic
    historical: bool
    known: dict[str, Known]
    past: set[tuple[str, int, str]]
    """States that share their stamp with a newest state, and are already in the log."""
    asked: int | None = None
    """When the source was asked, by the ledger's clock."""
    changes: list[tuple[Seen, list[Event]]] = field(default_factory=list)
    older: dict[str, int] = field(default_factory=dict)
    """Subjects that are unchanged, with their newer stamps."""
    same: int = 0

    def add(self, seen: Seen) -> None:
        """Tell what happened since the last snapshot, if anything did."""
        known = self.known.get(seen.subject)
        again = self.is_past(seen)
        if known and (
            known.digest == seen.digest or seen.revision < known.revision or (again and not self.sure(known))
        ):
            self.same += 1
            if known.digest == seen.digest and seen.revision > known.revision:
                known.revision = self.older[seen.subject] = seen.revision
            return
        before = known.value if known else None
        facts = self.topic.facts(before, seen.value, historical=self.historical)
        if again and known:  # the log has facts of these keys already
            facts = [fact.model_copy(update={"key": f"{fact.key}|after {known.snapshot_id}"}) for fact in facts]
        self.changes.append((seen, facts))
        self.past.add((seen.subject, seen.revision, seen.digest))
        self.known[seen.subject] = Known(seen.revision, seen.digest, 0, seen.value)

    def is_past(self, seen: Seen) -> bool:
        """Whether a slow reader brings a state back that was replaced within the same second."""
        return (seen.subject, seen.revision, seen.digest) in self.past

    def sure(self, known: Known) -> bool:
        """Whether the source was asked so long after it told us of the newest state that what it says now is so.

        Two readers may have recorded two states of one second in the wrong order, or the order is again what it was.
        """
        if self.asked is None or known.recorded_at is None:
            return False
        return self.asked - known.recorded_at > SURE_AFTER // timedelta(microseconds=1)


class Log(Store):
    """The log of facts."""

    def record_orders(
        self,
        source: str,
        orders: Sequence[Order],
        *,
        historical: bool = False,
        cursor: Mark | None = None,
        unreadable: Sequence[Unreadable] = (),
        only: Sequence[str] | None = None,
        asked: datetime | None = None,
    ) -> Recorded:
        """Record what is new in these orders, once; events, deliveries, cursor and unreadable records commit together.

        `historical` facts mail nobody. With `only`, none but these destinations get deliveries, and they also get what
        the log already has of these orders. A cursor never moves back. `asked` is when their source was asked for
        them, by our clock: of several states of one second, the one that was read long after the others is the newest.
        """
        return self._record(source, ORDERS, orders, historical, cursor, unreadable, only, asked)

    def record_parcels(
        self,
        source: str,
        parcels: Sequence[Parcel],
        *,
        historical: bool = False,
        cursor: Mark | None = None,
        unreadable: Sequence[Unreadable] = (),
        asked: datetime | None = None,
    ) -> Recorded:
        """Record what is new in these parcels, as `record_orders` does."""
        return self._record(source, PARCELS, parcels, historical, cursor, unreadable, None, asked)

    def record_stock(
        self, source: str, levels: Sequence[StockLevel], unreadable: Sequence[Unreadable] = ()
    ) -> Recorded:
        """Record the levels that changed."""
        return self._record(source, STOCK, levels, False, None, unreadable, None)

    def _record(
        self,
        source: str,
        topic: Topic,
        values: Sequence[Any],
        historical: bool,
        cursor: Mark | None,
        bad: Sequence[Unreadable],
        only: Sequence[str] | None,
        asked: datetime | None = None,
    ) -> Recorded:
        seen = [topic.seen(value) for value in values]  # digests take longest: before anyone has to wait
        with self.writing() as db:
            self.alone(db, f"record:{source}")
            self.alone(db, "subscriptions", shared=True)
            now = self.now(db)
            seen = still_forgotten(db, topic, seen)
            batch = batch_of(db, topic, seen, historical, asked)
            for one in seen:
                batch.add(one)
            takers = subscribers(db, source, topic.name) if only is None else []
            made = self._write(db, source, batch, takers, now)
            for destination in only or ():
                enrol(db, destination, source, topic.name, subjects=[one.subject for one in seen])
            note_unreadable(db, source, topic.name, [one.subject for one in seen], bad, now)
            if cursor:
                push_cursor(db, source, *cursor)
            reached("before-record-commit")
        reached("after-record-commit")
        return Recorded(new_events=made, changed=len(batch.changes), known=batch.same, unreadable=len(bad))

    def _write(self, db: Connection, source: str, batch: Batch, takers: Sequence[Subscriber], now: int) -> int:
        """Insert snapshots, events and deliveries, and remember the newest state of each subject."""
        if batch.older:
            newer = update(tables.subjects).where(tables.subjects.c.subject == bindparam("which"))
            rows = [{"which": subject, "revision": revision} for subject, revision in batch.older.items()]
            db.execute(newer.values(revision=bindparam("revision")), rows)
        if not batch.changes:
            return 0
        ids = self.reserve(db, tables.snapshots, len(batch.changes))
        places = Places(db, batch.changes)
        events: list[tuple[Event, int, dict[str, int]]] = []
        snapshots, newest = [], {}
        for snapshot_id, (seen, facts) in zip(ids, batch.changes, strict=True):
            data = facts[0].data if facts else seen.value.model_dump(mode="json")
            snapshots.append(snapshot_row(snapshot_id, seen, data))
            newest[seen.subject] = subject_row(snapshot_id, seen, source, batch.topic.name)
            where = {taker.destination: places.place(taker.destination, seen, facts) for taker in takers if facts}
            events += [(fact, snapshot_id, where) for fact in facts]
        db.execute(insert(tables.snapshots), snapshots)
        db.execute(upsert(db, tables.subjects), list(newest.values()))
        if not events:
            return 0
        numbered = list(zip(self.reserve(db, tables.events, len(events)), events, strict=True))
        db.execute(insert(tables.events), [event_row(number, *event[:2], now) for number, event in numbered])
        wanted = [
            taker.delivery(number, event, where[taker.destination])
            for number, (event, _, where) in numbered
            for taker in takers
        ]
        if wanted:
            db.execute(insert(tables.deliveries), wanted)
        return len(events)


def batch_of(db: Connection, topic: Topic, seen: Sequence[Seen], historical: bool, asked: datetime | None) -> Batch:
    """An empty batch with what the log knows of these subjects."""
    known: dict[str, Known] = {}
    columns = tables.subjects.c
    for some in chunks([one.subject for one in seen]):
        wanted = select(columns.subject, columns.revision, columns.digest, columns.snapshot_id)
        for subject, *rest in db.execute(wanted.where(columns.subject.in_(some))):
            known[subject] = Known(*rest)
    changed = [one for one in seen if one.subject in known and known[one.subject].digest != one.digest]
    fill_in(db, topic, [known[one.subject] for one in changed])
    together = [one.subject for one in changed if known[one.subject].revision == one.revision]
    note_when(db, known, together)
    return Batch(topic, historical, known, past_states(db, together), micros(asked) if asked else None)


def fill_in(db: Connection, topic: Topic, changed: Sequence[Known]) -> None:
    """Read the snapshots that something changed since."""
    by_id = {one.snapshot_id: one for one in changed}
    columns = tables.snapshots.c
    for some in chunks(list(by_id)):
        for snapshot_id, data in db.execute(select(columns.id, columns.data).where(columns.id.in_(some))):
            by_id[snapshot_id].value = topic.model.model_validate_json(data)


def note_when(db: Connection, known: dict[str, Known], subjects: Sequence[str]) -> None:
    """When the newest state of each of these subjects was recorded, as far as facts tell of it."""
    columns = tables.events.c
    for some in chunks(subjects):
        wanted = select(columns.subject, columns.snapshot_id, columns.recorded_at).where(columns.subject.in_(some))
        for subject, snapshot_id, recorded_at in db.execute(wanted):
            if known[subject].snapshot_id == snapshot_id:
                known[subject].recorded_at = recorded_at


def past_states(db: Connection, subjects: Sequence[str]) -> set[tuple[str, int, str]]:
    """Every state of these subjects that the log ever had."""
    columns = tables.snapshots.c
    found: set[tuple[str, int, str]] = set()
    for some in chunks(subjects):
        rows = db.execute(select(columns.subject, columns.revision, columns.digest).where(columns.subject.in_(some)))
        found.update((row.subject, row.revision, row.digest) for row in rows)
    return found


def snapshot_row(number: int, seen: Seen, data: dict[str, Any]) -> dict[str, Any]:
    """A snapshot, written once for all facts that were told from it."""
    return {
        "id": number,
        "subject": seen.subject,
        "revision": seen.revision,
        "digest": seen.digest,
        "data": packed(data),
    }


def subject_row(snapshot_id: int, seen: Seen, source: str, topic: str) -> dict[str, Any]:
    """The newest state of a subject."""
    return {
        "subject": seen.subject,
        "source": source,
        "topic": topic,
        "label": seen.label,
        "related": seen.related,
        "revision": seen.revision,
        "digest": seen.digest,
        "snapshot_id": snapshot_id,
        "born": seen.born,
        "unfinished": seen.unfinished,
        "promise": seen.promise,
    }


def event_row(number: int, event: Event, snapshot_id: int, now: int) -> dict[str, Any]:
    """A fact, without its data."""
    return {
        "id": number,
        "key": event.key,
        "source": event.source,
        "topic": event.kind.topic,
        "kind": str(event.kind),
        "subject": event.subject,
        "part": event.part,
        "revision": micros(event.revision),
        "occurred_at": micros(event.occurred_at),
        "recorded_at": now,
        "historical": event.historical,
        "snapshot_id": snapshot_id,
    }


def note_unreadable(
    db: Connection, source: str, topic: str, read: Sequence[str], bad: Sequence[Unreadable], now: int
) -> None:
    """Keep records that could not be read, and forget those that now could."""
    table = tables.unreadable
    if read and db.execute(select(table.c.subject).where(table.c.source == source).limit(1)).first():
        for some in chunks(read):
            db.execute(delete(table).where(table.c.source == source, table.c.subject.in_(some)))
    rows: dict[str, dict[str, Any]] = {}
    for one in bad:
        subject = one.subject if one.subject.startswith(f"{source}:") else f"{source}:{one.subject}"
        said = {"label": clean(one.label), "reason": clean(one.reason), "hint": clean(one.hint)}
        rows[subject] = {"source": source, "subject": subject, "topic": topic, "since": now, "attempts": 0, **said}
    if rows:
        db.execute(upsert(db, table, keep=("since", "attempts", "dismissed", "note")), list(rows.values()))
        count = table.c.attempts + 1
        db.execute(update(table).where(table.c.subject.in_(list(rows))).values(attempts=count))
    for subject in rows:
        log.warning("%s could not be read from %s; it is held", subject, source)

"""The hub's own memory of people: taken out of the log when they ask, and when it is old enough."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Table, bindparam, exists, select, text, update

from commerce.facts import content_digest
from commerce.failpoints import reached
from commerce.orders import Order
from commerce.privacy import order_without_person, personal_words, without, without_person
from ledger import tables
from ledger.store import Store, chunks, clean, micros, packed, upsert
from ledger.tables import OPEN
from ledger.topics import ORDERS, Seen, Topic

SPOKEN = (
    (tables.deliveries, ("reason", "hint", "note")),
    (tables.history, ("reason",)),
    (tables.unreadable, ("reason",)),
)
"""Where vendors' words about one order are kept, which may quote it."""


class Redacting(Store):
    """Forgetting people."""

    def redact(self, source: str, subjects: Sequence[str]) -> bool:
        """Take the person out of these orders for good, in one transaction; amounts, SKUs and ids stay.

        False, and nothing is changed, while one of them is still on its way somewhere. Whatever is read of them later
        is kept without the person too. Repeating it is harmless.
        """
        with self.writing() as db:
            self.alone(db, f"record:{source}")
            if any(open_among(db, some) for some in chunks(subjects)):
                return False
            take_out(db, subjects, self.now(db), expired=False)
            reached("before-redact-commit")
        reached("after-redact-commit")
        return True

    def redact_older(self, source: str, before: datetime, limit: int) -> int:
        """Take the person out of orders that have not changed since then and are finished everywhere.

        At most `limit` at once; returns how many. News of one brings its person back, until it is old again.
        """
        with self.writing() as db:
            self.alone(db, f"record:{source}")
            subject, delivery = tables.subjects.c, tables.deliveries.c
            still = exists().where(delivery.subject == subject.subject, text(f"deliveries.{OPEN}"))
            known = exists().where(tables.forgotten.c.subject == subject.subject)
            old = select(subject.subject).where(
                subject.source == source,
                subject.topic == ORDERS.name,
                subject.revision < micros(before),
                subject.unfinished.is_(False),
            )
            found = db.scalars(old.where(~known, ~still).order_by(subject.subject).limit(limit)).all()
            take_out(db, found, self.now(db), expired=True)
            return len(found)


def open_among(db: Connection, subjects: Sequence[str]) -> bool:
    """Whether something of these has no outcome yet, or waits for a person."""
    table = tables.deliveries.c
    return (
        db.execute(select(table.event_id).where(table.subject.in_(subjects), text(OPEN)).limit(1)).first() is not None
    )


def take_out(db: Connection, subjects: Sequence[str], now: int, *, expired: bool) -> None:
    """Overwrite every snapshot of these orders, and remember to."""
    found: set[str] = set()
    for some in chunks(subjects):
        rows = [{"subject": subject, "at": now, "expired": expired} for subject in some]
        db.execute(upsert(db, tables.forgotten), rows)
        spoken = rewrite_snapshots(db, some)
        for table, columns in SPOKEN:
            rewrite(db, table, columns, spoken, table.c.subject.in_(some))
        found |= set().union(*spoken.values())
    if found:
        everyone = dict.fromkeys([""], found)
        rewrite(db, tables.alerts, ("alert",), everyone, tables.alerts.c.alert.is_not(None))


def rewrite_snapshots(db: Connection, subjects: Sequence[str]) -> dict[str, set[str]]:
    """Without the person; returns by subject by what they could have been recognised."""
    snapshot, subject = tables.snapshots, tables.subjects
    words: dict[str, set[str]] = {}
    changed, newest = [], []
    wanted = select(snapshot.c.id, snapshot.c.subject, snapshot.c.digest, snapshot.c.data, subject.c.snapshot_id)
    joined = wanted.join_from(snapshot, subject, subject.c.subject == snapshot.c.subject)
    for row in db.execute(joined.where(snapshot.c.subject.in_(subjects))):
        data = json.loads(row.data)
        words.setdefault(row.subject, set()).update(clean(word) for word in personal_words(data))
        kept = without_person(data)
        digest = digest_of(kept) or row.digest
        changed.append({"which": row.id, "data": packed(kept), "digest": digest})
        if row.snapshot_id == row.id:
            newest.append({"which": row.subject, "digest": digest})
    values: dict[str, Any] = {"data": bindparam("data"), "digest": bindparam("digest")}
    if changed:
        db.execute(update(snapshot).where(snapshot.c.id == bindparam("which")).values(**values), changed)
    if newest:
        mine = update(subject).where(subject.c.subject == bindparam("which"))
        db.execute(mine.values(digest=bindparam("digest")), newest)
    return words


def digest_of(data: dict[str, Any]) -> str:
    """The digest that the same order has when it is read again; empty for one that an older release wrote otherwise."""
    try:
        return content_digest(Order.model_validate(data))
    except ValidationError:
        return ""


def rewrite(db: Connection, table: Table, columns: Iterable[str], words: dict[str, set[str]], which: Any) -> None:
    """Take these words out of messages; those under "" out of every row."""
    keys = list(table.primary_key.columns)
    chosen = select(table).where(which)
    for row in db.execute(chosen).mappings().all():
        mine = words.get("", set()) | words.get(str(row.get("subject") or ""), set())
        said = {name: without(row[name], mine) for name in columns}
        if any(said[name] != row[name] for name in columns):
            db.execute(update(table).where(*(key == row[key.name] for key in keys)).values(**said))


def still_forgotten(db: Connection, topic: Topic, seen: list[Seen]) -> list[Seen]:
    """What was just read, without the people that were forgotten.

    An order that is only old stays so while nothing of it has changed; with news it is remembered whole, as its
    refund, say, has to name somebody.
    """
    if topic is not ORDERS or not seen:
        return seen
    table, subject = tables.forgotten, tables.subjects
    gone: dict[str, tuple[bool, str, int]] = {}
    wanted = select(table.c.subject, table.c.expired, subject.c.digest, subject.c.revision)
    joined = wanted.outerjoin(subject, subject.c.subject == table.c.subject)
    for some in chunks([one.subject for one in seen]):
        for row in db.execute(joined.where(table.c.subject.in_(some))):
            gone[row.subject] = (row.expired, row.digest or "", row.revision or 0)
    if not gone:
        return seen
    kept, remembered = [], []
    for one in seen:
        bare = topic.seen(order_without_person(one.value)) if one.subject in gone else one
        expired, digest, revision = gone.get(one.subject, (False, "", 0))
        if expired and bare.digest != digest and bare.revision >= revision:
            remembered.append(one.subject)
            kept.append(one)
        else:
            kept.append(bare)
    if remembered:
        db.execute(table.delete().where(table.c.subject.in_(remembered)))
    return kept

"""Replaying: a destination is given again what it already had, as if its answer had been lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select, update

from ledger import tables
from ledger.held import PERSON
from ledger.places import UNHURRIED
from ledger.settling import write_history
from ledger.store import Store, chunks, micros
from ledger.subscriptions import HISTORY, enrol, keeps_of

SETTLED = ("done", "skipped", "dismissed", "superseded", "held")

WAITING = ("waiting", "retry")


class Replaying(Store):
    """Bringing things again."""

    def replay(
        self,
        destination: str,
        *,
        since: datetime | None = None,
        subjects: Sequence[str] | None = None,
        dry_run: bool = False,
    ) -> int:
        """Let the destination have again what happened since a moment, or these subjects; how many subjects.

        Each is looked up by our key before anything is written, as it surely was sent once, and counts as history, so
        that nobody is mailed. One that waits already is looked up, too, when its turn comes; one that a run has in its
        hands is left to it. With `dry_run` nothing is changed.
        An order whose person is forgotten is left out: the destination would lose the name from what it has to keep.
        """
        with self.writing() as db:
            self.alone(db, f"claim:{destination}")
            keeps = keeps_of(db, destination)
            found = chosen(db, destination, since, subjects)
            if keeps is None or dry_run:
                return len(found)
            for source, topic in subscribed(db, destination):
                enrol(db, destination, source, topic, subjects=found)
            now = self.now(db)
            for some in chunks(found):
                numbers = newest(db, destination, some) if keeps == "state" else every(db, destination, some, since)
                again(db, destination, numbers)
                forget_fingerprints(db, destination, some)
                write_history(db, [replayed(now, destination, subject) for subject in some])
            return len(found)


def subscribed(db: Connection, destination: str) -> list[tuple[str, str]]:
    """Sources and topics that the destination wants."""
    table = tables.subscriptions.c
    rows = db.execute(select(table.source, table.topic).where(table.destination == destination))
    return [(row.source, row.topic) for row in rows]


def chosen(db: Connection, destination: str, since: datetime | None, subjects: Sequence[str] | None) -> list[str]:
    """The subjects that are meant, oldest first; only such as the destination wants."""
    event = tables.events.c
    wants = [and_(event.source == source, event.topic == topic) for source, topic in subscribed(db, destination)]
    if not wants:
        return []
    wanted = select(event.subject, func.min(event.id).label("first")).where(or_(*wants)).group_by(event.subject)
    wanted = wanted.where(event.subject.not_in(select(tables.forgotten.c.subject)))
    if since is not None:
        wanted = wanted.where(event.occurred_at >= micros(since))
    found: list[Any] = []
    for some in [None] if subjects is None else chunks(subjects):
        found += db.execute(wanted if some is None else wanted.where(event.subject.in_(some))).all()
    return [row.subject for row in sorted(found, key=lambda row: row.first)]


def of(destination: str, subjects: Sequence[str]) -> Select[Any]:
    """Their deliveries, with the facts behind them."""
    delivery, event = tables.deliveries.c, tables.events.c
    joined = select(event.id, event.subject).join(tables.deliveries, delivery.event_id == event.id)
    return joined.where(delivery.destination == destination, event.subject.in_(subjects))


def newest(db: Connection, destination: str, subjects: Sequence[str]) -> list[int]:
    """The fact with the newest state of each subject."""
    event = tables.events.c
    rows = db.execute(of(destination, subjects).order_by(event.revision, event.id))
    return list({row.subject: row.id for row in rows}.values())


def every(db: Connection, destination: str, subjects: Sequence[str], since: datetime | None) -> list[int]:
    """Every fact of the subjects since the moment."""
    wanted = of(destination, subjects)
    if since is not None:
        wanted = wanted.where(tables.events.c.occurred_at >= micros(since))
    return [row.id for row in db.execute(wanted)]


def again(db: Connection, destination: str, numbers: Sequence[int]) -> None:
    """These deliveries wait once more; those that wait anyway prove nothing by what we remember either."""
    table = tables.deliveries
    fresh = {"state": "waiting", "in_doubt": True, "due_at": 0, "attempts": 0, "crashes": 0}
    last = {"lane": HISTORY, "promise": table.c.occurred_at + UNHURRIED}
    for some in chunks(numbers):
        mine = update(table).where(table.c.destination == destination, table.c.event_id.in_(some))
        db.execute(mine.where(table.c.state.in_(WAITING)).values(in_doubt=True))
        settled = mine.where(table.c.state.in_(SETTLED))
        db.execute(settled.values(**fresh, **last, first_tried_at=None, settled_at=None, cause="", reason="", hint=""))


def forget_fingerprints(db: Connection, destination: str, subjects: Sequence[str]) -> None:
    """What was last accepted no longer counts as proof that nothing has to be sent."""
    table = tables.bindings
    mine = update(table).where(table.c.destination == destination, table.c.subject.in_(subjects))
    db.execute(mine.values(fingerprint=""))


def replayed(now: int, destination: str, subject: str) -> dict[str, Any]:
    """One line of what happened."""
    line = {"at": now, "destination": destination, "subject": subject, "label": "", "outcome": "replayed"}
    return {**line, "vendor_id": "", "reason": "", "by": PERSON}

"""Who wants which facts. A new subscriber gets its share of what the log already has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, literal, or_, select

from commerce.events import Event
from ledger import tables
from ledger.places import UNHURRIED
from ledger.records import Keeps
from ledger.store import Store, chunks, insert_once, micros, upsert

LIVE, HISTORY = 0, 1
"""Lanes: what happens now is never behind what is only brought for the record."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A destination that wants the facts of one source and topic."""

    destination: str
    live_from: int

    def delivery(self, number: int, event: Event, promise: int) -> dict[str, Any]:
        """A delivery of the fact that is about to be written, with its place in the lane."""
        happened = micros(event.occurred_at)
        return {
            "destination": self.destination,
            "event_id": number,
            "subject": event.subject,
            "lane": HISTORY if event.historical or happened < self.live_from else LIVE,
            "occurred_at": happened,
            "promise": promise,
        }


class Subscriptions(Store):
    """Who wants what."""

    def subscribe(
        self, destination: str, source: str, topics: Iterable[str], keeps: Keeps, *, live_from: datetime | None = None
    ) -> None:
        """Let the destination have all facts of the source about these topics, past ones included.

        Facts from before `live_from` (default: when it first subscribed) are history there. Repeating it is harmless
        and changes `keeps` and a named `live_from` for what comes.
        """
        with self.writing() as db:
            self.alone(db, "subscriptions")
            now = self.now(db)
            for topic in topics:
                key = {"destination": destination, "source": source, "topic": topic}
                start = now if live_from is None else micros(live_from)
                row = {**key, "keeps": keeps, "live_from": start, "since": now}
                known = db.execute(select(tables.subscriptions.c.since).filter_by(**key)).first()
                kept = ("since", "live_from") if live_from is None else ("since",)
                db.execute(upsert(db, tables.subscriptions, keep=kept), row)
                if known is None:
                    enrol(db, destination, source, topic)

    def unsubscribe(self, destination: str, source: str) -> None:
        """Bring nothing more from the source. What is being sent, or may have been, is kept until it is clear."""
        subscription, delivery = tables.subscriptions, tables.deliveries.c
        with self.writing() as db:
            self.alone(db, "subscriptions")
            gone = and_(subscription.c.destination == destination, subscription.c.source == source)
            db.execute(delete(subscription).where(gone))
            of_source = select(tables.events.c.id).where(tables.events.c.source == source)
            db.execute(
                delete(tables.deliveries).where(
                    delivery.destination == destination,
                    delivery.state.in_(("waiting", "retry", "held")),
                    delivery.in_doubt.is_(False),
                    delivery.event_id.in_(of_source),
                )
            )


def subscribers(db: Connection, source: str, topic: str) -> list[Subscriber]:
    """Everyone who wants facts of this kind."""
    table = tables.subscriptions.c
    rows = db.execute(select(table.destination, table.live_from).where(table.source == source, table.topic == topic))
    return [Subscriber(*row) for row in rows]


def enrol(db: Connection, destination: str, source: str, topic: str, *, subjects: Sequence[str] | None = None) -> None:
    """Give the destination a delivery for each fact it has none of; with `subjects`, of those only."""
    event = tables.events.c
    start = next((one.live_from for one in subscribers(db, source, topic) if one.destination == destination), None)
    if start is None:
        return
    lane = case((or_(event.historical, event.occurred_at < start), HISTORY), else_=LIVE)
    of = tables.subjects.c
    place = func.coalesce(of.promise, of.born + UNHURRIED)
    past = select(literal(destination), event.id, event.subject, lane, event.occurred_at, place)
    past = past.join_from(tables.events, tables.subjects, of.subject == event.subject)
    past = past.where(event.source == source, event.topic == topic)
    for some in [None] if subjects is None else chunks(subjects):
        chosen = past if some is None else past.where(event.subject.in_(some))
        columns = ["destination", "event_id", "subject", "lane", "occurred_at", "promise"]
        db.execute(insert_once(db, tables.deliveries).from_select(columns, chosen))


def keeps_of(db: Connection, destination: str) -> str | None:
    """ "state" or "events"; None for a destination that subscribed to nothing."""
    table = tables.subscriptions.c
    return db.scalar(select(table.keeps).where(table.destination == destination).limit(1))

"""Completeness: live facts that should have had an outcome by now, whether or not any call ever failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal, or_, select, text

from ledger import tables
from ledger.store import Store, micros, moment
from ledger.subscriptions import LIVE
from ledger.tables import CLAIMED, READY

SHOWN = 20
"""Subjects that are named; the count has all of them."""

LOOKED_AT = 20_000
"""The newest facts that are looked at for some that nobody was given."""


@dataclass(frozen=True, slots=True)
class OverdueRecord:
    """One subject without an outcome at a destination. `reason` is empty when nothing was ever tried."""

    subject: str
    label: str
    recorded_at: datetime
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many subjects wait beyond their deadline, and the oldest of them."""

    count: int = 0
    oldest: tuple[OverdueRecord, ...] = ()


class Completeness(Store):
    """What is missing although nobody said so."""

    def overdue(self, destination: str, before: datetime) -> Overdue:
        """Live facts recorded before this moment that have neither gone through nor are held for a person.

        Also such that have no delivery at all: that would be a fault of ours, and nobody would be told otherwise.
        """
        delivery, event = tables.deliveries.c, tables.events.c
        label = tables.subjects.c.label
        opened = and_(delivery.lane == LIVE, or_(text(f"deliveries.{READY}"), text(f"deliveries.{CLAIMED}")))
        waiting = (
            select(event.subject, label, event.recorded_at, delivery.state, delivery.reason)
            .select_from(tables.deliveries)
            .join(tables.events, event.id == delivery.event_id)
            .outerjoin(tables.subjects, tables.subjects.c.subject == event.subject)
            .where(delivery.destination == destination, opened, event.recorded_at <= micros(before))
        )
        with self.reading() as db:
            rows: list[Any] = list(db.execute(waiting.order_by(event.id)))
            rows += list(db.execute(forgotten(destination, before)))
        found: dict[str, OverdueRecord] = {}
        for row in rows:
            if row.subject not in found:
                found[row.subject] = OverdueRecord(
                    row.subject, row.label or row.subject, moment(row.recorded_at), row.state, row.reason
                )
        oldest = sorted(found.values(), key=lambda one: one.recorded_at)
        return Overdue(len(oldest), tuple(oldest[:SHOWN]))


def forgotten(destination: str, before: datetime) -> Select[Any]:
    """Live facts that the destination wants and has no delivery for."""
    delivery, event, wants = tables.deliveries.c, tables.events.c, tables.subscriptions.c
    theirs = exists().where(delivery.event_id == event.id, delivery.destination == destination)
    newest = select(func.max(event.id) - LOOKED_AT).scalar_subquery()
    nobody = literal("given to nobody")
    return (
        select(event.subject, tables.subjects.c.label, event.recorded_at, nobody.label("state"), nobody.label("reason"))
        .select_from(tables.events)
        .join(tables.subscriptions, and_(wants.source == event.source, wants.topic == event.topic))
        .outerjoin(tables.subjects, tables.subjects.c.subject == event.subject)
        .where(wants.destination == destination, ~theirs, event.id > newest, event.historical.is_(False))
        .where(event.occurred_at >= wants.live_from, event.recorded_at <= micros(before))
        .order_by(event.id)
    )

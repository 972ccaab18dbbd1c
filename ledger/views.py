"""Looking at the log: newest states, units that are promised, how much waits."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select, text

from commerce.orders import Order
from ledger import tables
from ledger.records import StatusRow, Struggle
from ledger.store import Store, maybe, micros, moment
from ledger.subscriptions import LIVE
from ledger.tables import READY
from ledger.topics import OVER, is_unfinished

AT_ONCE = 500


class Views(Store):
    """What the log knows now."""

    def latest(self, source: str, topic: str) -> Iterator[dict[str, Any]]:
        """The newest snapshot of each subject, as JSON, read in handfuls."""
        subject, snapshot = tables.subjects.c, tables.snapshots.c
        which = and_(subject.source == source, subject.topic == topic)
        joined = select(subject.subject, snapshot.data).join(snapshot.id.table, snapshot.id == subject.snapshot_id)
        after = ""
        while True:
            some = joined.where(which, subject.subject > after).order_by(subject.subject).limit(AT_ONCE)
            with self.reading() as db:
                rows = db.execute(some).all()
            for row in rows:
                yield json.loads(row.data)
            if len(rows) < AT_ONCE:
                return
            after = rows[-1].subject

    def count_seen(self, source: str, topic: str, since: datetime) -> int:
        """How many subjects the source still had at `since` or later."""
        subject = tables.subjects.c
        which = and_(subject.source == source, subject.topic == topic, subject.revision >= micros(since))
        with self.reading() as db:
            return db.scalar(select(func.count()).select_from(tables.subjects).where(which)) or 0

    def units_ordered_since(self, source: str, since: datetime | None) -> dict[tuple[str, str], int]:
        """Units that were ordered and have not left, by (SKU, storefront location id; "" where that is not known).

        Of orders made at or after `since`, of all without it. Cancelled and test orders want nothing.
        """
        subject, snapshot = tables.subjects.c, tables.snapshots.c
        wanted = select(snapshot.data).join(tables.subjects, snapshot.id == subject.snapshot_id)
        wanted = wanted.where(subject.source == source, text("unfinished"))
        if since is not None:
            wanted = wanted.where(subject.born >= micros(since))
        units: Counter[tuple[str, str]] = Counter()
        with self.reading() as db:
            for row in db.execute(wanted):
                units += units_of(Order.model_validate_json(row.data))
        return dict(units)

    def struggling(self) -> dict[str, Struggle]:
        """By destination, live records that were tried and neither went through nor are held; the oldest is shown."""
        delivery, label = tables.deliveries.c, tables.subjects.c.label
        tried = and_(text(READY), delivery.lane == LIVE, delivery.first_tried_at.is_not(None))
        summed = select(delivery.destination, func.count(), func.min(delivery.first_tried_at)).where(tried)
        found = {}
        with self.reading() as db:
            for name, count, since in db.execute(summed.group_by(delivery.destination)).all():
                one = select(delivery.subject, delivery.reason, label).join_from(
                    tables.deliveries, tables.subjects, tables.subjects.c.subject == delivery.subject, isouter=True
                )
                which = and_(tried, delivery.destination == name, delivery.first_tried_at == since)
                row = db.execute(one.where(which).limit(1)).one()
                found[name] = Struggle(count, moment(since), row.label or row.subject, row.reason)
        return found

    def status(self) -> list[StatusRow]:
        """How each destination's deliveries stand, by name."""
        delivery, event = tables.deliveries.c, tables.events.c
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        with self.reading() as db:
            for name in db.scalars(select(tables.subscriptions.c.destination)):
                counts[name].update()
            grouped = select(delivery.destination, delivery.state, func.count())
            for name, state, count in db.execute(grouped.group_by(delivery.destination, delivery.state)):
                counts[name][state] = count
            waits = select(delivery.destination, func.min(delivery.event_id).label("first")).where(text(READY))
            first = waits.group_by(delivery.destination).subquery()
            joined = select(first.c.destination, event.recorded_at).join(tables.events, event.id == first.c.first)
            oldest = {row.destination: row.recorded_at for row in db.execute(joined)}
        words = ("retry", "unknown", "held", "done", "skipped")
        return [
            StatusRow(
                destination=name,
                waiting=found["waiting"] + found["claimed"],
                oldest_waiting_at=maybe(oldest.get(name)),
                **{word: found[word] for word in words},
            )
            for name, found in sorted(counts.items())
        ]


def units_of(order: Order) -> Counter[tuple[str, str]]:
    """Units of the order that have not left, by (SKU, location id)."""
    units: Counter[tuple[str, str]] = Counter()
    if not is_unfinished(order):
        return units
    for each in order.fulfilment_orders:
        if each.status not in OVER:
            for part in each.lines:
                units[part.sku, each.location_id] += part.remaining
    if not order.fulfilment_orders:
        for line in order.lines:
            units[line.sku, ""] += line.current
    return Counter({key: count for key, count in units.items() if key[0] and count > 0})

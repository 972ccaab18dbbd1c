"""The life of one order, looked up by what people have in hand: its number, its key, or a vendor's id."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from commerce.outcomes import Binding
from ledger import tables
from ledger.bindings import binding_of
from ledger.records import Trace, TracedDelivery, TracedEvent, TracedOutcome
from ledger.store import Store, maybe, moment


class Tracing(Store):
    """Looking one order up."""

    def trace(self, text: str) -> Trace:
        """Everything about an order and its parcels, by "#1001", "1001", "shop:5501", "5501" or a vendor's id."""
        with self.reading() as db:
            found = subjects_of(db, text.strip())
            if not found:
                return Trace()
            return Trace(
                subjects=tuple(found),
                events=events_of(db, found),
                deliveries=deliveries_of(db, found),
                history=history_of(db, found),
                bindings=bindings_of(db, found),
            )


def subjects_of(db: Connection, text: str) -> list[str]:
    """The subjects that the text names, orders before their parcels. Each look-up is served by an index."""
    subject, binding = tables.subjects.c, tables.bindings.c
    sources = db.scalars(select(tables.subscriptions.c.source).distinct()).all()
    keys = [text, *(f"{source}:{text}" for source in sources)]
    found = set(db.scalars(select(subject.subject).where(subject.label.in_([text, f"#{text}"]))))
    found.update(db.scalars(select(subject.subject).where(subject.subject.in_(keys))))
    found.update(db.scalars(select(binding.subject).where(binding.vendor_id == text)))
    orders = select(subject.related).where(subject.subject.in_(found), subject.related != "")
    found.update(db.scalars(orders))
    found.update(db.scalars(select(subject.subject).where(subject.related.in_(found), subject.related != "")))
    wanted = select(subject.subject).where(subject.subject.in_(found)).order_by(subject.topic, subject.subject)
    return list(db.scalars(wanted))


def events_of(db: Connection, subjects: Sequence[str]) -> tuple[TracedEvent, ...]:
    """Their facts, as they were recorded."""
    table = tables.events
    return tuple(
        TracedEvent(
            kind=row.kind,
            subject=row.subject,
            part=row.part,
            revision=moment(row.revision),
            occurred_at=moment(row.occurred_at),
            recorded_at=moment(row.recorded_at),
            historical=row.historical,
        )
        for row in db.execute(select(table).where(table.c.subject.in_(subjects)).order_by(table.c.id))
    )


def deliveries_of(db: Connection, subjects: Sequence[str]) -> tuple[TracedDelivery, ...]:
    """Where each fact stands at each destination."""
    table, event = tables.deliveries, tables.events.c
    wanted = select(table, event.kind).join(tables.events, event.id == table.c.event_id)
    return tuple(
        TracedDelivery(
            destination=row.destination,
            kind=row.kind,
            subject=row.subject,
            state=row.state,
            attempts=row.attempts,
            cause=row.cause,
            reason=row.reason or row.note,
            settled_at=maybe(row.settled_at),
        )
        for row in db.execute(wanted.where(table.c.subject.in_(subjects)).order_by(table.c.destination, event.id))
    )


def history_of(db: Connection, subjects: Sequence[str]) -> tuple[TracedOutcome, ...]:
    """What happened, in the order in which it did."""
    table = tables.history
    return tuple(
        TracedOutcome(moment(row.at), row.destination, row.subject, row.outcome, row.vendor_id, row.reason, row.by)
        for row in db.execute(select(table).where(table.c.subject.in_(subjects)).order_by(table.c.id))
    )


def bindings_of(db: Connection, subjects: Sequence[str]) -> dict[str, Binding]:
    """What the destinations hold."""
    table = tables.bindings
    found: dict[str, Binding] = {}
    for row in db.execute(select(table).where(table.c.subject.in_(subjects)).order_by(table.c.updated_at)):
        name = row.destination if row.destination not in found else f"{row.destination} ({row.subject})"
        found[name] = binding_of(row)
    return found

"""What people asked about their own data, who was asked to see to it, and what each answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, text, update

from commerce.ports import Person
from ledger import tables
from ledger.records import Brought, PrivacyRequest, TracedOutcome
from ledger.settling import write_history
from ledger.store import SECOND, Store, chunks, clean, insert_once, maybe, moment, packed
from ledger.tables import OPEN
from ledger.trace import history_of


class Privacy(Store):
    """Requests of people about their data."""

    def ask_privacy(
        self, connection: str, delivery_id: str, kind: str, customer_id: str, orders: Sequence[str]
    ) -> bool:
        """Keep a request, by numbers only; False when this delivery is already known."""
        row: dict[str, Any] = {"connection": connection, "delivery_id": clean(delivery_id), "kind": clean(kind)}
        with self.writing() as db:
            row |= {"customer_id": clean(customer_id), "orders": packed(list(orders)), "received_at": self.now(db)}
            return db.execute(insert_once(db, tables.privacy), row).rowcount == 1

    def privacy_requests(self, *, due: bool = False) -> list[PrivacyRequest]:
        """All requests, oldest first; with `due`, those that the hub itself has to go on with now."""
        table = tables.privacy
        wanted = select(table).order_by(table.c.id)
        with self.reading() as db:
            if due:
                wanted = wanted.where(table.c.state == "open", table.c.due_at <= self.now(db))
            return [request_of(row) for row in db.execute(wanted)]

    def privacy_later(self, request: int, reason: str, after: float) -> None:
        """Go on with it in so many seconds."""
        with self.writing() as db:
            due = self.now(db) + round(after * SECOND)
            mine = update(tables.privacy).where(tables.privacy.c.id == request)
            db.execute(mine.values(due_at=due, reason=clean(reason)))

    def privacy_settled(self, request: int, state: str, *, note: str = "", by: str = "") -> bool:
        """The hub has done its part ("by hand"), or all is done ("done"); False when it was done before."""
        with self.writing() as db:
            now, table = self.now(db), tables.privacy
            values = {"state": state, "reason": "", "note": clean(note), "closed_at": now if state == "done" else None}
            mine = update(table).where(table.c.id == request, table.c.state != "done")
            changed = db.execute(mine.values(**values)).rowcount == 1
            if changed and state == "done":
                write_history(db, [proof(now, request, "backroom", "closed", note, by)])
            return changed

    def privacy_answer(self, request: int, connection: str, outcome: str, words: str) -> None:
        """Write down that somebody was asked, and what was answered."""
        with self.writing() as db:
            write_history(db, [proof(self.now(db), request, connection, outcome, words)])

    def privacy_answers(self, request: int) -> list[TracedOutcome]:
        """Who was asked, when, and what each said."""
        with self.reading() as db:
            return list(history_of(db, [name_of(request)]))

    def people_in(self, source: str, subjects: Sequence[str], customer_id: str) -> list[Person]:
        """Whom these orders are of, by their newest states; at least the customer, if there is one."""
        found = dict.fromkeys(pair for data in self.newest_data(subjects) for pair in addresses_of(data))
        known = [pair for pair in found if any(pair)] or ([("", "")] if customer_id else [])
        return [Person(email=email, phone=phone, customer_id=customer_id, source=source) for email, phone in known]

    def newest_data(self, subjects: Sequence[str]) -> list[dict[str, Any]]:
        """The newest states of these orders, as JSON."""
        subject, snapshot = tables.subjects.c, tables.snapshots.c
        joined = select(snapshot.data).join(tables.subjects, snapshot.id == subject.snapshot_id)
        with self.reading() as db:
            return [
                json.loads(data)
                for some in chunks(subjects)
                for data in db.scalars(joined.where(subject.subject.in_(some)).order_by(subject.subject))
            ]

    def orders_of_customer(self, source: str, customer_id: str) -> list[str]:
        """Subjects of all orders that were ever read of a customer. Reads the whole log: for rare questions."""
        subject, snapshot = tables.subjects.c, tables.snapshots.c
        like = snapshot.data.contains(f'"customer":{{"id":{json.dumps(customer_id)},', autoescape=True)
        wanted = select(snapshot.subject).join(tables.subjects, snapshot.subject == subject.subject)
        with self.reading() as db:
            return list(db.scalars(wanted.where(subject.source == source, like).distinct().order_by(snapshot.subject)))

    def on_their_way(self, subjects: Sequence[str]) -> list[tuple[str, str, str]]:
        """Destination, order number and state of what has no outcome yet or waits for a person."""
        delivery, subject = tables.deliveries.c, tables.subjects.c
        wanted = select(delivery.destination, subject.label, delivery.state).distinct()
        joined = wanted.join_from(tables.deliveries, tables.subjects, subject.subject == delivery.subject)
        with self.reading() as db:
            return [
                (row.destination, row.label, row.state)
                for some in chunks(subjects)
                for row in db.execute(joined.where(delivery.subject.in_(some), text(OPEN)))
            ]

    def brought_of(self, subjects: Sequence[str]) -> dict[str, Brought]:
        """By destination, what it was given of these orders."""
        delivery, label, binding = tables.deliveries.c, tables.subjects.c.label, tables.bindings.c
        same = (binding.destination == delivery.destination) & (binding.subject == delivery.subject)
        wanted = (
            select(delivery.destination, label, binding.vendor_id, func.max(delivery.settled_at).label("last"))
            .join_from(tables.deliveries, tables.subjects, tables.subjects.c.subject == delivery.subject)
            .outerjoin(tables.bindings, same)
            .where(or_(delivery.state == "done", binding.vendor_id.is_not(None)))
            .group_by(delivery.destination, label, binding.vendor_id)
        )
        found: dict[str, Brought] = {}
        with self.reading() as db:
            for some in chunks(subjects):
                for row in db.execute(wanted.where(delivery.subject.in_(some)).order_by(label)):
                    last: datetime = moment(row.last or 0)
                    one = found.setdefault(row.destination, Brought(row.destination, {}, last))
                    one.documents[row.label] = row.vendor_id or ""
                    found[row.destination] = Brought(row.destination, one.documents, max(one.last, last))
        return found


def addresses_of(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """E-mail address and phone number by which apps may know the order's person: the order's own, and the customer's
    where that is another one, which apps are given when the order has none."""
    email, phone = str(data.get("email") or ""), str(data.get("phone") or "")
    yield email, phone
    customer = str((data.get("customer") or {}).get("email") or "")
    if customer and customer != email:
        yield customer, ""


def request_of(row: Any) -> PrivacyRequest:
    """A request as it was kept."""
    return PrivacyRequest(
        id=row.id,
        connection=row.connection,
        kind=row.kind,
        customer_id=row.customer_id,
        orders=json.loads(row.orders),
        state=row.state,
        received_at=moment(row.received_at),
        closed_at=maybe(row.closed_at),
        reason=row.reason,
        note=row.note,
    )


def name_of(request: int) -> str:
    """Under what the history keeps the answers."""
    return f"privacy:{request}"


def proof(now: int, request: int, connection: str, outcome: str, words: str, by: str = "") -> dict[str, Any]:
    """One line of the history."""
    line = {"at": now, "destination": connection, "subject": name_of(request), "label": f"privacy request {request}"}
    return {**line, "outcome": outcome, "vendor_id": "", "reason": clean(words), "by": by}

"""Webhook hints become readings: the subjects they name are read again, many at a time, the way the poll does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from commerce.ports import Alert, OrderSource, ParcelSource
from tasks import privacy
from tasks.alerting import tell
from tasks.delivering import broken_record
from tasks.hub import Hub
from tasks.recording import record_changed_orders, record_changed_parcels, record_orders_by_id
from tasks.tally import Tally

AT_ONCE = 250


def read_hinted(hub: Hub) -> tuple[Tally, list[str]]:
    """Read again what waiting hints point at. Returns the tally and the connections that something was read from.

    A connection that cannot be read keeps its hints for later; the others go on.
    """
    tally = Tally()
    read: list[str] = []
    while rows := hub.ledger.take_hints(AT_ONCE, lease=120.0):
        grouped = defaultdict(list)
        for row in rows:
            grouped[row.connection].append(row)
        for connection, waiting in grouped.items():
            ids = [row.id for row in waiting]
            try:
                for row in waiting:
                    privacy.take_in(hub, row)
                tally += read_one(hub, connection, [hint for row in waiting for hint in row.hints])
            except Exception as error:  # noqa: BLE001  whatever it is, the other connections go on
                broken = broken_record(error)
                hub.ledger.hints_failed(ids, broken.reason, after=60.0)
                tally.counts["retry"] += len(ids)
                tally.note(connection, connection, "retry", broken.reason, broken.hint)
                continue
            hub.ledger.hints_done(ids)
            tally.counts["hints"] += len(ids)
            if connection not in read:
                read.append(connection)
    tally += privacy.work(hub)
    return tally, read


def read_one(hub: Hub, connection: str, hints: Sequence[dict[str, str]]) -> Tally:
    """Read what hints of one connection point at; topics that nothing follows from are done by being counted.

    Hints of a connection that was taken out of stack.toml are done as well.
    """
    if connection not in hub.stack.connections:
        return Tally()
    client = hub.client(connection)
    topics = {hint["topic"] for hint in hints}
    orders = sorted({hint["id"] for hint in hints if hint["topic"] == "order" and hint["id"]})
    tally = Tally()
    if orders and isinstance(client, OrderSource):
        tally += record_orders_by_id(hub, connection, orders)
    if "parcel" in topics and isinstance(client, ParcelSource):
        released = any(hint["topic"] == "parcel" and hint.get("action") == "released" for hint in hints)
        tally += record_changed_parcels(hub, connection, unread_too=released)
    if "access" in topics and isinstance(client, OrderSource):
        # Only a hint, too: whether we may still read is found out by reading, and pauses the connection if not.
        tally += record_changed_orders(hub, connection)
    if "document" in topics:
        tally += note_foreign_changes(hub, connection, hints)
    return tally


def note_foreign_changes(hub: Hub, connection: str, hints: Sequence[dict[str, str]]) -> Tally:
    """Somebody deleted or voided one of our documents in the books: say so, the hub does not silently post it again."""
    tally = Tally()
    for hint in hints:
        removed = hint["topic"] == "document" and hint.get("action", "").endswith(("deleted", "voided"))
        subject = hub.ledger.subject_of(connection, hint["id"]) if removed else None
        if subject:
            tell(hub, removed_alert(connection, subject, hint))
            tally.counts["removed"] += 1
            tally.note(
                subject,
                subject,
                "removed",
                f"document {hint['id']} was {hint['action'].rsplit('.', 1)[-1]} in {connection} by hand",
                "if that was a mistake, post it again from there",
            )
    return tally


def removed_alert(connection: str, subject: str, hint: dict[str, str]) -> Alert:
    """What people are told when a document of ours was removed by hand."""
    verb = hint["action"].rsplit(".", 1)[-1]
    return Alert(
        fingerprint=f"removed:{connection}:{hint['id']}",
        severity="warning",
        title=f"{connection}: a document of ours was {verb}",
        what=f"document {hint['id']} of order {subject} was {verb} in {connection} by hand",
        todo="if that was a mistake, enter it again there; the hub does not post it twice",
    )

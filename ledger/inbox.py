"""The inbox: webhooks that were verified, kept as hints until what they point at was read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, text, update

from commerce.failpoints import reached
from ledger import tables
from ledger.records import HintRow, InboxWaiting
from ledger.store import SECOND, Store, chunks, clean, insert_once, packed

KEPT = timedelta(days=30)
"""How long a webhook is recognised when its sender repeats it."""

CALLS_KEPT = timedelta(days=62)
"""How long call counts are kept: a whole month and the one before it, as vendors bill by the month."""

WAITING = "state = 'waiting'"

Arrival = tuple[str, str, str, Sequence[dict[str, str]]]
"""A verified webhook: connection, the vendor's id of the delivery, topic, and what it points at."""


class Inbox(Store):
    """Webhooks that were taken in."""

    def store_hint(self, connection: str, delivery_id: str, topic: str, hints: Sequence[dict[str, str]]) -> bool:
        """Keep what a webhook points at, durably when this returns; False when this delivery is already known."""
        return self.store_hints([(connection, delivery_id, topic, hints)]) == 1

    def store_hints(self, arrivals: Sequence[Arrival]) -> int:
        """The same for several, in one transaction: all are durable when this returns; how many are new."""
        with self.writing() as db:
            now = self.now(db)
            rows = [hint_row(*one, now) for one in arrivals]
            new = db.execute(insert_once(db, tables.inbox), rows).rowcount if rows else 0
            reached("before-inbox-commit")
        reached("after-inbox-commit")
        return new

    def take_hints(self, limit: int, lease: float) -> list[HintRow]:
        """Hints to read now, oldest first; they come back after `lease` seconds unless they are done.

        Those of paused connections wait.
        """
        table = tables.inbox
        with self.writing() as db:
            now = self.now(db)
            paused = select(tables.paused.c.connection)
            wanted = select(table).where(text(WAITING), table.c.due_at <= now, table.c.connection.not_in(paused))
            rows = db.execute(wanted.order_by(table.c.id).limit(limit).with_for_update(skip_locked=True)).all()
            if rows:
                again = {"due_at": now + round(lease * SECOND), "attempts": table.c.attempts + 1}
                db.execute(update(table).where(table.c.id.in_([row.id for row in rows])).values(**again))
        return [HintRow(row.id, row.connection, row.topic, json.loads(row.hints), row.delivery_id) for row in rows]

    def hints_done(self, ids: Sequence[int]) -> None:
        """What these pointed at was read."""
        self._update_hints(ids, {"state": "done", "reason": ""})

    def hints_failed(self, ids: Sequence[int], reason: str, after: float) -> None:
        """What these pointed at could not be read; try again in `after` seconds."""
        with self.writing() as db:
            due = self.now(db) + round(after * SECOND)
        self._update_hints(ids, {"due_at": due, "reason": clean(reason)})

    def inbox_waiting(self) -> InboxWaiting:
        """How many hints wait, and for how long the oldest has."""
        table = tables.inbox.c
        with self.reading() as db:
            count, oldest = db.execute(select(func.count(), func.min(table.received_at)).where(text(WAITING))).one()
            return InboxWaiting(count, max(0, self.now(db) - oldest) / SECOND if count else 0.0)

    def prune(self, keep: timedelta = KEPT) -> int:
        """Forget webhooks and call counts that are older; returns how many rows went."""
        with self.writing() as db:
            now, micro = self.now(db), timedelta(microseconds=1)
            before, counted_before = now - keep // micro, now - max(keep, CALLS_KEPT) // micro
            inbox, calls = tables.inbox, tables.calls
            gone = db.execute(delete(inbox).where(inbox.c.state == "done", inbox.c.received_at < before)).rowcount
            return gone + db.execute(delete(calls).where(calls.c.hour < counted_before)).rowcount

    def _update_hints(self, ids: Sequence[int], values: dict[str, Any]) -> None:
        with self.writing() as db:
            for some in chunks(ids):
                db.execute(update(tables.inbox).where(tables.inbox.c.id.in_(some)).values(**values))
            reached("before-hints-commit")
        reached("after-hints-commit")


def hint_row(
    connection: str, delivery_id: str, topic: str, hints: Sequence[dict[str, str]], now: int
) -> dict[str, Any]:
    """A webhook as it is kept: no body."""
    return {
        "connection": connection,
        "delivery_id": clean(delivery_id),
        "topic": clean(topic),
        "hints": packed(list(hints)),
        "received_at": now,
    }

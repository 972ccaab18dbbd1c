"""Alerts: kept first, told once, and followed by the good news.

Where people are told there may be no way to ask whether a message arrived. So each is noted as sent before it is sent,
and one without an answer is sent again a few times only, later and later. Then it stays here, not confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from commerce.ports import Alert
from ledger import tables
from ledger.records import KeptAlert
from ledger.store import Store, insert_once, moment

OVER = "-over"
"""What ends the id of the message that a problem is over."""

AGAIN = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
"""How long to wait for the next try of a message that got no answer; after the last there is none."""

TRIES = len(AGAIN) + 1


@dataclass(frozen=True)
class Message:
    """The columns of one of a row's two messages: the problem, or that it is over."""

    told: str
    unanswered: str
    due_at: str

    def ready(self, now: int) -> ColumnElement[bool]:
        """Whether it may be sent now."""
        table = tables.alerts.c
        return and_(table[self.told].is_(False), table[self.unanswered] < TRIES, table[self.due_at] <= now)


PROBLEM = Message("told", "unanswered", "due_at")
GOOD_NEWS = Message("told_over", "unanswered_over", "over_due_at")


class Alerts(Store):
    """Problems that people are told of."""

    def raise_alert(self, alert: Alert) -> bool:
        """Keep the alert; True when it is newly open. An open one with the same fingerprint gets the newest words."""
        table = tables.alerts
        with self.writing() as db:
            words = alert.model_dump_json()
            row = {"fingerprint": alert.fingerprint, "alert": words, "opened_at": self.now(db)}
            if db.execute(insert_once(db, table), row).rowcount == 1:
                return True
            still = and_(table.c.fingerprint == alert.fingerprint, table.c.closed_at.is_(None))
            db.execute(update(table).where(still).values(alert=words))
            return False

    def clear_alert(self, fingerprint: str) -> bool:
        """The problem is over; False when it was not open."""
        table = tables.alerts
        with self.writing() as db:
            still = and_(table.c.fingerprint == fingerprint, table.c.closed_at.is_(None))
            return db.execute(update(table).where(still).values(closed_at=self.now(db))).rowcount == 1

    def open_alerts(self) -> list[KeptAlert]:
        """Problems that are not over, oldest first."""
        with self.reading() as db:
            return self._alerts(db, is_open())

    def alerts_to_send(self) -> list[KeptAlert]:
        """Messages that may be sent now, oldest first: new problems, and the end of those that people may know of."""
        with self.reading() as db:
            now = self.now(db)
            problems = and_(is_open(), PROBLEM.ready(now))
            return self._alerts(db, or_(problems, and_(is_over(), GOOD_NEWS.ready(now))))

    def untold_alerts(self) -> list[KeptAlert]:
        """Messages that no channel has confirmed, oldest first. Good news that nobody confirms is let go in the end."""
        table = tables.alerts.c
        good_news = and_(is_over(), table.told_over.is_(False), table.unanswered_over < TRIES)
        with self.reading() as db:
            return self._alerts(db, or_(and_(is_open(), table.told.is_(False)), good_news))

    def sending_alert(self, id: str) -> bool:
        """Note, before it is sent, that this message may be there; False when somebody else has just sent it."""
        key, which, message = told_apart(id)
        table = tables.alerts
        with self.writing() as db:
            now = self.now(db)
            mine = and_(table.c.id == key, which, message.ready(now))
            tried = db.scalar(select(table.c[message.unanswered]).where(mine))
            if tried is None:
                return False
            wait = AGAIN[min(tried, len(AGAIN) - 1)] // timedelta(microseconds=1)
            noted = {message.unanswered: tried + 1, message.due_at: now + wait}
            still = update(table).where(mine, table.c[message.unanswered] == tried)
            return db.execute(still.values(**noted)).rowcount == 1

    def alert_sent(self, id: str) -> None:
        """A channel has confirmed this message."""
        key, _, message = told_apart(id)
        with self.writing() as db:
            db.execute(update(tables.alerts).where(tables.alerts.c.id == key).values(**{message.told: True}))

    def alert_not_sent(self, id: str) -> None:
        """No channel can have it: it may be sent again at once, as if it had not been tried."""
        key, _, message = told_apart(id)
        table = tables.alerts
        tried = table.c[message.unanswered]
        with self.writing() as db:
            back = {message.unanswered: tried - 1, message.due_at: 0}
            db.execute(update(table).where(table.c.id == key, tried > 0).values(**back))

    def _alerts(self, db: Any, which: Any) -> list[KeptAlert]:
        return [kept(row) for row in db.execute(select(tables.alerts).where(which).order_by(tables.alerts.c.id))]


def is_open() -> ColumnElement[bool]:
    """The row stands for a problem."""
    return tables.alerts.c.closed_at.is_(None)


def is_over() -> ColumnElement[bool]:
    """The row stands for the news that a problem is over, of which people were told, or may have been."""
    table = tables.alerts.c
    return and_(table.closed_at.is_not(None), or_(table.told, table.unanswered > 0))


def told_apart(id: str) -> tuple[int, ColumnElement[bool], Message]:
    """The row of a message, what must still be so for it to be sent, and its columns."""
    key = int(id.removesuffix(OVER))
    return (key, is_over(), GOOD_NEWS) if id.endswith(OVER) else (key, is_open(), PROBLEM)


def kept(row: Any) -> KeptAlert:
    """The message that the row stands for now."""
    alert = Alert.model_validate_json(row.alert)
    if row.closed_at is None:
        again = alert.model_copy(update={"again": row.unanswered > 0})
        return KeptAlert(str(row.id), again, moment(row.opened_at), row.told, row.unanswered)
    news = alert.model_copy(update={"over": True, "again": row.unanswered_over > 0})
    return KeptAlert(f"{row.id}{OVER}", news, moment(row.closed_at), row.told_over, row.unanswered_over)

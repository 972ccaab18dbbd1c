"""Alerts: kept first, told once, and followed by the good news."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select, update

from commerce.ports import Alert
from ledger import tables
from ledger.records import KeptAlert
from ledger.store import Store, insert_once, moment

OVER = "-over"
"""What ends the id of the message that a problem is over."""


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
        return [kept(row) for row in self._alerts(tables.alerts.c.closed_at.is_(None))]

    def alerts_to_send(self) -> list[KeptAlert]:
        """Messages that nobody was told yet, oldest first: new problems, and those over that people were told of."""
        table = tables.alerts.c
        untold = and_(table.closed_at.is_(None), table.told.is_(False))
        untold_over = and_(table.closed_at.is_not(None), table.told, table.told_over.is_(False))
        return [kept(row) for row in self._alerts(or_(untold, untold_over))]

    def alert_sent(self, id: str) -> None:
        """People were told this message."""
        table = tables.alerts
        told = {"told_over": True} if id.endswith(OVER) else {"told": True}
        with self.writing() as db:
            db.execute(update(table).where(table.c.id == int(id.removesuffix(OVER))).values(**told))

    def _alerts(self, which: Any) -> list[Any]:
        with self.reading() as db:
            return list(db.execute(select(tables.alerts).where(which).order_by(tables.alerts.c.id)))


def kept(row: Any) -> KeptAlert:
    """The message that the row stands for now."""
    alert = Alert.model_validate_json(row.alert)
    if row.closed_at is None:
        return KeptAlert(str(row.id), alert, moment(row.opened_at))
    return KeptAlert(f"{row.id}{OVER}", alert.model_copy(update={"over": True}), moment(row.closed_at))

"""When each route last ran, and whether it ended well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, update

from ledger import tables
from ledger.records import RouteState
from ledger.store import Store, clean, insert_once, maybe, packed


class Freshness(Store):
    """How fresh the routes are."""

    def route_started(self, route: str) -> None:
        """A run of the route begins."""
        with self.writing() as db:
            self._note(db, route, {"last_started": self.now(db)})

    def route_finished(self, route: str, ok: bool, counts: Mapping[str, int], error: str = "") -> None:
        """A run of the route ended, well or with this error."""
        with self.writing() as db:
            now = self.now(db)
            ended: dict[str, Any] = {"last_finished": now, "last_error": "" if ok else clean(error or "failed")}
            if ok:
                ended["last_ok"] = now
            self._note(db, route, {**ended, "counts": packed(dict(counts))})

    def routes(self) -> list[RouteState]:
        """Every route that ever ran, by name."""
        with self.reading() as db:
            rows = db.execute(select(tables.routes).order_by(tables.routes.c.route)).all()
        return [
            RouteState(
                route=row.route,
                last_started=maybe(row.last_started),
                last_finished=maybe(row.last_finished),
                last_ok=maybe(row.last_ok),
                last_error=row.last_error,
                counts=json.loads(row.counts),
            )
            for row in rows
        ]

    def _note(self, db: Connection, route: str, values: dict[str, Any]) -> None:
        db.execute(insert_once(db, tables.routes), {"route": route})
        db.execute(update(tables.routes).where(tables.routes.c.route == route).values(**values))

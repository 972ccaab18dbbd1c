"""Watermarks: up to which moment, by the source's own stamps, everything has been read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from commerce.failpoints import reached
from ledger import tables
from ledger.store import Store, maybe, micros, moment, upsert


class Cursors(Store):
    """Where each reader has got to."""

    def cursor(self, connection: str, name: str) -> datetime | None:
        """The watermark, None before the first read."""
        with self.reading() as db:
            return maybe(read_moment(db, connection, name))

    def moment_now(self) -> datetime:
        """Now, by the database's clock."""
        with self.reading() as db:
            return moment(self.now(db))

    def set_cursor(self, connection: str, name: str, at: datetime) -> None:
        """Move the watermark, back as well."""
        with self.writing() as db:
            write_moment(db, connection, name, micros(at))
            reached("before-cursor-commit")
        reached("after-cursor-commit")


def push_cursor(db: Connection, connection: str, name: str, at: datetime) -> None:
    """Move the watermark forward, never back."""
    known = read_moment(db, connection, name)
    if known is None or micros(at) > known:
        write_moment(db, connection, name, micros(at))


def read_moment(db: Connection, connection: str, name: str) -> int | None:
    """Microseconds since 1970; None before it was written."""
    table = tables.cursors
    return db.scalar(select(table.c.moment).where(table.c.connection == connection, table.c.name == name))


def write_moment(db: Connection, connection: str, name: str, at: int) -> None:
    """Write it, whatever it was."""
    db.execute(upsert(db, tables.cursors), {"connection": connection, "name": name, "moment": at})

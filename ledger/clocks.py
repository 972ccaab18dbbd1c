"""What machines of the hub saw of vendors' clocks, kept as two cursors: a moment by theirs, and by ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from ledger import tables
from ledger.cursors import write_moment
from ledger.store import Store, micros, moment

THEIRS, OURS = "clock theirs ", "clock ours "
"""How the cursors begin; the machine's name follows."""

KEPT = timedelta(days=1)
"""How much older than the newest one may be before it is forgotten: containers get a new name each time."""


@dataclass(frozen=True, slots=True)
class SeenClock:
    """A machine's clock beside a vendor's, at the same moment."""

    connection: str
    machine: str
    theirs: datetime
    ours: datetime


class Clocks(Store):
    """Our clocks beside the vendors'."""

    def note_clock(self, seen: SeenClock) -> None:
        """Keep what was seen last by this machine of this vendor."""
        table = tables.cursors
        with self.writing() as db:
            write_moment(db, seen.connection, f"{THEIRS}{seen.machine}", micros(seen.theirs))
            write_moment(db, seen.connection, f"{OURS}{seen.machine}", micros(seen.ours))
            for one in seen_clocks(rows(db, seen.connection)):
                if seen.theirs - one.theirs > KEPT:
                    names = [f"{THEIRS}{one.machine}", f"{OURS}{one.machine}"]
                    db.execute(delete(table).where(table.c.connection == seen.connection, table.c.name.in_(names)))

    def seen_clock(self, connection: str, machine: str) -> SeenClock | None:
        """What this machine saw last of this vendor's clock, in whichever process."""
        with self.reading() as db:
            return next((one for one in seen_clocks(rows(db, connection)) if one.machine == machine), None)

    def seen_clocks(self) -> list[SeenClock]:
        """What every machine saw last of every vendor's clock."""
        with self.reading() as db:
            return seen_clocks(rows(db))


def rows(db: Connection, connection: str | None = None) -> Iterable[Row[Any]]:
    """The cursors that hold clocks."""
    table = tables.cursors.c
    wanted = select(table.connection, table.name, table.moment).where(table.name.like("clock %"))
    return db.execute(wanted if connection is None else wanted.where(table.connection == connection)).all()


def seen_clocks(found: Iterable[Row[Any]]) -> list[SeenClock]:
    """Both halves of each put together."""
    halves: dict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)
    for connection, name, at in found:
        half = THEIRS if name.startswith(THEIRS) else OURS
        halves[connection, name.removeprefix(half)][half] = moment(at)
    return [SeenClock(*key, both[THEIRS], both[OURS]) for key, both in halves.items() if len(both) == 2]

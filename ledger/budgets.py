"""One budget of calls for each vendor account, shared by every process of the hub, live work first.

Two kinds, as vendors have two: so many calls in each span (windows), and points that leak back (a bucket).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from ledger import tables
from ledger.store import SECOND, Store, insert_once, upsert

SLOTS = 20
"""A span is counted in so many slots, so that it is kept to within a twentieth."""

LEFT_FOR_LIVE = 0.2
"""The share of a budget that work which may wait never touches, so that live work can start at once."""


class Budgets(Store):
    """What may be called when."""

    def budgets(self, connection: str, gives_way: Callable[[], bool] = lambda: False) -> LedgerLimits:
        """The connection's budgets. While `gives_way`, its calls leave a share to live work and take only the rest."""
        return LedgerLimits(self, connection, gives_way)


@dataclass(frozen=True)
class LedgerLimits:
    """The budgets of one connection (a `Limits`)."""

    store: Store
    connection: str
    gives_way: Callable[[], bool]

    def windows(self, name: str, rates: Sequence[tuple[int, float]]) -> LedgerWindows:
        """So many calls in each of several spans of seconds."""
        return LedgerWindows(self.store, f"{self.connection}:{name}", rates, self.gives_way)

    def bucket(self, name: str) -> LedgerBucket:
        """Points that leak back, as the vendor's answers tell."""
        return LedgerBucket(self.store, f"{self.connection}:{name}", self.gives_way)


@dataclass(frozen=True)
class Span:
    """At most `calls` in any `seconds`."""

    key: str
    calls: int
    width: int
    """Microseconds of a slot."""

    def used(self, db: Connection, now: int) -> list[tuple[int, int]]:
        """(slot, calls) of every slot that the span may still reach into, oldest first.

        Slots that are to come were counted before the clock was set back: nobody waits for them.
        """
        table, last = tables.windows.c, now // self.width
        wanted = select(table.slot, table.used).where(table.name == self.key, table.slot.between(last - SLOTS, last))
        return [(row.slot, row.used) for row in db.execute(wanted.order_by(table.slot))]

    def wait(self, db: Connection, now: int, units: int, limit: int) -> int:
        """Microseconds until `units` more fit; zero when they do."""
        slots = self.used(db, now)
        over = sum(used for _, used in slots) + units - limit
        for slot, used in slots:
            if over <= 0:
                break
            over -= used
            if over <= 0:
                return max(1, (slot + SLOTS + 1) * self.width - now)
        return 0 if over <= 0 else self.width * SLOTS

    def take(self, db: Connection, now: int, units: int) -> None:
        """Count them in the slot that is now, and forget slots that no span reaches."""
        table, slot = tables.windows, now // self.width
        row = {"name": self.key, "slot": slot, "used": units}
        if db.execute(insert_once(db, table), row).rowcount == 1:
            db.execute(delete(table).where(table.c.name == self.key, table.c.slot < slot - SLOTS))
            return
        mine = (table.c.name == self.key, table.c.slot == slot)
        db.execute(table.update().where(*mine).values(used=table.c.used + units))


class LedgerWindows:
    """Calls in spans of time. Fast budgets are taken in handfuls, so that not each call costs a transaction."""

    def __init__(
        self, store: Store, name: str, rates: Sequence[tuple[int, float]], gives_way: Callable[[], bool]
    ) -> None:
        self._store, self._name, self._gives_way = store, name, gives_way
        self._spans = [
            Span(f"{name}:{seconds:g}", calls, max(1, round(seconds * SECOND) // SLOTS)) for calls, seconds in rates
        ]
        self._handful = max(1, int(min(calls / seconds for calls, seconds in rates)) // 10)
        self._left, self._until = 0, 0
        self._lock = threading.Lock()

    def take(self, units: int = 1) -> float:
        """Zero when the calls may be made now, else seconds until it is worth asking again."""
        with self._lock:
            with self._store.reading() as db:
                now = self._store.now(db)
            if self._left >= units and now < self._until:
                self._left -= units
                return 0.0
            wanted = max(units, self._handful)
            seconds = self._reserve(wanted)
            if seconds and wanted > units:
                wanted = units
                seconds = self._reserve(units)
            if seconds == 0.0:
                self._left = wanted - units
            return seconds

    def _reserve(self, units: int) -> float:
        share = 1.0 - (LEFT_FOR_LIVE if self._gives_way() else 0.0)
        with self._store.writing() as db:
            self._store.alone(db, f"budget:{self._name}")
            now = self._store.now(db)
            waits = [span.wait(db, now, units, max(1, int(span.calls * share))) for span in self._spans]
            if max(waits):
                return max(waits) / SECOND
            for span in self._spans:
                span.take(db, now, units)
            # Handed out later than in the slot that counts them they would fall into a span that does not.
            self._until = min((now // span.width + 1) * span.width for span in self._spans)
            return 0.0


class LedgerBucket:
    """A leaky bucket at the vendor, as its answers describe it. Unknown until the first answer, and then free."""

    def __init__(self, store: Store, name: str, gives_way: Callable[[], bool]) -> None:
        self._store, self._name, self._gives_way = store, name, gives_way

    def take(self, units: float) -> float:
        """Zero when the bucket holds them and they are taken, else seconds until it will."""
        with self._store.writing() as db:
            self._store.alone(db, f"budget:{self._name}")
            now, row = self._store.now(db), self._row(db)
            if row is None:
                return 0.0
            level = leaked(row, now)
            wanted = min(units, row.most)
            kept = row.most * LEFT_FOR_LIVE if self._gives_way() else 0.0
            if level < min(wanted + kept, row.most):
                if row.seen > now:  # before the clock was set back: from here on it leaks again
                    self._write(db, row.level, row.most, row.rate, now)
                return max(0.01, (min(wanted + kept, row.most) - level) / row.rate)
            self._write(db, level - wanted, row.most, row.rate, now)
            return 0.0

    def learn(self, requested: float, actual: float, available: float, most: float, rate: float) -> None:
        """An answer: what was asked for is given back, what it really cost is not, and the vendor's own level counts
        when it is lower than ours. Ours may be the lower one, as calls of others are still on their way."""
        with self._store.writing() as db:
            self._store.alone(db, f"budget:{self._name}")
            now, row = self._store.now(db), self._row(db)
            ours = available if row is None else leaked(row, now) + max(0.0, requested - actual)
            self._write(db, max(0.0, min(ours, available)), most, max(1.0, rate), now)

    def _row(self, db: Connection) -> Level | None:
        table = tables.buckets.c
        found = db.execute(
            select(table.level, table.most, table.rate, table.seen).where(table.name == self._name)
        ).first()
        return None if found is None else Level(*found)

    def _write(self, db: Connection, level: float, most: float, rate: float, now: int) -> None:
        row = {"name": self._name, "level": level, "most": most, "rate": rate, "seen": now}
        db.execute(upsert(db, tables.buckets), row)


@dataclass(frozen=True, slots=True)
class Level:
    """What was in the bucket when it was last seen."""

    level: float
    most: float
    rate: float
    seen: int


def leaked(row: Level, now: int) -> float:
    """What is in the bucket now."""
    return min(row.most, row.level + max(0, now - row.seen) / SECOND * row.rate)

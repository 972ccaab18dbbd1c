"""How many calls each vendor got, how many failed, how long they took: by the hour."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from ledger import tables
from ledger.records import CallStat
from ledger.store import SECOND, Store, Wait, micros

log = logging.getLogger(__name__)

HOUR = 3600

WRITE_EVERY = 10.0
"""Seconds that counts may wait in memory; a crash forgets no more than these."""


@dataclass(slots=True)
class Tally:
    """Calls of one operation within one hour."""

    count: int = 0
    errors: int = 0
    throttled: int = 0
    seconds: float = 0.0


class Calls(Store):
    """Call statistics."""

    def __init__(
        self,
        url: str,
        token_keys: Sequence[str] = (),
        clock: Callable[[], float] | None = None,
        wait: Wait = threading.Event.wait,
    ) -> None:
        super().__init__(url, token_keys, clock, wait)
        self._call_logs: dict[str, LedgerCalls] = {}

    def calls(self, connection: str) -> LedgerCalls:
        """Where this connection's calls are counted: one for all threads of this process."""
        return self._call_logs.setdefault(connection, LedgerCalls(self, connection))

    def flush_calls(self) -> None:
        """Write down what is still in memory."""
        for one in list(self._call_logs.values()):
            one.flush()

    def close(self) -> None:
        """Write down what is still in memory, and let go of the database."""
        self.flush_calls()
        super().close()

    def call_stats(self, since: datetime) -> list[CallStat]:
        """Calls by connection and operation since the hour that contains this moment."""
        self.flush_calls()
        table = tables.calls.c
        sums = [func.sum(table[name]) for name in ("count", "errors", "throttled", "seconds")]
        wanted = select(table.connection, table.operation, *sums).where(table.hour >= hour_of(micros(since)))
        with self.reading() as db:
            rows = db.execute(wanted.group_by(table.connection, table.operation).order_by(*table[:2])).all()
        return [CallStat(row[0], row[1], int(row[2]), int(row[3]), int(row[4]), float(row[5])) for row in rows]


class LedgerCalls:
    """One connection's call log (a `CallLog`): counts in memory, and writes them down now and then."""

    def __init__(self, store: Store, connection: str) -> None:
        self._store = store
        self._connection = connection
        self._waiting: dict[tuple[str, int], Tally] = {}
        self._lock = threading.Lock()
        self._written = time.monotonic()

    def called(self, operation: str, status: int, seconds: float) -> None:
        """One call ended. `status` 0 means that no answer came. Never fails because of the database."""
        clock = self._store.clock or time.time
        with self._lock:
            one = self._waiting.setdefault((operation, hour_of(round(clock() * SECOND))), Tally())
            one.count += 1
            one.seconds += seconds
            one.throttled += status == 429
            one.errors += status != 429 and (status == 0 or status >= 400)
            due = time.monotonic() - self._written > WRITE_EVERY
        if due:
            self.flush()

    def counted(self, since: datetime) -> dict[str, int]:
        """Calls by operation, over all processes, since the hour that contains this moment."""
        self.flush()
        table = tables.calls.c
        mine = and_(table.connection == self._connection, table.hour >= hour_of(micros(since)))
        with self._store.reading() as db:
            rows = db.execute(select(table.operation, func.sum(table.count)).where(mine).group_by(table.operation))
            return {operation: int(count) for operation, count in rows}

    def flush(self) -> None:
        """Write down what is in memory; what cannot be written now stays there."""
        with self._lock:
            self._written = time.monotonic()
            waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            self._write(waiting)
        except SQLAlchemyError:
            log.warning("call counts of %s wait, the ledger cannot be written", self._connection, exc_info=True)
            with self._lock:
                for key, one in waiting.items():
                    add(self._waiting.setdefault(key, Tally()), one)

    def _write(self, waiting: dict[tuple[str, int], Tally]) -> None:
        table = tables.calls
        rows = [
            {
                "connection": self._connection,
                "operation": operation,
                "hour": hour,
                "count": one.count,
                "errors": one.errors,
                "throttled": one.throttled,
                "seconds": one.seconds,
            }
            for (operation, hour), one in sorted(waiting.items())
        ]
        with self._store.writing() as db:
            insert = postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
            names: Sequence[str] = ("count", "errors", "throttled", "seconds")
            sums = {name: table.c[name] + insert.excluded[name] for name in names}
            db.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=sums), rows)


def add(to: Tally, more: Tally) -> None:
    """Add the counts up."""
    to.count += more.count
    to.errors += more.errors
    to.throttled += more.throttled
    to.seconds += more.seconds


def hour_of(moment: int) -> int:
    """The beginning of the hour, in microseconds."""
    return moment - moment % (HOUR * SECOND)

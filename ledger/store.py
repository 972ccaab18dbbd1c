"""What every room of the ledger stands on: transactions, the clock, locks between processes, and migrations."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Table, select, text
from sqlalchemy.dialects import postgresql, sqlite

from commerce.ports import Finding
from ledger.engine import READS_ONLY, SAFE_SQLITE, is_sqlite_safe, open_engine, sqlite_version

SECOND = 1_000_000
"""Moments are kept in microseconds."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DATABASE_CLOCK = {
    "sqlite": text("SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)"),
    "postgresql": text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"),
}

One = TypeVar("One")

Wait = Callable[[threading.Event, float], bool]
"""Waits for an event, so many seconds at most; whether it came."""


class Store:
    """A database that belongs to one ledger. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        token_keys: Sequence[str] = (),
        clock: Callable[[], float] | None = None,
        wait: Wait = threading.Event.wait,
    ) -> None:
        """`clock` (seconds since 1970) replaces the database's own clock, for tests; `wait` goes with it, and waits for
        an event for so many seconds of that clock."""
        self.engine = open_engine(url)
        self.clock = clock
        self.wait = wait
        self.token_keys = tuple(token_keys)
        # Threads queue here rather than in SQLite's busy handler, which sleeps.
        self._one_writer = threading.RLock() if self.on_sqlite else nullcontext()

    @property
    def on_sqlite(self) -> bool:
        """Whether this is a file of our own, with one writer at a time."""
        return self.engine.dialect.name == "sqlite"

    def migrate(self) -> None:
        """Bring the tables up to date; harmless when they are. Raises NotConfigured when they are newer than we are."""
        from ledger.migrating import bring_up_to_date

        bring_up_to_date(self)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def check(self) -> Finding:
        """What the ledger is kept in, and whether that is safe."""
        if not self.on_sqlite:
            with self.reading() as db:
                return Finding(
                    subject="ledger", ok=True, message=str(db.scalar(text("SELECT version()"))).split(" (")[0]
                )
        safe = ".".join(map(str, SAFE_SQLITE))
        return Finding(
            subject="ledger",
            ok=is_sqlite_safe(),
            message=f"SQLite {sqlite_version()}",
            hint=""
            if is_sqlite_safe()
            else f"install a pysqlite3 that brings SQLite {safe} or newer: this one can lose commits",
        )

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends."""
        with self._one_writer, self.engine.begin() as db:
            yield db

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only looks."""
        with self.engine.connect() as db:
            yield db.execution_options(**READS_ONLY)

    def now(self, db: Connection) -> int:
        """The database's time, which all processes share."""
        if self.clock is not None:
            return round(self.clock() * SECOND)
        return int(db.scalar(DATABASE_CLOCK[self.engine.dialect.name]) or 0)

    def alone(self, db: Connection, name: str, *, shared: bool = False) -> None:
        """Wait until nobody else is in a transaction that named this; with `shared`, nobody who named it unshared.

        In SQLite a writing transaction is alone anyway.
        """
        if not self.on_sqlite:
            how = "_shared" if shared else ""
            db.execute(text(f"SELECT pg_advisory_xact_lock{how}(hashtextextended(:name, 42))"), {"name": name})

    def reserve(self, db: Connection, table: Table, many: int) -> list[int]:
        """So many new ids, rising. The caller is in a writing transaction."""
        if self.on_sqlite:
            last = db.scalar(select(table.c.id).order_by(table.c.id.desc()).limit(1)) or 0
            return list(range(last + 1, last + 1 + many))
        sequence = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :many)")
        return sorted(db.scalars(sequence, {"table": table.name, "many": many}))


def upsert(db: Connection, table: Table, *, keep: Iterable[str] = ()) -> Insert:
    """An INSERT that overwrites the row with the same primary key, except for the columns to `keep`."""
    insert = postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
    key = [column.name for column in table.primary_key]
    kept = {*key, *keep}
    changes = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in kept}
    return insert.on_conflict_do_update(index_elements=key, set_=changes)


def insert_once(db: Connection, table: Table) -> Insert:
    """An INSERT that leaves a row alone that is already there; its rowcount says whether it was."""
    insert = postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
    # Inline: to return a new id, SQLAlchemy would give up the rowcount.
    return insert.on_conflict_do_nothing().inline().execution_options(preserve_rowcount=True)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The moment, aware and in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def maybe(micros: int | None) -> datetime | None:
    """The moment, if there is one."""
    return None if micros is None else moment(micros)


def chunks(many: Sequence[One], size: int = 500) -> Iterator[Sequence[One]]:
    """Handfuls small enough for one statement."""
    for start in range(0, len(many), size):
        yield many[start : start + size]


def clean(words: object) -> str:
    """Text that every database takes: without NUL and broken surrogates, which vendors may send."""
    return str(words).replace("\x00", "").encode("utf-8", "replace").decode()


def packed(value: Any) -> str:
    """JSON as it is stored: small, and plain ASCII."""
    return json.dumps(value, separators=(",", ":"))

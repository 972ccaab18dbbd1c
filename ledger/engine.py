"""Opening the database: SQLite that survives a power cut, or PostgreSQL."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite  # type: ignore[import-untyped]
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError

from commerce.errors import NotConfigured

SAFE_SQLITE = (3, 51, 3)
"""Older ones can lose commits when two processes race around a checkpoint: https://sqlite.org/wal.html#walresetbug"""

READS_ONLY = {"reads_only": True}
"""Execution options of a connection that takes no write lock."""

BUSY_SECONDS = 30.0

LOOK_AGAIN = 0.001
"""Seconds between two tries to become SQLite's writer. Its own busy handler sleeps for up to a tenth of a second, and
whoever just came takes the turn of whoever has waited longest: a webhook's answer would wait for that."""


def open_engine(url: str) -> Engine:
    """An engine for the ledger's URL. Raises NotConfigured for a URL that names no database we know."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise NotConfigured("hub.ledger", "is no database URL", hint="e.g. sqlite:///var/ledger.db") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        # Parameters are whole orders: an error's text ends up in Prefect's logs. Nothing is prepared: a plan that was
        # made while a table was empty reads all of it each time once there are a hundred thousand rows.
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=10,
            hide_parameters=True,
            connect_args={"prepare_threshold": None},
        )
    raise NotConfigured(
        "hub.ledger", f"cannot be kept in {backend!r}", hint="use sqlite:///… or postgresql+psycopg://…"
    )


def sqlite_version() -> str:
    """The version of the SQLite that is bundled with the hub."""
    return str(sqlite.sqlite_version)


def is_sqlite_safe() -> bool:
    """Whether that SQLite is free of the WAL-reset bug."""
    return tuple(sqlite.sqlite_version_info) >= SAFE_SQLITE


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise NotConfigured("hub.ledger", "an in-memory database forgets everything", hint="name a file: sqlite:///…")
    _private_file(Path(url.database))
    engine = create_engine(
        url,
        module=sqlite,
        pool_size=10,
        max_overflow=20,
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin)
    return engine


def _private_file(path: Path) -> None:
    """Orders hold personal data, so the file is for its owner only; SQLite gives its helpers the same rights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _durable(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver would open transactions too late
    _to_wal(connection)
    # What is forgotten or replaced must not stay in the file's free space: orders hold personal data.
    for pragma in ("synchronous=FULL", "secure_delete=ON", "temp_store=MEMORY", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")


def _to_wal(connection: Any) -> None:
    """Switch the file to WAL. SQLite does not wait for other processes that open a new file at the same moment."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later could not be upgraded while another one writes.
    if connection.get_execution_options().get("reads_only"):
        connection.exec_driver_sql("BEGIN")
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout=0")
    try:
        if not _became_writer(driver):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails again, in the engine's words
    finally:
        driver.execute(f"PRAGMA busy_timeout={round(1000 * BUSY_SECONDS)}")


def _became_writer(driver: Any) -> bool:
    """Begin as soon as nobody else writes; False when somebody did all the while, or something else is wrong."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                return False
            time.sleep(LOOK_AGAIN)
        else:
            return True

"""Prefect's server does not stand still while its garbage is collected."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import aiosqlite
import pytest

from deployments.prefect_server import collect_elsewhere

PATIENCE = 2.0
"""Seconds that a connection waits for the other's transaction; Prefect's own wait for 60."""


class Left:
    """What a failure leaves behind: in a cycle with itself, so that only the collector finds it."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor, self.me = cursor, self


async def two_writers(file: Path, collect: Callable[[], None]) -> None:
    """As in Prefect's server: one transaction that this loop has to commit, another connection that waits for it, and
    a statement of that connection in the garbage. Raises OperationalError when the loop stood still for too long."""
    async with (
        aiosqlite.connect(file, isolation_level=None, timeout=PATIENCE) as first,
        aiosqlite.connect(file, isolation_level=None, timeout=PATIENCE) as second,
    ):
        await first.execute("PRAGMA journal_mode = WAL")
        await first.execute("CREATE TABLE runs (id)")
        await first.execute("BEGIN IMMEDIATE")
        cursor = await second.execute("SELECT 1 UNION SELECT 2")
        await cursor.fetchone()
        left, found = Left(cursor._cursor), threading.Event()
        weakref.finalize(left, found.set)
        waits = threading.Event()
        await second.set_trace_callback(lambda _: waits.set())
        writing = asyncio.ensure_future(second.execute("INSERT INTO runs VALUES (1)"))
        await asyncio.to_thread(waits.wait)
        del cursor, left
        collect()
        await asyncio.to_thread(found.wait)
        await first.execute("COMMIT")
        await writing


def test_a_loop_that_collects_garbage_itself_waits_for_who_waits_for_it(tmp_path: Path) -> None:
    # This is why there is a deployments/prefect_server.py. Should it fail one day, that is no longer needed.
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        asyncio.run(two_writers(tmp_path / "prefect.db", lambda: gc.collect() and None))


def test_garbage_that_is_collected_elsewhere_stops_nobody(tmp_path: Path) -> None:
    enough = threading.Event()

    def begin() -> None:
        nonlocal enough
        enough = collect_elsewhere(every=0.01)

    try:
        asyncio.run(two_writers(tmp_path / "prefect.db", begin))
        assert not gc.isenabled()
    finally:
        enough.set()
        gc.enable()
    # and what both wrote is there
    assert sqlite3.connect(tmp_path / "prefect.db").execute("SELECT count(*) FROM runs").fetchone() == (1,)

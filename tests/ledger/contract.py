"""The engines that every promise of the ledger is kept on, and how a test gets an empty ledger on each.

Every test of this folder that asks for `ledger` runs once for each engine.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from commerce.outcomes import Binding, Done
from ledger import Ledger
from ledger.tables import metadata
from tests.builders import NOON

SERVER = "postgresql://postgres@127.0.0.1:5432/test"
ENGINES = [pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]


class Clock:
    """A clock that stands still until it is told to go on. It begins an hour after noon."""

    def __init__(self) -> None:
        self.time = NOON.timestamp() + 3600

    def __call__(self) -> float:
        return self.time

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.time += seconds


@contextmanager
def a_schema() -> Iterator[str]:
    """The URL of an empty PostgreSQL schema, dropped afterwards. Skips where no server answers."""
    name = f"ledger_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at {SERVER}: {str(error).splitlines()[0]}")
    with server:
        server.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{SERVER.replace('postgresql', 'postgresql+psycopg', 1)}?options=-csearch_path%3D{name}"
        finally:
            server.execute(f"DROP SCHEMA {name} CASCADE")


def a_file(folder: Path, template: Path) -> str:
    """The URL of a fresh copy of a migrated file."""
    shutil.copy(template, folder / "ledger.db")
    return f"sqlite:///{folder / 'ledger.db'}"


def emptied(url: str) -> str:
    """The same URL, with nothing in its tables."""
    ledger = Ledger(url)
    with ledger.writing() as db:
        db.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
    ledger.close()
    return url


def done(vendor_id: str = "v-1", **fields: object) -> Done:
    """The destination has it."""
    return Done(binding=Binding(vendor_id=vendor_id, **fields))


def together(*jobs: Callable[[], None]) -> None:
    """Run the jobs at the same time; raises the first error that one of them met."""
    start = threading.Barrier(len(jobs))
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        start.wait()
        try:
            job()
        except BaseException as error:  # noqa: BLE001  told to the test below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]

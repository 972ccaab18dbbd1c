"""Where a run keeps its ledger: a file, a schema of a PostgreSQL that others use too, or a PostgreSQL of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.gauntlet.database import OwnServer


@dataclass(frozen=True)
class Where:
    """`url` is the ledger's. `server` is where the sessions that call themselves `application` can be ended; empty for
    a file. `own` can be killed."""

    url: str
    server: str = ""
    application: str = ""
    own: OwnServer | None = None


@contextmanager
def a_ledger(database: str, server: str, home: Path) -> Iterator[Where]:
    """A fresh ledger in "sqlite", in a schema of the "postgres" at `server`, or in an "own" one; gone afterwards,
    except for the file."""
    if database == "sqlite":
        yield Where(f"sqlite:///{home / 'ledger.db'}")
    elif database == "own":
        with closing(OwnServer()) as own:
            own.open()
            with a_schema(own.url) as (url, name):
                yield Where(url, own.url, name, own)
    else:
        with a_schema(server) as (url, name):
            yield Where(url, server, name)


@contextmanager
def a_schema(server: str) -> Iterator[tuple[str, str]]:
    """The ledger's URL in a fresh schema, and what its sessions call themselves."""
    name = f"gauntlet_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True, connect_timeout=3) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    driver = server.replace("postgresql", "postgresql+psycopg", 1)
    try:
        yield f"{driver}?options=-csearch_path%3D{name}&application_name={name}", name
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")

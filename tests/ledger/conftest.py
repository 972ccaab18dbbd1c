"""An empty ledger on each engine, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from ledger import Ledger
from tests.ledger.contract import ENGINES, Clock, a_file, a_schema, emptied

KEY = Fernet.generate_key().decode()
Opener = Callable[..., Ledger]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "ledger.db"
    ledger = Ledger(f"sqlite:///{path}")
    ledger.migrate()
    ledger.close()
    return path


@pytest.fixture(scope="session")
def migrated_schema() -> Iterator[str]:
    with a_schema() as url:
        ledger = Ledger(url)
        ledger.migrate()
        ledger.close()
        yield url


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, migrated ledger."""
    if request.param == "sqlite":
        return a_file(tmp_path, request.getfixturevalue("migrated_file"))
    return emptied(request.getfixturevalue("migrated_schema"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(url: str, clock: Clock) -> Iterator[Opener]:
    """Opens the ledger as another process would: `opened()`, `opened(clock=None)`, `opened(token_keys=[…])`."""
    ledgers: list[Ledger] = []

    def open_one(**arguments: object) -> Ledger:
        ledgers.append(Ledger(url, **{"token_keys": [KEY], "clock": clock, **arguments}))
        return ledgers[-1]

    yield open_one
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def ledger(opened: Opener) -> Ledger:
    return opened()

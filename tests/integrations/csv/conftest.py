"""A CSV file, on disk or on a made-up web server, and a client that reads it, with a clock that only sleeping moves."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from commerce.ports import Unreadable
from commerce.stock import StockLevel
from integrations.connector import Services
from integrations.csv.client import Csv
from integrations.csv.settings import CsvSettings
from integrations.csv.simulator import CsvSimulator, build

BASE = "https://files.test"
START = 1_795_428_000.0

STOCK = "sku,quantity\nMUG-RED,7\nMUG-BLUE,-1\nHAT,2.5\n"


@dataclass
class Time:
    """A clock in seconds; `slept` lists every wait, and `meanwhile` happens during the next ones."""

    now: float = START
    slept: list[float] = field(default_factory=list)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def server(clock: Time) -> CsvSimulator:
    """A server with a file that was written an hour ago."""
    files = build(base_url=BASE, clock=clock)
    files.do_put(STOCK, age_hours=1)
    return files


Connect = Callable[..., Csv]


@pytest.fixture
def connect(server: CsvSimulator, clock: Time) -> Connect:
    """Open a client; keywords are settings. Without `path` it reads from the server."""

    def opened(**settings: Any) -> Csv:
        where = {} if "path" in settings else {"url": f"{BASE}/stock.csv", "token": "sim-token"}
        services = Services(transport=server.transport(), sleep=clock.sleep, clock=clock)
        return Csv(CsvSettings(**{"name": "sheet", **where, **settings}), services)

    return opened


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, clock: Time) -> Write:
    """Write a file on disk, so many hours ago; text or bytes."""

    def written(content: str | bytes, *, age_hours: float = 1.0, name: str = "stock.csv") -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        stamp = clock() - age_hours * 3600
        os.utime(file, (stamp, stamp))
        return file

    return written


def levels(client: Csv) -> dict[str, str]:
    """Quantity by "SKU" or "SKU@location"; fails the test for anything unreadable."""
    found = list(client.stock())
    assert [one for one in found if isinstance(one, Unreadable)] == []
    return named(found)


def named(found: list[StockLevel | Unreadable]) -> dict[str, str]:
    """Quantity by "SKU" at the only place, or "SKU@location"."""
    good = [one for one in found if isinstance(one, StockLevel)]
    return {one.sku if one.location == "1" else f"{one.sku}@{one.location}": f"{one.available:f}" for one in good}


def held(client: Csv) -> list[str]:
    """Why, of each SKU that is held."""
    return [one.reason for one in client.stock() if isinstance(one, Unreadable)]

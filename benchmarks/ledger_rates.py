"""How fast the ledger records, claims and settles: `python -m benchmarks.ledger_rates [--orders 5000] [--backlog 0]`.

Prints one JSON line for each engine: SQLite in a temporary folder, and PostgreSQL on loopback when it answers. Three
destinations subscribe. `--backlog` records so many orders first, to see whether a long queue slows a claim down.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg

from commerce.orders import Order
from commerce.outcomes import Binding, Done
from ledger import Ledger
from tests.builders import NOON, an_order, changed

SERVER = "postgresql://postgres@127.0.0.1:5432/test"
PAGE = 250
BATCH = 100


@contextmanager
def engines() -> Iterator[dict[str, str]]:
    """URLs of empty databases, by name; what cannot be reached is left out."""
    with tempfile.TemporaryDirectory() as folder:
        urls = {"sqlite": f"sqlite:///{Path(folder) / 'ledger.db'}"}
        schema = f"rates_{uuid.uuid4().hex[:8]}"
        try:
            server = psycopg.connect(SERVER, autocommit=True, connect_timeout=2)
        except psycopg.OperationalError:
            yield urls
            return
        with server:
            server.execute(f"CREATE SCHEMA {schema}")
            urls["postgresql"] = f"{SERVER.replace('://', '+psycopg://', 1)}?options=-csearch_path%3D{schema}"
            try:
                yield urls
            finally:
                server.execute(f"DROP SCHEMA {schema} CASCADE")


def orders(first: int, many: int) -> list[Order]:
    """Different orders, one a second."""
    return [an_order(number, processed_at=NOON + timedelta(seconds=number)) for number in range(first, first + many)]


def pages(values: Sequence[Order]) -> Iterator[Sequence[Order]]:
    """Pages as a storefront sends them."""
    for start in range(0, len(values), PAGE):
        yield values[start : start + PAGE]


def record(ledger: Ledger, values: Sequence[Order]) -> float:
    """Orders a second."""
    began = time.perf_counter()
    for page in pages(values):
        ledger.record_orders("shop", page)
    return len(values) / (time.perf_counter() - began)


def deliver(ledger: Ledger, destination: str, many: int) -> tuple[float, float]:
    """Records claimed and settled a second, and the slowest claim in milliseconds."""
    done = Done(binding=Binding(vendor_id="1"))
    settled, slowest, began = 0, 0.0, time.perf_counter()
    while settled < many:
        asked = time.perf_counter()
        claim = ledger.claim(destination, limit=BATCH)
        slowest = max(slowest, time.perf_counter() - asked)
        settled += ledger.settle(claim, [(item, done) for item in claim.items])
    return settled / (time.perf_counter() - began), slowest * 1000


def hooks(ledger: Ledger, many: int) -> tuple[float, float]:
    """Webhooks stored a second, one commit each, and the 99th percentile in milliseconds."""
    times = []
    for number in range(many):
        began = time.perf_counter()
        ledger.store_hint("shop", f"d-{number}", "orders/create", [{"topic": "order", "id": str(number)}])
        times.append(time.perf_counter() - began)
    return many / sum(times), sorted(times)[int(many * 0.99)] * 1000


def measure(url: str, many: int, backlog: int) -> dict[str, float]:
    """The rates of one engine."""
    ledger = Ledger(url)
    ledger.migrate()
    for name, keeps in (("warehouse", "state"), ("books", "state"), ("marketing", "events")):
        ledger.subscribe(name, "shop", ["order"], keeps, live_from=NOON)  # type: ignore[arg-type]
    for start in range(0, backlog, 10_000):
        record(ledger, orders(1_000_000 + start, min(10_000, backlog - start)))
    fresh = orders(100_000, many)
    found = {"recorded/s": record(ledger, fresh), "read again/s": record(ledger, fresh)}
    found["claimed+settled/s (state)"], found["slowest claim ms (state)"] = deliver(ledger, "warehouse", many)
    found["claimed+settled/s (events)"], found["slowest claim ms (events)"] = deliver(ledger, "marketing", many)
    edited = [changed(order, note="edited", updated_at=NOON + timedelta(hours=1)) for order in fresh]
    found["changes recorded/s"] = record(ledger, edited)
    began = time.perf_counter()
    ledger.trace("#100007")
    found["trace ms"] = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    ledger.status()
    found["status ms"] = (time.perf_counter() - began) * 1000
    found["webhooks stored/s"], found["webhook p99 ms"] = hooks(ledger, 1000)
    ledger.close()
    return {name: round(value, 1) for name, value in found.items()}


def main() -> None:
    """Measure every engine that can be reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5000)
    parser.add_argument("--backlog", type=int, default=0)
    told = parser.parse_args()
    with engines() as urls:
        for name, url in urls.items():
            print(json.dumps({"engine": name, **measure(url, told.orders, told.backlog)}), flush=True)


if __name__ == "__main__":
    main()

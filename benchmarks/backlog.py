"""Whether a long backlog slows the hub down: `python -m benchmarks.backlog [--orders 100000] [--engine sqlite]`.

Records so many orders for a warehouse, each to leave on some day of the next two weeks, then claims and settles all of
them in batches of 100, and fails unless they come oldest promise first over all batches. Prints one JSON line: the rate
of the first and of the last tenth, the slowest claim of each, and the memory of the process after each. The engine
`own` is a PostgreSQL that it starts itself, as its packages set it up; `postgresql` is the one on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.ledger_rates import BATCH, PAGE, engines
from commerce.orders import Order
from commerce.outcomes import Binding, Done
from ledger import Ledger
from tests.builders import NOON, a_fulfilment_order, a_line, an_order
from tests.gauntlet.database import OwnServer

TEA = a_line("TEA")
MODEL = an_order(1, lines=(TEA,), fulfilment_orders=(a_fulfilment_order([TEA]),))

DAYS = 14


def resident_mb() -> float:
    """Memory of this process that is really in use, in MB. Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def an_order_due(number: int) -> Order:
    """One a second, each promised for a moment that has nothing to do with its number."""
    [route] = MODEL.fulfilment_orders
    routed = route.model_copy(update={"ship_by": NOON + timedelta(seconds=number * 7919 % (DAYS * 86400))})
    named = {"id": f"5{number}", "number": f"#{number}", "processed_at": NOON + timedelta(seconds=number)}
    return MODEL.model_copy(update={**named, "fulfilment_orders": (routed,)})


def record(ledger: Ledger, first: int, many: int) -> float:
    """Orders a second, as a storefront's pages bring them; making the orders is not counted."""
    spent = 0.0
    for start in range(first, first + many, PAGE):
        page = [an_order_due(number) for number in range(start, min(start + PAGE, first + many))]
        began = time.perf_counter()
        ledger.record_orders("shop", page)
        spent += time.perf_counter() - began
    return many / spent


class Drain:
    """Claims and settles, and sees that what was promised first comes first."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.reached = ""

    def some(self, many: int) -> tuple[float, float, float]:
        """Records a second; in milliseconds the slowest claim, and this process's own time for each record."""
        done = Done(binding=Binding(vendor_id="1"))
        settled, slowest, began, used = 0, 0.0, time.perf_counter(), time.process_time()
        while settled < many:
            asked = time.perf_counter()
            claim = self.ledger.claim("warehouse", limit=min(BATCH, many - settled))
            slowest = max(slowest, time.perf_counter() - asked)
            for item in claim.items:
                promise = item.newest.data["fulfilment_orders"][0]["ship_by"]
                if promise < self.reached:
                    raise SystemExit(f"{item.subject}, promised for {promise}, came after {self.reached}")
                self.reached = promise
            settled += self.ledger.settle(claim, [(item, done) for item in claim.items])
        used = time.process_time() - used
        return settled / (time.perf_counter() - began), slowest * 1000, used * 1000 / settled


def told(words: str) -> None:
    """How far it is; each tenth of a million takes minutes."""
    print(words, file=sys.stderr, flush=True)


def measure(url: str, many: int) -> dict[str, float]:
    """The figures of one engine."""
    ledger = Ledger(url)
    ledger.migrate()
    ledger.subscribe("warehouse", "shop", ["order"], "state", live_from=NOON)
    tenth = many // 10
    found: dict[str, float] = {"orders": many}
    for start in range(0, many, tenth):
        rate = record(ledger, 1_000_000 + start, tenth)
        told(f"recorded {start + tenth}: {rate:.0f}/s, {resident_mb():.0f} MB")
        if start in (0, many - tenth):
            found[f"recorded/s, {'first' if start == 0 else 'last'} tenth"] = rate
    found["memory MB when recorded"] = resident_mb()
    drain = Drain(ledger)
    for start in range(0, many, tenth):
        rate, slowest, used = drain.some(tenth)
        told(f"settled {start + tenth}: {rate:.0f}/s, slowest claim {slowest:.0f} ms, {resident_mb():.0f} MB")
        if start in (0, many - tenth):
            name = "first" if start == 0 else "last"
            found |= {f"settled/s, {name} tenth": rate, f"slowest claim ms, {name} tenth": slowest}
            found |= {f"own ms each, {name} tenth": used, f"memory MB after the {name} tenth": resident_mb()}
    ledger.close()
    return {name: round(value, 3 if value < 10 else 1) for name, value in found.items()}


@contextmanager
def opened(engine: str) -> Iterator[str]:
    """The URL of an empty database."""
    if engine == "own":
        server = OwnServer()
        try:
            server.open()
            yield server.url.replace("://", "+psycopg://", 1)
        finally:
            server.close()
        return
    with engines() as urls:
        if engine not in urls:
            raise SystemExit(f"{engine} cannot be reached")
        yield urls[engine]


def main() -> None:
    """Measure one engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "own"), default="sqlite")
    asked = parser.parse_args()
    with opened(asked.engine) as url:
        before = round(os.getloadavg()[0], 1)
        found = measure(url, asked.orders)
        print(json.dumps({"engine": asked.engine, **found, "load": [before, round(os.getloadavg()[0], 1)]}), flush=True)


if __name__ == "__main__":
    main()
